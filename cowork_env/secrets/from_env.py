"""``env:NAME``: the key is in an environment variable, as CI systems provide it."""

from __future__ import annotations

from ..core.provider import is_variable
from ..util.errors import CoworkEnvError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def check(name: str) -> None:
    """Raise :class:`CoworkEnvError` unless ``name`` can be a variable's name and is not one of ours."""
    if not is_variable(name):
        raise CoworkEnvError("does not name an environment variable")
    from ..core.environment import ACTIVE, MANAGED, STATE

    if name in (*MANAGED, ACTIVE, STATE):
        raise CoworkEnvError("names a variable that cowork-env itself sets")


def fetch(name: str, env: Mapping[str, str]) -> str:
    """The variable's value."""
    try:
        check(name)
    except CoworkEnvError as error:
        raise CoworkEnvError(f"bad reference: env: {error.message}.") from None
    if not env.get(name):
        raise CoworkEnvError(f"not found: ${name} is not set.")
    return env[name]
