"""nushell. It evaluates no code that comes at run time: it reads JSON, and its hook does what that
says.
"""

from __future__ import annotations

from .base import Shell
from .jsonlike import JsonLike, escape

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


class Nu(JsonLike):
    """nushell. Statements are one record a line, from names to values, null for none."""

    name = "nu"
    hook = "hook.nu"
    then = ", "

    def quote(self, text: str) -> str:
        # Its strings are UTF-8 only: other bytes become U+FFFD.
        return escape("".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in text))

    def set(self, name: str, value: str) -> str:
        return f'"{name}": {self.quote(value)}'

    def unset(self, name: str) -> str:
        return f'"{name}": null'

    def block(self, statements: str) -> str:
        return f"{{{statements}}}"

    def when(self, name: str, value: str | None, code: str) -> str:
        wanted = "null" if value is None else self.quote(value)
        return f'{{"name": "{name}", "is": {wanted}, "then": {code}}}'

    def values_of(self, names: Iterable[str]) -> str:
        return ", ".join(f"$env.{name}?" for name in names)


SHELLS: dict[str, Shell] = {"nu": Nu()}
