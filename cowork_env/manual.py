"""The manual page, where an installer has put it so that ``man`` does not find it.

pip, and pipx from 1.3 on, put it where ``man`` looks. uv keeps it in the program's environment: a
link to it in the user's folder of manuals is found, as that belongs to ``~/.local/bin``.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from .util import files
from .util.system import absolute_path

if TYPE_CHECKING:
    from collections.abc import Mapping

_PAGE = "man/man1/cowork-env.1"
_SECONDS = 5  # for man to answer


def add_link(env: Mapping[str, str]) -> str:
    """Link the page into the user's folder of manuals unless ``man`` finds it; the link's path.

    Empty where nothing was done: there is no page, no ``man``, or something else in that place.
    """
    page, link = f"{sys.prefix}/share/{_PAGE}", _link(env)
    if not link or not os.path.isfile(page) or _is_found(env):
        return ""
    if _is_ours(link):  # of an environment that is gone
        remove_link(env)
    folder = above = os.path.dirname(link)
    made = []
    while not os.path.lexists(above):
        made.append(above)
        above = os.path.dirname(above)
    try:
        if made:
            files.make_folder(folder, 0o755)
        os.symlink(page, link)
    except OSError:
        return ""
    if _is_found(env):
        return link
    os.unlink(link)
    _remove_empty(made)
    return ""


def remove_link(env: Mapping[str, str]) -> str:
    """Remove the link that :func:`add_link` made; its path, or empty."""
    link = _link(env)
    if not link or not _is_ours(link):
        return ""
    try:
        os.unlink(link)
    except OSError:
        return ""
    folder = os.path.dirname(link)
    _remove_empty([folder, os.path.dirname(folder)])
    return link


def _is_ours(link: str) -> bool:
    """Whether a link leads to our page; or to one that is gone, as its environment is.

    The user may have one to a page elsewhere, which is there.
    """
    try:
        target = os.readlink(link)
    except OSError:  # a file, or nothing
        return False
    if target == f"{sys.prefix}/share/{_PAGE}":
        return True
    return (
        target.startswith("/") and target.endswith(f"/share/{_PAGE}") and not os.path.exists(link)
    )


def _remove_empty(folders: list[str]) -> None:
    """Remove folders, from the innermost on, up to one that is not empty."""
    try:
        for folder in folders:
            os.rmdir(folder)
    except OSError:
        pass


def _link(env: Mapping[str, str]) -> str:
    """Where the user's own page would be; empty for root in another user's home, too."""
    folder, home = env.get("XDG_DATA_HOME", ""), env.get("HOME", "")
    try:
        if os.geteuid() == 0 != os.stat(home).st_uid:
            return ""
    except OSError:
        return ""
    if not folder.startswith("/"):
        folder = f"{home}/.local/share" if home.startswith("/") else ""
    return f"{folder}/{_PAGE}" if folder else ""


def _is_found(env: Mapping[str, str]) -> bool:
    """Whether ``man`` finds the page; also where there is no ``man``, so that no link is made."""
    clean = {**env, "PATH": absolute_path(env.get("PATH", os.defpath))}
    try:
        asked = subprocess.run(
            ["man", "-w", "cowork-env"],  # noqa: S607 # the user's own PATH
            env=clean,
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return True
    return asked.returncode == 0
