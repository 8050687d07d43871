"""Nothing is lost when providers.json is written: by many at once, by killed ones, next to the desktop app."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from cowork_env import models, store
from cowork_env.core import providers
from cowork_env.core.providers import Providers
from cowork_env.core.resolve import Inputs
from cowork_env.util import files
from cowork_env.util.errors import CoworkEnvError

from support.home import GUIDE, Home, need

NEW = {
    "id": "99999999-9999-4999-8999-999999999999",
    "name": "New",
    "baseUrl": "https://example.com",
    "authToken": "sk-new",
}
KILLS = int(os.environ.get("COWORK_ENV_KILLS", "100"))


def inputs(home: Home, **env: str) -> Inputs:
    return Inputs(home.env | env, str(home.path), str(home.config), str(home.state))


def put(*entries: dict[str, Any]) -> Callable[[Providers], None]:
    return lambda listed: listed.entries.extend(entries)


def nothing(_listed: Providers) -> None:
    """A change that changes nothing."""


def spelled(path: Path) -> str:
    """The file's value with its order of keys, and nothing of its white space."""
    return json.dumps(json.loads(path.read_bytes()))


def leftovers(home: Home) -> list[str]:
    return [p.name for p in home.file.parent.iterdir() if p != home.file]


PROGRAM = """
import sys
from cowork_env import store
from cowork_env.resolve import Inputs
import os
inputs = Inputs(dict(os.environ), "/", sys.argv[1], sys.argv[2])
entry = {"name": sys.argv[3], "baseUrl": "https://example.com", "authToken": "sk-" + sys.argv[3]}
"""


@contextmanager
def running(home: Home, name: str, code: str) -> Iterator[subprocess.Popen[str]]:
    """A writer in a process of its own, which never outlives its test."""
    argv = [sys.executable, "-c", PROGRAM + code, str(home.config), str(home.state), name]
    process = subprocess.Popen(
        argv, env=home.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


# The form of what is written


def test_the_first_write_creates_a_private_file_and_folder_whatever_the_umask(
    home: Home,
) -> None:
    before = os.umask(0)
    try:
        store.edit(inputs(home), put(NEW))
    finally:
        os.umask(before)
    file = home.config / "Agent Cowork/providers.json"
    assert json.loads(file.read_text()) == [NEW]
    assert file.read_text() == json.dumps([NEW], indent=2) + "\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    for made in [
        file.parent,
        home.config,
        *home.state.rglob("*"),
        home.state,
        home.state.parent,
        home.state.parent.parent,
    ]:
        assert not stat.S_IMODE(made.stat().st_mode) & 0o077, made


def test_the_folder_of_an_existing_file_keeps_its_mode(home: Home, tmp_path: Path) -> None:
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(0o755)
    store.edit(inputs(home, COWORK_ENV_PROVIDERS_FILE=str(folder / "mine.json")), put(NEW))
    assert stat.S_IMODE(folder.stat().st_mode) == 0o755
    assert json.loads((folder / "mine.json").read_text()) == [NEW]


def test_unknown_keys_key_order_and_invalid_entries_are_kept(home: Home) -> None:
    entries = [
        {
            "zeta": {"b": [1.5, None, True], "a": "ü"},
            "name": "A",
            "id": "1",
            "baseUrl": "https://x",
            "alpha": 1,
        },
        {"name": "invalid", "baseUrl": "no scheme", "x": 10**30},
        "not an object",
        7,
        None,
        [],
        {"name": "a", "id": "2", "baseUrl": "https://x"},
        {
            "id": "3",
            "models": {"theirs": 1, "opus": "o"},
            "name": "Emoji 🚒",
            "baseUrl": "https://x",
            "lone": "\ud800",
        },
    ]
    file = home.providers([])
    file.write_text(json.dumps(entries))
    last = {**entries[-1], "models": {"theirs": 1, "opus": "other"}}  # type: ignore[dict-item]
    for new in (NEW, last):  # one that is put in, and one that is changed
        store.edit(inputs(home), lambda listed, new=new: replace(listed, new))  # type: ignore[misc]
    assert spelled(file) == json.dumps([*entries[:-1], last, NEW])
    assert "🚒" in file.read_text()
    assert '"lone": "\\ud800"' in file.read_text()


def replace(listed: Providers, new: dict[str, Any]) -> None:
    """Put an entry in the place of the one with its id, or at the end."""
    at = next(
        (
            i
            for i, e in enumerate(listed.entries)
            if isinstance(e, dict) and e.get("id") == new["id"]
        ),
        len(listed.entries),
    )
    listed.entries[at : at + 1] = [new]


