"""What goes wrong at a prompt: bad pins, a damaged state, a missing program, slow lookups."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cowork_env.util.system import digest

from support.home import GUIDE, Home
from support.home import GUIDE_MANAGED as MANAGED
from support.processes import wait_for
from support.program import Program
from support.terminal import Open, one_line


def test_a_trusted_pin_that_fails(shell: str, home: Home, open_terminal: Open) -> None:
    """An unknown provider or bad content: no provider, reported once.

    A required pin keeps clients from falling back to another one.
    """
    home.providers()
    (home.state).mkdir(parents=True)
    (home.state / "selection").write_text("openrouter\n")
    project = home.path / "broken"
    home.pin(project, "Nobody\n")
    terminal = open_terminal(shell)
    assert terminal.managed() == MANAGED["OpenRouter"]
    said = terminal.run(f"cd {project}")
    assert said.startswith("cowork-env: ") and "Nobody" in said and said.count("\n") == 1
    assert terminal.managed() == {}
    assert terminal.run("true") == ""
    home.pin(project, "Nobody\nrequired = true\n")
    assert "Nobody" in terminal.run("true")
    managed = terminal.managed()
    assert managed["ANTHROPIC_BASE_URL"] == "http://unresolved.cowork-env.invalid"
    assert managed["ANTHROPIC_AUTH_TOKEN"] == "unresolved"
    assert terminal.run("true") == ""
    home.pin(project, "OpenRouter\nno such = line\n")
    assert "line 2" in terminal.run("true")
    assert terminal.managed() == {}


def test_a_missing_program_is_reported_once(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """The shell goes on working, one line is shown once, and the active provider is left."""
    python = home.path / "python"
    python.symlink_to(sys.executable)
    hook = f"cowork-env hook {shell} | sed 's#/[^ ]*/bin/python[0-9.]*#{python}#g'"
    terminal = open_terminal(
        shell, hook=False, after=f"{hook} | source" if shell == "fish" else f'eval "$({hook})"'
    )
    terminal.run(f"cd {projects['OpenRouter']}")
    assert terminal.managed() == MANAGED["OpenRouter"]
    python.unlink()
    said = terminal.run(f"cd {projects['LiteLLM Local']}")
    assert said.startswith("cowork-env: the program cannot be run") and said.count("\n") == 1
    assert terminal.managed() == {}
    assert terminal.run("true") == ""
    assert terminal.run("cd /") == ""
    assert terminal.run(f"cd {projects['AWS Bedrock']}") == ""
    assert terminal.managed() == {}
    assert "not applied: the program cannot be run." in one_line(terminal.run("cowork-env status"))
    python.symlink_to(sys.executable)
    assert terminal.managed(f"cd {projects['OpenRouter']}") == MANAGED["OpenRouter"]
    assert "COWORK_ENV_STATE" not in terminal.env("cd ~")


@pytest.mark.timeout(100)
def test_a_pin_replaced_by_a_fifo_blocks_no_prompt(
    shell: str, home: Home, open_terminal: Open
) -> None:
    """Another user who can write to the directory swaps the pin and a FIFO as fast as possible."""
    home.pin(home.path / "p", "OpenRouter\n")
    (home.path / "p").chmod(0o1777)
    pin = home.path / "p/.cowork-provider"
    terminal = open_terminal(shell)
    for line in ("cd ~/p", "true", "true"):
        terminal.run(line)
    code = f"""
import os
while os.getppid() == {os.getpid()}:
    os.mkfifo({str(pin) + ".new"!r})
    os.replace({str(pin) + ".new"!r}, {str(pin)!r})
    with open({str(pin) + ".new"!r}, "w") as file:
        file.write("OpenRouter\\n")
    os.replace({str(pin) + ".new"!r}, {str(pin)!r})
