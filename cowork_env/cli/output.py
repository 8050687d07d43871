"""Output: messages for the user go to standard error, results for programs to standard output.

On the fast path: nothing heavy is imported at the top.
"""

from __future__ import annotations

import os
import sys

from ..util.errors import CoworkEnvError


def say(text: str) -> None:
    """Print a message on standard error; text from elsewhere must be :func:`visible`.

    On a terminal its lines are broken between words. Commands to copy stay whole, and so do lines
    that are indented: those of code, and of lists.
    """
    if sys.stderr.isatty():
        from .terminal import columns
        from .wrapping import wrapped

        width = columns(sys.stderr)
        lines = text.split("\n")
        parts = [[line] if line[:1] == " " else wrapped(line, width) for line in lines]
        text = "\n".join(part for each in parts for part in each)
    print(text, file=sys.stderr)


def say_lines(lines: list[str]) -> None:
    """Print lines on standard error as they are: those of a table, made for this terminal."""
    for line in lines:
        print(line, file=sys.stderr)


def write_output(text: str) -> None:
    """Write all of ``text`` to standard output; bytes that are not UTF-8 pass through.

    Raises BrokenPipeError when the reader is gone, else :class:`CoworkEnvError` on failure.
    """
    sys.stdout.flush()
    data = text.encode("utf-8", "surrogateescape")
    try:
        while data:
            data = data[os.write(1, data) :]
    except BrokenPipeError:
        raise
    except OSError as error:
        raise CoworkEnvError(f"Standard output cannot be written: {error.strerror}.") from None


def write_json(value: object) -> None:
    """Print a value as JSON on standard output."""
    import json

    write_output(json.dumps(value, indent=2, ensure_ascii=False) + "\n")
