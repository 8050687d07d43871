"""The user's editor, on a text that nobody else can read."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from types import TracebackType

from ..util import files, jsontext, system
from ..util.errors import NOTHING_CHANGED, CoworkEnvError
from ..util.text import visible
from .output import say
from .prompts import interactive

MAX_BYTES = 1 << 20  # of what is read again
_AT_ONCE = 1.0  # seconds in which nobody has edited anything
_NOT_RUNNABLE = (126, 127)  # as a shell reports it


class EditedFile:
    """A file for an editor, in a folder of its own. A context manager: the folder is removed at its
    end, with what the editor has put there, unless it is to be kept.
    """

    def __init__(self, name: str, text: str) -> None:
        self._name, self._text = name, text
        self._kept = False
        self.at_once = False  # whether the editor ended before anybody could edit

    def __enter__(self) -> EditedFile:
        with files.Undisturbed():
            self._folder = tempfile.mkdtemp(prefix="cowork-env-", dir=_private_folder())
        self.path = os.path.join(self._folder, self._name)
        try:
            with os.fdopen(files.create(self.path), "wb") as file:
                file.write(self._text.encode("utf-8"))
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        if not self._kept:
            self._remove()

    def _remove(self) -> None:
        with files.Undisturbed():
            shutil.rmtree(self._folder, ignore_errors=True)

    def keep(self) -> None:
        """Leave the file where it is."""
        self._kept = True

    def edit(self) -> None:
        """Let the user edit the file.

        Raises :class:`CoworkEnvError` if the editor fails, KeyboardInterrupt if it was interrupted.
        """
        editor = _editor()
        started = time.monotonic()
        status = _run(editor, self.path)
        self.at_once = time.monotonic() - started < _AT_ONCE
        if status in (-signal.SIGINT, 128 + signal.SIGINT):
            raise KeyboardInterrupt
        if status in _NOT_RUNNABLE:
            raise CoworkEnvError(
                f"The editor '{visible(editor)}' cannot be started.",
                "Set EDITOR to another one, as in: EDITOR=nano",
            )
        if status:
            raise CoworkEnvError(
                f"The editor '{visible(editor)}' failed (exit status {status}).", NOTHING_CHANGED
            )

    def read(self) -> str:
        """What is in the file now; raises :class:`CoworkEnvError` if it is no text."""
        try:
            with os.fdopen(system.open_without_blocking(self.path), "rb") as file:
                data = file.read(MAX_BYTES + 1)
        except OSError as error:
            raise CoworkEnvError(
                f"What the editor wrote cannot be read: {error.strerror or 'it is no file'}.",
                NOTHING_CHANGED,
            ) from None
        if len(data) > MAX_BYTES:
            raise CoworkEnvError("What the editor wrote is too large.", NOTHING_CHANGED)
        return jsontext.decode(data, "What you wrote")


def _private_folder() -> str | None:
    """The folder of the user's session, which is gone when that ends; None: the usual one."""
    folder = os.environ.get("XDG_RUNTIME_DIR", "")
    usable = folder.startswith("/") and os.path.isdir(folder) and os.access(folder, os.W_OK)
    return folder if usable and not system.distrusted(folder) else None


def _editor() -> str:
    """The command line of the user's editor, chosen as git does (git-var(1))."""
    names = ("EDITOR",) if os.environ.get("TERM", "dumb") == "dumb" else ("VISUAL", "EDITOR")
    for name in names:
        if editor := os.environ.get(name, "").strip():
            return editor
    if not interactive() or not shutil.which("vi"):
        raise CoworkEnvError("No editor is set.", "Set EDITOR, as in: EDITOR=nano")
    say("EDITOR is not set: this is vi, and ':q!' leaves it.")
    return "vi"


def _run(editor: str, path: str) -> int:
    """The exit status of an editor, a shell's command line as for git; Ctrl-C is for the editor."""
    before = signal.getsignal(signal.SIGINT)
    # Not SIG_IGN, which the editor would inherit.
    signal.signal(signal.SIGINT, lambda _number, _frame: None)
    try:
        process = subprocess.Popen(
            ["/bin/sh", "-c", f'{editor} "$@"', editor, path],
            env={**os.environ, "PATH": system.absolute_path(os.environ.get("PATH", os.defpath))},
        )
        try:
            return process.wait()
        except BaseException:
            process.terminate()
            raise
    except OSError as error:
        raise CoworkEnvError(f"/bin/sh cannot be run: {error.strerror}.") from None
    finally:
        signal.signal(signal.SIGINT, before)
