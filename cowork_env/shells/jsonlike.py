"""What nushell and xonsh share: both read a response as JSON."""

from __future__ import annotations

from .base import Shell, fields

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..hook.protocol import Response


def escape(text: str) -> str:
    r"""``text`` as a string of JSON, which is one of Python, too; bytes that are not UTF-8 as
    ``\udcxx``.
    """
    return '"' + "".join(map(_escape, text)) + '"'


def _escape(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    if character in "\n\r\t":
        return {"\n": "\\n", "\r": "\\r", "\t": "\\t"}[character]
    if character < " " or "\ud800" <= character <= "\udfff":
        return f"\\u{ord(character):04x}"
    return character


class JsonLike(Shell):
    """A shell that reads a response as one JSON object."""

    def quote(self, text: str) -> str:
        return escape(text)

    def words(self, items: Iterable[str]) -> str:
        return ", ".join(map(self.quote, items))

    def response(self, response: Response) -> str:
        named = {name: self.quote(text) for name, text in fields(response).items()}
        named["flags"] = f"[{self.words(response.flags)}]"
        notices = [
            f'{{"id": {self.quote(n.id)}, "text": {self.quote(n.text)}}}' for n in response.notices
        ]
        named["notices"] = f"[{', '.join(notices)}]"
        watches = [
            f'{{"path": {self.quote(w.path)}, "reference": {self.quote(w.reference)}, '
            f'"same_as": {self.quote(w.same_as)}}}'
            for w in response.watches
        ]
        named["watches"] = f"[{', '.join(watches)}]"
        return "{" + ", ".join(f'"{name}": {value}' for name, value in named.items()) + "}\n"
