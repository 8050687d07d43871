"""``list`` and ``show``: the providers, their keys masked."""

from __future__ import annotations

import sys

import click

from .. import accounts, store
from ..core import catalog, providers
from ..core.environment import ACTIVE
from ..core.provider import InvalidField
from ..core.providers import Providers
from ..core.resolve import Inputs
from ..masking import key_source, known_fields, shown_entry, shown_url
from ..util import jsontext
from ..util.errors import CoworkEnvError
from ..util.text import visible
from .errors import usage_error
from .inputs import current_inputs
from .options import examples, provider_argument
from .output import say, write_json
from .table import Cell, Table, labeled, print_lines, print_table
from .wrapping import display_width

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..core.provider import Provider

OWN, CATALOG = "own", "catalog"  # where a provider comes from, in the words of --json
STATES = {
    catalog.NEW: "new, so it needs 'cowork-env allow --provider NAME' before it is used",
    catalog.CHANGED: "changed, so it needs 'cowork-env allow --provider NAME' before it is used",
    catalog.AGREED: "agreed to",
}


@click.command("list", epilog=examples("cowork-env list", "cowork-env list --json"))
@click.option("--json", "as_json", is_flag=True, help="Print JSON, without keys.")
def list_command(as_json: bool) -> None:
    """List the providers, and which one is selected and which is active in this shell."""
    inputs = current_inputs()
    listed = providers.load(inputs.env, inputs.config_dir)
    if exposure := store.exposure(listed):
        say(f"cowork-env: {exposure}")
    selected = store.selected(inputs.state_dir, listed)
    rows = [_row(listed, i, i == selected, inputs) for i in range(len(listed.entries))]
    if listed.catalog and (problem := listed.catalog.error):
        say(f"cowork-env: {problem.message} {problem.hint}".rstrip())
    if as_json:
        write_json(rows)
        return
    if not rows:
        if not (listed.catalog and listed.catalog.error):
            say("There are no providers yet. Add one with: cowork-env add")
        return
    source = ("source",) if listed.catalog else ()
    table = Table("name", "base URL", "default model", *source, "")
    for row in rows:
        marks = [word for word in ("active", "selected") if row[word]]
        color = "green" if row["active"] else ""
        if row["state"] in (catalog.NEW, catalog.CHANGED):
            marks.append(row["state"])
            color = "yellow"
        if row["error"]:
            marks.append(f"invalid: {row['error']}")
            color = "red"
        name, model = row["name"], row["defaultModel"]
        url = row["baseUrl"] or (f"account: {row['account']}" if row["account"] else "")
        source = (row["source"],) if listed.catalog else ()
        table.add(name or "(no name)", url, model, *source, Cell(", ".join(marks), color))
    print_table(table)


def _row(listed: Providers, index: int, selected: bool, inputs: Inputs) -> dict[str, Any]:
    entry = listed.entries[index]
    error = state = account = key = ""
    try:
        provider = listed.valid(index)
        if provider.catalog:
            state = catalog.state(inputs.store, provider)
        if provider.account:
            account = accounts.place(provider)
        key = key_source(provider)
    except InvalidField as broken:
        error = f"{jsontext.format_path(broken.path)} {broken.why}".strip()

    def text(key: str) -> str:
        value = entry.get(key) if isinstance(entry, dict) else None
        return value.strip() if isinstance(value, str) else ""

    name = text("name")
    return {
        "id": text("id"),
        "name": name,
        "baseUrl": "" if account else shown_url(text("baseUrl")),
        "account": account,
        "defaultModel": text("defaultModel"),
        "selected": selected,
        "active": bool(name) and inputs.env.get(ACTIVE) == name,
        "keyFrom": key or None,
        "source": CATALOG if listed.shared(index) else OWN,
        "state": state,
        "error": error,
    }


