"""Launchers for PATH: a program started by an IDE, cron or an agent gets its directory's provider,
without a hook.

A launcher is a small script for the bare interpreter. It resolves the provider of the working
directory and replaces itself with the real program of its name: one start of Python, and no process
stays behind. ``exec`` runs programs in the same way.
"""

from __future__ import annotations

import os
import stat
import sys

from .core import environment, resolve, variables
from .core.provider import NONE
from .core.providers import unless_none
from .core.resolve import Inputs
from .util import system
from .util.errors import FAILURE, USAGE, CoworkEnvError
from .util.text import argument, first_control, visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import NoReturn

    from .core.environment import Target
    from .core.resolve import Resolution

CLAUDE = "claude"
MARK = b"# A cowork-env launcher"
# The id of a process and the programs that launchers have run in it, to stop a launcher and a
# wrapper that start each other without end.
GUARD = "COWORK_ENV_SHIM"
MAX_ROUNDS = 8
CANNOT_RUN, NOT_FOUND = 126, 127  # as env(1)

LAUNCHER = """\
# A cowork-env launcher: it runs the next '{name}' on PATH with the provider of the directory.
# Written by 'cowork-env shim'; to remove it: cowork-env shim --remove {argument}
import sys
sys.path += {path!r}
try:
    from cowork_env.launcher import main
except ImportError:
    sys.exit(
        "cowork-env: it is not installed any more. Reinstall it, or remove the launcher "
        + ascii(sys.argv[0])
    )
except KeyboardInterrupt:
    sys.exit(130)
main({name!r}, {state_dir!r}, {config_dir!r}, {folders!r})
"""


# Running a program


def main(name: str, state_dir: str, config_dir: str, folders: list[str]) -> NoReturn:
    """Run the real program ``name`` in the place of this process, with the arguments in
    ``sys.argv``.

    ``state_dir``, ``config_dir`` and ``folders``, the values of ``variables.FOLDERS``, are those of
    the user who wrote the launcher. With other values of these variables, the two folders are
    located again.
    """
    try:
        env = original_environment()
        run = _chain(env)
        command, arguments = _given(name, sys.argv[1:])
        if not command:
            command = [find(name, env.get("PATH", os.defpath), run)]
        env[GUARD] = ":".join((str(os.getpid()), *run, command[0]))
        if any(env.get(n, was) != was for n, was in zip(variables.FOLDERS, folders, strict=True)):
            from .util import paths

            state_dir, config_dir = paths.state_dir(), paths.config_dir()
        directory, gone = system.working_directory(env)
        say = system.say_on_terminal if os.isatty(2) else None
        inputs = Inputs(env, directory, config_dir, state_dir, gone=gone, say=say)
        if name == CLAUDE:
            arguments, env = _of_claude(inputs, command, arguments)
        else:
            env = environment_for(inputs)
        become(command[0], [*command[1:], *arguments], env)
    except CoworkEnvError as error:
        text = " ".join(filter(None, (f"{name} was not started: {error.message}", error.hint)))
        os.write(2, f"cowork-env: {visible(text, 2000)}\n".encode("utf-8", "replace"))
        os._exit(error.exit_code)
    except KeyboardInterrupt:
        os._exit(130)
    except Exception as error:
        # Its type only: the text may contain a key.
        os.write(
            2,
            f"cowork-env: {name} was not started: unexpected {type(error).__name__};"
            " this is a bug in cowork-env.\n".encode(),
        )
        os._exit(FAILURE)


def environment_for(inputs: Inputs) -> dict[str, str]:
    """The environment for a program that a launcher starts; raises what is wrong with the choice.

    A pin that is not trusted is ignored. Where nothing applies, the provider of an outer shell is
    removed; ``exec --provider`` also sets the variable that chooses it, so that one applies.
    """
    found = _resolved(inputs)
    return _with_target(inputs, found.key, resolve.target(inputs, found))


def _resolved(inputs: Inputs) -> Resolution:
    """The provider that applies; a pin that is ignored is said on standard error."""
    found = resolve.resolve(inputs)
    if found.ignored is not None:
        os.write(2, f"cowork-env: {found.ignored.message}\n".encode("utf-8", "replace"))
    return found


