"""Output: messages for the user go to standard error, results for programs to standard output.

On the fast path: nothing heavy is imported at the top.
"""

from __future__ import annotations

import os
import sys

from ..util.errors import CoworkEnvError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any


def say(text: str) -> None:
    """Print a message on standard error; text from elsewhere must be :func:`visible`."""
    print(text, file=sys.stderr)


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


def aligned(rows: list[list[str]]) -> Iterator[str]:
    """Rows of cells, safe to show, as lines with aligned columns; the last one is not padded."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=False)]
        yield "  ".join([*cells, row[-1]]).rstrip()


def print_table(rows: list[list[str]]) -> None:
    """Print rows of cells, safe to show, in aligned columns."""
    for line in aligned(rows):
        write_output(line + "\n")


def use_color(stream: Any = None) -> bool:
    """Whether to color the output on a stream (default: stdout): a terminal, no ``NO_COLOR``."""
    stream = sys.stdout if stream is None else stream
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb" and stream.isatty()
