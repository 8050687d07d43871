"""``import``: take providers over from elsewhere. The source is only read; what will be added is shown first."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from .. import overrides, store
from ..core import providers, resolve
from ..core.environment import ACTIVE, BASE_URL, CREDENTIALS, MODEL, STATE, TIER_MODELS, Activation
from ..core.provider import (
    API_KEY,
    CLOUD_SWITCHES,
    CREDENTIAL,
    InvalidField,
    Provider,
    repaired,
    split_url,
)
from ..util import jsontext
from ..util.errors import CoworkEnvError
from ..util.text import tilde, visible
from .common import context, examples, interactive, mask, say, shown_value, usage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..core.providers import Providers
    from ..core.resolve import Inputs

    Entry = dict[str, Any]

ANTHROPIC_URL = "https://api.anthropic.com"
SETTINGS, ENVIRONMENT, CC_SWITCH = "claude-settings", "env", "cc-switch"
# What may belong to a provider beside URL, key and models. All else in an environment belongs to somebody else.
_EXTRAS = (
    "API_TIMEOUT_MS",
    "CLAUDE_CODE_MAX_CONTEXT_TOKENS",
    "CLAUDE_CODE_MAX_OUTPUT_TOKENS",
    "ANTHROPIC_CUSTOM_HEADERS",
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC",
    *CLOUD_SWITCHES,
    "AWS_REGION",
    "AWS_PROFILE",
    "CLOUD_ML_REGION",
    "ANTHROPIC_VERTEX_PROJECT_ID",
    "ANTHROPIC_FOUNDRY_RESOURCE",
)
_SMALL = "ANTHROPIC_SMALL_FAST_MODEL"  # the haiku tier's older name


def from_variables(env: Mapping[str, str], name: str = "") -> Entry | None:
    """The entry that the variables of an environment or a settings file amount to; None where they make no provider."""
    entry: Entry = {"name": name}
    for auth, variable in CREDENTIAL.items():
        if env.get(variable):
            entry["authToken"] = env[variable]
            if auth == API_KEY:
                entry["auth"] = auth
            break
    extras = {n: env[n] for n in _EXTRAS if env.get(n)}
    if "authToken" not in entry and not any(overrides.is_on(extras.get(n)) for n in CLOUD_SWITCHES):
        return None
    url = env.get(BASE_URL) or (ANTHROPIC_URL if "authToken" in entry else "")
    if url:
        entry["baseUrl"] = url
    entry["name"] = name or _name_for(url, extras)
    if env.get(MODEL):
        entry["defaultModel"] = env[MODEL]
    models = {tier: env[variable] for tier, variable in TIER_MODELS.items() if env.get(variable)}
    if env.get(_SMALL):
        models.setdefault("haiku", env[_SMALL])
    if models:
        entry["models"] = models
    if extras:
        entry["env"] = extras
    return entry


def _name_for(url: str, extras: Mapping[str, str]) -> str:
    """A name from what is there: the endpoint's host, or the cloud."""
    host = split_url(url)[1].rpartition("@")[2]
    cloud = next(
        (n.removeprefix("CLAUDE_CODE_USE_").capitalize() for n in CLOUD_SWITCHES if extras.get(n)),
        "",
    )
    return "Anthropic" if host == "api.anthropic.com" else host or cloud or "imported"


def from_settings(path: str, inputs: Inputs) -> list[Entry]:
    """The provider that a Claude Code settings file describes."""
    return _of_settings(overrides.load(path, inputs.home), tilde(path, inputs.home))


def _of_settings(document: Mapping[str, Any], where: str, name: str = "") -> list[Entry]:
    entry = from_variables(overrides.env_of(document), name)
    if entry is not None:
        return [entry]
    if document.get("apiKeyHelper"):
        raise CoworkEnvError(
            f"{where} gets its key from an apiKeyHelper, which cannot be taken over.",
            "Add the provider with 'cowork-env add --token-from cmd:PROGRAM'.",
        )
    raise CoworkEnvError(f"{where} sets no key in its env block.", "There is nothing to take over.")


def from_environment(inputs: Inputs) -> list[Entry]:
    """The provider that this environment's own variables describe, without what an active provider made of them."""
    env = inputs.env
    if (env.get(STATE) or env.get(ACTIVE)) and Activation.decode(env.get(STATE, "")) is None:
        raise CoworkEnvError(
            f"It cannot be told which variables are your own: {ACTIVE} is set, and {STATE} is missing or damaged.",
            "Try it in a new shell, outside of every pin.",
        )
    entry = from_variables(resolve.original_env(env))
    if entry is None:
        ours = " beside those of the provider that is active" if env.get(STATE) else ""
        raise CoworkEnvError(
            f"Neither {CREDENTIALS[0]} nor {CREDENTIALS[1]} is set{ours}.",
            "There is nothing to take over.",
        )
    return [entry]


