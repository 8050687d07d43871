"""From the variables of another program's configuration to an entry of providers.json."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..core import providers
from ..core.client_variables import CLOUD_SWITCHES
from ..core.environment import BASE_URL, MODEL, TIER_MODELS
from ..core.provider import API_KEY, CREDENTIAL, Url, is_on
from ..util import jsontext

if TYPE_CHECKING:
    from collections.abc import Mapping

    Entry = dict[str, Any]

ANTHROPIC_URL = "https://api.anthropic.com"
# What may belong to a provider beside URL, key and models. Other variables of an environment are
# left alone.
EXTRAS = (
    "API_TIMEOUT_MS",
    "CLAUDE_CODE_MAX_CONTEXT_TOKENS",
    "CLAUDE_CODE_MAX_OUTPUT_TOKENS",
    "ANTHROPIC_CUSTOM_HEADERS",
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC",
    *CLOUD_SWITCHES,
    "AWS_REGION",
    "AWS_PROFILE",
    "CLOUD_ML_REGION",
    "ANTHROPIC_VERTEX_PROJECT_ID",
    "ANTHROPIC_FOUNDRY_RESOURCE",
)
SMALL_FAST_MODEL = "ANTHROPIC_SMALL_FAST_MODEL"  # the haiku tier's older name


class Found:
    """What a source has: ``entries``, not validated, and ``notes`` on what was left out."""

    __slots__ = ("entries", "notes")

    def __init__(self, entries: list[Entry], notes: list[str] | None = None) -> None:
        self.entries, self.notes = entries, notes or []


def from_variables(env: Mapping[str, str], name: str = "") -> Entry | None:
    """The entry that these variables make, with this name; None if they make no provider."""
    entry: Entry = {"name": name}
    for auth, variable in CREDENTIAL.items():
        if env.get(variable):
            entry["authToken"] = env[variable]
            if auth == API_KEY:
                entry["auth"] = auth
            break
    extras = {n: env[n] for n in EXTRAS if env.get(n)}
    if "authToken" not in entry and not any(is_on(extras.get(n)) for n in CLOUD_SWITCHES):
        return None
    url = env.get(BASE_URL) or (ANTHROPIC_URL if "authToken" in entry else "")
    if url:
        entry["baseUrl"] = url
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


def suggested_name(url: str, env: Mapping[str, str]) -> str:
    """A name for a provider that has none: its endpoint's host, or its cloud."""
    host = Url(url).authority.rpartition("@")[2]
    if host == "api.anthropic.com":
        return "Anthropic"
    clouds = [n.removeprefix("CLAUDE_CODE_USE_").capitalize() for n in CLOUD_SWITCHES if env.get(n)]
    return host or (clouds[0] if clouds else "imported")


def read_json(path: str, where: str) -> tuple[str, Any]:
    """A JSON file's text and the document in it; ``where`` is the path as it is shown.

    Raises FileNotFoundError or :class:`CoworkEnvError`.
    """
    text = jsontext.decode(providers.read_bytes(path, where), where)
    return text, jsontext.parse(text, where)