def _of_claude(
    inputs: Inputs, command: list[str], arguments: list[str]
) -> tuple[list[str], dict[str, str]]:
    """The arguments and the environment for Claude Code, which finds the launcher on PATH."""
    from . import claude, claude_files

    found = _resolved(inputs)
    warn_of_ignored_state(inputs.env)
    arguments, env = claude.start(inputs, found, command, arguments)
    if claude_files.told_version(command):
        env.pop(GUARD, None)  # It is no wrapper: a 'claude' that it starts is this one again.
    here = os.path.dirname(os.path.abspath(sys.argv[0]))
    path = env.get("PATH", os.defpath).split(":")
    if path[0] != here and is_launcher(os.path.join(here, CLAUDE)):
        env["PATH"] = ":".join((here, *(folder for folder in path if folder != here)))
    return arguments, env


def _given(name: str, arguments: list[str]) -> tuple[list[str], list[str]]:
    """The program that the first arguments name, if they do, and the other arguments.

    VS Code runs its ``claudeProcessWrapper`` so. Claude Code's own first argument may begin with a
    slash, too (``/init``), so the names have to be right.
    """
    first, script = (*arguments, "", "")[:2]
    # VS Code's paths are absolute. A relative one is the user's prompt, and what it names could be
    # a repository's.
    is_program = os.path.isabs(first) and os.path.isfile(first) and os.access(first, os.X_OK)
    if name != CLAUDE or not is_program:
        return [], arguments
    base = os.path.basename(first)
    if base in (CLAUDE, "claude.exe"):
        # A launcher is not run again: it would look for the next program, as is done here.
        return ([], arguments[1:]) if is_launcher(first) else (arguments[:1], arguments[1:])
    is_script = (
        os.path.isabs(script) and os.path.basename(script) == "cli.js" and os.path.isfile(script)
    )
    if base in ("node", "bun") and is_script:
        return arguments[:2], arguments[2:]
    return [], arguments


class Protection:
    """How Claude Code is protected when it is started by its name.

    ``launcher`` is the path of the launcher, ``program`` that of Claude Code with its ``version``;
    each is empty if there is none. ``way``: "settings" for the settings file of a launcher, "flag"
    for the host flag, empty without a program.
    """

    __slots__ = ("launcher", "program", "version", "way")

    def __init__(self, launcher: str, program: str, version: str, way: str) -> None:
        self.launcher, self.program, self.version, self.way = launcher, program, version, way


def protection(path: str) -> Protection:
    """How Claude Code is protected with ``path`` as PATH."""
    from . import claude, claude_files
    from .util import paths

    found = launcher_on(path)
    try:
        program = find(CLAUDE, path, [])
    except CoworkEnvError:
        return Protection(found, "", "", "")
    inputs = Inputs(dict(os.environ), "/", paths.config_dir(), paths.state_dir())
    version = claude_files.version([program], inputs)
    return Protection(found, program, version, claude.way(version) if found else claude.FLAG)


def launcher_on(path: str) -> str:
    """The launcher that the name of Claude Code finds on ``path``, the value of PATH, or empty."""
    first = next((c for c in _on_path(CLAUDE, path) if os.access(c, os.X_OK)), "")
    return first if first and is_launcher(first) else ""


def execute(inputs: Inputs, command: list[str]) -> NoReturn:
    """Run a command in the place of this process, with the environment for the directory of
    ``inputs``.

    Raises :class:`CoworkEnvError` when the provider cannot be resolved, a pin is not trusted, or
    the command cannot be run.
    """
    found = resolve.resolve(inputs)
    found.check()
    program, *arguments = command
    path = inputs.env.get("PATH", os.defpath)
    if program == CLAUDE and launcher_on(path):
        # As the launcher there starts it: a login has no other protection.
        from . import claude

        warn_of_ignored_state(inputs.env)
        program = _runnable(program, path)
        arguments, env = claude.start(inputs, found, [program], arguments)
    else:
        env = _with_target(inputs, found.key, resolve.target(inputs, found))
        program = _runnable(program, path)
    if inputs.option:
        # Shells with the hook and launchers that the command starts keep the choice.
        env[variables.CHOICE] = unless_none(inputs.option) or NONE
    try:
        become(program, arguments, env)
    except CoworkEnvError as error:
        raise _cannot_be_run(command[0], error) from None


