"""What another user prepared in our folders is neither run nor believed, and that is said."""

from __future__ import annotations

import marshal
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from cowork_env.core import resolve
from cowork_env.core.resolve import Inputs
from cowork_env.hook import bundle, interpreter, render
from cowork_env.util import groups

from support.home import Home
from support.hook import hook_request
from support.other_user import OTHER, give, need_root
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


def code(home: Home) -> bytes:
    """A compiled file that leaves a note when it is run."""
    note = f"open({str(home.path / 'owned')!r}, 'w')"
    return marshal.dumps((compile(note, "", "exec"), []))


def was_run(home: Home, launch: str) -> bool:
    """Whether a request runs that file; it gets its response in any case."""
    done = hook_request(home, home.path, launch)
    assert done.returncode == 0 and "__cowork_env_response_" in done.stdout, done
    return (home.path / "owned").exists()


def test_a_compiled_file_of_ours_is_run(home: Home) -> None:
    """So the tests below would see one of another user's."""
    launch = render.launch(str(home.state), "bash")
    note = f"open({str(home.path / 'owned')!r}, 'w')"
    loader = compile(f"{note}\n{bundle.LOADER}", "", "exec")
    file = Path(bundle.path(str(home.state), "bash"))
    file.write_bytes(marshal.dumps((loader, marshal.loads(file.read_bytes())[1])))  # noqa: S302  # our own
    assert was_run(home, launch)


def test_another_users_state_folder_runs_nothing(home: Home, shared: Path) -> None:
    need_root()
    file = Path(bundle.path(str(shared), "bash"))
    file.write_bytes(code(home))
    give(shared)
    assert not was_run(home, "") and bundle.path(str(shared), "bash") == ""
    assert (shared / "stamps").exists() is False


CHANGES: dict[str, Callable[[Path], object]] = {
    "the file is another user's": give,
    "its folder is": lambda file: os.chown(file.parent, OTHER, OTHER),
    "the state folder is": lambda file: os.chown(file.parents[1], OTHER, OTHER),
    "the folder above is": lambda file: os.chown(file.parents[2], OTHER, OTHER),
    "all can write to the file": lambda file: file.chmod(0o666),
    "all can write to its folder": lambda file: file.parent.chmod(0o777),
    "all can write to the folder above": lambda file: file.parents[2].chmod(0o777),
    "a group can write to its folder": lambda file: file.parent.chmod(0o770),
    "the file is a link": lambda file: file.symlink_to(file.rename(f"{file}.real")),
    "its folder is a link": lambda file: file.parent.symlink_to(
        file.parent.rename(f"{file.parent}.real")
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_compiled_file_is_checked_when_it_is_run(
    home: Home, change: Callable[[Path], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    need_root()
    monkeypatch.setattr(groups, "is_private", lambda gid, uid: False)
    launch = render.launch(str(home.state), "bash")
    file = Path(bundle.path(str(home.state), "bash"))
    file.write_bytes(code(home))
    change(file)
    assert not was_run(home, launch)
    assert bundle.path(str(home.state), "bash") == ""


@pytest.mark.parametrize("sound", [True, False])
def test_a_bytecode_folder_is_checked_before_it_is_used(tmp_path: Path, sound: bool) -> None:
    folder = tmp_path / "bytecode"
    folder.mkdir(mode=0o700)
    python = interpreter.Interpreter("python3", str(folder))
    assert not any("pycache" in word for word in python.command)
    prefix = python.set_prefix()
    folder.chmod(0o700 if sound else 0o777)
    program = f"import sys\n{prefix}print(sys.pycache_prefix)"
    done = subprocess.run(
        [*interpreter.Interpreter(os.sys.executable).command, "-c", program],  # type: ignore[attr-defined]
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    assert done.stdout.strip() == (str(folder) if sound else "None")


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
