"""A provider's key: stored in ``providers.json``, or fetched from where ``authTokenFrom`` points.

There is one small module for each source of keys, imported when it is used, with these functions:

* ``check(rest)`` raises :class:`CoworkEnvError` unless the reference is well formed. Its message
  completes the sentence "authTokenFrom ...".
* ``fetch(rest, env)`` returns the key, as it is there, for a reference that is well formed. It
  raises :class:`CoworkEnvError` with a message that begins with what is wrong: tool missing, not
  found, locked, denied, timed out, bad value. It never contains the key or the reference. It never
  asks the user anything: a prompt may be waiting for it.

If it may be slow:

* ``waits_for(rest)`` says what a lookup waits for, as in "pass".

If a store may be locked:

* ``unlock(rest, env)`` asks the user to unlock it, on the terminal or on the desktop, unless it
  is unlocked.

If keys can be moved there (``secure``):

* ``ready(env)`` raises :class:`CoworkEnvError` where no key can be stored.
* ``store(rest, key, env, label)`` stores a key, so that a crash of the system does not lose it, and
  ``remove(rest, env)`` removes it. Both may ask.

``rest`` is the reference without its scheme, ``env`` the environment without the active provider.
A key that the desktop app has encrypted is read by ``desktop.py``; what is wrong may also be that
it "cannot be decrypted".
"""

from __future__ import annotations

from ..core.provider import InvalidField, Provider, check_token
from ..util.errors import CoworkEnvError
from ..util.text import argument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Protocol, TypeVar

    T = TypeVar("T")

    class Source(Protocol):
        """A module of this package that is a source of keys; see above."""

        def check(self, rest: str, /) -> None: ...
        def fetch(self, rest: str, env: Mapping[str, str], /) -> str: ...
        def waits_for(self, rest: str, /) -> str: ...
        def unlock(self, rest: str, env: Mapping[str, str], /) -> None: ...
        def ready(self, env: Mapping[str, str], /) -> None: ...
        def store(self, rest: str, key: str, env: Mapping[str, str], label: str, /) -> None: ...
        def remove(self, rest: str, env: Mapping[str, str], /) -> None: ...


# The schemes of references, case-sensitive: scheme -> module in this package. Add a source by
# adding its module here.
SCHEMES = {
    "env:": "from_env",
    "file:": "from_file",
    "cmd:": "from_command",
    "keyring:": "from_keyring",
    "pass:": "from_pass",
    "op://": "from_op",
    "vault://": "from_vault",
    "aws-sm://": "from_aws_sm",
}
MAX_BYTES = 64 << 10  # of what a key is read from
# Hints
ONE_LINE = "A key is one line of printable text."
UNLOCK = "Unlock it: cowork-env reload"
_STAYS_LOCKED = "It was not unlocked: use its own program for that, or keep the key elsewhere."
# All but these may be slow, and may change without a trace.
_LOCAL = ("env:", "file:")
# Where keys can be moved to, and what users call it -> its scheme: those that are the user's own.
STORES = {"keyring": "keyring:", "pass": "pass:"}


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
        try:
            source(scheme).check(reference.removeprefix(scheme))
        except CoworkEnvError as error:
            raise InvalidField(("authTokenFrom",), error.message) from None
    return reference


def may_be_slow(provider: Provider) -> bool:
    """Whether the key comes from something that may be slow or may change without a trace."""
    if not provider.token_from:
        return provider.encrypted
    try:
        return scheme_of(provider.token_from) not in _LOCAL
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


def source(scheme: str) -> Source:
    """The module for a scheme of :data:`SCHEMES`."""
    # The built-in function: importing importlib would cost more than the rest of the fast path.
    module: Source = __import__(SCHEMES[scheme], globals(), fromlist=("fetch",), level=1)
    return module


# Keys


def fetch(
    provider: Provider, env: Mapping[str, str], say: Callable[[str], None] | None = None
) -> str:
    """The provider's key, ready to export; empty only for a provider that needs none.

    ``say`` is called with what a lookup waits for (one line) if that is slow. Raises
    :class:`CoworkEnvError` that never contains the key or its reference.
    """
    if may_be_slow(provider):
        from . import waiting

        with waiting.limited(_waits_for(provider), say):
            return _fetch(provider, env)
    return _fetch(provider, env)


def _fetch(provider: Provider, env: Mapping[str, str]) -> str:
    if provider.token_from:
        scheme, rest = _split(provider)
        return checked(source(scheme).fetch(rest, env))
    if provider.encrypted:
        from . import desktop

        return checked(desktop.decrypt(provider, env))
    if not provider.token and provider.needs_key:
        key = f"cowork-env key {argument(provider.name, 'NAME')}"
        raise CoworkEnvError("it has no key.", f"Enter one: {key}")
    return provider.plain_token


def _split(provider: Provider) -> tuple[str, str]:
    """The scheme of its reference, and the rest; raises :class:`CoworkEnvError` for a bad one."""
    reference = provider.token_from
    try:
        check_reference(reference)
        scheme = scheme_of(reference)
    except InvalidField as error:
        edit = f"cowork-env edit --token-from REF {argument(provider.name, 'NAME')}"
        message = f"bad reference: authTokenFrom {error.why}."
        raise CoworkEnvError(message, f"Correct it: {edit}") from None
    return scheme, reference.removeprefix(scheme)


def _waits_for(provider: Provider) -> str:
    if not provider.token_from:
        return "the desktop app's key store"
    scheme, rest = _split(provider)
    return source(scheme).waits_for(rest)


def unlock(provider: Provider, env: Mapping[str, str]) -> None:
    """Ask the user to unlock the store that has the provider's key, if it can be locked.

    Raises :class:`CoworkEnvError` as :func:`fetch` does.
    """
    if provider.token_from:
        scheme, rest = _split(provider)
        module = source(scheme)
        if hasattr(module, "unlock"):
            asking(lambda: module.unlock(rest, env))
    elif provider.encrypted:
        from . import desktop

        asking(lambda: desktop.unlock(provider, env))


def asking(call: Callable[[], T]) -> T:
    """What ``call`` returns, which asks the user to unlock a store if it is locked.

    If it stays locked, the hint is not to ask again.
    """
    try:
        return call()
    except CoworkEnvError as error:
        if error.hint != UNLOCK:
            raise
        raise CoworkEnvError(error.message, _STAYS_LOCKED) from None


def is_about(error: CoworkEnvError, what: str) -> bool:
    """Whether an error of a source says that this is wrong, as in "locked"; see above."""
    return error.message.startswith(f"{what}:")


def checked(value: str) -> str:
    """A fetched key, without one final line break: a non-empty line of printable text.

    Raises :class:`CoworkEnvError` for anything else.
    """
    value = value.removesuffix("\n").removesuffix("\r")
    try:
        if check_token(value):
            return value
    except InvalidField as error:
        raise CoworkEnvError(f"bad value: the key {error.why}.", ONE_LINE) from None
    raise CoworkEnvError("bad value: the key is empty.", ONE_LINE)
