"""The target of a provider, and how it is applied, refreshed and undone."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cowork_env.core import environment, resolve
from cowork_env.core.environment import (
    ACTIVE,
    BASE_URL,
    HOST_FLAG,
    MANAGED,
    MODEL,
    NO_AGENT_VIEW,
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

# Some of those that have to be unset, by name.
UNSET = [
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_API_BASE",
    "ANTHROPIC_PROFILE",
    "CLAUDE_CODE_EXTRA_BODY",
    "CLAUDE_CODE_USE_ANTHROPIC_GOOGLE_CLOUD",
    "ANTHROPIC_GOOGLE_CLOUD_BASE_URL",
    "CLAUDE_CODE_API_KEY_FILE_DESCRIPTOR",
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
        NO_AGENT_VIEW: "1",
    }
    assert set(goal) == {*MANAGED, ACTIVE}


# Transitions

often = [*environment.URL_AND_CREDENTIALS] * 6  # where a mistake would be worst
names = st.sampled_from([*often, *MANAGED, ACTIVE, "X", "Y_1"])
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


def by_hand(goal: environment.Target, edited: dict[str, str | None]) -> dict[str, str | None]:
    """The edits of a target that count: those that change something.

    Not a URL or a key that is missing or empty beside the other one, with no other value set.
    """
    edited = {n: v for n, v in edited.items() if goal.get(n, ...) != v}
    endpoint = {n: v for n, v in edited.items() if n in environment.URL_AND_CREDENTIALS}
    pair = {n for n in environment.URL_AND_CREDENTIALS if goal[n]}
    if pair & {*endpoint} and not pair <= {*endpoint} and not any(endpoint.values()):
        return {n: v for n, v in edited.items() if n not in endpoint}
    return edited


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
        expected = applied(env, by_hand(goal, edited))
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
    edited = {n: v for n, v in edited.items() if n in one}
    activation, changes = enter(env, "k", one)
    live = applied(applied(env, changes), edited)
    again, changes = refresh(live, activation, two, fresh=False, running=True)
    after = applied(live, changes)
    edited = by_hand(one, edited)
    assert {n: after.get(n) for n in edited} == edited
    user_endpoint = any(n in edited for n in environment.URL_AND_CREDENTIALS)
    for n in two:
        if n not in edited and not (user_endpoint and n in environment.URL_AND_CREDENTIALS):
            assert after.get(n) == two[n]
    if user_endpoint:
        # No key of ours goes to the user's URL, nor the user's key to a new URL.
        for n in environment.URL_AND_CREDENTIALS:
            stray = n != BASE_URL and n not in edited and BASE_URL in edited
            assert after.get(n) == (None if stray else live.get(n))
    assert applied(after, again.reverse(after)) == applied(env, edited)


@given(environments, targets(), targets(), edits)
def test_a_fresh_shell_applies_the_provider_over_its_startup_files(
    env: dict[str, str],
    one: environment.Target,
    two: environment.Target,
    set_at_start: dict[str, str | None],
) -> None:
    activation, changes = enter(env, "k", one)
    live = applied(applied(env, changes), set_at_start)
    again, changes = refresh(live, activation, two, fresh=True)
    after = applied(live, changes)
    assert {n: after.get(n) for n in two} == two
    assert applied(after, again.reverse(after)) == applied(env, by_hand(one, set_at_start))


# The URL and the key of a provider that is active, after something changed them

OURS, GONE, EMPTY, THEIRS, OWN = "ours", None, "", "theirs", "own"
URL, TOKEN, API_KEY = environment.URL_AND_CREDENTIALS
PAIRS = {  # the URL, the key and the other credential as they are: and as they are then
    (OURS, OURS, GONE): (OURS, OURS, GONE),
    (OURS, GONE, GONE): (OURS, OURS, GONE),  # Claude Code keeps the key from what it starts.
    (OURS, EMPTY, GONE): (OURS, OURS, GONE),
    (OURS, EMPTY, EMPTY): (OURS, OURS, GONE),
    (GONE, OURS, GONE): (OURS, OURS, GONE),
    (EMPTY, OURS, GONE): (OURS, OURS, GONE),
    # Both were removed: it is the user who did that.
    (GONE, GONE, GONE): (GONE, GONE, GONE),
    (EMPTY, GONE, GONE): (EMPTY, GONE, GONE),
    (GONE, GONE, THEIRS): (GONE, GONE, THEIRS),
    # A key of the user's: with the URL as it was when they set it.
    (OURS, THEIRS, GONE): (OURS, THEIRS, GONE),
    (OURS, GONE, THEIRS): (OURS, GONE, THEIRS),
    (OURS, OURS, THEIRS): (OURS, OURS, THEIRS),
    (GONE, THEIRS, GONE): (GONE, THEIRS, GONE),
    # A URL of the user's, or none: not with our key.
    (THEIRS, OURS, GONE): (THEIRS, GONE, GONE),
    (THEIRS, GONE, GONE): (THEIRS, GONE, GONE),
    (THEIRS, THEIRS, GONE): (THEIRS, THEIRS, GONE),
    (THEIRS, OURS, THEIRS): (THEIRS, GONE, THEIRS),
    (GONE, OURS, THEIRS): (GONE, GONE, THEIRS),
}


def as_they_are(values: tuple[str | None, ...], goal: environment.Target) -> dict[str, str | None]:
    """The URL and the credentials, each ours (as in ``goal``), missing, or with another value."""
    return {
        name: goal[name] if value == OURS else value
        for name, value in zip(environment.URL_AND_CREDENTIALS, values, strict=True)
    }


@pytest.mark.parametrize("auth", ["bearer", "api-key"])
@pytest.mark.parametrize("running", [True, False])
@pytest.mark.parametrize("before", [{}, {URL: OWN, TOKEN: OWN, API_KEY: OWN}], ids=["", "own"])
@pytest.mark.parametrize(("now", "then"), PAIRS.items())
def test_url_and_key_are_both_ours_or_neither_goes_on(
    now: tuple[str | None, ...],
    then: tuple[str | None, ...],
    before: dict[str, str],
    running: bool,
    auth: str,
) -> None:
    goal = wanted(auth=auth, defaultModel="d")
    if not running and now == (OURS, GONE, THEIRS):
        then = (OURS, OURS, GONE)  # Found, in what Claude Code started: it is not for our URL.
    if auth == "api-key":
        now, then = (now[0], now[2], now[1]), (then[0], then[2], then[1])
    if not running and OURS not in (now[0], now[2 if auth == "api-key" else 1]):
        then = (OURS, *((OURS, GONE) if auth == "bearer" else (GONE, OURS)))  # It is foreign.
    live = applied(applied(before, enter(before, "k", goal)[1]), as_they_are(now, goal))
    after = applied(live, transition(live, "k", goal, running=running)[1])
    found = {n: after.get(n) for n in environment.URL_AND_CREDENTIALS}
    assert found == as_they_are(then, goal)
    # The same again changes nothing, and a new key goes with our URL or not at all.
    if running or OURS in then:
        assert not transition(after, "k", goal, running=running)[1]
    new = wanted(auth=auth, defaultModel="d", token="sk-new", baseUrl="https://new.example")
    newer = applied(after, transition(after, "k", new, running=running)[1])
    assert ("sk-new" in newer.values()) == (newer.get(URL) == "https://new.example")
    # Nothing of ours is there after leaving.
    left = applied(live, transition(live, "", None, running=running)[1])
    assert KEY not in left.values() and goal[URL] not in left.values()


def test_a_made_up_state_needs_more_proof_than_a_variable_that_can_be_guessed() -> None:
    """Nothing of it is restored: neither a URL and a key, nor anything else."""
    touched = environment.TouchedVariable
    forged = Activation("k", "evil")
    evil = {URL: "https://evil.example", TOKEN: "evil", "AWS_REGION": "evil"}
    forged.touched = {n: touched(v, environment.mark(n, None)) for n, v in evil.items()}
    proof = environment.mark("COLORTERM", "truecolor")
    forged.touched["COLORTERM"] = touched("truecolor", proof)
    live = {"COLORTERM": "truecolor", STATE: forged.encode()}
    assert forged.is_foreign(live) and environment.ignored_state(live)
    for key, wish in (("", None), ("k", wanted()), ("b", wanted(name="B"))):
        after = applied(live, transition(live, key, wish)[1])
        assert "evil" not in str(after)
    assert "evil" not in str(resolve.original_env(live))


@pytest.mark.parametrize("gone", [GONE, EMPTY])
@pytest.mark.parametrize("name", [URL, TOKEN])
@pytest.mark.parametrize("fresh", [True, False])
def test_what_was_taken_away_is_restored_on_leaving(
    name: str, gone: str | None, fresh: bool
) -> None:
    """The user's own URL must not be there alone either, nor their key."""
    before = {URL: "https://own.example", TOKEN: "own"}
    during = applied(applied(before, enter(before, "k", wanted())[1]), {name: gone})
    assert applied(during, transition(during, "", None)[1]) == before
    other = transition(during, "b", wanted(name="B"), fresh)[1]
    again = transition(during, "k", wanted(), fresh)[1]
    for changes in (other, again):
        after = applied(during, changes)
        assert applied(after, transition(after, "", None)[1]) == before


