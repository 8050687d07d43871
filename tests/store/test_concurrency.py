"""Nothing is lost in faults, to concurrent writers, to killed ones, or to the desktop app."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import signal
import stat
import subprocess
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from cowork_env import store
from cowork_env.core.providers import Providers
from cowork_env.util import files, lock
from cowork_env.util.errors import CoworkEnvError

from support.home import GUIDE, Home, need
from support.store import NEW, add, inputs, other_files, program, running

KILLS = int(os.environ.get("COWORK_ENV_KILLS", "100"))


# Faults


def test_a_full_disk_is_reported_and_nothing_is_lost(home: Home) -> None:
    file = home.providers()
    before = file.read_bytes()
    code = """
import resource
sys.dont_write_bytecode = True  # bytecode cut short would stay
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    store.edit(inputs, lambda listed: listed.entries.append(entry))
except store.CoworkEnvError as error:
    print(error.message)
"""
    assert len(before) > 1000
    with running(home, "A", code) as process:
        output, _ = process.communicate(timeout=60)
    assert "cannot be written: File too large." in output
    assert file.read_bytes() == before
    assert other_files(home) == []


def test_a_read_only_folder_is_reported_and_nothing_is_lost(home: Home) -> None:
    file = home.providers()
    before = file.read_bytes()
    argv = program(home, "A", "store.edit(inputs, lambda listed: listed.entries.append(entry))")
    if os.geteuid() == 0:  # root writes everywhere unless it gives that up
        argv = [need("setpriv"), "--bounding-set", "-dac_override", *argv]
    file.parent.chmod(0o500)
    try:
        ran = subprocess.run(argv, env=home.env, capture_output=True, text=True, timeout=60)
    finally:
        file.parent.chmod(0o700)
    assert "cannot be written: Permission denied." in ran.stderr
    assert file.read_bytes() == before
    assert other_files(home) == []


def test_a_lock_held_by_another_process_is_an_error(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = home.providers()
    before = file.read_bytes()
    monkeypatch.setattr(lock, "LIMIT", 0.1)
    code = "store.edit(inputs, lambda listed: (print('held', flush=True), sys.stdin.read()))"
    with subprocess.Popen(
        program(home, "A", code),
        env=home.env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "held\n"
            with pytest.raises(CoworkEnvError, match="Another process has locked"):
                store.edit(inputs(home), add(NEW))
            assert file.read_bytes() == before
        finally:
            holder.kill()
    store.edit(inputs(home), add(NEW))


def test_the_lock_lies_beside_the_file_whatever_the_path_and_the_state_folder(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = home.providers()
    link = tmp_path / "link.json"
    link.symlink_to(file)
    monkeypatch.setattr(lock, "LIMIT", 0.05)
    elsewhere = inputs(home, COWORK_ENV_PROVIDERS_FILE=str(link))
    elsewhere.state_dir = str(tmp_path / "another")

    def change(_listed: Providers) -> None:
        path = file.parent / ".providers.json.lock"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        with pytest.raises(CoworkEnvError, match="Another process has locked"):
            store.edit(elsewhere, add(NEW))

    store.edit(inputs(home), change)
    assert other_files(home) == []
    store.edit(elsewhere, add(NEW))


def test_a_lock_that_was_left_behind_is_taken_over(home: Home) -> None:
    file = home.providers()
    (file.parent / ".providers.json.lock").write_text("")
    store.edit(inputs(home), add(NEW))
    assert other_files(home) == []


def test_waiting_goes_on_while_others_get_their_turn(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit is for one holder: however long the queue is, all get their turn."""
    file, clock, turns = home.providers(), [0.0], []
    holder = lock.Lock(str(file), "")
    holder.__enter__()

    def sleep(seconds: float) -> None:
        clock[0] += seconds
        if clock[0] - len(turns) * lock.LIMIT / 2 > lock.LIMIT / 2:
            turns.append(clock[0])
            holder.__exit__()
            if len(turns) < 8:
                holder.__enter__()

    monkeypatch.setattr(lock, "time", SimpleNamespace(monotonic=lambda: clock[0], sleep=sleep))
    store.edit(inputs(home), add(NEW))
    assert clock[0] > 3 * lock.LIMIT and NEW in json.loads(file.read_text())


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EIO])
def test_a_lock_that_the_file_system_cannot_give_is_an_error(
    home: Home, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    home.providers()

    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(CoworkEnvError) as caught:
        store.edit(inputs(home), add(NEW))
    assert caught.value.message.endswith(f"providers.json cannot be locked: {os.strerror(number)}.")
    assert caught.value.hint == "Nothing was changed."


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.ENOSPC])
def test_a_folder_without_room_for_a_lock_is_an_error(
    home: Home, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    home.providers()

    def refuse(*_: object, **__: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(files, "create", refuse)
    with pytest.raises(CoworkEnvError, match=f"cannot be written: {os.strerror(number)}."):
        store.edit(inputs(home), add(NEW))


# The desktop app, which takes no lock


def test_a_concurrent_change_by_the_app_is_kept(home: Home) -> None:
    file = home.providers()
    theirs = NEW | {"name": "Theirs", "id": "t"}
    seen = []

    def change(listed: Providers) -> None:
        seen.append(len(listed.entries))
        if len(seen) == 1:  # the app replaces the file before we do
            files.write_atomically(str(file), json.dumps([*GUIDE, theirs]).encode())
        listed.entries.append(dict(NEW))

    store.edit(inputs(home), change)
    assert seen == [4, 5]
    assert json.loads(file.read_text()) == [*GUIDE, theirs, NEW]
    assert other_files(home) == []


def test_the_last_check_comes_after_the_new_file_is_written(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = home.providers()
    theirs = NEW | {"name": "Theirs", "id": "t"}
    sync, done = os.fsync, []

    def sync_and_let_the_app_write(descriptor: int) -> None:
        sync(descriptor)
        if not done:
            done.append(True)
            file.write_text(json.dumps([*GUIDE, theirs]))

    monkeypatch.setattr(os, "fsync", sync_and_let_the_app_write)
    store.edit(inputs(home), add(NEW))
    assert json.loads(file.read_text()) == [*GUIDE, theirs, NEW]


def test_the_edit_fails_if_the_app_never_stops_writing(home: Home) -> None:
    file = home.providers()
    count = iter(range(1000))

    def change(listed: Providers) -> None:
        file.write_text(json.dumps([*GUIDE, NEW | {"name": f"Theirs {next(count)}", "id": "t"}]))
        listed.entries.append(NEW)

    with pytest.raises(CoworkEnvError, match="constantly"):
        store.edit(inputs(home), change)
    assert NEW not in json.loads(file.read_text())
    assert other_files(home) == []


@pytest.mark.parametrize("incomplete", ["", '[{"name": "A", "ba'])
def test_a_file_that_the_app_is_writing_in_place_is_read_again(
    home: Home, monkeypatch: pytest.MonkeyPatch, incomplete: str
) -> None:
    file = home.providers()
    file.write_text(incomplete)
    waits = []

    def finish(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 2:
            file.write_text(json.dumps(GUIDE))

    monkeypatch.setattr(time, "sleep", finish)
    store.edit(inputs(home), add(NEW))
    assert len(waits) == 2
    assert json.loads(file.read_text()) == [*GUIDE, NEW]


def test_a_file_that_stays_empty_is_filled(home: Home) -> None:
    home.providers().write_text("")
    store.edit(inputs(home), add(NEW))
    assert json.loads(home.file.read_text()) == [NEW]


# Concurrent and killed writers


def test_64_concurrent_writers_lose_nothing(home: Home) -> None:
    file = home.providers()
    code = """
import fcntl, json
from cowork_env import models
reading, writing = os.pipe()
writers = []
for number in range(64):
    process = os.fork()
    if not process:
        os.close(writing)
        os.read(reading, 1)  # all are running; now let them write
        mine = dict(entry, name=f"N{number}")
        store.edit(inputs, lambda listed: listed.entries.append(mine))
        os._exit(0)
    writers.append(process)
os.close(writing)
print([number for number, each in enumerate(writers) if os.waitpid(each, 0)[1]])
"""
    with running(home, "A", code) as process:
        assert process.communicate(timeout=100)[0] == "[]\n"
    written = json.loads(file.read_text())
    assert written[:4] == GUIDE
    assert {e["name"] for e in written[4:]} == {f"N{number}" for number in range(64)}
    assert len({e["id"] for e in written}) == 68
    assert other_files(home) == []


@pytest.mark.timeout(30 + KILLS)
def test_killed_writers_leave_a_complete_file_and_no_lock(home: Home) -> None:
    # Large enough for a kill while it is being written.
    file = home.providers([*GUIDE, NEW | {"note": "x" * 200_000}])
    code = """
count = 0
def change(listed):
    global count
    count += 1
    listed.entries[4]["count"] = count
store.edit(inputs, change)
print("ready", flush=True)
while True:
    store.edit(inputs, change)
"""
    for _ in range(KILLS):
        with running(home, "K", code) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            time.sleep(os.urandom(1)[0] / 8000)
            process.send_signal(signal.SIGKILL)
            process.wait(timeout=60)
        written = json.loads(file.read_bytes())
        assert written[:4] == GUIDE
        assert len(written) == 5
        assert len(written[4]["note"]) == 200_000
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    partial = list(file.parent.glob(".providers.json.*.tmp"))
    print(f"{KILLS} kills, {len(partial)} of them while the new file was being written")
    for path in partial:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        os.utime(path, (1, 1))
    store.edit(inputs(home), add(NEW | {"name": "Last", "id": "l"}))
    assert json.loads(file.read_bytes())[5]["name"] == "Last"
    assert other_files(home) == []
