"""Pins: where they are looked for, how one is read safely, and what its lines mean."""

from __future__ import annotations

import errno
import posix
from _stat import S_ISGID, S_ISLNK, S_ISVTX

from ..util.errors import CoworkEnvError
from ..util.system import NotRegular, distrusted, open_without_blocking, parent
from ..util.text import first_control, visible
from .provider import TIERS, InvalidField, check_model

PIN_NAME = ".cowork-provider"
MAX_BYTES = 4096
KEYS = ("model", *TIERS, "required")
_MAX_OPENED = 8  # pins that a shell opens at each prompt; others are watched by their timestamp


class PinFile:
    """A pin as found at ``path``: its ``content``, or the ``problem`` that kept it from being read.

    ``problem`` completes the sentence "PATH ...". It is empty when there is a ``content``, which
    may still be anything. ``size`` is that of a regular file that can be read, in bytes.
    """

    __slots__ = ("content", "path", "problem", "size")

    def __init__(self, path: str, content: bytes = b"", problem: str = "", size: int = 0) -> None:
        self.path, self.content, self.problem, self.size = path, content, problem, size


class Pin:
    """What a pin says: the provider's name or id, and its own models (by ``model`` and tier).

    ``required``: clients must fail, not use the user's own login, while it cannot be used.
    """

    __slots__ = ("models", "name_or_id", "required")

    def __init__(self, name_or_id: str, models: dict[str, str], required: bool) -> None:
        self.name_or_id, self.models, self.required = name_or_id, models, required


# Files


def ancestors(directory: str) -> list[str]:
    """An absolute directory and all that contain it, nearest first."""
    found = [directory.rstrip("/") or "/"]
    while found[-1] != "/":
        found.append(parent(found[-1]))
    return found


def path_in(directory: str) -> str:
    """The path of a directory's pin."""
    return f"{directory.rstrip('/')}/{PIN_NAME}"


def read(path: str) -> PinFile | None:
    """The pin at ``path``, or None where there is none: one open and one read that cannot block.

    What is not a regular file is not opened.
    """
    try:
        descriptor = open_without_blocking(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except NotRegular:
        return PinFile(path, problem="is not a regular file")
    except OSError as error:
        # A directory that may not be searched hides its pin, as it hides everything else.
        if isinstance(error, PermissionError) and not posix.access(parent(path), posix.X_OK):
            return None
        if error.errno == errno.ENAMETOOLONG:
            return None
        return PinFile(path, problem=f"cannot be read: {error.strerror}")
    try:
        status = posix.fstat(descriptor)
        size = status.st_size
        if size > MAX_BYTES:
            return PinFile(path, problem="is larger than 4 KiB", size=size)
        content = posix.read(descriptor, MAX_BYTES + 1)
        if len(content) != size:  # as in /proc, or while it is being written
            problem = "is not an ordinary file" if content else "is empty"
            return PinFile(path, problem=problem, size=size)
    except OSError as error:
        return PinFile(path, problem=f"cannot be read: {error.strerror}")
    finally:
        posix.close(descriptor)
    return PinFile(path, content, size=size)


def safe_to_open(paths: list[str]) -> list[str]:
    """Those of ``paths``, of pins, that a shell may open: no other user can replace them first.

    A shell cannot open a FIFO without waiting for a writer, and cannot see whether a group may
    write to a directory. So the hooks open a pin only if this says so, and their own checks agree:
    it is not a link, and its directory is the user's own, and neither sticky nor set-group-ID.
    Nor do they open one that is too large, which is no pin.
    Only the nearest few are looked at: a repository may have one at each of many levels.
    """
    found = []
    for path in paths[:_MAX_OPENED]:
        directory = parent(path)
        try:
            own, itself = posix.stat(directory), posix.lstat(path)
        except OSError:
            continue
        shared = own.st_uid != posix.geteuid() or own.st_mode & (S_ISVTX | S_ISGID)
        if shared or S_ISLNK(itself.st_mode) or itself.st_size > MAX_BYTES:
            continue
        if distrusted(directory) is None:
            found.append(path)
    return found


# Content


def parse(content: bytes, where: str = "The pin") -> Pin:
    """What a pin says; raises :class:`CoworkEnvError` for anything that is not a pin.

    ``where`` names the file in the error. The first line that is not blank or a comment is the name
    or id of a provider, the others are ``key = value`` with the keys in :data:`KEYS`.
    """
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise CoworkEnvError(f"{where} is not UTF-8 text.") from None
    name_or_id = ""
    values: dict[str, str] = {}
    for number, raw in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        line = raw.replace("\t", " ").strip(" \r")
        if not line or line.startswith("#"):
            continue
        place = f"{where}, line {number}"
        if first_control(line) >= 0:
            raise CoworkEnvError(f"{place} has a control character in it.")
        if not name_or_id:
            name_or_id = line
            continue
        key, equals, value = (part.strip() for part in line.partition("="))
        if not equals or key not in KEYS:
            raise CoworkEnvError(f"{place} is not one of {', '.join(KEYS)} = value.")
        if key in values:
            raise CoworkEnvError(f"{place}: {key} is set twice.")
        if key == "required":
            if value not in ("true", "false"):
                raise CoworkEnvError(f"{place}: required must be true or false.")
            values[key] = value
            continue
        try:
            values[key] = check_override(value)
        except InvalidField as error:
            raise CoworkEnvError(f"{place}: {key} {error.why}.") from None
    if not name_or_id:
        raise CoworkEnvError(f"{where} names no provider.")
    required = values.pop("required", "false") == "true"
    return Pin(name_or_id, values, required)


def check_override(model: str) -> str:
    """The name of a model for a pin, stripped; raises :class:`InvalidField` if it cannot be one.

    A pin has no quotes, and leaves out a model that it does not override.
    """
    model = check_model(model)
    if not model:
        raise InvalidField((), "is empty")
    if model[0] in "'\"":
        raise InvalidField((), "is quoted")
    return model


def requires(content: bytes) -> bool:
    """Whether a pin has the line ``required = true``, even if other lines are wrong."""
    return any(b"".join(line.split()) == b"required=true" for line in content.split(b"\n"))


def summary(pin: Pin) -> str:
    """What a pin says, on one line, safe to show."""
    return f"provider {name_and_lines(pin)}"


def name_and_lines(pin: Pin) -> str:
    """The provider that a pin names, and in parentheses its other lines, safe to show."""
    parts = [f"{key} {visible(value)}" for key, value in pin.models.items()]
    if pin.required:
        parts.append("required")
    return visible(pin.name_or_id) + (f" ({', '.join(parts)})" if parts else "")
