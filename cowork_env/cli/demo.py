"""``demo``: a tour of cowork-env in a real shell, in a temporary home."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sys
import tempfile

import click
import pexpect

from .. import startup_files
from ..util.errors import CoworkEnvError
from ..util.system import absolute_path
from .inputs import detect_shell
from .options import examples

PROMPT, START = "@cowork-env-demo-prompt@", "@cowork-env-demo-start@"
TIMEOUT = 30  # seconds for one step

# For each shell: its startup file, and what makes its prompts recognizable.
SHELLS = {
    "bash": (
        ".bashrc",
        f"PS1='{PROMPT}'; bind 'set enable-bracketed-paste off' 2>/dev/null; HISTFILE=",
    ),
    "zsh": (".zshrc", f"PS1='{PROMPT}'; unsetopt prompt_cr prompt_sp zle; HISTFILE="),
    "fish": (
        ".config/fish/config.fish",
        f"function fish_prompt; end; function fish_title; end; set -g fish_greeting; "
        f"function started --on-event fish_preexec; printf '{START}'; end",
    ),
}
AFTER = {"fish": f"function ended --on-event fish_prompt; printf '{PROMPT}'; end"}

# The provider guide's examples, with invented keys.
PROVIDERS = [
    {
        "name": "My Anthropic API",
        "baseUrl": "https://api.anthropic.com/v1",
        "authToken": "sk-ant-api03-invented-for-the-demo",
        "defaultModel": "claude-sonnet-4-20250514",
        "models": {
            "opus": "claude-opus-4-20250514",
            "sonnet": "claude-sonnet-4-20250514",
            "haiku": "claude-haiku-4-20250514",
        },
    },
    {
        "name": "OpenRouter",
        "baseUrl": "https://openrouter.ai/api/v1",
        "authToken": "sk-or-invented-for-the-demo",
        "defaultModel": "anthropic/claude-sonnet-4-20250514",
        "models": {
            "opus": "anthropic/claude-opus-4-20250514",
            "sonnet": "anthropic/claude-sonnet-4-20250514",
            "haiku": "anthropic/claude-haiku-4-20250514",
        },
    },
    {
        "name": "LiteLLM Local",
        "baseUrl": "http://localhost:4000/v1",
        "authToken": "sk-1234-invented-for-the-demo",
        "defaultModel": "claude-3-5-sonnet-20241022",
        "models": {
            "opus": "claude-3-opus-20240229",
            "sonnet": "claude-3-5-sonnet-20241022",
            "haiku": "claude-3-haiku-20240307",
        },
    },
    {
        "name": "AWS Bedrock",
        "baseUrl": "https://bedrock-runtime.us-west-2.amazonaws.com",
        "authToken": "YOUR_AWS_ACCESS_KEY",
        "defaultModel": "anthropic.claude-sonnet-4-20250514-v1:0",
    },
]

SHOW = 'echo "base URL: $ANTHROPIC_BASE_URL   model: $ANTHROPIC_MODEL"'
TOUR = (
    ("The providers, as the desktop app keeps them. Keys are never shown.", "cowork-env list"),
    ("Outside any project, your own environment is unchanged.", SHOW),
    (
        "Pin a project to a provider. A pin is a small file, safe to commit: no key, no URL.",
        "cd ~/work/app",
    ),
    ("", "cowork-env pin openrouter"),
    ("", "cat .cowork-provider"),
    ("It applies here and in every directory below.", SHOW),
    ("", "cd src && " + SHOW),
    (
        "On one line, too: the command after cd has the provider; after leaving, it is gone.",
        f"cd ~ && {SHOW}",
    ),
    ("", f"cd ~/work/app && {SHOW}"),
    ("", "cd ~"),
    ("A cloned repository may have a pin. It does nothing until you allow it.", "cd ~/work/clone"),
    ("", SHOW),
    (
        "You see what it does before it is allowed. When it changes, you are asked again.",
        "cowork-env allow",
    ),
    ("", SHOW),
    ("", "cowork-env status"),
    ("And leave again.", "cd ~"),
    ("", SHOW),
)


@click.command("demo", epilog=examples("cowork-env demo", "SHELL=/usr/bin/fish cowork-env demo"))
def command() -> None:
    """Try it in a temporary home.

    Runs a tour in a real shell. Nothing of yours is changed, and nothing is left behind.
    """
    shell = _shell()
    for number in (signal.SIGTERM, signal.SIGHUP):  # Clean up also when the terminal is closed.
        signal.signal(number, lambda number, _frame: sys.exit(128 + number))
    home = os.path.realpath(tempfile.mkdtemp(prefix="cowork-env-demo-"))
    try:
        _fill_home(home, shell)
        _run_tour(home, shell)
    except (pexpect.TIMEOUT, pexpect.EOF):
        raise CoworkEnvError(
            f"{shell} did not come back to its prompt.",
            "Try another: SHELL=/bin/bash cowork-env demo",
        ) from None
    finally:
        shutil.rmtree(home, ignore_errors=True)
    click.echo(
        "\nThat was a temporary home, and it is removed. To begin with your own:\n"
        "  cowork-env init            # adds the hook to your shell's startup file\n"
        "  cowork-env add openrouter  # asks for the key only"
    )


def _shell() -> str:
    """The user's own shell if the tour can run in it, else bash, zsh or fish."""
    own = detect_shell(), os.path.basename(os.environ.get("SHELL", ""))
    for name in (*own, "bash", "zsh", "fish"):
        if name in SHELLS and _which(name):
            return name
    raise CoworkEnvError("The tour needs bash, zsh or fish.", "Install one of them.")


