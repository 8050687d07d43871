"""A file of any of the sources, or providers.json in any form; recognized by its content."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ..core import providers
from ..util.errors import CoworkEnvError
from ..util.text import tilde
from . import api_config, cc_switch, ccs, claude_code_router, claude_settings
from .entries import Found, read_json

if TYPE_CHECKING:
    from ..core.resolve import Inputs


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
        if claude_code_router.is_config(document):
            return claude_code_router.from_config(document, own=False)
        if "apiKey" in document or "baseURL" in document:
            return Found([api_config.from_document(document, where)])
        if isinstance(document.get("env"), dict) and "baseUrl" not in document:
            return claude_settings.from_settings(document, where)
        if ccs.is_config(document):
            raise CoworkEnvError(
                f"{where} is the list of ccs, which names other files.",
                "Import those: cowork-env import ccs, or one of its *.settings.json.",
            )
        if cc_switch.is_config(document):
            return cc_switch.from_config(document, where)
    return Found(list(providers.Providers(text, path, where).entries), whole=True)
