"""The hook at real prompts: what section by section a person relies on, in every shell."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from support.home import GUIDE, Home, need
from support.home import GUIDE_MANAGED as MANAGED
from support.shells import HOOK, SHELLS
from support.terminal import Open


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_each_guide_provider_inside_and_out(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """Exact values in each project and below; outside, the person's own, set and empty and absent alike."""
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


def test_on_one_line(
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
    """(cd PROJECT && CMD) has the provider inside, nothing outside, and says nothing."""
    terminal = open_terminal(shell)
    out = home.path / "sub.out"
    form = "set x (cd {} && env >{})" if shell == "fish" else "(cd {} && env >{})"
    assert terminal.run(form.format(projects["OpenRouter"], out)) == ""
    assert "ANTHROPIC_BASE_URL=https://openrouter.ai/api\n" in out.read_text()
    if shell == "fish":  # It has no subshells: the directory changed for good.
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


def test_one_line_said_on_a_change(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """Entering and leaving say one line each on standard error, and nothing between."""
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


def test_quiet(shell: str, home: Home, projects: dict[str, Path], open_terminal: Open) -> None:
    terminal = open_terminal(shell, env={"COWORK_ENV_QUIET": "1"})
    assert terminal.run(f"cd {projects['OpenRouter']}") == ""
    assert terminal.run("cd ~") == ""


def test_untrusted_pin_does_nothing_and_says_so_once(
    shell: str, home: Home, open_terminal: Open
) -> None:
    home.providers()
    project = home.path / "new"
    pin = home.pin(project, "OpenRouter\n", allow=False)
    terminal = open_terminal(shell)
    said = terminal.run(f"cd {project}")
    assert said.count("\n") == 1 and "~/new/.cowork-provider" in said and "cowork-env allow" in said
    assert terminal.managed() == {}
    assert terminal.run("true") == ""
    assert terminal.run("cd ~") == ""
    assert terminal.run(f"cd {project}") == ""
    home.pin(project, "OpenRouter\n")
    assert terminal.run("true") == "cowork-env: OpenRouter (~/new/.cowork-provider)\n"
    assert terminal.managed() == MANAGED["OpenRouter"]
    pin.write_text("LiteLLM Local\n")
    said = terminal.run("true")
    assert "cowork-env: left OpenRouter\n" in said and "cowork-env allow" in said
    assert terminal.managed() == {}


def test_deny_unloads_at_the_next_prompt(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    from cowork_env.core.trust import TrustStore

    terminal = open_terminal(shell)
    path = projects["OpenRouter"]
    terminal.run(f"cd {path}")
    TrustStore(str(home.state)).deny(str(path / ".cowork-provider"))
    assert terminal.run("true") == "cowork-env: left OpenRouter\n"
    assert terminal.managed() == {}


def test_every_change_is_seen_at_the_next_prompt(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """The provider file (replaced and in place), pins that come and go above, the selection, COWORK_PROVIDER."""
    terminal = open_terminal(shell)
    path = projects["OpenRouter"]
    terminal.run(f"cd {path}/deep/er")
    changed = json.loads(json.dumps(GUIDE))
    for round_ in range(3):  # several edits within one second
        changed[1]["authToken"] = f"sk-or-new-{round_}"
        home.providers(changed)
        assert terminal.managed()["ANTHROPIC_AUTH_TOKEN"] == f"sk-or-new-{round_}"
    changed[1]["authToken"] = "sk-or-renamed"
    other = home.file.with_suffix(".tmp")
    other.write_text(json.dumps(changed))
    other.rename(home.file)
    assert terminal.managed()["ANTHROPIC_AUTH_TOKEN"] == "sk-or-renamed"
    home.pin(path / "deep", "LiteLLM Local\n")
    assert terminal.managed() == MANAGED["LiteLLM Local"]
    (path / "deep/.cowork-provider").unlink()
    assert terminal.managed()["COWORK_ENV_ACTIVE"] == "OpenRouter"
    home.pin(path, "OpenRouter\nmodel = other\n")
    assert terminal.managed()["ANTHROPIC_MODEL"] == "other"
    export = "set -gx COWORK_PROVIDER {}" if shell == "fish" else "export COWORK_PROVIDER={}"
    terminal.run(export.format("litellm-local"))
    assert terminal.managed() == MANAGED["LiteLLM Local"]
    terminal.run(export.format("none"))
    assert terminal.managed() == {}
    terminal.run("set -e COWORK_PROVIDER" if shell == "fish" else "unset COWORK_PROVIDER")
    assert terminal.managed()["COWORK_ENV_ACTIVE"] == "OpenRouter"
    terminal.run("cd ~")
    (home.state / "selection").write_text(GUIDE[3]["id"] + "\n")
    assert terminal.managed() == MANAGED["AWS Bedrock"]
    (home.state / "selection").write_text("none\n")
    assert terminal.managed() == {}
    home.file.unlink()
    terminal.run(f"cd {path}")
    assert terminal.managed() == {}


def test_a_symlinked_pin_whose_target_changes(shell: str, home: Home, open_terminal: Open) -> None:
    """Also when the two targets have one time stamp, as two files of one checkout may."""
    home.providers()
    project = home.path / "linked"
    project.mkdir()
    for name, provider in (("a", "OpenRouter"), ("b", "LiteLLM Local")):
        (project / name).write_text(provider + "\n")
        os.utime(project / name, ns=(10**18, 10**18))
    from cowork_env.core.trust import TrustStore

    for name in "ab":
        TrustStore(str(home.state)).allow(
            str(project / ".cowork-provider"), (project / name).read_bytes()
        )
    (project / ".cowork-provider").symlink_to("a")
    terminal = open_terminal(shell, cwd=project)
    assert terminal.managed() == MANAGED["OpenRouter"]
    (project / "new").symlink_to("b")
    (project / "new").rename(project / ".cowork-provider")
    assert terminal.managed() == MANAGED["LiteLLM Local"]


def test_from_another_terminal(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """reload and the selection of one shell are seen in another."""
    one, two = open_terminal(shell), open_terminal(shell)
    (home.state / "selection").write_text("openrouter\n")
    assert one.managed() == MANAGED["OpenRouter"]
    assert two.managed() == MANAGED["OpenRouter"]


def test_hand_set_values_stay(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """What the person changes while a provider is active is theirs, through an edit of the provider and on leaving."""
    terminal = open_terminal(shell)
    terminal.run(f"cd {projects['OpenRouter']}")
    if shell == "fish":
        terminal.run(
            "set -gx ANTHROPIC_MODEL by-hand; set -e ANTHROPIC_DEFAULT_OPUS_MODEL; set -gx ANTHROPIC_SMALL_FAST_MODEL s"
        )
    else:
        terminal.run(
            "export ANTHROPIC_MODEL=by-hand ANTHROPIC_SMALL_FAST_MODEL=s; unset ANTHROPIC_DEFAULT_OPUS_MODEL"
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


def test_unexported_variables_come_back(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """A plain shell variable of a managed name is shadowed while a provider is active, and back afterwards, unexported."""
    terminal = open_terminal(
        shell, after="set -g ANTHROPIC_MODEL plain" if shell == "fish" else "ANTHROPIC_MODEL=plain"
    )
    assert terminal.managed(f"cd {projects['OpenRouter']}") == MANAGED["OpenRouter"]
    assert terminal.managed("cd ~") == {}
    assert terminal.run('echo "[$ANTHROPIC_MODEL]"') == "[plain]\n"


def test_a_new_shell_asserts_the_provider_again(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """A nested shell whose start-up file sets a managed variable: asserted at its first prompt, restored on leaving."""
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
    "name",
    [
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
        "~tilde",
        "tab\tbed",
    ],
)
def test_hostile_directory_names(shell: str, name: str, home: Home, open_terminal: Open) -> None:
    home.providers()
    project = home.path / "work" / name
    home.pin(project, "OpenRouter\n")
    terminal = open_terminal(shell, env={"TARGET": str(project)})
    terminal.run('cd "$TARGET"')
    assert terminal.managed() == MANAGED["OpenRouter"]
    assert terminal.run("true") == ""
    assert terminal.managed("cd ~") == {}
    assert not list(home.path.rglob("owned"))


def test_directory_name_that_is_not_utf8(shell: str, home: Home, open_terminal: Open) -> None:
    home.providers()
    project = home.path / os.fsdecode(b"caf\xe9 \xff")
    home.pin(project, "OpenRouter\n")
    (home.path / "way").symlink_to(project)
    terminal = open_terminal(shell)
    terminal.run("cd -P way" if shell != "fish" else "cd (realpath way)")
    assert terminal.managed() == MANAGED["OpenRouter"]
    assert terminal.run("true") == ""
    assert terminal.managed("cd ~") == {}


def test_through_a_symbolic_link(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """The pins of the real directory count, whatever name it was reached by."""
    (home.path / "elsewhere").mkdir()
    (home.path / "elsewhere/link").symlink_to(projects["OpenRouter"] / "deep")
    home.pin(home.path / "elsewhere", "LiteLLM Local\n")
    terminal = open_terminal(shell)
    assert terminal.managed(f"cd {home.path}/elsewhere/link/er") == MANAGED["OpenRouter"]
    assert terminal.managed(f"cd {home.path}/elsewhere") == MANAGED["LiteLLM Local"]


def test_deleted_and_renamed_directories(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    terminal = open_terminal(shell)
    path = projects["OpenRouter"]
    terminal.run(f"cd {path}/deep/er")
    shutil.rmtree(path / "deep/er")
    assert terminal.run("true") == ""
    assert terminal.managed() == MANAGED["OpenRouter"]  # the pin above is still there
    terminal.run(f"cd {path}/deep")
    path.rename(home.path / "moved")
    assert terminal.managed() == {}  # never allowed at its new place
    terminal.run(f"cd {home.path}/moved")
    shutil.rmtree(home.path / "moved")
    terminal.run("true")
    assert terminal.managed() == {}
    assert terminal.run("true") == ""
    terminal.run("cd ~")
    assert terminal.managed() == {}


def test_status_and_pipestatus(
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
    terminal.run(fail)  # and when the prompt between has work to do
    assert terminal.run(show) == "4 0 3 4\n"
    terminal.run("cd /nowhere 2>/dev/null")
    assert terminal.run("echo $status" if shell == "fish" else "echo $?") == "1\n"


def test_last_argument_and_history(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    terminal = open_terminal(shell)
    if shell != "fish":  # $_ is something else in fish
        for change in ("true word", f"cd {projects['OpenRouter']}"):
            terminal.run(change)
            assert terminal.run("echo $_") == change.split()[-1] + "\n"
    terminal.run("echo one")
    terminal.run("cd ~")
    show = {"bash": "history", "zsh": "fc -l 1", "fish": "builtin history search | cat"}[shell]
    listed = terminal.run(show)
    assert "echo one" in listed and "__cowork_env" not in listed


def test_no_names_but_our_own(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """No function, variable, alias, binding or option appears or changes beside what is prefixed and what is exported."""
    listing = {
        "bash": "{ compgen -v; compgen -A function; alias; bind -p; bind -X; shopt; set +o; trap; }",
        "zsh": "{ print -l ${(k)parameters} ${(k)functions} ${(k)aliases}; bindkey; set +o; trap; }",
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
    # bash's cd, pushd and popd are documented; the rest are the shells' own registers of hooks, and modules' variables.
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
    assert added <= allowed
    assert removed <= {"dirprev", "last_pid"}


@pytest.mark.parametrize(
    "existing",
    [
        "unset",
        "PROMPT_COMMAND='x=1'",
        "PROMPT_COMMAND='x=1;'",
        "PROMPT_COMMAND='x=1 # comment'",
        "PROMPT_COMMAND=('x=1' 'y=2')",
        "PROMPT_COMMAND=('x=1')",
        "PROMPT_COMMAND=$'x=1\\n'",
    ],
)
def test_bash_prompt_command_in_every_form(
    existing: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """String with and without a semicolon, a comment, an array, unset; evaluated twice, it is there once."""
    before = "" if existing == "unset" else existing
    terminal = open_terminal("bash", before=before, after=HOOK["bash"])
    assert (
        terminal.run('printf "%s\\n" "${PROMPT_COMMAND[@]}" | grep -c __cowork_env_prompt') == "1\n"
    )
    assert terminal.managed(f"cd {projects['OpenRouter']}") == MANAGED["OpenRouter"]
    assert terminal.managed("cd ~") == {}
    if before:
        assert terminal.run("echo $x") == "1\n"
    if "y=2" in before:
        assert terminal.run("echo $y") == "2\n"


def test_evaluated_twice(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """Also in the middle of a project, as when a start-up file is sourced again: what was there before stays known."""
    set_it = "set -gx ANTHROPIC_MODEL mine" if shell == "fish" else "export ANTHROPIC_MODEL=mine"
    terminal = open_terminal(shell, before=set_it, after=HOOK[shell])
    terminal.run(f"cd {projects['OpenRouter']}")
    terminal.run(HOOK[shell])
    assert terminal.managed() == MANAGED["OpenRouter"]
    assert terminal.run("true") == ""
    assert terminal.managed("cd ~") == {"ANTHROPIC_MODEL": "mine"}


def test_user_traps(shell: str, home: Home, projects: dict[str, Path], open_terminal: Open) -> None:
    """The person's DEBUG, ERR, INT and EXIT traps are theirs, and an ERR trap does not fire for a status handed on."""
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
    terminal.child.expect_exact(_eof())
    assert (home.path / "trapped").read_text().split() == ["EXIT"]


def _eof() -> object:
    import pexpect

    return pexpect.EOF


STRICT = {
    "bash": [
        "set -u",
        "set -e",
        "set -o posix",
        "set -o noclobber",
        "set -a",
        "set -f",
        "IFS=_e:/",
        "shopt -s nocasematch",
        "shopt -s failglob",
        "shopt -s nullglob",
        "set -euo pipefail",
        "set -T",
        "set -E",
        "shopt -s localvar_inherit",
        "set -k",
    ],
    "zsh": [
        "setopt ksh_arrays",
        "setopt sh_word_split",
        "setopt warn_create_global",
        "setopt no_unset",
        "setopt err_exit",
        "setopt no_clobber",
        "setopt all_export",
        "setopt posix_builtins",
        "setopt glob_subst",
        "setopt rc_quotes",
        "setopt no_nomatch",
        "setopt null_glob",
        "IFS=_e:/",
        "setopt ksh_typeset",
        "emulate ksh",
        "emulate sh",
    ],
    "fish": [
        "set -g IFS _e:/",
        "set -g fish_greeting",
        "set -gx LC_ALL C",
        "set -g fish_read_limit 1000000",
    ],
}


@pytest.mark.parametrize(("shell", "option"), [(s, o) for s in SHELLS for o in STRICT[s]])
@pytest.mark.parametrize("place", ["before", "after"])
def test_strict_and_odd_options(
    shell: str, option: str, place: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """Whatever the person has switched on, before or after: the same work, no word more."""
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


def test_aliases_and_functions_of_builtins(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """Aliases of cd, test, read, eval and the like, set before the hook, do not reach into it."""
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
            "function cd; builtin cd $argv; end; function ls; builtin echo mine; end; alias pwd 'echo mine'"
        )
    else:
        before = (
            "; ".join(
                f"alias {n}='echo {n} is mine;'" for n in names if n not in ("eval", "builtin")
            )
            + "; alias cd='cd -P'"
        )
        after = "unalias -a; alias cd='cd -P'; alias test='echo mine'; alias read='echo mine'; alias eval='echo mine'"
    terminal = open_terminal(shell, before=before, after=after)
    assert terminal.run("true") == ""
    assert (
        terminal.run(f"cd {projects['OpenRouter']}")
        == "cowork-env: OpenRouter (~/work/openrouter/.cowork-provider)\n"
    )
    assert terminal.managed() == MANAGED["OpenRouter"]
    assert terminal.managed("cd ~") == {}


def test_bash_keeps_the_persons_cd(
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
    """A tool that is loaded later in the start-up file, as mise is, defines cd, pushd and popd over the hook's."""
    terminal = open_terminal(
        "bash", after="; ".join(form.format(name, name) for name in ("cd", "pushd", "popd"))
    )
    assert terminal.managed(f"cd {projects['OpenRouter']}") == MANAGED["OpenRouter"]
    assert terminal.managed(f"cd {projects['LiteLLM Local']}") == MANAGED["LiteLLM Local"]
    assert terminal.managed(f"pushd {projects['OpenRouter']}") == MANAGED["OpenRouter"]
    assert terminal.managed("popd") == MANAGED["LiteLLM Local"]
    assert terminal.managed("cd ~") == {}


def test_bash_a_cd_that_goes_on_to_the_hooks(
    home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """A person's cd that keeps the one before it and calls that, also when the start-up file is sourced again."""
    keep = 'eval "$(declare -f cd | sed \'1s/cd/kept_cd/\')"; cd() { kept_cd "$@" && echo mine; }'
    terminal = open_terminal("bash", after=keep)
    for _ in range(2):
        said = terminal.run(f"cd {projects['OpenRouter']}")
        assert said.count("mine") == 1 and said.count("cowork-env: OpenRouter") == 1
        assert terminal.managed(f"cd {projects['LiteLLM Local']}") == MANAGED["LiteLLM Local"]
        assert terminal.managed("cd ~") == {}
        terminal.run(". ~/.bashrc")


TRACES = [
    ("bash", "set -x"),
    ("bash", "set -v"),
    ("bash", "set -T; trap 'echo \"+ $BASH_COMMAND\"' DEBUG"),
    ("zsh", "set -x"),
    ("zsh", "set -v"),
    ("zsh", "trap 'print -r -- \"+ $ZSH_DEBUG_CMD\"' DEBUG"),
    ("fish", "set -g fish_trace 1"),
]


@pytest.mark.parametrize(("shell", "trace"), TRACES)
def test_trace_shows_no_key(
    shell: str, trace: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """Under whatever shows commands as they run, entering, leaving, and coming back from memory."""
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


def test_a_trusted_pin_that_fails(shell: str, home: Home, open_terminal: Open) -> None:
    """An unknown provider, bad content: no provider, said once; required keeps clients from falling back."""
    home.providers()
    (home.state).mkdir(parents=True)
    (home.state / "selection").write_text("openrouter\n")
    project = home.path / "broken"
    home.pin(project, "Nobody\n")
    terminal = open_terminal(shell)
    assert terminal.managed() == MANAGED["OpenRouter"]
    said = terminal.run(f"cd {project}")
    assert said.startswith("cowork-env: ") and "Nobody" in said and said.count("\n") == 1
    assert terminal.managed() == {}
    assert terminal.run("true") == ""
    home.pin(project, "Nobody\nrequired = true\n")
    assert "Nobody" in terminal.run("true")
    managed = terminal.managed()
    assert managed["ANTHROPIC_BASE_URL"] == "http://unresolved.cowork-env.invalid"
    assert managed["ANTHROPIC_AUTH_TOKEN"] == "unresolved"
    assert terminal.run("true") == ""
    home.pin(project, "OpenRouter\nno such = line\n")
    assert "line 2" in terminal.run("true")
    assert terminal.managed() == {}


def test_program_gone(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """The shell goes on working; one line, once; what was active is left."""
    python = home.path / "python"
    python.symlink_to(sys.executable)
    hook = f"cowork-env hook {shell} | sed 's#/[^ ]*/bin/python[0-9.]*#{python}#g'"
    terminal = open_terminal(
        shell, hook=False, after=f"{hook} | source" if shell == "fish" else f'eval "$({hook})"'
    )
    terminal.run(f"cd {projects['OpenRouter']}")
    assert terminal.managed() == MANAGED["OpenRouter"]
    python.unlink()
    said = terminal.run(f"cd {projects['LiteLLM Local']}")
    assert said.startswith("cowork-env: the program cannot be run") and said.count("\n") == 1
    assert terminal.managed() == {}
    assert terminal.run("true") == ""
    assert terminal.run("cd /") == ""
    assert terminal.run(f"cd {projects['AWS Bedrock']}") == ""
    assert terminal.managed() == {}


@pytest.mark.timeout(100)
def test_a_pin_that_turns_into_a_fifo_while_it_is_looked_at(
    shell: str, home: Home, open_terminal: Open
) -> None:
    """Somebody who can write to the directory, one like /tmp, flips the pin as fast as may be: no prompt waits for a writer."""
    home.pin(home.path / "p", "OpenRouter\n")
    (home.path / "p").chmod(0o1777)
    pin = home.path / "p/.cowork-provider"
    terminal = open_terminal(shell)
    for line in ("cd ~/p", "true", "true"):
        terminal.run(line)
    code = f"""
import os
while os.getppid() == {os.getpid()}:
    os.mkfifo({str(pin) + ".new"!r})
    os.replace({str(pin) + ".new"!r}, {str(pin)!r})
    with open({str(pin) + ".new"!r}, "w") as file:
        file.write("OpenRouter\\n")
    os.replace({str(pin) + ".new"!r}, {str(pin)!r})
"""
    writer = subprocess.Popen([sys.executable, "-I", "-c", code])
    try:
        for _ in range(200):
            terminal.run("true")
    finally:
        writer.kill()
        writer.wait(timeout=10)


@pytest.mark.parametrize("kind", ["sticky", "shared", "link", "foreign"])
def test_a_pin_that_is_not_opened_here(
    shell: str, kind: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """Where others could put a FIFO in a pin's place, its changes are seen all the same, and coming back asks nobody."""
    place = projects["OpenRouter"]
    pin = place / ".cowork-provider"
    if kind == "link":
        (home.path / "pin").write_text("OpenRouter\n")
        pin.unlink()
        pin.symlink_to(home.path / "pin")
    elif kind == "foreign":
        if os.geteuid() != 0:
            pytest.skip("only root can give a directory away")
        os.chown(place, 65534, 65534)
    else:
        place.chmod(0o1777 if kind == "sticky" else 0o2775)
    terminal = open_terminal(shell)
    assert terminal.managed(f"cd {place}") == MANAGED["OpenRouter"]
    assert terminal.managed("cd ~") == {}
    broken = (
        "function __cowork_env_ask; false; end"
        if shell == "fish"
        else "__cowork_env_ask() { false; }"
    )
    terminal.run(broken)
    assert terminal.managed(f"cd {place}") == MANAGED["OpenRouter"]
    assert terminal.managed("cd ~") == {}
    terminal = open_terminal(shell)
    assert terminal.managed(f"cd {place}") == MANAGED["OpenRouter"]
    pin.write_text("LiteLLM Local\n")
    assert "is not allowed" in terminal.run("true")
    assert terminal.managed() == {}


def test_damaged_state(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """A damaged or foreign COWORK_ENV_STATE is ignored with one warning, and never evaluated."""
    terminal = open_terminal(
        shell, env={"COWORK_ENV_STATE": "$(touch owned)`touch owned`';touch owned;'"}
    )
    assert terminal.started.count("COWORK_ENV_STATE is damaged") == 1
    assert terminal.run("true") == ""
    assert terminal.managed(f"cd {projects['OpenRouter']}") == MANAGED["OpenRouter"]
    terminal.run(
        "set -gx COWORK_ENV_STATE junk" if shell == "fish" else "export COWORK_ENV_STATE=junk"
    )
    assert terminal.managed() == MANAGED["OpenRouter"]
    assert terminal.managed("cd ~") == {}
    assert not list(home.path.rglob("owned"))


def test_slow_secret_given_up_with_control_c(shell: str, home: Home, open_terminal: Open) -> None:
    """Ctrl-C during a look-up: no provider, and no second try until something changes."""
    home.providers(
        [
            {
                **GUIDE[1],
                "authToken": "",
                "authTokenFrom": "cmd:sh -c 'echo x >>~/asked; sleep 60'",
            },
            GUIDE[2],
        ]
    )
    slow, fast = home.path / "slow", home.path / "fast"
    home.pin(slow, "OpenRouter\n")
    home.pin(fast, "LiteLLM Local\n")
    terminal = open_terminal(shell)
    terminal.run(f"cd {fast}")
    terminal.child.sendline(f"cd {slow}")
    _wait(lambda: (home.path / "asked").exists())
    terminal.child.sendintr()
    terminal.child.expect_exact("@prompt@")
    terminal.child.sendline("echo ready-$((1+1))" if shell != "fish" else "echo ready-(math 1+1)")
    terminal.child.expect_exact("ready-2")
    terminal.child.expect_exact("@prompt@")
    assert terminal.managed() == {}
    terminal.run("true")
    assert (home.path / "asked").read_text() == "x\n"


def _wait(condition: Callable[[], bool], limit: float = 20) -> None:
    end = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < end, "the condition did not come about"
        time.sleep(0.02)


def test_answers_are_not_exported(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """Remembered answers hold keys and stay in the shell: after leaving, no child sees one."""
    terminal = open_terminal(shell)
    terminal.run(f"cd {projects['OpenRouter']}")
    state = terminal.env()["COWORK_ENV_STATE"]
    assert "sk-or" not in state
    terminal.run("cd ~")
    assert not [v for v in terminal.env().values() if "sk-or" in v]


def test_read_only_variable(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """A variable that cannot be changed: no provider rather than half of one."""
    if shell == "fish":
        pytest.skip("fish has no read-only variables of a person's")
    terminal = open_terminal(
        shell, before="export ANTHROPIC_BASE_URL=http://mine.example; readonly ANTHROPIC_BASE_URL"
    )
    said = terminal.run(f"cd {projects['OpenRouter']}")
    assert "read-only" in said
    assert terminal.managed() == {"ANTHROPIC_BASE_URL": "http://mine.example"}
    assert terminal.run("true") == ""


def test_fish_universal_variables(
    home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """A universal variable is shadowed, never changed, and shows again on leaving."""
    terminal = open_terminal("fish")
    terminal.run("set -Ux ANTHROPIC_MODEL universal; set -Ux ANTHROPIC_CUSTOM_HEADERS h")
    terminal.run(f"cd {projects['OpenRouter']}")
    managed = terminal.managed()
    assert managed.pop("ANTHROPIC_CUSTOM_HEADERS") == ""  # fish can hide it, but not unset it
    assert managed == MANAGED["OpenRouter"]
    assert "universal scope, exported" in terminal.run("set --show ANTHROPIC_MODEL")
    assert terminal.managed("cd ~") == {
        "ANTHROPIC_MODEL": "universal",
        "ANTHROPIC_CUSTOM_HEADERS": "h",
    }
    assert terminal.run("set -qg ANTHROPIC_MODEL; echo $status") == "1\n"


def test_fish_universal_variables_set_meanwhile(
    home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """One that is set while a provider is active, here or in another session, shows on leaving, and is gone when erased."""
    terminal, other = open_terminal("fish"), open_terminal("fish")
    for session in (terminal, other):
        terminal.run(f"cd {projects['OpenRouter']}")
        session.run("set -Ux ANTHROPIC_MODEL universal")
        assert terminal.managed() == MANAGED["OpenRouter"]
        assert terminal.managed("cd ~") == {"ANTHROPIC_MODEL": "universal"}
        assert terminal.run("set -qg ANTHROPIC_MODEL; echo $status") == "1\n"
        terminal.run(f"cd {projects['OpenRouter']}")
        session.run("set -eU ANTHROPIC_MODEL")
        assert terminal.managed("cd ~") == {}


@pytest.mark.parametrize("sibling", [False, True])
def test_fish_a_universal_key_that_comes_meanwhile(
    sibling: bool, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """It never stands beside the provider's own, and shows on leaving."""
    terminal = open_terminal("fish")
    session = open_terminal("fish") if sibling else terminal
    terminal.run(f"cd {projects['OpenRouter']}")
    session.run("set -Ux ANTHROPIC_API_KEY mine")
    for _ in range(100):  # fish hears of it when it hears of it
        if "there" in terminal.run("set -qU ANTHROPIC_API_KEY; and echo there"):
            break
    else:
        raise AssertionError("the universal variable did not arrive")
    assert terminal.managed() == MANAGED["OpenRouter"] | {"ANTHROPIC_API_KEY": ""}
    assert terminal.managed("cd ~") == {"ANTHROPIC_API_KEY": "mine"}
    assert terminal.managed(f"cd {projects['LiteLLM Local']}") == MANAGED["LiteLLM Local"] | {
        "ANTHROPIC_API_KEY": ""
    }
    session.run("set -eU ANTHROPIC_API_KEY")
    assert terminal.managed("cd ~") == {}


def test_bash_a_child_that_inherits_prompt_command_alone(
    home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    terminal = open_terminal("bash")
    terminal.run("export PROMPT_COMMAND; PS1=$PS1 bash --norc --noprofile -i")
    assert terminal.run("echo here") == "here\n"


@pytest.mark.parametrize(
    ("shell", "kind"),
    [("bash", "declare -a"), ("bash", "declare -i"), ("zsh", "typeset -a"), ("zsh", "typeset -i")],
)
def test_a_variable_of_another_type(
    shell: str, kind: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """An array could not be exported: a URL would stand without its key."""
    terminal = open_terminal(shell)
    terminal.run(
        f"{kind} ANTHROPIC_AUTH_TOKEN ANTHROPIC_MODEL; ANTHROPIC_AUTH_TOKEN=(7) ANTHROPIC_MODEL=(7)"
        if kind[-1] == "a"
        else f"{kind} ANTHROPIC_AUTH_TOKEN=7 ANTHROPIC_MODEL=7"
    )
    assert terminal.managed(f"cd {projects['OpenRouter']}") == MANAGED["OpenRouter"]
    assert terminal.managed("cd ~") == {}
    assert terminal.run("echo $ANTHROPIC_MODEL") == "7\n"


def test_non_interactive(shell: str, home: Home, projects: dict[str, Path]) -> None:
    """A script that evaluates the hook under strict options: silent, unharmed, and right after a cd."""
    path = projects["OpenRouter"]
    strict = "" if shell == "fish" else "set -eu; "
    show = "echo $ANTHROPIC_MODEL"
    done = subprocess.run(
        [
            need(shell),
            "-c",
            f"{strict}{HOOK[shell]}; echo start; cd {path}; {show}; cd /; echo end",
        ],
        env=home.env,
        capture_output=True,
        text=True,
        timeout=20,
        cwd=home.path,
    )
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
    """A shell rebuilt from this one's functions, as Claude Code's Bash tool makes it: plain work, silence, and no provider.

    Some of its versions leave out functions that begin with an underscore, others do not; variables never come along.
    """
    listing = {
        ("bash", "public functions"): "declare -f cd pushd popd",
        ("zsh", "public functions"): "functions -m '[^_]*'",
        ("bash", "all functions"): "declare -f",
        ("zsh", "all functions"): "functions",
    }[shell, which]
    path = projects["OpenRouter"]
    subprocess.run(
        [need(shell), "-ic", f"{HOOK[shell]}; {listing} >~/snapshot"],
        env=home.env,
        timeout=20,
        check=True,
        capture_output=True,
    )
    work = f"cd {path} && pwd && pushd / >/dev/null && popd >/dev/null && pwd; cd /nowhere || echo failed; env"
    done = subprocess.run(
        [shell, "-c", f". ~/snapshot; {work}"],
        env=home.env,
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert done.stdout.startswith(f"{path}\n" * 2 + "failed\n")
    assert "ANTHROPIC" not in done.stdout
    assert "cowork" not in done.stderr and "not found" not in done.stderr


def test_beside_direnv(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """direnv active in the same shell, loaded before and after."""
    need("direnv")
    path = projects["OpenRouter"]
    (path / ".envrc").write_text("export FROM_DIRENV=yes\n")
    subprocess.run(
        ["direnv", "allow", str(path)], env=home.env, check=True, timeout=20, capture_output=True
    )
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
    """mise active in the same shell, where in bash it has a cd, pushd and popd of its own."""
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


# Not their code, but what each of them does to PROMPT_COMMAND and with what it finds there; all of them note the status.
PROMPT_TOOLS = {
    "starship": """
        tool() { echo "$? ${PIPESTATUS[*]}" >>~/noted; [[ -z ${others-} ]] || eval "$others"; }
        trap ': "$_"' DEBUG
        [[ $PROMPT_COMMAND == *tool* ]] || { others=$PROMPT_COMMAND; PROMPT_COMMAND=tool; }
    """,
    "VS Code": """
        status() { return "$1"; }
        tool() {
            noted="$? ${PIPESTATUS[*]}"; status "${noted%% *}"; for c in "${others[@]}"; do eval "$c"; done
            echo "$noted" >>~/noted
        }
        [[ ${PROMPT_COMMAND-} == *tool* ]] || { others=("${PROMPT_COMMAND[@]}"); PROMPT_COMMAND=tool; }
    """,
    "bash-preexec": """
        first() { noted="$? ${PIPESTATUS[*]}"; echo "$noted" >>~/noted; return "${noted%% *}"; }
        last() { at_prompt=1; }
        typed() { [[ -z ${at_prompt-} ]] || { at_prompt=; echo "$BASH_COMMAND" >>~/typed; }; }
        install() {
            PROMPT_COMMAND=$'first\\n'${PROMPT_COMMAND/$'\\ninstall'/}; PROMPT_COMMAND+=('last')
            trap typed DEBUG; first; last
        }
        PROMPT_COMMAND=${PROMPT_COMMAND:-:}$'\\ninstall'
    """,
}


@pytest.mark.parametrize("tool", PROMPT_TOOLS)
@pytest.mark.parametrize("place", ["before", "after"])
def test_bash_beside_tools_that_take_prompt_command(
    tool: str, place: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """What starship, VS Code and bash-preexec do around the hook: they see the status, and nothing of the hook as typed."""
    terminal = open_terminal("bash", **{place: PROMPT_TOOLS[tool]})
    assert terminal.started == ""
    assert (
        terminal.run(f"cd {projects['OpenRouter']}")
        == "cowork-env: OpenRouter (~/work/openrouter/.cowork-provider)\n"
    )
    for _ in range(2):  # at a prompt that has work to do, and at one that has none
        (home.path / "noted").unlink()
        terminal.run("true | (exit 3) | (exit 4)")
        assert (home.path / "noted").read_text() == "4 0 3 4\n"
        assert terminal.run('echo "$? ${PIPESTATUS[*]}"') == "4 0 3 4\n"
    assert terminal.managed(f"cd {projects['LiteLLM Local']}") == MANAGED["LiteLLM Local"]
    assert terminal.managed("cd ~") == {}
    if tool == "bash-preexec":
        (
            home.path / "typed"
        ).unlink()  # It wants to come last: what follows it in the start-up file, it takes for typed once.
        terminal.run("echo word")
        terminal.run("true")
        assert (home.path / "typed").read_text() == "echo word\ntrue\n"


def test_syntax_and_shellcheck() -> None:
    folder = Path(__file__).parent.parent.parent / "shell"
    for shell in SHELLS:
        subprocess.run(
            [
                need(shell),
                "-n" if shell != "fish" else "--no-execute",
                str(folder / f"hook.{shell}"),
            ],
            check=True,
            timeout=20,
        )
    subprocess.run([need("shellcheck"), str(folder / "hook.bash")], check=True, timeout=60)


OLD = HOOK["bash"].replace("bash)", "bash | sed 's/BASH_VERSINFO/as_if/g')")


@pytest.mark.parametrize("option", ["true", *STRICT["bash"]])
@pytest.mark.parametrize("place", ["before", "after"])
def test_bash_before_4_4(
    option: str, place: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """The way without "local -", as macOS's bash 3.2 goes: the same work under the same options, which stay as they are."""
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


@pytest.mark.parametrize("version", ["this", "before 4.4"])
def test_bash_script_under_strict_options(
    version: str, home: Home, projects: dict[str, Path]
) -> None:
    hook = HOOK["bash"] if version == "this" else f"as_if=(3 2); {OLD}"
    done = subprocess.run(
        [
            need("bash"),
            "-c",
            f"set -euo pipefail; {hook}; cd {projects['OpenRouter']}; echo $ANTHROPIC_MODEL; cd /; echo end",
        ],
        env=home.env,
        capture_output=True,
        text=True,
        timeout=20,
        cwd=home.path,
    )
    assert (done.stdout, done.stderr, done.returncode) == (
        "anthropic/claude-sonnet-4-20250514\nend\n",
        "",
        0,
    )


# What bash 3.2 does not have; the hook may use one only where it says why that is safe.
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
    text = (Path(__file__).parent.parent.parent / "shell/hook.bash").read_text()
    code = "\n".join(line for line in text.split("\n") if not line.lstrip().startswith("#"))
    for pattern in NEWER_THAN_BASH_3_2:
        assert not re.search(pattern, code), pattern
    # "local -" came with 4.4, and stands only behind a look at the version.
    for match in re.finditer(r"^\s*\\builtin local -$", code, re.M):
        assert (
            "BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] > 403"
            in code[: match.start()].rsplit("\n", 3)[-2]
        )
