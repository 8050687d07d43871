"""Stores that keys can be moved to: one made of files that can fail, and a real pass."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cowork_env.util.errors import CoworkEnvError

from support.home import Home, need

_KEY = """Key-Type: eddsa
Key-Curve: ed25519
Subkey-Type: ecdh
Subkey-Curve: cv25519
Name-Email: tests@example
%no-protection
%commit
"""


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


class PasswordStore:
    """A real pass, with a GnuPG key without a passphrase. A context manager; see ``env``."""

    def __init__(self, home: Home) -> None:
        need("pass")
        # The path of the agent's socket must be short.
        self._folder = tempfile.TemporaryDirectory(prefix="gpg-")
        self.folder = Path(self._folder.name) / "store"
        self.env = {
            **home.env,
            "GNUPGHOME": self._folder.name,
            "PASSWORD_STORE_DIR": str(self.folder),
        }
        self._run(need("gpg"), "--batch", "--quiet", "--generate-key", given=_KEY)
        self._run("pass", "init", "tests@example")

    def __enter__(self) -> PasswordStore:
        return self

    def __exit__(self, *_: object) -> None:
        self._run("gpgconf", "--kill", "all")
        self._folder.cleanup()

    def _run(self, *command: str, given: str = "") -> str:
        return subprocess.run(
            command, env=self.env, input=given, text=True, capture_output=True, check=True
        ).stdout

    def entries(self) -> list[str]:
        """The names of all entries."""
        found = self.folder.rglob("*.gpg")
        return sorted(os.fspath(path.relative_to(self.folder))[: -len(".gpg")] for path in found)

    def insert(self, path: str, text: str) -> None:
        """Make an entry."""
        self._run("pass", "insert", "--multiline", "--force", path, given=text)
