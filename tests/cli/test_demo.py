"""``demo``."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest

from support.home import Home, need


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_demo(shell: str, home: Home, tmp_path: Path) -> None:
    """Every step has its effect in each shell; the home is unchanged, nothing is left behind."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    done = subprocess.run(
        ["cowork-env", "demo"],
        env={**home.env, "SHELL": need(shell), "TMPDIR": str(temporary)},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert (done.returncode, done.stderr) == (0, "")
    for line in (
        "cowork-env: OpenRouter (~/work/app/.cowork-provider)",
        "base URL: https://openrouter.ai/api   model: anthropic/claude-sonnet-4-20250514",
        "base URL:    model: ",
        "cowork-env: left OpenRouter",
        "cowork-env: ~/work/clone/.cowork-provider is not trusted. Run: cowork-env allow",
        "cowork-env: LiteLLM Local (~/work/clone/.cowork-provider)",
        "base URL: http://localhost:4000   model: claude-3-5-sonnet-20241022",
    ):
        assert line in done.stdout.split("\n"), line
    assert done.stdout.count("cowork-env: left LiteLLM Local\n") == 1
    assert "invented-for-the-demo" not in done.stdout and "\x1b" not in done.stdout
    assert list(temporary.iterdir()) == []
    assert [p for p in home.path.rglob("*") if p.is_file()] == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupted_demo_leaves_nothing_behind(number: int, home: Home, tmp_path: Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    env = {**home.env, "SHELL": need("bash"), "TMPDIR": str(temporary)}
    with subprocess.Popen(
        ["cowork-env", "demo"], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as demo:
        assert demo.stdout is not None
        demo.stdout.readline()  # The first line is shown when there is a shell.
        demo.send_signal(number)
        demo.communicate(timeout=60)
    assert demo.returncode == 128 + number
    assert list(temporary.iterdir()) == []


def test_demo_without_a_supported_shell(home: Home, tmp_path: Path) -> None:
    import sys

    done = subprocess.run(
        [sys.executable, "-I", "-m", "cowork_env", "demo"],
        env={**home.env, "PATH": str(tmp_path), "SHELL": "/bin/tcsh"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr and done.stderr.count("\n") == 2
