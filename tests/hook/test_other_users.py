"""What another user prepared in our folders is neither run nor believed, and that is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from cowork_env.core import resolve
from cowork_env.core.resolve import Inputs

from support.home import Home
from support.other_user import give, need_root
from support.terminal import Open


@pytest.fixture
def shared(home: Home, tmp_path: Path) -> Path:
    """A state folder in a folder like /tmp."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    folder.chmod(0o1777)
    home.state = folder / "cowork-env"
    home.env["XDG_STATE_HOME"] = str(folder)
    return home.state


# What is said


def test_another_users_selection_and_trust_count_for_nothing(
    shell: str, home: Home, shared: Path, open_terminal: Open
) -> None:
    need_root()
    home.providers()
    project = home.path / "project"
    home.pin(project, "OpenRouter\n")
    (shared / "selection").write_text("OpenRouter\n")
    give(shared)
    terminal = open_terminal(shell)
    said = terminal.messages(f"cd {project}")
    wrong = f"{shared} belongs to another user; nothing in it is used."
    shown = [*terminal.started_messages, *said]
    assert [line for line in shown if line.startswith(wrong)], shown
    assert not [line for line in shown if "not trusted" in line]
    assert terminal.managed() == {}
    assert terminal.run("true") == ""
    give(shared, 0)
    assert terminal.run("true") == "cowork-env: OpenRouter (~/project/.cowork-provider)\n"


def test_a_provider_file_that_others_can_write_is_no_provider(
    shell: str, home: Home, open_terminal: Open
) -> None:
    home.providers()
    home.pin(home.path / "project", "OpenRouter\nrequired = true\n")
    home.file.chmod(0o602)
    terminal = open_terminal(shell)
    said = terminal.run(f"cd {home.path}/project")
    assert "providers.json can be written by other users; it is not used." in said
    assert "Run: chmod go-w" in said
    assert terminal.run("true") == ""
    home.file.chmod(0o600)
    assert terminal.run("true") == "cowork-env: OpenRouter (~/project/.cowork-provider)\n"


def test_the_selection_alone_of_another_user(home: Home) -> None:
    need_root()
    home.providers()
    home.state.mkdir(mode=0o700, parents=True)
    (home.state / "selection").write_text("OpenRouter\n")
    inputs = Inputs(home.env, "/", str(home.config), str(home.state))
    assert resolve.resolve(inputs).provider
    give(home.state / "selection")
    found = resolve.resolve(inputs)
    assert found.provider is None and found.error
    assert "selection belongs to another user; it is not used." in found.error.message
    (home.state / "selection").unlink()
    (home.state / "selection").symlink_to(home.file)
    found = resolve.resolve(inputs)
    assert found.error and "selection is a link; it is not used." in found.error.message
