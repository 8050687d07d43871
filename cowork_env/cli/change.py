"""Changing a provider that the user sees: nothing that has changed meanwhile, and no other one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import secrets, securing, store
from ..core import catalog, resolve
from ..core.provider import InvalidField, Provider, Url
from ..core.providers import field_of
from ..masking import shown_reference
from ..util import files
from ..util.errors import NOTHING_CHANGED, CoworkEnvError
from ..util.text import visible
from . import progress, saving, sharing
from .output import say
from .prompts import confirm, interactive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ..core.providers import Providers
    from ..core.resolve import Inputs
    from ..editing import Entry, Fields

# Where a key goes to and where it is kept: with one of these changed, a new one could go elsewhere
# than the user has seen.
_DESTINATION = ("baseUrl", "auth", "verbatimBaseUrl", "env", "authTokenFrom")


class Changed(CoworkEnvError):
    """Another program has changed the provider meanwhile; it is left as it is."""


def found_again(listed: Providers, name: str, seen: Entry) -> Entry:
    """The entry of ``listed`` that ``name`` finds, if it still is the provider that was ``seen``.

    Raises :class:`Changed` for another one, which has got its name meanwhile.
    """
    entry: Entry = listed.entries[listed.find(name)]
    key = "id" if seen.get("id") else "name"
    if entry.get(key) != seen.get(key):
        called = visible(field_of(seen, "name") or name)
        raise Changed(f"{called} was changed by another program.", NOTHING_CHANGED)
    return entry


class Change:
    """A change of the provider ``name``: of an entry of the user's own, or of a copy of a
    catalogue's, which becomes the user's own.

    ``entry`` is what the user sees of it, ``called`` its name as it may be shown. Raises
    :class:`CoworkEnvError` where it cannot be changed.
    """

    def __init__(self, inputs: Inputs, name: str) -> None:
        self.inputs, self.listed = inputs, saving.load_writable(inputs)
        self.index = self.listed.find(name)
        self._copy = sharing.own_copy(inputs, self.listed, self.index)
        self._name = name
        self.entry: Entry = (
            self.listed.entries[self.index] if self._copy is None else dict(self._copy)
        )
        self.called = visible(field_of(self.entry, "name") or name)

    @property
    def key_store(self) -> str:
        """The store with the key, if ``secure`` or ``--keyring`` has put it there; else empty."""
        if self._copy is not None:
            return ""  # That is the team's to say.
        return securing.holder(field_of(self.entry, "authTokenFrom"))

    def check_reference(self, fields: Fields, yes: bool) -> None:
        """Ask before a key that works is replaced by a reference that does not answer.

        Raises :class:`CoworkEnvError` if the user says no, and without a terminal, unless ``yes``.
        """
        reference, before = fields.token_from, field_of(self.entry, "authTokenFrom")
        if not reference or reference == before or yes:
            return
        new = dict(self.entry)
        fields.apply(new)
        failure = self._failure(new)
        stored = not before and field_of(self.entry, "authToken")
        if failure is None or not (stored or (before and self._failure(self.entry) is None)):
            return
        problem = f"{visible(shown_reference(reference))} gives no key: {failure.message}"
        kept = f"{self.called} has a key that is stored nowhere else by cowork-env"
        if before:
            kept = f"{self.called} has a key that works"
        if not interactive():
            raise CoworkEnvError(
                problem, f"{kept}: nothing was changed. To replace it anyway, pass --yes."
            )
        say(f"{problem} {failure.hint}\n{kept}.")
        if not confirm("Replace it anyway?"):
            raise CoworkEnvError(f"{self.called} was not changed.")

    def _failure(self, entry: Entry) -> CoworkEnvError | None:
        """Why an entry's key cannot be had; None: it can, or saving will say what is wrong."""
        try:
            provider = Provider(entry)
            secrets.check_reference(provider.token_from)
        except InvalidField:
            return None
        try:
            fetch_key(self.inputs, provider)
        except CoworkEnvError as error:
            return error
        return None

    def save(self, fields: Fields, to: str = "") -> str:
        """Save ``fields``, a new key in the store ``to`` if that is not empty; the name now.

        Says what was done. The key that was there is removed from a store of ours afterwards.
        """

        def apply(entry: Entry) -> None:
            if fields.token or fields.token_from:
                self._check_same(entry, _DESTINATION)
            fields.apply(entry)

        if not (to and fields.token):
            return self._done(self._save(apply))

        def save_reference(reference: str) -> tuple[str, str]:
            fields.token, fields.token_from = None, reference
            return self._save(apply)

        called = fields.name or field_of(self.entry, "name")
        saved = securing.save_with_key(self.inputs, called, fields.token, save_reference, to)
        # Where the item has this very key already, nothing else tells the shells that it is new.
        saving.reload_shells(self.inputs)
        return self._done(saved)

    def replace(self, edited: Entry) -> str:
        """Save another entry in the place of the one that the user saw; its name now.

        Raises :class:`Changed` if that is no longer the same.
        """

        def apply(entry: Entry) -> None:
            self._check_same(entry, [k for k in entry.keys() | self.entry if k != "authToken"])
            token = entry.get("authToken")
            is_kept = edited.get("authToken") == self.entry.get("authToken")
            entry.clear()
            entry.update(edited)
            if is_kept and token:
                entry["authToken"] = token  # The app may have encrypted it meanwhile.

        return self._done(self._save(apply))

    def _check_same(self, entry: Entry, keys: Iterable[str]) -> None:
        if any(
            entry.get(key) != self.entry.get(key)
            for key in keys
            if key != "id" or self.entry.get("id")
        ):
            raise Changed(f"{self.called} was changed by another program.", NOTHING_CHANGED)

    def _save(self, apply: Callable[[Entry], None]) -> tuple[str, str]:
        """Save; the name now, and the reference that was there before."""

        is_selected = False

        def change(listed: Providers) -> tuple[str, str]:
            nonlocal is_selected
            # As it is now: the user may have chosen another one meanwhile.
            is_selected = store.selected(self.inputs.state_dir, self.listed) == self.index
            if self._copy is None:
                entry = found_again(listed, self._name, self.entry)
                before = field_of(entry, "authTokenFrom")
            else:
                entry, before = dict(self._copy), ""
                listed.entries.append(entry)
            apply(entry)
            return field_of(entry, "name"), before

        with files.AllSteps():
            name, before = saving.save(self.inputs, self.listed, change)
            if is_selected:
                saving.select(self.inputs, name)
        return name, before

    def _done(self, saved: tuple[str, str]) -> str:
        name, before = saved
        say(f"cowork-env: changed {visible(name)}")
        if shared := self.listed.shared(self.index):
            terms = catalog.summary(self.listed.provider(self.index))
            say(
                f"It is one of your own now ({terms}), and no longer follows the catalogue "
                f"{shared.where}."
            )
        saving.drop_item(self.inputs, before)
        return name


