"""What overrides Claude Code's environment: its settings files, proxies, other tools' leftovers.

Read-only: nothing here changes anything, or raises because of a file's content. The rules were
measured with Claude Code 2.1.330. Projects that others wrote contain settings files, so their
content is treated as hostile.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field, replace
from itertools import islice

from .core import providers
from .core.client_variables import CLIENT_VARIABLES, CONFLICTING, UNREAD
from .core.environment import (
    ACCOUNT_TOKEN,
    BASE_URL,
    CONFIG_DIR,
    CREDENTIALS,
    HOST_FLAG,
    MANAGED,
    MODEL,
)
from .core.provider import (
    ANTHROPIC_URL,
    API_KEY,
    BEARER,
    CREDENTIAL,
    Url,
    is_loopback,
    is_on,
    repaired,
)
from .util import jsontext
from .util.errors import CoworkEnvError
from .util.text import tilde, visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

MAX_BYTES = 1 << 20  # of a settings file: parsing takes many times the size
MAX_DROP_INS = 64  # more than are in use, so that a huge folder takes no time

MANAGED_SCOPE, LOCAL, PROJECT, USER = "managed", "local", "project", "user"

# What a setting does: it is used instead of the environment's value; it would be, but the host flag
# is set; it would be, but a stronger file has another; it has the same value; it is used only where
# the environment has none; or nothing works with it.
WINS, HELD, BEATEN, SAME, YIELDS, BLOCKS = "wins", "held", "beaten", "same", "yields", "blocks"

HTTPS_PROXY, HTTP_PROXY, ALL_PROXY = PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")
NO_PROXY = "NO_PROXY"
# Under the host flag these are ignored in settings files, like the managed variables.
_HELD_TOO = frozenset((*PROXIES, NO_PROXY, "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"))
# The managed variables that a settings file sets in spite of the host flag, for Claude Code or for
# what it starts. Measured with 2.1.332; the tests with real clients check it.
_NOT_HELD_NAMES = """
    ANTHROPIC_API_BASE ANTHROPIC_BETAS ANTHROPIC_FEDERATION_RULE_ID ANTHROPIC_IDENTITY_TOKEN
    ANTHROPIC_IDENTITY_TOKEN_FILE ANTHROPIC_ORGANIZATION_ID ANTHROPIC_PROFILE
    ANTHROPIC_SERVICE_ACCOUNT_ID ANTHROPIC_WORKSPACE_ID CLAUDE_CODE_API_BASE_URL
    CLAUDE_CODE_DISABLE_AGENT_VIEW CLAUDE_CODE_EXTRA_BODY
