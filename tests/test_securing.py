"""Keys are moved to a store and back: none is lost, wherever it fails, stops or is killed."""

from __future__ import annotations

import json
import os
import signal
import stat
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cowork_env import secrets
from cowork_env.cli import main
from cowork_env.util import files
from cowork_env.util.errors import CoworkEnvError

from support.home import Home
from support.key_stores import FakeStore

KEYS = {"Alpha": "sk-alpha-1", "Beta": "sk-beta-2"}
OTHER = "sk-other-3"
# What a write of a file calls.
NAMES = ("create", "fsync", "rename", "unlink", "close")


class Steps:
    """Counts the steps of a command, the store's and those of writes, and acts at step ``at``."""

    def __init__(self) -> None:
        self.count = self.at = 0
        self.before_only = False
        self.act: Callable[[], object] = lambda: None

    def step(self, operation: str) -> None:
        """Before an operation, or, without its name, after it."""
        if self.before_only and not operation:
            return
        self.count += 1
        if self.count == self.at:
            self.act()

    def wrap(self, call: Any) -> Any:
        def wrapper(*args: Any, **options: Any) -> Any:
            self.step("call")
            result = call(*args, **options)
            self.step("")
            return result

        return wrapper

    def begin(self, at: int) -> None:
        self.count, self.at = 0, at


