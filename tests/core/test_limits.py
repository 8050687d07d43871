"""What does not fit into an environment is not set."""

from __future__ import annotations

import os
import posix
import subprocess

import pytest

from cowork_env.core import environment, limits
from cowork_env.core.environment import STATE, applied, transition
from cowork_env.core.provider import InvalidField, Provider
from cowork_env.util.errors import CoworkEnvError

from support.home import GUIDE

KIB = 1 << 10
HEADERS = "ANTHROPIC_CUSTOM_HEADERS"


def problem(live: dict[str, str], **changes: object) -> str:
    """Why the provider with these changes is not set in ``live``; it holds no value of either."""
    provider = Provider({**GUIDE[1], **changes})
    wanted = environment.target(provider, provider.token, {})
    try:
        limits.check(live, provider.key, provider, wanted)
    except CoworkEnvError as error:
        assert "xxx" not in error.message + error.hint and error.hint
        return error.message
    _, changed = transition(live, provider.key, wanted)
    start = {**applied(live, changed), "PATH": os.environ["PATH"]}
    subprocess.run(["true"], env=start, check=True)  # a program can be started
    return ""


def test_a_variable_of_more_than_the_system_allows_is_refused() -> None:
    """The limit is the system's: one byte more, and no program starts."""
    longest = limits.MAX_VARIABLE - len("A=\0") - 8
    assert problem({}, env={"A": "x" * longest}) == ""
    assert "OpenRouter sets A to more than the 128 KiB" in problem(
        {}, env={"A": "x" * (longest + 1)}
    )
    assert "sets A to more" in problem({}, env={"A": "ü" * (longest // 2 + 1)})


def test_many_variables_are_refused() -> None:
    many = {f"A{i}": "x" * (100 * KIB) for i in range(20)}
    assert "sets more than 256 KiB of variables" in problem({}, env=many)


def test_originals_that_the_state_cannot_hold_are_refused() -> None:
    assert problem({HEADERS: "x" * (100 * KIB)}) == ""  # plain characters are kept as they are
    assert "too large to be kept" in problem({HEADERS: "ü" * (25 * KIB)})
    assert "too large to be kept" in problem({HEADERS: "x\n " * (32 * KIB)})


def test_an_environment_that_is_nearly_full_is_refused() -> None:
    room = min(posix.sysconf("SC_ARG_MAX"), limits.MAX_ALL) // 2
    full = {f"MINE{i}": "x" * (100 * KIB) for i in range(room // (100 * KIB))}
    assert "too large to start a program" in problem(full, env={"A": "x" * (100 * KIB)})


def test_an_environment_can_always_be_left() -> None:
    """None is never checked, and what was there before fits."""
    env = {HEADERS: "x" * (100 * KIB)}
    provider = Provider(GUIDE[1])
    _, changes = transition(env, "k", environment.target(provider, "key", {}))
    during = applied(env, changes)
    assert during[STATE] and HEADERS not in during
    assert applied(during, transition(during, "", None)[1]) == env


def test_the_dead_end_of_a_required_pin_leaves_out_what_does_not_fit() -> None:
    whole = environment.unresolved()
    assert limits.dead_end({}, "k") == whole
    reduced = limits.dead_end({HEADERS: "ü" * (25 * KIB)}, "k")
    assert reduced is not None and HEADERS not in reduced
    kept = (*environment.URL_AND_CREDENTIALS, environment.HOST_FLAG)
    assert {n: reduced[n] for n in kept} == {n: whole[n] for n in kept}
    assert limits.dead_end({"ANTHROPIC_API_KEY": "ü" * (25 * KIB)}, "k") is None


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"env": {"A": "x" * (200 * KIB)}}, "sets A to more"),
        ({"env": {f"A{i}": "x" * (100 * KIB) for i in range(3)}}, "more than 256 KiB"),
        ({"authToken": "x" * (128 * KIB)}, "sets ANTHROPIC_AUTH_TOKEN to more"),
        ({"models": {}, "defaultModel": "x" * (60 * KIB)}, "more than 256 KiB"),
        ({"baseUrl": "https://a.example/" + "x" * (128 * KIB)}, "sets ANTHROPIC_BASE_URL to more"),
        ({"name": "x" * 1025}, "is longer than 1024 bytes"),
    ],
)
def test_a_provider_that_fits_nowhere_is_not_saved(change: dict[str, object], says: str) -> None:
    with pytest.raises(InvalidField) as caught:
        limits.check_provider(Provider({**GUIDE[1], **change}))
    assert says in caught.value.why
