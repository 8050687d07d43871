"""github, gitlab and azure, read back by readers written from their documented grammar."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cowork_env import formats
from cowork_env.util.errors import CoworkEnvError

from support.formats import KEYS, OPENROUTER, SET, TARGETS, Values, emit, emitted, refused
from support.home import GUIDE
from support.readers import Runner, read_azure, read_gitlab

# github


@given(TARGETS, st.sampled_from(["", "A=1\n", "A=1", "A<<E\nx\nE\n"]))
def test_github_reads_back_what_was_appended(wanted: Values, before: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        runner = Runner(Path(folder) / "set_env", before)
        earlier = Runner(
            Path(folder) / "earlier",
            before if before.endswith("\n") or not before else before + "\n",
        ).read()
        masks = runner.masks(emit("github", wanted, env=runner.env()))
        assert runner.read() == earlier | wanted
    key = wanted["ANTHROPIC_AUTH_TOKEN"]
    assert key is not None
    for part in (key, *key.replace("\r", "\n").split("\n")):
        assert part in masks or not part.strip()
    assert not any(mask.strip() == "" for mask in masks)


def test_github_masks_keys_and_nothing_else(tmp_path: Path) -> None:
    runner = Runner(tmp_path / "f")
    assert emit("github", OPENROUTER, env=runner.env()) == f"::add-mask::{GUIDE[1]['authToken']}\n"
    assert runner.read() == SET


def test_github_masks_before_anything_else(tmp_path: Path) -> None:
    """A key that could not be masked must not reach a later step."""
    runner = Runner(tmp_path / "f", "A=1\n")
    seen = []
    formats.emit(
        "github", OPENROUTER, KEYS, runner.env(), lambda text: seen.append((text, runner.read()))
    )
    assert seen == [(f"::add-mask::{GUIDE[1]['authToken']}\n", {"A": "1"})]
    runner = Runner(tmp_path / "g", "A=1\n")

    def full(text: str) -> None:
        raise CoworkEnvError("full")

    with pytest.raises(CoworkEnvError):
        formats.emit("github", OPENROUTER, KEYS, runner.env(), full)
    assert runner.read() == {"A": "1"}


def test_github_without_keys_masks_nothing(tmp_path: Path) -> None:
    runner = Runner(tmp_path / "f")
    wanted = {k: v for k, v in OPENROUTER.items() if k not in KEYS}
    assert emit("github", wanted, env=runner.env()) == ""
    assert not KEYS & set(runner.read())


def test_github_uses_a_new_delimiter_each_time(tmp_path: Path) -> None:
    seen = set()
    for i in range(8):
        runner = Runner(tmp_path / str(i))
        emit("github", {"A": "1", "B": "2"}, env=runner.env())
        seen.add(runner.file.read_text().partition("<<")[2].partition("\n")[0])
    assert len(seen) == 8


def test_a_delimiter_that_is_in_a_value_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draws = [b"\0" * 16, b"\1" * 16]
    monkeypatch.setattr(formats.os, "urandom", lambda n: draws.pop(0))
    runner = Runner(tmp_path / "f")
    value = "x\ncowork_env_" + "00" * 16 + "\nEVIL=1"
    emit("github", {"A": value}, env=runner.env())
    assert runner.read() == {"A": value}
    assert not draws


def test_github_sets_variables_that_must_be_unset_to_empty(tmp_path: Path) -> None:
    runner = Runner(tmp_path / "f")
    emit(
        "github",
        OPENROUTER,
        env=runner.env(CLAUDE_CODE_USE_BEDROCK="1", ANTHROPIC_CUSTOM_HEADERS=""),
    )
    assert runner.read() == SET | {"CLAUDE_CODE_USE_BEDROCK": ""}


@pytest.mark.parametrize("name", ["github", "azure"])
@pytest.mark.parametrize("variable", ["ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"])
def test_a_url_or_key_that_cannot_be_unset_is_refused(
    tmp_path: Path, name: str, variable: str
) -> None:
    runner = Runner(tmp_path / "f")
    refused(name, {**OPENROUTER, variable: None}, runner.env(**{variable: "https://theirs"}))
    assert runner.file.read_bytes() == b""


def test_github_needs_a_regular_file_in_its_variable(tmp_path: Path) -> None:
    assert "GITHUB_ENV" in refused("github", OPENROUTER).message
    missing = tmp_path / "missing"
    refused("github", OPENROUTER, {"GITHUB_ENV": str(missing)})
    assert not missing.exists()
    refused("github", OPENROUTER, {"GITHUB_ENV": "/dev/null"})
    refused("github", OPENROUTER, {"GITHUB_ENV": str(tmp_path)})


@pytest.mark.parametrize("variable", ["GITHUB_PATH", "RUNNER_TEMP", "NODE_OPTIONS"])
def test_github_refuses_variables_of_the_runner(tmp_path: Path, variable: str) -> None:
    runner = Runner(tmp_path / "f", "A=1\n")
    refused("github", {"ANTHROPIC_MODEL": "m", variable: "x"}, runner.env())
    assert runner.read() == {"A": "1"}


def test_a_partial_write_is_rolled_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runner = Runner(tmp_path / "f", "A=1")
    real, calls = os.write, []

    def write(descriptor: int, data: bytes) -> int:
        calls.append(data)
        if len(calls) > 1:
            raise OSError(28, "No space left on device")
        return real(descriptor, data[:9])

    monkeypatch.setattr(formats.os, "write", write)
    refused("github", OPENROUTER, runner.env())
    monkeypatch.undo()
    assert runner.file.read_bytes() == b"A=1"
    assert stat.S_ISREG(runner.file.stat().st_mode)


# gitlab


@given(TARGETS)
def test_gitlab_reads_back_what_was_written(wanted: Values) -> None:
    text = emitted("gitlab", wanted)
    assert text is None or read_gitlab(text) == wanted


def test_gitlab_carries_a_provider() -> None:
    assert read_gitlab(emit("gitlab", OPENROUTER)) == SET


@pytest.mark.parametrize("value", ["a\nb", "a\rb", " a", "a\t", "$HOME", "%PATH%", "x" * 5200])
def test_gitlab_refuses_what_a_report_cannot_carry(value: str) -> None:
    refused("gitlab", {"EXTRA": value})


def test_gitlab_limits_the_number_of_variables() -> None:
    many: Values = {f"V{i}": "1" for i in range(20)}
    assert len(read_gitlab(emit("gitlab", many))) == 20
    refused("gitlab", {**many, "V20": "1"})


def test_gitlab_refuses_variables_that_have_another_value() -> None:
    refused("gitlab", OPENROUTER, {"ANTHROPIC_BASE_URL": "https://theirs"})
    refused("gitlab", OPENROUTER, {"CLAUDE_CODE_USE_VERTEX": "1"})
    assert emit("gitlab", OPENROUTER, env=SET)


# azure


@given(TARGETS)
@example({"X": "%3B%0A%AZP25;]\r\n%"})
def test_azure_reads_back_what_was_written(wanted: Values) -> None:
    text = emitted("azure", wanted)
    if text is not None:
        assert read_azure(text) == (wanted, KEYS & set(wanted))


def test_azure_sets_keys_first_and_as_secrets() -> None:
    text = emit("azure", OPENROUTER, env={"CLAUDE_CODE_OAUTH_TOKEN": "theirs"})
    assert text.startswith(
        "##vso[task.setvariable variable=ANTHROPIC_AUTH_TOKEN;issecret=true]sk-or-"
    )
    assert read_azure(text) == (SET | {"CLAUDE_CODE_OAUTH_TOKEN": ""}, {"ANTHROPIC_AUTH_TOKEN"})


@pytest.mark.parametrize(
    "wanted",
    [
        {"SECRET_X": "1"},
        {"EXTRA": "$(System.AccessToken)"},
        {"https_proxy": "x"},
        {"ANTHROPIC_AUTH_TOKEN": "two\nlines"},
    ],
)
def test_azure_refuses_what_it_cannot_carry(wanted: Values) -> None:
    refused("azure", wanted)
