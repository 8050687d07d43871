"""``file:PATH[#/json/pointer]``: the key is a file's content, or one string in a JSON file (RFC 6901)."""

from __future__ import annotations

from ..core.providers import read_bytes
from ..util import jsontext
from ..util.errors import CoworkEnvError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_BYTES = 64 << 10


def split(rest: str) -> tuple[str, str]:
    """The absolute path (``~`` is the home) and the JSON pointer, which is empty or begins with a slash."""
    path, mark, pointer = rest.partition("#/")
    if path.startswith("~/"):
        import os

        path = os.path.expanduser(path)
    return path, "/" + pointer if mark else ""


def check(rest: str) -> None:
    """Raise :class:`CoworkEnvError` unless the reference has an absolute path."""
    if not split(rest)[0].startswith("/"):
        raise CoworkEnvError("does not have an absolute path")


def fetch(rest: str, env: Mapping[str, str]) -> str:
    """The key in the file."""
    path, pointer = split(rest)
    try:
        check(rest)
    except CoworkEnvError as error:
        raise CoworkEnvError(f"bad reference: authTokenFrom {error.message}.") from None
    try:
        data = read_bytes(path, "the file of authTokenFrom")
    except FileNotFoundError:
        raise CoworkEnvError("not found: the file of authTokenFrom does not exist.") from None
    except CoworkEnvError as error:
        raise CoworkEnvError(f"denied: {error.message}") from None
    if len(data) > MAX_BYTES:
        raise CoworkEnvError("bad value: the file of authTokenFrom is larger than 64 KiB.")
    try:
        text = jsontext.decode(data, "the file of authTokenFrom")
        if not pointer:
            return text
        value = jsontext.parse(text, "the file of authTokenFrom")
    except CoworkEnvError as error:
        raise CoworkEnvError(f"bad value: {error.message}") from None
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
