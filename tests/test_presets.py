"""Presets: each one makes a valid provider with the values that it needs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cowork_env import presets, secrets
from cowork_env.core.environment import target
from cowork_env.core.provider import KEYS, InvalidField, Provider, repaired
from cowork_env.editing import complete_url
from cowork_env.util.errors import CoworkEnvError

from support.home import Home
from support.program import Program

ANSWERS = {"resource": "my-resource", "region": "eu-west-1", "directory": "none"}
IDS = [preset.id for preset in presets.all_presets()]
OPENAI = [preset.id for preset in presets.all_presets() if preset.format == "openai"]


def made(preset: presets.Preset) -> Provider:
    """The provider that ``add`` makes of a preset."""
    entry = preset.fill(ANSWERS).as_dict()
    if presets.KEY in preset.needs:
        entry["authToken"] = "sk-invented"
    if presets.MODEL in preset.needs:
        entry["defaultModel"] = "some-model"
    return Provider({key: value for key, value in entry.items() if key in KEYS})


@pytest.mark.parametrize("preset_id", sorted({*IDS} - {*OPENAI}))
def test_a_preset_makes_a_valid_provider(preset_id: str) -> None:
    preset = presets.get(preset_id)
    provider = made(preset)
    wanted = target(provider, secrets.fetch(provider, {}), {})
    assert not provider.needs_key or (
        wanted["ANTHROPIC_BASE_URL"] and "{" not in wanted["ANTHROPIC_BASE_URL"]
    )
    assert not any("{" in value for value in provider.env.values())
    assert preset.needs.keys() <= {"key", "model", "url", "resource", "region", "directory"}
    # The URLs of presets need no repair, except for a final slash.
    assert repaired(preset.base_url) == preset.base_url.rstrip("/")


def test_ids_and_names_are_unique_and_well_formed() -> None:
    names = [preset.name.casefold() for preset in presets.all_presets()]
    assert len(set(IDS)) == len(IDS) == 38
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z0-9-]+", preset_id) for preset_id in IDS)
    assert re.fullmatch(r"20\d\d-\d\d", presets.date())


def test_presets_ask_only_for_what_they_do_not_have() -> None:
    for preset in presets.all_presets():
        if preset.id in OPENAI:
            continue
        needs_none = preset.token or preset.id in ("bedrock", "claude-account")
        assert (presets.KEY in preset.needs) == (not needs_none)
        assert not (preset.default_model and presets.MODEL in preset.needs)


def test_pages_for_keys_belong_to_presets_that_need_one() -> None:
    for preset in presets.all_presets():
        if preset.keys_page:
            assert preset.keys_page.startswith("https://") and presets.KEY in preset.needs
        if presets.URL in preset.needs:  # the usual one is offered
            assert preset.base_url.startswith("http://")


@pytest.mark.parametrize(
    ("answer", "url"),
    [
        ("", ""),
        ("https://x.example/v1", "https://x.example/v1"),
        ("ftp://x", "ftp://x"),  # and is refused
        ("4001", "http://localhost:4001"),
        (":4001", "http://localhost:4001"),
        ("localhost", "http://localhost:4000"),
        ("10.0.0.7", "http://10.0.0.7:4000"),
        ("[::1]:80/x", "http://[::1]:80/x"),
        ("proxy:4000", "http://proxy:4000"),
        ("proxy.example", "https://proxy.example"),
        ("proxy.example:443", "https://proxy.example:443"),
    ],
)
def test_a_url_without_its_scheme_is_completed(answer: str, url: str) -> None:
    assert complete_url(answer, "http://localhost:4000") == url


def test_known_endpoints() -> None:
    assert presets.get("OpenRouter").base_url == "https://openrouter.ai/api"
    assert presets.get("anthropic").auth == "api-key"
    assert presets.get("minimax").env["API_TIMEOUT_MS"] == "3000000"
    assert list(presets.get("openrouter").needs) == ["key"]


@pytest.mark.parametrize("answer", ["", "evil.example.com/", "a b", "x@y", "ä", "a.b"])
def test_an_answer_cannot_change_the_host(answer: str) -> None:
    with pytest.raises(CoworkEnvError):
        presets.get("foundry").fill({"resource": answer})


def test_fill_does_not_change_the_preset() -> None:
    preset = presets.get("foundry")
    filled = preset.fill({"resource": "contoso"})
    assert filled.base_url == "https://contoso.services.ai.azure.com/api/anthropic"
    assert "resource" in preset.needs and "resource" not in filled.needs


def test_an_unknown_preset_suggests_similar_ones() -> None:
    with pytest.raises(CoworkEnvError) as failure:
        presets.get("openruter")
    assert "openrouter" in failure.value.hint


def test_the_command_lists_them(home: Home, tmp_path: Path) -> None:
    program = Program(home, cwd=tmp_path)
    listed = program.run("presets").check().stdout
    assert all(preset_id in listed for preset_id in IDS) and presets.date() in listed
    document = program.run("presets", "--json").check().json()
    assert document["date"] == presets.date()
    assert [preset["id"] for preset in document["presets"]] == IDS
    rows = [row.replace(":", "").replace(";", "").split() for row in listed.splitlines()[:-1]]
    formats = {row[0]: row[2] for row in rows}
    assert formats == {preset["id"]: preset["format"] for preset in document["presets"]}
    assert {formats[preset_id] for preset_id in OPENAI} == {"openai"}
    assert list(formats.values()).count("openai") == len(OPENAI) > 0


# Endpoints in OpenAI's format


@pytest.mark.parametrize("preset_id", OPENAI)
def test_one_in_openais_format_names_its_gateway_and_nothing_else(preset_id: str) -> None:
    preset = presets.get(preset_id)
    assert {"model", "key"} <= preset.gateway.keys() and not preset.needs
    assert presets.known_openai(preset.base_url.removesuffix("/v1")).__repr__() == repr(preset)
    hint = presets.gateway_hint(preset.base_url, "m")
    model = f"{preset.gateway['model']}/m"
    assert f"key in {preset.gateway['key']}, " in hint
    assert f"LITELLM_MASTER_KEY: litellm --host 127.0.0.1 --model {model};" in hint
    assert hint.endswith(f"--default-model {model}") and f"add litellm --name {preset.name[0]}" in (
        hint.replace("'", "")
    )


@pytest.mark.parametrize(
    "url",
    [
        "https://API.openai.com",
        "https://api.groq.com:443/openai/v1/chat",
        "https://api.together.xyz",
    ],
)
def test_the_host_tells_the_format(url: str) -> None:
    with pytest.raises(InvalidField) as refused:
        presets.check_format(url)
    assert "OpenAI's format" in refused.value.why and "litellm" in refused.value.hint


@pytest.mark.parametrize(
    "url",
    [
        "https://api.anthropic.com",
        "https://api.openai.com.example/v1",
        "https://openai.example/api.openai.com",
        "http://localhost:8000/v1",
        "api.openai.com",
        "",
    ],
)
def test_others_are_not_judged_by_their_url(url: str) -> None:
    assert presets.check_format(url) == url


@pytest.mark.parametrize(
    ("url", "model", "shown"),
    [
        ("http://localhost:8000/v1/", "", "hosted_vllm/MODEL --api_base http://localhost:8000/v1;"),
        ("https://u:k3y@a.example", "", "--api_base URL;"),
        ("https://a.example?key=k3y", "", "--api_base URL;"),
        ("", "", "--api_base URL;"),
        ("http://a.example/v1", "a b", "--model 'hosted_vllm/a b' --api_base"),
        ("http://a.example/v1", "a\nb", "--model hosted_vllm/MODEL --api_base"),
    ],
)
def test_the_commands_can_be_pasted_and_show_no_key(url: str, model: str, shown: str) -> None:
    hint = presets.gateway_hint(url, model)
    assert shown in hint and "k3y" not in hint
