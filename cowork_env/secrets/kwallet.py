"""KWallet, the key store of KDE, as Chromium and Electron use it: by its own D-Bus interface.

See https://api.kde.org/frameworks/kwallet/html/ (org.kde.KWallet.xml).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from ..util.errors import CoworkEnvError
from . import UNLOCK
from .bus import Bus, BusError

if TYPE_CHECKING:
    from collections.abc import Mapping

T = TypeVar("T")
_NAMES = ("kwalletd6", "kwalletd5")  # the newer one first
_INTERFACE = "org.kde.KWallet"
_BUS = "org.freedesktop.DBus"
_APP = "cowork-env"  # what KWallet calls us if it asks the user


def read(env: Mapping[str, str], folder: str, entry: str, *, ask: bool = False) -> list[str]:
    """The passwords of this entry in the wallets that KWallet has open; none if it has none.

    KWallet is not started. A wallet that is closed and may have the entry is "locked", unless
    ``ask``: then KWallet may be started, and asks the user to open it. Raises
    :class:`CoworkEnvError` in the form that ``secrets`` describes.
    """
    found = []
    with Bus(env, _BUS) as bus:
        for name in _NAMES:
            bus.service = _BUS
            owned = bus.call("/", _BUS, "NameHasOwner", "s", f"org.kde.{name}") == (True,)
            if owned or ask:
                bus.service = f"org.kde.{name}"
                try:
                    found += _Wallet(bus, f"/modules/{name}").read(folder, entry, ask=ask)
                except BusError as error:
                    if not error.absent:
                        raise CoworkEnvError("denied: KWallet refused.") from None
    return found


class _Wallet:
    """The wallet for passwords of the KWallet that a bus calls; raises :class:`BusError`."""

    def __init__(self, bus: Bus, path: str) -> None:
        self._bus, self._path = bus, path

    def _call(self, kind: type[T], method: str, signature: str = "", *arguments: object) -> T:
        """The value that a method returns, which must be of this kind."""
        values = self._bus.call(self._path, _INTERFACE, method, signature, *arguments)
        if len(values) == 1 and isinstance(values[0], kind):
            return values[0]
        raise CoworkEnvError("bad value: KWallet answered something that cannot be understood.")

    def read(self, folder: str, entry: str, *, ask: bool) -> list[str]:
        """The password of an entry, if there is one."""
        if not self._call(bool, "isEnabled"):
            return []
        wallet = self._call(str, "networkWallet")
        if self._call(bool, "keyDoesNotExist", "sss", wallet, folder, entry):
            return []  # That much it knows of a wallet that is closed.
        if not self._call(bool, "isOpen", "s", wallet) and not ask:
            raise CoworkEnvError("locked: KWallet is locked.", UNLOCK)
        handle = self._call(int, "open", "sxs", wallet, 0, _APP)
        if handle < 0:
            raise CoworkEnvError("denied: KWallet did not open the wallet.")
        if not self._call(bool, "hasEntry", "isss", handle, folder, entry, _APP):
            return []
        return [self._call(str, "readPassword", "isss", handle, folder, entry, _APP)]
