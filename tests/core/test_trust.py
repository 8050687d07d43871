"""The trust store: a pin is trusted at one path, with one content."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cowork_env.core.trust import ALLOWED, DENIED, UNTRUSTED, TrustStore, location
from cowork_env.util import groups
from cowork_env.util.errors import CoworkEnvError

PIN = "/p/a/.cowork-provider"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def store(state: Path) -> TrustStore:
    return TrustStore(str(state))


def test_nothing_is_trusted_at_first(store: TrustStore) -> None:
    assert (
        store.check(PIN, b"a") == UNTRUSTED
        and not store.below(PIN)
        and not store.denied(PIN)
        and store.records() == []
    )


def test_trust_covers_one_path_with_one_content(store: TrustStore) -> None:
    store.allow(PIN, b"a")
    assert store.check(PIN, b"a") == ALLOWED
    assert store.check(PIN, b"b") == store.check(PIN, b"a\n") == store.check(PIN, b"") == UNTRUSTED
    assert store.check("/p/b/.cowork-provider", b"a") == UNTRUSTED
    assert store.check(PIN + "\0a"[:1], b"a") == UNTRUSTED
    store.allow(PIN, b"b")
    assert store.check(PIN, b"a") == ALLOWED


def test_path_and_content_are_hashed_separately(store: TrustStore) -> None:
    store.allow("/p/a", b"b")
    assert store.check("/p/ab", b"") == store.check("/p/", b"ab") == UNTRUSTED


def test_deny_takes_precedence_until_the_pin_is_allowed(store: TrustStore) -> None:
    store.allow_below("/p")
    store.allow(PIN, b"a")
    store.deny(PIN)
    assert store.check(PIN, b"a") == store.check(PIN, b"z") == DENIED
    store.allow_below("/p/a")
    assert store.check(PIN, b"a") == DENIED
    store.allow(PIN, b"b")
    assert store.check(PIN, b"b") == ALLOWED and not store.denied(PIN)


def test_deny_forgets_that_the_pin_was_allowed(store: TrustStore) -> None:
    store.allow(PIN, b"a")
    store.allow("/p/b/.cowork-provider", b"a")
    store.deny(PIN)
    store._remove(next(n for n, _ in store.records() if n.startswith("deny-")))
    assert (
        store.check(PIN, b"a") == UNTRUSTED
        and store.check("/p/b/.cowork-provider", b"a") == ALLOWED
    )


def test_a_pin_that_was_allowed_with_another_content_is_known(
    store: TrustStore, tmp_path: Path
) -> None:
    pin = str(tmp_path / ".cowork-provider")
    assert not store.known(pin)
    (tmp_path / ".cowork-provider").write_bytes(b"b")
    store.allow(pin, b"a")
    assert store.known(pin) and store.check(pin, b"b") == UNTRUSTED
    assert not store.known(str(tmp_path / "other/.cowork-provider"))
    assert [name[:6] for name, _ in store.prune()] == ["allow-"]
    assert store.known(pin)  # It still has changed.
    (tmp_path / ".cowork-provider").unlink()
    assert store.prune() == [] and not store.known(pin)
    store.allow(pin, b"a")
    store.deny(pin)
    assert not store.known(pin)
    store.allow(pin, b"a")
    Path(store.directory).chmod(0o777)
    assert not TrustStore(store.directory.removesuffix("/trust")).known(pin)


@pytest.mark.parametrize(
    ("directory", "path", "allowed"),
    [
        ("/p", "/p/.cowork-provider", True),
        ("/p", "/p/a/b/.cowork-provider", True),
        ("/p", "/pp/.cowork-provider", False),
        ("/p/a", "/p/ab/.cowork-provider", False),
        ("/p/a", "/p/.cowork-provider", False),
        ("/", "/x/.cowork-provider", True),
        ("/", "/.cowork-provider", True),
    ],
)
def test_allow_below_compares_whole_path_components(
    store: TrustStore, directory: str, path: str, allowed: bool
) -> None:
    store.allow_below(directory)
    assert (store.check(path, b"x") == ALLOWED) is store.below(path) is allowed
    assert store.deny_below(directory) and not store.deny_below(directory)
    assert store.check(path, b"x") == UNTRUSTED


def test_a_location_is_the_real_directory_and_the_name_of_the_pin(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "real/pin").write_text("x")
    (tmp_path / "real/.cowork-provider").symlink_to("pin")
    real = os.path.realpath(tmp_path)
    assert location(str(tmp_path / "link/.cowork-provider")) == f"{real}/real/.cowork-provider"
    assert location(str(tmp_path / "real/.cowork-provider")) != location(str(tmp_path / "real/pin"))


def test_paths_that_are_not_utf_8(store: TrustStore) -> None:
    path = os.fsdecode(b"/p/\xff\n\x80/.cowork-provider")
    store.allow(path, b"a")
    assert store.check(path, b"a") == ALLOWED and store.records()[0][1] == path


def test_the_store_is_made_private_whatever_its_mode_was(state: Path, store: TrustStore) -> None:
    old = os.umask(0)
    try:
        store.allow(PIN, b"a")
        assert [
            oct(p.stat().st_mode & 0o777)
            for p in (state, state / "trust", *(state / "trust").iterdir())
        ] == [
            "0o700",
            "0o700",
            "0o600",
            "0o600",
        ]
        state.chmod(0o777)
        (state / "trust").chmod(0o775)
        assert TrustStore(str(state)).check(PIN, b"a") == UNTRUSTED
        TrustStore(str(state)).allow(PIN, b"b")
    finally:
        os.umask(old)
    assert [oct(p.stat().st_mode & 0o777) for p in (state, state / "trust")] == ["0o700", "0o700"]
    assert TrustStore(str(state)).check(PIN, b"a") == ALLOWED


@pytest.mark.parametrize("mode", [0o720, 0o702, 0o770, 0o777, 0o722])
@pytest.mark.parametrize("which", [".", "trust"])
def test_a_trust_store_that_others_can_write_to_is_ignored(
    state: Path, store: TrustStore, mode: int, which: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(groups, "is_private", lambda gid, uid: False)
    store.allow(PIN, b"a")
    store.allow_below("/p")
    (state / which).chmod(mode)
    again = TrustStore(str(state))
    assert again.check(PIN, b"a") == UNTRUSTED and not again.below(PIN)


def test_a_trust_store_that_is_a_link_or_a_file_is_ignored(
    state: Path, store: TrustStore, tmp_path: Path
) -> None:
    store.allow(PIN, b"a")
    (state / "trust").rename(tmp_path / "project")
    (state / "trust").symlink_to(tmp_path / "project")
    again = TrustStore(str(state))
    assert again.check(PIN, b"a") == UNTRUSTED
    with pytest.raises(CoworkEnvError, match="is a link"):
        again.allow(PIN, b"a")
    (state / "trust").unlink()
    (state / "trust").write_text("")
    again = TrustStore(str(state))
    assert again.check(PIN, b"a") == UNTRUSTED and again.records() == []
    with pytest.raises(CoworkEnvError):
        again.allow(PIN, b"a")


def test_prune_removes_stale_records(store: TrustStore, tmp_path: Path) -> None:
    kept, changed, gone, denied = (
        tmp_path / n / ".cowork-provider" for n in ("kept", "changed", "gone", "denied")
    )
    for pin in (kept, changed, gone):
        pin.parent.mkdir()
        pin.write_bytes(b"a")
        store.allow(str(pin), b"a")
    changed.write_bytes(b"b")
    gone.unlink()
    denied.parent.mkdir()
    store.deny(str(denied))
    store.deny(str(tmp_path / "away/.cowork-provider"))
    store.allow_below(str(tmp_path))
    store.allow_below(str(tmp_path / "away"))
    dropped = {(name.partition("-")[0], path) for name, path in store.prune()}
    away = str(tmp_path / "away")
    assert dropped == {
        ("allow", str(changed)),
        ("allow", str(gone)),
        ("deny", away + "/.cowork-provider"),
        ("below", away),
    }
    assert store.check(str(kept), b"a") == ALLOWED and len(store.records()) == 3
    assert store.prune() == []


def test_every_change_updates_the_timestamp_of_the_folder(state: Path, store: TrustStore) -> None:
    store.allow(PIN, b"a")
    for change in (
        lambda: store.allow(PIN, b"b"),
        lambda: store.deny(PIN),
        lambda: store.allow_below("/q"),
        lambda: store.deny_below("/q"),
    ):
        os.utime(state / "trust", (1, 1))
        change()
        assert (state / "trust").stat().st_mtime > 1
