"""The names nearest to one that does not exist, for the hint of an error."""

from __future__ import annotations

from .text import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# How many names are compared with one that does not exist, and how many characters of each:
# comparing takes quadratic time, and a prompt waits for it.
MAX_COMPARED = 1000
_MAX_LENGTH = 100


def nearest(wanted: str, names: Iterable[str] | Mapping[str, str], most: int = 3) -> list[str]:
    """Those of ``names`` that are like ``wanted``, ignoring case, the nearest first.

    A mapping leads from what is compared to the name that it stands for.
    """
    from difflib import get_close_matches

    pairs = dict(names) if hasattr(names, "keys") else {name.casefold(): name for name in names}
    short = {w: pairs[w] for w in list(pairs)[: 2 * MAX_COMPARED] if len(w) <= _MAX_LENGTH}
    near = get_close_matches(wanted.casefold()[:_MAX_LENGTH], short, most)
    return list(dict.fromkeys(short[word] for word in near))


def did_you_mean(wanted: str, names: Iterable[str] | Mapping[str, str], otherwise: str) -> str:
    """A hint with the names nearest to ``wanted``, or ``otherwise`` where none is like it."""
    near = [f"'{visible(name)}'" for name in nearest(wanted, names)]
    return f"Did you mean {' or '.join(near)}?" if near else otherwise
