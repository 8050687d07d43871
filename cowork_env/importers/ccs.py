"""ccs (kaitranntt/ccs): profiles, each a settings file of Claude Code, and logins."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

from .. import overrides
from ..core import providers
from ..util import jsontext
from ..util.errors import CoworkEnvError
from ..util.text import tilde, visible
from . import claude_settings
from .entries import MAX_ENTRIES, Found, Nothing, logins, read_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..core.resolve import Inputs

_ENDING = ".settings.json"
# What a profile's lines in config.yaml look like, as ccs writes them.
_PROFILE = re.compile(r"""  (["']?)(?P<name>[^\s"':#][^"':]{0,99})\1:\s*""")
_SETTINGS = re.compile(r"""    settings:\s*(["']?)(?P<path>[^"'#\r\n]{1,1000})\1\s*""")


def read(inputs: Inputs) -> Found:
    """The profiles and the logins of ccs in the user's home."""
    folder = overrides.folder_of("ccs", inputs.home)
    if not os.path.isdir(folder):
        raise Nothing(f"There is no folder {tilde(folder, inputs.home)}.")
    found = Found([])
    files = _in_folder(folder) | _in_json(folder, inputs, found) | _in_yaml(folder, inputs)
    own = os.path.realpath(claude_settings.path_of(inputs))
    for name, path in files.items():
        if os.path.realpath(path) == own:
            found.notes.append(
                f"{visible(name)}: Claude Code's own settings: cowork-env import claude-settings"
            )
        else:
            _add(found, name, path, inputs.home)
    found.entries += logins(os.path.join(folder, "instances"), inputs.home)
    if not found.entries and not found.notes:
        raise Nothing(f"{tilde(folder, inputs.home)} has no profile.")
    return found


def is_config(document: Mapping[str, Any]) -> bool:
    """Whether a JSON document is ccs' list of profiles: ``{profiles: {name: path}}``."""
    profiles = document.get("profiles")
    return isinstance(profiles, dict) and all(isinstance(p, str) for p in profiles.values())


def _add(found: Found, name: str, path: str, home: str) -> None:
    where = tilde(path, home)
    try:
        env = overrides.env_of(overrides.load(path, home, own=0))
    except FileNotFoundError:
        found.notes.append(f"{visible(name)} is left out: there is no file {where}.")
    except CoworkEnvError as error:
        found.notes.append(f"{visible(name)} is left out: {error.message}")
    else:
        found.add(env, name, f"{visible(name)} is left out: {where} sets no key.")


def _in_folder(folder: str) -> dict[str, str]:
    """The settings files beside the list: name -> path."""
    try:
        names = sorted(n for n in os.listdir(folder) if n.endswith(_ENDING))[:MAX_ENTRIES]
    except OSError:
        return {}
    return {n.removesuffix(_ENDING): os.path.join(folder, n) for n in names if n != _ENDING}


def _in_json(folder: str, inputs: Inputs, found: Found) -> dict[str, str]:
    """The profiles of ``config.json``, which was the list until version 6."""
    path = os.path.join(folder, "config.json")
    try:
        _, document = read_json(path, tilde(path, inputs.home), own=0)
    except FileNotFoundError:
        return {}
    except CoworkEnvError as error:
        found.notes.append(error.message)
        return {}
    profiles = document.get("profiles") if isinstance(document, dict) else None
    if not isinstance(profiles, dict):
        return {}
    return _paths({n: p for n, p in profiles.items() if isinstance(p, str)}, inputs.home)


def _in_yaml(folder: str, inputs: Inputs) -> dict[str, str]:
    """The profiles of ``config.yaml``: the lines of its section ``profiles`` that ccs writes."""
    path = os.path.join(folder, "config.yaml")
    where = tilde(path, inputs.home)
    try:
        text = jsontext.decode(providers.read_bytes(path, where, own=0, limit=1 << 20), where)
    except (FileNotFoundError, CoworkEnvError):
        return {}
    profiles: dict[str, str] = {}
    name, inside = "", False
    for line in text.splitlines():
        if line[:1] not in ("", " ", "#"):
            inside, name = line.rstrip() == "profiles:", ""
        elif inside and (match := _PROFILE.fullmatch(line)):
            name = match["name"].strip()
        elif inside and name and (match := _SETTINGS.fullmatch(line)):
            profiles[name] = match["path"].strip()
    return _paths(profiles, inputs.home)


def _paths(profiles: Mapping[str, str], home: str) -> dict[str, str]:
    """Absolute paths only, ``~`` being the home."""
    paths = {n: os.path.join(home, p[2:]) if p.startswith("~/") else p for n, p in profiles.items()}
    return {n: p for n, p in paths.items() if p.startswith("/")}
