"""``shim``: launchers, for programs that are started without a shell."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from .. import launcher, startup_files
from ..shells import fish, posix
from ..util.errors import CoworkEnvError
from ..util.text import tilde
from .errors import usage_error
from .inputs import current_inputs, detect_shell
from .options import examples
from .output import say, write_output

if TYPE_CHECKING:
    from ..core.resolve import Inputs


@click.command(
    "shim",
    epilog=examples(
        "cowork-env shim claude",
        "cowork-env shim claude python    # python: for the SDKs",
        "cowork-env shim                  # list the launchers",
        "cowork-env shim --remove claude  # without a name: all",
    ),
)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--remove", is_flag=True, help="Remove launchers.")
def command(names: tuple[str, ...], remove: bool) -> None:
    """Write launchers for programs.

    A program that is started through its launcher gets the provider of its directory without a
    hook: in an IDE, in cron, by an agent. Shells with the hook find launchers first on PATH; where
    no startup file loads it, this prints the line that adds their folder. Without NAME, lists the
    launchers.
    """
    inputs = current_inputs()
    for name in names:
        launcher.check_name(name)
    if remove:
        if not names and not launcher.names():
            say("There are no launchers.")
        for name in names or launcher.names():
            launcher.remove(name)
            say(f"Removed the launcher for {name}.")
        return
    if not names:
        if not launcher.names():
            raise usage_error(
                "There are no launchers yet.", "Name a program: cowork-env shim claude"
            )
        write_output("".join(f"{name}\n" for name in launcher.names()))
        return
    path = inputs.env.get("PATH", os.defpath)
    for name in names:
        place = launcher.add(name, inputs)
        try:
            real = launcher.find(name, path, [])
            say(f"{tilde(place, inputs.home)} runs {tilde(real, inputs.home)}.")
        except CoworkEnvError as error:
            say(f"{tilde(place, inputs.home)} is written, but does not work yet: {error.message}")
    folder, shell = launcher.folder(), detect_shell()
    for name in names:
        say_what_hides(name, shell, inputs)
    if _comes_first(folder, path, names):
        return
    if startup_files.has_launchers_first(shell, inputs.env):
        say(f"The hook puts {tilde(folder, inputs.home)} first on PATH at the next prompt.")
        say("Where there is no prompt (cron, an IDE), put it there yourself.")
        return
    say("Put its folder first on PATH: in a startup file, a crontab, or an IDE's settings.")
    if os.path.basename(inputs.env.get("SHELL", "")) == "fish":
        write_output(f"fish_add_path --path --move --prepend {fish.quote(folder)}\n")
    else:
        write_output(f'export PATH={posix.quote(folder)}:"$PATH"\n')


def say_what_hides(name: str, shell: str, inputs: Inputs) -> None:
    """Say which alias or function of a startup file keeps a launcher from being reached."""
    files = startup_files.existing(shell, inputs.env)
    for what, place in startup_files.hiding(name, files, inputs.home):
        say(f"But {place} makes {name} {what}, which hides the launcher: remove that line.")


def _comes_first(folder: str, path: str, names: tuple[str, ...]) -> bool:
    """Whether each name means its launcher on this PATH."""
    from shutil import which

    return all(
        (found := which(name, path=path))
        and os.path.realpath(found) == os.path.realpath(f"{folder}/{name}")
        for name in names
    )