"""
NOT_HELD = frozenset(_NOT_HELD_NAMES.split())
PRIMARY_KEY = "primaryApiKey"  # a key that Claude Code keeps in its own file, from a login
MAX_OWN_BYTES = 16 << 20  # of that file, which also holds its history
# The managed variables that send every request, key included, to a local socket, whatever the base
# URL is. They are read from the environment only.
REDIRECTING = ("ANTHROPIC_UNIX_SOCKET",)


@dataclass(frozen=True)
class Switcher:
    """Another provider switcher: its files in a home, the prefix of its variables.

    The first file is its folder. ``port`` is that of its proxy, or empty.
    """

    name: str
    files: tuple[str, ...]
    prefix: str
    port: str = ""


SWITCHERS = (
    Switcher("cc-switch", (".cc-switch",), "CC_SWITCH_", "15721"),
    Switcher("claude-code-router", (".claude-code-router",), "CLAUDE_CODE_ROUTER_", "3456"),
    Switcher("ccs", (".ccs", ".ccs.json", ".ccs_config.toml"), "CCS_", "8317"),
    Switcher("ccm", (".ccm", ".ccm_config"), "CCM_"),
    Switcher("claude-acc", (".claude-switch",), "CLAUDE_ACC_"),
)


def folder_of(tool: str, home: str) -> str:
    """The folder of one of :data:`SWITCHERS` in a home."""
    files = next(switcher.files for switcher in SWITCHERS if switcher.name == tool)
    return os.path.join(home, files[0])


@dataclass(frozen=True)
class Place:
    """One settings file that Claude Code may read: its scope, and its path."""

    scope: str
    path: str


@dataclass(frozen=True)
class Setting:
    """One value in one settings file.

    ``key`` is its place in the file (``env.ANTHROPIC_BASE_URL``, ``apiKeyHelper``, ``model``), and
    ``variable`` the variable that does the same. ``value`` is not in the ``repr``: it may be or
    contain a key.
    """

    place: Place
    key: str
    variable: str
    value: str = field(repr=False)
    effect: str


@dataclass(frozen=True)
class Proxy:
    """The proxy between a client and a provider.

    ``variable`` names it, ``address`` is its URL without a password. ``host`` and ``port`` are the
    provider's.
    """

    variable: str
    address: str
    host: str
    port: str
    harmful: bool


@dataclass(frozen=True)
class Leftover:
    """A trace of another provider switcher."""

    tool: str
    trace: str


@dataclass
class Report:
    """All that was found, the strongest settings file first.

    ``problems`` are the files that could not be read, each with the reason. ``account``: the
    provider is a login.
    """

    settings: list[Setting] = field(default_factory=list)
    problems: list[tuple[str, str]] = field(default_factory=list)
    proxy: Proxy | None = None
    redirects: list[str] = field(default_factory=list)
    leftovers: list[Leftover] = field(default_factory=list)
    account: bool = False

    def on(self, variable: str) -> list[Setting]:
        """The settings that do the same as ``variable``."""
        return [s for s in self.settings if s.variable == variable]

    @property
    def login_leaks(self) -> list[Setting]:
        """The settings that send the token of an account's login to another URL.

        Measured with 2.1.332: of what a settings file can set, only a base URL does.
        """
        return [
            s
            for s in self.settings
            if self.account
            and s.effect == WINS
            and s.variable == BASE_URL
            and repaired(s.value) != ANTHROPIC_URL
        ]

    def hold_login(self) -> None:
        """Take these settings for ignored: a launcher keeps Claude Code from them."""
        leaks = self.login_leaks
        self.settings = [replace(s, effect=HELD) if s in leaks else s for s in self.settings]


def managed_directory(platform: str = sys.platform) -> str:
    """The folder of an organization's settings on this platform."""
    if platform == "darwin":
        return "/Library/Application Support/ClaudeCode"
    if platform == "win32":
        return "C:\\Program Files\\ClaudeCode"
    return "/etc/claude-code"


def user_directory(env: Mapping[str, str]) -> str:
    """The folder of the user's own Claude Code settings."""
    return env.get(CONFIG_DIR) or os.path.join(env.get("HOME", ""), ".claude")


def repository_root(directory: str) -> str:
    """The nearest directory with a ``.git``, from ``directory`` upward, or empty."""
    while not os.path.lexists(os.path.join(directory, ".git")):
        parent = os.path.dirname(directory)
        if parent == directory:
            return ""
        directory = parent
    return directory


def places(env: Mapping[str, str], directory: str, managed: str | None = None) -> list[Place]:
    """The settings files of Claude Code when started in ``directory``, the strongest first.

    The shared project file is read in the directory itself only, the local one also at the root of
    its repository, where it is stronger. An organization can also send settings in other ways,
    which no file shows.
    """
    managed = managed_directory() if managed is None else managed
    folder = os.path.join(managed, "managed-settings.d")
    try:
        with os.scandir(folder) as entries:
            names = sorted(
                e.name for e in islice(entries, MAX_DROP_INS) if e.name.endswith(".json")
            )
    except OSError:
        names = []  # no drop-ins
    found = [
        Place(MANAGED_SCOPE, os.path.join(folder, n))
        for n in reversed(names)
        if not n.startswith(".")
    ]
    found.append(Place(MANAGED_SCOPE, os.path.join(managed, "managed-settings.json")))
    root = repository_root(directory)
    if root and root != directory:
        found.append(Place(LOCAL, os.path.join(root, ".claude", "settings.local.json")))
    found.append(Place(LOCAL, os.path.join(directory, ".claude", "settings.local.json")))
    user = os.path.join(user_directory(env), "settings.json")
    project = os.path.join(directory, ".claude", "settings.json")
    if os.path.realpath(project) != os.path.realpath(user):
        found.append(Place(PROJECT, project))
    found.append(Place(USER, user))
    return found


