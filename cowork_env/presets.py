"""Known endpoints, for ``add PRESET``. The data is in ``presets.json``, with its date."""

from __future__ import annotations

import os

from .core.provider import BEARER, InvalidField, Url, check_base_url
from .util import jsontext
from .util.errors import USAGE, CoworkEnvError
from .util.text import argument, visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "presets.json")
KEY, MODEL, URL = "key", "model", "url"  # in ``needs``; other names there are placeholders
ANTHROPIC, OPENAI = "anthropic", "openai"  # the formats
_loaded: list[Any] = []


class Preset:
    """One endpoint.

    ``needs`` is what the user must be asked for: ``key``, ``model``, ``url`` (then ``base_url`` is
    the usual one), or the name of a placeholder, each with its question. A placeholder stands as
    ``{name}`` in the URL or in a variable. ``keys_page`` is where the user makes a key, if known.
    ``token`` is a dummy where any key will do, as for servers on this machine, and else empty.
    ``format`` is what the endpoint speaks. One with OpenAI's makes no provider: it needs a gateway,
    and ``gateway`` says what LiteLLM calls it, the variable in which LiteLLM looks for its key, and
    another host that it has.
    """

    __slots__ = (
        "auth",
        "base_url",
        "default_model",
        "env",
        "format",
        "gateway",
        "id",
        "keys_page",
        "models",
        "name",
        "needs",
        "token",
    )

    def __init__(self, entry: Mapping[str, Any]) -> None:
        self.id: str = entry["id"]
        self.name: str = entry["name"]
        self.format: str = entry.get("format", ANTHROPIC)
        self.gateway: dict[str, str] = dict(entry.get("gateway", {}))
        self.base_url: str = entry["baseUrl"]
        self.auth: str = entry.get("auth", BEARER)
        self.default_model: str = entry.get("defaultModel", "")
        self.models: dict[str, str] = dict(entry.get("models", {}))
        self.env: dict[str, str] = dict(entry.get("env", {}))
        self.token: str = entry.get("authToken", "")
        self.keys_page: str = entry.get("keysPage", "")
        self.needs: dict[str, str] = dict(entry["needs"])

    def __repr__(self) -> str:
        return f"<Preset {self.id!r}>"

    def places(self) -> list[str]:
        """The names of the placeholders."""
        return [name for name in self.needs if name not in (KEY, MODEL, URL)]

    def fill(self, answers: Mapping[str, str]) -> Preset:
        """This preset with ``answers`` in the place of its placeholders.

        Raises :class:`CoworkEnvError` for an answer that :func:`check_place` refuses.
        """
        filled = Preset(self.as_dict())
        for place in self.places():
            try:
                answer = check_place(answers.get(place, "").strip())
            except InvalidField as error:
                raise CoworkEnvError(
                    f"{self.needs[place]}: it {error.why}.", exit_code=USAGE
                ) from None
            filled.base_url = filled.base_url.replace(f"{{{place}}}", answer)
            filled.env = {
                name: value.replace(f"{{{place}}}", answer) for name, value in filled.env.items()
            }
            del filled.needs[place]
        return filled

    def as_dict(self) -> dict[str, Any]:
        """The preset in the form of the data file, with every key."""
        return {
            "id": self.id,
            "name": self.name,
            "format": self.format,
            "gateway": dict(self.gateway),
            "baseUrl": self.base_url,
            "auth": self.auth,
            "authToken": self.token,
            "defaultModel": self.default_model,
            "models": dict(self.models),
            "env": dict(self.env),
            "keysPage": self.keys_page,
            "needs": dict(self.needs),
        }


def check_place(answer: str) -> str:
    """What fills a placeholder; raises :class:`InvalidField` unless it is part of a host name."""
    # A dot or a slash could send the key to another host.
    if not (answer.isascii() and answer.replace("-", "a").isalnum()):
        raise InvalidField((), "must have only letters, digits and hyphens in it")
    return answer


def _document() -> Any:
    if not _loaded:
        with open(FILE, encoding="utf-8") as file:
            _loaded.append(jsontext.parse(file.read(), "presets.json"))
    return _loaded[0]


def keys_page(url: str) -> str:
    """Where the user makes a key for the endpoint at ``url``, if it has a preset's host."""
    host = Url(url).host
    pages = (p.keys_page for p in all_presets() if host and Url(p.base_url).host == host)
    return next(filter(None, pages), "")


def date() -> str:
    """The month in which the data was checked: ``2026-08``."""
    return str(_document()["date"])


def all_presets() -> list[Preset]:
    """Every preset, in the order of the data file."""
    return [Preset(entry) for entry in _document()["presets"]]


def get(preset_id: str) -> Preset:
    """The preset with that id, ignoring case; raises :class:`CoworkEnvError` with similar ids."""
    found = {preset.id: preset for preset in all_presets()}
    folded = preset_id.strip().casefold()
    if folded in found:
        return found[folded]
    from .util.nearest import did_you_mean

    hint = did_you_mean(folded, found, "See 'cowork-env presets'.")
    raise CoworkEnvError(f"There is no preset '{visible(preset_id)}'.", hint, USAGE)


# Endpoints in OpenAI's format


def known_openai(url: str) -> Preset | None:
    """The preset in OpenAI's format that has the host of ``url``."""
    host = Url(url).host
    for preset in all_presets():
        hosts = (Url(preset.base_url).host, preset.gateway.get("host"))
        if preset.format == OPENAI and host in hosts:
            return preset
    return None


def check_format(url: str) -> str:
    """``url``; raises :class:`InvalidField` if its host is known to speak OpenAI's format only."""
    if preset := known_openai(url):
        why = f"belongs to {preset.name}, which speaks OpenAI's format and not Anthropic's"
        raise InvalidField(("baseUrl",), why, gateway_hint(preset.base_url))
    return url


def gateway_commands(url: str, model: str = "") -> tuple[str, str, str]:
    """How to reach ``model`` of an endpoint in OpenAI's format: the variable for its key, and the
    two commands that put a gateway before it and add that; safe to show and to paste.

    https://docs.litellm.ai/docs/providers has LiteLLM's names and variables.
    """
    preset = known_openai(url)
    if preset:
        prefix, key = preset.gateway["model"], preset.gateway["key"]
        where, word = "", f" --name {argument(preset.name, 'NAME')}"
    else:
        # Its prefix "openai" asks for OpenAI's newer API, which other servers do not have.
        prefix, key, word = "hosted_vllm", "HOSTED_VLLM_API_KEY", ""
        try:
            where = " --api_base " + argument(check_base_url(url, True).rstrip("/"), "URL")
        except InvalidField:  # it may hold a key
            where = " --api_base URL"
    model = argument(f"{prefix}/{model or 'MODEL'}", f"{prefix}/MODEL")
    return (
        key,
        f"litellm --host 127.0.0.1 --model {model}{where}",
        f"cowork-env add litellm{word} --default-model {model}",
    )


def gateway_hint(url: str, model: str = "") -> str:
    """:func:`gateway_commands` as one text."""
    key, start, add = gateway_commands(url, model)
    return f"{gateway_introduction(key)}: {start}; then: {add}"


def gateway_introduction(key: str) -> str:
    """What stands before the two commands; ``key`` is the variable for the endpoint's key."""
    return (
        f"A gateway translates. With the key in {key}, and a new one for the gateway in "
        "LITELLM_MASTER_KEY"
    )
