"""fish's universal variables of managed names."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.home import GUIDE_MANAGED as MANAGED
from support.home import Home
from support.terminal import Open


def test_fish_universal_variables(
    home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """A universal variable is hidden, never changed, and visible again on leaving."""
    terminal = open_terminal("fish")
    terminal.run("set -Ux ANTHROPIC_MODEL universal; set -Ux ANTHROPIC_CUSTOM_HEADERS h")
    terminal.run(f"cd {projects['OpenRouter']}")
    managed = terminal.managed()
    assert managed.pop("ANTHROPIC_CUSTOM_HEADERS") == ""  # fish can hide it, but not unset it
    assert managed == MANAGED["OpenRouter"]
    assert "universal scope, exported" in terminal.run("set --show ANTHROPIC_MODEL")
    assert terminal.managed("cd ~") == {
        "ANTHROPIC_MODEL": "universal",
        "ANTHROPIC_CUSTOM_HEADERS": "h",
    }
    assert terminal.run("set -qg ANTHROPIC_MODEL; echo $status") == "1\n"


def test_fish_universal_variables_set_while_active(
    home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """One that is set while a provider is active, here or elsewhere, is visible on leaving."""
    terminal, other = open_terminal("fish"), open_terminal("fish")
    for session in (terminal, other):
        terminal.run(f"cd {projects['OpenRouter']}")
        session.run("set -Ux ANTHROPIC_MODEL universal")
        assert terminal.managed() == MANAGED["OpenRouter"]
        assert terminal.managed("cd ~") == {"ANTHROPIC_MODEL": "universal"}
        assert terminal.run("set -qg ANTHROPIC_MODEL; echo $status") == "1\n"
        terminal.run(f"cd {projects['OpenRouter']}")
        session.run("set -eU ANTHROPIC_MODEL")
        assert terminal.managed("cd ~") == {}


@pytest.mark.parametrize("sibling", [False, True])
def test_fish_a_universal_key_set_while_active(
    sibling: bool, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """It is never exported beside the provider's own key, and visible on leaving."""
    terminal = open_terminal("fish")
    session = open_terminal("fish") if sibling else terminal
    terminal.run(f"cd {projects['OpenRouter']}")
    session.run("set -Ux ANTHROPIC_API_KEY mine")
    for _ in range(100):  # fish notices it after a while
        if "there" in terminal.run("set -qU ANTHROPIC_API_KEY; and echo there"):
            break
    else:
        raise AssertionError("the universal variable did not arrive")
    assert terminal.managed() == MANAGED["OpenRouter"] | {"ANTHROPIC_API_KEY": ""}
    assert terminal.managed("cd ~") == {"ANTHROPIC_API_KEY": "mine"}
    assert terminal.managed(f"cd {projects['LiteLLM Local']}") == MANAGED["LiteLLM Local"] | {
        "ANTHROPIC_API_KEY": ""
    }
    session.run("set -eU ANTHROPIC_API_KEY")
    assert terminal.managed("cd ~") == {}
