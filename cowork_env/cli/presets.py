"""``presets``: the endpoints that ``add`` knows."""

from __future__ import annotations

import click

from .. import presets
from .common import json_out


@click.command("presets")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def command(as_json: bool) -> None:
    """List the endpoints that `add` knows, with what it will ask for.

    \b
    Examples:
      cowork-env presets
      cowork-env add openrouter
    """
    found = presets.all_presets()
    if as_json:
        json_out({"date": presets.date(), "presets": [p.as_dict() for p in found]})
        return
    rows = [("PRESET", "BASE URL", "DEFAULT MODEL", "ASKS FOR")]
    rows += [
        (p.id, p.base_url or "(none)", p.default_model or "-", ", ".join(p.needs) or "nothing")
        for p in found
    ]
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    for row in rows:
        click.echo(
            "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=False))
            + "  "
            + row[3]
        )
    click.echo(
        f"As of {presets.date()}. Models change often: 'add' offers what the endpoint itself lists, where it does."
    )
