"""What the fast path needs of the system, without ``os`` and ``hashlib``.

Importing ``os`` takes a millisecond, a tenth of what a change of directory may cost. ``posix`` is
the built-in module that it is made of. Code that is not on the fast path uses ``os``.
"""

from __future__ import annotations

import posix
import sys
from _stat import S_ISLNK, S_ISREG, S_ISVTX

from .errors import Distrusted
from .text import argument, tilde

try:  # The built-in module: importing hashlib loads OpenSSL, which takes 2 ms.
    if sys.version_info >= (3, 12):
        from _sha2 import sha256  # type: ignore[import-not-found,unused-ignore]
    else:
        from _sha256 import sha256  # type: ignore[import-not-found,unused-ignore]
except ImportError:
    from hashlib import sha256

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from os import stat_result


def encode(text: str) -> bytes:
    """A path or the value of a variable as bytes, as the system has it."""
    return text.encode(sys.getfilesystemencoding(), "surrogateescape")


def environment() -> dict[str, str]:
    """The environment that this process was started with."""
    coding = sys.getfilesystemencoding()
    return {
        k.decode(coding, "surrogateescape"): v.decode(coding, "surrogateescape")
        for k, v in posix.environ.items()
    }


def config_dir(env: Mapping[str, str]) -> str:
    """The per-user configuration folder, or empty where only platformdirs can tell."""
    return _xdg(env, "XDG_CONFIG_HOME", ".config")


def state_dir(env: Mapping[str, str]) -> str:
    """Our own folder, or empty where only platformdirs can tell."""
    path = _xdg(env, "XDG_STATE_HOME", ".local/state")
    return f"{path}/cowork-env" if path else ""


def _xdg(env: Mapping[str, str], variable: str, default: str) -> str:
    """What platformdirs returns on Linux in the common cases, or empty.

    Importing it takes longer than starting the interpreter twice.
    """
    if sys.platform != "linux" or "ANDROID_DATA" in env:
        return ""
    path, home = env.get(variable, ""), env.get("HOME", "")
    if path.startswith("/"):
        return path
    return f"{home}/{default}" if home.startswith("/") else ""


def parent(path: str) -> str:
    """The directory that an absolute path is in."""
    return path.rpartition("/")[0] or "/"


def exists(path: str) -> bool:
    """Whether there is something at ``path``; links are followed."""
    try:
        posix.stat(path)
    except (OSError, ValueError):
        return False
    return True


class NotRegular(OSError):
    """There is something else than a regular file at a path."""


def open_without_blocking(path: str, follow: bool = True) -> int:
    """A file descriptor to read the regular file at ``path``.

    Without ``follow``, a link at ``path`` is not opened. Raises :class:`NotRegular` for anything
    but a regular file, which is not even opened: a waiting writer of a FIFO would go on, and lose
    what it writes. Whoever can write to the directory could put one there meanwhile; even so it
    does not hang a prompt, and a terminal does not become ours. Raises OSError, or ValueError for a
    path with a NUL.
    """
    if not S_ISREG(posix.stat(path).st_mode):
        raise NotRegular(path)
    flags = posix.O_RDONLY | posix.O_NONBLOCK | posix.O_CLOEXEC | posix.O_NOCTTY
    descriptor = posix.open(path, flags if follow else flags | posix.O_NOFOLLOW)
    if not S_ISREG(posix.fstat(descriptor).st_mode):
        posix.close(descriptor)
        raise NotRegular(path)
    return descriptor


def absolute_path(path: str) -> str:
    """A ``PATH`` without the entries that lead into the working directory: empty, relative, ``~``.

    A repository must not supply a program that is started in it, by name.
    """
    return ":".join(entry for entry in path.split(":") if entry.startswith("/"))


def working_directory(env: Mapping[str, str]) -> tuple[str, bool]:
    """The physical working directory, and whether it was deleted; then ``$PWD`` has its path."""
    try:
        return posix.getcwd(), False
    except OSError:
        import os

        logical = env.get("PWD", "/")
        return os.path.normpath(logical) if logical.startswith("/") else "/", True


def physical(path: str) -> str:
    """Where an absolute path leads once every symbolic link on the way is followed."""
    todo, here, links = _parts(path), "", 0
    while todo:
        part = todo.pop()
        if part == "..":
            here = here.rpartition("/")[0]
            continue
        try:
            target = posix.readlink(f"{here}/{part}")
        except (OSError, ValueError):  # no link
            here = f"{here}/{part}"
            continue
        links += 1
        if links > _MAX_LINKS:
            return path
        todo += _parts(target)
        here = "" if target.startswith("/") else here
    return here or "/"


def add_site_packages() -> None:
    """Make installed libraries importable where the interpreter was started with ``-S``."""
    if sys.flags.no_site and "site" not in sys.modules:
        import site

        site.main()


