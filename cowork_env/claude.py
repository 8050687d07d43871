"""How a launcher starts Claude Code: with a settings file in the place of the host flag.

The host flag keeps settings files from redirecting requests, but Claude Code then withholds the key
from its own tools, and has no background sessions. A file that is passed with ``--settings``
protects as well without that: it goes before every other settings file but a managed one. It names
the provider, and empties what another file could put beside it.

Measured with Claude Code 2.0.76 to 2.1.332. An older one, one whose version cannot be told, and
commands of Claude Code that start no session keep the host flag.

This is on a launcher's way to the program: nothing heavy is imported, unless the user gives
settings of their own, or the version of the program is not known yet.
"""

from __future__ import annotations

from _json import encode_basestring_ascii, scanstring

from . import claude_files, secrets
from .core import environment, resolve
from .core.client_variables import MODEL_NAMES, READ_BESIDE_A_KEY, READ_WITHOUT_A_KEY
from .core.environment import BASE_URL, CONFIG_DIR, CREDENTIALS, HOST_FLAG, NO_AGENT_VIEW
from .core.provider import is_on
from .util.errors import CoworkEnvError
from .util.system import digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from .core.environment import Target
    from .core.provider import Provider
    from .core.resolve import Inputs, Resolution

SETTINGS, FLAG, NOTHING = "settings", "flag", ""  # the two ways, and neither
OLDEST = (2, 0, 76)  # the first version that was measured with a settings file
OPTION = "--settings"

# What the first argument says. Any other begins a session. "agents" shows and starts sessions, and
# takes the file like one.
_COMMANDS = frozenset(
    (
        *("auth", "auto-mode", "config", "doctor", "gateway", "import", "install", "mcp"),
        *("migrate-installer", "plugin", "plugins", "project", "purge", "rc", "remote-control"),
        *("setup-token", "ultrareview", "update", "upgrade"),
        *("-h", "--help", "-v", "-V", "--version"),
        # For its own use: they count only as the first argument.
        *("--bg-pty-host", "--bg-spare", "--chrome-native-host", "--claude-in-chrome-mcp"),
        *("--computer-use-mcp", "--daemon-worker", "--handle-uri", "--mcp-cli", "--ripgrep"),
    )
)
# They act on background sessions, which have their own settings, and refuse to without agent view.
_OF_SESSIONS = frozenset(("attach", "daemon", "kill", "logs", "respawn", "rm", "stop"))

PROXIES = (
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
)
# What a user may say with settings of their own: it neither redirects nor adds a credential.
_FREE = frozenset(
    (
        *(environment.MODEL, *environment.TIER_MODELS.values(), *MODEL_NAMES),
        *("CLAUDE_CODE_EXTRA_BODY", "ANTHROPIC_BETAS"),
    )
)
# What of a user's settings Claude Code is known to load. With another value, or another member, the
# versions that were measured have dropped the whole file.
_LOADED: dict[str, object] = {
    "env": dict,
    "apiKeyHelper": str,
    "model": str,
    "outputStyle": str,
    **dict.fromkeys(("alwaysThinkingEnabled", "disableAllHooks", "includeCoAuthoredBy"), bool),
}
_RULES, _DIRECTORIES = ("allow", "deny", "ask"), "additionalDirectories"  # of "permissions"
# The first version that was measured with the flag beside a file that it drops. It also drops a
# rule that is not well-formed alone, and not the whole file.
FLAG_PROTECTS = (2, 1, 85)
_UNKNOWN = "\0key"  # in the place of a key that is not known yet; no variable can hold it


