"""Startup files of shells: the hook line in them, and the variables they set."""

from __future__ import annotations

from pathlib import Path

import pytest

from cowork_env import startup_files


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("export ANTHROPIC_BASE_URL=x", True),
        ("FOO=1 ANTHROPIC_BASE_URL=x", True),
        ("if true; then export ANTHROPIC_BASE_URL=x; fi", True),
        ("set -gx ANTHROPIC_BASE_URL x", True),
        ("set -Ux ANTHROPIC_BASE_URL x", True),
        ("SETUVAR --export ANTHROPIC_BASE_URL:x", True),
        ("# export ANTHROPIC_BASE_URL=x", False),
        ("MY_ANTHROPIC_BASE_URL=x", False),
        ("export ANTHROPIC_BASE_URL=", False),
        ("echo $ANTHROPIC_BASE_URL", False),
        ("unset ANTHROPIC_BASE_URL", False),
        ("set -e ANTHROPIC_BASE_URL_OTHER", False),
    ],
)
def test_assignments(tmp_path: Path, line: str, found: bool) -> None:
    path = tmp_path / "rc"
    path.write_text(f"\n{line}\n")
    expected = [("ANTHROPIC_BASE_URL", "~/rc:2")] if found else []
    assert startup_files.assignments([str(path)], ["ANTHROPIC_BASE_URL"], str(tmp_path)) == expected


@pytest.mark.parametrize(
    ("line", "loads"),
    [
        ('eval "$(cowork-env hook bash)"', True),
        ('  eval "$("$HOME/.local/bin/cowork-env" hook bash)"', True),
        ("cowork-env  hook fish | source", True),
        ('# eval "$(cowork-env hook bash)"', False),
        ("alias x=y # as in: cowork-env hook bash", False),
        ("cowork-env hooks", False),
    ],
)
def test_lines_that_load_the_hook(tmp_path: Path, line: str, loads: bool) -> None:
    """``doctor`` reports them, and ``init`` adds no second one."""
    path = tmp_path / ".bashrc"
    path.write_text(f"\n{line}\n")
    assert startup_files.hook_lines([str(path)], str(tmp_path)) == (
        ["~/.bashrc:2"] if loads else []
    )
    change = startup_files.install("bash", {"HOME": str(tmp_path)})
    same = line == startup_files.SHELLS["bash"].line
    expected = startup_files.UNCHANGED if same else startup_files.OTHER_LINE
    assert change.result == (expected if loads else startup_files.ADDED)
    assert change.number == (2 if loads and not same else 0)


@pytest.mark.parametrize("shell", startup_files.SHELLS)
def test_installed_line_is_found_and_removed_again(tmp_path: Path, shell: str) -> None:
    env = {"HOME": str(tmp_path)}
    assert startup_files.install(shell, env).result == startup_files.ADDED
    paths = startup_files.existing(shell, env, system=False)
    assert paths == [startup_files.path_of(shell, env)]
    assert len(startup_files.hook_lines(paths, env["HOME"])) == 1
    assert startup_files.install(shell, env).result == startup_files.UNCHANGED
    assert startup_files.uninstall(shell, env).result == startup_files.REMOVED
    assert Path(paths[0]).read_text() == ""
    assert startup_files.uninstall(shell, env).result == startup_files.UNCHANGED


def test_every_place_is_read_for_an_unknown_shell(tmp_path: Path) -> None:
    names = [".profile", ".zshrc", ".config/fish/conf.d/a.fish", ".config/environment.d/b.conf"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = startup_files.existing("", {"HOME": str(tmp_path)}, system=False)
    assert found == [str(tmp_path / name) for name in names]


@pytest.mark.parametrize(
    ("shell", "line", "found"),
    [
        ("bash", "PROMPT_COMMAND='history -a'", True),
        ("bash", 'export PROMPT_COMMAND="history -a; $PROMPT_COMMAND"', False),
        ("zsh", "precmd_functions=(mine)", True),
        ("zsh", "precmd_functions=(mine $precmd_functions)", False),
        ("fish", "PROMPT_COMMAND=x", False),
        ("", "PROMPT_COMMAND=x", False),
    ],
)
def test_line_that_displaces_the_hook(tmp_path: Path, shell: str, line: str, found: bool) -> None:
    path = tmp_path / "rc"
    path.write_text(f"{line}\ncowork-env hook\n{line}\n")
    expected = "~/rc:3" if found else ""
    assert startup_files.displaced(shell, [str(path)], str(tmp_path)) == expected
