"""``add``: a new provider, from a preset or from scratch."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, NoReturn

import click

from .. import accounts, presets, securing, store
from ..core import provider as rules
from ..core.provider import ANTHROPIC_HOST, API_KEY, BEARER, InvalidField, Provider, Url
from ..core.providers import words
from ..core.resolve import check_login_directory, fetch_key
from ..editing import Fields, needs_no_endpoint, without_empty
from ..util.errors import USAGE, CoworkEnvError
from ..util.text import visible
from . import next_steps, saving
from .errors import usage_error
from .inputs import current_inputs
from .model_choice import ask_endpoint, choose_model, tiers_among
from .options import examples
from .output import say
from .prompts import Choice, ask, ask_key, confirm, interactive, pick
from .provider_options import (
    about_key,
    ask_url,
    check_answered_directory,
    check_key_options,
    check_kind,
    consents_to,
    given_fields,
    is_encrypted_or_local,
    no_check_option,
    provider_options,
    read_key,
)

if TYPE_CHECKING:
    from ..core.providers import Providers
    from ..core.resolve import Inputs
    from ..doctor.checkup import Offer
    from ..editing import Entry
    from ..presets import Preset

ANOTHER = "another endpoint"


def _complete_preset() -> list[str]:
    return [preset.id for preset in presets.all_presets()]


@click.command(
    "add",
    epilog=examples(
        "cowork-env add openrouter               # asks for the key only",
        "cowork-env add                          # offers the presets",
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

    PRESET is one of 'cowork-env presets'; without it, a terminal offers them, and any endpoint with
    the Anthropic Messages API can be added. For one in OpenAI's format, this says how to put a
    gateway before it. On a terminal, asks for what is missing, the key hidden, and where the
    provider is to be used. There is no option for the key itself: it would show in the process
    list.

    With --account (or the preset claude-account): a login of Claude Code's own, for which nothing
    but a directory is stored.
    """
    inputs = current_inputs()
    listed = saving.load_writable(inputs, new=True)
    fields = given_fields(**given)
    check_key_options(fields, token_stdin, keyring)
    new = _EntryBuilder(
        inputs, listed, fields, token_stdin=token_stdin, keyring=keyring, check=not no_check
    )
    entry = new.entry(preset)

    def save(reference: str = "") -> None:
        if reference:
            Fields(token_from=reference).apply(entry)
        saving.save(inputs, listed, lambda listed: listed.entries.append(dict(entry)))

    if keyring:
        securing.save_with_key(inputs, entry["name"], entry["authToken"], save)
    else:
        save()
    name = entry["name"]
    account = Provider(entry) if accounts.is_account(entry) else None
    place = f" ({accounts.place(account)})" if account else ""
    say(f"cowork-env: added {visible(name)}{place}")
    if listed.catalog and any(words(entry) & words(other) for other in listed.catalog.entries):
        say(f"It is used instead of the one in the catalogue {listed.catalog.where}.")
    # Of a login nothing can be tried; what is known is said.
    usable = _say_login(account, inputs) if account is not None else True
    if not interactive():
        return
    if account is None and not no_check:
        usable = saving.check(inputs, name)
    if usable:
        next_steps.ask_where(inputs, name)
        next_steps.say_next(name)
    else:
        next_steps.say_commands(name)


