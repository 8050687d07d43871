"""A project whose pin or files are not what they should be."""

from __future__ import annotations

import os
import pickle
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cowork_env import shells
from cowork_env.core import resolve
from cowork_env.core.resolve import Inputs
from cowork_env.hook.protocol import Request
from cowork_env.hook.respond import respond
from cowork_env.util.text import is_control

from support.home import Home

NOBODY = 65534


class Project:
    """A home, and a project in it to which a test adds a pin."""

    def __init__(self, home: Home) -> None:
        self.home, self.path = home, home.path / "project"
        self.path.mkdir()
        self.pin = self.path / ".cowork-provider"
        home.providers()

    def ask(self, directory: str = "") -> tuple[resolve.Resolution, str]:
        """What applies in the project, and everything that the user is shown about it."""
        env = {"HOME": str(self.home.path)}
        inputs = Inputs(
            env,
            directory or os.path.realpath(self.path),
            str(self.home.config),
            str(self.home.state),
        )
        found = resolve.resolve(inputs)
        reply = respond(Request(shells.get("bash")), inputs)
        shown = [
            reply.error,
            reply.label,
            reply.provider,
            *(notice.text for notice in reply.notices),
        ]
        assert not any(is_control(char) for text in shown for char in text)
        return found, "\n".join(shown)


def as_nobody(work: Callable[[], Any]) -> Any:
    """The result of ``work`` in a process without root's rights."""
    if os.geteuid() != 0:
        return work()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            result = work()
        except BaseException as error:  # raised in the parent
            result = error
        with os.fdopen(writing, "wb") as file:
            pickle.dump(result, file)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as file:
        result = pickle.load(file)  # noqa: S301  # our own data
    os.waitpid(child, 0)
    if isinstance(result, BaseException):
        raise result
    return result


def open_to_all(path: Path) -> None:
    """Let every user reach ``path``, which pytest keeps private."""
    for each in (path, *path.parents):
        if each.stat().st_uid == os.geteuid() and each != Path("/") and each != Path("/tmp"):
            each.chmod(each.stat().st_mode | 0o055)


def bind(path: Path) -> None:
    """Make a socket at ``path``."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(path))  # the absolute path may be too long


# What may be at the path of a pin instead of a regular file.

NOT_REGULAR: dict[str, Callable[[Path], object]] = {
    "FIFO": os.mkfifo,
    "directory": os.mkdir,
    "socket": bind,
    "link to a FIFO": lambda path: (os.mkfifo(f"{path}.fifo"), path.symlink_to(f"{path}.fifo")),
    "link to /dev/zero": lambda path: path.symlink_to("/dev/zero"),
    "link to /dev/null": lambda path: path.symlink_to("/dev/null"),
    "link to /dev/tty": lambda path: path.symlink_to("/dev/tty"),
    "link to a process's environment": lambda path: path.symlink_to("/proc/self/environ"),
    "link to /proc/version": lambda path: path.symlink_to("/proc/version"),
    "link to /proc/kmsg": lambda path: path.symlink_to("/proc/kmsg"),
    "link to /proc/self/fd/0": lambda path: path.symlink_to("/proc/self/fd/0"),
    "link to a folder": lambda path: path.symlink_to("/"),
    "loop of links": lambda path: path.symlink_to(path.name),
    "50 MB": lambda path: (path.touch(), os.truncate(path, 50 << 20)),
    "just too long": lambda path: path.write_bytes(b"a" * 4097),
}
