"""The installed clients: virtual environments that ``tests/clients/prepare`` makes."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parents[2] / "clients"


class Clients:
    """The clients' virtual environments in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.claude = self.version("")

    def version(self, version: str) -> Path:
        """Claude Code of a version that ``prepare`` installs; empty: the newest."""
        name = f"agent-{version}" if version else "agent"
        (found,) = self.folder.glob(
            f"{name}/lib/python*/site-packages/claude_agent_sdk/_bundled/claude"
        )
        return found

    def program(self, environment: str, name: str) -> list[str]:
        """The command that runs one of ``programs/`` in an environment."""
        return [str(self.folder / environment / "bin/python"), str(FOLDER / "programs" / name)]
