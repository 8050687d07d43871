"""From the variables of another program's configuration to an entry of providers.json."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from .. import accounts
from ..core import providers
from ..core.client_variables import CLOUD_SWITCHES
from ..core.environment import BASE_URL, MODEL, TIER_MODELS
from ..core.provider import (
    ACCOUNT,
    ANTHROPIC_HOST,
    ANTHROPIC_URL,
    BEARER,
    CREDENTIAL,
    Url,
    is_on,
    repaired,
)
from ..core.shared_names import SHARED, is_allowed
from ..util import jsontext
from ..util.errors import CoworkEnvError
from ..util.text import first_control, visible

if TYPE_CHECKING:
    from collections.abc import Mapping

    Entry = dict[str, Any]

SMALL_FAST_MODEL = "ANTHROPIC_SMALL_FAST_MODEL"  # the haiku tier's older name


MAX_ENTRIES = 1000
_SHOWN_NAMES = 12


class Nothing(CoworkEnvError):
    """A source is not there, or has no provider in it."""


class Found:
    """What a source has: ``entries``, not validated, and ``notes`` on what was left out.

    ``whole``: they are entries of another provider file, and may hold anything. ``settings``:
    the names in the source, each with what becomes of it, for a source that is one provider's.
    """

    __slots__ = ("entries", "notes", "settings", "whole")

    def __init__(
        self,
        entries: list[Entry],
        notes: list[str] | None = None,
        *,
        whole: bool = False,
        settings: list[tuple[str, str]] | None = None,
    ) -> None:
        self.entries, self.notes, self.whole = entries, notes or [], whole
        self.settings = settings or []

    def add(self, env: Mapping[str, str], name: str, otherwise: str) -> None:
        """Add the provider that variables make, and a note on those that it does not use.

        If they make none, the note is ``otherwise``.
        """
        if (entry := from_variables(env, name)) is None:
            self.notes.append(otherwise)
            return
        self.entries.append(entry)
        self.notes += left_out(env, entry)


def from_variables(
    env: Mapping[str, str], name: str = "", allowed: frozenset[str] = SHARED
) -> Entry | None:
    """The entry that these variables make, with this name; None if they make no provider.

    ``allowed``: what may belong to it beside URL, key and models.
    """
    entry: Entry = {"name": name}
    for auth, variable in CREDENTIAL.items():
        if env.get(variable) and (auth != ACCOUNT or _uses_account(env)):
            entry["authToken"] = env[variable]
            if auth != BEARER:
                entry["auth"] = auth
            break
    own = (MODEL, *TIER_MODELS.values())
    extras = {n: v for n, v in env.items() if n not in own and is_allowed(n, v, allowed)}
    if "authToken" not in entry and not any(is_on(extras.get(n)) for n in CLOUD_SWITCHES):
        return None
    url = env.get(BASE_URL) or (ANTHROPIC_URL if "authToken" in entry else "")
    if url:
        entry["baseUrl"] = url
    if entry.get("auth") == ACCOUNT:
        name = name or accounts.suggested_name("", token=True)
    entry["name"] = name or suggested_name(url, extras)
    if env.get(MODEL):
        entry["defaultModel"] = env[MODEL]
    models = {tier: env[variable] for tier, variable in TIER_MODELS.items() if env.get(variable)}
    if env.get(SMALL_FAST_MODEL):
        models.setdefault("haiku", env[SMALL_FAST_MODEL])
    if models:
        entry["models"] = models
    if extras:
        entry["env"] = extras
    return entry


def _uses_account(env: Mapping[str, str]) -> bool:
    """Whether an account's token in an environment would be used, and for Anthropic's own URL."""
    other_url = repaired(env.get(BASE_URL) or ANTHROPIC_URL) != ANTHROPIC_URL
    return not other_url and not any(is_on(env.get(name)) for name in CLOUD_SWITCHES)


def taken(env: Mapping[str, str], entry: Mapping[str, Any]) -> list[str]:
    """The variables of ``env`` whose values a provider's entry has, too."""
    models = entry.get("models") or {}
    values = {
        **(entry.get("env") or {}),
        BASE_URL: entry.get("baseUrl"),
        CREDENTIAL[entry.get("auth") or BEARER]: entry.get("authToken"),
        MODEL: entry.get("defaultModel"),
        SMALL_FAST_MODEL: models.get("haiku"),
        **{variable: models.get(tier) for tier, variable in TIER_MODELS.items()},
    }
    return [n for n, v in env.items() if v and v.strip() == str(values.get(n) or "").strip()]


