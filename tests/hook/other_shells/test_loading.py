"""Loading the hook in the other shells, and what it leaves as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from cowork_env import shells

from support.home import GUIDE_MANAGED as MANAGED
from support.home import ROOT, Home, need
from support.processes import count
from support.program import Program, execute
from support.shells import DIALECTS, EVALUATE, OTHER_SHELLS, PLAIN, startup_file
from support.terminal import Open


def test_each_shell_with_a_hook_is_tested() -> None:
    """Each is tested here or with the first three; only pwsh is untested."""
    assert {s.name for s in shells.with_hook()} == {
        "bash",
        "zsh",
        "fish",
        *OTHER_SHELLS,
        "pwsh",
    }


def test_the_lines_are_as_documented(home: Home, program: Program) -> None:
    """The hook's line, the line for statements, and what init writes where it knows the shell."""
    text = (ROOT / "docs/shells.md").read_text(encoding="utf-8").replace("\\|", "|")
    for shell in OTHER_SHELLS:
        row = DIALECTS[shell]
        assert f"`{row.load.format(home='~').replace('/hook.nu', '/.cowork-env.nu')}`" in text
        evaluate = EVALUATE[shell].format(file="FILE")
        ask = f"cowork-env export --format {shell}"
        for reader in ("open --raw FILE", "slurp < FILE", "cat FILE"):
            evaluate = evaluate.replace(
                reader, ask + " | slurp" if reader.startswith("slurp") else ask
            )
        assert f"`{evaluate}`" in text
    for shell in ("xonsh", "elvish"):
        for _ in range(2):
            program.run("init", shell).check()
        assert startup_file(shell, home).read_text().count(f"cowork-env hook {shell}") == 1


def test_evaluated_twice(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """Also in a project, as when a startup file is read again: leaving still restores."""
    row = DIALECTS[shell]
    load = row.load.format(home=home.path)
    terminal = open_terminal(
        shell, before=row.set.format(n="ANTHROPIC_MODEL", v="mine"), after=load
    )
    terminal.cd(projects["OpenRouter"])
    assert terminal.messages(load) == []
    assert terminal.managed() == MANAGED["OpenRouter"]
    assert terminal.managed("cd ~") == {"ANTHROPIC_MODEL": "mine"}
    assert terminal.cd(projects["OpenRouter"]) == [
        "OpenRouter (~/work/openrouter/.cowork-provider)"
    ]


def test_unchanged_prompts(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """Prompts where nothing changed start no process: with good, untrusted, bad and no pins."""
    if DIALECTS[shell].always_requests:
        pytest.skip(
            f"{shell} cannot tell whether a file has changed, and sends a request at each prompt"
        )
    home.pin(home.path / "untrusted", "OpenRouter\n", allow=False)
    home.pin(home.path / "broken", "Nobody\n")
    terminal = open_terminal(shell)
    for path in (
        projects["OpenRouter"] / "deep/er",
        home.path / "untrusted",
        home.path / "broken",
        Path("/"),
    ):
        terminal.cd(path)
        terminal.run()
        assert count(terminal, lambda: [terminal.run() for _ in range(5)]) == [], path
    home.pin(projects["OpenRouter"], "LiteLLM Local\n")
    terminal.cd(projects["OpenRouter"])
    process = terminal.dialect.process
    assert count(terminal, lambda: terminal.run(process)) != []  # the counter counts


def test_tcsh_user_aliases_and_status_are_kept(
    home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """precmd and cwdcmd, of which there is only one each, still work, and $status is kept."""
    terminal = open_terminal(
        "tcsh", before="alias precmd 'set pre = \"my pre\"'; alias cwdcmd 'set moved = $cwd:q'"
    )
    terminal.cd(projects["OpenRouter"])
    assert str(projects["OpenRouter"]) in terminal.show("echo $moved $pre")
    assert "my pre" in terminal.show("echo $pre")
    assert terminal.managed() == MANAGED["OpenRouter"]
    terminal.run("sh -c 'exit 4'")
    assert "status-4-" in terminal.show("echo status-$status-")


def test_tcsh_trace_shows_no_key(
    home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    terminal = open_terminal("tcsh")
    terminal.run("set echo")
    shown = terminal.show(f"cd {projects['OpenRouter']}") + terminal.show("cd ~")
    assert "sk-or" not in shown and "left OpenRouter" in shown
    assert "echo back" in terminal.show("set x = back; echo $x")


def test_scripts_that_load_the_hook(
    shell: str, home: Home, projects: dict[str, Path], program: Program
) -> None:
    """A script that loads the hook prints nothing, and has the provider."""
    hook = program.run("hook", shell).check()
    (home.path / f"hook.{shell}").write_text(hook.stdout)
    row = DIALECTS[shell]
    show = row.save.format(out=home.path / "env.out")
    script = home.path / "script"
    script.write_text(
        f"{row.load.format(home=home.path)}\ncd {projects['OpenRouter']}\n{show}\ncd /\necho end\n"
    )
    plain = PLAIN[shell]
    done = execute([need(plain[0]), *plain[1:], script], env=home.env, cwd=home.path)
    assert (done.stdout, done.stderr, done.returncode) == ("end\n", "", 0)
    assert "ANTHROPIC_BASE_URL=https://openrouter.ai/api\0" in (home.path / "env.out").read_text()