def _runnable(program: str, path: str) -> str:
    """The program to run for the first word of a command: not a launcher, which would resolve the
    provider again."""
    try:
        return program if "/" in program else find(program, path, [])
    except CoworkEnvError as error:
        raise _cannot_be_run(program, error) from None


def _cannot_be_run(program: str, why: CoworkEnvError) -> CoworkEnvError:
    message = f"'{visible(program)}' cannot be run: {why.message}"
    return CoworkEnvError(message, why.hint, why.exit_code)


def _with_target(inputs: Inputs, key: str, target: Target | None) -> dict[str, str]:
    warn_of_ignored_state(inputs.env)
    _, changes = environment.transition(inputs.env, key, target)
    return environment.applied(inputs.env, changes)


def warn_of_ignored_state(env: Mapping[str, str]) -> None:
    """Say on standard error that the state in ``env`` is ignored, if it is."""
    if why := environment.ignored_state(env):
        os.write(2, f"cowork-env: {why}\n".encode())


def original_environment() -> dict[str, str]:
    """This process's environment without the ``LC_CTYPE`` that Python sets (PEP 538)."""
    env = dict(os.environ)
    if env.get("LC_CTYPE") in ("C.UTF-8", "C.utf8", "UTF-8"):
        try:
            with open("/proc/self/environ", "rb") as file:
                given = [e[9:] for e in file.read().split(b"\0") if e.startswith(b"LC_CTYPE=")]
        except OSError:
            return env  # There is no /proc; a wrong LC_CTYPE does no harm.
        if given:
            env["LC_CTYPE"] = os.fsdecode(given[0])
        else:
            del env["LC_CTYPE"]
    return env


def _chain(env: Mapping[str, str]) -> list[str]:
    """The programs that launchers have run in this process, or in its parent."""
    process, *run = env.get(GUARD, "").split(":")
    return run if process in (str(os.getpid()), str(os.getppid())) else []


def find(name: str, path: str, run: list[str]) -> str:
    """The first program ``name`` on ``path`` that is not a launcher, by the rules of execvp(3).

    ``run``: the programs that launchers have already run in this process. They are found last,
    because a wrapper may look up its own name again and so come back to the launcher. A program in
    the working directory is none to go on to: by the rules, the one before it would run.
    """
    found, not_executable = [], False
    for candidate in _on_path(name, path):
        if not os.access(candidate, os.X_OK):
            not_executable = True
        elif not is_launcher(candidate):
            found.append(candidate)
    if not found and not_executable:
        raise CoworkEnvError("it is on PATH, but may not be executed.", "", CANNOT_RUN)
    if not found:
        raise CoworkEnvError("there is no such program on PATH.", "", NOT_FOUND)
    others = [candidate for candidate in found[1:] if candidate.startswith("/")]
    program = min(found[:1] + others, key=run.count)
    if run.count(program) >= MAX_ROUNDS:
        raise CoworkEnvError(
            f"{program} starts this launcher again and again.", "Remove one of them.", FAILURE
        )
    return program


def _on_path(name: str, path: str) -> list[str]:
    """The regular files with a name on ``path``, in its order."""
    found = []
    for folder in path.split(":"):
        candidate = os.path.join(folder, name) if folder else f"./{name}"
        try:
            if stat.S_ISREG(os.stat(candidate).st_mode):
                found.append(candidate)
        except (OSError, ValueError):
            continue
    return found


def is_launcher(path: str) -> bool:
    """Whether a file is a launcher, by its first lines: also a copy, or through a link."""
    try:
        descriptor = system.open_without_blocking(path)
    except (OSError, ValueError):
        return False  # Python could not read it either.
    with open(descriptor, "rb") as file:
        return MARK in file.read(1024)


