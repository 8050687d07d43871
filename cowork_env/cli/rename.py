"""``rename``: another name for a provider, and for it in the pins that have the old one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .. import pinning, store
from ..core import provider as rules
from ..core import variables
from ..core.provider import InvalidField
from ..core.providers import Providers, field_of, words
from ..util import files
from ..util.errors import CoworkEnvError
from ..util.text import tilde, visible
from . import saving, sharing
from .change import found_again
from .errors import usage_error
from .inputs import check_no_key, current_inputs
from .options import complete_provider, examples, yes_option
from .output import say
from .prompts import confirm, interactive

if TYPE_CHECKING:
    from ..core.resolve import Inputs
    from ..pinning import NamingPin


@click.command(
    "rename",
    epilog=examples(
        "cowork-env rename openrouter 'OpenRouter (work)'",
        "cowork-env rename openrouter router --yes   # in the pins, too",
    ),
)
@click.argument("old", shell_complete=complete_provider)
@click.argument("new")
@yes_option
def command(old: str, new: str, yes: bool) -> None:
    """Rename a provider.

    The selection follows. Pins that have the old name are listed, and rewritten if you agree: those
    that you allowed, one by one, and that are yours to write. Nothing but the name changes in them.
    Without a terminal they are only listed, unless you pass --yes.
    """
    inputs = current_inputs()
    listed = saving.load_writable(inputs)
    index = listed.find(old)
    sharing.require_own(listed, index)
    seen = listed.entries[index]
    before = visible(field_of(seen, "name"))
    name = checked_name(new)
    pins = _affected_pins(inputs, listed, index, name)
    rewritable = [pin for pin in pins if not pin.problem]
    _show_pins(inputs, pins, before)
    what = "this pin" if len(rewritable) == 1 else f"these {len(rewritable)} pins"
    rewrite = bool(rewritable) and (
        yes or (interactive() and confirm(f"Write the new name into {what}, too?", default=True))
    )

    is_selected = False

    def change(now: Providers) -> None:
        nonlocal is_selected
        # As it is now: the user may have chosen another one meanwhile.
        is_selected = store.selected(inputs.state_dir, listed) == index
        found_again(now, old, seen)["name"] = name

    failed = []
    with files.AllSteps():
        saving.save(inputs, listed, change)
        if is_selected:
            saving.select(inputs, name)
        say(f"cowork-env: {before} is now {visible(name)}")
        for pin in rewritable if rewrite else ():
            shown = tilde(pin.file.path, inputs.home)
            try:
                pinning.rename(inputs, pin, name)
                say(f"cowork-env: {shown}: {visible(name)}")
            except CoworkEnvError as error:
                failed.append(f"{shown} has the old name: {error.message}")
    if rewritable and not rewrite:
        say(
            "No pin was rewritten: run 'cowork-env pin' there"
            + (", or pass --yes next time." if not interactive() else ".")
        )
    _say_what_else_has_it(inputs, listed, index, name)
    if failed:
        raise CoworkEnvError(" ".join(failed), "Run 'cowork-env pin' there.")


def checked_name(name: str) -> str:
    """A provider's new name; raises a usage error for one that cannot be used."""
    check_no_key("The new name", name)
    try:
        return rules.check_name(name)
    except InvalidField as error:
        raise usage_error(f"The new name {error.why}.") from None


def _affected_pins(inputs: Inputs, listed: Providers, index: int, name: str) -> list[NamingPin]:
    """The known pins that would not find the provider any more under its new name."""
    after = Providers("", "", "")
    after.entries = [dict(entry) if isinstance(entry, dict) else entry for entry in listed.own]
    after.entries[index]["name"] = name

    def is_lost(word: str) -> bool:
        try:
            return after.look_up(word) != index
        except CoworkEnvError:
            return True

    return [pin for pin in pinning.naming(inputs, listed.own, index) if is_lost(pin.word)]


def _show_pins(inputs: Inputs, pins: list[NamingPin], name: str) -> None:
    """List the pins that have the old name, and those of them that are left as they are."""
    rewritable = [pin.file.path for pin in pins if not pin.problem]
    if rewritable:
        say(f"Pins with the name '{name}':")
    for path in rewritable:
        note = "  (in git: commit the change)" if pinning.is_tracked(path) else ""
        say(f"  {tilde(path, inputs.home)}{note}")
    for pin in pins:
        if pin.problem:
            say(f"Left as it is: {tilde(pin.file.path, inputs.home)} {pin.problem}.")


def _say_what_else_has_it(inputs: Inputs, listed: Providers, index: int, name: str) -> None:
    """Say what else means the provider by its old name, and is not ours to change."""
    entry = listed.entries[index]
    old = words(entry) - words({**entry, "name": name})
    if not old:
        return
    if (chosen := inputs.env.get(variables.CHOICE, "")).strip().casefold() in old:
        say(f"{variables.CHOICE} is set to '{visible(chosen)}' in this shell: change it, too.")
    if listed.catalog and any(old & words(other) for other in listed.catalog.entries):
        say(f"The old name is that of an entry of the catalogue {listed.catalog.where} now.")
    say("Pins that cowork-env does not know, and scripts with the old name, have to be changed.")