@click.command(
    "show",
    epilog=examples(
        "cowork-env show openrouter",
        "cowork-env show openrouter --reveal",
        "cowork-env show openrouter --models   # those that the endpoint offers",
    ),
)
@provider_argument()
@click.option(
    "--json", "as_json", is_flag=True, help="Print JSON, as in the file, with the keys masked."
)
@click.option("--reveal", is_flag=True, help="Show the stored key (only on a terminal).")
@click.option("--models", is_flag=True, help="Ask the endpoint which models it offers.")
def show_command(name: str, as_json: bool, reveal: bool, models: bool) -> None:
    """Show a provider as it is in the file, its key masked.

    With --models, the models that its endpoint lists for its key, and what the provider uses them
    for.
    """
    if reveal and models:
        raise usage_error("--reveal and --models exclude each other.", "Use one of them.")
    if reveal and not sys.stdout.isatty():
        raise usage_error("--reveal works on a terminal only.", "For a program: cowork-env token")
    inputs = current_inputs()
    listed = providers.load(inputs.env, inputs.config_dir)
    index = listed.find(name)
    if exposure := store.exposure(listed):
        say(f"cowork-env: {exposure}")
    if models:
        _show_models(listed, index, inputs, as_json)
        return
    entry = listed.entries[index]
    shown = known_fields(entry) if reveal else shown_entry(entry)
    if as_json:
        write_json(shown)
    else:
        _print_fields(shown)
    provider = listed.provider(index)
    if not as_json:
        for remark in _remarks(provider):
            say(f"cowork-env: {remark}")
    if provider.catalog:
        state = catalog.state(inputs.store, provider)
        say(f"cowork-env: from the catalogue {provider.catalog.where}: {STATES[state]}")


def _remarks(provider: Provider) -> list[str]:
    """What the fields do not say by themselves."""
    remarks = []
    if provider.account:
        remarks.append(f"an account ({accounts.place(provider)}): no URL is exported")
    if provider.token_from:
        scheme = key_source(provider)
        remarks.append(f"its key is not in the file: it is fetched from {scheme} when needed")
    elif provider.encrypted:
        remarks.append("its key is decrypted with the desktop app's key store when needed")
    elif not provider.token and not provider.account:
        remarks.append("it has no key" + ("" if provider.needs_key else ", and needs none"))
    return remarks


def _print_fields(entry: dict[str, Any]) -> None:
    """A line for each field; those of an object as ``models.opus``."""
    fields: dict[str, Any] = {}
    for key, value in entry.items():
        if isinstance(value, dict):
            fields |= {f"{key}.{inner}": v for inner, v in value.items()}
        else:
            fields[key] = value
    size = max((display_width(visible(key)) for key in fields), default=0) + 2
    for key, value in fields.items():
        text = value if isinstance(value, str) else str(value).lower()
        print_lines(labeled(visible(key), visible(text, 4096), size))


def _show_models(listed: Providers, index: int, inputs: Inputs, as_json: bool) -> None:
    """Ask the endpoint for its models; raises what keeps it from answering. Nothing is stored."""
    from ..doctor import checkup
    from .progress import working

    shown = visible(listed.provider(index).name)
    with working(f"Asking {shown} for its models") as work:
        inputs.say = work.teller(inputs.say)
        report, uses = checkup.offered_models(listed, index, inputs)
    if errors := report.errors:
        raise CoworkEnvError(f"{shown}: {errors[0].message}", errors[0].hint)
    missing = [model for model in uses if model not in report.offered]
    if as_json:
        write_json(
            {
                "provider": report.name,
                "models": [{"model": m, "uses": uses.get(m, [])} for m in report.offered],
                "notOffered": [{"model": m, "uses": uses[m]} for m in missing],
            }
        )
        return
    table = Table("model", "")
    for model in report.offered:
        used = ", ".join(uses.get(model, []))
        table.add(Cell(model, "green" if used else ""), Cell(used and f"used: {used}", "green"))
    print_table(table)
    for model in missing:
        used = ", ".join(uses[model])
        say(f"cowork-env: not in this list, but used ({used}): {visible(model)}")
