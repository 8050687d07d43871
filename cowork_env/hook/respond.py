"""From a hook request to its response: the one process that a change of directory may start.

Everything here is imported at each request, so it uses the interpreter's built-in modules only.
"""

from __future__ import annotations

import gc
import posix
import sys
import time

from ..core import environment, pins, providers, resolve, variables
from ..core.environment import STATE, Activation
from ..core.resolve import Inputs
from ..shells.base import SEPARATOR
from ..util import system
from ..util.errors import CoworkEnvError, Distrusted
from ..util.text import visible
from .protocol import (
    ALLOW_SLOW,
    CACHEABLE,
    FAILED,
    GIVEN_UP,
    OWN_WATCHES,
    PENDING,
    PINS_LISTED,
    QUIET,
    STARTING,
    TERMINAL,
    TRANSIENT,
    WHOLE_SECONDS,
    Notice,
    Request,
    Response,
)
from .watch import Watcher, reference

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..core.environment import Target
    from ..core.provider import Provider
    from ..core.resolve import Outcome, Resolution
    from ..shells.base import Shell

SECRET_LIFETIME = 600  # seconds that a response with a key from outside may be cached
RELOAD = "reload"  # the file in our state whose timestamp 'cowork-env reload' changes
# In the place of the content of a pin that the hook does not open, and of one that it cannot read.
UNREAD, UNREADABLE = "?", "!"
GONE = "gone"  # in the place of a directory that was deleted


def respond(request: Request, inputs: Inputs) -> Response:
    """The response for one directory and environment."""
    response = Response()
    response.directory = GONE if inputs.gone else inputs.directory
    # A reference that others could change is none.
    watcher = Watcher(
        "/dev/null" if inputs.store.error() else inputs.state_dir,
        whole_seconds=WHOLE_SECONDS in request.flags,
    )
    response.watches = watcher.watches
    watcher.add_all(_common_files(inputs))
    # Nor is another user waited for who keeps changing the catalogue; see _resolve.
    watcher.add(_catalog_file(inputs), attempts=0, in_folder=False)
    common = len(watcher.watches)
    found = _resolve(inputs, watcher, response)
    secret = _Secret(found.provider)
    if FAILED in request.flags:
        outcome = resolve.failed(found, _read_only(found))
        return _unusable(request, inputs, found, outcome, response)
    if secret.slow and not request.flags & {ALLOW_SLOW, GIVEN_UP}:
        return _pending(request, inputs, found, response)
    if GIVEN_UP in request.flags:
        outcome = resolve.failed(found, _interrupted(found))
        return _unusable(request, inputs, found, outcome, response)
    watcher.add(secret.file)
    if len(watcher.watches) > common:
        response.flags.append(OWN_WATCHES)
    outcome = resolve.outcome(inputs, found)

    _describe(response, found, outcome)
    response.notices = _notices(request, inputs, found)
    if STARTING in request.flags:
        _compare_with_inherited(inputs, response)
    cacheable = _activate(request, inputs, outcome, secret.variable, response)
    # What a failed lookup depends on may be fixed where no watch sees it.
    if cacheable and not (outcome.error and secret.outside):
        response.flags.append(CACHEABLE)
    if secret.slow:
        has_clock = request.shell.has_clock
        now = time.time_ns()
        response.lifetime = str(SECRET_LIFETIME) if has_clock else reference(watcher.state_dir, now)
    # That the owner or mode of something was changed does not show in its timestamp.
    is_distrusted = isinstance(outcome.error, Distrusted)
    # The name of the provider file may lead to another one in every directory.
    is_relative = not (inputs.env.get(variables.PROVIDERS_FILE) or "/").startswith("/")
    if is_distrusted or is_relative or watcher.is_blind:
        response.flags.append(TRANSIENT)
    return response


def _resolve(inputs: Inputs, watcher: Watcher, response: Response) -> Resolution:
    """What applies. Fills in which pins the hook may open, and which there are; others are watched.

    A hook that does not list the pins opens them as safely as the program does.
    """
    paths = inputs.pin_paths or []
    response.safe = pins.safe_to_open([path for path in paths if SEPARATOR not in path])
    new = closed = [path for path in paths if path not in response.safe]
    linked: list[str] = []
    while True:
        for path in new:
            # Not the tick is waited for, and not the folder watched: another user who keeps
            # changing either would delay every prompt.
            watcher.add(path, attempts=0, in_folder=False)
        found = resolve.resolve(inputs)
        # A shell does not see what is behind a NUL.
        new = [p.path for p in found.pins if b"\0" in p.content and p.path in response.safe]
        links = [path for path in inputs.store.links if path not in linked]
        if not (new or links):
            response.pins = _format_pins(found, closed)
            return found
        response.safe = [path for path in response.safe if path not in new]
        closed, linked, new = closed + new, linked + links, new + links