ODD = '{ "name":"Odd", "baseUrl":"https:\\/\\/x", "id":"odd", "x":[1e-7,1E5,1e999], "y":"\\u00fc", "z":1, "z":2 }'


@pytest.mark.parametrize(
    ("before", "after", "margin"),
    [
        ("[\n  ODD\n]", "[\n  ODD,\n  NEW\n]", "  "),
        ("[ODD]", "[ODD,NEW]", ""),
        ("[\n\tODD,\n\t5\n]\n\n", "[\n\tODD,\n\t5,\n\tNEW\n]\n\n", "\t"),
        (" [ ODD , 5 ]", " [ ODD , 5 , NEW ]", ""),
        (
            '{"v": 1.0, "providers": [], "w":{}}',
            '{"v": 1.0, "providers": [\n    NEW\n  ], "w":{}}',
            "    ",
        ),
        (
            '{\n    "providers": [\n        ODD\n    ]\n}',
            '{\n    "providers": [\n        ODD,\n        NEW\n    ]\n}',
            " " * 8,
        ),
        ("[ \n ]\n", "[\n  NEW\n]\n", "  "),
    ],
)
def test_unchanged_entries_keep_their_bytes(
    home: Home, before: str, after: str, margin: str
) -> None:
    """The numbers and escapes of other programs, what a key says twice, and how people indent."""
    new = json.dumps(NEW, indent=2).replace("\n", "\n" + margin)
    file = home.providers([])
    file.write_text(before.replace("ODD", ODD))
    store.edit(inputs(home), put(NEW))
    assert file.read_text() == after.replace("ODD", ODD).replace("NEW", new)
    store.edit(inputs(home), lambda listed: listed.entries.remove(NEW))
    assert json.loads(file.read_text()) == json.loads(before.replace("ODD", ODD))
    assert file.read_text().count(ODD) == before.count("ODD")


def test_a_file_that_is_only_made_private_keeps_its_bytes(home: Home) -> None:
    file = home.providers([])
    file.write_text(f"[{ODD}]")
    file.chmod(0o644)
    store.edit(inputs(home), nothing)
    assert (file.read_text(), stat.S_IMODE(file.stat().st_mode)) == (f"[{ODD}]", 0o600)


def test_entries_can_be_changed_replaced_and_removed(home: Home) -> None:
    file = home.providers([*GUIDE, "junk"])

    def change(listed: Providers) -> str:
        listed.entries[1]["defaultModel"] = " other "
        listed.entries[2] = NEW
        del listed.entries[0]
        return "result"

    assert store.edit(inputs(home), change) == "result"
    assert spelled(file) == json.dumps(
        [GUIDE[1] | {"defaultModel": "other"}, NEW, GUIDE[3], "junk"]
    )


def test_only_valid_entries_get_an_id(home: Home) -> None:
    bare = {"name": "A", "baseUrl": "https://x"}
    empty = {"name": "B", "id": "", "baseUrl": "https://x"}
    wrong = {"name": "C", "baseUrl": "no scheme"}
    file = home.providers([bare, empty, wrong, GUIDE[0]])
    store.edit(inputs(home), put({"name": "D", "baseUrl": "https://x"}))
    written = json.loads(file.read_text())
    assert written[2:4] == [wrong, GUIDE[0]]
    ids = [written[i].pop("id") for i in (0, 1, 4)]
    assert len(set(ids)) == 3
    assert all(len(i) == 36 and i[14] == "4" for i in ids)
    assert written[0] == bare


def test_a_copy_of_an_entry_gets_an_id_of_its_own(home: Home) -> None:
    file = home.providers()
    store.edit(inputs(home), put(GUIDE[0] | {"name": "Copy"}))
    written = json.loads(file.read_text())
    assert written[0] == GUIDE[0]
    assert written[4]["id"] not in ("", GUIDE[0]["id"])


def test_a_list_in_an_object_keeps_its_form(home: Home) -> None:
    file = home.providers({"version": 3, "providers": [GUIDE[0]], "z": [1]})
    store.edit(inputs(home), put(NEW))
    assert spelled(file) == json.dumps({"version": 3, "providers": [GUIDE[0], NEW], "z": [1]})


