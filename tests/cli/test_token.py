"""``token`` and ``reload``."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from support.home import Home
from support.program import Program


@pytest.fixture
def project(home: Home) -> Path:
    """A directory to pin, with the guide's providers."""
    home.providers()
    path = home.path / "work/app"
    path.mkdir(parents=True)
    return path


def test_reload_changes_the_watched_file(program: Program, home: Home) -> None:
    stamps = set()
    for _ in range(2):
        assert program.run("reload").returncode == 0
        stamps.add((home.state / "reload").stat().st_mtime_ns)
        time.sleep(0.02)  # longer than a tick of the file system's clock
    assert len(stamps) == 2
    assert home.state.stat().st_mode & 0o777 == 0o700


def test_token_prints_only_the_key(program: Program, home: Home, project: Path) -> None:
    assert program.run("token", "openrouter").stdout == "sk-or-invented-0002\n"
    assert program.run("token").returncode == 1
    home.pin(project, "my-anthropic-api\n")
    result = program.run("token", cwd=project)
    assert (result.stdout, result.stderr) == ("sk-ant-api03-invented-0001\n", "")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nobody", "There is no provider 'nobody'"),
        ("keyless", "keyless: it has no key."),
        ("direct", "direct has no key, and needs none."),
        ("encrypted", "encrypted: "),
        ("none", "No provider applies here."),
    ],
)
def test_token_fails_with_nothing_on_stdout(
    program: Program, home: Home, name: str, message: str
) -> None:
    home.providers(
        [
            {"name": "keyless", "baseUrl": "https://x.example"},
            {"name": "direct", "env": {"CLAUDE_CODE_USE_BEDROCK": "1"}},
            {"name": "encrypted", "baseUrl": "https://x.example", "authToken": "ENC:v1:djEwAAAA"},
        ]
    )
    result = program.run("token", name)
    assert (result.returncode, result.stdout) == (1, "")
    assert message in result.stderr


def test_token_with_an_untrusted_pin(program: Program, home: Home, project: Path) -> None:
    home.pin(project, "openrouter\n", allow=False)
    result = program.run("token", cwd=project)
    assert (result.returncode, result.stdout) == (3, "")
