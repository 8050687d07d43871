"""``init``."""

from __future__ import annotations

import os
import subprocess

import pytest
import shellingham  # type: ignore[import-untyped]

from cowork_env.cli import inputs

from support.home import Home, need
from support.program import Program

RC = {"bash": ".bashrc", "zsh": ".zshrc", "fish": ".config/fish/config.fish"}


@pytest.mark.parametrize("shell", RC)
def test_init_adds_the_line_once_and_removes_it(program: Program, home: Home, shell: str) -> None:
    rc = home.path / RC[shell]
    rc.parent.mkdir(parents=True, exist_ok=True)
    before = b"# mine \xff\nalias x=y"
    rc.write_bytes(before)
    rc.chmod(0o600)
    result = program.run("init", shell)
    assert result.returncode == 0
    assert f"added to ~/{RC[shell]}" in result.stderr
    text = rc.read_bytes()
    assert text.startswith(before + b"\n")
    assert text.count(b"\n") == 3
    assert rc.stat().st_mode & 0o777 == 0o600
    assert "already" in program.run("init", shell).stderr
    assert rc.read_bytes() == text
    assert program.run("init", shell, "--remove").returncode == 0
    assert rc.read_bytes() == before + b"\n"
    assert "has no hook line" in program.run("init", shell, "--remove").stderr


@pytest.mark.parametrize("shell", RC)
def test_the_line_that_init_adds_loads_the_hook(program: Program, home: Home, shell: str) -> None:
    need(shell)
    assert program.run("init", shell).returncode == 0
    probe = {
        "bash": "declare -F __cowork_env_prompt",
        "zsh": "functions __cowork_env_prompt",
        "fish": "functions -n -a",
    }[shell]
    result = subprocess.run(
        [shell, "-i", "-c", probe],
        env=home.env,
        cwd=home.path,
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert "cowork_env" in result.stdout, result.stderr


def test_init_follows_links_and_zdotdir(program: Program, home: Home) -> None:
    dotfiles = home.path / "dotfiles"
    dotfiles.mkdir()
    (dotfiles / "rc").write_text("# mine\n")
    (dotfiles / ".zshrc").symlink_to("rc")
    assert program.run("init", "zsh", ZDOTDIR=str(dotfiles)).returncode == 0
    assert (dotfiles / ".zshrc").is_symlink()
    assert (dotfiles / "rc").read_text() == '# mine\neval "$(cowork-env hook zsh)"\n'
    assert not (home.path / ".zshrc").exists()


def test_init_keeps_another_hook_line(program: Program, home: Home) -> None:
    rc = home.path / ".bashrc"
    rc.write_text(
        '# eval "$(cowork-env hook bash)" is off\nif true; then\n  eval "$(cowork-env hook)"; fi\n'
    )
    before = rc.read_text()
    for args in (["init", "bash"], ["init", "bash", "--remove"]):
        assert "~/.bashrc, line 3, has a hook line of its own" in program.run(*args).stderr
        assert rc.read_text() == before


def test_init_with_an_unknown_shell(program: Program) -> None:
    assert program.run("init", "tclsh").returncode == 2


def test_the_shell_is_detected_without_programs_of_the_directory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where there is no /proc, shellingham runs ps, by name."""
    seen: list[str] = []

    def detect() -> tuple[str, str]:
        seen.append(os.environ["PATH"])
        return "zsh", "/bin/zsh"

    monkeypatch.setattr(shellingham, "detect_shell", detect)
    for path, searched in (("/a:.::b:/c", "/a:/c"), (".", os.defpath), ("", os.defpath)):
        monkeypatch.setenv("PATH", path)
        assert inputs.detect_shell() == "zsh"
        assert os.environ["PATH"] == path and seen[-1] == searched
    monkeypatch.delenv("PATH")
    assert inputs.detect_shell() == "zsh"
    assert "PATH" not in os.environ and seen[-1] == os.defpath
