"""xonsh."""

from __future__ import annotations

from .base import Shell
from .jsonlike import JsonLike


class Xonsh(JsonLike):
    """xonsh, whose statements are Python."""

    name = "xonsh"
    hook = "hook.xsh"

    def set(self, name: str, value: str) -> str:
        return f'__xonsh__.env["{name}"] = {self.quote(value)}'

    def unset(self, name: str) -> str:
        return f'__xonsh__.env.pop("{name}", None)'

    def when(self, name: str, value: str | None, code: str) -> str:
        wanted = None if value is None else self.quote(value)
        return f'if __xonsh__.env.detype().get("{name}") == {wanted}: {code}'


SHELLS: dict[str, Shell] = {"xonsh": Xonsh()}
