"""``allow``, ``deny`` and ``prune``: trust in pins."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from .. import pinning
from ..core import catalog, pins, providers
from ..core.trust import ALLOWED, DENIED, location
from ..util import files
from ..util.errors import CoworkEnvError
from ..util.text import tilde, visible
from . import sharing
from .errors import usage_error
from .inputs import check_provider_name, current_inputs
from .options import complete_provider, examples, yes_option
from .output import say, say_lines
from .prompts import confirm, interactive
from .table import labeled
from .wrapping import display_width

if TYPE_CHECKING:
    from ..core.resolve import Inputs


@click.command(
    "allow",
    epilog=examples(
        "cowork-env allow                     # the nearest pin from here upward",
        "cowork-env allow ~/src/app",
        "cowork-env allow --below ~/work      # every pin in and below ~/work",
        "cowork-env allow --provider work     # an entry of your team's catalogue",
    ),
)
@click.argument("path", required=False, type=click.Path())
@click.option(
    "--below", is_flag=True, help="Allow every pin in and below the directory, also future ones."
)
@click.option(
    "--provider",
    metavar="NAME",
    shell_complete=complete_provider,
    help="Agree to where this entry of a catalogue sends requests and the key.",
)
@yes_option
def allow_command(path: str | None, below: bool, provider: str | None, yes: bool) -> None:
    """Trust a pin, after showing what it does.

    PATH is a pin or its directory; default: the nearest pin. The pin is trusted as long as its
    content does not change. So is an entry of a catalogue: as long as its URL, the place of its
    key and its variables do not change.
    """
    inputs = current_inputs()
    store = inputs.store
    if provider is not None:
        if path is not None or below:
            raise usage_error("--provider goes with neither PATH nor --below.")
        _allow_provider(inputs, provider, yes)
        return
    if below:
        directory = _directory(path or inputs.directory)
        if directory == "/":
            raise usage_error(
                "That would allow every pin.",
                "Name the directory of your own projects.",
            )
        store.allow_below(directory)
        say(f"cowork-env: every pin in and below {tilde(directory, inputs.home)} is allowed")
        return
    file = pinning.find(path, inputs, (ALLOWED, DENIED))
    shown = tilde(file.path, inputs.home)
    if file.problem:
        raise CoworkEnvError(f"{shown} {file.problem}.")
    try:
        pin = pins.parse(file.content, shown)
    except CoworkEnvError as error:
        hint = "A pin that cannot be used cannot be allowed."
        raise CoworkEnvError(error.message, hint) from None
    named, problem, is_new = None, None, False
    try:
        named = pinning.provider_of(pin, inputs)
        is_new = named is not None and catalog.state(store, named) == catalog.NEW
        if named is not None and not is_new:
            catalog.check_agreed(store, named)
    except CoworkEnvError as failure:
        problem, is_new = failure, False
    _show(shown, pinning.describe(pin, named, problem))
    with files.AllSteps():
        if named is not None and is_new:
            sharing.agree_if_new(inputs, named)
        store.allow(location(file.path), file.content)
    say("cowork-env: allowed")


def _allow_provider(inputs: Inputs, name: str, yes: bool) -> None:
    """Agree to an entry of a catalogue, after showing it; asks only about what has changed."""
    listed = providers.load(inputs.env, inputs.config_dir)
    provider = listed.provider(listed.find(check_provider_name(name)))
    shown = visible(provider.name)
    if provider.catalog is None:
        raise CoworkEnvError(f"'{shown}' is a provider of your own.", "It needs no agreement.")
    _show(f"{shown} ({provider.catalog.where})", sharing.described(inputs, provider))
    changed = catalog.state(inputs.store, provider) == catalog.CHANGED
    if changed and not yes and interactive() and not confirm("Agree to the change?"):
        raise CoworkEnvError(f"'{shown}' was not agreed to.", "It stays inactive.")
    catalog.agree(inputs.store, provider)
    say(f"cowork-env: agreed to {shown}")


def _show(title: str, rows: list[tuple[str, str]]) -> None:
    size = max(9, *(display_width(name) for name, _ in rows)) + 3
    say_lines([title])
    for name, text in rows:
        say_lines(labeled(f"  {name}", text, size, sys.stderr))


@click.command(
    "deny",
    epilog=examples(
        "cowork-env deny                  # the nearest pin from here upward",
        "cowork-env deny ~/src/app",
        "cowork-env deny ~/work           # also undoes 'allow --below ~/work'",
    ),
)
@click.argument("path", required=False, type=click.Path())
def deny_command(path: str | None) -> None:
    """Never use a pin, whatever its content.

    PATH is a pin or its directory; default: the nearest pin. 'cowork-env allow' undoes it.
    """
    inputs = current_inputs()
    store = inputs.store
    if path is not None and os.path.isdir(path):
        directory = os.path.realpath(path)
        if store.deny_below(directory):
            shown = tilde(directory, inputs.home)
            say(f"cowork-env: 'allow --below {shown}' is undone")
            if not os.path.lexists(pins.path_in(directory)):
                return
    file = pinning.find(path, inputs, (DENIED,))
    store.deny(location(file.path))
    say(f"cowork-env: {tilde(file.path, inputs.home)} is denied")


@click.command("prune", epilog=examples("cowork-env prune"))
def prune_command() -> None:
    """Remove outdated trust records.

    They are records of pins that were deleted or changed, and of directories, catalogues and
    entries of a catalogue that were deleted.
    """
    inputs = current_inputs()
    removed = inputs.store.prune()
    for name, path in removed:
        say(f"{name.partition('-')[0]:5} {tilde(path, inputs.home)}")
    say(f"cowork-env: {len(removed)} {'record' if len(removed) == 1 else 'records'} removed")


def _directory(path: str) -> str:
    if not os.path.isdir(path):
        raise usage_error(f"{visible(path)} is not a directory.")
    return os.path.realpath(path)
