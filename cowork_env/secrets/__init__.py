"""Where a provider's key comes from: stored in the file, or fetched from where ``authTokenFrom`` points.

One small module per kind of source, imported when it is used. The list of kinds is closed and case-sensitive.
"""

from __future__ import annotations

from ..core.provider import InvalidField, Provider, check_token, is_encrypted
from ..util.errors import CoworkEnvError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Protocol

    class Source(Protocol):
        """A module of this package: see that a reference (without its scheme) is well formed; fetch its key."""

        def check(self, rest: str, /) -> None: ...
        def fetch(self, rest: str, env: Mapping[str, str], /) -> str: ...


# scheme -> the module of this package that is its source, or empty: not built yet.
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
# Sources outside this machine's files and environment: they may be slow, and may change without a trace.
OUTSIDE = frozenset(SCHEMES) - {"env:", "file:"}


def scheme_of(reference: str) -> str:
    """The scheme of a secret reference; raises :class:`InvalidField` for one that is not in the list."""
    for scheme in SCHEMES:
        if reference.startswith(scheme):
            return scheme
    raise InvalidField(("authTokenFrom",), f"is none of {', '.join(SCHEMES)}")


def check_reference(reference: str) -> str:
    """A secret reference whose form is right; raises :class:`InvalidField` otherwise."""
    if reference:
        scheme = scheme_of(reference)
        if SCHEMES[scheme]:
            try:
                _source(scheme).check(reference.removeprefix(scheme))
            except CoworkEnvError as error:
                raise InvalidField(("authTokenFrom",), error.message) from None
    return reference


def outside(reference: str) -> bool:
    """Whether fetching this reference asks something that may be slow or may change without a trace."""
    try:
        return bool(reference) and scheme_of(reference) in OUTSIDE
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
    # Spelled out: importlib would be the heaviest import on this way.
    if scheme == "env:":
        from . import from_env

        return from_env
    if scheme == "file:":
        from . import from_file

        return from_file
    from . import from_command

    return from_command


def fetch(provider: Provider, env: Mapping[str, str], config_dir: str) -> str:
    """The provider's key, ready to export; empty only for a provider that needs none.

    Raises :class:`CoworkEnvError` which says what is wrong, and never what the key or its reference holds.
    """
    if provider.token_from:
        try:
            scheme = scheme_of(provider.token_from)
        except InvalidField as error:
            raise CoworkEnvError(f"bad reference: authTokenFrom {error.why}.") from None
        if not SCHEMES[scheme]:
            raise CoworkEnvError(
                f"keys from {scheme}... are not supported yet.", "Use env:, file: or cmd: instead."
            )
        return checked(_source(scheme).fetch(provider.token_from.removeprefix(scheme), env))
    if is_encrypted(provider.token):
        raise CoworkEnvError(
            "its key is encrypted by the desktop app and cannot be read yet.",
            f"Enter it again with 'cowork-env edit \"{provider.name}\" --token-stdin'.",
        )
    if not provider.token and not provider.direct:
        raise CoworkEnvError(
            "it has no key.", f"Enter one with 'cowork-env edit \"{provider.name}\" --token-stdin'."
        )
    return provider.plain_token


def checked(value: str) -> str:
    """A fetched key as one non-empty line of printable text; one trailing line break is not part of it."""
    value = value.removesuffix("\n").removesuffix("\r")
    try:
        if check_token(value):
            return value
    except InvalidField as error:
        raise CoworkEnvError(f"bad value: the key {error.why}.") from None
    raise CoworkEnvError("bad value: the key is empty.")
