"""``exec``: a command in place of the program, with the right environment or not at all."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from support.home import GUIDE, Home, executable, need
from support.program import Completed, Program


def run(home: Home, *args: str, cwd: Path | None = None, **env: str) -> Completed:
    """Run cowork-env exec."""
    return Program(home).run("exec", *args, cwd=cwd, **env)


def environment(result: Completed) -> dict[str, str]:
    """What ``env -0`` printed, as far as a provider may change it."""
    pairs = result.check().environment()
    return {k: v for k, v in pairs.items() if k.startswith(("ANTHROPIC", "CLAUDE", "COWORK_ENV"))}


def test_exec_uses_the_pin(home: Home) -> None:
    home.providers()
    project = home.path / "project"
    home.pin(project, "litellm-local\nopus = big\n")
    inside = environment(run(home, "env", "-0", cwd=project, ANTHROPIC_API_KEY="mine"))
    assert inside["ANTHROPIC_BASE_URL"] == "http://localhost:4000"
    assert inside["ANTHROPIC_AUTH_TOKEN"] == "sk-1234-invented-0003"
    assert inside["ANTHROPIC_DEFAULT_OPUS_MODEL"] == "big"
    assert "ANTHROPIC_API_KEY" not in inside
    assert environment(run(home, "env", "-0", ANTHROPIC_API_KEY="mine")) == {
        "ANTHROPIC_API_KEY": "mine"
    }


def test_nested_exec_can_change_the_provider(home: Home) -> None:
    home.providers()
    nested = ("--provider", "openrouter", "--", executable(), "exec", "--provider")
    before = {"ANTHROPIC_API_KEY": "mine", "ANTHROPIC_MODEL": ""}
    assert environment(run(home, *nested, "none", "env", "-0", **before)) == before
    other = environment(run(home, *nested, "my-anthropic-api", "env", "-0", **before))
    assert other["ANTHROPIC_BASE_URL"] == "https://api.anthropic.com"
    assert other["ANTHROPIC_AUTH_TOKEN"] == "sk-ant-api03-invented-0001"
    assert other["COWORK_ENV_ACTIVE"] == "My Anthropic API"


URL, TOKEN = "ANTHROPIC_BASE_URL", "ANTHROPIC_AUTH_TOKEN"


@pytest.mark.parametrize("missing", [TOKEN, URL])
def test_a_key_that_was_taken_away_is_put_back(home: Home, missing: str) -> None:
    """Claude Code keeps the key from what it starts: there, both are right again."""
    home.providers()
    provider = ("--provider", "openrouter", "--")
    program = executable()

    def there(*command: str, **env: str) -> Completed:
        """Run a command where one of the two is missing."""
        return run(home, *provider, "env", "-u", missing, program, *command, **env).check()

    whole = environment(run(home, *provider, "env", "-0"))
    assert environment(there("exec", *provider, "env", "-0")) == whole
    assert environment(there("exec", "env", "-0")) == whole  # by COWORK_PROVIDER
    shown = there("export", "--format", "sh").stdout
    assert f"{missing}='{whole[missing]}'" in shown
    for format in ("json", "dotenv"):
        shown = there("export", "--format", format).stdout
        assert whole[URL] in shown and whole[TOKEN] in shown
    # Leaving from there leaves nothing of it, and restores what was before.
    for before in ({}, {URL: "https://own.example", TOKEN: "own"}):
        left = there("exec", "--provider", "none", "--", "env", "-0", **before)
        assert environment(left) == before
    other = environment(there("exec", "--provider", "litellm-local", "--", "env", "-0"))
    assert (other[URL], other[TOKEN]) == ("http://localhost:4000", "sk-1234-invented-0003")


def test_a_foreign_state_is_ignored_with_one_warning(home: Home) -> None:
    """As one that came by ssh or sudo: of the variables that it names, nothing is restored."""
    home.providers()
    own = {"ANTHROPIC_MODEL": "of another user", "ANTHROPIC_CUSTOM_HEADERS": "X: theirs"}
    foreign = environment(run(home, "--provider", "openrouter", "env", "-0", **own))
    state = {"COWORK_ENV_STATE": foreign["COWORK_ENV_STATE"]}
    warning = "cowork-env: COWORK_ENV_STATE is not from this shell; it is ignored\n"
    for command in (("env", "-0"), ("--provider", "litellm-local", "env", "-0")):
        done = run(home, *command, **state)
        assert done.stderr == warning
        assert "theirs" not in done.stdout and "another user" not in done.stdout
    assert environment(run(home, "env", "-0", **state)) == {}
    done = Program(home).run("export", "--format", "sh", **state)
    assert (done.stdout, done.stderr) == ("unset COWORK_ENV_STATE\n", warning)
    damaged = run(home, "true", COWORK_ENV_STATE="junk")
    assert damaged.stderr == "cowork-env: COWORK_ENV_STATE is damaged; it is ignored\n"


@pytest.mark.parametrize("status", [0, 1, 3, 42, 126, 127, 255])
def test_exit_status_of_the_command(home: Home, status: int) -> None:
    assert run(home, "sh", "-c", f"exit {status}").returncode == status


def test_signal_of_the_command(home: Home) -> None:
    assert run(home, "sh", "-c", "kill -TERM $$").returncode == -signal.SIGTERM


def test_command_does_not_ignore_sigpipe(home: Home) -> None:
    """Python ignores SIGPIPE; a command that inherited that would write on into nothing."""
    result = run(home, "grep", "SigIgn", "/proc/self/status")
    if not Path("/proc/self/status").exists():
        pytest.skip("there is no /proc to see it in")
    assert int(result.stdout.split()[1], 16) & (1 << (signal.SIGPIPE - 1)) == 0


def test_exit_status_of_env(home: Home) -> None:
    (home.path / "not-executable").write_text("#!/bin/sh\n")
    missing = run(home, "no-such\x1bcommand")
    assert (missing.returncode, missing.stdout) == (127, "")
    assert (
        missing.stderr
        == "cowork-env: 'no-such\\x1bcommand' cannot be run: there is no such program on PATH.\n"
    )
    assert run(home, "./not-executable").returncode == 126
    assert run(home, str(home.path)).returncode == 126
    assert run(home, "").returncode == 127


@pytest.mark.parametrize(
    ("line", "argv"),
    [
        (["printf", "%s|", "--provider", "x", "--help", "--", "-x"], "--provider|x|--help|--|-x|"),
        (["--", "printf", "%s|", "--"], "--|"),
        (["--provider=none", "--trust", "--", "printf", "%s|", "a b", ""], "a b||"),
        (["--provider", "none", "printf", "%s|", "\udcff\n'"], "\udcff\n'|"),
    ],
)
def test_arguments_of_the_command_are_unchanged(home: Home, line: list[str], argv: str) -> None:
    result = subprocess.run(
        [executable(), "exec", *line], env=home.env, cwd=home.path, capture_output=True, timeout=60
    )
    assert os.fsdecode(result.stdout) == argv


def test_command_is_not_run_on_errors(home: Home) -> None:
    home.providers([*GUIDE, {"name": "keyless", "baseUrl": "https://x.example"}])
    cases = (
        ("openrouter\n", False, 3),
        ("nobody\n", True, 1),
        ("keyless\nrequired = true\n", True, 1),
        ("openrouter\nANTHROPIC_BASE_URL = https://evil.example\n", True, 1),
    )
    for number, (text, allowed, status) in enumerate(cases):
        project = home.path / str(number)
        home.pin(project, text, allow=allowed)
        result = run(home, "touch", "ran", cwd=project)
        assert result.returncode == status
        assert len(result.stderr.splitlines()) == 2
        assert not (project / "ran").exists()
    assert run(home, "--provider", "nobody", "touch", "ran").returncode == 1
    assert run(home, "--provider", "", "touch", "ran").returncode == 2
    assert not (home.path / "ran").exists()
    assert run(home, "--trust", "touch", "ran", cwd=home.path / "0").returncode == 0


def test_a_provider_that_does_not_fit_into_the_environment(home: Home) -> None:
    """One sentence from each command, and nothing is run or printed."""
    home.providers([{**GUIDE[1], "env": {"A": "x" * (200 << 10)}}])
    for command in (["exec", "echo", "ran"], ["export", "--format", "sh"]):
        for more in ([], ["--no-secrets"]) if command[0] == "export" else ([],):
            done = Program(home).run(*command, *more, COWORK_PROVIDER="openrouter")
            assert (done.returncode, done.stdout) == (1, "")
            assert "OpenRouter sets A to more than the 128 KiB" in done.stderr
            assert done.stderr.count("\n") <= 2 and "xxx" not in done.stderr


def test_key_is_not_in_an_argument_list(home: Home) -> None:
    home.providers()
    result = run(home, "--provider", "openrouter", need("cat"), "/proc/self/cmdline")
    if not Path("/proc/self/cmdline").exists():
        pytest.skip("there is no /proc to see it in")
    assert "sk-or" not in result.stdout


def test_hook_below_exec_provider_keeps_the_choice(home: Home) -> None:
    """A shell with the hook, or a launcher, below ``exec --provider`` does not decide anew."""
    home.providers()
    home.pin(home.path / "project", "OpenRouter\n")
    script = 'eval "$(cowork-env hook bash)"; cd /; cd ~/project; echo "$ANTHROPIC_MODEL"'
    for provider, model in (("litellm-local", "claude-3-5-sonnet-20241022"), ("none", "")):
        done = subprocess.run(
            ["cowork-env", "exec", "--provider", provider, "bash", "-c", script],
            env=home.env,
            cwd=home.path,
            capture_output=True,
            text=True,
            timeout=30,
        )
        assert (done.stdout, done.stderr) == (model + "\n", "")


@pytest.mark.parametrize(
    "command", ["no-such-program", "/nonexistent", "./nothing", "/tmp", "closed", "lost"]
)
def test_exit_status_of_what_cannot_be_run(home: Home, command: str) -> None:
    """126 for what is there and cannot be run, 127 for what is not, its interpreter included."""
    tools = home.path / "tools"
    tools.mkdir()
    (tools / "closed").write_text("#!/bin/sh\n")
    (tools / "lost").write_text("#!/nonexistent/interpreter\n")
    (tools / "lost").chmod(0o755)
    path = f"{tools}:{home.env['PATH']}"
    result = run(home, "--", command, PATH=path)
    as_env = subprocess.run(
        ["env", command], env={**home.env, "PATH": path}, cwd=home.path, capture_output=True
    )
    assert (result.returncode, result.stdout) == (as_env.returncode, "")
