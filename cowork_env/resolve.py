"""Which provider applies in a directory, and why: the search of a person's choices, first match wins."""

from __future__ import annotations

from . import pins, providers
from .errors import UNTRUSTED, CoworkEnvError
from .pins import Pin, PinFile
from .provider import Provider
from .system import parent
from .text import tilde, visible
from .trust import ALLOWED, DENIED, TrustStore, location

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from .environment import Target
    from .providers import Providers

CHOICE_VARIABLE = "COWORK_PROVIDER"
SELECTION, OPTION, PIN, VARIABLE, NOTHING = "selection", "option", "pin", "environment", "none"


class Inputs:
    """All that an answer depends on. ``directory`` is a physical path; ``gone``: it was deleted meanwhile.

    ``seen``: where there are pins from ``directory`` upward, by somebody who has just looked; None: nobody has.
    """

    __slots__ = ("config_dir", "directory", "env", "gone", "home", "option", "seen", "state_dir", "trust_all")

    def __init__(
        self, env: Mapping[str, str], directory: str, config_dir: str, state_dir: str, option: str = "",
        trust_all: bool = False, gone: bool = False, seen: list[str] | None = None,
    ) -> None:  # fmt: skip
        self.env, self.directory, self.gone = env, directory, gone
        self.config_dir, self.state_dir = config_dir, state_dir
        self.option, self.trust_all, self.seen = option, trust_all, seen
        self.home = env.get("HOME", "")


class Untrusted:
    """A pin that was passed over for want of consent, and what to tell the person once."""

    __slots__ = ("directory", "id", "message", "path", "problem")

    def __init__(self, file: PinFile, place: str, home: str) -> None:
        self.path, self.problem = file.path, file.problem
        self.directory = parent(file.path)
        self.id = place + "\0" + (file.problem or file.content.decode("utf-8", "replace"))
        shown = tilde(file.path, home)
        self.message = (
            f"{shown} {file.problem}; it is ignored" if file.problem else f"{shown} is not allowed; to use it: cowork-env allow"
        )


class Resolution:
    """The provider that applies, or none, and why.

    ``rule``: option, environment, pin, selection or none; ``source``: how a person knows it (a path, a variable).
    ``error``: why the choice cannot be honoured; then ``provider`` is None, and ``required`` says whether clients
    must be kept from falling back. ``pins``: every pin on the way up; ``untrusted``: those passed over and worth
    telling. ``secret``: the reference the key comes from, empty for a stored key.
    """

    __slots__ = ("error", "models", "pin", "pins", "provider", "required", "rule", "secret", "source", "untrusted", "word")

    def __init__(self) -> None:
        self.provider: Provider | None = None
        self.rule, self.source, self.word, self.secret = NOTHING, "", "", ""
        self.error: CoworkEnvError | None = None
        self.required = False
        self.models: dict[str, str] = {}
        self.pin: PinFile | None = None
        self.pins: list[PinFile] = []
        self.untrusted: list[Untrusted] = []

    @property
    def label(self) -> str:
        """The provider and its source as one line for a person: ``OpenRouter (~/work/.cowork-provider)``."""
        return f"{visible(self.provider.name)} ({self.source})" if self.provider else ""

    @property
    def key(self) -> str:
        """What tells one provider from another: its id, or its name while it has none."""
        if self.provider:
            return self.provider.id or self.provider.name
        return "unresolved" if self.required and self.error else ""

    def check(self) -> None:
        """Raise what a command has to fail with: the error, or the nearest pin that still waits for consent."""
        if self.error:
            raise self.error
        if self.untrusted and self.rule in (SELECTION, NOTHING, PIN):
            nearest = self.untrusted[0]
            if self.pin is None or len(nearest.path) > len(self.pin.path):
                shown, where = visible(nearest.path), visible(nearest.directory)
                where = f'"{where}"' if " " in where else where
                if nearest.problem:
                    raise CoworkEnvError(
                        f"{shown} {nearest.problem}.", f"Put it right, or silence it with 'cowork-env deny {where}'.", UNTRUSTED
                    )
                hint = f"Look at it and run 'cowork-env allow {where}', or pass --trust."
                raise CoworkEnvError(f"{shown} is not allowed.", hint, UNTRUSTED)


def selection_file(state_dir: str) -> str:
    """Where the selection is kept: one line, a provider's id or name."""
    return state_dir + "/selection"


