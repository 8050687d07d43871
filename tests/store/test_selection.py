"""Writing the selection."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from cowork_env import store
from cowork_env.core import resolve
from cowork_env.util.errors import CoworkEnvError

from support.home import Home


def test_the_selection_file_is_private_and_removed_when_cleared(home: Home) -> None:
    store.select(str(home.state), "Zoë's")
    path = Path(resolve.selection_file(str(home.state)))
    assert path.read_bytes() == "Zoë's\n".encode()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert resolve.read_selection(str(home.state)) == "Zoë's"
    store.select(str(home.state), "")
    store.select(str(home.state), "")
    assert resolve.read_selection(str(home.state)) == ""


def test_clearing_a_selection_that_cannot_exist_succeeds(home: Home) -> None:
    home.state.parent.mkdir(parents=True)
    home.state.write_text("in the way")
    store.select(str(home.state), "")


def test_a_selection_that_is_a_link_is_replaced(home: Home) -> None:
    file = home.providers()
    before = file.read_bytes()
    home.state.mkdir(mode=0o700, parents=True)
    (home.state / "selection").symlink_to(file)
    store.select(str(home.state), "OpenRouter")
    assert file.read_bytes() == before and not (home.state / "selection").is_symlink()
    assert (home.state / "selection").read_text() == "OpenRouter\n"


def test_a_state_folder_that_is_a_link_is_not_written_to(home: Home) -> None:
    (home.path / "elsewhere").mkdir()
    home.state.parent.mkdir(parents=True)
    home.state.symlink_to(home.path / "elsewhere")
    with pytest.raises(CoworkEnvError, match="is a link"):
        store.select(str(home.state), "OpenRouter")
    assert not list((home.path / "elsewhere").iterdir())
