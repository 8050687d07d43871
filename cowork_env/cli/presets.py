"""``presets``: the endpoints that ``add`` knows."""

from __future__ import annotations

import click

from .. import presets
from .options import examples
from .output import print_table, write_json


@click.command("presets", epilog=examples("cowork-env presets", "cowork-env add openrouter"))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(as_json: bool) -> None:
    """List the endpoints that 'cowork-env add' knows, and what it asks for."""
    found = presets.all_presets()
    if as_json:
        write_json({"date": presets.date(), "presets": [p.as_dict() for p in found]})
        return
    table = [["PRESET", "FORMAT", "BASE URL", "DEFAULT MODEL", "ASKS FOR"]]
    for preset in found:
        gateway = preset.format == presets.OPENAI
        asks = "(needs a gateway)" if gateway else ", ".join(preset.needs) or "nothing"
        url, model = preset.base_url or "(none)", preset.default_model or "-"
        table.append([preset.id, preset.format, url, model, asks])
    print_table(table)
    click.echo(
        f"As of {presets.date()}. Models change often: 'add' offers those that the endpoint lists."
    )
