"""What a provider does to the environment, and how that is undone: pure values, no shell, no files.

An environment is a mapping from names to values (text, with surrogate escapes for bytes that are not UTF-8).
A *target* says what an active provider wants: a value, or None for "unset". An :class:`Activation` is the
difference that a target made: it can be built, applied, reversed, and carried in ``COWORK_ENV_STATE``.
"""

from __future__ import annotations

from .provider import CLOUD_SWITCHES, CREDENTIAL, TIERS, Provider, host_of, is_free_name, repaired
from .trust import digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    Target = dict[str, str | None]
    Changes = dict[str, str | None]

STATE = "COWORK_ENV_STATE"
ACTIVE = "COWORK_ENV_ACTIVE"
BASE_URL = "ANTHROPIC_BASE_URL"
MODEL = "ANTHROPIC_MODEL"
TIER_MODELS = {tier: f"ANTHROPIC_DEFAULT_{tier.upper()}_MODEL" for tier in TIERS}
HOST_FLAG = "CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST"
CREDENTIALS = tuple(CREDENTIAL.values())
CARRIED = (
    BASE_URL,
    *CREDENTIALS,
)  # These travel together: left alone, one would stand beside somebody else's.

# What else can redirect a client or add a second credential: unset while a provider is active. Claude Code 2.1.330
# sends the whole request, key included, to ANTHROPIC_UNIX_SOCKET, whatever the base URL is.
CONFLICTING = (
    "ANTHROPIC_API_URL",
    "ANTHROPIC_API_BASE_URL",
    "ANTHROPIC_UNIX_SOCKET",
    "ANTHROPIC_CUSTOM_HEADERS",
    "ANTHROPIC_SMALL_FAST_MODEL",
    "CLAUDE_CODE_SUBAGENT_MODEL",
    "CLAUDE_CODE_OAUTH_TOKEN",
    *CLOUD_SWITCHES,
)
MANAGED = (BASE_URL, *CREDENTIALS, MODEL, *TIER_MODELS.values(), HOST_FLAG, *CONFLICTING)
ANTHROPIC_HOST = "api.anthropic.com"

VERSION = "1"  # of how an activation is written
MARK_LENGTH = 12  # hexadecimal digits

UNRESOLVED_URL = "http://unresolved.cowork-env.invalid"
UNRESOLVED_TOKEN = "unresolved"  # no key: it says why there is none


def target(provider: Provider, token: str, overrides: Mapping[str, str]) -> Target:
    """The environment that ``provider`` wants, with ``token`` as its key (empty only for a direct cloud).

    ``overrides`` are a pin's model lines: ``model`` and the tiers.
    """
    wanted: Target = dict.fromkeys(MANAGED)
    url = provider.base_url if provider.verbatim else repaired(provider.base_url)
    if token and url:
        wanted[BASE_URL] = url
        wanted[CREDENTIAL[provider.auth]] = token
    default = overrides.get("model") or provider.default_model
    wanted[MODEL] = default or None
    # Anthropic's own endpoint knows the names that a client gives its tiers; nobody else does.
    fallback = "" if host_of(url) == ANTHROPIC_HOST else default
    for tier, name in TIER_MODELS.items():
        wanted[name] = overrides.get(tier) or provider.models.get(tier) or fallback or None
    wanted[HOST_FLAG] = "1"
    for name, value in provider.env.items():
        if value:
            wanted[name] = value
        elif name not in CARRIED:
            wanted.pop(name, None)  # An empty string means: leave this variable alone.
    wanted[ACTIVE] = provider.name
    return wanted


def unresolved() -> Target:
    """What a required pin that cannot be honoured sets: clients fail, and never fall back to a person's login."""
    return dict.fromkeys((*MANAGED, ACTIVE)) | {
        BASE_URL: UNRESOLVED_URL,
        CREDENTIALS[0]: UNRESOLVED_TOKEN,
        HOST_FLAG: "1",
    }


class Revealed(str):
    """An original that a fish universal variable still holds: fish uncovers it, every other shell sets it."""

    __slots__ = ()


