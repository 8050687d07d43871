"""The two folders of a person's: the configuration that the desktop app shares, and our own state."""

from __future__ import annotations

import os
import sys

from .errors import CoworkEnvError


def config_dir() -> str:
    """The per-user configuration folder, in which the provider file's folder lies."""
    if path := _xdg("XDG_CONFIG_HOME", ".config"):
        return os.path.abspath(path)
    try:
        from platformdirs import user_config_dir

        return os.path.abspath(user_config_dir())
    except RuntimeError:
        raise _homeless() from None


def state_dir() -> str:
    """Our own folder for selection and trust. It is made private when something is first kept in it."""
    if path := _xdg("XDG_STATE_HOME", ".local/state"):
        return os.path.abspath(f"{path}/cowork-env")
    try:
        from platformdirs import user_state_dir

        return os.path.abspath(user_state_dir("cowork-env", appauthor=False))
    except RuntimeError:
        raise _homeless() from None


def _xdg(variable: str, default: str) -> str:
    """What platformdirs answers on Linux in the usual case, or empty.

    Its import costs more than two starts of the interpreter, and every shell would wait for it at its own start.
    """
    if sys.platform != "linux" or "ANDROID_DATA" in os.environ:
        return ""
    path, home = os.environ.get(variable, ""), os.environ.get("HOME", "")
    if path.startswith("/"):
        return path
    return f"{home}/{default}" if home.startswith("/") else ""


def _homeless() -> CoworkEnvError:
    return CoworkEnvError(
        "There is no telling where your home is.", "Set HOME to an absolute path."
    )
