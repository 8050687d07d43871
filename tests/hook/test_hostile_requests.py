"""The process that the hook starts, with hostile files and variables."""

from __future__ import annotations

import os
import subprocess

import pytest

from cowork_env.hook.interpreter import request_command
from cowork_env.util.text import is_control

from support.home import Home
from support.hook import hook_request
from support.hostile import NOT_REGULAR, Project


@pytest.fixture
def project(home: Home) -> Project:
    return Project(home)


@pytest.mark.parametrize(
    "kind", ["FIFO", "link to /dev/zero", "50 MB", "loop of links", "directory"]
)
def test_the_hook_process_responds_to_every_kind_of_file(project: Project, kind: str) -> None:
    NOT_REGULAR[kind](project.pin)
    done = hook_request(project.home, project.path)
    assert (
        done.returncode == 0
        and done.stderr == ""
        and done.stdout.startswith("__cowork_env_response_")
    )
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize(
    "value",
    [
        "\x1b[2J",
        "$(touch owned)",
        "'; touch owned; '",
        "a" * 100_000,
        "\udcff",
        "none\n",
        "\n",
        "--help",
    ],
)
def test_hostile_values_of_cowork_provider(project: Project, value: str) -> None:
    done = hook_request(project.home, project.path, COWORK_PROVIDER=value)
    assert done.returncode == 0 and done.stderr == ""
    checked = subprocess.run(
        ["bash", "-c", done.stdout + '\nprintf %s "$__cowork_env_response_error"'],
        capture_output=True,
        cwd=project.path,
        timeout=20,
        check=True,
    )
    assert not checked.stderr and not os.path.exists(project.path / "owned")
    shown = checked.stdout.decode()
    assert not any(is_control(char) for char in shown) and len(shown) < 1000
    assert "There is no provider" in shown or value.strip() in ("none", "")


@pytest.mark.parametrize(
    "value",
    [
        "x",
        "1:",
        "1::",
        "1:0:AAAA",
        "$(touch owned)",
        "'",
        "1:" + "a" * 100_000,
        "\udcff",
        "2:x:y",
        ":",
    ],
)
def test_a_damaged_state_is_reported_once_and_never_evaluated(project: Project, value: str) -> None:
    done = hook_request(project.home, project.path, COWORK_ENV_STATE=value)
    assert (
        done.returncode == 0
        and done.stderr == ""
        and "COWORK_ENV_STATE is damaged; it is ignored" in done.stdout
    )
    assert "touch owned" not in done.stdout


def test_a_request_of_another_version_has_no_response(project: Project) -> None:
    """An argument may matter, a flag may not: shells keep their hook when the program changes."""
    for argument, status in (("flags=new-flag", 0), ("new=1", 1)):
        command = [*request_command("bash"), argument]
        env, cwd = project.home.env, project.path
        done = subprocess.run(command, env=env, cwd=cwd, capture_output=True, timeout=20)
        assert (done.returncode, bool(done.stdout)) == (status, status == 0)
