"""The names nearest to one that does not exist, for the hint of an error."""

from __future__ import annotations

from .text import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

# How many names are compared with one that does not exist, and how many characters of each:
# comparing takes quadratic time, and a prompt waits for it.
_MAX_NAMES = 1000
_MAX_LENGTH = 100
_MOST = 3  # that are suggested


def _itself(name: str) -> tuple[str, ...]:
    return (name.casefold(),)


def did_you_mean(
    wanted: str,
    names: Iterable[str],
    otherwise: str,
    words: Callable[[str], Iterable[str]] = _itself,
) -> str:
    """A hint with the names nearest to ``wanted``, ignoring case; ``otherwise`` without any.

    ``words`` gives the words that a name is compared by, in lower case.
    """
    from difflib import get_close_matches

    short = [name for name in names if len(name) <= _MAX_LENGTH][:_MAX_NAMES]
    by_word = {word: name for name in short for word in words(name)}
    near = get_close_matches(wanted.casefold()[:_MAX_LENGTH], by_word, _MOST)
    found = [f"'{visible(name)}'" for name in dict.fromkeys(by_word[word] for word in near)]
    return f"Did you mean {' or '.join(found)}?" if found else otherwise
