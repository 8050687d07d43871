"""``token`` and ``reload``."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from support.home import Home, executable
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


@pytest.mark.parametrize(
    "command",
    [
        ["token", "b"],
        ["exec", "--provider", "b", "--", "printenv", "ANTHROPIC_AUTH_TOKEN"],
        ["export", "--format", "json", "--provider", "b"],
        ["doctor", "b", "--json", "--timeout", "1"],
    ],
    ids=lambda command: command[0],
)
def test_a_variable_of_another_provider_is_not_a_key(
    program: Program, home: Home, command: list[str]
) -> None:
    """Neither by its state, nor where that is damaged; the user's own value is what counts."""
    home.providers(
        [
            {
                "name": "a",
                "baseUrl": "https://a.example",
                "authToken": "sk-a",
                "env": {"SHARED": "sk-of-a"},
            },
            {"name": "b", "baseUrl": "http://127.0.0.1:9", "authTokenFrom": "env:SHARED"},
        ]
    )
    inner = ["exec", "--provider", "a", "--", executable(), *command]
    done = program.run(*inner)
    assert done.returncode == 1 and "not found: $SHARED is not set." in (
        (done.stdout + done.stderr).lower().replace("$shared", "$SHARED")
    )
    assert "sk-of-a" not in done.stdout + done.stderr
    damaged = program.run(*command, SHARED="sk-of-a", COWORK_ENV_STATE="1:damaged")
    assert damaged.returncode == 1 and "cannot be told" in damaged.stdout + damaged.stderr
    stripped = program.run(
        *("exec", "--provider", "a", "--", "env", "-u", "COWORK_ENV_STATE", executable(), *command)
    )
    assert stripped.returncode == 1 and "cannot be told" in stripped.stdout + stripped.stderr
    if command[0] != "doctor":
        assert "sk-own" in program.run(*inner, SHARED="sk-own").check().stdout
