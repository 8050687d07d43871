"""Recipes of docs/recipes.md with the real programs: a status line, and llm."""

from __future__ import annotations

import json

from support import documents
from support.clients.chat import ChatServer
from support.clients.conversation import ENTER
from support.clients.installed import Clients
from support.clients.recorder import Recorder
from support.clients.user import User, check
from support.program import execute

RECIPES = documents.ROOT / "docs/recipes.md"


def test_the_status_line_shows_the_provider(user: User, recorder: Recorder) -> None:
    (settings,) = documents.blocks(RECIPES, "json statusline")
    folder = user.home.path / ".claude"
    folder.mkdir()
    # What else it gets: the URL, and no key.
    more = " [$(env | grep -c sk-or-invented)-${ANTHROPIC_BASE_URL#http://127.0.0.1:}]"
    (folder / "settings.json").write_text(
        settings.replace('}\\""', f'}}{more}\\""').replace("%s", "'line:%s'")
    )
    project = user.project("OpenRouter")
    known = {"hasCompletedOnboarding": True}
    trusted = {str(project): {"hasTrustDialogAccepted": True}}
    (user.home.path / ".claude.json").write_text(json.dumps({**known, "projects": trusted}))
    screen, line = user.claude("bash", project)
    with screen:
        screen.send(line + ENTER)
        screen.wait(rf"line:OpenRouter \[0-{recorder.port}/api\]")


def test_llm(user: User, clients: Clients, recorder: Recorder, outside: Recorder) -> None:
    """It reads Anthropic's API key, and OpenAI's variables where the provider fills them in."""
    llm = str(clients.folder / "llm/bin/llm")
    with ChatServer() as endpoint, user.by("bash") as starter:
        done = starter.run(user.project("Keyed"), [llm, "-m", "claude-sonnet-4.5", "hi"])
        assert (done.returncode, done.stdout.strip()) == (0, "answer from claude-sonnet-4-5"), done
        (request,) = recorder.messages
        check(request, user.providers["Keyed"])
        (names,) = documents.blocks(RECIPES, "sh names")
        names = names.replace("edit openrouter", f"edit openrouter --base-url {endpoint.url}")
        execute(["bash", "-ec", names], env=user.home.env, cwd=user.home.path).check()
        done = starter.run(user.project("OpenRouter"), [llm, "-m", "gpt-4o", "hi"])
        assert (done.returncode, done.stdout.strip()) == (0, "answer from gpt-4o"), done
        (completion,) = endpoint.completions
        token = user.providers["OpenRouter"]["authToken"]
        assert completion.credentials == [f"authorization: Bearer {token}"]
    assert not [r for r in outside.requests if r.credentials]
