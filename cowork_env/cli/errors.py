"""Errors: how a command reports what went wrong, and the exit status it ends with.

On the fast path: nothing heavy is imported at the top.
"""

from __future__ import annotations

import os
import sys

from ..util.errors import FAILURE, NOTHING_CHANGED, USAGE, CoworkEnvError
from ..util.text import tilde, visible
from .output import say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

DEBUG_VARIABLE = "COWORK_ENV_DEBUG"
MAX_MESSAGE = 2000  # characters


def usage_error(message: str, hint: str = "") -> CoworkEnvError:
    """The error to raise for a command line that cannot be used: exit status 2."""
    return CoworkEnvError(message, hint, USAGE)


def run(command: Callable[[], object]) -> int:
    """Run a command, report what it raises without a traceback, and return the exit status."""
    _replace_closed_streams()
    status = _run(command)
    for number, stream in enumerate((sys.stdout, sys.stderr), 1):
        try:
            stream.flush()
        except OSError:
            # Python would try again at exit, complain, and exit with a status of its own.
            _redirect_to_null(number)
    return status


def _run(command: Callable[[], object]) -> int:
    try:
        command()
        sys.stdout.flush()
        return 0
    except CoworkEnvError as error:
        return report_error(error)
    except KeyboardInterrupt as error:
        return _report_interrupt(error)
    except BrokenPipeError:
        return FAILURE  # The reader of our output has closed it.
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else FAILURE if error.code else 0
    except Exception as error:
        return _report_other(error)


def report_error(error: CoworkEnvError) -> int:
    """Print an error's message and hint, and return its exit status."""
    hint = error.hint
    if hint == NOTHING_CHANGED and (changes := _changes()):
        hint = f"Changed before: {changes}."
    _print_error(error.message, hint)
    return error.exit_code


def _changes() -> str:
    """The files that the command has changed so far, safe to show."""
    files = sys.modules.get("cowork_env.util.files")
    home = os.environ.get("HOME", "")
    return ", ".join(tilde(p, home) for p in dict.fromkeys(files.changed)) if files else ""


def _report_interrupt(error: BaseException | None) -> int:
    """Say whether a command that was interrupted while it wrote has changed anything.

    Returns the exit status, as a shell reports the signal.
    """
    terminated = isinstance(error, Terminated)
    number = error.number if isinstance(error, Terminated) else 2  # SIGINT
    files = sys.modules.get("cowork_env.util.files")
    if "click" in sys.modules and files and files.tried:  # others only write caches
        changes = _changes()
        did = f"after it had changed {changes}" if changes else "nothing was changed"
        _print_error(f"{'terminated' if terminated else 'interrupted'}; {did}", "")
    return 128 + number


class Terminated(KeyboardInterrupt):
    """SIGTERM, or SIGHUP of a closed terminal; cleaned up after like Ctrl-C."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


def raise_when_terminated() -> None:
    """Raise :class:`Terminated` on SIGTERM and SIGHUP from now on, unless they are ignored."""
    import signal

    def terminate(number: int, _frame: object) -> None:
        raise Terminated(number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, terminate)


def _print_error(message: str, hint: str) -> None:
    message, hint = _without_keys(message, hint)
    from .terminal import use_color

    try:
        prefix = "\033[31mcowork-env:\033[0m " if use_color(sys.stderr) else "cowork-env: "
        say(prefix + visible(message, MAX_MESSAGE))
        if hint:
            say(visible(hint, MAX_MESSAGE))
    except OSError:
        pass  # Standard error is closed or full; the exit status still tells.


def _without_keys(message: str, hint: str) -> tuple[str, str]:
    """An error; another one, which says so, if it would show an argument that looks like a key."""
    from .. import masking

    for argument in sys.argv[1:]:
        name, _, value = argument.partition("=")
        for text in (argument, name, value):
            word = text.strip().lstrip("-")
            if masking.looks_like_key(word) and visible(word) in message + hint:
                return (
                    f"'{masking.mask(word)}' looks like a key, which the process list and the "
                    "shell's history show in a command line.",
                    "Remove it from the history. 'cowork-env add' asks for a key.",
                )
    return message, hint


def _report_other(error: Exception) -> int:
    """Report what is not a :class:`CoworkEnvError`: click's errors, the system's, and bugs."""
    if "click" in sys.modules:
        import click

        if isinstance(error, click.exceptions.Exit):
            return error.exit_code
        if isinstance(error, click.Abort):
            return _report_interrupt(error.__cause__)
        if isinstance(error, click.ClickException):
            from .suggestions import explained

            explanation = explained(error)
            _print_error(explanation.message, explanation.hint)
            return error.exit_code
    _print_traceback(error)
    if isinstance(error, OSError) and error.strerror:
        named = isinstance(error.filename, (str, bytes))
        place = f"{visible(os.fsdecode(error.filename))}: " if named else ""
        _print_error(f"{place}{error.strerror}.", "")
        return FAILURE
    # Its type and place only: the text of an exception may contain a key.
    _print_error(
        f"Unexpected {type(error).__name__} at {_place(error)}: this is a bug in cowork-env.",
        f"Please report it with the command; {DEBUG_VARIABLE}=1 shows a traceback without values.",
    )
    return FAILURE


def _place(error: Exception) -> str:
    """Where an exception was raised, as ``file.py:12``."""
    place, frame = "", error.__traceback__
    while frame is not None:
        place = f"{os.path.basename(frame.tb_frame.f_code.co_filename)}:{frame.tb_lineno}"
        frame = frame.tb_next
    return place


def _print_traceback(error: BaseException) -> None:
    """With ``COWORK_ENV_DEBUG=1``: the traceback, without the exception's text."""
    if os.environ.get(DEBUG_VARIABLE) == "1":
        from traceback import format_tb

        say("".join([*format_tb(error.__traceback__), type(error).__name__]))


# Standard streams


def _replace_closed_streams() -> None:
    """Open /dev/null in the place of standard streams that are closed.

    Python sets them to None and prints to standard output what is for standard error; and the next
    file that is opened would get the stream's number. Standard output is opened for reading, so
    that writing to it fails.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            _redirect_to_null(number, os.O_WRONLY if name == "stderr" else os.O_RDONLY)
            setattr(sys, name, os.fdopen(number, "r" if name == "stdin" else "w", closefd=False))


def _redirect_to_null(number: int, mode: int = os.O_WRONLY) -> None:
    null = os.open(os.devnull, mode)
    if null != number:
        os.dup2(null, number)
        os.close(null)
