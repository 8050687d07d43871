"""The environment that a provider asks for, and how it is applied and undone.

Everything in here is a pure value: no shell code, no files. An environment maps variable names to
values (text, with surrogate escapes for bytes that are not UTF-8). A *target* says what an active
provider wants: a value, or None for "unset". An :class:`Activation` is the difference that a target
made. It can be reversed, and is carried from prompt to prompt in ``COWORK_ENV_STATE``.
"""

from __future__ import annotations

from ..util.system import digest
from .client_variables import CLOUD_SWITCHES, CONFLICTING, IN_FIRST_STATE
from .provider import (
    ACCOUNT,
    ANTHROPIC_HOST,
    API_KEY,
    BASE_URL_VARIABLE,
    BEARER,
    CONFIG_DIR_VARIABLE,
    CREDENTIAL,
    HOST_FLAG_VARIABLE,
    KEY_PLACE,
    LOGIN_VARIABLES,
    MODEL_VARIABLE,
    TIER_VARIABLES,
    URL_PLACE,
    Provider,
    Url,
    exported_url,
    is_free_name,
    is_on,
    login_directory,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Set

    Target = dict[str, str | None]
    Changes = dict[str, str | None]  # what to set, and what to unset (None)

STATE = "COWORK_ENV_STATE"
ACTIVE = "COWORK_ENV_ACTIVE"
BASE_URL = BASE_URL_VARIABLE
MODEL = MODEL_VARIABLE
TIER_MODELS = TIER_VARIABLES
HOST_FLAG = HOST_FLAG_VARIABLE
# Goes with the host flag, under which background sessions and the agent view lose the key.
NO_AGENT_VIEW = "CLAUDE_CODE_DISABLE_AGENT_VIEW"
CREDENTIALS = (CREDENTIAL[BEARER], CREDENTIAL[API_KEY])
ACCOUNT_TOKEN = CREDENTIAL[ACCOUNT]
CONFIG_DIR = CONFIG_DIR_VARIABLE
# Changed together or not at all: a key must never be sent to a URL that it is not for.
URL_AND_CREDENTIALS = (BASE_URL, *CREDENTIALS)
MANAGED = (
    *(BASE_URL, *CREDENTIALS, MODEL, *TIER_MODELS.values()),
    *(HOST_FLAG, NO_AGENT_VIEW, *CONFLICTING),
)

UNRESOLVED_URL = "http://unresolved.cowork-env.invalid"
UNRESOLVED_TOKEN = "unresolved"  # not a key: servers and logs that show it say what happened


# Targets


def target(provider: Provider, token: str, overrides: Mapping[str, str], home: str = "") -> Target:
    """The environment that ``provider`` wants, with ``token`` as its key.

    ``token`` is empty only for a provider that needs none. ``overrides`` are the models of a pin,
    by ``model`` and tier. ``home``: the user's home, for an account whose directory is in it.
    """
    wanted: Target = dict.fromkeys(MANAGED)
    url = exported_url(provider)
    if provider.account:
        wanted |= dict.fromkeys(LOGIN_VARIABLES)
        wanted[CONFIG_DIR] = login_directory(provider, home) or None
        wanted[ACCOUNT_TOKEN] = token or None
    elif token and url:
        wanted[BASE_URL] = url
        wanted[CREDENTIAL[provider.auth]] = token
    default = overrides.get("model") or provider.default_model
    wanted[MODEL] = default or None
    # A tier without a model gets the default model, because no other endpoint knows the names that
    # clients use for tiers. Anthropic's own does.
    anthropic = provider.account or Url(url).host == ANTHROPIC_HOST
    fallback = "" if anthropic else default
    for tier, name in TIER_MODELS.items():
        wanted[name] = overrides.get(tier) or provider.models.get(tier) or fallback or None
    if token or not provider.account:  # Under the flag, no login that is stored is used.
        wanted[HOST_FLAG] = wanted[NO_AGENT_VIEW] = "1"
    if not is_on(provider.env.get(HOST_FLAG, "1")):
        del wanted[NO_AGENT_VIEW]
    for name, value in provider.env.items():
        if value:
            parts = value.split(KEY_PLACE)
            wanted[name] = token.join(part.replace(URL_PLACE, url) for part in parts)
        elif name not in URL_AND_CREDENTIALS:
            wanted.pop(name, None)  # An empty string means: leave this variable alone.
    wanted[ACTIVE] = provider.name
    return wanted


def unresolved() -> Target:
    """The target of a required pin that cannot be used.

    Clients fail with it, instead of falling back to the user's own login.
    """
    return dict.fromkeys((*MANAGED, ACTIVE)) | {
        BASE_URL: UNRESOLVED_URL,
        CREDENTIAL[BEARER]: UNRESOLVED_TOKEN,
        HOST_FLAG: "1",
        NO_AGENT_VIEW: "1",
    }


# Activations


class Revealed(str):
    """A value to restore that is still there as a universal variable of fish.

    fish uncovers it by erasing the global variable in front of it; every other shell sets it.
    """

    __slots__ = ()


class TouchedVariable:
    """One variable that an activation touched.

    ``original``: the value before, or None when it was not set. ``mark``: the :func:`mark` of the
    value that it was given. ``shadowed``: the original is a universal variable of fish, which is
    hidden by a global one and not replaced.
    """

    __slots__ = ("mark", "original", "shadowed")

    def __init__(self, original: str | None, mark: str, *, shadowed: bool = False) -> None:
        self.original, self.mark, self.shadowed = original, mark, shadowed

    def before(self) -> str | None:
        """The original, as a value for :data:`Changes`."""
        if self.shadowed and self.original is not None:
            return Revealed(self.original)
        return self.original

    def ours(self, name: str, live: str | None) -> bool:
        """Whether the variable, now ``live``, still is as the activation made it.

        A shadowed one that was unset counts while it is empty: fish hides it behind an empty one.
        One that was emptied counts while it is unset: Claude Code takes some away from what it
        starts.
        """
        if live is None and self.is_emptied(name):
            return True
        return mark(name, live) == self.mark or (self.shadowed and self.mark == "-" and not live)

    def is_emptied(self, name: str) -> bool:
        """Whether the activation left it empty, as a launcher does for Claude Code."""
        return self.mark == mark(name, "")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TouchedVariable) and (
            (self.original, self.mark, self.shadowed)
            == (other.original, other.mark, other.shadowed)
        )

    __hash__ = None  # type: ignore[assignment]  # a mutable value

    def __repr__(self) -> str:  # without the original, which may be a key
        return f"<TouchedVariable, {'unset' if self.original is None else 'set'} before>"


