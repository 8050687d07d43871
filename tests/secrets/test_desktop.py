"""Keys that the desktop app has encrypted: what decrypts them, and where its passwords are."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from cowork_env import secrets
from cowork_env.core.provider import Provider, is_encrypted
from cowork_env.secrets import desktop, keychain, os_crypt
from cowork_env.util.errors import CoworkEnvError

from support import kwallet as kwallet_stand_in
from support.desktop_app import (
    ATTRIBUTES,
    EXPECTED,
    PASSWORD,
    cbc,
    encrypt,
    sample,
    stored,
)
from support.home import Home
from support.keyring import BusSession, KeyringSession
from support.processes import wait_for

KEY = "sk-marked-0123456789"
NO_BUS = {"PATH": os.environ["PATH"]}
AGAIN = "Enter the key again, in the app or with: cowork-env key A"
ELSEWHERE = "Keep it in the keyring, where the app does not look: cowork-env key --keyring A"
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="Linux's key stores")


def fetch(token: str, env: dict[str, str]) -> str:
    """A provider's key, as a switch fetches it."""
    return secrets.fetch(provider(token), env)


def unlock(token: str, env: dict[str, str]) -> None:
    """Let the desktop ask for what the key needs, as ``reload`` does."""
    secrets.unlock(provider(token), env)


def provider(token: str) -> Provider:
    return Provider({"name": "A", "baseUrl": "https://a.example", "authToken": token})


def fails(token: str, env: dict[str, str]) -> CoworkEnvError:
    """The error, which shows neither the key nor a password."""
    with pytest.raises(CoworkEnvError) as caught:
        fetch(token, env)
    error: BaseException | None = caught.value
    while error is not None:
        for secret in (KEY, PASSWORD, token.removeprefix("ENC:v1:") or "\0"):
            assert secret not in str(error) + repr(error) + repr(vars(error))
        error = error.__context__
    return caught.value


def decrypted(token: str, *passwords: bytes, rounds: int = 1) -> str:
    """The key with these passwords, or empty."""
    _, body = os_crypt.parse(token)
    return os_crypt.with_passwords(body, passwords, rounds)


# What the runtime itself has encrypted


def test_the_files_of_the_app() -> None:
    """As it wrote them, and as it read one that another program had written."""
    for file, keys in (
        ("providers.json", EXPECTED),
        (
            "providers.python-written.json",
            dict(sample("electron-reads-python-file.json")["pyfile"]),
        ),
    ):
        entries = sample(file)
        assert {entry["id"] for entry in entries} == set(keys)
        for entry in entries:
            token, key = entry["authToken"], keys[entry["id"]]
            assert is_encrypted(token) is (token != key)
            if token != key:
                version, body = os_crypt.parse(token)
                password = PASSWORD.encode() if version == b"v11" else os_crypt.FIXED_PASSWORD
                assert os_crypt.with_passwords(body, [password], 1) == key


def test_what_safe_storage_encrypts() -> None:
    for each in sample("safestorage-samples.json")["samples"]:
        for mark in ("ENC:v1:", ""):
            if each["plaintext"]:
                assert decrypted(mark + each["enc_b64"], PASSWORD.encode()) == each["plaintext"]
                assert encrypt(each["plaintext"]) == "ENC:v1:" + each["enc_b64"]


def test_known_answers_of_chromium() -> None:
    known = sample("chromium-unit-test-vectors.json")

    def token(vector: dict[str, str]) -> str:
        return base64.b64encode(bytes.fromhex(vector["ciphertext_hex"])).decode()

    fixed, keyring = known["posix_v10_peanuts"], known["linux_v11"]
    assert decrypted(token(fixed), b"peanuts") == fixed["plaintext"]
    assert decrypted(token(keyring), keyring["password"].encode()) == keyring["plaintext"]
    assert fetch(token(fixed), NO_BUS) == fixed["plaintext"]
    # macOS: that text is not printable, so it is no key; its own form, made with the same key, is.
    mac = known["mac_v10_pbkdf2_1003"]
    password, plain = mac["password"].encode(), bytes.fromhex(mac["plaintext_hex"])
    assert encrypt(plain, password, "v10", 1003) == f"ENC:v1:{token(mac)}"
    assert decrypted(token(mac), password, rounds=1003) == ""
    assert decrypted(encrypt(KEY, password, "v10", 1003), password, rounds=1003) == KEY


