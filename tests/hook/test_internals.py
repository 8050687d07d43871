"""Tests that use the hook's own names, which may change with its code."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

from cowork_env import shells
from cowork_env.hook.interpreter import PACKAGE

from support.home import GUIDE, ROOT, Home
from support.home import GUIDE_MANAGED as MANAGED
from support.session import Session
from support.shells import HOOK, SHELLS
from support.terminal import Open, Terminal


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
    """With or without a semicolon, a comment, an array, unset; loaded twice, it is there once."""
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


@pytest.mark.parametrize("kind", ["sticky", "shared", "group", "above", "link", "foreign"])
def test_a_pin_that_the_shell_does_not_open(
    shell: str, kind: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """Where others could replace a pin by a FIFO, changes are seen, and going back is fast."""
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
    elif kind == "above":
        place.parent.chmod(0o770)
    else:
        place.chmod({"sticky": 0o1777, "shared": 0o2755, "group": 0o775}[kind])
    terminal = open_terminal(shell)
    assert terminal.managed(f"cd {place}") == MANAGED["OpenRouter"]
    assert terminal.run("printf %s $__cowork_env_pins").endswith("\x01?\x01")
    assert terminal.managed("cd ~") == {}
    broken = (
        "function __cowork_env_request; false; end"
        if shell == "fish"
        else "__cowork_env_request() { false; }"
    )
    terminal.run(broken)
    assert terminal.managed(f"cd {place}") == MANAGED["OpenRouter"]
    assert terminal.managed("cd ~") == {}
    terminal = open_terminal(shell)
    assert terminal.managed(f"cd {place}") == MANAGED["OpenRouter"]
    pin.write_text("LiteLLM Local\n")
    assert "has changed since you allowed it" in terminal.run("true")
    assert terminal.managed() == {}


def test_a_pin_that_the_shell_opens(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """As soon as the program has said that it may, and after every pin that it may not open."""
    shared, own = projects["OpenRouter"], projects["LiteLLM Local"]
    shared.chmod(0o775)
    terminal = open_terminal(shell)
    for place, content in ((own, "LiteLLM Local\n"), (shared, "?"), (own, "LiteLLM Local\n")):
        terminal.run(f"cd {place}")
        said = terminal.run('printf %s "$__cowork_env_pins"').replace("\r", "")
        assert said.endswith(f"\x01{content}\x01")
    # Two contents with one timestamp, which no watch tells apart.
    pin = own / ".cowork-provider"
    before = pin.stat()
    pin.write_text("litellm-local")
    os.utime(pin, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert "has changed since you allowed it" in terminal.run("true")


def test_remembered_responses_are_bounded(terminal: Terminal) -> None:
    """The shell remembers a limited number of responses; forgotten ones are requested again."""
    home = terminal.home
    for i in range(40):
        home.pin(home.path / f"many/{i}", f"OpenRouter\nmodel = model-{i}\n")
    for i in range(40):
        terminal.run(f"cd {home.path}/many/{i}")
    size = {
        "bash": "${#__cowork_env_cache_keys[@]}",
        "zsh": "${#__cowork_env_cache_keys}",
        "fish": "(count $__cowork_env_cache_keys)",
    }
    assert terminal.run(f"echo {size[terminal.shell]}") == "32\n"
    for i in (0, 39, 20):
        terminal.run(f"cd {home.path}/many/{i}")
        assert terminal.managed()["ANTHROPIC_MODEL"] == f"model-{i}"


def test_a_key_from_a_command_is_remembered_for_ten_minutes(terminal: Terminal) -> None:
    """Going back within ten minutes sends no request; later it does."""
    home = terminal.home
    home.providers(
        [
            {
                **GUIDE[0],
                "authToken": "",
                "authTokenFrom": "cmd:sh -c 'echo asked >>~/asked; echo key'",
            },
            *GUIDE[1:],
        ]
    )
    asked = home.path / "asked"
    for _ in range(3):
        terminal.run(f"cd {home.path}/My")
        terminal.run("cd /")
    assert asked.read_text() == "asked\n"
    age = {
        "bash": "SECONDS=$((SECONDS + 601))",
        "zsh": "SECONDS=$((SECONDS + 601))",
        "fish": "for f in $__cowork_env_cache_expiries; "
        "test $f = 0; or touch -d '11 minutes ago' $f; end",
    }
    terminal.run(age[terminal.shell])
    terminal.run(f"cd {home.path}/My")
    assert asked.read_text() == "asked\nasked\n"
    assert terminal.managed()["ANTHROPIC_AUTH_TOKEN"] == "key"


# Puts an interrupt after one of the statements that it reads, once: the number is in a file.
CUT = r"""
import os, re, sys
text, number = sys.stdin.read(), os.environ["HOME"] + "/cut"
places = list(re.finditer(r"(&& |; |\n)(?=\\?builtin (?:unset|export|set)\b)", text))
if places and os.path.exists(number):
    place = places[int(open(number).read()) % len(places)]
    os.unlink(number)
    text = text[: place.end()] + "kill -INT " + sys.argv[1] + place[1] + text[place.end() :]
