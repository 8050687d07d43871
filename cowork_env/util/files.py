"""Writing files so that nobody ever sees half of one, or one that is open to others."""

from __future__ import annotations

import os
import stat

from .errors import CoworkEnvError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

LEFTOVER_AGE = 600  # seconds after which a temporary file has no writer any more


def private_directory(path: str) -> None:
    """Make ``path`` and what is missing above it, 0700; a folder of ours that is wider is narrowed."""
    try:
        above = os.path.dirname(path)
        if not os.path.isdir(above):
            private_directory(above)  # Not os.makedirs: that leaves the upper ones to the umask.
        try:
            os.mkdir(path, 0o700)
        except FileExistsError:
            status = os.stat(path)
            if not stat.S_ISDIR(
                status.st_mode
            ):  # Not ours to narrow: XDG_STATE_HOME may be /dev/null.
                raise
            if status.st_uid == os.geteuid() and status.st_mode & 0o077:
                os.chmod(path, 0o700)
    except OSError as error:
        raise CoworkEnvError(f"{path} cannot be created: {error.strerror}.") from None


def write_atomically(
    path: str, data: bytes, mode: int = 0o600, last_check: Callable[[], None] | None = None
) -> None:
    """Replace the file at ``path``, or the one that a symbolic link there leads to, by ``data``, all or nothing.

    A sibling temporary file is born with ``mode``, synced, and renamed into place, and the folder synced, so a
    crash at any moment leaves the old file or the new one. ``last_check`` is called just before the rename and may
    raise to give it up. Raises :class:`CoworkEnvError` with nothing changed.
    """
    target = os.path.realpath(path)
    folder = os.path.dirname(target)
    temporary = f"{folder}/.{os.path.basename(target)}.{os.getpid()}.{os.urandom(4).hex()}.tmp"
    try:
        descriptor = os.open(
            temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, mode
        )
        try:
            try:
                os.fchmod(descriptor, mode)
                view = memoryview(data)
                while view:
                    view = view[os.write(descriptor, view) :]
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            if last_check is not None:
                last_check()
            os.rename(temporary, target)
        except BaseException:
            os.unlink(temporary)
            raise
        _sync_directory(folder)
    except OSError as error:
        raise CoworkEnvError(
            f"{path} cannot be written: {error.strerror}.", "Nothing was changed."
        ) from None


def remove_leftovers(path: str) -> None:
    """Remove the temporary files that killed writers of ``path`` left behind, once they are old: they may hold keys."""
    import re
    import time

    target = os.path.realpath(path)
    folder, pattern = (
        os.path.dirname(target),
        re.compile(rf"\.{re.escape(os.path.basename(target))}\.\d+\.[0-9a-f]{{8}}\.tmp"),
    )
    try:
        for name in filter(pattern.fullmatch, os.listdir(folder)):
            status = os.lstat(f"{folder}/{name}")
            if stat.S_ISREG(status.st_mode) and time.time() - status.st_mtime > LEFTOVER_AGE:
                os.unlink(f"{folder}/{name}")
    except OSError:
        pass  # Somebody else was faster, or it is not ours: no reason to fail a write.


def _sync_directory(folder: str) -> None:
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    except OSError:
        pass  # Some file systems cannot; the rename stands all the same.
    finally:
        os.close(descriptor)
