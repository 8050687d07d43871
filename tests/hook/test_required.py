"""What applies while a slow key is fetched, and when a provider could not be applied.

A required pin keeps clients from the user's own login all the time; ``status`` says what happened.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

from support.home import GUIDE, Home
from support.processes import has_ended, wait_for
from support.session import SLOW, Session
from support.shells import SHELLS
from support.terminal import Open, one_line

DEAD_END = {
    "ANTHROPIC_BASE_URL": "http://unresolved.cowork-env.invalid",
    "ANTHROPIC_AUTH_TOKEN": "unresolved",
    "CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST": "1",
    "CLAUDE_CODE_DISABLE_AGENT_VIEW": "1",
}
OWN = {"ANTHROPIC_API_KEY": "own-key"}
INTERRUPTED = "Slow: the lookup of its key was interrupted."


@pytest.fixture(params=SHELLS)
def session(request: pytest.FixtureRequest, home: Home) -> Iterator[Session]:
    opened = Session(request.param, home)
    opened.terminal.run("export ANTHROPIC_API_KEY=own-key")
    yield opened
    opened.terminal.close()


def seen_during(pid: int) -> dict[str, str]:
    """The managed variables that the shell exports during a lookup, for the lookup's process."""
    parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]
    entries = Path(f"/proc/{parent}/environ").read_bytes().split(b"\0")
    values = dict(os.fsdecode(entry).partition("=")[::2] for entry in entries if entry)
    prefixes = ("ANTHROPIC_", "CLAUDE_CODE_", "COWORK_ENV_ACTIVE")
    return {name: value for name, value in values.items() if name.startswith(prefixes)}


def interrupt(session: Session, pid: int) -> None:
    """Press Ctrl-C during a lookup. It is said once; no later prompt asks or says it again."""
    child = session.terminal.child
    child.sendintr()
    # fish tells at the next prompt.
    for _ in range(40):
        if child.expect_exact([INTERRUPTED, pexpect.TIMEOUT], timeout=0.5) == 0:
            break
        child.sendline("")
    session.wait_ready()
    wait_for(lambda: has_ended(pid))
    assert INTERRUPTED not in session.terminal.run("true") + session.terminal.run("true")
    assert session.asked.read_text().count("\n") == 1


def status(session: Session) -> str:
    return one_line(session.terminal.run("cowork-env status"))


def test_a_required_pin_keeps_clients_from_the_own_login_all_the_time(session: Session) -> None:
    """While its slow key is fetched, after Ctrl-C, and when the same key is fetched once more."""
    terminal, home = session.terminal, session.home
    home.pin(home.path / "slow", "Slow\nrequired = true\n")
    for before in ("true", "cd ~/fast"):
        terminal.run(before)
        pid = session.start("cd ~/slow")
        assert seen_during(pid) == DEAD_END
        interrupt(session, pid)
        assert terminal.managed() == DEAD_END
        said = status(session)
        assert f"not applied: {INTERRUPTED}" in said
        assert "Run 'cowork-env reload' to ask again" in said
        assert "kept from falling back to your own login" in said and "no hook" not in said
        terminal.run("cd ~")
        assert terminal.managed() == OWN
    (home.path / "go").touch()
    active = terminal.managed("cd ~/slow")
    assert active["ANTHROPIC_AUTH_TOKEN"] == "slow-key" and not OWN.items() & active.items()
    (home.path / "go").unlink()
    slow = {"name": "Slow", "baseUrl": "https://slow.example", "authTokenFrom": SLOW}
    home.providers([GUIDE[1], {**slow, "defaultModel": "another"}])
    pid = session.start("true")
    assert seen_during(pid) == DEAD_END
    interrupt(session, pid)
    assert terminal.managed() == DEAD_END
    (home.path / "go").touch()
    terminal.run("cowork-env reload >/dev/null 2>&1")
    assert terminal.managed()["ANTHROPIC_MODEL"] == "another"
    terminal.run("cd ~")
    assert terminal.managed() == OWN


def test_control_c_twice_with_a_trap(session: Session) -> None:
    """The second one comes while the program is told of the first; a trap keeps the shell going."""
    terminal, home = session.terminal, session.home
    home.pin(home.path / "slow", "Slow\nrequired = true\n")
    terminal.run("trap true INT")
    for pause in (0.01, 0.02, 0.03):
        pid = session.start("cd ~/slow")
        terminal.child.sendintr()
        time.sleep(pause)
        terminal.child.sendintr()
        wait_for(lambda pid=pid: has_ended(pid))
        session.wait_ready()
        assert terminal.managed() == DEAD_END
        terminal.run("cd ~")


def test_status_tells_of_an_interrupted_lookup(session: Session) -> None:
    """Without 'required' it is the own login; a program from outside learns why."""
    terminal = session.terminal
    pid = session.start("cd ~/slow")
    assert seen_during(pid) == OWN
    interrupt(session, pid)
    assert terminal.managed() == OWN
    said = status(session)
    assert f"not applied: {INTERRUPTED}" in said and "no hook" not in said
    (session.home.path / "go").touch()
    terminal.run("cowork-env reload >/dev/null 2>&1")
    assert terminal.managed()["ANTHROPIC_AUTH_TOKEN"] == "slow-key"
    assert "shell up to date" in " ".join(status(session).split())
    terminal.run("cd ~")
    assert terminal.managed() == OWN
    assert "COWORK_ENV_STATE" not in terminal.run("env")


@pytest.mark.parametrize("shell", SHELLS)
def test_status_tells_of_a_key_that_could_not_be_fetched(
    shell: str, home: Home, open_terminal: Open
) -> None:
    home.providers(
        [{**GUIDE[1], "authToken": "", "authTokenFrom": "cmd:sh -c 'echo >>~/asked; exit 1'"}]
    )
    home.pin(home.path / "work", "openrouter\n")
    terminal = open_terminal(shell)
    assert "OpenRouter: " in terminal.run("cd ~/work")
    said = one_line(terminal.run("cowork-env status"))
    assert "not applied: OpenRouter: " in said and "'cowork-env reload' to try again" in said
    assert (home.path / "asked").read_text() == "\n"
    terminal.run("cd ~")
    assert "COWORK_ENV_STATE" not in terminal.run("env")


@pytest.mark.parametrize("name", ["ANTHROPIC_MODEL", "ANTHROPIC_BASE_URL", "ANTHROPIC_API_KEY"])
@pytest.mark.parametrize("shell", [s for s in SHELLS if s != "fish"])
def test_a_required_pin_with_a_read_only_variable(
    shell: str, name: str, home: Home, open_terminal: Open
) -> None:
    """As much of the dead end is set as the shell allows: no request goes out with the own key."""
    home.providers()
    home.pin(home.path / "work", "openrouter\nrequired = true\n")
    terminal = open_terminal(shell, before=f"export {name}=mine; readonly {name}")
    assert "one of its variables is read-only" in terminal.run("cd ~/work")
    assert terminal.managed() == {**DEAD_END, name: "mine"}
    assert "is read-only" in one_line(terminal.run("cowork-env status"))
    assert terminal.managed("cd ~") == {name: "mine"}
