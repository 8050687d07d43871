"""The trust store: which pins the user allowed or denied, and which entries of a catalogue the user
agreed to, as one small file per record.

A pin is allowed with one content; an edit takes that back. In a linked git worktree it is allowed
as it is in the main checkout. The name of a record's file is a hash of what the record is about. So
a lookup costs the same however many records there are, a change is one atomic file operation, and
the folder's timestamp says that something changed.
"""

from __future__ import annotations

import posix

from ..util.errors import CoworkEnvError, Distrusted
from ..util.system import (
    digest,
    distrusted,
    encode,
    is_our_file,
    open_without_blocking,
    parent,
)
from ..util.text import visible
from .pins import ancestors, read

ALLOWED, DENIED, UNTRUSTED = "allowed", "denied", "untrusted"
# Kinds of records, the first part of a file name.
_ALLOW, _BELOW, _DENY = "allow-", "below-", "deny-"
# Beside the records: that a pin was allowed with some content, so that a change can be told from
# a pin that was never seen.
_KNOWN = "known-"
# An entry of a catalogue, with what was agreed to in the file.
_ENTRY = "entry-"


def location(pin_path: str) -> str:
    """The path by which a pin is trusted: its directory's real path, and its own name.

    A link is not followed: trust in a pin must not extend to a link to it from elsewhere.
    """
    import os

    directory, name = os.path.split(os.path.abspath(pin_path))
    return os.path.join(os.path.realpath(directory), name)


def _allow_name(path: str, content: bytes) -> str:
    return _ALLOW + digest(encode(path) + b"\0" + content)


def _below_name(directory: str) -> str:
    return _BELOW + digest(encode(directory))


def _deny_name(path: str) -> str:
    return _DENY + digest(encode(path))


def _known_name(path: str) -> str:
    return _KNOWN + digest(encode(path))


def _entry_name(catalog: str, entry: str) -> str:
    return _ENTRY + digest(encode(catalog) + b"\0" + encode(entry))


