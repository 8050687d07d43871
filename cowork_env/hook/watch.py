"""The files on which a response depends, in a form that shells can compare without a process."""

from __future__ import annotations

import posix
import time
from _stat import S_ISLNK

from ..util.errors import CoworkEnvError

CLOCK_TICK_NS = 20_000_000  # a file's timestamp moves in steps of the kernel's tick, 10 ms at most
WHOLE_SECONDS_NS = 2_000_000_000  # the same for a shell that compares timestamps by whole seconds
MAX_REFERENCES = 200
ATTEMPTS = 8  # at a file that was changed within the last tick


class Watch:
    """One watched file. Exactly one of these describes it as it was:

    ``reference``: a file in our state folder with the timestamp that ``path`` had. A shell can
    compare two files' timestamps to the nanosecond without a process, but it cannot read one.
    ``same_as``: ``path`` was a symbolic link to this file. Neither: there was no file.
    """

    __slots__ = ("path", "reference", "same_as")

    def __init__(self, path: str, reference: str = "", same_as: str = "") -> None:
        self.path, self.reference, self.same_as = path, reference, same_as

    @property
    def absent(self) -> bool:
        """Whether there was no file, and must be none."""
        return not self.reference and not self.same_as


class Watcher:
    """Collects watches: each file as it is before it is read."""

    def __init__(self, state_dir: str) -> None:
        self.state_dir = state_dir
        self.watches: list[Watch] = []

    def add(self, path: str, attempts: int = ATTEMPTS) -> int:
        """Watch one file, none for an empty path; returns its timestamp in nanoseconds, or 0.

        A file that was changed within the last tick of the clock could change again without a
        trace, so the tick is waited for, up to ``attempts`` times.
        """
        if not path:
            return 0
        for attempt in range(attempts + 1):
            try:
                timestamp = posix.stat(path).st_mtime_ns
                is_link = S_ISLNK(posix.lstat(path).st_mode)
            except (OSError, ValueError):
                self.watches.append(Watch(path))
                return 0
            if attempt == attempts or not 0 <= time.time_ns() - timestamp < CLOCK_TICK_NS:
                break
            time.sleep(CLOCK_TICK_NS / 1e9)
        self.watches.append(Watch(path, reference=reference(self.state_dir, timestamp)))
        if is_link:
            import os

            self.watches.append(Watch(path, same_as=os.path.realpath(path)))
        return timestamp

    def add_all(self, paths: list[str], attempts: int = ATTEMPTS) -> int:
        """Watch several files; returns the newest of their timestamps in nanoseconds, or 0."""
        return max([self.add(path, attempts) for path in paths], default=0)


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
