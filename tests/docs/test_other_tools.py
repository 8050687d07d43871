"""The recipes of docs/other-tools.md, run by the tools that they are for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cowork_env.core.environment import MANAGED

from support import documents
from support.home import GUIDE, Home, need
from support.program import Completed, execute

THEIRS = {
    "ANTHROPIC_API_KEY": "theirs",
    "CLAUDE_CODE_USE_BEDROCK": "1",
    "ANTHROPIC_MODEL": "theirs",
}


def blocks(kind: str) -> list[str]:
    """The code blocks of docs/other-tools.md of one kind."""
    return documents.blocks(documents.ROOT / "docs/other-tools.md", kind)


def check(seen: dict[str, str]) -> None:
    """Check that an environment is OpenRouter's, without anything of the user's own."""
    assert seen["ANTHROPIC_BASE_URL"] == "https://openrouter.ai/api"
    assert seen["ANTHROPIC_AUTH_TOKEN"] == GUIDE[1]["authToken"]
    assert seen["ANTHROPIC_MODEL"] == GUIDE[1]["defaultModel"]
    assert not {"ANTHROPIC_API_KEY", "CLAUDE_CODE_USE_BEDROCK"} & set(seen)


class Tool:
    """A tool that loads a directory's environment, in a project with a pin."""

    def __init__(self, home: Home, *command: str) -> None:
        self.home, self.command = home, command
        self.env = {**home.env, **THEIRS}
        self.project = home.path / "project"
        home.providers()
        home.pin(self.project, "openrouter\n")

    def run(self, *arguments: str, cwd: Path | None = None) -> Completed:
        return execute([self.command[0], *arguments], env=self.env, cwd=cwd or self.project)

    def seen(self, cwd: Path | None = None) -> dict[str, str]:
        """The environment that a program gets through the tool."""
        return self.run(*self.command[1:], "env", "-0", cwd=cwd).check().environment()


# direnv


@pytest.fixture
def direnv(home: Home) -> Tool:
    tool = Tool(home, need("direnv"), "exec", ".")
    (tool.project / ".envrc").write_text("".join(blocks("sh direnv")))
    assert tool.run("allow", ".").returncode == 0
    return tool


def test_direnv_loads_the_provider(direnv: Tool) -> None:
    check(direnv.seen())


def test_direnv_puts_everything_back_in_a_shell(direnv: Tool) -> None:
    bash = need("bash")
    names = " ".join([*THEIRS, "ANTHROPIC_BASE_URL", "ANTHROPIC_AUTH_TOKEN", "COWORK_ENV_STATE"])
    show = f'for n in {names}; do [ -n "${{!n+x}}" ] && echo "$n=${{!n}}"; done'
    load = 'eval "$(direnv export bash)"'
    script = f"{load}; {show}; echo; cd ..; {load}; {show}"
    done = execute([bash, "--norc", "-c", script], env=direnv.env, cwd=direnv.project)
    inside, _, outside = done.stdout.partition("\n\n")
    check(dict(line.split("=", 1) for line in inside.splitlines()))
    assert dict(line.split("=", 1) for line in outside.splitlines()) == THEIRS


@pytest.mark.parametrize(("pin", "allow"), [("openrouter\n", False), ("nobody\n", True)])
def test_direnv_fails_where_the_provider_cannot_be_had(direnv: Tool, pin: str, allow: bool) -> None:
    other = direnv.home.path / "other"
    direnv.home.pin(other, pin, allow)
    (other / ".envrc").write_text("".join(blocks("sh direnv")))
    assert direnv.run("allow", ".", cwd=other).returncode == 0
    done = direnv.run("exec", ".", "env", cwd=other)
    assert done.returncode != 0
    assert "ANTHROPIC_BASE_URL" not in done.stdout
    assert "cowork-env: " in done.stderr


# mise


@pytest.fixture
def mise(home: Home) -> Tool:
    tool = Tool(home, need("mise"), "exec", "--")
    (tool.project / "cowork-env.sh").write_text(blocks("sh mise")[0])
    (tool.project / "mise.toml").write_text(blocks("toml mise")[0])
    tool.env.update(MISE_YES="1", MISE_OFFLINE="1", MISE_TRUSTED_CONFIG_PATHS=str(tool.project))
    return tool


def test_mise_loads_the_provider(mise: Tool) -> None:
    check(mise.seen())
    assert mise.seen(mise.home.path)["ANTHROPIC_API_KEY"] == "theirs"


def test_mise_fails_where_the_provider_cannot_be_had(mise: Tool) -> None:
    # Changed, so not trusted any more.
    (mise.project / ".cowork-provider").write_text("litellm-local\n")
    done = mise.run("exec", "--", "env")
    assert done.returncode != 0
    assert "ANTHROPIC_" not in done.stdout
    assert "has changed since you allowed it" in done.stderr


def test_mise_unsets_all_that_is_managed() -> None:
    assert re.findall(r"^(\w+) = false$", blocks("toml mise")[0], re.MULTILINE) == list(MANAGED)


def test_mise_task(mise: Tool) -> None:
    task = blocks("toml")[0]
    (mise.project / "mise.toml").write_text(task)
    stub = mise.home.path / "stubs/claude"
    stub.parent.mkdir()
    stub.write_text("#!/bin/sh\nexec env -0\n")
    stub.chmod(0o755)
    mise.env["PATH"] = f"{stub.parent}:{mise.env['PATH']}"
    check(mise.run("run", "--quiet", "review").check().environment())
