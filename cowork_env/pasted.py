"""Keys as users paste them: with quotes, as an assignment, a header, or as something else."""

from __future__ import annotations

import re

from .core.provider import InvalidField, check_token
from .masking import is_named_secret
from .util.text import is_control

# Around what a terminal passes on that was asked to mark what is pasted (xterm, "bracketed paste").
_PASTE_MARKS = re.compile(r"\x1b\[20[01]~")
_JOINERS = "\u200c\u200d"  # without width, too, but parts of emoji elsewhere
_QUOTES = {"'": "'", '"': '"', "`": "`", "\u201c": "\u201d", "\u2018": "\u2019"}
_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
# What stands before a key: an assignment of sh, fish, csh, cmd and PowerShell; a header; a line of
# JSON or YAML. A group is a name, which must be that of a secret unless it is in capital letters.
_BEFORE = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"(?:export|set|setenv|declare -x|typeset -x)\s+{_NAME}\s*=\s*",
        rf"set\s+(?:-\S+\s+)+{_NAME}\s+",
        rf"setenv\s+{_NAME}\s+",
        rf"\$env:{_NAME}\s*=\s*",
        r"(?:proxy-)?authorization\s*[:=]\s*(?:(?:bearer|token)\s+)?",
        r"(?:x-)?api-key\s*:\s*",
        r"bearer\s+",
        rf"({_NAME})\s*=\s*(?=[^=\s])",
        rf"[\"']?({_NAME})[\"']?\s*:\s+",
    )
)
_VARIABLE = re.compile(rf"\$[A-Z_][A-Z0-9_]*|\$\{{{_NAME}\}}|\$\(.*\)|%{_NAME}%")
_MASKED = re.compile(r"[•●∙·…]|\*\*|\.\.|[xX]{6}")
_REFERENCE = "Pass it with --token-from."


def cleaned_key(text: str) -> str:
    """The key in a text that was typed, pasted or read; empty if there is none in it.

    Raises :class:`InvalidField`, which does not hold the text, for what is no key.
    """
    text = _bare(_PASTE_MARKS.sub("", text))
    if why := _no_key(text):
        raise _refused(why)
    key = _without_wrapping(text)
    if why := _no_key(key):
        raise _refused(why)
    if _VARIABLE.fullmatch(key):
        raise _refused(
            "is a variable or a command, not a key", "Pass it with --token-from, as in env:NAME."
        )
    if _is_reference(key):
        raise _refused("is a reference to a key", _REFERENCE)
    if any(c.isspace() for c in key):
        raise _refused("has blanks in it", "A key is one word: copy it alone.")
    if _MASKED.search(key):
        raise _refused("is a masked key", "Copy it where the key itself is shown.")
    if key and is_placeholder(key):
        raise _refused("stands for a key", "Put your own key in its place.")
    return check_token(key)


def is_placeholder(key: str) -> bool:
    """Whether a key is a text that stands for one, as in examples: ``sk-xxx``, ``YOUR_API_KEY``.

    What servers on this machine get in the place of a key (``ollama``, ``dummy``) is none.
    """
    words = "".join(c if c.isalnum() else " " for c in key.casefold()).split()
    rest = [word for word in words if word not in ("sk", "ant", "or", "v1", "api03")]
    if key.startswith(("<", "{", "[")) or not rest:
        return True
    if all(set(word) == {"x"} and len(word) > 2 for word in rest):
        return True
    text = " ".join(rest)
    return len(rest) < 8 and any(
        mark in f" {text} "
        for mark in (" your ", " here ", " changeme ", " change me ", "replace ")
    )


def _refused(why: str, hint: str = "Copy the key alone.") -> InvalidField:
    return InvalidField(("authToken",), why, hint)


def _bare(text: str) -> str:
    """A text without what is invisible at its ends."""
    start, end = 0, len(text)
    while start < end and _is_invisible(text[start]):
        start += 1
    while end > start and _is_invisible(text[end - 1]):
        end -= 1
    return text[start:end]


def _is_invisible(char: str) -> bool:
    return char.isspace() or is_control(char) or char in _JOINERS


def _without_wrapping(text: str) -> str:
    """A text without the quotes, names and signs around a key."""
    while True:
        before = text
        text = _bare(text.rstrip(",;"))
        if len(text) > 1 and _QUOTES.get(text[0]) == text[-1] and text[-1] not in text[1:-1]:
            text = _bare(text[1:-1])
        for pattern in _BEFORE:
            if (match := pattern.match(text)) and _is_key_name(match):
                text = _bare(text[match.end() :])
        if text == before:
            return text


def _is_key_name(match: re.Match[str]) -> bool:
    name = match[1] if match.re.groups else None
    return name is None or name.isupper() or is_named_secret(name)


def _no_key(text: str) -> str:
    """What a text is instead of a key, as a part of a sentence; empty if it may be one."""
    first = text.lstrip("$> ").partition(" ")[0]
    if first.rpartition("/")[2] in ("curl", "wget"):
        return "is a whole command"
    if text[:1] in ("{", "["):
        return "is JSON"
    if "\n" in text or "\r" in text or "\u2028" in text:
        return "has several lines, and a key has no line break"
    if re.match(r"https?://", text, re.IGNORECASE):
        return "is a URL"
    return ""


def _is_reference(text: str) -> bool:
    from .secrets import scheme_of

    try:
        scheme_of(text)
    except InvalidField:
        return False
    return True
