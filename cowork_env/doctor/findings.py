"""What the doctor finds, as values: they are shown to a person, written as JSON, and some of them repaired."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

OK, NOTE, WARNING, ERROR = "ok", "note", "warning", "error"


class Fix:
    """A repair: ``text`` says what it will do, ``run`` does it or raises :class:`CoworkEnvError`."""

    __slots__ = ("run", "text")

    def __init__(self, text: str, run: Callable[[], object]) -> None:
        self.text, self.run = text, run


# Words and changes to a provider's entry (None takes a key out) -> a repair, where one can be made.
Repair = Callable[[str, dict[str, Any]], "Fix | None"]


class Finding:
    """One thing found: ``code`` is for programs and stays, ``message`` and ``hint`` are for people.

    ``where`` is the place (``file:line`` or a path), safe to show. Nothing here ever holds a key.
    """

    __slots__ = ("code", "fix", "hint", "level", "message", "where")

    def __init__(
        self,
        level: str,
        code: str,
        message: str,
        hint: str = "",
        where: str = "",
        fix: Fix | None = None,
    ) -> None:
        self.level, self.code, self.message, self.hint, self.where, self.fix = (
            level,
            code,
            message,
            hint,
            where,
            fix,
        )

    def __repr__(self) -> str:
        return f"<Finding {self.level} {self.code}: {self.message}>"

    def as_dict(self) -> dict[str, Any]:
        """The finding for ``--json``."""
        return {
            "level": self.level,
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
            "where": self.where,
            "fixable": self.fix is not None,
        }


class ModelResult:
    """One model's test request: what it is used for, how it went (a code), and how long it took in milliseconds."""

    __slots__ = ("code", "latency", "model", "uses")

    def __init__(self, model: str, uses: list[str], code: str, latency: int | None) -> None:
        self.model, self.uses, self.code, self.latency = model, uses, code, latency

    def as_dict(self) -> dict[str, Any]:
        """The result for ``--json``."""
        return {
            "model": self.model,
            "uses": self.uses,
            "result": self.code,
            "latency_ms": self.latency,
        }


class Report:
    """What was found about one provider, or (without a name) about this machine and shell."""

    __slots__ = ("auth", "findings", "id", "models", "name", "offered", "online", "url")

    def __init__(self, name: str = "", id: str = "", url: str = "", auth: str = "") -> None:
        self.name, self.id, self.url, self.auth = name, id, url, auth
        self.findings: list[Finding] = []
        self.models: list[ModelResult] = []
        self.offered: list[str] = []
        self.online = False

    def add(
        self,
        level: str,
        code: str,
        message: str,
        hint: str = "",
        where: str = "",
        fix: Fix | None = None,
    ) -> None:
        """Note a finding, once."""
        if all((f.code, f.message, f.where) != (code, message, where) for f in self.findings):
            self.findings.append(Finding(level, code, message, hint, where, fix))

    @property
    def healthy(self) -> bool:
        """Whether nothing is wrong; warnings are not."""
        return all(finding.level != ERROR for finding in self.findings)

    @property
    def latency(self) -> int | None:
        """The fastest good answer in milliseconds, or None."""
        return min(
            (m.latency for m in self.models if m.code == OK and m.latency is not None), default=None
        )

    def as_dict(self) -> dict[str, Any]:
        """The report for ``--json``."""
        return {
            "name": self.name,
            "id": self.id,
            "base_url": self.url,
            "auth": self.auth,
            "healthy": self.healthy,
            "checked_online": self.online,
            "latency_ms": self.latency,
            "models": [m.as_dict() for m in self.models],
            "offered_models": self.offered,
            "findings": [f.as_dict() for f in self.findings],
        }
