"""Keys in a key store of the user instead of in providers.json: moving them there, and back.

At every moment each key is in the file, or in an item of a store that the file refers to. So a key
is stored and read back before it is removed from the file, and written to the file and read back
before its item is removed. An item never gets another value: another key gets another name. What is
killed in between leaves an item that nothing refers to; the same key takes its place again.
Nothing tells which items another provider file refers to, so those of each have names of their own.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from . import presets, secrets, store
from .core import providers, resolve, variables
from .core.provider import Provider, slug
from .core.providers import Providers, field_of
from .core.resolve import Inputs
from .editing import Fields
from .secrets.waiting import limited
from .util import files, system
from .util.errors import CoworkEnvError
from .util.lock import Lock
from .util.text import visible

if TYPE_CHECKING:
    from collections.abc import Callable

    from .secrets import Source

    T = TypeVar("T")

DEFAULT = "keyring"  # of the stores
FOLDER = "cowork-env/"  # what the names of our items begin with: the service, in a keyring
_MAX_NAME = 48  # characters of an item's name: pass makes a file name of it


def is_ours(reference: str) -> bool:
    """Whether a reference is one to an item that we make."""
    return bool(holder(reference))


def _folder(inputs: Inputs) -> str:
    """What the names of the items of the provider file in use begin with."""
    elsewhere = {n: v for n, v in inputs.env.items() if n != variables.PROVIDERS_FILE}
    path, default = (
        os.path.realpath(providers.locate(env, inputs.config_dir))
        for env in (inputs.env, elsewhere)
    )
    return FOLDER if path == default else f"{FOLDER}{system.digest(system.encode(path))[:8]}/"


def store_of(inputs: Inputs, reference: str) -> str:
    """The store with the item that a reference leads to, if we made that for the file in use; else
    empty."""
    folder = reference.rpartition("/")[0] + "/"
    stores = (n for n, scheme in secrets.STORES.items() if folder == scheme + _folder(inputs))
    return next(stores, "")


def holder(reference: str) -> str:
    """The store with the item that a reference leads to, if it is one of ours, whoever uses it."""
    ours = ((n, scheme + FOLDER) for n, scheme in secrets.STORES.items())
    return next((name for name, begin in ours if reference.startswith(begin)), "")


def uses(listed: Providers, reference: str) -> int:
    """How many entries, valid or not, have a reference."""
    return sum(field_of(entry, "authTokenFrom") == reference for entry in listed.entries)


def plaintext(listed: Providers) -> list[Provider]:
    """The valid providers whose key is in the file as plain text; dummies are not keys."""
    dummies = {preset.token for preset in presets.all_presets()}
    return [p for p in _valid(listed) if p.plain_token and p.plain_token not in dummies]


def secured(listed: Providers) -> list[Provider]:
    """The valid providers whose key is in an item of ours."""
    return [provider for provider in _valid(listed) if is_ours(provider.token_from)]


def _valid(listed: Providers) -> list[Provider]:
    """The valid ones of the user's own."""
    found = []
    for index in range(len(listed.own)):
        with suppress(CoworkEnvError):
            found.append(listed.provider(index))
    return found


def usable(inputs: Inputs) -> list[str]:
    """The stores that can be used, by their names in :data:`secrets.STORES`."""
    found = []
    for name in secrets.STORES:
        with suppress(CoworkEnvError):
            KeyStore(name, inputs).check()
            found.append(name)
    return found


def ready_store(inputs: Inputs, to: str | None, words: str) -> KeyStore:
    """The store to move keys to: ``to``, or the keyring; ``words`` are the command's, quoted.

    Raises :class:`CoworkEnvError` where none can be used.
    """
    wanted = KeyStore(to or DEFAULT, inputs)
    try:
        wanted.check()
    except CoworkEnvError as error:
        hint = error.hint
        for other in usable(inputs):
            word = other + words
            hint = f"Another is ready: cowork-env secure --to {word}"
        raise CoworkEnvError(error.message, hint) from None
    return wanted


