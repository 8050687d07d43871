"""``pin`` and ``unpin``."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cowork_env.core.trust import ALLOWED

from support.home import GUIDE, Home
from support.terminal import Dialog
from support.trust import active, run, state

PIN = ".cowork-provider"


@pytest.fixture
def project(home: Home) -> Path:
    """A directory to pin, with the guide's providers."""
    home.providers()
    path = home.path / "work/app"
    path.mkdir(parents=True)
    return path


def test_pin_writes_and_allows(home: Home, project: Path) -> None:
    result = run(
        home, "pin", "openrouter", "--opus", "big", "--model", "usual", "--required", cwd=project
    )
    assert (result.returncode, result.stdout) == (0, "")
    assert result.stderr == "cowork-env: pinned OpenRouter (model usual, opus big, required) here\n"
    pin = project / PIN
    assert pin.read_text() == "OpenRouter\nmodel = usual\nopus = big\nrequired = true\n"
    assert pin.stat().st_mode & 0o7777 == 0o644
    assert state(home, pin) == ALLOWED
    assert active(home, project) == "OpenRouter"
    assert os.listdir(project) == [PIN]


def test_pin_again_keeps_the_other_lines(home: Home, project: Path) -> None:
    """Comments, blank lines, line ends and the order stay; options change their own lines alone."""
    pin = home.pin(
        project, "\ufeff# ours\r\n  OpenRouter \r\n\nopus=big\n# why\nrequired =  true\n\t"
    )
    said = run(home, "pin", "litellm-local", cwd=project).check().stderr
    assert said == "cowork-env: pinned LiteLLM Local (opus big, required) here\n"
    kept = "\ufeff# ours\r\nLiteLLM Local\r\n\nopus=big\n# why\nrequired =  true\n"
    assert pin.read_bytes().decode() == kept + "\t"
    run(home, "pin", "none", "--haiku", "small", "--opus", "bigger", cwd=project).check()
    kept = kept.replace("LiteLLM Local", "none").replace("opus=big", "opus = bigger")
    assert pin.read_bytes().decode() == kept + "\t\nhaiku = small\n"
    run(home, "pin", "none", "--opus", "", "--no-required", "--sonnet", "", cwd=project).check()
    kept = kept.replace("opus = bigger\n", "").replace("required =  true\n", "")
    assert pin.read_bytes().decode() == kept + "\t\nhaiku = small\n"
    run(home, "pin", "openrouter", "--required", cwd=project).check()
    assert pin.read_text().endswith("haiku = small\nrequired = true\n")
    assert state(home, pin) == ALLOWED


@pytest.mark.parametrize("denied", [False, True])
def test_pin_takes_no_line_from_a_pin_that_is_not_trusted(
    denied: bool, home: Home, project: Path
) -> None:
    pin = home.pin(project, "litellm-local\nopus = theirs\n", allow=False)
    if denied:
        run(home, "deny", cwd=project).check()
    said = run(home, "pin", "openrouter", cwd=project).check().stderr
    assert pin.read_text() == "OpenRouter\n"
    assert "Not kept, as the pin was not trusted: provider litellm-local (opus theirs)" in said


def test_pin_replaces_a_pin(home: Home, project: Path) -> None:
    run(home, "pin", "openrouter", cwd=project)
    assert run(home, "pin", "33333333-3333-4333-8333-333333333333", cwd=project).returncode == 0
    assert (project / PIN).read_text() == "LiteLLM Local\n"
    assert run(home, "pin", "none", cwd=project, COWORK_PROVIDER="openrouter").stderr.endswith(
        "COWORK_PROVIDER is set to 'openrouter' in this shell: it takes precedence.\n"
    )
    assert (project / PIN).read_text() == "none\n"
    assert active(home, project) == "none"


def test_pin_without_a_name_pins_what_applies(home: Home, project: Path) -> None:
    result = run(home, "pin", cwd=project)
    assert (result.returncode, (project / PIN).exists()) == (2, False)
    home.pin(project.parent, "LITELLM-LOCAL\n")
    assert run(home, "pin", cwd=project).returncode == 0
    assert (project / PIN).read_text() == "LiteLLM Local\n"


def test_pin_without_a_name_asks_on_a_terminal(home: Home, project: Path) -> None:
    with Dialog.with_program(home, "pin", cwd=project) as dialog:
        dialog.expect("AWS Bedrock")
        dialog.send("ope")
        dialog.expect("ope")
        dialog.send("\r")
        dialog.finish()
        assert dialog.status == 0
    assert (project / PIN).read_text() == "OpenRouter\n"


