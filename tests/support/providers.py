"""What the tests of the commands that list and change providers share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from support.home import Home
from support.program import Completed, Program
from support.terminal import Dialog

KEY = "sk-marked-5f2e9c0d1b7a4e63"
ENTER, CTRL_C = "\r", "\x03"


def run(home: Home, *args: str, stdin: str | bytes = "", **env: str) -> Completed:
    """Run a command with this standard input; it may fail, but not with a traceback."""
    ran = Program(home).run(*args, input=stdin, env=env)
    assert "Traceback" not in ran.stderr
    return ran


def ok(home: Home, *args: str, stdin: str | bytes = "", **env: str) -> Completed:
    """Run a command that must succeed."""
    return run(home, *args, stdin=stdin, **env).check()


def dialog(home: Home, *args: str, **env: str) -> Dialog:
    """A command on a terminal, without color."""
    return Dialog.with_program(home, *args, env={"NO_COLOR": "1", **env})


def file(home: Home) -> Path:
    """The provider file: the test's, or the one that the program has created."""
    created = home.config / "Agent Cowork/providers.json"
    return created if created.exists() else home.file


def saved(home: Home) -> Any:
    """The content of the provider file."""
    return json.loads(file(home).read_text())


def selection(home: Home) -> str:
    """The selection: an id or a name, or empty."""
    path = home.state / "selection"
    return path.read_text().strip() if path.exists() else ""
