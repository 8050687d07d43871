"""The processes that the hook starts at prompts, counted."""

from __future__ import annotations

import json

from support.home import GUIDE
from support.processes import count
from support.program import Program
from support.terminal import Terminal


def prompts(terminal: Terminal, number: int = 5) -> None:
    """Press Enter at an empty prompt, ``number`` times."""
    for _ in range(number):
        terminal.child.sendline("")
        terminal.child.expect_exact("@prompt@")


def test_the_counter_counts(terminal: Terminal) -> None:
    assert len(count(terminal, lambda: terminal.run("/bin/true"))) >= 2


def test_unchanged_prompts(terminal: Terminal) -> None:
    """Prompts where nothing changed start no process, in a pinned project and outside."""
    assert count(terminal, lambda: prompts(terminal)) == []
    terminal.run("cd /")
    prompts(terminal, 1)
    assert count(terminal, lambda: prompts(terminal)) == []


def test_unchanged_prompts_right_after_a_change(terminal: Terminal) -> None:
    """One request after an edit is enough, however recent the edit is."""
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
    """Going back to a provider starts no process, in known directories and in new ones."""
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


def test_the_first_request_is_one_process(terminal: Terminal) -> None:
    """A provider that is new to the shell starts one process, the interpreter, and no other."""
    calls = count(terminal, lambda: terminal.run(f"cd {terminal.home.path}/OpenRouter"))
    assert len([c for c in calls if "execve(" in c]) == 1
    assert len([c for c in calls if "execve(" not in c]) == 1


def test_reload_sends_a_request(terminal: Terminal) -> None:
    """A cowork-env reload elsewhere is seen at the next prompt."""
    home = terminal.home
    prompts(terminal, 1)
    Program(home).run("reload").check()
    calls = count(terminal, lambda: prompts(terminal, 2))
    assert len([c for c in calls if "execve(" in c]) == 1
