"""Writing files: all or nothing, and private from the start."""

from __future__ import annotations

import os
import stat

from .errors import CoworkEnvError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

LEFTOVER_AGE = 600  # seconds after which a temporary file has no writer anymore


def private_directory(path: str) -> None:
    """Create ``path`` and its missing parents with mode 0700.

    An existing folder is given that mode if it belongs to the user. Raises :class:`CoworkEnvError`.
    """
    try:
        above = os.path.dirname(path)
        if not os.path.isdir(above):
            private_directory(above)  # os.makedirs would leave the mode of parents to the umask.
        try:
            os.mkdir(path, 0o700)
        except FileExistsError:
            status = os.stat(path)
            # Anything else must keep its mode: XDG_STATE_HOME may be /dev/null.
            if not stat.S_ISDIR(status.st_mode):
                raise
            if status.st_uid == os.geteuid() and status.st_mode & 0o077:
                os.chmod(path, 0o700)
    except OSError as error:
        raise CoworkEnvError(f"{path} cannot be created: {error.strerror}.") from None


def write_atomically(
    path: str, data: bytes, mode: int = 0o600, last_check: Callable[[], None] | None = None
) -> None:
    """Replace the file at ``path``, or the target of a symbolic link there, by ``data``.

    A temporary file beside it is created with ``mode``, synced, and renamed into place; then the
    folder is synced. So a crash at any moment leaves the old file or the new one. ``last_check`` is
    called just before the rename, and may raise to cancel. Raises :class:`CoworkEnvError` with
    nothing changed.
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
    """Remove old temporary files of killed writers of ``path``, which may hold keys."""
    import re
    import time

    target = os.path.realpath(path)
    folder, name = os.path.split(target)
    pattern = re.compile(rf"\.{re.escape(name)}\.\d+\.[0-9a-f]{{8}}\.tmp")
    try:
        for temporary in filter(pattern.fullmatch, os.listdir(folder)):
            status = os.lstat(f"{folder}/{temporary}")
            if stat.S_ISREG(status.st_mode) and time.time() - status.st_mtime > LEFTOVER_AGE:
                os.unlink(f"{folder}/{temporary}")
    except OSError:
        pass  # Another process was faster, or it is not ours: no reason to fail a write.


def _sync_directory(folder: str) -> None:
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    except OSError:
        pass  # Some file systems cannot do that; the file is in place anyway.
    finally:
        os.close(descriptor)