def start(
    inputs: Inputs, found: Resolution, command: list[str], arguments: list[str]
) -> tuple[list[str], dict[str, str]]:
    """The arguments and the environment to start Claude Code with.

    ``command`` is the program, or an interpreter and the program; ``arguments`` are Claude Code's
    own. Raises :class:`CoworkEnvError`: what is wrong with the choice, with its key, with the
    user's settings, or with the folder of the settings file.
    """
    provider = found.provider
    if provider is not None and _begins_session(arguments) and takes_settings(provider):
        version = claude_files.parsed(claude_files.version(command, inputs))
        given = _Given(arguments, version) if version >= OLDEST else None
        if given is not None and not given.is_loaded and version < FLAG_PROTECTS:
            raise CoworkEnvError(
                "this version of Claude Code may drop the settings that it is given with"
                f" {OPTION}, and then a repository's settings could redirect its requests.",
                "Update Claude Code, or put them into ~/.claude/settings.json.",
            )
        if given is not None and not given.unreadable:
            file, env = _with_file(inputs, found, provider, given, version)
            return [OPTION, file, *given.others], env
    _, changes = environment.transition(inputs.env, found.key, resolve.target(inputs, found))
    env = environment.applied(inputs.env, changes)
    is_own = bool(resolve.original_env(inputs.env).get(NO_AGENT_VIEW))
    if arguments and arguments[0] in _OF_SESSIONS and not is_own:
        env.pop(NO_AGENT_VIEW, None)
    return arguments, env


def way(version: str) -> str:
    """How a launcher protects that version of Claude Code."""
    return SETTINGS if claude_files.parsed(version) >= OLDEST else FLAG


def _begins_session(words: list[str]) -> bool:
    return not words or (words[0] not in _COMMANDS and words[0] not in _OF_SESSIONS)


def takes_settings(provider: Provider) -> bool:
    """Whether a file can do what the flag does for this provider, and the user wants it.

    A cloud that is talked to directly is protected better by the flag, which covers the variables
    of the cloud's account, too.
    """
    return not provider.direct and is_on(provider.env.get(HOST_FLAG, "1"))


# The settings


def _with_file(
    inputs: Inputs, found: Resolution, provider: Provider, given: _Given, version: tuple[int, ...]
) -> tuple[str, dict[str, str]]:
    """The path of the settings file, written if need be, and the environment beside it.

    Its name depends on all that is in it, but for a key that is looked up. What the user has set by
    hand stays, so that is more than the provider.
    """
    folder, in_memory = claude_files.folder(inputs, version)
    begun, name, key = claude_files.now(), "", ""
    if in_memory and secrets.may_be_slow(provider):

        def text_with(key: str) -> str:
            wanted = environment.target(provider, key, found.models, inputs.home)
            return given.merged(_seen(inputs, found.key, wanted, given)[1])

        sketch = text_with(_UNKNOWN)
        name = _name(sketch, claude_files.circumstances(inputs, provider))
        kept = claude_files.recent(f"{folder}/{name}.json", inputs)
        key = _key_in(kept, sketch)
        if key and text_with(key) == kept:
            begun = 0  # The key is as old as the file.
        else:
            key = ""
    wanted = resolve.target(inputs, found, key)
    assert wanted is not None
    env, variables = _seen(inputs, found.key, wanted, given)
    text = given.merged(variables)
    path = f"{folder}/{name or _name(text)}.json"
    if begun:
        claude_files.write(path, text, begun)
    return path, env


def _name(*parts: str) -> str:
    return digest("\0".join(parts).encode("utf-8", "surrogateescape"))[:32]


def _key_in(kept: str, sketch: str) -> str:
    """The key in the text of a file that was made from ``sketch``, or empty."""
    start = sketch.find(encode_basestring_ascii(_UNKNOWN))
    if start < 0 or kept[: start + 1] != sketch[: start + 1]:
        return ""
    try:
        return str(scanstring(kept, start + 1, True)[0])
    except ValueError:
        return ""


def _seen(
    inputs: Inputs, key: str, wanted: Target, given: _Given
) -> tuple[dict[str, str], dict[str, str]]:
    """The environment for Claude Code, and the variables for its settings file.

    Claude Code puts the latter into its environment, so what it starts sees both. The state tells
    of that: of the emptied variables, and that the flag is off. They are not in the environment for
    Claude Code itself, where an empty variable could mean something else.
    """
    seen = dict(wanted)
    if given.is_loaded:
        if HOST_FLAG in seen:
            seen[HOST_FLAG] = None
        seen.pop(NO_AGENT_VIEW, None)  # It is as the user wants it.
    matter = [BASE_URL, *CREDENTIALS, environment.MODEL, *environment.TIER_MODELS.values()]
    matter += READ_BESIDE_A_KEY
    if CONFIG_DIR in wanted:
        matter += READ_WITHOUT_A_KEY
    emptied = [n for n in matter if n in seen and seen[n] is None]
    emptied += [n for n in PROXIES if n not in seen and not inputs.env.get(n)]
    seen |= dict.fromkeys(emptied, "")
    _, changes = environment.transition(inputs.env, key, seen)
    after = environment.applied(inputs.env, changes)
    names = [n for n in seen if seen[n] is not None and n != environment.ACTIVE]
    settings = {n: after.get(n, "") for n in dict.fromkeys((*names, *PROXIES))}
    for name in emptied:
        if not after.get(name):
            after.pop(name, None)
    return after, settings


