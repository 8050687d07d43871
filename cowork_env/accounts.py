"""Accounts, the providers that are a login of the client's own: their words, and their directory.

The rules for one are in ``core/provider.py``.
"""

from __future__ import annotations

import os

from .core.provider import (
    ACCOUNT,
    InvalidField,
    Provider,
    check_config_dir,
    login_directory,
    name_argument,
)
from .util.errors import CoworkEnvError
from .util.text import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

DEFAULT_LOGIN, TOKEN = "default login", "token"
DIRECTORY_QUESTION = "Directory of the login"
URL_HINT = "An account has none; for an endpoint, leave --account out."
TOKEN_QUESTION = "Token (from 'claude setup-token')"
# How the keys of Anthropic's API begin, which no login can use.
_API_KEYS = "sk-ant-api"


def is_account(entry: Mapping[str, Any]) -> bool:
    """Whether an entry of providers.json, valid or not, is that of an account."""
    return entry.get("auth") == ACCOUNT


def place(provider: Provider) -> str:
    """Where an account's login is, as it is shown: its directory, its token, or the default."""
    directory = provider.config_dir if login_directory(provider, "") else ""
    token = TOKEN if provider.has_key else ""
    return visible(", ".join(filter(None, (token, directory)))) or DEFAULT_LOGIN


def checked_directory(directory: str, here: str) -> str:
    """A directory as the user gave it, for the file: ``~/`` stays, as that is right on any machine.

    A relative one is taken from the directory ``here``. Empty: the default login. Raises
    :class:`InvalidField` for what is no directory, or no login's.
    """
    if "://" in directory:
        raise InvalidField(("configDir",), "is a URL, not a directory", URL_HINT)
    if directory.startswith("$"):  # It was quoted, or answered: no shell has expanded it.
        raise InvalidField(("configDir",), "begins with a variable", "Write ~/ for your home.")
    if directory and not directory.startswith("~"):
        directory = os.path.normpath(os.path.join(here, directory))
    check_config_dir(directory)
    if os.path.isfile(os.path.expanduser(directory)):
        raise InvalidField(("configDir",), "is a file, not a directory")
    return directory


def suggested_name(directory: str, token: bool) -> str:
    """A name for a new account: ``Claude (work)`` for ``~/.claude-work``."""
    name = os.path.basename(directory.rstrip("/")).lstrip(".").removeprefix("claude-")
    if name in ("", "claude"):
        name = TOKEN if token else ""
    return f"Claude ({name})" if name else "Claude"


def check_token(token: str) -> None:
    """Raise :class:`CoworkEnvError` for an API key in the place of an account's token."""
    if token.startswith(_API_KEYS):
        raise CoworkEnvError(
            "That is a key of Anthropic's API, not a token of 'claude setup-token'.",
            "For such a key: cowork-env add anthropic",
        )


def start_command(provider: Provider, rest: str) -> str:
    """The command that starts Claude Code with an account, and with ``rest`` as its arguments."""
    word = name_argument(provider.name)
    return f"cowork-env exec --provider {word} -- claude {rest}".rstrip()


def login_command(provider: Provider) -> str:
    """The command with which the user logs in to an account."""
    return start_command(provider, "auth login")
