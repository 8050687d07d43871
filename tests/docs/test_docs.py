"""What the documents tell users to run, run as they tell it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.documents import README, ROOT, blocks
from support.home import Home, need
from support.program import Program, execute, run_in_shell
from support.shells import SHELLS, startup_file
from support.terminal import Terminal

KEY = "sk-or-v1-invented-0123456789"
SHELLS_MD = ROOT / "docs/shells.md"
SETTINGS = '{"model": "mine"}\n'


@pytest.fixture
def desk(home: Home) -> Iterator[Home]:
    """A home with a project, a client that shows its environment, and no way to another machine."""
    for project in ("work/app", "oss/tool"):
        (home.path / project).mkdir(parents=True)
    programs = home.path / "programs"
    programs.mkdir()
    (programs / "claude").write_text('#!/bin/sh\necho "asked:$*"\nenv\n')
    (programs / "claude").chmod(0o755)
    settings = home.path / ".claude/settings.json"
    settings.parent.mkdir()
    settings.write_text(SETTINGS)
    home.env["PATH"] = f"{programs}:{home.env['PATH']}"
    # 'add' tries a provider out: nothing listens there.
    home.env |= {"HTTPS_PROXY": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
    yield home
    assert settings.read_text() == SETTINGS


@pytest.mark.parametrize("shell", SHELLS)
def test_quick_start(shell: str, desk: Home) -> None:
    """Line by line, in a shell with the line that ``init`` adds; settings files do not change."""
    (load,) = [block for block in blocks(README, "sh") if "init" in block]
    zdotdir = {"ZDOTDIR": str(desk.path)}
    load = next(line for line in load.splitlines() if "init" in line)
    execute([*load.split(), shell], env=desk.env | zdotdir, cwd=desk.path).check()
    assert f"cowork-env hook {shell}" in startup_file(shell, desk).read_text()
    lines = "".join(blocks(README, "sh quick-start")).splitlines()
    programs = ["cowork-env", "cowork-env", "cd", "cd", "claude", "cd"]
    assert [line.split()[0] for line in lines] == programs
    with Terminal(shell, desk) as terminal:
        assert "added Work" in terminal.run(lines.pop(0))
        terminal.child.sendline(lines[0])
        terminal.expect("Key (hidden)")
        terminal.child.sendline(KEY)
        added = terminal.prompt()
        assert "added OpenRouter" in added and KEY not in added
        shown = [terminal.run(line) for line in lines[1:]]
        assert "cowork-env: Work (~/work/app/.cowork-provider)\n" in shown[0]
        assert "cowork-env: OpenRouter (~/oss/tool/.cowork-provider)\n" in shown[1]
        assert "ANTHROPIC_BASE_URL=https://openrouter.ai/api\n" in shown[2] and KEY in shown[2]
        assert "cowork-env: left OpenRouter\n" in shown[3]
        assert terminal.managed() == {}


SCRIPTS = [
    (path, block)
    for path in (README, SHELLS_MD, ROOT / "docs/launcher.md")
    for block in blocks(path, "sh test")
]


def test_the_scripts_are_there() -> None:
    assert [path.name for path, _ in SCRIPTS] == [
        "README.md",
        "shells.md",
        "launcher.md",
    ]


@pytest.mark.parametrize(("path", "block"), SCRIPTS)
def test_scripts(path: Path, block: str, desk: Home) -> None:
    """Each block by itself, in a home with one provider, as a script that stops at a failure."""
    program = Program(desk)
    program.run("add", "openrouter", "--token-stdin", input=KEY).check()
    program.run("init", "bash").check()
    env = desk.env | {"SHELL": need("bash")}
    done = execute([need("bash"), "-e"], input=block, env=env, cwd=desk.path).check()
    if "claude -p" in block:
        assert "asked:-p " in done.stdout and f"ANTHROPIC_AUTH_TOKEN={KEY}\n" in done.stdout
    if "init --remove" in block:
        assert (desk.path / ".bashrc").read_text() == ""


def test_the_two_commands_of_a_fresh_machine() -> None:
    """They are as they have to be; test_packaging.py and whoever runs this run what they run."""
    fresh = [block.strip().split(" && ") for block in blocks(README, "sh") if "venv" in block]
    install = ".venv/bin/pip install -q"
    assert fresh == [
        ["python3 -m venv .venv", f"{install} .", ".venv/bin/cowork-env demo"],
        ["python3 -m venv .venv", f"{install} -e '.[test]'", ".venv/bin/python -m pytest -n auto"],
    ]


@pytest.mark.parametrize(
    ("shell", "block"),
    [
        ("zsh", "sh powerlevel10k"),
        ("zsh", "sh spaceship"),
        ("bash", "sh liquidprompt-bash"),
        ("zsh", "sh liquidprompt-zsh"),
        ("bash", "sh oh-my-bash"),
        ("bash", "sh bash-git-prompt"),
        ("fish", "fish tide"),
    ],
)
def test_recipes_for_prompt_frameworks(shell: str, block: str, home: Home) -> None:
    """With what the frameworks call and are called by: the name is shown and never run."""
    name = r"""100% a\w $(id) `id` ${x} "q" 'r'"""
    (recipe,) = blocks(SHELLS_MD, block)
    framework, show = {
        "sh powerlevel10k": ("p10k() { P=$3; }", "prompt_cowork; print -rP -- $P"),
        "sh spaceship": (
            "spaceship() { :; }; spaceship::section::v4() { P=$3; }",
            "setopt prompt_subst; spaceship_cowork; print -rP -- '$(echo -n $P)'",
        ),
        "sh liquidprompt-bash": ("", 'printf "%s\\n" "${LP_PS1_PREFIX@P}"'),
        "sh liquidprompt-zsh": ("", 'print -rP -- "$LP_PS1_PREFIX"'),
        "sh oh-my-bash": (
            "_omb_util_add_prompt_command() { F=$1; }; PS1=x",
            '$F; $F; printf "%s\\n" "${PS1@P}"',
        ),
        "sh bash-git-prompt": ("", 'PS1=$(prompt_callback); printf "%s\\n" "${PS1@P}"'),
        "fish tide": (
            "function _tide_print_item; set -g P $argv[2]; end",
            "_tide_item_cowork; string unescape -- $P",
        ),
    }[block]
    code = f"{framework}\n{recipe}\n{show}"
    done = run_in_shell(home, shell, code, env={"COWORK_ENV_ACTIVE": name}).check()
    shown = name.replace("\\", "/") if block == "sh spaceship" else name
    assert (done.stdout.strip().removesuffix("x").rstrip(), done.stderr) == (f"[{shown}]", "")


@pytest.mark.parametrize("shell", SHELLS)
def test_prompts(shell: str, home: Home) -> None:
    """The lines that show the active provider in a prompt, after the prompt was set."""
    home.providers([{"name": "100% mine", "baseUrl": "https://a.example", "authToken": "x"}])
    home.pin(home.path / "app", "100% mine\n")
    if shell == "fish":
        (line,) = blocks(SHELLS_MD, "fish")
        after = f"function fish_prompt\n{line}\nprintf '> '\nend"
    else:
        (after,) = blocks(SHELLS_MD, f"sh {shell}-prompt")
    with Terminal(shell, home, after=after) as terminal:
        # fish draws its prompt where it cannot be told from what it redraws, so it is asked for it.
        show = "fish_prompt" if shell == "fish" else "true"
        terminal.run("cd app")
        assert terminal.run(show).startswith("[100% mine] ")
        terminal.run("cd ~")
        assert "mine" not in terminal.run(show)
