"""The Secret Service of Linux desktops: GNOME's keyring, KWallet, KeePassXC.

Spoken to directly over D-Bus, as the library keyring takes seven times as long to import. See
https://specifications.freedesktop.org/secret-service/ for the methods. Keys cross the session bus
unencrypted; only the user's own processes can read there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..util.errors import CoworkEnvError
from . import MAX_BYTES, ONE_LINE, UNLOCK
from .bus import Bus, BusError, unintelligible

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeVar

    T = TypeVar("T")

SERVICE = "org.freedesktop.secrets"
_ROOT = "/org/freedesktop/secrets"
_PREFIX = "org.freedesktop.Secret."
_NOTHING = "/"  # in the place of an object's path: there is none
TEXT = "text/plain"
LOOK = "Look for it with your desktop's password manager, as in Seahorse."  # a hint


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

    def _call(self, path: str, method: str, signature: str = "", *arguments: object) -> Any:
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
                raise CoworkEnvError("not found: the keyring has no such item.", LOOK) from None
            raise CoworkEnvError("denied: the keyring refused.", LOOK) from None
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
        found = _understood(lambda: dict(secrets))
        values = _understood(lambda: [bytes(found[item][2]) for item in items if item in found])
        if any(len(value) > MAX_BYTES for value in values):
            raise CoworkEnvError("bad value: the keyring has more than 64 KiB.", ONE_LINE)
        return values

    def _items(self, attributes: Mapping[str, str], *, ask: bool) -> list[str]:
        found = self._call(_ROOT, "Service.SearchItems", "a{ss}", dict(attributes))
        unlocked, shut = _understood(lambda: [_paths(found[0]), _paths(found[1])])
        if shut and not unlocked:
            if not ask:
                raise locked()
            self._unlock(shut)
            return shut
        return unlocked

    def _open_session(self) -> str:
        if not self._session:
            opened = self._call(_ROOT, "Service.OpenSession", "sv", "plain", ("s", ""))
            (self._session,) = _understood(lambda: _paths([opened[1]]))
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
        self._prompt(_understood(lambda: made[1]))

    def remove(self, attributes: Mapping[str, str]) -> None:
        """Remove all items with these attributes; asks the user to unlock them if need be."""
        for item in self._items(attributes, ask=True):
            self._prompt(self._call(item, "Item.Delete"))

    def _unlock(self, objects: list[str]) -> None:
        unlocked = self._call(_ROOT, "Service.Unlock", "ao", objects)
        self._prompt(_understood(lambda: unlocked[1]))

    def _prompt(self, prompt: object) -> None:
        """Let the desktop ask what it wants to ask the user, if anything."""
        (path,) = _understood(lambda: _paths([prompt]))
        if path == _NOTHING:
            return
        completed = self._bus.wait_for(
            path,
            f"{_PREFIX}Prompt",
            "Completed",
            lambda: self._call(path, "Prompt.Prompt", "s", ""),
        )
        if completed[:1] != (False,):
            raise locked()


def _understood(read: Callable[[], T]) -> T:
    """What ``read`` takes from an answer, which may have any form."""
    try:
        return read()
    except (TypeError, ValueError, KeyError, IndexError):
        pass  # Not raised in here: such an error may hold a key.
    raise unintelligible()


def _paths(values: list[Any]) -> list[str]:
    """These values, which must be paths of objects."""
    if not all(isinstance(value, str) and value.startswith("/") for value in values):
        raise ValueError
    return list(values)


def locked() -> CoworkEnvError:
    """What to raise for a keyring that is locked."""
    return CoworkEnvError("locked: the keyring is locked.", UNLOCK)
