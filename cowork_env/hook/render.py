"""The code that loads a hook, from the files in ``shell/``."""

from __future__ import annotations

import os

from .. import shells
from ..core import variables
from ..util import paths
from ..util.errors import USAGE, CoworkEnvError
from ..util.text import visible
from .interpreter import PACKAGE, request_command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..shells.base import Shell

CANNOT_RUN = (
    "the program cannot be run. Open a new shell if it was updated; otherwise reinstall it, "
    "or remove the hook line from your startup file"
)


def find(name: str) -> Shell:
    """The shell of that name or path; raises :class:`CoworkEnvError` if it has no hook."""
    word = os.path.basename(name).removesuffix(".exe")
    if word in shells.NAMES and shells.get(word).hook:
        return shells.get(word)
    from ..util.nearest import did_you_mean

    known = [shell.name for shell in shells.with_hook()]
    hint = did_you_mean(word, known, f"Supported shells: {', '.join(known)}.")
    raise CoworkEnvError(f"There is no hook for '{visible(name)}'.", hint, USAGE)


def path(shell: Shell) -> str:
    """The hook's file."""
    return _path(shell.hook)


def _path(file: str) -> str:
    """A shell's file: in the installed package, or a checkout's ``shell/``."""
    for folder in (f"{PACKAGE}/shell", os.path.join(os.path.dirname(PACKAGE), "shell")):
        if os.path.isfile(f"{folder}/{file}"):
            return f"{folder}/{file}"
    raise CoworkEnvError(f"{file} is missing from this installation.", "Reinstall cowork-env.")


# What makes a shell use its completion script, behind it. zsh may read that as a function, too.
_REGISTER = {
    "bash": "\\builtin complete -F __cowork_env_complete cowork-env\n",
    "zsh": (
        "if [[ $zsh_eval_context[-1] == loadautofunc ]]; then\n"
        '  __cowork_env_complete "$@"\n'
        "else\n"
        "  compdef __cowork_env_complete cowork-env\n"
        "fi\n"
    ),
    "fish": ("complete -c cowork-env -n __cowork_env_completes -f -a '(__cowork_env_complete)'\n"),
}


def completion(shell: str) -> str:
    """The completion script of bash, zsh or fish."""
    with open(_path(f"completion.{shell}"), encoding="utf-8") as file:
        return f"{file.read()}\n{_REGISTER[shell]}"


def render(shell: Shell) -> str:
    """The code that loads the hook, for ``eval``.

    bash, zsh and fish read the hook's file as it is. For other shells this is the hook itself, the
    file with its placeholders replaced.
    """
    command = request_command(shell.name)
    if load := shell.load(command[0], PACKAGE, path(shell)):
        return load
    values = {
        "REQUEST": shell.words(command),
        "STATE_DIR": shell.quote(paths.state_dir()),
        "CONFIG_DIR": shell.quote(paths.config_dir()),
        "LAUNCHERS": shell.quote(paths.launchers_dir()),
        "CONTEXT": shell.values_of(variables.CONTEXT),
        "FOLDERS": shell.values_of(variables.FOLDERS),
        "CANNOT_RUN": shell.quote(CANNOT_RUN),
    }
    with open(path(shell), encoding="utf-8") as file:
        pieces = file.read().split("@")
    text, i = pieces[0], 1
    while i < len(pieces):  # In one pass, so that no value is searched for the next placeholder.
        value = values.get(pieces[i]) if i + 1 < len(pieces) else None
        text += f"@{pieces[i]}" if value is None else value + pieces[i + 1]
        i += 1 if value is None else 2
    return shell.wrap(text)
