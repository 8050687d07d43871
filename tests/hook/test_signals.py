"""Signals at a prompt, during a lookup and during a write leave shell and terminal as before."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from support.home import GUIDE, Home
from support.processes import has_ended, processes_of, wait_for
from support.program import Program
from support.session import Session
from support.shells import PROMPT, SHELLS

# COWORK_ENV_INTERRUPTS sets the number, COWORK_ENV_SEED repeats a run.
INTERRUPTS = int(os.environ.get("COWORK_ENV_INTERRUPTS", "60"))


SEED = int(os.environ.get("COWORK_ENV_SEED", str(time.time_ns() % 1_000_000)))


@pytest.fixture(params=SHELLS)
def session(request: pytest.FixtureRequest, home: Home) -> Iterator[Session]:
    opened = Session(request.param, home)
    yield opened
    opened.terminal.close()


def test_control_c_at_a_prompt(session: Session) -> None:
    """With and without a provider, with part of a line typed."""
    terminal = session.terminal
    for place in ("fast", "other"):
        terminal.run(f"cd ~/{place}")
        for _ in range(3):
            terminal.child.send("half a li")
            terminal.child.sendintr()
            session.wait_ready()
        session.wait_ready()
        assert "ANTHROPIC_BASE_URL" in terminal.managed()
    terminal.run("cd ~")
    session.wait_ready()
    assert terminal.managed() == {}
    assert session.facts() == session.before


def test_control_c_during_a_slow_lookup(session: Session) -> None:
    """The lookup ends with all its processes, and leaves nothing in the shell."""
    terminal = session.terminal
    terminal.run("cd ~/fast")
    for line in ("cd ~/slow", "pushd ~/slow >/dev/null"):
        pid = session.start(line)
        terminal.child.sendintr()
        session.wait_ready()
        wait_for(lambda pid=pid: has_ended(pid))  # type: ignore[misc]
        assert terminal.managed() == {}
        assert session.asked.read_text().count("\n") == 1
        terminal.run("cd ~/fast")
        assert terminal.managed()["ANTHROPIC_AUTH_TOKEN"] == GUIDE[1]["authToken"]
    terminal.run("cd ~")
    assert terminal.managed() == {}
    assert session.facts() == session.before


def test_control_backslash_during_a_slow_lookup(session: Session) -> None:
    """As for Ctrl-C; no process goes on alone, and no core file with keys is left."""
    terminal = session.terminal
    terminal.run("ulimit -c unlimited")
    pid = session.start("cd ~/slow")
    terminal.child.send("\x1c")
    session.wait_ready()
    wait_for(lambda: has_ended(pid))
    assert terminal.managed() == {}
    assert not list((session.home.path / "slow").glob("core*"))
    (session.home.path / "go").touch()
    terminal.run("cowork-env reload >/dev/null 2>&1")
    assert terminal.managed()["ANTHROPIC_AUTH_TOKEN"] == "slow-key"
    terminal.run("cd ~")
    assert session.facts() == session.before


def test_control_c_during_a_lookup_at_a_prompt(session: Session) -> None:
    """The same for a request of a prompt, not of a cd; after a reload it is sent again."""
    terminal = session.terminal
    terminal.run("cd ~/other")
    session.home.pin(session.home.path / "other", "Slow\n")
    pid = session.start("true")
    terminal.child.sendintr()
    session.wait_ready()
    wait_for(lambda: has_ended(pid))
    assert terminal.managed() == {}
    (session.home.path / "go").touch()
    terminal.run("cowork-env reload >/dev/null 2>&1")
    assert terminal.managed()["ANTHROPIC_AUTH_TOKEN"] == "slow-key"
    terminal.run("cd ~")
    assert session.facts() == session.before


def test_many_interrupts_while_changing_directory(session: Session) -> None:
    """After an interrupt at any moment, the next prompt has the right values."""
    terminal, random = session.terminal, Random(SEED)  # noqa: S311 - no secret
    wanted = {
        "fast": ("https://openrouter.ai/api", GUIDE[1]["authToken"]),
        "other": ("http://localhost:4000", GUIDE[2]["authToken"]),
        session.home.path.name: (None, None),
    }
    for number in range(INTERRUPTS):
        is_new = number % 8 == 0  # Needs a request; the others are remembered.
        if is_new:
            entries = [{**GUIDE[1]}, {**GUIDE[2]}]
            random.choice(entries)["defaultModel"] = f"model-{number}"
            session.home.providers(entries)
        terminal.child.sendline(f"cd ~/{random.choice(['fast', 'other', ''])}")
        time.sleep(random.random() * (0.04 if is_new else 0.004))
        terminal.child.sendintr()
        session.wait_ready(impatient=True)
        env = session.snapshot(ready=True)
        got = env.get("ANTHROPIC_BASE_URL"), env.get("ANTHROPIC_AUTH_TOKEN")
        # An interrupt in bash may come between the change of directory and that of PWD.
        assert got == wanted[Path(env["HERE"]).name], f"seed {SEED}, round {number}"
    terminal.run("cd ~")
    assert session.facts() == session.before


def test_control_z_during_a_slow_lookup(session: Session) -> None:
    """It stops neither the shell nor the lookup for good, and job control works afterwards."""
    terminal = session.terminal
    session.start("cd ~/slow")
    terminal.child.sendcontrol("z")
    (session.home.path / "go").touch()
    wait_for(lambda: has_ended(int(session.asked.read_text().split()[0])))
    terminal.child.sendline("")
    session.wait_ready()
    managed = terminal.managed()
    assert managed.get("ANTHROPIC_AUTH_TOKEN") in ("slow-key", None)
    assert ("ANTHROPIC_BASE_URL" in managed) == ("ANTHROPIC_AUTH_TOKEN" in managed)
    terminal.run("cowork-env reload >/dev/null 2>&1")
    assert terminal.managed()["ANTHROPIC_AUTH_TOKEN"] == "slow-key"
    terminal.run("cd ~")
    assert session.facts() == session.before


def test_control_z_at_a_prompt(session: Session) -> None:
    """With part of a line typed, in a project and outside, it stops nothing."""
    terminal = session.terminal
    for place in ("fast", ""):
        terminal.run(f"cd ~/{place}")
        terminal.child.send("half a li")
        terminal.child.sendcontrol("z")
        terminal.child.sendintr()
        session.wait_ready()
        assert ("ANTHROPIC_BASE_URL" in terminal.managed()) == bool(place)
    assert session.facts() == session.before


def test_a_stopped_job_survives_and_resumes(session: Session) -> None:
    """Ctrl-Z, a change of provider, and fg: the job goes on with its own environment."""
    terminal, home = session.terminal, session.home
    terminal.run("cd ~/fast")
    script = home.path / "job"
    script.write_text(
        "#!/bin/sh\necho $ANTHROPIC_AUTH_TOKEN >>~/job.out\nread line\n"
        "echo $line $ANTHROPIC_AUTH_TOKEN >>~/job.out\n"
    )
    script.chmod(0o755)
    out = home.path / "job.out"
    terminal.child.sendline("~/job")
    wait_for(lambda: out.exists() and out.read_text())
    terminal.child.sendcontrol("z")
    terminal.child.expect_exact(PROMPT)
    session.wait_ready()
    terminal.run("cd ~/other")
    assert terminal.managed()["ANTHROPIC_AUTH_TOKEN"] == GUIDE[2]["authToken"]
    assert "job" in terminal.run("jobs")
    terminal.child.sendline("fg")
    terminal.child.expect_exact("job")
    terminal.child.sendline("word")
    wait_for(lambda: out.read_text().count("\n") == 2)
    terminal.child.expect_exact(PROMPT)
    session.wait_ready()
    key = GUIDE[1]["authToken"]
    assert out.read_text() == f"{key}\nword {key}\n"
    # The hook does not take a job in the background for its own.
    terminal.run("sh -c 'while ! test -e ~/done; do sleep 0.05; done; exit 7' &")
    terminal.run("cd ~/fast")
    (home.path / "done").touch()
    if session.shell != "fish":
        terminal.child.sendline("wait $!; echo status-$?")
        terminal.child.expect_exact("status-7")
        terminal.child.expect_exact(PROMPT)
    else:
        terminal.run("wait")
    terminal.run("cd ~")
    session.wait_ready()
    assert session.facts() == session.before


def test_a_new_window_size(session: Session) -> None:
    """SIGWINCH at a prompt and during a lookup: the user's trap runs, and the lookup goes on."""
    terminal = session.terminal
    trapped = session.home.path / "trapped"
    terminal.run("cd ~/fast")
    terminal.child.setwinsize(40, 3000)
    session.wait_ready()
    wait_for(lambda: session.wait_ready() is None and trapped.exists())
    assert terminal.run("stty size | cat") == "40 3000\n"
    trapped.unlink()
    pid = session.start("cd ~/slow")
    terminal.child.setwinsize(45, 3500)
    assert not has_ended(pid)
    (session.home.path / "go").touch()
    terminal.child.expect_exact(PROMPT)
    session.wait_ready()
    assert terminal.managed()["ANTHROPIC_AUTH_TOKEN"] == "slow-key"
    wait_for(lambda: session.wait_ready() is None and trapped.exists())
    assert terminal.run("stty size | cat") == "45 3500\n"
    columns = terminal.run("echo $COLUMNS").strip()
    assert columns == "3500"
    terminal.run("cd ~")
    assert session.facts() == session.before


