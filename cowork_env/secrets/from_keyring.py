"""``keyring:SERVICE/USER``: the key is in the desktop's keyring.

On Linux that is the Secret Service, with the attributes of the Python library keyring and of
``secret-tool``, ``service`` and ``username``; on macOS the login keychain. Back ends of the library
that keep plain text in a file are never asked.
"""

from __future__ import annotations

import sys

from ..util.errors import CoworkEnvError
from . import ONE_LINE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from .secret_service import SecretService

_FORM = "is not keyring:SERVICE/USER"
_AMBIGUOUS = "bad value: the keyring has several items of that service and user, with other keys."


def check(rest: str) -> None:
    """Check that there is a service and a user. The user follows the last slash."""
    service, _, user = rest.rpartition("/")
    if not service or not user:
        raise CoworkEnvError(_FORM)


def fetch(rest: str, env: Mapping[str, str]) -> str:
    """The password of the item; of several, all must be the same."""
    return _fetch(rest, env, ask=False)


def waits_for(rest: str) -> str:
    """The keyring."""
    return "the keyring"


def unlock(rest: str, env: Mapping[str, str]) -> None:
    """Let the keyring's password be asked for, if it is locked."""
    if sys.platform == "darwin":
        from . import keychain

        keychain.unlock(*_names(rest), env)
        return
    _fetch(rest, env, ask=True)


def ready(env: Mapping[str, str]) -> None:
    """Check that a keyring answers and that there is one to store keys in."""
    if sys.platform == "darwin":
        from . import keychain, tool

        tool.find(keychain.PROGRAM, env)
        return
    with _secret_service(env) as service:
        service.default_collection()


def store(rest: str, key: str, env: Mapping[str, str], label: str) -> None:
    """Store a key, in the place of one that is there."""
    if sys.platform == "darwin":
        from . import keychain

        keychain.store(*_names(rest), key, label, env)
        return
    with _secret_service(env) as service:
        service.store(label, _attributes(rest), key.encode())


def remove(rest: str, env: Mapping[str, str]) -> None:
    """Remove the item."""
    if sys.platform == "darwin":
        from . import keychain

        keychain.remove(*_names(rest), env)
        return
    with _secret_service(env) as service:
        service.remove(_attributes(rest))


def _fetch(rest: str, env: Mapping[str, str], *, ask: bool) -> str:
    if sys.platform == "darwin":
        from . import keychain

        return keychain.fetch(*_names(rest), env)
    with _secret_service(env) as service:
        found = set(service.search(_attributes(rest), ask=ask))
    if not found:
        message = "not found: the keyring has no item of that service and user."
        raise CoworkEnvError(message, "Store one: secret-tool store service SERVICE username USER")
    if len(found) > 1:
        raise CoworkEnvError(_AMBIGUOUS, "Remove those that are not used any more.")
    try:
        return found.pop().decode("utf-8")
    except UnicodeDecodeError:
        pass  # Not raised in here: that error holds the key.
    raise CoworkEnvError("bad value: the keyring's item is not UTF-8.", ONE_LINE)


def _secret_service(env: Mapping[str, str]) -> SecretService:
    try:
        from .secret_service import SecretService
    except ImportError:  # a system that is neither macOS nor Linux
        raise CoworkEnvError(
            "tool missing: the Python package jeepney is not installed.",
            "Install it beside cowork-env, or keep the key elsewhere: pass:, file:, env:.",
        ) from None
    return SecretService(env)


def _names(rest: str) -> tuple[str, str]:
    service, _, user = rest.rpartition("/")
    return service, user


def _attributes(rest: str) -> dict[str, str]:
    service, user = _names(rest)
    return {"service": service, "username": user}
