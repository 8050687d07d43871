"""``import``: add providers from elsewhere, after showing what will be added."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from .. import accounts, importers, store
from ..core import providers, resolve
from ..core.provider import API_KEY, Provider, name_argument
from ..importers import claude_settings
from ..masking import shown_reference, shown_token, shown_url, shown_value
from ..util.errors import CoworkEnvError
from ..util.text import argument, visible
from . import next_steps, saving
from .errors import usage_error
from .inputs import check_no_key, current_inputs
from .options import complete_source, examples, yes_option
from .output import say, say_lines
from .progress import working
from .prompts import Choice, confirm, interactive, pick_several
from .provider_options import no_check_option
from .table import Table, print_table, table_lines

if TYPE_CHECKING:
    from ..core.providers import Providers
    from ..core.resolve import Inputs
    from ..importers.entries import Entry, Found
    from ..importers.plan import Plan

_MAX_CHECKS = 3  # providers that are tried out; more are doctor's work
_NOT_ADDED = "Nothing was added."


class _ImportOptions(NamedTuple):
    name: str | None
    dry_run: bool
    yes: bool
    check: bool
    clean: bool


@click.command(
    epilog=examples(
        "cowork-env import                      # what there is to import; choose",
        "cowork-env import claude-settings      # env in ~/.claude/settings.json",
        "cowork-env import claude-settings --clean-settings -y",
        "cowork-env import env --name work      # ANTHROPIC_* of this shell",
        "cowork-env import cc-switch --dry-run",
        "cowork-env import ~/backup/providers.json --yes",
    )
)
@click.argument(
    "source",
    required=False,
    metavar="[SOURCE|FILE]",
    shell_complete=complete_source,
)
@click.option("--name", metavar="NAME", help="The provider's name here, if there is only one.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and change nothing.")
@yes_option
@click.option(
    "--clean-settings",
    is_flag=True,
    help="With claude-settings: take what is now the provider's out of that file, keeping a copy.",
)
@no_check_option
def command(
    source: str | None,
    name: str | None,
    dry_run: bool,
    yes: bool,
    clean_settings: bool,
    no_check: bool,
) -> None:
    """Import providers from elsewhere.

    Shows what will be added, with the keys masked, and what becomes of everything else, and adds
    it. Without a source, lists what there is.

    \b
    SOURCE is one of:
      claude-settings, env, cc-switch, claude-code-router, ccs, claude-acc,
      api-config (the desktop app's older file)

    FILE is a file of any of these, or another providers.json, recognized by its content. The source
    is not changed, unless you agree to it for Claude Code's settings. Each provider gets a new id.
    Variables that could do harm in a shared list, and references to keys, are left out, and named.
    """
    inputs = current_inputs()
    if not dry_run:
        store.writable(inputs)
    if clean_settings and source != importers.CLAUDE_SETTINGS:
        raise usage_error(f"--clean-settings is for 'import {importers.CLAUDE_SETTINGS}' only.")
    check_no_key("The value of --name", name)
    check = interactive() and not no_check
    options = _ImportOptions(name, dry_run, yes, check, clean_settings)
    if source is not None:
        with working("Reading"):
            found = importers.read(source, inputs)
        _import(inputs, source, found, found.entries, options)
        return
    if yes or name is not None:
        raise usage_error(
            "Missing the source.", f"One of {', '.join(importers.SOURCES)}, or a file."
        )
    _choose(inputs, options)


def _choose(inputs: Inputs, options: _ImportOptions) -> None:
    """List what all sources have, and let the user choose, if on a terminal."""
    from ..importers.plan import Plan

    with working("Looking for providers"):
        sources, failed = importers.read_all(inputs)
    listed = providers.load_own(inputs.env, inputs.config_dir, new=True)
    asks = interactive() and not options.dry_run
    table, new = Table("Source", "Provider", "Base URL", ""), []
    for source, found in sources.items():
        obstacles = Plan(found, found.entries, listed).obstacles
        for entry, obstacle in zip(found.entries, obstacles, strict=True):
            if not obstacle:
                new.append((source, entry))
            if obstacle or not asks:  # else it is offered below
                table.add(source, str(entry.get("name")), _shown_place(entry), obstacle)
        if not found.entries:
            table.add(source, "", "", " ".join(found.notes))
    if table.rows:
        print_table(table)
    for source, error in failed.items():
        say(f"{source}: {error.message} {error.hint}".rstrip())
    for path in claude_settings.in_project(inputs):
        say(
            f"A settings file of this directory sets a provider, too. If you trust it: "
            f"{claude_settings.hint_for(os.path.relpath(path, inputs.directory))}"
        )
    if not new:
        say("There is nothing new to import from here. A file: cowork-env import FILE")
    elif options.dry_run:
        for source, found in sources.items():
            say(f"{source}:")
            _import(inputs, source, found, found.entries, options)
    elif asks:
        _import_chosen(inputs, sources, new, options)
    else:
        say("To import:")
        for source in dict.fromkeys(source for source, _ in new):
            say(f"  cowork-env import {argument(source, 'SOURCE')} --yes")


def _import_chosen(
    inputs: Inputs,
    sources: dict[str, Found],
    new: list[tuple[str, Entry]],
    options: _ImportOptions,
) -> None:
    choices: dict[str, Choice] = {}
    for source, entry in new:
        name = str(entry["name"])
        label = f"{name} ({source})" if name in choices else name
        label = f"{label} {len(choices) + 1}" if label in choices else label
        choices[label] = Choice(label, f"{source}, {_shown_place(entry)}")
    shown = list(choices.values())
    if len(shown) > 1:
        chosen_labels = pick_several("Import which?", shown)
    else:  # It is asked about below.
        say(shown[0].title)
        chosen_labels = list(choices)
    picked = {i for i, label in enumerate(choices) if label in chosen_labels}
    if not picked:
        say(_NOT_ADDED)
    for source, found in sources.items():
        chosen = [entry for i, (of, entry) in enumerate(new) if of == source and i in picked]
        if chosen:
            _import(inputs, source, found, chosen, options)


def _shown_place(entry: Entry) -> str:
    """Where an entry sends requests, or its login, as it may be shown."""
    if accounts.is_account(entry):
        return f"login in {entry['configDir']}" if entry.get("configDir") else "login"
    return shown_url(str(entry.get("baseUrl", "")))


def _import(
    inputs: Inputs, source: str, found: Found, entries: list[Entry], options: _ImportOptions
) -> None:
    """Show what becomes of what was found, and add ``entries``."""
    from ..importers.plan import Plan, renamed

    _show_settings(found)
    for note in found.notes:
        say(note)
    entries = entries if options.name is None else renamed(entries, options.name)
    plan = Plan(found, entries, providers.load_own(inputs.env, inputs.config_dir, new=True))
    for note in plan.notes:
        say(note)
    for error in plan.refused:
        say(f"Left out: {error.message} {error.hint}".rstrip())
    if options.name is not None:
        plan.require_name(options.name)
    if options.dry_run:
        for entry in plan.added:
            say("\n".join(_described(entry)))
        say(f"{len(plan.added)} would be added; nothing was changed (--dry-run).")
        _clean(inputs, source, plan, options)
        return
    if not plan.added:
        if plan.refused:
            raise CoworkEnvError(_NOT_ADDED)
        say("There is nothing to add.")
    elif not _confirmed(plan, options.yes):
        say(_NOT_ADDED)
        return
    else:
        _add(inputs, plan, options)
    selected = _clean(inputs, source, plan, options)
    if selected:
        next_steps.say_next(selected)
    elif plan.added and interactive():
        next_steps.say_commands(plan.added[0]["name"])
    if plan.refused:
        raise CoworkEnvError(f"{len(plan.refused)} could not be added.", "See above.")


def _show_settings(found: Found) -> None:
    if found.settings:
        table = Table("Setting", "")
        for name, outcome in found.settings:
            table.add(name, outcome)
        say_lines(table_lines(table, sys.stderr))


def _add(inputs: Inputs, plan: Plan, options: _ImportOptions) -> None:
    def add(listed: Providers) -> None:
        listed.entries.extend(dict(entry) for entry in plan.added)

    store.edit(inputs, add)
    names = [entry["name"] for entry in plan.added]
    say(f"cowork-env: added {', '.join(map(visible, names))}; the source is unchanged")
    if options.check:
        tried = [entry["name"] for entry in plan.added if not accounts.is_account(entry)]
        for name in tried[:_MAX_CHECKS]:
            saving.check(inputs, name)
        if len(tried) > _MAX_CHECKS:
            say("The others: cowork-env doctor --all")


def _confirmed(plan: Plan, yes: bool) -> bool:
    """Show what will be added, and ask whether to, unless ``yes``."""
    for entry in plan.added:
        say("\n".join(_described(entry)))
    if yes:
        return True
    if not interactive():
        raise usage_error("Nothing was added: not on a terminal.", "Pass --yes to add this.")
    what = "it" if len(plan.added) == 1 else f"these {len(plan.added)}"
    return confirm(f"Add {what}?", default=True)


def _clean(inputs: Inputs, source: str, plan: Plan, options: _ImportOptions) -> str:
    """Take what is now the provider's out of Claude Code's settings, if the user agrees.

    The provider that the user then selects, or empty.
    """
    from ..importers.cleaning import Cleaning

    entry = next(iter([*plan.added, *plan.present]), None)
    if source != importers.CLAUDE_SETTINGS or entry is None:
        return ""
    cleaning = Cleaning(claude_settings.path_of(inputs), inputs.home, entry)
    if not cleaning.names:
        return ""
    asks = interactive() and not options.yes and not options.dry_run
    if not asks and not options.clean:
        say(
            f"{cleaning.where} still sets them, for a 'claude' without a provider. To take them "
            f"out: cowork-env import {argument(source, 'SOURCE')} --clean-settings"
        )
        return ""
    say(f"In {cleaning.where}, {_them(len(cleaning.names))} no longer needed:")
    for line in cleaning.diff():
        say(line)
    if options.dry_run:
        return ""
    if not asks and not options.yes:
        raise usage_error("Nothing was taken out: not on a terminal.", "Pass --yes, too.")
    if asks and not confirm("Take them out, keeping a copy of the file?"):
        say(f"{cleaning.where} is unchanged.")
        return ""
    backup = cleaning.write()
    say(f"cowork-env: changed {cleaning.where}; as it was: {backup}")
    name = str(entry["name"])
    say("Where no provider applies, 'claude' no longer uses this endpoint but its own login.")
    question = f"Use {visible(name)} wherever no pin applies?"
    if asks and confirm(question, default=not resolve.read_selection(inputs.state_dir)):
        saving.select(inputs, name)
        saving.say_selected(name)
        return name
    if not (plan.added and interactive()):  # else that is said at the end
        say(f"To use the provider there: cowork-env use {name_argument(name)}")
    return ""


def _them(count: int) -> str:
    return "this line is" if count == 1 else f"these {count} are"


def _described(entry: dict[str, Any]) -> list[str]:
    """A valid entry in lines, its key masked."""
    provider = Provider(entry)
    key = shown_reference(provider.token_from) or shown_token(provider.token)
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
    rows = [(visible(label), visible(value)) for label, value in rows if value]
    width = max((len(label) for label, _ in rows), default=0)
    lines = [f"  {label:{width}}  {value}" for label, value in rows]
    return [visible(provider.name), *lines]