class KeyStore:
    """A store of :data:`secrets.STORES`, for the keys of the user of ``inputs``.

    All methods raise :class:`CoworkEnvError`.
    """

    def __init__(self, name: str, inputs: Inputs) -> None:
        self.name, self._scheme = name, secrets.STORES[name]
        self._module: Source = secrets.source(self._scheme)
        self._inputs, self._env = inputs, resolve.original_env(inputs.env)
        self._folder = _folder(inputs)

    def check(self) -> None:
        """Check that keys can be stored there."""
        try:
            self._limited(lambda: self._module.ready(self._env))
        except CoworkEnvError as error:
            called = self._module.waits_for(FOLDER)
            called = called[0].upper() + called[1:] if " " in called else called
            message = f"{called} cannot be used: {error.message}"
            raise CoworkEnvError(message, error.hint) from None

    def place(self, provider: str, key: str) -> tuple[str, bool]:
        """The reference for a provider's key, by the provider's name: a free one, or one that has
        this very key already, and then True.
        """
        base = slug(provider)[:_MAX_NAME].strip("-") or "provider"
        number = 1
        while True:
            rest = self._folder + (base if number == 1 else f"{base}-{number}")
            value = self._value(rest)
            if value is None or value == key:
                return self._scheme + rest, value == key
            number += 1

    def put(self, provider: str, key: str) -> tuple[str, bool]:
        """Store a provider's key, and read it back; its reference, and whether the item is new."""
        reference, is_there = self.place(provider, key)
        if is_there:
            return reference, False
        rest = reference.removeprefix(self._scheme)
        label = f"cowork-env: {visible(provider)}"
        try:
            self._limited(lambda: self._module.store(rest, key, self._env, label))
            if self._value(rest) != key:
                message = f"bad value: {self.name} did not return the key that it was given."
                raise CoworkEnvError(message)
        except BaseException:
            with suppress(CoworkEnvError):
                self.remove(reference)  # There was no such item before.
            raise
        return reference, True

    def remove(self, reference: str) -> None:
        """Remove an item."""
        rest = reference.removeprefix(self._scheme)
        self._limited(lambda: self._module.remove(rest, self._env))

    def _value(self, rest: str) -> str | None:
        """The key of an item; None: there is no item; empty: there is something else."""
        try:
            try:
                return self._fetch(rest)
            except CoworkEnvError as error:
                if not secrets.is_about(error, "locked"):
                    raise
            secrets.asking(lambda: self._module.unlock(rest, self._env))
            return self._fetch(rest)
        except CoworkEnvError as error:
            if secrets.is_about(error, "not found"):
                return None
            if secrets.is_about(error, "bad value"):
                return ""
            raise

    def _fetch(self, rest: str) -> str:
        return secrets.checked(self._limited(lambda: self._module.fetch(rest, self._env)))

    def _limited(self, call: Callable[[], T]) -> T:
        with limited(self._module.waits_for(FOLDER), self._inputs.say):
            return secrets.asking(call)


def exclusively(inputs: Inputs) -> Lock:
    """The lock to hold while stores are changed: only one command at a time finds a name free."""
    return Lock(f"{files.state_folder(inputs.state_dir)}/key-store", "the key stores")


# One provider. The caller holds the lock.


def move(inputs: Inputs, provider: Provider, to: KeyStore) -> str:
    """Move a provider's plaintext key to a store; the reference that it has now.

    Raises :class:`CoworkEnvError` with the key still in the file; :class:`Changed` if another
    program has changed the provider.
    """
    reference, is_new = to.put(provider.name, provider.plain_token)
    try:
        store.edit(inputs, _change(provider, Fields(token_from=reference)))
    except BaseException:
        if is_new:
            with suppress(CoworkEnvError):
                drop(inputs, reference)
        raise
    return reference


def move_back(inputs: Inputs, provider: Provider) -> bool:
    """Write a provider's key into the file again, and remove the item if it is ours.

    Returns whether it was removed; it is not while another entry refers to it. Raises
    :class:`CoworkEnvError`; :class:`Changed` if another program has changed the provider.
    """
    key = _fetched(inputs, provider)
    if provider.token and provider.token != key:
        raise CoworkEnvError(
            "bad value: its entry has another key beside the reference.",
            "Remove one of the two: authToken or authTokenFrom.",
        )
    store.edit(inputs, _change(provider, Fields(token=key)))
    saved = providers.load_own(inputs.env, inputs.config_dir)
    name = provider.name
    if not any(
        (field_of(entry, "name"), field_of(entry, "authToken")) == (name, key)
        for entry in saved.entries
    ):
        raise Changed(f"{visible(provider.name)} was changed by another program.")
    return drop(inputs, provider.token_from)


def _fetched(inputs: Inputs, provider: Provider) -> str:
    try:
        return resolve.fetch_key(provider, inputs)
    except CoworkEnvError as error:
        if not secrets.is_about(error, "locked"):
            raise
    resolve.unlock(provider, inputs)
    return resolve.fetch_key(provider, inputs)


class Changed(CoworkEnvError):
    """Another program has changed the provider meanwhile; it is left as it is."""


def _change(provider: Provider, fields: Fields) -> Callable[[Providers], None]:
    """A change of the entry that still is what ``provider`` was read from."""

    def is_the_one(entry: object) -> bool:
        return (
            field_of(entry, "name") == provider.name
            and (not provider.id or field_of(entry, "id") == provider.id)
            and field_of(entry, "authTokenFrom") == provider.token_from
            and (bool(provider.token_from) or field_of(entry, "authToken") == provider.token)
        )

    def change(listed: Providers) -> None:
        found = [entry for entry in listed.entries if is_the_one(entry)]
        if len(found) != 1:
            raise Changed(f"{visible(provider.name)} was changed by another program.")
        fields.apply(found[0])

    return change


def drop(inputs: Inputs, reference: str) -> bool:
    """Remove an item of ours that no entry refers to any more, and say whether that was done.

    One of another provider file stays: that may need it. Raises :class:`CoworkEnvError`.
    """
    name = store_of(inputs, reference)
    if not name or uses(providers.load(inputs.env, inputs.config_dir), reference):
        return False
    KeyStore(name, inputs).remove(reference)
    return True


def save_with_key(
    inputs: Inputs, provider: str, key: str, save: Callable[[str], T], to: str = DEFAULT
) -> T:
    """Store a new key of a provider in the store ``to``, and call ``save`` with its reference.

    If that raises, the item is removed again, unless an entry refers to it already. Raises
    :class:`CoworkEnvError`.
    """
    with exclusively(inputs):
        reference, is_new = KeyStore(to, inputs).put(provider, key)
        try:
            return save(reference)
        except BaseException:
            if is_new:
                with suppress(CoworkEnvError):
                    drop(inputs, reference)
            raise
