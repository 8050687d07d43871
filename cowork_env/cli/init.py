"""``init``: the hook line in a shell's startup file, and the launcher for Claude Code."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from .. import launcher, manual, startup_files
from ..core import providers
from ..hook import render
from ..util.errors import CoworkEnvError
from ..util.text import tilde
from . import uninstall
from .errors import usage_error
from .inputs import current_inputs, detect_shell
from .options import examples, yes_option
from .output import say
from .prompts import confirm, interactive
from .shim import say_what_hides

if TYPE_CHECKING:
    from ..core.resolve import Inputs

CLIENT = launcher.CLAUDE
WHY = (
    f"A launcher is a small program, also named {CLIENT}, that starts the real one with the\n"
    "provider of its directory. With it, no settings file redirects the provider, and the\n"
    "background sessions and the Bash tool work as without a provider."
)
QUESTION = f"Write a launcher for {CLIENT}?"


@click.command(
    "init",
    epilog=examples(
        "cowork-env init",
        "cowork-env init zsh --no-launcher",
        "cowork-env init --remove",
    ),
)
@click.argument(
    "shell",
    required=False,
    default="",
    shell_complete=startup_files.SHELLS,
)
@click.option("--remove", is_flag=True, help="Remove what init wrote, and say what is left.")
@click.option(
    "--launcher/--no-launcher",
    "wanted",
    default=None,
    help="Write the launcher for claude, or leave it alone. By default, asks on a terminal, "
    "and writes it elsewhere.",
)
@yes_option
def command(shell: str, remove: bool, wanted: bool | None, yes: bool) -> None:
    """Load cowork-env in your shell from now on.

    Adds one line to the shell's startup file, in the place of an older one: ~/.bashrc, ~/.zshrc (in
    $ZDOTDIR if that is set), ~/.config/fish/config.fish, ~/.xonshrc or ~/.config/elvish/rc.elv.
    SHELL is detected when left out.

    The hook completes at a Tab, too. Where 'man' would not find the manual page, a link to it is
    made; --remove removes that.

    Where Claude Code is installed, it also writes its launcher (see 'cowork-env shim'), which the
    hook puts first on PATH.

    --remove takes out the line of SHELL, or of every shell, and with the last one all launchers. It
    says what is left, and how to uninstall the program.
    """
    inputs = current_inputs()
    name = shell or detect_shell()
    if remove and not shell:
        uninstall.remove("", inputs, launchers=wanted is not False)
        return
    if not name:
        raise usage_error("Could not detect your shell.", "Name it, as in: cowork-env init zsh")
    name = render.find(name).name
    if name not in startup_files.SHELLS:
        raise usage_error(
            f"The line for {name} has to be added by hand.",
            f"'cowork-env hook {name}' prints the hook.",
        )
    if remove:
        uninstall.remove(name, inputs, launchers=wanted is not False)
        return
    env = inputs.env
    change = startup_files.install(name, env)
    path = change.path
    if change.result == startup_files.OTHER_LINE:
        say(f"cowork-env: {path}, line {change.number}, has a hook line of its own")
        say("Nothing was changed.")
    elif change.result == startup_files.UNCHANGED:
        say(f"cowork-env: {path} has the hook line already")
    else:
        where = "added to" if change.result == startup_files.ADDED else "replaced the line in"
        say(f"cowork-env: {where} {path}:\n  {startup_files.line_of(name, env)}")
    if page := manual.add_link(env):
        say(f"cowork-env: 'man cowork-env' is {tilde(page, inputs.home)}, a link")
    if wanted is not False:
        _write_launcher(inputs, name, asked=wanted is None, yes=yes)
    say(startup_files.next_step(name, env, here=name == detect_shell()))
    if not _has_providers(inputs):
        say("Then add a provider: cowork-env add")


def _has_providers(inputs: Inputs) -> bool:
    """Whether there is a provider; also where that cannot be told."""
    try:
        return bool(providers.load(inputs.env, inputs.config_dir).names())
    except CoworkEnvError:
        return True


def _write_launcher(inputs: Inputs, shell: str, asked: bool, yes: bool) -> None:
    """Write the launcher for Claude Code, if it is installed and the user agrees.

    ``asked``: no option says so, and the user is asked, unless ``yes``. A launcher that is there is
    written again.
    """
    say_what_hides(CLIENT, shell, inputs)
    if asked:
        try:
            launcher.find(CLIENT, inputs.env.get("PATH", os.defpath), [])
        except CoworkEnvError:
            say(f"Once {CLIENT} is on PATH, 'cowork-env shim {CLIENT}' writes a launcher for it.")
            return
        is_there = CLIENT in launcher.names()
        if not is_there and not yes and interactive():
            say(WHY)
            if not confirm(QUESTION, default=True):
                return
    try:
        path = launcher.add(CLIENT, inputs)
    except CoworkEnvError as error:
        say(f"cowork-env: there is no launcher for {CLIENT}: {error.message}")
        return
    say(f"cowork-env: {CLIENT} has a launcher, {tilde(path, inputs.home)}")
    if not startup_files.has_launchers_first(shell, inputs.env):
        say("Put its folder first on PATH.")
    say(f"To remove it: cowork-env shim --remove {CLIENT}")
