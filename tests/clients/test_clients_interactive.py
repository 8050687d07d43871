"""Claude Code as a person meets it: its first questions, an answer, and ``/status``."""

from __future__ import annotations

import re

import pytest

from .conversation import ask, start, status
from .person import WAYS, Person, check, model
from .recorder import Recorder


@pytest.mark.parametrize(
    ("name", "way"), [*(("OpenRouter", way) for way in WAYS), ("Keyed", "zsh")]
)
def test_first_start(
    name: str, way: str, person: Person, recorder: Recorder, other: Recorder, outside: Recorder
) -> None:
    provider, project = person.providers[name], person.project(name)
    keyed = provider.get("auth") == "api-key"
    if keyed:
        # With an API key the first start of all asks Anthropic itself whether it can be reached.
        (person.home.path / ".claude.json").write_text('{"hasCompletedOnboarding": true}')
    terminal, line = person.claude(way, project)
    with terminal:
        asked = start(terminal, line)
        assert asked == ({"key", "trust"} if keyed else {"style", "security", "trust"})
        ask(terminal, "hello there", f"answer from {model(provider)}")
        shown = status(terminal)
    url = re.sub(r"/v1.*", "", provider["baseUrl"])
    assert f"Anthropic base URL: {url} " in shown
    assert f"Model: {model(provider)} " in shown
    assert ("API key: ANTHROPIC_API_KEY" if keyed else "Auth token: ANTHROPIC_AUTH_TOKEN") in shown
    assert model(provider) in [r.model for r in recorder.messages]
    for request in recorder.requests:
        check(request, provider)
    leaving = [r for r in outside.requests if "anthropic.com" in r.path or r.credentials]
    assert not leaving
