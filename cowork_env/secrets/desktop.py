"""Keys that the desktop app has encrypted."""

from __future__ import annotations

from ..util.errors import CoworkEnvError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def decrypt(token: str, env: Mapping[str, str]) -> str:
    """The key in an encrypted one."""
    raise CoworkEnvError("its key is encrypted by the desktop app and cannot be read yet.")


def unlock(env: Mapping[str, str]) -> None:
    """Let the user unlock the key store of the app's password, if it is locked."""
