"""Claude Code at its first start: its questions, an answer, and ``/status``."""

from __future__ import annotations

import re

import pytest

from support.clients.conversation import ask, start, status
from support.clients.recorder import Recorder
from support.clients.user import METHODS, User, check, model


@pytest.mark.parametrize(
    ("name", "method"), [*(("OpenRouter", method) for method in METHODS), ("Keyed", "zsh")]
)
def test_first_start(
    name: str, method: str, user: User, recorder: Recorder, other: Recorder, outside: Recorder
) -> None:
    provider, project = user.providers[name], user.project(name)
    keyed = provider.get("auth") == "api-key"
    if keyed:
        # With an API key, onboarding would check whether Anthropic's own servers can be reached.
        (user.home.path / ".claude.json").write_text('{"hasCompletedOnboarding": true}')
    screen, line = user.claude(method, project)
    with screen:
        asked = start(screen, line)
        assert asked == ({"key", "trust"} if keyed else {"style", "security", "trust"})
        ask(screen, "hello there", f"answer from {model(provider)}")
        shown = status(screen)
    url = re.sub(r"/v1.*", "", provider["baseUrl"])
    assert f"Anthropic base URL: {url} " in shown
    assert f"Model: {model(provider)} " in shown
    assert ("API key: ANTHROPIC_API_KEY" if keyed else "Auth token: ANTHROPIC_AUTH_TOKEN") in shown
    assert model(provider) in [r.model for r in recorder.messages]
    for request in recorder.requests:
        check(request, provider)
    leaving = [r for r in outside.requests if "anthropic.com" in r.path or r.credentials]
    assert not leaving