def become(program: str, arguments: list[str], env: Mapping[str, str]) -> NoReturn:
    """Replace this process with a program; Python's changes to signals are undone first.

    Raises :class:`CoworkEnvError` with the exit status of env(1) when that is not possible.
    """
    # The C part of the signal module, which is slow to import.
    import _signal as signal  # type: ignore[import-not-found]

    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    try:
        try:
            # argv[0] is the path, as the kernel passes it to scripts: some programs look up a bare
            # name on PATH.
            os.execve(program, [program, *arguments], env)  # noqa: S606
        except OSError as error:
            import errno

            if error.errno != errno.ENOEXEC:
                raise
            # A script without a "#!" line: run by sh, as in execvp(3).
            os.execve("/bin/sh", ["/bin/sh", program, *arguments], env)  # noqa: S606
    except OSError as error:
        code = NOT_FOUND if isinstance(error, FileNotFoundError) else CANNOT_RUN
        raise CoworkEnvError(f"{program}: {error.strerror}.", "", code) from None


# Writing and removing launchers


def folder() -> str:
    """The folder of the launchers, for PATH."""
    from .util import paths

    return paths.launchers_dir()


def check_name(name: str) -> str:
    """A program's name; raises a usage error when it cannot be the name of a launcher."""
    if (
        name in ("", ".", "..")
        or name.startswith("-")
        or any(c in name for c in "/'")
        or first_control(name) >= 0
    ):
        raise CoworkEnvError(
            f"'{visible(name)}' is not the name of a program.",
            "Use the name as on the command line: claude",
            USAGE,
        )
    if name == "cowork-env":
        raise CoworkEnvError("cowork-env needs no launcher.", "", USAGE)
    return name


def text(name: str, inputs: Inputs) -> str:
    """The launcher for one program."""
    import platformdirs

    from .hook import interpreter

    places = [
        os.path.dirname(interpreter.PACKAGE),
        os.path.dirname(os.path.dirname(os.path.abspath(platformdirs.__file__))),
    ]
    return first_lines(sys.executable) + LAUNCHER.format(
        name=name,
        argument=argument(name, "NAME"),
        path=list(dict.fromkeys(places)),
        state_dir=inputs.state_dir,
        config_dir=inputs.config_dir,
        folders=[inputs.env.get(name, "") for name in variables.FOLDERS],
    )


def first_lines(python: str) -> str:
    """The first lines of a script for an isolated ``python``: "#!", or by way of ``sh``."""
    options = "-ISXutf8"  # in one word, because the kernel passes no more
    line = f"#!{python} {options}\n"
    if len(os.fsencode(line)) <= 127 and not any(c.isspace() for c in python):
        return line
    from .shells.posix import quote

    if "'''" in python or "\\" in python:
        raise CoworkEnvError(
            f"{visible(python)} cannot be used in a script.", "Install cowork-env somewhere else."
        )
    # sh runs exec and reads no further; Python reads all of it as one string.
    return f"#!/bin/sh\n'''exec' {quote(python)} {options} \"$0\" \"$@\"\n' '''\n"


def add(name: str, inputs: Inputs) -> str:
    """Write a program's launcher, and return its path; never replaces another file.

    Raises :class:`CoworkEnvError`.
    """
    from .util import files, paths

    paths.check_permanent(sys.prefix)
    path = os.path.join(folder(), check_name(name))
    if os.path.lexists(path) and not is_launcher(path):
        raise CoworkEnvError(f"{visible(path)} is not a launcher.", "Nothing was changed.")
    files.state_folder(*os.path.split(folder()))  # It will be first on PATH.
    files.write_atomically(path, text(name, inputs).encode("utf-8", "surrogateescape"), 0o755)
    return path


def names() -> list[str]:
    """The programs that have a launcher."""
    try:
        return sorted(n for n in os.listdir(folder()) if is_launcher(os.path.join(folder(), n)))
    except FileNotFoundError:
        return []


def is_first(path: str) -> bool:
    """Whether the launchers' folder is the first entry of a PATH."""
    return os.path.realpath(path.split(":")[0] or ".") == os.path.realpath(folder())


def remove(name: str) -> None:
    """Remove the launcher of a program, and with the last one the folder."""
    from .util import files

    path = os.path.join(folder(), check_name(name))
    if not is_launcher(path):
        raise CoworkEnvError(
            f"There is no launcher for {name}.",
            f"Launchers: {', '.join(names())}." if names() else "",
        )
    files.remove(path)
    try:
        os.rmdir(folder())
    except OSError:
        pass  # There are others.
