"""``key``: another key for a provider, and nothing else."""

from __future__ import annotations

import click

from .. import accounts, securing
from ..core.provider import is_encrypted, name_argument
from ..core.providers import field_of
from ..editing import Fields, needs_no_endpoint
from ..masking import shown_reference
from ..util.errors import CoworkEnvError
from ..util.text import visible
from . import saving
from .change import Change
from .inputs import current_inputs
from .options import examples, provider_argument, yes_option
from .output import say
from .prompts import confirm, interactive
from .provider_options import about_key, no_check_option, read_key


@click.command(
    "key",
    epilog=examples(
        "cowork-env key openrouter                # asks for it, hidden",
        "cowork-env key work --stdin < key.txt",
        "cowork-env key work --keyring            # keeps it in the keyring",
    ),
)
@provider_argument(required=False)
@click.option("--stdin", "--token-stdin", is_flag=True, help="Read the key from standard input.")
@click.option(
    "--keyring", is_flag=True, help="Keep the key in the desktop's keyring, not in the file."
)
@yes_option
@no_check_option
def command(name: str | None, stdin: bool, keyring: bool, yes: bool, no_check: bool) -> None:
    """Change a provider's key.

    It is kept where the old one is: in providers.json, or in the key store into which 'cowork-env
    secure' has moved it. A key that comes by a reference of your own is changed there, not here;
    this asks before it replaces the reference by a stored key. For an account, it is the token.
    """
    change = Change(current_inputs(), saving.chosen_name(name, "Which provider gets another key?"))
    account = accounts.is_account(change.entry)
    to = securing.DEFAULT if keyring else change.key_store
    _check_has_key(change)
    _check_replaced(change, yes)
    if to:
        securing.KeyStore(to, change.inputs).check()
    fields = Fields()
    question = f"New {'token' if account else 'key'} for {change.called}"
    about = f"{change.called}\nA token is made by: claude setup-token" if account else ""
    url = field_of(change.entry, "baseUrl")
    fields.token = read_key(
        fields, stdin, question, account=account, about=about or about_key(change.called, url)
    )
    was_encrypted = is_encrypted(field_of(change.entry, "authToken"))
    changed = change.save(fields, to)
    if was_encrypted and not to:
        say("It is stored in plain text until the desktop app saves it the next time.")
    if interactive() and not no_check:
        saving.check(change.inputs, changed)


def _check_has_key(change: Change) -> None:
    """Raise :class:`CoworkEnvError` for a provider that needs no key at all."""
    entry = change.entry
    env = entry.get("env")
    if not entry.get("baseUrl") and isinstance(env, dict) and needs_no_endpoint(env):
        word = name_argument(change.called)
        raise CoworkEnvError(
            f"{change.called} needs no key: its variables choose a cloud.",
            f"Change those: cowork-env edit {word}",
        )


def _check_replaced(change: Change, yes: bool) -> None:
    """Ask before a reference of the user's own, or a login, is replaced by a key.

    Raises :class:`CoworkEnvError` if the user says no, and without a terminal, unless ``yes``.
    """
    reference = field_of(change.entry, "authTokenFrom")
    if reference and not change.key_store:
        has = f"The key of {change.called} comes from {visible(shown_reference(reference))}"
        question = "Store a key instead of this reference?"
        there = "Change the key there"
    elif accounts.is_account(change.entry) and not change.entry.get("authToken") and not reference:
        has, question = f"{change.called} uses a login", "Use a token instead?"
        there = "Log in there again"
    else:
        return
    if yes:
        return
    if not interactive():
        raise CoworkEnvError(f"{has}.", f"{there}, or pass --yes to replace it.")
    say(f"{has}.")
    if not confirm(question):
        raise CoworkEnvError(f"{change.called} was not changed.")
