"""The rules for one entry of ``providers.json``; nothing about files or shells.

The hook and the commands both use these functions, so that what one accepts the other accepts.
This is on the fast path and imports nothing heavy; ``models.py`` wraps the same rules in pydantic.
"""

from __future__ import annotations

from ..util.text import argument, first_control
from . import names
from .client_variables import CHOOSE_NO_MODEL, CLOUD_SWITCHES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from .catalog import Catalog

TIERS = ("opus", "sonnet", "haiku", "fable")
BEARER, API_KEY, ACCOUNT = "bearer", "api-key", "account"
AUTH_STYLES = (BEARER, API_KEY, ACCOUNT)
# The variable that holds the key, for each way of sending it. That of an account is a token of
# "claude setup-token".
CREDENTIAL = {
    BEARER: "ANTHROPIC_AUTH_TOKEN",
    API_KEY: "ANTHROPIC_API_KEY",
    ACCOUNT: "CLAUDE_CODE_OAUTH_TOKEN",
}
BASE_URL_VARIABLE = "ANTHROPIC_BASE_URL"
# Where Claude Code keeps its login, and the login alone.
CONFIG_DIR_VARIABLE = "CLAUDE_CONFIG_DIR"
LOGIN_VARIABLES = (CONFIG_DIR_VARIABLE, "CLAUDE_SECURESTORAGE_CONFIG_DIR")
HOST_FLAG_VARIABLE = "CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST"
ANTHROPIC_HOST = "api.anthropic.com"
ANTHROPIC_URL = f"https://{ANTHROPIC_HOST}"
DEFAULT_LOGIN = "~/.claude"  # the client's own default; naming it in the variable is another login
# In a value of "env": the provider's key and its URL, filled in when it becomes active.
KEY_PLACE, URL_PLACE = "{key}", "{url}"
# Endings of the names of variables that may hold the key. All of them are masked.
KEY_ENDINGS = ("_KEY", "_TOKEN", "_SECRET", "_HEADERS", "_AUTHORIZATION")
MODEL_VARIABLE = "ANTHROPIC_MODEL"
TIER_VARIABLES = {tier: f"ANTHROPIC_DEFAULT_{tier.upper()}_MODEL" for tier in TIERS}
KEYS = (
    "id",
    "name",
    "baseUrl",
    "authToken",
    "defaultModel",
    "models",
    "authTokenFrom",
    "auth",
    "configDir",
    "env",
    "verbatimBaseUrl",
    "allowInsecure",
)
NONE = "none"  # in the place of a name or id: no provider


class InvalidField(ValueError):
    """A field of an entry breaks a rule.

    ``path`` leads from the entry to the field; ``why`` completes the sentence "FIELD ..."; ``hint``
    says what to do, or is empty. None of them holds a value, which may be a key.
    """

    def __init__(self, path: tuple[str, ...], why: str, hint: str = "") -> None:
        super().__init__(why)
        self.path = path
        self.why = why
        self.hint = hint