class _EntryBuilder:
    """How the entry of a new provider comes about: from options and a preset, and, on a terminal,
    from what the user is asked for. Whatever can fail does so before the key is asked for.
    """

    def __init__(
        self,
        inputs: Inputs,
        listed: Providers,
        fields: Fields,
        *,
        token_stdin: bool,
        keyring: bool,
        check: bool,
    ) -> None:
        self.inputs, self.listed, self.fields = inputs, listed, fields
        self.token_stdin, self.keyring = token_stdin, keyring
        self.asks_endpoint = check and interactive()

    def entry(self, preset_id: str | None) -> Entry:
        """The entry, as it is saved."""
        fields = self.fields
        self._check_url()
        if preset_id is None and interactive() and self._is_open():
            preset_id = _pick_preset()
        preset = self._filled_preset(preset_id) if preset_id is not None else None
        entry = fields.new_entry(preset)
        check_kind(fields, account=accounts.is_account(entry))
        if accounts.is_account(entry):
            return self._account(entry)
        self._name(entry, known=bool(preset))
        if not entry["baseUrl"] and not needs_no_endpoint(entry["env"]):
            if not interactive():
                hint = "See 'cowork-env presets' for what needs only a key."
                raise usage_error("Missing --base-url.", hint)
            entry["baseUrl"], insecure = ask_url("Base URL", bool(fields.allow_insecure))
            entry["allowInsecure"] = insecure or None
        self._try(entry)
        self._key(entry, preset)
        if interactive():
            self._models(entry, preset)
        return without_empty(entry)

    def _is_open(self) -> bool:
        """Whether no option says what kind of provider it is to be."""
        fields = self.fields
        return not (
            fields.base_url
            or fields.makes_account({})
            or fields.config_dir is not None
            or needs_no_endpoint(fields.env)
        )

    def _check_url(self) -> None:
        """Check the option ``--base-url``; on a terminal, ask for consent that it needs."""
        url, insecure = self.fields.base_url, bool(self.fields.allow_insecure)
        if not url:
            return
        try:
            rules.check_base_url(url, insecure or interactive())
        except InvalidField as error:
            raise usage_error(f"The value of --base-url {error.why}.", error.hint) from None
        if not insecure and not is_encrypted_or_local(url):
            if not consents_to(url):
                raise CoworkEnvError("Nothing was added.")
            self.fields.allow_insecure = True

    def _filled_preset(self, preset_id: str) -> Preset:
        """The preset with the options' URL and variables; asks for what fills its places."""
        fields, preset = self.fields, presets.get(preset_id)
        if preset.format == presets.OPENAI:
            _explain_gateway(preset)
        if presets.URL in preset.needs and not fields.base_url and interactive():
            preset.base_url, insecure = ask_url(
                preset.needs[presets.URL], bool(fields.allow_insecure), preset.base_url
            )
            fields.allow_insecure = insecure or fields.allow_insecure
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
            answers[place] = ask(preset.needs[place], presets.check_place)
        return preset.fill(answers)

    def _account(self, entry: Entry) -> Entry:
        """The entry of an account; on a terminal, asks for its directory and its name.

        With a name, nothing is missing: without a directory it is the default login.
        """
        fields = self.fields
        has_token = self.token_stdin or self.keyring or bool(fields.token_from)
        if fields.config_dir is None and fields.name is None and not has_token and interactive():
            question = f"{accounts.DIRECTORY_QUESTION}, Enter for the default login"
            entry["configDir"] = ask(question, check_answered_directory, default="")
        if fields.name is None:
            entry["name"] = accounts.suggested_name(entry["configDir"] or "", has_token)
            if interactive():
                entry["name"] = ask("Name", self._free_name, default=entry["name"])
        self._name(entry, known=True)
        self._try(entry)
        entry["authToken"] = read_key(
            fields, self.token_stdin, "", self.keyring, account=True, about=visible(entry["name"])
        )
        return without_empty(entry)

    def _free_name(self, name: str) -> str:
        """A valid name that no provider has; raises what :func:`ask` takes for a refusal."""
        name = rules.check_name(name)
        store.check_free(name, self.listed)
        return name

    def _name(self, entry: Entry, *, known: bool) -> None:
        """Check the name, from an option or (``known``) from a preset; on a terminal, ask for one
        that is missing, and for another one if there is a provider of that name.
        """
        name = entry["name"]
        if not name:
            if not interactive():
                hint = "See 'cowork-env presets' for what needs only a key."
                raise usage_error("Missing --name.", hint)
            entry["name"] = ask("Name", self._free_name)
            return
        try:
            name = rules.check_name(name)
        except InvalidField as error:
            raise usage_error(f"The value of --name {error.why}.", error.hint) from None
        try:
            store.check_free(name, self.listed)
        except CoworkEnvError as error:
            if not interactive():
                raise
            say(visible(error.message, 1000))
            name = ask("Another name", self._free_name, default=self._similar_name(name))
        entry["name"] = name

    def _similar_name(self, name: str) -> str:
        """A name that is free: ``OpenRouter 2``."""
        for number in range(2, len(self.listed.entries) + 3):
            try:
                return self._free_name(f"{name} {number}")
            except CoworkEnvError:
                continue
        return ""

    def _try(self, entry: Entry) -> None:
        """Raise what saving the entry would, with any key."""
        from .. import models

        tried = without_empty(entry)
        if "authTokenFrom" not in tried and tried.get("baseUrl"):
            tried["authToken"] = "any"
        try:
            models.tidy(tried)
        except InvalidField as error:
            raise store.refused(tried, error) from None

    # The key and the models

    def _key(self, entry: Entry, preset: Preset | None) -> None:
        self.question = preset.needs.get(presets.KEY, "") if preset else "Key"
        if not entry["baseUrl"]:  # a cloud, with credentials of its own
            self.question = ""
        about = about_key(entry["name"], entry["baseUrl"] or "")
        if token := read_key(
            self.fields, self.token_stdin, self.question, self.keyring, about=about
        ):
            entry["authToken"] = token

    def _models(self, entry: Entry, preset: Preset | None) -> None:
        """Ask for the default model, as a choice of those that the endpoint lists where it does.

        A preset's own is taken, unless the endpoint lists others only.
        """
        question = preset.needs.get(presets.MODEL, "") if preset else "Default model"
        missing = bool(question) and not entry["defaultModel"] and self.fields.default_model is None
        # A key that was typed is tried at once; a reference only for the sake of the models.
        typed = not entry["authTokenFrom"]
        offer = self._offer(entry) if typed or self.fields.default_model is None else None
        offered = offer.models if offer else []
        if offer and not offered and missing:
            say(offer.why)
        if offered and self.fields.default_model is None:
            missing = self._drop_unlisted(entry, offered) or missing
        if not missing:
            return
        if not entry["models"] and self._takes_tiers(entry, offered):
            return
        entry["defaultModel"] = choose_model(question or "Default model", offered)

    def _drop_unlisted(self, entry: Entry, offered: list[str]) -> bool:
        """Take away a preset's models if its default model is not offered; whether that is so."""
        default = entry["defaultModel"]
        if not default or default in offered:
            return False
        say(f"The endpoint does not list {visible(default)}.")
        given = self.fields.models
        entry["models"] = {
            tier: model
            for tier, model in entry["models"].items()
            if tier in given or model in offered
        }
        return True

    def _takes_tiers(self, entry: Entry, offered: list[str]) -> bool:
        """Propose the models that are the tiers by their names; whether the user takes them."""
        tiers = tiers_among(offered)
        if not tiers or Url(entry["baseUrl"]).host == ANTHROPIC_HOST:
            return False
        shown = ", ".join(f"{visible(model)} for {tier}" for tier, model in tiers.items())
        if not confirm(f"Use {shown}?", default=True):
            return False
        entry["models"] = tiers
        entry["defaultModel"] = tiers.get("sonnet") or next(iter(tiers.values()))
        return True

    def _offer(self, entry: Entry) -> Offer | None:
        """What the endpoint lists; asks for the key again if that is rejected.

        None where the endpoint is not asked.
        """
        if not self.asks_endpoint or not entry["baseUrl"]:
            return None
        key = entry["authToken"] or self._fetched(entry)
        if not key:
            return None
        offer = self._ask_endpoint(entry, key)
        while offer.code == "key" and not entry["authTokenFrom"]:
            say(offer.why)
            question = f"{self.question or 'Key'}, Enter keeps it"
            if not (key := ask_key(question, default="")):
                break
            entry["authToken"] = key
            offer = self._ask_endpoint(entry, key)
        return offer

    def _ask_endpoint(self, entry: Entry, key: str) -> Offer:
        """Ask the endpoint, a second time if it takes the key in the other style only."""
        offer = ask_endpoint(without_empty(entry), key, self.inputs.env)
        if offer.code == "key-style" and self.fields.auth is None:
            say(f"{offer.why} That is changed.")
            entry["auth"] = API_KEY if (entry["auth"] or BEARER) == BEARER else BEARER
            offer = ask_endpoint(without_empty(entry), key, self.inputs.env)
        return offer

    def _fetched(self, entry: Entry) -> str:
        """The key that a reference leads to; empty, with a message, if it cannot be had now."""
        if not entry["authTokenFrom"]:
            return ""
        try:
            return fetch_key(Provider(without_empty(entry)), self.inputs)
        except CoworkEnvError as error:
            say(f"The key is {visible(error.message, 1000)} {visible(error.hint, 1000)}".rstrip())
            return ""