class _Secret:
    """Where a provider's key or login is: ``outside`` of its entry, and whether that may be
    ``slow``.

    ``file`` and ``variable`` are what the key is read from, to watch for another one, or empty.
    """

    __slots__ = ("file", "outside", "slow", "variable")

    def __init__(self, provider: Provider | None) -> None:
        self.slow, self.file, self.variable = False, "", ""
        if provider is None:
            self.outside = False
            return
        self.outside = bool(provider.config_dir) or not provider.plain_token
        if provider.has_key and self.outside:
            from .. import secrets

            self.slow = secrets.may_be_slow(provider)
            self.file = secrets.watched_file(provider.token_from)
            self.variable = secrets.watched_variable(provider.token_from)


def _common_files(inputs: Inputs) -> list[str]:
    """The files that every response depends on."""
    state = inputs.state_dir
    paths = [f"{state}/trust", resolve.selection_file(state), f"{state}/{RELOAD}"]
    if not inputs.env.get(variables.PROVIDERS_JSON):
        paths += providers.candidates(inputs.env, inputs.config_dir)
    if not inputs.env.get(variables.CATALOG):
        paths.append(providers.settings_file(inputs.config_dir))
    return paths


def _catalog_file(inputs: Inputs) -> str:
    """The path of the catalogue, or empty; after the settings that name it are watched."""
    if not providers.may_have_catalog(inputs.env, inputs.config_dir):
        return ""
    from ..core import catalog

    try:
        return catalog.locate(inputs.env, inputs.config_dir)
    except CoworkEnvError:
        return ""


def _pending(request: Request, inputs: Inputs, found: Resolution, response: Response) -> Response:
    """The first response for a key that may be slow to fetch; a second request follows.

    What was active is left now, and a required pin keeps clients from the user's own login. Only
    the same provider with something that the user has changed in it stays in force: its activation
    is what knows of that.
    """
    response.flags.append(PENDING)
    text = inputs.env.get(STATE, "")
    old = Activation.decode(text)
    outcome = resolve.failed(found, _interrupted(found))
    kept = old is not None and old.key == found.key and not old.taken_away(inputs.env)
    if old is None or not kept or STARTING in request.flags:
        return _unusable(request, inputs, found, outcome, response)
    live = {name: inputs.env.get(name) for name in old.touched}
    ours = {
        name: live[name] for name, touched in old.touched.items() if touched.ours(name, live[name])
    }
    if len(ours) == len(live):
        return _unusable(request, inputs, found, outcome, response)
    _describe(response, found, outcome)
    response.state, response.undo = text, request.shell.undo(old, ours)
    return response


def _unusable(
    request: Request, inputs: Inputs, found: Resolution, outcome: Outcome, response: Response
) -> Response:
    """The response about a choice that cannot be used now, without a try to fetch its key."""
    _describe(response, found, outcome)
    response.notices = _notices(request, inputs, found)
    _activate(request, inputs, outcome, "", response)
    return response


def _interrupted(found: Resolution) -> CoworkEnvError:
    name = visible(found.provider.name) if found.provider else found.source
    return CoworkEnvError(
        f"{name}: the lookup of its key was interrupted.", "Run 'cowork-env reload' to ask again."
    )


def _read_only(found: Resolution) -> CoworkEnvError:
    name = visible(found.provider.name) if found.provider else found.source
    return CoworkEnvError(f"{name} is not active: one of its variables is read-only in this shell.")


def _describe(response: Response, found: Resolution, outcome: Outcome) -> None:
    """Fill in what the user is told."""
    if outcome.provider:
        response.provider, response.label = visible(outcome.provider.name), found.label
    if outcome.error:
        response.error = resolve.explanation(found, outcome.error)
    if found.rule == resolve.SELECTION:
        response.flags.append(QUIET)


def _compare_with_inherited(inputs: Inputs, response: Response) -> None:
    """In a new shell, say what is new since the one that its state comes from."""
    old = Activation.decode(inputs.env.get(STATE, ""))
    if old is None or not old.name:
        return
    if response.provider == visible(old.name):
        response.label = ""
    elif not response.provider and not response.error and inputs.env.get(variables.QUIET) != "1":
        left = f"left {visible(old.name)}"
        response.notices.append(Notice(left, left))


def _notices(request: Request, inputs: Inputs, found: Resolution) -> list[Notice]:
    """What is worth saying once."""
    notices = [Notice(pin.id, pin.message) for pin in found.untrusted]
    distrust = inputs.store.error()
    if distrust is not None and distrust is not found.error:
        notices.append(Notice(distrust.message, f"{distrust.message} {distrust.hint}"))
    if why := environment.ignored_state(inputs.env, running=STARTING not in request.flags):
        notices.append(Notice(inputs.env[STATE], why))
    return notices


