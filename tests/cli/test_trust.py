"""``allow``, ``deny`` and ``prune``."""

from __future__ import annotations

from pathlib import Path

import pytest

from cowork_env.core.trust import ALLOWED, DENIED, UNTRUSTED

from support.home import Home
from support.trust import active, run, state

PIN = ".cowork-provider"


@pytest.fixture
def project(home: Home) -> Path:
    """A directory to pin, with the guide's providers."""
    home.providers()
    path = home.path / "work/app"
    path.mkdir(parents=True)
    return path


def test_allow_shows_what_the_pin_does(home: Home, project: Path) -> None:
    pin = home.pin(project, "openrouter\nmodel = m1\nopus = o1\nrequired = true\n", allow=False)
    assert active(home, project) == "exit 3"
    result = run(home, "allow", cwd=project)
    assert (result.returncode, result.stdout) == (0, "")
    assert result.stderr == (
        "~/work/app/.cowork-provider\n"
        "  provider  OpenRouter\n"
        "  base URL  https://openrouter.ai/api\n"
        "  model     m1  (ANTHROPIC_MODEL)\n"
        "  opus      o1  (ANTHROPIC_DEFAULT_OPUS_MODEL)\n"
        "  required  clients fail when it cannot be used\n"
        "cowork-env: allowed\n"
    )
    assert state(home, pin) == ALLOWED
    assert active(home, project) == "OpenRouter"
    pin.write_text("litellm-local\n")
    assert active(home, project) == "exit 3"


def test_allow_reports_an_unknown_provider(home: Home, project: Path) -> None:
    home.pin(project, "nobody\n", allow=False)
    result = run(home, "allow", cwd=project)
    assert result.returncode == 0
    assert "but       There is no provider 'nobody'" in result.stderr


@pytest.mark.parametrize(
    "text", ["OpenRouter\nurl = x\n", "Open\x1b[2JRouter\n", "# nothing\n", "x" * 5000, ""]
)
def test_allow_refuses_an_invalid_pin(home: Home, project: Path, text: str) -> None:
    pin = home.pin(project, text, allow=False)
    result = run(home, "allow", cwd=project)
    assert result.returncode == 1
    assert "\x1b" not in result.stderr
    assert state(home, pin) == UNTRUSTED


@pytest.mark.parametrize("how", ["directory", "file", "relative", "trailing", "link"])
def test_allow_takes_a_pin_or_its_directory(home: Home, project: Path, how: str) -> None:
    pin = home.pin(project, "openrouter\n", allow=False)
    (home.path / "link").symlink_to(project)
    path = {
        "directory": project,
        "file": pin,
        "relative": "work/app",
        "trailing": f"{project}/",
        "link": "link",
    }[how]
    assert run(home, "allow", str(path)).returncode == 0
    assert state(home, pin) == ALLOWED


def test_allow_and_deny_report_a_missing_pin(home: Home, project: Path) -> None:
    for command in ("allow", "deny"):
        assert run(home, command, cwd=project).stderr.startswith(
            "cowork-env: There is no pin here or above."
        )
        assert run(home, command, str(project)).returncode == 1
        assert run(home, command, str(project / PIN)).returncode == 1
        assert run(home, command, str(home.file)).returncode == 2
        assert run(home, command, "no\x1bwhere").returncode == 2


def test_allow_without_a_path_means_the_nearest_pin_that_needs_it(
    home: Home, project: Path
) -> None:
    """A denied pin is ignored without a notice, so the notice and "allow" mean the next one."""
    outer = home.pin(home.path / "work", "openrouter\n", allow=False)
    inner = home.pin(project, "litellm-local\n", allow=False)
    run(home, "deny", cwd=project)
    assert (state(home, inner), state(home, outer)) == (DENIED, UNTRUSTED)
    run(home, "allow", cwd=project)
    assert (state(home, inner), state(home, outer)) == (DENIED, ALLOWED)
    # When no pin needs it, the nearest is meant: a denial can be undone in its directory.
    run(home, "allow", cwd=project)
    assert (state(home, inner), state(home, outer)) == (ALLOWED, ALLOWED)
    run(home, "deny", cwd=project)
    assert (state(home, inner), state(home, outer)) == (DENIED, ALLOWED)


def test_allow_without_a_path_ignores_pins_above_a_trusted_one(home: Home, project: Path) -> None:
    outer = home.pin(home.path / "work", "openrouter\n", allow=False)
    inner = home.pin(project, "litellm-local\n")
    run(home, "allow", cwd=project)
    assert (state(home, inner), state(home, outer)) == (ALLOWED, UNTRUSTED)


def test_deny_takes_precedence_over_below_and_allow_undoes_it(home: Home, project: Path) -> None:
    pin = home.pin(project, "openrouter\n", allow=False)
    result = run(home, "allow", "--below", str(home.path / "work"))
    assert result.stderr == "cowork-env: every pin in and below ~/work is allowed\n"
    assert active(home, project) == "OpenRouter"
    assert (
        run(home, "deny", str(project)).stderr
        == "cowork-env: ~/work/app/.cowork-provider is denied\n"
    )
    assert active(home, project) == "none"
    assert run(home, "allow", str(pin)).returncode == 0
    assert active(home, project) == "OpenRouter"


def test_deny_undoes_allow_below(home: Home, project: Path) -> None:
    pin = home.pin(project, "openrouter\n", allow=False)
    (home.path / "workshop").mkdir()
    sibling = home.pin(home.path / "workshop", "openrouter\n", allow=False)
    run(home, "allow", "--below", cwd=home.path / "work")
    assert (state(home, pin), state(home, sibling)) == (ALLOWED, UNTRUSTED)
    assert run(home, "deny", str(home.path / "work")).returncode == 0
    assert state(home, pin) == UNTRUSTED
    assert run(home, "deny", str(home.path / "work")).returncode == 1


def test_allow_below_refuses_the_root_directory(home: Home) -> None:
    assert run(home, "allow", "--below", "/").returncode == 2
    assert run(home, "allow", "--below", str(home.path / "nowhere")).returncode == 2
    assert not (home.state / "trust").exists()


def test_prune(home: Home, project: Path) -> None:
    home.pin(project, "openrouter\n")
    (home.path / "gone").mkdir()
    gone = home.pin(home.path / "gone", "openrouter\n")
    gone.unlink()
    result = run(home, "prune")
    assert result.stderr == "allow ~/gone/.cowork-provider\ncowork-env: 1 record removed\n"
    assert active(home, project) == "OpenRouter"
    assert run(home, "prune").stderr == "cowork-env: 0 records removed\n"
