"""The recipes of docs/ci.md, run as each CI system runs them.

Clients and installers are stubs: a client records its environment, an installer its arguments.
"""

from __future__ import annotations

import json
import os
import re
import string
import sys
from pathlib import Path
from typing import Any

import pytest

from support import documents
from support.home import Home, need
from support.program import Completed, execute, parse_environment
from support.readers import Runner, read_azure, read_docker, read_gitlab

KEY = "sk-or-invented-in-ci"
URL = "https://openrouter.ai/api"
SOURCE = "git+https://git.example/our copy@0123abcd"  # what $COWORK_ENV_SOURCE holds
MODEL = "anthropic/claude-sonnet-4-20250514"


def blocks(kind: str) -> list[str]:
    """The code blocks of docs/ci.md of one kind."""
    return documents.blocks(documents.ROOT / "docs/ci.md", kind)


def yaml(kind: str) -> list[Any]:
    """The blocks of one kind as YAML."""
    try:
        from yaml import safe_load
    except ImportError:
        if os.environ.get("CI"):
            pytest.fail("PyYAML is not installed, and in CI it must be")
        pytest.skip("PyYAML is not installed")
    return [safe_load(text) for text in blocks(kind)]


class Machine:
    """A CI machine: the repository's files, and stubs of clients and installers."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.work = home.path / "checkout"
        (self.work / "ci").mkdir(parents=True)
        self.providers = self.work / "ci/providers.json"
        self.providers.write_text(blocks("json")[0])
        self.notes = home.path / "notes"
        self.notes.mkdir()
        stubs = home.path / "stubs"
        stubs.mkdir()
        note = 'exec /usr/bin/env -0 > "$NOTES/$(ls "$NOTES" | wc -l)"'
        self.stub(stubs / "claude", note)
        # The one that is asked where the Agent SDK is says where its claude is a stub, too.
        (stubs / "sdk/_bundled").mkdir(parents=True)
        self.stub(stubs / "sdk/_bundled/claude", note)
        sdk = f'case $2 in *claude_agent_sdk*) echo "{stubs}/sdk"; exit;; esac'
        self.stub(stubs / "python", f"{sdk}\n{note}")
        self.installed = home.path / "installed"
        self.installed.touch()
        for name in ("pip", "pipx", "npm"):
            self.stub(stubs / name, 'printf "%s\\n" "$@" >> "$INSTALLED"')
        self.stub(
            stubs / "docker",
            'printf "%s\\0" "$@" >> "$NOTES/args"; '
            'for a; do [ ! -f "$a" ] || cp "$a" "$NOTES/file"; done',
        )
        self.env = {
            **home.env,
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "NOTES": str(self.notes),
            "INSTALLED": str(self.installed),
            "PATH": f"{stubs}:{home.env['PATH']}",
        }

    def commits(self) -> None:
        """Make the checkout what a runner has: a repository with the last two commits."""
        git = [need("git"), "-c", "user.name=x", "-c", "user.email=x@example.com"]
        for command in (
            ["init", "-q"],
            ["add", "."],
            *[["commit", "-qm", "x", "--allow-empty"]] * 2,
        ):
            self.run(*git, *command).check()

    @staticmethod
    def stub(path: Path, text: str) -> None:
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    def run(self, *command: str, **env: str) -> Completed:
        return execute(command, env={**self.env, **env}, cwd=self.work)

    def clients(self) -> list[dict[str, str]]:
        """The environments that clients were started with."""
        files = sorted(p for p in self.notes.iterdir() if p.name.isdigit())
        return [parse_environment(path.read_text()) for path in files]

    def check(self, count: int = 1) -> None:
        """Check that ``count`` clients ran with the provider's URL, key and model, and no other."""
        seen = self.clients()
        assert len(seen) == count
        for env in seen:
            assert (
                env["ANTHROPIC_BASE_URL"],
                env["ANTHROPIC_AUTH_TOKEN"],
                env["ANTHROPIC_MODEL"],
            ) == (URL, KEY, MODEL)
            assert "ANTHROPIC_API_KEY" not in env


@pytest.fixture
def machine(home: Home) -> Machine:
    return Machine(home)


@pytest.fixture
def runner(machine: Machine) -> Machine:
    """A CI machine after the checkout."""
    machine.commits()
    return machine


# From an empty runner


