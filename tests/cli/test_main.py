"""The program as a whole: its help, usage errors, and what it imports first."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from cowork_env import __version__
from cowork_env.cli import COMMANDS, SECTIONS, errors, fast_path, inputs

from support.home import Home, executable, need
from support.program import Program


def test_help_fits_a_screen_and_names_every_command(program: Program) -> None:
    result = program.run("--help")
    lines = result.stdout.splitlines()
    assert result.returncode == 0
    assert len(lines) < 24
    assert max(map(len, lines)) <= 80
    words = result.stdout.replace(",", " ").split()
    assert set(COMMANDS) <= set(words)
    assert "\033" not in result.stdout


def test_without_a_command_it_shows_its_help(program: Program) -> None:
    result = program.run()
    assert (result.returncode, result.stdout, result.stderr) == (
        0,
        program.run("--help").stdout,
        "",
    )


def test_help_lists_every_command_of_the_table() -> None:
    shown = [name for _, rows in SECTIONS for names, _ in rows for name in names.split()]
    assert sorted(shown) == sorted(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_examples(program: Program, name: str) -> None:
    result = program.run(name, "--help")
    assert result.returncode == 0
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert "Examples:" in result.stdout
    assert f"cowork-env {name}" in result.stdout


def test_version(program: Program) -> None:
    assert program.run("--version").stdout == f"cowork-env {__version__}\n"


@pytest.mark.parametrize(
    ("args", "message", "hint"),
    [
        (["lst"], "There is no command 'lst'.", "Did you mean 'list'?"),
        (["\x1b[2J"], "There is no command '\\x1b[2J'.", "'cowork-env --help' lists the commands."),
        (["--frobnicate"], "No such option", "Try 'cowork-env --help'."),
        (["export", "--frobnicate"], "No such option", "Try 'cowork-env export --help'."),
        (["export", "there"], "Got unexpected extra argument", "Try 'cowork-env export --help'."),
        (["export", "--format"], "requires an argument", "Try 'cowork-env --help'."),
        (["export", "--format", "tcl"], "There is no format 'tcl'.", "There is sh, bash"),
        (["export", "--format", ""], "There is no format ''.", "There is sh, bash"),
        (
            ["export", "--format", "sh", "--provider", ""],
            "The provider's name is empty.",
            "Use 'none' for no provider.",
        ),
        (["exec"], "Missing argument 'CMD...'.", "Try 'cowork-env exec --help'."),
        (["hook", "tclsh"], "There is no hook for 'tclsh'.", "Supported shells: bash"),
        (["hook", "bash", "zsh"], "Got unexpected extra argument", "Try 'cowork-env hook --help'."),
        (["completion"], "Choose from: bash, zsh, fish", "Try 'cowork-env completion --help'."),
        (["completion", "tclsh"], "'tclsh' is not one of", "Try 'cowork-env completion --help'."),
        (["token", ""], "The provider's name is empty.", "Use 'none' for no provider."),
    ],
)
def test_usage_errors_have_a_message_and_a_hint(
    program: Program, args: list[str], message: str, hint: str
) -> None:
    result = program.run(*args)
    assert (result.returncode, result.stdout) == (2, "")
    first, second = result.stderr.splitlines()
    assert first.startswith("cowork-env: ")
    assert message in first
    assert hint in second


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_hook_detects_its_shell(program: Program, home: Home, shell: str) -> None:
    # Not the last command: the shell must not be replaced by it.
    result = subprocess.run(
        [need(shell), "-c", "cowork-env hook; true"],
        env=home.env,
        cwd=home.path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == program.run("hook", shell).stdout != ""


def test_hook_without_a_detected_shell_is_a_usage_error(
    monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr(inputs, "detect_shell", lambda: "")
    assert errors.run(fast_path.hook) == 2
    assert capsys.readouterr().err.splitlines()[1] == "Name it, as in: cowork-env hook zsh"


@pytest.mark.parametrize(
    "planted", ["json", "click", "platformdirs", "signal", "__future__", "shellingham"]
)
def test_modules_in_the_current_directory_are_not_imported(home: Home, planted: str) -> None:
    """Neither the program nor ``python -m`` imports from the current directory."""
    project = home.path / "project"
    project.mkdir()
    (project / f"{planted}.py").write_text("import os; os.write(2, b'PLANTED')\n")
    home.providers()
    lines = (
        ["export", "--format", "sh"],
        ["export"],
        ["exec", "true"],
        ["--help"],
        ["pin", "openrouter"],
    )
    for start in ([executable()], [sys.executable, "-m", "cowork_env"]):
        for args in lines:
            result = subprocess.run(
                [*start, *args],
                env=home.env,
                cwd=project,
                capture_output=True,
                text=True,
                timeout=60,
            )
            assert "PLANTED" not in result.stderr, (start, args)
            assert result.returncode == 0, result.stderr
