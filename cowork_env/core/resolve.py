"""Which provider applies in a directory, and why: the user's choices in order, first match wins.

``--provider``, ``$COWORK_PROVIDER``, the nearest trusted pin, the selection. :func:`resolve` finds
the provider without fetching a key; :func:`target` gives the environment that it asks for, or
raises.
"""

from __future__ import annotations

from ..util.errors import UNTRUSTED, CoworkEnvError, Distrusted
from ..util.system import distrusted, parent
from ..util.text import argument, tilde, visible
from . import environment, limits, pins, providers, variables
from .provider import login_directory
from .trust import ALLOWED, DENIED, TrustStore, location

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .environment import Target
    from .pins import PinFile
    from .provider import Provider

# The rules, in the words of ``status --json``.
OPTION, VARIABLE, PIN, SELECTION, NOTHING = "option", "environment", "pin", "selection", "none"
# Begins a key that stands for a choice that cannot be used; no provider's id or name has it.
_UNUSABLE = "\1"
_ANY = "*"  # in the place of a provider's key, where the reason is not about one
MAX_REASON = 500  # characters of a reason in a state


class Inputs:
    """Everything that a resolution depends on.

    ``directory`` is a physical path; ``gone`` says that it was deleted meanwhile. ``option`` and
    ``trust_all`` are the options ``--provider`` and ``--trust``. ``pin_paths`` are the pins that
    exist from ``directory`` upward, if the caller has just looked; None: look for them. ``say``
    shows a line to the user who waits for a key; None: nobody does. ``store`` is the trust store in
    ``state_dir``.
    """

    __slots__ = (
        "config_dir",
        "directory",
        "env",
        "gone",
        "home",
        "option",
        "pin_paths",
        "say",
        "state_dir",
        "store",
        "trust_all",
    )

    def __init__(
        self,
        env: Mapping[str, str],
        directory: str,
        config_dir: str,
        state_dir: str,
        option: str = "",
        trust_all: bool = False,
        gone: bool = False,
        pin_paths: list[str] | None = None,
        say: Callable[[str], None] | None = None,
    ) -> None:
        self.env, self.directory, self.gone = env, directory, gone
        self.config_dir, self.state_dir = config_dir, state_dir
        self.option, self.trust_all, self.pin_paths = option, trust_all, pin_paths
        self.say = say
        self.home = env.get("HOME", "")
        self.store = TrustStore(state_dir)


class UntrustedPin:
    """A pin that was ignored because it is not trusted.

    ``id`` tells it, with this content, from every other; ``message`` is the notice that a shell
    shows once. ``why`` completes the sentence "PATH ...". ``changed``: the pin was allowed with
    another content.
    """

    __slots__ = ("directory", "id", "message", "path", "problem", "why")

    def __init__(self, file: PinFile, place: str, home: str, *, changed: bool) -> None:
        self.path, self.problem = file.path, file.problem
        self.why = _has_changed(file) if changed else "is not trusted"
        self.directory = parent(file.path)
        self.id = place + "\0" + (file.problem or file.content.decode("utf-8", "replace"))
        shown = tilde(file.path, home)
        if file.problem:
            self.message = f"{shown} {file.problem}; it is ignored"
        elif changed:
            self.message = f"{shown} {self.why}. Run: cowork-env allow"
        else:
            self.message = f"{shown} is not trusted. Run: cowork-env allow"


def _has_changed(file: PinFile) -> str:
    """What is said of a pin that was allowed with another content: what it now says."""
    try:
        says = pins.summary(pins.parse(file.content))
    except CoworkEnvError:
        says = "nothing that can be used"
    return f"has changed since you allowed it; it now says: {visible(says, 400)}"


class Choice:
    """What the user chose, by the first rule that matches; the provider is not looked up yet.

    ``name_or_id`` is empty for: no provider. ``pins`` are all pins on the way up, nearest first;
    ``untrusted`` those that were ignored and are worth a notice; ``denied`` those that the user
    denied; ``pin`` the one that applies, with the ``models`` it overrides and whether it is
    ``required``. ``error``: why the choice cannot be used.
    """

    __slots__ = (
        "denied",
        "error",
        "models",
        "name_or_id",
        "pin",
        "pins",
        "required",
        "rule",
        "source",
        "untrusted",
    )

    def __init__(self) -> None:
        self.pins: list[PinFile] = []
        self.untrusted: list[UntrustedPin] = []
        self.denied: list[PinFile] = []
        self.rule, self.source, self.name_or_id = NOTHING, "", ""
        self.pin: PinFile | None = None
        self.models: dict[str, str] = {}
        self.required = False
        self.error: CoworkEnvError | None = None


