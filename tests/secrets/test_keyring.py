"""``keyring:SERVICE/USER`` by the Secret Service: a real GNOME keyring, and ones that misbehave."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cowork_env import secrets
from cowork_env.core.provider import Provider
from cowork_env.secrets import bus, waiting
from cowork_env.util.errors import CoworkEnvError

from support.home import Home
from support.keyring import BusSession, KeyringSession
from support.secret_service import ITEM, FakeSecretService, SilentBus
from support.secret_service import secrets as held

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the Secret Service is Linux's")

KEY = "sk-marked-keyring"
PROVIDER = Provider(
    {"name": "A", "baseUrl": "https://a.example", "authTokenFrom": "keyring:cowork-env/a"}
)
HERE = {"service": "cowork-env", "username": "a"}


def failure(env: dict[str, str]) -> CoworkEnvError:
    """The error of a lookup, in which and behind which there is no key."""
    with pytest.raises(CoworkEnvError) as caught:
        secrets.fetch(PROVIDER, env)
    error: BaseException | None = caught.value
    while error is not None:
        assert KEY not in str(error) + repr(error) + repr(vars(error))
        error = error.__context__
    assert caught.value.hint
    return caught.value


@pytest.fixture
def session(home: Home) -> Iterator[BusSession]:
    with BusSession(home) as opened:
        yield opened


def fake(session: BusSession, **answers: Any) -> FakeSecretService:
    return FakeSecretService(session.env["DBUS_SESSION_BUS_ADDRESS"], answers)


def test_a_real_keyring_unlocked_locked_and_absent(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And whatever back end the library keyring is set to, one in plain text: it is not asked."""
    folder = home.path / "data/python_keyring"
    folder.mkdir(parents=True)
    (folder / "keyring_pass.cfg").write_text(f"[cowork_2denv]\na = {KEY}-plain\n")
    config = home.config / "python_keyring/keyringrc.cfg"
    config.parent.mkdir(parents=True)
    config.write_text("[backend]\ndefault-keyring=keyrings.alt.file.PlaintextKeyring\n")
    plain = {
        "PYTHON_KEYRING_BACKEND": "keyrings.alt.file.PlaintextKeyring",
        "XDG_DATA_HOME": str(home.path / "data"),
    }
    for name, value in plain.items():
        monkeypatch.setenv(name, value)
    with KeyringSession(home) as keyring:
        env = {**keyring.env, **plain}
        assert failure(env).message.startswith("not found: ")
        keyring.store(HERE, KEY)
        assert secrets.fetch(PROVIDER, env) == KEY
        keyring.lock()
        begin = time.monotonic()
        assert failure(env).message == "locked: the keyring is locked."
        assert time.monotonic() - begin < 4
        # Nobody can be asked here: the hint is not to ask again.
        with pytest.raises(CoworkEnvError, match="locked: the keyring") as stays:
            secrets.unlock(PROVIDER, env)
        assert stays.value.hint.startswith("It was not unlocked: ")
        keyring.unlock()
        assert secrets.fetch(PROVIDER, env) == KEY
    assert failure(env).message.startswith("tool missing: ")
    assert "keyring" not in {name.partition(".")[0] for name in sys.modules}


def test_a_key_can_be_stored_and_removed(home: Home) -> None:
    source: Any = secrets.source("keyring:")
    with KeyringSession(home) as keyring:
        source.store("cowork-env/a", KEY, keyring.env, "cowork-env: A")
        assert keyring.read(HERE) == KEY
        source.store("cowork-env/a", KEY + "2", keyring.env, "cowork-env: A")
        assert secrets.fetch(PROVIDER, keyring.env) == KEY + "2"
        source.remove("cowork-env/a", keyring.env)
        assert failure(keyring.env).message.startswith("not found: ")