def test_a_closed_terminal_at_a_prompt(session: Session) -> None:
    """The terminal closes at a prompt: the shell ends and leaves no process and no lock."""
    terminal = session.terminal
    terminal.run("cd ~/fast")
    shell = terminal.child.pid
    # Not SIGHUP alone: bash may miss one that comes before it reads, without the end of its input.
    terminal.child.ptyproc.fileobj.close()
    wait_for(lambda: has_ended(shell))
    wait_for(lambda: not processes_of(session.home))
    # A lock that is still held makes it fail; the machine itself may be slow.
    Program(session.home).run("rename", "OpenRouter", "Other").check()


def test_a_closed_terminal_during_a_lookup(session: Session) -> None:
    """The terminal closes during a lookup: the shell, the program and its command all end."""
    terminal = session.terminal
    terminal.run("trap - HUP" if session.shell != "fish" else "true")
    pid = session.start("cd ~/slow")
    shell = terminal.child.pid
    terminal.child.ptyproc.fileobj.close()
    if session.shell == "fish":  # It waits for its child first.
        (session.home.path / "go").touch()
    wait_for(lambda: has_ended(shell))
    wait_for(lambda: has_ended(pid))


@pytest.mark.parametrize("name", ["SIGINT", "SIGHUP", "SIGTERM", "SIGTSTP", "SIGWINCH"])
def test_signals_during_a_write(name: str, home: Home) -> None:
    """A signal during a write leaves the old file or the new one, and nothing others can read."""
    home.providers(GUIDE[:1])
    for number in range(12):
        child = subprocess.Popen(
            ["cowork-env", "edit", "My Anthropic API", "--default-model", f"model-{number}"],
            env=home.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        time.sleep(0.03 * number)
        child.send_signal(getattr(signal, name))
        if name == "SIGTSTP":
            child.send_signal(signal.SIGCONT)
        _, said = child.communicate(timeout=30)
        assert name != "SIGWINCH" or child.returncode == 0
        assert GUIDE[0]["authToken"].encode() not in said
        stored = json.loads(home.file.read_text())
        assert len(stored) == 1 and stored[0]["authToken"] == GUIDE[0]["authToken"]
        assert home.file.stat().st_mode & 0o777 == 0o600
    assert all(p.stat().st_mode & 0o777 == 0o600 for p in home.file.parent.iterdir())
    Program(home).run("edit", "My Anthropic API", "--default-model", "last", timeout=30).check()
    assert json.loads(home.file.read_text())[0]["defaultModel"] == "last"
