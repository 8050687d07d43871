"""What can be thrown at it by a project, a broken file or another program: no hang, no harm, nothing raw on a terminal."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cowork_env import shells
from cowork_env.core import pins, providers, resolve, trust
from cowork_env.core.providers import Providers
from cowork_env.core.resolve import Inputs
from cowork_env.hook.respond import Request, respond
from cowork_env.util.errors import CoworkEnvError
from cowork_env.util.text import is_control, visible

from support.home import GUIDE, Home, need
from support.hook import hook_request

NOBODY = 65534


class Project:
    """A home, and a project in it whose pin is not what it should be."""

    def __init__(self, home: Home) -> None:
        self.home, self.path = home, home.path / "project"
        self.path.mkdir()
        self.pin = self.path / ".cowork-provider"
        home.providers()

    def ask(self, directory: str = "") -> tuple[resolve.Resolution, str]:
        """What applies in the project, and everything that a person would be shown of it."""
        env = {"HOME": str(self.home.path)}
        inputs = Inputs(
            env,
            directory or os.path.realpath(self.path),
            str(self.home.config),
            str(self.home.state),
        )
        found = resolve.resolve(inputs)
        reply = respond(Request(shells.get("bash")), inputs)
        shown = [
            reply.error,
            reply.label,
            reply.provider,
            *(notice.text for notice in reply.notices),
        ]
        assert not any(is_control(char) for text in shown for char in text)
        return found, "\n".join(shown)


@pytest.fixture
def project(home: Home) -> Project:
    return Project(home)


def as_nobody(work: Callable[[], Any]) -> Any:
    """What ``work`` returns in a process that may not read what is root's."""
    if os.geteuid() != 0:
        return work()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            result = work()
        except BaseException as error:  # brought to the parent, whatever it is
            result = error
        with os.fdopen(writing, "wb") as file:
            pickle.dump(result, file)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as file:
        result = pickle.load(file)  # noqa: S301  # from ourselves
    os.waitpid(child, 0)
    if isinstance(result, BaseException):
        raise result
    return result


def open_to_all(path: Path) -> None:
    """Let anybody reach ``path``, which pytest keeps to its own user."""
    for each in (path, *path.parents):
        if each.stat().st_uid == os.geteuid() and each != Path("/") and each != Path("/tmp"):
            each.chmod(each.stat().st_mode | 0o055)