ANSWERS: dict[str, tuple[dict[str, Any], str]] = {
    "several that differ": (
        {
            "GetSecrets": held(KEY.encode(), b"another"),
            "SearchItems": ("aoao", ([ITEM, ITEM + "1"], [])),
        },
        "bad value: the keyring has several",
    ),
    "1 MB": ({"GetSecrets": held(KEY.encode() * 60_000)}, "bad value: the keyring has more than"),
    "not UTF-8": ({"GetSecrets": held(KEY.encode() + b"\xff")}, "bad value: the keyring's item"),
    "two lines": ({"GetSecrets": held(KEY.encode() + b"\nx")}, "bad value: the key has a line"),
    "empty": ({"GetSecrets": held(b"")}, "bad value: the key is empty"),
    "a text for a list": ({"SearchItems": ("s", (KEY,))}, "bad value: the keyring answered"),
    "numbers for paths": ({"SearchItems": ("auau", ([1], []))}, "bad value: the keyring answered"),
    "one list": ({"SearchItems": ("ao", ([ITEM],))}, "bad value: the keyring answered"),
    "nothing": ({"SearchItems": ("", ())}, "bad value: the keyring answered"),
    "no session": ({"OpenSession": ("s", (KEY,))}, "bad value: the keyring answered"),
    "text for a secret": (
        {"GetSecrets": ("a{os}", ({ITEM: KEY},))},
        "bad value: the keyring answered",
    ),
    "no dictionary": ({"GetSecrets": ("s", (KEY,))}, "bad value: the keyring answered"),
    "items that vanished": ({"GetSecrets": held()}, "not found: "),
    "no items": ({"SearchItems": ("aoao", ([], []))}, "not found: "),
    "locked items": ({"SearchItems": ("aoao", ([], [ITEM]))}, "locked: "),
    "locked meanwhile": ({"GetSecrets": ("org.freedesktop.Secret.Error.IsLocked", ())}, "locked: "),
    "denied": ({"GetSecrets": ("org.freedesktop.DBus.Error.AccessDenied", ())}, "denied: "),
    "no reply": ({"SearchItems": ("org.freedesktop.DBus.Error.NoReply", ())}, "timed out: "),
    "no such interface": (
        {"SearchItems": ("org.freedesktop.DBus.Error.UnknownMethod", ())},
        "tool missing: ",
    ),
}


@pytest.mark.parametrize("kind", ANSWERS)
def test_what_a_keyring_may_answer(kind: str, session: BusSession) -> None:
    answers, message = ANSWERS[kind]
    with fake(session, **answers) as service:
        assert failure(session.env).message.startswith(message)
    assert "Unlock" not in service.asked and "Prompt" not in service.asked


def test_several_items_with_the_same_key(session: BusSession) -> None:
    paths = ("aoao", ([ITEM, ITEM + "1"], ["/locked"]))
    with fake(session, GetSecrets=held(KEY.encode(), KEY.encode()), SearchItems=paths):
        assert secrets.fetch(PROVIDER, session.env) == KEY


@pytest.mark.parametrize("method", ["SearchItems", "OpenSession", "GetSecrets"])
def test_a_keyring_that_never_answers(
    method: str, session: BusSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a thread, too, where no alarm ends it: all its answers together have one limit."""
    monkeypatch.setattr(waiting, "TIMEOUT", 0.3)
    found: list[str] = []
    with fake(session, **{method: None}):
        thread = threading.Thread(target=lambda: found.append(failure(session.env).message))
        thread.start()
        thread.join(10)
        found.append(failure(session.env).message)
    assert [message.partition(":")[0] for message in found] == ["timed out"] * 2


@pytest.mark.parametrize("authenticates", [False, True], ids=["silent", "no Hello"])
def test_a_bus_that_never_answers(authenticates: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bus, "CONNECT_TIMEOUT", 0.3)
    found: list[str] = []
    with SilentBus(authenticates) as silent:
        env = {"DBUS_SESSION_BUS_ADDRESS": silent.address}
        thread = threading.Thread(target=lambda: found.append(failure(env).message))
        thread.start()
        thread.join(5)
    assert found and found[0].startswith("tool missing: ")


def test_addresses_of_the_bus(
    session: BusSession, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first that answers; without one that of the runtime folder; none in the directory."""
    address = session.env["DBUS_SESSION_BUS_ADDRESS"]
    folder = Path(address.removeprefix("unix:path=")).parent
    monkeypatch.chdir(folder)
    name = "DBUS_SESSION_BUS_ADDRESS"
    with fake(session, GetSecrets=held(KEY.encode())):
        for env in (
            {name: address},
            {name: address.replace("/", "%2f") + ",guid=00"},
            {name: f"unix:abstract=/no/such/bus;tcp:host=h,port=1;{address}"},
            {"XDG_RUNTIME_DIR": str(folder)},
            {name: "", "XDG_RUNTIME_DIR": str(folder)},
        ):
            assert secrets.fetch(PROVIDER, env) == KEY
        for env in (
            {},
            {"XDG_RUNTIME_DIR": "."},
            *(
                {name: text}
                for text in ("unix:path=bus", "unix:path=", "autolaunch:", "bus", "x:y=z", ";", ":")
            ),
            {name: f"unix:path={home.path}/none"},
        ):
            assert failure(env).message.startswith("tool missing: ")
