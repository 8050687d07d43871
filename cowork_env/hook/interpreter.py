"""The interpreter that hook requests and launchers run: isolated, without site processing."""

from __future__ import annotations

import os
import sys

from ..util import files, groups, system
from ..util.errors import CoworkEnvError

PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FLAGS = ("-I", "-S", "-X", "utf8")


# Python code for an isolated interpreter that uses a file or folder of our state: whether no other
# user could have changed it. It is the rule of util/system.py, for a path without links.
SOUND = """\
def sound(path, posix=__import__('posix')):
    try:
        while True:
            status = posix.lstat(path)
            mode, owner = status.st_mode, status.st_uid
            shared = mode & 0o022 and (mode & 2 or status.st_gid not in {groups})
            if mode >> 12 not in (4, 8) or owner not in {users}:
                return False
            if shared and (owner or not mode & 0o1000):
                return False
            if path == '/' or not (owner or shared or {is_root}):
                return True
            path = path.rpartition('/')[0] or '/'
    except OSError:
        return False
"""


def sound(path: str) -> str:
    """:data:`SOUND` for what is at ``path``, a real path, and for the user who runs this."""
    users, private, place = system.our_users(), set(), path
    while place != "/":
        place = system.parent(place)
        status = os.lstat(place)
        if status.st_mode & 0o020 and groups.is_private(status.st_gid, status.st_uid):
            private.add(status.st_gid)
    return SOUND.format(is_root=os.geteuid() == 0, users=users, groups=(*sorted(private), -1))


class Interpreter:
    """An executable, ``path``, and the folder for its bytecode, ``cache_prefix``.

    An empty prefix means beside the sources. The interpreter must not be started with the prefix:
    it would run what is there before any code of ours can check the folder.
    """

    __slots__ = ("cache_prefix", "path")

    def __init__(self, path: str, cache_prefix: str = "") -> None:
        self.path, self.cache_prefix = path, cache_prefix

    @property
    def command(self) -> list[str]:
        """The executable and its options."""
        return [self.path, *FLAGS]

    def set_prefix(self) -> str:
        """Python code that sets the prefix, if the folder is sound; empty without one."""
        if not self.cache_prefix:
            return ""
        prefix = ascii(self.cache_prefix)
        return f"{sound(self.cache_prefix)}if sound({prefix}): sys.pycache_prefix = {prefix}\n"


def find_interpreter(state_dir: str) -> Interpreter:
    """The interpreter that runs this process.

    Where the package was installed without bytecode by another user, bytecode is kept in
    ``state_dir``: compiling at every request would double its cost. Root keeps none in the home of
    another user, who could not change it.
    """
    cached = f"{PACKAGE}/hook/__pycache__/respond.{sys.implementation.cache_tag}.pyc"
    if os.path.exists(cached) or os.access(PACKAGE, os.W_OK) or system.home_owner():
        return Interpreter(sys.executable)
    try:
        folder = files.state_folder(state_dir, "bytecode")
    except CoworkEnvError:
        return Interpreter(sys.executable)
    return Interpreter(sys.executable, os.path.realpath(folder))
