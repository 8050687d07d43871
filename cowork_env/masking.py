"""What may be shown of keys, of variables, URLs and providers that may hold one.

``export`` imports this on the fast path: nothing heavy is imported at the top.
"""

from __future__ import annotations

from .core.environment import ACTIVE, BASE_URL, CONFIG_DIR
from .core.provider import ACCOUNT, KEY_PLACE, KEYS, InvalidField, Url, is_encrypted
from .util.text import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from .core.provider import Provider

MASK = "•" * 8  # for every key, so that its length does not show
MIN_LENGTH = 20  # characters that a key must have for its last four to be shown
# Endings of the words in a variable's name whose value is a secret. Words may run together, as in
# DBPASSWORD, except for the short ones, which are endings of other words, too.
_ENDINGS = (
    *("TOKEN", "KEY", "KEYS", "SECRET", "SECRETS", "CREDENTIAL", "CREDENTIALS", "CREDS"),
    *("PASS", "PASSWD", "PASSWORD", "PASSWORDS", "PASSPHRASE", "PASSCODE", "PWD", "PW", "PAT"),
    *("PATS", "JWT", "JWTS", "HMAC", "AUTHENTICATION", "MNEMONIC", "COOKIEJAR"),
    *("AUTHORIZATION", "BEARER", "COOKIE", "COOKIES", "HEADER", "HEADERS", "SIGNATURE", "DSN"),
    *("CONNECTIONSTRING", "CONNSTR"),
)
_WORDS = frozenset(("SIG", "SAS", "PIN", "OTP", "WEBHOOK", "HOOK", "SALT", "SEED"))
_OTHER_WORDS = ("COMPAT", "BYPASS", "COMPASS", "MONKEY", "TURKEY", "HOTKEY")
# The same, unless the value says otherwise: a switch, or (TOKENS) a number.
_SWITCHES, _NUMBERS = ("AUTH", "AUTHS", "SESSION", "SESSIONS"), ("TOKENS",)
# A last word that says what a number is about a key, and no key; a word that makes a switch.
_MEASURES = frozenset(("MS", "SECONDS", "MINUTES", "TTL", "TIMEOUT", "DESCRIPTOR", "FD", "COUNT"))
_VERBS = frozenset(("USE", "SKIP", "DISABLE", "DISABLED", "ENABLE", "ENABLED", "ALLOW", "NO"))
_SWITCH_VALUES = frozenset(("0", "1", "true", "false", "yes", "no", "on", "off"))
# How keys of well-known kinds begin; a rest of at least so many characters follows.
_BEGINNINGS = (
    *("sk-", "pk-", "rk_", "sk_", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-"),
    *(
        "xoxa-",
        "xoxb-",
        "xoxe-",
        "xoxp-",
        "xoxr-",
        "xoxs-",
        "xapp-",
        "AKIA",
        "ASIA",
        "AIza",
        "ya29.",
    ),
    *("hf_", "gsk_", "npm_", "pypi-", "dop_v1_", "hvs.", "eyJ", "fw_"),
)
_LEAST_REST = 8
_RANDOM = 32  # characters of letters and digits without a break: no word of any language
_SCHEMES = ("bearer", "basic", "digest", "negotiate", "token")  # of HTTP authentication
# Checked when they are saved, to have no secret in them; a name that is shown at prompts; a path.
_NEVER = frozenset((BASE_URL, ACTIVE, CONFIG_DIR))
_BREAKS = str.maketrans(dict.fromkeys("?&;#,{}[]\t\r\n", " "))
_QUOTES = "\"'"
_SEPARATORS = str.maketrans(dict.fromkeys("?&;#,{}[]\t\r\n=:/@\"'", " "))


def mask(key: str) -> str:
    """A key as it may be shown: masked, but for the last four characters of a long one.

    None are shown of what has a structure: its end may be a short key.
    """
    if not key:
        return ""
    whole = len(key) >= MIN_LENGTH and not any(c in key for c in " \t\r\n:;,&@?/{}\"'")
    return MASK + (visible(key[-4:]) if whole else "")


def is_secret(name: str, value: str = "") -> bool:
    """Whether a variable holds a key or another secret, by its name and by what its value may be.

    In doubt it does. An empty value stands for one that is not known.
    """
    if name in _NEVER or value == KEY_PLACE:
        return False
    return is_named_secret(name, value) or has_secret(value)


def is_named_secret(name: str, value: str = "") -> bool:
    """Whether a variable of this name, or a header or parameter, holds a secret.

    An empty value stands for one that is not known.
    """
    words = "".join(c if c.isalnum() else " " for c in name.upper()).split()
    words = [word.rstrip("0123456789") or word for word in words]  # API_KEY2
    number = not value or (value.isascii() and value.isdigit() and len(value) < 10)
    switch = not value or value.lower() in _SWITCH_VALUES
    is_measure = words and words[-1] in _MEASURES
    if (number and is_measure) or (switch and (is_measure or _VERBS.intersection(words))):
        return False
    if "CONNECTION STRING" in " ".join(words):
        return True
    return any(
        word in _WORDS
        or (word.endswith(_ENDINGS) and not word.endswith(_OTHER_WORDS))
        or (word.endswith(_SWITCHES) and not switch)
        or (word.endswith(_NUMBERS) and not number)
        for word in words
    )


def has_secret(value: str) -> bool:
    """Whether there may be a secret in a text, by its form alone.

    That is a password in an address, a parameter, field or header of a secret's name, also in JSON,
    or what looks like a key.
    """
    if "-----BEGIN" in value:
        return True
    user, at, _ = value.rpartition("@")
    if at and (":" in user):
        return True  # With a slash in a password, it is no longer clear where the host begins.
    words = value.translate(_BREAKS).split()
    for i, word in enumerate(words):
        if word.lower().strip(_QUOTES) in _SCHEMES and i + 1 < len(words):
            return True
        if looks_like_key(word.strip(_QUOTES)):
            return True
        for mark in "=:":
            name, found, rest = word.partition(mark)
            if not found or rest.startswith("//"):
                continue
            rest = (rest or "".join(words[i + 1 : i + 2])).strip(_QUOTES)
            if (rest and is_named_secret(name, rest)) or looks_like_key(rest):
                return True
    return False


def looks_like_key(word: str) -> bool:
    """Whether a word begins as keys of well-known kinds do, or has a long and random part."""
    if _begins_like_key(word):
        return True
    # Z.ai's keys have two parts with a dot, and others a short name with a hyphen before.
    parts = word.replace(".", "-").split("-")
    runs = (part.replace("_", "").replace("+", "").replace("=", "") for part in parts)
    return any(
        len(run) >= _RANDOM
        and run.isalnum()
        and not run.isdigit()
        and any(c.isdigit() for c in run)
        for run in runs
    )


def _begins_like_key(word: str) -> bool:
    return any(len(word) >= len(b) + _LEAST_REST and word.startswith(b) for b in _BEGINNINGS)


def has_key(text: str) -> bool:
    """Whether a key was typed where something else was asked for: a name, a URL, a model.

    Less is taken for a key than by :func:`has_secret`, as the answer is refused: what looks like
    one, with a digit in it, or a password in a URL. A path is none, and the id of an account, which
    is random, is part of some endpoints' URLs.
    """
    is_url = "://" in text
    if is_url and ":" in Url(text).authority.rpartition("@")[0]:
        return True
    looks = _begins_like_key if is_url else looks_like_key
    words = [] if text.startswith(("/", "~")) else text.translate(_SEPARATORS).split()
    return any(looks(word) and any(c.isdigit() for c in word) for word in words)


def shown_value(name: str, value: str) -> str:
    """A variable's value as it may be shown: secrets masked, addresses without password."""
    if name not in _NEVER and value != KEY_PLACE and is_named_secret(name, value):
        return mask(value)
    from .overrides import PROXIES, without_password

    # A proxy's address needs no scheme.
    address = "://" in value or name.upper() in PROXIES
    shown = without_password(value) if address else value
    return MASK if is_secret(name, shown) else shown


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


def key_source(provider: Provider) -> str:
    """Where its key comes from: ``stored``, ``encrypted``, a reference's scheme, or empty."""
    if provider.token_from:
        from .secrets import scheme_of

        try:
            return scheme_of(provider.token_from)
        except InvalidField:
            return "?"
    return "encrypted" if provider.encrypted else "stored" if provider.token else ""


def shown_token(token: str) -> str:
    """A stored key as it may be shown."""
    return "(encrypted by the desktop app)" if is_encrypted(token) else mask(token)


def shown_env(env: Mapping[str, object]) -> dict[str, str]:
    """A provider's variables as they may be shown."""
    return {name: shown_value(name, str(value)) for name, value in env.items()}


def known_fields(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of an entry that we know, without the URL of an account, which is not exported."""
    unused = "baseUrl" if entry.get("auth") == ACCOUNT else ""
    return {key: value for key, value in entry.items() if key in KEYS and key != unused}


def shown_entry(entry: Mapping[str, Any]) -> dict[str, Any]:
    """An entry of providers.json as it may be shown: known fields only, secrets masked."""
    shown = known_fields(entry)
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
