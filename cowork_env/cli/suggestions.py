"""What to type instead of a command or an option that does not exist."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ..util.errors import USAGE, CoworkEnvError
from ..util.nearest import did_you_mean
from ..util.text import visible
from . import ALIASES, COMMANDS, HELP, VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator

# What users of other tools type, and the command that does it here.
COMMANDS_ELSEWHERE = {
    **dict.fromkeys(("switch", "select", "set", "activate", "default", "global"), "use NAME"),
    **dict.fromkeys(("off", "disable", "deactivate", "none"), "use none"),
    **dict.fromkeys(("current", "active", "which", "whoami", "info", "where"), "status"),
    **dict.fromkeys(("config", "configure", "update", "change", "modify"), "edit NAME"),
    **dict.fromkeys(("delete", "del", "forget"), "remove NAME"),
    **dict.fromkeys(("new", "create"), "add"),
    **dict.fromkeys(("install", "setup"), "init"),
    "uninstall": "init --remove",
    "login": "add --account",
    "logout": "use none",
    **dict.fromkeys(("run", "with", "start"), "exec CMD"),
    "env": "export",
    **dict.fromkeys(("local", "link"), "pin NAME"),
    **dict.fromkeys(("trust", "approve"), "allow"),
    **dict.fromkeys(("untrust", "block", "revoke"), "deny"),
    **dict.fromkeys(("check", "test", "ping"), "doctor"),
    **dict.fromkeys(("providers", "profiles"), "list"),
    "models": "show NAME",
    **dict.fromkeys(("get", "cat"), "show NAME"),
    **dict.fromkeys(("backup", "migrate"), "import"),
    "refresh": "reload",
}
# Options that would hold a key.
_KEYS = frozenset(
    f"--{name}"
    for name in (
        *("key", "token", "api-key", "apikey", "api_key", "auth-token", "access-token", "auth-key"),
        *("password", "passwd", "secret", "credential", "credentials", "bearer", "api-token"),
    )
)
# The names of options elsewhere.
_OPTIONS_ELSEWHERE = {
    **dict.fromkeys(
        ("--url", "--api-base", "--base", "--endpoint", "--api-url", "--host", "--baseurl"),
        "--base-url",
    ),
    "--model": "--default-model",
    "--small-model": "--haiku",
    "--profile": "--provider",
    **dict.fromkeys(("--output", "--shell", "-f", "-o"), "--format"),
    "--stdin": "--token-stdin",
    **dict.fromkeys(("-y", "--assume-yes"), "--yes"),
    "--yes": "-y",
}
_NAMES = ("--name", "--provider")
_WITHOUT_OPTION = {
    ("list", "--all"): "'cowork-env list' lists all providers.",
    ("list", "-a"): "'cowork-env list' lists all providers.",
}


def unknown_command(name: str) -> CoworkEnvError:
    """The error to raise for a command that does not exist."""
    lower = name.lower()
    if lower in COMMANDS_ELSEWHERE:
        hint = f"Did you mean 'cowork-env {COMMANDS_ELSEWHERE[lower]}'?"
    else:
        hint = did_you_mean(
            name,
            (*COMMANDS, HELP, VERSION),
            "'cowork-env --help' lists the commands.",
            lambda known: (known, *(alias for alias, full in ALIASES.items() if full == known)),
        )
    return CoworkEnvError(f"There is no command '{visible(name)}'.", hint, USAGE)


def explained(error: click.ClickException) -> CoworkEnvError:
    """An error of click's in our form: a sentence, and a hint."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    path = context.command_path if context else "cowork-env"
    try_help = f"Try '{path} --help'."
    if not isinstance(error, click.NoSuchOption):
        return CoworkEnvError(" ".join(error.format_message().split()), try_help, USAGE)
    option = error.option_name
    known = list(_options(context))
    if option.lower() in _KEYS:
        return CoworkEnvError(
            f"There is no option '{option}': a key in a command line shows in the process list "
            "and in the shell's history.",
            _how_to_give_a_key(path, known),
            USAGE,
        )
    command = context.info_name or "" if context else ""
    if hint := _WITHOUT_OPTION.get((command, option)):
        pass
    elif option in _NAMES and option not in known and _takes_name(context):
        hint = f"It needs no option: {path} NAME"
    elif (instead := _OPTIONS_ELSEWHERE.get(option)) in known:
        hint = f"Did you mean '{instead}'?"
    else:
        hint = did_you_mean(option, known, try_help) if option.startswith("--") else try_help
    return CoworkEnvError(f"There is no option '{visible(option)}'.", hint, USAGE)


def _takes_name(context: click.Context | None) -> bool:
    """Whether a command takes the name of a provider as its argument."""
    arguments = (
        (p for p in context.command.params if isinstance(p, click.Argument)) if context else ()
    )
    return any(
        "NAME" in (argument.metavar or argument.name or "").upper() for argument in arguments
    )


def _options(context: click.Context | None) -> Iterator[str]:
    """The names of all options of a command."""
    for parameter in context.command.get_params(context) if context else ():
        if isinstance(parameter, click.Option):
            yield from (*parameter.opts, *parameter.secondary_opts)


def _how_to_give_a_key(path: str, options: list[str]) -> str:
    """What to type instead of an option with a key, for the command at ``path``."""
    if path.endswith((" add", " key")):
        script = "--token-stdin" if "--token-stdin" in options else "--stdin"
        return f"Leave it out: '{path}' asks for the key. In a script, use {script}."
    if "--token-stdin" in options:
        return "--token-stdin asks for the key, and reads it from standard input in a script."
    return "'cowork-env add' asks for the key."
