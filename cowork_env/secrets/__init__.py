"""A provider's key: stored in ``providers.json``, or fetched from where ``authTokenFrom`` points.

There is one small module for each source of keys, imported when it is used, with two functions:

* ``check(rest)`` raises :class:`CoworkEnvError` unless the reference is well formed. Its message
  completes the sentence "authTokenFrom ...".
* ``fetch(rest, env)`` returns the key, as it is there, for a reference that is well formed. It
  raises :class:`CoworkEnvError` with a message that begins with what is wrong: tool missing, not
  found, locked, denied, timed out, bad value. It never contains the key or the reference.

``rest`` is the reference without its scheme, ``env`` the environment without the active provider.
"""

from __future__ import annotations

from ..core.provider import InvalidField, Provider, check_token, is_encrypted
from ..util.errors import CoworkEnvError
from ..util.text import argument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Protocol

    class Source(Protocol):
        """A module of this package that is a source of keys; see above."""

        def check(self, rest: str, /) -> None: ...
        def fetch(self, rest: str, env: Mapping[str, str], /) -> str: ...


# The schemes of references, case-sensitive: scheme -> module in this package, or empty while there
# is none. Add a source by adding its module here.
SCHEMES = {
    "env:": "from_env",
    "file:": "from_file",
    "cmd:": "from_command",
    "keyring:": "",
    "pass:": "",
    "op://": "",
    "vault://": "",
    "aws-sm://": "",
}
# All but these may be slow, and may change without a trace.
_LOCAL = ("env:", "file:")


# References


def scheme_of(reference: str) -> str:
    """The scheme of a secret reference; raises :class:`InvalidField` for an unknown one."""
    for scheme in SCHEMES:
        if reference.startswith(scheme):
            return scheme
    raise InvalidField(("authTokenFrom",), f"is none of {', '.join(SCHEMES)}")


def check_reference(reference: str) -> str:
    """The reference, if it is empty or well formed; raises :class:`InvalidField` otherwise."""
    if reference:
        scheme = scheme_of(reference)
        if SCHEMES[scheme]:
            try:
                _source(scheme).check(reference.removeprefix(scheme))
            except CoworkEnvError as error:
                raise InvalidField(("authTokenFrom",), error.message) from None
    return reference


def may_be_slow(reference: str) -> bool:
    """Whether the key comes from something that may be slow or may change without a trace."""
    try:
        return bool(reference) and scheme_of(reference) not in _LOCAL
    except InvalidField:
        return False


def watched_file(reference: str) -> str:
    """The file whose change means another key, or empty."""
    if not reference.startswith("file:"):
        return ""
    from . import from_file

    return from_file.split(reference.removeprefix("file:"))[0]


def watched_variable(reference: str) -> str:
    """The environment variable whose change means another key, or empty."""
    return reference.removeprefix("env:") if reference.startswith("env:") else ""


def _source(scheme: str) -> Source:
    # The built-in function: importing importlib would cost more than the rest of the fast path.
    module: Source = __import__(SCHEMES[scheme], globals(), fromlist=("fetch",), level=1)
    return module


# Keys


def fetch(provider: Provider, env: Mapping[str, str]) -> str:
    """The provider's key, ready to export; empty only for a provider that needs none.

    Raises :class:`CoworkEnvError` that never contains the key or its reference.
    """
    if provider.token_from:
        return _fetch_reference(provider.token_from, env)
    edit = f"cowork-env edit --token-stdin {argument(provider.name, 'NAME')}"
    if is_encrypted(provider.token):
        raise CoworkEnvError(
            "its key is encrypted by the desktop app and cannot be read yet.",
            f"Enter it again: {edit}",
        )
    if not provider.token and not provider.direct:
        raise CoworkEnvError("it has no key.", f"Enter one: {edit}")
    return provider.plain_token


def _fetch_reference(reference: str, env: Mapping[str, str]) -> str:
    try:
        check_reference(reference)
        scheme = scheme_of(reference)
    except InvalidField as error:
        raise CoworkEnvError(f"bad reference: authTokenFrom {error.why}.") from None
    if not SCHEMES[scheme]:
        raise CoworkEnvError(
            f"keys from {scheme}... are not supported yet.", "Use env:, file: or cmd: instead."
        )
    return checked(_source(scheme).fetch(reference.removeprefix(scheme), env))


def checked(value: str) -> str:
    """A fetched key, without one final line break: a non-empty line of printable text.

    Raises :class:`CoworkEnvError` for anything else.
    """
    value = value.removesuffix("\n").removesuffix("\r")
    try:
        if check_token(value):
            return value
    except InvalidField as error:
        raise CoworkEnvError(f"bad value: the key {error.why}.") from None
    raise CoworkEnvError("bad value: the key is empty.")
