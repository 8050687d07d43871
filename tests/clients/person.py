"""A person with providers, projects, three shells, and the patience to start a client in each of them."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .recorder import Recorder, Request
from .terminal import Terminal
from support.home import GUIDE, Home, executable, need

SHELLS = ("bash", "zsh", "fish")
# How a client gets its environment: the hook at a prompt, or "cowork-env exec".
WAYS = (*SHELLS, "exec")
ALIASES = ("opus", "sonnet", "haiku", "fable")

# In full, as people have it whose start-up files come before their PATH does: a login shell begins with the system's.
START_UP = {
    "bash": (".bashrc", "PS1='ready> '\neval \"$({program} hook bash)\"\n"),
    "zsh": (".zshrc", "PROMPT='ready> '\neval \"$({program} hook zsh)\"\n"),
    "fish": (
        ".config/fish/config.fish",
        "function fish_prompt; echo -n 'ready> '; end\n{program} hook fish | source\n",
    ),
}
QUIET_CLAUDE = {
    "CLAUDE_CODE_MAX_RETRIES": "0",
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "DISABLE_TELEMETRY": "1",
    "DISABLE_AUTOUPDATER": "1",
}


class Result:
    """How a client ended, and what it said."""

    def __init__(self, status: int, stdout: str, stderr: str) -> None:
        self.status, self.stdout, self.stderr = status, stdout, stderr

    def __repr__(self) -> str:
        return f"<{self.status}: {self.stdout!r} {self.stderr!r}>"


class Person:
    """The person. ``work`` holds a project for each provider, pinned, in a folder with the provider's slug."""

    def __init__(self, home: Home, claude: Path, recorder: Recorder, outside: Recorder) -> None:
        self.home, self.recorder = home, recorder
        self.work = home.path / "work"
        home.env.update(QUIET_CLAUDE)
        home.env["PATH"] = f"{claude.parent}:{home.env['PATH']}"
        # Whatever wants to leave this machine is caught.
        home.env.update(
            HTTP_PROXY=outside.url, HTTPS_PROXY=outside.url, NO_PROXY="127.0.0.1,localhost"
        )
        for name, text in START_UP.values():
            path = home.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.replace("{program}", executable()), encoding="utf-8")
        self.providers = {str(entry["name"]): entry for entry in guide(recorder)}
        home.providers(list(self.providers.values()))
        for name in self.providers:
            home.pin(self.project(name), name + "\n")

    def project(self, name: str) -> Path:
        """The project that is pinned to a provider."""
        return self.work / name.lower().replace(" ", "-")

    @contextmanager
    def way(self, way: str) -> Iterator[Prompt | Exec]:
        """A prompt of that shell in the home, or ``exec``."""
        if way == "exec":
            yield Exec(self.home)
        else:
            with self.terminal(way) as terminal:
                yield Prompt(self.home, terminal)

    def claude(self, way: str, directory: Path) -> tuple[Terminal, str]:
        """A terminal, and what to type in it so that Claude Code starts in ``directory`` (nothing: it starts)."""
        if way == "exec":
            return Terminal([executable(), "exec", "--", "claude"], self.home.env, directory), ""
        return self.terminal(way), f"cd {directory} && claude"

    def terminal(self, shell: str) -> Terminal:
        """A shell at its first prompt."""
        path = need(shell)
        terminal = Terminal([path, "-i"], {**self.home.env, "SHELL": path}, self.home.path)
        terminal.wait("ready> $")
        return terminal


class Prompt:
    """A shell's prompt, to start clients from."""

    def __init__(self, home: Home, terminal: Terminal) -> None:
        self.home, self.terminal = home, terminal

    def run(self, directory: Path, argv: list[str], limit: float = 60) -> Result:
        """Go to ``directory`` and start ``argv`` there, on one line; then go home."""
        out, err = self.home.path / "stdout", self.home.path / "stderr"
        status = "$status" if "fish" in self.terminal.name else "$?"
        line = f"cd {directory} && {shlex.join(argv)} </dev/null >{out} 2>{err}; echo 'fini''shed:'{status}:; cd"
        self.terminal.send(line + "\r")
        found = self.terminal.wait(r"finished:(\d+): .*ready> $", limit)
        return Result(int(found[1]), out.read_text(), err.read_text())


class Exec:
    """``cowork-env exec``, to start clients with."""

    def __init__(self, home: Home) -> None:
        self.home = home

    def run(self, directory: Path, argv: list[str], limit: float = 60) -> Result:
        """Start ``argv`` in ``directory``."""
        done = subprocess.run(
            [executable(), "exec", "--", *argv],
            cwd=directory,
            env=self.home.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=limit,
        )
        return Result(done.returncode, done.stdout, done.stderr)


def guide(recorder: Recorder) -> list[dict[str, Any]]:
    """The guide's four providers with their URL endings as they stand, on the recorder; and one with an API key."""
    urls = {
        "My Anthropic API": f"{recorder.url}/v1",
        "OpenRouter": f"{recorder.url}/api/v1",
        "LiteLLM Local": f"http://localhost:{recorder.port}/v1",
        "AWS Bedrock": recorder.url,
    }
    entries = [{**entry, "baseUrl": urls[entry["name"]]} for entry in GUIDE]
    keyed = {
        "id": "55555555-5555-4555-8555-555555555555",
        "name": "Keyed",
        "baseUrl": f"{recorder.url}/v1/messages/",
        "auth": "api-key",
        "authToken": "sk-keyed-invented-0005",
        "defaultModel": "keyed-default",
        "models": {"fable": "keyed-fable"},
    }
    return [*entries, keyed]


def model(provider: dict[str, Any], alias: str = "") -> str:
    """The model that an alias (or none) must become."""
    return str(provider.get("models", {}).get(alias) or provider["defaultModel"])


def check(request: Request, provider: dict[str, Any], credential: str = "") -> None:
    """See that one request went where the provider is, with its key, once, in the right header."""
    scheme, _, rest = provider["baseUrl"].partition("://")
    assert scheme == "http"
    assert request.host == rest.partition("/")[0]
    prefix = "/api" if "/api" in provider["baseUrl"] else ""
    assert request.path in [
        f"{prefix}/v1/{end}" for end in ("messages", "messages/count_tokens", "models")
    ]
    if not credential:
        credential = "x-api-key" if provider.get("auth") == "api-key" else "authorization"
    value = provider["authToken"]
    assert request.credentials == [
        f"{credential}: {value if credential == 'x-api-key' else 'Bearer ' + value}"
    ]
