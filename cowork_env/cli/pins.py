"""``pin`` and ``unpin`` write and remove a directory's pin; ``allow``, ``deny`` and ``prune`` keep consent to pins."""

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
from .common import context, examples, interactive, pick, provider_argument, say, usage


@click.command(
    "pin",
    epilog=examples(
        "cowork-env pin openrouter",
        "cowork-env pin work --opus big-model-2 --required",
        "cowork-env pin none           # no provider here, whatever is selected",
        "cowork-env pin                # what applies here, or choose one",
    ),
)
@provider_argument(required=False)
@click.option("--model", metavar="MODEL", help="The default model here.")
@click.option("--opus", metavar="MODEL", help="The model here for the tier opus; likewise:")
@click.option("--sonnet", metavar="MODEL")
@click.option("--haiku", metavar="MODEL")
@click.option("--fable", metavar="MODEL")
@click.option(
    "--required",
    is_flag=True,
    help="Where this pin cannot be honoured, clients fail and never use your own login.",
)
@click.option(
    "--force",
    is_flag=True,
    help="Replace what is there even if it is no pin, or a link to another place.",
)
def pin_command(name: str | None, required: bool, force: bool, **models: str | None) -> None:
    """Choose the provider for this directory and everything below.

    Writes .cowork-provider here and allows it. The file holds the name and what the options say, never a key, so it can
    be shared; others are asked for their consent.
    """
    inputs = _here()
    word = _word(inputs, name)
    pin = Pin(word, _models(models), required)
    content = pins.serialize(pin).encode("utf-8")
    path = pins.path_in(inputs.directory)
    # Read back before it is written: what is allowed has to mean what was asked for.
    if (
        len(content) > pins.MAX_BYTES
        or pins.serialize(pins.parse(content)).encode("utf-8") != content
    ):
        raise CoworkEnvError("That does not fit into a pin.", "Pin the provider by its id.")
    _make_room(path, inputs, force)
    # Consent first: a pin that could be written, but not allowed, would have taken the place of one that was in force.
    TrustStore(inputs.state_dir).allow(location(path), content)
    files.write_atomically(path, content, 0o644)
    say(f"cowork-env: {tilde(path, inputs.home)}: {pins.summary(pin)}")
    if other := inputs.env.get(CHOICE_VARIABLE):
        say(
            f"{CHOICE_VARIABLE} is set to '{visible(other)}' in this shell, and goes before every pin."
        )


def _here() -> Inputs:
    inputs = context()
    if inputs.gone:
        raise CoworkEnvError("This directory does not exist any more.")
    return inputs


def _word(inputs: Inputs, name: str | None) -> str:
    """What the pin is to say for the provider that the person named, or for the one that applies here."""
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
            raise usage("No provider applies here.", "Name one, as in: cowork-env pin openrouter")
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
                raise usage(f"The value of --{key} {error.why}.") from None
    return found


def _make_room(path: str, inputs: Inputs, force: bool) -> None:
    """See that nothing of somebody else's is replaced."""
    shown = tilde(path, inputs.home)
    if os.path.islink(path):
        target = os.path.realpath(path)
        if os.path.dirname(target) != os.path.realpath(inputs.directory):
            if not force:
                hint = "Change it there, or replace the link by a file with --force."
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
        raise CoworkEnvError(error.message, "Look at it, and replace it with --force.") from None


