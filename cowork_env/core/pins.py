"""Pins: where they may lie, one safe read of each, and what its lines say."""

from __future__ import annotations

import errno
import posix
from _stat import S_ISGID, S_ISLNK, S_ISREG, S_ISVTX

from ..util.errors import CoworkEnvError
from ..util.system import parent
from ..util.text import first_control, visible
from .provider import TIERS, InvalidField, check_model

PIN_NAME = ".cowork-provider"
MAX_BYTES = 4096
KEYS = ("model", *TIERS, "required")


class PinFile:
    """A pin as found: ``path`` in the directory walked, its ``content`` from one read, or ``problem`` instead.

    ``problem`` ends the sentence "PATH ...", and is empty when ``content`` is text that may be parsed.
    """

    __slots__ = ("content", "path", "problem")

    def __init__(self, path: str, content: bytes = b"", problem: str = "") -> None:
        self.path, self.content, self.problem = path, content, problem


class Pin:
    """What a pin says: the provider's ``name_or_id``, the ``models`` it overrides (``model`` and tiers), ``required``."""

    __slots__ = ("models", "name_or_id", "required")

    def __init__(self, name_or_id: str, models: dict[str, str], required: bool) -> None:
        self.name_or_id, self.models, self.required = name_or_id, models, required


def ancestors(directory: str) -> list[str]:
    """An absolute directory and all above it, nearest first."""
    found = [directory.rstrip("/") or "/"]
    while found[-1] != "/":
        found.append(found[-1].rpartition("/")[0] or "/")
    return found


def path_in(directory: str) -> str:
    """Where a directory's pin would lie."""
    return f"{directory.rstrip('/')}/{PIN_NAME}"


def read(path: str) -> PinFile | None:
    """The pin at ``path`` by one open and one read that cannot block; None where there is none."""
    try:
        descriptor = posix.open(
            path, posix.O_RDONLY | posix.O_NONBLOCK | posix.O_CLOEXEC | posix.O_NOCTTY
        )
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        # A directory that may not be searched hides its pin, as it hides everything else.
        if isinstance(error, PermissionError) and not posix.access(parent(path), posix.X_OK):
            return None
        return (
            None
            if error.errno == errno.ENAMETOOLONG
            else PinFile(path, problem=f"cannot be read: {error.strerror}")
        )
    try:
        status = posix.fstat(descriptor)
        if not S_ISREG(status.st_mode):
            return PinFile(path, problem="is not a regular file")
        if status.st_size > MAX_BYTES:
            return PinFile(path, problem="is larger than 4 KiB")
        content = posix.read(descriptor, MAX_BYTES + 1)
        if len(content) != status.st_size:  # as in /proc, or while it is being written
            return PinFile(path, problem="is not an ordinary file" if content else "is empty")
    except OSError as error:
        return PinFile(path, problem=f"cannot be read: {error.strerror}")
    finally:
        posix.close(descriptor)
    return PinFile(path, content)


def is_safe_to_open(path: str) -> bool:
    """Whether nobody else can put something else in the place of the pin at ``path``, between a look at it and its opening.

    Shells open it, and no shell can open a FIFO without waiting for somebody to write. So the hooks open a pin only if
    it is no link and lies in a directory of the person's own that is not shared (sticky or set-group-ID).
    """
    try:
        folder, itself = posix.stat(parent(path)), posix.lstat(path)
    except OSError:
        return False
    return (
        folder.st_uid == posix.geteuid()
        and not folder.st_mode & (S_ISVTX | S_ISGID)
        and not S_ISLNK(itself.st_mode)
    )


def parse(content: bytes) -> Pin:
    """The meaning of a pin's bytes; raises :class:`CoworkEnvError` whose message ends the sentence "PATH ...".

    First significant line: a provider's name or id. Later lines: ``key = value`` with a key of :data:`KEYS`.
    """
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise CoworkEnvError("is not UTF-8 text") from None
    word, models, required, seen = "", {}, False, set()
    for number, raw in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        line = raw.replace("\t", " ").strip(" \r")
        if not line or line.startswith("#"):
            continue
        if first_control(line) >= 0:
            raise CoworkEnvError(f"has a control character in line {number}")
        if not word:
            word = line
            continue
        key, equals, value = (part.strip() for part in line.partition("="))
        if not equals or key not in KEYS:
            raise CoworkEnvError(
                f"has a line {number} that is not one of {', '.join(KEYS)} = value"
            )
        if key in seen:
            raise CoworkEnvError(f"sets {key} twice")
        seen.add(key)
        if key == "required":
            if value not in ("true", "false"):
                raise CoworkEnvError("says neither true nor false for required")
            required = value == "true"
            continue
        try:
            models[key] = check_model(value)
        except InvalidField as error:
            raise CoworkEnvError(f"has a {key} that {error.why}") from None
        if not value or value[0] in "'\"":
            raise CoworkEnvError(f"has a {key} that is {'quoted' if value else 'empty'}")
    if not word:
        raise CoworkEnvError("names no provider")
    return Pin(word, models, required)


def requires(content: bytes) -> bool:
    """Whether a line says ``required = true``, in a pin whose other lines may be wrong."""
    return any(b"".join(line.split()) == b"required=true" for line in content.split(b"\n"))


def serialize(pin: Pin) -> str:
    """The text of a pin file that says what ``pin`` says."""
    lines = [pin.name_or_id, *(f"{key} = {value}" for key, value in pin.models.items())]
    return "\n".join(lines + ["required = true"] * pin.required) + "\n"


def summary(pin: Pin) -> str:
    """What a pin would do, in a few words for a person."""
    parts = [f"{key} {visible(value)}" for key, value in pin.models.items()] + [
        "required"
    ] * pin.required
    return f"provider {visible(pin.name_or_id)}" + (f" ({', '.join(parts)})" if parts else "")
