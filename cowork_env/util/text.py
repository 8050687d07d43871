"""Text from files and the environment, made safe to show on a terminal."""

from __future__ import annotations

# Explicit bidirectional controls, the two Unicode line separators, and what has no width: they reorder, break or hide.
_DECEPTIVE = frozenset(
    "\u00ad\u180e\u200b\u2060\u2061\u2062\u2063\u2064\ufff9\ufffa\ufffb\u061c\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"
)


def is_control(char: str) -> bool:
    """Whether one character would steer a terminal, hide or reorder text, or cannot be encoded."""
    code = ord(char)
    return (
        code < 0x20
        or 0x7F <= code < 0xA0
        or 0xD800 <= code < 0xE000
        or 0xE0000 <= code < 0xE0080
        or char in _DECEPTIVE
    )


def visible(text: str, limit: int = 200) -> str:
    """``text`` on one line: every control character as its escape, at most ``limit`` characters long."""
    if len(text) > limit:
        text = text[: limit - 1] + "…"
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        c.encode("unicode_escape", "surrogatepass").decode("ascii") if is_control(c) else c
        for c in text
    )


def tilde(path: str, home: str) -> str:
    """``path`` as a person writes it: with ``~`` for ``home``, safe to show."""
    home = home.rstrip("/")
    if home and (path == home or path.startswith(home + "/")):
        path = "~" + path[len(home) :]
    return visible(path, 300)


def first_control(text: str) -> int:
    """The index of the first control character in ``text``, or -1."""
    if text.isascii() and text.isprintable():
        return -1
    return next((i for i, c in enumerate(text) if is_control(c)), -1)
