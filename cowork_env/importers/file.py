"""A file: providers.json in any form, api-config.json, a settings file, or cc-switch's."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ..core import providers
from ..core.provider import ANTHROPIC_URL
from ..presets import gateway_hint
from ..util.errors import CoworkEnvError
from ..util.text import tilde, visible
from . import cc_switch, claude_settings
from .entries import Found, read_json, suggested_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..core.resolve import Inputs
    from .entries import Entry


def read(path: str, inputs: Inputs, other_sources: list[str]) -> Found:
    """The providers in a file; ``other_sources`` are suggested when it does not exist."""
    path = os.path.abspath(path)
    where = tilde(path, inputs.home)
    try:
        text, document = read_json(path, where)
    except FileNotFoundError:
        raise CoworkEnvError(
            f"There is no file {where}.", f"Name a file, or one of {', '.join(other_sources)}."
        ) from None
    if isinstance(document, dict):
        if "apiKey" in document or "baseURL" in document:
            return Found([_from_api_config(document, where)])
        if isinstance(document.get("env"), dict) and "baseUrl" not in document:
            return claude_settings.from_settings(document, where)
        if cc_switch.is_config(document):
            return cc_switch.from_config(document, where)
    return Found(list(providers.Providers(text, path, where).entries), whole=True)


def _from_api_config(document: Mapping[str, Any], where: str) -> Entry:
    """The provider in the desktop app's api-config.json, which has keys of its own."""
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
