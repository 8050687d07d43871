"""``cowork-env token`` as Claude Code's ``apiKeyHelper``."""

from __future__ import annotations

import json

import pytest

from .person import SHELLS, Person, model
from .recorder import Recorder


@pytest.mark.parametrize("shell", SHELLS)
def test_api_key_helper(
    shell: str, person: Person, recorder: Recorder, other: Recorder, outside: Recorder
) -> None:
    """For people who would rather have Claude Code ask: the URL in its settings, the key from us when it needs it."""
    provider = person.providers["OpenRouter"]
    settings = {
        "apiKeyHelper": "cowork-env token OpenRouter",
        "env": {"ANTHROPIC_BASE_URL": f"{recorder.url}/api", "ANTHROPIC_MODEL": model(provider)},
    }
    (person.home.path / ".claude").mkdir()
    (person.home.path / ".claude/settings.json").write_text(json.dumps(settings))
    with person.way(shell) as here:
        done = here.run(person.home.path, ["claude", "-p", "hi"])
    assert (done.status, done.stdout) == (0, f"answer from {model(provider)}\n"), done
    (request,) = recorder.requests
    assert (request.host, request.path) == (f"127.0.0.1:{recorder.port}", "/api/v1/messages")
    # Claude Code sends what the helper says in both styles.
    key = provider["authToken"]
    assert sorted(request.credentials) == [f"authorization: Bearer {key}", f"x-api-key: {key}"]
    assert outside.connections == 0, outside.requests
