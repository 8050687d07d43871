"""The recipes of docs/recipes.md, run as far as that is possible without the tools' own windows."""

from __future__ import annotations

import json
import re
import shlex
import time
from pathlib import Path

import pytest

from support import documents
from support.home import GUIDE, Home, executable, need
from support.program import Completed, Program, execute, parse_environment
from support.terminal import Dialog

KEY = GUIDE[1]["authToken"]
URL = "https://openrouter.ai/api"


def block(kind: str, number: int = 0) -> str:
    """A code block of docs/recipes.md."""
    return documents.blocks(documents.ROOT / "docs/recipes.md", kind)[number]


class User:
    """A user with a pinned project, ``~/work/app``, and a ``claude`` that shows what it gets."""

    def __init__(self, home: Home) -> None:
        self.home, self.project = home, home.path / "work/app"
        home.providers()
        home.pin(self.project, "openrouter\n")
        self.bin = home.path / ".local/bin"
        self.bin.mkdir(parents=True)
        (self.bin / "cowork-env").symlink_to(executable())
        self.program("claude", 'for a; do echo "$a"; done >&2; pwd >&2; exec env -0')

    def program(self, name: str, text: str) -> Path:
        path = self.bin / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return path

    def bare(self, command: list[str], cwd: Path | None = None, **env: str) -> Completed:
        """Run a command with no more than the environment that cron and the like give."""
        small = {"HOME": str(self.home.path), "PATH": f"{self.bin}:/usr/bin:/bin"}
        return execute(command, env={**small, **env}, cwd=cwd or self.home.path)


@pytest.fixture
def user(home: Home) -> User:
    return User(home)


def check(done: Completed, arguments: str = "") -> None:
    """Check that the client got OpenRouter, and these arguments."""
    seen = done.check().environment()
    assert (seen["ANTHROPIC_BASE_URL"], seen["ANTHROPIC_AUTH_TOKEN"]) == (URL, KEY)
    assert done.stderr.startswith(arguments)


def test_the_launcher_as_the_wrapper_of_vs_code(user: User) -> None:
    setting = json.loads(block("json vscode"))["claudeCode.claudeProcessWrapper"]
    Program(user.home).run("shim", "claude").check()
    launcher = user.home.path / Path(setting).relative_to("/home/me")
    (user.bin / "bundled").mkdir()
    theirs = user.program("bundled/claude", 'echo "bundled $1" >&2; exec env -0')
    done = user.bare([str(launcher), str(theirs), "--verbose"], user.project)
    check(done, "bundled --verbose\n")


def test_tmux(user: User) -> None:
    """A server that was started with a provider; a pane elsewhere has another, or none."""
    tmux = [need("tmux"), "-L", "recipes", "-f", "/dev/null"]
    home, bash = user.home, need("bash")
    (home.path / ".bashrc").write_text(f'eval "$({executable()} hook bash)"\n')
    start = [*tmux, "new-session", "-d", "-c", str(user.project), "-x80", "-y24", f"{bash} -i"]
    env = {**home.env, "SHELL": bash, "TMUX_TMPDIR": str(home.path), "TERM": "xterm"}
    inherited = {"ANTHROPIC_BASE_URL": "https://stale.example", "ANTHROPIC_AUTH_TOKEN": "stale"}

    def seen(name: str) -> dict[str, str]:
        path, end = home.path / name, time.monotonic() + 30
        while not path.exists() or not path.read_text().endswith("\0"):
            assert time.monotonic() < end
            time.sleep(0.02)
        return parse_environment(path.read_text())

    try:
        execute(start, env={**env, **inherited}, cwd=home.path).check()
        save = "env -0 >{0}.part; mv {0}.part {0}"
        for name, where in (("in", user.project), ("out", home.path)):
            window = [*tmux, "new-window", "-c", str(where), f"{bash} -i"]
            execute(window, env=env, cwd=home.path).check()
            line = save.format(home.path / name)
            execute([*tmux, "send-keys", line, "Enter"], env=env, cwd=home.path).check()
        assert seen("in")["ANTHROPIC_AUTH_TOKEN"] == KEY
        assert seen("out")["ANTHROPIC_AUTH_TOKEN"] == "stale"
        words = shlex.split(block("sh tmux").replace("~", str(home.path)))
        user.program("claude", save.format(home.path / "direct"))
        path = {"PATH": f"{user.bin}:{env['PATH']}"}
        execute([*tmux, "set-environment", "-g", "PATH", path["PATH"]], env=env, cwd=home.path)
        execute([*tmux, *words[1:]], env=env | path, cwd=home.path).check()
        assert seen("direct")["ANTHROPIC_BASE_URL"] == URL
    finally:
        execute([*tmux, "kill-server"], env=env, cwd=home.path)


