"""``pin`` and ``unpin`` write and remove pins; ``allow``, ``deny``, ``prune`` manage trust."""

from __future__ import annotations

import os

import click

from ..core import environment, pins, providers
from ..core.pins import Pin, PinFile
from ..core.provider import TIERS, InvalidField, repaired
from ..core.resolve import CHOICE_VARIABLE, Inputs, resolve
from ..core.trust import ALLOWED, DENIED, TrustStore, location
from ..util import files
from ..util.errors import CoworkEnvError
from ..util.text import tilde, visible
from .errors import usage_error
from .inputs import current_inputs
from .options import examples, provider_argument
from .output import say
from .prompts import interactive, pick


@click.command(
    "pin",
    epilog=examples(
        "cowork-env pin openrouter",
        "cowork-env pin work --opus big-model-2 --required",
        "cowork-env pin none           # no provider here, whatever is selected",
        "cowork-env pin                # pin what applies here, or choose one",
    ),
)
@provider_argument(required=False)
@click.option("--model", metavar="MODEL", help="The default model here.")
@click.option("--opus", metavar="MODEL", help="The model for the tier opus here.")
@click.option("--sonnet", metavar="MODEL", help="The same for sonnet.")
@click.option("--haiku", metavar="MODEL", help="The same for haiku.")
@click.option("--fable", metavar="MODEL", help="The same for fable.")
@click.option(
    "--required",
    is_flag=True,
    help="When this pin cannot be used, clients fail instead of using your own login.",
)
@click.option(
    "--force",
    is_flag=True,
    help="Replace the file there, even if it is not a pin or is a link to elsewhere.",
)
def pin_command(name: str | None, required: bool, force: bool, **models: str | None) -> None:
    """Set the provider for this directory and below.

    Writes the file .cowork-provider and allows it. It has the provider's name and models, never a
    key, so it can be committed; other users have to allow it.
    """
    inputs = _here()
    pin = Pin(_name_to_pin(inputs, name), _models(models), required)
    content = pins.serialize(pin).encode("utf-8")
    path = pins.path_in(inputs.directory)
    # Parsed again before it is written: what is allowed must mean what the user asked for.
    if (
        len(content) > pins.MAX_BYTES
        or pins.serialize(pins.parse(content)).encode("utf-8") != content
    ):
        raise CoworkEnvError("That does not fit into a pin.", "Pin the provider by its id.")
    _check_replaceable(path, inputs, force)
    # Allowed first: otherwise a failure could leave a pin that is not trusted in place of one that
    # was.
    TrustStore(inputs.state_dir).allow(location(path), content)
    files.write_atomically(path, content, 0o644)
    say(f"cowork-env: {tilde(path, inputs.home)}: {pins.summary(pin)}")
    if other := inputs.env.get(CHOICE_VARIABLE):
        say(f"{CHOICE_VARIABLE} is set to '{visible(other)}' in this shell: it takes precedence.")


def _here() -> Inputs:
    inputs = current_inputs()
    if inputs.gone:
        raise CoworkEnvError("This directory does not exist any more.")
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
    if not providers.selected(name):
        return "none"
    index = listed.find(name)
    provider = listed.provider(index)
    try:
        return provider.name if listed.find(provider.name) == index else provider.id
    except CoworkEnvError:  # The name alone would be ambiguous.
        return provider.id


def _models(given: dict[str, str | None]) -> dict[str, str]:
    found = {}
    for key in ("model", *TIERS):
        if (value := given[key]) is not None:
            try:
                found[key] = pins.check_override(value)
            except InvalidField as error:
                raise usage_error(f"The value of --{key} {error.why}.") from None
    return found


def _check_replaceable(path: str, inputs: Inputs, force: bool) -> None:
    """Raise unless a pin may be written to ``path``; with ``force``, remove a link there."""
    shown = tilde(path, inputs.home)
    if os.path.islink(path):
        target = os.path.realpath(path)
        if os.path.dirname(target) != os.path.realpath(inputs.directory):
            if not force:
                hint = "Change it there, or replace the link with --force."
                raise CoworkEnvError(f"{shown} is a link to {tilde(target, inputs.home)}.", hint)
            os.unlink(path)
            return
    file = pins.read(path)
    if file is None or force:
        return
    try:
        if file.problem:
            raise CoworkEnvError(f"{shown} {file.problem}.")
        pins.parse(file.content, shown)
    except CoworkEnvError as error:
        raise CoworkEnvError(error.message, "Check it, or replace it with --force.") from None


