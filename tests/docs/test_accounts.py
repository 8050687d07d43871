"""docs/accounts.md and the recipe for CI, command by command, with a client that records."""

from __future__ import annotations

from pathlib import Path

from support import documents
from support.home import GUIDE, Home, need
from support.program import Completed, execute
from support.providers import saved

ACCOUNTS, CI = documents.ROOT / "docs/accounts.md", documents.ROOT / "docs/ci.md"
TOKEN = "sk-ant-oat01-invented-0123456789"


def run(home: Home, block: str, cwd: Path | None = None, **env: str) -> Completed:
    """Run a block as a script that stops at a failure; ``claude`` shows what it gets."""
    programs = home.path / "programs"
    programs.mkdir(exist_ok=True)
    (programs / "claude").write_text('#!/bin/sh\necho "asked:$*"\nenv\n')
    (programs / "claude").chmod(0o755)
    around = {**home.env, "PATH": f"{programs}:{home.env['PATH']}", **env}
    return execute([need("bash"), "-e"], input=block, env=around, cwd=cwd or home.path).check()


def test_two_subscriptions_and_an_endpoint(home: Home) -> None:
    home.providers([GUIDE[1]])
    for folder in ("work/app", "private", "lab"):
        (home.path / folder).mkdir(parents=True)
    (block,) = documents.blocks(ACCOUNTS, "sh accounts")
    done = run(home, block)
    assert "asked:auth login\n" in done.stdout
    assert f"CLAUDE_CONFIG_DIR={home.path}/.claude-work\n" in done.stdout
    start = "cowork-env exec -- claude"
    assert ".claude-work" in run(home, start, home.path / "work/app").stdout
    assert "\nCLAUDE_CONFIG_DIR=" not in run(home, start, home.path / "private").stdout
    assert "ANTHROPIC_BASE_URL=https://openrouter.ai" in run(home, start, home.path / "lab").stdout


def test_a_token(home: Home) -> None:
    (home.path / "token.txt").write_text(TOKEN + "\n")
    (block,) = documents.blocks(ACCOUNTS, "sh token")
    run(home, block)
    assert saved(home)[0]["authToken"] == TOKEN


def test_the_recipe_for_ci(home: Home) -> None:
    (entries,) = documents.blocks(CI, "json account")
    (block,) = documents.blocks(CI, "sh account")
    (home.path / "ci").mkdir()
    (home.path / "ci/account.json").write_text(entries)
    done = run(home, block, CLAUDE_TOKEN=TOKEN, ANTHROPIC_BASE_URL="https://mine.example")
    assert "asked:-p Review" in done.stdout and f"CLAUDE_CODE_OAUTH_TOKEN={TOKEN}\n" in done.stdout
    assert "\nANTHROPIC_BASE_URL=" not in done.stdout
