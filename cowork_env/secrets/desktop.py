"""Keys that the desktop app has encrypted: where its passwords are. ``os_crypt.py`` decrypts."""

from __future__ import annotations

import sys

from ..core.providers import FOLDERS
from ..util.errors import CoworkEnvError
from ..util.text import argument
from . import is_about, os_crypt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

    from ..core.provider import Provider

    Env = Mapping[str, str]

APPS = FOLDERS  # its folder has the name of the app, and so has its password
_KWALLET_ENTRY = ("Chromium Keys", "Chromium Safe Storage")  # of every app
_NO_PASSWORD = "not found: the {} has no password of the desktop app."
_AGAIN = "Enter the key again, in the app or with: cowork-env key {}"
_ELSEWHERE = "Keep it in the keyring, where the app does not look: cowork-env key --keyring {}"


def decrypt(provider: Provider, env: Env) -> str:
    """A provider's key; raises :class:`CoworkEnvError` as ``secrets`` describes.

    It never asks the user anything.
    """
    check(provider)  # first, so that no key store is asked for nothing
    version, body = os_crypt.parse(provider.token)
    way = _WAYS.get((sys.platform, version))
    try:
        if way is not None and (text := way(body, env)):
            return text
        raise os_crypt.cannot_be_decrypted()
    except CoworkEnvError as error:
        raise _with_hint(error, provider) from None


def check(provider: Provider) -> None:
    """Raise :class:`CoworkEnvError` if its key is known, without a password, to be unreadable."""
    try:
        os_crypt.parse(provider.token)
        os_crypt.check_installed()
    except CoworkEnvError as error:
        raise _with_hint(error, provider) from None


def unlock(provider: Provider, env: Env) -> None:
    """Let the desktop ask the user to unlock the key store of the app's password, if need be.

    Raises :class:`CoworkEnvError` as :func:`decrypt` does.
    """
    check(provider)
    version, _ = os_crypt.parse(provider.token)
    if (sys.platform, version) == ("linux", os_crypt.V11):
        for _ in _linux_passwords(env, ask=True):
            pass


def _with_hint(error: CoworkEnvError, provider: Provider) -> CoworkEnvError:
    otherwise = _ELSEWHERE if isinstance(error, os_crypt.Unsupported) else _AGAIN
    return CoworkEnvError(
        error.message, error.hint or otherwise.format(argument(provider.name, "NAME"))
    )


# Linux


def _linux_fixed(body: bytes, env: Env) -> str:
    passwords = (os_crypt.FIXED_PASSWORD, os_crypt.EMPTY_PASSWORD)
    return os_crypt.with_passwords(body, passwords, os_crypt.ROUNDS_LINUX)


def _linux_keyring(body: bytes, env: Env) -> str:
    """Decrypt with a password of a key store, or else with an empty one."""
    rounds, none_fits = os_crypt.ROUNDS_LINUX, None
    try:
        if text := os_crypt.with_passwords(body, _linux_passwords(env), rounds):
            return text
    except CoworkEnvError as error:
        if is_about(error, "locked"):
            raise
        none_fits = error
    text = os_crypt.with_passwords(body, (os_crypt.EMPTY_PASSWORD,), rounds)
    if none_fits and not text:
        raise none_fits
    return text


def _linux_passwords(env: Env, *, ask: bool = False) -> Iterator[bytes]:
    """The app's passwords in the Secret Service; if there are none, those in KWallet.

    Raises :class:`CoworkEnvError` if there is none, or after the last one if one could not be had.
    """
    from . import kwallet
    from .secret_service import SecretService

    error, count = None, 0
    try:
        with SecretService(env) as service:
            for app in APPS:
                try:
                    for secret in service.search({"application": app}, ask=ask):
                        count += 1
                        yield secret
                except CoworkEnvError as failure:
                    error = error or failure
    except CoworkEnvError as failure:  # there is no bus
        error = failure
    if not count and not (error and is_about(error, "locked")):
        for password in kwallet.read(env, *_KWALLET_ENTRY, ask=ask):
            count, error = count + 1, None
            yield password.encode()
    if error:
        raise error
    if not count:
        raise CoworkEnvError(_NO_PASSWORD.format("keyring"))


# macOS


def _macos_keychain(body: bytes, env: Env) -> str:
    """Decrypt with a password of the Keychain; there, the account varies."""
    return os_crypt.with_passwords(body, _macos_passwords(env), os_crypt.ROUNDS_MACOS)


def _macos_passwords(env: Env) -> Iterator[bytes]:
    from . import keychain

    count = 0
    for app in APPS:
        try:
            password = keychain.fetch(f"{app} Safe Storage", "", env)
        except CoworkEnvError as error:
            if not is_about(error, "not found"):
                raise
            continue
        count += 1
        yield password.removesuffix("\n").encode()
    if not count:
        raise CoworkEnvError(_NO_PASSWORD.format("keychain"))


# Windows


def _windows_dpapi(body: bytes, env: Env) -> str:
    """Decrypt with the key beside the provider file, which Windows keeps encrypted for the user."""
    from ..core import providers
    from ..util import paths
    from ..util.system import parent

    path = f"{parent(providers.locate(env, paths.config_dir()))}/Local State"
    return os_crypt.with_key(body, unprotect(local_state_key(path)))


def local_state_key(path: str) -> bytes:
    """The encrypted key in the file ``Local State`` of a Chromium or Electron app, for DPAPI."""
    import binascii
    import json

    from ..core.providers import read_bytes

    try:
        state = json.loads(read_bytes(path, "The app's file 'Local State'"))
        blob = binascii.a2b_base64(state["os_crypt"]["encrypted_key"])
    except FileNotFoundError:
        raise CoworkEnvError("not found: the app's file 'Local State' is missing.") from None
    except (KeyError, TypeError, ValueError, RecursionError):
        blob = b""
    if not blob.startswith(b"DPAPI"):
        raise CoworkEnvError("bad value: the app's file 'Local State' has no key in it.")
    return blob.removeprefix(b"DPAPI")


def unprotect(blob: bytes) -> bytes:
    """What ``CryptProtectData`` of Windows has encrypted for this user."""
    import ctypes
    from ctypes import wintypes

    windows: Any = vars(ctypes)["windll"]  # on Windows alone

    class Blob(ctypes.Structure):
        _fields_ = (("size", wintypes.DWORD), ("data", ctypes.POINTER(ctypes.c_char)))

    given = Blob(len(blob), ctypes.create_string_buffer(blob, len(blob)))
    plain = Blob()
    no_prompt = 1  # CRYPTPROTECT_UI_FORBIDDEN
    if not windows.crypt32.CryptUnprotectData(
        ctypes.byref(given), None, None, None, None, no_prompt, ctypes.byref(plain)
    ):
        raise os_crypt.cannot_be_decrypted()
    try:
        return ctypes.string_at(plain.data, plain.size)
    finally:
        windows.kernel32.LocalFree(plain.data)


_WAYS: dict[tuple[str, bytes], Callable[[bytes, Env], str]] = {
    ("linux", os_crypt.V10): _linux_fixed,
    ("linux", os_crypt.V11): _linux_keyring,
    ("darwin", os_crypt.V10): _macos_keychain,
    ("win32", os_crypt.V10): _windows_dpapi,
}
