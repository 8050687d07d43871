"""claude-acc: its accounts, each a login in a directory of its own."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from .. import overrides
from ..util.text import tilde
from .entries import Found, Nothing, logins

if TYPE_CHECKING:
    from ..core.resolve import Inputs


def read(inputs: Inputs) -> Found:
    """The accounts of claude-acc in the user's home."""
    folder = os.path.join(overrides.folder_of("claude-acc", inputs.home), "accounts")
    entries = logins(folder, inputs.home)
    if not entries:
        raise Nothing(f"There is no account in {tilde(folder, inputs.home)}.")
    return Found(entries, ["Its links to directories are left out: use 'cowork-env pin' there."])
