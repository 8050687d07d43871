"""Plain terminals: with COWORK_ENV_PLAIN, nothing that any command writes controls the terminal."""

from __future__ import annotations

import re
from typing import Any

import pytest

from cowork_env import cli

from support.home import GUIDE, Home, executable
from support.server import KEY, Server, api, silent_port
from support.terminal import Dialog

# Everything but a line break at the end of a line.
CONTROL = re.compile(r"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f]|\r(?!\r?\n)")
PLAIN = {"COWORK_ENV_PLAIN": "1", "TERM": "xterm-256color", "SHELL": "/bin/bash"}

# Each command, far enough to show what it shows, and what is typed at its questions.
COMMANDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("--help", ()),
    ("init bash --remove", ()),
    ("hook bash", ()),
    ("completion zsh", ()),
    ("reload", ()),
    ("demo", ()),
    ("add openrouter --name New --no-check", (KEY, "n")),
    ("key OpenRouter --no-check", (KEY,)),
    ("edit OpenRouter --default-model m", ()),
    ("rename OpenRouter Other", ("n",)),
    ("remove OpenRouter", ("y",)),
    ("secure --to pass", ()),
    ("list", ()),
    ("show OpenRouter", ()),
    ("show OpenRouter --models", ()),
    ("presets", ()),
    ("paths", ()),
    ("import", ()),
    ("import env", ()),
    ("use", ("2",)),
    ("pin OpenRouter", ()),
    ("unpin", ()),
    ("allow", ()),
    ("deny", ()),
    ("prune", ()),
    ("status", ()),
    ("status --short", ()),
    ("doctor --all --offline", ()),
    ("doctor Broken --offline", ()),
    ("exec echo hello", ()),
    ("export", ()),
    ("shim true", ()),
    ("token", ()),
    ("nonsense", ()),
)


def shown(home: Home, line: str, answers: tuple[str, ...] = (), **options: Any) -> str:
    """Everything that a command writes on a plain terminal."""
    with Dialog.with_program(home, *line.split(), env=PLAIN, **options) as dialog:
        for answer in answers:
            dialog.child.expect(r"(\(hidden\)|\]): $")
            dialog.send(answer + "\n")
        return dialog.finish()


@pytest.mark.parametrize(("line", "answers"), COMMANDS, ids=[line for line, _ in COMMANDS])
def test_nothing_controls_a_plain_terminal(home: Home, line: str, answers: tuple[str, ...]) -> None:
    broken = {"name": "Broken", "baseUrl": "ftp://x", "authToken": KEY}
    with Server(api()) as server:
        home.providers([GUIDE[0], GUIDE[1] | {"baseUrl": server.url, "authToken": KEY}, broken])
        home.pin(home.path, "OpenRouter\n", allow=line != "allow")
        text = shown(home, line, answers)
    assert text
    assert CONTROL.findall(text) == []
    assert KEY not in text or line in ("token", "export") or answers


def test_every_command_is_walked_over() -> None:
    assert {line.split()[0] for line, _ in COMMANDS} >= set(cli.COMMANDS)


def test_slow_work_is_one_line(home: Home) -> None:
    with silent_port() as port:
        entry = {"name": "Slow", "baseUrl": f"http://127.0.0.1:{port}", "authToken": KEY}
        home.providers([entry])
        text = shown(home, "doctor slow --timeout 2")
    assert CONTROL.findall(text) == []
    assert [line.strip() for line in text.splitlines() if line.startswith("Checking")] == [
        "Checking Slow: connection..."
    ]


@pytest.mark.parametrize("term", ["dumb", "", None])
def test_a_terminal_of_an_unknown_kind_is_plain(home: Home, term: str | None) -> None:
    env = {name: value for name, value in home.env.items() if name != "TERM"}
    with Dialog(
        [executable(), "nonsense"], env=env if term is None else env | {"TERM": term}, cwd=home.path
    ) as dialog:
        assert CONTROL.findall(dialog.finish()) == []