@click.command("unpin", epilog=examples("cowork-env unpin"))
def unpin_command() -> None:
    """Remove this directory's pin.

    Deletes the file .cowork-provider; pins in parent directories apply again.
    """
    inputs = _here()
    path = pins.path_in(inputs.directory)
    if not os.path.lexists(path):
        above = _nearest(inputs)
        hint = f"The pin that applies is {tilde(above.path, inputs.home)}." if above else ""
        raise CoworkEnvError("There is no pin in this directory.", hint)
    try:
        os.unlink(path)
    except OSError as error:
        raise CoworkEnvError(
            f"{tilde(path, inputs.home)} cannot be removed: {error.strerror}."
        ) from None
    say(f"cowork-env: removed {tilde(path, inputs.home)}")


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
    store = TrustStore(inputs.state_dir)
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
    file = _find(path, inputs, (ALLOWED, DENIED))
    shown = tilde(file.path, inputs.home)
    if file.problem:
        raise CoworkEnvError(f"{shown} {file.problem}.")
    try:
        pin = pins.parse(file.content, shown)
    except CoworkEnvError as error:
        hint = "A pin that cannot be used cannot be allowed."
        raise CoworkEnvError(error.message, hint) from None
    say(f"{shown}\n{_effect(pin, inputs)}")
    store.allow(location(file.path), file.content)
    say("cowork-env: allowed")


def _effect(pin: Pin, inputs: Inputs) -> str:
    """What a pin does, in lines without a key."""
    rows = [("provider", visible(pin.name_or_id))]
    if not providers.selected(pin.name_or_id):
        rows = [("provider", "none")]
    else:
        try:
            listed = providers.load(inputs.env, inputs.config_dir)
            provider = listed.provider(listed.find(pin.name_or_id))
            url = provider.base_url if provider.verbatim else repaired(provider.base_url)
            rows = [("provider", visible(provider.name)), ("base URL", visible(url) or "none")]
        except CoworkEnvError as error:
            rows.append(
                ("but", f"{visible(error.message, 1000)} {visible(error.hint, 1000)}".rstrip())
            )
    for key, value in pin.models.items():
        variable = environment.MODEL if key == "model" else environment.TIER_MODELS[key]
        rows.append((key, f"{visible(value)}  ({variable})"))
    if pin.required:
        rows.append(("required", "clients fail when it cannot be used"))
    return "\n".join(f"  {title:9} {text}" for title, text in rows)


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
    store = TrustStore(inputs.state_dir)
    if path is not None and os.path.isdir(path):
        directory = os.path.realpath(path)
        if store.deny_below(directory):
            shown = tilde(directory, inputs.home)
            say(f"cowork-env: 'allow --below {shown}' is undone")
            if not os.path.lexists(pins.path_in(directory)):
                return
    file = _find(path, inputs, (DENIED,))
    store.deny(location(file.path))
    say(f"cowork-env: {tilde(file.path, inputs.home)} is denied")


@click.command("prune", epilog=examples("cowork-env prune"))
def prune_command() -> None:
    """Remove outdated trust records.

    They are records of pins that were deleted or changed, and of directories that were deleted.
    """
    inputs = current_inputs()
    removed = TrustStore(inputs.state_dir).prune()
    for name, path in removed:
        say(f"{name.partition('-')[0]:5} {tilde(path, inputs.home)}")
    say(f"cowork-env: {len(removed)} {'record' if len(removed) == 1 else 'records'} removed")


def _directory(path: str) -> str:
    if not os.path.isdir(path):
        raise usage_error(f"{visible(path)} is not a directory.")
    return os.path.realpath(path)


def _nearest(inputs: Inputs) -> PinFile | None:
    return next(
        filter(None, (pins.read(pins.path_in(d)) for d in pins.ancestors(inputs.directory))), None
    )


def _find(path: str | None, inputs: Inputs, done: tuple[str, ...]) -> PinFile:
    """The pin at ``path`` or in that directory; without a path, the nearest that matters here.

    Pins in one of the trust states ``done`` come last: they need nothing. The file is read once, so
    that what is shown is what is recorded.
    """
    if path is None:
        store = TrustStore(inputs.state_dir)
        nearest: PinFile | None = None
        for directory in pins.ancestors(inputs.directory):
            file = pins.read(pins.path_in(directory))
            if file is None:
                continue
            state = store.check(location(file.path), file.content)
            if state not in done:
                return file
            nearest = nearest or file
            if state == ALLOWED:
                break  # Pins above it do not apply here.
        if nearest is None:
            raise CoworkEnvError(
                "There is no pin here or above.", "'cowork-env pin NAME' writes one."
            )
        return nearest
    if os.path.isdir(path):
        path = pins.path_in(os.path.abspath(path))
    elif os.path.basename(path) != pins.PIN_NAME:
        raise usage_error(
            f"{visible(path)} is neither a directory nor a pin.",
            f"A pin's name is {pins.PIN_NAME}.",
        )
    file = pins.read(os.path.abspath(path))
    if file is None:
        raise CoworkEnvError(f"There is no pin {tilde(os.path.abspath(path), inputs.home)}.")
    return file
