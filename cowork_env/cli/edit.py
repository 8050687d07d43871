"""``edit``, ``rename`` and ``remove``: changes to a provider."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from .. import accounts, securing, store
from ..core import catalog
from ..core import provider as rules
from ..core.provider import InvalidField
from ..core.providers import field_of
from ..masking import shown_url
from ..util import files
from ..util.errors import NOTHING_CHANGED, CoworkEnvError
from ..util.text import visible
from . import saving, sharing
from .errors import usage_error
from .inputs import current_inputs
from .options import complete_provider, examples, provider_argument
from .output import say
from .prompts import ask, ask_key, confirm, interactive
from .provider_options import (
    check_answered_directory,
    check_answered_url,
    check_kind,
    given_fields,
    no_check_option,
    provider_options,
    read_key,
)

if TYPE_CHECKING:
    from ..core.providers import Providers
    from ..editing import Entry, Fields


@click.command(
    "edit",
    epilog=examples(
        "cowork-env edit openrouter --default-model anthropic/claude-sonnet-5",
        "cowork-env edit work --token-stdin < key.txt",
        "cowork-env edit work --keyring           # a new key, in the keyring",
        "cowork-env edit work --haiku ''          # removes the value",
        "cowork-env edit work --env '' --env A=1  # these variables and no others",
        "cowork-env edit work --env CLAUDE_CODE_MAX_CONTEXT_TOKENS=200000",
        "cowork-env edit work --account --config-dir '~/.claude-work'",
    ),
)
@click.argument("provider", metavar="NAME", shell_complete=complete_provider)
@provider_options
@no_check_option
def edit_command(
    provider: str, no_check: bool, token_stdin: bool, keyring: bool, **given: Any
) -> None:
    """Change a provider.

    An empty value removes a field. Without options, asks on a terminal. A new key replaces a
    reference, and a reference a stored key. --keyring asks for a new key; to move the one that is
    there, use 'cowork-env secure NAME'. --account makes it a login of Claude Code's, and another
    --auth makes an account an endpoint again: URL, key, directory and models are then given anew.
    """
    inputs = current_inputs()
    listed = saving.load_writable(inputs)
    index = listed.find(provider)
    copy = sharing.own_copy(inputs, listed, index)
    was_selected = store.selected(inputs.state_dir, listed) == index
    fields = given_fields(**given)
    entry = listed.entries[index]
    account = fields.makes_account(entry)
    check_kind(fields, account=account)
    needs_key = fields.changes_kind(entry) and not account
    if needs_key and not fields.base_url:
        raise usage_error(
            "Missing --base-url.",
            "An account has no endpoint to keep; Anthropic's own is https://api.anthropic.com.",
        )
    question = "Key" if needs_key else "New key" if keyring and not account else ""
    fields.token = read_key(fields, token_stdin, question, keyring, account=account)
    if fields.is_empty():
        if not interactive():
            raise usage_error(
                "There is nothing to change.", "See 'cowork-env edit --help' for the options."
            )
        _ask_changes(entry, fields)
        if fields.is_empty():
            say(NOTHING_CHANGED)
            return

    def change(listed: Providers) -> tuple[str, str]:
        if copy is None:
            entry = listed.entries[listed.find(provider)]
            before = field_of(entry, "authTokenFrom")
        else:
            entry, before = dict(copy), ""
            listed.entries.append(entry)
        fields.apply(entry)
        return field_of(entry, "name"), before

    def save(reference: str = "") -> tuple[str, str]:
        if reference:
            fields.token, fields.token_from = None, reference
        with files.AllSteps():
            name, before = saving.save(inputs, listed, change)
            if was_selected:
                saving.select(inputs, name)
        return name, before

    if keyring:
        called = fields.name or field_of(listed.entries[index], "name")
        name, before = securing.save_with_key(inputs, called, fields.token, save)
    else:
        name, before = save()
    say(f"cowork-env: changed {visible(name)}")
    if shared := listed.shared(index):
        say(
            f"It is one of your own now ({catalog.summary(listed.provider(index))}), and no longer "
            f"follows the catalogue {shared.where}."
        )
    saving.drop_item(inputs, before)
    if interactive() and not no_check:
        saving.check(inputs, name)


def _ask_changes(entry: Entry, fields: Fields) -> None:
    """Ask for the fields that change most, into ``fields``."""
    insecure = entry.get("allowInsecure") is True
    say("Enter keeps a value.")
    if accounts.is_account(entry):
        _ask_account_changes(entry, fields)
        return

    def check_url(url: str) -> str:
        return check_answered_url(url, insecure) if url else ""

    url = entry.get("baseUrl")
    shown = isinstance(url, str) and shown_url(url) == url
    old = visible(url) if shown and isinstance(url, str) else ""
    answer = ask("Base URL", check_url, default=old)
    fields.base_url = answer if answer not in ("", old) else None
    _ask_model(entry, fields)
    fields.token = ask_key("New key", default="")


def _ask_account_changes(entry: Entry, fields: Fields) -> None:
    old = visible(field_of(entry, "configDir"))
    answer = ask(accounts.DIRECTORY_QUESTION, check_answered_directory, default=old)
    fields.config_dir = answer if answer not in ("", old) else None
    _ask_model(entry, fields)
    if entry.get("authToken"):
        fields.token = ask_key(f"New {accounts.TOKEN_QUESTION.lower()}", default="")
        accounts.check_token(fields.token)


def _ask_model(entry: Entry, fields: Fields) -> None:
    model = entry.get("defaultModel")
    old = visible(model) if isinstance(model, str) else ""
    answer = ask("Default model", rules.check_model, default=old)
    fields.default_model = answer if answer not in ("", old) else None


@click.command("rename", epilog=examples("cowork-env rename openrouter 'OpenRouter (work)'"))
@click.argument("old", shell_complete=complete_provider)
@click.argument("new")
def rename_command(old: str, new: str) -> None:
    """Rename a provider.

    The selection follows the new name; pins that have the old name must be written again.
    """
    inputs = current_inputs()
    listed = saving.load_writable(inputs)
    index = listed.find(old)
    sharing.require_own(listed, index)
    was_selected = store.selected(inputs.state_dir, listed) == index
    before = visible(str(listed.entries[index].get("name", "")))

    def change(listed: Providers) -> None:
        listed.entries[listed.find(old)]["name"] = name

    try:
        name = rules.check_name(new)
    except InvalidField as error:
        raise usage_error(f"The new name {error.why}.") from None
    with files.AllSteps():
        saving.save(inputs, listed, change)
        if was_selected:
            saving.select(inputs, name)
    say(f"cowork-env: {before} is now {visible(name)}")
    if before.casefold() != name.casefold():
        say(f"Pins with the name '{before}' must be written again: run 'cowork-env pin' there.")


@click.command(
    "remove", epilog=examples("cowork-env remove openrouter", "cowork-env remove openrouter --yes")
)
@provider_argument()
@click.option("--yes", "-y", is_flag=True, help="Do not ask for confirmation.")
def remove_command(name: str, yes: bool) -> None:
    """Remove a provider, and its stored key. Asks first on a terminal."""
    inputs = current_inputs()
    listed = saving.load_writable(inputs)
    index = listed.find(name)
    sharing.require_own(listed, index)
    was_selected = store.selected(inputs.state_dir, listed) == index
    entry = listed.entries[index]
    shown, reference = visible(str(entry.get("name") or name)), field_of(entry, "authTokenFrom")
    if not yes and interactive():
        kept = ""
        if securing.store_of(inputs, reference) and securing.uses(listed, reference) == 1:
            kept = f" Its key, {visible(reference)}, is removed, too."
        elif entry.get("authToken"):
            kept = " Its key is not stored anywhere else by cowork-env."
        if not confirm(f"Remove {shown}?{kept}"):
            raise CoworkEnvError(f"{shown} was not removed.")

    def change(listed: Providers) -> None:
        found = listed.find(name)
        if listed.entries[found] != entry:
            raise CoworkEnvError(
                f"{shown} was changed by another program.",
                "Nothing was removed; check the provider and try again.",
            )
        del listed.entries[found]

    with files.AllSteps():
        saving.save(inputs, listed, change)
        if was_selected:
            store.select(inputs.state_dir, "")
    say(f"cowork-env: removed {shown}")
    saving.drop_item(inputs, reference)
    if was_selected:
        say("It was the selection; there is none now. Choose another with: cowork-env use")
