"""claude-code-router: its providers, where an endpoint of Anthropic's format is known for them.

They are in OpenAI's format, mostly. For the others, the router itself becomes a provider: it
translates, while it runs. https://github.com/musistudio/claude-code-router
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from .. import overrides, presets
from ..core.provider import API_KEY, TIERS, Url, repaired
from ..masking import shown_url
from ..util.text import tilde, visible
from .entries import (
    MAX_ENTRIES,
    Found,
    Nothing,
    read_json,
    reference_in,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..core.resolve import Inputs
    from ..presets import Preset
    from .entries import Entry

TOOL = "claude-code-router"
DEFAULT_PORT = 3456
# Its routes, each with the model's place in a provider. The first one is the default model.
_ROUTES = {"default": "", "think": "opus", "background": "haiku"}
_ANY_KEY = "claude-code-router"  # what it gets where it asks for none
_TIMEOUT = "API_TIMEOUT_MS"
# What of its configuration is used; the rest is about the router itself.
_USED = ("Providers", "providers", "Router", "APIKEY", "HOST", "PORT", _TIMEOUT, "PROXY_URL")


def read(inputs: Inputs) -> Found:
    """The providers of claude-code-router in the user's home."""
    path = os.path.join(overrides.folder_of(TOOL, inputs.home), "config.json")
    where = tilde(path, inputs.home)
    try:
        _, document = read_json(path, where, own=0)
    except FileNotFoundError:
        raise Nothing(f"There is no file {where}.") from None
    if not isinstance(document, dict) or not is_config(document):
        raise Nothing(f"{where} has no list 'Providers'.")
    return from_config(document, own=True)


def is_config(document: Mapping[str, Any]) -> bool:
    """Whether a JSON document looks like its configuration."""
    return bool(_listed(document)) or isinstance(document.get("Providers"), list)


def _listed(document: Mapping[str, Any]) -> list[Any]:
    """Its list of providers; empty if it has none."""
    names = ("Providers", "providers") if "Router" in document else ("Providers",)
    return next((v for n in names if isinstance(v := document.get(n), list) and v), [])


def from_config(document: Mapping[str, Any], *, own: bool) -> Found:
    """The providers in its configuration.

    ``own``: it is the user's own, so a key may be a reference to one of their variables.
    """
    found = Found([])
    router = document.get("Router")
    router = router if isinstance(router, dict) else {}
    timeout = document.get(_TIMEOUT)
    env = {_TIMEOUT: str(timeout)} if _is_number(timeout) else {}
    missing: list[tuple[str, str, str]] = []
    for item in _listed(document)[:MAX_ENTRIES]:
        if isinstance(item, dict):
            _add(found, missing, item, _models(item, router), env, own)
    if missing:
        _add_router(found, missing, document, env, own)
    if document.get("PROXY_URL"):
        found.notes.append(
            "PROXY_URL is left out. If a provider needs it: "
            "cowork-env edit NAME --env HTTPS_PROXY=URL"
        )
    if "longContext" in router or "webSearch" in router:
        found.notes.append(
            "The routes longContext and webSearch are left out: a provider has one default model "
            f"and the tiers {', '.join(TIERS)}."
        )
    if others := [visible(name, 40) for name in document if name not in _USED]:
        found.notes.append(f"Settings of the router itself are left out: {', '.join(others[:20])}.")
    return found


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**9


def _text(item: Mapping[str, Any], *names: str) -> str:
    """The first of these fields that is text, without white space around it."""
    found = (item.get(name) for name in names)
    return next((value.strip() for value in found if isinstance(value, str)), "")


def _models(item: Mapping[str, Any], router: Mapping[str, Any]) -> dict[str, str]:
    """The models of one provider by place: those of its routes, else the first that it lists."""
    name, models = _text(item, "name"), {}
    for route, place in _ROUTES.items():
        target = router.get(route)
        provider, comma, model = target.partition(",") if isinstance(target, str) else ("", "", "")
        if comma and provider.strip() == name and model.strip():
            models[place] = model.strip()
    listed = item.get("models")
    if "" not in models and isinstance(listed, list) and listed and isinstance(listed[0], str):
        models = {"": listed[0].strip()} | models
    return {place: model for place, model in models.items() if not place or model != models.get("")}