def read_selection(state_dir: str) -> str:
    """The selected provider's id or name, or empty; raises :class:`CoworkEnvError` if it cannot be read."""
    path = selection_file(state_dir)
    shown = visible(path)
    try:
        return providers.read_bytes(path, shown).decode("utf-8").strip()
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError:
        raise CoworkEnvError(f"{shown} is damaged.", "Run 'cowork-env use'.") from None


def resolve(inputs: Inputs) -> Resolution:
    """Find the provider that applies. Errors in what was chosen are in the answer, not raised."""
    result = Resolution()
    try:
        _choose(inputs, result)
        if result.word:
            _honour(inputs, result)
    except CoworkEnvError as error:
        result.error, result.provider = error, None
    return result


def _choose(inputs: Inputs, result: Resolution) -> None:
    """Settle on a rule and a word; the word is empty for: no provider."""
    store = TrustStore(inputs.state_dir)
    chosen: PinFile | None = None
    for path in _places(inputs):
        file = pins.read(path)
        if file is None:
            continue
        result.pins.append(file)
        if chosen is not None or inputs.option:
            continue
        place = location(file.path) if inputs.gone else file.path
        if file.problem:
            # Its content is unknown, so only consent to everything below a directory can speak for it.
            verdict = DENIED if store.denied(place) else ALLOWED if inputs.trust_all or store.below(place) else ""
        elif inputs.trust_all:
            verdict = DENIED if store.denied(place) else ALLOWED
        else:
            verdict = store.check(place, file.content)
        if verdict == ALLOWED:
            chosen = file
        elif verdict != DENIED:
            result.untrusted.append(Untrusted(file, place, inputs.home))
    if inputs.option:
        result.rule, result.source = OPTION, "--provider"
        result.word = providers.selected(inputs.option)
    elif word := inputs.env.get(CHOICE_VARIABLE, ""):
        result.rule, result.source = VARIABLE, f"${CHOICE_VARIABLE}"
        result.word = providers.selected(word)
    elif chosen is not None:
        result.rule, result.source, result.pin = PIN, tilde(chosen.path, inputs.home), chosen
        _read_pin(chosen, result)
    elif word := read_selection(inputs.state_dir):
        result.rule, result.source = SELECTION, "selection"
        result.word = providers.selected(word)


def _places(inputs: Inputs) -> list[str]:
    """Where to look for pins, nearest first."""
    places = list(map(pins.path_in, pins.ancestors(inputs.directory)))
    if inputs.seen is None or not set(inputs.seen) <= set(places):
        return places
    return [path for path in places if path in inputs.seen]


def _read_pin(file: PinFile, result: Resolution) -> None:
    try:
        pin: Pin = pins.parse(file.content) if not file.problem else _fail(file.problem)
    except CoworkEnvError as error:
        result.required = pins.requires(file.content)
        raise CoworkEnvError(f"{result.source} {error.message}.", "Correct it, or remove it with 'cowork-env unpin'.") from None
    result.word, result.models, result.required = providers.selected(pin.word), pin.models, pin.required


def _fail(problem: str) -> Pin:
    raise CoworkEnvError(problem)


def _honour(inputs: Inputs, result: Resolution) -> None:
    """Look the chosen provider up, and see that it has a key."""
    listed: Providers = providers.load(inputs.env, inputs.config_dir)
    try:
        provider = listed.provider(listed.find(result.word))
    except CoworkEnvError as error:
        raise CoworkEnvError(f"{result.source}: {error.message}", error.hint) from None
    result.secret = provider.token_from
    result.provider = provider


def own(env: Mapping[str, str]) -> Mapping[str, str]:
    """The person's own environment: without what the provider that is active now has made of it.

    A key must not be looked up among another provider's variables.
    """
    from . import environment

    old = environment.Activation.decode(env.get(environment.STATE, ""))
    return environment.applied(env, old.reverse(env)) if old is not None else env


def _fetched(provider: Provider, inputs: Inputs) -> str:
    from . import secrets

    return secrets.fetch(provider, own(inputs.env), inputs.config_dir)


def wanted(inputs: Inputs, result: Resolution) -> Target | None:
    """The environment that a resolution asks for, with the key fetched; None for: no provider.

    A key that cannot be had turns ``result`` into an error.
    """
    from . import environment

    if result.provider is not None:
        try:
            token = result.provider.plain_token or _fetched(result.provider, inputs)
            return environment.target(result.provider, token, result.models)
        except CoworkEnvError as error:
            name = visible(result.provider.name)
            result.error = CoworkEnvError(f"{name}: {error.message}", error.hint)
            result.provider = None
    return environment.unresolved() if result.error and result.required else None
