"""The hook request, sent word for word as a hook sends it."""

from __future__ import annotations

import subprocess
from pathlib import Path

from cowork_env.hook import render
from cowork_env.hook.interpreter import find_interpreter

from support.home import Home


def hook_request(
    home: Home, directory: Path, launch: str = "", **variables: str
) -> subprocess.CompletedProcess[str]:
    """Send a request as bash does, from ``directory``; ``launch`` stands in for the program that it
    runs.
    """
    state = str(home.state)
    return subprocess.run(
        [
            *find_interpreter(state).command,
            "-c",
            launch or render.launch(state, "bash"),
            "shell=bash",
            "flags=",
            f"state_dir={state}",
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