class Resolution(Choice):
    """The provider that applies, or none, and why. Nothing changes it once it is made.

    ``rule``: option, environment, pin, selection or none; ``source``: the rule as the user knows it
    (a path, a variable). ``error``: why the choice cannot be used; then ``provider`` is None, and
    ``required`` says whether clients must be kept from the user's own login. The rest is as in
    :class:`Choice`.
    """

    __slots__ = ("provider",)

    def __init__(
        self, choice: Choice, provider: Provider | None, error: CoworkEnvError | None
    ) -> None:
        for name in Choice.__slots__:
            setattr(self, name, getattr(choice, name))
        self.provider, self.error = provider, error

    @property
    def key(self) -> str:
        """What tells the provider from every other; no name or id to look it up by."""
        return self.provider.key if self.provider else ""

    @property
    def label(self) -> str:
        """The provider and the source of the choice: ``OpenRouter (~/work/.cowork-provider)``."""
        return f"{visible(self.provider.name)} ({self.source})" if self.provider else ""

    @property
    def ignored(self) -> UntrustedPin | None:
        """The nearest pin that would apply if it were trusted."""
        if not self.untrusted or self.rule not in (SELECTION, NOTHING, PIN):
            return None
        nearest = self.untrusted[0]
        if self.pin is not None and len(nearest.path) <= len(self.pin.path):
            return None
        return nearest

    def check(self) -> None:
        """Raise what a command must fail with: the error, or that a pin is not trusted."""
        if self.error:
            raise self.error
        nearest = self.ignored
        if nearest is None:
            return
        shown, where = visible(nearest.path), argument(nearest.directory, "PATH")
        if nearest.problem:
            raise CoworkEnvError(
                f"{shown} {nearest.problem}.",
                f"Fix it, or silence it: cowork-env deny {where}",
                UNTRUSTED,
            )
        raise CoworkEnvError(
            f"{shown} {nearest.why}.",
            f"Look at it, and pass --trust or allow it: cowork-env allow {where}",
            UNTRUSTED,
        )


class Outcome:
    """The result of a resolution where an error must not stop anything: at a prompt.

    ``key`` and ``target`` say what to activate (an empty key and None: nothing), ``provider`` is
    the one that is active then. ``error`` is what went wrong. Then the target is empty, so that the
    state holds the reason and nothing else, or the dead end of a required pin; see :func:`failed`.
    """

    __slots__ = ("error", "key", "provider", "target")

    def __init__(
        self,
        key: str = "",
        wanted: Target | None = None,
        provider: Provider | None = None,
        error: CoworkEnvError | None = None,
    ) -> None:
        self.key, self.target, self.provider, self.error = key, wanted, provider, error


def selection_file(state_dir: str) -> str:
    """The path of the file that holds the selection: one line, a provider's id or name."""
    return state_dir + "/selection"


def read_selection(state_dir: str) -> str:
    """The selected provider's id or name, or empty; raises :class:`CoworkEnvError`."""
    path = selection_file(state_dir)
    shown = visible(path)
    try:
        return providers.read_bytes(path, shown, own=2).decode("utf-8").strip()
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError:
        raise CoworkEnvError(f"{shown} is damaged.", "Run 'cowork-env use'.") from None


def resolve(inputs: Inputs) -> Resolution:
    """The provider that applies for these inputs; what is wrong is in ``error``, not raised."""
    choice = _choose(inputs)
    provider, error = None, choice.error
    if choice.name_or_id and error is None:
        try:
            provider = _find(inputs, choice)
        except CoworkEnvError as failure:
            error = failure
    return Resolution(choice, provider, error)


def _choose(inputs: Inputs) -> Choice:
    """The first rule that matches, and what it names."""
    choice = Choice()
    trusted = _search_pins(inputs, choice)
    try:
        if inputs.option:
            choice.rule, choice.source = OPTION, "--provider"
            choice.name_or_id = providers.unless_none(inputs.option)
        elif name_or_id := inputs.env.get(variables.CHOICE, ""):
            choice.rule, choice.source = VARIABLE, f"${variables.CHOICE}"
            choice.name_or_id = providers.unless_none(name_or_id)
        elif trusted is not None:
            choice.rule, choice.source = PIN, tilde(trusted.path, inputs.home)
            choice.pin = trusted
            _read_pin(trusted, choice)
        elif distrust := inputs.store.error():
            raise distrust  # It may have trusted a pin, or selected a provider.
        elif name_or_id := read_selection(inputs.state_dir):
            choice.rule, choice.source = SELECTION, "selection"
            choice.name_or_id = providers.unless_none(name_or_id)
    except CoworkEnvError as error:
        choice.error = error
    return choice


