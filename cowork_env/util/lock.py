"""A lock for a file: a hidden file beside it, there only while the lock is held or awaited.

Beside it, so that all who write the file take the same lock, wherever their own state is. Removed,
because the folder belongs to the desktop app, or to a repository.
"""

from __future__ import annotations

import errno
import os
import time

from . import files
from .errors import NOTHING_CHANGED, CoworkEnvError

LIMIT = 20.0  # seconds that one process may hold the lock; a write takes a few hundredths of one
_POLL = 0.005, 0.05  # seconds between attempts, first and last: many waiters must not cost much
# What flock says of a lock that another process holds, or of a file that it removed (NFS).
_HELD = (errno.EAGAIN, errno.EACCES, errno.ESTALE)


class Lock:
    """The lock of the file at ``path``, through links; ``where`` names the file in errors.

    It waits while others get their turn, however many they are, and gives up when one of them has
    held the lock for :data:`LIMIT`. The kernel releases the lock if its process dies. Raises
    :class:`CoworkEnvError` with nothing changed.
    """

    def __init__(self, path: str, where: str) -> None:
        folder, name = os.path.split(os.path.realpath(path))
        self._path, self._where, self._descriptor = f"{folder}/.{name}.lock", where, -1

    def __enter__(self) -> None:
        files.tried.append(self._path)
        try:
            self._wait()
        except BaseException:
            if self._descriptor >= 0:  # an interrupt came at the same time
                self.__exit__()
            raise

    def _wait(self) -> None:
        holder, since, pause = None, time.monotonic(), _POLL[0]
        while not self._try():
            # Each holder has a file of its own.
            if (now := _identity(self._path)) != holder:
                holder, since = now, time.monotonic()
            elif time.monotonic() - since > LIMIT:
                raise CoworkEnvError(
                    f"Another process has locked {self._where} for {LIMIT:g} seconds.",
                    "Nothing was changed. Try again when it has finished, or end it.",
                )
            time.sleep(pause)
            pause = min(2 * pause, _POLL[1])

    def __exit__(self, *_: object) -> None:
        with files.Undisturbed():
            try:
                os.unlink(self._path)  # first, so that who gets this lock next sees that it is void
            except OSError:
                pass
            os.close(self._descriptor)
            self._descriptor = -1

    def _try(self) -> bool:
        """Whether the lock could be taken."""
        with files.Undisturbed():  # an interrupt must not leave the file behind
            return self._take()

    def _take(self) -> bool:
        import fcntl

        try:
            descriptor = files.create(self._path, flags=os.O_RDWR)  # NFS locks need both
        except OSError as error:
            raise self._error("written", error) from None
        taken = False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Not one that its holder has just removed: the next one makes a new file.
            taken = _identity(self._path) == _identity(descriptor)
        except OSError as error:
            if error.errno not in _HELD:
                raise self._error("locked", error) from None
        finally:
            if taken:
                self._descriptor = descriptor
            else:
                os.close(descriptor)
        return taken

    def _error(self, what: str, error: OSError) -> CoworkEnvError:
        message = f"{self._where} cannot be {what}: {error.strerror}."
        return CoworkEnvError(message, NOTHING_CHANGED)


def _identity(file: str | int) -> tuple[int, ...] | None:
    """What tells a file from every other, also from a later one with its number."""
    try:
        status = os.stat(file)
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino, status.st_ctime_ns