def test_a_single_object_becomes_a_list_with_the_second_entry(home: Home) -> None:
    file = home.providers(GUIDE[0])

    def change(listed: Providers) -> None:
        listed.entries[0]["defaultModel"] = "m"

    store.edit(inputs(home), change)
    assert spelled(file) == json.dumps(GUIDE[0] | {"defaultModel": "m"})
    store.edit(inputs(home), put(NEW))
    assert spelled(file) == json.dumps([GUIDE[0] | {"defaultModel": "m"}, NEW])


def test_a_change_that_changes_nothing_writes_nothing(home: Home) -> None:
    file = home.providers()
    before = file.stat().st_ino, file.read_bytes()
    store.edit(inputs(home), nothing)
    assert (file.stat().st_ino, file.read_bytes()) == before


# What is refused, with the file as it was


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"[{]", "line 1, column 3"),
        (b'[{"name": "A",\n  "models": }]', "line 2, column 13"),
        (b"\xff[]", "not UTF-8"),
        (b"5", "neither a list nor an object"),
        (b'"x"', "neither a list nor an object"),
        (b"[1e999]", ""),
        (b"[NaN]", "not valid JSON"),
        (b"[" * 100000 + b"]" * 100000, "nested too deeply"),
        (b"[" * 600 + b"]" * 600, ""),
        (b'{"servers": {"a": 1}}', "not a provider"),
        (b"[]" + b" " * (17 << 20), "larger than 16 MiB"),
    ],
)
def test_a_file_that_cannot_be_read_or_rewritten_is_never_overwritten(
    home: Home, content: bytes, says: str
) -> None:
    file = home.providers()
    file.write_bytes(content)
    os.utime(file, (1, 1))  # not torn: nobody is at work on it
    try:
        store.edit(inputs(home), put(NEW))
    except CoworkEnvError as error:
        assert says in error.message
        assert file.read_bytes() == content
    else:  # Some interpreters nest deeper than others; then nothing is lost.
        assert not says
        assert json.loads(file.read_bytes())[:-1] == json.loads(content)
    assert leftovers(home) == []


@pytest.mark.parametrize(
    "change",
    [
        {"name": "x\ud800"},
        {"name": ""},
        {"name": "none"},
        {"name": "openrouter"},
        {"name": "OPENROUTER "},
        {"baseUrl": "ftp://x"},
        {"defaultModel": "m\ud800"},
        {"env": {"A": "\ud800"}},
        {"authToken": "sk-hidden\x1b"},
        {"auth": "sk-hidden"},
        {"authTokenFrom": "nope:sk-hidden"},
        {"models": {"opus": 5}},
    ],
)
def test_an_invalid_entry_is_refused_and_nothing_written(
    home: Home, change: dict[str, Any]
) -> None:
    file = home.providers()
    before = file.read_bytes()
    with pytest.raises(CoworkEnvError) as caught:
        store.edit(inputs(home), put(NEW | change))
    assert "sk-hidden" not in caught.value.message + caught.value.hint
    assert caught.value.message.isprintable()
    assert file.read_bytes() == before
    assert leftovers(home) == []


@pytest.mark.parametrize("entry", [None, 5, "x", []])
def test_an_entry_that_is_not_an_object_cannot_be_added(home: Home, entry: Any) -> None:
    home.providers()
    with pytest.raises(CoworkEnvError, match="is not an object"):
        store.edit(inputs(home), put(entry))


def test_a_change_that_raises_leaves_the_file_and_releases_the_lock(home: Home) -> None:
    file = home.providers()
    before = file.read_bytes()

    def change(listed: Providers) -> None:
        listed.entries.clear()
        raise ValueError

    with pytest.raises(ValueError):
        store.edit(inputs(home), change)
    assert file.read_bytes() == before
    store.edit(inputs(home), put(NEW))


def test_providers_from_the_environment_are_read_only(home: Home) -> None:
    with pytest.raises(CoworkEnvError, match=r"\$COWORK_ENV_PROVIDERS_JSON"):
        store.edit(inputs(home, COWORK_ENV_PROVIDERS_JSON="[]"), put(NEW))
    assert not home.file.exists()


# Links and modes


def test_a_symbolic_link_stays_one_and_its_target_is_replaced(home: Home, tmp_path: Path) -> None:
    target = tmp_path / "dotfiles/p.json"
    target.parent.mkdir()
    target.write_text(json.dumps(GUIDE))
    target.chmod(0o600)
    home.file.parent.mkdir(parents=True)
    home.file.symlink_to(target)
    store.edit(inputs(home), put(NEW))
    assert home.file.is_symlink()
    assert json.loads(target.read_text())[-1] == NEW
    assert list(target.parent.iterdir()) == [target]