def _search_pins(inputs: Inputs, choice: Choice) -> PinFile | None:
    """The nearest trusted pin.

    Puts all pins on the way up into ``choice``, and the untrusted and denied ones that are nearer
    than it.
    """
    store = inputs.store
    trusted: PinFile | None = None
    for path in _pin_paths(inputs):
        file = pins.read(path)
        if file is None:
            continue
        choice.pins.append(file)
        if trusted is not None or inputs.option:
            continue
        place = location(file.path) if inputs.gone else file.path
        verdict = _verdict(store, place, file, inputs.trust_all)
        if verdict == ALLOWED:
            trusted = file
        elif verdict == DENIED:
            choice.denied.append(file)
        elif not store.error():
            changed = not file.problem and store.known(place)
            choice.untrusted.append(UntrustedPin(file, place, inputs.home, changed=changed))
    return trusted


def _verdict(store: TrustStore, place: str, file: PinFile, trust_all: bool) -> str:
    """Whether a pin is allowed, denied, or neither (any other word)."""
    if trust_all:
        return DENIED if store.denied(place) else ALLOWED
    if not file.problem:
        return store.check(place, file.content)
    # Its content is unknown, so only trust in everything below a directory can cover it.
    if store.denied(place):
        return DENIED
    return ALLOWED if store.below(place) else ""


def _pin_paths(inputs: Inputs) -> list[str]:
    """Where to look for pins, nearest first."""
    paths = list(map(pins.path_in, pins.ancestors(inputs.directory)))
    if inputs.pin_paths is None or not set(inputs.pin_paths) <= set(paths):
        return paths
    return [path for path in paths if path in inputs.pin_paths]


def _read_pin(file: PinFile, choice: Choice) -> None:
    """Put what the pin says into ``choice``; raises :class:`CoworkEnvError`, ``required`` set."""
    try:
        if file.problem:
            raise CoworkEnvError(f"{choice.source} {file.problem}.")
        pin = pins.parse(file.content, choice.source)
    except CoworkEnvError as error:
        choice.required = pins.requires(file.content)
        hint = "Fix it, or remove it with 'cowork-env unpin'."
        raise CoworkEnvError(error.message, hint) from None
    choice.name_or_id = providers.unless_none(pin.name_or_id)
    choice.models, choice.required = pin.models, pin.required


def _find(inputs: Inputs, choice: Choice) -> Provider:
    """The provider that was chosen; raises :class:`CoworkEnvError` that names the source."""
    listed = providers.load_own(inputs.env, inputs.config_dir)
    try:
        index = listed.find_anywhere(choice.name_or_id, inputs.env, inputs.config_dir)
        provider = listed.provider(index)
        _check_agreed(inputs, provider)
        return provider
    except Distrusted:
        raise
    except CoworkEnvError as error:
        message = f"{choice.source}: {error.message}"
        raise CoworkEnvError(message, error.hint, error.exit_code) from None


def _check_agreed(inputs: Inputs, provider: Provider) -> None:
    """Raise :class:`CoworkEnvError` for an entry of a catalogue that the user did not agree to."""
    if provider.catalog and not inputs.trust_all:
        from . import catalog

        catalog.check_agreed(inputs.store, provider)


def original_env(env: Mapping[str, str]) -> Mapping[str, str]:
    """``env`` as it would be without the active provider.

    A key must not be looked up among another provider's variables.
    """
    _, changes = environment.transition(env, "", None)
    return environment.applied(env, changes)


