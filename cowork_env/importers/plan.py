"""The plan of an import: which entries are added, and which are not, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import models, store
from ..core.provider import InvalidField, Provider, repaired
from ..util.errors import USAGE, CoworkEnvError
from ..util.text import visible

if TYPE_CHECKING:
    from ..core.providers import Providers
    from .entries import Entry


def named(entries: list[Entry], name: str) -> list[Entry]:
    """The only entry of ``entries``, renamed; raises a usage error if there is not just one."""
    if len(entries) != 1:
        raise CoworkEnvError(
            f"--name is for one provider, and there are {len(entries)}.",
            "Leave it out; 'cowork-env rename' changes a name afterwards.",
            USAGE,
        )
    if not isinstance(entries[0], dict):
        raise CoworkEnvError("The source holds no provider.")
    return [entries[0] | {"name": name}]


class Plan:
    """What to add to the providers that are ``listed``.

    ``added``: the entries to add, valid, each with a name that is free. ``refused``: why others are
    invalid. ``notes``: which ones are there already.
    """

    def __init__(self, entries: list[Entry], listed: Providers) -> None:
        self.added: list[Entry] = []
        self.refused: list[CoworkEnvError] = []
        self.notes: list[str] = []
        known: list[Any] = list(listed.entries)
        for entry in entries:
            if other := next((e for e in known if _is_same(e, entry)), None):
                name, present = visible(entry["name"]), visible(other["name"])
                self.notes.append(f"{name} exists already, as '{present}'.")
                continue
            try:
                entry = models.tidy(entry)
            except InvalidField as error:
                self.refused.append(store.refused(entry, error))
                continue
            entry["name"] = _free_name(entry["name"], known)
            self.added.append(entry)
            known.append(entry)

    def require_name(self, name: str) -> None:
        """Raise :class:`CoworkEnvError` when the entry did not get this name: it is taken."""
        if self.added and self.added[0]["name"].casefold() != name.strip().casefold():
            raise store.taken(name)


def _is_same(known: object, entry: object) -> bool:
    """Whether two entries send the same key to the same endpoint with the same variables."""
    try:
        one = Provider(known)  # type: ignore[arg-type]  # raises InvalidField for what is not an object
        two = Provider(entry)  # type: ignore[arg-type]
    except InvalidField:
        return False
    return (
        repaired(one.base_url) == repaired(two.base_url)
        and one.token == two.token
        and one.token_from == two.token_from
        and one.env == two.env
    )


def _free_name(name: str, known: list[Any]) -> str:
    """``name``, or the first of ``name 2``, ``name 3`` ... that is not taken."""
    taken = {str(e.get("name", "")).strip().casefold() for e in known if isinstance(e, dict)}
    number, free = 1, name
    while free.casefold() in taken:
        number += 1
        free = f"{name} {number}"
    return free
