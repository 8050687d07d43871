"""Linked git worktrees: which checkout a directory belongs to, by files alone.

A linked worktree has a file ``.git`` that names a folder ``worktrees/NAME`` in the main checkout's
``.git``, and that folder names the file in turn (gitrepository-layout(5), git-worktree(1)). Both
are believed only together: anybody can write the former into a repository, and only who can write
to the main checkout the latter.
"""

from __future__ import annotations

import posix
from _stat import S_ISREG

from ..util.system import distrusted, open_without_blocking, parent, physical

MAX_BYTES = 4096  # of a link
_POINTER = "gitdir: "
_FOLDERS = "/.git/worktrees/"


class Worktree:
    """What a file ``.git`` says: that its directory, ``root``, is a worktree of ``main``.

    ``link`` is that file, ``back`` the one in the main checkout that has to lead to it.
    """

    __slots__ = ("back", "link", "main", "root")

    def __init__(self, root: str, link: str, main: str, back: str) -> None:
        self.root, self.link, self.main, self.back = root, link, main, back

    def in_main(self, path: str) -> str:
        """The path in the main checkout that is at the same place as ``path`` in the worktree."""
        return self.main + path[len(self.root) :]

    def is_linked(self) -> bool:
        """Whether the main checkout says so, too. Looks at files where ``link`` leads to.

        What it says outlives a worktree that was removed by hand. So the worktree must be the
        user's own, too: others may have made one at that path since.
        """
        folder = parent(self.back)
        return (
            physical(folder) == folder
            and physical(_path(folder, _line(self.back))) == self.link
            and not (distrusted(self.back) or distrusted(self.link))
        )


def find(directory: str) -> Worktree | None:
    """The worktree that a physical directory claims to be in, or None.

    The nearest ``.git`` decides, as in git: a submodule is a repository of its own. A bare
    repository has no main checkout, and neither has one whose ``.git`` is elsewhere. Only what is
    above ``directory`` is looked at: where a link leads is for others to say.
    """
    here = directory.rstrip("/")
    while not _exists(f"{here}/.git"):
        if not here:
            return None
        here = parent(here).rstrip("/")
    link = f"{here}/.git"
    pointer = _line(link)
    if not pointer.startswith(_POINTER):
        return None
    folder = _path(here, pointer.removeprefix(_POINTER))
    main, found, name = folder.rpartition(_FOLDERS)
    if not found or not name or "/" in name:
        return None
    return Worktree(here, link, main, f"{folder}/gitdir")


def _exists(path: str) -> bool:
    try:
        posix.lstat(path)
    except (OSError, ValueError):
        return False
    return True


def _path(folder: str, text: str) -> str:
    """The path that a link in ``folder`` names, without ``.``, ``..`` and double slashes."""
    parts: list[str] = []
    for part in (text if text.startswith("/") else f"{folder}/{text}").split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return "/" + "/".join(parts)


def _line(path: str) -> str:
    """The one line of a small file, or empty; a link at ``path`` is not followed."""
    try:
        if not S_ISREG(posix.lstat(path).st_mode):
            return ""
        descriptor = open_without_blocking(path, follow=False)
    except (OSError, ValueError):
        return ""
    try:
        data = posix.read(descriptor, MAX_BYTES)
    except OSError:
        return ""
    finally:
        posix.close(descriptor)
    line, _, rest = data.decode("utf-8", "surrogateescape").partition("\n")
    return "" if rest or "\0" in line else line.rstrip("\r")
