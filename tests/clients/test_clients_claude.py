"""Claude Code, from each shell and through exec."""

from __future__ import annotations

import pytest

from cowork_env.doctor import online

from support.clients.recorder import Recorder
from support.clients.user import ALIASES, METHODS, User, check, model


@pytest.mark.parametrize("method", METHODS)
def test_each_provider(
    method: str, user: User, recorder: Recorder, other: Recorder, outside: Recorder
) -> None:
    """The default model of every provider in the guide, with each ending of its URL."""
    with user.by(method) as starter:
        for name, provider in user.providers.items():
            recorder.clear()
            done = starter.run(user.project(name), ["claude", "-p", "hi"])
            assert (done.returncode, done.stdout) == (0, f"answer from {model(provider)}\n"), done
            assert [r.model for r in recorder.messages] == [model(provider)]
            for request in recorder.requests:
                check(request, provider)
    assert outside.connections == 0, outside.requests


@pytest.mark.parametrize("method", METHODS)
def test_each_alias(
    method: str, user: User, recorder: Recorder, other: Recorder, outside: Recorder
) -> None:
    with user.by(method) as starter:
        for name in ("OpenRouter", "AWS Bedrock"):
            provider = user.providers[name]
            for alias in ALIASES:
                recorder.clear()
                done = starter.run(user.project(name), ["claude", "--model", alias, "-p", "hi"])
                assert (done.returncode, done.stdout) == (
                    0,
                    f"answer from {model(provider, alias)}\n",
                ), done
                assert [r.model for r in recorder.messages] == [model(provider, alias)]
                for request in recorder.requests:
                    check(request, provider)
    assert outside.connections == 0, outside.requests


@pytest.mark.parametrize("method", METHODS)
def test_nothing_is_left_behind(
    method: str, user: User, recorder: Recorder, other: Recorder, outside: Recorder
) -> None:
    """Where no provider applies, Claude Code finds no key and sends no request."""
    with user.by(method) as starter:
        assert starter.run(user.project("OpenRouter"), ["claude", "-p", "hi"]).returncode == 0
        recorder.clear()
        done = starter.run(user.home.path, ["claude", "-p", "hi"])
        assert done.returncode == 1
        assert "Not logged in" in done.stdout
    assert (recorder.connections, outside.connections) == (0, 0)


@pytest.mark.parametrize("off", [(), tuple(online.BETAS)[:1], tuple(online.BETAS)])
def test_the_doctor_knows_the_beta_header(
    off: tuple[str, ...], user: User, recorder: Recorder
) -> None:
    """doctor sends no beta that Claude Code does not send, and knows the variables that stop it."""
    with user.by("exec") as starter:
        done = starter.run(
            user.project("OpenRouter"),
            ["env", *(f"{name}=1" for name in off), "claude", "-p", "hi"],
        )
    assert done.returncode == 0, done
    (header,) = recorder.messages[0].all("anthropic-beta")
    assert set(online.betas(dict.fromkeys(off, "1")).split(",")) <= set(header.split(","))
    assert not {value for name in off for value in online.BETAS[name].split(",")} & set(
        header.split(",")
    )
