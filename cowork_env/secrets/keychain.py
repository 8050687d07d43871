"""The login keychain of macOS, through its tool ``security``, which is part of the system."""

from __future__ import annotations

from ..util.errors import CoworkEnvError
from . import UNLOCK, is_about
from .tool import Ended, find, run, run_on_terminal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

PROGRAM = "/usr/bin/security"
_LOOK = "Look for it in Keychain Access."  # a hint
# Exit statuses: the last byte of the error's number (Security/SecBase.h).
_NOT_FOUND, _NO_INTERACTION, _AUTH_FAILED, _CANCELED = 44, 36, 51, 128
_NO_KEYCHAIN, _NO_DEFAULT = 50, 37


def fetch(service: str, user: str, env: Mapping[str, str]) -> str:
    """The password of the item of a service, and of a user unless that is empty."""
    account = ["-a", user] if user else []
    ended = run([PROGRAM, "find-generic-password", "-s", service, *account, "-w"], env)
    if ended.status:
        raise _error(ended)
    return ended.text()


def has(service: str, env: Mapping[str, str]) -> bool:
    """Whether there is an item of a service; its password is not read, so nobody is asked."""
    ended = run([PROGRAM, "find-generic-password", "-s", service], env)
    if ended.status not in (0, _NOT_FOUND):
        raise _error(ended)
    return not ended.status


def unlock(service: str, user: str, env: Mapping[str, str]) -> None:
    """Ask the user for the keychain's password on the terminal, if it is locked."""
    try:
        fetch(service, user, env)
    except CoworkEnvError as error:
        if not is_about(error, "locked"):
            raise
        run_on_terminal([PROGRAM, "unlock-keychain"], env)
        fetch(service, user, env)


def ready(env: Mapping[str, str]) -> None:
    """Check that the tool is there."""
    find(PROGRAM, env)


def store(service: str, user: str, key: str, label: str, env: Mapping[str, str]) -> None:
    """Store a password, in the place of one that is there.

    The command line is passed on standard input, as arguments can be seen by other users.
    """
    line = " ".join(
        (
            *("add-generic-password", "-U", "-s", _quoted(service), "-a", _quoted(user)),
            *("-l", _quoted(label), "-X", key.encode().hex()),
        )
    )
    ended = run([PROGRAM, "-i"], env, given=f"{line}\n".encode())
    if ended.status:
        raise _error(ended)


def remove(service: str, user: str, env: Mapping[str, str]) -> None:
    """Remove the item."""
    ended = run([PROGRAM, "delete-generic-password", "-s", service, "-a", user], env)
    if ended.status:
        raise _error(ended)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _error(ended: Ended) -> CoworkEnvError:
    if ended.status == _NOT_FOUND:
        return CoworkEnvError(
            "not found: the keychain has no item of that service and user.", _LOOK
        )
    if ended.status in (_NO_KEYCHAIN, _NO_DEFAULT):
        return CoworkEnvError("not found: there is no keychain.", "Run: security list-keychains")
    if ended.status == _NO_INTERACTION:
        return CoworkEnvError("locked: the keychain is locked.", UNLOCK)
    if ended.status in (_AUTH_FAILED, _CANCELED):
        return CoworkEnvError("denied: access to the keychain was refused.", _LOOK)
    return ended.failure()
