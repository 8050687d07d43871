"""A user with providers, projects and three shells, who starts clients in each of them."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support.clients.recorder import Recorder, Request
from support.home import GUIDE, Home, executable, need
from support.program import Completed, Program
from support.shells import SHELLS
from support.terminal import Screen

# How a client gets its environment: from the hook at a prompt, or from "cowork-env exec".
METHODS = (*SHELLS, "exec")
ALIASES = ("opus", "sonnet", "haiku", "fable")

# With the program's full path, as for users whose PATH is set after their startup files are read.
STARTUP = {
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


class User:
    """The user. ``work`` holds a project for each provider, with a pin, named by its slug."""

    def __init__(self, home: Home, claude: Path, recorder: Recorder, outside: Recorder) -> None:
        self.home, self.recorder = home, recorder
        self.work = home.path / "work"
        home.env.update(QUIET_CLAUDE)
        home.env["PATH"] = f"{claude.parent}:{home.env['PATH']}"
        # A proxy catches everything that would leave this machine.
        home.env.update(
            HTTP_PROXY=outside.url, HTTPS_PROXY=outside.url, NO_PROXY="127.0.0.1,localhost"
        )
        for name, text in STARTUP.values():
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
    def by(self, method: str) -> Iterator[Prompt | Exec]:
        """What starts clients: a prompt of that shell in the home, or ``exec``."""
        if method == "exec":
            yield Exec(self.home)
        else:
            with self.shell(method) as screen:
                yield Prompt(self.home, screen)

    def claude(self, method: str, directory: Path) -> tuple[Screen, str]:
        """A screen, and the line to type there that starts Claude Code in ``directory``.

        The line is empty where Claude Code starts by itself.
        """
        if method == "exec":
            command = [executable(), "exec", "--", "claude"]
            return Screen(command, env=self.home.env, cwd=directory), ""
        return self.shell(method), f"cd {directory} && claude"

    def shell(self, shell: str) -> Screen:
        """A shell at its first prompt."""
        path = need(shell)
        env = {**self.home.env, "SHELL": path}
        screen = Screen([path, "-i"], env=env, cwd=self.home.path)
        screen.wait("ready> $")
        return screen


class Prompt:
    """A shell's prompt, to start clients from."""

    def __init__(self, home: Home, screen: Screen) -> None:
        self.home, self.screen = home, screen

    def run(self, directory: Path, argv: list[str], limit: float = 60) -> Completed:
        """Go to ``directory`` and start ``argv`` there, on one line; then go home."""
        out, err = self.home.path / "stdout", self.home.path / "stderr"
        status = "$status" if "fish" in self.screen.name else "$?"
        start = f"cd {directory} && {shlex.join(argv)} </dev/null >{out} 2>{err}"
        self.screen.send(f"{start}; echo 'fini''shed:'{status}:; cd\r")
        found = self.screen.wait(r"finished:(\d+): .*ready> $", limit)
        return Completed(argv, int(found[1]), out.read_text(), err.read_text())


class Exec:
    """``cowork-env exec``, to start clients with."""

    def __init__(self, home: Home) -> None:
        self.home = home

    def run(self, directory: Path, argv: list[str], limit: float = 60) -> Completed:
        """Start ``argv`` in ``directory``."""
        return Program(self.home).run("exec", "--", *argv, cwd=directory, timeout=limit)


def guide(recorder: Recorder) -> list[dict[str, Any]]:
    """The guide's four providers, with their URL endings, on the recorder; and one with an API key."""
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
    """The model that an alias, or none, must resolve to."""
    return str(provider.get("models", {}).get(alias) or provider["defaultModel"])


def check(request: Request, provider: dict[str, Any], credential: str = "") -> None:
    """Check that a request went to the provider, with its key, once, in the right header."""
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
