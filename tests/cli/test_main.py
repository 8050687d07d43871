"""The program as a whole: its help, its errors, what it imports, and the entry."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from cowork_env import __version__
from cowork_env.cli import COMMANDS, SECTIONS, common, statements
from cowork_env.util import paths
from cowork_env.util.errors import CoworkEnvError

from support.home import Home, executable, need

Result = subprocess.CompletedProcess[str]


def run(home: Home, *args: str, cwd: Path | None = None, **env: str) -> Result:
    """The installed program, in its own process."""
    return subprocess.run(
        [executable(), *args],
        env={**home.env, **env},
        cwd=cwd or home.path,
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )


def imported(home: Home, *args: str, **env: str) -> set[str]:
    """The modules that a command line loads, the interpreter's own ones left out."""
    code = (
        "import os, sys; before = set(sys.modules); end = os._exit\n"
        "def show(status): print('\\n', *sorted(set(sys.modules) - before), file=sys.stderr); sys.stderr.flush(); end(status)\n"
        "from cowork_env.__main__ import main; os._exit = show\n"
        "try: main()\n"
        "except SystemExit as error: show(error.code)\n"
    )
    result = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path += {sys.path!r}\n{code}", *args],
        env={**home.env, **env},
        cwd=home.path,
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )
    assert result.returncode == 0, result.stderr
    return set(result.stderr.splitlines()[-1].split())


def test_help_fits_a_screen_and_names_every_command(home: Home) -> None:
    result = run(home, "--help")
    lines = result.stdout.splitlines()
    assert result.returncode == 0
    assert len(lines) < 24
    assert max(map(len, lines)) <= 80
    words = result.stdout.replace(",", " ").split()
    assert set(COMMANDS) <= set(words)
    assert "\033" not in result.stdout


def test_without_a_command_it_shows_its_help(home: Home) -> None:
    result = run(home)
    assert (result.returncode, result.stdout, result.stderr) == (0, run(home, "--help").stdout, "")


def test_the_table_and_the_help_agree() -> None:
    shown = [name for _, rows in SECTIONS for names, _ in rows for name in names.split()]
    assert sorted(shown) == sorted(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_examples(home: Home, name: str) -> None:
    result = run(home, name, "--help")
    assert result.returncode == 0
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert "Examples:" in result.stdout
    assert f"cowork-env {name}" in result.stdout


def test_version(home: Home) -> None:
    assert run(home, "--version").stdout == f"cowork-env {__version__}\n"


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
            "To use none, say 'none'.",
        ),
        (["exec"], "Missing argument 'CMD...'.", "Try 'cowork-env exec --help'."),
        (["hook", "tclsh"], "There is no hook for 'tclsh'.", "There is one for bash"),
        (["hook", "bash", "zsh"], "Got unexpected extra argument", "Try 'cowork-env hook --help'."),
        (["completion"], "Choose from: bash, zsh, fish", "Try 'cowork-env completion --help'."),
        (["completion", "tclsh"], "'tclsh' is not one of", "Try 'cowork-env completion --help'."),
        (["token", ""], "The provider's name is empty.", "To use none, say 'none'."),
    ],
)
def test_usage_errors_are_a_sentence_and_a_hint(
    home: Home, args: list[str], message: str, hint: str
) -> None:
    result = run(home, *args)
    assert (result.returncode, result.stdout) == (2, "")
    first, second = result.stderr.splitlines()
    assert first.startswith("cowork-env: ")
    assert message in first
    assert hint in second


