"""Launchers for PATH: a program started by an IDE, cron or an agent gets its directory's provider, without a hook.

A launcher is a few lines for the bare interpreter. It works out what applies in the working directory and replaces
itself by the real program of its name, so it costs one lean start and leaves no process behind.
"""

from __future__ import annotations

import os
import stat
import sys

from .core import environment, resolve
from .core.resolve import Inputs
from .util import system
from .util.errors import FAILURE, USAGE, CoworkEnvError
from .util.text import first_control, visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import NoReturn

MARK = b"# A cowork-env launcher"
GUARD = "COWORK_ENV_SHIM"  # the process and the programs that launchers have made of it
MAX_ROUNDS = 8
PLACES = ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME")
CANNOT_RUN, NOT_FOUND = 126, 127  # as env(1)

LAUNCHER = """\
# A cowork-env launcher: it runs the next '{name}' on PATH with the provider of the directory.
# Written by 'cowork-env shim'; 'cowork-env shim --remove {name}' takes it away.
import sys
sys.pycache_prefix = {cache!r} or sys.pycache_prefix
sys.path += {path!r}
try:
    from cowork_env.shim import main
except ImportError:
    sys.exit("cowork-env: the program behind this launcher is gone; install it again, or remove " + ascii(sys.argv[0]))
except KeyboardInterrupt:
    sys.exit(130)
main({name!r}, {state_dir!r}, {config_dir!r}, {places!r})
"""


# What a launcher does


def main(name: str, state_dir: str, config_dir: str, places: list[str]) -> NoReturn:
    """Become the real program ``name`` with the arguments in ``sys.argv``; the rest is as when this was written."""
    try:
        env = original_environment()
        run = _chain(env)
        program = find(name, env.get("PATH", os.defpath), run)
        if any(env.get(place, was) != was for place, was in zip(PLACES, places, strict=True)):
            from .util import paths

            state_dir, config_dir = paths.state_dir(), paths.config_dir()
        directory, gone = system.working_directory(env)
        env = prepared(Inputs(env, directory, config_dir, state_dir, gone=gone))
        env[GUARD] = ":".join((str(os.getpid()), *run, program))
        become(program, sys.argv[1:], env)
    except CoworkEnvError as error:
        text = " ".join(filter(None, (f"{name} was not started: {error.message}", error.hint)))
        os.write(2, f"cowork-env: {visible(text, 2000)}\n".encode("utf-8", "replace"))
        os._exit(error.exit_code)
    except KeyboardInterrupt:
        os._exit(130)
    except Exception as error:
        # Its text may have been made from a key.
        os.write(
            2,
            f"cowork-env: {name} was not started: an unforeseen {type(error).__name__}.\n".encode(),
        )
        os._exit(FAILURE)


def prepared(inputs: Inputs) -> dict[str, str]:
    """The environment for a program in this directory; a choice that cannot be honoured is raised.

    A pin that is not trusted is passed over. Where nothing is chosen, the environment stays as it is: whoever started
    the program may have chosen for it, with ``exec``. Where ``none`` is, a provider that is active is left.
    """
    found = resolve.resolve(inputs)
    wanted = resolve.target(inputs, found)
    if found.rule == resolve.NOTHING:
        return dict(inputs.env)
    return environment.applied(inputs.env, environment.transition(inputs.env, found.key, wanted)[1])


def original_environment() -> dict[str, str]:
    """The environment as this process was given it: in the C locale the interpreter sets ``LC_CTYPE`` (PEP 538)."""
    env = dict(os.environ)
    if env.get("LC_CTYPE") in ("C.UTF-8", "C.utf8", "UTF-8"):
        try:
            with open("/proc/self/environ", "rb") as file:
                given = [e[9:] for e in file.read().split(b"\0") if e.startswith(b"LC_CTYPE=")]
        except OSError:
            return env  # no telling here, and it harms nobody
        if given:
            env["LC_CTYPE"] = os.fsdecode(given[0])
        else:
            del env["LC_CTYPE"]
    return env


def _chain(env: Mapping[str, str]) -> list[str]:
    """The programs that launchers have started in this process, or in the one that started it."""
    process, *run = env.get(GUARD, "").split(":")
    return run if process in (str(os.getpid()), str(os.getppid())) else []


def find(name: str, path: str, run: list[str]) -> str:
    """The first program ``name`` on ``path`` that is not a launcher, by the rules of execvp(3).

    A wrapper may look its own name up again and so come back here: what has been ``run`` already goes last.
    """
    found, closed = [], False
    for folder in path.split(":"):
        candidate = os.path.join(folder, name) if folder else f"./{name}"
        try:
            regular = stat.S_ISREG(os.stat(candidate).st_mode)
        except (OSError, ValueError):
            continue
        if regular and os.access(candidate, os.X_OK):
            if not is_launcher(candidate):
                found.append(candidate)
        elif regular:
            closed = True
    if not found and closed:
        raise CoworkEnvError("it is on PATH, but may not be executed.", "", CANNOT_RUN)
    if not found:
        raise CoworkEnvError("there is no such program on PATH.", "", NOT_FOUND)
    program = min(found, key=run.count)
    if run.count(program) >= MAX_ROUNDS:
        raise CoworkEnvError(
            f"{program} starts this launcher again and again.", "Remove one of the two.", FAILURE
        )
    return program


