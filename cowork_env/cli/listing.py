"""``list`` and ``show``: the providers as they are, and no key of theirs."""

from __future__ import annotations

import sys

import click

from .. import secrets, store
from ..core import provider as rules
from ..core import providers
from ..core.environment import ACTIVE
from ..core.provider import KEYS, InvalidField, Provider
from ..core.providers import Providers
from ..core.resolve import Inputs
from ..util import jsontext
from ..util.text import visible
from .common import context, examples, json_out, mask, provider_argument, say, shown_value, usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


@click.command("list", epilog=examples("cowork-env list", "cowork-env list --json"))
@click.option("--json", "as_json", is_flag=True, help="For programs; without keys.")
def list_command(as_json: bool) -> None:
    """List the providers, and which one is selected and active in this shell."""
    inputs = context()
    listed = providers.load(inputs.env, inputs.config_dir)
    if exposure := store.exposure(listed):
        say(f"cowork-env: {exposure}")
    selected = store.selected(inputs.state_dir, listed)
    rows = [_row(listed, i, i == selected, inputs) for i in range(len(listed.entries))]
    if as_json:
        json_out(rows)
        return
    if not rows:
        say("There are no providers yet. Add one with: cowork-env add")
        return
    table = [("NAME", "BASE URL", "DEFAULT MODEL", "")]
    for row in rows:
        marks = [word for word in ("active", "selected") if row[word]] + (
            [f"invalid: {row['error']}"] if row["error"] else []
        )
        table.append(
            (
                row["name"] or "(no name)",
                row["baseUrl"] or "-",
                row["defaultModel"] or "-",
                ", ".join(marks),
            )
        )
    widths = [max(len(visible(line[i])) for line in table) for i in range(3)]
    for line in table:
        cells = [visible(text).ljust(width) for text, width in zip(line, widths, strict=False)]
        click.echo("  ".join([*cells, visible(line[3])]).rstrip())


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


def shown_url(url: str) -> str:
    """A URL without what may be a key in it, which a valid one does not have."""
    scheme, authority, rest = rules.split_url(url)
    if not scheme:
        return url if "@" not in url and "?" not in url else "(not a base URL)"
    path = min((rest.find(c) for c in "?#" if c in rest), default=len(rest))
    host = f"…@{authority.rpartition('@')[2]}" if "@" in authority else authority
    return f"{scheme}://{host}{rest[:path]}{'…' if rest[path:] else ''}"


@click.command(
    "show", epilog=examples("cowork-env show openrouter", "cowork-env show openrouter --reveal")
)
@provider_argument()
@click.option(
    "--json", "as_json", is_flag=True, help="As in the file, without keys of other programs."
)
@click.option("--reveal", is_flag=True, help="Show the stored key; only on a terminal.")
def show_command(name: str, as_json: bool, reveal: bool) -> None:
    """Show one provider as it is in the file, its key masked."""
    if reveal and not sys.stdout.isatty():
        raise usage("--reveal works on a terminal only.", "For a program: cowork-env token")
    inputs = context()
    listed = providers.load(inputs.env, inputs.config_dir)
    index = listed.find(name)
    if exposure := store.exposure(listed):
        say(f"cowork-env: {exposure}")
    shown = _shown(listed.entries[index], reveal)
    if as_json:
        json_out(shown)
    else:
        lines = []
        for key, value in shown.items():
            inner = (
                {f"{key}.{k}": v for k, v in value.items()}
                if isinstance(value, dict)
                else {key: value}
            )
            lines += [
                (visible(k), visible(v if isinstance(v, str) else str(v).lower(), 4096))
                for k, v in inner.items()
            ]
        width = max(len(key) for key, _ in lines)
        for key, text in lines:
            click.echo(f"{key.ljust(width)}  {text}")
    try:
        Provider(listed.entries[index])
    except InvalidField as error:
        raise listed.invalid(index, error) from None


def _shown(entry: dict[str, Any], reveal: bool) -> dict[str, Any]:
    """What of an entry may be shown: our own keys, with what is secret, or may be, masked."""
    shown = {key: value for key, value in entry.items() if key in KEYS}
    if reveal:
        return shown
    for key, kind, cover in (
        (
            "authToken",
            str,
            lambda token: (
                "(encrypted by the desktop app)" if rules.is_encrypted(token) else mask(token)
            ),
        ),
        ("authTokenFrom", str, _shown_reference),
        ("baseUrl", str, shown_url),
        ("env", dict, lambda env: {k: shown_value(k, str(v)) for k, v in env.items()}),
    ):
        if shown.get(key) is not None:
            shown[key] = (
                cover(shown[key]) if isinstance(shown[key], kind) else "(not of the right kind)"
            )
    return shown


def _shown_reference(reference: str) -> str:
    """A secret reference; what is none may be a key that was put in its place."""
    try:
        return secrets.check_reference(reference)
    except InvalidField:
        return mask(reference)
