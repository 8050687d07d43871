"""The Secret Service of Linux desktops: GNOME's keyring, KWallet, KeePassXC.

Spoken to directly over D-Bus, as the library keyring takes seven times as long to import. See
https://specifications.freedesktop.org/secret-service/ for the methods. Keys cross the session bus
unencrypted; only the user's own processes can read there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..util.errors import CoworkEnvError
from .bus import Bus, BusError

if TYPE_CHECKING:
    from collections.abc import Mapping

SERVICE = "org.freedesktop.secrets"
_ROOT = "/org/freedesktop/secrets"
_PREFIX = "org.freedesktop.Secret."
_NOTHING = "/"  # in the place of an object's path: there is none
TEXT = "text/plain"


class SecretService:
    """A connection to the Secret Service. A context manager.

    Its methods raise :class:`CoworkEnvError` in the form that ``secrets`` describes. Only those
    that take ``ask`` can make the desktop ask the user for a password.
    """

    def __init__(self, env: Mapping[str, str]) -> None:
        self._bus = Bus(env, SERVICE)
        self._session = ""

    def __enter__(self) -> SecretService:
        return self

    def __exit__(self, *_: object) -> None:
        self._bus.connection.close()

    def _call(self, path: str, method: str, signature: str = "", *arguments: object) -> object:
        """What a method returns: one value, or a tuple. ``method`` is ``Interface.Name``."""
        interface, _, name = method.partition(".")
        try:
            values = self._bus.call(path, _PREFIX + interface, name, signature, *arguments)
        except BusError as error:
            if error.absent:
                raise CoworkEnvError(
                    "tool missing: no keyring answers on this D-Bus session.",
                    "Start one (gnome-keyring, KWallet, KeePassXC), or keep the key elsewhere.",
                ) from None
            if error.is_any(".IsLocked"):
                raise locked() from None
            if error.is_any(".NoSuchObject"):
                raise CoworkEnvError("not found: the keyring has no such item.") from None
            raise CoworkEnvError("denied: the keyring refused.") from None
        return values[0] if len(values) == 1 else values

    def search(self, attributes: Mapping[str, str], *, ask: bool = False) -> list[bytes]:
        """The secrets of all items with these attributes, none if there is none.

        Locked items are never waited for: if there are no others, "locked" is raised; with ``ask``
        they are unlocked first.
        """
        items = self._items(attributes, ask=ask)
        if not items:
            return []
        secrets = self._call(_ROOT, "Service.GetSecrets", "aoo", items, self._open_session())
        assert isinstance(secrets, dict)
        return [bytes(secrets[item][2]) for item in items if item in secrets]

    def _items(self, attributes: Mapping[str, str], *, ask: bool) -> list[str]:
        found = self._call(_ROOT, "Service.SearchItems", "a{ss}", dict(attributes))
        assert isinstance(found, tuple)
        unlocked, shut = map(list, found)
        if shut and not unlocked:
            if not ask:
                raise locked()
            self._unlock(shut)
            return shut
        return unlocked

    def _open_session(self) -> str:
        if not self._session:
            opened = self._call(_ROOT, "Service.OpenSession", "sv", "plain", ("s", ""))
            assert isinstance(opened, tuple)
            self._session = str(opened[1])
        return self._session

    def default_collection(self) -> str:
        """The path of the collection where secrets are stored."""
        collection = str(self._call(_ROOT, "Service.ReadAlias", "s", "default"))
        if collection == _NOTHING:
            raise CoworkEnvError(
                "not found: there is no default keyring.",
                "Make one with your desktop's password manager, as in Seahorse.",
            )
        return collection

    def store(self, label: str, attributes: Mapping[str, str], secret: bytes) -> None:
        """Store a secret in the default collection, in the place of one with these attributes.

        Asks the user to unlock it if need be.
        """
        collection = self.default_collection()
        self._unlock([collection])
        properties = {
            f"{_PREFIX}Item.Label": ("s", label),
            f"{_PREFIX}Item.Attributes": ("a{ss}", dict(attributes)),
        }
        value = (self._open_session(), b"", secret, TEXT)
        made = self._call(
            collection, "Collection.CreateItem", "a{sv}(oayays)b", properties, value, True
        )
        assert isinstance(made, tuple)
        self._prompt(made[1])

    def remove(self, attributes: Mapping[str, str]) -> None:
        """Remove all items with these attributes; asks the user to unlock them if need be."""
        for item in self._items(attributes, ask=True):
            self._prompt(self._call(item, "Item.Delete"))

    def _unlock(self, objects: list[str]) -> None:
        unlocked = self._call(_ROOT, "Service.Unlock", "ao", objects)
        assert isinstance(unlocked, tuple)
        self._prompt(unlocked[1])

    def _prompt(self, prompt: object) -> None:
        """Let the desktop ask what it wants to ask the user, if anything."""
        path = str(prompt)
        if path == _NOTHING:
            return
        dismissed, _ = self._bus.wait_for(
            path,
            f"{_PREFIX}Prompt",
            "Completed",
            lambda: self._call(path, "Prompt.Prompt", "s", ""),
        )
        if dismissed:
            raise locked()


def locked() -> CoworkEnvError:
    """What to raise for a keyring that is locked."""
    return CoworkEnvError("locked: the keyring is locked.", "Unlock it: cowork-env reload")