def _which(name: str) -> str | None:
    """The program of that name on ``PATH``; a repository's own is not run."""
    return shutil.which(name, path=absolute_path(os.environ.get("PATH", os.defpath)))


def _fill_home(home: str, shell: str) -> None:
    for folder in ("work/app/src", "work/clone", ".config/agent-cowork", ".config/fish"):
        os.makedirs(f"{home}/{folder}")
    with open(
        f"{home}/.config/agent-cowork/providers.json", "x", opener=_private, encoding="utf-8"
    ) as file:
        json.dump(PROVIDERS, file, indent=2)
    with open(f"{home}/work/clone/.cowork-provider", "x", encoding="utf-8") as file:
        file.write("LiteLLM Local\n")
    start, quiet = SHELLS[shell]
    with open(f"{home}/{start}", "x", encoding="utf-8") as file:
        file.write("\n".join((quiet, _hook(shell), AFTER.get(shell, ""))) + "\n")


def _hook(shell: str) -> str:
    return startup_files.SHELLS[shell].load.replace("@", startup_files.PROGRAM)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _run_tour(home: str, shell: str) -> None:
    keep = ("LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "NO_COLOR")
    env = {name: os.environ[name] for name in keep if name in os.environ}
    # This installation of cowork-env comes first.
    path = absolute_path(
        f"{os.path.dirname(startup_files.program(os.environ))}:{os.environ.get('PATH', os.defpath)}"
    )
    # fish keeps a folder in the runtime directory, by default in the one for temporary files.
    env |= {"HOME": home, "XDG_RUNTIME_DIR": home, "ZDOTDIR": home, "TERM": "dumb", "PATH": path}
    child = pexpect.spawn(
        _which(shell) or shell,
        ["-i"],
        cwd=home,
        env=env,
        timeout=TIMEOUT,
        dimensions=(50, 2000),
        encoding="utf-8",
        codec_errors="replace",
    )
    try:
        child.expect_exact(PROMPT)
        click.echo(click.style(f"# {shell}, with this line in its startup file:", dim=True))
        click.echo(_bold(_hook(shell)))
        for words, line in TOUR:
            if words:
                click.echo("\n" + click.style(f"# {words}", dim=True))
            click.echo(f"{click.style('~' + _directory(child, home), dim=True)} $ {_bold(line)}")
            child.sendline(line)
            child.expect_exact(PROMPT)
            click.echo(_output(shell, child.before or ""), nl=False)
    finally:
        child.close(force=True)


def _directory(child: pexpect.spawn[str], home: str) -> str:
    try:
        return os.readlink(f"/proc/{child.pid}/cwd").removeprefix(home)
    except OSError:
        return ""


def _bold(text: str) -> str:
    return click.style(text, bold=True)


def _output(shell: str, raw: str) -> str:
    """What a command printed, without the terminal's echo of it and escape sequences."""
    text = re.sub(
        r"\x1b(\[[0-9;?<>=]*[a-zA-Z]|\][^\x07\x1b]*(\x07|\x1b\\)|[()][A-Z0-9]|[=>])", "", raw
    )
    text = text.replace("\r\n", "\n").replace("\r", "")
    if shell == "fish":
        return re.sub("\N{RETURN SYMBOL} *", "", text.rpartition(START)[2])
    return text.partition("\n")[2]
