"""How the desktop app encrypts keys: Electron's safeStorage, which is Chromium's os_crypt.

Text and bytes in, text out; where passwords are kept is ``desktop.py``'s matter. See
https://chromium.googlesource.com/chromium/src/+/HEAD/components/os_crypt/.
"""

from __future__ import annotations

import binascii
import sys

from ..core.provider import InvalidField, check_token
from ..util.errors import CoworkEnvError
from ..util.system import add_site_packages, exists, parent
from ..util.text import argument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

MARK = "ENC:v1:"  # before the base64 text; older builds of the app wrote it alone
V10, V11, V12 = b"v10", b"v11", b"v12"  # what the bytes begin with
ROUNDS_LINUX, ROUNDS_MACOS = 1, 1003
FIXED_PASSWORD = b"peanuts"  # where Chromium has no key store
EMPTY_PASSWORD = b""  # Chromium tries it, too: some versions wrote with it when the store failed
_SALT, _IV, _BLOCK = b"saltysalt", b" " * 16, 16
_NONCE, _TAG = 12, 16
_BASE64 = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
PACKAGE = "cryptography"


def parse(token: str) -> tuple[bytes, bytes]:
    """An encrypted key as the version of its encryption and the rest of its bytes.

    Raises :class:`CoworkEnvError` for a version that is not supported, and for what is damaged.
    """
    if token.startswith("ENC:") and not token.startswith(MARK):
        raise Unsupported("this version of the app's encryption is not supported")
    text = token.removeprefix(MARK).rstrip("=")
    if not text:
        raise CoworkEnvError("bad value: the key is empty.")
    if len(text) % 4 == 1 or not _BASE64.issuperset(text):
        raise CoworkEnvError("bad value: the encrypted key is not base64 text.")
    data = binascii.a2b_base64(text + "=" * (-len(text) % 4))
    if data[:3] == V12:
        raise Unsupported("only the app can, as the desktop portal keeps its password")
    if data[:3] not in (V10, V11):
        raise Unsupported("this kind of encryption is not supported")
    return data[:3], data[3:]


class Unsupported(CoworkEnvError):
    """A kind of encryption that is not readable here, and that the app would use again."""

    def __init__(self, why: str) -> None:
        super().__init__(f"cannot be decrypted: {why}.")


def cannot_be_decrypted() -> CoworkEnvError:
    """What to raise for a key that is not readable here."""
    return CoworkEnvError(
        "cannot be decrypted: it was encrypted on another machine or by another user, or the app's"
        " password was replaced."
    )


def check_installed() -> None:
    """Raise :class:`CoworkEnvError` where the package is missing. It is not imported: 20 ms."""
    from importlib.machinery import PathFinder

    add_site_packages()
    if PathFinder.find_spec(PACKAGE) is None:
        raise not_installed()


def _ciphers() -> Any:
    """The package's module of ciphers; raises :class:`CoworkEnvError` where it is missing."""
    add_site_packages()
    try:
        from cryptography.hazmat.primitives import ciphers
    except Exception:  # Not only ImportError: it may fail to load its libraries.
        raise not_installed() from None
    return ciphers


def not_installed() -> CoworkEnvError:
    """What to raise where the package that decrypts is missing."""
    return CoworkEnvError(
        f"tool missing: keys of the desktop app need the Python package {PACKAGE}, which is in the"
        " extra cowork-env[desktop].",
        f"Install it: {_install()}",
    )


def _install() -> str:
    """The command that adds the package to the environment that we run in.

    It names the package, not our extra: another package of our name may be on an index.
    """
    python = sys.executable
    environment = parent(parent(python))
    if exists(f"{environment}/pipx_metadata.json"):
        return f"pipx inject cowork-env {PACKAGE}"
    if exists(f"{environment}/uv-receipt.toml"):
        return f"uv pip install {PACKAGE} --python {argument(python, 'PYTHON')}"
    return f"{argument(python, 'PYTHON')} -m pip install {PACKAGE}"


def with_passwords(body: bytes, passwords: Iterable[bytes], rounds: int) -> str:
    """The text that ``body`` is with the first password that fits, or empty (AES-128-CBC).

    Nothing in the bytes says whether a password is the right one. So it fits only if the padding is
    valid and the rest is a key: a wrong one passes once in hundreds of millions of times.
    """
    if not body or len(body) % _BLOCK:
        raise CoworkEnvError("bad value: the encrypted key is damaged.")
    for password in passwords:
        ciphers = _ciphers()
        from hashlib import pbkdf2_hmac  # here: a locked store is said without these libraries

        key = pbkdf2_hmac("sha1", password, _SALT, rounds, 16)
        decryptor = ciphers.Cipher(ciphers.algorithms.AES(key), ciphers.modes.CBC(_IV)).decryptor()
        if text := _key(_without_padding(decryptor.update(body) + decryptor.finalize())):
            return text
    return ""


def with_key(body: bytes, key: bytes) -> str:
    """The text that ``body`` is with a key of 32 bytes, or empty if it does not fit (AES-GCM)."""
    ciphers = _ciphers()
    from cryptography.exceptions import InvalidTag

    if len(body) < _NONCE + _TAG:
        raise CoworkEnvError("bad value: the encrypted key is damaged.")
    nonce, data, tag = body[:_NONCE], body[_NONCE:-_TAG], body[-_TAG:]
    try:
        mode = ciphers.modes.GCM(nonce, tag)
        decryptor = ciphers.Cipher(ciphers.algorithms.AES(key), mode).decryptor()
        return _key(decryptor.update(data) + decryptor.finalize())
    except (InvalidTag, ValueError):
        return ""


def _without_padding(data: bytes) -> bytes:
    """What PKCS#7 has padded, or nothing if the padding is not valid."""
    count = data[-1]
    if 1 <= count <= _BLOCK and data.endswith(bytes([count]) * count):
        return data[:-count]
    return b""


def _key(data: bytes) -> str:
    """Decrypted bytes as text if that may be a key, else empty."""
    try:
        return check_token(data.decode("utf-8"))
    except (UnicodeDecodeError, InvalidField):
        return ""
