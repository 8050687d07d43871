"""How an environment compares to what it should be: what applies, and whether it is in force.

On the fast path of ``status --short``: nothing heavy is imported at the top. No key is fetched.
"""

from __future__ import annotations

from . import secrets
from .core import environment, limits, resolve
from .core.environment import (
    ACCOUNT_TOKEN,
    CREDENTIALS,
    HOST_FLAG,
    NO_AGENT_VIEW,
    STATE,
    Activation,
    transition,
)
from .core.provider import CREDENTIAL, InvalidField
from .core.resolve import Inputs, Outcome, Resolution
from .util.errors import CoworkEnvError
from .util.text import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .core.environment import TouchedVariable

# States of a shell: how its environment compares to what it should be, in the words of ``status
# --json``.
IN_STEP = "in-step"
NOT_APPLIED = "not-applied"  # the hook says why, or there is no hook, or no prompt since
STALE = "stale"  # the next prompt will change it
LEFT_OVER = "left-over"  # a provider that no longer applies
BY_HAND = "by-hand"  # the user changed a managed variable
WHAT_IF = "what-if"  # not compared, because options were given that the shell knows nothing of

UNKNOWN_KEY = "\0"  # stands in for a key that is not fetched; no variable can hold it
RETRY = "cowork-env reload"
TAKEN_AWAY = "the URL or the key is missing, as in what Claude Code starts"
TAKEN_AWAY_HINT = (
    "Claude Code keeps the key from its Bash tool, hooks and MCP servers. "
    "There, 'cowork-env exec' and a new shell with the hook have both."
)
LOAD_HINT = "Load the hook with 'cowork-env init', or start the program with 'cowork-env exec'."


# For a prompt, in the place of the longer messages.
_REMARKS = {
    NOT_APPLIED: "not applied",
    STALE: "not up to date",
    LEFT_OVER: "left over",
    BY_HAND: "changed by hand",
}
_SHORT = 40  # characters of a name


class ShellState:
    """How a shell's environment compares to what it should be: a state, a message, a hint."""

    __slots__ = ("hint", "message", "state")

    def __init__(self, state: str, message: str, hint: str = "") -> None:
        self.state, self.message, self.hint = state, message, hint


