"""The user's two folders: the configuration shared with the desktop app, and our own state."""

from __future__ import annotations

import os

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


def _no_home() -> CoworkEnvError:
    return CoworkEnvError("Your home directory is unknown.", "Set HOME to an absolute path.")
