"""Importers: providers from other programs' configuration, one module per source. A source is only
read.

Every module has ``read``, which returns what it found as :class:`~.entries.Found`. To add a source:
a module, a line in :data:`SOURCES`, and a word in the help of ``cowork-env import``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import cc_switch, claude_settings, environment, file

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..core.resolve import Inputs
    from .entries import Found

# The name on the command line -> what reads the source.
SOURCES: dict[str, Callable[[Inputs], Found]] = {
    "claude-settings": claude_settings.read,
    "env": environment.read,
    "cc-switch": cc_switch.read,
}


def read(source: str, inputs: Inputs) -> Found:
    """The providers in a source: one of :data:`SOURCES`, or the path of a file.

    Raises :class:`CoworkEnvError` when it cannot be read or has no provider.
    """
    if reader := SOURCES.get(source):
        return reader(inputs)
    return file.read(source, inputs, list(SOURCES))
