"""``export``: the environment of a directory, as shell statements or in a format for CI.

On the fast path: nothing heavy is imported at the top.
"""

from __future__ import annotations

from . import shells
from .core import environment, limits, resolve
from .core.environment import BASE_URL, HOST_FLAG, STATE, Activation, applied, transition
from .core.provider import CREDENTIAL
from .masking import is_secret
from .util.errors import USAGE, CoworkEnvError
from .util.text import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .core.environment import Changes, Target
    from .core.resolve import Inputs, Resolution

# Shells that read statements for sh; an empty name is a shell that could not be detected.
LIKE_SH = ("", "sh", "dash", "ash", "ksh", "mksh", "busybox")


def format_for_shell(shell: str) -> str:
    """The format for a detected shell (or empty); raises a usage error when there is none."""
    if shell in shells.NAMES:
        return shell
    if shell in LIKE_SH:
        return "sh"
    raise CoworkEnvError(
        f"There are no statements for {shell}.",
        "Pass --format; 'cowork-env export --help' lists the formats.",
        USAGE,
    )


def is_for_shell(format: str) -> bool:
    """Whether a format is that of a shell, which evaluates it."""
    return format in shells.NAMES


def check_format(name: str) -> str:
    """A format's name as the user gave it; raises a usage error when there is none of that name."""
    if name in shells.NAMES:
        return name
    from . import formats

    if name in formats.NAMES:
        return name
    from .util.nearest import did_you_mean

    known = (*shells.NAMES, *formats.NAMES)
    hint = did_you_mean(name, known, f"Formats: {', '.join(known)}.")
    raise CoworkEnvError(f"There is no format '{visible(name)}'.", hint, USAGE)


def export(
    inputs: Inputs, format: str, write: Callable[[str], None], *, no_secrets: bool = False
) -> None:
    """Pass to ``write`` what brings the environment to what it should be, in a format of
    :func:`check_format`.

    ``no_secrets``: keys are left out and not fetched. Raises :class:`CoworkEnvError`, with nothing
    written, when the provider cannot be resolved or the pin is not trusted.
    """
    found = resolve.resolve(inputs)
    found.check()
    is_shell = is_for_shell(format)
    if no_secrets:
        target = target_without_keys(inputs, found, keep_active=is_shell)
        if target is not None and found.provider is not None:
            limits.check(inputs.env, found.key, found.provider, target)
    else:
        target = resolve.target(inputs, found)
    if is_shell:
        activation, changes = transition(inputs.env, found.key, target)
        if no_secrets:
            check_url_has_key(found, applied(inputs.env, changes))
            check_has_no_secrets(changes, activation)
        write(shells.get(format).statements(changes, leaving=target is None))
        return
    if target is None and found.rule == resolve.NOTHING:
        raise CoworkEnvError(
            "No provider applies here.",
            "Pass --provider NAME, or choose one with 'cowork-env use' or 'cowork-env pin'.",
        )
    from . import formats

    if found.provider is not None and found.provider.account:
        formats.check_account(format, found.provider)
    target = target or {}  # The user chose "none".
    formats.emit(format, target, key_names(target), inputs.env, write)


def key_names(target: Target) -> frozenset[str]:
    """The variables of a target that hold secrets, those of the provider's ``env`` included."""
    return frozenset(name for name, value in target.items() if value and is_secret(name, value))


def target_without_keys(inputs: Inputs, found: Resolution, *, keep_active: bool) -> Target | None:
    """The target of a resolution without its keys, which are not fetched; None for: no provider.

    ``keep_active``: a key that the environment already has from this provider stays in the target,
    so that the statements do not unset it.
    """
    provider = found.provider
    if provider is None:
        return None
    has_no_key = not (provider.has_key or provider.needs_key)
    target = environment.target(provider, "" if has_no_key else "-", found.models, inputs.home)
    previous = Activation.decode(inputs.env.get(STATE, "")) if keep_active else None
    active = previous.touched if previous is not None and previous.key == found.key else {}
    for name in key_names(target):
        live = inputs.env.get(name)
        if name in active and active[name].ours(name, live):
            target[name] = live
        else:
            del target[name]
    return target


def check_has_no_secrets(changes: Changes, activation: Activation | None) -> None:
    """Raise :class:`CoworkEnvError` when ``changes`` hold a secret of the user's own, to restore.

    It may be a value, or in the state, from which a later command restores it.
    """
    values = {name: value for name, value in changes.items() if name != STATE}
    if activation is not None and changes.get(STATE):
        values |= {name: touched.original for name, touched in activation.touched.items()}
    for name, value in values.items():
        if value and is_secret(name, value):
            raise CoworkEnvError(
                f"Without secrets, your own {name} could not be restored.",
                f"Unset {name} first, or use '--format json' to see the variables.",
            )


def check_url_has_key(found: Resolution, after: dict[str, str]) -> None:
    """Raise :class:`CoworkEnvError` when ``after`` has the provider's base URL without a key.

    A client would send the user's own login to that URL. An account's token has the host flag in
    the place of a URL.
    """
    if found.provider is None:
        return
    beside = HOST_FLAG if found.provider.account else BASE_URL
    name = CREDENTIAL[found.provider.auth]
    if after.get(beside) and not after.get(name):
        raise CoworkEnvError(
            f"Without the key, {beside} would be set alone: {name} is not set here.",
            f"Set {name} first, or use '--format json' to see the variables.",
        )
