"""The hook in bash before 4.4, and the syntax of the hook files."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from support.home import GUIDE, ROOT, Home, need
from support.home import GUIDE_MANAGED as MANAGED
from support.program import execute, run_in_shell
from support.session import Session
from support.shells import HOOK, OPTIONS, SHELLS, TRACES
from support.terminal import Open


def test_syntax_and_shellcheck() -> None:
    folder = ROOT / "shell"
    for shell in SHELLS:
        check = "--no-execute" if shell == "fish" else "-n"
        hook = folder / f"hook.{shell}"
        execute([need(shell), check, hook], env=os.environ, cwd=folder).check()
    shellcheck = [need("shellcheck"), folder / "hook.bash"]
    execute(shellcheck, env=os.environ, cwd=folder).check()


OLD = HOOK["bash"].replace("bash)", "bash | sed 's/BASH_VERSINFO/as_if/g')")


@pytest.mark.parametrize("option", ["true", *OPTIONS["bash"]])
@pytest.mark.parametrize("place", ["before", "after"])
def test_bash_before_4_4(
    option: str, place: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """Without "local -", as in macOS's bash 3.2, the hook works the same and keeps all options."""
    lines = [option, OLD] if place == "before" else [OLD, option]
    terminal = open_terminal("bash", hook=False, after="as_if=(3 2); " + "; ".join(lines))
    assert terminal.started == ""
    options = terminal.run("echo $-; set +o")
    assert (
        terminal.run(f"cd {projects['OpenRouter']}")
        == "cowork-env: OpenRouter (~/work/openrouter/.cowork-provider)\n"
    )
    assert terminal.run("true") == ""
    assert terminal.managed() == MANAGED["OpenRouter"]
    assert terminal.managed(f"cd {projects['LiteLLM Local']}") == MANAGED["LiteLLM Local"]
    assert terminal.managed("cd ~") == {}
    assert terminal.run("echo $-; set +o") == options


@pytest.mark.parametrize("trace", [trace for shell, trace in TRACES if shell == "bash"])
def test_trace_shows_no_key_in_bash_before_4_4(
    trace: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    terminal = open_terminal("bash", hook=False, after=f"as_if=(3 2); {OLD}")
    terminal.run(trace)
    said = (
        terminal.run(f"cd {projects['OpenRouter']}")
        + terminal.run("cd ~")
        + terminal.run(f"cd {projects['OpenRouter']}")
    )
    assert said.count("cowork-env: OpenRouter") == 2
    assert GUIDE[1]["authToken"] not in said


@pytest.mark.parametrize("line", ["cd ~/slow", "true"])
def test_options_after_an_interrupt_in_bash_before_4_4(line: str, home: Home) -> None:
    """No trap of the user's lets the hook go on there: bash leaves all functions at once."""
    session = Session("bash", home, startup=f"as_if=(3 2); {OLD}; set -u -k -a -E")
    terminal = session.terminal
    try:
        options = terminal.run("echo $-; set +o")
        for _ in range(2):
            if line == "true":
                terminal.run("cd ~/fast")
                home.pin(home.path / "fast", "Slow\n")
            session.start(line)
            terminal.child.sendintr()
            session.wait_ready()
            assert terminal.run("echo $-; set +o") == options
            assert terminal.managed() == {}
            home.pin(home.path / "fast", "OpenRouter\n")
            managed = terminal.managed("cd ~/fast")
            assert managed == MANAGED["OpenRouter"]
            terminal.run("set +u; set -f")
            options = terminal.run("echo $-; set +o")
            terminal.run("cd ~")
            assert terminal.run("echo $-; set +o") == options
    finally:
        terminal.close()


@pytest.mark.parametrize("version", ["this", "before 4.4"])
def test_bash_script_under_strict_options(
    version: str, home: Home, projects: dict[str, Path]
) -> None:
    hook = HOOK["bash"] if version == "this" else f"as_if=(3 2); {OLD}"
    done = run_in_shell(
        home,
        "bash",
        f"set -euo pipefail; {hook}; cd {projects['OpenRouter']}; "
        "echo $ANTHROPIC_MODEL; cd /; echo end",
    )
    assert (done.stdout, done.stderr, done.returncode) == (
        "anthropic/claude-sonnet-4-20250514\nend\n",
        "",
        0,
    )


# Newer than bash 3.2; the hook may use one only where a comment says why that is safe.
NEWER_THAN_BASH_3_2 = (
    r"declare -[A-Za-z]*[Agn]",
    r"local -[A-Za-z]*[An]",
    r"\$\{[^}]*\^",
    r"\$\{[^}]*,,",
    r"\$\{[^}]*@[A-Za-z]\}",
    r"\bmapfile\b",
    r"\breadarray\b",
    r"\bcoproc\b",
    r"&>>",
    r"\|&",
    r"\bBASHPID\b",
    r"\bEPOCH",
    r"read [^\n]*-[Ni]\b",
    r"printf '%\(",
    r"\[\[ -v ",
    r"\{[a-z_]+\}[<>]",
    r";;&",
    r";&",
    r"\$\{[^}]*: -",
    r"wait -n",
    r"shopt -s [^\n]*(globstar|lastpipe|inherit_errexit)",
    r"\$\{[a-zA-Z_]+\[-",
)


def test_bash_hook_uses_nothing_newer_than_3_2() -> None:
    text = (ROOT / "shell/hook.bash").read_text()
    code = "\n".join(line for line in text.split("\n") if not line.lstrip().startswith("#"))
    for pattern in NEWER_THAN_BASH_3_2:
        assert not re.search(pattern, code), pattern
    # "local -" came with 4.4, and is used only after a check of the version.
    for match in re.finditer(r"^\s*\\builtin local -$", code, re.M):
        assert (
            "BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] > 403"
            in code[: match.start()].rsplit("\n", 3)[-2]
        )