# States that are not this shell's

CLOUD = {"name": "A", "env": {"CLAUDE_CODE_USE_BEDROCK": "1", "AWS_REGION": "x"}}
FOREIGN = {
    "both gone": ({}, {URL: None, TOKEN: None}, True),
    "both others": ({}, {URL: "https://b.example", TOKEN: "b"}, True),
    "URL gone, key another": ({}, {URL: None, TOKEN: "b"}, True),
    "key gone": ({}, {TOKEN: None}, False),
    "URL another": ({}, {URL: "https://b.example"}, False),
    "the cloud's switch gone": (CLOUD, {"CLAUDE_CODE_USE_BEDROCK": None}, True),
    "the cloud's region gone": (CLOUD, {"AWS_REGION": None}, False),
    "the cloud's name gone": (CLOUD, {ACTIVE: None}, True),
}


@pytest.mark.parametrize(("entry", "edited", "foreign"), FOREIGN.values(), ids=FOREIGN)
def test_nothing_is_restored_from_a_foreign_state(
    entry: dict[str, Any], edited: dict[str, str | None], foreign: bool
) -> None:
    before = {"ANTHROPIC_SMALL_FAST_MODEL": "original", MODEL: "original"}
    goal = target(Provider(entry), "", {}) if entry else wanted(defaultModel="d")
    live = applied(applied(before, enter(before, "k", goal)[1]), edited)
    why = environment.ignored_state(live)
    own_pair = live.get(URL) and live.get(TOKEN)  # which startup files may have set
    warning = foreign and not (own_pair and not entry)
    assert why == (f"{STATE} is not from this shell; it is ignored" if warning else "")
    for key, wish in (("", None), ("k", goal), ("b", wanted(name="B"))):
        after = applied(live, transition(live, key, wish)[1])
        left = applied(after, transition(after, "", None, running=True)[1])
        assert ("original" in left.values()) != foreign
        # What it set is gone, and what is there besides is kept.
        assert not {HOST_FLAG, ACTIVE, STATE, NO_AGENT_VIEW} & set(left)
        assert "d" not in left.values()
        assert {n: left.get(n) for n, v in edited.items() if v} == {
            n: v for n, v in edited.items() if v
        }
    # In a running shell it was the user who changed both: the rest is restored.
    assert environment.ignored_state(live, running=True) == ""
    left = applied(live, transition(live, "", None, running=True)[1])
    assert (left[MODEL], left["ANTHROPIC_SMALL_FAST_MODEL"]) == ("original", "original")


