"""The anthropic SDK (before 2.0, and the newest) and the Agent SDK, in shells and with exec."""

from __future__ import annotations

import pytest

from support.clients.installed import Clients
from support.clients.recorder import Recorder
from support.clients.user import ALIASES, METHODS, User, check, model


@pytest.mark.parametrize("sdk", ["anthropic-1", "anthropic"])
@pytest.mark.parametrize("method", METHODS)
def test_anthropic(
    method: str, sdk: str, user: User, clients: Clients, recorder: Recorder, other: Recorder
) -> None:
    with user.by(method) as starter:
        for name in ("OpenRouter", "Keyed"):
            provider = user.providers[name]
            recorder.clear()
            done = starter.run(user.project(name), clients.program(sdk, "messages.py"))
            models = [model(provider, alias) for alias in ("", *ALIASES)]
            expected = [f"{how} answer from {m}" for m in models for how in ("plain", "streamed")]
            expected += ["counted 7", "models 2", f"later answer from {models[0]}"]
            assert done.stdout.splitlines() == expected, done
            assert done.returncode == 0
            assert [r.model for r in recorder.messages] == [m for m in models for _ in range(2)] + [
                models[0]
            ]
            assert len(recorder.requests) == len(recorder.messages) + 2
            for request in recorder.requests:
                # From 2.0 on this SDK sends an API key as a bearer token, too.
                check(request, provider, "authorization" if sdk == "anthropic" else "")


@pytest.mark.parametrize("method", METHODS)
def test_agent_sdk(
    method: str,
    user: User,
    clients: Clients,
    recorder: Recorder,
    other: Recorder,
    outside: Recorder,
) -> None:
    with user.by(method) as starter:
        for name, words in {"OpenRouter": ("", *ALIASES), "Keyed": ("",)}.items():
            recorder.clear()
            done = starter.run(
                user.project(name), [*clients.program("agent", "agent.py"), *words], limit=120
            )
            models = [model(user.providers[name], word) for word in words]
            assert done.stdout.splitlines() == [f"answer from {m}" for m in models], done
            assert [r.model for r in recorder.messages] == models
            for request in recorder.requests:
                check(request, user.providers[name])
    assert outside.connections == 0, outside.requests
