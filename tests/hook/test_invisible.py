"""The hook leaves the user's shell as it was: status, history, names, traps, options, traces."""

from __future__ import annotations

import re
from pathlib import Path

import pexpect
import pytest

from support.home import GUIDE, Home
from support.home import GUIDE_MANAGED as MANAGED
from support.shells import OPTIONS, SHELLS, TRACES
from support.terminal import Open


def test_status_and_pipestatus_are_kept(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    terminal = open_terminal(shell)
    show = {
        "bash": 'echo "$? ${PIPESTATUS[*]}"',
        "zsh": 'echo "$? $pipestatus"',
        "fish": "echo $status $pipestatus",
    }[shell]
    fail = {
        "bash": "true | (exit 3) | (exit 4)",
        "zsh": "true | (exit 3) | (exit 4)",
        "fish": "true | sh -c 'exit 3' | sh -c 'exit 4'",
    }[shell]
    terminal.run(fail)
    assert terminal.run(show).startswith("4 ")
    for change in ("true", f"cd {projects['OpenRouter']}"):
        terminal.run(change)
        terminal.run(fail)
        assert terminal.run(show) == "4 0 3 4\n"
    (home.state / "selection").write_text("litellm-local\n")
    terminal.run(fail)  # also when the prompt in between applies a change
    assert terminal.run(show) == "4 0 3 4\n"
    terminal.run("cd /nowhere 2>/dev/null")
    assert terminal.run("echo $status" if shell == "fish" else "echo $?") == "1\n"


def test_last_argument_and_history_are_kept(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    terminal = open_terminal(shell)
    if shell != "fish":  # in fish $_ is something else
        for change in ("true word", f"cd {projects['OpenRouter']}"):
            terminal.run(change)
            assert terminal.run("echo $_") == change.split()[-1] + "\n"
    terminal.run("echo one")
    terminal.run("cd ~")
    show = {"bash": "history", "zsh": "fc -l 1", "fish": "builtin history search | cat"}[shell]
    listed = terminal.run(show)
    assert "echo one" in listed and "__cowork_env" not in listed


def test_no_names_without_the_prefix(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """No function, variable, alias, binding or option changes without the hook's prefix."""
    listing = {
        "bash": "{ compgen -v; compgen -A function; alias; bind -p; bind -X; shopt; set +o; "
        "trap; }",
        "zsh": "{ print -l ${(k)parameters} ${(k)functions} ${(k)aliases}; bindkey; set +o; "
        "trap; }",
        "fish": "begin; set -n; functions -an; bind; abbr; end",
    }[shell]
    seen = []
    for hook in (False, True):
        terminal = open_terminal(shell, hook=hook)
        terminal.run(f"cd {projects['OpenRouter']}")
        terminal.run("cd ~")
        terminal.run(f"{listing} >{home.path}/names")
        seen.append(set((home.path / "names").read_text(errors="replace").split("\n")))
    added = {n for n in seen[1] - seen[0] if "__cowork_env" not in n}
    removed = {n for n in seen[0] - seen[1] if not re.match(r"(RANDOM|SRANDOM|EPOCH|_|SECONDS)", n)}
    # bash's cd, pushd and popd are documented; the others are the shells' own.
    allowed = {
        "bash": {
            "cd",
            "pushd",
            "popd",
            "PROMPT_COMMAND",
            "BASH_REMATCH",
            "MAPFILE",
            "PIPESTATUS",
            "DIRSTACK",
        },
        "zsh": {
            "precmd_functions",
            "chpwd_functions",
            "errnos",
            "sysparams",
            "match",
            "mbegin",
            "mend",
            "MATCH",
            "MBEGIN",
            "MEND",
        },
        "fish": set(),
    }[shell]
    assert added <= allowed | {"cowork-env"}
    assert removed <= {"dirprev", "last_pid"}


def test_user_traps_are_kept(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """DEBUG, ERR, INT and EXIT traps are kept; ERR does not fire for a status that is returned."""
    if shell == "fish":
        terminal = open_terminal(
            shell,
            before="function on_int --on-signal INT; echo INT >>~/trapped; end; "
            "function on_exit --on-event fish_exit; echo EXIT >>~/trapped; end",
        )
        terminal.run(f"cd {projects['OpenRouter']}")
    else:
        err = "ERR" if shell == "bash" else "ZERR"
        traps = "; ".join(f"trap 'echo {t} >>~/trapped' {t}" for t in ("INT", "EXIT", err))
        terminal = open_terminal(shell, before=traps + "; trap ': >>~/debugged' DEBUG")
        terminal.run(f"cd {projects['OpenRouter']}")
        terminal.run("trap >~/traps")
        listed = (home.path / "traps").read_text()
        assert all(word in listed for word in ("INT", "EXIT", err, "DEBUG"))
        trapped = home.path / "trapped"
        trapped.unlink(missing_ok=True)
        terminal.run("false")
        terminal.run("true")
        assert trapped.read_text().split() == [err]
        (home.path / "debugged").unlink()
        terminal.run("true")
        assert (home.path / "debugged").exists()
    (home.path / "trapped").unlink(missing_ok=True)
    terminal.child.sendline("exit")
    terminal.child.expect_exact(pexpect.EOF)
    assert (home.path / "trapped").read_text().split() == ["EXIT"]


@pytest.mark.parametrize(("shell", "option"), [(s, o) for s in SHELLS for o in OPTIONS[s]])
@pytest.mark.parametrize("place", ["before", "after"])
def test_strict_and_unusual_options(
    shell: str, option: str, place: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """With each option set before or after the hook, it works the same and shows nothing else."""
    terminal = open_terminal(shell, **{place: option})
    assert terminal.started == ""
    assert terminal.run("true") == ""
    assert (
        terminal.run(f"cd {projects['OpenRouter']}")
        == "cowork-env: OpenRouter (~/work/openrouter/.cowork-provider)\n"
    )
    assert terminal.run("true") == ""
    assert terminal.managed() == MANAGED["OpenRouter"]
    assert terminal.managed(f"cd {projects['LiteLLM Local']}") == MANAGED["LiteLLM Local"]
    assert terminal.run(f"cd {projects['OpenRouter']}").count("\n") == 1
    assert terminal.managed("cd ~") == {}
    env = terminal.env()
    assert not [k for k in env if k.startswith("__cowork_env")]


@pytest.mark.parametrize(("shell", "trace"), TRACES)
def test_trace_shows_no_key(
    shell: str, trace: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """With everything that shows commands as they run: entering, leaving, and remembered."""
    terminal = open_terminal(shell)
    terminal.run(trace)
    said = ""
    for _ in range(2):
        said += terminal.run(f"cd {projects['OpenRouter']}")
        said += terminal.run("cd ~")
        (home.state / "selection").write_text("litellm-local\n")
        said += terminal.run("true")
        (home.state / "selection").write_text("none\n")
        said += terminal.run("true")
    assert "cowork-env: OpenRouter" in said
    for entry in GUIDE:
        assert entry["authToken"] not in said