def mark(name: str, value: str | None) -> str:
    """A short fingerprint of a variable's value, ``-`` for unset.

    The state holds it in place of the value, to recognize it later: a second copy of a key would be
    one more to leak.
    """
    if value is None:
        return "-"
    return digest(f"{name}\0{value}".encode("utf-8", "surrogateescape"))[:_HASH_LENGTH]


class Activation:
    """An active provider: its ``key`` (id or name), its ``name``, and the variables it touched."""

    __slots__ = ("key", "name", "touched")

    def __init__(self, key: str, name: str) -> None:
        self.key, self.name = key, name
        self.touched: dict[str, TouchedVariable] = {}

    def encode(self) -> str:
        """The activation as the text of ``COWORK_ENV_STATE``: ``VERSION:CHECKSUM:FIELD,FIELD...``.

        The fields are the number of standard variables, the key, the name, and three for each
        variable: its name, its mark, and its original after ``=`` (set) or ``u`` (universal in
        fish), or ``-`` (unset). Most standard variables were unset before and are unset now; these
        are left out, to keep the state short. A standard variable that was not touched has an empty
        mark. If none was touched, they are not counted.
        """
        standard = _STANDARD if self.touched else ()
        fields = [str(len(standard)), self.key, self.name]
        for variable in standard:
            if variable not in self.touched:
                fields += [variable, "", ""]
        for variable, t in self.touched.items():
            if t.original is None and t.mark == "-" and variable in _STANDARD:
                continue  # It was unset before, and is now.
            kind = ("u" if t.shadowed else "=") if t.original is not None else "-"
            fields += [variable, t.mark, kind + (t.original or "")]
        body = ",".join(map(_percent_encode, fields))
        return f"{_VERSION}:{_checksum(body)}:{body}"

    @staticmethod
    def decode(text: str) -> Activation | None:
        """The activation that :meth:`encode` wrote, or None when ``text`` is anything else.

        A shell that was open during an upgrade has the state of the earlier version, with fewer
        standard variables; after a downgrade it may have more. Those that this version does not
        know are named if they have to be restored.
        """
        version, _, rest = text.partition(":")
        checksum, _, body = rest.partition(":")
        if version not in ("1", _VERSION) or not body.isascii() or _checksum(body) != checksum:
            return None
        if version == "1":
            body = f"{_IN_FIRST_STATE},{body}"
        try:
            count, key, name, *fields = map(_percent_decode, body.split(","))
            standard = _STANDARD[: abs(int(count))]
        except ValueError:
            return None
        if len(fields) % 3 or not (count.isascii() and count.isdecimal()):
            return None
        touched = {variable: TouchedVariable(None, "-") for variable in standard}
        for variable, marked, value in zip(fields[::3], fields[1::3], fields[2::3], strict=True):
            if variable not in _STANDARD and not is_free_name(variable):
                return None  # The name would become shell code.
            if not marked:
                touched.pop(variable, None)
                continue
            kind, original = value[:1], value[1:]
            touched[variable] = TouchedVariable(
                original if kind in ("=", "u") else None, marked, shadowed=kind == "u"
            )
        activation = Activation(key, name)
        activation.touched = touched
        return activation

    def set_names(self, names: Iterable[str]) -> list[str]:
        """Those of ``names`` that the activation set to a value, and not to an empty one."""
        found = [(n, self.touched[n]) for n in names if n in self.touched]
        return [n for n, t in found if t.mark != "-" and not t.is_emptied(n)]

    def ours(self, name: str, env: Mapping[str, str]) -> bool:
        """Whether a variable that the activation touched still is as it was made."""
        return self.touched[name].ours(name, env.get(name))

    def taken_away(self, env: Mapping[str, str]) -> list[str]:
        """The URL or the key, when it is missing or empty beside the other one, which is ours.

        The user did not remove it: Claude Code keeps the key from its Bash tool, its hooks and the
        servers that it starts, and neither of the two may go on alone. The other credential counts
        with it if that was emptied, too. An account's token has no URL beside it, but the flag.
        """
        if self.is_account:
            has_flag = bool(self.set_names([HOST_FLAG])) and self.ours(HOST_FLAG, env)
            return [n for n in self.set_names([ACCOUNT_TOKEN]) if has_flag and not env.get(n)]
        pair = self.set_names(URL_AND_CREDENTIALS)
        changed = [n for n in URL_AND_CREDENTIALS if n in self.touched and not self.ours(n, env)]
        if any(map(env.get, changed)) or not {*pair} & {*changed} or {*pair} <= {*changed}:
            return []
        return changed

    @property
    def is_account(self) -> bool:
        """Whether it is that of a login: no other says where logins are."""
        return CONFIG_DIR in self.touched and not self.set_names(URL_AND_CREDENTIALS)

    def lacks_key(self, env: Mapping[str, str]) -> bool:
        """Whether our URL is there without our key, whatever else is there."""
        is_ours = bool(self.set_names([BASE_URL])) and self.ours(BASE_URL, env)
        return is_ours and not any(map(env.get, self.set_names(CREDENTIALS)))

    def is_foreign(self, env: Mapping[str, str]) -> bool:
        """Whether the environment never was this activation's: it came from another shell or user.

        Then neither the URL nor the key is there as it was set. A direct cloud has neither of them,
        but its switch, and of an account there may be no more than its name.
        """
        if made := self.set_names(URL_AND_CREDENTIALS):
            return not any(self.ours(name, env) for name in made)
        if made := self.set_names(CLOUD_SWITCHES):
            return not all(self.ours(name, env) for name in (*made, *self.set_names([ACTIVE])))
        if self.is_account and self.set_names([ACTIVE]):
            return not self.ours(ACTIVE, env)
        # Whoever made it up could name any variable as proof.
        return bool(self.touched)

    def reverse(self, env: Mapping[str, str]) -> Changes:
        """The changes that restore the original of every touched variable.

        A variable that no longer has the value it was given was changed by the user, or by the
        startup files of a new shell: it stays as it is.
        """
        changes: Changes = {}
        taken_away = self.taken_away(env)
        for variable, t in self.touched.items():
            live = env.get(variable)
            as_made = t.ours(variable, live) or variable in taken_away
            if as_made and (live != t.original or t.shadowed):
                changes[variable] = t.before()
        changes[STATE] = None
        return changes

    def removal(self, env: Mapping[str, str]) -> Changes:
        """The changes that remove what the activation has set; nothing is restored."""
        gone = [n for n, t in self.touched.items() if t.mark != "-" and self.ours(n, env)]
        return dict.fromkeys((*gone, STATE))


