"""Other tools in the same shell: direnv, mise, zoxide, and prompts."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.home import GUIDE, Home, need
from support.home import GUIDE_MANAGED as MANAGED
from support.program import execute
from support.terminal import Open


def test_beside_direnv(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """direnv active in the same shell, loaded before and after."""
    need("direnv")
    path = projects["OpenRouter"]
    (path / ".envrc").write_text("export FROM_DIRENV=yes\n")
    execute(["direnv", "allow", path], env=home.env, cwd=home.path).check()
    load = "direnv hook fish | source" if shell == "fish" else f'eval "$(direnv hook {shell})"'
    for place in ("before", "after"):
        terminal = open_terminal(shell, **{place: load}, env={"DIRENV_LOG_FORMAT": ""})
        terminal.run(f"cd {path}")
        assert terminal.env()["FROM_DIRENV"] == "yes"
        assert terminal.managed() == MANAGED["OpenRouter"]
        terminal.run("cd ~")
        assert "FROM_DIRENV" not in terminal.env()
        assert terminal.managed() == {}


@pytest.mark.parametrize("place", ["before", "after"])
def test_beside_mise(
    shell: str, place: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """mise active in the same shell; in bash it defines cd, pushd and popd."""
    need("mise")
    path = projects["OpenRouter"]
    (path / "mise.toml").write_text('[env]\nFROM_MISE = "yes"\n')
    load = "mise activate fish | source" if shell == "fish" else f'eval "$(mise activate {shell})"'
    env = {"MISE_OFFLINE": "1", "MISE_QUIET": "1", "MISE_TRUSTED_CONFIG_PATHS": str(path)}
    terminal = open_terminal(shell, **{place: load}, env=env)
    assert terminal.managed(f"cd {path}") == MANAGED["OpenRouter"]
    assert terminal.env()["FROM_MISE"] == "yes"
    assert terminal.managed(f"cd {projects['LiteLLM Local']}") == MANAGED["LiteLLM Local"]
    assert terminal.managed(f"pushd {path}") == MANAGED["OpenRouter"]
    assert terminal.managed("popd") == MANAGED["LiteLLM Local"]
    assert terminal.managed("cd ~") == {}
    assert "FROM_MISE" not in terminal.env()


@pytest.mark.parametrize("place", ["before", "after"])
def test_beside_zoxide(shell: str, place: str, home: Home, open_terminal: Open) -> None:
    """A command after a jump on the same line already has the project's provider."""
    need("zoxide")
    home.providers()
    home.pin(home.path / "work/jumped", "OpenRouter\n")
    load = "zoxide init fish | source" if shell == "fish" else f'eval "$(zoxide init {shell})"'
    terminal = open_terminal(shell, **{place: load})
    terminal.run("cd ~/work/jumped")
    terminal.run("true")
    terminal.run("cd ~")
    assert terminal.managed() == {}
    managed = terminal.managed("z jumped")
    assert (managed["ANTHROPIC_BASE_URL"], managed["ANTHROPIC_AUTH_TOKEN"]) == (
        "https://openrouter.ai/api",
        GUIDE[1]["authToken"],
    )
    assert terminal.managed("cd ~") == {}


# Not their code, but what each of them does with PROMPT_COMMAND. All of them note the status.
PROMPT_TOOLS = {
    "starship": """
        tool() { echo "$? ${PIPESTATUS[*]}" >>~/noted; [[ -z ${others-} ]] || eval "$others"; }
        trap ': "$_"' DEBUG
        [[ $PROMPT_COMMAND == *tool* ]] || { others=$PROMPT_COMMAND; PROMPT_COMMAND=tool; }
    """,
    "VS Code": """
        status() { return "$1"; }
        tool() {
            noted="$? ${PIPESTATUS[*]}"; status "${noted%% *}"
            for c in "${others[@]}"; do eval "$c"; done
            echo "$noted" >>~/noted
        }
        [[ ${PROMPT_COMMAND-} == *tool* ]] || {
            others=("${PROMPT_COMMAND[@]}"); PROMPT_COMMAND=tool
        }
    """,
    "bash-preexec": """
        status() { return "$1"; }
        first() {
            noted="$? ${PIPESTATUS[*]}"; echo "$noted" >>~/noted
            for f in "${precmd_functions[@]}"; do status "${noted%% *}"; "$f"; done
            status "${noted%% *}"
        }
        last() { at_prompt=1; }
        typed() { [[ -z ${at_prompt-} ]] || { at_prompt=; echo "$BASH_COMMAND" >>~/typed; }; }
        __bp_install() {
            PROMPT_COMMAND=$'first\\n'${PROMPT_COMMAND/$'\\n__bp_install'/}
            PROMPT_COMMAND+=('last')
            trap typed DEBUG; first; last
        }
        PROMPT_COMMAND=${PROMPT_COMMAND:-:}$'\\n__bp_install'
    """,
}


@pytest.mark.parametrize("tool", PROMPT_TOOLS)
@pytest.mark.parametrize("place", ["before", "after"])
def test_bash_beside_tools_that_take_prompt_command(
    tool: str, place: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """starship, VS Code and bash-preexec see the status, and no command of the hook as typed."""
    terminal = open_terminal("bash", **{place: PROMPT_TOOLS[tool]})
    assert terminal.started == ""
    assert (
        terminal.run(f"cd {projects['OpenRouter']}")
        == "cowork-env: OpenRouter (~/work/openrouter/.cowork-provider)\n"
    )
    for _ in range(2):  # at a prompt after a change, and at one without
        (home.path / "noted").unlink()
        terminal.run("true | (exit 3) | (exit 4)")
        assert (home.path / "noted").read_text() == "4 0 3 4\n"
        assert terminal.run('echo "$? ${PIPESTATUS[*]}"') == "4 0 3 4\n"
    assert terminal.managed(f"cd {projects['LiteLLM Local']}") == MANAGED["LiteLLM Local"]
    assert terminal.managed("cd ~") == {}
    if tool == "bash-preexec":
        # It expects to be loaded last, and takes what follows it in the startup file for typed.
        (home.path / "typed").unlink()
        terminal.run("echo word")
        terminal.run("true")
        assert (home.path / "typed").read_text() == "echo word\ntrue\n"
