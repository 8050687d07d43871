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
_LONGEST = 1000  # characters of a cell
_LAST_COLUMN = 24  # columns that the last cells need at least to be wrapped beside the others


Paint = Callable[[str, str], str]  # a text and its color


class Cell(NamedTuple):
    """A text, made visible when it is shown, and the color that underlines what it means.

    ``whole``: it stays on one line, as a path does.
    """

    text: str
    color: str = ""
    whole: bool = False

    def fits(self, width: int) -> bool:
        """Whether the text can be broken into lines of ``width`` columns."""
        parts = [self.text] if self.whole else units(self.text)
        return all(display_width(part) <= width for part in parts)

    def lines(self, width: int, paint: Paint) -> list[str]:
        """The text in lines of ``width`` columns, but for parts that are longer."""
        parts = [self.text] if self.whole else wrapped(self.text, width)
        return [paint(part, self.color) for part in parts]


class Table:
    """Rows of cells below headings. An empty heading is for remarks that need none."""

    def __init__(self, *headings: str) -> None:
        self.headings = headings
        self.rows: list[tuple[Cell, ...]] = []

    def add(self, *cells: str | Cell) -> None:
        """Add a row: a text or a :class:`Cell` for each heading; empty for nothing."""
        made = (Cell(cell) if isinstance(cell, str) else cell for cell in cells)
        self.rows.append(tuple(cell._replace(text=visible(cell.text, _LONGEST)) for cell in made))

    def lines(self, *, width: int, plain: bool = False, color: bool = False) -> list[str]:
        """The table in lines for a terminal of ``width`` columns; ``plain``: one for each row."""
        if plain:
            return [self._sentence(row) for row in self.rows]
        paint = _painted if color else _unpainted
        count = len(self.headings)
        while not self.headings[count - 1] and not any(row[count - 1].text for row in self.rows):
            count -= 1  # no remarks
        found = self._columns(count, width, paint)
        while not found and not self.headings[count - 1]:
            count -= 1  # remarks below the rows
            found = self._columns(count, width, paint)
        return found or self._blocks(width, paint)

    def _sentence(self, row: tuple[Cell, ...]) -> str:
        labels = zip(self.headings[1:], row[1:], strict=True)
        facts = [f"{label} {cell.text}".strip() for label, cell in labels if cell.text]
        return ": ".join(filter(None, (row[0].text, "; ".join(facts))))

    def _columns(self, count: int, width: int, paint: Paint) -> list[str]:
        """The first ``count`` columns aligned, the others below; nothing if they do not fit."""
        head = tuple(Cell(heading.upper()) for heading in self.headings[:count])
        # A dash shows that a value is absent; remarks may be.
        filled = [
            tuple(
                cell if cell.text or not heading else Cell("-")
                for heading, cell in zip(self.headings[:count], row, strict=False)
            )
            for row in self.rows
        ]
        sizes = [
            max(display_width(cell.text) for cell in column)
            for column in zip(head, *filled, strict=True)
        ]
        before = sum(sizes[:-1]) + len(_GAP) * (count - 1)
        left = width - before
        if sizes[-1] > left and (
            left < _LAST_COLUMN or not all(row[-1].fits(left) for row in filled)
        ):
            return []
        lines = []
        for row, rest in zip((head, *filled), ((), *(r[count:] for r in self.rows)), strict=True):
            cells = [
                paint(cell.text, cell.color) + " " * (size - display_width(cell.text))
                for cell, size in zip(row[:-1], sizes, strict=False)
            ]
            first, *others = row[-1].lines(left, paint)
            lines.append(_GAP.join([*cells, first]).rstrip())
            lines += [" " * before + text for text in others]
            start = " " * (sizes[0] + len(_GAP))
            for cell in rest:
                lines += _after(start, cell, width, paint) if cell.text else []
        return lines

    def _blocks(self, width: int, paint: Paint) -> list[str]:
        """For each row its first cell, and below it a line or more for each of the others."""
        label_width = max((display_width(heading) for heading in self.headings[1:]), default=0)
        lines = []
        for row in self.rows:
            lines += row[0].lines(width, paint)
            for heading, cell in zip(self.headings[1:], row[1:], strict=True):
                start = f"{_GAP}{heading:{label_width}}{_GAP}" if heading else _GAP
                lines += _after(start, cell, width, paint) if cell.text else []
        return lines


def print_table(table: Table) -> None:
    """Print a table on standard output, in the form that it can show."""
    print_lines(table_lines(table))


def table_lines(table: Table, stream: Any = None, indent: int = 0) -> list[str]:
    """A table in the form that a stream (default: stdout) can show, below ``indent`` columns."""
    width = columns(stream) - indent
    return table.lines(width=width, plain=is_plain(stream), color=use_color(stream))


def labeled(label: str, cell: str | Cell, size: int, stream: Any = None) -> list[str]:
    """A text, already safe to show, after a label of ``size`` columns, as a stream can show it."""
    cell = Cell(cell) if isinstance(cell, str) else cell
    paint = _painted if use_color(stream) else _unpainted
    start = label + " " * (size - display_width(label))
    if is_plain(stream):
        return [f"{start}{paint(cell.text, cell.color)}".rstrip()]
    return _after(start, cell, columns(stream), paint)


def _after(start: str, cell: Cell, width: int, paint: Paint) -> list[str]:
    """A text after ``start``, in lines; what stays whole and is too long stands further left."""
    lines, size = [], display_width(start)
    near = " " * min(size, 2 * len(_GAP))
    for text in cell.lines(width - size, _unpainted):
        if display_width(text) > width - size:
            if start.strip():
                lines.append(start.rstrip())
            start = near
        lines.append(f"{start}{paint(text, cell.color)}".rstrip())
        start = " " * size
    return lines


def print_lines(lines: list[str]) -> None:
    """Print lines on standard output."""
    write_output("".join(f"{line}\n" for line in lines))


def colored(text: str, color: str, stream: Any = None) -> str:
    """A text in a color, if the stream (default: stdout) gets any."""
    return (_painted if use_color(stream) else _unpainted)(text, color)


def _painted(text: str, color: str) -> str:
    return click.style(text, fg=color) if color and text else text


def _unpainted(text: str, _color: str) -> str:
    return text
