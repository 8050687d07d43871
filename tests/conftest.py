"""Fixtures for every test: a temporary home, and projects in it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.home import FOREIGN, GUIDE, Home, copies
from support.program import Program
from support.terminal import Open, Terminal

# Started in the background by a script, this process and all that it starts would ignore Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """A temporary home; after the test no key may be left in the program's own state."""
    made = Home(tmp_path / "home")
    yield made
    for path in made.state.rglob("*"):
        if path.parent.name == "claude" and path.suffix == ".json" and not path.is_symlink():
            assert path.stat().st_mode & 0o077 == 0, path
            continue  # The settings file of a launcher: the one that may hold a key.
        if path.is_file() and not path.is_symlink() and os.access(path, os.R_OK):
            content = path.read_bytes()
            assert not [
                key for entry in GUIDE for key in copies(entry["authToken"]) if key in content
            ], path


@pytest.fixture
def program(home: Home) -> Program:
    """The installed cowork-env in the test's home."""
    return Program(home)


@pytest.fixture
def open_terminal(home: Home) -> Iterator[Open]:
    """Open terminals in the test's home; they are closed at its end."""
    opened: list[Terminal] = []

    def start(shell: str, **options: Any) -> Terminal:
        opened.append(Terminal(shell, home, **options))
        return opened[-1]

    yield start
    for terminal in opened:
        terminal.close()


@pytest.fixture
def projects(home: Home) -> dict[str, Path]:
    """The guide's four providers, each with a project that has a trusted pin for it."""
    home.providers()
    paths = {}
    for entry in GUIDE:
        paths[entry["name"]] = home.path / "work" / entry["name"].lower().replace(" ", "-")
        home.pin(paths[entry["name"]], entry["name"] + "\n")
        (paths[entry["name"]] / "deep/er").mkdir(parents=True)
    return paths


@pytest.fixture(autouse=True)
def _isolated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep code that runs in the test process away from the real home, too."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in list(os.environ):
        if name.startswith(FOREIGN) and not name.startswith("PYTHON"):
            monkeypatch.delenv(name)
