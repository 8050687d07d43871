"""Tables: columns where they fit, else a block or a line for each row; no word is ever broken.

Rich's tables would take longer to import than ``list`` takes in all, and break long words.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import click

from ..util.text import visible
from .output import write_output
from .terminal import columns, is_plain, use_color
from .wrapping import display_width, units, wrapped

_GAP = "  "  # between columns
_LAST_COLUMN = 24  # columns that the last cells need at least to be wrapped beside the others


Paint = Callable[[str, str], str]  # a text and its color


class Cell(NamedTuple):
    """A text, made visible when it is shown, and the color that underlines what it means."""

    text: str
    color: str = ""


class Table:
    """Rows of cells below headings. An empty heading is for remarks that need none."""

    def __init__(self, *headings: str) -> None:
        self.headings = headings
        self.rows: list[tuple[Cell, ...]] = []

    def add(self, *cells: str | Cell) -> None:
        """Add a row: a text or a :class:`Cell` for each heading; empty for nothing."""
        made = (Cell(cell) if isinstance(cell, str) else cell for cell in cells)
        self.rows.append(tuple(Cell(visible(cell.text, 1000), cell.color) for cell in made))

    def lines(self, *, width: int, plain: bool = False, color: bool = False) -> list[str]:
        """The table in lines for a terminal of ``width`` columns; ``plain``: one for each row."""
        if plain:
            return [self._sentence(row) for row in self.rows]
        paint = _painted if color else _unpainted
        return self._columns(width, paint) or self._blocks(width, paint)

    def _sentence(self, row: tuple[Cell, ...]) -> str:
        labels = zip(self.headings[1:], row[1:], strict=True)
        facts = [f"{label} {cell.text}".strip() for label, cell in labels if cell.text]
        return ": ".join(filter(None, (row[0].text, "; ".join(facts))))

    def _columns(self, width: int, paint: Paint) -> list[str]:
        """Aligned columns, or nothing if they do not fit."""
        last = len(self.headings)
        if not self.headings[-1] and not any(row[-1].text for row in self.rows):
            last -= 1  # no remarks
        head = tuple(Cell(heading.upper()) for heading in self.headings[:last])
        # A dash shows that a value is absent; remarks may be.
        filled = [
            tuple(
                cell if cell.text or not heading else Cell("-")
                for heading, cell in zip(self.headings[:last], row, strict=False)
            )
            for row in self.rows
        ]
        rows = [head, *filled]
        widths = [
            max(display_width(cell.text) for cell in column) for column in zip(*rows, strict=True)
        ]
        before = sum(widths[:-1]) + len(_GAP) * (len(widths) - 1)
        left = width - before
        if widths[-1] > left:
            words = [w for row in rows for w in units(row[-1].text)]
            if left < max((_LAST_COLUMN, *map(display_width, words))):
                return []
        lines = []
        for row in rows:
            cells = [
                paint(cell.text, cell.color) + " " * (size - display_width(cell.text))
                for cell, size in zip(row[:-1], widths, strict=False)
            ]
            texts = [paint(text, row[-1].color) for text in wrapped(row[-1].text, left)]
            lines.append(_GAP.join([*cells, texts[0]]).rstrip())
            lines += [" " * before + text for text in texts[1:]]
        return lines

    def _blocks(self, width: int, paint: Paint) -> list[str]:
        """For each row its first cell, and below it a line or more for each of the others."""
        label_width = max((display_width(heading) for heading in self.headings[1:]), default=0)
        lines = []
        for row in self.rows:
            lines += [paint(text, row[0].color) for text in wrapped(row[0].text, width)]
            for heading, cell in zip(self.headings[1:], row[1:], strict=True):
                if not cell.text:
                    continue
                start = f"{_GAP}{heading:{label_width}}{_GAP}" if heading else _GAP
                left = width - len(start)
                if any(display_width(word) > left for word in units(cell.text)):
                    lines.append(start.rstrip())
                    start, left = _GAP * 2, width - 2 * len(_GAP)
                first, *others = wrapped(cell.text, left)
                lines.append(start + paint(first, cell.color))
                lines += [" " * len(start) + paint(text, cell.color) for text in others]
        return lines


def print_table(table: Table) -> None:
    """Print a table on standard output, in the form that it can show."""
    print_lines(table_lines(table))


def table_lines(table: Table, stream: Any = None, indent: int = 0) -> list[str]:
    """A table in the form that a stream (default: stdout) can show, below ``indent`` columns."""
    width = columns(stream) - indent
    return table.lines(width=width, plain=is_plain(stream), color=use_color(stream))


def labeled(label: str, text: str | Cell, size: int, stream: Any = None) -> list[str]:
    """``text`` after a label of ``size`` columns, in lines that a stream can show.

    Parts of it that stay whole and do not fit beside the label stand below it.
    """
    cell = Cell(text) if isinstance(text, str) else text
    paint = _painted if use_color(stream) else _unpainted
    start = label + " " * (size - display_width(label))
    if is_plain(stream):
        return [f"{start}{paint(cell.text, cell.color)}".rstrip()]
    width = columns(stream)
    left = width - display_width(start)
    lines = []
    if any(display_width(unit) > left for unit in units(cell.text)) and label.strip():
        lines.append(label.rstrip())
        start, left = _GAP * 2, width - 2 * len(_GAP)
    elif left < _LAST_COLUMN:
        start, left = _GAP * 2, width - 2 * len(_GAP)
    for text in wrapped(cell.text, left):
        lines.append(f"{start}{paint(text, cell.color)}".rstrip())
        start = " " * display_width(start)
    return lines


def print_lines(lines: list[str]) -> None:
    """Print lines on standard output."""
    write_output("".join(f"{line}\n" for line in lines))


def _painted(text: str, color: str) -> str:
    return click.style(text, fg=color) if color and text else text


def _unpainted(text: str, _color: str) -> str:
    return text
