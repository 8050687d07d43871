"""Samples of what the desktop app's runtime has encrypted, and encryption as it does it."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import ciphers, padding

SAMPLES = Path(__file__).parents[1] / "secrets/desktop_app"
PASSWORD = (SAMPLES / "keyring-secret.txt").read_text(encoding="utf-8")
# What the app's password in the keyring is found by.
ATTRIBUTES = {
    "application": "agent-cowork",
    "xdg:schema": "chrome_libsecret_os_crypt_password_v2",
}


def sample(name: str) -> Any:
    """A sample, parsed."""
    return json.loads((SAMPLES / name).read_text(encoding="utf-8"))


EXPECTED: dict[str, str] = sample("expected.json")["expected"]  # id -> key


def encrypt(
    text: str | bytes, password: bytes = PASSWORD.encode(), version: str = "v11", rounds: int = 1
) -> str:
    """A key as the app stores it."""
    data = text.encode() if isinstance(text, str) else text
    padder = padding.PKCS7(128).padder()
    return stored(version, cbc(padder.update(data) + padder.finalize(), password, rounds))


def cbc(data: bytes, password: bytes, rounds: int = 1) -> bytes:
    """Whole blocks, encrypted."""
    key = hashlib.pbkdf2_hmac("sha1", password, b"saltysalt", rounds, 16)
    mode = ciphers.modes.CBC(b" " * 16)
    encryptor = ciphers.Cipher(ciphers.algorithms.AES(key), mode).encryptor()
    return encryptor.update(data) + encryptor.finalize()


def stored(version: str, body: bytes) -> str:
    """Encrypted bytes as the app stores them."""
    return "ENC:v1:" + base64.b64encode(version.encode() + body).decode()
