"""Signals at a prompt, during a question and during a write: the shell, its jobs and the terminal are as before."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pexpect
import pytest

from support.home import GUIDE, Home
from support.shells import PROMPT, SHELLS
from support.terminal import Terminal

# COWORK_ENV_INTERRUPTS asks for more, COWORK_ENV_SEED for the same again.
INTERRUPTS = int(os.environ.get("COWORK_ENV_INTERRUPTS", "60"))
SEED = int(os.environ.get("COWORK_ENV_SEED", str(time.time_ns() % 1_000_000)))

# A slow look-up: it notes its process, then waits until it is let go, or is ended.
SLOW = "cmd:sh -c 'echo $$ >>~/asked; while ! test -e ~/go; do sleep 0.05; done; echo slow-key'"


def wait_for(condition: Callable[[], object], limit: float = 20) -> None:
    """Wait until a condition comes about."""
    end = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < end, "the condition did not come about"
        time.sleep(0.02)


class Session:
    """A shell in a home with a fast provider and one whose key comes slowly."""

    def __init__(self, shell: str, home: Home, instead: str = "") -> None:
        # ``instead``: what the start-up file says in place of the traps and the hook.
        self.shell, self.home = shell, home
        slow = {"name": "Slow", "baseUrl": "https://slow.example", "authTokenFrom": SLOW}
        home.providers([GUIDE[1], GUIDE[2], slow])
        home.pin(home.path / "fast", "OpenRouter\n")
        home.pin(home.path / "other", "LiteLLM Local\n")
        home.pin(home.path / "slow", "Slow\n")
        self.asked, self.serial = home.path / "asked", 0
        # Traps of the person's, told by the names of what they write.
        traps = {
            "bash": "trap 'echo int >>~/trapped' INT; trap 'echo hup >>~/trapped' HUP; trap 'echo winch >>~/trapped' WINCH",
            "zsh": "TRAPWINCH() { echo winch >>~/trapped }; trap 'echo hup >>~/trapped; exit' HUP",
            "fish": "function winched --on-signal WINCH; echo winch >>~/trapped; end",
        }
        self.terminal = Terminal(shell, home, before=instead or traps[shell], hook=not instead)
        self.terminal.run("true")
        self.before = self.facts()

    def facts(self) -> list[str]:
        """The terminal's modes as a child sees them, traps, options and jobs."""
        out = self.home.path / "facts"
        listing = "functions -q winched; jobs" if self.shell == "fish" else "trap; set +o; jobs"
        self.terminal.run(
            f"begin; {listing}; end >{out} 2>&1"
            if self.shell == "fish"
            else f"{{ {listing}; }} >{out} 2>&1"
        )
        self.terminal.run(f"stty -a | sed 's/rows.*columns [0-9]*;//' >>{out}; stty -g >>{out}")
        return out.read_text().split("\n")

    def start(self, line: str) -> int:
        """Type a line that makes the slow question be asked; the number of the process that answers it."""
        self.asked.unlink(missing_ok=True)
        self.terminal.child.sendline(line)
        wait_for(lambda: self.asked.exists() and self.asked.read_text().endswith("\n"))
        return int(self.asked.read_text().split()[0])

    def settle(self, impatient: bool = False) -> None:
        """Wait until the shell takes commands again, however many prompts it has drawn, and input dropped, meanwhile."""
        for _ in range(200 if impatient else 10):
            self.serial += 1
            self.terminal.child.sendline(f"echo rea''dy-{self.serial}")
            if (
                self.terminal.child.expect_exact(
                    [f"ready-{self.serial}", pexpect.TIMEOUT], timeout=0.2 if impatient else 4
                )
                == 0
            ):
                self.terminal.child.expect_exact(PROMPT)
                return
        raise AssertionError("the shell takes no commands")

    def snapshot(self, settled: bool = False) -> dict[str, str]:
        """The environment, told apart from what prompts before have left on the terminal."""
        if not settled:
            self.settle()
        out = self.home.path / f"snapshot-{self.serial}"
        prefix = "" if self.shell == "fish" else "HERE=$(pwd -P) "
        suffix = f"; printf 'HERE=%s\\0' (pwd -P) >>{out}" if self.shell == "fish" else ""
        self.terminal.child.sendline(f"{prefix}env -0 >{out}{suffix}; echo sho''t-{self.serial}")
        self.terminal.child.expect_exact(f"shot-{self.serial}")
        self.terminal.child.expect_exact(PROMPT)
        data = os.fsdecode(out.read_bytes())
        return dict(entry.partition("=")[::2] for entry in data.split("\0") if entry)


