"""What the way from a prompt to its answer needs of the system beside ``posix``, the built-in module that ``os`` is made of.

``os`` itself takes a millisecond to import, a tenth of what a change of directory may cost. Everything else uses it.
"""

from __future__ import annotations

import posix
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def encode(text: str) -> bytes:
    """A path or a variable's value as the bytes that it is to the system."""
    return text.encode(sys.getfilesystemencoding(), "surrogateescape")


def environment() -> dict[str, str]:
    """The environment that this process was started with."""
    coding = sys.getfilesystemencoding()
    return {
        k.decode(coding, "surrogateescape"): v.decode(coding, "surrogateescape")
        for k, v in posix.environ.items()
    }


def parent(path: str) -> str:
    """The directory that an absolute path lies in."""
    return path.rpartition("/")[0] or "/"


def exists(path: str) -> bool:
    """Whether there is something at ``path``, or where a link there leads."""
    try:
        posix.stat(path)
    except (OSError, ValueError):
        return False
    return True


def working_directory(env: Mapping[str, str]) -> tuple[str, bool]:
    """The physical working directory, and whether it is gone; then the shell's name for it stands in."""
    try:
        return posix.getcwd(), False
    except OSError:
        import os

        logical = env.get("PWD", "/")
        return os.path.normpath(logical) if logical.startswith("/") else "/", True
