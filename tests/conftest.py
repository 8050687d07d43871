"""Fixtures for every test: a temporary home, and projects in it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.home import FOREIGN, GUIDE, Home, copies


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """An isolated home in a folder of its own; whatever a test did in it, no key is left in the program's own state."""
    made = Home(tmp_path / "home")
    yield made
    for path in made.state.rglob("*"):
        if path.is_file() and not path.is_symlink() and os.access(path, os.R_OK):
            content = path.read_bytes()
            assert not [
                key for entry in GUIDE for key in copies(entry["authToken"]) if key in content
            ], path


@pytest.fixture
def projects(home: Home) -> dict[str, Path]:
    """The guide's four providers, each pinned in a project of its own, allowed."""
    home.providers()
    paths = {}
    for entry in GUIDE:
        paths[entry["name"]] = home.path / "work" / entry["name"].lower().replace(" ", "-")
        home.pin(paths[entry["name"]], entry["name"] + "\n")
        (paths[entry["name"]] / "deep/er").mkdir(parents=True)
    return paths


@pytest.fixture(autouse=True)
def _nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what runs inside this process away from the real home, too."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in list(os.environ):
        if name.startswith(FOREIGN) and not name.startswith("PYTHON"):
            monkeypatch.delenv(name)