@pytest.fixture
def fake(home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeStore]:
    """A store in the place of the keyring; this process is the command's."""
    handlers = {n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    made, real = FakeStore(home.path / "items"), secrets.source
    monkeypatch.setattr(secrets, "source", lambda s: made if s == "keyring:" else real(s))
    for name, value in home.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(home.path)
    monkeypatch.setattr(files, "changed", [])
    monkeypatch.setattr(files, "tried", [])
    yield made
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture
def steps(fake: FakeStore, monkeypatch: pytest.MonkeyPatch) -> Steps:
    """The steps of all that follows."""
    made = Steps()
    fake.step = made.step
    for name in NAMES:
        owner = files if name == "create" else os
        monkeypatch.setattr(owner, name, made.wrap(getattr(owner, name)))
    return made


def entry(name: str, **fields: Any) -> dict[str, Any]:
    return {"id": f"id-{name}", "name": name, "baseUrl": "https://a.example", **fields}


def plain(home: Home) -> None:
    """All keys in the file."""
    home.providers([entry(name, authToken=key, theirs=[1]) for name, key in KEYS.items()])


def moved(home: Home, fake: FakeStore) -> None:
    """All keys in the store."""
    for name, key in KEYS.items():
        fake.path(f"cowork-env/{name.lower()}").write_text(key)
    references = {name: f"keyring:cowork-env/{name.lower()}" for name in KEYS}
    home.providers([entry(n, authTokenFrom=r, theirs=[1]) for n, r in references.items()])


def clean(fake: FakeStore) -> None:
    for path in fake.folder.iterdir():
        path.unlink()


def saved(home: Home) -> list[dict[str, Any]]:
    loaded: list[dict[str, Any]] = json.loads(home.file.read_text())
    return loaded


def keys_of(home: Home, fake: FakeStore) -> dict[str, str]:
    """Each provider's key, from wherever the file says that it is; it must be there."""
    found = {}
    for each in saved(home):
        reference = each.get("authTokenFrom", "").removeprefix("keyring:")
        assert not (reference and each.get("authToken")), each
        found[each["name"]] = fake.items()[reference] if reference else each["authToken"]
    return found


def in_file(home: Home) -> list[str]:
    return [each["name"] for each in saved(home) if "authToken" in each]


def test_there_and_back(home: Home, fake: FakeStore, capsys: Any) -> None:
    plain(home)
    before = home.file.read_text()
    assert main(["secure", "--yes"]) == 0
    assert saved(home) == [
        entry(name, theirs=[1], authTokenFrom=f"keyring:cowork-env/{name.lower()}") for name in KEYS
    ]
    assert keys_of(home, fake) == KEYS
    assert "Alpha: its key is in keyring:cowork-env/alpha now" in (said := capsys.readouterr().err)
    assert not any(key in said + home.file.read_text() for key in KEYS.values())
    assert main(["secure", "--yes"]) == 0
    assert "There is no key to move" in capsys.readouterr().err
    assert main(["secure", "--undo", "--yes"]) == 0
    assert fake.items() == {}
    assert {json.dumps(e, sort_keys=True) for e in saved(home)} == {
        json.dumps(e, sort_keys=True) for e in json.loads(before)
    }
    assert stat.S_IMODE(home.file.stat().st_mode) == 0o600
    said = capsys.readouterr().err
    assert "keyring:cowork-env/alpha was removed" in said
    assert not any(key in said for key in KEYS.values())


# Faults, at every step

COMMANDS = {
    "secure": (["secure", "--yes"], plain),
    "undo": (["secure", "--undo", "--yes"], moved),
}


def prepare(home: Home, fake: FakeStore, command: str) -> list[str]:
    """The state before a command; the command."""
    clean(fake)
    arguments, before = COMMANDS[command]
    if before is moved:
        moved(home, fake)
    else:
        plain(home)
    files.changed.clear()
    files.tried.clear()
    return arguments


def finished(home: Home, fake: FakeStore, command: str) -> bool:
    """Whether all keys are where the command was to move them."""
    return in_file(home) == ([] if command == "secure" else list(KEYS))


def killed(steps: Steps, arguments: list[str], at: int) -> bool:
    """Run a command in another process that kills itself at a step; whether it came to that."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # This process has other threads.
        pid = os.fork()
    if not pid:
        os.dup2(os.open(os.devnull, os.O_RDWR), 2)
        steps.act = lambda: os.kill(os.getpid(), signal.SIGKILL)
        steps.before_only = True  # what is left is the same as after the operation before
        steps.begin(at)
        os._exit(main(arguments))
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert status in (0, -signal.SIGKILL)
    return status != 0


@pytest.mark.parametrize("command", COMMANDS)
def test_killed_at_each_step(home: Home, fake: FakeStore, steps: Steps, command: str) -> None:
    partly = 0
    for at in range(1, 500):
        arguments = prepare(home, fake, command)
        if not killed(steps, arguments, at):
            break
        assert keys_of(home, fake) == KEYS, at
        partly += 0 < len(in_file(home)) < len(KEYS)
        for path in home.path.rglob("*.tmp"):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            path.unlink()
        assert main(arguments) == 0
        assert finished(home, fake, command) and keys_of(home, fake) == KEYS
        if command == "secure":
            assert set(fake.items().values()) == set(KEYS.values())  # and none twice
            assert len(fake.items()) == len(KEYS)
    assert at > 25 and partly > 5


@pytest.mark.parametrize("command", COMMANDS)
def test_interrupted_at_each_step(
    home: Home, fake: FakeStore, steps: Steps, command: str, capsys: Any
) -> None:
    steps.act = lambda: signal.raise_signal(signal.SIGINT)
    for at in range(1, 500):
        arguments = prepare(home, fake, command)
        steps.begin(at)
        status = main(arguments)
        if steps.count < at:
            break
        said = capsys.readouterr().err
        steps.begin(0)
        assert keys_of(home, fake) == KEYS, at
        assert not list(home.path.rglob("*.tmp"))
        if status != 130:
            # It came in the last step of the last write, which had been made.
            assert finished(home, fake, command), (at, said)
            continue
        changed = prepare_differs(home, command)
        assert ("after it had changed ~/" in said) == changed, (at, said)
        for name in in_file(home) if command == "secure" else []:
            assert "Left as they are: " not in said or name in said
    assert at > 50


def prepare_differs(home: Home, command: str) -> bool:
    return len(in_file(home)) < len(KEYS) if command == "secure" else bool(in_file(home))


@pytest.mark.parametrize("command", COMMANDS)
def test_a_store_that_fails_at_each_call(
    home: Home, fake: FakeStore, steps: Steps, command: str, capsys: Any
) -> None:
    """Before and after it has done what it was told."""

    def fail() -> None:
        raise CoworkEnvError("denied: the keyring refused.", "Ask it again.")

    fake_steps = Steps()
    fake.step = fake_steps.step
    fake_steps.act = fail
    for at in range(1, 100):
        arguments = prepare(home, fake, command)
        fake_steps.begin(at)
        status = main(arguments)
        if fake_steps.count < at:
            break
        said = capsys.readouterr().err
        fake_steps.begin(0)
        assert status == 1
        assert "denied: the keyring refused.\nAsk it again.\n" in said
        assert keys_of(home, fake) == KEYS, at
        for name in KEYS:
            moved_it = f"cowork-env: {name}: its key is" in said
            if moved_it:
                assert (name in in_file(home)) == (command == "undo")
            elif "Left as they are" in said:
                assert name in said.partition("Left as they are")[2]
        assert main(arguments) == 0
        assert finished(home, fake, command) and keys_of(home, fake) == KEYS
        capsys.readouterr()
    assert at > 7


def test_a_key_that_does_not_come_back_stays_in_the_file(
    home: Home, fake: FakeStore, capsys: Any
) -> None:
    plain(home)
    fake.stored = lambda key: key[:-1]
    before = home.file.read_text()
    assert main(["secure", "--yes"]) == 1
    said = capsys.readouterr().err
    assert "Alpha: bad value: keyring did not return the key that it was given." in said
    assert "Left as they are: Alpha, Beta." in said
    assert home.file.read_text() == before and fake.items() == {}


# Names of items


def test_an_item_never_gets_another_value(home: Home, fake: FakeStore) -> None:
    plain(home)
    fake.path("cowork-env/alpha").write_text(OTHER)
    fake.path("cowork-env/alpha-2").write_text("two\nlines")
    fake.path("cowork-env/beta").write_text(KEYS["Beta"])
    assert main(["secure", "--yes"]) == 0
    assert fake.items() == {
        "cowork-env/alpha": OTHER,
        "cowork-env/alpha-2": "two\nlines",
        "cowork-env/alpha-3": KEYS["Alpha"],
        "cowork-env/beta": KEYS["Beta"],
    }
    assert keys_of(home, fake) == KEYS
    assert fake.calls.count("store") == 1  # what was there already was used again


@pytest.mark.parametrize(
    ("name", "item"),
    [
        ("My  (work) API!", "my-work-api"),
        ("../../etc/passwd", "etc-passwd"),
        ("-f --force", "f-force"),
        ("!!!", "provider"),
        ("\u65e5\u672c", "\u65e5\u672c"),
        ("a" * 200, "a" * 48),
    ],
)
def test_names_of_items(home: Home, fake: FakeStore, name: str, item: str) -> None:
    home.providers([entry(name, authToken=OTHER)])
    assert main(["secure", "--yes"]) == 0
    assert fake.items() == {f"cowork-env/{item}": OTHER}


def test_a_locked_store_is_unlocked_first(home: Home, fake: FakeStore) -> None:
    moved(home, fake)
    fake.locked = True
    assert main(["secure", "--undo", "--yes"]) == 0
    assert fake.calls[0] == "unlock" and in_file(home) == list(KEYS)
    fake.locked = True
    assert main(["secure", "--yes"]) == 0
    assert in_file(home) == []


# Which keys


def test_which_keys_are_moved(home: Home, fake: FakeStore, capsys: Any) -> None:
    """Neither what the app has encrypted, nor references, nor dummies, nor what is invalid."""
    others = [
        entry("App", authToken="ENC:v1:djExAAAA"),
        entry("Command", authTokenFrom="cmd:echo sk-command"),
        entry("Ollama", authToken="ollama"),
        entry("Cloud", env={"CLAUDE_CODE_USE_VERTEX": "1"}),
    ]
    home.providers([entry("Alpha", authToken=KEYS["Alpha"]), *others])
    assert main(["secure", "--yes"]) == 0
    assert saved(home)[1:] == others
    assert list(fake.items()) == ["cowork-env/alpha"]
    for name, says in {
        "App": "The key of App is encrypted by the desktop app already.",
        "Command": "Command has a reference already: cmd:",
        "Cloud": "Cloud has no key.",
        "Alpha": "Alpha has a reference already: keyring:cowork-env/alpha.",
        "Nobody": "There is no provider 'Nobody'",
    }.items():
        assert main(["secure", name, "--yes"]) == 1
        assert says in capsys.readouterr().err
    assert main(["secure", "ollama", "--yes"]) == 0  # where it is named, it is moved
    assert fake.items()["cowork-env/ollama"] == "ollama"


def test_an_invalid_provider_is_left_and_said(home: Home, fake: FakeStore, capsys: Any) -> None:
    plain(home)
    broken = entry("Broken", authToken=OTHER, auth="no such style")
    home.providers([*saved(home), broken])
    assert main(["secure", "--yes"]) == 1
    assert "Invalid, and left as they are: Broken." in capsys.readouterr().err
    assert keys_of(home, fake) == {**KEYS, "Broken": OTHER} and in_file(home) == ["Broken"]


def test_undo_leaves_the_users_own_references(home: Home, fake: FakeStore) -> None:
    moved(home, fake)
    fake.path("mine/key").write_text(OTHER)
    own = [
        entry("Mine", authTokenFrom="keyring:mine/key"),
        entry("Command", authTokenFrom="cmd:echo sk-command"),
    ]
    home.providers([*saved(home), *own])
    assert main(["secure", "--undo", "--yes"]) == 0
    assert saved(home)[2:] == own
    assert main(["secure", "--undo", "mine", "command", "mine", "--yes"]) == 0
    assert [each["authToken"] for each in saved(home)[2:]] == [OTHER, "sk-command"]
    assert fake.items() == {"mine/key": OTHER}  # it stays


def test_an_item_that_another_provider_uses_stays(home: Home, fake: FakeStore, capsys: Any) -> None:
    moved(home, fake)
    twin = entry("Twin", authTokenFrom="keyring:cowork-env/alpha")
    home.providers([*saved(home), twin])
    assert main(["secure", "--undo", "alpha", "--yes"]) == 0
    assert "keyring:cowork-env/alpha stays" in capsys.readouterr().err
    assert keys_of(home, fake) == {**KEYS, "Twin": KEYS["Alpha"]}
    assert main(["remove", "Twin", "--yes"]) == 0
    assert "removed keyring:cowork-env/alpha" in capsys.readouterr().err
    assert list(fake.items()) == ["cowork-env/beta"]


def test_another_provider_file_keeps_its_item(
    home: Home, fake: FakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the same name and key in both, and with a reference that was copied."""
    plain(home)
    other = home.path / "other.json"
    other.write_text(home.file.read_text())
    other.chmod(0o600)
    assert main(["secure", "--yes"]) == 0
    monkeypatch.setenv("COWORK_ENV_PROVIDERS_FILE", str(home.file))
    assert main(["secure", "--undo", "beta", "--yes"]) == 0  # it is the same file
    assert list(fake.items()) == ["cowork-env/alpha"]
    monkeypatch.setenv("COWORK_ENV_PROVIDERS_FILE", str(other))
    assert main(["secure", "alpha", "--yes"]) == 0
    theirs = json.loads(other.read_text())[0]["authTokenFrom"].removeprefix("keyring:")
    assert fake.items() == dict.fromkeys(("cowork-env/alpha", theirs), KEYS["Alpha"])
    assert len(fake.items()) == 2
    assert main(["remove", "alpha", "--yes"]) == 0
    assert list(fake.items()) == ["cowork-env/alpha"]
    other.write_text(home.file.read_text())
    assert main(["remove", "alpha", "--yes"]) == 0
    assert keys_of(home, fake) == KEYS


def test_undo_overwrites_no_other_key(home: Home, fake: FakeStore, capsys: Any) -> None:
    """As one that was typed into the file beside the reference."""
    moved(home, fake)
    first, second = saved(home)
    home.providers([{**first, "authToken": OTHER}, second])
    before = home.file.read_text()
    assert main(["secure", "--undo", "alpha", "--yes"]) == 1
    assert "has another key beside the reference" in capsys.readouterr().err
    assert home.file.read_text() == before and len(fake.items()) == 2


# Changes by others meanwhile


@pytest.mark.parametrize("command", COMMANDS)
def test_the_app_changes_a_provider_meanwhile(
    home: Home, fake: FakeStore, command: str, capsys: Any
) -> None:
    """The changed one is left, and said; what the app has written stays."""
    arguments = prepare(home, fake, command)
    encrypted, new = "ENC:v1:djExBBBB", entry("New", authToken=OTHER)

    def change(_operation: str) -> None:
        fake.step = lambda _: None
        changed = saved(home)
        changed[0].pop("authTokenFrom", None)
        changed[0]["authToken"] = encrypted
        home.providers([*changed, new])

    fake.step = lambda operation: change(operation) if may_change(operation) else None
    may_change = {
        "secure": lambda operation: operation == "store",
        "undo": lambda operation: operation == "fetch",
    }[command]
    assert main(arguments) == 1
    said = capsys.readouterr().err
    assert "Left as they are: Alpha." in said
    assert "cowork-env: Alpha was changed by another program.\nTry again.\n" in said
    assert keys_of(home, fake) == {"Alpha": encrypted, "Beta": KEYS["Beta"], "New": OTHER}
    assert in_file(home) == (["Alpha", "New"] if command == "secure" else ["Alpha", "Beta", "New"])
    if command == "secure":
        assert list(fake.items()) == ["cowork-env/beta"]


def test_the_app_writes_without_the_key_after_us(
    home: Home, fake: FakeStore, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """Then the item is the only place where the key is, and it stays."""
    moved(home, fake)
    rename = os.rename

    def rename_and_write(source: str, target: str) -> None:
        rename(source, target)
        monkeypatch.setattr(os, "rename", rename)
        home.providers([entry("Alpha", authToken=""), *saved(home)[1:]])

    monkeypatch.setattr(os, "rename", rename_and_write)
    assert main(["secure", "--undo", "--yes"]) == 1
    assert "Alpha was changed by another program." in capsys.readouterr().err
    assert fake.items() == {"cowork-env/alpha": KEYS["Alpha"]}
    assert in_file(home) == list(KEYS) and keys_of(home, fake)["Beta"] == KEYS["Beta"]


def test_the_app_writes_all_the_time(
    home: Home, fake: FakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It writes between our reading and our writing, once for each of our writes."""
    plain(home)
    fsync, again = os.fsync, [False]

    def write(descriptor: int) -> None:
        fsync(descriptor)
        again[0] = not again[0]
        if again[0]:
            entries = saved(home)
            entries.append(entry(f"App {len(entries)}", authToken=OTHER))
            home.providers(entries)

    monkeypatch.setattr(os, "fsync", write)
    assert main(["secure", "alpha", "beta", "--yes"]) == 0
    found = keys_of(home, fake)
    assert {name: found.pop(name) for name in KEYS} == KEYS
    assert set(found.values()) == {OTHER} and len(found) >= 2
    assert not {"Alpha", "Beta"} & set(in_file(home))


# add, edit, remove, rename


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    """A new key, on standard input."""
    from cowork_env.cli import provider_options

    monkeypatch.setattr(provider_options, "_key_from_stdin", lambda *_: OTHER)
    return OTHER


ADD = ["add", "--name", "New", "--base-url", "https://n.example", "--keyring", "--token-stdin"]
EDIT = ["edit", "Alpha", "--keyring", "--token-stdin"]
NEW_KEY = ["key", "Alpha", "--stdin"]  # The old one is in the keyring.


def test_add_and_edit_keep_a_key_in_the_keyring(
    home: Home, fake: FakeStore, key: str, capsys: Any
) -> None:
    moved(home, fake)
    assert main(ADD) == main(EDIT) == 0
    assert keys_of(home, fake) == {**KEYS, "Alpha": key, "New": key}
    assert in_file(home) == []
    assert set(fake.items()) == {"cowork-env/alpha-2", "cowork-env/beta", "cowork-env/new"}
    assert main(["rename", "Alpha", "Gamma"]) == 0
    assert keys_of(home, fake)["Gamma"] == key
    assert main(["edit", "Gamma", "--token-from", "env:X"]) == 1  # It has a key that works.
    assert main(["edit", "Gamma", "--token-from", "env:X", "--yes"]) == 0
    assert main(["edit", "New", "--token-stdin"]) == 0  # where the old one is
    assert set(fake.items()) == {"cowork-env/beta", "cowork-env/new"}
    assert main(["remove", "New", "--yes"]) == 0
    assert main(["remove", "Beta", "--yes"]) == 0
    assert fake.items() == {}
    assert key not in capsys.readouterr().err


def test_edit_with_the_same_key_uses_its_item_again(home: Home, fake: FakeStore, key: str) -> None:
    plain(home)
    for _ in range(2):
        assert main(EDIT) == 0
        assert fake.items() == {"cowork-env/alpha": key}


@pytest.mark.parametrize("arguments", [ADD, EDIT, NEW_KEY], ids=["add", "edit", "key"])
@pytest.mark.parametrize("how", ["killed", "interrupted"])
def test_add_and_edit_at_each_step(
    home: Home, fake: FakeStore, steps: Steps, key: str, arguments: list[str], how: str
) -> None:
    results = set()
    for at in range(1, 500):
        clean(fake)
        moved(home, fake)
        if how == "killed":
            if not killed(steps, arguments, at):
                break
        else:
            steps.act = lambda: signal.raise_signal(signal.SIGINT)
            steps.begin(at)
            main(arguments)
            if steps.count < at:
                break
            steps.begin(0)
        found = keys_of(home, fake)
        after = {**KEYS, "New": key} if arguments is ADD else {**KEYS, "Alpha": key}
        assert found in (KEYS, after), at
        results.add(found == KEYS)
        if how == "interrupted" and found == KEYS:
            assert key not in fake.items().values(), at
        for path in home.path.rglob("*.tmp"):
            path.unlink()
    assert results == {True, False}


@pytest.mark.parametrize("arguments", [ADD, EDIT, NEW_KEY], ids=["add", "edit", "key"])
def test_what_is_not_saved_leaves_no_item(
    home: Home,
    fake: FakeStore,
    key: str,
    arguments: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: Any,
) -> None:
    moved(home, fake)
    before = fake.items()

    def fail(*_: object, **_options: object) -> None:
        raise CoworkEnvError("The disk is full.")

    monkeypatch.setattr(files, "write_atomically", fail)
    assert main(arguments) == 1
    assert "The disk is full." in capsys.readouterr().err
    assert fake.items() == before and keys_of(home, fake) == KEYS


def test_an_item_that_cannot_be_removed_is_said(
    home: Home, fake: FakeStore, key: str, capsys: Any
) -> None:
    """What the command did is done."""
    moved(home, fake)

    def fail(operation: str) -> None:
        if operation == "remove":
            raise CoworkEnvError("denied: the keyring refused.")

    fake.step = fail
    assert main(EDIT) == main(["remove", "Beta", "--yes"]) == 0
    said = capsys.readouterr().err
    assert "cowork-env: keyring:cowork-env/alpha stays: denied: the keyring refused." in said
    assert "cowork-env: keyring:cowork-env/beta stays: denied: the keyring refused." in said
    assert keys_of(home, fake) == {"Alpha": key}


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["secure"], 2, "Nothing was moved: not on a terminal.\nPass --yes to do it."),
        (["secure", "--undo", "--to", "pass"], 2, "--undo and --to exclude each other."),
        (["secure", "--to", "op"], 2, "'op' is not one of 'keyring', 'pass'."),
        (["secure", "--undo", "alpha", "--yes"], 1, "The key of Alpha is not in a key store."),
        (["secure", "--undo", "--yes"], 0, "There is no key to move back."),
        (["secure", " "], 2, "The provider's name is empty."),
        ([*ADD, "--token-from", "env:X"], 2, "--keyring and --token-from exclude each other."),
        (["edit", "Alpha", "--keyring"], 2, "Missing --token-stdin or --token-from."),
    ],
)
def test_nothing_is_changed(
    home: Home, fake: FakeStore, arguments: list[str], status: int, says: str, capsys: Any
) -> None:
    plain(home)
    before = home.file.read_text()
    assert main(arguments) == status
    assert says in capsys.readouterr().err
    assert (home.file.read_text(), fake.items()) == (before, {})


def test_without_a_keyring(
    home: Home, fake: FakeStore, key: str, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    plain(home)
    fake.absent = "no keyring answers"
    monkeypatch.setenv("PATH", "/nonexistent")
    for arguments in (["secure", "--yes"], ADD, EDIT):
        assert main(arguments) == 1
        said = capsys.readouterr().err
        assert "The keyring cannot be used: tool missing: no keyring answers.\nStart one." in said
    assert keys_of(home, fake) == KEYS and in_file(home) == list(KEYS)
    assert main(["secure", "--to", "pass", "--yes"]) == 1
    assert "pass cannot be used: tool missing: pass is not installed." in capsys.readouterr().err
    tools, folder = home.path / "tools", home.path / ".password-store"
    tools.mkdir()
    (tools / "pass").write_text("#!/bin/sh\n")
    (tools / "pass").chmod(0o755)
    monkeypatch.setenv("PATH", str(tools))
    assert main(["secure", "--to", "pass", "--yes"]) == 1
    assert "the password store is not set up.\nRun: pass init GPG-ID" in capsys.readouterr().err
    folder.mkdir()
    (folder / ".gpg-id").write_text("me\n")
    assert main(["secure", "alpha", "--yes"]) == 1
    assert "Another is ready: cowork-env secure --to pass alpha" in capsys.readouterr().err


def test_providers_from_the_environment_are_read_only(
    home: Home, fake: FakeStore, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setenv("COWORK_ENV_PROVIDERS_JSON", json.dumps([entry("A", authToken=OTHER)]))
    assert main(["secure", "--yes"]) == 1
    assert "which is read-only" in capsys.readouterr().err
    assert fake.items() == {}


def test_a_file_that_another_program_wrote_is_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda d: synced.append(os.readlink(f"/proc/self/fd/{d}")))
    (tmp_path / "a").touch()
    files.sync(str(tmp_path / "a"))
    files.sync(str(tmp_path / "missing/a"))
    assert synced == [str(tmp_path / "a"), str(tmp_path)]
