"""Processes: those that a shell starts, counted with strace, and those that have ended."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.home import Home, need

if TYPE_CHECKING:
    from support.terminal import Terminal


class Counter:
    """Counts the processes that one shell starts while it is open, with strace."""

    def __init__(self, pid: int, log: Path) -> None:
        self.log = log
        trace = "trace=fork,vfork,clone,clone3,execve"
        self.strace = subprocess.Popen(
            [need("strace"), "-f", "-e", trace, "-o", str(log), "-p", str(pid)],
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.strace.stderr is not None
        for line in self.strace.stderr:
            if "attached" in line:
                return
            if "not permitted" in line:
                pytest.skip("this machine does not let strace attach")

    def stop(self) -> list[str]:
        """The calls that started a process or a program; threads are neither."""
        self.strace.terminate()
        self.strace.communicate(timeout=20)
        calls = self.log.read_text().split("\n")
        return [
            c
            for c in calls
            if re.search(r"\b(v?fork|clone3?|execve)\(", c) and "CLONE_THREAD" not in c
        ]


def count(terminal: Terminal, work: Callable[[], object]) -> list[str]:
    """The calls that started a process in a terminal's shell during ``work``."""
    counter = Counter(shell_pid(terminal), terminal.home.path / "strace.log")
    try:
        work()
    finally:
        calls = counter.stop()
    return calls


def shell_pid(terminal: Terminal) -> int:
    """The shell's own process, not the Node launcher that some packages of nushell put before."""
    pid = terminal.child.pid
    assert pid is not None
    if "node" in os.path.basename(os.readlink(f"/proc/{pid}/exe")):
        pid = int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])
    return pid


def wait_for(condition: Callable[[], object], limit: float = 20) -> None:
    """Wait until a condition holds; fail after ``limit`` seconds."""
    end = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < end, "the condition did not come to hold"
        time.sleep(0.02)


def has_ended(pid: int) -> bool:
    """Whether a process has ended; a zombie has."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def processes_of(home: Home) -> list[str]:
    """The numbers of the processes with this HOME in their environment."""
    mark, found = os.fsencode(f"HOME={home.path}\0"), []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and mark in (entry / "environ").read_bytes():
                found.append(entry.name)
        except OSError:
            continue
    return found
