"""Accounts at real prompts: two logins and an endpoint, chosen by three pins."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.home import GUIDE, GUIDE_MANAGED, Home
from support.terminal import Open, Terminal

DIRECTORY = "CLAUDE_CONFIG_DIR"


@pytest.fixture
def pinned(home: Home) -> dict[str, Path]:
    """A directory for each of two accounts, one of them the default login, and an endpoint."""
    work = {"name": "Work", "auth": "account", "configDir": "~/.claude-work"}
    home.providers([work, {"name": "Private", "auth": "account"}, GUIDE[1]])
    found = {}
    for name in ("Work", "Private", "OpenRouter"):
        found[name] = home.path / name.lower()
        home.pin(found[name], name + "\nrequired = true\n")
    return found


def managed(terminal: Terminal, line: str) -> dict[str, str]:
    """What a child of the shell gets on the same line, of what an account or an endpoint sets."""
    out = terminal.home.path / "seen"
    joint = "; and " if terminal.shell == "fish" else " && "
    terminal.run(f"{line}{joint}env -0 >{out}")
    pairs = dict(entry.partition("=")[::2] for entry in out.read_text().split("\0") if entry)
    names = ("ANTHROPIC_", "CLAUDE", "COWORK_ENV_ACTIVE")
    return {name: value for name, value in pairs.items() if name.startswith(names)}


@pytest.mark.parametrize("before", [None, "/mine", ""])
def test_three_pins(
    before: str | None, shell: str, home: Home, pinned: dict[str, Path], open_terminal: Open
) -> None:
    own = {} if before is None else {DIRECTORY: before}
    terminal = open_terminal(shell, env=own)
    work = {DIRECTORY: f"{home.path}/.claude-work", "COWORK_ENV_ACTIVE": "Work"}
    private, other = {"COWORK_ENV_ACTIVE": "Private"}, GUIDE_MANAGED["OpenRouter"] | own
    for name, inside in (
        ("Work", work),
        ("OpenRouter", other),
        ("Private", private),
        ("Work", work),
    ):
        assert managed(terminal, f"cd {pinned[name]}") == inside
        assert managed(terminal, "true") == inside
    inner = open_terminal(shell, cwd=pinned["Work"], env=terminal.env())
    assert managed(inner, "true") == work
    assert managed(inner, f"cd {pinned['Private']}") == private
    assert managed(inner, "cd ~") == own
    assert managed(terminal, "cd ~") == own
    assert managed(terminal, "true") == own


def test_a_login_that_cannot_be_used_is_a_dead_end(
    shell: str, home: Home, pinned: dict[str, Path], open_terminal: Open
) -> None:
    """The pin requires it: the user's default login must not take its place."""
    (home.path / ".claude-work").mkdir()
    (home.path / ".claude-work").chmod(0o777)
    terminal = open_terminal(shell)
    assert "can be written by other users" in terminal.run(f"cd {pinned['Work']}")
    assert managed(terminal, "true")["ANTHROPIC_BASE_URL"] == "http://unresolved.cowork-env.invalid"
    (home.path / ".claude-work").chmod(0o700)
    terminal.run("cd ~")
    assert managed(terminal, f"cd {pinned['Work']}")[DIRECTORY] == f"{home.path}/.claude-work"
