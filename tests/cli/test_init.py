"""``init``."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import shellingham  # type: ignore[import-untyped]

from cowork_env import manual
from cowork_env.cli import inputs, uninstall

from support.home import GUIDE, Home, executable, need
from support.program import Program, execute, run_in_shell
from support.shells import HOOK, SHELLS, keep_fish_from_generating_completions
from support.terminal import Dialog

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
    assert "cowork-env hook zsh" in (dotfiles / "rc").read_text()
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


@pytest.mark.parametrize("shell", RC)
def test_init_replaces_an_older_line(program: Program, home: Home, shell: str) -> None:
    rc = home.path / RC[shell]
    rc.parent.mkdir(parents=True, exist_ok=True)
    rc.write_text(f"# mine\n{HOOK[shell]}\n# too\n")
    assert f"replaced the line in ~/{RC[shell]}" in program.run("init", shell).stderr
    first, line, last = rc.read_text().splitlines()
    assert (first, last) == ("# mine", "# too")
    assert line.count(executable()) == 2


def test_init_offers_to_load_it_only_in_the_shell_that_it_is_for(home: Home) -> None:
    """Loading takes nothing from a shell; starting another in its place would."""
    for shell in ("bash", "zsh"):
        code = f"{executable()} init bash; true"
        shown = run_in_shell(home, shell, code).stderr
        assert ("run this in the current one: eval" in shown) == (shell == "bash"), shown
        assert "exec " not in shown


@pytest.mark.parametrize("shell", SHELLS)
def test_a_login_shell_whose_path_is_not_complete_yet(home: Home, shell: str) -> None:
    """As on Debian and Ubuntu: ~/.profile reads ~/.bashrc, and adds ~/.local/bin after that."""
    folder = home.path / ".local/bin"
    folder.mkdir(parents=True)
    (folder / "cowork-env").symlink_to(executable())
    home.env |= {"PATH": "/usr/bin:/bin", "ZDOTDIR": str(home.path), "TERM": "dumb"}
    execute([folder / "cowork-env", "init", shell], env=home.env, cwd=home.path).check()
    assert "~/.local/bin/cowork-env" in (home.path / RC[shell]).read_text()
    (home.path / ".profile").write_text('. ~/.bashrc\nPATH=~/.local/bin:"$PATH"\n')
    keep_fish_from_generating_completions(home)
    home.providers()
    home.pin(home.path / "app", "OpenRouter\n")
    login = [need(shell), "-l", "-i", "-c", "cd app; env"]
    done = execute(login, env=home.env, cwd=home.path)
    assert "COWORK_ENV_ACTIVE=OpenRouter" in done.stdout, done
    (folder / "cowork-env").unlink()
    done = execute(login, env=home.env, cwd=home.path)
    assert done.returncode == 0 and "COWORK_ENV_ACTIVE" not in done.stdout
    assert "cowork-env" not in done.stderr


def test_a_fish_that_runs_a_command_starts_nothing(program: Program, home: Home) -> None:
    """Prompts such as tide's run ``fish -c`` at every prompt, which reads config.fish."""
    program.run("init", "fish").check()
    done = run_in_shell(home, "fish", "functions --names --all | string match '*cowork*'; true")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


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


# The launcher for Claude Code


@pytest.fixture
def with_claude(home: Home) -> Path:
    """A home with a ``claude``; the path of its launcher."""
    folder = home.path / "bin"
    folder.mkdir()
    (folder / "claude").write_text("#!/bin/sh\nexec env\n")
    (folder / "claude").chmod(0o755)
    home.env["PATH"] = f"{folder}:{home.env['PATH']}"
    return home.path / ".local/share/cowork-env/shims/claude"


