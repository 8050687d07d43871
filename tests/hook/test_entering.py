"""Entering and leaving a project at a real prompt: what children of the shell see."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.home import GUIDE, Home
from support.home import GUIDE_MANAGED as MANAGED
from support.terminal import Open


def test_each_guide_provider_inside_and_out(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """Exact values in each project and below; outside, the user's own: set, empty or absent."""
    before = {
        "bash": "export ANTHROPIC_MODEL=mine ANTHROPIC_CUSTOM_HEADERS=",
        "zsh": "export ANTHROPIC_MODEL=mine ANTHROPIC_CUSTOM_HEADERS=",
        "fish": "set -gx ANTHROPIC_MODEL mine; set -gx ANTHROPIC_CUSTOM_HEADERS ''",
    }[shell]
    terminal = open_terminal(shell, before=before)
    own = {"ANTHROPIC_MODEL": "mine", "ANTHROPIC_CUSTOM_HEADERS": ""}
    assert terminal.managed() == own
    for name, path in projects.items():
        terminal.run(f"cd {path}")
        assert terminal.managed() == MANAGED[name]
        terminal.run("cd deep/er")
        assert terminal.managed() == MANAGED[name]
        terminal.run("cd ~")
        assert terminal.managed() == own
        assert "COWORK_ENV_STATE" not in terminal.env()


