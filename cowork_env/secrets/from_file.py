"""``file:PATH[#/json/pointer]``: the key is in a file, alone or as a string in JSON (RFC 6901)."""

from __future__ import annotations

from ..core.providers import read_bytes
from ..util import jsontext
from ..util.errors import CoworkEnvError
from . import MAX_BYTES, ONE_LINE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_WHERE = "the file of authTokenFrom"
_LOOK = "Compare the part after # with the JSON text."  # a hint


def split(rest: str) -> tuple[str, str]:
    """The path, ``~/`` expanded, and the JSON pointer, which is empty or begins with a slash."""
    path, pointer = split_pointer(rest)
    if path.startswith("~/"):
        import os

        path = os.path.expanduser(path)
    return path, pointer


def split_pointer(rest: str) -> tuple[str, str]:
    """What stands before a JSON pointer, and the pointer, empty or with a slash at its start."""
    before, mark, pointer = rest.partition("#/")
    return before, "/" + pointer if mark else ""


def check(rest: str) -> None:
    """Check that the path is absolute."""
    if not split(rest)[0].startswith("/"):
        raise CoworkEnvError("does not have an absolute path")


def fetch(rest: str, env: Mapping[str, str]) -> str:
    """The content of the file, or the string that the JSON pointer leads to."""
    path, pointer = split(rest)
    try:
        data = read_bytes(path, _WHERE)
    except FileNotFoundError:
        hint = "Check the path: its folder may not be mounted."
        raise CoworkEnvError(f"not found: {_WHERE} does not exist.", hint) from None
    except CoworkEnvError as error:
        hint = error.hint or "You must be able to read it, and it must be a regular file."
        raise CoworkEnvError(f"denied: {error.message}", hint) from None
    if len(data) > MAX_BYTES:
        raise CoworkEnvError(f"bad value: {_WHERE} is larger than 64 KiB.", ONE_LINE)
    try:
        text = jsontext.decode(data, _WHERE)
    except CoworkEnvError as error:
        raise CoworkEnvError(f"bad value: {error.message}", ONE_LINE) from None
    return pointed(text, pointer, _WHERE) if pointer else text


def pointed(text: str, pointer: str, where: str) -> str:
    """The string in a JSON text that a JSON pointer leads to (RFC 6901, 4).

    ``where`` says in messages what the text is.
    """
    try:
        value = jsontext.parse(text, where)
    except CoworkEnvError as error:
        raise CoworkEnvError(f"bad value: {error.message}", _LOOK) from None
    for step in pointer[1:].split("/"):
        step = step.replace("~1", "/").replace("~0", "~")
        if isinstance(value, list) and step.isascii() and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        elif isinstance(value, dict) and step in value:
            value = value[step]
        else:
            raise CoworkEnvError(f"not found: the JSON pointer leads to nothing in {where}.", _LOOK)
    if not isinstance(value, str):
        raise CoworkEnvError(
            f"bad value: the JSON pointer leads to no string in {where}.", "Write the key as text."
        )
    return value
