"""The names of the hook's own variables: none is exported, and none hides one of the user's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cowork_env.shells.base import RESPONSE_PREFIX, RESPONSE_TEXTS

from support.home import ROOT, Home
from support.shells import DIALECTS, SHELLS
from support.terminal import Open

RESPONSE = [RESPONSE_PREFIX + name for name in (*RESPONSE_TEXTS, "flags", "notices", "unchanged")]


def hook_file(shell: str) -> str:
    return (ROOT / f"shell/hook.{shell}").read_text(encoding="utf-8")


def test_inherited_variables_of_the_same_names_do_not_export_keys(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """As a shell gets them whose parent exported all that it has."""
    names = {*re.findall(r"\b__cowork_env_\w*[a-z]\b", hook_file(shell)), *RESPONSE}
    assert len(names) > 60
    terminal = open_terminal(shell, env=dict.fromkeys(names, "inherited"))
    for place in (projects["OpenRouter"], home.path, projects["OpenRouter"], home.path):
        env = terminal.env(f"cd {place}")
        assert ("ANTHROPIC_AUTH_TOKEN" in env) == (place != home.path)
        assert [name for name in env if name.startswith("__cowork_env_")] == []


@pytest.mark.parametrize("option", ["set -a", "set +a"])
@pytest.mark.parametrize("shell", [shell for shell in SHELLS if shell != "fish"])
def test_allexport_exports_nothing(
    shell: str, option: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """Whether it is set before the hook is loaded, or after."""
    terminal = open_terminal(shell, before=option, after="set -a")
    for place in (projects["OpenRouter"], home.path, projects["OpenRouter"]):
        for command in (f"cd {place}", "true", "true"):
            env = terminal.env(command)
            assert [name for name in env if "__cowork_env_" in name] == []


def test_variables_of_functions_hide_nothing(shell: str, home: Home, open_terminal: Open) -> None:
    """A command and a reference get the user's variables, whatever these are called."""
    code = re.sub(r"#.*", "", hook_file(shell))
    names = sorted({"name", "text", "i", *re.findall(r"(?:set -l|for) ([a-z]\w*)", code)})
    command = " ".join(f"${name}" for name in names)
    entries = [
        {"name": "Command", "authTokenFrom": f"cmd:sh -c 'echo {command}'"},
        *({"name": f"Of {name}", "authTokenFrom": f"env:{name}"} for name in names),
    ]
    home.providers([{"baseUrl": "https://p.example", **entry} for entry in entries])
    keys = {entry["name"]: f"key-{name}" for name, entry in zip(names, entries[1:], strict=True)}
    keys["Command"] = " ".join(f"key-{name}" for name in names)
    for number, provider in enumerate(keys):
        home.pin(home.path / str(number), f"{provider}\n")
    export = DIALECTS[shell].set
    lines = [export.format(n=name, v=f"key-{name}") for name in names]
    terminal = open_terminal(shell, after="\n".join(lines))
    for _ in range(2):  # The second time from the cache.
        for number, key in enumerate(keys.values()):
            env = terminal.env(f"cd ~/{number}")
            assert env.get("ANTHROPIC_AUTH_TOKEN") == key
            assert [env.get(name) for name in names] == [f"key-{name}" for name in names]
        terminal.run("cd ~")
