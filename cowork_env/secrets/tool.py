"""Running the external tools that hold keys."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import threading
import time

from ..util.errors import CoworkEnvError
from ..util.paths import launchers_dir
from ..util.system import absolute_path
from . import MAX_BYTES, ONE_LINE, waiting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

SLICE = 0.2  # seconds
POLL = 0.002  # seconds, for the end of a tool that has closed its output: mostly it ends just then
# Hints
LOOK = "Run it in a terminal to see why; what it prints is not shown here."
# What ends this process must end the tool too: it has a session of its own, so neither the terminal
# nor the shell signals it. The default action of SIGQUIT would leave a core file, with keys in it.
_ENDING_SIGNALS = (signal.SIGHUP, signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
_DEFAULT = (signal.SIG_DFL, signal.default_int_handler)
# Variables that name the user's directory, or its repository (git rev-parse --local-env-vars).
_OF_THE_DIRECTORY = frozenset(
    (
        *("PWD", "OLDPWD", "INIT_CWD", "GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR"),
        *("GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES"),
        *("GIT_PREFIX", "GIT_CONFIG", "GIT_CONFIG_PARAMETERS", "GIT_CONFIG_COUNT"),
    )
)


class Ended:
    """How a tool ended: its exit ``status``, what it printed (``output``), and its ``errors``.

    Both may hold a key. So they stay out of ``repr``, and ``errors`` is there to be compared with
    messages that are known, never to be shown.
    """

    __slots__ = ("errors", "output", "status", "tool")

    def __init__(self, tool: str, status: int, output: bytes, errors: bytes) -> None:
        self.tool, self.status, self.output, self.errors = tool, status, output, errors

    def __repr__(self) -> str:
        return f"<Ended {self.tool}: {self.status}>"

    def says(self, *texts: str) -> bool:
        """Whether its error messages contain one of these texts, in whatever case."""
        said = self.errors.decode("utf-8", "replace").casefold()
        return any(text.casefold() in said for text in texts)

    def failure(self, *known: tuple[tuple[str, ...], str, str]) -> CoworkEnvError:
        """What to raise for its exit status: texts that it may say, the message, and the hint.

        The first of ``known`` counts of which it says a text.
        """
        for texts, message, hint in known:
            if self.says(*texts):
                return CoworkEnvError(message, hint)
        return CoworkEnvError(f"denied: {self.tool} ended with status {self.status}.", LOOK)

    def text(self) -> str:
        """The output as text; raises :class:`CoworkEnvError` if it is not UTF-8."""
        try:
            return self.output.decode("utf-8")
        except UnicodeDecodeError:
            pass  # Not raised in here: that error holds the data, and would stay attached to ours.
        raise CoworkEnvError(
            f"bad value: {self.tool} printed something that is not UTF-8.", ONE_LINE
        )


def find(name: str, env: Mapping[str, str]) -> str:
    """The path of a tool by the absolute entries of ``PATH`` alone; raises "tool missing"."""
    program = name if name.startswith("/") else which(name, env)
    if not program:
        raise _missing(name)
    return program


def which(name: str, env: Mapping[str, str]) -> str:
    """As :func:`find`, but empty where there is none."""
    # shutil.which takes longer to import than most tools take.
    programs = (f"{folder}/{name}" for folder in search_path(env).split(":"))
    return next((p for p in programs if os.path.isfile(p) and os.access(p, os.X_OK)), "")


def search_path(env: Mapping[str, str]) -> str:
    """Where tools are looked for: not among the launchers, which may need the same key."""
    launchers = launchers_dir()
    entries = absolute_path(env.get("PATH", os.defpath)).split(":")
    return ":".join(entry for entry in entries if entry.rstrip("/") != launchers)


def run(
    argv: list[str], env: Mapping[str, str], *, given: bytes = b"", timeout: float | None = None
) -> Ended:
    """Run a tool of the user, for at most ``timeout`` seconds; ``given`` is its input.

    The default is :data:`.waiting.TIMEOUT`.

    It gets none of the variables of clients and of cowork-env, which it might leak or be misled by,
    and no terminal, so it cannot ask the user anything there. A repository can supply neither the
    tool nor a module, a configuration or another program of it: it is started in ``/``, where
    relative entries of any search path lead to files of root's, with the absolute entries of
    ``PATH`` alone, and without the variables that name the user's directory or its repository.

    It is killed when it exceeds ``timeout`` or prints more than 64 KiB, or when a signal ends this
    process (then KeyboardInterrupt is raised), and its children always, also those that it leaves.
    Raises :class:`CoworkEnvError` in the form that ``secrets`` describes; not for an exit status.
    """
    received: list[int] = []  # signals that came while the tool was being started
    # Only the main thread may say what a signal does.
    main = threading.current_thread() is threading.main_thread()
    previous = {
        number: signal.signal(number, lambda number, _: received.append(number))
        for number in _ENDING_SIGNALS
        if main and signal.getsignal(number) not in (signal.SIG_IGN, None)
    }
    try:
        process = _start(argv, env)
        limit = waiting.TIMEOUT if timeout is None else timeout
        return _Running(process, os.path.basename(argv[0]), limit).end(given, previous, received)
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def run_on_terminal(argv: list[str], env: Mapping[str, str]) -> int:
    """Run a tool that asks the user something on the terminal; its exit status.

    Its output is not shown, as it may be a key. For the rest see :func:`run`.
    """
    name = os.path.basename(argv[0])
    try:
        return subprocess.run(
            [find(argv[0], env), *argv[1:]],
            stdout=subprocess.DEVNULL,
            cwd="/",
            env=_environment(env),
            check=False,
        ).returncode
    except (OSError, ValueError):
        raise _not_runnable(name) from None


def _environment(env: Mapping[str, str]) -> dict[str, str]:
    given = {name: value for name, value in env.items() if not _is_left_out(name)}
    return given | {"PATH": search_path(env) or os.defpath, "PWD": "/"}


def _is_left_out(name: str) -> bool:
    return name.startswith(("ANTHROPIC_", "COWORK_ENV_", "DIRENV_")) or name in _OF_THE_DIRECTORY


def _missing(tool: str) -> CoworkEnvError:
    return CoworkEnvError(
        f"tool missing: {tool} is not installed.",
        "Install it; it is looked for in the absolute entries of PATH.",
    )


def _not_runnable(tool: str) -> CoworkEnvError:
    return CoworkEnvError(f"denied: {tool} cannot be run.", "Check its permissions.")


def _start(argv: list[str], env: Mapping[str, str]) -> subprocess.Popen[bytes]:
    name = os.path.basename(argv[0])
    try:
        return subprocess.Popen(
            [find(argv[0], env), *argv[1:]],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd="/",
            env=_environment(env),
            start_new_session=True,
        )
    except FileNotFoundError:
        raise _missing(name) from None
    except (OSError, ValueError):
        raise _not_runnable(name) from None


class _Running:
    """A tool that was started."""

    def __init__(self, process: subprocess.Popen[bytes], tool: str, timeout: float) -> None:
        self.process, self.tool, self.timeout = process, tool, timeout
        self.deadline = time.monotonic() + timeout
        assert process.stdin and process.stdout and process.stderr
        self.stdin, self.stdout, self.stderr = process.stdin, process.stdout, process.stderr

    def end(
        self, given: bytes, handlers: Mapping[signal.Signals, Any], received: list[int]
    ) -> Ended:
        """Wait for its end. Afterwards it and its children have ended, whatever happens.

        ``handlers``: what signals do in this process; those that end it raise KeyboardInterrupt.
        """
        try:
            for number, handler in handlers.items():
                signal.signal(number, _interrupt if handler in _DEFAULT else handler)
            for each in received:
                signal.raise_signal(each)
            self._give(given)
            output, errors = self._read()
        finally:
            status = self._kill()
        return Ended(self.tool, status, output, errors)

    def _give(self, given: bytes) -> None:
        """Pass its input, which is less than a pipe holds, and close it."""
        try:
            os.write(self.stdin.fileno(), given)
        except BrokenPipeError:
            pass
        self.stdin.close()

    def _read(self) -> tuple[bytes, bytes]:
        """What it prints until it ends: output, errors."""
        data = {self.stdout: b"", self.stderr: b""}
        open_pipes = list(data)
        while True:
            ended = self._has_ended()
            left = max(0.0, self.deadline - time.monotonic())
            # In slices: a signal that comes just before the call does not end it, and what a child
            # keeps open is not waited for.
            pause = 0 if ended else min(left, SLICE if open_pipes else POLL)
            readable, _, _ = select.select(open_pipes, [], [], pause)
            if ended and not readable:
                return data[self.stdout], data[self.stderr]
            if not left:
                verb = "answer" if self.stdout in open_pipes else "end"
                raise CoworkEnvError(
                    f"timed out: {self.tool} did not {verb} within {self.timeout:.0f} seconds.",
                    "Run it in a terminal to see what it waits for.",
                )
            for pipe in readable:
                chunk = os.read(pipe.fileno(), MAX_BYTES)
                if not chunk:
                    open_pipes.remove(pipe)
                data[pipe] += chunk
            if len(data[self.stdout]) > MAX_BYTES:
                raise CoworkEnvError(f"bad value: {self.tool} printed more than 64 KiB.", ONE_LINE)
            data[self.stderr] = data[self.stderr][:MAX_BYTES]

    def _has_ended(self) -> bool:
        """Whether it has ended. It is not waited for, so that its group keeps its number."""
        if not hasattr(os, "waitid"):  # older Pythons on macOS
            return self.process.poll() is not None
        flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, self.process.pid, flags) is not None

    def _kill(self) -> int:
        """Kill what is left of it, and return its exit status."""
        if self.process.returncode is None:
            try:
                # Its children, too: they would go on alone. A daemon has left the group.
                os.killpg(self.process.pid, signal.SIGKILL)
            except PermissionError:
                pass  # macOS: it has ended, and left none.
        status = self.process.wait()
        for pipe in (self.stdin, self.stdout, self.stderr):
            pipe.close()
        return status


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt
