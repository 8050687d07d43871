"""``allow``, ``deny`` and ``prune``: trust in pins."""

from __future__ import annotations

import os

import click

from .. import pinning
from ..core import pins
from ..core.trust import ALLOWED, DENIED, location
from ..util.errors import CoworkEnvError
from ..util.text import tilde, visible
from .errors import usage_error
from .inputs import current_inputs
from .options import examples
from .output import say


@click.command(
    "allow",
    epilog=examples(
        "cowork-env allow                     # the nearest pin from here upward",
        "cowork-env allow ~/src/app",
        "cowork-env allow --below ~/work      # every pin in and below ~/work",
    ),
)
@click.argument("path", required=False, type=click.Path())
@click.option(
    "--below", is_flag=True, help="Allow every pin in and below the directory, also future ones."
)
def allow_command(path: str | None, below: bool) -> None:
    """Trust a pin, after showing what it does.

    PATH is a pin or its directory; default: the nearest pin. The pin is trusted as long as its
    content does not change.
    """
    inputs = current_inputs()
    store = inputs.store
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
    say(f"{shown}\n{pinning.describe(pin, inputs)}")
    store.allow(location(file.path), file.content)
    say("cowork-env: allowed")


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

    They are records of pins that were deleted or changed, and of directories that were deleted.
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
