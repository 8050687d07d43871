"""What ``doctor`` finds, as values: shown to the user or written as JSON; some can be fixed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .codes import CODES, ERROR, OK


@dataclass(frozen=True)
class Fix:
    """A repair. ``text`` says what it will do.

    ``run`` does it and returns what to tell the user afterwards (mostly nothing), or raises
    :class:`CoworkEnvError`.
    """

    text: str
    run: Callable[[], str]


# A description and changes to a provider's entry (None removes a key) -> the fix, or None where
# the entry cannot be edited.
MakeFix = Callable[[str, dict[str, Any]], "Fix | None"]


@dataclass(frozen=True)
class Finding:
    """One finding: ``level`` and ``code`` are for programs, ``message`` and ``hint`` for users.

    ``where`` is the place (``file:line`` or a path), safe to show. Nothing here ever holds a key.
    """

    level: str
    code: str
    message: str
    hint: str = ""
    where: str = ""
    fix: Fix | None = field(default=None, repr=False)

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


@dataclass(frozen=True)
class ModelResult:
    """One model's test request.

    ``uses`` says what the model is for, ``code`` how the request went, ``latency`` is in
    milliseconds and None without a response.
    """

    model: str
    uses: list[str]
    code: str
    latency: int | None

    def as_dict(self) -> dict[str, Any]:
        """The result for ``--json``."""
        return {
            "model": self.model,
            "uses": self.uses,
            "result": self.code,
            "latency_ms": self.latency,
        }


@dataclass
class Report:
    """What was found about one provider, or (without a name) about this machine and shell.

    ``account``: where the login of an account is, which has no ``url``.
    """

    name: str = ""
    id: str = ""
    url: str = ""
    auth: str = ""
    findings: list[Finding] = field(default_factory=list)
    models: list[ModelResult] = field(default_factory=list)
    offered: list[str] = field(default_factory=list)
    online: bool = False
    account: str = ""

    def add(
        self,
        code: str,
        text: str = "",
        *,
        level: str = "",
        where: str = "",
        fix: Fix | None = None,
        **fields: object,
    ) -> None:
        """Add a finding, unless the report has it already.

        ``text`` names one of the code's texts, ``fields`` are what its templates need, and
        ``level`` replaces the usual level.
        """
        chosen = CODES[code].texts[text]
        message, hint = chosen.message.format(**fields), chosen.hint.format(**fields)
        found = Finding(level or chosen.level, code, message, hint, where, fix)
        if all((f.code, f.message, f.where) != (code, message, where) for f in self.findings):
            self.findings.append(found)

    @property
    def errors(self) -> list[Finding]:
        """The findings that are errors."""
        return [finding for finding in self.findings if finding.level == ERROR]

    @property
    def endpoint(self) -> str:
        """What the provider is reached by: its URL, or the login that it is."""
        return f"account: {self.account}" if self.account else self.url

    @property
    def healthy(self) -> bool:
        """Whether there is no error; warnings do not count."""
        return not self.errors

    @property
    def latency(self) -> int | None:
        """The fastest good response in milliseconds, or None."""
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
            "account": self.account,
            "healthy": self.healthy,
            "checked_online": self.online,
            "latency_ms": self.latency,
            "models": [m.as_dict() for m in self.models],
            "offered_models": self.offered,
            "findings": [f.as_dict() for f in self.findings],
        }
