"""Writing, finding and describing pins, for the commands that do so."""

from __future__ import annotations

import os
from typing import NamedTuple

from . import accounts
from .core import environment, pins, providers, worktree
from .core.pins import Pin, PinFile
from .core.provider import exported_url
from .core.providers import Providers
from .core.trust import ALLOWED, DENIED, location
from .util import files, system
from .util.errors import USAGE, CoworkEnvError
from .util.text import tilde, visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from .core.provider import Provider
    from .core.resolve import Inputs

REQUIRED = "required"
_MAX_INDEX = 64 << 20  # bytes of git's list of files


# Writing


class Written(NamedTuple):
    """A pin that was written: its path, what it says, and what was there and was not kept."""

    path: str
    pin: Pin
    lost: Pin | None


def write(
    inputs: Inputs, name_or_id: str, changes: Mapping[str, str | None], force: bool = False
) -> Written:
    """Write a pin to the working directory, and allow it.

    The lines of a trusted pin that is there stay, except for ``changes``: lines to set, by key, or
    (None) to remove. Those of a pin that is not trusted do not: to write it would allow them.
    With ``force``, another kind of file there, or a link to elsewhere, is replaced. Raises
    :class:`CoworkEnvError` with nothing changed.
    """
    path = pins.path_in(inputs.directory)
    store, place = inputs.store, location(path)
    elsewhere = _is_link_to_elsewhere(path, inputs)
    old = _replaceable(path, inputs, elsewhere, force)
    trusted = bool(old) and store.check(place, old) == ALLOWED
    content = edited(old if trusted else b"", name_or_id, changes)
    pin = _checked(content, name_or_id, changes)
    # Allowed first: otherwise a failure could leave a pin that is not trusted in place of one that
    # was.
    with files.AllSteps():
        store.allow(place, content)
        if elsewhere:
            files.remove(path)
        files.write_atomically(path, content, 0o644)
    return Written(path, pin, pins.parse(old) if old and not trusted else None)


def _checked(content: bytes, name_or_id: str, changes: Mapping[str, str | None]) -> Pin:
    """A pin before it is written: what is allowed must mean what the user asked for."""
    pin = pins.parse(content)
    asked = {key: value or "" for key, value in changes.items()}
    says = {**dict.fromkeys(pins.KEYS, ""), **pin.models, REQUIRED: "true" if pin.required else ""}
    if (
        len(content) > pins.MAX_BYTES
        or pin.name_or_id != name_or_id
        or any(says[key] != value for key, value in asked.items())
    ):
        raise CoworkEnvError("That does not fit into a pin.", "Pin the provider by its id.")
    return pin


def edited(content: bytes, name_or_id: str, changes: Mapping[str, str | None]) -> bytes:
    """A valid pin, or nothing, with another provider and ``changes``, as for :func:`write`.

    Every other line stays as it is, byte for byte.
    """
    left = dict(changes)
    lines = content.decode("utf-8").split("\n") if content else [name_or_id, ""]
    named, kept = False, list[str]()
    for raw in lines:
        mark = "\ufeff" if not kept and raw.startswith("\ufeff") else ""
        line = raw.removeprefix(mark).replace("\t", " ").strip(" \r")
        end = "\r" if raw.endswith("\r") else ""
        key = line.partition("=")[0].strip()
        if line and not line.startswith("#"):
            if not named:
                named, raw = True, f"{mark}{name_or_id}{end}"
            elif key in left:
                value = left.pop(key)
                if value is None:
                    continue
                raw = f"{key} = {value}{end}"
        kept.append(raw)
    added = [f"{key} = {value}" for key, value in left.items() if value is not None]
    if added and kept[-1]:
        kept.append("")
    return "\n".join([*kept[:-1], *added, kept[-1]]).encode("utf-8")


def _is_link_to_elsewhere(path: str, inputs: Inputs) -> bool:
    target = os.path.dirname(os.path.realpath(path))
    return os.path.islink(path) and target != os.path.realpath(inputs.directory)


def _replaceable(path: str, inputs: Inputs, elsewhere: bool, force: bool) -> bytes:
    """What the pin at ``path`` says, or nothing; raises unless a pin may be written there.

    ``elsewhere``: it is a link to another directory.
    """
    shown = tilde(path, inputs.home)
    if elsewhere:
        if force:
            return b""
        hint = "Change it there, or replace the link with --force."
        target = tilde(os.path.realpath(path), inputs.home)
        raise CoworkEnvError(f"{shown} is a link to {target}.", hint)
    file = pins.read(path)
    if file is None:
        return b""
    try:
        if file.problem:
            raise CoworkEnvError(f"{shown} {file.problem}.")
        pins.parse(file.content, shown)
    except CoworkEnvError as error:
        if force:
            return b""
        raise CoworkEnvError(error.message, "Check it, or replace it with --force.") from None
    return file.content


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
        store = inputs.store
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


