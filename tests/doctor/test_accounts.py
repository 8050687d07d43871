"""An account: which login it has, by what Claude Code has stored; nothing is sent or shown."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cowork_env import claude
from cowork_env.cli.doctor import report_lines
from cowork_env.core.provider import Provider
from cowork_env.core.providers import Providers
from cowork_env.core.resolve import Inputs
from cowork_env.doctor import checkup, local, login, transport
from cowork_env.doctor.findings import Report
from cowork_env.secrets import keychain

from support.doctor import errors, run, the
from support.home import Home

TOKEN = "sk-ant-oat01-marked-5f2e9c0d1b7a4e63"


@pytest.fixture(autouse=True)
def no_connections(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing may be sent."""

    def connect(*_: object, **__: object) -> None:
        raise AssertionError("a connection")

    monkeypatch.setattr(transport.Connection, "__init__", connect)
    yield


def check(home: Path, *, online: bool = True, **entry: Any) -> Report:
    whole = {"name": "Work", "auth": "account", "baseUrl": "https://api.anthropic.com/v1", **entry}
    inputs = Inputs({"HOME": str(home)}, "/", "/nonexistent", "/nonexistent")
    listed = Providers(json.dumps([whole]), "", "providers.json")
    found = checkup.check_provider(listed, 0, checkup.Options(inputs, online))
    shown = json.dumps(found.as_dict()) + "\n".join(report_lines(found)) + repr(found)
    assert TOKEN not in shown and "marked" not in shown and not found.online
    return found


