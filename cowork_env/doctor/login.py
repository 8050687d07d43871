"""Which login an account has: what Claude Code has stored, looked at without using or showing it.

Nothing is sent, and nothing secret is kept: of the tokens, only whether they are there.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .. import overrides
from ..core.environment import CONFIG_DIR
from ..core.provider import DEFAULT_LOGIN, login_directory
from ..secrets import keychain
from ..util import system
from ..util.text import visible

if TYPE_CHECKING:
    from ..core.provider import Provider
    from ..core.resolve import Inputs

CREDENTIALS_FILE = ".credentials.json"
# In macOS's keychain. With a directory, a hyphen and a part of its digest follow (2.1.332).
SERVICE = "Claude Code-credentials"
_DIGITS = 8  # of that digest
_MAX_SHOWN = 80  # characters of an e-mail address


@dataclass(frozen=True)
class Login:
    """A login of Claude Code's.

    ``email`` and ``plan`` are safe to show, or empty. ``expired``: when its token expired, in
    seconds since the epoch, or 0; ``renewable``: Claude Code renews it by itself. ``path``: the
    file with its tokens, or empty if it is not in a file. ``by_key``: it is an API key that a login
    to the Console has made.
    """

    email: str = ""
    plan: str = ""
    expired: float = 0
    renewable: bool = True
    path: str = ""
    by_key: bool = False

    @property
    def usable(self) -> bool:
        """Whether Claude Code can use it, as far as can be seen."""
        return self.renewable or not self.expired

    @property
    def who(self) -> str:
        """`` as EMAIL (PLAN)``, as far as these are known."""
        plan = f" ({self.plan})" if self.plan else ""
        return f" as {self.email}{plan}" if self.email else plan


def find(account: Provider, inputs: Inputs, platform: str = sys.platform) -> Login | None:
    """The login in an account's directory, or None if there is none.

    Raises :class:`CoworkEnvError` where that cannot be told.
    """
    home = inputs.home
    directory = login_directory(account, home)
    env = {"HOME": home, CONFIG_DIR: directory}
    own = _object(overrides.own_file(env), home, overrides.MAX_OWN_BYTES)
    email = _text(own.get("oauthAccount"), "emailAddress")
    path = os.path.join(directory or home + DEFAULT_LOGIN[1:], CREDENTIALS_FILE)
    tokens = _object(path, home, overrides.MAX_BYTES).get("claudeAiOauth")
    if isinstance(tokens, dict) and (_text(tokens, "accessToken") or _text(tokens, "refreshToken")):
        until = tokens.get("expiresAt")  # milliseconds
        if not (isinstance(until, (int, float)) and 0 < until < time.time() * 1000):
            until = 0
        return Login(
            email,
            _text(tokens, "subscriptionType"),
            until / 1000,
            bool(_text(tokens, "refreshToken")),
            path,
        )
    if platform == "darwin" and keychain.has(service(directory), inputs.env):
        return Login(email)
    if _text(own, overrides.PRIMARY_KEY):
        return Login(email, by_key=True)
    return None


def service(directory: str) -> str:
    """The name of the keychain's item with the login in ``directory``; empty: the default one."""
    if not directory:
        return SERVICE
    return f"{SERVICE}-{system.digest(system.encode(directory))[:_DIGITS]}"


def _object(path: str, home: str, limit: int) -> dict[str, Any]:
    """The object in a file of Claude Code's, empty if there is none."""
    if error := system.distrusted(path):
        raise error
    try:
        return overrides.load(path, home, limit)
    except FileNotFoundError:
        return {}


def _text(values: object, key: str) -> str:
    """A text in an object, as it may be shown."""
    value = values.get(key) if isinstance(values, dict) else None
    return visible(value, _MAX_SHOWN) if isinstance(value, str) else ""