def is_damaged(env: Mapping[str, str]) -> bool:
    """Whether there is a state in an environment that cannot be read."""
    return bool(env.get(STATE)) and Activation.decode(env[STATE]) is None


def is_newer(env: Mapping[str, str]) -> bool:
    """Whether a later version of this program has written the state in an environment.

    What that version set is not known, but every version writes ``VERSION:CHECKSUM:BODY``.
    """
    version, checksum, body = (*env.get(STATE, "").split(":", 2), "", "")[:3]
    if not (version.isascii() and version.isdecimal() and body.isascii()):
        return False
    return int(version[:9]) > int(_VERSION) and _checksum(body) == checksum


def is_mixed_up(env: Mapping[str, str]) -> bool:
    """Whether a provider's variables may be there that cannot be told from the user's own.

    The state, which tells them apart, is damaged or was taken away.
    """
    return is_damaged(env) or bool(env.get(ACTIVE) and not env.get(STATE))


def ignored_state(env: Mapping[str, str], *, running: bool = False) -> str:
    """Why the state in an environment is ignored, as a clause; empty: it is not, or there is none.

    ``running`` as in :func:`transition`.
    """
    if is_newer(env):
        return f"{STATE} is of a newer cowork-env: that provider's variables are unset"
    if is_damaged(env):
        return f"{STATE} is damaged; it is ignored"
    found = Activation.decode(env.get(STATE, ""))
    if running or found is None or not found.is_foreign(env):
        return ""
    if env.get(BASE_URL) and any(map(env.get, CREDENTIALS)):
        return ""  # A startup file of this shell has set its own: that is nothing to warn of.
    return f"{STATE} is not from this shell; it is ignored"


