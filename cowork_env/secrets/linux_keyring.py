"""The keyring of a Linux desktop, by service and user; with the functions of ``keychain.py``."""

from __future__ import annotations

from ..util.errors import CoworkEnvError
from . import ONE_LINE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from .secret_service import SecretService

_AMBIGUOUS = "bad value: the keyring has several items of that service and user, with other keys."


def fetch(service: str, user: str, env: Mapping[str, str]) -> str:
    """The password of the item; of several, all must be the same."""
    return _fetch(service, user, env, ask=False)


def unlock(service: str, user: str, env: Mapping[str, str]) -> None:
    """Let the desktop ask the user for the keyring's password, if it is locked."""
    _fetch(service, user, env, ask=True)


def ready(env: Mapping[str, str]) -> None:
    """Check that a keyring answers and that there is one to store keys in."""
    with _secret_service(env) as keyring:
        keyring.default_collection()


def store(service: str, user: str, key: str, label: str, env: Mapping[str, str]) -> None:
    """Store a password, in the place of one that is there."""
    with _secret_service(env) as keyring:
        keyring.store(label, _attributes(service, user), key.encode())


def remove(service: str, user: str, env: Mapping[str, str]) -> None:
    """Remove the item."""
    with _secret_service(env) as keyring:
        keyring.remove(_attributes(service, user))


def _fetch(service: str, user: str, env: Mapping[str, str], *, ask: bool) -> str:
    with _secret_service(env) as keyring:
        found = set(keyring.search(_attributes(service, user), ask=ask))
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


def _attributes(service: str, user: str) -> dict[str, str]:
    return {"service": service, "username": user}