def from_file(path: str, inputs: Inputs) -> list[Entry]:
    """The providers in a file: a provider file in any of its forms, the desktop app's single configuration, a
    settings file, or cc-switch's."""
    path = os.path.abspath(path)
    where = tilde(path, inputs.home)
    try:
        data = providers.read_bytes(path, where)
    except FileNotFoundError:
        raise CoworkEnvError(
            f"There is no file {where}.",
            f"Name a file, or one of {SETTINGS}, {ENVIRONMENT}, {CC_SWITCH}.",
        ) from None
    text = jsontext.decode(data, where)
    document = jsontext.parse(text, where)
    if isinstance(document, dict):
        if "apiKey" in document or "baseURL" in document:
            return [_of_single(document, where)]
        if isinstance(document.get("env"), dict) and "baseUrl" not in document:
            return _of_settings(document, where)
        if (
            "claude" in document
            or "apps" in document
            or isinstance(document.get("providers"), dict)
        ):
            return _of_cc_switch(document, where)
    return list(providers.Providers(text, path, where).entries)


def _of_single(document: Mapping[str, Any], where: str) -> Entry:
    """The desktop app's api-config.json: one provider, in words of its own."""
    kind = document.get("apiType")
    if isinstance(kind, str) and kind.lower() not in ("", "anthropic", "claude"):
        raise CoworkEnvError(
            f"{where} is for an endpoint of the type '{visible(kind)}'.",
            "Only endpoints with Anthropic's Messages API work; put a proxy such as LiteLLM before it.",
        )
    entry: Entry = {
        "name": "",
        "baseUrl": document.get("baseURL") or ANTHROPIC_URL,
        "authToken": document.get("apiKey"),
    }
    if document.get("model"):
        entry["defaultModel"] = document["model"]
    if (
        not isinstance(entry["baseUrl"], str)
        or not isinstance(entry["authToken"], str)
        or not entry["authToken"]
    ):
        raise CoworkEnvError(f"{where} has no apiKey or no baseURL that is text.")
    entry["name"] = _name_for(entry["baseUrl"], {})
    return entry


def from_cc_switch(inputs: Inputs) -> list[Entry]:
    """cc-switch's providers for Claude Code: from its database, or the file that older versions kept."""
    folder = os.path.join(inputs.home, ".cc-switch")
    database, config = os.path.join(folder, "cc-switch.db"), os.path.join(folder, "config.json")
    if os.path.isfile(database):
        return _of_rows(_rows(database, tilde(database, inputs.home)))
    if os.path.lexists(config):
        return from_file(config, inputs)
    raise CoworkEnvError(
        f"There is neither {tilde(database, inputs.home)} nor {tilde(config, inputs.home)}."
    )


def _rows(path: str, where: str) -> list[tuple[str, str]]:
    """Name and settings (as text) of cc-switch's providers for Claude Code."""
    import sqlite3
    from contextlib import closing
    from urllib.parse import quote

    # Opened for reading, a database with a write-ahead log would still get files beside it.
    wal = path + "-wal"
    if os.path.exists(wal) and os.path.getsize(wal):
        raise CoworkEnvError(f"{where} is in use.", "Quit cc-switch and try again.")
    try:
        with closing(
            sqlite3.connect(f"file:{quote(path)}?mode=ro&immutable=1", uri=True)
        ) as connection:
            query = "SELECT name, settings_config FROM providers WHERE app_type = 'claude' ORDER BY rowid LIMIT 1000"
            found = connection.execute(query).fetchall()
    except sqlite3.Error:
        raise CoworkEnvError(
            f"{where} is not a cc-switch database that this version of cowork-env can read.",
            f"Select a provider in cc-switch and run 'cowork-env import {SETTINGS}' instead.",
        ) from None
    return [(n, s) for n, s in found if isinstance(n, str) and isinstance(s, str)]


def _of_rows(rows: list[tuple[str, str]]) -> list[Entry]:
    entries = []
    for name, text in rows:
        try:
            settings = jsontext.parse(text, f"cc-switch's provider '{visible(name)}'")
        except CoworkEnvError as error:
            say(f"{error.message} It is left out.")
            continue
        entries += _of_switched(name, settings)
    return entries


def _of_cc_switch(document: Mapping[str, Any], where: str) -> list[Entry]:
    """The older versions' file: ``{claude: {providers: {id: {name, settingsConfig}}}}``, the oldest without ``claude``."""
    apps = document.get("apps")
    app = (apps if isinstance(apps, dict) else document).get("claude", document)
    listed = app.get("providers") if isinstance(app, dict) else None
    if not isinstance(listed, dict):
        raise CoworkEnvError(
            f"{where} is not a configuration of cc-switch that this version of cowork-env can read."
        )
    entries = []
    for key, item in listed.items():
        if isinstance(item, dict):
            name = item.get("name")
            entries += _of_switched(
                name if isinstance(name, str) else key, item.get("settingsConfig")
            )
    return entries


def _of_switched(name: str, settings: object) -> list[Entry]:
    entry = from_variables(overrides.env_of(settings), name) if isinstance(settings, dict) else None
    if entry is None:
        say(f"cc-switch's provider '{visible(name)}' holds no key; it is left out.")
        return []
    return [entry]


