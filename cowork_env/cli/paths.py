"""``paths``: where everything is kept."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, NamedTuple

import click

from ..core import catalog, pins, providers, resolve, variables
from ..util.errors import CoworkEnvError
from ..util.system import working_directory
from ..util.text import tilde
from .inputs import detect_shell
from .options import examples
from .output import write_json
from .table import Cell, Table, print_table

if TYPE_CHECKING:
    from collections.abc import Callable

SHAPE = 1  # of --json; it changes when a key is removed or changes its meaning


class Place(NamedTuple):
    """One place. ``path``: absolute, or empty if there is none; ``note``: what else to know."""

    key: str  # in --json
    label: str
    path: str
    note: str = ""

    def as_dict(self) -> dict[str, object]:
        """The place for ``--json``."""
        exists = bool(self.path) and os.path.lexists(self.path)
        return {"path": self.path or None, "exists": exists, "note": self.note}


@click.command("paths", epilog=examples("cowork-env paths", "cowork-env paths --json"))
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with absolute paths.")
def command(as_json: bool) -> None:
    """Show where everything is kept.

    The files of providers, trust and launchers, this shell's startup file, and the program itself.
    Nothing has to be in order for this, and nothing is created.
    """
    env = dict(os.environ)
    found = places(env)
    if as_json:
        write_json({"version": SHAPE} | {place.key: place.as_dict() for place in found})
        return
    table = Table("place", "path", "")
    for place in found:
        note = place.note
        if place.path and not os.path.lexists(place.path):
            note = "; ".join(filter(None, ("not there", note)))
        shown = tilde(place.path, env.get("HOME", "")) if place.path else "none"
        table.add(place.label, Cell(shown, whole=True), Cell(note, "bright_black"))
    print_table(table)


def places(env: dict[str, str]) -> list[Place]:
    """All places; what is broken leaves its own place empty, with the reason as its note."""
    from .. import claude_files, launcher, startup_files
    from ..hook import render
    from ..hook.interpreter import PACKAGE
    from ..util import paths

    shell = detect_shell()
    config, config_note = _told(paths.config_dir)
    state, state_note = _told(paths.state_dir)
    directory, _ = working_directory(env)

    def of_state(name: str) -> str:
        return f"{state}/{name}" if state else ""

    pin = next((p for p in map(pins.path_in, pins.ancestors(directory)) if os.path.lexists(p)), "")
    shared, shared_note = _told(lambda: catalog.locate(env, config)) if config else ("", "")
    shims, shims_note = _told(launcher.folder)
    startup, startup_note = "", "unknown shell"
    if shell:
        startup, startup_note = _told(lambda: startup_files.path_of(shell, env))
        loaded = startup_files.hook_places(shell, env)
        if startup:
            startup_note = (
                f"the hook is loaded in {', '.join(loaded)}" if loaded else "no hook line"
            )
    hook, hook_note = _told(lambda: render.path(render.find(shell))) if shell else ("", "")
    program, program_note = _told(lambda: startup_files.program(env))
    return [
        _provider_file(env, config, config_note),
        Place("catalogue", "catalogue", shared, shared_note),
        Place("settings", "settings", providers.settings_file(config) if config else ""),
        Place("state", "state", state, state_note),
        Place("selection", "selection", resolve.selection_file(state) if state else ""),
        Place("trust", "trust", of_state("trust")),
        Place("pin", "pin here", pin),
        Place("launchers", "launchers", shims, shims_note),
        Place("launcherSettings", "settings files", of_state(claude_files.NAME)),
        Place("runtime", "runtime", claude_files.folder_in_memory(env)),
        Place("cache", "cache", f"{PACKAGE}/hook/__pycache__"),
        Place("startupFile", "startup file", startup, startup_note),
        Place("program", "program", program, program_note),
        Place("python", "Python", sys.executable),
        Place("package", "package", PACKAGE),
        Place("hookFile", "hook file", hook, hook_note),
    ]


def _told(call: Callable[[], str]) -> tuple[str, str]:
    """A path, or empty and why there is none."""
    try:
        return call(), ""
    except CoworkEnvError as error:
        return "", error.message
    except (KeyError, OSError, ValueError):
        return "", "unknown"


def _provider_file(env: dict[str, str], config: str, note: str) -> Place:
    """The provider file, and which variable says where it is."""
    if env.get(variables.PROVIDERS_JSON):
        return Place("providers", "providers", "", f"the text is in ${variables.PROVIDERS_JSON}")
    if env.get(variables.PROVIDERS_FILE):
        note = f"from ${variables.PROVIDERS_FILE}"
    elif not config:
        return Place("providers", "providers", "", note)
    path, failure = _told(lambda: providers.locate(env, config))
    return Place("providers", "providers", path, failure or note)
