"""The trust store: a person's consent to one pin with one content, as one small file per record.

A record's file name is a hash of what it is about, so a question costs one look-up however many there are, a
change is one atomic file operation, and the folder's own time stamp says that something changed.
"""

from __future__ import annotations

import posix
import sys
from _stat import S_ISDIR

from ..util.errors import CoworkEnvError
from ..util.system import encode, parent
from ..util.text import visible
from .pins import ancestors

try:  # Straight to the built-in module: hashlib loads OpenSSL, for 2 ms.
    if sys.version_info >= (3, 12):
        from _sha2 import sha256  # type: ignore[import-not-found,unused-ignore]
    else:
        from _sha256 import sha256  # type: ignore[import-not-found,unused-ignore]
except ImportError:
    from hashlib import sha256

ALLOWED, DENIED, UNTRUSTED = "allowed", "denied", "untrusted"


def digest(data: bytes) -> str:
    """SHA-256 in hex."""
    return str(sha256(data).hexdigest())


def location(pin_path: str) -> str:
    """A pin's identity: the real path of its directory, and its own name.

    Not the real path of a symbolic link's target: consent to a pin must not reach a link to it from elsewhere.
    """
    import os

    directory, name = os.path.split(os.path.abspath(pin_path))
    return os.path.join(os.path.realpath(directory), name)


def _allow_name(path: str, content: bytes) -> str:
    return "allow-" + digest(encode(path) + b"\0" + content)


def _path_name(kind: str, path: str) -> str:
    return f"{kind}-{digest(encode(path))}"


class TrustStore:
    """The records in ``state_dir/trust``. Paths given to it are locations (see :func:`location`)."""

    def __init__(self, state_dir: str) -> None:
        self.directory = state_dir + "/trust"
        self._sound: bool | None = None

    def sound(self) -> bool:
        """Whether the folder is there, ours, and closed to writing by anybody else: nothing else is believed."""
        if self._sound is None:
            try:
                # Nor may others replace it: it lies itself, and not by a link, in a folder of the same kind.
                folder, itself = posix.stat(parent(self.directory)), posix.lstat(self.directory)
                self._sound = S_ISDIR(itself.st_mode) and all(
                    s.st_uid == posix.geteuid() and not s.st_mode & 0o022 for s in (folder, itself)
                )
            except OSError:
                self._sound = False
        return self._sound

    def _has(self, name: str) -> bool:
        try:
            posix.lstat(f"{self.directory}/{name}")
        except OSError:
            return False
        return True

    def check(self, path: str, content: bytes) -> str:
        """What was said about the pin at ``path`` with ``content``: allowed, denied or untrusted. Denial wins."""
        if not self.sound():
            return UNTRUSTED
        if self._has(_path_name("deny", path)):
            return DENIED
        if self._has(_allow_name(path, content)) or self.below(path):
            return ALLOWED
        return UNTRUSTED

    def below(self, path: str) -> bool:
        """Whether a directory above ``path`` was allowed with everything below it."""
        return self.sound() and any(
            self._has(_path_name("below", d)) for d in ancestors(parent(path))
        )

    def denied(self, path: str) -> bool:
        """Whether the pin at ``path`` was denied, whatever its content."""
        return self.sound() and self._has(_path_name("deny", path))

    def allow(self, path: str, content: bytes) -> None:
        """Trust one pin with one content; takes a denial of it back."""
        self._record(_allow_name(path, content), path)
        self._forget(_path_name("deny", path))

    def allow_below(self, directory: str) -> None:
        """Trust every pin in and under a directory (a real path)."""
        self._record(_path_name("below", directory), directory)

    def deny(self, path: str) -> None:
        """Never honour the pin at ``path``, and take earlier consent to it back."""
        self._record(_path_name("deny", path), path)
        for name, recorded in self.records():
            if name.startswith("allow-") and recorded == path:
                self._forget(name)

    def deny_below(self, directory: str) -> bool:
        """Take :meth:`allow_below` of that directory back; whether there was one."""
        return self._forget(_path_name("below", directory))

    def records(self) -> list[tuple[str, str]]:
        """All records as (name, path), the kind being the name's first word."""
        import os

        found = []
        try:
            names = sorted(os.listdir(self.directory))
        except OSError:
            return []
        for name in names:
            if name.startswith(("allow-", "deny-", "below-")):
                try:
                    with open(f"{self.directory}/{name}", "rb") as file:
                        found.append((name, os.fsdecode(file.read().removesuffix(b"\n"))))
                except OSError:
                    continue
        return found

    def prune(self) -> list[tuple[str, str]]:
        """Drop the records of pins that are gone or have another content now, and of directories that are gone."""
        import os

        from . import pins

        dropped = []
        for name, path in self.records():
            pin = None if name.startswith("below-") else pins.read(path)
            if name.startswith("allow-"):
                stale = pin is None or (not pin.problem and _allow_name(path, pin.content) != name)
            elif name.startswith("below-"):
                stale = not os.path.isdir(path)
            else:
                stale = pin is None and not os.path.isdir(os.path.dirname(path))
            if stale and self._forget(name):
                dropped.append((name, path))
        return dropped

    def _record(self, name: str, path: str) -> None:
        from ..util import files

        files.private_directory(parent(self.directory))
        files.private_directory(self.directory)
        self._sound = None
        if not self.sound():
            raise CoworkEnvError(
                f"The trust store {visible(self.directory)} is not yours alone.",
                "It and the folder it lies in should be folders of yours that nobody else can write to.",
            )
        files.write_atomically(f"{self.directory}/{name}", encode(path) + b"\n")

    def _forget(self, name: str) -> bool:
        try:
            posix.unlink(f"{self.directory}/{name}")
            return True
        except FileNotFoundError:
            return False
        except OSError as error:
            raise CoworkEnvError(
                f"The trust store {visible(self.directory)} cannot be written: {error.strerror}."
            ) from None