def test_a_foreign_state_of_nothing_but_names() -> None:
    """A made-up state, with originals for variables that it says were unset."""
    made_up = Activation("k", "A")
    made_up.touched = {"X": environment.TouchedVariable("evil", "-")}
    env = {STATE: made_up.encode(), "HOME": "/"}
    assert applied(env, transition(env, "", None)[1]) == {"HOME": "/"}
    assert environment.ignored_state(env)


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


@given(st.text() | st.text().map(lambda body: "2::" + body))
def test_other_text_is_no_state(text: str) -> None:
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


# What version 1 wrote for a provider in the environment {"ANTHROPIC_API_KEY": "mine"}.
FIRST = (
    "1:{checksum}:k,A,ANTHROPIC_BASE_URL,{url},-,ANTHROPIC_AUTH_TOKEN,{token},-,"
    "ANTHROPIC_API_KEY,-,=mine,CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST,{flag},-,"
    "COWORK_ENV_ACTIVE,{active},-"
)


def test_a_state_of_the_version_before_is_understood() -> None:
    """A shell that was open during an upgrade gets its variables back."""
    goal = wanted()
    marks = {
        "url": environment.mark(URL, goal[URL]),
        "token": environment.mark(TOKEN, KEY),
        "flag": environment.mark(HOST_FLAG, "1"),
        "active": environment.mark(ACTIVE, "A"),
    }
    body = FIRST.format(checksum="", **marks).removeprefix("1::")
    state = FIRST.format(checksum=environment._checksum(body), **marks)
    set_then = {URL: str(goal[URL]), TOKEN: KEY, HOST_FLAG: "1", ACTIVE: "A"}
    # One of today's names was not known then, so it is the user's.
    live = {**set_then, STATE: state, "ANTHROPIC_API_BASE": "mine"}
    read = Activation.decode(state)
    assert read is not None and len(read.touched) == 23
    restored = {"ANTHROPIC_API_KEY": "mine", "ANTHROPIC_API_BASE": "mine"}
    assert applied(live, transition(live, "", None, running=True)[1]) == restored
    after = applied(live, transition(live, "k", goal, running=True)[1])
    assert {n: after.get(n) for n in goal} == goal
    assert applied(after, transition(after, "", None, running=True)[1]) == restored


