"""What follows once a provider was added: where it is used, and the next command."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from .. import launcher, overrides, pinning, startup_files, store
from ..core import pins, providers, resolve
from ..core.environment import STATE
from ..core.provider import name_argument
from ..util.errors import CoworkEnvError
from ..util.text import tilde, visible
from . import saving
from .errors import report_error
from .inputs import current_inputs, detect_shell
from .output import say
from .prompts import confirm

if TYPE_CHECKING:
    from ..core.resolve import Inputs

CLIENT = "claude"


def ask_where(inputs: Inputs, name: str) -> None:
    """Ask whether a new provider is to be used here, and everywhere else."""
    listed = providers.load(inputs.env, inputs.config_dir)
    index = listed.find(name)
    pinned = False
    here = f"Pin it here, for {visible(tilde(inputs.directory, inputs.home))} and below?"
    if _can_pin(inputs) and confirm(here, default=_in_repository(inputs)):
        try:
            written = pinning.write(inputs, listed.designation(index, "name", "id"), {})
        except CoworkEnvError as error:
            report_error(error)
        else:
            pinned = True
            say(f"cowork-env: pinned {pins.name_and_lines(written.pin)} here")
    selected = store.selected(inputs.state_dir, listed)
    other = listed.entries[selected].get("name", "") if selected is not None else ""
    question = f"Use it everywhere{' else' if pinned else ''}"
    if selected is not None:
        question += f", in the place of {visible(str(other))}"
    if confirm(f"{question}?", default=selected is None):
        saving.select(inputs, name)
        saving.say_selected(name)


def say_commands(name: str) -> None:
    """Say how a provider is used here, or everywhere else."""
    word = name_argument(name)
    say(f"In a directory and below: cowork-env pin {word}")
    say(f"Elsewhere: cowork-env use {word}")


def say_next(name: str) -> None:
    """Say the next command, in one line: the one that starts the client with a provider.

    That is its name alone where the hook is known to be loaded, or where PATH has the launcher.
    """
    inputs = current_inputs()  # as it is now
    shell = detect_shell()
    found = resolve.resolve(inputs).provider
    applies = found is not None and found.name == name
    hook = startup_files.hook_places(shell, inputs.env)
    loaded = (
        bool(inputs.env.get(STATE))
        or bool(launcher.launcher_on(inputs.env.get("PATH", os.defpath)))
        or _started_after(startup_files.existing(shell, inputs.env))
    )
    if not (hook or inputs.env.get(STATE)):
        command = "cowork-env init"
    elif applies and loaded:
        command = CLIENT
    else:
        which = "" if applies else f"--provider {name_argument(name)} "
        command = f"cowork-env exec {which}-- {CLIENT}"
    say(f"Next: {command}")
    if hook and applies and not loaded:
        say(f"Or open a new shell, and run: {CLIENT}")


def _can_pin(inputs: Inputs) -> bool:
    """Whether a pin in the working directory makes sense: not where it would apply everywhere."""
    here = inputs.directory
    if inputs.gone or here in ("/", inputs.home) or os.path.realpath(here) == "/":
        return False
    home = os.path.realpath(inputs.home) if inputs.home else ""
    return os.path.realpath(here) != home and not os.path.lexists(pins.path_in(here))


def _in_repository(inputs: Inputs) -> bool:
    """Whether the working directory is in a git repository, but for one that has the whole home."""
    root = overrides.repository_root(inputs.directory)
    return bool(root) and not f"{inputs.home}/".startswith(f"{root.rstrip('/')}/")


def _started_after(files: list[str]) -> bool:
    """Whether the shell that runs this command was started after ``files`` were last changed.

    Where that cannot be told, as there is no /proc, it was not.
    """
    try:
        with open(f"/proc/{os.getppid()}/stat", encoding="utf-8", errors="replace") as file:
            ticks = int(file.read().rpartition(")")[2].split()[19])  # proc(5): starttime
        with open("/proc/stat", encoding="utf-8") as file:
            boot = next(int(line.split()[1]) for line in file if line.startswith("btime "))
        started = boot + ticks / os.sysconf("SC_CLK_TCK")
        return all(os.stat(path).st_mtime <= started for path in files)
    except (OSError, ValueError, IndexError, StopIteration):
        return False