def _pick_preset() -> str | None:
    """Let the user choose a preset; None for an endpoint that has none."""
    choices = []
    for preset in presets.all_presets():
        place = preset.base_url or ("a login" if preset.id == "claude-account" else "no URL")
        gateway = " (needs a gateway)" if preset.format == presets.OPENAI else ""
        choices.append(Choice(preset.id, f"{preset.name}, {place}{gateway}"))
    choices.append(Choice(ANOTHER, "asks for its name and URL"))
    chosen = pick("Which provider?", choices)
    return None if chosen == ANOTHER else chosen


def _explain_gateway(preset: Preset) -> NoReturn:
    """Say how an endpoint in OpenAI's format is reached, and end the command."""
    message = f"{preset.name} speaks OpenAI's format, and clients speak Anthropic's."
    if not interactive():
        raise usage_error(message, presets.gateway_hint(preset.base_url))
    key, *commands = presets.gateway_commands(preset.base_url)
    say(f"cowork-env: {message}\n{presets.gateway_introduction(key)}:")
    for command in commands:
        say(f"  {command}")
    sys.exit(USAGE)


def _say_login(account: Provider, inputs: Inputs) -> bool:
    """Say which login an account has, or how to log in; whether it has one."""
    if account.has_key:
        return True
    from ..doctor import login

    try:
        check_login_directory(account, inputs.home)
    except CoworkEnvError as error:
        say(f"It cannot be used yet: {error.message}\n{error.hint}".rstrip())
        return False
    found = login.find(account, inputs)
    if found is not None and found.usable:
        say(f"It is logged in{found.who}.")
        return True
    say(f"Log in: {accounts.login_command(account)}")
    say("Or start 'claude' in the same way, and type /login.")
    return False
