"""Text from files and the environment, made safe to show on a terminal."""

from __future__ import annotations

# Characters that hide, break or reorder text: those without width, the two line separators of
# Unicode, and its explicit bidirectional controls (UAX #9).
_DECEPTIVE = frozenset(
    "\u00ad\u180e\u200b\u2060\u2061\u2062\u2063\u2064\ufeff\ufff9\ufffa\ufffb"
    "\u2028\u2029"
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)


def is_control(char: str) -> bool:
    """Whether a character would control a terminal, hide or reorder text, or cannot be encoded."""
    code = ord(char)
    return (
        code < 0x20
        or 0x7F <= code < 0xA0
        or 0xD800 <= code < 0xE000
        or 0xE0000 <= code < 0xE0080
        or char in _DECEPTIVE
    )


def visible(text: str, limit: int = 200) -> str:
    """``text`` on one line, safe to show: control characters as escapes, cut to ``limit`` first."""
    if len(text) > limit:
        text = text[: limit - 1] + "…"
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        c.encode("unicode_escape", "surrogatepass").decode("ascii") if is_control(c) else c
        for c in text
    )


_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./:@+,")
_MAX_ARGUMENT = 400  # characters, so that no message that it is in has to be cut


def argument(text: str, otherwise: str) -> str:
    """``text`` as the last words of a command that a user may paste into any shell.

    sh, bash, zsh and fish read it alike, as one argument that is no option. A text that cannot be
    shown as it is (control characters, bytes that are not UTF-8, too long) has no such form:
    ``otherwise``, a placeholder, stands in its place.
    """
    if not text or first_control(text) >= 0 or len(text) > _MAX_ARGUMENT:
        return otherwise
    word, quoted = "-- " if text.startswith("-") else "", False
    if _PLAIN.issuperset(text):
        return word + text
    for char in text:
        # Quotes and backslashes stand outside of the quotes: fish has escapes inside of them.
        special = char in "'\\"
        if special == quoted:
            word, quoted = word + "'", not quoted
        word += "\\" + char if special else char
    return word + "'" if quoted else word


def tilde(path: str, home: str) -> str:
    """``path`` with ``~`` in the place of ``home``, safe to show."""
    home = home.rstrip("/")
    if home and (path == home or path.startswith(home + "/")):
        path = "~" + path[len(home) :]
    return visible(path, 300)


def first_control(text: str) -> int:
    """The index of the first control character in ``text``, or -1."""
    if text.isascii() and text.isprintable():
        return -1
    return next((i for i, c in enumerate(text) if is_control(c)), -1)
