"""Startup files of shells: the hook line in them, and the variables they set."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from cowork_env import launcher, startup_files
from cowork_env.core.resolve import Inputs
from cowork_env.util import paths
from cowork_env.util.errors import CoworkEnvError
from cowork_env.util.text import tilde

from support.home import need
from support.program import execute
from support.shells import PLAIN


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
        ('  eval "$(cowork-env hook bash)"', True),  # part of something
        ('eval "$("$HOME/.local/bin/cowork-env" hook bash)"', True),
        ("cowork-env  hook fish | source", True),
        ("'/opt/a b#c/cowork-env' hook fish | source", True),
        ('# eval "$(cowork-env hook bash)"', False),
        ("alias x=y # as in: cowork-env hook bash", False),
        ("cowork-env hooks", False),
    ],
)
def test_lines_of_the_user_that_load_the_hook(tmp_path: Path, line: str, loads: bool) -> None:
    """``doctor`` reports them, and ``init`` adds no second one and removes none."""
    path, env = tmp_path / ".bashrc", {"HOME": str(tmp_path)}
    path.write_text(f"\n{line}\n")
    assert startup_files.hook_lines([str(path)], str(tmp_path)) == (
        ["~/.bashrc:2"] if loads else []
    )
    removed = startup_files.uninstall("bash", env)
    added = startup_files.install("bash", env)
    if loads:
        assert (removed.result, removed.number) == (startup_files.OTHER_LINE, 2)
        assert (added.result, added.number) == (startup_files.OTHER_LINE, 2)
        assert path.read_text() == f"\n{line}\n"
    else:
        assert (removed.result, added.result) == (startup_files.UNCHANGED, startup_files.ADDED)


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


EARLIER = {
    "bash": ['eval "$(cowork-env hook bash)"', 'eval "$(cowork-env hook bash)"     # in ~/.bashrc'],
    "zsh": ['eval "$(cowork-env hook zsh)"', 'eval "$(cowork-env hook zsh)"      # in ~/.zshrc'],
    "fish": [
        "cowork-env hook fish | source",
        "cowork-env hook fish | source      # in ~/.config/fish/config.fish",
    ],
    "xonsh": ["execx($(cowork-env hook xonsh))"],
    "elvish": ["eval (cowork-env hook elvish | slurp)"],
}


@pytest.mark.parametrize("shell", EARLIER)
def test_an_older_line_is_replaced_where_it_stands(tmp_path: Path, shell: str) -> None:
    """Each form of earlier versions, and the present form with the program of another time."""
    env = {"HOME": str(tmp_path)}
    path = Path(startup_files.path_of(shell, env))
    path.parent.mkdir(parents=True, exist_ok=True)
    line = startup_files.line_of(shell, env)
    present = startup_files.program(env)
    moved = [line.replace(present, other) for other in ("~/x/cowork-env", "/a#b/cowork-env")]
    before, after = b"# mine \xff\r\nalias x=y\r\n", b"\n  last = 1"
    for old in (*EARLIER[shell], *moved):
        path.write_bytes(before + old.encode() + b"  \n\n" + old.encode() + b"\n" + after)
        assert startup_files.install(shell, env).result == startup_files.REPLACED, old
        assert path.read_bytes() == before + line.encode() + b"\n\n" + after
        assert startup_files.install(shell, env).result == startup_files.UNCHANGED
        path.write_bytes(before + old.encode() + after)
        assert startup_files.uninstall(shell, env).result == startup_files.REMOVED, old
        assert path.read_bytes() == before + after[1:]


# The program's path


def _program(path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program at ``path``, as the one that runs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\nprintf 'echo loaded'\n")
    path.chmod(0o755)
    monkeypatch.setattr("sys.argv", [str(path)])
    monkeypatch.setattr("sys.executable", str(path.parent / "python3"))
    return path


def test_the_link_on_path_is_preferred(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It stays when pipx or uv make the environment behind it again."""
    inside = _program(tmp_path / "venvs/cowork-env/bin/cowork-env", monkeypatch)
    folder, other = tmp_path / "bin", tmp_path / "other"
    env = {"HOME": str(tmp_path), "PATH": f":.:{other}:{inside.parent}:{folder}"}
    other.mkdir()
    (other / "cowork-env").write_text("#!/bin/sh\n")
    (other / "cowork-env").chmod(0o755)  # another installation
    assert startup_files.program(env) == str(inside)
    folder.mkdir()
    (folder / "cowork-env").symlink_to(inside)
    assert startup_files.program(env) == f"{folder}/cowork-env"
    local = tmp_path / ".local/bin/cowork-env"
    local.parent.mkdir(parents=True)
    local.symlink_to(inside)
    assert startup_files.program(env | {"PATH": "/bin"}) == str(local)  # not on PATH yet
    monkeypatch.setattr("sys.executable", "/nowhere/python3")
    monkeypatch.setattr("sys.argv", [f"{inside}-python"])  # as the command starts it
    assert startup_files.program(env) == str(inside)
    monkeypatch.chdir(other)
    for word in ("-c", "cowork-env-python"):
        monkeypatch.setattr("sys.argv", [word])
        assert startup_files.program(env | {"PATH": str(inside.parent)}) == str(inside)
    assert startup_files.program(env) == f"{other}/cowork-env"


