"""``init``: the hook's line in a shell's start-up file."""

from __future__ import annotations

import os

import click

from ..hook import render
from ..util import files
from ..util.errors import CoworkEnvError
from ..util.text import tilde, visible
from .errors import usage_error as usage
from .inputs import current_inputs as context
from .inputs import detect_shell
from .options import examples
from .output import say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

LINES = {
    "bash": 'eval "$(cowork-env hook bash)"',
    "zsh": 'eval "$(cowork-env hook zsh)"',
    "fish": "cowork-env hook fish | source",
    "xonsh": "execx($(cowork-env hook xonsh))",
    "elvish": "eval (cowork-env hook elvish | slurp)",
}
MENTION = b"cowork-env hook"


@click.command(
    "init",
    epilog=examples("cowork-env init", "cowork-env init zsh", "cowork-env init --remove"),
)
@click.argument("shell", required=False, default="")
@click.option("--remove", is_flag=True, help="Take the line out again.")
def command(shell: str, remove: bool) -> None:
    """Load cowork-env in your shell from now on.

    Adds one line to its start-up file: ~/.bashrc, ~/.zshrc (in $ZDOTDIR if that is set), ~/.config/fish/config.fish,
    ~/.xonshrc or ~/.config/elvish/rc.elv. SHELL is detected when left out.
    """
    env = context().env
    name = shell or detect_shell()
    if not name:
        raise usage(
            "There is no telling which shell this is.", "Name it, as in: cowork-env init zsh"
        )
    name = render.find(name).name
    if name not in LINES:
        raise usage(
            f"The line for {name} has to be put in by hand.",
            f"'cowork-env hook {name}' prints the hook.",
        )
    path = start_up_file(name, env)
    shown = tilde(path, env["HOME"])
    before = _read(path, shown)
    after, elsewhere = (without if remove else with_line)(before, LINES[name])
    if elsewhere:
        hint = "Take it out by hand." if remove else "Nothing was changed."
        say(f"cowork-env: {shown}, line {elsewhere}, has a hook line of its own\n{hint}")
    elif after == before:
        say(f"cowork-env: {shown} {'has no hook line' if remove else 'has the hook line already'}")
    else:
        _write(path, shown, after)
        say(f"cowork-env: {'removed from' if remove else 'added to'} {shown}:\n  {LINES[name]}")
    if not remove:
        say(f"Open a new shell, or run it in this one: {LINES[name]}")


def start_up_file(name: str, env: Mapping[str, str]) -> str:
    """The file that an interactive shell of that name reads at its start."""
    home = env.get("HOME", "")
    if not home.startswith("/"):
        raise CoworkEnvError("HOME is not set, so there is no start-up file.")
    config = env.get("XDG_CONFIG_HOME") or home + "/.config"
    return {
        "zsh": f"{env.get('ZDOTDIR') or home}/.zshrc",
        "fish": f"{config}/fish/config.fish",
        "xonsh": f"{home}/.xonshrc",
        "elvish": f"{config}/elvish/rc.elv",
    }.get(name, f"{home}/.bashrc")


def with_line(text: bytes, line: str) -> tuple[bytes, int]:
    """A start-up file with ``line`` at its end, unless it has it; and where it has another hook line, or 0."""
    wanted = line.encode()
    lines = text.split(b"\n")
    if any(each.strip() == wanted for each in lines):
        return text, 0
    if other := _mention(lines):
        return text, other
    return text + (b"" if not text or text.endswith(b"\n") else b"\n") + wanted + b"\n", 0


def without(text: bytes, line: str) -> tuple[bytes, int]:
    """A start-up file without ``line``; and where a hook line of another form stays, or 0."""
    wanted = line.encode()
    kept = [each for each in text.splitlines(keepends=True) if each.strip() != wanted]
    after = b"".join(kept)
    return after, 0 if after != text else _mention(text.split(b"\n"))


def _mention(lines: list[bytes]) -> int:
    """The number of the first line that loads the hook in some other way, or 0."""
    return next(
        (
            n
            for n, each in enumerate(lines, 1)
            if MENTION in each and not each.lstrip().startswith(b"#")
        ),
        0,
    )


def _read(path: str, shown: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise CoworkEnvError(f"{shown} cannot be read: {error.strerror}.") from None


def _write(path: str, shown: str, text: bytes) -> None:
    try:
        mode = os.stat(path).st_mode & 0o7777
        if not os.access(path, os.W_OK):
            raise CoworkEnvError(
                f"{shown} is read-only.",
                f"Add the line where {visible(os.path.realpath(path))} comes from.",
            )
    except FileNotFoundError:
        mode = 0o644
        try:
            os.makedirs(os.path.dirname(os.path.realpath(path)), exist_ok=True)
        except OSError as error:
            raise CoworkEnvError(f"{shown} cannot be created: {error.strerror}.") from None
    files.write_atomically(path, text, mode)
