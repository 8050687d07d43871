"""``keyring:SERVICE/USER``: the key is in the desktop's keyring.

On Linux that is the Secret Service, with the attributes of the Python library keyring and of
``secret-tool``, ``service`` and ``username``; on macOS the login keychain. Back ends of the library
that keep plain text in a file are never asked.
"""

from __future__ import annotations

import sys

from ..util.errors import CoworkEnvError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Protocol

    class Keyring(Protocol):
        """The module for the keyring of a system."""

        def fetch(self, service: str, user: str, env: Mapping[str, str], /) -> str: ...
        def unlock(self, service: str, user: str, env: Mapping[str, str], /) -> None: ...
        def ready(self, env: Mapping[str, str], /) -> None: ...
        def store(
            self, service: str, user: str, key: str, label: str, env: Mapping[str, str], /
        ) -> None: ...
        def remove(self, service: str, user: str, env: Mapping[str, str], /) -> None: ...


_FORM = "is not keyring:SERVICE/USER"


def check(rest: str) -> None:
    """Check that there is a service and a user. The user follows the last slash."""
    if not all(_names(rest)):
        raise CoworkEnvError(_FORM)


def fetch(rest: str, env: Mapping[str, str]) -> str:
    """The password of the item."""
    return _keyring().fetch(*_names(rest), env)


def waits_for(rest: str) -> str:
    """The keyring."""
    return "the keyring"


def unlock(rest: str, env: Mapping[str, str]) -> None:
    """Let the keyring's password be asked for, if it is locked."""
    _keyring().unlock(*_names(rest), env)


def ready(env: Mapping[str, str]) -> None:
    """Check that there is a keyring to store keys in."""
    _keyring().ready(env)


def store(rest: str, key: str, env: Mapping[str, str], label: str) -> None:
    """Store a key, in the place of one that is there."""
    _keyring().store(*_names(rest), key, label, env)


def remove(rest: str, env: Mapping[str, str]) -> None:
    """Remove the item."""
    _keyring().remove(*_names(rest), env)


def _keyring() -> Keyring:
    if sys.platform == "darwin":
        from . import keychain

        return keychain
    from . import linux_keyring

    return linux_keyring


def _names(rest: str) -> tuple[str, str]:
    service, _, user = rest.rpartition("/")
    return service, user
