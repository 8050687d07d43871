"""Importers: providers from other programs' configuration, one module per source. A source is only
read.

Every module has ``read``, which returns what it found as :class:`~.entries.Found`. To add a source:
a module, a line in :data:`SOURCES`, and a word in the help of ``cowork-env import``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..util.errors import CoworkEnvError
from ..util.text import visible
from . import cc_switch, claude_settings, environment, file
from .entries import MAX_ENTRIES

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

    Raises :class:`CoworkEnvError` when it cannot be read, or has no provider or too many.
    """
    reader = SOURCES.get(source)
    found = reader(inputs) if reader else file.read(source, inputs, list(SOURCES))
    if len(found.entries) > MAX_ENTRIES:
        raise CoworkEnvError(f"There are more than {MAX_ENTRIES} providers in {visible(source)}.")
    return found
