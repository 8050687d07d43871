"""Changing the provider file: in this process, and in others that can be killed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cowork_env.core.providers import Providers
from cowork_env.core.resolve import Inputs

from support.home import Home

NEW = {
    "id": "99999999-9999-4999-8999-999999999999",
    "name": "New",
    "baseUrl": "https://example.com",
    "authToken": "sk-new",
}

# The start of a program for another process; ``entry`` is a provider with the name it is given.
_PROGRAM = """
import os
import sys
from cowork_env import store
from cowork_env.core.resolve import Inputs
inputs = Inputs(dict(os.environ), "/", sys.argv[1], sys.argv[2])
entry = {"name": sys.argv[3], "baseUrl": "https://example.com", "authToken": "sk-" + sys.argv[3]}
"""


def inputs(home: Home, **env: str) -> Inputs:
    return Inputs(home.env | env, str(home.path), str(home.config), str(home.state))


def add(*entries: dict[str, Any]) -> Callable[[Providers], None]:
    """A change that adds entries."""
    return lambda listed: listed.entries.extend(entries)


def no_change(_listed: Providers) -> None:
    """A change that changes nothing."""


def without_space(path: Path) -> str:
    """The JSON in a file with its order of keys, but without its white space."""
    return json.dumps(json.loads(path.read_bytes()))


def other_files(home: Home) -> list[str]:
    """The files beside the provider file."""
    return [p.name for p in home.file.parent.iterdir() if p != home.file]


def program(home: Home, name: str, code: str) -> list[str]:
    """The arguments of a process that runs ``code`` with ``store``, ``inputs`` and ``entry``."""
    return [sys.executable, "-c", _PROGRAM + code, str(home.config), str(home.state), name]


@contextmanager
def running(home: Home, name: str, code: str) -> Iterator[subprocess.Popen[str]]:
    """A process that runs ``code``; at the end it is killed."""
    process = subprocess.Popen(
        program(home, name, code),
        env=home.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()
