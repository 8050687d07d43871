"""Entries of a catalogue: agreeing to one, and making one the user's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core import catalog
from ..core.provider import KEYS
from ..editing import without_empty
from ..masking import shown_reference, shown_url, shown_value
from ..util.errors import CoworkEnvError
from ..util.text import argument, visible
from .output import say

if TYPE_CHECKING:
    from ..core.provider import Provider
    from ..core.providers import Providers
    from ..core.resolve import Inputs
    from ..editing import Entry


def agree_if_new(inputs: Inputs, provider: Provider) -> None:
    """Agree to what the user has just named, and say to what, if it is a catalogue's and new.

    Raises :class:`CoworkEnvError` if it has changed since it was agreed to: nobody has looked at
    that yet.
    """
    if provider.catalog and catalog.state(inputs.store, provider) == catalog.NEW:
        catalog.agree(inputs.store, provider)
        say(
            f"cowork-env: agreed to '{visible(provider.name)}' of {provider.catalog.where}: "
            f"{catalog.summary(provider)}"
        )
    catalog.check_agreed(inputs.store, provider)


def described(inputs: Inputs, provider: Provider) -> list[tuple[str, str]]:
    """The terms of an entry of a catalogue, each with the one that was agreed to if it changed."""
    rows = [(name, shown_term(name, value)) for name, value in catalog.terms(provider).items()]
    if catalog.state(inputs.store, provider) != catalog.CHANGED:
        return rows
    changed = {
        name: f"{shown_term(name, old) or 'none'} -> {shown_term(name, new) or 'none'}"
        for name, old, new in catalog.changes(inputs.store, provider)
    }
    return list((dict(rows) | changed).items())


def shown_term(name: str, value: str) -> str:
    """One of the terms as it may be shown; it may be one that was agreed to earlier."""
    if name == "URL":
        value = shown_url(value)
    elif name == "key from":
        value = shown_reference(value)
    elif name.startswith("variable "):
        value = shown_value(name.removeprefix("variable "), value)
    return visible(value, 1000)


def require_own(listed: Providers, index: int) -> None:
    """Raise :class:`CoworkEnvError` for an entry of a catalogue, which is not ours to change."""
    if shared := listed.shared(index):
        name = str(listed.entries[index].get("name", ""))
        raise CoworkEnvError(
            f"'{visible(name)}' is in the catalogue {shared.where}, which is read-only.",
            f"To change it for yourself: cowork-env edit {argument(name, 'NAME')}",
        )


def own_copy(inputs: Inputs, listed: Providers, index: int) -> Entry | None:
    """A catalogue's entry as one of the user's own, without its id; None if it is one already.

    It has what we know and have checked, and nothing else that others may have written. Raises
    :class:`CoworkEnvError` for one that cannot be used, and for one that has changed since it was
    agreed to.
    """
    if not listed.shared(index):
        return None
    provider = listed.provider(index)
    if catalog.state(inputs.store, provider) == catalog.CHANGED:
        catalog.check_agreed(inputs.store, provider)
    checked = {"models": dict(provider.models), "env": dict(provider.env)}
    known = {key: value for key, value in listed.entries[index].items() if key in KEYS[1:]}
    return without_empty({key: checked.get(key, value) for key, value in known.items()})