print(text)
"""


# Where each hook changes the environment, and the same with an interrupt in it.
CHANGES = {
    "bash": (
        r'\\builtin eval ("\$(?:__cowork_env_response_now|__cowork_env_active_undo'
        r'|\{__cowork_env_cache_applies\[.*?\]\})")',
        r'\\builtin eval "$(python3 ~/cut.py $$ <<<\1)"',
    ),
    "zsh": (
        r'__cowork_env_evaluate ("\$__cowork_env_'
        r'(?:response_now|cache_applies\[.*?\]|active_undo)")',
        r'__cowork_env_evaluate "$(python3 ~/cut.py $$ <<<\1)"',
    ),
    "fish": (
        r'builtin eval ("\$__cowork_env_(?:response_now|cache_applies\[.*?\]|active_undo)")',
        r"builtin eval (printf %s \1 | python3 ~/cut.py '$fish_pid' | string collect)",
    ),
}


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    "own",
    [{}, {"ANTHROPIC_BASE_URL": "https://own.example", "ANTHROPIC_AUTH_TOKEN": "own"}],
    ids=["none", "own"],
)
def test_an_interrupt_after_each_statement(shell: str, own: dict[str, str], home: Home) -> None:
    """Entering, switching and leaving, new and remembered: the next prompt has the right values."""
    home.env.update(own)
    text, count = re.subn(*CHANGES[shell], (ROOT / f"shell/hook.{shell}").read_text())
    assert count == 3
    hook = home.path / f"hook.{shell}"
    hook.write_text(text)
    (home.path / "hook").write_text(shells.get(shell).load(sys.executable, PACKAGE, str(hook)))
    (home.path / "cut.py").write_text(CUT)
    session = Session(shell, home, "source ~/hook")
    wanted = {
        "fast": ("https://openrouter.ai/api", GUIDE[1]["authToken"]),
        "other": ("http://localhost:4000", GUIDE[2]["authToken"]),
        home.path.name: (own.get("ANTHROPIC_BASE_URL"), own.get("ANTHROPIC_AUTH_TOKEN")),
    }
    cuts = 0
    for number in range(6):
        home.providers([{**GUIDE[1], "defaultModel": f"model-{number}"}, GUIDE[2]])
        for place in ("fast", "other", "", "other", "fast", ""):  # requested, then remembered
            (home.path / "cut").write_text(str(number))
            session.terminal.child.sendline(f"cd ~/{place}")
            session.wait_ready(impatient=True)
            env = session.snapshot(ready=True)
            got = env.get("ANTHROPIC_BASE_URL"), env.get("ANTHROPIC_AUTH_TOKEN")
            assert got == wanted[Path(env["HERE"]).name], (
                f"statement {number}, to {place or 'home'}"
            )
            cuts += not (home.path / "cut").exists()
            session.terminal.run("cd ~/" + place)  # the interrupt may have stopped it
    assert cuts >= 24
    session.terminal.close()
