"""docs/teams.md, command by command: a new colleague with an empty home, and updates."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from support import documents
from support.catalog import REFUSED
from support.home import Home, need
from support.program import Completed, execute, parse_environment
from support.terminal import Dialog, plain

PATH = documents.ROOT / "docs/teams.md"
KEY = "your-own-key"


class Desk:
    """An empty home, the team's repository, a project that has a pin, and a client that tells of
    its environment."""

    def __init__(self, home: Home) -> None:
        self.home, self.repository = home, home.path.parent / "catalog.git"
        need("git")
        self.repository.mkdir()
        self.catalog: list[dict[str, Any]] = json.loads(block("json catalog"))
        self.git("init", "-q", "-b", "main")
        self.publish()
        home.pin(home.path / "work/app", "gateway\n", allow=False)
        programs = home.path.parent / "programs"
        programs.mkdir()
        (programs / "claude").write_text('#!/bin/sh\nenv -0 >"$SEEN"\n')
        (programs / "claude").chmod(0o755)
        self.seen = home.path.parent / "seen"
        self.env = {
            **home.env,
            "PATH": f"{programs}:{home.env['PATH']}",
            "SEEN": str(self.seen),
            "CATALOG_REPOSITORY": str(self.repository),
        }

    def git(self, *words: str) -> None:
        own = ["-c", "user.name=a", "-c", "user.email=a@b.example", "-c", "commit.gpgsign=false"]
        execute(["git", *own, *words], env=self.home.env, cwd=self.repository).check()

    def publish(self) -> None:
        """Commit the catalogue as it is now."""
        (self.repository / "catalog.json").write_text(json.dumps(self.catalog))
        self.git("add", ".")
        self.git("commit", "-q", "-m", "update")

    def run(self, kind: str, cwd: Path | None = None, **env: str) -> Completed:
        """Run a block of commands; the last one's status and all that was shown."""
        self.seen.unlink(missing_ok=True)
        return execute(
            ["sh", "-c", block(f"sh {kind}")], env=self.env | env, cwd=cwd or self.home.path
        )

    def show(self, kind: str) -> str:
        """Run a block of commands on a terminal, as its reader does; all that is shown."""
        env = {**self.env, "TERM": "xterm", "NO_COLOR": "1"}
        command = [need("sh"), "-c", block(f"sh {kind}")]
        with Dialog(command, env=env, cwd=self.home.path) as dialog:
            shown = plain(dialog.finish())
            assert dialog.status == 0
            return shown

    def client(self) -> tuple[str, str, str]:
        """The URL, key and model that the client was started with."""
        env = parse_environment(self.seen.read_text())
        names = ("ANTHROPIC_BASE_URL", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_MODEL")
        return (env[names[0]], env[names[1]], env[names[2]])


def block(kind: str) -> str:
    """The only block of its kind."""
    (text,) = documents.blocks(PATH, kind)
    return text


@pytest.fixture
def desk(home: Home) -> Desk:
    return Desk(home)


def test_from_an_empty_home_to_an_update(desk: Desk) -> None:
    assert table(desk.show("begin")) == table(block("text begin"))
    assert desk.run("first").check().stderr == block("text first")
    desk.run("use", desk.home.path / "work/app").check()
    assert desk.client() == ("https://ai.corp.example", KEY, "claude-sonnet-5")

    desk.env["GATEWAY_KEY"] = KEY
    desk.catalog[0]["defaultModel"] = "claude-sonnet-6"
    desk.publish()
    desk.run("changed").check()  # a model: there is nothing to agree to
    assert desk.client() == ("https://ai.corp.example", KEY, "claude-sonnet-6")

    desk.catalog[0]["baseUrl"] = "https://ai2.corp.example/v1"
    desk.publish()
    assert desk.run("changed").check(3).stderr == block("text changed")
    assert not desk.seen.exists()
    desk.run("agree").check()
    desk.run("changed").check()
    assert desk.client()[0] == "https://ai2.corp.example"

    shown = table(desk.show("own"))  # the first command checks the endpoint on a terminal, too
    assert shown[-3:] == table(block("text own"))


def table(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def test_in_ci(desk: Desk) -> None:
    checkout = desk.home.path / "checkout"
    execute(
        ["git", "clone", "-q", desk.repository, checkout / "team"],
        env=desk.env,
        cwd=desk.home.path,
    ).check()
    desk.run("ci", checkout, GATEWAY_KEY="of-the-job").check()
    assert desk.client() == ("https://ai.corp.example", "of-the-job", "claude-sonnet-5")
    done = desk.run("ci", checkout)
    assert done.check(1).stdout == "" and "GATEWAY_KEY" in done.stderr
    assert not desk.seen.exists()


@pytest.mark.parametrize("kind", REFUSED)
def test_what_an_update_cannot_do(desk: Desk, kind: str) -> None:
    """What is not for a catalogue is not used even where everything in it is trusted."""
    desk.catalog[0] |= REFUSED[kind][0]
    checkout = desk.home.path / "checkout/team"
    checkout.mkdir(parents=True)
    (checkout / "catalog.json").write_text(json.dumps(desk.catalog))
    done = desk.run("ci", checkout.parent, GATEWAY_KEY="of-the-job")
    assert done.check(1).stdout == "" and REFUSED[kind][1] in done.stderr
    assert not desk.seen.exists()


def test_the_limits_are_the_programs() -> None:
    from cowork_env.core import catalog

    text = documents.DOCUMENTS[PATH]
    assert f"{catalog.MAX_ENTRIES:,} entries and {catalog.MAX_BYTES >> 20} MiB" in text
    named = documents.section(PATH, "Keys")
    assert [scheme for scheme in catalog.REFERENCES if f"`{scheme}" not in named] == []
