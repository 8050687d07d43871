"""The user's folders: the configuration shared with the desktop app, our own state and data."""

from __future__ import annotations

import os
import sys

from . import system
from .errors import CoworkEnvError


def config_dir() -> str:
    """The per-user configuration folder, which the folder of the provider file is in."""
    if path := system.config_dir(system.environment()):
        return os.path.abspath(path)
    try:
        from platformdirs import user_config_dir

        return os.path.abspath(user_config_dir())
    except RuntimeError:
        raise _no_home() from None


def state_dir() -> str:
    """Our own folder, for the selection and trust. The first write creates it, as private."""
    if path := system.state_dir(system.environment()):
        return os.path.abspath(path)
    try:
        from platformdirs import user_state_dir

        return os.path.abspath(user_state_dir("cowork-env", appauthor=False))
    except RuntimeError:
        raise _no_home() from None


def launchers_dir() -> str:
    """The folder of the launchers. The first one creates it, as private.

    The hooks of bash, zsh and fish know this rule, too, but for Android.
    """
    env = system.environment()
    path, home = env.get("XDG_DATA_HOME", ""), env.get("HOME", "")
    if not path.startswith("/") and home.startswith("/"):
        mac = sys.platform == "darwin"
        path = f"{home}/{'Library/Application Support' if mac else '.local/share'}"
    if path.startswith("/") and "ANDROID_DATA" not in env:
        return os.path.abspath(f"{path}/cowork-env/shims")
    try:
        from platformdirs import user_data_dir

        return os.path.abspath(f"{user_data_dir('cowork-env', appauthor=False)}/shims")
    except RuntimeError:
        raise _no_home() from None


def check_permanent(prefix: str) -> None:
    """Raise :class:`CoworkEnvError` if what is installed below ``prefix`` will be removed again.

    ``uvx`` and ``pipx run`` install into a cache, and what is written for later must not name it.
    """
    in_uvs_cache = any(part.startswith("archive-v") for part in prefix.split("/"))
    if in_uvs_cache or "/pipx/.cache/" in f"{prefix}/":
        raise CoworkEnvError(
            "This cowork-env is in a cache, from which it will be removed.",
            "Install it in place of running it by uvx or pipx, as with: uv tool install cowork-env",
        )


def _no_home() -> CoworkEnvError:
    return CoworkEnvError("Your home directory is unknown.", "Set HOME to an absolute path.")
