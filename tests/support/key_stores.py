"""A store that keys can be moved to, made of files, that can fail."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cowork_env.util.errors import CoworkEnvError


class FakeStore:
    """In the place of the module of a store: each item is a file of ``folder``.

    ``step`` is called before each operation, with its name, and after it, without, and may raise.
    ``calls`` are the operations so far. While it is ``locked``, nothing can be read.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.step: Callable[[str], object] = lambda operation: None
        self.calls: list[str] = []
        self.locked = False
        self.absent = ""
        self.stored = str  # what becomes of a key that is stored

    def path(self, rest: str) -> Path:
        """The file of an item."""
        return self.folder / rest.replace("/", "%")

    def items(self) -> dict[str, str]:
        """All items: names and keys."""
        return {path.name.replace("%", "/"): path.read_text() for path in self.folder.iterdir()}

    def _does(self, operation: str, act: Callable[[], Any]) -> Any:
        self.calls.append(operation)
        self.step(operation)
        try:
            result = act()
        except FileNotFoundError:
            raise CoworkEnvError("not found: no such item.") from None
        self.step("")
        return result

    def check(self, rest: str) -> None:
        """Every reference is well formed."""

    def waits_for(self, rest: str) -> str:
        """The name of a store."""
        return "the keyring"

    def ready(self, env: Mapping[str, str]) -> None:
        """Fails if it is absent."""
        if self.absent:
            raise CoworkEnvError(f"tool missing: {self.absent}.", "Start one.")

    def unlock(self, rest: str, env: Mapping[str, str]) -> None:
        """The user enters the password."""
        self.calls.append("unlock")
        self.locked = False

    def fetch(self, rest: str, env: Mapping[str, str]) -> str:
        """The content of the item's file."""
        if self.locked:
            raise CoworkEnvError("locked: the keyring is locked.")
        found: str = self._does("fetch", self.path(rest).read_text)
        return found

    def store(self, rest: str, key: str, env: Mapping[str, str], label: str) -> None:
        """Write the item's file."""
        assert key not in label
        self._does("store", lambda: self.path(rest).write_text(self.stored(key)))

    def remove(self, rest: str, env: Mapping[str, str]) -> None:
        """Remove the item's file."""
        self._does("remove", self.path(rest).unlink)
