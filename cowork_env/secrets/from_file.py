"""``file:PATH[#/json/pointer]``: the key is in a file, alone or as a string in JSON (RFC 6901)."""

from __future__ import annotations

from ..core.providers import read_bytes
from ..util import jsontext
from ..util.errors import CoworkEnvError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_BYTES = 64 << 10
_WHERE = "the file of authTokenFrom"


def split(rest: str) -> tuple[str, str]:
    """The path, ``~/`` expanded, and the JSON pointer, which is empty or begins with a slash."""
    path, mark, pointer = rest.partition("#/")
    if path.startswith("~/"):
        import os

        path = os.path.expanduser(path)
    return path, "/" + pointer if mark else ""


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
        raise CoworkEnvError(f"not found: {_WHERE} does not exist.") from None
    except CoworkEnvError as error:
        raise CoworkEnvError(f"denied: {error.message}") from None
    if len(data) > MAX_BYTES:
        raise CoworkEnvError(f"bad value: {_WHERE} is larger than 64 KiB.")
    try:
        text = jsontext.decode(data, _WHERE)
        if not pointer:
            return text
        document = jsontext.parse(text, _WHERE)
    except CoworkEnvError as error:
        raise CoworkEnvError(f"bad value: {error.message}") from None
    return _at(document, pointer)


def _at(value: object, pointer: str) -> str:
    """The string in a JSON document that a JSON pointer leads to (RFC 6901, 4)."""
    for step in pointer[1:].split("/"):
        step = step.replace("~1", "/").replace("~0", "~")
        if isinstance(value, list) and step.isascii() and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        elif isinstance(value, dict) and step in value:
            value = value[step]
        else:
            raise CoworkEnvError("not found: authTokenFrom points to nothing in its file.")
    if not isinstance(value, str):
        raise CoworkEnvError("bad value: authTokenFrom points to something that is not a string.")
    return value
