"""``list`` and ``show``: the providers, their keys masked."""

from __future__ import annotations

import sys

import click

from .. import store
from ..core import providers
from ..core.environment import ACTIVE
from ..core.provider import KEYS, InvalidField, Provider
from ..core.providers import Providers
from ..core.resolve import Inputs
from ..masking import shown_entry, shown_url
from ..util import jsontext
from ..util.text import visible
from .errors import usage_error
from .inputs import current_inputs
from .options import examples, provider_argument
from .output import print_table, say, write_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


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
    if as_json:
        write_json(rows)
        return
    if not rows:
        say("There are no providers yet. Add one with: cowork-env add")
        return
    table = [("NAME", "BASE URL", "DEFAULT MODEL", "")]
    for row in rows:
        marks = [word for word in ("active", "selected") if row[word]]
        if row["error"]:
            marks.append(f"invalid: {row['error']}")
        name, url, model = row["name"], row["baseUrl"], row["defaultModel"]
        table.append((name or "(no name)", url or "-", model or "-", ", ".join(marks)))
    print_table([[visible(cell) for cell in row] for row in table])


def _row(listed: Providers, index: int, selected: bool, inputs: Inputs) -> dict[str, Any]:
    entry = listed.entries[index]
    error = ""
    try:
        Provider(entry)
    except InvalidField as broken:
        error = f"{jsontext.format_path(broken.path)} {broken.why}".strip()

    def text(key: str) -> str:
        value = entry.get(key) if isinstance(entry, dict) else None
        return value.strip() if isinstance(value, str) else ""

    name = text("name")
    return {
        "id": text("id"),
        "name": name,
        "baseUrl": shown_url(text("baseUrl")),
        "defaultModel": text("defaultModel"),
        "selected": selected,
        "active": bool(name) and inputs.env.get(ACTIVE) == name,
        "error": error,
    }


@click.command(
    "show", epilog=examples("cowork-env show openrouter", "cowork-env show openrouter --reveal")
)
@provider_argument()
@click.option(
    "--json", "as_json", is_flag=True, help="Print JSON, as in the file, with the keys masked."
)
@click.option("--reveal", is_flag=True, help="Show the stored key (only on a terminal).")
def show_command(name: str, as_json: bool, reveal: bool) -> None:
    """Show a provider as it is in the file, its key masked."""
    if reveal and not sys.stdout.isatty():
        raise usage_error("--reveal works on a terminal only.", "For a program: cowork-env token")
    inputs = current_inputs()
    listed = providers.load(inputs.env, inputs.config_dir)
    index = listed.find(name)
    if exposure := store.exposure(listed):
        say(f"cowork-env: {exposure}")
    entry = listed.entries[index]
    shown = {k: v for k, v in entry.items() if k in KEYS} if reveal else shown_entry(entry)
    if as_json:
        write_json(shown)
    else:
        _print_fields(shown)
    try:
        Provider(listed.entries[index])
    except InvalidField as error:
        raise listed.invalid(index, error) from None


def _print_fields(entry: dict[str, Any]) -> None:
    """A line for each field; those of an object as ``models.opus``."""
    fields: dict[str, Any] = {}
    for key, value in entry.items():
        if isinstance(value, dict):
            fields |= {f"{key}.{inner}": v for inner, v in value.items()}
        else:
            fields[key] = value
    width = max(len(visible(key)) for key in fields)
    for key, value in fields.items():
        text = value if isinstance(value, str) else str(value).lower()
        click.echo(f"{visible(key).ljust(width)}  {visible(text, 4096)}")