def test_the_keys_of_passwords() -> None:
    import hashlib

    for name, key in sample("chromium-unit-test-vectors.json")["keys_hex"].items():
        word, _, rounds = name.partition("_")
        password = b"" if word == "empty" else word.encode()
        derived = hashlib.pbkdf2_hmac("sha1", password, b"saltysalt", int(rounds), 16)
        assert derived.hex() == key
    for password in (b"peanuts", b""):
        assert fetch(encrypt(KEY, password, "v10"), NO_BUS) == KEY
    assert fetch(encrypt(KEY, b""), NO_BUS) == KEY  # whatever the key store says


# What is accepted


@pytest.mark.parametrize("mark", ["ENC:v1:", ""])
@pytest.mark.parametrize("length", [1, 4, 15, 16, 17, 200])
def test_both_forms_padded_or_not(mark: str, length: int) -> None:
    text = ("sk-0123456789" * 20)[:length]
    token = encrypt(text, b"peanuts", "v10").removeprefix("ENC:v1:")
    for each in (mark + token, mark + token.rstrip("=")):
        assert fetch(each, NO_BUS) == text


@pytest.mark.parametrize(
    ("token", "message"),
    [
        ("ENC:v1:", "bad value: the key is empty."),
        ("ENC:v1:====", "bad value: the key is empty."),
        ("ENC:v1:djEw*", "bad value: the encrypted key is not base64 text."),
        ("ENC:v1:djEw\ud800", "bad value: the encrypted key is not base64 text."),
        ("ENC:v1:djEwA", "bad value: the encrypted key is not base64 text."),
        ("djEwA", "bad value: the encrypted key is not base64 text."),
        ("djEw", "bad value: the encrypted key is damaged."),
        ("djEwAAAA", "bad value: the encrypted key is damaged."),
        ("ENC:v2:djEwAAAA", "cannot be decrypted: this version of the app's encryption is not"),
        ("ENC:djEwAAAA", "cannot be decrypted: this version of the app's encryption is not"),
        ("ENC:v1:djIwAAAA", "cannot be decrypted: this kind of encryption is not supported."),
        ("ENC:v1:djEyAAAA", "cannot be decrypted: only the app can, as the desktop portal keeps"),
        ("djEyAAAA", "cannot be decrypted: only the app can, as the desktop portal keeps"),
        (encrypt(KEY, b"other", "v10"), "cannot be decrypted: it was encrypted on another machine"),
    ],
)
def test_what_cannot_be_decrypted(token: str, message: str) -> None:
    error = fails(token, NO_BUS)
    # What the app would encrypt in the same way again is not to be entered there.
    again = "only the app can" not in error.message and "not supported" not in error.message
    expected = AGAIN if again else ELSEWHERE
    assert error.message.startswith(message) and error.hint == expected


@pytest.mark.parametrize(
    "plain",
    [b"", b" a", b"a ", b"a\n", b"a\nb", b"a\0b", b"\xff\xfe", b"\xed\xa0\x80", b"a\x1b[1m"],
)
def test_what_is_no_key_is_not_accepted(plain: bytes) -> None:
    token = encrypt(plain, b"peanuts", "v10")
    assert fails(token, NO_BUS).message.startswith("cannot be decrypted: ")


@pytest.mark.parametrize("end", [b"\0", b"\x02", b"\x11", b"\3\2\3", b"\x10" * 15])
def test_padding_that_is_not_valid_is_not_accepted(end: bytes) -> None:
    data = (b"sk-0123456789abcdef0123456789abcdef"[: 32 - len(end)] + end)[:32]
    token = stored("v10", cbc(data, b"peanuts"))
    assert fails(token, NO_BUS).message.startswith("cannot be decrypted: ")