def test_a_dangling_link_is_written_through(home: Home, tmp_path: Path) -> None:
    link = home.config / "Agent Cowork/providers.json"
    link.parent.mkdir(parents=True)
    link.symlink_to(tmp_path / "later/p.json")
    store.edit(inputs(home), put(NEW))
    assert link.is_symlink()
    assert json.loads((tmp_path / "later/p.json").read_text()) == [NEW]


@pytest.mark.parametrize("change", [put(NEW), nothing])
def test_a_file_readable_by_others_is_reported_and_made_private_by_a_write(
    home: Home, change: Callable[[Providers], None]
) -> None:
    file = home.providers()
    assert store.exposure(providers.read(str(file))) == ""
    file.chmod(0o644)
    assert "mode 644" in store.exposure(providers.read(str(file)))
    store.edit(inputs(home), change)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_no_file_is_not_exposed(home: Home) -> None:
    assert store.exposure(providers.read(str(home.file))) == ""


def test_old_temporary_files_of_killed_writers_are_removed(home: Home) -> None:
    file = home.providers()
    old, young, foreign = (
        file.parent / name
        for name in (
            ".providers.json.123.0123abcd.tmp",
            ".providers.json.124.0123abcd.tmp",
            ".providers.json.mine.tmp",
        )
    )
    for path in (old, young, foreign):
        path.write_text("sk-key")
    for path in (old, foreign):
        os.utime(path, (time.time() - files.LEFTOVER_AGE - 1,) * 2)
    store.edit(inputs(home), put(NEW))
    assert [p.exists() for p in (old, young, foreign)] == [False, True, True]


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
    assert leftovers(home) == []


