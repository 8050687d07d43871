"""Writing the selection."""

from __future__ import annotations

import stat
from pathlib import Path

from cowork_env import store
from cowork_env.core import resolve

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
