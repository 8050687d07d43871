"""Claude Code itself, from each shell and through exec."""

from __future__ import annotations

import pytest

from cowork_env.doctor import online

from .person import ALIASES, WAYS, Person, check, model
from .recorder import Recorder


@pytest.mark.parametrize("way", WAYS)
def test_each_provider(
    way: str, person: Person, recorder: Recorder, other: Recorder, outside: Recorder
) -> None:
    """The default model of every provider in the guide, whatever its URL ends with."""
    with person.way(way) as here:
        for name, provider in person.providers.items():
            recorder.clear()
            done = here.run(person.project(name), ["claude", "-p", "hi"])
            assert (done.status, done.stdout) == (0, f"answer from {model(provider)}\n"), done
            assert [r.model for r in recorder.messages] == [model(provider)]
            for request in recorder.requests:
                check(request, provider)
    assert outside.connections == 0, outside.requests


@pytest.mark.parametrize("way", WAYS)
def test_each_alias(
    way: str, person: Person, recorder: Recorder, other: Recorder, outside: Recorder
) -> None:
    with person.way(way) as here:
        for name in ("OpenRouter", "AWS Bedrock"):
            provider = person.providers[name]
            for alias in ALIASES:
                recorder.clear()
                done = here.run(person.project(name), ["claude", "--model", alias, "-p", "hi"])
                assert (done.status, done.stdout) == (
                    0,
                    f"answer from {model(provider, alias)}\n",
                ), done
                assert [r.model for r in recorder.messages] == [model(provider, alias)]
                for request in recorder.requests:
                    check(request, provider)
    assert outside.connections == 0, outside.requests


@pytest.mark.parametrize("way", WAYS)
def test_nothing_is_left_behind(
    way: str, person: Person, recorder: Recorder, other: Recorder, outside: Recorder
) -> None:
    """Where no provider applies Claude Code finds no key, and asks nobody."""
    with person.way(way) as here:
        assert here.run(person.project("OpenRouter"), ["claude", "-p", "hi"]).status == 0
        recorder.clear()
        done = here.run(person.home.path, ["claude", "-p", "hi"])
        assert done.status == 1
        assert "Not logged in" in done.stdout
    assert (recorder.connections, outside.connections) == (0, 0)


@pytest.mark.parametrize("off", [(), tuple(online.BETAS)[:1], tuple(online.BETAS)])
def test_the_doctor_knows_the_beta_header(
    off: tuple[str, ...], person: Person, recorder: Recorder
) -> None:
    """It sends nothing that Claude Code does not send, and the variables it names do leave that out."""
    with person.way("exec") as here:
        done = here.run(
            person.project("OpenRouter"),
            ["env", *(f"{name}=1" for name in off), "claude", "-p", "hi"],
        )
    assert done.status == 0, done
    (header,) = recorder.messages[0].all("anthropic-beta")
    assert set(online.betas(dict.fromkeys(off, "1")).split(",")) <= set(header.split(","))
    assert not {value for name in off for value in online.BETAS[name].split(",")} & set(
        header.split(",")
    )