def stored(folder: Path, own: Path | None = None, **tokens: Any) -> Path:
    """A login in ``folder``, and its identity in ``own``: the folder, unless it is another."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    document = {"accessToken": TOKEN, "refreshToken": TOKEN, "subscriptionType": "max", **tokens}
    path = folder / ".credentials.json"
    path.write_text(json.dumps({"claudeAiOauth": document}))
    path.chmod(0o600)
    identity = {"oauthAccount": {"emailAddress": "me@work.example", "x": TOKEN}}
    ((own or folder) / ".claude.json").write_text(json.dumps(identity))
    return path


def test_a_login_in_a_directory(tmp_path: Path) -> None:
    stored(tmp_path / ".claude-work", expiresAt=int(time.time() * 1000) + 10**6)
    found = check(tmp_path, configDir="~/.claude-work")
    assert the(found, "login").message == "Logged in as me@work.example (max): ~/.claude-work."
    assert found.healthy and "claude -p hi" in the(found, "not-asked").hint
    assert [f.code for f in found.findings] == [
        "login",
        "not-asked",
    ]  # not that its URL is repaired
    assert (found.url, found.account) == ("", "~/.claude-work")


@pytest.mark.parametrize("time", [10**400, -(10**400), "1", None, []])
def test_a_time_that_is_none(tmp_path: Path, time: Any) -> None:
    stored(tmp_path / ".claude", own=tmp_path, expiresAt=time)
    assert check(tmp_path).healthy


def test_the_default_login(tmp_path: Path) -> None:
    stored(tmp_path / ".claude", own=tmp_path)
    found = check(tmp_path)
    assert the(found, "login").message == "Logged in as me@work.example (max): default login."
    assert errors(check(tmp_path, configDir="~/.claude-work")) == ["login"]


def test_no_login(tmp_path: Path) -> None:
    found = check(tmp_path, configDir="~/.claude-work")
    assert errors(found) == ["login"] and found.findings == [the(found, "login")]
    assert the(found, "login").hint == (
        "Log in: cowork-env exec --provider work -- claude auth login"
    )


def test_an_expired_token_is_renewed_unless_it_cannot(tmp_path: Path) -> None:
    stored(tmp_path / "a", expiresAt=1_700_000_000_000)
    assert check(tmp_path, configDir="~/a").healthy
    stored(tmp_path / "a", expiresAt=1_700_000_000_000, refreshToken="")
    found = check(tmp_path, configDir="~/a")
    assert errors(found) == ["login"] and "has expired on 2023-11-1" in the(found, "login").message


def test_a_token(tmp_path: Path) -> None:
    found = check(tmp_path, authToken=TOKEN)
    assert found.healthy and "'claude setup-token'" in the(found, "login").message
    assert check(tmp_path, authToken=TOKEN, configDir="~/none").healthy
    missing = check(tmp_path, authTokenFrom="env:NOT_SET")
    assert errors(missing) == ["secret"]
    assert check(tmp_path, authTokenFrom="env:NOT_SET", online=False).healthy


def test_what_the_protection_of_a_token_costs() -> None:
    """The hint for other providers would be refused for an account."""
    flag = SimpleNamespace(protection=SimpleNamespace(way=claude.FLAG), protection_hint="")
    account, found = Provider({"name": "A", "auth": "account", "authToken": TOKEN}), Report()
    local.protection(found, flag, account)  # type: ignore[arg-type]
    assert "the account's token" in the(found, "host-flag").message
    assert "--env" not in the(found, "host-flag").hint


def test_a_key_of_the_console(tmp_path: Path) -> None:
    (tmp_path / ".claude.json").write_text(json.dumps({"primaryApiKey": TOKEN}))
    assert "an API key of the Console" in the(check(tmp_path), "login").message


@pytest.mark.parametrize(
    "text",
    ["{", "[]", '{"claudeAiOauth": 5}', '{"claudeAiOauth": {"accessToken": 5}}', "x" * (2 << 20)],
)
def test_a_damaged_file(text: str, tmp_path: Path) -> None:
    stored(tmp_path / "a").write_text(text)
    assert errors(check(tmp_path, configDir="~/a")) == ["login"]


def test_what_is_no_file(tmp_path: Path) -> None:
    path = stored(tmp_path / "a")
    path.unlink()
    os.mkfifo(path)
    assert "not a regular file" in the(check(tmp_path, configDir="~/a"), "login").message


@pytest.mark.parametrize("place", ["a", "a/.credentials.json"])
def test_what_others_can_write_to_is_not_read(place: str, tmp_path: Path) -> None:
    stored(tmp_path / "a")
    (tmp_path / place).chmod(0o777)
    found = check(tmp_path, configDir="~/a")
    assert "can be written by other users" in the(found, "login").message


def test_a_login_that_others_can_read_is_fixed(home: Home) -> None:
    path = stored(home.path / "a")
    path.chmod(0o644)
    home.providers([{"name": "Work", "auth": "account", "configDir": "~/a"}])
    done = run(home, "work", "--json")
    (one,) = done.json["providers"]
    assert [f["code"] for f in one["findings"] if f["level"] == "error"] == ["permissions"]
    assert (one["base_url"], one["account"]) == ("", "~/a")
    run(home, "work", "--fix", "--json")
    assert path.stat().st_mode & 0o777 == 0o600


# macOS


def keychain_with(service: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for ``security`` that has one item; the arguments that it got."""
    tool, asked = folder / "security", folder / "asked"
    tool.write_text(f'#!/bin/sh\necho "$*" >>"{asked}"\n[ "$3" = "{service}" ] || exit 44\n')
    tool.chmod(0o755)
    monkeypatch.setattr(keychain, "PROGRAM", str(tool))
    return asked


@pytest.mark.parametrize("directory", ["", "~/.claude-work"])
def test_the_keychain_is_asked_for_no_password(
    directory: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = hashlib.sha256(f"{tmp_path}/.claude-work".encode()).hexdigest()[:8]
    service = f"Claude Code-credentials-{digest}" if directory else "Claude Code-credentials"
    asked = keychain_with(service, tmp_path, monkeypatch)
    account = Provider({"name": "A", "auth": "account", "configDir": directory})
    inputs = Inputs({"HOME": str(tmp_path), "PATH": os.environ["PATH"]}, "/", "/x", "/x")
    assert login.find(account, inputs, "darwin") == login.Login()
    other = Provider({"name": "A", "auth": "account", "configDir": "/other"})
    assert login.find(other, inputs, "darwin") is None
    assert asked.read_text().split("\n")[0] == f"find-generic-password -s {service}"
