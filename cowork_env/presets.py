"""Known endpoints: what ``add PRESET`` need not ask. The data is in ``presets.json``, with the date it is from."""

from __future__ import annotations

import os

from .core.provider import BEARER
from .util import jsontext
from .util.errors import USAGE, CoworkEnvError
from .util.text import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "presets.json")
KEY, MODEL = (
    "key",
    "model",
)  # in ``needs``: what every provider can be asked for; other words fill a {place}
_loaded: list[Any] = []


class Preset:
    """One endpoint. ``needs`` says what it cannot know: a word (``key``, ``model``, or a ``{place}``) and the question.

    ``token`` is a stand-in where any key will do, as with servers on this machine; no preset holds a real one.
    """

    __slots__ = (
        "auth",
        "base_url",
        "default_model",
        "env",
        "id",
        "models",
        "name",
        "needs",
        "token",
    )

    def __init__(self, entry: Mapping[str, Any]) -> None:
        self.id: str = entry["id"]
        self.name: str = entry["name"]
        self.base_url: str = entry["baseUrl"]
        self.auth: str = entry.get("auth", BEARER)
        self.default_model: str = entry.get("defaultModel", "")
        self.models: dict[str, str] = dict(entry.get("models", {}))
        self.env: dict[str, str] = dict(entry.get("env", {}))
        self.token: str = entry.get("authToken", "")
        self.needs: dict[str, str] = dict(entry["needs"])

    def __repr__(self) -> str:
        return f"<Preset {self.id!r}>"

    def places(self) -> list[str]:
        """The words of ``needs`` that fill a ``{place}`` in the URL or in a variable."""
        return [word for word in self.needs if word not in (KEY, MODEL)]

    def fill(self, answers: Mapping[str, str]) -> Preset:
        """This preset with its places filled in; raises :class:`CoworkEnvError` for an answer that cannot be one."""
        filled = Preset(self.as_dict())
        for word in self.places():
            answer = answers.get(word, "").strip()
            # Only what cannot end a host name: an answer must not move the key to another host.
            if not (answer.isascii() and answer.replace("-", "a").isalnum()):
                raise CoworkEnvError(
                    f"{self.needs[word]}: only letters, digits and hyphens.", exit_code=USAGE
                )
            filled.base_url = filled.base_url.replace(f"{{{word}}}", answer)
            filled.env = {
                name: value.replace(f"{{{word}}}", answer) for name, value in filled.env.items()
            }
            del filled.needs[word]
        return filled

    def as_dict(self) -> dict[str, Any]:
        """The preset as it stands in the data file, with every key."""
        return {
            "id": self.id,
            "name": self.name,
            "baseUrl": self.base_url,
            "auth": self.auth,
            "authToken": self.token,
            "defaultModel": self.default_model,
            "models": dict(self.models),
            "env": dict(self.env),
            "needs": dict(self.needs),
        }


def _document() -> Any:
    if not _loaded:
        with open(FILE, encoding="utf-8") as file:
            _loaded.append(jsontext.parse(file.read(), "presets.json"))
    return _loaded[0]


def date() -> str:
    """The month that the data is from, as ``2026-08``."""
    return str(_document()["date"])


def all_presets() -> list[Preset]:
    """Every preset, in the order of the data file."""
    return [Preset(entry) for entry in _document()["presets"]]


def get(word: str) -> Preset:
    """The preset with that id, in any case; raises :class:`CoworkEnvError` with the nearest ids."""
    found = {preset.id: preset for preset in all_presets()}
    folded = word.strip().casefold()
    if folded in found:
        return found[folded]
    from difflib import get_close_matches

    near = get_close_matches(folded, found, 3)
    hint = "Did you mean " + " or ".join(near) + "?" if near else "See 'cowork-env presets'."
    raise CoworkEnvError(f"There is no preset '{visible(word)}'.", hint, USAGE)
