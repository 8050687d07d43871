"""JSON5, which some tools read, as plain JSON: https://spec.json5.org."""

from __future__ import annotations

import re

MAX_LENGTH = 1 << 20  # characters; real files have a few thousand

# One token: a comment, a string in double or single quotes, a word, or a single character.
_TOKEN = re.compile(
    r"""(?P<comment>//[^\n\r]*|/\*.*?(?:\*/|\Z))"""
    r"""|(?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')"""
    r"""|(?P<word>[A-Za-z_$][\w$]*)(?=(?P<key>\s{0,80}:)?)|(?P<space>\s+)|(?P<other>[^\s"'/A-Za-z_$]+?|.)""",
    re.DOTALL,
)
_ESCAPE = re.compile(r"\\(\r\n|.)", re.DOTALL)


def plain(text: str) -> str | None:
    """``text`` without comments and commas too many, all strings and keys in double quotes.

    None if it has none of these, and so cannot become valid. Hexadecimal numbers and the like are
    left as they are.
    """
    out: list[str] = []
    changed = False
    if len(text) > MAX_LENGTH:
        return None
    for match in _TOKEN.finditer(text):
        token = match.group()
        if match["comment"]:
            token, changed = " ", True
        elif match["string"] and (token.startswith("'") or "\\\n" in token):
            token, changed = _string(token), True
        elif match["word"] and match["key"]:
            token, changed = f'"{token}"', True
        elif token in ("}", "]"):
            changed |= _drop_comma(out)
        out.append(token)
    return "".join(out) if changed else None


def _string(token: str) -> str:
    """A string in double quotes."""

    def escape(match: re.Match[str]) -> str:
        char = match.group(1)
        return "" if char in ("\n", "\r\n") else "'" if char == "'" else match.group()

    inside = _ESCAPE.sub(escape, token[1:-1])
    if token.startswith("'"):
        inside = re.sub(r'(\\.)|"', lambda m: m.group(1) or '\\"', inside)
    return f'"{inside}"'


def _drop_comma(out: list[str]) -> bool:
    """Take a comma off the end, behind which there is only white space."""
    for i in range(len(out) - 1, -1, -1):
        if out[i].strip():
            if out[i] != ",":
                return False
            out[i] = ""
            return True
    return False