class Touched:
    """One variable that an activation touched.

    ``original``: the value before, or None when there was none. ``mark``: what was made of it, as :func:`mark`
    spells it. ``shadowed``: the original is a fish universal variable, which is hidden and not replaced.
    """

    __slots__ = ("mark", "original", "shadowed")

    def __init__(self, original: str | None, mark: str, shadowed: bool = False) -> None:
        self.original, self.mark, self.shadowed = original, mark, shadowed

    def before(self) -> str | None:
        """The original, as a value for :data:`Changes`."""
        return (
            Revealed(self.original)
            if self.shadowed and self.original is not None
            else self.original
        )

    def ours(self, name: str, live: str | None) -> bool:
        """Whether the variable still is as it was made; a shadowed one is hidden behind an empty one."""
        return mark(name, live) == self.mark or (self.shadowed and self.mark == "-" and not live)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Touched) and all(
            getattr(self, s) == getattr(other, s) for s in self.__slots__
        )

    __hash__ = None  # type: ignore[assignment]  # a mutable value

    def __repr__(self) -> str:
        return f"<Touched, {'absent' if self.original is None else 'set'} before>"


def mark(name: str, value: str | None) -> str:
    """A short fingerprint of one variable's value, ``-`` for none: to see later whether it is still ours.

    It stands in for the value so that the state holds no second copy of a key.
    """
    if value is None:
        return "-"
    return digest(f"{name}\0{value}".encode("utf-8", "surrogateescape"))[:MARK_LENGTH]


def _escaped(field: str) -> str:
    """A field with every byte but the plainest as ``%`` and two digits, as in a URL (RFC 3986, 2.1)."""
    return "".join(
        c if c in _PLAIN else "".join(f"%{b:02x}" for b in c.encode("utf-8", "surrogateescape"))
        for c in field
    )


def _unescaped(field: str) -> str:
    first, *others = field.encode("ascii").split(b"%")
    return (first + b"".join(bytes.fromhex(o[:2].decode()) + o[2:] for o in others)).decode(
        "utf-8", "surrogateescape"
    )


_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-=./:")
_USUAL = (*MANAGED, ACTIVE)
_UNTOUCHED = Touched(None, "-")


class Activation:
    """A provider's hold on the environment: its ``key`` (id or name) and what it touched, by variable name."""

    __slots__ = ("key", "name", "touched")

    def __init__(self, key: str, name: str, touched: dict[str, Touched] | None = None) -> None:
        self.key, self.name, self.touched = key, name, {} if touched is None else touched

    def encode(self) -> str:
        """The activation as the text of ``COWORK_ENV_STATE``: version, checksum, and fields with commas between."""
        fields = [self.key, self.name]
        for variable in _USUAL:
            if variable not in self.touched:
                fields += [variable, "", ""]
        for variable, t in self.touched.items():
            if t == _UNTOUCHED and variable in _USUAL:
                continue  # absent before and after: most are, and they need no room
            kind = ("u" if t.shadowed else "=") if t.original is not None else "-"
            fields += [variable, t.mark, kind + (t.original or "")]
        body = ",".join(map(_escaped, fields))
        return f"{VERSION}:{digest(body.encode('ascii'))[:12]}:{body}"

    @staticmethod
    def decode(text: str) -> Activation | None:
        """The activation that :meth:`encode` wrote, or None when ``text`` is anything else."""
        version, _, rest = text.partition(":")
        checksum, _, body = rest.partition(":")
        if (
            version != VERSION
            or not body.isascii()
            or digest(body.encode("ascii"))[:12] != checksum
        ):
            return None
        try:
            key, name, *rows = map(_unescaped, body.split(","))
        except ValueError:
            return None
        if len(rows) % 3:
            return None
        touched = {variable: Touched(None, "-") for variable in _USUAL}
        for variable, marked, original in zip(rows[::3], rows[1::3], rows[2::3], strict=True):
            if variable != ACTIVE and not is_free_name(variable):
                return None  # It would become shell code.
            if not marked:
                touched.pop(variable, None)
                continue
            touched[variable] = Touched(
                original[1:] if original[:1] in "=u" else None, marked, original[:1] == "u"
            )
        return Activation(key, name, touched)

    def reverse(self, env: Mapping[str, str]) -> Changes:
        """The changes that give every touched variable its original back.

        A variable that no longer has the value it was given was changed by the person, or by a new shell's
        start-up files: it stays as it is.
        """
        changes: Changes = {}
        for variable, t in self.touched.items():
            live = env.get(variable)
            if t.ours(variable, live) and (live != t.original or t.shadowed):
                changes[variable] = t.before()
        changes[STATE] = None
        return changes


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
    env: Mapping[str, str], key: str, wanted: Target, shadowed: frozenset[str] = frozenset()
) -> tuple[Activation, Changes]:
    """Activate ``wanted`` in an environment where nothing is active; the activation, and the changes it makes."""
    activation = Activation(key, wanted.get(ACTIVE) or "")
    changes: Changes = {}
    for name, value in wanted.items():
        live = env.get(name)
        activation.touched[name] = Touched(
            live, mark(name, value), live is not None and name in shadowed
        )
        if value != live:
            changes[name] = value
    changes[STATE] = activation.encode()
    return activation, changes