def test_init_writes_the_launcher_for_claude(
    program: Program, home: Home, with_claude: Path
) -> None:
    """Without a terminal, too, unless an option says otherwise; and again without a question."""
    shown = program.run("init", "bash", "--no-launcher").check().stderr
    assert "launcher" not in shown and not with_claude.exists()
    for _ in range(2):
        shown = program.run("init", "bash").check().stderr
        assert "claude has a launcher, ~/.local/share/cowork-env/shims/claude\n" in shown
        assert "cowork-env shim --remove claude" in shown and "PATH" not in shown
        assert with_claude.exists()
    assert "Put its folder first on PATH." in program.run("init", "elvish").check().stderr
    program.run("init", "elvish", "--remove").check()


def test_without_claude_there_is_no_launcher(
    program: Program, home: Home, with_claude: Path
) -> None:
    home.providers()
    shown = program.run("init", "bash", PATH="/usr/bin:/bin").check().stderr
    assert "add a provider" not in shown
    assert "Once claude is on PATH, 'cowork-env shim claude' writes a launcher" in shown
    assert not with_claude.exists()
    program.run("init", "bash", "--launcher", PATH="/usr/bin:/bin").check()
    assert with_claude.exists()


@pytest.mark.parametrize("answer", ["", "y", "n"])
def test_init_asks_on_a_terminal(answer: str, home: Home, with_claude: Path) -> None:
    with Dialog.with_program(home, "init", "bash") as dialog:
        shown = dialog.answer("Write a launcher for claude? ", answer)
        assert "starts the real one" in shown
        assert "Then add a provider: cowork-env add" in dialog.finish()
        assert dialog.status == 0
    assert with_claude.exists() == (answer != "n")


def test_init_remove_takes_the_launcher_with_the_last_line(
    program: Program, home: Home, with_claude: Path
) -> None:
    program.run("init", "bash").check()
    program.run("init", "zsh").check()
    shown = program.run("init", "zsh", "--remove").check().stderr
    assert "The launcher for claude stays, as ~/.bashrc:1 loads the hook." in shown
    assert "Shells that are open keep the hook" in shown
    shown = program.run("init", "bash", "--remove", "--no-launcher").check().stderr
    assert with_claude.exists()
    shown = program.run("init", "bash", "--remove").check().stderr
    assert "removed the launcher for claude" in shown and not with_claude.parent.exists()


def test_init_remove_leaves_nothing_but_what_it_names(
    program: Program, home: Home, with_claude: Path
) -> None:
    """Without a shell's name: every line and launcher. What stays is said, and how to go on."""
    runtime = home.path / "run"
    (runtime / "cowork-env").mkdir(parents=True, mode=0o700)
    (runtime / "cowork-env/x.json").touch()
    home.env["XDG_RUNTIME_DIR"] = str(runtime)
    stored = {"name": "Stored", "baseUrl": "https://s.example"}
    home.providers([*GUIDE, {**stored, "authTokenFrom": "keyring:cowork-env/stored"}])
    settings = home.config / "cowork-env/settings"
    settings.parent.mkdir()
    settings.write_text("catalog = /srv/catalog.json\n")
    yours = {path for path in home.path.rglob("*") if path.is_file()}
    for shell in ("bash", "zsh", "fish", "xonsh", "elvish"):
        program.run("init", shell).check()
    program.run("shim", "codex").check()
    program.run("use", "openrouter").check()
    home.pin(home.path / "app", "openrouter\n")
    run_in_shell(home, "bash", ". ~/.bashrc; cd ~/app; claude >/dev/null").check()
    shown = program.run("init", "--remove").check().stderr
    assert not (home.path / ".local/share/cowork-env/shims").exists()
    named = {home.path / name for name in re.findall(r"^  ~/(.+?)  ", shown, re.MULTILINE)}
    left = {path for path in home.path.rglob("*") if path.is_file() and path.stat().st_size}
    unnamed = {path for path in left - yours if not named & {path, *path.parents}}
    assert unnamed == {home.path / "app/.cowork-provider"} and ".cowork-provider" in shown
    assert named == {home.file, settings, home.state, runtime / "cowork-env"}
    assert "Keys of Stored are in a key store" in shown
    assert "To uninstall the program: " in shown
    shown = program.run("init", "--remove").check().stderr
    assert "no startup file has a line of 'cowork-env init'" in shown