@pytest.mark.parametrize(
    ("args", "status", "message"),
    [
        (["openruter"], 1, "There is no provider 'openruter'"),
        (["broken"], 1, "baseUrl"),
        (["twin"], 1, "could be any of"),
        (["openrouter", "--opus", "https://evil.example"], 2, "--opus is a URL"),
        (["openrouter", "--opus", "a b"], 2, "--opus has white space"),
        (["openrouter", "--model", "'x'"], 2, "--model is quoted"),
        (["openrouter", "--model", "x" * 5000], 1, "does not fit"),
    ],
)
def test_pin_refuses_invalid_options(
    home: Home, project: Path, args: list[str], status: int, message: str
) -> None:
    twins = [
        {"id": str(n), "name": "Twin", "baseUrl": "https://x.example", "authToken": "k"}
        for n in (1, 2)
    ]
    home.providers([*GUIDE, {"name": "broken", "baseUrl": "ftp://x"}, *twins])
    result = run(home, "pin", *args, cwd=project)
    assert result.returncode == status
    assert message in result.stderr
    assert not (project / PIN).exists()
    assert not (home.state / "trust").exists()


def test_pin_uses_the_id_of_an_ambiguous_name(home: Home, project: Path) -> None:
    home.providers(
        [
            {"id": f"id-{n}", "name": "Twin", "baseUrl": f"https://{n}.example", "authToken": "k"}
            for n in (1, 2)
        ]
    )
    assert run(home, "pin", "id-2", cwd=project).returncode == 0
    assert (project / PIN).read_text() == "id-2\n"


@pytest.mark.parametrize(
    "content", [b"OpenRouter\nurl = https://x\n", b"\xff", b"# nothing\n", b"x" * 5000]
)
def test_pin_does_not_replace_an_invalid_file(home: Home, project: Path, content: bytes) -> None:
    pin = project / PIN
    pin.write_bytes(content)
    result = run(home, "pin", "openrouter", cwd=project)
    assert result.returncode == 1
    assert "--force" in result.stderr
    assert pin.read_bytes() == content
    assert run(home, "pin", "openrouter", "--force", cwd=project).returncode == 0
    assert pin.read_text() == "OpenRouter\n"


def test_pin_does_not_write_through_a_link_to_another_directory(home: Home, project: Path) -> None:
    other = home.path / "shared-pin"
    other.write_text("none\n")
    (project / PIN).symlink_to(other)
    result = run(home, "pin", "openrouter", cwd=project)
    assert result.returncode == 1
    assert "is a link to ~/shared-pin." in result.stderr
    assert other.read_text() == "none\n"
    assert run(home, "pin", "openrouter", "--force", cwd=project).returncode == 0
    assert other.read_text() == "none\n"
    assert not (project / PIN).is_symlink()
    assert active(home, project) == "OpenRouter"


def test_pin_writes_through_a_link_within_the_directory(home: Home, project: Path) -> None:
    (project / "pins").write_text("none\n")
    (project / PIN).symlink_to("pins")
    assert run(home, "pin", "openrouter", cwd=project).returncode == 0
    assert (project / "pins").read_text() == "OpenRouter\n"
    assert active(home, project) == "OpenRouter"


@pytest.mark.parametrize("kind", ["fifo", "directory"])
def test_pin_does_not_hang_on_special_files(home: Home, project: Path, kind: str) -> None:
    if kind == "fifo":
        os.mkfifo(project / PIN)
    else:
        (project / PIN).mkdir()
    result = run(home, "pin", "openrouter", cwd=project)
    assert result.returncode == 1
    assert "is not a regular file" in result.stderr
    assert run(home, "allow", cwd=project).returncode == 1
    assert run(home, "deny", cwd=project).returncode == 0


def test_unpin(home: Home, project: Path) -> None:
    run(home, "pin", "openrouter", cwd=project)
    below = project / "below"
    below.mkdir()
    result = run(home, "unpin", cwd=below)
    assert result.returncode == 1
    assert "The pin that applies is ~/work/app/.cowork-provider." in result.stderr
    assert (
        run(home, "unpin", cwd=project).stderr
        == "cowork-env: removed ~/work/app/.cowork-provider\n"
    )
    assert not (project / PIN).exists()
    assert run(home, "unpin", cwd=project).returncode == 1