def _format_pins(found: Resolution, closed: list[str]) -> str:
    """The pins as the hook formats them, to check that both have read the same contents.

    ``closed`` are those that the hook does not open.
    """
    texts = []
    for pin in found.pins:
        text = pin.content.decode("utf-8", "surrogateescape")
        if not pin.size:
            text = UNREADABLE
        elif pin.problem or pin.path in closed:
            text = UNREAD
        texts += [pin.path, SEPARATOR, text, SEPARATOR]
    return "".join(texts)


def _activate(
    request: Request, inputs: Inputs, outcome: Outcome, secret_variable: str, response: Response
) -> bool:
    """Fill in the statements. Returns whether they allow the response to be cached."""
    shell = request.shell
    starting = STARTING in request.flags
    activation, changes = environment.transition(
        inputs.env,
        outcome.key,
        outcome.target,
        fresh=starting,
        shadowed=request.universal,
        running=not starting,
    )
    write = shell.each_statement if resolve.is_unusable(outcome.key) else shell.statements
    response.now = write(changes, leaving=activation is None)
    response.unexported = " ".join(
        name
        for name, value in changes.items()
        if value is not None and name not in inputs.env and name != STATE
    )
    if activation is None or outcome.target is None:
        return True
    env = environment.applied(inputs.env, changes)
    response.state = env[STATE]
    if starting:
        # fish hides a universal variable behind an empty one.
        hidden = {n: "" for n, v in activation.touched.items() if v.shadowed and n not in env}
        values = {name: env.get(name) for name in activation.touched}
        response.intact = shell.guard({**values, **hidden, STATE: response.state})
    return _prepare_cache(shell, env, activation, outcome.target, secret_variable, response)


def _prepare_cache(
    shell: Shell,
    env: Mapping[str, str],
    activation: Activation,
    target: Target,
    secret_variable: str,
    response: Response,
) -> bool:
    """Fill in what a cached response needs. Returns whether it may be cached.

    ``env`` is the environment after ``now``.
    """
    touched = activation.touched
    ours = {n: v for n, v in target.items() if touched[n].mark == environment.mark(n, v)}
    # Variables that a refresh kept at their earlier value, beside one that the user changed. They
    # are undone on leaving as well.
    earlier = {
        name: env.get(name)
        for name, variable in touched.items()
        if name not in ours and variable.ours(name, env.get(name))
    }
    response.undo = shell.undo(activation, ours | earlier)
    before: dict[str, str | None] = {name: v.original for name, v in touched.items()}
    if secret_variable:
        before.setdefault(secret_variable, resolve.original_env(env).get(secret_variable))
    shadowed = frozenset(name for name, variable in touched.items() if variable.shadowed)
    _, changes = environment.enter(
        {name: value for name, value in before.items() if value is not None},
        activation.key,
        target,
        shadowed,
    )
    response.guard = shell.guard(before | {STATE: None})
    write = shell.each_statement if resolve.is_unusable(activation.key) else shell.statements
    response.apply = write(changes)
    # While the user has changed a variable, the response is valid only once.
    return len(ours) == len(target) and changes[STATE] == response.state


def main() -> None:
    """Respond on standard output to the request in ``sys.argv``, and end the process."""
    gc.disable()  # It would search a thousand providers repeatedly, and find nothing.
    request = Request.parse(sys.argv[1:])
    env = system.environment()
    state_dir, config_dir = request.state_dir, request.config_dir
    if not state_dir:
        state_dir, config_dir = _folders(env)
    directory, gone = system.working_directory(env)
    pin_paths = request.pin_paths if PINS_LISTED in request.flags else None
    talks = TERMINAL in request.flags and env.get(variables.QUIET) != "1"
    say = system.say_on_terminal if talks else None
    inputs = Inputs(env, directory, config_dir, state_dir, gone=gone, pin_paths=pin_paths, say=say)
    try:
        response = respond(request, inputs)
        response.state_dir, response.config_dir = state_dir, config_dir
    except KeyboardInterrupt:
        posix._exit(130)
    data = request.shell.response(response).encode("utf-8", "surrogateescape")
    while data:
        data = data[posix.write(1, data) :]
    if file := sys.modules["cowork_env"].__dict__.get("bundle"):
        from . import bundle

        bundle.make(file)
    posix._exit(0)  # Shutting down the interpreter would take a fifth of the time.


def _folders(env: Mapping[str, str]) -> tuple[str, str]:
    """Our state folder and the configuration folder."""
    state_dir, config_dir = system.state_dir(env), system.config_dir(env)
    if not (state_dir and config_dir):
        system.add_site_packages()  # platformdirs may be anywhere.
        from ..util import paths

        state_dir, config_dir = paths.state_dir(), paths.config_dir()
    return state_dir, config_dir