class TrustStore:
    """The records in ``state_dir/trust``. Paths of pins are locations (see :func:`location`)."""

    def __init__(self, state_dir: str) -> None:
        self.directory = state_dir + "/trust"
        self._checked = False
        self._error: Distrusted | None = None
        # The files, beside the records and the pins, that lookups depended on.
        self.links: list[str] = []

    # Lookups

    def error(self) -> Distrusted | None:
        """Why the store, or the state folder that it is in, is not believed; None: it is.

        If it is not, none of its records count.
        """
        if not self._checked:
            self._error, self._checked = distrusted(self.directory, own=2), True
        return self._error

    def check(self, path: str, content: bytes) -> str:
        """Whether the pin at ``path`` with ``content`` is allowed, denied or untrusted.

        Deny takes precedence. A pin in a linked worktree is also allowed if the main checkout's
        pin at the same place is, with that content.
        """
        if self.error():
            return UNTRUSTED
        if self._has(_deny_name(path)):
            return DENIED
        if self._has(_allow_name(path, content)) or self.below(path):
            return ALLOWED
        return ALLOWED if self._is_allowed_in_main(path, content) else UNTRUSTED

    def _is_allowed_in_main(self, path: str, content: bytes) -> bool:
        """Whether the pin is in a linked worktree whose main checkout's pin is allowed."""
        from . import worktree

        tree = worktree.find(parent(path))
        if tree is None:
            return False
        main = tree.in_main(path)
        depends_on = [tree.link]
        is_recorded = self._has(_allow_name(main, content))
        if not self._has(_deny_name(main)) and (is_recorded or self.below(main)):
            depends_on += [tree.back] if is_recorded else [tree.back, main]
        self.links += [link for link in depends_on if link not in self.links]
        # Nothing that the link leads to is looked at before the user has allowed something there.
        if len(depends_on) == 1 or not tree.is_linked():
            return False
        if is_recorded:
            return True
        # Trust in everything there is not in whatever a branch says, but in what is there now.
        pin = read(main)
        return pin is not None and not pin.problem and pin.content == content

    def below(self, path: str) -> bool:
        """Whether every pin below some directory that contains ``path`` is allowed."""
        return not self.error() and any(self._has(_below_name(d)) for d in ancestors(parent(path)))

    def denied(self, path: str) -> bool:
        """Whether the pin at ``path`` is denied, whatever its content."""
        return not self.error() and self._has(_deny_name(path))

    def known(self, path: str) -> bool:
        """Whether the pin at ``path`` was allowed before, with whatever content."""
        return not self.error() and self._has(_known_name(path))

    def agreed(self, catalog: str, entry: str) -> dict[str, str] | None:
        """The terms on which the user agreed to an entry of a catalogue; None: not at all.

        ``catalog`` is its real path. See ``catalog.py`` for what the terms are.
        """
        if self.error():
            return None
        text = self._content(_entry_name(catalog, entry))
        if text is None:
            return None
        pairs = (line.partition(" = ") for line in text.partition("\n\n")[0].split("\n"))
        return {name: value for name, _, value in pairs}

    def records(self) -> list[tuple[str, str]]:
        """All records as (file name, path), sorted.

        The file name begins with the kind of record: ``allow-``, ``below-`` or ``deny-``.
        """
        return self._files((_ALLOW, _BELOW, _DENY))

    def pins(self) -> list[str]:
        """The paths of all pins that were allowed or denied, with whatever content, sorted."""
        return sorted({path for _, path in self._files((_ALLOW, _DENY, _KNOWN))})

    def _files(self, kinds: tuple[str, ...]) -> list[tuple[str, str]]:
        """The files of these kinds as (file name, path), sorted."""
        import os

        found: list[tuple[str, str]] = []
        if self.error():
            return found
        try:
            names = sorted(os.listdir(self.directory))
        except OSError:
            return []
        for name in names:
            if name.startswith(kinds) and self._has(name):
                try:
                    with open(f"{self.directory}/{name}", "rb") as file:
                        found.append((name, os.fsdecode(file.read().removesuffix(b"\n"))))
                except OSError:
                    continue
        return found

    def _content(self, name: str) -> str | None:
        """The text of a record; None where there is none that can be believed."""
        try:
            descriptor = open_without_blocking(f"{self.directory}/{name}", follow=False)
        except OSError:
            return None
        try:
            status = posix.fstat(descriptor)
            if not is_our_file(status):
                return None
            return posix.read(descriptor, status.st_size).decode("utf-8", "surrogateescape")
        except OSError:
            return None
        finally:
            posix.close(descriptor)

    # Changes. Each raises CoworkEnvError if the store cannot be written or is not sound.

    def allow(self, path: str, content: bytes) -> None:
        """Trust one pin with one content, even if it was denied before."""
        from ..util import files

        with files.AllSteps():
            self._add(_allow_name(path, content), path)
            if not self._has(_known_name(path)):
                self._add(_known_name(path), path)
            self._remove(_deny_name(path))

    def allow_below(self, directory: str) -> None:
        """Trust every pin in and below a directory (a real path)."""
        self._add(_below_name(directory), directory)

    def deny(self, path: str) -> None:
        """Never use the pin at ``path``, and forget that it was allowed."""
        from ..util import files

        with files.AllSteps():
            self._add(_deny_name(path), path)
            for name, recorded in self.records():
                if name.startswith(_ALLOW) and recorded == path:
                    self._remove(name)
            self._remove(_known_name(path))

    def agree(self, catalog: str, entry: str, terms: dict[str, str]) -> None:
        """Record the terms on which the user agrees to an entry of a catalogue."""
        lines = "".join(f"{name} = {value}\n" for name, value in terms.items())
        self._add(_entry_name(catalog, entry), f"{lines}\n{entry}\n{catalog}")

    def deny_below(self, directory: str) -> bool:
        """Undo :meth:`allow_below` of that directory; whether there was something to undo."""
        return self._remove(_below_name(directory))

    def prune(self) -> list[tuple[str, str]]:
        """Remove stale records, and return them as :meth:`records` does.

        Stale are records of pins that are gone or were edited, of directories that are gone, and of
        catalogues and entries that are gone.
        """
        import os

        removed = []
        for name, path in self.records():
            if name.startswith(_BELOW):
                stale = not os.path.isdir(path)
            else:
                pin = read(path)
                if name.startswith(_ALLOW):
                    stale = pin is None or (
                        not pin.problem and _allow_name(path, pin.content) != name
                    )
                else:  # A denied pin may come back, as long as its directory is there.
                    stale = pin is None and not os.path.isdir(os.path.dirname(path))
            if stale and self._remove(name):
                removed.append((name, path))
        for name, path in self._files((_KNOWN,)):
            if read(path) is None:
                self._remove(name)
        from . import catalog

        for name, text in self._files((_ENTRY,)):
            entry, _, path = text.partition("\n\n")[2].partition("\n")
            if not catalog.holds(path, entry) and self._remove(name):
                removed.append((name, f"{path}: {entry}"))
        return removed

    # Files

    def _has(self, name: str) -> bool:
        try:
            return is_our_file(posix.lstat(f"{self.directory}/{name}"))
        except OSError:
            return False

    def _add(self, name: str, path: str) -> None:
        from ..util import files

        files.state_folder(parent(self.directory), "trust")
        self._checked = False
        record = f"{self.directory}/{name}"
        files.write_atomically(record, encode(path) + b"\n", follow=False)

    def _remove(self, name: str) -> bool:
        from ..util import files

        try:
            files.remove(f"{self.directory}/{name}")
            return True
        except FileNotFoundError:
            return False
        except OSError as error:
            raise CoworkEnvError(
                f"The trust store {visible(self.directory)} cannot be written: {error.strerror}."
            ) from None