def say_on_terminal(text: str) -> None:
    """Show a line on the terminal of this process, whatever its standard error is; if it has one.

    ``text`` must be safe to show.
    """
    try:
        terminal = posix.open("/dev/tty", posix.O_WRONLY | posix.O_NOCTTY | posix.O_NONBLOCK)
        posix.write(terminal, f"cowork-env: {text}\n".encode("utf-8", "replace"))
        posix.close(terminal)
    except OSError:
        pass


def digest(data: bytes) -> str:
    """SHA-256 as 64 hexadecimal digits."""
    return str(sha256(data).hexdigest())


# Whose files are believed

_MAX_LINKS = 40  # as in Linux
_CAN_BE_WRITTEN = "can be written by other users"
_FOR_EVERYBODY = "is a folder for all users"  # as /tmp is


def home_owner() -> stat_result | None:
    """For root with another user's HOME (``sudo -E``): the status of that home; None otherwise."""
    if posix.geteuid() != 0:
        return None
    try:
        home = posix.stat(posix.environ[b"HOME"])
    except (KeyError, OSError, ValueError):
        return None
    return home if home.st_uid else None


def our_users() -> tuple[int, ...]:
    """The ids of the users whose files are believed: root, the user, for root the home's owner."""
    home = home_owner()
    return (0, posix.geteuid(), *((home.st_uid,) if home else ()))


def is_our_file(status: stat_result) -> bool:
    """Whether this is a regular file of the user's or root's that no other user can write to."""
    return S_ISREG(status.st_mode) and not _flaw(status, our_users())


def distrusted(path: str, own: int = 0, status: stat_result | None = None) -> Distrusted | None:
    """Why what is at an absolute path must not be believed, or None.

    It and every folder above it must belong to the user or to root, and no other user may be able
    to write to it. What is above a folder of root's that no one else can write to does not count
    (but for root, whose own folders are like any user's), and a sticky folder above is fine: there
    others can replace only what is theirs. Links are followed, and the folders that hold the link
    and its target are checked; but the last ``own`` parts of the path, which are our own, may not
    be links. Nothing is wrong with what does not exist. ``status`` is that of the opened file: the
    file is what is read, whatever is at its path by now.
    """
    users, is_root = our_users(), posix.geteuid() == 0
    todo, here, links = _parts(path), "", 0
    found: Distrusted | None = None
    is_final = False  # others can turn a link on the way elsewhere
    try:
        while True:
            now = posix.lstat(here or "/")
            is_link = S_ISLNK(now.st_mode)
            if status is not None and not todo and not is_link:
                now = status
            if now.st_mode & 0o022 or now.st_uid not in users:
                if flaw := _flaw(now, users, above=bool(todo)):
                    found = found or _distrust(here or "/", flaw, above=bool(todo))
            elif found and todo and not (now.st_uid or is_root or is_link or is_final):
                found = None
            if is_link:
                if len(todo) < own:
                    return _distrust(here, "is a link")
                is_final = found is not None
                links += 1
                target = posix.readlink(here)
                todo += _parts(target)
                here = "" if target.startswith("/") else here.rpartition("/")[0]
            if not todo or links > _MAX_LINKS:
                return found
            part = todo.pop()
            here = here.rpartition("/")[0] if part == ".." else f"{here}/{part}"
    except (OSError, ValueError):
        return found


def _parts(path: str) -> list[str]:
    """The parts of a path, the first one last."""
    return [part for part in path.split("/")[::-1] if part not in ("", ".")]


def _flaw(status: stat_result, users: tuple[int, ...], above: bool = False) -> str:
    """Why a file or folder is not believed, or empty; ``above``: a folder above it, or a link."""
    mode, above = status.st_mode, above or S_ISLNK(status.st_mode)
    if status.st_uid not in users:
        from . import groups

        if not (above and groups.is_unknown_user(status.st_uid)):
            return "belongs to another user"
    if not mode & 0o022 or S_ISLNK(mode) or (above and mode & S_ISVTX):
        return ""
    from . import groups

    if not mode & 0o002 and groups.is_private(status.st_gid, status.st_uid):
        return ""
    return _FOR_EVERYBODY if mode & S_ISVTX else _CAN_BE_WRITTEN


def _distrust(path: str, flaw: str, above: bool = False) -> Distrusted:
    """The error for a path with a flaw."""
    home = posix.environ.get(b"HOME", b"").decode(sys.getfilesystemencoding(), "surrogateescape")
    hint = "Change its owner to you with chown, or use another place."
    if flaw == _CAN_BE_WRITTEN:
        hint = f"Run: chmod go-w {argument(path, 'PATH')}"
    elif flaw == _FOR_EVERYBODY:
        hint = "Use a folder of your own in it."
    elif flaw == "is a link":
        hint = "Remove it, or put what it leads to in its place."
    used = "nothing in it is used" if above else "it is not used"
    return Distrusted(path, f"{tilde(path, home)} {flaw}; {used}.", hint)
