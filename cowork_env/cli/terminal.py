"""What the terminal can show: color, columns, or plain lines only.

On the fast path: nothing heavy is imported at the top.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PLAIN = "COWORK_ENV_PLAIN"


def is_plain(stream: Any = None) -> bool:
    """Whether a stream (default: stdout) gets plain lines: nothing aligned, nothing redrawn.

    That is so where it is no terminal, with ``TERM=dumb`` or without ``TERM``, and for a user who
    sets ``COWORK_ENV_PLAIN``, for a screen reader for example.
    """
    stream = sys.stdout if stream is None else stream
    chosen = os.environ.get(PLAIN, "") not in ("", "0")
    return chosen or os.environ.get("TERM", "") in ("", "dumb") or not stream.isatty()


def use_color(stream: Any = None) -> bool:
    """Whether to color the output on a stream (default: stdout): not plain, no ``NO_COLOR``."""
    return not os.environ.get("NO_COLOR") and not is_plain(stream)


def columns(stream: Any = None) -> int:
    """The width of the terminal of a stream (default: stdout), in columns; 80 if it is unknown.

    ``COLUMNS`` replaces it.
    """
    stream = sys.stdout if stream is None else stream
    given = os.environ.get("COLUMNS", "")
    if given.isdecimal() and int(given):
        return int(given)
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except (OSError, ValueError):  # no terminal, or no file at all
        return 80
