"""Accounts: a provider that is a login of the client's own, and no URL with a key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cowork_env.core import environment, resolve
from cowork_env.core.client_variables import CHOOSE_NO_MODEL, CONFLICTING
from cowork_env.core.environment import (
    ACCOUNT_TOKEN,
    ACTIVE,
    BASE_URL,
    CONFIG_DIR,
    CREDENTIALS,
    HOST_FLAG,
    MANAGED,
    MODEL,
    NO_AGENT_VIEW,
    STATE,
    Activation,
    applied,
    target,
    transition,
)
from cowork_env.core.provider import (
    KEY_ENDINGS,
    LOGIN_VARIABLES,
    InvalidField,
    Provider,
    login_directory,
)
from cowork_env.masking import is_secret, shown_value
from cowork_env.util.errors import CoworkEnvError

from support.home import GUIDE

HOME = "/home/u"
TOKEN = "sk-ant-oat01-marked-0123456789"


def account(**entry: Any) -> Provider:
    return Provider({"name": "Work", "auth": "account", **entry})


def wanted(token: str = "", **entry: Any) -> environment.Target:
    return target(account(**entry), token, {}, HOME)


def refused(**entry: Any) -> InvalidField:
    with pytest.raises(InvalidField) as caught:
        account(**entry)
    return caught.value


# The entry


def test_the_url_is_the_one_of_the_login_or_absent() -> None:
    for url in ("https://api.anthropic.com", "https://api.anthropic.com/v1/", "", None):
        assert account(baseUrl=url).account
    for url in (
        "https://gateway.example",
        "http://api.anthropic.com",
        "https://api.anthropic.com.x",
    ):
        assert refused(baseUrl=url).path == ("baseUrl",)


@pytest.mark.parametrize(
    "directory", ["work", "./work", "~user/x", "/", "~/", "~", "/a\nb", "../x", "~/x/../.claude"]
)
def test_a_directory_is_absolute_or_in_the_home(directory: str) -> None:
    assert refused(configDir=directory).path == ("configDir",)


def test_a_directory_is_for_accounts_alone() -> None:
    with pytest.raises(InvalidField, match="account"):
        Provider({**GUIDE[1], "configDir": "/x"})


@pytest.mark.parametrize(
    "name", [BASE_URL, *CREDENTIALS, ACCOUNT_TOKEN, *LOGIN_VARIABLES, HOST_FLAG, *CHOOSE_NO_MODEL]
)
def test_no_variable_takes_the_place_of_the_login(name: str) -> None:
    assert refused(env={name: "1"}).path[0] == "env"


@pytest.mark.parametrize(
    ("written", "exported"),
    [
        ("~/.claude-work", "/home/u/.claude-work"),
        ("/srv/login/", "/srv/login"),
        ("", ""),
        ("~/.claude", ""),
        ("~/.claude/", ""),
        ("/home/u/.claude", ""),
        # Another spelling would be another login.
        ("~/./.claude", ""),
        ("~//.claude/.", ""),
        ("//home/u/.claude", ""),
        ("/srv/./a//b", "/srv/a/b"),
    ],
)
@pytest.mark.parametrize("home", [HOME, "/home//u/"])
def test_the_directory_that_is_exported(written: str, exported: str, home: str) -> None:
    assert login_directory(account(configDir=written), home) == exported


# The environment


def test_a_login_sets_its_directory_and_nothing_that_competes() -> None:
    goal = wanted(configDir="~/.claude-work")
    assert {k: v for k, v in goal.items() if v} == {
        CONFIG_DIR: "/home/u/.claude-work",
        ACTIVE: "Work",
    }
    assert set(goal) == {*MANAGED, *LOGIN_VARIABLES, ACTIVE}
    assert {HOST_FLAG, NO_AGENT_VIEW, *CONFLICTING} <= {k for k, v in goal.items() if v is None}


def test_the_default_login_unsets_the_directory() -> None:
    goal = wanted(baseUrl="https://api.anthropic.com")
    assert goal[CONFIG_DIR] is None and goal[BASE_URL] is None and goal[HOST_FLAG] is None


def test_a_token_goes_with_the_host_flag() -> None:
    goal = wanted(TOKEN, authToken=TOKEN)
    assert goal[ACCOUNT_TOKEN] == TOKEN and goal[HOST_FLAG] == goal[NO_AGENT_VIEW] == "1"
    assert goal[CONFIG_DIR] is None and goal[BASE_URL] is None
    assert not any(goal[name] for name in CREDENTIALS)


def test_a_token_can_do_without_the_host_flag_and_a_login_never_has_it() -> None:
    assert HOST_FLAG not in wanted(TOKEN, authToken=TOKEN, env={HOST_FLAG: ""})
    assert refused(env={HOST_FLAG: ""}).path == ("env", HOST_FLAG)
    assert refused(env={HOST_FLAG: "0"}, authToken=TOKEN).path == ("env", HOST_FLAG)


def test_models_are_exported_but_no_tier_gets_another_ones_model() -> None:
    goal = wanted(defaultModel="opus")
    assert goal[MODEL] == "opus" and not any(goal[n] for n in environment.TIER_MODELS.values())
    assert target(account(), "", {"model": "haiku"}, HOME)[MODEL] == "haiku"


def test_another_provider_leaves_the_directory_alone() -> None:
    assert not {*LOGIN_VARIABLES} & {*target(Provider(GUIDE[1]), "k", {}, HOME)}


# Entering and leaving

VALUES = st.one_of(
    st.none(), st.sampled_from(["", "x", "/home/u/.claude-mine", "http://u.example"])
)
BEFORE = st.fixed_dictionaries(
    dict.fromkeys((*LOGIN_VARIABLES, BASE_URL, *CREDENTIALS, ACCOUNT_TOKEN, HOST_FLAG), VALUES)
)
LOGIN, TOKEN_ACCOUNT = wanted(configDir="~/.claude-work"), wanted(TOKEN, authToken=TOKEN)
OTHERS = [LOGIN, TOKEN_ACCOUNT, wanted(), target(Provider(GUIDE[1]), "sk-key", {}, HOME)]


@given(before=BEFORE, walk=st.lists(st.sampled_from(range(len(OTHERS))), min_size=1, max_size=4))
def test_everything_is_restored(before: dict[str, str | None], walk: list[int]) -> None:
    start = {name: value for name, value in before.items() if value is not None}
    env = start
    for i in walk:
        _, changes = transition(env, str(i), OTHERS[i])
        env = applied(env, changes)
        assert {name: env.get(name) for name in OTHERS[i]} == OTHERS[i]
    _, changes = transition(env, "", None)
    assert applied(env, changes) == start


@pytest.mark.parametrize("goal", OTHERS[:3])
def test_an_inherited_account_is_left_by_a_new_shell(goal: environment.Target) -> None:
    before = {CONFIG_DIR: "/mine", BASE_URL: "http://u.example"}
    env = applied(before, transition(before, "k", goal)[1])
    assert not environment.ignored_state(env)
    assert applied(env, transition(env, "", None, fresh=True)[1]) == before


@pytest.mark.parametrize("goal", OTHERS[:3])
def test_the_state_of_an_account_that_is_not_there_is_foreign(goal: environment.Target) -> None:
    state = transition({}, "k", goal)[1][STATE]
    assert environment.ignored_state({STATE: str(state)})
    assert environment.ignored_state({STATE: str(state), ACTIVE: "Another"})


def test_a_directory_set_by_hand_stays() -> None:
    env = applied({}, transition({}, "k", LOGIN)[1]) | {CONFIG_DIR: "/by/hand"}
    _, changes = transition(env, "k", LOGIN, running=True)
    assert applied(env, changes)[CONFIG_DIR] == "/by/hand"
    assert applied(env, transition(env, "", None, running=True)[1]) == {CONFIG_DIR: "/by/hand"}


@pytest.mark.parametrize("left", [None, ""])
def test_a_token_that_claude_code_keeps_from_its_tools_is_put_right(left: str | None) -> None:
    env = applied({}, transition({}, "k", TOKEN_ACCOUNT)[1])
    env = applied(env, {ACCOUNT_TOKEN: left})
    if left is not None:
        env[ACCOUNT_TOKEN] = left
    for running in (False, True):
        activation, changes = transition(env, "k", TOKEN_ACCOUNT, running=running)
        assert applied(env, changes)[ACCOUNT_TOKEN] == TOKEN
        assert activation is not None and activation.ours(ACCOUNT_TOKEN, applied(env, changes))


def test_a_token_set_by_hand_stays() -> None:
    env = applied({}, transition({}, "k", TOKEN_ACCOUNT)[1]) | {ACCOUNT_TOKEN: "mine"}
    assert applied(env, transition(env, "k", TOKEN_ACCOUNT)[1])[ACCOUNT_TOKEN] == "mine"


def test_the_state_survives_its_text() -> None:
    activation, changes = transition({CONFIG_DIR: "/mine"}, "k", LOGIN)
    decoded = Activation.decode(str(changes[STATE]))
    assert decoded is not None and activation is not None
    assert decoded.touched == activation.touched and decoded.is_account


# The directory


def resolved(directory: str, home: Path, tmp_path: Path) -> environment.Target | None:
    inputs = resolve.Inputs({"HOME": str(home)}, "/", str(tmp_path), str(tmp_path))
    choice = resolve.Choice()
    found = resolve.Resolution(choice, account(configDir=directory), None)
    return resolve.target(inputs, found)


def test_a_directory_that_others_can_write_to_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "login").mkdir(mode=0o700)
    goal = resolved("~/login", tmp_path, tmp_path)
    assert goal is not None and goal[CONFIG_DIR] == str(tmp_path / "login")
    (tmp_path / "login").chmod(0o777)
    with pytest.raises(CoworkEnvError, match="can be written by other users"):
        resolved("~/login", tmp_path, tmp_path)


def test_a_directory_that_does_not_exist_yet_is_the_clients_to_make(tmp_path: Path) -> None:
    goal = resolved("~/login", tmp_path, tmp_path)
    assert goal is not None and goal[CONFIG_DIR] == str(tmp_path / "login")


def test_a_home_that_is_not_set(tmp_path: Path) -> None:
    with pytest.raises(CoworkEnvError, match="HOME is not set"):
        resolved("~/login", Path(""), tmp_path)


# The places for key and URL in a provider's variables


def filled(**env: str) -> environment.Target:
    return target(
        Provider({"name": "A", "baseUrl": "https://a.example/v1", "env": env}), "sk-{url}", {}
    )


def test_key_and_url_are_filled_in() -> None:
    goal = filled(OPENAI_API_KEY="{key}", OPENAI_BASE_URL="{url}/v1", X_HEADERS="Bearer {key}")
    assert goal["OPENAI_API_KEY"] == "sk-{url}", "The key itself is not searched for places."
    assert goal["OPENAI_BASE_URL"] == "https://a.example/v1"
    assert goal["X_HEADERS"] == "Bearer sk-{url}"


def test_a_variable_with_the_key_has_a_name_that_is_masked() -> None:
    with pytest.raises(InvalidField, match="does not say so"):
        filled(OPENAI_BASE_URL="{url}/{key}")
    for ending in KEY_ENDINGS:
        assert is_secret(f"X{ending}", "short") and is_secret(f"USE_X{ending}", "1234")
        assert shown_value(f"X{ending}", "short") != "short"
        assert shown_value(f"X{ending}", "{key}") == "{key}"


def test_places_that_cannot_be_filled() -> None:
    assert refused(env={"X_KEY": "{key}"}).path == ("env", "X_KEY")
    with pytest.raises(InvalidField, match="there is none"):
        Provider({"name": "A", "env": {"CLAUDE_CODE_USE_BEDROCK": "1", "X": "{url}"}})
    # An empty key would be one more to send.
    keyless = {"CLAUDE_CODE_USE_BEDROCK": "1", "X_KEY": "{key}"}
    with pytest.raises(InvalidField, match="there is none"):
        Provider({"name": "A", "baseUrl": "https://a.example", "env": keyless})