def is_launcher(path: str) -> bool:
    """Whether a file is a launcher of ours, by its first lines: wherever it lies and whatever links to it."""
    try:
        with open(path, "rb") as file:
            return MARK in file.read(1024)
    except OSError:
        return False  # The interpreter could not read it either.


def become(program: str, arguments: list[str], env: Mapping[str, str]) -> NoReturn:
    """Replace this process, with what the interpreter has changed about signals put back."""
    import _signal as signal  # type: ignore[import-not-found]  # what the signal module is made of; that one is heavy

    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    try:
        try:
            # Its whole path, as the kernel gives it to scripts: by a bare name some programs look themselves up on PATH.
            os.execve(program, [program, *arguments], env)  # noqa: S606 - that is the point
        except OSError as error:
            import errno

            if error.errno != errno.ENOEXEC:
                raise
            # A script that does not say for what; execvp(3) gives it to sh, too.
            os.execve("/bin/sh", ["/bin/sh", program, *arguments], env)  # noqa: S606
    except OSError as error:
        code = NOT_FOUND if isinstance(error, FileNotFoundError) else CANNOT_RUN
        raise CoworkEnvError(f"{program}: {error.strerror}.", "", code) from None


# Writing and removing them


def folder() -> str:
    """The folder of the launchers, for PATH."""
    from platformdirs import user_data_dir

    return os.path.join(os.path.abspath(user_data_dir("cowork-env", appauthor=False)), "shims")


def check_name(name: str) -> str:
    """A program's name as one file name; raises :class:`CoworkEnvError` otherwise."""
    if (
        not name
        or name in (".", "..")
        or "/" in name
        or name.startswith("-")
        or first_control(name) >= 0
        or "'" in name
    ):
        raise CoworkEnvError(
            f"'{visible(name)}' is not a program's name.",
            "Give it as on the command line: claude",
            USAGE,
        )
    if name == "cowork-env":
        raise CoworkEnvError("cowork-env needs no launcher.", "", USAGE)
    return name


def text(name: str, inputs: Inputs) -> str:
    """The launcher for one program."""
    import platformdirs

    from .hook import interpreter

    python = interpreter.find_interpreter(inputs.state_dir)
    places = [
        os.path.dirname(interpreter.PACKAGE),
        os.path.dirname(os.path.dirname(os.path.abspath(platformdirs.__file__))),
    ]
    return first_lines(python.path) + LAUNCHER.format(
        name=name,
        cache=python.cache_prefix,
        path=list(dict.fromkeys(places)),
        state_dir=inputs.state_dir,
        config_dir=inputs.config_dir,
        places=[inputs.env.get(place, "") for place in PLACES],
    )


def first_lines(python: str) -> str:
    """What has a script run by ``python``, bare: straight away, or by way of ``sh`` where the kernel cannot."""
    options = "-ISXutf8"  # as one word, for a kernel passes no more
    line = f"#!{python} {options}\n"
    if len(os.fsencode(line)) <= 127 and not any(c.isspace() for c in python):
        return line
    from .shells.posix import quote

    if "'''" in python or "\\" in python:
        raise CoworkEnvError(
            f"{visible(python)} cannot be named in a script.", "Install cowork-env somewhere else."
        )
    # For sh the first word is exec, and what follows is never read; for Python all of it is one string.
    return f"#!/bin/sh\n'''exec' {quote(python)} {options} \"$0\" \"$@\"\n' '''\n"


def add(name: str, inputs: Inputs) -> str:
    """Write the launcher of one program, and return its path. A file of that name which is not ours stays."""
    from .util import files

    path = os.path.join(folder(), check_name(name))
    if os.path.lexists(path) and not is_launcher(path):
        raise CoworkEnvError(f"{visible(path)} is not a launcher.", "Nothing was changed.")
    files.private_directory(folder())
    files.write_atomically(path, text(name, inputs).encode("utf-8", "surrogateescape"), 0o755)
    return path


def names() -> list[str]:
    """The programs that have a launcher."""
    try:
        return sorted(n for n in os.listdir(folder()) if is_launcher(os.path.join(folder(), n)))
    except FileNotFoundError:
        return []


def remove(name: str) -> None:
    """Remove the launcher of one program, and the folder with the last."""
    path = os.path.join(folder(), check_name(name))
    if not is_launcher(path):
        raise CoworkEnvError(
            f"There is no launcher for {name}.",
            f"There is {', '.join(names())}." if names() else "",
        )
    os.unlink(path)
    try:
        os.rmdir(folder())
    except OSError:
        pass  # not the last