# Pins that name a provider


class NamingPin(NamedTuple):
    """A known pin that names a provider by ``word``, its name or id as it is written.

    ``problem`` completes the sentence "PATH ..." where the pin cannot be rewritten; else empty.
    """

    file: PinFile
    word: str
    problem: str


def naming(inputs: Inputs, entries: list[Any], found: int) -> list[NamingPin]:
    """The pins, of those that were ever allowed or denied, that name an entry of the user's own.

    Which others there are is not known: those of linked worktrees, and below directories in which
    every pin is allowed.
    """
    own = Providers("", "", "")
    own.entries = entries
    named = []
    for path in inputs.store.pins():
        file = pins.read(path)
        if file is None or file.problem:
            continue
        try:
            word = pins.parse(file.content).name_or_id
            if not providers.unless_none(word) or own.look_up(word) != found:
                continue
        except CoworkEnvError:
            continue
        named.append(NamingPin(file, word, _not_rewritable(file, inputs)))
    return named


def _not_rewritable(file: PinFile, inputs: Inputs) -> str:
    """Why a pin is not rewritten, as the end of the sentence "PATH ...", or empty."""
    path = file.path
    directory = os.path.dirname(path)
    state = inputs.store.check(path, file.content)
    if state != ALLOWED:
        return "is denied" if state == DENIED else "has changed since you allowed it"
    if os.path.islink(path):
        return "is a link"
    if location(path) != path:
        return "is behind a link"
    if worktree.find(directory) is not None:
        return "is in a linked worktree"
    try:
        is_ours = os.lstat(path).st_uid in system.our_users()
    except OSError:
        is_ours = False
    if not (is_ours and os.access(path, os.W_OK) and os.access(directory, os.W_OK)):
        return "cannot be written"
    return ""


def rename(inputs: Inputs, pin: NamingPin, name_or_id: str) -> None:
    """Write another name into a pin that can be rewritten, and allow it; all other lines stay.

    Raises :class:`CoworkEnvError` with the pin as it was, also if it has changed meanwhile.
    """
    path, old = pin.file.path, pin.file.content
    content = edited(old, name_or_id, {})
    _checked(content, name_or_id, {})

    def last_check() -> None:
        now = pins.read(path)
        if now is None or now.content != old or _not_rewritable(now, inputs):
            raise CoworkEnvError(f"{tilde(path, inputs.home)} has changed meanwhile.")

    last_check()
    with files.AllSteps():
        inputs.store.allow(path, content)
        try:
            mode = os.lstat(path).st_mode & 0o777
        except OSError as error:
            raise CoworkEnvError(
                f"{tilde(path, inputs.home)} cannot be read: {error.strerror}."
            ) from None
        files.write_atomically(path, content, mode, last_check, follow=False)


def is_tracked(path: str) -> bool:
    """Whether git has a file, by its real path, in a checkout's index; git is not started.

    It would run what the checkout's configuration says. An index that names files in a shorter
    form (version 4) tells nothing.
    """
    for directory in pins.ancestors(os.path.dirname(path)):
        top = directory.rstrip("/")
        try:
            descriptor = system.open_without_blocking(f"{top}/.git/index")
            with os.fdopen(descriptor, "rb") as index:
                return system.encode(path[len(top) + 1 :]) + b"\0" in index.read(_MAX_INDEX)
        except OSError:
            if os.path.lexists(f"{top}/.git"):
                return False
    return False


# Describing


def provider_of(pin: Pin, inputs: Inputs) -> Provider | None:
    """The provider that a pin names; None: it says that there is to be none.

    Raises :class:`CoworkEnvError` where it cannot be used.
    """
    if not providers.unless_none(pin.name_or_id):
        return None
    listed = providers.load(inputs.env, inputs.config_dir)
    return listed.provider(listed.find(pin.name_or_id))


def describe(
    pin: Pin, provider: Provider | None, error: CoworkEnvError | None = None
) -> list[tuple[str, str]]:
    """What a pin does, in rows without a key; its ``provider``, or what is wrong with it."""
    rows = [("provider", "none" if error is None else visible(pin.name_or_id))]
    if provider is not None:
        url = exported_url(provider)
        rows = [("provider", visible(provider.name))]
        if provider.account:
            rows.append(("account", accounts.place(provider)))
        else:
            rows.append(("base URL", visible(url) or "none"))
        if provider.catalog:
            rows.append(("catalogue", provider.catalog.where))
            rows.append(("key from", visible(provider.token_from) or "nowhere"))
    if error is not None:
        rows.append(("but", f"{visible(error.message, 1000)} {visible(error.hint, 1000)}".rstrip()))
    for key, value in pin.models.items():
        variable = environment.MODEL if key == "model" else environment.TIER_MODELS[key]
        rows.append((key, f"{visible(value)}  ({variable})"))
    if pin.required:
        rows.append(("required", "clients fail when it cannot be used"))
    return rows