class Plan:
    """What is to be added, and what is not, with the reasons."""

    def __init__(self, entries: list[Entry], listed: Providers) -> None:
        from .. import models

        self.added: list[Entry] = []
        self.refused: list[CoworkEnvError] = []
        known: list[Any] = list(listed.entries)
        for entry in entries:
            if other := next((e for e in known if _same(e, entry)), None):
                say(f"{visible(entry['name'])} is there already, as '{visible(other['name'])}'.")
                continue
            try:
                entry = models.tidy(entry)
            except InvalidField as error:
                self.refused.append(store.refused(entry, error))
                continue
            entry["name"] = _free_name(entry["name"], known)
            self.added.append(entry)
            known.append(entry)


def _same(known: object, entry: object) -> bool:
    """Whether two entries send the same key to the same place."""
    try:
        one, two = Provider(known), Provider(entry)  # type: ignore[arg-type]  # it says so when they are no objects
    except InvalidField:
        return False
    return (repaired(one.base_url), one.token, one.token_from, one.env) == (
        repaired(two.base_url),
        two.token,
        two.token_from,
        two.env,
    )


def _free_name(name: str, known: list[Any]) -> str:
    """``name``, or the first of ``name 2``, ``name 3`` ... that is nobody's."""
    taken = {str(e.get("name", "")).strip().casefold() for e in known if isinstance(e, dict)}
    number, free = 1, name
    while free.casefold() in taken:
        number += 1
        free = f"{name} {number}"
    return free


def described(entry: Entry) -> list[str]:
    """An entry in lines for a person, its key masked."""
    provider = Provider(entry)
    rows = [("base URL", visible(provider.base_url))]
    key = visible(provider.token_from) if provider.token_from else mask(provider.token)
    rows.append(
        ("key", key + (" (sent as x-api-key)" if provider.auth == API_KEY else "") if key else "")
    )
    rows.append(("model", visible(provider.default_model)))
    rows += [(tier, visible(model)) for tier, model in provider.models.items()]
    rows += [(visible(n), visible(shown_value(n, v))) for n, v in provider.env.items()]
    return [visible(provider.name)] + [f"  {label:9} {value}" for label, value in rows if value]


@click.command(
    epilog=examples(
        "cowork-env import claude-settings      # env in ~/.claude/settings.json",
        "cowork-env import env --name work      # ANTHROPIC_* of this shell",
        "cowork-env import cc-switch",
        "cowork-env import ~/backup/providers.json --yes",
    )
)
@click.argument("source", metavar="claude-settings|env|cc-switch|FILE")
@click.option("--name", metavar="NAME", help="The provider's name here, if there is just one.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def command(source: str, name: str | None, yes: bool) -> None:
    """Take providers over from elsewhere.

    Shows what will be added, with the keys masked, and adds it. FILE is another providers.json or the desktop app's
    api-config.json. The source stays as it is.
    """
    inputs = context()
    store.writable(inputs)
    entries = _read(source, inputs)
    if name is not None:
        if len(entries) != 1:
            raise usage(f"--name is for one provider, and there are {len(entries)}.")
        if not isinstance(entries[0], dict):
            raise CoworkEnvError("That is not a provider.")
        entries = [entries[0] | {"name": name}]
    plan = Plan(entries, providers.load(inputs.env, inputs.config_dir))
    for error in plan.refused:
        say(f"Left out: {error.message}" + (f" {error.hint}" if error.hint else ""))
    if (
        name is not None
        and plan.added
        and plan.added[0]["name"].casefold() != name.strip().casefold()
    ):
        raise store.taken(name)
    if not plan.added:
        if plan.refused:
            raise CoworkEnvError("Nothing was added.")
        say("There is nothing to add.")
        return
    for entry in plan.added:
        say("\n".join(described(entry)))
    if not yes:
        if not interactive():
            raise usage("Nothing was added: there is nobody to ask.", "Pass --yes to add this.")
        if not click.confirm(
            f"Add {'it' if len(plan.added) == 1 else f'these {len(plan.added)}'}?",
            default=True,
            err=True,
        ):
            say("Nothing was added.")
            return

    def add(listed: Providers) -> None:
        listed.entries.extend(dict(entry) for entry in plan.added)

    store.edit(inputs, add)
    say(
        f"cowork-env: added {', '.join(visible(entry['name']) for entry in plan.added)}; the source is as it was"
    )
    if plan.refused:
        raise CoworkEnvError(f"{len(plan.refused)} could not be added.", "See above.")


def _read(source: str, inputs: Inputs) -> list[Entry]:
    if source == SETTINGS:
        path = os.path.join(overrides.user_directory(inputs.env), "settings.json")
        try:
            return from_settings(path, inputs)
        except FileNotFoundError:
            raise CoworkEnvError(f"There is no file {tilde(path, inputs.home)}.") from None
    if source == ENVIRONMENT:
        return from_environment(inputs)
    if source == CC_SWITCH:
        return from_cc_switch(inputs)
    return from_file(source, inputs)
