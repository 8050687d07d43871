"""``init``: the hook line in a shell's startup file."""

from __future__ import annotations

import click

from .. import startup_files
from ..hook import render
from .errors import usage_error
from .inputs import current_inputs, detect_shell
from .options import examples
from .output import say


@click.command(
    "init",
    epilog=examples("cowork-env init", "cowork-env init zsh", "cowork-env init --remove"),
)
@click.argument("shell", required=False, default="")
@click.option("--remove", is_flag=True, help="Remove the line again.")
def command(shell: str, remove: bool) -> None:
    """Load cowork-env in your shell from now on.

    Adds one line to the shell's startup file, in the place of an older one: ~/.bashrc, ~/.zshrc (in
    $ZDOTDIR if that is set), ~/.config/fish/config.fish, ~/.xonshrc or ~/.config/elvish/rc.elv.
    SHELL is detected when left out.
    """
    name = shell or detect_shell()
    if not name:
        raise usage_error("Could not detect your shell.", "Name it, as in: cowork-env init zsh")
    name = render.find(name).name
    if name not in startup_files.SHELLS:
        raise usage_error(
            f"The line for {name} has to be added by hand.",
            f"'cowork-env hook {name}' prints the hook.",
        )
    env = current_inputs().env
    change = (startup_files.uninstall if remove else startup_files.install)(name, env)
    path = change.path
    if change.result == startup_files.OTHER_LINE:
        say(f"cowork-env: {path}, line {change.number}, has a hook line of its own")
        say("Remove it by hand." if remove else "Nothing was changed.")
    elif change.result == startup_files.UNCHANGED:
        say(f"cowork-env: {path} {'has no hook line' if remove else 'has the hook line already'}")
    elif change.result == startup_files.REMOVED:
        say(f"cowork-env: removed the hook line from {path}")
    else:
        where = "added to" if change.result == startup_files.ADDED else "replaced the line in"
        say(f"cowork-env: {where} {path}:\n  {startup_files.line_of(name, env)}")
    if not remove:
        say(startup_files.next_step(name, env, here=name == detect_shell()))
