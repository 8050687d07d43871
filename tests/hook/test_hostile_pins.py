"""Pins that are hostile: their kind of file, content, names, owners, and changes while read."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cowork_env.core import pins, resolve, trust
from cowork_env.core.resolve import Inputs

from support.home import Home
from support.hostile import NOBODY, NOT_REGULAR, Project, as_nobody, open_to_all


@pytest.fixture
def project(home: Home) -> Project:
    return Project(home)


@pytest.mark.parametrize("allowed", [False, True], ids=["untrusted", "below"])
@pytest.mark.parametrize("kind", NOT_REGULAR)
@pytest.mark.timeout(20)  # the defect would be a hang
def test_a_pin_that_is_not_a_regular_file(
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


def test_trust_is_per_user_whoever_owns_the_pin(project: Project) -> None:
    """Another user's pin must be trusted like any other; another user's trust store is ignored."""
    if os.geteuid() != 0:
        pytest.skip("only root can make another user's files")
    project.home.pin(project.path, "openrouter")
    os.chown(project.pin, NOBODY, NOBODY)
    assert project.ask()[0].provider
    project.pin.write_text("aws-bedrock")
    assert not project.ask()[0].provider
    project.pin.write_text("openrouter")
    for folder in (project.home.state / "trust", project.home.state):
        os.chown(folder, NOBODY, NOBODY)
        found, said = project.ask()
        assert not found.provider and "belongs to another user; " in said
        assert "not trusted" not in said  # what to do about that would not help
        os.chown(folder, 0, 0)
    assert project.ask()[0].provider


@pytest.mark.parametrize("length", [3900, 4070, 4090, 5000])
def test_the_longest_paths(project: Project, length: int) -> None:
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


def test_hostile_folder_names(project: Project) -> None:
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
    """A writer swaps trusted and hostile content thousands of times while the pin is resolved."""
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
