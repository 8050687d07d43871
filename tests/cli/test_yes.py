"""What asks can be told not to: ``-y``."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import cowork_env.cli
from cowork_env.cli import COMMANDS
from cowork_env.cli.group import group

# They offer more than they were asked for, and no is as good an answer as yes.
OFFERS = {"add"}


def _calls() -> dict[str, set[str]]:
    """The functions of the package's commands, each with the names of those that it calls."""
    found: dict[str, set[str]] = {}
    for path in Path(cowork_env.cli.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                called = (
                    ast.unparse(call.func).rpartition(".")[2]
                    for call in ast.walk(node)
                    if isinstance(call, ast.Call)
                )
                names = {_full(path, name) for name in called}
                found.setdefault(_full(path, node.name), set()).update(names)
    return found


def _full(path: Path, name: str) -> str:
    """A function's name, with its module where several modules have functions of that name."""
    return f"{path.stem}.{name}" if name.startswith("_") or "command" in name else name


def _asks(function: str, calls: dict[str, set[str]]) -> bool:
    seen, left = set[str](), [function]
    while left:
        name = left.pop()
        if name == "confirm":
            return True
        if name not in seen:
            seen.add(name)
            left += calls.get(name, ())
    return False


ASK = [name for name, function in COMMANDS.items() if _asks(function, _calls())]


def test_which_commands_ask() -> None:
    assert {"secure", "remove", "rename", "edit", "key", "allow", "import"} <= set(ASK)
    assert not {"list", "show", "status", "exec"} & set(ASK)


@pytest.mark.parametrize("name", [name for name in ASK if name not in OFFERS])
def test_a_command_that_asks_has_the_option_y(name: str) -> None:
    context = group.make_context("cowork-env", ["list"], resilient_parsing=True)
    command = group.get_command(context, name)
    assert command is not None
    options = {option for parameter in command.params for option in parameter.opts}
    assert {"--yes", "-y"} <= options
