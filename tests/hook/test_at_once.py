"""The hook acts when it is loaded, and after each cowork-env command; not first at a prompt."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from cowork_env import shells
from cowork_env.core import resolve, variables
from cowork_env.core.client_variables import CONFLICTING
from cowork_env.core.environment import CREDENTIALS
from cowork_env.hook import render
from cowork_env.hook.interpreter import PACKAGE
from cowork_env.shells.base import RESPONSE_TEXTS

from support.catalog import Team
from support.home import GUIDE, ROOT, Home, need
from support.home import GUIDE_MANAGED as MANAGED
from support.program import Program, run_in_shell
from support.shells import HOOK, SHELLS, startup_file
from support.terminal import Open


def set_variable(shell: str, name: str, value: str) -> str:
    return f"set -gx {name} {value}" if shell == "fish" else f"export {name}={value}"


def started_python(shell: str, home: Home, cwd: Path, options: tuple[str, ...] = ("-i",)) -> int:
    """How many interpreters a shell starts that reads its startup file with the hook line."""
    file = startup_file(shell, home)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(HOOK[shell] + "\n")
    log = home.path / "strace.log"
    env = {**home.env, "ZDOTDIR": str(home.path), "BASH_ENV": str(home.path / ".bashrc")}
    subprocess.run(
        [
            need("strace"),
            "-f",
            "-e",
            "trace=execve",
            "-o",
            log,
            need(shell),
            *options,
            "-c",
            "true",
        ],
        env=env,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=True,
    )
    return len(re.findall(r'execve\("[^"]*/python[^"]*", .* = 0', log.read_text()))


def test_where_nothing_applies_no_python_is_started(shell: str, home: Home) -> None:
    home.providers()
    assert started_python(shell, home, home.path) == 0
    team = Team(home)
    home.env[variables.CATALOG] = str(team.file)
    assert started_python(shell, home, home.path) == 0


def test_where_a_provider_applies_one_python_is_started(
    shell: str, home: Home, projects: dict[str, Path]
) -> None:
    for cwd in projects["OpenRouter"], projects["OpenRouter"].parent:
        home.pin(projects["OpenRouter"].parent, "OpenRouter\n")
        assert started_python(shell, home, cwd) == 1


@pytest.mark.parametrize(
    "variables", [{"COWORK_PROVIDER": "OpenRouter"}, {"COWORK_ENV_STATE": "2:anything"}]
)
def test_a_choice_or_a_state_needs_the_program(
    variables: dict[str, str], shell: str, home: Home
) -> None:
    home.providers()
    home.env.update(variables)
    assert started_python(shell, home, home.path) == 1


@pytest.mark.parametrize("state_home", ["", "other"])
def test_a_selection_needs_the_program(state_home: str, shell: str, home: Home) -> None:
    home.providers()
    if state_home:
        home.env["XDG_STATE_HOME"] = str(home.path / state_home)
    assert started_python(shell, home, home.path) == 0
    Program(home).run("use", "OpenRouter").check()
    assert started_python(shell, home, home.path) == 1


def test_a_shell_for_a_script_starts_no_python(
    shell: str, home: Home, projects: dict[str, Path]
) -> None:
    assert started_python(shell, home, projects["OpenRouter"], ()) == 0


def test_behind_the_line_the_provider_is_active(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    seen = home.path / "seen"
    terminal = open_terminal(
        shell, cwd=projects["OpenRouter"], after=f"echo $ANTHROPIC_BASE_URL >{seen}"
    )
    assert seen.read_text() == "https://openrouter.ai/api\n"
    assert terminal.started.count("cowork-env: OpenRouter") == 1
    assert terminal.managed() == MANAGED["OpenRouter"]
    assert terminal.managed("cd ~") == {}


def test_what_a_startup_file_sets_behind_the_line_is_restored_on_leaving(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    after = "; ".join(
        set_variable(shell, name, "own")
        for name in ("ANTHROPIC_MODEL", "ANTHROPIC_CUSTOM_HEADERS", "ANTHROPIC_API_KEY")
    )
    terminal = open_terminal(shell, cwd=projects["OpenRouter"], after=after)
    assert terminal.managed() == MANAGED["OpenRouter"]
    left = terminal.env("cd ~")
    assert [left.get(f"ANTHROPIC_{n}") for n in ("MODEL", "CUSTOM_HEADERS", "API_KEY")] == [
        "own",
        "own",
        "own",
    ]


def test_a_choice_that_a_startup_file_makes_behind_the_line(
    shell: str, home: Home, open_terminal: Open
) -> None:
    home.providers()
    after = set_variable(shell, "COWORK_PROVIDER", "OpenRouter")
    assert open_terminal(shell, after=after).managed() == MANAGED["OpenRouter"]


def test_where_nothing_applied_everything_is_noticed_later(
    shell: str, home: Home, open_terminal: Open
) -> None:
    """The selection, a pin, and a provider that has changed since it was last active."""
    home.providers()
    terminal = open_terminal(shell)
    Program(home).run("use", "OpenRouter").check()
    assert terminal.managed() == MANAGED["OpenRouter"]
    Program(home).run("use", "none").check()
    assert terminal.managed() == {}
    home.pin(home.path / "project", "OpenRouter\n")
    assert terminal.managed("cd ~/project") == MANAGED["OpenRouter"]
    assert terminal.managed("cd ~") == {}
    changed = [{**entry} for entry in GUIDE]
    changed[1]["authToken"] = "sk-or-new"
    home.providers(changed)
    assert terminal.managed("cd ~/project")["ANTHROPIC_AUTH_TOKEN"] == "sk-or-new"


# The same line


def test_what_a_command_changes_counts_on_the_same_line(
    shell: str, home: Home, open_terminal: Open
) -> None:
    home.providers()
    (home.path / "project").mkdir()
    terminal = open_terminal(shell)
    terminal.run("cd ~/project")
    assert terminal.managed("cowork-env use OpenRouter") == MANAGED["OpenRouter"]
    assert terminal.managed("cowork-env pin 'LiteLLM Local'") == MANAGED["LiteLLM Local"]
    assert terminal.managed("cowork-env deny") == MANAGED["OpenRouter"]
    assert terminal.managed("cowork-env allow") == MANAGED["LiteLLM Local"]
    edited = terminal.managed("cowork-env edit 'LiteLLM Local' --default-model new")
    assert edited["ANTHROPIC_MODEL"] == "new"
    assert terminal.managed("cowork-env unpin") == MANAGED["OpenRouter"]
    assert terminal.managed("cowork-env use none") == {}
    assert terminal.env("cowork-env reload").get("ANTHROPIC_BASE_URL") is None


def test_the_status_of_a_command_is_kept(shell: str, home: Home, open_terminal: Open) -> None:
    home.providers()
    terminal = open_terminal(shell)
    status = "$status" if shell == "fish" else "$?"
    assert terminal.run(f"cowork-env use nobody; echo s{status}").splitlines()[-1] == "s1"
    assert terminal.run(f"cowork-env nonsense; echo s{status}").splitlines()[-1] == "s2"
    assert terminal.run(f"cowork-env use none; echo s{status}").splitlines()[-1] == "s0"
    piped = "echo sk-new | cowork-env add openrouter --name New --token-stdin"
    assert terminal.run(f"{piped}; echo s{status}").splitlines()[-1] == "s0"
    assert "New" in terminal.run("cowork-env list | cat")


def test_in_a_subshell_and_a_script_a_command_is_the_program(
    shell: str, home: Home, open_terminal: Open
) -> None:
    home.providers()
    url = 'echo "u$ANTHROPIC_BASE_URL"'
    terminal = open_terminal(shell)
    if shell != "fish":
        said = terminal.run(f"(cowork-env use OpenRouter; {url})")
        assert "u" in said.splitlines()
        terminal.run("cowork-env use none")
    done = run_in_shell(home, shell, f"{HOOK[shell]}\ncowork-env use OpenRouter\n{url}\n")
    assert done.stdout.splitlines()[-1] == "u" and done.returncode == 0


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_a_copy_of_the_function_alone_is_the_program(
    shell: str, home: Home, open_terminal: Open
) -> None:
    """As in the shell that Claude Code runs commands in."""
    home.providers()
    terminal = open_terminal(shell)
    show = "declare -f cowork-env" if shell == "bash" else "functions cowork-env"
    terminal.run(f"{show} >~/copy")
    done = run_in_shell(home, shell, ". ~/copy; cowork-env use OpenRouter; echo s$?")
    assert done.stdout == "s0\n" and done.stderr.splitlines() == [
        "cowork-env: OpenRouter is used where no pin applies"
    ]


# bash: functions that call the builtin cd


@pytest.mark.parametrize(
    "name",
    ["__zoxide_cd", "_z", "_goto_directory", "__enhancd::cd::builtin", "_omb_directories_cd"],
)
@pytest.mark.parametrize("place", ["before", "after"])
def test_bash_functions_that_call_the_builtin_cd(
    name: str, place: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """Those of zoxide, z, goto, enhancd and oh-my-bash change the directory like this."""
    tool = f'function {name} {{ builtin cd "$@"; }}; function jump {{ {name} "$@"; }}'
    terminal = open_terminal("bash", **{place: tool})
    assert terminal.managed(f"jump {projects['OpenRouter']}") == MANAGED["OpenRouter"]
    assert terminal.managed("jump ~") == {}
    assert terminal.run("jump /nonexistent || echo s$?").splitlines()[-1] == "s1"


# What is said, and where nothing is


def test_nothing_is_said_while_an_instant_prompt_is_shown(
    home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """As powerlevel10k sets the variable, and removes it before its first prompt."""
    finish = (
        "finish() { unset __p9k_instant_prompt_active; echo over; }; precmd_functions+=(finish)"
    )
    terminal = open_terminal(
        "zsh",
        cwd=projects["OpenRouter"],
        before=f"__p9k_instant_prompt_active=1; {finish}",
        after="echo $ANTHROPIC_BASE_URL",
    )
    assert "https://openrouter.ai/api" in terminal.started
    assert "cowork-env:" not in terminal.started.partition("over")[0]
    assert "cowork-env: OpenRouter" in terminal.started + terminal.run("true")
    assert "cowork-env:" not in terminal.run("true")


def test_a_restricted_bash_is_left_alone(
    home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    terminal = open_terminal("bash", cwd=projects["OpenRouter"], options=("--restricted",))
    assert "restricted" not in terminal.started and "cowork-env" not in terminal.started
    assert terminal.run("true") == ""
    assert terminal.run("declare -F | grep cowork") == ""


def test_an_old_zsh_gets_one_line(home: Home) -> None:
    done = run_in_shell(home, "zsh", f"ZSH_VERSION=5.0.8; {HOOK['zsh']}; cd /; echo end")
    assert (done.stdout, done.stderr) == ("end\n", "cowork-env: zsh 5.1 or later is needed\n")


def test_an_old_fish_does_not_read_the_file(home: Home) -> None:
    text = shells.get("fish").load("python", PACKAGE, "/nonexistent/hook.fish")
    for version, old in ("2.7.1", 1), ("3.5.1", 1), ("3.6.0", 0), ("3.10", 0), ("4.0b1", 0):
        done = run_in_shell(home, "fish", text.replace("$version", version))
        assert ("fish 3.6 or later is needed" in done.stderr) is bool(old), version
        assert ("No such file" in done.stderr) is not bool(old)


# What the hooks spell out


@pytest.mark.parametrize("name", SHELLS)
def test_what_stands_in_the_hooks_is_what_the_program_means(name: str) -> None:
    shell = shells.get(name)
    text = (ROOT / f"shell/hook.{name}").read_text().replace("\\\n", "")
    for names in variables.SOURCES, variables.CONTEXT:
        assert shell.values_of(names) in text
    for sentence in render.CANNOT_RUN, resolve.state_without_program(render.CANNOT_RUN):
        assert shell.quote(sentence) in text
    if name != "fish":  # There they become variables of the function by being set.
        local = text.partition("builtin local __cowork_env_response_")[2].partition("\n")[0]
        fields = {*RESPONSE_TEXTS, "flags", "notices", "safe", "unchanged"}
        assert (
            set(re.findall(r"\b__cowork_env_response_(\w+)", f"__cowork_env_response_{local}"))
            == fields
        )
    else:
        watched = re.findall(r"--on-variable (\w+)", text)
        assert set(watched) == {"PWD", *CREDENTIALS, *CONFLICTING}


def test_the_variable_of_the_interpreter_is_not_exported(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    terminal = open_terminal(shell, before="set -a" if shell != "fish" else "")
    assert not [name for name in terminal.env() if name.startswith("__cowork_env")]
    assert os.path.isdir(PACKAGE)


def test_fish_never_runs_a_command_whose_name_is_in_a_variable() -> None:
    """An interrupt while fish 3.6 expands it ends the shell with a failed assertion."""
    text = re.sub(r"(?m)^\s*#.*|\\\n", "", (ROOT / "shell/hook.fish").read_text())
    text += shells.get("fish").load("/python", PACKAGE, "/hook.fish")
    assert not re.findall(r'(?m)(?:^\s*|[(;]\s*|\b(?:and|or|not|command) )"?\$\w+', text)
