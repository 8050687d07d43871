"""Writing, finding and describing pins, for the commands that do so."""

from __future__ import annotations

import os

from .core import environment, pins, providers
from .core.pins import Pin, PinFile
from .core.provider import repaired
from .core.trust import ALLOWED, TrustStore, location
from .util import files
from .util.errors import USAGE, CoworkEnvError
from .util.text import tilde, visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .core.providers import Providers
    from .core.resolve import Inputs


# Writing


def write(inputs: Inputs, pin: Pin, force: bool = False) -> str:
    """Write a pin to the working directory, allow it, and return its path.

    With ``force``, another kind of file there, or a link to elsewhere, is replaced. Raises
    :class:`CoworkEnvError` with nothing changed.
    """
    content = pins.serialize(pin).encode("utf-8")
    path = pins.path_in(inputs.directory)
    # Parsed again before it is written: what is allowed must mean what the user asked for.
    too_large = len(content) > pins.MAX_BYTES
    if too_large or pins.serialize(pins.parse(content)).encode("utf-8") != content:
        raise CoworkEnvError("That does not fit into a pin.", "Pin the provider by its id.")
    _check_replaceable(path, inputs, force)
    # Allowed first: otherwise a failure could leave a pin that is not trusted in place of one that
    # was.
    with files.AllSteps():
        TrustStore(inputs.state_dir).allow(location(path), content)
        files.write_atomically(path, content, 0o644)
    return path


def _check_replaceable(path: str, inputs: Inputs, force: bool) -> None:
    """Raise unless a pin may be written to ``path``; with ``force``, remove a link there."""
    shown = tilde(path, inputs.home)
    if os.path.islink(path):
        target = os.path.realpath(path)
        if os.path.dirname(target) != os.path.realpath(inputs.directory):
            if not force:
                hint = "Change it there, or replace the link with --force."
                raise CoworkEnvError(f"{shown} is a link to {tilde(target, inputs.home)}.", hint)
            files.remove(path)
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


def unambiguous_name(listed: Providers, name_or_id: str) -> str:
    """What a pin has to say for this provider: its name, or its id where the name is ambiguous."""
    index = listed.find(name_or_id)
    provider = listed.provider(index)
    try:
        return provider.name if listed.find(provider.name) == index else provider.id
    except CoworkEnvError:
        return provider.id


# Finding


def nearest(inputs: Inputs) -> PinFile | None:
    """The nearest pin from the working directory upward, trusted or not."""
    return next(
        filter(None, (pins.read(pins.path_in(d)) for d in pins.ancestors(inputs.directory))), None
    )


def find(path: str | None, inputs: Inputs, done: tuple[str, ...]) -> PinFile:
    """The pin at ``path`` or in that directory; without a path, the nearest that matters here.

    Pins in one of the trust states ``done`` come last: they need nothing. The file is read once, so
    that what is shown is what is recorded.
    """
    if path is None:
        store = TrustStore(inputs.state_dir)
        found: PinFile | None = None
        for directory in pins.ancestors(inputs.directory):
            file = pins.read(pins.path_in(directory))
            if file is None:
                continue
            state = store.check(location(file.path), file.content)
            if state not in done:
                return file
            found = found or file
            if state == ALLOWED:
                break  # Pins above it do not apply here.
        if found is None:
            raise CoworkEnvError(
                "There is no pin here or above.", "'cowork-env pin NAME' writes one."
            )
        return found
    if os.path.isdir(path):
        path = pins.path_in(os.path.abspath(path))
    elif os.path.basename(path) != pins.PIN_NAME:
        raise CoworkEnvError(
            f"{visible(path)} is neither a directory nor a pin.",
            f"A pin's name is {pins.PIN_NAME}.",
            USAGE,
        )
    file = pins.read(os.path.abspath(path))
    if file is None:
        raise CoworkEnvError(
            f"There is no pin {tilde(os.path.abspath(path), inputs.home)}.",
            "'cowork-env pin NAME' in that directory writes one.",
        )
    return file


# Describing


def describe(pin: Pin, inputs: Inputs) -> str:
    """What a pin does, in lines without a key."""
    rows = [("provider", visible(pin.name_or_id))]
    if not providers.unless_none(pin.name_or_id):
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
