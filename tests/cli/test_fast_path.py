"""What command lines import, and that the fast path parses them as click does."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from cowork_env.cli import fast_path

from support.home import Home

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
}


def imported(home: Home, *args: str, **env: str) -> set[str]:
    """The modules that a command line loads, the interpreter's own ones left out."""
    code = (
        "import os, sys; before = set(sys.modules); end = os._exit\n"
        "def show(status):\n"
        "    print('\\n', *sorted(set(sys.modules) - before), file=sys.stderr)\n"
        "    sys.stderr.flush()\n"
        "    end(status)\n"
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


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere platformdirs finds the folders")
@pytest.mark.parametrize(
    "args",
    [
        ["hook", "bash"],
        ["export", "--format=bash"],
        ["export", "--provider", "openrouter", "--format", "sh"],
        ["status", "--short", "--provider", "openrouter"],
    ],
)
def test_fast_path_imports_nothing_heavy(home: Home, args: list[str]) -> None:
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
    assert "cowork_env.core.resolve" in result.stdout.split()
    assert set(result.stdout.split()) & (HEAVY - {"re"}) == set()


def test_help_imports_no_command(home: Home) -> None:
    modules = imported(home, "--help")
    assert "click" in modules
    ours = {m for m in modules if m.startswith("cowork_env.cli")}
    assert ours == {
        "cowork_env.cli",
        "cowork_env.cli.errors",
        "cowork_env.cli.group",
        "cowork_env.cli.output",
        "cowork_env.cli.terminal",
    }
    assert modules & {"pydantic", "httpx", "questionary", "platformdirs"} == set()


def test_no_command_imports_at_once_what_only_some_uses_of_it_need() -> None:
    code = (
        f"import sys; sys.path += {sys.path!r}\n"
        "from cowork_env.cli.group import group\n"
        "for name in group.list_commands(None): group.get_command(None, name)\n"
        "print(*sys.modules)"
    )
    command = [sys.executable, "-I", "-S", "-c", code]
    modules = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    loaded = set(modules.stdout.split())
    assert "cowork_env.cli.add" in loaded
    assert loaded & {"pydantic", "httpx", "questionary", "platformdirs"} == set()


@pytest.mark.parametrize(
    "line",
    ["ex", "use ", "edit ", "edit x --", "pin --opus=", "export --format ", "import ", "exec x a"],
)
def test_a_tab_imports_no_click(home: Home, line: str) -> None:
    home.providers()
    words = line.replace(" ", "\x1f")
    modules = imported(home, _COWORK_ENV_COMPLETE="zsh", _COWORK_ENV_WORDS=words)
    assert not modules & HEAVY


def test_fast_path_parses_command_lines_as_click_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A command line that the fast path accepts means the same to click."""
    from itertools import product

    from cowork_env.cli import shell, status

    calls: list[tuple[Any, ...]] = []
    for name in ("hook", "export", "execute", "short_status"):
        monkeypatch.setattr(fast_path, name, _recorder(calls, name))
    words = [
        "--format",
        "--format=sh",
        "--provider",
        "--provider=",
        "x",
        "--trust",
        "--no-secrets",
        "--short",
        "--directory=d",
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
        "status": status.command,
    }
    for name, command in commands.items():
        for length in range(4):
            for line in product(words, repeat=length):
                calls.clear()
                fast = fast_path.parse([name, *line])
                if fast is None:
                    continue
                taken += 1
                fast()
                command.main(list(line), prog_name=name, standalone_mode=False)
                assert len(calls) == 2, (name, line)
                assert calls[0] == calls[1], (name, line)
    assert taken > 100


def _recorder(calls: list[tuple[Any, ...]], name: str) -> Any:
    defaults: dict[str, Any] = {
        "export": {"format": None, "provider": None, "trust": False, "no_secrets": False},
        "short_status": {"directory": None, "provider": None, "trust": False},
    }.get(name, {} if name == "hook" else {"provider": None, "trust": False})

    def record(*args: Any, **kwargs: Any) -> None:
        positional = {
            "hook": ["shell"],
            "export": list(defaults),
            "short_status": list(defaults),
            "execute": ["command", *defaults],
        }[name]
        given = {**defaults, **dict(zip(positional, args, strict=False)), **kwargs}
        calls.append((name, {k: v for k, v in given.items() if v != "" or k != "shell"}))

    return record