def bind(path: Path) -> None:
    """Leave a socket at ``path``."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(path))  # the whole path may be too long for one


# Pins

NOT_REGULAR: dict[str, Callable[[Path], object]] = {
    "FIFO": os.mkfifo,
    "directory": os.mkdir,
    "socket": bind,
    "link to a FIFO": lambda path: (os.mkfifo(f"{path}.fifo"), path.symlink_to(f"{path}.fifo")),
    "link to /dev/zero": lambda path: path.symlink_to("/dev/zero"),
    "link to /dev/null": lambda path: path.symlink_to("/dev/null"),
    "link to /dev/tty": lambda path: path.symlink_to("/dev/tty"),
    "link to a process's environment": lambda path: path.symlink_to("/proc/self/environ"),
    "link to /proc/version": lambda path: path.symlink_to("/proc/version"),
    "link to /proc/kmsg": lambda path: path.symlink_to("/proc/kmsg"),
    "link to /proc/self/fd/0": lambda path: path.symlink_to("/proc/self/fd/0"),
    "link to a folder": lambda path: path.symlink_to("/"),
    "loop of links": lambda path: path.symlink_to(path.name),
    "50 MB": lambda path: (path.touch(), os.truncate(path, 50 << 20)),
    "just too long": lambda path: path.write_bytes(b"a" * 4097),
}


@pytest.mark.parametrize("allowed", [False, True], ids=["untrusted", "below"])
@pytest.mark.parametrize("kind", NOT_REGULAR)
@pytest.mark.timeout(20)  # a hang is what this is about
def test_a_pin_that_is_no_ordinary_file(
    project: Project, kind: str, allowed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.path)
    NOT_REGULAR[kind](project.pin)
    if allowed:
        project.home.state.mkdir(parents=True)
        trust.TrustStore(str(project.home.state)).allow_below(os.path.realpath(project.path))
    found, shown = project.ask()
    assert (
        found.provider is None
        and len(found.pins) == 1
        and found.pins[0].content == b""
        and found.pins[0].problem
    )
    assert bool(found.error) is allowed and bool(found.untrusted) is not allowed
    assert "~/project/.cowork-provider " in shown


CONTENTS = {
    "binary": bytes(range(256)),
    "NUL": b"openrouter\0",
    "UTF-16": "openrouter\n".encode("utf-16"),
    "not UTF-8": b"openrouter\nmodel = \xff",
    "terminal escapes": b"\x1b]0;owned\x07\x1b[2J\x1b[31mopenrouter",
    "C1 escapes": "\x9b2Jopenrouter".encode(),
    "bidi": "\u202eretuorne\u2066po".encode(),
    "zero width": "open\u200brouter".encode(),
    "escapes later": b"openrouter\nmodel = \x1b[2J",
    "URL": b"openrouter\nbaseUrl = https://evil.example\n",
    "URL as provider": b"https://evil.example\n",
    "URL as model": b"openrouter\nmodel = https://evil.example\n",
    "variable": b"openrouter\nANTHROPIC_BASE_URL = https://evil.example\n",
    "key": b"openrouter\nauthToken = sk-evil\n",
    "command": b"$(touch owned)\n`touch owned`\n",
    "a command's name": b"openrouter; touch owned\n",
    "path": b"../../../etc/passwd\n",
    "empty": b"",
    "blank": b"\n\n \t\n",
    "only comments": b"# openrouter\n",
    "many lines": b"openrouter\n" + b"#\n" * 2000,
    "long name": b"x" * 4096,
}
FINE = {"many lines"}


@pytest.mark.parametrize("allowed", [False, True], ids=["untrusted", "trusted"])
@pytest.mark.parametrize("kind", CONTENTS)
def test_a_pin_with_hostile_content(project: Project, kind: str, allowed: bool) -> None:
    project.pin.write_bytes(CONTENTS[kind])
    if allowed:
        store = trust.TrustStore(str(project.home.state))
        store.allow(trust.location(str(project.pin)), CONTENTS[kind])
    found, shown = project.ask()
    if not allowed:
        assert found.provider is None and found.error is None and len(found.untrusted) == 1
        assert shown.strip() == "~/project/.cowork-provider is not trusted. Run: cowork-env allow"
    elif kind in FINE:
        assert (
            found.provider is not None and found.provider.name == "OpenRouter" and not found.error
        )
    else:
        assert found.provider is None and found.error is not None
        assert "sk-evil" not in shown and "/evil" not in shown.replace("'https://evil.example'", "")
    assert not (project.path / "owned").exists() and not Path("owned").exists()


def test_a_pin_that_may_not_be_read(project: Project) -> None:
    project.pin.write_text("openrouter")
    project.pin.chmod(0)
    open_to_all(project.path)
    found = as_nobody(lambda: pins.read(str(project.pin)).problem)  # type: ignore[union-attr]
    assert found == "cannot be read: Permission denied"
    project.pin.chmod(0o600)


@pytest.mark.parametrize("mode", [0, 0o600])
def test_a_folder_that_may_not_be_searched_hides_its_pin(project: Project, mode: int) -> None:
    project.pin.write_text("openrouter")
    open_to_all(project.path)
    open_to_all(project.home.file)
    project.home.file.chmod(0o644)
    project.path.chmod(mode)
    directory = os.path.realpath(project.path)

    def work() -> tuple[int, int, str]:
        found, shown = project.ask(directory)
        return len(found.pins), len(found.untrusted), shown.strip()

    assert as_nobody(work) == (0, 0, "")
    project.path.chmod(0o700)


def test_consent_is_ones_own_whoever_owns_the_pin(project: Project) -> None:
    """A pin of somebody else's needs consent like any other, and the trust store of somebody else gives none."""
    if os.geteuid() != 0:
        pytest.skip("only root can make files of somebody else")
    project.home.pin(project.path, "openrouter")
    os.chown(project.pin, NOBODY, NOBODY)
    assert project.ask()[0].provider
    project.pin.write_text("aws-bedrock")
    assert not project.ask()[0].provider
    project.pin.write_text("openrouter")
    for folder in (project.home.state / "trust", project.home.state):
        os.chown(folder, NOBODY, NOBODY)
        assert not project.ask()[0].provider and project.ask()[0].untrusted
        os.chown(folder, 0, 0)
    assert project.ask()[0].provider