class Provider:
    """One valid entry of ``providers.json``.

    ``token`` is the key as it is stored: plain, encrypted or empty. It stays out of ``repr``.
    ``verbatim``: the base URL is not repaired; ``insecure``: it may be plain http. ``key`` tells it
    from every other: the id, or where that is missing or shared, a text that no id can be.
    ``catalog``: the catalogue that it comes from, see ``catalog.py``; None: it is the user's own.
    ``config_dir``: where the login of an account is, as it is written; empty: the default login.
    """

    __slots__ = (
        "auth",
        "base_url",
        "catalog",
        "config_dir",
        "default_model",
        "env",
        "id",
        "insecure",
        "key",
        "models",
        "name",
        "token",
        "token_from",
        "verbatim",
    )

    def __init__(self, entry: Mapping[str, Any]) -> None:
        """Read one entry; raises :class:`InvalidField` at the first rule it breaks."""
        if not isinstance(entry, dict):
            raise InvalidField((), "is not an object")
        self.catalog: Catalog | None = None
        self.name = check_name(_text(entry, "name"))
        self.id = self.key = _text(entry, "id").strip()
        if not self.id:
            self.set_shared_id()
        self.env = check_env(entry.get("env"))
        self.verbatim = _flag(entry, "verbatimBaseUrl")
        self.insecure = _flag(entry, "allowInsecure")
        self.auth = check_auth(_text(entry, "auth") or BEARER)
        self.base_url = _text(entry, "baseUrl")
        self.config_dir = _text(entry, "configDir")
        if self.account:
            self._check_account()
        elif self.config_dir:
            raise InvalidField(("configDir",), f"is for 'auth': '{ACCOUNT}' alone")
        elif self.base_url or not self.direct:
            check_base_url(self.base_url, self.insecure)
        self.token = _text(entry, "authToken", printable=False)
        if not is_encrypted(self.token):
            check_token(self.token)
        self.token_from = _text(entry, "authTokenFrom")
        self.default_model = check_model(_text(entry, "defaultModel"))
        self.models = check_models(entry.get("models"))
        self._check_env_keeps_url_and_key()
        self._check_places()

    def _check_account(self) -> None:
        """Whether the entry is about a login and nothing beside it: no other URL gets its token."""
        if self.base_url and repaired(self.base_url) != ANTHROPIC_URL:
            raise InvalidField(
                ("baseUrl",), f"is not {ANTHROPIC_URL}, the only one that an account's login is for"
            )
        check_config_dir(self.config_dir)
        for name in (*LOGIN_VARIABLES, BASE_URL_VARIABLE, *CREDENTIAL.values(), *CHOOSE_NO_MODEL):
            if name in self.env:
                raise InvalidField(("env", name), "would use something else than the login")

    def _check_places(self) -> None:
        """Whether the places for key and URL in ``env`` can be filled, and the key be masked."""
        for name, value in self.env.items():
            places = [place for place in (KEY_PLACE, URL_PLACE) if place in value]
            has_no_key = self.direct and not self.has_key and KEY_PLACE in places
            if places and (self.account or not self.base_url or has_no_key):
                raise InvalidField(("env", name), f"has {places[0]} in it, and there is none")
            if KEY_PLACE in places and not name.endswith(KEY_ENDINGS):
                raise InvalidField(
                    ("env", name),
                    "has the key in it, and a name that does not say so",
                    f"Such a name ends with one of {', '.join(KEY_ENDINGS)}.",
                )

    def _check_env_keeps_url_and_key(self) -> None:
        flag = self.env.get(HOST_FLAG_VARIABLE)
        if self.account and flag is not None and (flag or not self.has_key):
            raise InvalidField(("env", HOST_FLAG_VARIABLE), "would keep clients from the login")
        keys = CREDENTIAL[BEARER], CREDENTIAL[API_KEY]
        credentials = (CREDENTIAL[self.auth],) if self.base_url else keys
        for name in (BASE_URL_VARIABLE, *credentials):
            if self.env.get(name):
                raise InvalidField(("env", name), "would replace the provider's own URL or key")

    def set_shared_id(self) -> None:
        """Tell it from others by its name as well, because its id does not."""
        self.key = f"{self.id}\n{self.name}"  # no id holds a line break

    def __repr__(self) -> str:
        return f"<Provider {self.name!r}>"

    @property
    def plain_token(self) -> str:
        """The key if it is stored in plain text and not fetched from elsewhere, or empty."""
        return "" if self.token_from or self.encrypted else self.token

    @property
    def encrypted(self) -> bool:
        """Whether the key in use is one that the desktop app has encrypted."""
        return not self.token_from and is_encrypted(self.token)

    @property
    def account(self) -> bool:
        """Whether it is a login of the client's own."""
        return self.auth == ACCOUNT

    @property
    def direct(self) -> bool:
        """Whether its ``env`` makes clients talk to a cloud directly: it needs no URL and key."""
        return any(is_on(self.env.get(name)) for name in CLOUD_SWITCHES)

    @property
    def has_key(self) -> bool:
        """Whether it has a key, stored or to fetch."""
        return bool(self.token or self.token_from)

    @property
    def needs_key(self) -> bool:
        """Whether it is of no use without a key."""
        return not (self.account or self.direct)


def is_on(value: str | None) -> bool:
    """Whether Claude Code takes the value of a variable that is a switch for "yes"."""
    return (value or "").strip().lower() in ("1", "true", "yes", "on")


# Fields. Each function returns the value to use, and raises InvalidField.


def _text(entry: Mapping[str, Any], key: str, printable: bool = True) -> str:
    value = entry.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InvalidField((key,), "is not a string")
    if printable and first_control(value) >= 0:
        raise InvalidField((key,), "has a control character in it")
    return value


def _flag(entry: Mapping[str, Any], key: str) -> bool:
    value = entry.get(key)
    if value is None or isinstance(value, bool):
        return bool(value)
    raise InvalidField((key,), "must be true or false")


def check_name(name: str) -> str:
    """A provider's name, stripped: one line of text, as it is shown at prompts and kept in pins."""
    name = name.strip()
    if not name:
        raise InvalidField(("name",), "is missing")
    if first_control(name) >= 0:
        raise InvalidField(("name",), "has a control character in it")
    if name.casefold() == NONE:
        raise InvalidField(("name",), "is 'none', which stands for no provider")
    if name.startswith("#"):
        raise InvalidField(("name",), "begins with '#', which would be a comment in a pin")
    return name


