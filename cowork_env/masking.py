"""What may be shown of keys, of variables, URLs and providers that may hold one.

``export`` imports this on the fast path: nothing heavy is imported at the top.
"""

from __future__ import annotations

from .core.provider import KEYS, InvalidField, Url, is_encrypted
from .util.text import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

MASK = "•" * 8  # for every key, so that its length does not show
MIN_LENGTH = 20  # characters that a key must have for its last four to be shown
KEY_ENDINGS = (
    "TOKEN",
    "KEY",
    "SECRET",
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "CREDENTIAL",
    "CREDENTIALS",
    "HEADERS",
)


def mask(key: str) -> str:
    """A key as it may be shown: masked, but for the last four characters of a long one."""
    if not key:
        return ""
    return MASK + (visible(key[-4:]) if len(key) >= MIN_LENGTH else "")


def is_key(name: str) -> bool:
    """Whether the value of a variable of this name is a key, or another secret."""
    return any(word.endswith(KEY_ENDINGS) for word in name.upper().split("_"))


def shown_value(name: str, value: str) -> str:
    """A variable's value as it may be shown: keys masked, URLs and proxies without password."""
    if is_key(name):
        return mask(value)
    from .overrides import PROXIES, without_password

    # A proxy's address needs no scheme.
    return without_password(value) if "://" in value or name.upper() in PROXIES else value


def shown_url(url: str) -> str:
    """A base URL as it may be shown: without user, password, query and fragment."""
    parts = Url(url)
    authority, rest = parts.authority, parts.rest
    if not parts.scheme:
        return url if "@" not in url and "?" not in url else "(not a base URL)"
    path = min((rest.find(c) for c in "?#" if c in rest), default=len(rest))
    host = f"…@{authority.rpartition('@')[2]}" if "@" in authority else authority
    return f"{parts.scheme}://{host}{rest[:path]}{'…' if rest[path:] else ''}"


def shown_reference(reference: str) -> str:
    """A secret reference as it may be shown; an invalid one may be a key."""
    from .secrets import check_reference

    try:
        return check_reference(reference)
    except InvalidField:
        return mask(reference)


def shown_token(token: str) -> str:
    """A stored key as it may be shown."""
    return "(encrypted by the desktop app)" if is_encrypted(token) else mask(token)


def shown_env(env: Mapping[str, object]) -> dict[str, str]:
    """A provider's variables as they may be shown."""
    return {name: shown_value(name, str(value)) for name, value in env.items()}


def shown_entry(entry: Mapping[str, Any]) -> dict[str, Any]:
    """An entry of providers.json as it may be shown: known fields only, secrets masked."""
    shown = {key: value for key, value in entry.items() if key in KEYS}
    rules: tuple[tuple[str, type, Callable[[Any], object]], ...] = (
        ("authToken", str, shown_token),
        ("authTokenFrom", str, shown_reference),
        ("baseUrl", str, shown_url),
        ("env", dict, shown_env),
    )
    for key, kind, show in rules:
        if (value := shown.get(key)) is not None:
            shown[key] = show(value) if isinstance(value, kind) else "(not of the right type)"
    return shown
