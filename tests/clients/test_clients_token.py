"""``cowork-env token`` as Claude Code's ``apiKeyHelper``."""

from __future__ import annotations

import json

import pytest

from support.clients.recorder import Recorder
from support.clients.user import SHELLS, User, model


@pytest.mark.parametrize("shell", SHELLS)
def test_api_key_helper(
    shell: str, user: User, recorder: Recorder, other: Recorder, outside: Recorder
) -> None:
    """The URL is in Claude Code's settings, and cowork-env gives it the key when it asks."""
    provider = user.providers["OpenRouter"]
    settings = {
        "apiKeyHelper": "cowork-env token OpenRouter",
        "env": {"ANTHROPIC_BASE_URL": f"{recorder.url}/api", "ANTHROPIC_MODEL": model(provider)},
    }
    (user.home.path / ".claude").mkdir()
    (user.home.path / ".claude/settings.json").write_text(json.dumps(settings))
    with user.by(shell) as starter:
        done = starter.run(user.home.path, ["claude", "-p", "hi"])
    assert (done.returncode, done.stdout) == (0, f"answer from {model(provider)}\n"), done
    (request,) = recorder.requests
    assert (request.host, request.path) == (f"127.0.0.1:{recorder.port}", "/api/v1/messages")
    # Claude Code sends the helper's output in both headers.
    key = provider["authToken"]
    assert sorted(request.credentials) == [f"authorization: Bearer {key}", f"x-api-key: {key}"]
    assert outside.connections == 0, outside.requests
