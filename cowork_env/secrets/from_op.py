"""``op://VAULT/ITEM/[SECTION/]FIELD``: the key is in 1Password, read by its command line tool.

See https://developer.1password.com/docs/cli/secret-reference-syntax/. Where the 1Password app lets
``op`` in, the app itself may ask for consent, in a window of its own.
"""

from __future__ import annotations

from ..util.errors import CoworkEnvError
from . import is_about
from .tool import run, run_on_terminal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_FORM = "is not op://VAULT/ITEM/FIELD or op://VAULT/ITEM/SECTION/FIELD"
_SIGN_IN = 'Sign in: eval "$(op signin)"; then run: cowork-env reload'
# What op 2 says, in lower case. The first match counts.
_KNOWN = (
    (("no accounts configured",), "locked: op has no account.", "Add one: op account add"),
    (
        (
            *("signed in", "session token", "session expired", "sign in", "authorization timeout"),
            *("authorization timed out", "authorization prompt dismissed", "unlock"),
        ),
        "locked: op is not signed in to 1Password.",
        _SIGN_IN,
    ),
    (
        ("connecting to desktop app", "connect to the 1password", "cannot setup session"),
        "tool missing: op cannot reach the 1Password app.",
        "Start it; in its settings, 'Integrate with 1Password CLI' must be on.",
    ),
    (
        ("more than one item", "more than one vault", "more than one field", "multiple"),
        "bad reference: several things in 1Password have that name.",
        "Write the ID in place of the name: op item list --format json",
    ),
    (
        (
            *(
                "isn't an item",
                "isn't a vault",
                "isn't a field",
                "isn't a section",
                "does not have",
            ),
            *("couldn't find", "could not find", "not found", "no item"),
        ),
        "not found: 1Password has no such vault, item or field.",
        "Look for it: op item list",
    ),
    (
        ("401", "403", "forbidden", "unauthorized", "authorized", "permission", "decodesacred"),
        "denied: 1Password refused.",
        "Check the account, and the service account's token if you use one: op whoami",
    ),
    (
        ("deadline exceeded", "timed out", "timeout"),
        "timed out: 1Password did not answer op.",
        "Check the network, and that the 1Password app runs.",
    ),
    (
        ("no such host", "connection refused", "dial tcp", "network"),
        "tool missing: op cannot reach 1Password.",
        "Check the network.",
    ),
)


def check(rest: str) -> None:
    """Check that there are a vault, an item, perhaps a section, and a field."""
    parts = rest.split("/")
    if len(parts) not in (3, 4) or not all(parts):
        raise CoworkEnvError(_FORM)


def fetch(rest: str, env: Mapping[str, str]) -> str:
    """The value of the field."""
    reference = f"op://{rest}"
    ended = run(["op", "read", "--no-newline", reference], env)
    if ended.status:
        # Names in it could be taken for what op says.
        ended.errors = ended.errors.replace(reference.encode(), b"")
        raise ended.failure(*_KNOWN)
    return ended.text()


def waits_for(rest: str) -> str:
    """The service."""
    return "1Password"


def unlock(rest: str, env: Mapping[str, str]) -> None:
    """Let op or the 1Password app ask for what it needs, if op is not signed in.

    An account that was added to op by hand is signed in by a variable, which only the user's shell
    can set: then "locked" is raised, with a hint.
    """
    try:
        fetch(rest, env)
    except CoworkEnvError as error:
        if not is_about(error, "locked"):
            raise
        run_on_terminal(["op", "signin"], env)
        fetch(rest, env)
