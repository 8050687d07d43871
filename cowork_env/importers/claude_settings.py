"""Claude Code's settings file: the provider in its ``env`` block."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from .. import overrides
from ..core.shared_names import SHARED
from ..util.errors import CoworkEnvError
from ..util.text import tilde
from . import names
from .entries import Found, from_variables, left_out

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..core.resolve import Inputs


def read(inputs: Inputs) -> Found:
    """The provider in the user's own settings."""
    path = os.path.join(overrides.user_directory(inputs.env), "settings.json")
    where = tilde(path, inputs.home)
    try:
        return from_settings(overrides.load(path, inputs.home), where, names.OWN_SETTINGS)
    except FileNotFoundError:
        raise CoworkEnvError(f"There is no file {where}.") from None


def from_settings(
    document: Mapping[str, Any], where: str, allowed: frozenset[str] = SHARED
) -> Found:
    """The provider in a settings file's content; raises :class:`CoworkEnvError` if none.

    ``allowed``: the variables that it may set beside URL, key and models.
    """
    env = overrides.env_of(document)
    entry = from_variables(env, allowed=allowed)
    if entry is not None:
        return Found([entry], left_out(env, entry))
    if document.get("apiKeyHelper"):
        raise CoworkEnvError(
            f"{where} gets its key from an apiKeyHelper, which cannot be imported.",
            "Add the provider with 'cowork-env add --token-from cmd:PROGRAM'.",
        )
    raise CoworkEnvError(f"{where} sets no key in its env block.", "There is nothing to import.")
