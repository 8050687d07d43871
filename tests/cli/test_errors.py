"""Errors, interrupts and standard streams that are closed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from typing import Any

import pytest

from cowork_env.cli import errors, terminal
from cowork_env.util import files

from support.home import GUIDE, Home, executable
from support.program import Program
from support.providers import KEY


def test_interrupt_and_unexpected_exception_show_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    secret = "sk-ant-api03-secret-in-an-exception"

    def bug() -> None:
        raise ValueError(secret)

    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(files, "tried", [])
    assert errors.run(interrupt) == 130
    assert capsys.readouterr().err == ""
    assert errors.run(bug) == 1
    said = capsys.readouterr().err
    assert "ValueError at test_errors.py:" in said
    assert "this is a bug in cowork-env" in said
    assert "report it" in said
    assert "Traceback" not in said
    monkeypatch.setenv(errors.DEBUG_VARIABLE, "1")
    assert errors.run(bug) == 1
    debugged = capsys.readouterr().err
    assert "in bug" in debugged
    assert secret not in said + debugged


def test_system_error_names_its_file(capsys: Any) -> None:
    assert errors.run(lambda: open("/nonexistent\x1b/file")) == 1  # noqa: SIM115
    assert (
        capsys.readouterr().err
        == "cowork-env: /nonexistent\\x1b/file: No such file or directory.\n"
    )


@pytest.mark.parametrize("args", [["--help"], ["hook", "bash"], ["export", "--help"]])
def test_closed_pipe_is_not_reported(home: Home, args: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        result = subprocess.run(
            [executable(), *args],
            env=home.env,
            cwd=home.path,
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
        )
    finally:
        os.close(writing)
    assert result.stderr == ""
    # The hook's line is printed by sh, which the signal ends.
    assert result.returncode == (-signal.SIGPIPE if args[0] == "hook" else 1)


@pytest.mark.parametrize("closed", ["2>&-", "2>/dev/full", "<&- 2>&-"])
@pytest.mark.parametrize(
    ("command", "status"),
    [
        ("token", 3),
        ("export --format sh", 3),
        ("exec true", 3),
        ("use", 2),
        ("show nobody", 1),
        ("pin", 2),
    ],
)
def test_errors_never_go_to_standard_output(
    home: Home, command: str, status: int, closed: str
) -> None:
    """It would be evaluated, or sent as the key; and the exit status stays."""
    home.providers()
    home.pin(home.path / "clone", "openrouter\n", allow=False)
    ran = subprocess.run(
        ["sh", "-c", f'"$0" {command} {closed}', executable()],
        env=home.env,
        cwd=home.path / "clone",
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )
    assert (ran.returncode, ran.stdout) == (status, "")


@pytest.mark.parametrize("closed", [">&-", ">/dev/full", "<&- >&-"])
@pytest.mark.parametrize(
    "command", ["list", "--help", "show openrouter", "token openrouter", "hook bash"]
)
def test_output_that_cannot_be_written_is_an_error(home: Home, command: str, closed: str) -> None:
    home.providers()
    ran = subprocess.run(
        ["sh", "-c", f'"$0" {command} {closed}', executable()],
        env=home.env,
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )
    assert ran.returncode == 1
    assert len(ran.stderr.splitlines()) == 1
    assert "Bad file descriptor" in ran.stderr or "No space left" in ran.stderr


def test_closed_standard_input_is_not_interactive(home: Home) -> None:
    ran = subprocess.run(
        ["sh", "-c", '"$0" add openrouter <&-', executable()],
        env=home.env,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.returncode == 2
    assert "Missing --token-stdin" in ran.stderr


def test_full_disk_is_an_error(home: Home) -> None:
    with open("/dev/full", "wb") as full:
        result = subprocess.run(
            [executable(), "hook", "bash"],
            env=home.env,
            cwd=home.path,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
        )
    assert result.returncode == 1
    assert (
        result.stderr == "cowork-env: Standard output cannot be written: No space left on device.\n"
    )


@pytest.mark.parametrize(
    ("is_terminal", "env", "welcome"),
    [
        (True, {"TERM": "xterm"}, True),
        (False, {"TERM": "xterm"}, False),
        (True, {"TERM": "dumb"}, False),
        (True, {"TERM": "xterm", "COWORK_ENV_PLAIN": "1"}, False),
        (True, {"TERM": "xterm", "COWORK_ENV_PLAIN": "0"}, True),
        (True, {"TERM": "xterm", "NO_COLOR": "1"}, False),
        (True, {"TERM": "xterm", "NO_COLOR": ""}, True),
    ],
)
def test_color_only_on_terminals(
    monkeypatch: pytest.MonkeyPatch, is_terminal: bool, env: dict[str, str], welcome: bool
) -> None:
    class Stream:
        def isatty(self) -> bool:
            return is_terminal

    for name, value in env.items():
        monkeypatch.setenv(name, value)
    assert terminal.use_color(Stream()) is welcome


@pytest.mark.parametrize("command", [["exec", "true"], ["token"], ["export", "--format", "sh"]])
def test_interrupt_during_a_slow_lookup(home: Home, command: list[str]) -> None:
    """It ends the program with 130 and without a word, and the tool that was asked with it."""
    home.providers(
        [
            {
                "name": "slow",
                "baseUrl": "https://x.example",
                "authTokenFrom": "cmd:sh -c 'echo $$ > ~/asked; exec sleep 60'",
            }
        ]
    )
    with subprocess.Popen(
        [executable(), *command],
        env={**home.env, "COWORK_PROVIDER": "slow"},
        cwd=home.path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
    ) as process:
        asked, deadline = home.path / "asked", time.monotonic() + 30
        while not (asked.exists() and asked.read_text().strip()) and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=30)
    assert (process.returncode, said[0], said[1].strip()) == (
        130,
        b"",
        b"",
    )  # click ends the line that has the ^C
    with pytest.raises(ProcessLookupError):
        os.kill(int(asked.read_text()), 0)


@pytest.mark.parametrize(
    "command",
    [
        *("list", "show OpenRouter", "use OpenRouter", "pin OpenRouter", "edit OpenRouter"),
        *("remove OpenRouter", "rename OpenRouter x", "secure", "token OpenRouter"),
        *("exec --provider OpenRouter true", "export --provider OpenRouter --format sh"),
        *("status", "doctor --offline"),
    ],
)
def test_every_command_names_a_provider_file_that_is_mistyped(
    home: Home, program: Program, command: str
) -> None:
    env = {
        "COWORK_ENV_PROVIDERS_FILE": str(home.path / "mistyped.json"),
        "COWORK_PROVIDER": "OpenRouter",
    }
    result = program.run(*command.split(), env=env)
    said = f"{result.stdout}{result.stderr}".replace("\n         ", "")
    assert "COWORK_ENV_PROVIDERS_FILE names ~/mistyped.json, which does not exist." in said
    assert result.returncode == 1


def test_add_makes_the_provider_file_that_is_named(home: Home, program: Program) -> None:
    env = {"COWORK_ENV_PROVIDERS_FILE": str(home.path / "new.json")}
    add = ["add", "openrouter", "--token-stdin"]
    said = program.run(*add, env=env, input="sk-or-invented").check().stderr
    assert "cowork-env: ~/new.json is a new file, which COWORK_ENV_PROVIDERS_FILE names\n" in said
    again = program.run(*add, "--name", "B", env=env, input="sk-or-invented").check().stderr
    assert "new file" not in again
    env = {"COWORK_ENV_PROVIDERS_FILE": str(home.path / "no/new.json")}
    said = program.run(*add, env=env, input="sk-or-invented").check().stderr
    assert "~/no/new.json is a new file" in said
    env = {"COWORK_ENV_PROVIDERS_FILE": "/dev/null/x.json"}
    said = program.run(*add, env=env, input="sk-or-invented").check(1).stderr
    assert "/dev/null" in said and "Traceback" not in said


@pytest.mark.parametrize(
    "arguments",
    [
        ["rename", "openrouter", KEY],
        ["import", "env", "--name", KEY, "--yes"],
        ["pin", "openrouter", "--opus", KEY],
        ["edit", "openrouter", "--env", f"{KEY}=x"],
    ],
    ids=["rename", "import", "pin", "env"],
)
def test_a_key_in_the_place_of_a_name_is_refused_and_not_repeated(
    home: Home, arguments: list[str]
) -> None:
    home.providers()
    env = {"ANTHROPIC_BASE_URL": "https://e.example", "ANTHROPIC_AUTH_TOKEN": "sk-e"}
    ran = Program(home).run(*arguments, env=env)
    assert ran.returncode and "looks like a key" in ran.stderr and KEY not in ran.stderr
    assert json.loads(home.file.read_text()) == GUIDE
    assert not (home.path / ".cowork-provider").exists()
