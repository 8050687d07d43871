"""What a slow lookup is allowed: a time limit, and a message while the user waits for it."""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found]  # the module around it imports a lot
import time

from ..util.errors import CoworkEnvError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

TIMEOUT = 60.0  # seconds for one lookup
DELAY = 2.0  # seconds until the user is told
GRACE = 1.0  # seconds after which a lookup that does not watch its own time is ended


class limited:  # noqa: N801  # used like contextlib.contextmanager, which is slow to import
    """A context in which a lookup that waits for ``what`` is said and limited.

    ``say`` is called once, with one line, after :data:`DELAY`. After the time limit
    :class:`CoworkEnvError` is raised. In a thread other than the main one, neither happens: no
    timer can interrupt it, and the sources' own limits are all there is. An alarm that somebody set
    for this process before (``alarm`` and then ``exec``) goes on afterwards.
    """

    def __init__(self, what: str, say: Callable[[str], None] | None) -> None:
        self.what, self.say = what, say
        self.told = self.armed = False
        self.previous: object = None
        self.mask: object = ()  # what was blocked before: this process may have inherited that
        self.due = 0.0  # when the alarm that was set before is due (time.monotonic); 0: none was

    def __enter__(self) -> None:
        try:
            self.previous = signal.signal(signal.SIGALRM, self._alarm)
        except ValueError:
            return
        self.armed = True
        self.mask = signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGALRM,))
        left, _ = signal.setitimer(signal.ITIMER_REAL, DELAY)
        self.due = time.monotonic() + left if left else 0.0

    def __exit__(self, *_: object) -> None:
        if self.armed:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.pthread_sigmask(signal.SIG_SETMASK, self.mask)
            signal.signal(signal.SIGALRM, self.previous)
            if self.due:
                left = max(self.due - time.monotonic(), 1e-6)
                signal.setitimer(signal.ITIMER_REAL, left)

    def _alarm(self, number: int, frame: object) -> None:
        if self.told:
            raise CoworkEnvError(
                f"timed out: {self.what} did not answer within {TIMEOUT:.0f} seconds.",
                "Look whether it asks for something.",
            )
        self.told = True
        signal.setitimer(signal.ITIMER_REAL, max(TIMEOUT + GRACE - DELAY, GRACE))
        if self.say:
            self.say(f"waiting for {self.what}; Ctrl-C gives up")
