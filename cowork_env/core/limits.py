"""What fits into an environment: too much in it, and a shell can start no program any more.

Linux refuses a program with E2BIG when one string ``NAME=value`` has more than 128 KiB
(MAX_ARG_STRLEN), or all strings, arguments included, more than a quarter of the stack's limit, at
most 6 MiB (execve(2)); macOS when all have more than 1 MiB. What a provider would set is compared
with these limits before it is set, ``COWORK_ENV_STATE`` included: that holds the user's own values,
each byte as up to three. What would not fit is not set at all.
"""

from __future__ import annotations

import posix

from ..util.errors import CoworkEnvError
from ..util.text import visible
from . import environment
from .environment import ACTIVE, STATE, URL_AND_CREDENTIALS
from .provider import InvalidField

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from .environment import Changes, Target
    from .provider import Provider

# All in bytes.
MAX_VARIABLE = 128 << 10  # NAME=value and the NUL at its end
MAX_SET = 256 << 10  # all that a provider sets
MAX_ALL = 6 << 20  # what Linux gives to arguments and environment at most
MAX_NAME = 1 << 10  # of a provider: a pin has 4 KiB, models included
_SURELY_FITS = 32 << 10  # characters
_PER_VARIABLE = 64  # in the state: a variable's name, its mark and separators
_PER_CHARACTER = 12  # in the state: a character is at most four bytes, each as "%" and two digits
_POINTER = 8  # to each string


def check(env: Mapping[str, str], key: str, provider: Provider, wanted: Target) -> None:
    """Raise :class:`CoworkEnvError` if ``wanted`` cannot be set in ``env`` and undone again.

    ``key`` as in :func:`environment.transition`. The error holds no value.
    """
    why, hint = excess(env, key, wanted)
    if why:
        raise CoworkEnvError(f"{visible(provider.name)} {why}.", hint)


def check_provider(provider: Provider) -> None:
    """Raise :class:`InvalidField` if a provider to be saved would not fit in any environment."""
    if len(provider.name.encode("utf-8")) > MAX_NAME:
        raise InvalidField(("name",), f"is longer than {MAX_NAME} bytes")
    wanted = environment.target(provider, provider.token or "-", {})
    why, hint = excess({}, provider.key, wanted)
    if why:
        raise InvalidField((), why, hint)


def dead_end(env: Mapping[str, str], key: str) -> Target | None:
    """What a required pin sets that cannot be used: as much of ``environment.unresolved`` as fits.

    None if not even the URL and a key fit.
    """
    wanted = environment.unresolved()
    least = (*URL_AND_CREDENTIALS, environment.HOST_FLAG, ACTIVE)
    for target in (wanted, {name: wanted[name] for name in least}):
        if excess(env, key, target) == _FITS:
            return target
    return None


_FITS = "", ""


def excess(env: Mapping[str, str], key: str, wanted: Target) -> tuple[str, str]:
    """Why ``wanted`` cannot be set in ``env``, and a hint; both empty if it can.

    The former completes the sentence "PROVIDER ...". ``key`` as in :func:`environment.transition`.
    """
    if _surely_fits(env, wanted):
        return _FITS
    for fresh in (False, True):
        _, changes = environment.transition(env, key, wanted, fresh)
        found = _excess(env, changes)
        if found != _FITS:
            return found
    return _FITS


def _surely_fits(env: Mapping[str, str], wanted: Target) -> bool:
    """A cheap estimate from above: nearly every request computes nothing more."""
    originals = sum(map(len, filter(None, map(env.get, wanted))))
    state = len(env.get(STATE, "")) + _PER_CHARACTER * originals + _PER_VARIABLE * len(wanted)
    values = sum(len(value or "") for value in wanted.values())
    everything = sum(map(len, env)) + sum(map(len, env.values()))
    return max(state + values, everything) < _SURELY_FITS


def _excess(env: Mapping[str, str], changes: Changes) -> tuple[str, str]:
    sizes = {name: _size(name, value) for name, value in changes.items() if value is not None}
    for name, size in sizes.items():
        if size > MAX_VARIABLE and name == STATE:
            return (
                "cannot be activated: your own values of variables that it replaces are too large"
                " to be kept",
                "Unset the large ones first.",
            )
        if size > MAX_VARIABLE:
            why = f"sets {name} to more than the {MAX_VARIABLE >> 10} KiB that a variable can hold"
            return why, "Make it shorter."
    if sum(sizes.values()) > MAX_SET:
        return f"sets more than {MAX_SET >> 10} KiB of variables", "Make them shorter."
    before = sum(_size(name, value) for name, value in env.items())
    after = sum(_size(n, v) for n, v in environment.applied(env, changes).items())
    # Half of the room is left for arguments.
    if after > before and after > min(posix.sysconf("SC_ARG_MAX"), MAX_ALL) // 2:
        return (
            "cannot be activated: the environment would be too large to start a program",
            "Unset large variables first.",
        )
    return _FITS


def _size(name: str, value: str) -> int:
    """What a variable takes of the room for arguments and environment."""
    return len(f"{name}={value}\0".encode("utf-8", "surrogateescape")) + _POINTER
