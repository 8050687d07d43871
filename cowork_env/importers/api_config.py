"""The desktop app's older file, ``api-config.json``, which holds one endpoint."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ..core.provider import ANTHROPIC_URL
from ..core.providers import FOLDERS
from ..presets import gateway_hint
from ..util.errors import CoworkEnvError
from ..util.text import tilde, visible
from .entries import Found, Nothing, read_json, suggested_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..core.resolve import Inputs
    from .entries import Entry

NAME = "api-config.json"


def read(inputs: Inputs) -> Found:
    """The provider in the app's own folder."""
    for folder in FOLDERS:
        path = os.path.join(inputs.config_dir, folder, NAME)
        where = tilde(path, inputs.home)
        try:
            _, document = read_json(path, where, own=0)
        except FileNotFoundError:
            continue
        if isinstance(document, dict):
            return Found([from_document(document, where)])
        raise CoworkEnvError(f"{where} is not a JSON object.")
    where = tilde(os.path.join(inputs.config_dir, FOLDERS[0], NAME), inputs.home)
    raise Nothing(f"There is no file {where}.")


def from_document(document: Mapping[str, Any], where: str) -> Entry:
    """The provider in the file's content; raises :class:`CoworkEnvError` if there is none."""
    url, kind = document.get("baseURL"), document.get("apiType")
    if isinstance(kind, str) and kind.lower() not in ("", "anthropic", "claude"):
        raise CoworkEnvError(
            f"{where} is for an endpoint of the type '{visible(kind)}'.",
            gateway_hint(url if isinstance(url, str) else ""),
        )
    url, token = url or ANTHROPIC_URL, document.get("apiKey")
    if not isinstance(url, str) or not isinstance(token, str) or not token:
        raise CoworkEnvError(f"{where}: apiKey and baseURL must be text.")
    entry: Entry = {"name": suggested_name(url, {}), "baseUrl": url, "authToken": token}
    if document.get("model"):
        entry["defaultModel"] = document["model"]
    return entry