def test_an_interrupt_and_a_mistake_end_in_words(
    monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    secret = "sk-ant-api03-secret-in-an-exception"

    def mistake() -> None:
        raise ValueError(secret)

    def interrupt() -> None:
        raise KeyboardInterrupt

    assert common.run(interrupt) == 130
    assert capsys.readouterr().err == ""
    assert common.run(mistake) == 1
    said = capsys.readouterr().err
    assert "ValueError at test_cli_main.py:" in said
    assert "report it" in said
    assert "Traceback" not in said
    monkeypatch.setenv(common.DEBUG_VARIABLE, "1")
    assert common.run(mistake) == 1
    debugged = capsys.readouterr().err
    assert "in mistake" in debugged
    assert secret not in said + debugged


def test_a_system_error_names_its_file(capsys: Any) -> None:
    assert common.run(lambda: open("/nonexistent\x1b/file")) == 1  # noqa: SIM115
    assert (
        capsys.readouterr().err
        == "cowork-env: /nonexistent\\x1b/file: No such file or directory.\n"
    )


@pytest.mark.parametrize("args", [["--help"], ["hook", "bash"], ["export", "--help"]])
def test_a_reader_who_goes_away_is_not_an_error_worth_words(home: Home, args: list[str]) -> None:
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
    assert (result.returncode, result.stderr) == (1, "")


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
def test_what_cannot_be_said_does_not_go_to_standard_output(
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
def test_output_that_cannot_be_written_is_an_error_in_a_sentence(
    home: Home, command: str, closed: str
) -> None:
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


def test_nobody_can_be_asked_where_standard_input_is_closed(home: Home) -> None:
    ran = subprocess.run(
        ["sh", "-c", '"$0" add openrouter <&-', executable()],
        env=home.env,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.returncode == 2
    assert "Missing --token-stdin" in ran.stderr


def test_a_full_disk_is_an_error(home: Home) -> None:
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
    ("terminal", "env", "welcome"),
    [
        (True, {"TERM": "xterm"}, True),
        (False, {"TERM": "xterm"}, False),
        (True, {"TERM": "dumb"}, False),
        (True, {"TERM": "xterm", "NO_COLOR": "1"}, False),
        (True, {"TERM": "xterm", "NO_COLOR": ""}, True),
    ],
)
def test_colour_is_for_terminals(
    monkeypatch: pytest.MonkeyPatch, terminal: bool, env: dict[str, str], welcome: bool
) -> None:
    class Stream:
        def isatty(self) -> bool:
            return terminal

    for name, value in env.items():
        monkeypatch.setenv(name, value)
    assert common.colour(Stream()) is welcome


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_hook_finds_its_shell(home: Home, shell: str) -> None:
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
    assert result.stdout == run(home, "hook", shell).stdout != ""


def test_hook_that_cannot_find_its_shell_asks_for_it(
    monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr(statements, "invoking_shell", lambda: "")
    assert common.run(statements.hook) == 2
    assert capsys.readouterr().err.splitlines()[1] == "Name it, as in: cowork-env hook zsh"


@pytest.mark.parametrize("command", [["exec", "true"], ["token"], ["export", "--format", "sh"]])
def test_an_interrupt_during_a_slow_look_up(home: Home, command: list[str]) -> None:
    """It ends the program with 130 and without a word, and the tool that was asked with it."""
    home.providers(
        [
            {
                "name": "slow",
                "baseUrl": "https://x.example",
                "authTokenFrom": "cmd:sh -c 'echo $$ > asked; exec sleep 60'",
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
    ("key", "shown"),
    [
        ("", ""),
        ("short-key", "•" * 8),
        ("sk-ant-api03-invented-0001", "•" * 8 + "0001"),
        ("x" * 19, "•" * 8),
    ],
)
def test_mask(key: str, shown: str) -> None:
    assert common.mask(key) == shown


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("ANTHROPIC_AUTH_TOKEN", True),
        ("ANTHROPIC_API_KEY", True),
        ("AWS_SECRET_ACCESS_KEY", True),
        ("CLAUDE_CODE_OAUTH_TOKEN", True),
        ("ANTHROPIC_CUSTOM_HEADERS", True),
        ("AWS_BEARER_TOKEN_BEDROCK", True),
        ("OPENAI_APIKEY", True),
        ("GOOGLE_APPLICATION_CREDENTIAL", True),
        ("OPENAI_APIKEY", True),
        ("PGPASSWORD", True),
        ("DB_PASSWD", True),
        ("X_CREDENTIAL", True),
        ("authtoken", True),
        ("CLAUDE_CODE_MAX_CONTEXT_TOKENS", False),
        ("CLAUDE_CODE_SKIP_BEDROCK_AUTH", False),
        ("MAX_THINKING_TOKENS", False),
        ("COMPAT", False),
        ("ANTHROPIC_BASE_URL", False),
        ("ANTHROPIC_MODEL", False),
    ],
)
def test_which_variables_hold_keys(name: str, key: bool) -> None:
    assert common.is_key(name) is key


# What is imported

HEAVY = {
    "click",
    "pydantic",
    "httpx",
    "questionary",
    "platformdirs",
    "re",
    "json",
    "typing",
    "dataclasses",
    "pathlib",
    "filelock",
}


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere platformdirs finds the folders")
@pytest.mark.parametrize(
    "args",
    [
        ["hook", "bash"],
        ["export", "--format=bash"],
        ["export", "--provider", "openrouter", "--format", "sh"],
    ],
)
def test_the_short_ways_import_nothing_heavy(home: Home, args: list[str]) -> None:
    home.providers()
    assert imported(home, *args) & HEAVY == set()


def test_exec_imports_nothing_heavy(home: Home) -> None:
    home.providers()
    code = (
        f"import os, sys; sys.path += {sys.path!r}\n"
        "os.execve = lambda *a: print(*sorted(sys.modules))\n"
        "from cowork_env.__main__ import main; main()"
    )
    result = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, "exec", "--provider", "openrouter", "--", "true"],
        env=home.env,
        cwd=home.path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.returncode == 0, result.stderr
    assert "cowork_env.resolve" in result.stdout.split()
    assert set(result.stdout.split()) & (HEAVY - {"re"}) == set()


def test_help_imports_no_command(home: Home) -> None:
    modules = imported(home, "--help")
    assert "click" in modules
    ours = {m for m in modules if m.startswith("cowork_env.cli")}
    assert ours == {"cowork_env.cli", "cowork_env.cli.common", "cowork_env.cli.group"}
    assert modules & {"pydantic", "httpx", "questionary", "platformdirs", "filelock"} == set()


def test_a_commands_name_is_completed(home: Home) -> None:
    result = run(
        home, _COWORK_ENV_COMPLETE="bash_complete", COMP_WORDS="cowork-env ex", COMP_CWORD="1"
    )
    assert (result.stdout, result.stderr) == ("plain,exec\nplain,export\n", "")
    modules = imported(
        home, _COWORK_ENV_COMPLETE="bash_complete", COMP_WORDS="cowork-env ex", COMP_CWORD="1"
    )
    assert {m for m in modules if m.startswith("cowork_env.cli.")} == {
        "cowork_env.cli.common",
        "cowork_env.cli.group",
    }


# The entry


@pytest.mark.parametrize(
    "planted", ["json", "click", "platformdirs", "signal", "__future__", "shellingham"]
)
def test_a_project_cannot_slip_its_modules_in(home: Home, planted: str) -> None:
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


def test_the_short_way_reads_the_same_command_lines_as_click(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever the short way takes, click takes to mean the same."""
    from itertools import product

    from cowork_env.cli import shell

    calls: list[tuple[Any, ...]] = []
    for name in ("hook", "export", "execute"):
        monkeypatch.setattr(statements, name, _recorder(calls, name))
    words = [
        "--format",
        "--format=sh",
        "--provider",
        "--provider=",
        "x",
        "--trust",
        "--no-secrets",
        "--",
        "--help",
        "-x",
        "-",
        "",
    ]
    taken = 0
    commands = {
        "hook": shell.hook_command,
        "export": shell.export_command,
        "exec": shell.exec_command,
    }
    for name, command in commands.items():
        for length in range(4):
            for line in product(words, repeat=length):
                calls.clear()
                short = statements.plain([name, *line])
                if short is None:
                    continue
                taken += 1
                short()
                command.main(list(line), prog_name=name, standalone_mode=False)
                assert len(calls) == 2, (name, line)
                assert calls[0] == calls[1], (name, line)
    assert taken > 100


def _recorder(calls: list[tuple[Any, ...]], name: str) -> Any:
    defaults: dict[str, Any] = {
        "export": {"format": None, "provider": None, "trust": False, "no_secrets": False}
    }.get(name, {} if name == "hook" else {"provider": None, "trust": False})

    def record(*args: Any, **kwargs: Any) -> None:
        positional = {
            "hook": ["shell"],
            "export": list(defaults),
            "execute": ["command", *defaults],
        }[name]
        given = {**defaults, **dict(zip(positional, args, strict=False)), **kwargs}
        calls.append((name, {k: v for k, v in given.items() if v != "" or k != "shell"}))

    return record


# The folders


@pytest.mark.parametrize("home_value", ["/home/x", "relative", "", None])
@pytest.mark.parametrize("config", ["/etc/x", "/a/../b/", "relative", "", None])
def test_the_folders_are_those_of_platformdirs(
    monkeypatch: pytest.MonkeyPatch, home_value: str | None, config: str | None
) -> None:
    import platformdirs

    for name, value in (
        ("HOME", home_value),
        ("XDG_CONFIG_HOME", config),
        ("XDG_STATE_HOME", config),
    ):
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    assert paths.config_dir() == os.path.abspath(platformdirs.user_config_dir())
    assert paths.state_dir() == os.path.abspath(
        platformdirs.user_state_dir("cowork-env", appauthor=False)
    )


def test_no_home_at_all_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    import platformdirs

    def homeless() -> str:
        raise RuntimeError

    monkeypatch.setenv("HOME", "")
    monkeypatch.setattr(platformdirs, "user_config_dir", homeless)
    with pytest.raises(CoworkEnvError, match="your home"):
        paths.config_dir()


def test_completion_offers_providers_by_what_a_shell_need_not_quote(home: Home) -> None:
    home.providers(
        [
            {"name": "My Anthropic API", "authToken": "sk-never-shown"},
            {"name": "OpenRouter"},
            {"name": "no url $(x)"},
            7,
        ]
    )
    result = run(
        home, _COWORK_ENV_COMPLETE="bash_complete", COMP_WORDS="cowork-env pin ", COMP_CWORD="2"
    )
    assert result.stdout.splitlines() == [
        "plain,my-anthropic-api",
        "plain,OpenRouter",
        "plain,no-url-x",
    ]
    for words in ("show my", "rename my", "exec --provider my", "doctor my"):
        result = run(
            home,
            _COWORK_ENV_COMPLETE="bash_complete",
            COMP_WORDS=f"cowork-env {words}",
            COMP_CWORD=str(words.count(" ") + 1),
        )
        assert result.stdout.splitlines() == ["plain,my-anthropic-api"], words
    home.file.write_text("not JSON")
    result = run(
        home, _COWORK_ENV_COMPLETE="bash_complete", COMP_WORDS="cowork-env pin ", COMP_CWORD="2"
    )
    assert (result.stdout.strip(), result.stderr) == ("", "")