def check_auth(auth: str) -> str:
    """The way in which the key is sent: ``bearer``, ``api-key``, or ``account`` for a login."""
    if auth not in AUTH_STYLES:
        raise InvalidField(("auth",), "must be 'bearer', 'api-key' or 'account'")
    return auth


def check_config_dir(directory: str) -> str:
    """The directory of a login: absolute, or in the user's home (``~/...``); empty: the default."""
    if not directory:
        return ""
    if first_control(directory) >= 0 or not is_exportable(directory):
        raise InvalidField(("configDir",), "has a character in it that no path should have")
    if not directory.startswith(("/", "~/")):
        raise InvalidField(
            ("configDir",), "is not an absolute path", "It begins with '/', or '~/' for your home."
        )
    if not directory.strip("~/."):
        raise InvalidField(("configDir",), "is not a directory of its own")
    if ".." in directory.split("/"):
        raise InvalidField(("configDir",), "has '..' in it", "Write it without.")
    return directory


def login_directory(provider: Provider, home: str) -> str:
    """The absolute directory of an account's login, for ``CLAUDE_CONFIG_DIR``.

    Empty for the default login, which a client uses only while the variable is not set: naming its
    directory there would be another login.
    """
    path = provider.config_dir
    if path.startswith("~/") and home:
        path = home + path[1:]
    path = _plain_path(path)
    return "" if path in (DEFAULT_LOGIN, _plain_path(home + DEFAULT_LOGIN[1:])) else path


def _plain_path(path: str) -> str:
    """A path without double slashes, those at its end, and ``.``: clients compare it as text."""
    parts = "/".join(part for part in path.split("/") if part not in ("", "."))
    return f"/{parts}" if path.startswith("/") else parts


def check_model(model: str, path: tuple[str, ...] = ("defaultModel",)) -> str:
    """The name of a model, stripped; empty means none."""
    model = model.strip()
    if first_control(model) >= 0 or " " in model:
        raise InvalidField(path, "has white space or a control character in it")
    if "://" in model:
        raise InvalidField(path, "is a URL, not a model's name")
    return model


def check_models(models: object) -> dict[str, str]:
    """The models by tier, without empty ones. Other keys belong to other programs."""
    if models is None:
        return {}
    if not isinstance(models, dict):
        raise InvalidField(("models",), "is not an object")
    found = {}
    for tier in TIERS:
        value = models.get(tier)
        if value is None:
            continue
        if not isinstance(value, str):
            raise InvalidField(("models", tier), "is not a string")
        if checked := check_model(value, ("models", tier)):
            found[tier] = checked
    return found


def is_variable(name: str) -> bool:
    """Whether ``name`` is a valid variable in every shell: ASCII letters, digits and ``_``."""
    return name.isascii() and name.replace("_", "a").isalnum() and not name[0].isdigit()


def is_free_name(name: str) -> bool:
    """Whether a provider may set the variable ``name``: it steers no shell, and nothing else here.

    Shells have variables in lower case that run code or are tied to others (zsh's ``path``, nearly
    all of fish's and tcsh's), and clients read none but the proxies. So no other is free.
    """
    if not is_variable(name):
        return False
    return name in names.FOR_CLIENTS or (
        name == name.upper()
        and name not in names.RESERVED
        and not name.startswith(names.RESERVED_STARTS)
        and not name.endswith(names.RESERVED_ENDS)
    )


def is_exportable(value: str) -> bool:
    """Whether an environment variable can hold ``value``: it is UTF-8 text without NUL."""
    return "\0" not in value and not any(0xD800 <= ord(c) < 0xE000 for c in value if c > "\u07ff")


def check_env(env: object) -> dict[str, str]:
    """Extra variables by name, none of them reserved; an empty value means: leave it alone."""
    if env is None:
        return {}
    if not isinstance(env, dict):
        raise InvalidField(("env",), "is not an object")
    for name, value in env.items():
        path = ("env", name)
        if not is_variable(name):
            raise InvalidField(path, "is not a valid variable name")
        if not is_free_name(name):
            raise InvalidField(
                path,
                "is not for a provider to set",
                "It may set what clients read, and nothing that steers other programs.",
            )
        if not isinstance(value, str):
            raise InvalidField(path, "is not a string", "Write numbers in quotes.")
        if not is_exportable(value):
            raise InvalidField(path, "has a character in it that no environment variable can hold")
    return dict(env)


def check_token(token: str) -> str:
    """A key: empty, or one line of printable text without white space around it."""
    if first_control(token) >= 0:
        raise InvalidField(
            ("authToken",), "has a line break or a control character in it", "Enter the key again."
        )
    if token != token.strip():
        raise InvalidField(("authToken",), "has white space around it", "Enter the key again.")
    return token


