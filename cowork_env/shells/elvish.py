"""elvish."""

from __future__ import annotations

from .base import Shell, fields

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..hook.protocol import Response


class Elvish(Shell):
    """elvish 0.18 and later."""

    name = "elvish"
    hook = "hook.elv"

    def quote(self, text: str) -> str:
        r"""``text`` as one word; bytes that are not UTF-8 need double quotes, as ``\xNN``."""
        if all(" " <= c < "\ud800" for c in text):
            return "'" + text.replace("'", "''") + "'"
        return '"' + "".join(map(self._escape, text)) + '"'

    @staticmethod
    def _escape(character: str) -> str:
        code = ord(character)
        if 0xDC80 <= code <= 0xDCFF:
            return f"\\x{code - 0xDC00:02x}"
        if code < 0x20 or code == 0x7F or character in '"\\':
            return f"\\u{code:04x}"
        return character

    def set(self, name: str, value: str) -> str:
        return f"set-env {name} {self.quote(value)}"

    def unset(self, name: str) -> str:
        return f"unset-env {name}"

    def when(self, name: str, value: str | None, code: str) -> str:
        if value is None:
            return f"if (not (has-env {name})) {{ {code} }}"
        equal = f"(eq (get-env {name}) {self.quote(value)})"
        return f"if (and (has-env {name}) {equal}) {{ {code} }}"

    def response(self, response: Response) -> str:
        named = {name: self.quote(text) for name, text in fields(response).items()}
        notices = " ".join(
            f"[&id={self.quote(n.id)} &text={self.quote(n.text)}]" for n in response.notices
        )
        named["notices"] = f"[{notices}]"
        # It compares contents, and needs no reference.
        named["watches"] = f"[{self.words(watch.path for watch in response.watches)}]"
        return "put [" + " ".join(f"&{name}={value}" for name, value in named.items()) + "]\n"


SHELLS: dict[str, Shell] = {"elvish": Elvish()}
