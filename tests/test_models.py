"""The pydantic models accept and refuse exactly what reading an entry does, and tidy it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cowork_env import models, secrets
from cowork_env.core import provider
from cowork_env.core.provider import InvalidField

from support.home import GUIDE

WORDS = st.sampled_from(
    [
        "",
        " ",
        "a",
        " a ",
        "a b",
        "none",
        "#x",
        "x\ny",
        "\ud800",
        "\u202e",
        "ENC:v1:AAAA",
        "ENC:v1:\ud800",
        "djExAAAA",
        "bearer",
        "api-key",
        "http://localhost:4000/v1",
        "http://example.com",
        "https://openrouter.ai/api/v1",
        "https://x?y",
        "https://u@x",
        "ftp://x",
        "https://",
        "env:KEY",
        "env:ANTHROPIC_API_KEY",
        "file:/x",
        "file:x",
        "cmd:",
        "cmd:'",
        "pass:a/b",
        "nope:x",
        "1",
        "0",
    ]
)
TEXTS = WORDS | st.text(max_size=8)
SCALARS = st.none() | st.booleans() | st.integers() | TEXTS | st.floats(allow_nan=False)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=4,
)
TIERS = st.dictionaries(
    st.sampled_from(["opus", "sonnet", "haiku", "fable", "other", "x\ud800"]),
    TEXTS | ANYTHING,
    max_size=3,
)
VARIABLES = st.dictionaries(
    st.sampled_from(
        [
            "A",
            "CLAUDE_CODE_USE_BEDROCK",
            "ANTHROPIC_BASE_URL",
            "ANTHROPIC_API_KEY",
            "ANTHROPIC_AUTH_TOKEN",
            "PATH",
            "1",
            "",
        ]
    ),
    TEXTS | ANYTHING,
    max_size=3,
)
NAMES = st.sampled_from(["A", " B ", "é", "none", ""])
URLS = st.sampled_from(
    ["https://openrouter.ai/api/v1", "http://localhost:4000", "http://example.com", ""]
)


def field(likely: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A value that is valid more often than not."""
    return likely | likely | likely | TEXTS | ANYTHING


ENTRIES = st.fixed_dictionaries(
    {"name": field(NAMES), "baseUrl": field(URLS)},
    optional={
        "id": field(st.uuids().map(str)),
        "authToken": field(st.sampled_from(["sk-1", "", "ENC:v1:AAAA", "ENC:v1:\ud800"])),
        "defaultModel": field(st.sampled_from(["m", " m ", ""])),
        "models": field(TIERS),
        "env": field(VARIABLES),
        "authTokenFrom": field(st.sampled_from(["env:KEY", "file:/x"])),
        "auth": field(st.sampled_from(["bearer", "api-key"])),
        "verbatimBaseUrl": field(st.booleans()),
        "allowInsecure": field(st.booleans()),
        "unknown": ANYTHING,
        "base_url": ANYTHING,
        "model_config": ANYTHING,
        "self": ANYTHING,
        "x\ud800": ANYTHING,
    },
)


def by_reading(entry: Any) -> provider.Provider | tuple[tuple[str, ...], str]:
    """What the code that every prompt uses, and the check of references, make of an entry."""
    try:
        read = provider.Provider(entry)
        secrets.check_reference(read.token_from)
        return read
    except InvalidField as error:
        return error.path, error.why


@settings(max_examples=1500, deadline=None)
@given(ENTRIES | ANYTHING)
def test_models_and_reading_accept_the_same_entries(entry: Any) -> None:
    verdict = by_reading(entry)
    try:
        tidy = models.tidy(entry)
    except InvalidField as error:
        assert verdict == (error.path, error.why)
        return
    assert isinstance(verdict, provider.Provider), verdict
    again = by_reading(tidy)
    assert isinstance(again, provider.Provider)
    for slot in provider.Provider.__slots__:
        assert getattr(again, slot) == getattr(verdict, slot), slot
    assert list(tidy) == list(entry)
    assert {k: v for k, v in tidy.items() if k not in provider.KEYS} == {
        k: v for k, v in entry.items() if k not in provider.KEYS
    }

    model = models.validated(
        {k: v for k, v in entry.items() if k != "x\ud800" and k != "models"}
        | {"models": verdict.models}
    )
    assert (model.name, model.id or "", model.base_url or "") == (
        verdict.name,
        verdict.id,
        verdict.base_url,
    )
    assert (model.auth_token or "", model.auth_token_from or "") == (
        verdict.token,
        verdict.token_from,
    )
    assert (model.auth or "bearer", model.env or {}) == (verdict.auth, verdict.env)
    assert (bool(model.verbatim_base_url), bool(model.allow_insecure)) == (
        verdict.verbatim,
        verdict.insecure,
    )
    assert (model.default_model or "") == verdict.default_model
    assert {
        tier: m for tier in provider.TIERS if (m := getattr(model.models, tier))
    } == verdict.models


@pytest.mark.parametrize("entry", GUIDE, ids=lambda entry: str(entry["name"]))
def test_the_guides_providers_are_valid_and_unchanged(entry: dict[str, Any]) -> None:
    assert json.dumps(models.tidy(entry)) == json.dumps(entry)


def test_tidy_strips_white_space_and_keeps_unknown_keys() -> None:
    entry = {
        "z": 1,
        "models": {"theirs": [1], "opus": " o "},
        "name": " A ",
        "baseUrl": "https://x",
        "defaultModel": " m ",
        "a": None,
    }
    tidy = {
        "z": 1,
        "models": {"theirs": [1], "opus": "o"},
        "name": "A",
        "baseUrl": "https://x",
        "defaultModel": "m",
        "a": None,
    }
    assert json.dumps(models.tidy(entry)) == json.dumps(tidy)


def test_no_value_is_in_an_error_or_a_repr() -> None:
    key = "sk-marked-0000"
    entry: dict[str, Any] = {
        "name": "A",
        "baseUrl": "https://x",
        "authToken": key,
        "apiKey": key,
        "env": {"A": key},
    }
    assert key not in repr(models.validated(entry))
    assert key not in str(models.validated(entry))
    for bad in (
        {"authToken": key + "\n"},
        {"env": {"A\n": key}},
        {"env": [key]},
        {"authTokenFrom": key},
        {"auth": key},
        {"models": key},
        {"name": [key]},
        {"defaultModel": "://" + key},
    ):
        with pytest.raises(InvalidField) as caught:
            models.validated(entry | bad)
        assert key not in f"{caught.value!r} {caught.value} {caught.value.why} {caught.value.path}"
        assert caught.value.__suppress_context__
        with pytest.raises(ValueError, match="Provider") as raw:
            models.Provider.model_validate(entry | bad)
        assert key not in str(raw.value)
