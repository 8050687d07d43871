"""What the tests of the commands for pins and trust share."""

from __future__ import annotations

from pathlib import Path

from cowork_env.core.trust import TrustStore, location

from support.home import GUIDE, Home
from support.program import Completed, Program

KEYS = [str(entry["authToken"]) for entry in GUIDE]


def run(home: Home, *args: str, cwd: Path | None = None, **env: str) -> Completed:
    """Run a command; it may fail, but no key and no traceback may be in its messages."""
    result = Program(home).run(*args, cwd=cwd, env=env)
    assert not [key for key in KEYS if key in result.stderr]
    assert "Traceback" not in result.stderr
    return result


def state(home: Home, pin: Path) -> str:
    """What the trust store says about a pin as it is."""
    return TrustStore(str(home.state)).check(location(str(pin)), pin.read_bytes())


def active(home: Home, cwd: Path) -> str:
    """The provider that applies in a directory."""
    result = run(home, "exec", "sh", "-c", 'echo "${COWORK_ENV_ACTIVE-none}"', cwd=cwd)
    return result.stdout.strip() if result.returncode == 0 else f"exit {result.returncode}"
