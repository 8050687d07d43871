"""The anthropic SDK, one release line before 2.0 and the newest, and the Agent SDK, from each shell and through exec."""

from __future__ import annotations

import pytest

from .conftest import Clients
from .person import ALIASES, WAYS, Person, check, model
from .recorder import Recorder


@pytest.mark.parametrize("sdk", ["anthropic-1", "anthropic"])
@pytest.mark.parametrize("way", WAYS)
def test_anthropic(
    way: str, sdk: str, person: Person, clients: Clients, recorder: Recorder, other: Recorder
) -> None:
    with person.way(way) as here:
        for name in ("OpenRouter", "Keyed"):
            provider = person.providers[name]
            recorder.clear()
            done = here.run(person.project(name), clients.program(sdk, "messages.py"))
            models = [model(provider, alias) for alias in ("", *ALIASES)]
            said = [f"{how} answer from {m}" for m in models for how in ("plain", "streamed")]
            said += ["counted 7", "models 2", f"later answer from {models[0]}"]
            assert done.stdout.splitlines() == said, done
            assert done.status == 0
            assert [r.model for r in recorder.messages] == [m for m in models for _ in range(2)] + [
                models[0]
            ]
            assert len(recorder.requests) == len(recorder.messages) + 2
            for request in recorder.requests:
                # From 2.0 on this SDK sends an API key as a bearer token, too.
                check(request, provider, "authorization" if sdk == "anthropic" else "")


@pytest.mark.parametrize("way", WAYS)
def test_agent_sdk(
    way: str,
    person: Person,
    clients: Clients,
    recorder: Recorder,
    other: Recorder,
    outside: Recorder,
) -> None:
    with person.way(way) as here:
        for name, words in {"OpenRouter": ("", *ALIASES), "Keyed": ("",)}.items():
            recorder.clear()
            done = here.run(
                person.project(name), [*clients.program("agent", "agent.py"), *words], limit=120
            )
            models = [model(person.providers[name], word) for word in words]
            assert done.stdout.splitlines() == [f"answer from {m}" for m in models], done
            assert [r.model for r in recorder.messages] == models
            for request in recorder.requests:
                check(request, person.providers[name])
    assert outside.connections == 0, outside.requests
