"""The documents of the repository, and the code blocks in them."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
DOCUMENTS = {
    path: path.read_text(encoding="utf-8")
    for path in sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("bench/*.md")])
}
README = ROOT / "README.md"
FENCE = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)


def blocks(path: Path, kind: str) -> list[str]:
    """The fenced blocks of one kind (all that follows the opening fence), without the fences."""
    opening = rf"^```{re.escape(kind)}\n"
    return re.findall(rf"{opening}(.*?)^```$", DOCUMENTS[path], re.DOTALL | re.MULTILINE)


def section(path: Path, title: str) -> str:
    """The text below one heading of the second level."""
    pattern = rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)"
    (text,) = re.findall(pattern, DOCUMENTS[path], re.DOTALL | re.MULTILINE)
    return str(text)


def rows(text: str) -> list[list[str]]:
    """The first table of a text, each row as its cells, without the header."""
    (table, *_) = re.findall(r"^\|[^\n]*\n\|[-|]+\n((?:\|[^\n]*\n)+)", text, re.MULTILINE)
    return [
        [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in table.splitlines()
    ]


def code(text: str) -> list[str]:
    """What is in backquotes."""
    return re.findall(r"`([^`\n]+)`", text)