@pytest.mark.parametrize("name", ["~", 'it\'s a "b" $x`y`\\c#;(ü)'])
@pytest.mark.parametrize("shell", startup_files.SHELLS)
def test_a_path_is_quoted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shell: str, name: str
) -> None:
    """The line loads the hook by it, and is recognized."""
    _program(tmp_path / name / "cowork-env", monkeypatch)
    env = {"HOME": str(tmp_path), "PATH": "/bin"}
    startup_files.install(shell, env)
    path = startup_files.path_of(shell, env)
    assert startup_files.hook_places(shell, env) == [f"{tilde(path, str(tmp_path))}:1"]
    assert startup_files.install(shell, env).result == startup_files.UNCHANGED
    options = {"fish": ["-i"]}.get(shell, [])
    line = Path(path).read_text()
    binary = need(shell)
    env |= {"PATH": "/bin:/usr/bin", "LC_ALL": "C.UTF-8", "TERM": "dumb"}
    for there in (True, False):
        done = execute([binary, *PLAIN[shell][1:], *options, "-c", line], env=env, cwd=tmp_path)
        assert (done.returncode, done.stdout, done.stderr) == (0, "loaded\n" * there, ""), line
        (tmp_path / name / "cowork-env").unlink(missing_ok=True)
    assert startup_files.uninstall(shell, env).result == startup_files.REMOVED
    assert Path(path).read_text() == ""


def test_a_line_whose_program_is_gone_loads_nothing(tmp_path: Path) -> None:
    path = tmp_path / ".bashrc"
    env = {"HOME": str(tmp_path)}
    gone = startup_files.line_of("bash", env).replace(startup_files.program(env), "~/x/cowork-env")
    path.write_text(f"\n{gone}\n")
    assert startup_files.hook_lines([str(path)], str(tmp_path)) == []
    assert startup_files.hook_lines([str(path)], str(tmp_path), gone=True) == ["~/.bashrc:2"]


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


HIDING = {
    'alias claude="/home/u/.claude/local/claude"': "an alias",
    "alias claude='~/.claude/local/claude --verbose'": "an alias",
    "  alias claude=other": "an alias",
    "alias -g claude=/opt/claude": "an alias",
    "alias claude /opt/claude": "an alias",
    'claude() { /opt/claude "$@"; }': "a function",
    'function claude {\n  ~/x/claude "$@"\n}': "a function",
    "function claude --description 'runs claude'\n    /opt/claude $argv\nend": "a function",
    "claude () {\n  # claude\n  ccr code\n}\nclaude": "a function",
}
NOT_HIDING = (
    "# alias claude=/opt/claude",
    "alias claude='claude --verbose'",
    "alias claude='FOO=1 command claude'",
    "alias claude-code=/opt/claude",
    "alias cc=claude",
    'claude() { command claude --verbose "$@"; }',
    "function claude\n    command claude $argv\nend",
    'function claude {\n  local x=1\n  env A=1 claude "$@"\n}',
    "claude_x() { /opt/claude; }",
    "function claude-x { /opt/claude; }",
    "export CLAUDE=claude",
)


@pytest.mark.parametrize("text", HIDING)
def test_what_hides_a_program_on_path(text: str, tmp_path: Path) -> None:
    file = tmp_path / "rc"
    file.write_text(f"# mine\n{text}\nexport X=claude\n")
    found = startup_files.hiding("claude", [str(file)], str(tmp_path))
    assert found == [(HIDING[text], "~/rc:2")]


@pytest.mark.parametrize("text", NOT_HIDING)
def test_what_does_not_hide_it(text: str, tmp_path: Path) -> None:
    file = tmp_path / "rc"
    file.write_text(f"{text}\n/opt/claude\n")
    assert startup_files.hiding("claude", [str(file)], str(tmp_path)) == []


@pytest.mark.parametrize(
    "prefix",
    ["/h/.cache/uv/archive-v0/VToNR733qEJwO9Oo", "/h/.local/share/pipx/.cache/8aeb1e11b350218"],
)
def test_nothing_that_stays_names_a_cache(
    tmp_path: Path, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``uvx`` and ``pipx run`` remove the program again, with it a line or a launcher is broken."""
    monkeypatch.setattr(sys, "prefix", prefix)
    with pytest.raises(CoworkEnvError, match="in a cache"):
        startup_files.install("bash", {"HOME": str(tmp_path)})
    with pytest.raises(CoworkEnvError, match="in a cache"):
        launcher.add("claude", Inputs({"HOME": str(tmp_path)}, "/", str(tmp_path), str(tmp_path)))
    assert not list(tmp_path.iterdir())
    paths.check_permanent("/h/.local/share/uv/tools/cowork-env")
    paths.check_permanent("/h/.local/share/pipx/venvs/cowork-env")