def own_file(env: Mapping[str, str]) -> str:
    """The file in which Claude Code keeps what it remembers, and a key from a login."""
    folder = env.get(CONFIG_DIR) or env.get("HOME", "")
    return os.path.join(folder, ".claude.json")


def load(
    path: str, home: str = "", limit: int = MAX_BYTES, own: int | None = None
) -> dict[str, Any]:
    """The object in a settings file of at most ``limit`` bytes; ``own`` as in ``read_bytes``.

    Raises FileNotFoundError, or :class:`CoworkEnvError`.
    """
    where = tilde(path, home)
    text = jsontext.decode(providers.read_bytes(path, where, own, limit), where)
    document = jsontext.parse(text, where) if text.strip() else {}
    if not isinstance(document, dict):
        raise CoworkEnvError(f"{where} is not a JSON object.")
    return document


def env_of(document: Mapping[str, Any]) -> dict[str, str]:
    """The ``env`` block of a settings file, as text; values that are not scalars are left out."""
    block = document.get("env")
    if not isinstance(block, dict):
        return {}
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in block.items()
        if isinstance(value, (str, bool, int, float))
    }


def report(
    env: Mapping[str, str],
    directory: str,
    names: Iterable[str] = (),
    managed: str | None = None,
    *,
    account: bool = False,
) -> Report:
    """What overrides ``env``, the environment of a client that is started in ``directory``.

    ``names`` are variables of the provider's own, in addition to the managed ones. ``account``: the
    provider is a login of the client's own.
    """
    result = Report(account=account)
    home = env.get("HOME", "")
    proxies = (*PROXIES, NO_PROXY)
    watched = dict.fromkeys((*MANAGED, *names, *proxies, *(name.lower() for name in proxies)))
    for name in (HOST_FLAG, *(name for name, _, client in CLIENT_VARIABLES if client == UNREAD)):
        watched.pop(name, None)  # It is read from the environment only, or by no client.
    taken: set[str] = set()
    for place in places(env, directory, managed):
        try:
            document = load(place.path, home)
        except FileNotFoundError:
            continue
        except CoworkEnvError as error:
            result.problems.append((place.path, error.message))
            continue
        block = env_of(document)
        for name in watched:
            if name in block:
                effect = _effect(env, name, block[name], f"env.{name}" in taken)
                result.settings.append(Setting(place, f"env.{name}", name, block[name], effect))
                taken.add(f"env.{name}")
        helper, model = document.get("apiKeyHelper"), document.get("model")
        if isinstance(helper, str) and helper:
            effect = HELD if _held(env) else BEATEN if "apiKeyHelper" in taken else WINS
            if effect == HELD and account:
                effect = BLOCKS  # Measured: with a token under the host flag, nothing is sent.
            result.settings.append(Setting(place, "apiKeyHelper", _credential(env), helper, effect))
            taken.add("apiKeyHelper")
        if isinstance(model, str) and model:
            effect = _model_effect(env, place, model, taken)
            result.settings.append(Setting(place, "model", MODEL, model, effect))
            taken.add("model")
    if not (account and not env.get(ACCOUNT_TOKEN)):  # That key may be the login itself.
        _add_primary_key(result, env)
    result.proxy = proxy(env, env.get(BASE_URL) or ANTHROPIC_URL)
    result.redirects = [name for name in REDIRECTING if env.get(name)]
    result.leftovers = leftovers(env, result.settings)
    return result


def _add_primary_key(result: Report, env: Mapping[str, str]) -> None:
    """Report a key from a login, which is sent beside the environment's own credential."""
    place = Place(USER, own_file(env))
    try:
        key = load(place.path, env.get("HOME", ""), MAX_OWN_BYTES).get(PRIMARY_KEY)
    except FileNotFoundError:
        return
    except CoworkEnvError as error:
        result.problems.append((place.path, error.message))
        return
    if isinstance(key, str) and key:
        effect = HELD if _held(env) else WINS
        result.settings.append(Setting(place, PRIMARY_KEY, CREDENTIAL[API_KEY], key, effect))


def _held(env: Mapping[str, str]) -> bool:
    return is_on(env.get(HOST_FLAG))


def is_held(name: str) -> bool:
    """Whether Claude Code ignores a variable of its settings files under the host flag."""
    return name not in NOT_HELD and (name in MANAGED or name.upper() in _HELD_TOO)


