"""Broken provider files, state folders that cannot be used, and full disks."""

from __future__ import annotations

import json
import os
import shutil
from typing import Any

import pytest

from cowork_env.core import providers, resolve, trust
from cowork_env.core.providers import Providers
from cowork_env.core.resolve import Inputs
from cowork_env.util.errors import CoworkEnvError
from cowork_env.util.text import is_control, visible

from support.home import GUIDE, Home, need
from support.hostile import NOBODY, NOT_REGULAR, Project, as_nobody, open_to_all
from support.program import execute


@pytest.fixture
def project(home: Home) -> Project:
    return Project(home)


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


def test_duplicate_names(project: Project) -> None:
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
    found, _ = project.ask()  # a duplicate JSON key: the last one is used
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
def test_a_provider_file_that_is_not_a_regular_file(project: Project, kind: str) -> None:
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


def test_a_large_valid_file_is_read(project: Project) -> None:
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


# Full and read-only disks

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
def test_a_full_or_read_only_disk(project: Project, which: str, fault: str) -> None:
    """Every change fails with the reason and changes nothing; export still works."""
    home, (option, fill, reason) = project.home, FAULTS[fault]
    home.pin(project.path, "openrouter\n")
    folder = home.file.parent if which == "config" else home.state
    before = home.file.read_bytes() + project.pin.read_bytes()
    lines = [
        'cp -a "$FOLDER" ~/copy && mount -t tmpfs -o mode=700,$0 tmpfs "$FOLDER" '
        '&& cp -a ~/copy/. "$FOLDER" || exit 77',
        f'cd "$FOLDER"; {{ {fill}; }} 2>/dev/null; cd ~/project',
        *(
            f"echo sk-new | cowork-env {command}; echo status-$? >&2"
            for command in (*CHANGES[which], "export --format json")
        ),
        f"cat {home.file} {project.pin}; find \"$FOLDER\" -name '*.tmp'",
    ]
    done = execute(
        [need("unshare"), "-rm", "sh", "-c", "\n".join(lines), option],
        env={**home.env, "FOLDER": str(folder)},
        cwd=home.path,
        input="",
    )
    if done.returncode == 77 or "unshare failed" in done.stderr:
        pytest.skip(f"nothing can be mounted here: {done.stderr}")
    assert done.stderr.count("status-1\n") == len(CHANGES[which]) == done.stderr.count(reason), (
        done.stderr
    )
    assert done.stderr.endswith("status-0\n") and "this is a bug" not in done.stderr
    values, _, files = done.stdout.partition("}\n")
    assert json.loads(values + "}")["ANTHROPIC_AUTH_TOKEN"] == GUIDE[1]["authToken"]
    assert files.encode() == before


def test_a_broken_list_of_providers_in_a_variable() -> None:
    for text in ("[", '[{"name": "\udcff"}]', "\x1b[2J", "{}", "[1]"):
        try:
            listed = providers.load({"COWORK_ENV_PROVIDERS_JSON": text}, "/nowhere")
            assert isinstance(listed, Providers)
            listed.provider(listed.find("x"))
        except CoworkEnvError as error:
            assert not any(is_control(char) for char in error.message + error.hint)
        else:
            pytest.fail("accepted")


# Text on a terminal


def test_visible_escapes_control_characters() -> None:
    assert visible("OpenRouter — 日本語 é") == "OpenRouter — 日本語 é"
    assert (
        visible("\x1b[31m\r\n\t\0\x7f\x9b\u202e\u2066\u200b\ud800\U000e0041")
        == r"\x1b[31m\r\n\t\x00\x7f\x9b\u202e\u2066\u200b\ud800\U000e0041"
    )
    assert len(visible("x" * 500)) == 200 and visible("x" * 500).endswith("…")
    for code in (*range(0x3100), *range(0xD7F0, 0x10000), 0xE0001, 0x1F600):
        assert not any(is_control(char) for char in visible(chr(code))), hex(code)
