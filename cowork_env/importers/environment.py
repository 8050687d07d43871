"""The environment: the provider that the user's own ``ANTHROPIC_*`` variables describe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core import resolve
from ..core.environment import ACTIVE, MANAGED, STATE, is_mixed_up
from ..core.provider import CREDENTIAL
from ..util.errors import CoworkEnvError
from . import names
from .entries import Found, Nothing, from_variables, taken

if TYPE_CHECKING:
    from ..core.resolve import Inputs


def read(inputs: Inputs) -> Found:
    """The provider in the user's own variables, without those that an active provider has set."""
    env = inputs.env
    if is_mixed_up(env):
        raise CoworkEnvError(
            f"Could not tell your own variables: {ACTIVE} is set, {STATE} is missing or damaged.",
            "Try it in a new shell, outside of every pin.",
        )
    own = resolve.original_env(env)
    entry = from_variables(own, allowed=names.OWN)
    if entry is None:
        beside = " beside those of the active provider" if env.get(STATE) else ""
        raise Nothing(
            f"Neither {' nor '.join(CREDENTIAL.values())} is set{beside}.",
            "There is nothing to import.",
        )
    used = taken(own, entry)
    settings = [(name, "taken") for name in used]
    settings += [
        (name, "left out; unset while a provider is active")
        for name in own
        if name in MANAGED and name not in used and own[name]
    ]
    notes = ["They stay set where they are set; 'cowork-env doctor' names the startup file."]
    return Found([entry], notes, settings=settings)
