"""Commands on a provider file in which the desktop app has encrypted the keys."""

from __future__ import annotations

import json
import select
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.desktop_app import SAMPLES, encrypt, sample
from support.home import Home
from support.program import Program

FIRST, LEGACY = "Anthropic (enc)", "Legacy bare base64, >100 chars"


@pytest.fixture
def file(home: Home) -> Path:
    """The provider file, as the app wrote it."""
    path = home.providers([])
    path.write_text((SAMPLES / "providers.json").read_text(encoding="utf-8"), encoding="utf-8")
    return path


class Bus:
    """A D-Bus session that notices whether anybody wants to talk to it."""

    def __init__(self, socket: socket.socket, address: str) -> None:
        self.socket, self.env = socket, {"DBUS_SESSION_BUS_ADDRESS": f"unix:path={address}"}

    def was_asked(self) -> bool:
        """Whether there was a connection; it is closed."""
        if not select.select([self.socket], [], [], 0)[0]:
            return False
        self.socket.accept()[0].close()
        return True


@pytest.fixture
def bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bus]:
    address = str(tmp_path_factory.mktemp("b") / "bus")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address)
        listening.listen()
        yield Bus(listening, address)


def test_which_commands_ask_the_key_store(
    home: Home, program: Program, file: Path, bus: Bus
) -> None:
    """Those that need the key, and no others."""
    home.pin(home.path / "p", FIRST + "\n")
    commands = ("list", "list --json", "status", "status --json", "pin", "use", "presets", "paths")
    commands += ("doctor --all --offline", "allow", "prune")
    arguments = [command.split() for command in commands]
    arguments += [["show", FIRST], ["show", FIRST, "--json"], ["use", FIRST], ["pin", FIRST]]
    arguments += [
        ["edit", FIRST, "--opus", "m"],
        ["rename", LEGACY, "Legacy"],
        ["remove", "Legacy"],
    ]
    for words in arguments:
        program.run(*words, cwd=home.path / "p", env=bus.env)
        assert not bus.was_asked(), words
    completion = {"_COWORK_ENV_COMPLETE": "zsh", "_COWORK_ENV_WORDS": "show\x1f"}
    done = program.run(env={**bus.env, **completion})
    assert "Z.ai" in done.stdout
    assert not bus.was_asked()
    for command in ("token", "export --format json", "exec -- true"):
        program.run(*command.split(), cwd=home.path / "p", env=bus.env)
        assert bus.was_asked(), command


def test_a_key_that_cannot_be_read_leaves_the_others_alone(
    home: Home, program: Program, file: Path
) -> None:
    assert len(program.run("list", "--json").check().json()) == 8
    done = program.run("export", "--format", "json", "--provider", FIRST)
    assert done.returncode == 1 and f"{FIRST}: tool missing: " in done.stderr
    done = program.run("token", "DeepSeek (plaintext)").check()
    assert done.stdout == "sk-dddddddddddddddddddddddddddddddd\n"
    reports = program.run("doctor", "--all", "--offline", "--json").json()["providers"]
    levels = {
        r["name"]: [f["level"] for f in r["findings"] if f["code"] == "encrypted"] for r in reports
    }
    assert levels.pop("DeepSeek (plaintext)") == levels.pop("No token") == []
    assert list(levels.values()) == [["note"]] * 6


def test_every_write_keeps_encrypted_keys(home: Home, program: Program, file: Path) -> None:
    """A new key stays in plain text; the app encrypts it at its next save."""
    tokens = [entry["authToken"] for entry in sample("providers.json")]
    key = "sk-new-key"

    def stored() -> list[str]:
        return [entry.get("authToken") for entry in json.loads(file.read_text(encoding="utf-8"))]

    new = ("add", "--name", "New", "--base-url", "https://n.example", "--token-stdin")
    program.run(*new, input=key).check()
    assert stored() == [*tokens, key]
    program.run(
        "edit", FIRST, "--opus", "m", "--env", "A=1", "--base-url", "https://a.example"
    ).check()
    program.run("rename", FIRST, "Renamed").check()
    program.run("rename", LEGACY, "Legacy").check()
    program.run("edit", "Legacy", "--default-model", "m").check()
    assert stored() == [*tokens, key]
    program.run("remove", "Z.ai (enc)").check()
    program.run("edit", "Renamed", "--token-stdin", input=key).check()
    assert stored() == [key, *tokens[2:], key]


def test_a_damaged_key_is_kept_too(home: Home, program: Program) -> None:
    """What is not readable here may be readable to the app."""
    tokens = ["ENC:v9:x", "ENC:v1:djEx*", encrypt("a\nb")]
    entries = [
        {"id": str(i), "name": f"N{i}", "baseUrl": "https://n.example", "authToken": token}
        for i, token in enumerate(tokens)
    ]
    file = home.providers(entries)
    for i in range(len(tokens)):
        program.run("edit", f"N{i}", "--default-model", "m").check()
    assert [entry["authToken"] for entry in json.loads(file.read_text())] == tokens
