"""The program as a whole: its help, usage errors, and what it imports first."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from cowork_env import __version__
from cowork_env.cli import ALIASES, COMMANDS, SECTIONS, errors, fast_path, inputs, suggestions

from support.home import Home, executable, need
from support.program import Program
from support.terminal import Dialog


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
    for form in ("--version", "-V", "version"):
        assert program.run(form).stdout == f"cowork-env {__version__}\n"


def test_other_names_of_commands(program: Program, home: Home) -> None:
    home.providers()
    assert program.run("ls", "--json").stdout == program.run("list", "--json").stdout != ""
    assert program.run("rm", "--help").stdout == program.run("remove", "--help").stdout
    assert program.run("help").stdout == program.run("--help").stdout
    assert program.run("help", "ls").stdout == program.run("list", "--help").stdout
    assert set(ALIASES.values()) <= set(COMMANDS) and not set(ALIASES) & set(COMMANDS)


def test_commands_of_other_tools_lead_to_one_of_ours() -> None:
    for tried, command in suggestions.COMMANDS_ELSEWHERE.items():
        assert tried not in (*COMMANDS, *ALIASES)
        assert command.split()[0] in COMMANDS


@pytest.mark.parametrize(
    ("args", "message", "hint"),
    [
        (["lst"], "There is no command 'lst'.", "Did you mean 'list'?"),
        (["\x1b[2J"], "There is no command '\\x1b[2J'.", "'cowork-env --help' lists the commands."),
        (["RM2"], "There is no command 'RM2'.", "Did you mean 'remove'?"),
        (["help", "expor"], "There is no command 'expor'.", "Did you mean 'export'"),
        (["switch"], "There is no command 'switch'.", "Did you mean 'cowork-env use NAME'?"),
        (["--frobnicate"], "There is no option '--frobnicate'.", "Try 'cowork-env --help'."),
        (["export", "--frob"], "There is no option '--frob'.", "Try 'cowork-env export --help'."),
        (["export", "--formt"], "There is no option '--formt'.", "Did you mean '--format'?"),
        (["pin", "--name", "x"], "no option '--name'.", "It needs no option: cowork-env pin NAME"),
        (["add", "--url", "x"], "There is no option '--url'.", "Did you mean '--base-url'?"),
        (
            ["add", "--model", "x"],
            "There is no option '--model'.",
            "Did you mean '--default-model'",
        ),
        (["list", "--all"], "There is no option '--all'.", "lists all providers."),
        (["add", "opnrouter"], "There is no preset 'opnrouter'.", "Did you mean 'openrouter'?"),
        (["export", "--format", "dotnev"], "no format 'dotnev'", "Did you mean 'dotenv'?"),
        (["hook", "zhs"], "There is no hook for 'zhs'.", "Did you mean 'zsh'?"),
        (["export", "there"], "Got unexpected extra argument", "Try 'cowork-env export --help'."),
        (["export", "--format"], "requires an argument", "Try 'cowork-env --help'."),
        (["export", "--format", "tcl"], "There is no format 'tcl'.", "Formats: sh, bash"),
        (["export", "--format", ""], "There is no format ''.", "Formats: sh, bash"),
        (
            ["export", "--format", "sh", "--provider", ""],
            "The provider's name is empty.",
            "Use 'none' for no provider.",
        ),
        (["exec"], "Missing argument 'CMD...'.", "Try 'cowork-env exec --help'."),
        (["hook", "perl"], "There is no hook for 'perl'.", "Supported shells: bash"),
        (["hook", "bash", "zsh"], "Got unexpected extra argument", "Try 'cowork-env hook --help'."),
        (["completion", "perl"], "There is no completion for 'perl'.", "bash, zsh, fish."),
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


KEY = "sk-or-v1-0123456789abcdef"


@pytest.mark.parametrize("option", ["--key", "--token", "--api-key", "--password", "--secret"])
@pytest.mark.parametrize("command", ["add", "edit OpenRouter", "list", ""])
def test_no_option_takes_a_key(command: str, option: str, program: Program, home: Home) -> None:
    for given in ([option, KEY], [f"{option}={KEY}"]):
        result = program.run(*command.split(), *given).check(2)
        message, hint = result.stderr.splitlines()
        assert message == (
            f"cowork-env: There is no option '{option}': a key in a command line shows in the "
            "process list and in the shell's history."
        )
        assert "the key" in hint and KEY not in result.stderr + result.stdout


@pytest.mark.parametrize(
    "line",
    [
        *("", "add", "use", "pin", "show", "edit", "rm", "doctor", "token", "list", "hook", "exec"),
        *("export --format", "export --provider", "completion", "import", "export --format=@"),
        *("rename OpenRouter x", "allow", "--@", "init", "KEY=@", "help"),
    ],
)
def test_an_argument_that_looks_like_a_key_is_not_shown(
    line: str, program: Program, home: Home
) -> None:
    """It is said that it is in the history now."""
    home.providers()
    words = line.replace("@", KEY).split() if "@" in line else [*line.split(), KEY]
    result = program.run(*words)
    assert result.returncode != 0 and KEY not in result.stdout + result.stderr
    assert result.stderr.splitlines()[:2] == [
        "cowork-env: '••••••••cdef' looks like a key, which the process list and the shell's "
        "history show in a command line.",
        "Remove it from the history. 'cowork-env add' asks for a key.",
    ]


def test_what_is_no_key_is_shown(program: Program, home: Home) -> None:
    path = "/nix/0123456789abcdef0123456789abcdef/x.json"
    assert path in program.run("import", path).stderr


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["hook", "bash"], 'Or type: eval "$(cowork-env hook bash)"'),
        (["hook", "elvish"], "Or type: eval (cowork-env hook elvish | slurp)"),
        (["completion", "fish"], "Or type: cowork-env completion fish | source"),
        (["export", "--format", "sh"], 'Type: eval "$(cowork-env export --format sh)"'),
        (["export", "--format", "fish"], "Type: cowork-env export --format fish | source"),
        (
            ["export", "--format", "sh", "--provider", "OpenRouter", "--trust"],
            'Type: eval "$(cowork-env export --format sh --trust --provider OpenRouter)"',
        ),
        (["export", "--provider", "none", "--format", "sh"], "nothing has to change"),
    ],
)
def test_what_a_shell_evaluates_explains_itself_on_a_terminal(
    command: list[str], said: str, program: Program, home: Home
) -> None:
    home.providers()
    home.pin(home.path, "OpenRouter\n")
    piped = program.run(*command).check()
    assert piped.stderr == ""
    with Dialog.with_program(home, *command, size=(50, 4000), env={"COLUMNS": ""}) as dialog:
        shown = dialog.finish().replace("\r\n", "\n")
    assert shown.startswith(piped.stdout)
    rest = shown[len(piped.stdout) :]
    assert rest.startswith("cowork-env: ") and rest.count("\n") <= 2 and said in rest
    assert ("keys included" in rest) == ("export --format" in said)


def test_a_file_format_on_a_terminal_is_that_alone(program: Program, home: Home) -> None:
    home.providers()
    command = ["export", "--provider", "OpenRouter", "--format", "json"]
    with Dialog.with_program(home, *command) as dialog:
        assert "cowork-env: " not in dialog.finish()
