"""The files on which a response depends, in a form that shells can compare without a process."""

from __future__ import annotations

import posix
import time

from ..util.errors import CoworkEnvError
from ..util.system import parent, physical

CLOCK_TICK_NS = 20_000_000  # a file's timestamp moves in steps of the kernel's tick, 10 ms at most
SECOND_NS = 1_000_000_000
MAX_REFERENCES = 200
ATTEMPTS = 8  # at a file that was changed within the last tick


class Watch:
    """One watched file. Exactly one of these describes it as it was:

    ``reference``: a file in our state folder with the timestamp that ``path`` had. A shell can
    compare two files' timestamps to the nanosecond without a process, but it cannot read one.
    ``same_as``: ``path`` led to this file over a symbolic link. Neither: there was no file.
    """

    __slots__ = ("path", "reference", "same_as")

    def __init__(self, path: str, reference: str = "", same_as: str = "") -> None:
        self.path, self.reference, self.same_as = path, reference, same_as

    @property
    def absent(self) -> bool:
        """Whether there was no file, and must be none."""
        return not self.reference and not self.same_as


class Watcher:
    """Collects watches: each file as it is before it is read.

    ``whole_seconds``: the shell compares timestamps by whole seconds. ``is_blind``: a file that is
    watched may be changed once more without a trace.
    """

    def __init__(self, state_dir: str, *, whole_seconds: bool = False) -> None:
        self.state_dir, self.whole_seconds = state_dir, whole_seconds
        self.watches: list[Watch] = []
        self.is_blind = False

    def add(self, path: str, attempts: int = ATTEMPTS, *, in_folder: bool = True) -> None:
        """Watch one file, none for an empty path.

        A file that was changed within the last tick of the clock could change again without a
        trace, so the tick is waited for, up to ``attempts`` times. A second is not waited for,
        where the file system or the shell counts whole seconds. There a file could also be replaced
        by one of the same second, so the folder that it is in is watched as well if ``in_folder``.
        """
        if not path:
            return
        for attempt in range(attempts + 1):
            try:
                timestamp = posix.stat(path).st_mtime_ns
            except (OSError, ValueError):
                self.watches.append(Watch(path))
                return
            now = time.time_ns()
            if attempt == attempts or not 0 <= now - timestamp < CLOCK_TICK_NS:
                break
            time.sleep(CLOCK_TICK_NS / 1e9)
        self.watches.append(Watch(path, reference=reference(self.state_dir, timestamp)))
        target = physical(path)
        if target != path:
            self.watches.append(Watch(path, same_as=target))
        unit = 1
        if self.whole_seconds or timestamp % SECOND_NS == 0:
            unit = SECOND_NS
            folder = parent(target)
            if in_folder and all(watch.path != folder for watch in self.watches):
                self.add(folder, attempts, in_folder=False)
        # Of a timestamp in the future, a change would be seen.
        if (now - CLOCK_TICK_NS) // unit <= timestamp // unit <= now // unit:
            self.is_blind = True

    def add_all(self, paths: list[str]) -> None:
        """Watch several files."""
        for path in paths:
            self.add(path)


def reference(state_dir: str, timestamp: int) -> str:
    """The path of an empty file with this timestamp in nanoseconds, which is made if need be.

    Where it cannot be made, the hook finds no reference, and requests at every prompt: slower, not
    wrong.
    """
    folder = f"{state_dir}/stamps"
    path = f"{folder}/{timestamp}"
    try:
        if posix.stat(path).st_mtime_ns == timestamp:
            return path
    except OSError:
        pass
    try:
        from ..util import files

        files.state_folder(state_dir, "stamps")
        old = posix.listdir(folder)
        for name in old if len(old) > MAX_REFERENCES else ():
            posix.unlink(f"{folder}/{name}")
        posix.close(files.create(path))
        posix.utime(path, ns=(timestamp, timestamp))
    except (OSError, CoworkEnvError):
        pass
    return path
