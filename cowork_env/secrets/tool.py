"""Running an external tool that prints a key."""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import time

from ..util.errors import CoworkEnvError
from ..util.system import absolute_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

TIMEOUT = 30.0  # seconds
SLICE = 0.2  # seconds
MAX_BYTES = 64 << 10
# What ends this process must end the tool too: it has a session of its own, so neither the terminal
# nor the shell signals it. The default action of SIGQUIT would leave a core file, with keys in it.
_ENDING_SIGNALS = (signal.SIGHUP, signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
# Variables that name the user's directory, or its repository (git rev-parse --local-env-vars).
_OF_THE_DIRECTORY = frozenset(
    (
        *("PWD", "OLDPWD", "INIT_CWD", "GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR"),
        *("GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES"),
        *("GIT_PREFIX", "GIT_CONFIG", "GIT_CONFIG_PARAMETERS", "GIT_CONFIG_COUNT"),
    )
)


def run(argv: list[str], env: Mapping[str, str], timeout: float = TIMEOUT) -> str:
    """What a tool of the user prints, in at most ``timeout`` seconds and 64 KiB.

    The tool gets no input, and none of the variables of clients and of cowork-env, which it might
    leak or be misled by. A repository can supply neither the tool nor a module, a configuration or
    another program of it: it is started in ``/``, where relative entries of any search path lead to
    files of root's, with the absolute entries of ``PATH`` alone, and without the variables that
    name the user's directory or its repository.

    It is killed, with all its children, when it exceeds the limits, or when a signal ends this
    process (then KeyboardInterrupt is raised). Raises :class:`CoworkEnvError` in the form that
    ``secrets`` describes.
    """
    received: list[int] = []  # signals that came while the tool was being started
    default = (signal.SIG_DFL, signal.default_int_handler)
    previous = {
        number: signal.signal(number, lambda number, _: received.append(number))
        for number in _ENDING_SIGNALS
        if signal.getsignal(number) in default
    }
    try:
        process = _start(argv, env)
        return _output(process, os.path.basename(argv[0]), timeout, previous, received)
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _start(argv: list[str], env: Mapping[str, str]) -> subprocess.Popen[bytes]:
    tool = os.path.basename(argv[0])
    path = absolute_path(env.get("PATH", os.defpath))
    program = argv[0] if argv[0].startswith("/") else shutil.which(argv[0], path=path)
    if not program:
        raise CoworkEnvError(f"tool missing: {tool} is not installed.")
    given = {name: value for name, value in env.items() if not _is_left_out(name)}
    try:
        return subprocess.Popen(
            [program, *argv[1:]],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env=given | {"PATH": path or os.defpath, "PWD": "/"},
            start_new_session=True,
        )
    except FileNotFoundError:
        raise CoworkEnvError(f"tool missing: {tool} is not installed.") from None
    except (OSError, ValueError):
        raise CoworkEnvError(f"denied: {tool} cannot be run.") from None


def _is_left_out(name: str) -> bool:
    return name.startswith(("ANTHROPIC_", "COWORK_ENV_", "DIRENV_")) or name in _OF_THE_DIRECTORY


def _output(
    process: subprocess.Popen[bytes],
    tool: str,
    timeout: float,
    signals: Iterable[int],
    received: list[int],
) -> str:
    """What ``process`` prints; afterwards it has ended, whatever happens."""
    assert process.stdout is not None
    data, deadline = b"", time.monotonic() + timeout

    def remaining(least: float) -> float:
        return max(least, deadline - time.monotonic())

    try:
        for number in signals:
            signal.signal(number, _interrupt)
        if received:
            raise KeyboardInterrupt
        while True:
            # In slices: a signal that comes just before the call does not end it.
            readable, _, _ = select.select([process.stdout], [], [], min(remaining(0.0), SLICE))
            if not readable and time.monotonic() < deadline:
                continue
            if not readable:
                raise CoworkEnvError(
                    f"timed out: {tool} did not answer within {timeout:.0f} seconds."
                )
            chunk = os.read(process.stdout.fileno(), MAX_BYTES)
            if not chunk:
                break
            data += chunk
            if len(data) > MAX_BYTES:
                raise CoworkEnvError(f"bad value: {tool} printed more than 64 KiB.")
        status = process.wait(remaining(0.1))
    except subprocess.TimeoutExpired:
        raise CoworkEnvError(
            f"timed out: {tool} did not end within {timeout:.0f} seconds."
        ) from None
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)  # with its children, which would go on alone
            process.wait()
        process.stdout.close()
    if status:
        raise CoworkEnvError(f"not found: {tool} ended with status {status}.")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        pass  # Not raised in here: that error holds the data, and would stay attached to ours.
    raise CoworkEnvError(f"bad value: {tool} printed something that is not UTF-8.")


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt
