"""Progress of what takes over a second: on standard error, if that is a terminal."""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..util.text import visible
from .terminal import columns, is_plain
from .wrapping import cut

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DELAY = 1.0  # seconds, until something is shown
_INTERVAL = 0.1  # seconds between two pictures of the spinner
_PICTURES = "|/-\\"
_WIPE = "\r\033[K"


class Working:
    """What is being done. ``text`` may change at any time, from any thread."""

    def __init__(self, text: str, total: int) -> None:
        self.text, self.total, self.finished = text, total, 0

    def done(self) -> None:
        """One of ``total`` is finished."""
        self.finished += 1

    def teller(self, say: Callable[[str], None] | None) -> Callable[[str], None] | None:
        """What says what a slow lookup waits for: this line where it is redrawn, else ``say``."""

        def show(text: str) -> None:
            self.text = text[:1].upper() + text[1:]

        return say if say is None or is_plain(sys.stderr) else show

    def line(self) -> str:
        """The text, with the count if there are several."""
        count = f" ({self.finished} of {self.total})" if self.total > 1 else ""
        return f"{visible(self.text)}{count}..."


@contextmanager
def working(text: str, total: int = 1) -> Iterator[Working]:
    """Show that something goes on, and how far it is, once it has taken a second.

    Nothing is shown in a pipe; on a plain terminal the text once, as nothing is redrawn there.
    """
    work = Working(text, total)
    if not sys.stderr.isatty():
        yield work
        return
    ended = threading.Event()
    thread = threading.Thread(target=_show, args=(work, ended), daemon=True)
    thread.start()
    try:
        yield work
    finally:
        ended.set()
        thread.join()


def _show(work: Working, ended: threading.Event) -> None:
    if ended.wait(DELAY):
        return
    if is_plain(sys.stderr):
        _print(work.line() + "\n")
        return
    number = 0
    while True:
        picture = _PICTURES[number % len(_PICTURES)]
        _print(_WIPE + cut(f"{picture} {work.line()}", columns(sys.stderr) - 1))
        if ended.wait(_INTERVAL):
            break
        number += 1
    _print(_WIPE)


def _print(text: str) -> None:
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        pass  # The terminal is gone; what is being done goes on.
