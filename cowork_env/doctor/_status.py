"""The status of ``cli/status.py`` under the names that it will have in ``cowork_env.status``.

To be deleted with that module's arrival: ``checkup`` then imports it from there.
"""

from __future__ import annotations

from ..cli.status import IN_STEP, View
from ..core.resolve import Inputs

__all__ = ["IN_STEP", "Status"]


class ShellState:
    """How this shell's environment compares with what it should be."""

    def __init__(self, state: str, message: str, hint: str) -> None:
        self.state, self.message, self.hint = state, message, hint


class Status:
    """What should be active, the environment with it, and the state of this shell."""

    def __init__(self, inputs: Inputs) -> None:
        view = View(inputs)
        self.target, self.after = view.wanted, view.after
        self.shell = ShellState(*view.shell)