@click.command("unpin", epilog=examples("cowork-env unpin"))
def unpin_command() -> None:
    """Remove this directory's pin.

    The file .cowork-provider here is deleted; pins above it apply again.
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
    "--below", is_flag=True, help="Every pin in and below the directory, those to come included."
)
def allow_command(path: str | None, below: bool) -> None:
    """Consent to a pin, after showing what it does.

    PATH is a pin or its directory. The consent is to the pin's content as shown: when it changes you are asked again.
    """
    inputs = context()
    store = TrustStore(inputs.state_dir)
    if below:
        directory = _directory(path or inputs.directory)
        if directory == "/":
            raise usage(
                "That would allow every pin there is.",
                "Name the directory that your own projects are in.",
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
        raise CoworkEnvError(error.message, "It cannot be allowed like this.") from None
    say(f"{shown}\n{_effect(pin, inputs)}")
    store.allow(location(file.path), file.content)
    say("cowork-env: allowed")


def _effect(pin: Pin, inputs: Inputs) -> str:
    """What a pin does, a line each, never with a key."""
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
        rows.append(("required", "clients fail where it cannot be honoured"))
    return "\n".join(f"  {title:9} {text}" for title, text in rows)


@click.command(
    "deny",
    epilog=examples(
        "cowork-env deny                  # the nearest pin from here upward",
        "cowork-env deny ~/src/app",
        "cowork-env deny ~/work           # also takes back 'allow --below ~/work'",
    ),
)
@click.argument("path", required=False, type=click.Path())
def deny_command(path: str | None) -> None:
    """Never honour a pin, whatever its content.

    PATH is a pin or its directory. 'cowork-env allow' takes it back.
    """
    inputs = context()
    store = TrustStore(inputs.state_dir)
    taken_back = False
    if path is not None and os.path.isdir(path):
        directory = os.path.realpath(path)
        taken_back = store.deny_below(directory)
        if taken_back:
            say(
                f"cowork-env: pins below {tilde(directory, inputs.home)} are no longer allowed by that directory"
            )
        if not os.path.lexists(pins.path_in(directory)) and taken_back:
            return
    file = _find(path, inputs, (DENIED,))
    store.deny(location(file.path))
    say(f"cowork-env: {tilde(file.path, inputs.home)} is denied")


@click.command("prune", epilog=examples("cowork-env prune"))
def prune_command() -> None:
    """Forget consent that nothing is left of.

    That is to pins that are gone or have another content now, and to directories that are gone.
    """
    inputs = context()
    dropped = TrustStore(inputs.state_dir).prune()
    for name, path in dropped:
        say(f"{name.partition('-')[0]:5} {tilde(path, inputs.home)}")
    say(f"cowork-env: {len(dropped)} {'record' if len(dropped) == 1 else 'records'} dropped")


def _directory(path: str) -> str:
    if not os.path.isdir(path):
        raise usage(f"{visible(path)} is not a directory.")
    return os.path.realpath(path)


def _nearest(inputs: Inputs) -> PinFile | None:
    return next(
        filter(None, (pins.read(pins.path_in(d)) for d in pins.ancestors(inputs.directory))), None
    )


def _find(path: str | None, inputs: Inputs, settled: tuple[str, ...]) -> PinFile:
    """The pin that is meant: at ``path``, in that directory, or of those that matter here the nearest not ``settled``.

    It has been read once, and what it holds is what is shown and recorded.
    """
    if path is None:
        store = TrustStore(inputs.state_dir)
        nearest: PinFile | None = None
        for directory in pins.ancestors(inputs.directory):
            file = pins.read(pins.path_in(directory))
            if file is None:
                continue
            state = store.check(location(file.path), file.content)
            if state not in settled:
                return file
            nearest = nearest or file
            if state == ALLOWED:
                break  # What lies above it has no say here.
        if nearest is None:
            raise CoworkEnvError(
                "There is no pin here or above.", "'cowork-env pin NAME' writes one."
            )
        return nearest
    if os.path.isdir(path):
        path = pins.path_in(os.path.abspath(path))
    elif os.path.basename(path) != pins.PIN_NAME:
        raise usage(
            f"{visible(path)} is neither a directory nor a pin.",
            f"A pin's name is {pins.PIN_NAME}.",
        )
    file = pins.read(os.path.abspath(path))
    if file is None:
        raise CoworkEnvError(f"There is no pin {tilde(os.path.abspath(path), inputs.home)}.")
    return file
