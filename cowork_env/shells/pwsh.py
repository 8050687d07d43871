"""PowerShell. Written from its documentation; no test has run it."""

from __future__ import annotations

from .base import Shell, fields

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..hook.protocol import Response


class Pwsh(Shell):
    """PowerShell 7."""

    name = "pwsh"
    hook = "hook.ps1"

    def quote(self, text: str) -> str:
        """``text`` as one expression in ASCII: the encoding of a program's output depends on the
        console.
        """
        pieces, plain = [], ""
        for c in text:
            if " " <= c <= "~":
                plain += c
                continue
            code = 0xFFFD if "\ud800" <= c <= "\udfff" else ord(c)  # .NET has no other bytes either
            pair = [code] if code < 0x10000 else [0xD7C0 + (code >> 10), 0xDC00 + (code & 0x3FF)]
            pieces += [self.quote(plain), *(f"[char]{unit}" for unit in pair)]
            plain = ""
        last = "'" + plain.replace("'", "''") + "'"
        return f"({'+'.join([*pieces, last])})" if pieces else last

    def words(self, items: Iterable[str]) -> str:
        return ", ".join(map(self.quote, items))

    def set(self, name: str, value: str) -> str:
        return f"[Environment]::SetEnvironmentVariable('{name}', {self.quote(value)})"

    def unset(self, name: str) -> str:
        return f"[Environment]::SetEnvironmentVariable('{name}', $null)"

    def when(self, name: str, value: str | None, code: str) -> str:
        live = f"[Environment]::GetEnvironmentVariable('{name}')"
        wanted = "$null" if value is None else self.quote(value)
        return f"if ({live} -ceq {wanted}) {{ {code} }}"

    def response(self, response: Response) -> str:
        named = {name: self.quote(text) for name, text in fields(response).items()}
        notices = [
            f"@{{ id = {self.quote(n.id)}; text = {self.quote(n.text)} }}" for n in response.notices
        ]
        named["notices"] = f"@({', '.join(notices)})"
        # It compares contents, and needs no reference.
        named["watches"] = f"@({self.words(watch.path for watch in response.watches)})"
        return "@{ " + "; ".join(f"{name} = {value}" for name, value in named.items()) + " }\n"


SHELLS: dict[str, Shell] = {"pwsh": Pwsh()}