def _credential(env: Mapping[str, str]) -> str:
    """The credential in use, which an ``apiKeyHelper`` would replace."""
    return next((name for name in CREDENTIALS if env.get(name)), CREDENTIAL[BEARER])


def _effect(env: Mapping[str, str], name: str, value: str, taken: bool) -> str:
    if _held(env) and is_held(name):
        return HELD
    if name in REDIRECTING:
        # Measured: not read from a settings file while a credential is in the environment.
        return HELD
    if taken:
        return BEATEN
    return SAME if env.get(name) == value else WINS


def _model_effect(env: Mapping[str, str], place: Place, model: str, taken: set[str]) -> str:
    """The effect of a settings file's ``model``; a model in the environment is stronger."""
    if env.get(MODEL):
        return SAME if env[MODEL] == model else YIELDS
    if place.scope == MANAGED_SCOPE and _held(env):
        return HELD
    return BEATEN if "model" in taken else WINS


def proxy(env: Mapping[str, str], url: str) -> Proxy | None:
    """The proxy through which a client reaches ``url``, or None.

    Claude Code uses any of the three variables. A proxy is harmful if the endpoint is on this
    machine, which the proxy cannot reach, or if the proxy would get the key unencrypted.
    """
    endpoint = Url(url)
    scheme, host = endpoint.scheme, endpoint.host
    order = PROXIES if scheme == "https" else (HTTP_PROXY, HTTPS_PROXY, ALL_PROXY)
    for variable in (v for name in order for v in (name.lower(), name)):
        if address := env.get(variable, ""):
            port = endpoint.port or ("443" if scheme == "https" else "80")
            if not host or bypassed(env.get("no_proxy") or env.get(NO_PROXY) or "", host, port):
                return None
            return Proxy(
                variable,
                without_password(address),
                host,
                port,
                is_loopback(host) or scheme == "http",
            )
    return None


def bypassed(no_proxy: str, host: str, port: str) -> bool:
    """Whether ``NO_PROXY`` has the host, by Claude Code's rule, the strictest of all clients'."""
    if no_proxy.strip() == "*":
        return True
    for entry in no_proxy.lower().replace(",", " ").split()[:1000]:
        if entry == host or entry == f"{host}:{port}" or entry == f"[{host}]:{port}":
            return True
        if entry.startswith(".") and (host == entry[1:] or host.endswith(entry)):
            return True
        if "/" in entry and _in_range(host, entry):
            return True
    return False


def _in_range(host: str, network: str) -> bool:
    import ipaddress

    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False


def without_password(address: str) -> str:
    """A proxy's address without user name and password, safe to show."""
    url = Url(address)
    if not url.scheme:
        return visible(address.rpartition("@")[2])
    path, _, _ = url.rest.partition("?")
    return visible(f"{url.scheme}://{url.authority.rpartition('@')[2]}{path}")


def proxy_of(url: str) -> str:
    """The switcher to whose proxy on this machine a base URL sends requests, or empty."""
    parts = Url(url)
    tools = (tool.name for tool in SWITCHERS if tool.port and tool.port == parts.port)
    return next(tools, "") if is_loopback(parts.host) else ""


def leftovers(env: Mapping[str, str], settings: Iterable[Setting] = ()) -> list[Leftover]:
    """Traces of other provider switchers: files, variables, settings that use their proxies."""
    found = []
    home = env.get("HOME", "")
    base_urls = [s for s in settings if s.key == f"env.{BASE_URL}"]
    for tool in SWITCHERS:
        for setting in base_urls:
            if proxy_of(setting.value) == tool.name:
                place = tilde(setting.place.path, home)
                found.append(Leftover(tool.name, f"{place} sends requests to its proxy"))
        found += [
            Leftover(tool.name, f"~/{path}")
            for path in tool.files
            if home and os.path.lexists(os.path.join(home, path))
        ]
        names = [name for name in sorted(env) if name.startswith(tool.prefix)]
        found += [Leftover(tool.name, f"${visible(name)}") for name in names[:8]]
    return found


def conflicts(env: Mapping[str, str]) -> list[str]:
    """The variables in ``env`` that redirect a client or add a second credential."""
    both = [CREDENTIAL[API_KEY]] if all(env.get(name) for name in CREDENTIALS) else []
    return both + [name for name in CONFLICTING if env.get(name)]