def test_the_provider_file_is_made_as_told(machine: Machine, home: Home) -> None:
    """On the user's machine, without the key; it is the file that the document shows."""
    machine.providers.unlink()
    (setup,) = blocks("sh setup")
    # Adding tries the endpoint out: nothing listens there.
    proxy = {"HTTPS_PROXY": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
    machine.run("bash", "-euc", setup, **proxy).check()
    (made,) = json.loads(machine.providers.read_text())
    (shown,) = json.loads(blocks("json")[0])
    assert {key: made[key] for key in made if key not in ("id", "models")} == shown
    given = {"COWORK_ENV_PROVIDERS_FILE": "ci/providers.json", "OPENROUTER_KEY": KEY}
    machine.run("sh", "-c", SCRIPTS[0], **given).check()
    assert machine.clients()[0]["ANTHROPIC_AUTH_TOKEN"] == KEY


def test_the_script_that_uses_the_sdk(machine: Machine) -> None:
    """With a stand-in for the SDK that repeats what it is asked."""
    (machine.work / "anthropic.py").write_text(SDK)
    (machine.work / "review.py").write_text(blocks("python review")[0])
    env = {**machine.env, "ANTHROPIC_MODEL": MODEL}
    command = [sys.executable, "review.py"]
    done = execute(command, env=env, cwd=machine.work, input="+ a line\n").check()
    assert done.stdout == f"{MODEL}: Review this change:\n\n+ a line\n\n"


SDK = """
from types import SimpleNamespace as Object

def create(model, max_tokens, messages):
    (message,) = messages
    assert message["role"] == "user" and max_tokens > 0
    text = Object(type="text", text=f"{model}: {message['content']}")
    return Object(content=[Object(type="thinking"), text])

def Anthropic():
    return Object(messages=Object(create=create))
"""

# Plain scripts

SCRIPTS = blocks("sh test")


def test_the_examples_are_there() -> None:
    assert len(SCRIPTS) == 4
    assert [len(blocks(f"yaml {kind}")) for kind in ("github", "gitlab", "azure")] == [1, 3, 1]


@pytest.mark.parametrize("shell", ["sh", "dash", "bash", "zsh"])
@pytest.mark.parametrize(("script", "count"), [(SCRIPTS[0], 1), (SCRIPTS[1], 2)])
def test_scripts(machine: Machine, shell: str, script: str, count: int) -> None:
    given = {"COWORK_ENV_PROVIDERS_FILE": "ci/providers.json"}
    need(shell)
    (machine.work / "script").write_text(script)
    done = machine.run(shell, "script", **given, OPENROUTER_KEY=KEY)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    machine.check(count)
    done = machine.run(shell, "script", **given)
    assert done.returncode == 1
    assert "OPENROUTER_KEY" in done.stderr
    machine.check(count)  # no further client


def test_providers_in_a_variable(machine: Machine) -> None:
    given = {"COWORK_ENV_PROVIDERS_JSON": machine.providers.read_text(), "OPENROUTER_KEY": KEY}
    machine.providers.unlink()
    assert machine.run("sh", "-c", SCRIPTS[0], **given).returncode == 0
    machine.check()


def test_the_repositorys_pin_needs_trust(machine: Machine) -> None:
    (machine.work / ".cowork-provider").write_text("openrouter\n")
    given = {"COWORK_ENV_PROVIDERS_FILE": "ci/providers.json", "OPENROUTER_KEY": KEY}
    done = machine.run("cowork-env", "exec", "--", "claude", **given)
    assert done.returncode == 3
    assert not machine.clients()
    assert machine.run("cowork-env", "exec", "--trust", "--", "claude", **given).returncode == 0
    machine.check()


# GitHub Actions


def github(machine: Machine, secrets: dict[str, str]) -> tuple[int, str]:
    """Run the workflow's only job; the exit status, and the log before masking."""
    workflow = yaml("yaml github")[0]
    given = {"COWORK_ENV_SOURCE": SOURCE}
    env = {
        k: re.sub(r"\$\{\{ vars\.(\w+) }}", lambda m: given[m[1]], v)
        for k, v in workflow["env"].items()
    }
    log = ""
    (job,) = workflow["jobs"].values()
    for number, step in enumerate(job["steps"]):
        if "run" not in step:
            continue
        runner = Runner(machine.home.path / f"set_env_{number}")
        own = {
            k: re.sub(r"\$\{\{ secrets\.(\w+) }}", lambda m: secrets.get(m[1], ""), v)
            for k, v in step.get("env", {}).items()
        }
        script = machine.home.path / f"step_{number}.sh"
        script.write_text(step["run"])
        done = machine.run(
            "bash", "-e", str(script), **{**env, **own, "GITHUB_ENV": str(runner.file)}
        )
        log += done.stdout + done.stderr
        if done.returncode:
            return done.returncode, log
        env.update(runner.read())
    return 0, log


def test_github(runner: Machine) -> None:
    assert github(runner, {"OPENROUTER_KEY": KEY}) == (0, f"::add-mask::{KEY}\n")
    runner.check()
    assert "OPENROUTER_KEY" not in runner.clients()[0]
    assert SOURCE in runner.installed.read_text().splitlines()


def test_github_without_the_secret(machine: Machine) -> None:
    status, log = github(machine, {})
    assert status == 1
    assert "OPENROUTER_KEY" in log
    assert not machine.clients()


# GitLab CI


def gitlab(machine: Machine, pipeline: dict[str, Any], project: dict[str, str]) -> int:
    """Run the jobs in their order; the exit status of the first that fails."""
    reports: dict[str, str] = {}
    given = {**project, "COWORK_ENV_SOURCE": SOURCE, "CI_PROJECT_DIR": str(machine.work)}
    for name, job in pipeline.items():
        if name == "variables":
            continue
        # Reports take precedence over the file's variables, and the project's over both.
        declared = {**pipeline["variables"], **job.get("variables", {})}
        env = {
            **{k: string.Template(v).safe_substitute(given) for k, v in declared.items()},
            **reports,
            **given,
        }
        done = machine.run("bash", "-eo", "pipefail", "-c", "\n".join(job["script"]), **env)
        assert KEY not in done.stdout + done.stderr
        if done.returncode:
            return done.returncode
        if report := job.get("artifacts", {}).get("reports", {}).get("dotenv"):
            text = (machine.work / report).read_text()
            assert KEY not in text
            reports.update(read_gitlab(text))
    return 0


@pytest.mark.parametrize("number", [0, 1, 2])
def test_gitlab(runner: Machine, number: int) -> None:
    assert gitlab(runner, yaml("yaml gitlab")[number], {"OPENROUTER_KEY": KEY}) == 0
    runner.check()
    assert runner.installed.read_text().splitlines().count(SOURCE) == 1


def test_gitlab_without_the_variable(machine: Machine) -> None:
    assert gitlab(machine, yaml("yaml gitlab")[0], {}) == 1
    assert not machine.clients()


# Azure Pipelines


def azure(machine: Machine, variables: dict[str, str]) -> int:
    """Run the steps; secrets reach only those that ask for them."""
    pipeline = yaml("yaml azure")[0]
    plain, secret = {**pipeline["variables"], "COWORK_ENV_SOURCE": SOURCE}, dict(variables)
    for step in pipeline["steps"]:
        if "script" not in step:
            continue
        known = {f"$({name})": value for name, value in {**plain, **secret}.items()}
        own = {
            k: known.get(v, v) for k, v in step.get("env", {}).items()
        }  # an unknown one stays as it is written
        done = machine.run("bash", "-c", step["script"], **{**plain, **own})
        if done.returncode:
            return done.returncode
        found, hidden = read_azure(done.stdout)
        plain.update({k: v for k, v in found.items() if k not in hidden})
        secret.update({k: v for k, v in found.items() if k in hidden})
    return 0


def test_azure(runner: Machine) -> None:
    assert azure(runner, {"OPENROUTER_KEY": KEY}) == 0
    runner.check()
    assert SOURCE in runner.installed.read_text().splitlines()


def test_azure_without_the_variable(machine: Machine) -> None:
    assert azure(machine, {}) == 1
    assert not machine.clients()


# Docker


def test_the_image(machine: Machine) -> None:
    lines = [line.partition(" ")[::2] for line in blocks("dockerfile")[0].splitlines()]
    env = dict(rest.split("=", 1) for word, rest in lines if word == "ENV")
    command = [
        arg
        for wanted in ("ENTRYPOINT", "CMD")
        for word, rest in lines
        if word == wanted
        for arg in json.loads(rest)
    ]
    copied = next(
        rest.split()
        for word, rest in lines
        if word == "COPY" and rest.startswith("ci/providers.json")
    )
    assert env["COWORK_ENV_PROVIDERS_FILE"] == copied[1]
    env["COWORK_ENV_PROVIDERS_FILE"] = str(machine.work / copied[0])
    assert machine.run(*command, **env).returncode == 1
    assert not machine.clients()
    assert machine.run(*command, **env, OPENROUTER_KEY=KEY).returncode == 0
    machine.check()


@pytest.mark.parametrize("script", SCRIPTS[2:])
def test_starting_containers(runner: Machine, script: str) -> None:
    done = runner.run(
        "sh", "-e", "-c", script, COWORK_ENV_PROVIDERS_FILE="ci/providers.json", OPENROUTER_KEY=KEY
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert KEY not in (runner.notes / "args").read_text()
    if "--env-file" in script:
        inside = read_docker((runner.notes / "file").read_text())
        assert (inside["ANTHROPIC_BASE_URL"], inside["ANTHROPIC_AUTH_TOKEN"]) == (URL, KEY)
        assert (runner.notes / "file").stat().st_mode & 0o077 == 0
    assert sorted(p.name for p in runner.work.iterdir()) == [".git", "ci"]