def gone(pid: int) -> bool:
    """Whether a process has ended; a zombie has."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def started_by(session: Session) -> list[str]:
    """The processes with this session's home, told by their environment."""
    mark, found = os.fsencode(f"HOME={session.home.path}\0"), []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and mark in (entry / "environ").read_bytes():
                found.append(entry.name)
        except OSError:
            continue
    return found


@pytest.fixture(params=SHELLS)
def session(request: pytest.FixtureRequest, home: Home) -> Iterator[Session]:
    opened = Session(request.param, home)
    yield opened
    opened.terminal.close()


def test_control_c_at_a_prompt(session: Session) -> None:
    """Before and after a provider is active, with something typed already."""
    terminal = session.terminal
    for place in ("fast", "other"):
        terminal.run(f"cd ~/{place}")
        for _ in range(3):
            terminal.child.send("half a li")
            terminal.child.sendintr()
            session.settle()
        session.settle()
        assert "ANTHROPIC_BASE_URL" in terminal.managed()
    terminal.run("cd ~")
    session.settle()
    assert terminal.managed() == {}
    assert session.facts() == session.before


def test_control_c_during_a_slow_question(session: Session) -> None:
    """It is given up, with all that it had started, and nothing of it is left in the shell."""
    terminal = session.terminal
    terminal.run("cd ~/fast")
    for line in ("cd ~/slow", "pushd ~/slow >/dev/null"):
        pid = session.start(line)
        terminal.child.sendintr()
        session.settle()
        wait_for(lambda pid=pid: gone(pid))  # type: ignore[misc]
        assert terminal.managed() == {}
        assert session.asked.read_text().count("\n") == 1
        terminal.run("cd ~/fast")
        assert terminal.managed()["ANTHROPIC_AUTH_TOKEN"] == GUIDE[1]["authToken"]
    terminal.run("cd ~")
    assert terminal.managed() == {}
    assert session.facts() == session.before


def test_control_backslash_during_a_slow_question(session: Session) -> None:
    """It gives the question up like Ctrl-C: no helper goes on alone, and no core with keys in it lies in the project."""
    terminal = session.terminal
    terminal.run("ulimit -c unlimited")
    pid = session.start("cd ~/slow")
    terminal.child.send("\x1c")
    session.settle()
    wait_for(lambda: gone(pid))
    assert terminal.managed() == {}
    assert not list((session.home.path / "slow").glob("core*"))
    (session.home.path / "go").touch()
    terminal.run("cowork-env reload >/dev/null 2>&1")
    assert terminal.managed()["ANTHROPIC_AUTH_TOKEN"] == "slow-key"
    terminal.run("cd ~")
    assert session.facts() == session.before


def test_control_c_during_a_question_at_a_prompt(session: Session) -> None:
    """The same where the question comes from a prompt and not from a change of directory; a reload asks again."""
    terminal = session.terminal
    terminal.run("cd ~/other")
    session.home.pin(session.home.path / "other", "Slow\n")
    pid = session.start("true")
    terminal.child.sendintr()
    session.settle()
    wait_for(lambda: gone(pid))
    assert terminal.managed() == {}
    (session.home.path / "go").touch()
    terminal.run("cowork-env reload >/dev/null 2>&1")
    assert terminal.managed()["ANTHROPIC_AUTH_TOKEN"] == "slow-key"
    terminal.run("cd ~")
    assert session.facts() == session.before


def test_many_control_cs_while_moving(session: Session) -> None:
    """Wherever an interrupt falls: at the next prompt it is right, and the shell is whole."""
    terminal, random = session.terminal, Random(SEED)  # noqa: S311 - no secret
    wanted = {
        "fast": ("https://openrouter.ai/api", GUIDE[1]["authToken"]),
        "other": ("http://localhost:4000", GUIDE[2]["authToken"]),
        session.home.path.name: (None, None),
    }
    for number in range(INTERRUPTS):
        is_new = number % 8 == 0  # The program has to be asked, too; else the answer is remembered.
        if is_new:
            entries = [{**GUIDE[1]}, {**GUIDE[2]}]
            random.choice(entries)["defaultModel"] = f"model-{number}"
            session.home.providers(entries)
        terminal.child.sendline(f"cd ~/{random.choice(['fast', 'other', ''])}")
        time.sleep(random.random() * (0.04 if is_new else 0.004))
        terminal.child.sendintr()
        session.settle(impatient=True)
        env = session.snapshot(settled=True)
        got = env.get("ANTHROPIC_BASE_URL"), env.get("ANTHROPIC_AUTH_TOKEN")
        # bash may be broken off between the change of directory and that of PWD.
        assert got == wanted[Path(env["HERE"]).name], f"seed {SEED}, round {number}"
    terminal.run("cd ~")
    assert session.facts() == session.before


