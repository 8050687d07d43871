"""New and changed entries of providers.json, from what the user gives for a provider."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from . import masking
from .core.provider import (
    ACCOUNT,
    ANTHROPIC_URL,
    BEARER,
    KEYS,
    InvalidField,
    Provider,
    Url,
    is_loopback,
)
from .util import jsontext
from .util.errors import CoworkEnvError
from .util.text import visible

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .presets import Preset

    Entry = dict[str, Any]

# What is about an endpoint and its key, or about a login, and means nothing to the other.
_OF_ONE_KIND = (
    *("baseUrl", "authToken", "authTokenFrom", "configDir", "defaultModel", "models"),
    *("verbatimBaseUrl", "allowInsecure"),
)

_HTTPS_PORTS = ("443", "8443")


# In a text for an editor, in the place of what may be a key.
UNCHANGED = "(unchanged)"


@dataclass(kw_only=True, repr=False)
class Fields:
    """What the user gives for a provider.

    None: not given; an empty text: take the value away. ``models`` has the tiers that were given.
    ``env``: variables to add, after all others are removed if ``clear_env``. ``token`` is the
    key itself, ``token_from`` a reference.
    """

    name: str | None = None
    base_url: str | None = None
    default_model: str | None = None
    models: dict[str, str] = field(default_factory=dict)
    auth: str | None = None
    config_dir: str | None = None
    token: str | None = None
    token_from: str | None = None
    env: dict[str, str] = field(default_factory=dict)
    clear_env: bool = False
    verbatim_base_url: bool | None = None
    allow_insecure: bool | None = None

    def is_empty(self) -> bool:
        """Whether nothing was given."""
        return not (
            any(value is not None for value in self._plain().values())
            or self.models
            or self.token
            or self.env
            or self.clear_env
        )

    def _plain(self) -> dict[str, Any]:
        """The fields that are one key of an entry each, by that key."""
        return {
            "name": self.name,
            "baseUrl": self.base_url,
            "defaultModel": self.default_model,
            "auth": self.auth,
            "configDir": self.config_dir,
            "authTokenFrom": self.token_from,
            "verbatimBaseUrl": self.verbatim_base_url,
            "allowInsecure": self.allow_insecure,
        }

    def apply(self, entry: Entry) -> None:
        """Change an entry. A new key replaces a reference, and a reference a stored key.

        An account that becomes an endpoint, and the reverse, keep nothing but name, id and
        variables.
        """
        if self.changes_kind(entry):
            for key in _OF_ONE_KIND:
                entry.pop(key, None)
            if self.auth == ACCOUNT:
                entry["baseUrl"] = ANTHROPIC_URL
        for key, value in self._plain().items():
            _set(entry, key, value)
        if self.models:
            models = _object(entry.get("models"))
            for tier, model in self.models.items():
                _set(models, tier, model)
            _set(entry, "models", models or "")
        if self.env or self.clear_env:
            kept = {} if self.clear_env else _object(entry.get("env"))
            _set(entry, "env", {**kept, **self.env} or "")
        if self.token:
            entry["authToken"] = self.token
            entry.pop("authTokenFrom", None)
        elif self.token_from:
            entry.pop("authToken", None)

    def makes_account(self, entry: Entry) -> bool:
        """Whether an entry is an account after :meth:`apply`."""
        return (entry.get("auth") if self.auth is None else self.auth) == ACCOUNT

    def changes_kind(self, entry: Entry) -> bool:
        """Whether :meth:`apply` makes an account of an endpoint with a key, or the reverse."""
        return self.makes_account(entry) != (entry.get("auth") == ACCOUNT)

    def new_entry(self, preset: Preset | None) -> Entry:
        """The entry that these fields and a preset make, with all :data:`KEYS`, some empty."""
        entry: Entry = dict.fromkeys(KEYS[1:])
        entry["name"] = self.name or (preset.name if preset else "")
        entry["baseUrl"] = self.base_url or (preset.base_url if preset else "")
        auth = self.auth or (preset.auth if preset else BEARER)
        entry["auth"] = auth if auth != BEARER else None
        if auth == ACCOUNT:
            entry["baseUrl"] = entry["baseUrl"] or ANTHROPIC_URL  # for the desktop app
        entry["configDir"] = self.config_dir
        entry["authTokenFrom"] = self.token_from
        stand_in = preset.token if preset and not self.token_from else ""
        entry["authToken"] = self.token or stand_in
        given = {tier: model for tier, model in self.models.items() if model}
        entry["models"] = {**preset.models, **given} if preset else given
        entry["defaultModel"] = self.default_model or (preset.default_model if preset else "")
        entry["env"] = preset.env if preset else self.env
        entry["verbatimBaseUrl"] = self.verbatim_base_url or None
        entry["allowInsecure"] = self.allow_insecure or None
        return entry


def complete_url(answer: str, usual: str) -> str:
    """A base URL that may have been written without its scheme: ``gateway:4000``, or a port alone.

    ``usual`` is where such a server usually is. What is not in the answer is as there, but a name
    of another machine without a port means https, and so does port 443 or 8443.
    """
    known = Url(usual)
    if not answer or "://" in answer:
        return answer
    if answer.removeprefix(":").isdigit():
        return f"{known.scheme}://{known.host}:{answer.removeprefix(':')}"
    given = Url(f"{known.scheme}://{answer}")
    address = given.host.replace(".", "").isdigit() or ":" in given.host
    if given.port in _HTTPS_PORTS or not (given.port or address or is_loopback(given.host)):
        return f"https://{answer}"
    port = "" if given.port else f":{known.port}"
    return f"{given.scheme}://{given.authority}{port}{given.rest}"


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _set(values: dict[str, Any], key: str, value: Any) -> None:
    """Set a key, or remove it for an empty text or False; None leaves it."""
    if value is False or value == "":
        values.pop(key, None)
    elif value is not None:
        values[key] = value


def without_empty(entry: Entry) -> Entry:
    """An entry without the keys that have no value."""
    return {key: value for key, value in entry.items() if value}


def needs_no_endpoint(env: Mapping[str, str]) -> bool:
    """Whether these variables alone make a provider (a cloud), without base URL and key."""
    try:
        return Provider({"name": "x", "env": dict(env)}).direct
    except InvalidField:
        return False


# An entry as text, for an editor


def as_text(entry: Entry) -> str:
    """An entry as it stands in the file, with :data:`UNCHANGED` in the place of what may be a key.

    That is whatever would be masked where it is shown.
    """
    import json

    shown = masking.shown_entry(entry)

    def without_keys(key: str, value: Any) -> Any:
        if key == "env" and isinstance(value, dict):
            masked = masking.shown_env(value)
            return {n: v if masked[n] == str(v) else UNCHANGED for n, v in value.items()}
        if key in shown:
            return value if shown[key] == value else UNCHANGED
        is_known = key in KEYS or not value
        return UNCHANGED if not is_known and masking.is_secret(key, str(value)) else value

    values = {key: without_keys(key, value) for key, value in entry.items()}
    text = json.dumps(values, indent=2, ensure_ascii=False) + "\n"
    # A lone surrogate cannot be encoded in UTF-8; JSON has an escape for it.
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def from_text(text: str, before: Entry) -> Entry:
    """The entry that a text from an editor is about, valid; ``before`` is the one that was edited.

    Raises :class:`CoworkEnvError`, with line and column, for a text that is no valid entry.
    """
    from . import models

    try:
        entry = jsontext.parse(text, _THE_TEXT)
    except CoworkEnvError as error:
        raise CoworkEnvError(error.message) from None  # The hint there is about a file.
    try:
        if not isinstance(entry, dict):
            raise InvalidField((), "is not an object")
        entry = _with_keys(entry, before)
        if entry.get("authToken") and entry.get("authTokenFrom"):
            both = bool(before.get("authToken") and before.get("authTokenFrom"))
            if not both:
                why = "is there beside authTokenFrom"
                raise InvalidField(("authToken",), why, "Remove one of the two.")
        if before.get("id") and not entry.get("id"):
            # It would get a new one, and pins and the selection would not find it any more.
            entry = {"id": before["id"], **{k: v for k, v in entry.items() if k != "id"}}
        return models.tidy(entry)
    except InvalidField as error:
        line, column = jsontext.position(text, error.path)
        field = visible(jsontext.format_path(error.path)) or "the provider"
        message = f"{_THE_TEXT}, line {line}, column {column}: {field} {error.why}."
        raise CoworkEnvError(message, error.hint) from None


_THE_TEXT = "What you wrote"


def _with_keys(entry: Entry, before: Entry, path: tuple[str, ...] = ()) -> Entry:
    """An entry, or its variables, with the values of ``before`` where a key was left out."""
    found = {}
    for key, value in entry.items():
        old = before.get(key)
        if value == UNCHANGED:
            if old is None:
                raise InvalidField((*path, key), "has no value that could stay")
            value = old
        elif not path and key == "env" and isinstance(value, dict):
            value = _with_keys(value, _object(old), (key,))
        found[key] = value
    return found