def refresh(
    env: Mapping[str, str],
    old: Activation,
    key: str,
    wanted: Target,
    fresh: bool,
    shadowed: frozenset[str] = frozenset(),
) -> tuple[Activation, Changes]:
    """Move an active provider to another target of its own: it was edited, or a new shell inherited it.

    What the person changed by hand stays theirs. In a ``fresh`` shell a different value comes from its start-up
    files instead: the provider is asserted again, and that value is the one to restore.
    """
    activation = Activation(key, wanted.get(ACTIVE) or "")
    changes: Changes = {}
    # A universal variable of fish that came from another session is not the work of a hand in this one: it is hidden.
    appeared = {
        n
        for n in shadowed
        if n in wanted and wanted[n] is None and n in old.touched and not old.touched[n].shadowed
    }
    # A URL or a key set by hand holds the others still: a new key must not go to a URL that is not its own.
    parted = any(
        not t.ours(n, env.get(n))
        for n, t in old.touched.items()
        if n in CARRIED and n not in appeared
    )
    for name in dict.fromkeys((*wanted, *old.touched)):
        live, before = env.get(name), old.touched.get(name)
        if name in appeared:
            activation.touched[name] = Touched(live, mark(name, None), True)
            changes[name] = None
            continue
        ours = before is not None and before.ours(name, live)
        if before is not None and not fresh and (parted if name in CARRIED else not ours):
            if name in wanted:
                activation.touched[name] = before
            continue
        original = before.original if before is not None and ours else live
        hidden = (
            before.shadowed
            if before is not None and ours
            else live is not None and name in shadowed
        )
        if name in wanted:
            activation.touched[name] = Touched(original, mark(name, wanted[name]), hidden)
            value = wanted[name]
        else:
            value = before.before() if before is not None and ours else live
        if value != live or isinstance(value, Revealed):
            changes[name] = value
    changes[STATE] = activation.encode()
    return activation, changes


def transition(
    env: Mapping[str, str],
    key: str,
    wanted: Target | None,
    fresh: bool = False,
    shadowed: frozenset[str] = frozenset(),
) -> tuple[Activation | None, Changes]:
    """The changes from the environment as it is to the one that is wanted, and what is active then.

    A state that is damaged or foreign counts as none.
    """
    old = Activation.decode(env.get(STATE, ""))
    if wanted is not None and old is not None and old.key == key:
        activation, changes = refresh(env, old, key, wanted, fresh, shadowed)
        return activation, {k: v for k, v in changes.items() if k != STATE or v != env.get(STATE)}
    back: Changes = old.reverse(env) if old is not None else {}
    if STATE in env:
        back[STATE] = None
    if wanted is None:
        return None, back
    base = applied(env, back)
    uncovered = {name for name, value in back.items() if isinstance(value, Revealed)}
    activation, changes = enter(base, key, wanted, shadowed | uncovered)
    merged = {**back, **changes}
    return activation, {
        k: v for k, v in merged.items() if env.get(k) != v or isinstance(v, Revealed)
    }
