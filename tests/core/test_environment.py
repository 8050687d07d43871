"""The target of a provider, and how it is applied, refreshed and undone."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cowork_env.core import environment
from cowork_env.core.environment import (
    ACTIVE,
    BASE_URL,
    HOST_FLAG,
    MANAGED,
    MODEL,
    STATE,
    TIER_MODELS,
    Activation,
    applied,
    enter,
    refresh,
    target,
    transition,
)
from cowork_env.core.provider import Provider

from support.home import GUIDE, GUIDE_MANAGED

KEY = "sk-marked-0123456789"


def wanted(
    overrides: dict[str, str] | None = None, token: str = KEY, **entry: Any
) -> environment.Target:
    return target(
        Provider({"name": "A", "baseUrl": "https://a.example/v1", **entry}), token, overrides or {}
    )


def set_by(goal: environment.Target) -> dict[str, str]:
    return {k: v for k, v in goal.items() if v is not None}


def tiers(goal: environment.Target) -> list[str | None]:
    """The models of opus, sonnet, haiku and fable."""
    return [goal[name] for name in TIER_MODELS.values()]


# Targets

UNSET = [
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_API_URL",
    "ANTHROPIC_API_BASE_URL",
    "ANTHROPIC_CUSTOM_HEADERS",
    "ANTHROPIC_SMALL_FAST_MODEL",
    "CLAUDE_CODE_SUBAGENT_MODEL",
    "CLAUDE_CODE_OAUTH_TOKEN",
    "CLAUDE_CODE_USE_BEDROCK",
    "CLAUDE_CODE_USE_VERTEX",
    "CLAUDE_CODE_USE_FOUNDRY",
    "CLAUDE_CODE_USE_GATEWAY",
    "CLAUDE_CODE_USE_MANTLE",
    "CLAUDE_CODE_USE_ANTHROPIC_AWS",
]


@pytest.mark.parametrize("entry", GUIDE, ids=lambda e: e["name"])
def test_the_guides_examples(entry: dict[str, Any]) -> None:
    goal = target(Provider(entry), entry["authToken"], {})
    assert set_by(goal) == GUIDE_MANAGED[entry["name"]]
    assert all(goal[name] is None for name in UNSET)
    assert set(goal) == set(UNSET) | set(MANAGED) | {ACTIVE}


def test_one_credential_is_set_and_the_other_unset() -> None:
    bearer, key = wanted(auth="bearer"), wanted(auth="api-key")
    assert (bearer["ANTHROPIC_AUTH_TOKEN"], bearer["ANTHROPIC_API_KEY"]) == (KEY, None)
    assert (key["ANTHROPIC_AUTH_TOKEN"], key["ANTHROPIC_API_KEY"]) == (None, KEY)


def test_a_verbatim_url_is_not_repaired() -> None:
    assert wanted(verbatimBaseUrl=True)[BASE_URL] == "https://a.example/v1"
    assert wanted()[BASE_URL] == "https://a.example"


def test_tiers_without_a_model_get_the_default_except_at_anthropic() -> None:
    assert tiers(wanted(defaultModel="d", models={"opus": "o"})) == ["o", "d", "d", "d"]
    assert tiers(wanted()) == [None] * 4
    for url in ("https://api.anthropic.com", "https://API.anthropic.com:443/v1/"):
        goal = wanted(baseUrl=url, defaultModel="d", models={"haiku": "h"})
        assert tiers(goal) == [None, None, "h", None]
        assert goal[MODEL] == "d"
    other = wanted(baseUrl="https://api.anthropic.com.evil.example", defaultModel="d")
    assert tiers(other)[0] == "d"


def test_models_of_a_pin_override_the_providers() -> None:
    goal = wanted(
        {"model": "m", "haiku": "h"}, defaultModel="d", models={"opus": "o", "haiku": "x"}
    )
    assert goal[MODEL] == "m"
    assert tiers(goal) == ["o", "m", "h", "m"]


def test_env_adds_replaces_and_exempts_variables() -> None:
    goal = wanted(
        defaultModel="d",
        env={
            "API_TIMEOUT_MS": "1",
            MODEL: "e",
            HOST_FLAG: "",
            "CLAUDE_CODE_SUBAGENT_MODEL": "s",
            "ANTHROPIC_API_URL": "",
        },
    )
    assert goal["API_TIMEOUT_MS"] == "1"
    assert goal[MODEL] == "e"
    assert goal["CLAUDE_CODE_SUBAGENT_MODEL"] == "s"
    assert HOST_FLAG not in goal and "ANTHROPIC_API_URL" not in goal
    assert wanted()[HOST_FLAG] == "1"


@pytest.mark.parametrize("name", environment.URL_AND_CREDENTIALS)
def test_env_cannot_exempt_the_url_or_a_credential(name: str) -> None:
    goal = wanted(env={name: ""})
    assert goal[name] == wanted()[name]
    theirs = {
        BASE_URL: "https://mine.example",
        "ANTHROPIC_AUTH_TOKEN": "mine",
        "ANTHROPIC_API_KEY": "mine",
    }
    after = applied(theirs, enter(theirs, "a", goal)[1])
    assert "mine" not in str({k: v for k, v in after.items() if k != STATE})


@pytest.mark.parametrize("cloud", ["BEDROCK", "VERTEX", "FOUNDRY"])
def test_a_direct_cloud(cloud: str) -> None:
    flag = f"CLAUDE_CODE_USE_{cloud}"
    goal = target(
        Provider({"name": "A", "env": {flag: "1", "AWS_REGION": "x"}, "defaultModel": "d"}), "", {}
    )
    assert (goal[flag], goal["AWS_REGION"], goal[MODEL], goal[HOST_FLAG]) == ("1", "x", "d", "1")
    assert all(goal[name] is None for name in environment.URL_AND_CREDENTIALS)
    both = {"name": "A", "env": {flag: "1"}, "baseUrl": "https://a.example"}
    assert all(target(Provider(both), "", {})[n] is None for n in environment.URL_AND_CREDENTIALS)
    assert all(
        target(Provider({"name": "A", "env": {flag: "1"}}), KEY, {})[n] is None
        for n in environment.URL_AND_CREDENTIALS
    )
    assert (
        set_by(target(Provider(both), KEY, {})).items()
        >= {BASE_URL: "https://a.example", "ANTHROPIC_AUTH_TOKEN": KEY}.items()
    )


def test_the_unresolved_target_makes_clients_fail() -> None:
    goal = environment.unresolved()
    assert set_by(goal) == {
        BASE_URL: "http://unresolved.cowork-env.invalid",
        "ANTHROPIC_AUTH_TOKEN": "unresolved",
        HOST_FLAG: "1",
    }
    assert set(goal) == {*MANAGED, ACTIVE}


# Transitions

names = st.sampled_from([*MANAGED, ACTIVE, "X", "Y_1"])
texts = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12
) | st.binary(max_size=12).map(lambda b: b.replace(b"\0", b"").decode("utf-8", "surrogateescape"))
environments = st.dictionaries(names | st.just("HOME"), texts | st.just(""), max_size=12)
tokens = st.text("abcdef", min_size=12, max_size=16).map("sk-".__add__)


@st.composite
def targets(draw: st.DrawFn) -> environment.Target:
    extra = draw(
        st.dictionaries(
            st.sampled_from(["X", "Y_1", MODEL, HOST_FLAG, "ANTHROPIC_API_URL"]), texts, max_size=3
        )
    )
    entry = {
        "name": draw(st.sampled_from(["A", "B"])),
        "baseUrl": draw(st.sampled_from(["https://a.example", "https://api.anthropic.com/v1"])),
        "auth": draw(st.sampled_from(["bearer", "api-key"])),
        "defaultModel": draw(st.sampled_from(["", "m"])),
        "env": {k: v.encode("utf-8", "ignore").decode() for k, v in extra.items()},
    }
    return target(Provider(entry), draw(tokens), {})


# What a user, or a startup file, sets (None: unsets).
edits = st.dictionaries(names, st.none() | texts, max_size=4)


@given(environments, targets())
def test_enter_makes_the_wanted_changes_and_no_others(
    env: dict[str, str], goal: environment.Target
) -> None:
    activation, changes = enter(env, "k", goal)
    after = applied(env, changes)
    assert {n: after.get(n) for n in goal} == goal
    assert after.pop(STATE) == activation.encode()
    assert {n: v for n, v in after.items() if n not in goal} == {
        n: v for n, v in env.items() if n not in goal
    }


@given(environments, targets(), edits)
def test_reverse_restores_originals_and_keeps_what_the_user_changed(
    env: dict[str, str], goal: environment.Target, edited: dict[str, str | None]
) -> None:
    activation, changes = enter(env, "k", goal)
    during = applied(applied(env, changes), edited)
    read = Activation.decode(during[STATE])
    assert read is not None
    for each in (activation, read):
        # Setting the value that is there already cannot be noticed, and is not a change.
        expected = applied(env, {n: v for n, v in edited.items() if goal.get(n, ...) != v})
        assert applied(during, each.reverse(during)) == expected


@given(environments, targets(), st.lists(targets(), max_size=3), st.booleans())
def test_any_sequence_of_providers_can_be_undone(
    env: dict[str, str], first: environment.Target, others: list[environment.Target], fresh: bool
) -> None:
    live = dict(env)
    for goal in (first, *others):
        live = applied(live, transition(live, goal[ACTIVE] or "", goal, fresh)[1])
        assert {n: live.get(n) for n in goal} == goal
    assert applied(live, transition(live, "", None)[1]) == env


@given(environments, targets(), targets(), edits)
def test_refresh_keeps_what_the_user_changed(
    env: dict[str, str],
    one: environment.Target,
    two: environment.Target,
    edited: dict[str, str | None],
) -> None:
    edited = {n: v for n, v in edited.items() if n in one and one[n] != v}
    activation, changes = enter(env, "k", one)
    live = applied(applied(env, changes), edited)
    again, changes = refresh(live, activation, two, fresh=False)
    after = applied(live, changes)
    assert {n: after.get(n) for n in edited} == edited
    user_endpoint = any(n in edited for n in environment.URL_AND_CREDENTIALS)
    for n in two:
        if n not in edited:
            assert after.get(n) == (
                live.get(n) if user_endpoint and n in environment.URL_AND_CREDENTIALS else two[n]
            )
    if user_endpoint:
        # A new key never goes to the user's URL, nor the user's key to a new URL.
        assert [after.get(n) for n in environment.URL_AND_CREDENTIALS] == [
            live.get(n) for n in environment.URL_AND_CREDENTIALS
        ]
    assert applied(after, again.reverse(after)) == applied(env, edited)


@given(environments, targets(), targets(), edits)
def test_a_fresh_shell_applies_the_provider_over_its_startup_files(
    env: dict[str, str],
    one: environment.Target,
    two: environment.Target,
    set_at_start: dict[str, str | None],
) -> None:
    set_at_start = {n: v for n, v in set_at_start.items() if one.get(n, ...) != v}
    activation, changes = enter(env, "k", one)
    live = applied(applied(env, changes), set_at_start)
    again, changes = refresh(live, activation, two, fresh=True)
    after = applied(live, changes)
    assert {n: after.get(n) for n in two} == two
    assert applied(after, again.reverse(after)) == applied(env, set_at_start)


# The state

activations = st.builds(enter, environments, st.sampled_from(["k", "id-1"]), targets()).map(
    lambda pair: pair[0]
)


@given(activations)
def test_the_state_is_decoded_as_it_was(activation: Activation) -> None:
    read = Activation.decode(activation.encode())
    assert read is not None
    assert (read.key, read.name, read.touched) == (
        activation.key,
        activation.name,
        activation.touched,
    )


@given(activations, st.data())
@settings(max_examples=300)
def test_a_damaged_state_is_ignored(activation: Activation, data: st.DataObject) -> None:
    text = activation.encode()
    i = data.draw(st.integers(0, len(text) - 1))
    j = data.draw(st.integers(i, min(len(text), i + 3)))
    damaged = text[:i] + data.draw(st.text(max_size=3)) + text[j:]
    read = Activation.decode(damaged)
    assert read is None or damaged == text


@given(st.text() | st.text().map(lambda body: "1::" + body))
def test_a_foreign_state_is_ignored(text: str) -> None:
    assert Activation.decode(text) is None


@pytest.mark.parametrize(
    "name",
    [
        "A;touch owned",
        "$(touch owned)",
        "A B",
        "",
        "PATH",
        "LD_PRELOAD",
        "COWORK_PROVIDER",
        STATE,
        "A\n",
    ],
)
def test_a_forged_state_cannot_name_arbitrary_variables(name: str) -> None:
    activation, _ = enter({}, "k", {"X": "1"})
    activation.touched[name] = environment.TouchedVariable("x", environment.mark(name, None))
    assert Activation.decode(activation.encode()) is None


@given(environments, targets(), tokens)
def test_the_state_holds_no_key(env: dict[str, str], goal: environment.Target, token: str) -> None:
    goal = {n: token if n in environment.CREDENTIALS and v else v for n, v in goal.items()}
    env = {n: v for n, v in env.items() if v != token}
    _, changes = enter(env, "k", goal)
    text = changes[STATE] or ""
    assert token not in text and token not in unquote(text)


def test_the_state_is_compact() -> None:
    provider = GUIDE[1]
    goal = target(Provider(provider), provider["authToken"], {})
    activation, _ = enter({}, provider["id"], goal)
    assert len(activation.encode()) < 500


def test_values_are_not_in_repr() -> None:
    activation, _ = enter({"ANTHROPIC_API_KEY": KEY}, "k", wanted())
    assert KEY not in repr(activation) + repr(activation.touched)


def test_the_environment_of_this_process_is_restored() -> None:
    env = {**os.environ, "ANTHROPIC_API_KEY": "", MODEL: "x"}
    activation, changes = enter(env, "k", wanted())
    during = applied(env, changes)
    assert applied(during, activation.reverse(during)) == env
