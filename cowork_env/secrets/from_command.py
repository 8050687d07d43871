"""``cmd:ARGV``: the key is what a command prints. No shell takes part; quotes group words as in a shell."""

from __future__ import annotations

import os
import select
import shlex
import signal
import subprocess
import time

from ..util.errors import CoworkEnvError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

TIMEOUT = 30.0  # seconds
MAX_BYTES = 64 << 10


def check(rest: str) -> None:
    """Raise :class:`CoworkEnvError` unless the reference is a command that means the same in every directory."""
    _argv(rest)


def _argv(rest: str) -> list[str]:
    try:
        argv = shlex.split(rest)
    except ValueError:
        raise CoworkEnvError("has a quote that does not end") from None
    if not argv:
        raise CoworkEnvError("has no command")
    if "/" in argv[0] and not argv[0].startswith("/"):
        raise CoworkEnvError(
            "does not have an absolute path"
        )  # A project could have one of its own there.
    return argv


def fetch(rest: str, env: Mapping[str, str]) -> str:
    """What the command prints, within :data:`TIMEOUT` seconds and 64 KiB."""
    try:
        argv = _argv(rest)
    except CoworkEnvError as error:
        raise CoworkEnvError(f"bad reference: authTokenFrom {error.message}.") from None
    return run(argv, env)


def run(argv: list[str], env: Mapping[str, str], timeout: float = TIMEOUT) -> str:
    """Run a tool of the person's and return what it prints.

    It gets a session of its own, killed as a group when it is too slow or says too much, or when the terminal goes
    away, no input, and none of the variables that it might leak or be misled by.
    """
    # As its session is another one, nobody else would tell it. While it is being started there is nobody to tell yet.
    early: list[int] = []
    ends = (
        signal.SIGHUP,
        signal.SIGTERM,
        signal.SIGINT,
        signal.SIGQUIT,
    )  # the last would leave a core, with keys in it
    usual = (signal.SIG_DFL, signal.default_int_handler)
    handled = {
        s: signal.signal(s, lambda number, _: early.append(number))
        for s in ends
        if signal.getsignal(s) in usual
    }
    try:
        return _run(argv, env, timeout, handled, early)
    finally:
        for number, handler in handled.items():
            signal.signal(number, handler)


def _give_up(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def _run(
    argv: list[str],
    env: Mapping[str, str],
    timeout: float,
    signals: Iterable[int],
    early: list[int],
) -> str:
    clean = {k: v for k, v in env.items() if not k.startswith(("ANTHROPIC_", "COWORK_ENV_"))}
    tool = os.path.basename(argv[0])
    try:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=clean,
            start_new_session=True,
        )
    except FileNotFoundError:
        raise CoworkEnvError(f"tool missing: {tool} is not installed.") from None
    except (OSError, ValueError):
        raise CoworkEnvError(f"denied: {tool} cannot be run.") from None

    data, deadline = b"", time.monotonic() + timeout
    assert process.stdout is not None
    try:
        for number in signals:
            signal.signal(number, _give_up)
        if early:
            raise KeyboardInterrupt
        while True:
            if not select.select([process.stdout], [], [], max(0.0, deadline - time.monotonic()))[
                0
            ]:
                raise CoworkEnvError(
                    f"timed out: {tool} did not answer within {timeout:.0f} seconds."
                )
            chunk = os.read(process.stdout.fileno(), MAX_BYTES)
            if not chunk:
                break
            data += chunk
            if len(data) > MAX_BYTES:
                raise CoworkEnvError(f"bad value: {tool} printed more than 64 KiB.")
        status = process.wait(max(0.1, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        raise CoworkEnvError(
            f"timed out: {tool} did not end within {timeout:.0f} seconds."
        ) from None
    finally:
        if (
            process.returncode is None
        ):  # The whole group: a helper of the tool's must not go on alone.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        process.stdout.close()
    if status:
        raise CoworkEnvError(f"not found: {tool} ended with status {status}.")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        pass  # Not raised in here: that error has the data, and would stay attached to ours.
    raise CoworkEnvError(f"bad value: {tool} printed something that is not UTF-8.")
