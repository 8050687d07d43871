"""Changes and failures in the other shells."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from pathlib import Path

import pytest

from cowork_env.core.environment import UNRESOLVED_URL

from support.home import GUIDE, Home
from support.home import GUIDE_MANAGED as MANAGED
from support.program import Program
from support.shells import DIALECTS
from support.terminal import Open


def test_untrusted_pin_does_nothing_and_is_reported_once(
    shell: str, home: Home, open_terminal: Open
) -> None:
    home.providers()
    project = home.path / "new"
    pin = home.pin(project, "OpenRouter\n", allow=False)
    terminal = open_terminal(shell)
    [notice] = terminal.cd(project)
    assert "~/new/.cowork-provider" in notice and "cowork-env allow" in notice
    assert terminal.managed() == {}
    assert terminal.messages() == [] == terminal.cd("~") == terminal.cd(project)
    home.pin(project, "OpenRouter\n")
    assert terminal.messages() == ["OpenRouter (~/new/.cowork-provider)"]
    assert terminal.managed() == MANAGED["OpenRouter"]
    pin.write_text("LiteLLM Local\n")
    left, notice = terminal.messages()
    assert left == "left OpenRouter" and "cowork-env allow" in notice
    assert terminal.managed() == {}


def test_every_change_is_seen_at_the_next_prompt(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """The provider file, pins above, trust, the selection, and COWORK_PROVIDER."""
    from cowork_env.core.trust import TrustStore

    terminal = open_terminal(shell)
    path = projects["OpenRouter"]
    terminal.cd(path / "deep/er")
    changed = json.loads(json.dumps(GUIDE))
    for round_ in range(3):  # several edits within one second
        changed[1]["authToken"] = f"sk-or-new-{round_}"
        home.providers(changed)
        assert terminal.managed()["ANTHROPIC_AUTH_TOKEN"] == f"sk-or-new-{round_}"
    changed[1]["authToken"] = "sk-or-renamed"
    other = home.file.with_suffix(".tmp")
    other.write_text(json.dumps(changed))
    other.rename(home.file)
    assert terminal.managed()["ANTHROPIC_AUTH_TOKEN"] == "sk-or-renamed"
    home.pin(path / "deep", "LiteLLM Local\n")
    assert terminal.managed() == MANAGED["LiteLLM Local"]
    (path / "deep/.cowork-provider").unlink()
    assert terminal.managed()["COWORK_ENV_ACTIVE"] == "OpenRouter"
    for model in ("one", "two"):
        pin = home.pin(path, f"OpenRouter\nmodel = {model}\n")
        os.utime(pin, ns=(10**18, 10**18))  # as a checkout may leave it
        assert terminal.managed()["ANTHROPIC_MODEL"] == model
    terminal.set("COWORK_PROVIDER", "litellm-local")
    assert terminal.managed() == MANAGED["LiteLLM Local"]
    terminal.set("COWORK_PROVIDER", "none")
    assert terminal.managed() == {}
    terminal.unset("COWORK_PROVIDER")
    assert terminal.managed()["COWORK_ENV_ACTIVE"] == "OpenRouter"
    TrustStore(str(home.state)).deny(str(path / ".cowork-provider"))
    assert terminal.messages() == ["left OpenRouter"]
    terminal.cd("~")
    (home.state / "selection").write_text(GUIDE[3]["id"] + "\n")
    assert terminal.managed() == MANAGED["AWS Bedrock"]
    (home.state / "selection").write_text("none\n")
    assert terminal.managed() == {}
    home.file.unlink()
    assert terminal.managed(f"cd {projects['LiteLLM Local']}") == {}


def test_a_trusted_pin_that_fails(shell: str, home: Home, open_terminal: Open) -> None:
    """An unknown provider or bad content: no provider, reported once.

    A required pin keeps clients from falling back to another one.
    """
    home.providers()
    home.state.mkdir(parents=True)
    (home.state / "selection").write_text("openrouter\n")
    project = home.path / "broken"
    home.pin(project, "Nobody\n")
    terminal = open_terminal(shell)
    assert terminal.managed() == MANAGED["OpenRouter"]
    [error] = terminal.cd(project)
    assert "Nobody" in error
    assert terminal.managed() == {}
    assert terminal.messages() == []
    home.pin(project, "Nobody\nrequired = true\n")
    assert "Nobody" in terminal.messages()[0]
    managed = terminal.managed()
    assert managed["ANTHROPIC_BASE_URL"] == "http://unresolved.cowork-env.invalid"
    assert managed["ANTHROPIC_AUTH_TOKEN"] == "unresolved"
    assert terminal.messages() == []
    home.pin(project, "OpenRouter\nno such = line\n")
    assert "line 2" in terminal.messages()[0]
    assert terminal.managed() == {}


def test_a_missing_program_is_reported_once(
    shell: str,
    home: Home,
    projects: dict[str, Path],
    open_terminal: Open,
    program: Program,
) -> None:
    """The shell goes on working, one line is shown once, and the active provider is left.

    Values set by hand stay.
    """
    interpreter = home.path / "bin/python"
    interpreter.parent.mkdir()
    real = program.run("hook", shell).check().stdout
    fake = home.path / "bin/cowork-env"
    # The hook with the interpreter in a place where it can be removed.
    (home.path / "moved").write_text(
        re.sub(
            re.escape(str(Path(sys.executable).parent)) + r"/python[0-9.]*", str(interpreter), real
        )
    )
    fake.write_text(f"#!/bin/sh\ncat {home.path}/moved\n")
    fake.chmod(0o755)
    interpreter.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    interpreter.chmod(0o755)
    before = DIALECTS[shell].set.format(
        n="ANTHROPIC_MODEL", v="it's mine" if shell == "nu" else "mine"
    )
    home.env["PATH"] = f"{home.path}/bin:{home.env['PATH']}"
    terminal = open_terminal(shell, before=before)
    own = terminal.managed()
    assert list(own) == ["ANTHROPIC_MODEL"]
    terminal.cd(projects["OpenRouter"])
    assert terminal.managed() == MANAGED["OpenRouter"]
    terminal.set("ANTHROPIC_DEFAULT_OPUS_MODEL", "by-hand")
    interpreter.unlink()
    [error] = terminal.cd(projects["LiteLLM Local"])
    assert error.startswith("the program cannot be run")
    assert terminal.managed() == own | {"ANTHROPIC_DEFAULT_OPUS_MODEL": "by-hand"}
    assert terminal.messages() == [] == terminal.cd("/")
    assert "COWORK_ENV_STATE" not in terminal.env()


def test_a_damaged_state_is_ignored(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """A damaged or foreign COWORK_ENV_STATE is ignored with one warning and never evaluated."""
    terminal = open_terminal(
        shell, env={"COWORK_ENV_STATE": "$(touch owned)`touch owned`';touch owned;'"}
    )
    assert (
        len([line for line in terminal.started_messages if "COWORK_ENV_STATE is damaged" in line])
        == 1
    )
    assert terminal.messages() == []
    assert terminal.managed(f"cd {projects['OpenRouter']}") == MANAGED["OpenRouter"]
    assert terminal.managed("cd ~") == {}
    assert not list(home.path.rglob("owned"))


@pytest.mark.parametrize("required", [False, True])
def test_control_c_stops_a_slow_lookup(
    required: bool, shell: str, home: Home, open_terminal: Open
) -> None:
    """Ctrl-C during a lookup: no provider, and no other lookup until something changes.

    Under a required pin, clients cannot use the user's own login.
    """
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
    home.pin(slow, "OpenRouter\n" + "required = true\n" * required)
    home.pin(fast, "LiteLLM Local\n")
    terminal = open_terminal(shell)
    terminal.cd(fast)
    terminal.child.send(f"cd {slow}\r")
    end = time.monotonic() + 20
    while not (home.path / "asked").exists() or not (home.path / "asked").stat().st_size:
        assert time.monotonic() < end, "there was no lookup"
        terminal.idle()
    terminal.child.sendintr()
    terminal.prompt()
    assert terminal.managed().get("ANTHROPIC_BASE_URL") == (UNRESOLVED_URL if required else None)
    assert "ANTHROPIC_MODEL" not in terminal.managed()
    assert "lookup of its key was interrupted" in terminal.run("cowork-env status")
    assert (home.path / "asked").read_text() == "x\n"
    assert terminal.managed(f"cd {fast}") == MANAGED["LiteLLM Local"]


def test_xonsh_has_the_launchers_first_on_path(home: Home, open_terminal: Open) -> None:
    """As long as there are any; in front of what else is put there."""
    terminal = open_terminal("xonsh")
    before = terminal.env()["PATH"]
    folder = home.path / ".local/share/cowork-env/shims"
    Program(home).run("shim", "tool").check()
    terminal.run()
    assert terminal.env()["PATH"] == f"{folder}:{before}"
    terminal.run("$PATH.insert(0, '/before')")
    assert terminal.env()["PATH"] == f"{folder}:/before:{before}"
    Program(home).run("shim", "--remove").check()
    terminal.run()
    assert terminal.env()["PATH"] == f"/before:{before}"
