"""``add``: a new provider, from a preset or from scratch."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from .. import accounts, presets, securing, store
from ..core import provider as rules
from ..core.provider import BEARER, InvalidField, Provider
from ..core.providers import words
from ..core.resolve import check_login_directory
from ..editing import Fields, needs_no_endpoint, without_empty
from ..util.errors import CoworkEnvError
from ..util.text import argument, visible
from . import saving
from .errors import usage_error
from .inputs import current_inputs
from .options import examples
from .output import say
from .prompts import ask, interactive, pick
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
    from collections.abc import Callable

    from ..core.providers import Providers
    from ..core.resolve import Inputs
    from ..editing import Entry
    from ..presets import Preset


def _complete_preset(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    return [preset.id for preset in presets.all_presets() if preset.id.startswith(incomplete)]


@click.command(
    "add",
    epilog=examples(
        "cowork-env add openrouter               # asks for the key only",
        "cowork-env add                          # asks for everything",
        "cowork-env add openrouter --keyring     # keeps the key in the keyring",
        "cowork-env add deepseek --token-from file:~/.keys/deepseek",
        "cowork-env add --name Work --base-url https://ai.example --token-stdin <key",
        "cowork-env add --account --config-dir '~/.claude-work'  # a second login",
        "cowork-env add --account --token-stdin <token  # of 'claude setup-token'",
    ),
)
@click.argument("preset", required=False, shell_complete=_complete_preset)
@provider_options
@no_check_option
def command(
    preset: str | None, no_check: bool, token_stdin: bool, keyring: bool, **given: Any
) -> None:
    """Add a provider.

    PRESET is one of 'cowork-env presets'; without it, any endpoint with the Anthropic Messages API
    can be added. For one in OpenAI's format, this says how to put a gateway before it. On a
    terminal, asks for what is missing, the key hidden. There is no option for the key itself: it
    would show in the process list.

    With --account (or the preset claude-account): a login of Claude Code's own, for which nothing
    but a directory is stored.
    """
    inputs = current_inputs()
    listed = saving.load_writable(inputs, new=True)
    check = interactive() and not no_check
    fields = given_fields(**given)
    entry = _new_entry(
        listed, fields, preset, token_stdin=token_stdin, keyring=keyring, ask_endpoint=check
    )

    def save(reference: str = "") -> None:
        if reference:
            Fields(token_from=reference).apply(entry)
        saving.save(inputs, listed, lambda listed: listed.entries.append(dict(entry)))

    if keyring:
        securing.save_with_key(inputs, entry["name"], entry["authToken"], save)
    else:
        save()
    name = visible(entry["name"])
    account = Provider(entry) if accounts.is_account(entry) else None
    say(f"cowork-env: added {name}{f' ({accounts.place(account)})' if account else ''}")
    if listed.catalog and any(words(entry) & words(other) for other in listed.catalog.entries):
        say(f"It is used instead of the one in the catalogue {listed.catalog.where}.")
    if account is not None:
        _say_login(account, inputs)
    if interactive():
        word = argument(rules.slug(entry["name"]) or entry["name"], "NAME")
        say(f"In a directory and below: cowork-env pin {word}")
        say(f"Elsewhere: cowork-env use {word}")
    if check and account is None:  # Of a login nothing can be tried; what is known was said.
        saving.check(inputs, entry["name"])


def _new_entry(
    listed: Providers,
    fields: Fields,
    preset_id: str | None,
    *,
    token_stdin: bool,
    keyring: bool,
    ask_endpoint: bool,
) -> Entry:
    """The entry that the options and the preset make; asks for what is missing."""
    preset = _filled_preset(preset_id, fields) if preset_id is not None else None
    entry = fields.new_entry(preset)
    check_kind(fields, account=accounts.is_account(entry))
    if accounts.is_account(entry):
        return _new_account(listed, fields, entry, token_stdin=token_stdin, keyring=keyring)
    if fields.name or not preset:
        entry["name"] = _checked("name", entry["name"], "Name", rules.check_name)
    store.check_free(entry["name"], listed)
    needs_endpoint = not needs_no_endpoint(entry["env"])
    if needs_endpoint or entry["baseUrl"]:
        insecure = bool(fields.allow_insecure)
        check = rules.check_base_url if entry["baseUrl"] else check_answered_url
        entry["baseUrl"] = _checked(
            "base-url", entry["baseUrl"], "Base URL", lambda url: check(url, insecure)
        )
    question = preset.needs.get(presets.KEY, "") if preset else "Key"
    if token := read_key(fields, token_stdin, question if needs_endpoint else "", keyring):
        entry["authToken"] = token
    question = preset.needs.get(presets.MODEL, "") if preset else "Default model"
    if not entry["defaultModel"] and fields.default_model is None and question and interactive():
        entry["defaultModel"] = _ask_model(question, entry, ask_endpoint=ask_endpoint)
    return without_empty(entry)


def _new_account(
    listed: Providers, fields: Fields, entry: Entry, *, token_stdin: bool, keyring: bool
) -> Entry:
    """The entry of an account; on a terminal, asks for its directory and its name.

    With a name, nothing is missing: without a directory it is the default login.
    """
    has_token = token_stdin or keyring or bool(fields.token_from)
    if fields.config_dir is None and fields.name is None and not has_token and interactive():
        question = f"{accounts.DIRECTORY_QUESTION}, Enter for the default login"
        entry["configDir"] = ask(question, check_answered_directory, default="")
    if fields.name is None:
        entry["name"] = accounts.suggested_name(entry["configDir"] or "", has_token)
        if interactive():
            entry["name"] = ask("Name", rules.check_name, default=entry["name"])
    entry["name"] = _checked("name", entry["name"], "Name", rules.check_name)
    store.check_free(entry["name"], listed)
    entry["authToken"] = read_key(fields, token_stdin, "", keyring, account=True)
    return without_empty(entry)


def _say_login(account: Provider, inputs: Inputs) -> None:
    """Say which login an account has, or how to log in."""
    if account.has_key:
        return
    from ..doctor import login

    try:
        check_login_directory(account, inputs.home)
    except CoworkEnvError as error:
        say(f"It cannot be used yet: {error.message}\n{error.hint}".rstrip())
        return
    found = login.find(account, inputs)
    if found is not None and found.usable:
        say(f"It is logged in{found.who}.")
    else:
        say(f"Log in: {accounts.login_command(account)}")
        say("Or start 'claude' in the same way, and type /login.")


def _filled_preset(preset_id: str, fields: Fields) -> Preset:
    """The preset with the options' URL and variables; asks for what fills its places."""
    preset = presets.get(preset_id)
    if preset.format == presets.OPENAI:
        raise usage_error(
            f"{preset.name} speaks OpenAI's format, and clients speak Anthropic's.",
            presets.gateway_hint(preset.base_url),
        )
    preset.base_url = fields.base_url or preset.base_url
    preset.env |= fields.env
    # A place that an option has replaced is in neither of them, and its answer is not used.
    answers = dict.fromkeys(preset.places(), "unused")
    for place in preset.places():
        mark = f"{{{place}}}"
        variables = [name for name, value in preset.env.items() if mark in value]
        if mark not in preset.base_url and not variables:
            continue
        if not interactive():
            option = f"--env {variables[0]}=..." if variables else "--base-url"
            raise usage_error(f"Missing {option} ({preset.needs[place]}).")
        answers[place] = ask(preset.needs[place], str)
    return preset.fill(answers)


def _checked(option: str, value: str, question: str, check: Callable[[str], str]) -> str:
    """A required value, checked: the option's, or else what the user answers."""
    if value:
        try:
            return check(value)
        except InvalidField as error:
            raise usage_error(f"The value of --{option} {error.why}.", error.hint) from None
    if not interactive():
        hint = "See 'cowork-env presets' for what needs only a key."
        raise usage_error(f"Missing --{option}.", hint)
    return ask(question, check)


def _ask_model(question: str, entry: Entry, *, ask_endpoint: bool) -> str:
    """Ask for the default model, as a choice of those that the endpoint lists where it does."""
    offered: list[str] = []
    if ask_endpoint and entry["baseUrl"] and entry["authToken"]:
        from ..doctor import checkup

        say("Asking the endpoint for its models...")
        auth = entry["auth"] or BEARER
        offered = checkup.list_models(entry["baseUrl"], entry["authToken"], auth, os.environ)
    if offered:
        other = "(none of these)"
        if (chosen := pick(question, [*offered, other])) != other:
            return chosen
    return ask(f"{question}, Enter for none", rules.check_model, default="")
