"""The one error type, and the exit codes of commands that fail."""

from __future__ import annotations

FAILURE = 1
USAGE = 2
UNTRUSTED = 3
NOTHING_CHANGED = "Nothing was changed."  # a hint; of a command that had changed something, another


class CoworkEnvError(Exception):
    """A failure to report to the user.

    ``message`` is a sentence that says what is wrong, ``hint`` one that says what to do, or empty.
    Neither may hold a key. ``exit_code`` is the exit code of a command that ends with the error.
    """

    def __init__(self, message: str, hint: str = "", exit_code: int = FAILURE) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.exit_code = exit_code


class Distrusted(CoworkEnvError):
    """The file or folder at ``path`` is not used, because another user may have changed it."""

    def __init__(self, path: str, message: str, hint: str) -> None:
        super().__init__(message, hint)
        self.path = path
