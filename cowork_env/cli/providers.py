"""The commands that change the providers and the selection."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

from .. import store
from ..core import provider as rules
from ..core import providers, resolve
from ..core.provider import BEARER, KEYS, TIERS, InvalidField, Provider
from ..core.providers import Providers
from ..core.resolve import Inputs
from ..util.errors import CoworkEnvError
from ..util.text import visible
from .common import (
    complete_provider,
    context,
    examples,
    interactive,
    pick,
    provider_argument,
    say,
    usage,
)
from .listing import shown_url

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

MAX_TOKEN = 64 << 10
TEXTS = {
    "name": "name",
    "base_url": "baseUrl",
    "default_model": "defaultModel",
    "auth": "auth",
    "token_from": "authTokenFrom",
}
FLAGS = {"verbatim_base_url": "verbatimBaseUrl", "allow_insecure": "allowInsecure"}


def _fields(function: F) -> F:
    """The options that say what a provider is; None where one is not given."""
    for option in reversed(
        (
            click.option("--name", metavar="NAME", help="What you call it."),
            click.option(
                "--base-url", metavar="URL", help="The endpoint; clients append /v1/messages."
            ),
            click.option("--default-model", metavar="MODEL"),
            *(
                click.option(f"--{tier}", metavar="MODEL", help=f"The model for the tier {tier}.")
                for tier in TIERS
            ),
            click.option(
                "--auth", metavar="STYLE", help="How the key is sent: bearer (as usual) or api-key."
            ),
            click.option("--token-stdin", is_flag=True, help="Read the key from standard input."),
            click.option(
                "--token-from",
                metavar="REF",
                help="Fetch the key instead: env:NAME, file:PATH, cmd:ARGV...",
            ),
            click.option(
                "--env",
                metavar="NAME=VALUE",
                multiple=True,
                help="One more variable while active. 'NAME=' leaves that variable alone; NAME asks for the value, hidden.",
            ),
            click.option(
                "--verbatim-base-url/--no-verbatim-base-url",
                default=None,
                help="Use the URL exactly as it is.",
            ),
            click.option(
                "--allow-insecure/--no-allow-insecure",
                default=None,
                help="Allow plain http to another machine.",
            ),
        )
    ):
        function = option(function)
    return function


def _complete_preset(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    from .. import presets

    return [preset.id for preset in presets.all_presets() if preset.id.startswith(incomplete)]


# add


@click.command(
    "add",
    epilog=examples(
        "cowork-env add openrouter               # asks for the key only",
        "cowork-env add                          # asks for everything",
        "cowork-env add deepseek --token-from file:~/.keys/deepseek",
        "cowork-env add --name Work --base-url https://ai.example --token-stdin <key",
    ),
)
@click.argument("preset", required=False, shell_complete=_complete_preset)
@_fields
@click.option(
    "--no-check", is_flag=True, help="Do not try it out afterwards, which is done on a terminal."
)
def add_command(preset: str | None, no_check: bool, **given: Any) -> None:
    """Add a provider: one of the presets, or any endpoint that speaks the Anthropic Messages API.

    On a terminal it asks for what is missing, the key hidden. There is no option for the key itself: it would show in
    the process list.
    """
    inputs = context()
    store.writable(inputs)
    check = interactive() and not no_check
    listed = providers.load(inputs.env, inputs.config_dir)
    entry = _new_entry(listed, preset, given, check)

    def change(listed: Providers) -> None:
        listed.entries.append(dict(entry))

    _save(inputs, listed, change)
    name = visible(entry["name"])
    say(f"cowork-env: added {name}")
    if interactive():
        word = rules.slug(entry["name"]) or f"'{name}'"
        say(
            f"For a directory and below: cowork-env pin {word}; wherever no pin applies: cowork-env use {word}"
        )
    if check:
        _try_out(inputs, entry["name"])


def _save(inputs: Inputs, listed: Providers, change: Callable[[Providers], T]) -> T:
    """Write a change, and tell when the file was open to others until then."""
    exposed = store.exposure(listed)
    result = store.edit(inputs, change)
    if exposed:
        say(
            f"cowork-env: {listed.where} was open to other people, with the keys in it; it is yours alone now"
        )
    return result


def _try_out(inputs: Inputs, name: str) -> None:
    """Let doctor look at a provider that was just saved; it is saved whatever comes of it."""
    from .doctor import check_after_add

    listed = providers.load(inputs.env, inputs.config_dir)
    try:
        check_after_add(listed, listed.find(name), inputs)
    except KeyboardInterrupt:
        say("\nNot checked.")


def _new_entry(
    listed: Providers, word: str | None, given: dict[str, Any], check: bool
) -> dict[str, Any]:
    """The entry that the options and the preset make, with what is missing asked for."""
    env, _ = _variables(given["env"])
    preset = None
    if word is not None:
        from .. import presets

        preset = presets.get(word)
        preset.base_url = given["base_url"] or preset.base_url
        preset.env |= env
        preset = _fill(preset)
    name = given["name"] or (preset.name if preset else "")
    name = (
        rules.check_name(name)
        if preset and not given["name"]
        else _missing("name", name, "Name", rules.check_name)
    )
    for other in listed.names():
        if other.casefold() == name.casefold():
            raise store.taken(other)

    entry: dict[str, Any] = dict.fromkeys(KEYS[1:])
    entry["name"] = name
    entry["env"] = preset.env if preset else env
    entry["baseUrl"] = given["base_url"] or (preset.base_url if preset else "")
    direct = _direct(entry["env"])
    if not direct or entry["baseUrl"]:
        insecure = bool(given["allow_insecure"])
        entry["baseUrl"] = _missing(
            "base-url",
            entry["baseUrl"],
            "Base URL",
            lambda url: rules.check_base_url(url, insecure),
        )
    auth = given["auth"] or (preset.auth if preset else BEARER)
    entry["auth"] = auth if auth != BEARER else None
    question = preset.needs.get("key", "") if preset else "Key"
    token, entry["authTokenFrom"] = _key(given, "" if direct else question)
    entry["authToken"] = token or (
        (preset.token if preset else "") if not entry["authTokenFrom"] else ""
    )
    entry["models"] = (preset.models if preset else {}) | {
        tier: given[tier] for tier in TIERS if given[tier]
    }
    entry["defaultModel"] = given["default_model"] or (preset.default_model if preset else "")
    question = preset.needs.get("model", "") if preset else "Default model"
    if not entry["defaultModel"] and given["default_model"] is None and question and interactive():
        entry["defaultModel"] = _ask_model(question, entry, check)
    for option, key in FLAGS.items():
        entry[key] = given[option] or None
    return {key: value for key, value in entry.items() if value}


def _fill(preset: Any) -> Any:
    """The preset with the places filled that the options have left open."""
    answers = dict.fromkeys(preset.places(), "x")
    for place in preset.places():
        mark = f"{{{place}}}"
        variables = [name for name, value in preset.env.items() if mark in value]
        if mark not in preset.base_url and not variables:
            continue
        if not interactive():
            option = f"--env {variables[0]}=..." if variables else "--base-url"
            raise usage(f"Missing {option} ({preset.needs[place]}).")
        answers[place] = _ask(preset.needs[place], str)
    return preset.fill(answers)


def _direct(env: dict[str, str]) -> bool:
    """Whether these variables alone make a provider, without a URL and a key."""
    try:
        return Provider({"name": "x", "env": env}).direct
    except InvalidField:
        return False


def _variables(given: tuple[str, ...]) -> tuple[dict[str, str], bool]:
    """The variables of ``--env``, and whether an empty one clears those that were there."""
    found: dict[str, str] = {}
    clear = False
    for text in given:
        name, equals, value = text.partition("=")
        if not text:
            found, clear = {}, True
            continue
        if not equals:
            if not interactive():
                raise usage(f"--env {visible(name)} has no value.", "Write it as NAME=VALUE.")
            value = _ask_hidden(f"Value of {visible(name)}")
        found[name] = value
    return found, clear


def _missing(option: str, value: str, question: str, check: Callable[[str], str]) -> str:
    """A value that has to be there: from its option, else by asking."""
    if value:
        try:
            return check(value)
        except InvalidField as error:
            raise usage(f"The value of --{option} {error.why}.", error.hint) from None
    if not interactive():
        raise usage(
            f"Missing --{option}.",
            "See 'cowork-env presets' for what needs only a key." if option == "base-url" else "",
        )
    return _ask(question, check)


def _ask(question: str, check: Callable[[str], str], default: str | None = None) -> str:
    """Ask until ``check`` takes the answer."""
    while True:
        answer = click.prompt(
            question, default=default, show_default=bool(default), err=True
        ).strip()
        try:
            return check(answer)
        except InvalidField as error:
            say(f"That {error.why}. {error.hint}".rstrip())


def _ask_hidden(question: str, default: str | None = None) -> str:
    text: str = click.prompt(
        f"{question} (hidden)", default=default, show_default=False, hide_input=True, err=True
    )
    return text.strip()  # what was copied often has a line break or a blank with it


def _ask_model(question: str, entry: dict[str, Any], check: bool) -> str:
    """Ask for the default model; from the list of what the endpoint offers where it tells."""
    offered: list[str] = []
    if check and entry["baseUrl"] and entry["authToken"]:
        from ..doctor import checkup

        say("Asking the endpoint for its models...")
        auth = entry["auth"] or BEARER
        offered = checkup.list_models(entry["baseUrl"], entry["authToken"], auth)
    if offered:
        other = "(none of these)"
        if (chosen := pick(question, [*offered, other])) != other:
            return chosen
    return _ask(f"{question}, Enter for none", rules.check_model, default="")


def _key(given: dict[str, Any], question: str) -> tuple[str, str]:
    """The key and the reference that the options give, one of them empty; asks where ``question`` is not."""
    if given["token_stdin"] and given["token_from"]:
        raise usage("--token-stdin and --token-from exclude each other.")
    if given["token_from"]:
        return "", given["token_from"]
    if given["token_stdin"]:
        return _token_from_stdin(), ""
    if not question:
        return "", ""
    if not interactive():
        raise usage(
            "Missing --token-stdin or --token-from.",
            "A key in an option would show in the process list.",
        )
    return _ask_key(question), ""


def _ask_key(question: str, default: str | None = None) -> str:
    while True:
        try:
            token = rules.check_token(_ask_hidden(question, default))
            if token or default is not None:
                return token
        except InvalidField as error:
            say(f"That {error.why}.")


def _token_from_stdin() -> str:
    if interactive():
        return _ask_key("Key")
    data = sys.stdin.buffer.read(MAX_TOKEN + 1)
    try:
        token = data.decode("utf-8").strip()
    except UnicodeDecodeError:
        raise usage("The key on standard input is not UTF-8.") from None
    if not token:
        raise usage("There is no key on standard input.")
    if len(data) > MAX_TOKEN:
        raise usage("What is on standard input is too long for a key.")
    return token


# edit, rename, remove


@click.command(
    "edit",
    epilog=examples(
        "cowork-env edit openrouter --default-model anthropic/claude-sonnet-5",
        "cowork-env edit work --token-stdin < key.txt",
        "cowork-env edit work --haiku ''          # takes the value away",
        "cowork-env edit work --env '' --env A=1  # these variables and no others",
        "cowork-env edit work --env CLAUDE_CODE_MAX_CONTEXT_TOKENS=200000",
    ),
)
@click.argument("provider", metavar="NAME", shell_complete=complete_provider)
@_fields
@click.option(
    "--no-check", is_flag=True, help="Do not try it out afterwards, which is done on a terminal."
)
def edit_command(provider: str, no_check: bool, **given: Any) -> None:
    """Change a provider. An empty value takes a field away; with no option, it asks on a terminal.

    A new key takes the place of a reference, and a reference that of a stored key.
    """
    inputs = context()
    store.writable(inputs)
    listed = providers.load(inputs.env, inputs.config_dir)
    entry = listed.entries[listed.find(provider)]
    token, reference = _key(given, "")
    if not any(
        value not in (None, (), False) or (key in FLAGS and value is False)
        for key, value in given.items()
    ):
        if not interactive():
            raise usage(
                "There is nothing to change.", "See 'cowork-env edit --help' for the options."
            )
        token = _ask_changes(entry, given)
    env, clear = _variables(given["env"])

    def change(listed: Providers) -> str:
        entry = listed.entries[listed.find(provider)]
        for option, key in TEXTS.items():
            _set(entry, key, given[option])
        for option, key in FLAGS.items():
            if given[option] is not None:
                _set(entry, key, given[option] or "")
        models = entry.get("models") if isinstance(entry.get("models"), dict) else {}
        for tier in TIERS:
            _set(models, tier, given[tier])
        if any(given[tier] is not None for tier in TIERS):
            _set(entry, "models", models or "")
        if given["env"]:
            old = entry.get("env") if isinstance(entry.get("env"), dict) and not clear else {}
            _set(entry, "env", old | env or "")
        if token:
            _set(entry, "authToken", token)
        if token or reference:
            entry.pop("authTokenFrom" if token else "authToken", None)
        return str(entry.get("name", "")).strip()

    was_selected = store.selected(inputs.state_dir, listed) == listed.find(provider)
    name = _save(inputs, listed, change)
    if was_selected:
        _follow(inputs, name)
    say(f"cowork-env: changed {visible(name)}")
    if interactive() and not no_check:
        _try_out(inputs, name)


def _set(values: dict[str, Any], key: str, value: Any) -> None:
    """Set a key, or take it away for an empty value; None leaves it."""
    if value == "":
        values.pop(key, None)
    elif value is not None:
        values[key] = value


def _ask_changes(entry: dict[str, Any], given: dict[str, Any]) -> str:
    """Ask for the fields that change most, and return the new key if there is one."""
    insecure = entry.get("allowInsecure") is True
    say("Enter keeps a value.")
    for option, question, check in (
        ("base_url", "Base URL", lambda url: rules.check_base_url(url, insecure) if url else ""),
        ("default_model", "Default model", rules.check_model),
    ):
        old = entry.get(TEXTS[option])
        if not isinstance(old, str) or (option == "base_url" and shown_url(old) != old):
            old = ""
        answer = _ask(question, check, default=visible(old))
        given[option] = answer if answer not in ("", visible(old)) else None
    return _ask_key("New key", default="")


@click.command("rename", epilog=examples("cowork-env rename openrouter 'OpenRouter (work)'"))
@click.argument("old", shell_complete=complete_provider)
@click.argument("new")
def rename_command(old: str, new: str) -> None:
    """Give a provider another name. The selection follows it; pins that name it have to be changed."""
    inputs = context()
    store.writable(inputs)
    listed = providers.load(inputs.env, inputs.config_dir)
    index = listed.find(old)
    before, selected = (
        visible(str(listed.entries[index].get("name", ""))),
        store.selected(inputs.state_dir, listed) == index,
    )

    def change(listed: Providers) -> None:
        listed.entries[listed.find(old)]["name"] = rules.check_name(new)

    try:
        _save(inputs, listed, change)
    except InvalidField as error:
        raise usage(f"The new name {error.why}.") from None
    name = rules.check_name(new)
    if selected:
        _follow(inputs, name)
    say(f"cowork-env: {before} is now {visible(name)}")
    if before.casefold() != name.casefold():
        say(
            f"Pins that say '{before}' have to be changed ('cowork-env pin' does it there); pins that say its id do not."
        )


@click.command(
    "remove", epilog=examples("cowork-env remove openrouter", "cowork-env remove openrouter --yes")
)
@provider_argument()
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
def remove_command(name: str, yes: bool) -> None:
    """Take a provider out, and its stored key with it. On a terminal it asks first."""
    inputs = context()
    store.writable(inputs)
    listed = providers.load(inputs.env, inputs.config_dir)
    index = listed.find(name)
    entry = listed.entries[index]
    shown = visible(str(entry.get("name") or name))
    if not yes and interactive():
        kept = " Its key is stored nowhere else by cowork-env." if entry.get("authToken") else ""
        if not click.confirm(f"Remove {shown}?{kept}", err=True):
            raise CoworkEnvError(f"{shown} was not removed.")
    was_selected = store.selected(inputs.state_dir, listed) == index

    def change(listed: Providers) -> None:
        found = listed.find(name)
        if listed.entries[found] != entry:
            raise CoworkEnvError(
                f"{shown} was changed meanwhile.", "Nothing was removed; look at it and try again."
            )
        del listed.entries[found]

    _save(inputs, listed, change)
    say(f"cowork-env: removed {shown}")
    if was_selected:
        store.select(inputs.state_dir, "")
        say("It was the selection; there is none now. Choose another with: cowork-env use")


# The selection


@click.command(
    "use",
    epilog=examples(
        "cowork-env use openrouter", "cowork-env use          # choose one", "cowork-env use none"
    ),
)
@provider_argument(required=False)
def use_command(name: str | None) -> None:
    """Choose the provider that is used where no pin applies: the selection. 'none' clears it."""
    inputs = context()
    listed = providers.load(inputs.env, inputs.config_dir)
    if not name:
        if not interactive():
            raise usage("Missing NAME.", "Name a provider, or 'none'.")
        if not listed.names():
            raise CoworkEnvError("There are no providers yet.", "Add one with 'cowork-env add'.")
        index = store.selected(inputs.state_dir, listed)
        current = listed.entries[index].get("name", "") if index is not None else ""
        name = pick(
            "Which provider where no pin applies?",
            [*listed.names(), rules.NONE],
            str(current).strip() or rules.NONE,
        )
    if not providers.selected(name):
        store.select(inputs.state_dir, "")
        say("cowork-env: no provider is selected")
        return
    chosen = listed.provider(listed.find(name))
    store.select(inputs.state_dir, chosen.id or chosen.name)
    say(f"cowork-env: {visible(chosen.name)} is used where no pin applies")
    found = resolve.resolve(inputs)
    if found.rule in (resolve.PIN, resolve.VARIABLE):
        say(f"Here, {found.source} goes before it.")


def _follow(inputs: Inputs, name: str) -> None:
    """Keep the selection on the provider which has this name now: by its id, which no name changes."""
    listed = providers.load(inputs.env, inputs.config_dir)
    entry = listed.entries[listed.find(name)]
    store.select(inputs.state_dir, entry.get("id") or name)
