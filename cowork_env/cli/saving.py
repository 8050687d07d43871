"""What commands that change providers share: saving, checking, keeping the selection."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from .. import securing, store
from ..core import providers, variables
from ..util import files
from ..util.errors import CoworkEnvError
from ..util.system import exists
from ..util.text import visible
from .errors import usage_error
from .inputs import current_inputs
from .output import say
from .prompts import interactive, pick

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..core.providers import Providers
    from ..core.resolve import Inputs

T = TypeVar("T")


def chosen_name(name: str | None, question: str) -> str:
    """The provider that the user has named, or chooses now, where there is a terminal."""
    if name is not None:
        return name
    if not interactive():
        raise usage_error("Missing NAME.", "Name a provider: 'cowork-env list' shows them.")
    inputs = current_inputs()
    listed = load_writable(inputs)
    names = listed.names()
    if not names:
        raise CoworkEnvError("There are no providers yet.", "Add one with 'cowork-env add'.")
    return pick(question, names)


def load_writable(inputs: Inputs, new: bool = False) -> Providers:
    """The providers; raises :class:`CoworkEnvError` when they cannot be changed.

    ``new``: also where the file that the environment names is to be made; that is said.
    """
    path = store.writable(inputs)
    listed = providers.load(inputs.env, inputs.config_dir, new)
    if new and inputs.env.get(variables.PROVIDERS_FILE) and not exists(path):
        say(f"cowork-env: {listed.where} is a new file, which {variables.PROVIDERS_FILE} names")
    return listed


def save(inputs: Inputs, listed: Providers, change: Callable[[Providers], T]) -> T:
    """Write a change, and return its result; reports a file that other users could read."""
    exposed = store.exposure(listed)
    result = store.edit(inputs, change)
    if exposed:
        say(f"cowork-env: {listed.where} was readable by other users; it is private now")
    return result


def reload_shells(inputs: Inputs) -> None:
    """Make every shell look up its provider again at its next prompt."""
    import time

    from ..hook import respond

    path = f"{files.state_folder(inputs.state_dir)}/{respond.RELOAD}"
    files.write_atomically(path, f"{time.time_ns()}\n".encode(), follow=False)


def drop_item(inputs: Inputs, reference: str) -> None:
    """Remove an item that ``secure`` made and that no provider uses any more, and say so.

    If that fails, the item stays; what the command did is done.
    """
    if not securing.is_ours(reference):
        return
    shown = visible(reference)
    try:
        with securing.exclusively(inputs):
            if securing.drop(inputs, reference):
                say(f"cowork-env: removed {shown}")
    except CoworkEnvError as error:
        say(f"cowork-env: {shown} stays: {error.message}")


def check(inputs: Inputs, name: str) -> bool:
    """Let doctor check a provider that was just saved; whether it is healthy.

    It stays saved, whatever the result, and after Ctrl-C, which raises KeyboardInterrupt.
    """
    from .doctor import check_after_add

    listed = providers.load(inputs.env, inputs.config_dir)
    try:
        return check_after_add(listed, listed.find(name), inputs)
    except KeyboardInterrupt:
        say("\nNot checked.")
        raise


def select(inputs: Inputs, name: str) -> None:
    """Make the provider with this name the selection, by its id, which survives a rename."""
    listed = providers.load(inputs.env, inputs.config_dir)
    store.select(inputs.state_dir, listed.designation(listed.find(name), "id", "name"))


def say_selected(name: str) -> None:
    """Say that a provider is the selection now."""
    say(f"cowork-env: {visible(name)} is used where no pin applies")
