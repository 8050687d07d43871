"""An autojumper beside the hook: what follows a jump on the same line already has the project's provider."""

from __future__ import annotations

import pytest

from support.home import GUIDE, Home, need
from support.shells import SHELLS
from support.terminal import Terminal


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("place", ["before", "after"])
def test_zoxide(shell: str, place: str, home: Home) -> None:
    """zoxide, loaded before and after: in, and out again."""
    need("zoxide")
    home.providers()
    home.pin(home.path / "work/jumped", "OpenRouter\n")
    load = "zoxide init fish | source" if shell == "fish" else f'eval "$(zoxide init {shell})"'
    terminal = Terminal(
        shell,
        home,
        before=load if place == "before" else "",
        after=load if place == "after" else "",
    )
    try:
        terminal.run("cd ~/work/jumped")
        terminal.run("true")
        terminal.run("cd ~")
        assert terminal.managed() == {}
        managed = terminal.managed("z jumped")
        assert (managed["ANTHROPIC_BASE_URL"], managed["ANTHROPIC_AUTH_TOKEN"]) == (
            "https://openrouter.ai/api",
            GUIDE[1]["authToken"],
        )
        assert terminal.managed("cd ~") == {}
    finally:
        terminal.close()