@given(st.binary(min_size=16, max_size=160).map(lambda b: b[: len(b) // 16 * 16]), st.binary())
def test_random_bytes_are_no_key(body: bytes, password: bytes) -> None:
    """What is accepted nevertheless is what Chromium would read, and printable."""
    text = os_crypt.with_passwords(body, [password], 1)
    assert text == "" or encrypt(text, password) == stored("v11", body)


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1), st.binary())
def test_a_wrong_password_reads_nothing(key: str, password: bytes) -> None:
    token = encrypt(key)
    assert decrypted(token, password) == (key if password == PASSWORD.encode() else "")
    assert decrypted(token, password, PASSWORD.encode()) == key


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1), st.data())
def test_a_changed_bit(key: str, data: st.DataObject) -> None:
    """It is noticed although nothing is authenticated.

    In CBC a changed block is decrypted to noise, and the same bits of the next block are changed.
    Sixteen bytes of noise are printable, or end in padding, once in millions of times.
    """
    _, body = os_crypt.parse(encrypt(key))
    bit = data.draw(st.integers(0, len(body) * 8 - 1))
    changed = bytearray(body)
    changed[bit // 8] ^= 1 << bit % 8
    assert os_crypt.with_passwords(bytes(changed), [PASSWORD.encode()], 1) == ""


@given(st.binary(min_size=33, max_size=80), st.data())
def test_the_authenticated_form(body: bytes, data: st.DataObject) -> None:
    key, nonce = os.urandom(32), os.urandom(12)
    sealed = nonce + AESGCM(key).encrypt(nonce, KEY.encode(), None)
    assert os_crypt.with_key(sealed, key) == KEY
    changed = bytearray(sealed)
    changed[data.draw(st.integers(0, len(sealed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    assert os_crypt.with_key(bytes(changed), key) == os_crypt.with_key(body, key) == ""
    assert os_crypt.with_key(sealed, key[:-1]) == ""


# The package that decrypts


def test_without_the_package(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Said before any key store is asked, and how to install it."""
    tokens = [encrypt(KEY, b"peanuts", version) for version in ("v10", "v11")]
    monkeypatch.setattr(desktop, "_linux_passwords", None)
    monkeypatch.setattr(sys, "path", [str(home.path)])
    for token in tokens:
        error = fails(token, NO_BUS)
        assert error.message == (
            "tool missing: keys of the desktop app need the Python package cryptography,"
            " which is in the extra cowork-env[desktop]."
        )
        assert error.hint == f"Install it: {sys.executable} -m pip install cryptography"


@pytest.mark.parametrize(
    ("mark", "command"),
    [
        ("pipx_metadata.json", "pipx inject cowork-env cryptography"),
        ("uv-receipt.toml", "uv pip install cryptography --python {python}"),
        ("pyvenv.cfg", "{python} -m pip install cryptography"),
    ],
)
def test_how_to_install_it(
    mark: str, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By what has made the environment; never by our name, which an index may have given away."""
    (tmp_path / mark).touch()
    python = f"{tmp_path}/bin/python"
    monkeypatch.setattr(sys, "executable", python)
    expected = f"Install it: {command.format(python=python)}"
    assert os_crypt.not_installed().hint == expected


def test_a_package_that_cannot_be_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    token = encrypt(KEY, b"peanuts", "v10")
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives", None)
    assert fails(token, NO_BUS).message.startswith("tool missing: keys of the desktop app need")


def test_nothing_else_needs_the_package() -> None:
    package = Path(secrets.__file__).parents[1]
    found = [
        str(path.relative_to(package))
        for path in package.rglob("*.py")
        if re.search(r"^\s*(import|from) cryptography", path.read_text("utf-8"), re.MULTILINE)
    ]
    assert found == ["secrets/os_crypt.py"]
    code = "import sys, cowork_env.secrets.desktop; print('cryptography' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


# Linux: GNOME's keyring, and whatever else is a Secret Service


@pytest.fixture
def keyring(home: Home) -> Iterator[KeyringSession]:
    with KeyringSession(home) as session:
        yield session


@LINUX
@pytest.mark.parametrize("app", ["agent-cowork", "Agent Cowork"])
def test_the_password_is_found_by_the_apps_name(keyring: KeyringSession, app: str) -> None:
    assert fails(encrypt(KEY), keyring.env).message == (
        "not found: the keyring has no password of the desktop app."
    )
    keyring.store({"application": "chromium"}, PASSWORD)
    assert fails(encrypt(KEY), keyring.env).message.startswith("not found: ")
    keyring.store({"application": app}, PASSWORD)
    assert fetch(encrypt(KEY), keyring.env) == KEY


@LINUX
def test_every_password_is_tried(keyring: KeyringSession) -> None:
    keyring.store(ATTRIBUTES, "another")
    error = fails(encrypt(KEY), keyring.env)
    assert error.message == (
        "cannot be decrypted: it was encrypted on another machine or by another user, "
        "or the app's password was replaced."
    )
    assert error.hint == AGAIN
    keyring.store({"application": "agent-cowork", "xdg:schema": "older"}, "a third")
    keyring.store({"application": "Agent Cowork"}, PASSWORD)
    assert fetch(encrypt(KEY), keyring.env) == KEY


@LINUX
def test_a_locked_keyring(keyring: KeyringSession) -> None:
    """It is said at once, and does not concern keys that need no password of it."""
    keyring.store(ATTRIBUTES, PASSWORD)
    keyring.lock()
    error = fails(encrypt(KEY), keyring.env)
    assert (error.message, error.hint) == (
        "locked: the keyring is locked.",
        "Unlock it: cowork-env reload",
    )
    assert fetch(encrypt(KEY, b"peanuts", "v10"), keyring.env) == KEY
    # Here nobody can be asked: there is no desktop. The hint is not to ask again.
    with pytest.raises(CoworkEnvError, match=r"^locked: "):
        unlock(encrypt(KEY), keyring.env)
    unlock(encrypt(KEY, b"peanuts", "v10"), keyring.env)
    keyring.unlock()
    unlock(encrypt(KEY), keyring.env)
    assert fetch(encrypt(KEY), keyring.env) == KEY


@LINUX
def test_without_a_keyring_or_a_bus(home: Home) -> None:
    assert fails(encrypt(KEY), NO_BUS).message.startswith("tool missing: there is no D-Bus session")
    gone = {"DBUS_SESSION_BUS_ADDRESS": f"unix:path={home.path}/gone"}
    assert fails(encrypt(KEY), gone).message.startswith("tool missing: there is no D-Bus session")
    with BusSession(home) as bus:
        assert fails(encrypt(KEY), bus.env).message.startswith("tool missing: no keyring answers")


# KWallet


class KWallet:
    """A stand-in for KWallet on a bus."""

    def __init__(self, bus: BusSession, name: str = "kwalletd6", **wallet: Any) -> None:
        self.path = Path(bus.env["XDG_RUNTIME_DIR"]) / f"{name}.json"
        self.set(**wallet)
        bus.start(sys.executable, kwallet_stand_in.__file__, name, str(self.path))
        wait_for(lambda: bus.has(f"org.kde.{name}"))

    def set(self, **wallet: Any) -> None:
        """Change what is in it."""
        entries = {"Chromium Keys/Chromium Safe Storage": PASSWORD}
        self.path.write_text(json.dumps({"open": True, "entries": entries, **wallet}))

    @property
    def calls(self) -> list[str]:
        """The methods that were called, since the last time."""
        log = self.path.with_suffix(".log")
        calls = log.read_text().split() if log.exists() else []
        log.unlink(missing_ok=True)
        return calls


@pytest.fixture
def bus(home: Home) -> Iterator[BusSession]:
    with BusSession(home) as session:
        yield session


@LINUX
@pytest.mark.parametrize("name", ["kwalletd6", "kwalletd5"])
def test_kwallet(bus: BusSession, name: str) -> None:
    wallet = KWallet(bus, name)
    assert fetch(encrypt(KEY), bus.env) == KEY
    wallet.set(entries={})
    assert fails(encrypt(KEY), bus.env).message.startswith("tool missing: no keyring answers")
    wallet.set(enabled=False)
    assert fails(encrypt(KEY), bus.env).message.startswith("tool missing: no keyring answers")
    wallet.set(entries={"Chromium Keys/Chromium Safe Storage": "another"})
    assert fails(encrypt(KEY), bus.env).message.startswith("cannot be decrypted: ")
    wallet.set(denies=True)
    assert fails(encrypt(KEY), bus.env).message == "denied: KWallet did not open the wallet."
    wallet.set(answers_wrongly=True)
    assert fails(encrypt(KEY), bus.env).message.startswith("bad value: KWallet answered something")


@LINUX
def test_a_closed_wallet_is_opened_only_to_unlock(bus: BusSession) -> None:
    from cowork_env.secrets import kwallet  # jeepney is installed on Linux alone

    wallet = KWallet(bus, open=False)
    error = fails(encrypt(KEY), bus.env)
    assert (error.message, error.hint) == (
        "locked: KWallet is locked.",
        "Unlock it: cowork-env reload",
    )
    assert "open" not in wallet.calls
    with pytest.raises(CoworkEnvError, match="denied: KWallet did not open"):
        unlock(encrypt(KEY), bus.env)
    wallet.set(open=False, answers=True)
    unlock(encrypt(KEY), bus.env)
    assert fetch(encrypt(KEY), bus.env) == KEY
    # It knows of a closed wallet that the entry is not in it.
    wallet.set(open=False, answers=True, entries={})
    assert wallet.calls
    for ask in (False, True):
        assert kwallet.read(bus.env, "Chromium Keys", "Chromium Safe Storage", ask=ask) == []
    assert "open" not in wallet.calls


@LINUX
def test_kwallet_is_asked_only_where_the_keyring_has_no_password(keyring: KeyringSession) -> None:
    wallet = KWallet(keyring)
    assert fetch(encrypt(KEY), keyring.env) == KEY and wallet.calls
    keyring.store(ATTRIBUTES, "another")
    assert fails(encrypt(KEY), keyring.env).message.startswith("cannot be decrypted: ")
    keyring.lock()
    assert fails(encrypt(KEY), keyring.env).message.startswith("locked: ")
    assert wallet.calls == []


# macOS


def test_macos(monkeypatch: pytest.MonkeyPatch) -> None:
    """The password is found by the service alone, and derived with more rounds."""
    monkeypatch.setattr(sys, "platform", "darwin")
    passwords = {"agent-cowork Safe Storage": "mock_password\n"}
    asked = []

    def find(service: str, user: str, env: object) -> str:
        asked.append((service, user))
        if service in passwords:
            return passwords[service]
        raise CoworkEnvError("not found: the keychain has no item of that service and user.")

    monkeypatch.setattr(keychain, "fetch", find)
    token = encrypt(KEY, b"mock_password", "v10", 1003)
    assert fetch(token, NO_BUS) == KEY
    assert asked == [("Agent Cowork Safe Storage", ""), ("agent-cowork Safe Storage", "")]
    assert fails(encrypt(KEY, b"peanuts", "v10"), NO_BUS).message.startswith("cannot be decrypted")
    assert fails(encrypt(KEY), NO_BUS).message.startswith("cannot be decrypted")  # Linux's v11
    passwords.clear()
    assert fails(token, NO_BUS).message == (
        "not found: the keychain has no password of the desktop app."
    )


# Windows


def test_windows(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key is in the app's file Local State, which Windows decrypts."""
    key, nonce = os.urandom(32), os.urandom(12)
    sealed = bytes(byte ^ 0x55 for byte in key)
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(desktop, "unprotect", lambda blob: bytes(byte ^ 0x55 for byte in blob))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home.config))
    file = home.providers([]).parent / "Local State"
    token = stored("v10", nonce + AESGCM(key).encrypt(nonce, KEY.encode(), None))
    env = {**home.env, "COWORK_ENV_PROVIDERS_FILE": str(home.file)}
    assert fails(token, env).message == "not found: the app's file 'Local State' is missing."
    for text in (
        "",
        "[" * 200_000,
        "[]",
        "{}",
        '{"os_crypt": 1}',
        '{"os_crypt": {"encrypted_key": "RFBB"}}',
    ):
        file.write_text(text)
        assert fails(token, env).message.startswith("bad value: the app's file 'Local State'")
    coded = base64.b64encode(b"DPAPI" + sealed).decode()
    file.write_text(json.dumps({"os_crypt": {"encrypted_key": coded}}))
    assert fetch(token, env) == KEY
    other = stored("v10", nonce + AESGCM(os.urandom(32)).encrypt(nonce, KEY.encode(), None))
    assert fails(other, env).message.startswith("cannot be decrypted: ")
    assert fails(stored("v10", b"short"), env).message.startswith("bad value: ")
