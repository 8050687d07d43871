"""The trust store: consent to one pin with one content, and to nothing else."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cowork_env.core import trust
from cowork_env.core.trust import ALLOWED, DENIED, UNTRUSTED, TrustStore, location
from cowork_env.util.errors import CoworkEnvError

P = "/p/a/.cowork-provider"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def store(state: Path) -> TrustStore:
    return TrustStore(str(state))


@given(st.binary(max_size=300))
def test_the_digest_is_sha_256(data: bytes) -> None:
    assert trust.digest(data) == hashlib.sha256(data).hexdigest()


def test_nothing_is_trusted_at_first(store: TrustStore) -> None:
    assert (
        store.check(P, b"a") == UNTRUSTED
        and not store.below(P)
        and not store.denied(P)
        and store.records() == []
    )


def test_consent_is_to_one_path_with_one_content(store: TrustStore) -> None:
    store.allow(P, b"a")
    assert store.check(P, b"a") == ALLOWED
    assert store.check(P, b"b") == store.check(P, b"a\n") == store.check(P, b"") == UNTRUSTED
    assert store.check("/p/b/.cowork-provider", b"a") == UNTRUSTED
    assert store.check(P + "\0a"[:1], b"a") == UNTRUSTED
    store.allow(P, b"b")
    assert store.check(P, b"a") == ALLOWED


def test_path_and_content_do_not_run_together(store: TrustStore) -> None:
    store.allow("/p/a", b"b")
    assert store.check("/p/ab", b"") == store.check("/p/", b"ab") == UNTRUSTED


def test_denial_wins_and_allow_takes_it_back(store: TrustStore) -> None:
    store.allow_below("/p")
    store.allow(P, b"a")
    store.deny(P)
    assert store.check(P, b"a") == store.check(P, b"z") == DENIED
    store.allow_below("/p/a")
    assert store.check(P, b"a") == DENIED
    store.allow(P, b"b")
    assert store.check(P, b"b") == ALLOWED and not store.denied(P)


def test_a_denial_forgets_earlier_consent(store: TrustStore) -> None:
    store.allow(P, b"a")
    store.allow("/p/b/.cowork-provider", b"a")
    store.deny(P)
    store._forget(next(n for n, _ in store.records() if n.startswith("deny-")))
    assert (
        store.check(P, b"a") == UNTRUSTED and store.check("/p/b/.cowork-provider", b"a") == ALLOWED
    )


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
def test_below_goes_by_component(
    store: TrustStore, directory: str, path: str, allowed: bool
) -> None:
    store.allow_below(directory)
    assert (store.check(path, b"x") == ALLOWED) is store.below(path) is allowed
    assert store.deny_below(directory) and not store.deny_below(directory)
    assert store.check(path, b"x") == UNTRUSTED


def test_location_is_the_real_directory_and_the_pins_own_name(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "real/pin").write_text("x")
    (tmp_path / "real/.cowork-provider").symlink_to("pin")
    real = os.path.realpath(tmp_path)
    assert location(str(tmp_path / "link/.cowork-provider")) == f"{real}/real/.cowork-provider"
    assert location(str(tmp_path / "real/.cowork-provider")) != location(str(tmp_path / "real/pin"))


def test_names_that_are_not_utf_8(store: TrustStore) -> None:
    path = os.fsdecode(b"/p/\xff\n\x80/.cowork-provider")
    store.allow(path, b"a")
    assert store.check(path, b"a") == ALLOWED and store.records()[0][1] == path


def test_it_is_private_whatever_was_there(state: Path, store: TrustStore) -> None:
    old = os.umask(0)
    try:
        store.allow(P, b"a")
        assert [
            oct(p.stat().st_mode & 0o777)
            for p in (state, state / "trust", *(state / "trust").iterdir())
        ] == [
            "0o700",
            "0o700",
            "0o600",
        ]
        state.chmod(0o777)
        (state / "trust").chmod(0o775)
        assert TrustStore(str(state)).check(P, b"a") == UNTRUSTED
        TrustStore(str(state)).allow(P, b"b")
    finally:
        os.umask(old)
    assert [oct(p.stat().st_mode & 0o777) for p in (state, state / "trust")] == ["0o700", "0o700"]
    assert TrustStore(str(state)).check(P, b"a") == ALLOWED


@pytest.mark.parametrize("mode", [0o720, 0o702, 0o770, 0o777, 0o722])
@pytest.mark.parametrize("which", [".", "trust"])
def test_a_folder_that_others_can_write_is_not_believed(
    state: Path, store: TrustStore, mode: int, which: str
) -> None:
    store.allow(P, b"a")
    store.allow_below("/p")
    (state / which).chmod(mode)
    again = TrustStore(str(state))
    assert again.check(P, b"a") == UNTRUSTED and not again.below(P)


def test_a_trust_folder_that_is_a_link_or_a_file_is_not_believed(
    state: Path, store: TrustStore, tmp_path: Path
) -> None:
    store.allow(P, b"a")
    (state / "trust").rename(tmp_path / "project")
    (state / "trust").symlink_to(tmp_path / "project")
    again = TrustStore(str(state))
    assert again.check(P, b"a") == UNTRUSTED
    with pytest.raises(CoworkEnvError, match="is not yours alone"):
        again.allow(P, b"a")
    (state / "trust").unlink()
    (state / "trust").write_text("")
    again = TrustStore(str(state))
    assert again.check(P, b"a") == UNTRUSTED and again.records() == []
    with pytest.raises(CoworkEnvError):
        again.allow(P, b"a")


def test_prune_drops_what_is_stale(store: TrustStore, tmp_path: Path) -> None:
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


def test_changes_show_in_the_folders_time_stamp(state: Path, store: TrustStore) -> None:
    store.allow(P, b"a")
    for change in (
        lambda: store.allow(P, b"b"),
        lambda: store.deny(P),
        lambda: store.allow_below("/q"),
        lambda: store.deny_below("/q"),
    ):
        os.utime(state / "trust", (1, 1))
        change()
        assert (state / "trust").stat().st_mtime > 1