# Puts an interrupt behind one of the statements that it reads, the one with the number in a file; then never again.
CUT = r"""
import os, re, sys
text, number = sys.stdin.read(), os.environ["HOME"] + "/cut"
places = list(re.finditer(r"(&& |; |\n)(?=\\?builtin (?:unset|export|set)\b)", text))
if places and os.path.exists(number):
    place = places[int(open(number).read()) % len(places)]
    os.unlink(number)
    text = text[: place.end()] + "kill -INT " + sys.argv[1] + place[1] + text[place.end() :]
print(text)
"""
# Where each hook changes the environment, and the same with what comes from there cut.
CHANGES = {
    "bash": (
        r'\\builtin eval ("\$9"|"\$\{__cowork_env_(?:applies|current)\[.*?\]\}")',
        r'\\builtin eval "$(python3 ~/cut.py $$ <<<\1)"',
    ),
    "zsh": (
        r'__cowork_env_run ("\$__cowork_env_(?:reply\[9\]|applies\[.*?\]|current\[4\])")',
        r'__cowork_env_run "$(python3 ~/cut.py $$ <<<\1)"',
    ),
    "fish": (
        r'builtin eval ("\$__cowork_env_(?:reply\[9\]|applies\[\$__cowork_env_i\]|current\[4\])")',
        r"builtin eval (printf %s \1 | python3 ~/cut.py '$fish_pid' | string collect)",
    ),
}


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    "own",
    [{}, {"ANTHROPIC_BASE_URL": "https://own.example", "ANTHROPIC_AUTH_TOKEN": "own"}],
    ids=["none", "own"],
)
def test_an_interrupt_behind_each_statement(shell: str, own: dict[str, str], home: Home) -> None:
    """Entering, changing and leaving, for the first time and again: at the next prompt all is as it should be."""
    home.env.update(own)
    hook = subprocess.run(
        ["cowork-env", "hook", shell],
        env=home.env,
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    text, count = re.subn(*CHANGES[shell], hook.stdout)
    assert count == 3
    (home.path / "hook").write_text(text)
    (home.path / "cut.py").write_text(CUT)
    session = Session(shell, home, "source ~/hook")
    wanted = {
        "fast": ("https://openrouter.ai/api", GUIDE[1]["authToken"]),
        "other": ("http://localhost:4000", GUIDE[2]["authToken"]),
        home.path.name: (own.get("ANTHROPIC_BASE_URL"), own.get("ANTHROPIC_AUTH_TOKEN")),
    }
    cuts = 0
    for number in range(6):
        home.providers([{**GUIDE[1], "defaultModel": f"model-{number}"}, GUIDE[2]])
        for place in (
            "fast",
            "other",
            "",
            "other",
            "fast",
            "",
        ):  # asked, asked, and then remembered
            (home.path / "cut").write_text(str(number))
            session.terminal.child.sendline(f"cd ~/{place}")
            session.settle(impatient=True)
            env = session.snapshot(settled=True)
            got = env.get("ANTHROPIC_BASE_URL"), env.get("ANTHROPIC_AUTH_TOKEN")
            assert got == wanted[Path(env["HERE"]).name], (
                f"statement {number}, to {place or 'home'}"
            )
            cuts += not (home.path / "cut").exists()
            session.terminal.run("cd ~/" + place)  # it may have been broken off before
    assert cuts >= 24
    session.terminal.close()


def test_control_z_during_a_slow_question(session: Session) -> None:
    """It stops neither the shell nor the question for good: the answer comes, and job control works afterwards."""
    terminal = session.terminal
    session.start("cd ~/slow")
    terminal.child.sendcontrol("z")
    (session.home.path / "go").touch()
    wait_for(lambda: gone(int(session.asked.read_text().split()[0])))
    terminal.child.sendline("")
    session.settle()
    managed = terminal.managed()
    assert managed.get("ANTHROPIC_AUTH_TOKEN") in ("slow-key", None)
    assert ("ANTHROPIC_BASE_URL" in managed) == ("ANTHROPIC_AUTH_TOKEN" in managed)
    terminal.run("cowork-env reload >/dev/null 2>&1")
    assert terminal.managed()["ANTHROPIC_AUTH_TOKEN"] == "slow-key"
    terminal.run("cd ~")
    assert session.facts() == session.before


def test_control_z_at_a_prompt(session: Session) -> None:
    """With something typed already, in a project and out of it: nothing stops, and all goes on as before."""
    terminal = session.terminal
    for place in ("fast", ""):
        terminal.run(f"cd ~/{place}")
        terminal.child.send("half a li")
        terminal.child.sendcontrol("z")
        terminal.child.sendintr()
        session.settle()
        assert ("ANTHROPIC_BASE_URL" in terminal.managed()) == bool(place)
    assert session.facts() == session.before


def test_a_stopped_job_survives_and_resumes(session: Session) -> None:
    """Ctrl-Z, a change of provider while the job is stopped, and fg: the job goes on with its own environment."""
    terminal, home = session.terminal, session.home
    terminal.run("cd ~/fast")
    script = home.path / "job"
    script.write_text(
        "#!/bin/sh\necho $ANTHROPIC_AUTH_TOKEN >>~/job.out\nread line\necho $line $ANTHROPIC_AUTH_TOKEN >>~/job.out\n"
    )
    script.chmod(0o755)
    out = home.path / "job.out"
    terminal.child.sendline("~/job")
    wait_for(lambda: out.exists() and out.read_text())
    terminal.child.sendcontrol("z")
    terminal.child.expect_exact(PROMPT)
    session.settle()
    terminal.run("cd ~/other")
    assert terminal.managed()["ANTHROPIC_AUTH_TOKEN"] == GUIDE[2]["authToken"]
    assert "job" in terminal.run("jobs")
    terminal.child.sendline("fg")
    terminal.child.expect_exact("job")
    terminal.child.sendline("word")
    wait_for(lambda: out.read_text().count("\n") == 2)
    terminal.child.expect_exact(PROMPT)
    session.settle()
    key = GUIDE[1]["authToken"]
    assert out.read_text() == f"{key}\nword {key}\n"
    # One in the background ends without the hook's taking it for its own.
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
    session.settle()
    assert session.facts() == session.before


def test_a_new_size_of_the_window(session: Session) -> None:
    """SIGWINCH at a prompt and during a question: the person's own trap runs, the question goes on."""
    terminal = session.terminal
    trapped = session.home.path / "trapped"
    terminal.run("cd ~/fast")
    terminal.child.setwinsize(40, 3000)
    session.settle()
    wait_for(lambda: session.settle() is None and trapped.exists())
    assert terminal.run("stty size | cat") == "40 3000\n"
    trapped.unlink()
    pid = session.start("cd ~/slow")
    terminal.child.setwinsize(45, 3500)
    assert not gone(pid)
    (session.home.path / "go").touch()
    terminal.child.expect_exact(PROMPT)
    session.settle()
    assert terminal.managed()["ANTHROPIC_AUTH_TOKEN"] == "slow-key"
    wait_for(lambda: session.settle() is None and trapped.exists())
    assert terminal.run("stty size | cat") == "45 3500\n"
    columns = terminal.run("echo $COLUMNS").strip()
    assert columns == "3500"
    terminal.run("cd ~")
    assert session.facts() == session.before


def test_the_terminal_goes_away(session: Session) -> None:
    """SIGHUP at a prompt in a project: the shell ends, and leaves no process and no lock."""
    terminal = session.terminal
    terminal.run("cd ~/fast")
    shell = terminal.child.pid
    terminal.child.close(force=False) if session.shell == "fish" else os.kill(shell, signal.SIGHUP)
    wait_for(lambda: gone(shell))
    wait_for(lambda: not started_by(session))
    done = subprocess.run(
        ["cowork-env", "rename", "OpenRouter", "Other"],
        env=session.home.env,
        capture_output=True,
        timeout=10,
    )
    assert done.returncode == 0, done.stderr


def test_the_terminal_goes_away_during_a_question(session: Session) -> None:
    """The window is closed while a key is looked up: shell, program and the tool it runs all end."""
    terminal = session.terminal
    terminal.run("trap - HUP" if session.shell != "fish" else "true")
    pid = session.start("cd ~/slow")
    shell = terminal.child.pid
    terminal.child.ptyproc.fileobj.close()
    if session.shell == "fish":  # It waits for what it has started before it looks.
        (session.home.path / "go").touch()
    wait_for(lambda: gone(shell))
    wait_for(lambda: gone(pid))


@pytest.mark.parametrize("name", ["SIGINT", "SIGHUP", "SIGTERM", "SIGTSTP", "SIGWINCH"])
def test_during_a_write(name: str, home: Home) -> None:
    """A signal at any moment of a write leaves the whole old file or the whole new one, and nothing that others can read."""
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
    done = subprocess.run(
        ["cowork-env", "edit", "My Anthropic API", "--default-model", "last"],
        env=home.env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(home.file.read_text())[0]["defaultModel"] == "last"
