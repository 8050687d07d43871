"""``remove``: a provider, and the key that is stored for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from .. import accounts, pinning, securing, store
from ..core.provider import KEYS, is_encrypted
from ..core.providers import field_of
from ..core.trust import ALLOWED
from ..masking import shown_reference
from ..util import files
from ..util.errors import CoworkEnvError
from ..util.text import tilde, visible
from . import saving, sharing
from .inputs import check_provider_name, current_inputs
from .options import complete_provider, examples, yes_option
from .output import say
from .prompts import confirm, interactive

if TYPE_CHECKING:
    from ..core.providers import Providers
    from ..core.resolve import Inputs
    from ..editing import Entry

_MAX_LISTED = 10  # pins


@click.command(
    "remove",
    epilog=examples(
        "cowork-env remove openrouter",
        "cowork-env remove openrouter 'LiteLLM Local' --yes",
    ),
)
@click.argument(
    "names", nargs=-1, required=True, metavar="NAME...", shell_complete=complete_provider
)
@yes_option
def command(names: tuple[str, ...], yes: bool) -> None:
    """Remove providers, and their stored keys.

    Says what is lost, and which pins name them; asks first on a terminal. Pins stay as they are.
    """
    inputs = current_inputs()
    listed = saving.load_writable(inputs)
    found = list(dict.fromkeys(listed.find(check_provider_name(name)) for name in names))
    for index in found:
        sharing.require_own(listed, index)
    entries: list[Any] = [listed.entries[index] for index in found]
    shown = [_shown(entry, index) for entry, index in zip(entries, found, strict=True)]
    for index, name in zip(found, shown, strict=True):
        for line in _lost(inputs, listed, index, entries):
            say(f"{name}: {line}" if len(found) > 1 else line)
    all_of_them = ", ".join(shown)
    if not yes and interactive() and not confirm(f"Remove {all_of_them}?"):
        were = "was" if len(shown) == 1 else "were"
        raise CoworkEnvError(f"{all_of_them} {were} not removed.")

    is_selected = False

    def change(now: Providers) -> None:
        nonlocal is_selected
        # As it is now: the user may have chosen another one meanwhile.
        is_selected = store.selected(inputs.state_dir, listed) in found
        for entry, name in zip(entries, shown, strict=True):
            if entry not in now.entries:
                raise CoworkEnvError(
                    f"{name} was changed by another program.",
                    "Nothing was removed; check the provider and try again.",
                )
            now.entries.remove(entry)

    with files.AllSteps():
        saving.save(inputs, listed, change)
        if is_selected:
            store.select(inputs.state_dir, "")
    say(f"cowork-env: removed {all_of_them}")
    for reference in dict.fromkeys(field_of(entry, "authTokenFrom") for entry in entries):
        saving.drop_item(inputs, reference)
    if is_selected:
        say("It was the selection; there is none now. Choose another with: cowork-env use")


def _shown(entry: object, index: int) -> str:
    return visible(field_of(entry, "name") or field_of(entry, "id")) or f"entry {index}"


def _lost(inputs: Inputs, listed: Providers, index: int, removed: list[Any]) -> list[str]:
    """What is lost with an entry, and what stays without it, in lines."""
    entry = listed.entries[index]
    lines = []
    if key := _lost_key(inputs, listed, entry, removed):
        lines.append(key)
    if rest := _lost_fields(entry):
        lines.append(f"Lost with it: {rest}.")
    pins = [
        pin.file.path
        for pin in pinning.naming(inputs, listed.own, index)
        if inputs.store.check(pin.file.path, pin.file.content) == ALLOWED
    ]
    if pins:
        lines.append("Pins that name it, and cannot be used without it:")
        lines += [f"  {tilde(path, inputs.home)}" for path in pins[:_MAX_LISTED]]
        if more := len(pins) - _MAX_LISTED:
            lines += [f"  and {more} more"] if more > 0 else []
    return lines


def _lost_key(inputs: Inputs, listed: Providers, entry: Entry, removed: list[Any]) -> str:
    reference = field_of(entry, "authTokenFrom")
    if reference:
        shown = visible(shown_reference(reference))
        others = securing.uses(listed, reference) - sum(
            field_of(each, "authTokenFrom") == reference for each in removed
        )
        if securing.store_of(inputs, reference) and not others:
            return f"Its key, {shown}, is removed, too."
        return f"Its key stays where it is: {shown}."
    token = field_of(entry, "authToken")
    if is_encrypted(token):
        return "Its key, encrypted by the desktop app, is not stored anywhere else by cowork-env."
    if token:
        return "Its key is not stored anywhere else by cowork-env."
    if accounts.is_account(entry):
        return "The login stays: it is Claude Code's own."
    return ""


def _lost_fields(entry: Entry) -> str:
    """What else is in an entry, as far as it cannot be had again by adding the provider."""
    parts = []
    models = entry.get("models")
    chosen = len(models) if isinstance(models, dict) else 0
    chosen += bool(entry.get("defaultModel"))
    if chosen:
        parts.append("1 model" if chosen == 1 else f"{chosen} models")
    env = entry.get("env")
    for label, keys in (
        ("variables", list(env) if isinstance(env, dict) else []),
        ("fields of other programs", [key for key in entry if key not in KEYS]),
    ):
        if keys:
            parts.append(f"{label} {', '.join(visible(str(key)) for key in keys)}")
    return "; ".join(parts)
