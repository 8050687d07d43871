"""``import``: add providers from elsewhere, after showing what will be added."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from .. import accounts, importers, store
from ..core import providers
from ..core.provider import API_KEY, Provider
from ..importers.plan import Plan, named
from ..masking import shown_token, shown_value
from ..util.errors import CoworkEnvError
from ..util.text import visible
from .errors import usage_error
from .inputs import current_inputs
from .options import examples, yes_option
from .output import say
from .prompts import confirm, interactive

if TYPE_CHECKING:
    from ..core.providers import Providers


@click.command(
    epilog=examples(
        "cowork-env import claude-settings      # env in ~/.claude/settings.json",
        "cowork-env import env --name work      # ANTHROPIC_* of this shell",
        "cowork-env import cc-switch",
        "cowork-env import ~/backup/providers.json --yes",
    )
)
@click.argument("source", metavar="claude-settings|env|cc-switch|FILE")
@click.option("--name", metavar="NAME", help="The provider's name here, if there is only one.")
@yes_option
def command(source: str, name: str | None, yes: bool) -> None:
    """Import providers from elsewhere.

    Shows what will be added, with the keys masked, and adds it. FILE is another providers.json or
    the desktop app's api-config.json. The source is not changed. Each provider gets a new id.
    Variables that could do harm in a shared list, and references to keys, are left out, and named.
    """
    inputs = current_inputs()
    store.writable(inputs)
    found = importers.read(source, inputs)
    for note in found.notes:
        say(note)
    entries = found.entries if name is None else named(found.entries, name)
    plan = Plan(found, entries, providers.load_own(inputs.env, inputs.config_dir))
    for note in plan.notes:
        say(note)
    for error in plan.refused:
        say(f"Left out: {error.message} {error.hint}".rstrip())
    if name is not None:
        plan.require_name(name)
    if not plan.added:
        if plan.refused:
            raise CoworkEnvError("Nothing was added.")
        say("There is nothing to add.")
        return
    if not _confirm(plan, yes):
        say("Nothing was added.")
        return

    def add(listed: Providers) -> None:
        listed.entries.extend(dict(entry) for entry in plan.added)

    store.edit(inputs, add)
    names = ", ".join(visible(entry["name"]) for entry in plan.added)
    say(f"cowork-env: added {names}; the source is unchanged")
    if plan.refused:
        raise CoworkEnvError(f"{len(plan.refused)} could not be added.", "See above.")


def _confirm(plan: Plan, yes: bool) -> bool:
    """Show what will be added, and ask whether to, unless ``yes``."""
    for entry in plan.added:
        say("\n".join(_described(entry)))
    if yes:
        return True
    if not interactive():
        raise usage_error("Nothing was added: not on a terminal.", "Pass --yes to add this.")
    what = "it" if len(plan.added) == 1 else f"these {len(plan.added)}"
    return confirm(f"Add {what}?", default=True)


def _described(entry: dict[str, Any]) -> list[str]:
    """A valid entry in lines, its key masked."""
    provider = Provider(entry)
    key = provider.token_from or shown_token(provider.token)
    if key and provider.auth == API_KEY:
        key += " (sent as x-api-key)"
    rows = [
        ("account", accounts.place(provider) if provider.account else ""),
        ("base URL", "" if provider.account else provider.base_url),
        ("key", key),
        ("model", provider.default_model),
        *provider.models.items(),
        *((name, shown_value(name, value)) for name, value in provider.env.items()),
    ]
    lines = [f"  {visible(label):9} {visible(value)}" for label, value in rows if value]
    return [visible(provider.name), *lines]
