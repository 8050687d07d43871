"""What the fast path needs of the system, without ``os`` and ``hashlib``.

Importing ``os`` takes a millisecond, a tenth of what a change of directory may cost. ``posix`` is
the built-in module that it is made of. Code that is not on the fast path uses ``os``.
"""

from __future__ import annotations

import posix
import sys
from _stat import S_ISREG

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


def open_without_blocking(path: str) -> int:
    """A file descriptor to read the regular file at ``path``; links are followed.

    Raises :class:`NotRegular` for anything else, which is not even opened: a waiting writer of a
    FIFO would go on, and lose what it writes. Whoever can write to the directory could put one
    there meanwhile; even so it does not hang a prompt, and a terminal does not become ours. Raises
    OSError, or ValueError for a path with a NUL.
    """
    if not S_ISREG(posix.stat(path).st_mode):
        raise NotRegular(path)
    flags = posix.O_RDONLY | posix.O_NONBLOCK | posix.O_CLOEXEC | posix.O_NOCTTY
    descriptor = posix.open(path, flags)
    if not S_ISREG(posix.fstat(descriptor).st_mode):
        posix.close(descriptor)
        raise NotRegular(path)
    return descriptor


def only_we_can_write(status: stat_result) -> bool:
    """Whether a file or folder with this status is ours, and no other user can write to it."""
    return status.st_uid == posix.geteuid() and not status.st_mode & 0o022


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


def digest(data: bytes) -> str:
    """SHA-256 as 64 hexadecimal digits."""
    return str(sha256(data).hexdigest())