"""
    writer = subprocess.Popen([sys.executable, "-I", "-c", code])
    try:
        for _ in range(200):
            terminal.run("true")
    finally:
        writer.kill()
        writer.wait(timeout=10)


def test_a_damaged_state_is_ignored(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """A damaged or foreign COWORK_ENV_STATE is ignored with one warning and never evaluated."""
    terminal = open_terminal(
        shell, env={"COWORK_ENV_STATE": "$(touch owned)`touch owned`';touch owned;'"}
    )
    assert terminal.started.count("COWORK_ENV_STATE is damaged") == 1
    assert terminal.run("true") == ""
    assert terminal.managed(f"cd {projects['OpenRouter']}") == MANAGED["OpenRouter"]
    terminal.run(
        "set -gx COWORK_ENV_STATE junk" if shell == "fish" else "export COWORK_ENV_STATE=junk"
    )
    assert terminal.managed() == MANAGED["OpenRouter"]
    assert terminal.managed("cd ~") == {}
    assert not list(home.path.rglob("owned"))


def test_of_a_newer_state_nothing_stays(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """After a downgrade, a shell that inherits what the newer version set has no stale key."""
    there = Program(home).run("exec", "--provider", "OpenRouter", "--", "env", "-0")
    inherited = there.check().environment()
    body = inherited["COWORK_ENV_STATE"].split(":", 2)[2]
    inherited["COWORK_ENV_STATE"] = f"3:{digest(body.encode())[:12]}:{body}"
    del inherited["COWORK_PROVIDER"]
    terminal = open_terminal(shell, env=inherited)
    assert terminal.started.count("COWORK_ENV_STATE is of a newer cowork-env") == 1
    assert terminal.managed() == {}
    assert terminal.managed(f"cd {projects['LiteLLM Local']}") == MANAGED["LiteLLM Local"]
    assert terminal.managed("cd ~") == {}
    run = ("exec", "--provider", "none", "--", "env", "-0")
    after = Program(home).run(*run, env=inherited).environment()
    assert not {"ANTHROPIC_BASE_URL", "ANTHROPIC_AUTH_TOKEN"} & {*after}


def test_a_foreign_state_is_ignored(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """A shell that inherits another user's state, as by ssh, restores nothing from it."""
    own = {"ANTHROPIC_MODEL": "theirs", "RPROMPT": "$(touch owned)"}
    there = Program(home).run("exec", "--provider", "OpenRouter", "--", "env", "-0", env=own)
    state = {"COWORK_ENV_STATE": there.check().environment()["COWORK_ENV_STATE"]}
    terminal = open_terminal(shell, env=state)
    why = "COWORK_ENV_STATE is not from this shell; it is ignored"
    assert terminal.started.count(why) == 1
    assert "COWORK_ENV_STATE" not in terminal.env()
    assert terminal.managed(f"cd {projects['OpenRouter']}") == MANAGED["OpenRouter"]
    assert terminal.managed("cd ~") == {}
    inside = open_terminal(shell, env=state, cwd=projects["OpenRouter"])
    assert inside.started.count(why) == 1
    assert inside.managed() == MANAGED["OpenRouter"]
    assert inside.managed("cd ~") == {}


def test_a_key_that_was_taken_away_is_put_back(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """In a shell that Claude Code started, and where the user unset it; also on leaving."""
    own = {"ANTHROPIC_BASE_URL": "https://own.example", "ANTHROPIC_AUTH_TOKEN": "own"}
    outer = open_terminal(shell, env=own)
    env = outer.env(f"cd {projects['OpenRouter']}")
    for name in own:
        there = {n: v for n, v in env.items() if n != name}
        inner = open_terminal(shell, env=there, cwd=projects["OpenRouter"])
        assert inner.managed() == MANAGED["OpenRouter"]
        assert inner.managed("cd ~") == own
    for name in own:
        outer.unset(name)
        assert outer.managed("cd ~") == own  # with what the shell itself knows
        outer.cd(projects["OpenRouter"])
        outer.unset(name)
        outer.run("cowork-env reload >/dev/null 2>&1")
        assert outer.managed() == MANAGED["OpenRouter"]
    # Both together are the user's own doing.
    for name in own:
        outer.unset(name)
    outer.run("cowork-env reload >/dev/null 2>&1")
    assert {*own}.isdisjoint(outer.managed())
    assert outer.managed("cd ~") == {}


def test_control_c_stops_a_slow_lookup(shell: str, home: Home, open_terminal: Open) -> None:
    """Ctrl-C during a lookup: no provider, and no other lookup until something changes."""
    home.providers(
        [
            {
                **GUIDE[1],
                "authToken": "",
                "authTokenFrom": "cmd:sh -c 'echo x >>~/asked; sleep 60'",
            },
            GUIDE[2],
        ]
    )
    slow, fast = home.path / "slow", home.path / "fast"
    home.pin(slow, "OpenRouter\n")
    home.pin(fast, "LiteLLM Local\n")
    terminal = open_terminal(shell)
    terminal.run(f"cd {fast}")
    terminal.child.sendline(f"cd {slow}")
    wait_for(lambda: (home.path / "asked").exists() and (home.path / "asked").stat().st_size)
    terminal.child.sendintr()
    terminal.child.expect_exact("@prompt@")
    terminal.child.sendline("echo ready-$((1+1))" if shell != "fish" else "echo ready-(math 1+1)")
    terminal.child.expect_exact("ready-2")
    terminal.child.expect_exact("@prompt@")
    assert terminal.managed() == {}
    terminal.run("true")
    assert (home.path / "asked").read_text() == "x\n"