def test_the_order_of_the_standard_variables_is_kept() -> None:
    """States name the standard variables by their number: new ones go to the end."""
    names = ",".join(environment._STANDARD)
    assert names.index("COWORK_ENV_ACTIVE,CLAUDE_CODE_DISABLE_AGENT_VIEW,") > 0
    assert set(environment._STANDARD) == {*MANAGED, ACTIVE}
    # Of version 1, and of version 2 as it was at first.
    for count, digest in ORDER.items():
        assert environment.digest(",".join(environment._STANDARD[:count]).encode())[:12] == digest


ORDER = {23: "fb6a1235e285", 63: "67f68ad57109"}


def test_a_state_with_more_standard_variables_is_understood(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A shell that was open during a downgrade gets its variables back."""
    known = environment._STANDARD
    monkeypatch.setattr(environment, "_STANDARD", (*known, "CLAUDE_CODE_USE_NEW", "NEW_URL"))
    before = {"ANTHROPIC_API_KEY": "mine", "CLAUDE_CODE_USE_NEW": "1"}
    goal = {**wanted(), "CLAUDE_CODE_USE_NEW": None, "NEW_URL": None}
    live = applied(before, enter(before, "k", goal)[1])
    monkeypatch.setattr(environment, "_STANDARD", known)
    assert applied(live, transition(live, "", None, running=True)[1]) == before
    assert not environment.ignored_state(live)


@pytest.mark.parametrize("running", [True, False])
def test_of_a_newer_state_no_key_stays(running: bool) -> None:
    """What a newer version has set cannot be restored here: it is unset, and never the user's."""
    live = applied({"HOME": "/h"}, enter({}, "k", wanted())[1])
    _, _, body = live[STATE].split(":")
    live[STATE] = f"3:{environment._checksum(body)}:{body}"
    assert "newer" in environment.ignored_state(live, running=running)
    assert applied(live, transition(live, "", None, running=running)[1]) == {"HOME": "/h"}
    other = wanted(baseUrl="https://other.example")
    during = applied(live, transition(live, "o", other, running=running)[1])
    assert during[URL] == "https://other.example"
    assert applied(during, transition(during, "", None, running=running)[1]) == {"HOME": "/h"}
    live[STATE] = live[STATE].replace(":", ":0", 1)  # The checksum is wrong.
    assert "damaged" in environment.ignored_state(live, running=running)
    assert applied(live, transition(live, "", None, running=running)[1])[URL] == live[URL]


@pytest.mark.parametrize("count", ["-1", "0x10", "", " 23", "23 "])
def test_a_state_with_another_number_of_variables_is_ignored(count: str) -> None:
    text = enter({}, "k", wanted())[0].encode()
    _, _, body = text.split(":", 2)
    body = f"{count.replace(' ', '%20')}," + body.partition(",")[2]
    assert Activation.decode(f"2:{environment._checksum(body)}:{body}") is None


def test_a_name_that_no_provider_may_set_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    state = enter({"X": "was"}, "k", wanted(env={"X": "is"}))[0].encode()
    assert Activation.decode(state) is not None
    monkeypatch.setattr(environment, "is_free_name", lambda name: name != "X")
    assert Activation.decode(state) is None


def test_values_are_not_in_repr() -> None:
    activation, _ = enter({"ANTHROPIC_API_KEY": KEY}, "k", wanted())
    assert KEY not in repr(activation) + repr(activation.touched)


def test_the_environment_of_this_process_is_restored() -> None:
    env = {**os.environ, "ANTHROPIC_API_KEY": "", MODEL: "x"}
    activation, changes = enter(env, "k", wanted())
    during = applied(env, changes)
    assert applied(during, activation.reverse(during)) == env
