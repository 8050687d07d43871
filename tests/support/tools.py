"""Stand-ins for the tools that hold keys: scripts that behave as those are documented to."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from pathlib import Path

import pytest

from cowork_env import secrets
from cowork_env.core.provider import Provider
from cowork_env.util.errors import CoworkEnvError

from support.processes import has_ended, wait_for

KEY = "sk-marked-0123456789"
REFERENCE = "marked-reference"  # in every reference
TOOLS = {  # the sources that run a tool: source -> the tool, a reference
    "cmd": ("fetch-key", f"cmd:fetch-key {REFERENCE}"),
    "pass": ("pass", f"pass:work/{REFERENCE}"),
    "op": ("op", f"op://Work/{REFERENCE}/credential"),
    "vault": ("vault", f"vault://secret/{REFERENCE}#key"),
    "bao": ("bao", f"vault://secret/{REFERENCE}#key"),
    "aws-sm": ("aws", f"aws-sm://prod/{REFERENCE}"),
    "security": ("security", f"keyring:{REFERENCE}/a"),
}


def fetch(reference: str, env: Mapping[str, str]) -> str:
    """The key of a provider with a reference."""
    entry = {"name": "A", "baseUrl": "https://a.example", "authTokenFrom": reference}
    return secrets.fetch(Provider(entry), env)


def alarm() -> tuple[object, bool]:
    """What SIGALRM does, and whether an alarm is set that is later than those of a lookup."""
    return signal.getsignal(signal.SIGALRM), signal.getitimer(signal.ITIMER_REAL)[0] > 62


def outcome(reference: str, env: Mapping[str, str]) -> CoworkEnvError:
    """The error of a lookup. Neither the key nor the reference is in it, nor behind it."""
    with pytest.raises(CoworkEnvError) as caught:
        fetch(reference, env)
    found = caught.value
    error: BaseException | None = found
    while error is not None:
        for secret in (KEY, REFERENCE):
            assert secret not in str(error) + repr(error) + repr(vars(error))
        error = error.__context__
    assert found.message.endswith(".") and found.hint
    return found


class Tools:
    """A folder of stand-ins. ``env`` finds them first, with the system's own tools after them.

    Each run is noted with its arguments; ``runs`` tells of them.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "tools"
        self.folder.mkdir()
        self._log, self._pids = folder / "tools.log", folder / "tools.pids"
        self.env = {"PATH": f"{self.folder}:/usr/bin:/bin", "HOME": str(folder)}

    def make(self, name: str, body: str) -> Path:
        """A stand-in: a script for sh."""
        path = self.folder / name
        path.write_text(f'#!/bin/sh\necho "{name} $*" >>"{self._log}"\n{body}\n')
        path.chmod(0o755)
        return path

    def hanging(self, name: str) -> Path:
        """One that never ends, and leaves a child that never does, both with its output open."""
        note = f'echo $! >>"{self._pids}"'
        return self.make(
            name, f'sleep 600 & {note}\nsleep 600 & {note}\necho end >>"{self._pids}"\nwait'
        )

    @property
    def runs(self) -> list[str]:
        """The tools that were run, with their arguments."""
        return self._log.read_text().splitlines() if self._log.exists() else []

    def wait_until_hanging(self) -> None:
        """Wait until a hanging one has started its children."""
        wait_for(lambda: self._pids.exists() and "end" in self._pids.read_text())

    def all_have_ended(self) -> bool:
        """Whether the children of those that hang have ended."""
        text = self._pids.read_text() if self._pids.exists() else ""
        pids = [int(word) for word in text.split() if word.isdigit()]
        wait_for(lambda: all(map(has_ended, pids)), limit=5)
        return bool(pids)
