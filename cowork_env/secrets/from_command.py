"""``cmd:ARGV``: the key is what a command prints.

No shell is involved; quotes group words as in a shell.
"""

from __future__ import annotations

import shlex

from ..util.errors import CoworkEnvError
from .tool import LOOK, run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def check(rest: str) -> None:
    """Check that the reference is a command that means the same in every directory."""
    _argv(rest)


def fetch(rest: str, env: Mapping[str, str]) -> str:
    """What the command prints; for its limits see :func:`.tool.run`."""
    ended = run(_argv(rest), env)
    if ended.status:
        message = f"not found: {ended.tool} ended with status {ended.status}."
        raise CoworkEnvError(message, LOOK)
    return ended.text()


def waits_for(rest: str) -> str:
    """The command's name."""
    return _argv(rest)[0].rpartition("/")[2]


def _argv(rest: str) -> list[str]:
    try:
        argv = shlex.split(rest)
    except ValueError:
        raise CoworkEnvError("has a quote that does not end") from None
    if not argv:
        raise CoworkEnvError("has no command")
    # A project could have a program of its own at a relative path.
    if "/" in argv[0] and not argv[0].startswith("/"):
        raise CoworkEnvError("does not have an absolute path")
    return argv