def test_the_status_line_of_tmux(user: User) -> None:
    """Of a directory whose name would be code, shown on an attached terminal."""
    project = user.home.path / "a 'b $(touch owned)"
    user.home.pin(project, "openrouter\n")
    tmux = [need("tmux"), "-L", "recipes-status", "-f", "/dev/null"]
    path = f"{user.bin}:/usr/bin:/bin"
    env = {**user.home.env, "TMUX_TMPDIR": str(user.home.path), "TERM": "xterm", "PATH": path}
    conf = user.home.path / "tmux.conf"
    conf.write_text(block("sh tmux-conf"))
    session = ["new-session", "-c", str(project), "-x80", "-y24", "cat"]
    try:
        with Dialog([*tmux[:-1], str(conf), *session], env=env, cwd=project) as dialog:
            dialog.expect("OpenRouter")
    finally:
        execute([*tmux, "kill-server"], env=env, cwd=user.home.path)
    assert not list(user.home.path.rglob("owned"))


def test_a_command_over_ssh(user: User) -> None:
    """``ssh`` passes its last argument to the user's shell."""
    _, host, command = shlex.split(block("sh ssh"))
    assert host == "devbox"
    check(user.bare(["/bin/sh", "-c", command]), "-p\nReview the last commit.\n")


def test_a_dev_container(user: User) -> None:
    setting = json.loads(block("json devcontainer"))
    (mount,) = setting["mounts"]
    source = Path(mount["source"].replace("${localEnv:HOME}", str(user.home.path)))
    entry = {k: v for k, v in GUIDE[1].items() if k != "authToken"}
    user.home.providers([{**entry, "authTokenFrom": "env:OPENROUTER_KEY"}])
    assert (
        source == user.home.file
        and mount["target"] == (setting["remoteEnv"]["COWORK_ENV_PROVIDERS_FILE"])
    )
    source.chmod(0o400)
    env = {
        name: re.sub(r"\$\{localEnv:OPENROUTER_KEY}", KEY, value).replace(
            mount["target"], str(source)
        )
        for name, value in setting["remoteEnv"].items()
    }
    check(user.bare(["cowork-env", "exec", "--", "claude"], **env))


def test_cron(user: User) -> None:
    path, line = block("text crontab").splitlines()
    assert path == "PATH=/home/me/.local/bin:/usr/bin:/bin"
    command = re.sub(r"^(\S+ ){5}", "", line)
    assert "%" not in command
    check(user.bare(["/bin/sh", "-c", command]), "-p\nSummarize the commits of yesterday.\n")


@pytest.mark.parametrize("number", [0, 1])
def test_a_unit_of_systemd(user: User, number: int) -> None:
    text = block("ini systemd", number).replace("%h", str(user.home.path))
    fields = dict(re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE))
    litellm = user.program("litellm", "exit 0")
    unit = user.home.path / "recipe.service"
    unit.write_text(text)
    check_unit = [need("systemd-analyze"), "verify", str(unit)]
    verified = execute(check_unit, env=user.home.env, cwd=user.home.path)
    assert "recipe.service" not in verified.stderr, verified
    command = shlex.split(fields["ExecStart"])
    if number:
        assert command[0] == str(litellm)
        return
    done = user.bare(command, Path(fields["WorkingDirectory"]))
    check(done, "-p\nReview the last commit.\n")


def test_the_status_line(user: User) -> None:
    command = json.loads(block("json statusline"))["statusLine"]["command"]
    for active, shown in (("$(id) `id` \\n %s", None), ("", "no provider")):
        done = user.bare(["/bin/sh", "-c", command], COWORK_ENV_ACTIVE=active).check()
        assert done.stdout == (shown or active)


def test_a_git_worktree(user: User) -> None:
    git = need("git")
    env = {**user.home.env, "GIT_CONFIG_GLOBAL": "/dev/null"}
    own = ["-c", "user.name=x", "-c", "user.email=x@x"]
    for command in (["init", "-q"], ["add", "."], [*own, "commit", "-qm", "x"]):
        execute([git, *command], env=env, cwd=user.project).check()
    done = execute(["/bin/sh", "-ec", block("sh worktree")], env=env, cwd=user.project).check()
    assert "OpenRouter" in done.stdout and "app-fix/.cowork-provider" in done.stdout


def test_a_key_under_another_name(user: User) -> None:
    execute(["/bin/sh", "-ec", block("sh names")], env=user.home.env, cwd=user.project).check()
    assert user.home.file.read_text().count(KEY) == 1
    done = user.bare(["cowork-env", "exec", "--", "claude"], user.project)
    check(done)
    seen = done.environment()
    assert (seen["OPENAI_API_KEY"], seen["OPENAI_BASE_URL"]) == (KEY, f"{URL}/v1")