def test_a_read_only_folder_is_reported_and_nothing_is_lost(home: Home) -> None:
    file = home.providers()
    before = file.read_bytes()
    argv = [
        sys.executable,
        "-c",
        PROGRAM + "store.edit(inputs, lambda listed: listed.entries.append(entry))",
    ]
    if os.geteuid() == 0:  # root writes everywhere unless it gives that up
        argv = [need("setpriv"), "--bounding-set", "-dac_override", *argv]
    file.parent.chmod(0o500)
    try:
        ran = subprocess.run(
            [*argv, str(home.config), str(home.state), "A"],
            env=home.env,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        file.parent.chmod(0o700)
    assert "cannot be written: Permission denied." in ran.stderr
    assert file.read_bytes() == before
    assert leftovers(home) == []


def test_a_lock_held_by_another_process_is_an_error(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    file = home.providers()
    before = file.read_bytes()
    monkeypatch.setattr(store, "LOCK_TIMEOUT", 0.1)
    code = "store.edit(inputs, lambda listed: (print('held', flush=True), sys.stdin.read()))"
    argv = [sys.executable, "-c", PROGRAM + code, str(home.config), str(home.state), "A"]
    with subprocess.Popen(
        argv, env=home.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "held\n"
            with pytest.raises(CoworkEnvError, match="another cowork-env"):
                store.edit(inputs(home), put(NEW))
            assert file.read_bytes() == before
        finally:
            holder.kill()
    store.edit(inputs(home), put(NEW))


def test_all_paths_to_a_file_share_one_lock(home: Home, tmp_path: Path) -> None:
    file = home.providers()
    link = tmp_path / "link.json"
    link.symlink_to(file)
    store.edit(inputs(home), put(NEW))
    store.edit(
        inputs(home, COWORK_ENV_PROVIDERS_FILE=str(link)), put(NEW | {"name": "Other", "id": "o"})
    )
    assert len(list((home.state / "locks").iterdir())) == 1


# The desktop app, which takes no lock


def test_a_concurrent_change_by_the_app_is_kept(home: Home) -> None:
    file = home.providers()
    theirs = NEW | {"name": "Theirs", "id": "t"}
    seen = []

    def change(listed: Providers) -> None:
        seen.append(len(listed.entries))
        if len(seen) == 1:  # the app replaces the file while we are at work
            files.write_atomically(str(file), json.dumps([*GUIDE, theirs]).encode())
        listed.entries.append(dict(NEW))

    store.edit(inputs(home), change)
    assert seen == [4, 5]
    assert json.loads(file.read_text()) == [*GUIDE, theirs, NEW]
    assert leftovers(home) == []


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
    store.edit(inputs(home), put(NEW))
    assert json.loads(file.read_text()) == [*GUIDE, theirs, NEW]


def test_the_edit_fails_if_the_app_never_stops_writing(home: Home) -> None:
    file = home.providers()
    count = iter(range(1000))

    def change(listed: Providers) -> None:
        file.write_text(json.dumps([*GUIDE, NEW | {"name": f"Theirs {next(count)}", "id": "t"}]))
        listed.entries.append(NEW)

    with pytest.raises(CoworkEnvError, match="all the time"):
        store.edit(inputs(home), change)
    assert NEW not in json.loads(file.read_text())
    assert leftovers(home) == []


@pytest.mark.parametrize("torn", ["", '[{"name": "A", "ba'])
def test_a_file_that_the_app_is_writing_in_place_is_read_again(
    home: Home, monkeypatch: pytest.MonkeyPatch, torn: str
) -> None:
    file = home.providers()
    file.write_text(torn)
    waits = []

    def finish(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 2:
            file.write_text(json.dumps(GUIDE))

    monkeypatch.setattr(time, "sleep", finish)
    store.edit(inputs(home), put(NEW))
    assert len(waits) == 2
    assert json.loads(file.read_text()) == [*GUIDE, NEW]


def test_a_file_that_stays_empty_is_filled(home: Home) -> None:
    home.providers().write_text("")
    store.edit(inputs(home), put(NEW))
    assert json.loads(home.file.read_text()) == [NEW]


# Many at once, and killed ones


def test_64_concurrent_writers_lose_nothing(home: Home) -> None:
    file = home.providers()
    code = "sys.stdin.read(); store.edit(inputs, lambda listed: listed.entries.append(dict(entry)))"
    argv = [
        sys.executable,
        "-c",
        PROGRAM + "import filelock, json; from cowork_env import models;" + code,
    ]
    writers = []
    try:
        for number in range(64):
            writers.append(
                subprocess.Popen(
                    [*argv, str(home.config), str(home.state), f"N{number}"],
                    env=home.env,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                )
            )
        for writer in writers:  # all are there; now let them go
            assert writer.stdin is not None
            writer.stdin.close()
            writer.stdin = None
        for writer in writers:
            _, complaint = writer.communicate(timeout=90)
            assert (writer.returncode, complaint) == (0, b"")
    finally:
        for writer in writers:
            writer.kill()
            writer.communicate()
    written = json.loads(file.read_text())
    assert written[:4] == GUIDE
    assert {e["name"] for e in written[4:]} == {f"N{number}" for number in range(64)}
    assert len({e["id"] for e in written}) == 68
    assert leftovers(home) == []


@pytest.mark.timeout(30 + KILLS)
def test_killed_writers_leave_a_complete_file_and_no_lock(home: Home) -> None:
    file = home.providers(
        [*GUIDE, NEW | {"note": "x" * 200_000}]
    )  # large enough to be killed half-way
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
    halfway = list(file.parent.glob(".providers.json.*.tmp"))
    print(f"{KILLS} kills, {len(halfway)} of them with the new file half-way")
    for path in halfway:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        os.utime(path, (1, 1))
    store.edit(inputs(home), put(NEW | {"name": "Last", "id": "l"}))
    assert json.loads(file.read_bytes())[5]["name"] == "Last"
    assert leftovers(home) == []


# The selection


def test_the_selection_file_is_private_and_removed_when_cleared(home: Home) -> None:
    from cowork_env.core import resolve

    store.select(str(home.state), "Zoë's")
    path = Path(resolve.selection_file(str(home.state)))
    assert path.read_bytes() == "Zoë's\n".encode()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert resolve.read_selection(str(home.state)) == "Zoë's"
    store.select(str(home.state), "")
    store.select(str(home.state), "")
    assert resolve.read_selection(str(home.state)) == ""


def test_clearing_a_selection_that_cannot_exist_succeeds(home: Home) -> None:
    home.state.parent.mkdir(parents=True)
    home.state.write_text("in the way")
    store.select(str(home.state), "")


def test_importing_the_store_imports_nothing_that_only_writing_needs(home: Home) -> None:
    code = "print([m for m in ('pydantic', 'filelock', 'json', 're') if m in sys.modules])"
    with running(home, "A", code) as process:
        assert process.communicate(timeout=60)[0] == "[]\n"
    assert models.Provider