@pytest.mark.parametrize(
    ("prefix", "command"),
    [
        ("/h/.local/share/uv/tools/cowork-env", "uv tool uninstall cowork-env"),
        ("/h/.local/share/pipx/venvs/cowork-env", "pipx uninstall cowork-env"),
        ("/h/my venv", "'/h/my venv/bin/python' -m pip uninstall cowork-env"),
    ],
)
def test_how_to_uninstall(prefix: str, command: str) -> None:
    assert uninstall.uninstall_command(prefix) == command


def test_a_program_of_the_users_in_the_launchers_folder_stays(
    program: Program, home: Home, with_claude: Path
) -> None:
    with_claude.parent.mkdir(parents=True, mode=0o700)
    with_claude.write_text("#!/bin/sh\n")
    shown = program.run("init", "bash").check().stderr
    assert "there is no launcher for claude" in shown
    program.run("init", "bash", "--remove").check()
    assert with_claude.read_text() == "#!/bin/sh\n"


def test_init_and_shim_say_what_hides_the_launcher(
    program: Program, home: Home, with_claude: Path
) -> None:
    (home.path / ".bashrc").write_text("alias claude=~/.claude/local/claude\n")
    said = "~/.bashrc:1 makes claude an alias, which hides the launcher"
    assert said in program.run("init", "bash").check().stderr
    done = run_in_shell(home, "bash", f"{executable()} shim claude; true").check()
    assert said in done.stderr
    # The hook puts the folder on PATH, so nothing is to be done for it.
    assert "at the next prompt" in done.stderr and done.stdout == ""


MAN = "man/man1/cowork-env.1"


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The manual page as uv installs it: beside the program's environment."""
    path = tmp_path / "tool/share" / MAN
    path.parent.mkdir(parents=True)
    path.write_text(".TH X 1\n")
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "tool"))
    return path


@pytest.mark.parametrize("folder", ["", "data"])
def test_the_manual_page_is_linked_where_man_looks(home: Home, page: Path, folder: str) -> None:
    env = {**home.env, **({"XDG_DATA_HOME": str(home.path / folder)} if folder else {})}
    man = home.path / "programs/man"
    man.parent.mkdir()
    link = home.path / (folder or ".local/share") / MAN
    man.write_text(f'#!/bin/sh\n[ "$1 $2" = "-w cowork-env" ] && [ -e {link} ]\n')
    man.chmod(0o755)
    env["PATH"] = f"{man.parent}:{env['PATH']}"
    assert manual.add_link(env) == str(link)
    assert link.read_text() == page.read_text()
    assert manual.add_link(env) == ""  # man finds it
    assert manual.remove_link(env) == str(link) and not os.path.lexists(link)
    assert manual.remove_link(env) == ""
    top = home.path / (folder or ".local")
    assert not any(top.rglob("man"))
    link.parent.mkdir(parents=True)
    link.symlink_to(f"/gone/share/{MAN}")  # an environment that was removed
    assert manual.add_link(env) == str(link) and link.read_text() == page.read_text()
    assert manual.remove_link(env) == str(link)
    shutil.rmtree(top)
    man.write_text("#!/bin/sh\nexit 1\n")  # it does not look there
    assert manual.add_link(env) == "" and not top.exists()
    other = home.path / "stow/share" / MAN
    other.parent.mkdir(parents=True)
    other.write_text("the user's own")
    link.parent.mkdir(parents=True)
    link.symlink_to(other)
    assert manual.add_link(env) == manual.remove_link(env) == ""
    assert link.is_symlink()
    link.unlink()
    link.write_text("the user's own")
    assert manual.add_link(env) == manual.remove_link(env) == ""
    assert link.read_text() == "the user's own"


def test_without_man_there_is_no_link(home: Home, page: Path) -> None:
    assert manual.add_link({**home.env, "PATH": "/nowhere"}) == ""
    assert not (home.path / ".local/share" / MAN).exists()
