"""``secure``: keys out of providers.json into a key store, and back, after showing the plan."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from .. import securing
from ..core.provider import is_encrypted
from ..core.providers import field_of
from ..masking import shown_reference
from ..secrets import STORES
from ..util.errors import CoworkEnvError
from ..util.text import argument, visible
from . import saving, sharing
from .errors import usage_error
from .inputs import check_provider_name, current_inputs
from .options import complete_provider, examples, yes_option
from .output import say, say_lines
from .prompts import confirm, interactive
from .table import Cell, Table, table_lines

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..core.provider import Provider
    from ..core.providers import Providers
    from ..core.resolve import Inputs

_APP = "The desktop app will not find keys that have been moved: it reads authToken only."
_COPIES = "Copies of the file, as in backups, still have the keys: replace those that matter."


@click.command(
    "secure",
    epilog=examples(
        "cowork-env secure                 # all keys that are stored in plain text",
        "cowork-env secure openrouter --to pass",
        "cowork-env secure --undo          # back into the file",
    ),
)
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=complete_provider)
@click.option(
    "--to",
    type=click.Choice(list(STORES)),
    help="Where to: the desktop's keyring (default), or the password manager pass.",
)
@click.option("--undo", is_flag=True, help="Write the keys into the file again.")
@yes_option
def command(names: tuple[str, ...], to: str | None, undo: bool, yes: bool) -> None:
    """Move keys from providers.json into a key store.

    Shows the plan first. Each key is stored and read back before it is removed from the file, where
    a reference takes its place. If that fails or is interrupted, no key is lost: run it again.
    Without NAME, all keys that are stored in plain text are moved.
    """
    if undo and to:
        raise usage_error("--undo and --to exclude each other.", "Use one of them.")
    for name in names:
        check_provider_name(name)
    inputs = current_inputs()
    listed = saving.load_writable(inputs)
    if undo:
        _undo(inputs, listed, names, yes)
    else:
        _secure(inputs, listed, names, to, yes)


def _secure(
    inputs: Inputs, listed: Providers, names: tuple[str, ...], to: str | None, yes: bool
) -> None:
    chosen = _named(listed, names, _check_plaintext) if names else securing.plaintext(listed)
    invalid = [] if names else _invalid(listed)
    if not chosen:
        if invalid:
            raise _left(invalid)
        say("There is no key to move: none is stored in plain text.")
        return
    target = securing.ready_store(inputs, to, "".join(f" {argument(n, 'NAME')}" for n in names))
    rows = [
        (provider.name, listed.where, target.place(provider.name, provider.plain_token)[0])
        for provider in chosen
    ]
    if not _confirmed("move", rows, _APP, yes):
        return

    def move(provider: Provider) -> str:
        return f"its key is in {visible(securing.move(inputs, provider, target))} now"

    _each(inputs, chosen, move)
    say(_COPIES)
    if invalid:
        raise _left(invalid)


def _undo(inputs: Inputs, listed: Providers, names: tuple[str, ...], yes: bool) -> None:
    chosen = _named(listed, names, _check_reference) if names else securing.secured(listed)
    if not chosen:
        say("There is no key to move back.")
        return
    rows = [(p.name, shown_reference(p.token_from), listed.where) for p in chosen]
    warning = f"They will be stored in {listed.where} in plain text."
    if not _confirmed("move back", rows, warning, yes):
        return

    def move_back(provider: Provider) -> str:
        removed = securing.move_back(inputs, provider)
        rest = "was removed" if removed else "stays"
        shown = visible(shown_reference(provider.token_from))
        return f"its key is in {listed.where} again; {shown} {rest}"

    _each(inputs, chosen, move_back)


def _named(
    listed: Providers, names: tuple[str, ...], check: Callable[[Provider], None]
) -> list[Provider]:
    """The providers of these names, each once."""
    found = []
    for index in dict.fromkeys(map(listed.find, names)):
        sharing.require_own(listed, index)
        found.append(listed.provider(index))
        check(found[-1])
    return found


def _check_plaintext(provider: Provider) -> None:
    name = visible(provider.name)
    if provider.plain_token:
        return
    if provider.token_from:
        reference = visible(shown_reference(provider.token_from))
        raise CoworkEnvError(f"{name} has a reference already: {reference}.")
    if provider.encrypted:
        raise CoworkEnvError(
            f"The key of {name} is encrypted by the desktop app already.",
            "Moving it would take it from the app.",
        )
    key = f"cowork-env key --keyring {argument(provider.name, 'NAME')}"
    raise CoworkEnvError(f"{name} has no key.", f"Enter one: {key}")


def _check_reference(provider: Provider) -> None:
    if not provider.token_from:
        raise CoworkEnvError(f"The key of {visible(provider.name)} is not in a key store.")


def _invalid(listed: Providers) -> list[str]:
    """The names of the invalid entries that may have a key in plain text."""
    found = []
    for index, entry in enumerate(listed.own):
        token = field_of(entry, "authToken")
        try:
            listed.provider(index)
        except CoworkEnvError:
            if token and not is_encrypted(token):
                found.append(visible(field_of(entry, "name")) or f"entry {index}")
    return found


def _left(invalid: list[str]) -> CoworkEnvError:
    return CoworkEnvError(
        f"Invalid, and left as they are: {', '.join(invalid)}.", "Find out why: cowork-env doctor"
    )


def _confirmed(verb: str, rows: list[tuple[str, str, str]], warning: str, yes: bool) -> bool:
    """Show the plan, and ask whether to do it, unless ``yes``."""
    table = Table("provider", "from", "to")
    for provider, start, to in rows:
        table.add(provider, Cell(start, whole=True), Cell(to, whole=True))
    say_lines(table_lines(table, sys.stderr))
    say(warning)
    if yes:
        return True
    if not interactive():
        raise usage_error("Nothing was moved: not on a terminal.", "Pass --yes to do it.")
    what = "this key" if len(rows) == 1 else f"these {len(rows)} keys"
    if confirm(f"{verb.capitalize()} {what}?", default=True):
        return True
    say("Nothing was moved.")
    return False


def _each(inputs: Inputs, chosen: list[Provider], act: Callable[[Provider], str]) -> None:
    """Do it for each provider, and say each result; stop where a store fails.

    What a failure or an interrupt leaves is said, too. Raises :class:`CoworkEnvError`.
    """
    failure: CoworkEnvError | None = None
    left = [visible(provider.name) for provider in chosen]
    try:
        with securing.exclusively(inputs):
            for number, provider in enumerate(chosen, 1):
                name = visible(provider.name)
                if len(chosen) > 1 and sys.stderr.isatty():
                    # A line, and no spinner: a store may ask for a passphrase on this terminal.
                    say(f"{name} ({number} of {len(chosen)})...")
                try:
                    result = act(provider)
                except securing.Changed as error:
                    failure = CoworkEnvError(error.message, "Try again.")
                    continue
                except CoworkEnvError as error:
                    failure = CoworkEnvError(f"{name}: {error.message}", error.hint)
                    break
                left.remove(name)
                say(f"cowork-env: {name}: {result}")
    finally:
        if left:
            say(f"Left as they are: {', '.join(left)}.")
    if failure:
        raise failure
