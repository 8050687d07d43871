"""The versions that a report of a problem needs: of cowork-env, Python, the shell, Claude Code."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from .. import __version__, launcher
from ..util.errors import CoworkEnvError
from ..util.text import visible

if TYPE_CHECKING:
    from ..core.resolve import Inputs

_TIMEOUT = 3.0  # seconds, for a shell to say its version


@dataclass(frozen=True)
class Versions:
    """Each is empty if it is not known; ``claude`` also if there is no Claude Code on PATH."""

    cowork_env: str = ""
    python: str = ""
    shell: str = ""
    shell_version: str = ""
    claude: str = ""
    platform: str = ""

    def as_dict(self) -> dict[str, str]:
        """The versions for ``--json``."""
        return asdict(self)

    @property
    def line(self) -> str:
        """All of them in one line, safe to show."""
        shell = f"{self.shell} {self.shell_version}".strip() or "unknown shell"
        claude = f"Claude Code {self.claude}" if self.claude else "no Claude Code on PATH"
        parts = (
            f"cowork-env {self.cowork_env}",
            f"Python {self.python}",
            shell,
            claude,
            self.platform,
        )
        return visible(", ".join(parts), 400)


def find(inputs: Inputs, shell: str) -> Versions:
    """The versions here; ``shell`` is the name or the path of the shell, or empty.

    Asks Claude Code and the shell for theirs, unless that is known. Sends no request.
    """
    claude = launcher.protection(inputs.env.get("PATH", ""))
    system = os.uname()
    return Versions(
        cowork_env=__version__,
        python=".".join(map(str, sys.version_info[:3])),
        shell=os.path.basename(shell),
        shell_version=_version_of(shell, inputs) if shell else "",
        claude=claude.version or ("(version unknown)" if claude.program else ""),
        platform=f"{system.sysname} {system.release} {system.machine}",
    )


def _version_of(shell: str, inputs: Inputs) -> str:
    """What a shell says to ``--version``, or empty."""
    from ..secrets import tool

    try:
        ended = tool.run([tool.find(shell, inputs.env), "--version"], inputs.env, timeout=_TIMEOUT)
        found = re.search(r"\d+(\.\d+)+", ended.text())
    except CoworkEnvError:
        return ""
    return found[0] if found else ""
