"""The one error type: a sentence for what went wrong, and a hint for what to do."""

from __future__ import annotations

FAILURE = 1
USAGE = 2
UNTRUSTED = 3


class CoworkEnvError(Exception):
    """A failure that a person is told about: ``message`` is one sentence, ``hint`` one more or empty.

    Neither may ever hold a key. ``exit_code`` is the exit status of a command that ends with it.
    """

    def __init__(self, message: str, hint: str = "", exit_code: int = FAILURE) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.exit_code = exit_code
