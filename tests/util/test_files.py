"""Writing files: atomic, private, and safe from failures and kills."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cowork_env.util import files
from cowork_env.util.errors import CoworkEnvError


def test_a_file_is_created_private_and_replaced_atomically(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "f"
    modes_at_write: list[int] = []
    modes_before_fchmod: list[int] = []  # another user who opened it then could read everything
    real_write, real_fchmod = os.write, os.fchmod

    def write(descriptor: int, data: bytes) -> int:
        modes_at_write.append(os.fstat(descriptor).st_mode & 0o777)
        return real_write(descriptor, bytes(data)[:3])  # short writes, too

    def fchmod(descriptor: int, mode: int) -> None:
        modes_before_fchmod.append(os.fstat(descriptor).st_mode & 0o777)
        real_fchmod(descriptor, mode)

    monkeypatch.setattr(os, "write", write)
    monkeypatch.setattr(os, "fchmod", fchmod)
    old = os.umask(0)
    try:
        files.write_atomically(str(path), b"0123456789")
        path.chmod(0o644)
        os.umask(0o377)
        files.write_atomically(str(path), b"abc")
    finally:
        os.umask(old)
    assert path.read_bytes() == b"abc" and path.stat().st_mode & 0o777 == 0o600
    assert modes_at_write == [0o600] * 5
    assert modes_before_fchmod and not any(mode & 0o077 for mode in modes_before_fchmod)
    assert os.listdir(tmp_path) == ["f"]


def test_a_symbolic_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "link").symlink_to("d/real")
    files.write_atomically(str(tmp_path / "link"), b"1")
    files.write_atomically(str(tmp_path / "link"), b"2")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "d/real").read_bytes() == b"2"
    assert os.listdir(tmp_path / "d") == ["real"]


@pytest.mark.parametrize("broken", ["write", "fsync", "rename"])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failed_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str, error: BaseException
) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"old")

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(os, broken, fail)
    with pytest.raises(
        CoworkEnvError if isinstance(error, OSError) else KeyboardInterrupt
    ) as caught:
        files.write_atomically(str(path), b"new")
    if isinstance(error, OSError):
        assert "cannot be written: No space left on device." in str(caught.value)
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["f"]


def test_a_missing_folder_is_a_reported_error(tmp_path: Path) -> None:
    with pytest.raises(CoworkEnvError, match="cannot be written: No such file or directory"):
        files.write_atomically(str(tmp_path / "no/f"), b"")
    (tmp_path / "f").write_text("")
    (tmp_path / "f").chmod(0o666)
    for path in ("f/d", "f"):
        with pytest.raises(CoworkEnvError, match="cannot be created"):
            files.private_directory(str(tmp_path / path))
    # Like /dev/null, when XDG_STATE_HOME names it.
    assert (tmp_path / "f").stat().st_mode & 0o777 == 0o666


def test_private_directory_creates_and_narrows(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        files.private_directory(str(tmp_path / "a/b/c"))
        assert [(tmp_path / p).stat().st_mode & 0o777 for p in ("a/b", "a/b/c")] == [0o700, 0o700]
        (tmp_path / "a/b/c").chmod(0o755)
        (tmp_path / "a").chmod(0o755)
        files.private_directory(str(tmp_path / "a/b/c"))
    finally:
        os.umask(old)
    assert (tmp_path / "a/b/c").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o755


KILLS = int(os.environ.get("COWORK_ENV_KILLS", "20"))
WRITER = """
import sys
from cowork_env.util import files
print(flush=True)
i = 0
while True:
    i += 1
    files.write_atomically(sys.argv[1], (b"%07d" % i) * 4000)
"""


@pytest.mark.timeout(max(120, KILLS))
def test_a_killed_writer_leaves_a_complete_file(tmp_path: Path) -> None:
    path = tmp_path / "f"
    for i in range(KILLS):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE)
        try:
            assert writer.stdout is not None and writer.stdout.readline()
            time.sleep(i % 20 / 1000)
        finally:
            writer.send_signal(signal.SIGKILL)
            writer.communicate(timeout=10)
        if path.exists():
            data = path.read_bytes()
            assert len(data) == 28000 and data == data[:7] * 4000
            assert path.stat().st_mode & 0o777 == 0o600
    assert path.exists()
