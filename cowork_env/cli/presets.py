"""``presets``: the endpoints that ``add`` knows."""

from __future__ import annotations

import click

from .. import presets
from .options import examples
from .output import write_json
from .table import Cell, Table, labeled, print_lines, print_table


@click.command("presets", epilog=examples("cowork-env presets", "cowork-env add openrouter"))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(as_json: bool) -> None:
    """List the endpoints that 'cowork-env add' knows, and what it asks for."""
    found = presets.all_presets()
    if as_json:
        write_json({"date": presets.date(), "presets": [p.as_dict() for p in found]})
        return
    table = Table("preset", "format", "base URL", "default model", "asks for")
    for preset in found:
        asks = Cell(", ".join(preset.needs) or "nothing")
        if preset.format == presets.OPENAI:
            asks = Cell("(needs a gateway)", "yellow")
        table.add(preset.id, preset.format, preset.base_url, preset.default_model, asks)
    print_table(table)
    about = "Models change often: 'add' offers those that the endpoint lists."
    print_lines(labeled("", f"As of {presets.date()}. {about}", 0))