_VERSION = "2"  # of the state's format
_HASH_LENGTH = 12  # hexadecimal digits
# The variables that nearly every activation touches. Their order is part of the format, as is that
# of the names: first those that version 1 knew.
_STANDARD = (
    *(BASE_URL, *CREDENTIALS, MODEL, *TIER_MODELS.values(), HOST_FLAG),
    *(*CONFLICTING[:IN_FIRST_STATE], ACTIVE, NO_AGENT_VIEW, *CONFLICTING[IN_FIRST_STATE:]),
)
_IN_FIRST_STATE = _STANDARD.index(ACTIVE) + 1
_PLAIN = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-=./:"


def _checksum(body: str) -> str:
    return digest(body.encode("ascii"))[:_HASH_LENGTH]


def _percent_encode(field: str) -> str:
    """``field`` with every byte but the plainest as ``%`` and two digits (RFC 3986, 2.1)."""
    data = field.encode("utf-8", "surrogateescape")
    if not data.translate(None, _PLAIN):
        return field
    return "".join(chr(b) if b in _PLAIN else f"%{b:02x}" for b in data)


def _percent_decode(field: str) -> str:
    first, *others = field.encode("ascii").split(b"%")
    return (first + b"".join(bytes.fromhex(o[:2].decode()) + o[2:] for o in others)).decode(
        "utf-8", "surrogateescape"
    )


# Transitions


def applied(env: Mapping[str, str], changes: Changes) -> dict[str, str]:
    """The environment after ``changes``."""
    after = dict(env)
    for name, value in changes.items():
        if value is None:
            after.pop(name, None)
        else:
            after[name] = value
    return after


def enter(
    env: Mapping[str, str], key: str, wanted: Target, shadowed: Set[str] = frozenset()
) -> tuple[Activation, Changes]:
    """Activate ``wanted`` in an environment where no provider is active.

    ``key`` tells the provider from others; ``shadowed`` names the exported variables that are
    universal ones in fish. Returns the activation, and the changes that it makes.
    """
    activation = Activation(key, wanted.get(ACTIVE) or "")
    changes: Changes = {}
    for name, value in wanted.items():
        live = env.get(name)
        activation.touched[name] = TouchedVariable(
            live, mark(name, value), shadowed=live is not None and name in shadowed
        )
        if value != live:
            changes[name] = value
    changes[STATE] = activation.encode()
    return activation, changes


