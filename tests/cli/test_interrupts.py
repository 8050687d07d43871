"""A command that is interrupted while it writes says truly whether it has changed anything."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cowork_env.cli import errors, main
from cowork_env.util import files

from support.home import GUIDE, Home

NAMES = ("create", "fsync", "rename", "unlink", "close")  # what a write calls, in any order
COMMANDS = {
    "edit": ["edit", "OpenRouter", "--default-model", "m"],
    "rename": ["rename", "OpenRouter", "Other"],
    "rename in pins": ["rename", "OpenRouter", "Other", "--yes"],
    "remove": ["remove", "OpenRouter", "--yes"],
    "use": ["use", "LiteLLM Local"],
    "use none": ["use", "none"],
    "pin": ["pin", "LiteLLM Local"],
    "unpin": ["unpin"],
    "import": ["import", "env", "--yes"],
    "deny": ["deny"],
    "reload": ["reload"],
}


@pytest.fixture(autouse=True)
def inside(home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This process is the command's, with the handlers for signals that it would have."""
    handlers = {n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    for name, value in home.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "https://e.example")
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "sk-e")
    project = home.path / "project"
    home.pin(project, "OpenRouter\n")
    monkeypatch.chdir(project)
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


def content(home: Home) -> dict[str, bytes]:
    """What the user has: all files but those with a time or a random part in them."""
    return {
        str(path.relative_to(home.path)): path.read_bytes()
        for path in home.path.rglob("*")
        if path.is_file()
    }


def prepare(home: Home) -> None:
    """The state before each command."""
    home.providers([{k: v for k, v in GUIDE[1].items() if k != "id"}, *GUIDE[2:]])
    home.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    (home.state / "selection").write_text("OpenRouter\n")
    home.pin(home.path / "project", "OpenRouter\n")
    files.changed.clear()
    files.tried.clear()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("arguments", COMMANDS.values(), ids=COMMANDS)
def test_an_interrupt_at_each_point_of_a_write(
    home: Home,
    arguments: list[str],
    number: signal.Signals,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Any,
) -> None:
    """Before and after each call of the system that a write makes."""
    at, calls = [0], [0]

    def interrupting(call: Any) -> Any:
        def wrapper(*args: Any, **options: Any) -> Any:
            calls[0] += 1
            if calls[0] == at[0]:
                signal.raise_signal(number)
            result = call(*args, **options)
            calls[0] += 1
            if calls[0] == at[0]:
                signal.raise_signal(number)
            return result

        return wrapper

    for name in NAMES:
        owner = files if name == "create" else os
        monkeypatch.setattr(owner, name, interrupting(getattr(owner, name)))
    truths = set()
    for point in range(1, 200):
        at[0] = 0
        prepare(home)
        before = content(home)
        at[0], calls[0] = point, 0
        status = main(arguments)
        if calls[0] < point:
            break  # The command has fewer such calls: it was not interrupted.
        at[0] = 0
        said = capsys.readouterr().err
        word = "interrupted" if number == signal.SIGINT else "terminated"
        assert status == 128 + number, (point, said)
        after = content(home)
        changed = {name for name in before.keys() | after if before.get(name) != after.get(name)}
        assert not [name for name in changed if name.endswith((".tmp", ".lock"))], (point, changed)
        if changed:
            assert f"{word}; after it had changed ~/" in said, (point, changed, said)
            for name in changed:
                assert f"~/{name}" in said, (point, changed, said)
        else:
            assert "after it had changed" not in said, (point, said)
        truths.add(bool(changed))
        if arguments[0] in ("rename", "remove") and changed:  # both steps or none
            names = [entry["name"] for entry in json.loads(home.file.read_text())]
            selection = home.state / "selection"
            assert "OpenRouter" not in names
            assert not selection.exists() or selection.read_text() != "OpenRouter\n"
        if arguments[-1] == "--yes" and arguments[0] == "rename" and changed:
            assert (home.path / "project/.cowork-provider").read_text() == "Other\n"
        if arguments[0] == "pin" and changed:
            assert (home.path / "project/.cowork-provider").read_text() == "LiteLLM Local\n"
    removes = arguments in (["use", "none"], ["unpin"])  # a single call
    assert truths == ({True} if removes else {True, False})


def test_an_error_after_the_first_step_does_not_say_that_nothing_was_changed(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    prepare(home)
    write = files.write_atomically

    def fail_for_the_pin(path: str, *rest: Any, **options: Any) -> None:
        if path.endswith("/.cowork-provider"):
            path = f"{path}/is/no/folder"
        write(path, *rest, **options)

    monkeypatch.setattr(files, "write_atomically", fail_for_the_pin)
    assert main(["pin", "LiteLLM Local"]) == 1
    said = capsys.readouterr().err
    assert "cannot be written" in said and "Changed before: ~/.local/state/" in said
    assert "Nothing was changed" not in said


def test_signals_are_handled_as_before_after_a_write(tmp_path: Path) -> None:
    before = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)]
    with pytest.raises(KeyboardInterrupt), files.AllSteps():
        files.write_atomically(str(tmp_path / "a"), b"a")
        signal.raise_signal(signal.SIGINT)
        files.write_atomically(str(tmp_path / "b"), b"b")
    assert (tmp_path / "b").exists()
    assert [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)] == before


def test_a_command_that_writes_nothing_says_nothing(capsys: Any) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    files.tried.clear()
    assert errors.run(interrupt) == 130
    assert capsys.readouterr().err == ""