def test_one_line_with_cd_and_a_command(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """cd PROJECT && CMD, entering and leaving; pushd, popd, cd -."""
    terminal = open_terminal(shell)
    first, second = projects["OpenRouter"], projects["LiteLLM Local"]
    assert terminal.managed(f"cd {first}") == MANAGED["OpenRouter"]
    assert terminal.managed("cd ~") == {}
    assert terminal.managed(f"cd {second}") == MANAGED["LiteLLM Local"]
    assert terminal.managed(f"cd {first}") == MANAGED["OpenRouter"]
    assert terminal.managed("cd -") == MANAGED["LiteLLM Local"]
    assert terminal.managed(f"pushd {first}") == MANAGED["OpenRouter"]
    assert terminal.managed("popd") == MANAGED["LiteLLM Local"]
    assert terminal.managed("cd") == {}


def test_in_a_subshell(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """(cd PROJECT && CMD) has the provider inside and not outside, and shows no message."""
    terminal = open_terminal(shell)
    out = home.path / "sub.out"
    form = "set x (cd {} && env >{})" if shell == "fish" else "(cd {} && env >{})"
    assert terminal.run(form.format(projects["OpenRouter"], out)) == ""
    assert "ANTHROPIC_BASE_URL=https://openrouter.ai/api\n" in out.read_text()
    if shell == "fish":  # It has no subshells, so the directory has changed.
        terminal.run("cd ~")
    assert terminal.managed() == {}
    form = (
        "echo [(cd {} && echo $ANTHROPIC_MODEL)]"
        if shell == "fish"
        else 'echo "[$(cd {} && echo $ANTHROPIC_MODEL)]"'
    )
    assert (
        terminal.run(form.format(projects["LiteLLM Local"])).split("\n")[0]
        == "[claude-3-5-sonnet-20241022]"
    )


def test_one_message_on_each_change(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """Entering and leaving write one line each to standard error; nothing else does."""
    terminal = open_terminal(shell)
    path = projects["OpenRouter"]
    assert terminal.started == ""
    assert (
        terminal.run(f"cd {path}")
        == "cowork-env: OpenRouter (~/work/openrouter/.cowork-provider)\n"
    )
    assert terminal.run("true") == ""
    assert terminal.run("cd deep") == ""
    assert (
        terminal.run(f"cd {projects['LiteLLM Local']}")
        == "cowork-env: LiteLLM Local (~/work/litellm-local/.cowork-provider)\n"
    )
    assert terminal.run("cd ~") == "cowork-env: left LiteLLM Local\n"
    out = home.path / "stdout"
    terminal.run(f"cd {path} >{out}; cd ~ >>{out}")
    assert out.read_text() == ""


def test_quiet_shows_no_messages(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    terminal = open_terminal(shell, env={"COWORK_ENV_QUIET": "1"})
    assert terminal.run(f"cd {projects['OpenRouter']}") == ""
    assert terminal.run("cd ~") == ""


def test_hand_set_values_stay(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """Values that the user sets while a provider is active stay, after edits and on leaving."""
    terminal = open_terminal(shell)
    terminal.run(f"cd {projects['OpenRouter']}")
    if shell == "fish":
        terminal.run(
            "set -gx ANTHROPIC_MODEL by-hand; set -e ANTHROPIC_DEFAULT_OPUS_MODEL; "
            "set -gx ANTHROPIC_SMALL_FAST_MODEL s"
        )
    else:
        terminal.run(
            "export ANTHROPIC_MODEL=by-hand ANTHROPIC_SMALL_FAST_MODEL=s; "
            "unset ANTHROPIC_DEFAULT_OPUS_MODEL"
        )
    by_hand = {"ANTHROPIC_MODEL": "by-hand", "ANTHROPIC_SMALL_FAST_MODEL": "s"}
    inside = {
        k: v for k, v in MANAGED["OpenRouter"].items() if k != "ANTHROPIC_DEFAULT_OPUS_MODEL"
    } | by_hand
    assert terminal.managed() == inside
    changed = json.loads(json.dumps(GUIDE))
    changed[1]["authToken"] = "sk-or-new"
    home.providers(changed)
    assert terminal.managed() == inside | {"ANTHROPIC_AUTH_TOKEN": "sk-or-new"}
    assert terminal.managed("cd ~") == by_hand


def test_unexported_variables_are_restored(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """A plain shell variable is hidden while a provider is active, and then back, unexported."""
    terminal = open_terminal(
        shell, after="set -g ANTHROPIC_MODEL plain" if shell == "fish" else "ANTHROPIC_MODEL=plain"
    )
    assert terminal.managed(f"cd {projects['OpenRouter']}") == MANAGED["OpenRouter"]
    assert terminal.managed("cd ~") == {}
    assert terminal.run('echo "[$ANTHROPIC_MODEL]"') == "[plain]\n"


def test_a_nested_shell_applies_the_provider_again(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """If the startup file of a nested shell sets a variable, the first prompt applies the provider.

    The value of the startup file is restored on leaving.
    """
    set_it = (
        "set -gx ANTHROPIC_MODEL from-startup"
        if shell == "fish"
        else "export ANTHROPIC_MODEL=from-startup"
    )
    outer = open_terminal(shell)
    outer.run(f"cd {projects['OpenRouter']}")
    env = outer.env()
    for place in ({"before": set_it}, {"after": set_it}):
        inner = open_terminal(shell, cwd=projects["OpenRouter"], env=env, **place)
        assert inner.started == ""
        assert inner.managed() == MANAGED["OpenRouter"]
        assert inner.managed("cd ~") == {"ANTHROPIC_MODEL": "from-startup"}


def test_exec_of_a_new_shell(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    terminal = open_terminal(shell)
    terminal.run(f"cd {projects['OpenRouter']}")
    terminal.run(f"exec {shell}" + (" -i" if shell != "fish" else ""))
    assert terminal.managed() == MANAGED["OpenRouter"]
    assert terminal.managed("cd ~") == {}


@pytest.mark.parametrize(
    ("shell", "kind"),
    [("bash", "declare -a"), ("bash", "declare -i"), ("zsh", "typeset -a"), ("zsh", "typeset -i")],
)
def test_a_variable_of_another_type(
    shell: str, kind: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """An array cannot be exported, so the URL would be there without its key."""
    terminal = open_terminal(shell)
    terminal.run(
        f"{kind} ANTHROPIC_AUTH_TOKEN ANTHROPIC_MODEL; ANTHROPIC_AUTH_TOKEN=(7) ANTHROPIC_MODEL=(7)"
        if kind[-1] == "a"
        else f"{kind} ANTHROPIC_AUTH_TOKEN=7 ANTHROPIC_MODEL=7"
    )
    assert terminal.managed(f"cd {projects['OpenRouter']}") == MANAGED["OpenRouter"]
    assert terminal.managed("cd ~") == {}
    assert terminal.run("echo $ANTHROPIC_MODEL") == "7\n"


def test_read_only_variable(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """If a variable cannot be changed, no part of the provider is applied."""
    if shell == "fish":
        pytest.skip("fish has no read-only variables that users can set")
    terminal = open_terminal(
        shell, before="export ANTHROPIC_BASE_URL=http://mine.example; readonly ANTHROPIC_BASE_URL"
    )
    said = terminal.run(f"cd {projects['OpenRouter']}")
    assert "read-only" in said
    assert terminal.managed() == {"ANTHROPIC_BASE_URL": "http://mine.example"}
    assert terminal.run("true") == ""


def test_remembered_keys_are_not_exported(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """Remembered responses contain keys: after leaving, no child of the shell sees one."""
    terminal = open_terminal(shell)
    terminal.run(f"cd {projects['OpenRouter']}")
    state = terminal.env()["COWORK_ENV_STATE"]
    assert "sk-or" not in state
    terminal.run("cd ~")
    assert not [v for v in terminal.env().values() if "sk-or" in v]


def test_a_variable_that_is_not_exported_comes_back(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """Whether it is the program or the hook that knows how to leave, and the first time, too."""
    plain = "set -g ANTHROPIC_MODEL plain" if shell == "fish" else "ANTHROPIC_MODEL=plain"
    terminal = open_terminal(shell, before=plain, cwd=projects["OpenRouter"])
    show = "echo model $ANTHROPIC_MODEL"
    for _ in range(2):
        for name in ("OpenRouter", "LiteLLM Local"):
            managed = terminal.managed(f"cd {projects[name]}")
            assert managed == MANAGED[name]
        assert terminal.managed("cd ~") == {}
        assert terminal.run(show) == "model plain\n"
    terminal.run("set -e ANTHROPIC_MODEL" if shell == "fish" else "unset ANTHROPIC_MODEL")
    terminal.run(f"cd {projects['OpenRouter']}")
    terminal.run("cd ~")
    assert terminal.run(show) == "model\n"
