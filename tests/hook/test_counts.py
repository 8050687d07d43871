"""What is never felt, counted and not timed: the processes that a shell starts at its prompts."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator

import pytest

from support.home import GUIDE, Home
from support.processes import count
from support.shells import SHELLS
from support.terminal import Terminal


@pytest.fixture(params=SHELLS)
def terminal(request: pytest.FixtureRequest, home: Home) -> Iterator[Terminal]:
    home.providers()
    for entry in GUIDE:
        home.pin(home.path / entry["name"].split()[0] / "a/b/c/d/e/f/g/h", "")
        (home.path / entry["name"].split()[0] / "a/b/c/d/e/f/g/h/.cowork-provider").unlink()
        home.pin(home.path / entry["name"].split()[0], entry["name"] + "\n")
    opened = Terminal(request.param, home, cwd=home.path / "My/a/b/c/d/e/f/g/h")
    yield opened
    opened.close()


def prompts(terminal: Terminal, number: int = 5) -> None:
    """Press Enter at an empty prompt, so many times."""
    for _ in range(number):
        terminal.child.sendline("")
        terminal.child.expect_exact("@prompt@")


def test_the_counter_counts(terminal: Terminal) -> None:
    assert len(count(terminal, lambda: terminal.run("/bin/true"))) >= 2


def test_unchanged_prompts(terminal: Terminal) -> None:
    """Five prompts where nothing changed, in a pinned project and outside: no process."""
    assert count(terminal, lambda: prompts(terminal)) == []
    terminal.run("cd /")
    prompts(terminal, 1)
    assert count(terminal, lambda: prompts(terminal)) == []


def test_unchanged_prompts_right_after_a_change(terminal: Terminal) -> None:
    """The first answer after an edit already holds: nothing is asked again because it was recent."""
    changed = json.loads(json.dumps(GUIDE))
    changed[0]["authToken"] = "sk-new"
    terminal.home.providers(changed)
    prompts(terminal, 1)
    assert terminal.managed()["ANTHROPIC_AUTH_TOKEN"] == "sk-new"
    assert count(terminal, lambda: prompts(terminal)) == []


def test_unchanged_prompts_with_an_untrusted_and_a_broken_pin(terminal: Terminal) -> None:
    home = terminal.home
    home.pin(home.path / "untrusted", "OpenRouter\n", allow=False)
    home.pin(home.path / "broken", "Nobody\n")
    for name in ("untrusted", "broken"):
        terminal.run(f"cd {home.path}/{name}")
        assert count(terminal, lambda: prompts(terminal)) == [], name


def test_going_back_to_seen_providers(terminal: Terminal) -> None:
    """Between providers that this shell has seen, in directories it has and has not seen: no process."""
    home = terminal.home
    seen = ["OpenRouter", "LiteLLM", "AWS", "My"]
    for name in (*seen, ".."):
        terminal.run(f"cd {home.path}/{name}")

    def travel() -> None:
        for name in (*seen, "LiteLLM", "OpenRouter", "My", "AWS"):
            terminal.run(f"cd {home.path}/{name}")
            terminal.run("cd a/b/c")
            terminal.run("cd /")

    assert count(terminal, travel) == []
    terminal.run(f"cd {home.path}/AWS")
    assert terminal.managed()["ANTHROPIC_AUTH_TOKEN"] == "YOUR_AWS_ACCESS_KEY"


def test_the_first_question_is_one_process(terminal: Terminal) -> None:
    """A provider that this shell has not seen costs one process, the interpreter, which starts no other."""
    calls = count(terminal, lambda: terminal.run(f"cd {terminal.home.path}/OpenRouter"))
    assert len([c for c in calls if "execve(" in c]) == 1
    assert len([c for c in calls if "execve(" not in c]) == 1


def test_the_memory_is_bounded(terminal: Terminal) -> None:
    """After more different answers than are kept, the shell holds the limit, and still gives right answers."""
    home = terminal.home
    for i in range(40):
        home.pin(home.path / f"many/{i}", f"OpenRouter\nmodel = model-{i}\n")
    for i in range(40):
        terminal.run(f"cd {home.path}/many/{i}")
    size = {
        "bash": "${#__cowork_env_questions[@]}",
        "zsh": "${#__cowork_env_questions}",
        "fish": "(count $__cowork_env_questions)",
    }
    assert terminal.run(f"echo {size[terminal.shell]}") == "32\n"
    for i in (0, 39, 20):
        terminal.run(f"cd {home.path}/many/{i}")
        assert terminal.managed()["ANTHROPIC_MODEL"] == f"model-{i}"


def test_an_outside_secret_is_remembered_for_ten_minutes(terminal: Terminal) -> None:
    """Going back within ten minutes asks nobody; an answer as old as that is not used."""
    home = terminal.home
    home.providers(
        [
            {
                **GUIDE[0],
                "authToken": "",
                "authTokenFrom": "cmd:sh -c 'echo asked >>~/asked; echo key'",
            },
            *GUIDE[1:],
        ]
    )
    asked = home.path / "asked"
    for _ in range(3):
        terminal.run(f"cd {home.path}/My")
        terminal.run("cd /")
    assert asked.read_text() == "asked\n"
    age = {
        "bash": "SECONDS=$((SECONDS + 601))",
        "zsh": "SECONDS=$((SECONDS + 601))",
        "fish": "for f in $__cowork_env_expiries; test $f = 0; or touch -d '11 minutes ago' $f; end",
    }
    terminal.run(age[terminal.shell])
    terminal.run(f"cd {home.path}/My")
    assert asked.read_text() == "asked\nasked\n"
    assert terminal.managed()["ANTHROPIC_AUTH_TOKEN"] == "key"


def test_a_reload_asks_again(terminal: Terminal) -> None:
    """cowork-env reload, from anywhere, is seen at the next prompt."""
    home = terminal.home
    prompts(terminal, 1)
    subprocess.run(
        ["cowork-env", "reload"], env=home.env, check=True, timeout=30, capture_output=True
    )
    calls = count(terminal, lambda: prompts(terminal, 2))
    assert len([c for c in calls if "execve(" in c]) == 1
