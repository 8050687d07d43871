"""Keys that the desktop app has encrypted, at real prompts and with a real keyring."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

import pytest

from support.desktop_app import ATTRIBUTES, EXPECTED, PASSWORD, encrypt, sample
from support.home import GUIDE, Home
from support.keyring import BusSession, KeyringSession
from support.processes import count
from support.program import Program
from support.terminal import Open

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux's key stores")
KEY = "ANTHROPIC_AUTH_TOKEN"


@pytest.fixture
def keyring(home: Home) -> Iterator[KeyringSession]:
    """A keyring, which the home's environment leads to."""
    with KeyringSession(home) as session:
        home.env.update(session.env)
        yield session


def pin_all(home: Home, entries: list[dict[str, str]]) -> None:
    """Write the provider file, and a project for each entry: its id."""
    home.providers(entries)
    for entry in entries:
        home.pin(home.path / entry["id"], entry["id"] + "\n")


def test_every_sample(home: Home, keyring: KeyringSession, shell: str, open_terminal: Open) -> None:
    """The file as the app writes it: every key is in force after cd, and going back is free."""
    keyring.store(ATTRIBUTES, PASSWORD)
    # The same file, written by another program, has one key more.
    written = {entry["id"]: entry for entry in sample("providers.python-written.json")}
    entries = [*sample("providers.json"), written["py-v10"]]
    expected = {**EXPECTED, "py-v10": "py-v10-token"}
    pin_all(home, entries)
    terminal = open_terminal(shell)
    for entry in entries:
        said = terminal.cd(f"~/{entry['id']}")
        if key := expected[entry["id"]]:
            assert terminal.env().get(KEY) == key, (entry["name"], said)
        else:
            assert KEY not in terminal.env() and "it has no key" in said[0]
    seen = [identity for identity, key in expected.items() if key]

    def go_back() -> None:
        for identity in seen:
            terminal.run(f"cd ~/{identity}")

    assert count(terminal, go_back) == []
    assert terminal.env()[KEY] == expected[seen[-1]]


def test_a_locked_keyring(
    home: Home, keyring: KeyringSession, shell: str, open_terminal: Open
) -> None:
    """Said once, at once; the other providers work, and so does this one after it is unlocked."""
    keyring.store(ATTRIBUTES, PASSWORD)
    keyring.lock()
    encrypted = {"id": "e", "name": "App", "baseUrl": "https://a.example"}
    fixed = {**encrypted, "id": "f", "name": "Fixed", "authToken": encrypt("k", b"peanuts", "v10")}
    pin_all(home, [{**encrypted, "authToken": encrypt("sk-app")}, fixed, {**GUIDE[1], "id": "p"}])
    terminal = open_terminal(shell)
    assert terminal.cd("~/e") == [
        "App: locked: the keyring is locked. Unlock it: cowork-env reload",
    ]
    assert terminal.messages("true") == [] and KEY not in terminal.env()
    for identity, key in (("f", "k"), ("p", GUIDE[1]["authToken"])):
        terminal.cd(f"~/{identity}")
        assert terminal.env()[KEY] == key
    keyring.unlock()
    Program(home).run("reload").check()
    terminal.cd("~/e")
    assert terminal.env()[KEY] == "sk-app"


def test_no_keyring(home: Home, shell: str, open_terminal: Open) -> None:
    pin_all(
        home,
        [
            {"id": "e", "name": "App", "baseUrl": "https://a.example", "authToken": encrypt("k")},
            {**GUIDE[1], "id": "p"},
        ],
    )
    with BusSession(home) as bus:
        terminal = open_terminal(shell, env=bus.env)
        (said,) = terminal.cd("~/e")
        assert said.startswith("App: tool missing: no keyring answers on this D-Bus session.")
        assert terminal.messages("true") == [] and KEY not in terminal.env()
        terminal.cd("~/p")
        assert terminal.env()[KEY] == GUIDE[1]["authToken"]


def test_the_response_to_a_request_names_no_password(home: Home, keyring: KeyringSession) -> None:
    """The state and what is exported beside the key hold neither the password nor a second copy."""
    keyring.store(ATTRIBUTES, PASSWORD)
    pin_all(
        home,
        [
            {
                "id": "e",
                "name": "App",
                "baseUrl": "https://a.example",
                "authToken": encrypt("sk-app"),
            }
        ],
    )
    done = Program(home).run("export", "--format", "json", cwd=home.path / "e").check()
    exported = json.loads(done.stdout)
    assert [name for name, value in exported.items() if "sk-app" in str(value)] == [KEY]
    assert PASSWORD not in done.stdout
