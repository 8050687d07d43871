"""How hook requests start Python: isolated, without site processing."""

from __future__ import annotations

import os
import sys

PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FLAGS = ("-I", "-S", "-X", "utf8")


def request_command(shell: str) -> list[str]:
    """The command of a hook request, which takes the other arguments behind it."""
    return [sys.executable, *FLAGS, f"{PACKAGE}/hook/launch.py", f"shell={shell}"]
