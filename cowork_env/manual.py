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
    if not link or not os.path.isfile(page) or os.path.lexists(link) or _is_found(env):
        return ""
    folder = os.path.dirname(link)
    try:
        if not os.path.isdir(folder):
            files.make_folder(folder, 0o755)
        os.symlink(page, link)
    except OSError:
        return ""
    if _is_found(env):
        return link
    os.unlink(link)
    return ""


def remove_link(env: Mapping[str, str]) -> str:
    """Remove the link that :func:`add_link` made; its path, or empty."""
    link = _link(env)
    try:
        if not link or not os.readlink(link).endswith(f"/share/{_PAGE}"):
            return ""
        os.unlink(link)
    except OSError:  # a file, or nothing
        return ""
    return link


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
