"""Lines as wide as a terminal: broken between words, and never within a command to copy.

On the fast path: nothing heavy is imported at the top.
"""

from __future__ import annotations

# A command that ends a text, as in "Add one with: cowork-env add", and what stands in quotes.
_UNITS = r"(?<=: )(?:cowork-env|chmod|eval|pip|pipx|uv) .*$|\(?'[^']+'\S*|\S+"


def display_width(text: str) -> int:
    """How many columns of a terminal a text takes; CJK and emoji are two wide."""
    if "\033" in text:  # colors take none
        import re

        text = re.sub(r"\033\[[0-9;]*m", "", text)
    if text.isascii():
        return len(text)
    from wcwidth import wcswidth

    width = wcswidth(text)
    return width if width >= 0 else len(text)


def cut(text: str, width: int) -> str:
    """The beginning of a text that takes at most ``width`` columns."""
    while display_width(text) > width:
        text = text[: width if text.isascii() else -1]
    return text


def units(text: str) -> list[str]:
    """The parts of a text that stay whole: words, commands to copy, what stands in quotes."""
    if "'" not in text and ": " not in text:
        return text.split()
    import re

    return re.findall(_UNITS, text)


def wrapped(text: str, width: int) -> list[str]:
    """A text in lines of at most ``width`` columns, but for :func:`units` that are longer."""
    if display_width(text) <= width:
        return [text]
    lines: list[str] = []
    for unit in units(text):
        if lines and display_width(f"{lines[-1]} {unit}") <= width:
            lines[-1] += f" {unit}"
        else:
            lines.append(unit)
    return lines or [text]
