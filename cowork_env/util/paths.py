"""The user's two folders: the configuration shared with the desktop app, and our own state."""

from __future__ import annotations

import os
import sys

from .errors import CoworkEnvError


def config_dir() -> str:
    """The per-user configuration folder, which the folder of the provider file is in."""
    if path := _xdg("XDG_CONFIG_HOME", ".config"):
        return os.path.abspath(path)
    try:
        from platformdirs import user_config_dir

        return os.path.abspath(user_config_dir())
    except RuntimeError:
        raise _no_home() from None


def state_dir() -> str:
    """Our own folder, for the selection and trust. The first write creates it, as private."""
    if path := _xdg("XDG_STATE_HOME", ".local/state"):
        return os.path.abspath(f"{path}/cowork-env")
    try:
        from platformdirs import user_state_dir

        return os.path.abspath(user_state_dir("cowork-env", appauthor=False))
    except RuntimeError:
        raise _no_home() from None


def _xdg(variable: str, default: str) -> str:
    """What platformdirs returns on Linux in the common cases, or empty.

    Importing it takes longer than starting the interpreter twice, at the start of every shell.
    """
    if sys.platform != "linux" or "ANDROID_DATA" in os.environ:
        return ""
    path, home = os.environ.get(variable, ""), os.environ.get("HOME", "")
    if path.startswith("/"):
        return path
    return f"{home}/{default}" if home.startswith("/") else ""


def _no_home() -> CoworkEnvError:
    return CoworkEnvError("Your home directory is unknown.", "Set HOME to an absolute path.")
