"""Entering and leaving a project in the other shells: what children of the shell see."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.home import GUIDE, Home
from support.home import GUIDE_MANAGED as MANAGED
from support.shells import DIALECTS
from support.terminal import Open


def test_each_guide_provider_inside_and_out(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """Exact values in each project and below; outside, the user's own: set, empty or absent."""
    row = DIALECTS[shell]
    before = "\n".join(
        row.set.format(n=n, v=v)
        for n, v in (("ANTHROPIC_MODEL", "mine"), ("ANTHROPIC_CUSTOM_HEADERS", ""))
    )
    terminal = open_terminal(shell, before=before)
    own = {"ANTHROPIC_MODEL": "mine", "ANTHROPIC_CUSTOM_HEADERS": ""}
    assert terminal.managed() == own
    for name, path in projects.items():
        terminal.cd(path)
        assert terminal.managed() == MANAGED[name]
        terminal.cd("deep/er")
        assert terminal.managed() == MANAGED[name]
        terminal.cd("~")
        assert terminal.managed() == own
        assert "COWORK_ENV_STATE" not in terminal.env()


def test_one_line_with_cd_and_a_command(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """cd PROJECT; CMD, entering and leaving."""
    terminal = open_terminal(shell)
    for name in ("OpenRouter", "LiteLLM Local"):
        assert terminal.managed(f"cd {projects[name]}") == MANAGED[name]
    assert terminal.managed("cd ~") == {}
    assert terminal.managed(f"cd {projects['OpenRouter']}; cd deep") == MANAGED["OpenRouter"]
    assert terminal.managed("cd") == {}


def test_one_message_on_each_change(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    terminal = open_terminal(shell)
    assert terminal.started_messages == []
    assert terminal.cd(projects["OpenRouter"]) == [
        "OpenRouter (~/work/openrouter/.cowork-provider)"
    ]
    assert terminal.messages() == []
    assert terminal.cd("deep") == []
    assert terminal.cd(projects["LiteLLM Local"]) == [
        "LiteLLM Local (~/work/litellm-local/.cowork-provider)"
    ]
    assert terminal.cd("~") == ["left LiteLLM Local"]


def test_quiet_shows_no_messages(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    terminal = open_terminal(shell, env={"COWORK_ENV_QUIET": "1"})
    assert terminal.cd(projects["OpenRouter"]) == []
    assert terminal.cd("~") == []


def test_hand_set_values_stay(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """Values that the user sets while a provider is active stay, after edits and on leaving."""
    terminal = open_terminal(shell)
    terminal.cd(projects["OpenRouter"])
    by_hand = {"ANTHROPIC_MODEL": "by-hand", "ANTHROPIC_SMALL_FAST_MODEL": "s"}
    for name, value in by_hand.items():
        terminal.set(name, value)
    terminal.unset("ANTHROPIC_DEFAULT_OPUS_MODEL")
    inside = {
        k: v for k, v in MANAGED["OpenRouter"].items() if k != "ANTHROPIC_DEFAULT_OPUS_MODEL"
    } | by_hand
    assert terminal.managed() == inside
    changed = json.loads(json.dumps(GUIDE))
    changed[1]["authToken"] = "sk-or-new"
    home.providers(changed)
    assert terminal.managed() == inside | {"ANTHROPIC_AUTH_TOKEN": "sk-or-new"}
    assert terminal.managed("cd ~") == by_hand


def test_a_nested_shell_applies_the_provider_again(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """If the startup file of a nested shell sets a variable, the first prompt applies the provider.

    The value of the startup file is restored on leaving.
    """
    set_it = DIALECTS[shell].set.format(n="ANTHROPIC_MODEL", v="from-startup")
    outer = open_terminal(shell)
    outer.cd(projects["OpenRouter"])
    env = outer.env()
    for place in ({"before": set_it}, {"after": set_it}):
        inner = open_terminal(shell, cwd=projects["OpenRouter"], env=env, **place)
        assert inner.started_messages == []
        assert inner.managed() == MANAGED["OpenRouter"]
        assert inner.managed("cd ~") == {"ANTHROPIC_MODEL": "from-startup"}


HOSTILE = [
    "with space",
    "quo'te",
    'dou"ble',
    "$test",
    "$(touch owned)",
    "`touch owned`",
    "-dash",
    "semi;colon",
    "new\nline",
    "back\\slash\\b",
    "star*",
    "éè🚒",
    "a=b",
    "[x]",
    "{a,b}",
    "~tilde",
    "tab\tbed",
    "#hash",
    "bang!x",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_directory_names(shell: str, name: str, home: Home, open_terminal: Open) -> None:
    home.providers()
    project = home.path / "work" / name
    home.pin(project, "OpenRouter\n")
    terminal = open_terminal(shell, env={"TARGET": str(project)})
    terminal.run(terminal.dialect.cd.format(n="TARGET"))
    assert terminal.managed() == MANAGED["OpenRouter"]
    assert terminal.messages() == []
    assert terminal.managed("cd ~") == {}
    assert not list(home.path.rglob("owned"))


def test_through_a_symbolic_link(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """The pins above the real directory apply, whatever path it was reached by."""
    (home.path / "elsewhere").mkdir()
    (home.path / "elsewhere/link").symlink_to(projects["OpenRouter"] / "deep")
    home.pin(home.path / "elsewhere", "LiteLLM Local\n")
    terminal = open_terminal(shell)
    assert terminal.managed(f"cd {home.path}/elsewhere/link/er") == MANAGED["OpenRouter"]
    assert terminal.managed(f"cd {home.path}/elsewhere") == MANAGED["LiteLLM Local"]


def test_deleted_directory(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    terminal = open_terminal(shell)
    gone = projects["OpenRouter"] / "deep/er"
    terminal.cd(gone)
    gone.rmdir()
    if shell != "nu":  # It runs no hooks there.
        assert terminal.messages() == []
    terminal.run("cd /")
    assert terminal.managed() == {}


def test_only_the_state_is_exported(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """What the hook remembers contains keys: children see only the provider's variables."""
    terminal = open_terminal(shell)
    before = set(terminal.env())
    terminal.cd(projects["OpenRouter"])
    env = terminal.env()
    added = {n for n in set(env) - before if n != "LAST_RETURN_CODE" and not n.startswith("XONSH_")}
    assert added == {*MANAGED["OpenRouter"], "COWORK_ENV_STATE"}
    assert "sk-or" not in env["COWORK_ENV_STATE"]
    assert [n for n, v in env.items() if "sk-or" in v] == ["ANTHROPIC_AUTH_TOKEN"]
    terminal.cd("~")
    assert not [v for v in terminal.env().values() if "sk-or" in v]
