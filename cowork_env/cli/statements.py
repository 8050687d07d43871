"""``hook``, ``export`` and ``exec``: what they do, and the short way there past click.

A shell evaluates the first at each start, and launchers run the last, so only what they need is imported.
"""

from __future__ import annotations

import os

from .common import context, out, usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..core.environment import Target
    from ..core.resolve import Inputs, Resolution

# What these commands take: options with a value, and flags.
VALUES = {"export": ("--format", "--provider"), "exec": ("--provider",)}
FLAGS = {"export": ("--trust", "--no-secrets"), "exec": ("--trust",)}
# Shells that read what is written for sh; "" is one that cannot be told.
LIKE_SH = ("", "sh", "dash", "ash", "ksh", "mksh", "busybox")


def plain(argv: list[str]) -> Callable[[], object] | None:
    """The command that a command line asks for, or None where click has to look: help, and whatever is not plain."""
    name, *words = argv
    if name == "hook":
        if len(words) > 1 or "".join(words).startswith("-"):
            return None
        return lambda: hook(*words)
    options: dict[str, str | bool] = {}
    while words and words[0].startswith("-"):
        word = words.pop(0)
        if word == "--" and name == "exec":
            break
        option, equals, value = word.partition("=")
        if option in VALUES[name] and (equals or words):
            options[option] = value if equals else words.pop(0)
        elif word in FLAGS[name]:
            options[word] = True
        else:
            return None
    if bool(words) != (name == "exec"):
        return None
    named = {option.strip("-").replace("-", "_"): value for option, value in options.items()}
    if name == "exec":
        return lambda: execute(words, **named)  # type: ignore[arg-type]  # values for VALUES, flags for FLAGS
    return lambda: export(**named)  # type: ignore[arg-type]


def hook(shell: str = "") -> None:
    """Print the hook of a shell, by default of the one that runs this."""
    from ..hook import render
    from ..util import paths

    name = shell or invoking_shell()
    if not name:
        raise usage(
            "There is no telling which shell this is.", "Name it, as in: cowork-env hook zsh"
        )
    out(render.render(render.find(name), paths.config_dir(), paths.state_dir()))


def export(
    format: str | None = None,
    provider: str | None = None,
    trust: bool = False,
    no_secrets: bool = False,
) -> None:
    """Print what moves this environment to where it should be here: shell statements, or another format."""
    from .. import shells
    from ..core import resolve
    from ..core.environment import applied, transition
    from ..util.errors import CoworkEnvError

    name = _format(format)
    inputs = context(provider, trust)
    found = resolve.resolve(inputs)
    found.check()
    is_shell = name in shells.NAMES
    target = _keyless(inputs, found, is_shell) if no_secrets else resolve.target(inputs, found)
    if is_shell:
        _, changes = transition(inputs.env, found.key, target)
        if no_secrets:
            _check_pair(found, applied(inputs.env, changes))
        out(shells.get(name).statements(changes, leaving=target is None))
        return
    if target is None and found.rule == resolve.NOTHING:
        raise CoworkEnvError(
            "No provider applies here.",
            "Pass --provider NAME, or choose one with 'cowork-env use' or 'pin'.",
        )
    from .. import formats

    target = target or {}  # somebody said "none", and that is what it means
    formats.emit(name, target, key_names(target), inputs.env, out)


def execute(command: list[str], provider: str | None = None, trust: bool = False) -> None:
    """Become another program, with the environment as it should be here."""
    from .. import shim
    from ..core import resolve
    from ..core.environment import applied, transition
    from ..core.provider import NONE
    from ..util.errors import CoworkEnvError
    from ..util.text import visible

    inputs = context(provider, trust)
    inputs.env = shim.original_environment()
    found = resolve.resolve(inputs)
    found.check()
    target = resolve.target(inputs, found)
    env = applied(inputs.env, transition(inputs.env, found.key, target)[1])
    if provider:
        # What is started from there, a shell with the hook or a launcher, is to keep to the choice.
        env[resolve.CHOICE_VARIABLE] = found.key or NONE
    try:
        # A launcher for the same program would decide anew.
        path = (
            command[0]
            if "/" in command[0]
            else shim.find(command[0], env.get("PATH", os.defpath), [])
        )
        shim.become(path, command[1:], env)
    except CoworkEnvError as error:
        raise CoworkEnvError(
            f"'{visible(command[0])}' cannot be run: {error.message}", error.hint, error.exit_code
        ) from None


def invoking_shell() -> str:
    """The name of the shell that runs this, or empty when it cannot be told."""
    from shellingham import ShellDetectionFailure, detect_shell  # type: ignore[import-untyped]

    try:
        return str(detect_shell()[0])
    except (ShellDetectionFailure, OSError, ValueError):
        return ""


def key_names(target: Target) -> frozenset[str]:
    """The variables of a target whose values are keys, the provider's own and those in its ``env``."""
    from .common import is_key

    return frozenset(name for name, value in target.items() if value and is_key(name))


def _format(format: str | None) -> str:
    """The format that was asked for, by default the shell that runs this."""
    from .. import shells

    if format is None:
        shell = invoking_shell()
        if shell in shells.NAMES or shell in LIKE_SH:
            return shell if shell in shells.NAMES else "sh"
        raise usage(
            f"There are no statements for {shell}.",
            "Pass --format; 'cowork-env export --help' lists the formats.",
        )
    if format in shells.NAMES:
        return format
    from ..util.text import visible

    try:
        from .. import formats
    except ImportError:
        raise usage(
            f"There is no format '{visible(format)}'.", f"There is {', '.join(shells.NAMES)}."
        ) from None
    if format in formats.NAMES:
        return format
    raise usage(
        f"There is no format '{visible(format)}'.",
        f"There is {', '.join((*shells.NAMES, *formats.NAMES))}.",
    )


def _keyless(inputs: Inputs, found: Resolution, keep: bool) -> Target | None:
    """The target without its keys, which are not fetched either; ``keep`` those that are in force already."""
    from ..core.environment import STATE, Activation
    from ..core.environment import target as target_of

    provider = found.provider
    if provider is None:
        return None
    stand_in = "" if provider.direct and not (provider.token or provider.token_from) else "-"
    target = target_of(provider, stand_in, found.models)
    old = Activation.decode(inputs.env.get(STATE, "")) if keep else None
    for name in key_names(target):
        live = inputs.env.get(name)
        if (
            old is not None
            and old.key == found.key
            and name in old.touched
            and old.touched[name].ours(name, live)
        ):
            target[name] = live
        else:
            del target[name]
    return target


def _check_pair(found: Resolution, after: dict[str, str]) -> None:
    """See that no base URL will stand without a key: a client would send it the person's own login."""
    from ..core.environment import BASE_URL
    from ..core.provider import CREDENTIAL
    from ..util.errors import CoworkEnvError

    if (
        found.provider is not None
        and after.get(BASE_URL)
        and not after.get(CREDENTIAL[found.provider.auth])
    ):
        name = CREDENTIAL[found.provider.auth]
        raise CoworkEnvError(
            f"Without the key, {BASE_URL} would stand alone: {name} is not set here.",
            f"Set {name} first. To look only, use '--format json'.",
        )
