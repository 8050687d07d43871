"""Which files and folders are believed: those that no other user can have changed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cowork_env.util import groups, system

from support.other_user import OTHER, give, need_root


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of the user's, three folders deep."""
    path = tmp_path / "a/b/c/file"
    path.parent.mkdir(parents=True)
    path.write_text("")
    for each in (path, *path.parents[:3]):
        each.chmod(0o700)
    return path


def said(path: Path, own: int = 0) -> str:
    """What is wrong with a file as opened, or empty."""
    error = system.distrusted(str(path), own, os.stat(path))
    return "" if error is None else error.message


def test_a_file_of_the_users_is_believed(file: Path) -> None:
    assert said(file) == said(file, own=2) == ""
    assert system.distrusted(str(file.parent / "missing"), own=2) is None


@pytest.mark.parametrize("mode", [0o722, 0o702, 0o720, 0o777])
@pytest.mark.parametrize("above", range(4))
def test_write_permission_of_others(
    file: Path, mode: int, above: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(groups, "is_private", lambda gid, uid: False)
    (file, *file.parents)[above].chmod(mode)
    used = "nothing in it is used" if above else "it is not used"
    assert said(file).endswith(f" can be written by other users; {used}.")
    error = system.distrusted(str(file))
    assert error and error.hint == f"Run: chmod go-w {(file, *file.parents)[above]}"


def test_a_sticky_folder_may_be_above_but_not_be_ours(file: Path) -> None:
    file.parent.chmod(0o1777)
    assert said(file) == ""
    error = system.distrusted(str(file.parent), own=1)
    # Not to make /tmp unusable for others.
    assert error and error.hint == "Use a folder of your own in it."


@pytest.mark.parametrize("above", range(4))
def test_another_owner(file: Path, above: int) -> None:
    need_root()
    os.chown((file, *file.parents)[above], OTHER, OTHER)
    assert " belongs to another user; " in said(file)


def test_links_are_followed_and_both_ways_are_checked(file: Path, tmp_path: Path) -> None:
    need_root()
    link, far = tmp_path / "link", tmp_path / "far/link"
    link.symlink_to("a/b")
    far.parent.mkdir(mode=0o700)
    far.symlink_to(file.parent)
    for path in (link / "c/file", far / "file", link / "../b/./c//file"):
        assert said(path) == ""
    far.parent.chmod(0o777)
    assert str(far.parent) in said(far / "file")
    far.parent.chmod(0o1777)
    assert said(far / "file") == ""
    os.chown(far, OTHER, OTHER, follow_symlinks=False)
    assert "another user" in said(far / "file")
    give(tmp_path / "a")
    assert str(tmp_path / "a") in said(link / "c/file")


def test_a_link_as_the_file_leads_to_where_its_folders_are_checked(
    file: Path, tmp_path: Path
) -> None:
    link = tmp_path / "providers.json"
    link.symlink_to(file)
    assert said(link) == ""
    file.parent.chmod(0o777)
    assert str(file.parent) in said(link)
    assert "is a link; it is not used" in said(link, own=1)


def test_a_loop_of_links_ends(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    assert system.distrusted(str(tmp_path / "loop/x")) is None


def test_a_folder_of_roots_ends_the_way_but_for_root(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need_root()
    os.chown(file.parents[2], OTHER, OTHER)
    assert said(file)
    monkeypatch.setattr(system.posix, "geteuid", lambda: 1000)
    assert said(file) == ""


PASSWD = b"root:x:0:0::/:\nann:x:1000:1000::/:\nbob:x:1001:1002::/:\ncy:x:1002:100::/:\n"
GROUP = b"root:x:0:\nann:x:1000:\nbob:x:1002:bob\nusers:x:100:\nteam:x:1001:ann\n"


@pytest.mark.parametrize(
    ("gid", "uid", "private"),
    [
        (1000, 1000, True),
        (1002, 1001, True),  # by its name
        (100, 1002, False),
        (1001, 1001, False),  # another one is in it
        (1000, 1001, False),
        (5000, 5000, True),  # not in the files
        (5000, 5001, False),
        (0, 0, False),
    ],
)
def test_private_groups(gid: int, uid: int, private: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"/etc/passwd": PASSWD, "/etc/group": GROUP}
    monkeypatch.setattr(groups, "_read", lambda path, fields=0: files[path].splitlines())
    assert groups.is_private(gid, uid) is private


def test_a_group_of_ones_own_may_write(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.parent.chmod(0o770)
    monkeypatch.setattr(groups, "is_private", lambda gid, uid: True)
    assert said(file) == ""
    file.parent.chmod(0o772)
    assert said(file)


@pytest.mark.parametrize(("known", "fine"), [(b"1000 1000 1", True), (b"0 0 4294967295", False)])
def test_in_a_sandbox_root_is_unknown(
    file: Path, monkeypatch: pytest.MonkeyPatch, known: bytes, fine: bool
) -> None:
    need_root()
    monkeypatch.setattr(groups, "_read", lambda path, fields=0: [known])
    os.chown(file.parents[2], 65534, 65534)
    assert (said(file) == "") is fine
    os.chown(file, 65534, 65534)
    assert said(file)


def test_for_root_the_homes_owner_is_the_user(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need_root()
    give(tmp_path / "a")
    assert said(file)
    monkeypatch.setitem(system.posix.environ, b"HOME", bytes(tmp_path / "a"))
    assert said(file) == ""
    os.chown(file, OTHER - 1, OTHER - 1)
    assert said(file)