@pytest.mark.parametrize("length", [3900, 4070, 4090, 5000])
def test_a_path_as_long_as_they_get(project: Project, length: int) -> None:
    place = os.path.realpath(project.path)
    here = os.getcwd()
    try:
        os.chdir(place)
        while len(place) < length:
            name = "d" * min(200, length - len(place))
            os.mkdir(name)
            os.chdir(name)
            place += "/" + name
        Path(".cowork-provider").write_text("openrouter")
        project.pin.write_text("aws-bedrock")
        found, shown = project.ask(place)
        assert found.error is None and found.provider is None and 1 <= len(found.pins) <= 2
        assert all(len(line) < 400 for line in shown.split("\n"))
    finally:
        os.chdir(here)


def test_names_of_folders_that_are_hostile(project: Project) -> None:
    for name in (
        b"a\nb",
        b"$(touch owned)",
        b"\x1b]0;x\x07",
        b"\xff\xfe",
        "\u202eevil".encode(),
        b"-n",
        b"a'b\"c\\",
        b"\x01\x02",
    ):
        place = os.path.realpath(project.path) + "/" + os.fsdecode(name)
        os.mkdir(place)
        pin = Path(place, ".cowork-provider")
        pin.write_text("openrouter")
        assert project.ask(place)[0].untrusted
        trust.TrustStore(str(project.home.state)).allow(trust.location(str(pin)), b"openrouter")
        found, _ = project.ask(place)
        assert found.provider is not None and found.source.isprintable()


@pytest.mark.parametrize("how", ["rename", "in place", "link"])
def test_what_is_parsed_is_what_was_trusted(project: Project, how: str) -> None:
    """A writer flips the pin between trusted and hostile content while it is resolved, thousands of times."""
    good, evil = b"openrouter\n", b"aws-bedrock\nmodel = evil\nrequired = true\n"
    project.home.pin(project.path, good.decode())
    sides = {}
    for name, content in (("good", good), ("evil", evil)):
        sides[name] = project.path / name
        sides[name].write_bytes(content)
    code = f"""
import os, sys
good, evil, pin, how = {str(sides["good"])!r}, {str(sides["evil"])!r}, {str(project.pin)!r}, {how!r}
contents = {good!r}, {evil!r}
while os.getppid() == {os.getpid()}:
    for side, content in zip((good, evil), contents):
        if how == "in place":
            with open(pin, "r+b") as file:
                file.write(content)
                file.truncate()
        else:
            if how == "rename":
                os.link(side, pin + ".new")
            else:
                os.symlink(side, pin + ".new")
            os.rename(pin + ".new", pin) if how == "link" else os.replace(pin + ".new", pin)
            if os.path.lexists(pin + ".new"):
                os.unlink(pin + ".new")
"""
    writer = subprocess.Popen([sys.executable, "-I", "-c", code])
    try:
        env = {"HOME": str(project.home.path)}
        inputs = Inputs(
            env, os.path.realpath(project.path), str(project.home.config), str(project.home.state)
        )
        seen = {"trusted": 0, "refused": 0}
        deadline = time.monotonic() + 60
        while (sum(seen.values()) < 3000 or not all(seen.values())) and time.monotonic() < deadline:
            found = resolve.resolve(inputs)
            if found.provider is None:
                seen["refused"] += 1
                assert found.error is None and not found.required and not found.models
            else:
                seen["trusted"] += 1
                assert (
                    found.provider.name == "OpenRouter" and not found.models and not found.required
                )
                assert found.pin is not None and found.pin.content == good
        assert all(seen.values()) and writer.poll() is None, seen
    finally:
        writer.kill()
        writer.wait(timeout=10)