def is_encrypted(token: str) -> bool:
    """Whether a stored key is encrypted by the desktop app (Electron safeStorage, in base64).

    It is ``ENC:v1:`` and base64; another version is not a key either. Older builds wrote base64
    alone, padded or not, of bytes that begin with ``v10``, ``v11`` or ``v12``.
    """
    if token.startswith("ENC:"):
        return True
    if not token.startswith(("djEw", "djEx", "djEy")):
        return False
    return token.rstrip("=").replace("+", "a").replace("/", "a").isalnum() and token.isascii()


# URLs


class Url:
    """The parts of a URL: ``scheme`` (lower case), ``authority``, and the ``rest`` from ``/?#`` on.

    Scheme and authority are empty where there is no ``://``.
    """

    __slots__ = ("authority", "rest", "scheme")

    def __init__(self, url: str) -> None:
        scheme, mark, after = url.partition("://")
        if not mark:
            scheme, after = "", url
        end = min((i for i in map(after.find, "/?#") if i >= 0), default=len(after)) if mark else 0
        self.scheme, self.authority, self.rest = scheme.lower(), after[:end], after[end:]

    @property
    def host(self) -> str:
        """The host, in lower case and without brackets."""
        host, _ = split_authority(self.authority)
        return host

    @property
    def port(self) -> str:
        """The port, empty if it has none."""
        _, port = split_authority(self.authority)
        return port


def split_authority(authority: str) -> tuple[str, str]:
    """Host (lower case, no brackets) and port (or empty) of an authority without user name."""
    if authority.startswith("["):
        host, _, rest = authority[1:].partition("]")
        return host.lower(), rest.removeprefix(":")
    host, _, port = authority.partition(":")
    return host.lower(), port


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine's (RFC 6761, 6.3; RFC 1122, 3.2.1.3)."""
    if host == "localhost" or host.endswith(".localhost") or host == "::1":
        return True
    parts = host.split(".")
    return (
        len(parts) == 4
        and parts[0] == "127"
        and all(p.isascii() and p.isdigit() and int(p) < 256 for p in parts)
    )


def check_base_url(url: str, insecure: bool = False) -> str:
    """A base URL that all clients understand alike: http or https, a host, a path, nothing else.

    Plain http is for this machine only, unless ``insecure``: others on the network could read the
    key.
    """

    def bad(why: str, hint: str = "") -> InvalidField:
        return InvalidField(("baseUrl",), why, hint)

    if not url:
        raise bad("is missing")
    if first_control(url) >= 0 or any(c.isspace() for c in url) or "\\" in url:
        raise bad("has white space, a backslash or a control character in it")
    parts = Url(url)
    scheme, authority, rest = parts.scheme, parts.authority, parts.rest
    if not scheme:
        raise bad("has no scheme", "Write it in full, as in https://gateway.example.com.")
    if scheme not in ("http", "https"):
        raise bad("must be an http or https URL")
    if "@" in authority:
        raise bad("has a user name or a password in it", "The key is a field of its own.")
    if "?" in rest or "#" in rest:
        raise bad(
            "has a query or a fragment in it",
            "Clients append /v1/messages to it, so it ends with the path.",
        )
    host, port = parts.host, parts.port
    if not host or (authority.startswith("[") and "]" not in authority):
        raise bad("has no host")
    bad_port = authority.endswith(":") or (
        port and not (port.isascii() and port.isdigit() and 0 < int(port) < 65536)
    )
    if bad_port:
        raise bad("has a port that is not a number from 1 to 65535")
    if scheme == "http" and not insecure and not is_loopback(host):
        raise bad(
            "is plain http to another machine, where the key could be read on the way",
            "Use https, or set allowInsecure to true if you know that network.",
        )
    return url


def exported_url(provider: Provider) -> str:
    """The base URL as clients get it; empty if the provider has none."""
    return provider.base_url if provider.verbatim else repaired(provider.base_url)


def repaired(url: str) -> str:
    """``url`` as clients need it: without a final ``/v1/messages`` or ``/v1``, and slashes.

    Clients append ``/v1/messages`` themselves.
    """
    url = url.rstrip("/")
    for ending in ("/v1/messages", "/v1"):
        if Url(url).rest.endswith(ending):
            return url[: -len(ending)].rstrip("/")
    return url


def slug(name: str) -> str:
    """A name as one lower-case word that is easy to type: ``my-anthropic-api``."""
    words = "".join(c if c.isalnum() else " " for c in name.casefold()).split()
    return "-".join(words)


def name_argument(name: str) -> str:
    """A provider's name as an argument in a command to copy: its slug, if it has one."""
    return argument(slug(name) or name, "NAME")
