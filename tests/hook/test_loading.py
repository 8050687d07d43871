"""Loading the hook: twice, in scripts, beside aliases and functions of the same names."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.home import GUIDE_MANAGED as MANAGED
from support.home import Home
from support.program import run_in_shell
from support.shells import HOOK
from support.terminal import Open


def test_evaluated_twice(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """Also in a project, as when a startup file is sourced again: leaving still restores."""
    set_it = "set -gx ANTHROPIC_MODEL mine" if shell == "fish" else "export ANTHROPIC_MODEL=mine"
    terminal = open_terminal(shell, before=set_it, after=HOOK[shell])
    terminal.run(f"cd {projects['OpenRouter']}")
    terminal.run(HOOK[shell])
    assert terminal.managed() == MANAGED["OpenRouter"]
    assert terminal.run("true") == ""
    assert terminal.managed("cd ~") == {"ANTHROPIC_MODEL": "mine"}


def test_aliases_and_functions_of_builtins(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """Aliases of cd, test, read, eval and others, set before the hook, do not change it."""
    names = (
        "test",
        "read",
        "eval",
        "printf",
        "set",
        "local",
        "export",
        "unset",
        "declare",
        "typeset",
        "builtin",
        "shift",
        "trap",
        "return",
    )
    if shell == "fish":
        before = after = (
            "function cd; builtin cd $argv; end; function ls; builtin echo mine; end; "
            "alias pwd 'echo mine'"
        )
    else:
        before = (
            "; ".join(
                f"alias {n}='echo {n} is mine;'" for n in names if n not in ("eval", "builtin")
            )
            + "; alias cd='cd -P'"
        )
        after = "unalias -a; alias cd='cd -P'" + "".join(
            f"; alias {name}='echo mine'" for name in ("test", "read", "eval")
        )
    terminal = open_terminal(shell, before=before, after=after)
    assert terminal.run("true") == ""
    assert (
        terminal.run(f"cd {projects['OpenRouter']}")
        == "cowork-env: OpenRouter (~/work/openrouter/.cowork-provider)\n"
    )
    assert terminal.managed() == MANAGED["OpenRouter"]
    assert terminal.managed("cd ~") == {}


def test_bash_keeps_a_user_defined_cd(
    home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    mine = 'cd() { builtin cd "$@" && echo mine: "$*"; }'
    for place in ("before", "after"):
        terminal = open_terminal("bash", **{place: mine})
        said = terminal.run(f"cd {projects['OpenRouter']}")
        assert f"mine: {projects['OpenRouter']}" in said
        assert terminal.managed() == MANAGED["OpenRouter"]


@pytest.mark.parametrize(
    "form", ['{}() {{ builtin {} "$@"; }}', 'function {} {{ builtin {} "$@" && true; }}']
)
def test_bash_one_line_with_a_cd_defined_after_the_hook(
    form: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """A tool that is loaded later, such as mise, redefines cd, pushd and popd."""
    terminal = open_terminal(
        "bash", after="; ".join(form.format(name, name) for name in ("cd", "pushd", "popd"))
    )
    assert terminal.managed(f"cd {projects['OpenRouter']}") == MANAGED["OpenRouter"]
    assert terminal.managed(f"cd {projects['LiteLLM Local']}") == MANAGED["LiteLLM Local"]
    assert terminal.managed(f"pushd {projects['OpenRouter']}") == MANAGED["OpenRouter"]
    assert terminal.managed("popd") == MANAGED["LiteLLM Local"]
    assert terminal.managed("cd ~") == {}


def test_bash_a_user_defined_cd_that_calls_the_hooks(
    home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """A cd that wraps the one before it, also when the startup file is sourced again."""
    keep = 'eval "$(declare -f cd | sed \'1s/cd/kept_cd/\')"; cd() { kept_cd "$@" && echo mine; }'
    terminal = open_terminal("bash", after=keep)
    for _ in range(2):
        said = terminal.run(f"cd {projects['OpenRouter']}")
        assert said.count("mine") == 1 and said.count("cowork-env: OpenRouter") == 1
        assert terminal.managed(f"cd {projects['LiteLLM Local']}") == MANAGED["LiteLLM Local"]
        assert terminal.managed("cd ~") == {}
        terminal.run(". ~/.bashrc")


def test_bash_a_child_that_inherits_prompt_command_alone(
    home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    terminal = open_terminal("bash")
    terminal.run("export PROMPT_COMMAND; PS1=$PS1 bash --norc --noprofile -i")
    assert terminal.run("echo here") == "here\n"


def test_non_interactive(shell: str, home: Home, projects: dict[str, Path]) -> None:
    """A script that loads the hook with strict options prints nothing, and has the provider."""
    path = projects["OpenRouter"]
    strict = "" if shell == "fish" else "set -eu; "
    show = "echo $ANTHROPIC_MODEL"
    script = f"{strict}{HOOK[shell]}; echo start; cd {path}; {show}; cd /; echo end"
    done = run_in_shell(home, shell, script)
    assert (done.stdout, done.stderr, done.returncode) == (
        "start\nanthropic/claude-sonnet-4-20250514\nend\n",
        "",
        0,
    )


@pytest.mark.parametrize("which", ["public functions", "all functions"])
@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_a_snapshot_of_functions(
    shell: str, which: str, home: Home, projects: dict[str, Path]
) -> None:
    """In a shell made of this one's functions, as by Claude Code's Bash tool, the hook is off.

    Some versions of that tool leave out functions that begin with an underscore, others do not.
    Variables are never part of the snapshot.
    """
    listing = {
        ("bash", "public functions"): "declare -f cd pushd popd",
        ("zsh", "public functions"): "functions -m '[^_]*'",
        ("bash", "all functions"): "declare -f",
        ("zsh", "all functions"): "functions",
    }[shell, which]
    path = projects["OpenRouter"]
    run_in_shell(home, shell, f"{HOOK[shell]}; {listing} >~/snapshot", options=["-i"]).check()
    work = f"cd {path} && pwd && pushd / >/dev/null && popd >/dev/null && pwd; "
    work += "cd /nowhere || echo failed; env"
    done = run_in_shell(home, shell, f". ~/snapshot; {work}")
    assert done.stdout.startswith(f"{path}\n" * 2 + "failed\n")
    assert "ANTHROPIC" not in done.stdout
    assert "cowork" not in done.stderr and "not found" not in done.stderr
