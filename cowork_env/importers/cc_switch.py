"""cc-switch: its providers for Claude Code, from its database or an older version's file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from .. import overrides
from ..util import jsontext
from ..util.errors import CoworkEnvError
from ..util.system import distrusted
from ..util.text import tilde, visible
from .entries import MAX_ENTRIES, Found, Nothing, read_json

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from ..core.resolve import Inputs

QUERY = (
    "SELECT name, settings_config, {meta} FROM main.providers WHERE app_type = 'claude'"
    " ORDER BY rowid LIMIT ?"
)
# The database is another program's and may hold what others have shared: SQL of its own is not run
# (views, virtual tables and generated columns), and what it is read with is limited.
_TABLE = "SELECT type, rootpage FROM main.sqlite_master WHERE name = 'providers' COLLATE NOCASE"
_COLUMNS = "SELECT name, hidden FROM pragma_table_xinfo('providers')"
_SETTINGS = ("query_only = ON", "trusted_schema = OFF", "cell_size_check = ON", "mmap_size = 0")
SECONDS = 5.0  # that reading it may take; it takes a thousandth of that
MAX_FILE = 256 << 20  # bytes; cc-switch keeps its logs in it, too
MAX_VALUE = 1 << 20  # bytes of one value
MAX_ROWS = 16 << 20  # bytes of all values
_ANOTHER_WAY = "Select a provider in cc-switch and run 'cowork-env import claude-settings' instead."
_STEPS = 10_000  # of SQLite's machine, well below a millisecond


class _Row:
    """One provider of cc-switch: its name, and its settings and their format as JSON text."""

    __slots__ = ("meta", "name", "settings")

    def __init__(self, name: str, settings: str, meta: str) -> None:
        self.name, self.settings, self.meta = name, settings, meta


def read(inputs: Inputs) -> Found:
    """The providers of cc-switch in the user's home."""
    folder = overrides.folder_of("cc-switch", inputs.home)
    database, config = os.path.join(folder, "cc-switch.db"), os.path.join(folder, "config.json")
    if os.path.isfile(database):
        if error := distrusted(database):
            raise error
        return _from_rows(_read_database(database, tilde(database, inputs.home)))
    where = tilde(config, inputs.home)
    try:
        _, document = read_json(config, where, own=0)
    except FileNotFoundError:
        raise Nothing(
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
            name = name if isinstance(name, str) else key
            _add(found, name, item.get("settingsConfig"), item.get("meta"))
    return found


def _limit(connection: sqlite3.Connection) -> None:
    """Limit what a hostile database can make SQLite do."""
    import sqlite3

    if hasattr(connection, "setlimit"):  # Python 3.11
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_VALUE)
        connection.setlimit(sqlite3.SQLITE_LIMIT_SQL_LENGTH, MAX_VALUE)
        connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        connection.setlimit(sqlite3.SQLITE_LIMIT_WORKER_THREADS, 0)
    for setting in _SETTINGS:
        connection.execute(f"PRAGMA {setting}")


def _check_table(connection: sqlite3.Connection) -> None:
    """Raise sqlite3.Error unless the providers are stored in a table, as plain values."""
    import sqlite3

    found = connection.execute(_TABLE).fetchmany(2)
    if len(found) != 1 or found[0][0] != "table" or not found[0][1]:  # a virtual one has no root
        raise sqlite3.DatabaseError
    if any(hidden for _, hidden in connection.execute(_COLUMNS)):
        raise sqlite3.DatabaseError


def _rows(connection: sqlite3.Connection) -> list[_Row]:
    import sqlite3

    columns = {name for name, _ in connection.execute(_COLUMNS)}
    query = QUERY.format(meta="meta" if "meta" in columns else "NULL")  # since version 3
    rows, size = [], 0
    for name, settings, meta in connection.execute(query, (MAX_ENTRIES,)):
        if not isinstance(name, str) or not isinstance(settings, str):
            continue
        meta = meta if isinstance(meta, str) else ""
        size += len(name) + len(settings) + len(meta)
        if size > MAX_ROWS:
            raise sqlite3.DatabaseError
        rows.append(_Row(name, settings, meta))
    return rows


def _read_database(path: str, where: str) -> list[_Row]:
    """cc-switch's providers for Claude Code. Nothing is written, not even beside the database."""
    import sqlite3
    import time
    from contextlib import closing
    from urllib.parse import quote

    # SQLite creates files beside a database with a write-ahead log, unless it is opened as
    # immutable, which is wrong for one that is in use.
    log = path + "-wal"
    if os.path.exists(log) and os.path.getsize(log):
        raise CoworkEnvError(f"{where} is in use.", "Quit cc-switch and try again.")
    uri = f"file:{quote(path)}?mode=ro&immutable=1"
    deadline = time.monotonic() + SECONDS
    try:
        if os.path.getsize(path) > MAX_FILE:
            raise sqlite3.DatabaseError
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            _limit(connection)
            # This also lets Ctrl-C in: an exception in it ends the query as "interrupted".
            connection.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS)
            _check_table(connection)
            return _rows(connection)
    except (sqlite3.Error, sqlite3.Warning, OSError, MemoryError, OverflowError) as error:
        if time.monotonic() > deadline:
            raise CoworkEnvError(
                f"{where} could not be read within {SECONDS:.0f} seconds.", _ANOTHER_WAY
            ) from None
        if str(error) == "interrupted":
            raise KeyboardInterrupt from None
        raise CoworkEnvError(
            f"{where} is not a cc-switch database that this version of cowork-env can read.",
            _ANOTHER_WAY,
        ) from None


def _from_rows(rows: list[_Row]) -> Found:
    found = Found([])
    for row in rows:
        where = f"cc-switch's provider '{visible(row.name)}'"
        try:
            settings = jsontext.parse(row.settings, where)
            meta = jsontext.parse(row.meta, where) if row.meta.strip() else {}
        except CoworkEnvError as error:
            found.notes.append(f"{error.message} It is left out.")
            continue
        _add(found, row.name, settings, meta)
    return found


def _add(found: Found, name: str, settings: object, meta: object = None) -> None:
    style = meta.get("apiFormat") if isinstance(meta, dict) else None
    if isinstance(style, str) and not style.startswith("anthropic"):
        found.notes.append(
            f"cc-switch's provider '{visible(name)}' is left out: cc-switch's proxy translates for "
            f"it ({visible(style, 40)})."
        )
        return
    env = overrides.env_of(settings) if isinstance(settings, dict) else {}
    found.add(env, name, f"cc-switch's provider '{visible(name)}' has no key; it is left out.")
