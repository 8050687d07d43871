"""Claude Code's settings file: the provider in its ``env`` block."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from .. import overrides
from ..core.environment import MODEL
from ..core.shared_names import SHARED
from ..util.errors import CoworkEnvError
from ..util.text import argument, tilde
from . import names
from .entries import Found, Nothing, from_variables, taken

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..core.resolve import Inputs
    from .entries import Entry

_IGNORED = "stays there; Claude Code ignores it while a provider is active"
_IN_FORCE = "stays there, and is in force with every provider"
# What a settings file has beside ``env`` that is about a provider, and what becomes of it.
_KEYS = {
    "apiKeyHelper": _IGNORED,
    "model": f"stays there; used where neither a provider nor {MODEL} names one",
    "awsAuthRefresh": "stays there, for clouds",
    "awsCredentialExport": "stays there, for clouds",
    "gcpAuthRefresh": "stays there, for clouds",
}


def path_of(inputs: Inputs) -> str:
    """The user's own settings file."""
    return os.path.join(overrides.user_directory(inputs.env), "settings.json")


def read(inputs: Inputs) -> Found:
    """The provider in the user's own settings."""
    path = path_of(inputs)
    where = tilde(path, inputs.home)
    try:
        document = overrides.load(path, inputs.home, own=0)
    except FileNotFoundError:
        raise Nothing(f"There is no file {where}.") from None
    return from_settings(document, where, names.OWN_SETTINGS)


def in_project(inputs: Inputs) -> list[str]:
    """The settings files of the working directory that set a provider, as they are shown.

    They came with the repository, so they are named and never read as the user's own.
    """
    user = os.path.realpath(path_of(inputs))
    found: list[str] = []
    for place in overrides.places(inputs.env, inputs.directory):
        if place.scope not in (overrides.PROJECT, overrides.LOCAL):
            continue
        if os.path.realpath(place.path) == user:
            continue
        try:
            env = overrides.env_of(overrides.load(place.path, inputs.home))
        except (CoworkEnvError, FileNotFoundError):
            continue
        if from_variables(env) is not None:
            found.append(place.path)
    return found


def from_settings(
    document: Mapping[str, Any], where: str, allowed: frozenset[str] = SHARED
) -> Found:
    """The provider in a settings file's content; raises :class:`CoworkEnvError` if none.

    ``allowed``: the variables that it may set beside URL, key and models.
    """
    env = overrides.env_of(document)
    entry = from_variables(env, allowed=allowed)
    if entry is not None:
        return Found([entry], settings=_outcomes(document, env, entry))
    if document.get("apiKeyHelper"):
        raise CoworkEnvError(
            f"{where} gets its key from an apiKeyHelper, which cannot be imported.",
            "Add the provider with 'cowork-env add --token-from cmd:PROGRAM'.",
        )
    raise Nothing(f"{where} sets no key in its env block.", "There is nothing to import.")


def _outcomes(
    document: Mapping[str, Any], env: Mapping[str, str], entry: Entry
) -> list[tuple[str, str]]:
    """What becomes of each name in a settings file; what is not about a provider is one row."""
    used = taken(env, entry)
    outcomes = [(name, _outcome(name, env[name], name in used)) for name in env]
    others = [key for key in document if key != "env" and key not in _KEYS]
    outcomes += [(key, _KEYS[key]) for key in document if key in _KEYS]
    if others:
        outcomes.append((f"{len(others)} more", "not about a provider, stay there"))
    return outcomes


def _outcome(name: str, value: str, used: bool) -> str:
    is_held = overrides.is_held(name)
    if used:
        proxy = is_held and names.is_network(name)
        return (
            "taken; there, Claude Code ignores it while a provider is active" if proxy else "taken"
        )
    return "stays there; empty" if not value else _IGNORED if is_held else _IN_FORCE


def hint_for(path: str) -> str:
    """The command that imports a settings file by its path."""
    return f"cowork-env import {argument(path, 'FILE')}"
