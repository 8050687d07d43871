"""``env:NAME``: the key is in an environment variable, where CI systems put it."""

from __future__ import annotations

from ..core.provider import is_variable
from ..util.errors import CoworkEnvError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def check(name: str) -> None:
    """Check that ``name`` is a valid variable name, and not one that cowork-env sets."""
    if not is_variable(name):
        raise CoworkEnvError("does not name an environment variable")
    from ..core.environment import ACTIVE, MANAGED, STATE

    if name in (*MANAGED, ACTIVE, STATE):
        raise CoworkEnvError("names a variable that cowork-env itself sets")


def fetch(name: str, env: Mapping[str, str]) -> str:
    """The value of the variable."""
    if not env.get(name):
        hint = "Export it in a startup file, before the hook's line. Empty is as good as unset."
        raise CoworkEnvError(f"not found: ${name} is not set.", hint)
    return env[name]
