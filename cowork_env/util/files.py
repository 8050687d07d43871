"""Writing files: all or nothing, private from the start, and owned by whom they should be.

``changed`` lists what this process has changed, so that an interrupted command can tell. Signals
are deferred while something is changed: at any moment, the list is right.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # the C part: "signal" is slow to import
import os
import stat

from . import system
from .errors import NOTHING_CHANGED, CoworkEnvError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

LEFTOVER_AGE = 600  # seconds after which a temporary file has no writer anymore

changed: list[str] = []  # the paths that were written or removed, in their order
tried: list[str] = []  # the paths that were to be written


# Signals

_handlers: dict[int, Any] = {}  # what was in force before signals were deferred
_deferred: list[int] = []  # the signals that came since
_uses = 0  # how many AllSteps are at work
_stepped = False  # whether one of them has come to its first step


class AllSteps:
    """A change in several steps: from the first one on, signals are deferred until the last one.

    Before the first, as while a lock is waited for, they are not.
    """

    def __enter__(self) -> None:
        global _uses
        _uses += 1

    def __exit__(self, *_: object) -> None:
        global _uses, _stepped
        _uses -= 1
        if not (_uses and _stepped):
            _stepped = False
            _end_deferral()


class Undisturbed(AllSteps):
    """A moment in which signals are deferred."""

    def __enter__(self) -> None:
        super().__enter__()
        _begin_deferral()


class Step(Undisturbed):
    """The moment in which ``path`` is changed. If nothing is raised, it counts as changed."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __enter__(self) -> None:
        tried.append(self._path)
        super().__enter__()

    def __exit__(self, *raised: object) -> None:
        global _stepped
        if raised[0] is None:
            changed.append(self._path)
            _stepped = True
        super().__exit__()


def _begin_deferral() -> None:
    for number in (_signal.SIGINT, _signal.SIGTERM, _signal.SIGHUP):
        if number not in _handlers:
            handler = _signal.getsignal(number)
            try:
                _signal.signal(number, lambda number, _frame: _deferred.append(number))
            except ValueError:
                return  # Not the main thread, which alone gets signals.
            _handlers[number] = handler


def _end_deferral() -> None:
    while _handlers:
        number, handler = _handlers.popitem()
        # None: a handler that was not set by Python, and cannot be.
        _signal.signal(number, _signal.SIG_DFL if handler is None else handler)
    while _deferred:
        _signal.raise_signal(_deferred.pop(0))


# Owners


def _give(descriptor_or_path: int | str, folder: str) -> None:
    """Give what root has made in a folder of the home's owner to that user.

    Raises OSError.
    """
    home = system.home_owner()
    if home is not None and os.stat(folder).st_uid == home.st_uid:
        os.chown(descriptor_or_path, home.st_uid, home.st_gid)


# Folders


def make_folder(path: str, mode: int = 0o700) -> None:
    """Create a folder and its missing parents with ``mode``. Raises OSError."""
    above = os.path.dirname(path)
    if not os.path.isdir(above):
        make_folder(above, mode)  # os.makedirs would leave the mode of parents to the umask.
    os.mkdir(path, mode)
    _give(path, above)


def private_directory(path: str) -> None:
    """Create ``path`` and its missing parents with mode 0700.

    An existing folder is given that mode if it belongs to the user. Raises :class:`CoworkEnvError`.
    """
    try:
        try:
            make_folder(path)
        except FileExistsError:
            status = os.lstat(path)
            if stat.S_ISLNK(status.st_mode) and os.path.isdir(path):
                return
            # Anything else must keep its mode: XDG_STATE_HOME may be /dev/null.
            if not stat.S_ISDIR(status.st_mode):
                raise
            if status.st_uid in system.our_users()[1:] and status.st_mode & 0o077:
                os.chmod(path, 0o700)
    except OSError as error:
        raise CoworkEnvError(f"{path} cannot be created: {error.strerror}.") from None


def state_folder(state_dir: str, name: str = "") -> str:
    """The path of our state folder, or of one in it, which is made private.

    Raises :class:`CoworkEnvError`, also if it is not to be believed: nothing is written there.
    """
    path = f"{state_dir}/{name}" if name else state_dir
    private_directory(state_dir)
    if name:
        private_directory(path)
    if error := system.distrusted(path, own=2 if name else 1):
        raise error
    return path


# Files


def create(path: str, mode: int = 0o600, flags: int = 0) -> int:
    """A descriptor to write the file at ``path``, which is made with ``mode`` if need be.

    No link is followed. Raises OSError.
    """
    flags |= os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | (0 if flags & os.O_RDWR else os.O_WRONLY)
    descriptor = os.open(path, flags, mode)
    try:
        if os.fstat(descriptor).st_uid == os.geteuid():
            _give(descriptor, os.path.dirname(path))
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def write_atomically(
    path: str,
    data: bytes,
    mode: int = 0o600,
    last_check: Callable[[], None] | None = None,
    follow: bool = True,
) -> None:
    """Replace the file at ``path``, or the target of a symbolic link there, by ``data``.

    A temporary file beside it is created with ``mode``, synced, and renamed into place; then the
    folder is synced. So a crash at any moment leaves the old file or the new one. ``last_check`` is
    called just before the rename, and may raise to cancel. Without ``follow``, a link is replaced.
    Raises :class:`CoworkEnvError` with nothing changed.

    For root, a file keeps its owner, and a new one in a folder of the home's owner is that user's.
    """
    tried.append(path)
    target = os.path.realpath(path) if follow else path
    folder = os.path.dirname(target)
    temporary = f"{folder}/.{os.path.basename(target)}.{os.getpid()}.{os.urandom(4).hex()}.tmp"
    is_made = False
    try:
        try:
            with Undisturbed():
                descriptor = create(temporary, mode, os.O_EXCL)
                is_made = True
            try:
                _keep_owner(descriptor, target)
                os.fchmod(descriptor, mode)
                view = memoryview(data)
                while view:
                    view = view[os.write(descriptor, view) :]
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            if last_check is not None:
                last_check()
            with Step(path):
                os.rename(temporary, target)
                _sync(folder)
        except BaseException:
            if is_made:
                _discard(temporary)
            raise
    except OSError as error:
        raise CoworkEnvError(
            f"{path} cannot be written: {error.strerror}.", NOTHING_CHANGED
        ) from None


def _discard(temporary: str) -> None:
    try:
        os.unlink(temporary)
    except FileNotFoundError:
        pass  # It was renamed before the interrupt.


def _keep_owner(descriptor: int, target: str) -> None:
    """For root: give the file to the owner of the one that it replaces."""
    if os.geteuid() != 0:
        return
    try:
        old = os.lstat(target)
    except OSError:
        return
    if stat.S_ISREG(old.st_mode):
        os.fchown(descriptor, old.st_uid, old.st_gid)


def remove(path: str) -> None:
    """Remove a file, as a change of the user's. Raises OSError."""
    with Step(path):
        os.unlink(path)


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


def sync(path: str) -> None:
    """Make a file that another program wrote safe from a crash of the system, where possible."""
    _sync(path)
    _sync(os.path.dirname(path))


def _sync(path: str) -> None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    except OSError:
        pass  # Some file systems cannot do that; the file is in place anyway.
    finally:
        os.close(descriptor)
