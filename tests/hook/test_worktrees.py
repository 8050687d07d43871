"""Pins in linked git worktrees, at prompts."""

from __future__ import annotations

import shutil
from pathlib import Path

from support.home import GUIDE_MANAGED as MANAGED
from support.home import Home
from support.terminal import Open


def test_a_worktree_has_the_trust_of_its_main_checkout_as_long_as_it_is_linked(
    shell: str, home: Home, open_terminal: Open
) -> None:
    home.providers()
    main, tree = home.path / "app", home.path / "feature"
    home.pin(main, "OpenRouter\n")
    home.pin(tree, "OpenRouter\n", allow=False)
    folder = main / ".git/worktrees/feature"
    folder.mkdir(parents=True)
    (tree / ".git").write_text(f"gitdir: {folder}\n")
    (folder / "commondir").write_text("../..\n")
    (folder / "gitdir").write_text(f"{tree}/.git\n")

    terminal = open_terminal(shell)
    assert terminal.run(f"cd {tree}") == "cowork-env: OpenRouter (~/feature/.cowork-provider)\n"
    assert terminal.managed() == MANAGED["OpenRouter"]
    assert terminal.run("true") == ""

    aside = Path(f"{folder}-aside")
    shutil.move(folder, aside)
    said = terminal.run("true")
    assert "cowork-env: left OpenRouter\n" in said and "is not trusted" in said
    assert terminal.managed() == {}

    shutil.move(aside, folder)
    assert terminal.run(f"cd {main}") == "cowork-env: OpenRouter (~/app/.cowork-provider)\n"
    terminal.run(f"cd {tree}")
    assert terminal.managed() == MANAGED["OpenRouter"]
