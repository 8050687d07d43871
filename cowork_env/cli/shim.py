"""``shim``: launchers for programs that are started where no prompt exists."""

from __future__ import annotations

import os

import click

from .. import shim
from ..shells import fish, posix
from ..util.errors import CoworkEnvError
from ..util.text import tilde
from .common import context, examples, out, say, usage


@click.command(
    "shim",
    epilog=examples(
        "cowork-env shim claude",
        "cowork-env shim claude python    # the SDKs, too",
        "cowork-env shim                  # those there are",
        "cowork-env shim --remove claude  # all of them without a name",
    ),
)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--remove", is_flag=True, help="Remove launchers instead.")
def command(names: tuple[str, ...], remove: bool) -> None:
    """Write launchers for programs, in a folder for PATH.

    A program started through its launcher gets its directory's provider, where no prompt exists: in an IDE, in cron, by an
    agent. Standard output is the line for PATH, if it is not there yet.
    """
    inputs = context()
    for name in names:
        shim.check_name(name)
    if remove:
        for name in names or shim.names():
            shim.remove(name)
            say(f"Removed the launcher for {name}.")
        return
    if not names:
        if not shim.names():
            raise usage("There are no launchers yet.", "Name a program: cowork-env shim claude")
        out("".join(f"{name}\n" for name in shim.names()))
        return
    path = inputs.env.get("PATH", os.defpath)
    for name in names:
        place = shim.add(name, inputs)
        try:
            real = shim.find(name, path, [])
            say(f"{tilde(place, inputs.home)} runs {tilde(real, inputs.home)}.")
        except CoworkEnvError as error:
            say(f"{tilde(place, inputs.home)} is written, but will not work yet: {error.message}")
    folder = shim.folder()
    if _comes_first(folder, path, names):
        return
    say(
        "Its folder has to come first on PATH: in your shell's start-up file, in a crontab, in an IDE's settings."
    )
    if os.path.basename(inputs.env.get("SHELL", "")) == "fish":
        out(f"fish_add_path --path --move --prepend {fish.quote(folder)}\n")
    else:
        out(f'export PATH={posix.quote(folder)}:"$PATH"\n')


def _comes_first(folder: str, path: str, names: tuple[str, ...]) -> bool:
    """Whether each name means its launcher on this PATH."""
    from shutil import which

    return all(
        (found := which(name, path=path))
        and os.path.realpath(found) == os.path.realpath(f"{folder}/{name}")
        for name in names
    )
