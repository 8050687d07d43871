"""``pin`` and ``unpin`` write and remove pins."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from .. import pinning
from ..core import pins, providers, variables
from ..core.provider import TIERS, InvalidField
from ..core.resolve import Inputs, resolve
from ..util import files
from ..util.errors import CoworkEnvError
from ..util.text import tilde, visible
from . import sharing
from .errors import usage_error
from .inputs import check_no_key, current_inputs
from .options import complete_model, examples, provider_argument
from .output import say
from .prompts import interactive, pick

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    F = TypeVar("F", bound=Callable[..., Any])


def _model_options(function: F) -> F:
    """The options ``--model``, and one for each tier."""
    texts = {"model": "The default model here."}
    texts |= {tier: f"The model for the tier {tier} here." for tier in TIERS}
    for name, text in reversed(texts.items()):
        option = click.option(
            f"--{name}", metavar="MODEL", shell_complete=complete_model, help=text
        )
        function = option(function)
    return function


@click.command(
    "pin",
    epilog=examples(
        "cowork-env pin openrouter",
        "cowork-env pin work --opus big-model-2 --required",
        "cowork-env pin work --opus '' --no-required   # without these two lines",
        "cowork-env pin none           # no provider here, whatever is selected",
        "cowork-env pin                # pin what applies here, or choose one",
    ),
)
@provider_argument(required=False, none=True)
@_model_options
@click.option(
    "--required/--no-required",
    default=None,
    help="When this pin cannot be used, clients fail instead of using your own login.",
)
@click.option(
    "--force",
    is_flag=True,
    help="Replace the file there, even if it is not a pin or is a link to elsewhere.",
)
def pin_command(name: str | None, required: bool | None, force: bool, **models: str | None) -> None:
    """Set the provider for this directory and below.

    Writes the file .cowork-provider and allows it. It has the provider's name and models, never a
    key, so it can be committed; other users have to allow it. The other lines of a trusted pin that
    is there stay; an empty MODEL removes its line.
    """
    inputs = _here()
    changes = _models(models)
    if required is not None:
        changes[pinning.REQUIRED] = "true" if required else None
    written = pinning.write(inputs, _name_to_pin(inputs, name), changes, force)
    say(f"cowork-env: pinned {pins.name_and_lines(written.pin)} here")
    if written.lost and (written.lost.models or written.lost.required):
        say(f"Not kept, as the pin was not trusted: {pins.summary(written.lost)}")
    if other := inputs.env.get(variables.CHOICE):
        say(f"{variables.CHOICE} is set to '{visible(other)}' in this shell: it takes precedence.")


def _here() -> Inputs:
    inputs = current_inputs()
    if inputs.gone:
        raise CoworkEnvError("This directory does not exist any more.", "Change to another one.")
    return inputs


def _name_to_pin(inputs: Inputs, name: str | None) -> str:
    """The name or id to pin: of the provider that was named, or of the one that applies here."""
    listed = providers.load(inputs.env, inputs.config_dir)
    if name is None:
        found = resolve(inputs)
        if found.provider is not None:
            name = found.provider.id or found.provider.name
        elif interactive() and listed.names():
            name = pick("Which provider is for this directory and below?", listed.names())
        elif found.error is not None:
            raise found.error
        else:
            raise usage_error(
                "No provider applies here.", "Name one, as in: cowork-env pin openrouter"
            )
    if not providers.unless_none(name):
        return "none"
    index = listed.find(name)
    sharing.agree_if_new(inputs, listed.provider(index))
    return listed.designation(index, "name", "id")


def _models(given: dict[str, str | None]) -> dict[str, str | None]:
    """The models to write, by key; None for a line to remove."""
    found: dict[str, str | None] = {}
    for key in ("model", *TIERS):
        if (value := given[key]) is not None:
            check_no_key(f"The value of --{key}", value)
            try:
                found[key] = pins.check_override(value) if value.strip() else None
            except InvalidField as error:
                raise usage_error(f"The value of --{key} {error.why}.") from None
    return found


@click.command("unpin", epilog=examples("cowork-env unpin"))
def unpin_command() -> None:
    """Remove this directory's pin.

    Deletes the file .cowork-provider; pins in parent directories apply again.
    """
    inputs = _here()
    path = pins.path_in(inputs.directory)
    if not os.path.lexists(path):
        above = pinning.nearest(inputs)
        hint = f"The pin that applies is {tilde(above.path, inputs.home)}." if above else ""
        raise CoworkEnvError("There is no pin in this directory.", hint)
    try:
        files.remove(path)
    except OSError as error:
        raise CoworkEnvError(
            f"{tilde(path, inputs.home)} cannot be removed: {error.strerror}."
        ) from None
    say(f"cowork-env: removed {tilde(path, inputs.home)}")
