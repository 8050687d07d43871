"""ccs: its list in the forms of two versions, its profiles, and its logins."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from cowork_env.core.providers import Providers
from cowork_env.core.resolve import Inputs
from cowork_env.importers import ccs, claude_acc
from cowork_env.importers.entries import Found, Nothing
from cowork_env.importers.plan import Plan

from support.home import Home

DATA = Path(__file__).parent / "data"


def inputs(home: Home) -> Inputs:
    return Inputs(home.env, str(home.path), str(home.config), str(home.state))


def read(home: Home, version: str) -> Found:
    shutil.copytree(DATA / version, home.path / ".ccs")
    away = home.path / "elsewhere/away.json"
    away.parent.mkdir()
    away.write_text((DATA / "ccs-4/glm.settings.json").read_text().replace("0007", "0008"))
    return ccs.read(inputs(home))


GLM = {
    "name": "glm",
    "authToken": "invented-glm-key-long-enough-0007",
    "baseUrl": "https://api.z.ai/api/anthropic",
    "defaultModel": "glm-4.6",
    "models": {"opus": "glm-4.6", "sonnet": "glm-4.6", "haiku": "glm-4.5-air"},
}
AWAY = {**GLM, "name": "away", "authToken": "invented-glm-key-long-enough-0008"}


def test_version_4(home: Home) -> None:
    found = read(home, "ccs-4")
    assert found.entries[0] == GLM
    assert [e["name"] for e in found.entries] == ["glm", "kimi", "away"]
    assert found.entries[2] == AWAY
    assert found.notes == [
        "gone is left out: there is no file ~/.ccs/gone.settings.json.",
        "default: Claude Code's own settings: cowork-env import claude-settings",
    ]
    plan = Plan(found, found.entries, Providers("[]", "", "f"))
    assert plan.obstacles == ["", "left out: is a placeholder, not a key", ""]


def test_version_7(home: Home) -> None:
    found = read(home, "ccs-7")
    assert [e["name"] for e in found.entries] == ["codex", "glm", "away"]
    assert found.entries[1:] == [GLM, AWAY]
    plan = Plan(found, found.entries, Providers("[]", "", "f"))
    assert plan.notes == ["codex needs the proxy of ccs on this machine to be running."]


def test_its_logins_become_accounts(home: Home) -> None:
    (home.path / ".ccs/instances/work").mkdir(parents=True)
    (home.path / ".ccs/instances/.locks").mkdir()
    (home.path / ".ccs/instances/file").touch()
    assert ccs.read(inputs(home)).entries == [
        {"name": "work", "auth": "account", "configDir": "~/.ccs/instances/work"}
    ]


def test_the_accounts_of_claude_acc(home: Home) -> None:
    with pytest.raises(Nothing):
        claude_acc.read(inputs(home))
    (home.path / ".claude-switch/accounts/work").mkdir(parents=True)
    assert claude_acc.read(inputs(home)).entries == [
        {"name": "work", "auth": "account", "configDir": "~/.claude-switch/accounts/work"}
    ]


@pytest.mark.parametrize("what", ["nothing", "empty", "file"])
def test_no_profile(home: Home, what: str) -> None:
    path = home.path / ".ccs"
    if what == "empty":
        path.mkdir()
    elif what == "file":
        path.touch()
    with pytest.raises(Nothing):
        ccs.read(inputs(home))


def test_hostile_profiles(home: Home) -> None:
    folder = home.path / ".ccs"
    folder.mkdir()
    os.mkfifo(folder / "fifo.settings.json")
    (folder / "deep.settings.json").write_text("[" * 100_000)
    (folder / "huge.settings.json").write_text('{"env": {}}' + " " * (2 << 20))
    (folder / "esc\x1b[2J.settings.json").write_text("{}")
    (folder / "open.settings.json").write_text((DATA / "ccs-4/glm.settings.json").read_text())
    (folder / "open.settings.json").chmod(0o666)
    (folder / "config.json").write_text('{"profiles": {"up": "../../etc/passwd", "n": 7}}')
    (folder / "config.yaml").write_text(
        "profiles:\n  a: &x\n    settings: !!python/object x\n"
        "other:\n  b:\n    settings: /etc/passwd\n"
    )
    found = ccs.read(inputs(home))
    assert found.entries == []
    said = "\n".join(found.notes)
    for words in ("not a regular file", "nested too deeply", "larger than", "sets no key"):
        assert words in said
    assert "can be written by other users" in said
    assert "\x1b" not in said and "passwd" not in said
