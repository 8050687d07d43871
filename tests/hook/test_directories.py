"""Directories with hostile names, links, and directories that are moved or deleted."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from support.home import GUIDE_MANAGED as MANAGED
from support.home import Home
from support.terminal import Open


@pytest.mark.parametrize(
    "name",
    [
        "with space",
        "quo'te",
        'dou"ble',
        "$test",
        "$(touch owned)",
        "`touch owned`",
        "-dash",
        "semi;colon",
        "new\nline",
        "back\\slash\\b",
        "star*",
        "éè🚒",
        "a=b",
        "[x]",
        "~tilde",
        "tab\tbed",
    ],
)
def test_hostile_directory_names(shell: str, name: str, home: Home, open_terminal: Open) -> None:
    home.providers()
    project = home.path / "work" / name
    home.pin(project, "OpenRouter\n")
    terminal = open_terminal(shell, env={"TARGET": str(project)})
    terminal.run('cd "$TARGET"')
    assert terminal.managed() == MANAGED["OpenRouter"]
    assert terminal.run("true") == ""
    assert terminal.managed("cd ~") == {}
    assert not list(home.path.rglob("owned"))


def test_directory_name_that_is_not_utf8(shell: str, home: Home, open_terminal: Open) -> None:
    home.providers()
    project = home.path / os.fsdecode(b"caf\xe9 \xff")
    home.pin(project, "OpenRouter\n")
    (home.path / "link").symlink_to(project)
    terminal = open_terminal(shell)
    terminal.run("cd -P link" if shell != "fish" else "cd (realpath link)")
    assert terminal.managed() == MANAGED["OpenRouter"]
    assert terminal.run("true") == ""
    assert terminal.managed("cd ~") == {}


def test_through_a_symbolic_link(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """The pins above the real directory apply, whatever path it was reached by."""
    (home.path / "elsewhere").mkdir()
    (home.path / "elsewhere/link").symlink_to(projects["OpenRouter"] / "deep")
    home.pin(home.path / "elsewhere", "LiteLLM Local\n")
    terminal = open_terminal(shell)
    assert terminal.managed(f"cd {home.path}/elsewhere/link/er") == MANAGED["OpenRouter"]
    assert terminal.managed(f"cd {home.path}/elsewhere") == MANAGED["LiteLLM Local"]


def test_deleted_and_renamed_directories(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    terminal = open_terminal(shell)
    path = projects["OpenRouter"]
    terminal.run(f"cd {path}/deep/er")
    shutil.rmtree(path / "deep/er")
    assert terminal.run("true") == ""
    assert terminal.managed() == MANAGED["OpenRouter"]  # the pin above is still there
    terminal.run(f"cd {path}/deep")
    path.rename(home.path / "moved")
    assert terminal.managed() == {}  # not trusted at its new place
    terminal.run(f"cd {home.path}/moved")
    shutil.rmtree(home.path / "moved")
    terminal.run("true")
    assert terminal.managed() == {}
    assert terminal.run("true") == ""
    terminal.run("cd ~")
    assert terminal.managed() == {}
