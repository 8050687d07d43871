"""The plan of an import: which entries are added, and which are not, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import models, overrides, presets, store
from ..core.provider import (
    ACCOUNT,
    InvalidField,
    Provider,
    Url,
    is_encrypted,
    is_loopback,
    repaired,
)
from ..core.providers import field_of, words
from ..pasted import is_placeholder
from ..util.errors import USAGE, CoworkEnvError
from ..util.text import visible
from .entries import without_foreign

if TYPE_CHECKING:
    from ..core.providers import Providers
    from .entries import Entry, Found


def renamed(entries: list[Entry], name: str) -> list[Entry]:
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


# Whoever fills such a directory has its settings run commands, and its login used.
_OF_ANOTHER_MACHINE = (
    "{name} will be left out: an account with a directory, which belongs to one machine. "
    "Add it yourself: cowork-env add --account"
)


_NO_KEY = "Put the key there and import again, or use 'cowork-env add'."


class Plan:
    """What to add to the providers that are ``listed``.

    ``found``: where ``entries`` are from. ``added``: the entries to add, valid, each with a name
    that is free. ``present``: the entries that others are already, as they are stored.
    ``refused``: why others are invalid. ``notes``: which ones are there already, what was left out,
    and what those that are added depend on. ``obstacles``: for each entry, why it is not added,
    or empty.
    """

    def __init__(self, found: Found, entries: list[Entry], listed: Providers) -> None:
        self.added: list[Entry] = []
        self.present: list[Entry] = []
        self.obstacles: list[str] = []
        self.refused: list[CoworkEnvError] = []
        self.notes: list[str] = []
        known: dict[object, Entry] = {}
        names = _Names()
        for entry in listed.entries:
            known.setdefault(_sent(entry), entry)
            names.add(entry)
        for entry in entries:
            lost: list[str] = []
            present = known.get(_sent(entry))
            if present is None and found.whole and isinstance(entry, dict):
                entry, lost = without_foreign(entry)
                present = known.get(_sent(entry))
            if present is not None:
                there = visible(str(_get(present, "name")))
                self.obstacles.append(f"exists already, as '{there}'")
                self.notes.append(f"{visible(entry['name'])} {self.obstacles[-1]}.")
                self.present.append(present)
                continue
            self.notes += lost
            if found.whole and _get(entry, "auth") == ACCOUNT and _get(entry, "configDir"):
                name = visible(str(_get(entry, "name")))
                self.notes.append(_OF_ANOTHER_MACHINE.format(name=name))
                self.obstacles.append("left out")
                continue
            try:
                entry = models.tidy(entry)
                if not entry.get("verbatimBaseUrl"):
                    presets.check_format(field_of(entry, "baseUrl"))
                _check_key(entry)
            except InvalidField as error:
                self.refused.append(store.refused(entry, error))
                self.obstacles.append(f"left out: {error.why}")
                continue
            entry["name"] = names.free(entry["name"])
            self.added.append(entry)
            self.obstacles.append("")
            known[_sent(entry)] = entry
            names.add(entry)
            self._add_notes(entry)

    def _add_notes(self, entry: Entry) -> None:
        """Say what an entry depends on."""
        name = visible(entry["name"])
        if tool := overrides.proxy_of(field_of(entry, "baseUrl")):
            self.notes.append(f"{name} needs the proxy of {tool} on this machine to be running.")
        if is_encrypted(field_of(entry, "authToken")):
            self.notes.append(
                f"The key of {name} is encrypted: only the user and the machine that it was "
                "encrypted for can read it."
            )

    def require_name(self, name: str) -> None:
        """Raise :class:`CoworkEnvError` when the entry did not get this name: it is taken."""
        if self.added and self.added[0]["name"].casefold() != name.strip().casefold():
            raise store.taken(name, name)


def _check_key(entry: Entry) -> None:
    """Raise :class:`InvalidField` for a text in the place of a key; a server here takes any."""
    key, host = field_of(entry, "authToken"), Url(field_of(entry, "baseUrl")).host
    if key and is_placeholder(key) and not is_loopback(host):
        raise InvalidField(("authToken",), "is a placeholder, not a key", _NO_KEY)


def _sent(entry: object) -> object:
    """What an entry sends where: the key, the endpoint or the login's directory, the variables.

    Two with the same are one provider. An invalid entry is the same as no other.
    """
    try:
        one = Provider(entry)  # type: ignore[arg-type]  # raises InvalidField for what is not an object
    except InvalidField:
        return object()
    url = one.config_dir if one.account else repaired(one.base_url)
    return one.account, url, one.token, one.token_from, frozenset(one.env.items())


def _get(entry: object, key: str) -> object:
    return entry.get(key) if isinstance(entry, dict) else None


class _Names:
    """The names, slugs and ids that are taken."""

    def __init__(self) -> None:
        self._words: set[str] = set()
        self._numbers: dict[str, int] = {}

    def add(self, entry: object) -> None:
        self._words |= words(entry)

    def free(self, name: str) -> str:
        """``name``, or the first of ``name 2``, ``name 3`` ... that is found by nothing taken."""
        folded = name.casefold()
        number, free = self._numbers.get(folded, 1), name
        while self._words & words({"name": free}):
            number += 1
            free = f"{name} {number}"
        self._numbers[folded] = number
        return free