# providers.json

BROKEN: dict[str, bytes] = {
    "torn": json.dumps(GUIDE, indent=2).encode()[:300],
    "not JSON": b"hello = world",
    "nested deeply": b"[" * 200_000,
    "nested objects": b'{"a":' * 200_000,
    "trailing comma": b"[{},]",
    "NaN": b"[NaN]",
    "two documents": b"[] []",
    "UTF-16": json.dumps(GUIDE).encode("utf-16"),
    "UTF-16 without a mark": json.dumps(GUIDE).encode("utf-16-le"),
    "Latin-1": '[{"name": "é"}]'.encode("latin-1"),
    "NUL": b"[\0]",
    "raw control": b'[{"name": "a\nb"}]',
    "a string": b'"x"',
    "a number": b"3",
    "null": b"null",
    "huge number": b"[" + b"9" * 5000 + b"]",
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_provider_file_that_is_broken(project: Project, kind: str) -> None:
    project.home.pin(project.path, "openrouter")
    project.home.file.write_bytes(BROKEN[kind])
    os.utime(project.home.file, (1, 1))
    found, shown = project.ask()
    assert found.error is not None and found.provider is None
    assert "~/.config/agent-cowork/providers.json" in shown and "sk-" not in shown
    if kind in (
        "torn",
        "not JSON",
        "trailing comma",
        "NUL",
        "raw control",
        "UTF-16",
        "Latin-1",
        "two documents",
    ):
        assert "line " in shown and "column " in shown
    assert project.home.file.read_bytes() == BROKEN[kind]


@pytest.mark.parametrize(
    "entry",
    [
        None,
        3,
        "x",
        [],
        {},
        {"name": 3},
        {"name": "\ud800"},
        {"name": "openrouter", "baseUrl": 3},
        {"name": "openrouter", "models": []},
        {"name": "openrouter", "baseUrl": "https://\udfff"},
        {"name": "openrouter", "env": {"A": None}},
        {"id": [], "name": {}},
        {"name": "openrouter", "baseUrl": "https://a", "authToken": ["sk-marked"]},
        {"name": "openrouter", "baseUrl": "https://a", "authToken": "sk-marked\n"},
        {"name": "openrouter", "baseUrl": "https://sk-marked@a", "authToken": "x"},
    ],
)
def test_entries_of_wrong_types(project: Project, entry: Any) -> None:
    project.home.pin(project.path, "openrouter")
    for document in ([entry], [entry, *GUIDE]):
        project.home.file.write_text(json.dumps(document))
        found, shown = project.ask()
        assert "sk-marked" not in shown and "\ud800" not in shown
        assert found.provider is None or found.provider.base_url == GUIDE[1]["baseUrl"]
        assert (found.provider is None) == bool(found.error)


def test_names_that_stand_twice(project: Project) -> None:
    project.home.pin(project.path, "openrouter")
    project.home.providers([*GUIDE, {**GUIDE[1], "id": "2", "name": "OPENROUTER"}])
    found, shown = project.ask()
    assert (
        found.provider is None
        and "could be any of 'OpenRouter' (2222" in shown
        and "'OPENROUTER' (2)" in shown
    )
    text = json.dumps(GUIDE[1])
    project.home.file.write_text(text[:-1] + ', "baseUrl": "https://second.example"}')
    found, _ = project.ask()  # a key that stands twice: the last one, as everywhere
    assert found.provider is not None and found.provider.base_url == "https://second.example"


@pytest.mark.parametrize(
    "kind",
    [
        "FIFO",
        "directory",
        "link to /dev/zero",
        "link to a FIFO",
        "loop of links",
        "50 MB",
        "link to /dev/tty",
    ],
)
@pytest.mark.timeout(20)
def test_a_provider_file_that_is_no_ordinary_file(project: Project, kind: str) -> None:
    project.home.pin(project.path, "openrouter")
    project.home.file.unlink()
    NOT_REGULAR[kind](project.home.file)
    env = {"HOME": str(project.home.path), "COWORK_ENV_PROVIDERS_FILE": str(project.home.file)}
    inputs = Inputs(
        env, os.path.realpath(project.path), str(project.home.config), str(project.home.state)
    )
    found = resolve.resolve(inputs)
    assert (
        found.error is not None
        and found.provider is None
        and "providers.json" in found.error.message
    )


def test_a_large_file_that_is_right_is_read(project: Project) -> None:
    project.home.pin(project.path, "openrouter")
    many = [{**GUIDE[0], "id": str(i), "name": f"p{i}"} for i in range(1000)]
    project.home.providers([*many, *GUIDE])
    assert project.ask()[0].provider


# The state folder


def test_a_state_folder_that_is_missing_or_a_file(project: Project) -> None:
    project.pin.write_text("openrouter")
    assert project.ask()[0].untrusted
    found, _ = project.ask()
    project.home.state.parent.mkdir(parents=True, exist_ok=True)
    if project.home.state.exists():
        shutil.rmtree(project.home.state)
    project.home.state.write_text("in the way")
    found, _ = project.ask()
    assert found.provider is None and found.untrusted and not found.error
    with pytest.raises(CoworkEnvError, match="cannot be created"):
        trust.TrustStore(str(project.home.state)).allow(str(project.pin), b"openrouter")
    assert project.home.state.read_text() == "in the way"


def test_a_state_folder_that_cannot_be_written(project: Project) -> None:
    state = project.home.state
    project.home.pin(project.path, "openrouter")
    for path in (*state.rglob("*"), state):
        os.chown(path, NOBODY if os.geteuid() == 0 else -1, -1)
        path.chmod(0o500 if path.is_dir() else 0o400)
    open_to_all(project.path)
    open_to_all(state)
    project.home.file.chmod(0o644)
    open_to_all(project.home.file.parent)
    project.pin.chmod(0o644)
    directory = os.path.realpath(project.path)

    def work() -> tuple[str, str]:
        found, _ = project.ask(directory)
        try:
            trust.TrustStore(str(state)).allow("/x", b"")
        except CoworkEnvError as error:
            return (found.provider.name if found.provider else ""), error.message
        return "", ""

    name, message = as_nobody(work)
    assert name == "OpenRouter" and message.endswith("cannot be written: Permission denied.")
    for path in (state, *state.rglob("*")):
        path.chmod(0o700)


# Disks that take nothing more

FAULTS = {
    "full": ("size=64k", "head -c 1000000 /dev/zero >filler", "No space left on device"),
    "without inodes": (
        "nr_inodes=24",
        "for i in $(seq 40); do touch filler-$i; done",
        "No space left on device",
    ),
    "read-only": ("size=1m", 'mount -o remount,ro "$FOLDER"', "Read-only file system"),
}
CHANGES = {
    "config": (
        "edit OpenRouter --default-model m",
        "rename OpenRouter Other",
        "remove OpenRouter",
        "add lmstudio --token-stdin",
    ),
    "state": ("use OpenRouter", "pin none", "allow --below", "deny", "reload"),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("which", CHANGES)
def test_a_disk_that_takes_nothing_more(project: Project, which: str, fault: str) -> None:
    """Every change fails with the reason, all is as it was, and what is there already goes on working."""
    home, (option, fill, reason) = project.home, FAULTS[fault]
    home.pin(project.path, "openrouter\n")
    folder = home.file.parent if which == "config" else home.state
    before = home.file.read_bytes() + project.pin.read_bytes()
    lines = [
        'cp -a "$FOLDER" ~/copy && mount -t tmpfs -o mode=700,$0 tmpfs "$FOLDER" && cp -a ~/copy/. "$FOLDER" || exit 77',
        f'cd "$FOLDER"; {{ {fill}; }} 2>/dev/null; cd ~/project',
        *(
            f"echo sk-new | cowork-env {command}; echo status-$? >&2"
            for command in (*CHANGES[which], "export --format json")
        ),
        f"cat {home.file} {project.pin}; find \"$FOLDER\" -name '*.tmp'",
    ]
    done = subprocess.run(
        [need("unshare"), "-rm", "sh", "-c", "\n".join(lines), option],
        env={**home.env, "FOLDER": str(folder)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode == 77 or "unshare failed" in done.stderr:
        pytest.skip(f"nothing can be mounted here: {done.stderr}")
    assert done.stderr.count("status-1\n") == len(CHANGES[which]) == done.stderr.count(reason), (
        done.stderr
    )
    assert done.stderr.endswith("status-0\n") and "mistake" not in done.stderr
    values, _, files = done.stdout.partition("}\n")
    assert json.loads(values + "}")["ANTHROPIC_AUTH_TOKEN"] == GUIDE[1]["authToken"]
    assert files.encode() == before


# Through the very process that a prompt starts


@pytest.mark.parametrize(
    "kind", ["FIFO", "link to /dev/zero", "50 MB", "loop of links", "directory"]
)
def test_the_process_at_a_prompt_answers_whatever_lies_there(project: Project, kind: str) -> None:
    NOT_REGULAR[kind](project.pin)
    done = hook_request(project.home, project.path)
    assert (
        done.returncode == 0
        and done.stderr == ""
        and done.stdout.startswith("__cowork_env_response_")
    )
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize(
    "value",
    [
        "\x1b[2J",
        "$(touch owned)",
        "'; touch owned; '",
        "a" * 100_000,
        "\udcff",
        "none\n",
        "\n",
        "--help",
    ],
)
def test_hostile_choices(project: Project, value: str) -> None:
    done = hook_request(project.home, project.path, COWORK_PROVIDER=value)
    assert done.returncode == 0 and done.stderr == ""
    checked = subprocess.run(
        ["bash", "-c", done.stdout + '\nprintf %s "$__cowork_env_response_error"'],
        capture_output=True,
        cwd=project.path,
        timeout=20,
        check=True,
    )
    assert not checked.stderr and not os.path.exists(project.path / "owned")
    shown = checked.stdout.decode()
    assert not any(is_control(char) for char in shown) and len(shown) < 1000
    assert "There is no provider" in shown or value.strip() in ("none", "")


@pytest.mark.parametrize(
    "value",
    [
        "x",
        "1:",
        "1::",
        "1:0:AAAA",
        "$(touch owned)",
        "'",
        "1:" + "a" * 100_000,
        "\udcff",
        "2:x:y",
        ":",
    ],
)
def test_a_damaged_state_is_said_once_and_never_evaluated(project: Project, value: str) -> None:
    done = hook_request(project.home, project.path, COWORK_ENV_STATE=value)
    assert (
        done.returncode == 0
        and done.stderr == ""
        and "COWORK_ENV_STATE is damaged; it is ignored" in done.stdout
    )
    assert "touch owned" not in done.stdout


# Showing text


def test_visible() -> None:
    assert visible("OpenRouter — 日本語 é") == "OpenRouter — 日本語 é"
    assert (
        visible("\x1b[31m\r\n\t\0\x7f\x9b\u202e\u2066\u200b\ud800\U000e0041")
        == r"\x1b[31m\r\n\t\x00\x7f\x9b\u202e\u2066\u200b\ud800\U000e0041"
    )
    assert len(visible("x" * 500)) == 200 and visible("x" * 500).endswith("…")
    for code in (*range(0x3100), *range(0xD7F0, 0x10000), 0xE0001, 0x1F600):
        assert not any(is_control(char) for char in visible(chr(code))), hex(code)


def test_an_environment_of_its_own_is_as_hostile_as_a_file() -> None:
    for text in ("[", '[{"name": "\udcff"}]', "\x1b[2J", "{}", "[1]"):
        try:
            listed = providers.load({"COWORK_ENV_PROVIDERS_JSON": text}, "/nowhere")
            assert isinstance(listed, Providers)
            listed.provider(listed.find("x"))
        except CoworkEnvError as error:
            assert not any(is_control(char) for char in error.message + error.hint)
        else:
            pytest.fail("accepted")
