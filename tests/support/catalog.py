"""A team's catalogue in a test's home, and hostile ones."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from support.home import Home

KEY = "sk-of-the-user-1234567890"
WORK: dict[str, Any] = {
    "name": "Work",
    "baseUrl": "https://ai.example/v1",
    "authTokenFrom": "env:WORK_KEY",
    "defaultModel": "m1",
}


class Team:
    """A home with a catalogue in a folder that others write to, named by the settings file."""

    def __init__(self, home: Home) -> None:
        self.home, self.file = home, home.path / "team/catalog.json"
        self.settings = home.config / "cowork-env/settings"
        self.file.parent.mkdir()
        self.settings.parent.mkdir(parents=True)
        self.settings.write_text("catalog = ~/team/catalog.json\n")
        home.env["WORK_KEY"] = KEY
        self.write(WORK)

    def write(self, *entries: object) -> None:
        """Replace the catalogue."""
        self.file.write_text(json.dumps(list(entries)))

    def update(self, **changes: object) -> None:
        """Change the entry Work, and nothing else; None removes a key."""
        self.write({k: v for k, v in {**WORK, **changes}.items() if v is not None})


def _write(text: str) -> Callable[[Path], object]:
    return lambda path: path.write_text(text)


def _large(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(100 << 20)


# What others can put in the place of a catalogue: name -> a function that makes it at a path where
# there is nothing.
UNUSABLE: dict[str, Callable[[Path], object]] = {
    "missing": lambda path: None,
    "a FIFO": lambda path: os.mkfifo(path),
    "a directory": lambda path: path.mkdir(),
    "100 MB": _large,
    "nested deeply": _write("[" * 200_000),
    "many entries": _write("[" + "{}," * 20_000 + "{}]"),
    "not JSON": _write("{"),
    "not a list": _write('"Work"'),
    "not UTF-8": lambda path: path.write_bytes(b"[\xff]"),
    "a link to itself": lambda path: path.symlink_to(path),
    "a device": lambda path: path.symlink_to("/dev/zero"),
}

# Changes of the entry Work that make it unusable: name -> changes, and what is said.
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a key": ({"authToken": "sk-shared-with-all"}, "a catalogue holds none"),
    "an encrypted key": ({"authToken": "ENC:v1:djEwAAAA"}, "a catalogue holds none"),
    "a command": ({"authTokenFrom": "cmd:touch /tmp/x"}, "is none of env:"),
    "a file": ({"authTokenFrom": "file:/home/me/.ssh/id"}, "is none of env:"),
    "an unknown scheme": ({"authTokenFrom": "ftp:x"}, "is none of env:"),
    "a variable's name that is none": ({"authTokenFrom": "env:A B"}, "is not the name of"),
    "PATH": ({"env": {"PATH": "/evil"}}, "is not for a provider to set"),
    "a proxy": ({"env": {"HTTPS_PROXY": "http://evil.example"}}, "is not for a catalogue to set"),
    "a certificate": ({"env": {"NODE_EXTRA_CA_CERTS": "/evil"}}, "is not for a catalogue to set"),
    "a header": ({"env": {"ANTHROPIC_CUSTOM_HEADERS": "a: b"}}, "is not for a catalogue to set"),
    "without the host flag": (
        {"env": {"CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST": ""}},
        "is not for a catalogue to set",
    ),
    "a line break": ({"env": {"API_TIMEOUT_MS": "1\n2"}}, "is not for a catalogue to set"),
    "no string": ({"authTokenFrom": ["env:A"]}, "is not a string"),
    "a host that looks like another": (
        {"baseUrl": "https://\u0430pi.anthropic.com"},
        "could be taken for another one",
    ),
    "a password": ({"baseUrl": "https://a:b@ai.example"}, "a user name or a password"),
}
