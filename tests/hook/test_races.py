"""What changes while a response is made, or in a way that no timestamp shows, is seen."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from support.home import GUIDE, Home
from support.home import GUIDE_MANAGED as MANAGED
from support.terminal import Open

ROUNDS = int(os.environ.get("COWORK_ENV_ROUNDS", "12"))


def test_a_pin_that_was_being_rewritten(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """The hook sees the pin, and the program may read it empty: that is not kept."""
    terminal = open_terminal(shell)
    folder = projects["OpenRouter"]
    pin = folder / ".cowork-provider"
    content = pin.read_text()
    (home.state / "reload").touch()

    def rewrite() -> None:
        while not done.is_set():
            pin.write_text("")
            done.wait(0.002)
            pin.write_text(content)
            done.wait(0.002)

    for number in range(ROUNDS):
        terminal.run("cd ~")
        os.utime(home.state / "reload", ns=(number + 1, number + 1))  # Nothing is remembered.
        done = threading.Event()
        writer = threading.Thread(target=rewrite)
        writer.start()
        terminal.run(f"cd {folder}")
        done.set()
        writer.join()
        assert terminal.managed() == MANAGED["OpenRouter"], f"round {number}"


def test_a_folder_of_the_provider_file_that_is_a_link(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """It is switched to another folder, with a file of the same timestamp (stow, Nix)."""
    home.providers()
    for name, key in (("one", "key-one"), ("two", "key-two")):
        home.providers([{**GUIDE[1], "authToken": key}])
        os.utime(home.file, ns=(10**18, 10**18))
        home.file.parent.rename(home.path / name)
    link = home.config / "agent-cowork"
    link.symlink_to(home.path / "one")
    terminal = open_terminal(shell, cwd=projects["OpenRouter"])
    assert terminal.managed()["ANTHROPIC_AUTH_TOKEN"] == "key-one"
    terminal.run()
    for name in ("two", "one"):
        (home.path / "new").symlink_to(home.path / name)
        (home.path / "new").rename(link)
        assert terminal.managed()["ANTHROPIC_AUTH_TOKEN"] == f"key-{name}"


def test_a_parent_that_is_moved_away_and_linked_back(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """Then other pins are above, and trust in the moved ones was for where they were."""
    folder = projects["OpenRouter"]
    home.pin(home.path / "elsewhere", "LiteLLM Local\n")
    (folder / "deep/er").mkdir(parents=True, exist_ok=True)
    terminal = open_terminal(shell, cwd=folder / "deep/er")
    assert terminal.managed() == MANAGED["OpenRouter"]
    terminal.run()
    (folder / "deep").rename(home.path / "elsewhere/deep")
    (folder / "deep").symlink_to(home.path / "elsewhere/deep")
    assert terminal.managed() == MANAGED["LiteLLM Local"]
    terminal.run()
    (home.path / "elsewhere").rename(home.path / "gone")
    (home.path / "elsewhere").symlink_to("gone")
    assert terminal.managed() == {}
    # Where there was no pin; also if the pin is further up than there was anything before.
    above = home.pin(home.path / "above", "OpenRouter\n").parent
    for number, place in enumerate(("", "a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p")):
        (home.path / f"plain{number}").mkdir()
        (above / place).mkdir(parents=True, exist_ok=True)
        terminal.run(f"cd {home.path}/plain{number}")
        assert terminal.managed() == {}
        terminal.run()
        (home.path / f"plain{number}").rename(above / place / "there")
        (home.path / f"plain{number}").symlink_to(above / place / "there")
        assert terminal.managed() == MANAGED["OpenRouter"]


def test_a_working_directory_that_is_renamed(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """The shell does not know its new name; the system does."""
    from cowork_env.core.trust import TrustStore

    TrustStore(str(home.state)).allow_below(str(home.path))
    folder = projects["OpenRouter"]
    terminal = open_terminal(shell, cwd=folder)
    assert terminal.managed() == MANAGED["OpenRouter"]
    folder.rename(folder.parent / "renamed")
    assert terminal.managed() == MANAGED["OpenRouter"]
    (folder.parent / "renamed/.cowork-provider").unlink()
    assert terminal.managed() == {}
    home.pin(home.path / "other", "LiteLLM Local\n", allow=False)
    (folder.parent / "renamed").rename(home.path / "other/again")
    assert terminal.managed() == MANAGED["LiteLLM Local"]


def test_a_name_that_was_inherited_is_not_shown(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    first = open_terminal(shell, cwd=projects["OpenRouter"])
    env = {k: v for k, v in first.env().items() if k.startswith(("ANTHROPIC", "COWORK", "CLAUDE"))}
    env["COWORK_ENV_ACTIVE"] = "\x1b]0;title\x07"
    second = open_terminal(shell, env=env)
    assert second.started_messages == ["left OpenRouter"]
    assert "title" not in second.started
    third = open_terminal(shell, env=env, cwd=projects["OpenRouter"])
    assert third.started_messages == [] and "title" not in third.started
