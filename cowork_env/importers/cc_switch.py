"""cc-switch: its providers for Claude Code, from its database or an older version's file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from .. import overrides
from ..util import jsontext
from ..util.errors import CoworkEnvError
from ..util.text import tilde, visible
from .entries import Found, from_variables, read_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..core.resolve import Inputs

QUERY = (
    "SELECT name, settings_config FROM providers WHERE app_type = 'claude'"
    " ORDER BY rowid LIMIT 1000"
)


class _Row:
    """One provider of cc-switch: its name, and its settings as JSON text."""

    __slots__ = ("name", "settings")

    def __init__(self, name: str, settings: str) -> None:
        self.name, self.settings = name, settings


def read(inputs: Inputs) -> Found:
    """The providers of cc-switch in the user's home."""
    folder = os.path.join(inputs.home, ".cc-switch")
    database, config = os.path.join(folder, "cc-switch.db"), os.path.join(folder, "config.json")
    if os.path.isfile(database):
        return _from_rows(_read_database(database, tilde(database, inputs.home)))
    where = tilde(config, inputs.home)
    try:
        _, document = read_json(config, where)
    except FileNotFoundError:
        raise CoworkEnvError(
            f"There is neither {tilde(database, inputs.home)} nor {where}.",
            "To import another file of cc-switch, name it: cowork-env import FILE",
        ) from None
    return from_config(document, where)


def is_config(document: Mapping[str, Any]) -> bool:
    """Whether a JSON document looks like the file of an older cc-switch."""
    return "claude" in document or "apps" in document or isinstance(document.get("providers"), dict)


def from_config(document: object, where: str) -> Found:
    """The providers in an older version's file.

    It is ``{claude: {providers: {id: {name, settingsConfig}}}}``, in other versions below ``apps``
    or without ``claude``.
    """
    listed = None
    if isinstance(document, dict):
        apps = document.get("apps")
        app = (apps if isinstance(apps, dict) else document).get("claude", document)
        listed = app.get("providers") if isinstance(app, dict) else None
    if not isinstance(listed, dict):
        raise CoworkEnvError(
            f"{where} is not a configuration of cc-switch that this version of cowork-env can read."
        )
    found = Found([])
    for key, item in listed.items():
        if isinstance(item, dict):
            name = item.get("name")
            _add(found, name if isinstance(name, str) else key, item.get("settingsConfig"))
    return found


def _read_database(path: str, where: str) -> list[_Row]:
    """cc-switch's providers for Claude Code. Nothing is written, not even beside the database."""
    import sqlite3
    from contextlib import closing
    from urllib.parse import quote

    # SQLite creates files beside a database with a write-ahead log, unless it is opened as
    # immutable, which is wrong for one that is in use.
    log = path + "-wal"
    if os.path.exists(log) and os.path.getsize(log):
        raise CoworkEnvError(f"{where} is in use.", "Quit cc-switch and try again.")
    uri = f"file:{quote(path)}?mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            rows = connection.execute(QUERY).fetchall()
    except sqlite3.Error:
        raise CoworkEnvError(
            f"{where} is not a cc-switch database that this version of cowork-env can read.",
            "Select a provider in cc-switch and run 'cowork-env import claude-settings' instead.",
        ) from None
    return [_Row(n, s) for n, s in rows if isinstance(n, str) and isinstance(s, str)]


def _from_rows(rows: list[_Row]) -> Found:
    found = Found([])
    for row in rows:
        try:
            settings = jsontext.parse(row.settings, f"cc-switch's provider '{visible(row.name)}'")
        except CoworkEnvError as error:
            found.notes.append(f"{error.message} It is left out.")
            continue
        _add(found, row.name, settings)
    return found


def _add(found: Found, name: str, settings: object) -> None:
    entry = from_variables(overrides.env_of(settings), name) if isinstance(settings, dict) else None
    if entry is None:
        found.notes.append(f"cc-switch's provider '{visible(name)}' has no key; it is left out.")
    else:
        found.entries.append(entry)
