"""``pass:PATH``: the key is the first line of an entry of pass, the standard Unix password manager.

See https://www.passwordstore.org.
"""

from __future__ import annotations

import os

from ..util.errors import CoworkEnvError
from ..util.files import sync
from . import UNLOCK
from .tool import Ended, find, run, run_on_terminal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

# GnuPG must not ask for a passphrase: a prompt of a shell waits.
_NEVER_ASK = "--pinentry-mode=error"
_OPTIONS = "PASSWORD_STORE_GPG_OPTS"
_LANGUAGE = {"LC_ALL": "C"}  # that of the messages by which an error is recognized
_LOOK = "Look for it: pass ls"  # a hint


def check(rest: str) -> None:
    """Check that the path is that of an entry, and no option."""
    if not rest or rest.startswith(("-", "/")) or ".." in rest.split("/"):
        raise CoworkEnvError("is not the path of an entry of pass")


def fetch(rest: str, env: Mapping[str, str]) -> str:
    """The first line of the entry; gpg-agent must have its passphrase."""
    options = f"{env.get(_OPTIONS, '')} {_NEVER_ASK}".lstrip()
    ended = run(["pass", "show", "--", rest], {**env, **_LANGUAGE, _OPTIONS: options})
    if ended.status:
        raise _error(ended)
    first = ended.text().partition("\n")[0]
    if first == rest.rstrip("/"):  # the heading of the list that a folder's name gives
        raise CoworkEnvError("not found: pass has a folder of that name, and no entry.", _LOOK)
    return first


def waits_for(rest: str) -> str:
    """The tool."""
    return "pass"


def unlock(rest: str, env: Mapping[str, str]) -> None:
    """Let GnuPG ask for the passphrase, which its agent then keeps for some time."""
    terminal = {} if "GPG_TTY" in env or not os.isatty(0) else {"GPG_TTY": os.ttyname(0)}
    if run_on_terminal(["pass", "show", "--", rest], {**env, **terminal}):
        fetch(rest, env)  # raises why


def ready(env: Mapping[str, str]) -> None:
    """Check that pass is installed and set up."""
    find("pass", env)
    if not os.path.isfile(f"{_folder(env)}/.gpg-id"):
        raise _not_set_up()


def store(rest: str, key: str, env: Mapping[str, str], label: str) -> None:
    """Store a key, in the place of an entry that is there."""
    command = ["pass", "insert", "--multiline", "--force", "--", rest]
    ended = run(command, {**env, **_LANGUAGE}, given=f"{key}\n".encode())
    if ended.status:
        raise _error(ended)
    sync(f"{_folder(env)}/{rest}.gpg")


def remove(rest: str, env: Mapping[str, str]) -> None:
    """Remove the entry."""
    ended = run(["pass", "rm", "--force", "--", rest], {**env, **_LANGUAGE})
    if ended.status:
        raise _error(ended)


def _folder(env: Mapping[str, str]) -> str:
    return env.get("PASSWORD_STORE_DIR") or f"{env.get('HOME', '')}/.password-store"


def _not_set_up() -> CoworkEnvError:
    return CoworkEnvError("not found: the password store is not set up.", "Run: pass init GPG-ID")


def _error(ended: Ended) -> CoworkEnvError:
    if ended.says("is not in the password store"):
        return CoworkEnvError("not found: pass has no such entry.", _LOOK)
    if ended.says("you must run"):
        return _not_set_up()
    if ended.says("no valid openpgp data", "decrypt_message failed", "invalid packet"):
        # As after a write that was killed; gpg says "decryption failed", too.
        return CoworkEnvError("bad value: the entry's file is damaged.", _LOOK)
    if ended.says("decryption failed"):
        # gpg says "No secret key" for both.
        return CoworkEnvError(
            "locked: gpg-agent does not have the passphrase, or the secret key.",
            UNLOCK,
        )
    return ended.failure()