def fetch_key(inputs: Inputs, provider: Provider) -> str:
    """A provider's key, for a command that is waited for; raises :class:`CoworkEnvError`.

    On a terminal, asks the user to unlock the store that has it, if it is locked.
    """
    said, inputs.say = inputs.say, None  # That it goes on is shown by the command.
    where = shown_reference(provider.token_from) or "the desktop app's key store"
    try:
        for attempt in (1, 2):
            try:
                with progress.working(f"Asking {where} for the key"):
                    return resolve.fetch_key(provider, inputs)
            except CoworkEnvError as error:
                if attempt == 2 or not interactive() or not secrets.is_about(error, "locked"):
                    raise
            resolve.unlock(provider, inputs)
    finally:
        inputs.say = said
    raise AssertionError("the second attempt returns or raises")


def say_where_key_goes(before: Entry, after: Entry) -> None:
    """Say that a provider's key, which is the same as before, goes to another host now."""
    kept = [key for key in ("authToken", "authTokenFrom") if after.get(key)]
    hosts = [Url(field_of(entry, "baseUrl")).host for entry in (before, after)]
    is_kept = bool(kept) and all(before.get(key) == after.get(key) for key in kept)
    if is_kept and all(hosts) and hosts[0] != hosts[1]:
        say(f"Its key is the same as for {visible(hosts[0])}, and goes to {visible(hosts[1])}.")
