"""Fixtures for the tests of the hook at real prompts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.home import GUIDE, Home
from support.shells import SHELLS
from support.terminal import Terminal


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> str:
    """The name of a shell."""
    return str(request.param)


@pytest.fixture(params=SHELLS)
def terminal(request: pytest.FixtureRequest, home: Home) -> Iterator[Terminal]:
    """A shell eight directories below the pin of a project; there are four such projects."""
    home.providers()
    for entry in GUIDE:
        home.pin(home.path / entry["name"].split()[0] / "a/b/c/d/e/f/g/h", "")
        (home.path / entry["name"].split()[0] / "a/b/c/d/e/f/g/h/.cowork-provider").unlink()
        home.pin(home.path / entry["name"].split()[0], entry["name"] + "\n")
    opened = Terminal(request.param, home, cwd=home.path / "My/a/b/c/d/e/f/g/h")
    yield opened
    opened.close()
