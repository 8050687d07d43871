"""Root with another user's HOME (``sudo -E``): owners stay, and nothing becomes root's."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from cowork_env import models, store
from cowork_env.core import trust
from cowork_env.core.resolve import Inputs, resolve

from support.home import Home
from support.hook import hook_request
from support.hostile import as_nobody, open_to_all
from support.other_user import OTHER, give, need_root, owners
from support.program import Program
from support.store import NEW, add, inputs, other_files

USER = 65534  # as in as_nobody


@pytest.fixture
def users(home: Home) -> Home:
    """A home of another user, who can reach it."""
    need_root()
    (home.path / "project").mkdir()
    open_to_all(home.path)
    give(home.path, USER)
    return home


def test_everything_made_in_a_users_home_is_theirs(users: Home) -> None:
    program = Program(users, cwd=users.path / "project")
    add_one = ("add", "--name", "A", "--base-url", "https://a.example", "--token-stdin")
    program.run(*add_one, input="sk-a\n").check()
    for line in (
        ("use", "A"),
        ("pin", "A"),
        ("deny",),
        ("allow",),
        ("reload",),
        ("init", "bash"),
        ("init", "fish"),
        ("shim", "claude"),
        ("edit", "A", "--default-model", "m"),
        ("status",),
        ("hook", "bash"),
    ):
        program.run(*line).check()
    # From a hook that root has loaded.
    hook_request(users, users.path / "project").check_returncode()
    found = owners(users.path)
    assert set(found.values()) == {USER}, found
    assert {".config/fish/config.fish", ".bashrc", "project/.cowork-provider"} <= set(found)
    assert (users.state / "stamps").exists()


def test_the_user_can_go_on_where_root_was(users: Home) -> None:
    store.edit(inputs(users), add(NEW))  # as root with a HOME of root's
    give(users.path, USER)
    Program(users).run("use", "New").check()
    Program(users).run("reload").check()
    models.tidy(dict(NEW))  # imported before the rights are given up

    def go_on() -> str:
        here = inputs(users)
        store.edit(here, add(NEW | {"name": "Mine", "id": "m"}))
        store.select(here.state_dir, "Mine")
        trust.TrustStore(here.state_dir).allow("/x/.cowork-provider", b"x")
        found = resolve(Inputs(users.env, "/", here.config_dir, here.state_dir)).provider
        return found.name if found else ""

    assert as_nobody(go_on) == "Mine"


def test_a_file_keeps_its_owner_whoever_it_is(home: Home, tmp_path: Path) -> None:
    need_root()
    file = home.providers()
    link = tmp_path / "link"
    link.symlink_to(file)
    os.chown(file, OTHER, OTHER)
    bashrc = home.path / ".bashrc"
    bashrc.write_text("")
    os.chown(bashrc, OTHER, OTHER - 1)
    bashrc.chmod(0o640)
    Program(home).run("init", "bash").check()
    status = bashrc.stat()
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (OTHER, OTHER - 1, 0o640)
    # It is not believed, and so not written either.
    done = Program(home).run("rename", "OpenRouter", "Other").check(1)
    assert "providers.json belongs to another user; it is not used." in done.stderr
    assert file.stat().st_uid == OTHER and other_files(home) == []


def test_roots_own_home_and_projects_stay_roots(home: Home) -> None:
    need_root()
    (home.path / "theirs").mkdir()
    home.providers()
    give(home.path / "theirs")
    Program(home, cwd=home.path / "theirs").run("pin", "OpenRouter").check()
    found = owners(home.path)
    assert {path: user for path, user in found.items() if user} == {"theirs": OTHER}
    pin = home.path / "theirs/.cowork-provider"
    os.chown(pin, OTHER, OTHER)
    Program(home, cwd=pin.parent).run("pin", "none").check()
    assert pin.read_text() == "none\n" and pin.stat().st_uid == OTHER