class Comparison:
    """What is active for these inputs, and whether the environment is as it should be.

    ``found``, ``outcome`` and ``target``: what should be active (see :mod:`resolve`); ``previous``:
    the activation that the environment holds now; ``ignored_state``: why its state is ignored, or
    empty; ``reason``: why the hook did not apply the provider, as far as it says. ``changed``: the
    variables that a hook would change; ``after``: the environment with these changes. ``what_if``:
    options were given that the shell knows nothing of, or it is about a directory ``elsewhere``.
    """

    def __init__(self, inputs: Inputs, *, elsewhere: bool = False) -> None:
        self.inputs = inputs
        self.found = resolve.resolve(inputs)
        self.previous = Activation.decode(inputs.env.get(STATE, ""))
        self.ignored_state = environment.ignored_state(inputs.env, running=True)
        self.reason = ""
        if self.previous is not None:
            text = resolve.reason(self.previous.key, self.found.key)
            self.reason = visible(text, resolve.MAX_REASON).removesuffix(".")
            if not self.previous.touched:
                self.previous = None  # There was nothing that could have been applied.
        self.outcome = _outcome(inputs, self.found, self.previous)
        self.target = self.outcome.target or None
        _, changes = transition(inputs.env, self.outcome.key, self.target, running=True)
        self.changed = [n for n in changes if n != STATE and not self._is_shadowed(n)]
        self.after = environment.applied(inputs.env, changes)
        asked = elsewhere or inputs.option or inputs.trust_all
        self.what_if = bool(self.changed and asked)

    @property
    def short(self) -> str:
        """One line for a prompt: the provider, and a remark in brackets where something is wrong.

        Empty where no provider applies and none is in the environment.
        """
        provider, remarks = self.outcome.provider or self.found.provider, []
        name = visible(provider.name, _SHORT) if provider else ""
        if self.outcome.error:
            remarks.append("error")
        elif not self._is_as_claude_starts_it():
            state = self.shell.state
            other = visible(self.previous.name, _SHORT) if self.previous else ""
            if state in (STALE, LEFT_OVER) and other and other != name:
                remarks.append(f"still {other}")
            elif state not in (IN_STEP, WHAT_IF):
                remarks.append(_REMARKS[state])
        if self.found.untrusted:
            remarks.append("untrusted pin")
        if not remarks:
            return name
        return f"{name or 'none'} ({', '.join(remarks)})"

    def _is_as_claude_starts_it(self) -> bool:
        """Whether all that differs is what Claude Code or its launcher change for its children.

        Claude Code keeps keys from them; the launcher's settings file has no host flag, and empties
        what else there is.
        """
        if self.previous is None or self.previous.key != self.outcome.key or not self.target:
            return False
        env, taken = self.inputs.env, {HOST_FLAG, NO_AGENT_VIEW, ACCOUNT_TOKEN, *CREDENTIALS}
        return all(
            env.get(name) == "" if value is None else name in taken - env.keys()
            for name, value in self.target.items()
            if env.get(name) != value
        )

    @property
    def shell(self) -> ShellState:
        """How the shell's environment compares to what it should be."""
        if self.what_if:
            message = "not compared: this is what 'exec' and 'export' give"
            return ShellState(WHAT_IF, message)
        return self._shell_state()

    def _touched(self, name: str) -> TouchedVariable | None:
        """What the provider that is active now, and should be, has made of a variable."""
        if self.previous is None or self.previous.key != self.outcome.key:
            return None
        return self.previous.touched.get(name)

    def _is_shadowed(self, name: str) -> bool:
        """Whether an empty variable hides a universal one: fish cannot unset it in one shell."""
        touched = self._touched(name)
        if touched is None or not touched.shadowed or self.target is None:
            return False
        wanted = environment.mark(name, self.target.get(name))
        return touched.ours(name, self.inputs.env.get(name)) and touched.mark == wanted

    def _shell_state(self) -> ShellState:
        if self.target is None:
            return self._state_without_provider()
        if not self.changed:
            return self._state_without_changes()
        if self.reason:
            hint = "" if RETRY in self.reason else f"Run '{RETRY}' to try again."
            return ShellState(NOT_APPLIED, f"not applied: {self.reason}", hint)
        if self.previous is None:
            return self._state_without_hook()
        if self.previous.taken_away(self.inputs.env):
            return ShellState(STALE, TAKEN_AWAY, TAKEN_AWAY_HINT)
        hint = f"The next prompt updates it. {LOAD_HINT}"
        if self.previous.key != self.outcome.key:
            name = visible(self.previous.name) or "another provider"
            return ShellState(STALE, f"the environment still has {name}", hint)
        names = ", ".join(self.changed[:4]) + (" and more" if len(self.changed) > 4 else "")
        return ShellState(STALE, f"not up to date: {names}", hint)

    def _state_without_hook(self) -> ShellState:
        """Nothing in the environment tells of a hook; a process cannot look into its shell."""
        from . import startup_files

        if places := startup_files.hook_places("", self.inputs.env):
            message = f"not applied: no prompt since, or this shell did not read {places[0]}"
            return ShellState(NOT_APPLIED, message, "Press Enter, or open a new shell.")
        return ShellState(NOT_APPLIED, "not applied: no hook is loaded", LOAD_HINT)

    def _state_without_provider(self) -> ShellState:
        if self.previous is None:
            return ShellState(IN_STEP, "up to date: no provider in the environment")
        name = visible(self.previous.name) or "a provider"
        return ShellState(
            LEFT_OVER,
            f"the environment still has {name}",
            "The hook removes it at the next prompt. Under 'cowork-env exec' it is expected.",
        )

    def _state_without_changes(self) -> ShellState:
        target = self.target or {}
        by_hand = [name for name, value in target.items() if self.after.get(name) != value]
        if not by_hand:
            return ShellState(IN_STEP, "up to date")
        return ShellState(
            BY_HAND,
            f"changed by hand: {', '.join(by_hand)}",
            "It stays changed until you leave the directory and come back, or start a new shell.",
        )


def _outcome(inputs: Inputs, found: Resolution, previous: Activation | None) -> Outcome:
    """What should be active; a key to fetch is the one in force, or :data:`UNKNOWN_KEY`."""
    provider = found.provider
    if provider is None or not (provider.token_from or provider.encrypted):
        return resolve.outcome(inputs, found)
    try:
        secrets.check_reference(provider.token_from)
    except InvalidField as error:
        message = f"{visible(provider.name)}: bad reference: authTokenFrom {error.why}."
        return resolve.failed(found, CoworkEnvError(message, error.hint))
    name = CREDENTIAL[provider.auth]
    live = inputs.env.get(name)
    touched = previous.touched.get(name) if previous and previous.key == found.key else None
    token = live if live and touched and touched.ours(name, live) else UNKNOWN_KEY
    wanted = environment.target(provider, token, found.models, inputs.home)
    try:
        limits.check(inputs.env, found.key, provider, wanted)
    except CoworkEnvError as error:
        return resolve.failed(found, error)
    return Outcome(found.key, wanted, provider)
