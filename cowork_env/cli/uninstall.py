"""``init --remove``: take out what was written for shells, and say what is left and where."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from .. import claude_files, launcher, manual, startup_files
from ..core import providers
from ..shells import posix
from ..util.errors import CoworkEnvError
from ..util.text import tilde, visible
from .output import say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..core.resolve import Inputs


def remove(shell: str, inputs: Inputs, launchers: bool) -> None:
    """Remove the hook line of ``shell`` (empty: of every shell), and the launchers with the last.

    ``launchers``: False leaves them alone. Raises :class:`CoworkEnvError`.
    """
    removed = False
    for name in [shell] if shell else startup_files.SHELLS:
        change = startup_files.uninstall(name, inputs.env)
        if change.result == startup_files.OTHER_LINE:
            say(f"cowork-env: {change.path}, line {change.number}, has a hook line of its own")
            say("Remove it by hand.")
        elif change.result == startup_files.REMOVED:
            removed = True
            say(f"cowork-env: removed the hook line from {change.path}")
        elif shell:
            say(f"cowork-env: {change.path} has no hook line")
    if removed:
        say("Shells that are open keep the hook until they end.")
    elif not shell:
        say("cowork-env: no startup file has a line of 'cowork-env init'")
    if places := startup_files.hook_places("", inputs.env):
        if launchers and (names := launcher.names()):
            stays = "launcher" if len(names) == 1 else "launchers"
            verb = "stays" if len(names) == 1 else "stay"
            named = ", ".join(names)
            say(f"The {stays} for {named} {verb}, as {places[0]} loads the hook.")
        return
    for name in launcher.names() if launchers else ():
        launcher.remove(name)
        say(f"cowork-env: removed the launcher for {name}")
    if page := manual.remove_link(inputs.env):
        say(f"cowork-env: removed {tilde(page, inputs.home)}")
    _say_what_is_left(inputs)


def _say_what_is_left(inputs: Inputs) -> None:
    """Say what nothing but the user removes, and how to uninstall the program."""
    if left := [f"  {tilde(path, inputs.home)}  {what}" for path, what in _left(inputs)]:
        say("\n".join(["These are left, and pins (.cowork-provider) in your projects:", *left]))
    if names := _in_key_stores(inputs):
        say(f"Keys of {', '.join(names)} are in a key store; 'cowork-env remove NAME' removes one.")
    say(f"To uninstall the program: {uninstall_command(sys.prefix)}")


def _left(inputs: Inputs) -> Iterator[tuple[str, str]]:
    """The paths of what is left, and what is there."""
    file = providers.locate(inputs.env, inputs.config_dir)
    if os.path.exists(file):
        yield file, "your providers and their keys, of the desktop app, too"
    settings = providers.settings_file(inputs.config_dir)
    if os.path.exists(settings):
        yield settings, "where a team's catalogue is"
    if os.path.isdir(inputs.state_dir):
        yield inputs.state_dir, "the selection, trust, and a key in what launchers wrote for Claude"
    in_memory = claude_files.folder_in_memory(inputs.env)
    if os.path.isdir(in_memory):
        yield in_memory, "a key, too, until you log out"


def _in_key_stores(inputs: Inputs) -> list[str]:
    """The names of the providers whose key 'secure' or '--keyring' has put into a key store."""
    from ..securing import is_ours

    try:
        entries = providers.load_own(inputs.env, inputs.config_dir).entries
    except CoworkEnvError:
        return []
    references = ((entry, providers.field_of(entry, "authTokenFrom")) for entry in entries)
    return [
        visible(providers.field_of(entry, "name"))
        for entry, reference in references
        if is_ours(reference)
    ]


def uninstall_command(prefix: str) -> str:
    """The command that uninstalls what is installed below ``prefix``, as ``sys.prefix`` is."""
    for installer, folder in (("uv tool", "/uv/tools/"), ("pipx", "/pipx/venvs/")):
        if folder in f"{prefix}/":
            return f"{installer} uninstall cowork-env"
    return f"{posix.quote(f'{prefix}/bin/python')} -m pip uninstall cowork-env"
