"""Another user's files, and what other users may do: only root can make them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

OTHER = 65533  # a user without an entry in /etc/passwd


def need_root() -> None:
    """Skip the test unless it can make files of another user."""
    if os.geteuid() != 0:
        pytest.skip("only root can make another user's files")


def give(path: Path, user: int = OTHER) -> None:
    """Give a file, or a folder with all that is in it, to another user."""
    for each in (path, *path.rglob("*")):
        os.chown(each, user, user, follow_symlinks=False)


def owners(path: Path) -> dict[str, int]:
    """The owner of a folder and of everything in it, by its path in the folder."""
    return {str(each.relative_to(path)): each.lstat().st_uid for each in (path, *path.rglob("*"))}