def _add(
    found: Found,
    missing: list[tuple[str, str, str]],
    item: Mapping[str, Any],
    models: dict[str, str],
    env: Mapping[str, str],
    own: bool,
) -> None:
    """Add the provider that one of the list makes, or say in ``missing`` or a note why not."""
    name, url = _text(item, "name"), _text(item, "api_base_url", "baseUrl", "base_url")
    shown = visible(name) or "(no name)"
    entry: Entry = {"name": name}
    style = _anthropic_style(item.get("transformer"))
    if style is not None:
        entry["baseUrl"] = repaired(url)
        if style:
            entry["auth"] = style
    else:
        preset = _preset_at(url)
        if preset is None:
            missing.append((shown, url, models.get("", "")))
            return
        entry["baseUrl"] = preset.base_url
        if preset.auth == API_KEY:
            entry["auth"] = preset.auth
        env = {**env, **preset.env}
        if "" not in models and preset.default_model:
            models = {"": preset.default_model, **preset.models, **models}
    key = _text(item, "api_key", "apiKey")
    if not _set_key(found, entry, key, shown, own):
        return
    _set_models(entry, models)
    if env:
        entry["env"] = dict(env)
    if style is None:
        found.notes.append(
            f"{shown}: {visible(shown_url(url))} is in OpenAI's format; {preset_url(entry)} of the "
            "same provider is in Anthropic's, and is used instead, with the same key."
        )
    found.entries.append(entry)


def preset_url(entry: Entry) -> str:
    """The base URL of an entry, safe to show."""
    return visible(shown_url(entry["baseUrl"]))


def _set_key(found: Found, entry: Entry, key: str, shown: str, own: bool) -> bool:
    """Set an entry's key; or say why it has none, and return False."""
    if not key:
        found.notes.append(f"{shown} is left out: it has no key.")
    elif "$" not in key:
        entry["authToken"] = key
        return True
    elif not own:
        found.notes.append(f"{shown} is left out: its key is a reference to a variable of yours.")
    elif (name := reference_in(key)).replace("_", "a").isalnum():
        entry["authTokenFrom"] = f"env:{name}"
        return True
    else:
        found.notes.append(f"{shown} is left out: its key is put together from variables.")
    return False


def _set_models(entry: Entry, models: Mapping[str, str]) -> None:
    if models.get(""):
        entry["defaultModel"] = models[""]
    if tiers := {tier: models[tier] for tier in TIERS if models.get(tier)}:
        entry["models"] = tiers


def _anthropic_style(transformer: object) -> str | None:
    """How a key is sent, if nothing but ``Anthropic`` transforms the requests; None otherwise.

    That one passes them on as they are, with the key as x-api-key unless UseBearer is set.
    """
    use = transformer.get("use") if isinstance(transformer, dict) else None
    if not isinstance(use, list) or len(use) != 1:
        return None
    name, options = (*use[0], None, None)[:2] if isinstance(use[0], list) else (use[0], None)
    if not isinstance(name, str) or name.casefold() != "anthropic":
        return None
    return "" if isinstance(options, dict) and options.get("UseBearer") else API_KEY


def _preset_at(url: str) -> Preset | None:
    """The preset with an endpoint of Anthropic's format on the same server."""
    here = Url(url)
    place = (here.scheme, here.host, here.port)
    for preset in presets.all_presets():
        there = Url(preset.base_url)
        usable = preset.format == presets.ANTHROPIC and not preset.places()
        if usable and here.host and place == (there.scheme, there.host, there.port):
            return preset
    return None


def _add_router(
    found: Found,
    missing: list[tuple[str, str, str]],
    document: Mapping[str, Any],
    env: Mapping[str, str],
    own: bool,
) -> None:
    """Name the providers that are left out, and add the router itself, which reaches them."""
    for shown, url, _ in missing:
        host = visible(Url(url).host) or "its endpoint"
        found.notes.append(f"{shown} is left out: {host} speaks no Anthropic format that is known.")
    _, url, model = missing[0]
    found.notes.append(presets.gateway_hint(url, model))
    port = document.get("PORT")
    port = port if _is_number(port) or _is_digits(port) else DEFAULT_PORT
    entry: Entry = {"name": TOOL, "baseUrl": f"http://127.0.0.1:{port}"}
    if own and _set_key(found, entry, _text(document, "APIKEY") or _ANY_KEY, TOOL, own):
        if env:
            entry["env"] = dict(env)
        found.entries.append(entry)


def _is_digits(value: object) -> bool:
    return isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 6
