"""Fixtures for the tests of sources of keys: stand-ins for their tools."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cowork_env.secrets import keychain

from support.tools import Tools


@pytest.fixture
def tools(tmp_path: Path) -> Tools:
    return Tools(tmp_path)


@pytest.fixture
def on_macos(tools: Tools, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Makes keyring: use the stand-in for ``security``."""

    def change() -> None:
        monkeypatch.setattr(sys, "platform", "darwin")
        monkeypatch.setattr(keychain, "PROGRAM", str(tools.folder / "security"))

    return change