class _Given:
    """Claude Code's arguments: the settings that the user gives with them, and the others.

    ``unreadable``: the settings are none that we can merge; Claude Code says what is wrong.
    ``is_loaded``: a file with them is known to be loaded. Claude Code drops a file with a value
    that it does not expect, and goes on without it; then the flag has to protect.
    """

    def __init__(self, words: list[str], version: tuple[int, ...]) -> None:
        self.others: list[str] = []
        self.unreadable = False
        value: str | None = None
        rest = iter(words)
        for word in rest:
            if word == OPTION:
                value = next(rest, None)
                self.unreadable = self.unreadable or value is None
            elif word.startswith(OPTION + "="):
                value = word[len(OPTION) + 1 :]
            else:
                self.others.append(word)
                if word == "--":
                    self.others += rest
        self._settings: dict[str, object] = {}
        if value is not None and not self.unreadable:
            settings = _parsed_settings(value)
            self.unreadable = settings is None
            self._settings = settings or {}
        self.is_loaded = not self.unreadable and _is_loaded(self._settings, version)

    def merged(self, variables: Mapping[str, str]) -> str:
        """The text of the settings file: the user's settings with ours."""
        if not self._settings:
            pairs = (
                f"{encode_basestring_ascii(n)}:{encode_basestring_ascii(v)}"
                for n, v in variables.items()
            )
            return '{"env":{' + ",".join(pairs) + '},"apiKeyHelper":""}\n'
        import json

        theirs = self._settings.get("env", {})
        assert isinstance(theirs, dict)
        # What they leave empty is no choice of theirs.
        chosen = {n: v for n, v in theirs.items() if n not in variables or (n in _FREE and v)}
        if (model := self._settings.get("model")) and environment.MODEL in variables:
            chosen.setdefault(environment.MODEL, model)  # The variable goes before it.
        settings = {**self._settings, "env": {**variables, **chosen}, "apiKeyHelper": ""}
        return json.dumps(settings, separators=(",", ":")) + "\n"


def _parsed_settings(value: str) -> dict[str, object] | None:
    """The user's own settings, from a file or as JSON; None if they cannot be read."""
    import json

    text = value.strip()
    try:
        if not (text.startswith("{") and text.endswith("}")):
            text = claude_files.content(value)
        settings = json.loads(text)
        json.dumps(settings, allow_nan=False)  # Claude Code reads no NaN and no Infinity.
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(settings, dict) or not isinstance(settings.get("env", {}), dict):
        return None
    return settings


def _is_loaded(settings: Mapping[str, object], version: tuple[int, ...]) -> bool:
    """Whether that version of Claude Code is known to load a file with these settings."""
    others = {name: value for name, value in settings.items() if name != "permissions"}
    permissions = settings.get("permissions", {})
    if not all(type(value) is _LOADED.get(name) for name, value in others.items()):
        return False
    if not isinstance(permissions, dict) or not permissions.keys() <= {*_RULES, _DIRECTORIES}:
        return False
    return all(
        isinstance(texts, list)
        and all(isinstance(text, str) for text in texts)
        and (version >= FLAG_PROTECTS or name == _DIRECTORIES or all(map(_is_rule, texts)))
        for name, texts in permissions.items()
    )


def _is_rule(text: str) -> bool:
    """Whether a permission is well-formed for every version: a tool, or commands for Bash."""
    tool, parenthesis, pattern = text.partition("(")
    if not parenthesis:
        return tool.isidentifier() and (tool[0].isupper() or tool.startswith("mcp__"))
    commands = pattern.removesuffix(")").removesuffix(":*")
    is_closed = pattern.endswith(")") and not set("()*") & set(commands)
    return tool == "Bash" and is_closed and bool(commands.strip())
