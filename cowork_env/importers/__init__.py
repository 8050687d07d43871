"""Importers: providers from other programs' configuration, one module per source. A source is only
read.

Every module has ``read``, which returns what it found as :class:`~.entries.Found`. To add a source:
a module, a line in :data:`SOURCES`, and a word in the help of ``cowork-env import``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..util.errors import CoworkEnvError
from ..util.text import visible
from . import (
    api_config,
    cc_switch,
    ccs,
    claude_acc,
    claude_code_router,
    claude_settings,
    environment,
    file,
)
from .entries import MAX_ENTRIES, Nothing

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..core.resolve import Inputs
    from .entries import Found

CLAUDE_SETTINGS = "claude-settings"
# The name on the command line -> what reads the source.
SOURCES: dict[str, Callable[[Inputs], Found]] = {
    CLAUDE_SETTINGS: claude_settings.read,
    "env": environment.read,
    "cc-switch": cc_switch.read,
    claude_code_router.TOOL: claude_code_router.read,
    "ccs": ccs.read,
    "claude-acc": claude_acc.read,
    "api-config": api_config.read,
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


def read_all(inputs: Inputs) -> tuple[dict[str, Found], dict[str, CoworkEnvError]]:
    """What each of :data:`SOURCES` has, without those that hold nothing; and why some failed."""
    found: dict[str, Found] = {}
    failed: dict[str, CoworkEnvError] = {}
    for source in SOURCES:
        try:
            found[source] = read(source, inputs)
        except Nothing:
            continue
        except CoworkEnvError as error:
            failed[source] = error
    return found, failed