def refresh(
    env: Mapping[str, str],
    old: Activation,
    wanted: Target,
    *,
    fresh: bool,
    shadowed: Set[str] = frozenset(),
    running: bool = False,
) -> tuple[Activation, Changes]:
    """Move an active provider to another target: it was edited, or a new shell inherited it.

    What the user changed by hand stays. In a ``fresh`` shell, one that has not reached a prompt, a
    changed value comes from its startup files instead: the provider is applied again, and that
    value becomes the one to restore. The same holds for a key that was found where ours is missing,
    beside our URL, unless the shell is ``running``, where the user may have set it for that URL.
    Returns the activation, and the changes that it makes.
    """
    activation = Activation(old.key, wanted.get(ACTIVE) or "")
    changes: Changes = {}
    appeared = _appeared(old, wanted, shadowed)
    taken_away = old.taken_away(env)
    kept = set() if fresh else _changed_by_user(env, old, appeared)
    if not (fresh or running) and old.lacks_key(env):
        kept.difference_update(URL_AND_CREDENTIALS)
        taken_away = [name for name in URL_AND_CREDENTIALS if not env.get(name)]
    for name in dict.fromkeys((*wanted, *old.touched)):
        live, known = env.get(name), old.touched.get(name)
        if name in appeared:
            activation.touched[name] = TouchedVariable(live, mark(name, None), shadowed=True)
            changes[name] = None
            continue
        if name in kept:
            if name in wanted:
                activation.touched[name] = old.touched[name]
                if _is_stray_key(name, env, old):
                    t = old.touched[name]
                    activation.touched[name] = TouchedVariable(
                        t.original, mark(name, None), shadowed=t.shadowed
                    )
                    changes[name] = None
            continue
        if known is not None and (known.ours(name, live) or name in taken_away):
            original, hidden, restored = known.original, known.shadowed, known.before()
        else:
            original, hidden, restored = live, live is not None and name in shadowed, live
        if name in wanted:
            value = wanted[name]
            activation.touched[name] = TouchedVariable(original, mark(name, value), shadowed=hidden)
        else:
            value = restored
        if value != live or isinstance(value, Revealed):
            changes[name] = value
    changes[STATE] = activation.encode()
    return activation, changes


def _appeared(old: Activation, wanted: Target, shadowed: Set[str]) -> set[str]:
    """Variables to unset that came up as universal ones of fish while the provider was active.

    They were set in another session, not by hand in this one, so they are hidden.
    """
    return {
        name
        for name in shadowed
        if name in wanted
        and wanted[name] is None
        and name in old.touched
        and not old.touched[name].shadowed
    }


def _changed_by_user(env: Mapping[str, str], old: Activation, appeared: Set[str]) -> set[str]:
    """The touched variables that a refresh must leave as they are.

    If the user changed the URL or a credential, all three stay: a new key must not go to the user's
    URL, nor the user's key to a new URL.
    """
    taken_away = old.taken_away(env)
    changed = {name for name in old.touched if not old.ours(name, env)}
    by_hand = changed.difference(appeared, taken_away)
    if by_hand.intersection(URL_AND_CREDENTIALS):
        changed.update(name for name in URL_AND_CREDENTIALS if name in old.touched)
    else:
        changed.difference_update(URL_AND_CREDENTIALS, taken_away)
    return changed


def _is_stray_key(name: str, env: Mapping[str, str], old: Activation) -> bool:
    """Whether a variable is our key beside a URL that is not ours: it is not left there."""
    pair = old.set_names(URL_AND_CREDENTIALS)
    return (
        name != BASE_URL
        and {name, BASE_URL} <= {*pair}
        and old.ours(name, env)
        and not old.ours(BASE_URL, env)
    )


def transition(
    env: Mapping[str, str],
    key: str,
    wanted: Target | None,
    fresh: bool = False,
    shadowed: Set[str] = frozenset(),
    *,
    running: bool = False,
) -> tuple[Activation | None, Changes]:
    """Move from the environment as it is to the one that is ``wanted``; None: no provider.

    ``key`` tells the provider from others; see :func:`refresh` for ``fresh`` and :func:`enter` for
    ``shadowed``. ``running``: the state is this shell's own, not an inherited one that could be
    foreign. Returns what is active then, and the changes. A state that is damaged counts as none;
    of a foreign one nothing is restored, nor of a newer one: but no key that it has set stays.
    """
    old = Activation.decode(env.get(STATE, ""))
    undo: Changes = {STATE: None} if STATE in env else {}
    if old is None and is_newer(env):
        undo |= dict.fromkeys(name for name in _STANDARD if name in env)
    if old is not None and not running and old.is_foreign(env):
        undo, old = old.removal(env), None
    if wanted is not None and old is not None and old.key == key:
        activation, changes = refresh(
            env, old, wanted, fresh=fresh, shadowed=shadowed, running=running
        )
        return activation, {k: v for k, v in changes.items() if k != STATE or v != env.get(STATE)}
    if old is not None:
        undo = old.reverse(env)
    if wanted is None:
        return None, undo
    uncovered = {name for name, value in undo.items() if isinstance(value, Revealed)}
    activation, changes = enter(applied(env, undo), key, wanted, shadowed | uncovered)
    merged = {**undo, **changes}
    return activation, {
        k: v for k, v in merged.items() if env.get(k) != v or isinstance(v, Revealed)
    }