def target(inputs: Inputs, found: Resolution, key: str = "") -> Target | None:
    """The environment that a resolution asks for, with the key fetched; None for: no provider.

    ``key`` is the provider's, if the caller has it. Raises :class:`CoworkEnvError`: the
    resolution's own, what is wrong with the key, or that the environment cannot hold it. It does
    not raise for pins that are not trusted; commands call :meth:`Resolution.check` first.
    """
    if found.error:
        raise found.error
    provider = found.provider
    if provider is None:
        return None
    try:
        token = key or provider.plain_token
        if not token and (provider.has_key or provider.needs_key):
            token = fetch_key(provider, inputs)
        if provider.config_dir:
            check_login_directory(provider, inputs.home)
    except CoworkEnvError as error:
        message = f"{visible(provider.name)}: {error.message}"
        raise CoworkEnvError(message, error.hint, error.exit_code) from None
    wanted = environment.target(provider, token, found.models, inputs.home)
    limits.check(inputs.env, found.key, provider, wanted)
    return wanted


def check_login_directory(provider: Provider, home: str) -> None:
    """Raise :class:`CoworkEnvError` unless the directory of a login is the user's, or not there.

    Its settings run commands, and whoever can write to it can have the login.
    """
    path = login_directory(provider, home)
    if path and not path.startswith("/"):
        raise CoworkEnvError("its configDir is in your home, and HOME is not set.", "Set HOME.")
    if path and (error := distrusted(path)):
        raise error


def fetch_key(provider: Provider, inputs: Inputs) -> str:
    """A provider's key, for every command; empty only for a provider that needs none.

    It is not looked up among the variables of another provider, the active one. Raises
    :class:`CoworkEnvError` that never contains the key or its reference.
    """
    from .. import secrets

    _check_agreed(inputs, provider)
    env = inputs.env
    if environment.is_mixed_up(env) and secrets.watched_variable(provider.token_from):
        raise CoworkEnvError(
            "not found: whether its variable is your own or another provider's cannot be told,"
            f" as {environment.STATE} is missing or damaged.",
            "Try it in a new shell.",
        )
    say = inputs.say
    if say is None:
        return secrets.fetch(provider, original_env(env))
    name = visible(provider.name)
    return secrets.fetch(provider, original_env(env), lambda what: say(f"{name}: {what}"))


def unlock(provider: Provider, inputs: Inputs) -> None:
    """Ask the user to unlock the store that has a provider's key, if it is locked.

    Raises :class:`CoworkEnvError` if it stays locked.
    """
    from .. import secrets

    try:
        secrets.unlock(provider, original_env(inputs.env))
    except CoworkEnvError as error:
        raise CoworkEnvError(f"{visible(provider.name)}: {error.message}", error.hint) from None


def outcome(inputs: Inputs, found: Resolution) -> Outcome:
    """What to activate for a resolution, whatever goes wrong; nothing is raised."""
    try:
        return Outcome(found.key, target(inputs, found), found.provider)
    except CoworkEnvError as error:
        made = failed(found, error)
        if found.required:
            made.target = limits.dead_end(inputs.env, made.key) or {}
        return made


def failed(found: Resolution, error: CoworkEnvError) -> Outcome:
    """The outcome of a choice that cannot be used.

    No variable is touched, or, if the pin is required, clients fail. Either way the state says why:
    the key holds the :func:`reason`.
    """
    key = _unusable_key(found.key, explanation(found, error))
    return Outcome(key, environment.unresolved() if found.required else {}, error=error)


def _unusable_key(about: str, text: str) -> str:
    """The key that holds a :func:`reason`, ``about`` a provider's key or :data:`_ANY`."""
    return f"{_UNUSABLE}{about}{_UNUSABLE}{visible(text, MAX_REASON)}"


def state_without_program(text: str) -> str:
    """What a hook puts into COWORK_ENV_STATE when it cannot run the program: the reason alone."""
    return environment.Activation(_unusable_key(_ANY, text), "").encode()


def explanation(found: Resolution, error: CoworkEnvError) -> str:
    """Why a choice cannot be used, with what to do and what that means for clients."""
    kept = "Clients are kept from falling back to your own login." if found.required else ""
    # The hint comes last, as it may end with a command.
    return " ".join(filter(None, (error.message, kept, error.hint)))


def reason(key: str, provider_key: str) -> str:
    """Why a provider is not in force, for the key of the activation that is; or empty.

    ``provider_key`` is the key of the provider that should be: the reason is about that one.
    """
    if not key.startswith(_UNUSABLE):
        return ""
    about, _, text = key[1:].partition(_UNUSABLE)
    return text if about in (_ANY, provider_key) else ""


def is_unusable(key: str) -> bool:
    """Whether an activation's key stands for a choice that could not be used."""
    return key.startswith(_UNUSABLE)
