"""``use``: the selection, the provider where no pin applies."""

from __future__ import annotations

import click

from .. import store
from ..core import provider as rules
from ..core import providers, resolve
from ..core.providers import Providers
from ..core.resolve import Inputs
from ..util.errors import CoworkEnvError
from . import saving, sharing
from .errors import usage_error
from .inputs import current_inputs
from .options import examples, provider_argument
from .output import say
from .prompts import interactive, pick


@click.command(
    "use",
    epilog=examples(
        "cowork-env use openrouter", "cowork-env use          # choose one", "cowork-env use none"
    ),
)
@provider_argument(required=False, none=True)
def command(name: str | None) -> None:
    """Select the provider to use where no pin applies. 'none' clears the selection."""
    inputs = current_inputs()
    listed = providers.load(inputs.env, inputs.config_dir)
    if not name:
        name = _pick(listed, inputs)
    if not providers.unless_none(name):
        store.select(inputs.state_dir, "")
        say("cowork-env: no provider is selected")
        return
    index = listed.find(name)
    chosen = listed.provider(index)
    sharing.agree_if_new(inputs, chosen)
    store.select(inputs.state_dir, listed.designation(index, "id", "name"))
    saving.say_selected(chosen.name)
    found = resolve.resolve(inputs)
    if found.rule in (resolve.PIN, resolve.VARIABLE):
        say(f"Here, {found.source} takes precedence.")


def _pick(listed: Providers, inputs: Inputs) -> str:
    """Let the user choose; the selection is chosen already."""
    if not interactive():
        raise usage_error("Missing NAME.", "Name a provider, or 'none'.")
    if not listed.names():
        raise CoworkEnvError("There are no providers yet.", "Add one with 'cowork-env add'.")
    index = store.selected(inputs.state_dir, listed)
    current = listed.entries[index].get("name", "") if index is not None else ""
    return pick(
        "Which provider where no pin applies?",
        [*listed.names(), rules.NONE],
        str(current).strip() or rules.NONE,
    )
