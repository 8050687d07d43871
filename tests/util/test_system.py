"""The system without os and hashlib."""

from __future__ import annotations

import ast
import hashlib
import os
import posix
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cowork_env import formats, launcher, overrides, startup_files
from cowork_env.core import pins, providers
from cowork_env.secrets import from_file
from cowork_env.util import system
from cowork_env.util.errors import CoworkEnvError


@given(st.binary(max_size=300))
def test_digest_is_sha256(data: bytes) -> None:
    assert system.digest(data) == hashlib.sha256(data).hexdigest()


# What reads a file whose path, or what is at it, someone else may choose.
READERS: dict[str, Callable[[str], object]] = {
    "a pin": pins.read,
    "any file": lambda path: providers.read_bytes(path, "It"),
    "a file with a key": lambda path: from_file.fetch(path, {}),
    "a settings file": overrides.load,
    "a startup file": lambda path: startup_files._read(path, path),
    "a program": launcher.is_launcher,
    "GITHUB_ENV": lambda path: formats._append(path, b"x", lambda: None),
}


@pytest.mark.timeout(20)  # the defect would be a hang
@pytest.mark.parametrize("linked", [False, True], ids=["itself", "linked"])
@pytest.mark.parametrize("kind", ["FIFO", "socket", "device", "folder"])
@pytest.mark.parametrize("reader", READERS)
def test_only_regular_files_are_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reader: str, kind: str, linked: bool
) -> None:
    """A waiting writer of a FIFO would go on, and lose what it writes."""
    path = tmp_path / "it"
    if kind == "FIFO":
        os.mkfifo(path)
    elif kind == "socket":
        monkeypatch.chdir(tmp_path)
        with socket.socket(socket.AF_UNIX) as made:
            made.bind("it")
    elif kind == "device":
        path = Path("/dev/null")
    else:
        path.mkdir()
    if linked:
        path = tmp_path / "link"
        path.symlink_to("/dev/null" if kind == "device" else "it")
    opened: list[object] = []
    for module in (posix, os):
        real = module.open
        monkeypatch.setattr(
            module, "open", lambda *args, real=real: (opened.append(args), real(*args))[1]
        )
    try:
        READERS[reader](str(path))
    except CoworkEnvError as error:
        assert "is not a regular file" in error.message
    assert opened == []


def test_files_are_opened_in_few_places() -> None:
    """Elsewhere by ``open_without_blocking``.

    These open files of our own, or the kernel's, or create them.
    """
    package = Path(system.__file__).parents[1]
    found = set()
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in (
                *("open", "os.open", "posix.open", "io.open", "sqlite3.connect"),
            ):
                found.add(str(path.relative_to(package)))
    assert found <= {
        *("cli/demo.py", "cli/errors.py", "core/trust.py", "formats.py", "hook/bundle.py"),
        *("claude_files.py", "cli/next_steps.py", "cli/offers.py", "hook/launch.py"),
        *("hook/render.py", "hook/watch.py", "importers/cc_switch.py", "launcher.py"),
        *("presets.py", "util/files.py", "util/system.py"),
    }


def test_the_absolute_entries_of_a_path() -> None:
    assert system.absolute_path("/a:.::b/c:~/d:/e:") == "/a:/e"
    assert system.absolute_path("") == system.absolute_path(".") == ""
