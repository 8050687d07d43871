"""The hook request, sent word for word as a hook sends it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from cowork_env.hook.interpreter import FLAGS, PACKAGE

from support.home import Home

ISOLATED = [sys.executable, *FLAGS]


def hook_request(
    home: Home, directory: Path, code: str = "", package: str | Path = PACKAGE, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Send a request as bash does, from ``directory``, to the program in the folder ``package``.

    ``code`` is run by Python in the place of the program's first file.
    """
    return subprocess.run(
        [
            *ISOLATED,
            *(["-c", code] if code else [f"{package}/hook/launch.py"]),
            "shell=bash",
            "flags=",
            f"state_dir={home.state}",
            f"config_dir={home.config}",
        ],
        cwd=directory,
        env={**home.env, **variables},
        capture_output=True,
        text=True,
        errors="surrogateescape",
        timeout=20,
        check=False,
    )