def left_out(env: Mapping[str, str], entry: Entry) -> list[str]:
    """A note on the variables that :func:`from_variables` did not use for ``entry``, if any."""
    used = taken(env, entry)
    return note_left_out(entry["name"], [name for name in env if name not in used])


def note_left_out(name: str, left: list[str]) -> list[str]:
    """A note on names that an entry does not get, or none; without their values."""
    if not left:
        return []
    listed = ", ".join(visible(n, 60) for n in left[:_SHOWN_NAMES])
    more = f" and {len(left) - _SHOWN_NAMES} more" if len(left) > _SHOWN_NAMES else ""
    return [f"{visible(name)}: {listed}{more} will be left out."]


def without_foreign(entry: Entry) -> tuple[Entry, list[str]]:
    """An entry of another provider file as it may be imported, and notes on what it lost.

    It gets no id, which may be another provider's; no variable that a shared list may not set; and
    no reference, which could read any key of the user's, or run a program.
    """
    kept = {key: value for key, value in entry.items() if key not in ("id", "authTokenFrom", "env")}
    name, notes, env = str(entry.get("name", "")).strip(), [], entry.get("env")
    if isinstance(env, dict):
        allowed = {n: v for n, v in env.items() if is_allowed(n, v)}
        notes += note_left_out(name, [n for n in env if n not in allowed])
        env = allowed or None
    if env is not None:
        kept["env"] = env
    if reference := entry.get("authTokenFrom"):
        notes += note_left_out(name, [f"authTokenFrom ({reference})"])
    return {key: kept[key] for key in entry if key in kept}, notes


def suggested_name(url: str, env: Mapping[str, str]) -> str:
    """A name for a provider that has none: its endpoint's host, or its cloud."""
    host = Url(url).authority.rpartition("@")[2]
    if host == ANTHROPIC_HOST:
        return "Anthropic"
    clouds = [n.removeprefix("CLAUDE_CODE_USE_").capitalize() for n in CLOUD_SWITCHES if env.get(n)]
    return host or (clouds[0] if clouds else "imported")


def read_json(path: str, where: str, own: int | None = None) -> tuple[str, Any]:
    """A JSON file's text and the document in it; ``where`` is the path as it is shown.

    ``own``: as in ``providers.read_bytes``. Comments, commas too many and what else JSON5 allows
    may be in it. Raises FileNotFoundError or :class:`CoworkEnvError`.
    """
    text = jsontext.decode(providers.read_bytes(path, where, own), where)
    try:
        return text, jsontext.parse(text, where)
    except CoworkEnvError:
        from .json5 import plain

        relaxed = plain(text)
        if relaxed is None:
            raise
    return text, jsontext.parse(relaxed, where)


def reference_in(key: str) -> str:
    """The name of the variable that stands in the place of a key (``$NAME``, ``${NAME}``).

    Empty if there is none.
    """
    if not key.startswith("$"):
        return ""
    name = key[1:]
    return name[1:-1] if name.startswith("{") and name.endswith("}") else name


def logins(folder: str, home: str) -> list[Entry]:
    """An account for each directory in ``folder``, in the user's home, by the directory's name."""
    try:
        names = sorted(
            e.name for e in os.scandir(folder) if e.is_dir() and not e.name.startswith(".")
        )
    except OSError:
        return []
    return [
        {"name": name, "auth": ACCOUNT, "configDir": f"~/{os.path.relpath(folder, home)}/{name}"}
        for name in names[:MAX_ENTRIES]
        if first_control(name) < 0
    ]
