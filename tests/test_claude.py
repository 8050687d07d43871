"""How launchers start Claude Code: the settings file, the environment beside it, and keys."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cowork_env import claude, claude_files, launcher
from cowork_env.core import environment
from cowork_env.core.resolve import Inputs

from support.home import GUIDE, Home, executable
from support.program import Completed, Program

NEW = "2.1.332"
# Prints its arguments and its environment. Its version is asked for without a provider.
STUB = """\
#!/bin/sh
if [ "$1" = --version ]; then
  echo "$ANTHROPIC_BASE_URL$ANTHROPIC_AUTH_TOKEN" >>"$HOME/asked"
  echo "{version} (Claude Code)"
  exit
fi
printf '%s\\0' "$0" "$@" --end
exec /usr/bin/env -0
"""
PROVIDER = GUIDE[1]  # OpenRouter


class Started:
    """What the stub was started with."""

    def __init__(self, done: subprocess.CompletedProcess[str]) -> None:
        self.stderr = done.stderr
        assert done.returncode == 0, done.stderr
        words = done.stdout.split("\0")
        end = words.index("--end")
        self.program, *self.arguments = words[:end]
        self.env = dict(word.split("=", 1) for word in words[end + 1 :] if word)

    @property
    def file(self) -> Path:
        """The settings file that it was given."""
        assert self.arguments[0] == "--settings", self.arguments
        return Path(self.arguments[1])

    @property
    def settings(self) -> dict[str, Any]:
        return dict(json.loads(self.file.read_text()))

    @property
    def children(self) -> dict[str, str]:
        """The environment of what Claude Code starts: the file's variables go before its own."""
        return {**self.env, **self.settings["env"]}


class Claude:
    """A home with a launcher for a stub of Claude Code, and projects for providers."""

    def __init__(self, home: Home, version: str = NEW) -> None:
        self.home = home
        self.bin = home.path / "bin"
        self.bin.mkdir()
        self.install(version)
        self.folder = home.path / ".local/share/cowork-env/shims"
        self.env = {**home.env, "PATH": f"{self.folder}:{self.bin}:/usr/bin:/bin"}
        home.providers()
        self.project = home.path / "work"
        home.pin(self.project, "openrouter\n")
        Program(home, env=self.env).run("shim", "claude").check()

    def install(self, version: str) -> None:
        (self.bin / "claude").write_text(STUB.replace("{version}", version))
        (self.bin / "claude").chmod(0o755)

    def cowork(self, *arguments: str, **env: str) -> Completed:
        return Program(self.home, env={**self.env, **env}).run(*arguments, cwd=self.project)

    def call(
        self, *arguments: str, cwd: Path | None = None, **env: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.folder / "claude", *arguments],
            env={**self.env, **env},
            cwd=cwd or self.project,
            capture_output=True,
            text=True,
            errors="surrogateescape",
            timeout=60,
        )

    def start(self, *arguments: str, cwd: Path | None = None, **env: str) -> Started:
        return Started(self.call(*arguments, cwd=cwd, **env))


@pytest.fixture
def stub(home: Home) -> Claude:
    return Claude(home)


@pytest.fixture
def runtime() -> Iterator[Path]:
    """A runtime folder in memory."""
    if not os.path.isdir("/dev/shm"):
        pytest.skip("there is no folder in memory")
    path = Path(tempfile.mkdtemp(dir="/dev/shm"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


def is_on(env: dict[str, str]) -> bool:
    return env.get(environment.HOST_FLAG) == "1" and env.get(environment.NO_AGENT_VIEW) == "1"


# The file


def test_a_file_in_the_place_of_the_flag(stub: Claude) -> None:
    got = stub.start("-p", "hi")
    assert got.arguments[2:] == ["-p", "hi"]
    assert environment.HOST_FLAG not in got.env and environment.NO_AGENT_VIEW not in got.env
    env = got.settings["env"]
    assert env["ANTHROPIC_BASE_URL"] == got.env["ANTHROPIC_BASE_URL"] == "https://openrouter.ai/api"
    assert env["ANTHROPIC_AUTH_TOKEN"] == PROVIDER["authToken"]
    assert env["ANTHROPIC_MODEL"] == PROVIDER["defaultModel"]
    # What another settings file could set is empty, and so are the proxies.
    for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_CUSTOM_HEADERS", "CLAUDE_CODE_USE_BEDROCK"):
        assert env[name] == "" and name not in got.env
    assert {env[name] for name in claude.PROXIES} == {""}
    assert got.settings["apiKeyHelper"] == ""
    # No more than is needed, as empty variables reach what Claude Code starts.
    assert "ANTHROPIC_PROFILE" not in env and "ANTHROPIC_VERTEX_BASE_URL" not in env
    assert "CLAUDE_CONFIG_DIR" not in env
    assert got.file.stat().st_mode & 0o777 == 0o600
    assert got.file.parent.stat().st_mode & 0o777 == 0o700
    assert PROVIDER["authToken"] not in " ".join(got.arguments)
    # The same again: no other file.
    assert stub.start("-p", "hi").file == got.file


def test_the_proxies_of_the_environment_stay(stub: Claude) -> None:
    got = stub.start("hi", HTTPS_PROXY="http://proxy.example:1", no_proxy="localhost")
    env = got.settings["env"]
    assert (env["HTTPS_PROXY"], env["no_proxy"]) == ("http://proxy.example:1", "localhost")
    assert (env["HTTP_PROXY"], env["NO_PROXY"]) == ("", "")


@pytest.mark.parametrize("taken", [False, True])
def test_what_is_below_it_knows_the_environment(stub: Claude, taken: bool) -> None:
    """In the Bash tool ``exec`` has the flag again, and on leaving everything is as it was."""
    own = {"ANTHROPIC_API_KEY": "mine", "CLAUDE_CODE_OAUTH_TOKEN": "mine-too", "EMPTY": ""}
    got = stub.start("hi", **own)
    below = dict(got.children)
    if taken:  # Claude Code removes some of its variables from what it starts.
        del below["CLAUDE_CODE_OAUTH_TOKEN"], below["CLAUDE_CODE_API_KEY_FILE_DESCRIPTOR"]

    def seen(*arguments: str) -> dict[str, str]:
        done = subprocess.run(
            [executable(), "exec", *arguments, "--", "/usr/bin/env", "-0"],
            env=below,
            cwd=stub.project,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert (done.returncode, done.stderr) == (0, "")
        return dict(word.split("=", 1) for word in done.stdout.split("\0") if word)

    inside = seen()
    assert is_on(inside)
    assert inside["ANTHROPIC_AUTH_TOKEN"] == PROVIDER["authToken"]
    assert "ANTHROPIC_API_KEY" not in inside and "HTTP_PROXY" not in inside
    outside = seen("--provider", "none")
    for name in (environment.BASE_URL, "ANTHROPIC_AUTH_TOKEN", "HTTP_PROXY", environment.STATE):
        assert name not in outside
    assert {name: outside.get(name) for name in own} == own
    left = {n for n in outside if n.startswith(("ANTHROPIC_", "CLAUDE_"))}
    assert left == {"ANTHROPIC_API_KEY", "CLAUDE_CODE_OAUTH_TOKEN"}


def test_a_launcher_below_it(stub: Claude) -> None:
    """A nested one is a launcher again, for the same provider and for another."""
    below = stub.start("hi").children
    stub.home.pin(stub.home.path / "other", "litellm-local\n")
    again = stub.start("hi", **below)
    assert again.children["ANTHROPIC_BASE_URL"] == below["ANTHROPIC_BASE_URL"]
    assert again.settings == json.loads(again.file.read_text())
    assert again.env[environment.STATE] == below[environment.STATE]
    for more in ({"cwd": stub.home.path / "other"}, {"COWORK_PROVIDER": "litellm-local"}):
        other = stub.start("hi", **{**below, **more})  # type: ignore[arg-type]
        assert other.settings["env"]["ANTHROPIC_BASE_URL"] == "http://localhost:4000"
        assert other.settings["env"]["ANTHROPIC_AUTH_TOKEN"] == GUIDE[2]["authToken"]
    # Nothing applies: no file, and nothing is left.
    none = stub.start("hi", cwd=stub.home.path, **below)
    assert none.arguments == ["hi"]
    assert not [n for n in none.env if n.startswith(("ANTHROPIC_", "CLAUDE_"))]


def test_its_folder_is_first_on_path(stub: Claude) -> None:
    path = stub.start("hi", PATH=f"{stub.bin}:{stub.folder}:/usr/bin:/bin").env["PATH"]
    assert path == f"{stub.folder}:{stub.bin}:/usr/bin:/bin"
    assert stub.start("hi").env["PATH"] == stub.env["PATH"]


def test_what_was_set_by_hand_stays(stub: Claude) -> None:
    active = stub.start("auth").env
    got = stub.start("hi", **{**active, "ANTHROPIC_MODEL": "by-hand"})
    assert got.settings["env"]["ANTHROPIC_MODEL"] == "by-hand"


def test_old_files_are_removed_when_one_is_made(stub: Claude) -> None:
    file = stub.start("hi").file
    old, young, killed = (file.parent / n for n in ("old.json", "young.json", ".x.json.1.00.tmp"))
    for path, age in ((old, 31), (young, 29), (killed, 1)):
        path.write_text("{}")
        path.chmod(0o600)
        os.utime(path, (time.time() - age * 86400,) * 2)
    os.utime(file, (0, 0))
    stub.start("hi")
    assert old.exists() and file.stat().st_mtime > time.time() - 600
    stub.start("hi", HTTP_PROXY="http://other.example")
    assert (old.exists(), young.exists(), killed.exists()) == (False, True, False)


@pytest.mark.parametrize("kind", ["link", "wide", "folder"])
def test_what_others_could_have_put_there(stub: Claude, kind: str) -> None:
    file = stub.start("hi").file
    text, target = file.read_text(), stub.home.path / "elsewhere"
    if kind == "link":
        target.write_text("theirs")
        file.unlink()
        file.symlink_to(target)
    elif kind == "wide":
        file.chmod(0o644)
    else:
        moved = stub.home.path / "moved"
        file.parent.rename(moved)
        file.parent.symlink_to(moved)
        done = stub.call("hi")
        assert (done.returncode, done.stdout) == (1, "") and "is a link" in done.stderr
        return
    assert stub.start("hi").file == file
    assert not file.is_symlink() and file.stat().st_mode & 0o777 == 0o600
    assert file.read_text() == text
    assert not target.exists() or target.read_text() == "theirs"


# When the flag stays


@pytest.mark.parametrize(
    "words",
    [["mcp", "list"], ["update"], ["doctor"], ["auth", "status"], ["--help"], ["setup-token"]],
)
def test_commands_keep_the_flag(stub: Claude, words: list[str]) -> None:
    got = stub.start(*words)
    assert got.arguments == words and is_on(got.env)


@pytest.mark.parametrize("word", ["attach", "logs", "stop", "respawn"])
def test_commands_for_background_sessions(stub: Claude, word: str) -> None:
    """They refuse to work without agent view; nothing that they start has the key."""
    got = stub.start(word, "x")
    assert got.arguments == [word, "x"]
    assert got.env[environment.HOST_FLAG] == "1" and environment.NO_AGENT_VIEW not in got.env


@pytest.mark.parametrize("word", ["-p", "logs"])
def test_the_users_own_choice_about_agent_view(stub: Claude, word: str) -> None:
    own = {environment.NO_AGENT_VIEW: "yes"}
    got = stub.start(word, "x", **own)
    assert got.env[environment.NO_AGENT_VIEW]
    active = stub.start("auth", **own).env  # as in a shell with the hook
    again = stub.start(word, "x", **active)
    assert again.env[environment.NO_AGENT_VIEW] == ("yes" if word == "-p" else "1")


@pytest.mark.parametrize("words", [[], ["/init"], ["agents"], ["--bg", "x"], ["-p", "mcp"]])
def test_sessions_get_the_file(stub: Claude, words: list[str]) -> None:
    assert stub.start(*words).arguments[2:] == words


@pytest.mark.parametrize("version", ["2.0.75", "1.0.128", "unknown", ""])
def test_old_versions_keep_the_flag(stub: Claude, version: str) -> None:
    stub.install(version)
    got = stub.start("-p", "hi")
    assert got.arguments == ["-p", "hi"] and is_on(got.env)


def test_a_provider_that_opts_out(stub: Claude) -> None:
    stub.home.providers([{**PROVIDER, "env": {environment.HOST_FLAG: ""}}])
    got = stub.start("-p", "hi")
    assert got.arguments == ["-p", "hi"] and environment.HOST_FLAG not in got.env


def test_a_direct_cloud_keeps_the_flag(stub: Claude) -> None:
    cloud = {"CLAUDE_CODE_USE_BEDROCK": "1", "AWS_REGION": "us-east-1"}
    stub.home.providers([{"id": PROVIDER["id"], "name": "OpenRouter", "env": cloud}])
    got = stub.start("-p", "hi")
    assert got.arguments == ["-p", "hi"] and is_on(got.env)


# Accounts


@pytest.mark.parametrize("directory", ["~/login", ""])
def test_an_account(stub: Claude, directory: str) -> None:
    """Its login goes nowhere else; where it is stays as it is, as an empty name is none."""
    account = {"name": "OpenRouter", "auth": "account", "baseUrl": "https://api.anthropic.com"}
    stub.home.providers([account | ({"configDir": directory} if directory else {})])
    env = stub.start("-p", "hi").settings["env"]
    where = {k: v for k, v in env.items() if k.endswith("CONFIG_DIR")}
    expected = {"CLAUDE_CONFIG_DIR": f"{stub.home.path}/login"} if directory else {}
    assert where == {"ANTHROPIC_CONFIG_DIR": "", **expected}
    for name in ("ANTHROPIC_BASE_URL", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"):
        assert env[name] == ""
    assert env["ANTHROPIC_PROFILE"] == env["CLAUDE_CODE_CUSTOM_OAUTH_URL"] == ""


def test_an_account_with_a_token(stub: Claude) -> None:
    account = {"name": "OpenRouter", "auth": "account", "baseUrl": "https://api.anthropic.com"}
    stub.home.providers([{**account, "authToken": "sk-ant-oat01-invented"}])
    got = stub.start("-p", "hi")
    assert got.settings["env"]["CLAUDE_CODE_OAUTH_TOKEN"] == "sk-ant-oat01-invented"
    assert environment.HOST_FLAG not in got.env


# The user's own settings


@pytest.mark.parametrize("form", ["file", "relative", "json", "equals", "last"])
def test_settings_of_the_user_are_merged(stub: Claude, form: str) -> None:
    theirs = {
        "env": {
            "ANTHROPIC_BASE_URL": "https://elsewhere.example",
            "ANTHROPIC_API_KEY": "theirs",
            "HTTPS_PROXY": "http://elsewhere.example",
            "CLAUDE_CODE_USE_BEDROCK": "1",
            "ANTHROPIC_DEFAULT_OPUS_MODEL": "their-opus",
            "MINE": "1",
        },
        "apiKeyHelper": "echo theirs",
        "model": "their-model",
        "permissions": {"allow": ["Bash"]},
    }
    path = stub.project / "own.json"
    path.write_text("\ufeff" + json.dumps(theirs))
    words = {
        "file": ["--settings", str(path)],
        "relative": ["--settings", "own.json"],
        "json": ["--settings", f" {json.dumps(theirs)} "],
        "equals": [f"--settings={path}"],
        "last": ["--settings", "nowhere.json", "--settings", str(path)],
    }[form]
    got = stub.start("-p", *words, "hi", "--", "--settings", "x")
    assert got.arguments[2:] == ["-p", "hi", "--", "--settings", "x"]
    env = got.settings["env"]
    assert (env["MINE"], env["ANTHROPIC_DEFAULT_OPUS_MODEL"]) == ("1", "their-opus")
    assert env["ANTHROPIC_MODEL"] == "their-model"
    assert env["ANTHROPIC_BASE_URL"] == "https://openrouter.ai/api"
    assert (env["ANTHROPIC_API_KEY"], env["HTTPS_PROXY"]) == ("", "")
    assert env["CLAUDE_CODE_USE_BEDROCK"] == got.settings["apiKeyHelper"] == ""
    assert got.settings["permissions"] == theirs["permissions"]


@pytest.mark.parametrize(
    "words",
    [
        ["--settings"],
        ["--settings", "nowhere.json"],
        ["--settings", "/dev/null"],
        ["--settings", "{broken}"],
        ["--settings", '{"env": 1}'],
        ["--settings={}", "--settings=nowhere.json"],
        ["--settings", '{"x": NaN}'],
        ["--settings", '{"x": [-1e999]}'],
        ["--settings", '{"x":' + "[" * 5000 + "]" * 5000 + "}"],
    ],
)
def test_settings_that_cannot_be_read(stub: Claude, words: list[str]) -> None:
    """Claude Code says what is wrong with them, and is protected by the flag if it starts."""
    got = stub.start(*words)
    assert got.arguments == words and is_on(got.env)


@pytest.mark.parametrize(
    "text",
    [
        '{"permissions": "x"}',
        '{"permissions": {"allow": [1]}}',
        '{"permissions": {"defaultMode": "plan"}}',
        '{"model": 5}',
        '{"disableAllHooks": 1}',
        '{"hooks": {}}',
        '{"another": true}',
    ],
)
def test_settings_that_may_not_be_loaded(stub: Claude, text: str) -> None:
    """Claude Code drops a whole file with one bad value: the flag protects beside it."""
    got = stub.start("--settings", text, "hi")
    assert got.arguments[2:] == ["hi"] and is_on(got.env)
    theirs = json.loads(text)
    assert {name: got.settings[name] for name in theirs} == theirs
    assert got.settings["env"]["ANTHROPIC_AUTH_TOKEN"] == PROVIDER["authToken"]
    left = stub.start("hi", cwd=stub.home.path, **got.env).env
    assert not is_on(left) and environment.BASE_URL not in left
    again = stub.start("hi", **got.env)
    assert not is_on(again.env)


def test_settings_that_an_old_version_may_not_load(stub: Claude) -> None:
    """There the flag protects from nothing: it is not started."""
    stub.install("2.1.84")
    for text in ('{"hooks": {}}', "{broken}", '{"permissions": {"allow": ["Bash("]}}'):
        done = stub.call("--settings", text, "hi")
        assert (done.returncode, done.stdout) == (1, "") and "may drop the settings" in done.stderr
    good = ["Bash", "mcp__a__b", "Bash(git log:*)"]
    settings = json.dumps({"permissions": {"allow": good, "additionalDirectories": ["/a b"]}})
    assert not is_on(stub.start("--settings", settings, "hi").env)


def test_which_rules_every_version_knows() -> None:
    for rule in ("Bash", "WebFetch", "mcp__a", "Bash(ls)", "Bash(npm run x:*)"):
        assert claude._is_rule(rule), rule
    for rule in (
        "",
        " x",
        "bash",
        "mcp__*",
        "Bash(",
        "Bash()",
        "Bash(:*)",
        "Bash(a:*b)",
        "Bash(a*)",
    ):
        assert not claude._is_rule(rule), rule
    for rule in ("Bash(a)b", "Bash((a)", "Read(x:*)", "WebFetch(x)"):
        assert not claude._is_rule(rule), rule


def test_settings_from_a_process_substitution(stub: Claude) -> None:
    """The pipe is left to Claude Code, unread, and the flag protects."""
    reading, writing = os.pipe()
    os.write(writing, b'{"model": "x"}')
    os.close(writing)
    path = f"/dev/fd/{reading}"
    (stub.bin / "claude").write_text(
        STUB.replace("{version}", NEW).replace("exec", 'cat "$2"\nexec')
    )
    done = subprocess.run(
        [stub.folder / "claude", "--settings", path],
        env=stub.env,
        cwd=stub.project,
        pass_fds=[reading],
        capture_output=True,
        text=True,
        timeout=60,
    )
    os.close(reading)
    assert '{"model": "x"}' in done.stdout and f"--settings\0{path}" in done.stdout
    assert f"{environment.HOST_FLAG}=1" in done.stdout


# exec


@pytest.mark.parametrize("provider", [PROVIDER, {"name": "OpenRouter", "auth": "account"}])
def test_exec_starts_it_as_the_launcher_does(stub: Claude, provider: dict[str, Any]) -> None:
    """A login has no other protection, and "exec" is how the user is told to start an account."""
    stub.home.providers([provider])

    def run(program: str, path: str) -> Started:
        words = ("exec", "--provider", "openrouter", "--", program, "hi")
        done = stub.cowork(*words, PATH=path)
        return Started(subprocess.CompletedProcess([], done.returncode, done.stdout, done.stderr))

    got = run("claude", stub.env["PATH"])
    assert got.program == str(stub.bin / "claude") and got.arguments[2:] == ["hi"]
    launched = stub.start("hi")
    assert got.settings == launched.settings and not is_on(got.env)
    assert got.env["COWORK_PROVIDER"] == "openrouter"
    for program, path in (
        ("claude", f"{stub.bin}:/usr/bin:/bin"),  # There is no launcher.
        ("claude", f"{stub.bin}:{stub.env['PATH']}"),  # It is behind the program.
        (str(stub.bin / "claude"), stub.env["PATH"]),
    ):
        assert run(program, path).arguments == ["hi"]


# Keys from a slow source


@pytest.fixture
def slow(stub: Claude, runtime: Path) -> Claude:
    """A key that is looked up: each time another one, counted."""
    stub.env["XDG_RUNTIME_DIR"] = str(runtime)
    script = stub.home.path / "lookup"
    script.write_text('#!/bin/sh\necho >>"$0.count"\necho sk-$(wc -l <"$0.count")"\\"\\\\"$1\n')
    script.chmod(0o755)
    stub.home.providers([{**PROVIDER, "authToken": "", "authTokenFrom": f"cmd:{script} x"}])
    return stub


def test_one_lookup_serves_the_starts_of_ten_minutes(slow: Claude, runtime: Path) -> None:
    first = slow.start("-p", "hi")
    assert first.file.parent == runtime / "cowork-env"
    assert first.children["ANTHROPIC_AUTH_TOKEN"] == 'sk-1"\\x'
    again = slow.start("--continue", SHLVL="7", TMUX="x")
    assert again.children["ANTHROPIC_AUTH_TOKEN"] == again.env["ANTHROPIC_AUTH_TOKEN"] == 'sk-1"\\x'
    # Using it does not make it younger.
    assert again.file.stat().st_mtime_ns == first.file.stat().st_mtime_ns
    assert again.env[environment.STATE] == first.env[environment.STATE]
    assert not list(slow.home.state.rglob("*.json"))


@pytest.mark.parametrize(
    "change",
    ["old", "future", "reload", "entry", "reference", "models", "environment", "content", "wide"],
)
def test_when_a_key_is_looked_up_again(slow: Claude, change: str) -> None:
    entry = {**PROVIDER, "authToken": "", "authTokenFrom": f"cmd:{slow.home.path}/lookup x"}
    first = slow.start("hi")
    more: dict[str, str] = {}
    if change in ("old", "future"):
        when = time.time() + (-601 if change == "old" else 60)
        os.utime(first.file, (when, when))
    elif change == "reload":
        slow.cowork("reload").check()
    elif change == "entry":
        slow.home.providers([{**entry, "id": "99999999-2222-4222-8222-222222222222"}])
    elif change == "reference":
        slow.home.providers([{**entry, "authTokenFrom": entry["authTokenFrom"] + "y"}])
    elif change == "models":
        slow.home.pin(slow.project, "openrouter\nopus = other\n")
    elif change == "environment":
        more = {"VAULT_ADDR": "https://other.example"}
    elif change == "content":
        first.file.write_text(first.file.read_text().replace("openrouter.ai", "evil.example"))
    else:
        first.file.chmod(0o644)
    second = slow.start("hi", **more)
    assert second.children["ANTHROPIC_AUTH_TOKEN"].startswith("sk-2")
    assert second.children["ANTHROPIC_BASE_URL"] == "https://openrouter.ai/api"
    if change == "old":  # The new key is as good as any.
        assert slow.start("hi").children["ANTHROPIC_AUTH_TOKEN"].startswith("sk-2")


def test_a_pin_that_is_trusted_no_more(slow: Claude) -> None:
    slow.start("hi")
    slow.cowork("deny").check()
    got = slow.start("hi")
    assert got.arguments == ["hi"] and "ANTHROPIC_AUTH_TOKEN" not in got.env


@pytest.mark.parametrize("where", ["disk", "open", "link", "old version"])
def test_without_a_folder_in_memory_each_start_looks_up(
    slow: Claude, runtime: Path, where: str, tmp_path: Path
) -> None:
    """A version that needs its file until it ends gets one that no logout removes."""
    if where == "disk":
        slow.env["XDG_RUNTIME_DIR"] = str(tmp_path)
        if claude_files._is_private_memory(str(tmp_path)):
            pytest.skip("temporary files are in memory")
    elif where == "open":
        runtime.chmod(0o755)
    elif where == "link":
        (tmp_path / "link").symlink_to(runtime)
        slow.env["XDG_RUNTIME_DIR"] = str(tmp_path / "link")
    else:
        slow.install("2.1.191")
    got = slow.start("hi")
    assert got.file.parent == slow.home.state / "claude"
    assert slow.start("hi").children["ANTHROPIC_AUTH_TOKEN"].startswith("sk-2")


# Pins that are not trusted, or cannot be used


def test_an_untrusted_pin_is_said(stub: Claude) -> None:
    inner = stub.project / "clone"
    stub.home.pin(inner, "litellm-local\n", allow=False)
    got = stub.start("hi", cwd=inner)
    assert got.settings["env"]["ANTHROPIC_BASE_URL"] == "https://openrouter.ai/api"
    assert got.stderr.count("\n") == 1
    assert "~/work/clone/.cowork-provider is not trusted" in got.stderr
    assert stub.start("hi", cwd=inner, COWORK_PROVIDER="openrouter").stderr == ""


def test_a_required_pin_that_cannot_be_used(stub: Claude) -> None:
    stub.home.pin(stub.project, "nobody\nrequired = true\n")
    done = stub.call("hi")
    assert (done.returncode, done.stdout) == (1, "")


# The program


def test_the_version_is_asked_once(stub: Claude) -> None:
    asked = stub.home.path / "asked"
    stub.start("hi", ANTHROPIC_AUTH_TOKEN="")
    active = stub.start("hi").children
    stub.start("hi")
    assert asked.read_text() == "\n"
    # Another program: asked again, without the provider.
    stub.install("2.0.1")
    assert is_on(stub.start("hi", **active).env)
    assert asked.read_text() == "\n\n"


def test_the_version_behind_a_shim_is_asked_again_after_a_day(stub: Claude) -> None:
    """A shim stays as it is when the program behind it is updated."""
    real, shim = stub.home.path / "real", stub.bin / "claude"
    shim.rename(real)
    shim.write_text(f'#!/bin/sh\nexec {real} "$@"\n')
    shim.chmod(0o755)
    assert not is_on(stub.start("hi").env)
    real.write_text(real.read_text().replace(NEW, "2.0.1"))
    assert not is_on(stub.start("hi").env)
    (kept,) = (stub.home.state / "claude").glob("*.version")
    for age in (claude_files.ANSWER_LIFETIME + 1, -60):  # the clock was put back
        os.utime(kept, (time.time() - age,) * 2)
        assert is_on(stub.start("hi").env)
        real.write_text(real.read_text().replace("2.0.1", NEW))
        os.utime(kept, (time.time() - age,) * 2)
        assert not is_on(stub.start("hi").env)
        real.write_text(real.read_text().replace(NEW, "2.0.1"))


def test_versions_in_paths_and_packages(stub: Claude) -> None:
    inputs = Inputs(stub.env, "/", "", str(stub.home.state))
    native = stub.home.path / "share/claude/versions/2.1.330"
    package = stub.home.path / "lib/node_modules/@anthropic-ai/claude-code"
    for path in (native, package / "cli.js"):
        path.parent.mkdir(parents=True)
        path.write_text("#!/bin/sh\nexit 1\n")
        path.chmod(0o755)
    (stub.bin / "native").symlink_to(native)
    (stub.bin / "npm").symlink_to(package / "cli.js")
    description = {"name": "@anthropic-ai/claude-code", "version": "2.1.5", "bin": {}}
    (package / "package.json").write_text(json.dumps(description, indent=2))
    assert claude_files.version([str(stub.bin / "native")], inputs) == "2.1.330"
    assert claude_files.version([str(stub.bin / "npm")], inputs) == "2.1.5"
    assert claude_files.version(["/usr/bin/node", str(package / "cli.js")], inputs) == "2.1.5"
    (package / "package.json").write_text(json.dumps({**description, "name": "other"}))
    assert claude_files.version([str(stub.bin / "npm")], inputs) == ""


def test_a_program_that_hangs_is_not_waited_for(
    stub: Claude, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claude_files, "_PROBE_LIMIT", 0.2)
    (stub.bin / "claude").write_text("#!/bin/sh\nexec sleep 60\n")
    inputs = Inputs(stub.env, "/", "", str(stub.home.state))
    assert claude_files.version([str(stub.bin / "claude")], inputs) == ""


def test_as_the_process_wrapper_of_vs_code(stub: Claude) -> None:
    """It runs the program that it is given; only a program of that name counts as one."""
    other = stub.home.path / "extension"
    (other / "cli").mkdir(parents=True)
    shutil.copy(stub.bin / "claude", other / "claude")
    shutil.copy(stub.bin / "claude", other / "node")
    shutil.copy(stub.bin / "claude", other / "init")
    (other / "cli/cli.js").write_text("")
    got = stub.start(str(other / "claude"), "-p", "hi")
    assert (got.program, got.arguments[2:]) == (str(other / "claude"), ["-p", "hi"])
    description = {"name": "@anthropic-ai/claude-code", "version": NEW}
    (other / "cli/package.json").write_text(json.dumps(description))
    script = str(other / "cli/cli.js")
    done = stub.call(str(other / "node"), script, "-p", "hi").stdout.split("\0")
    assert done[:3] == [str(other / "node"), script, "--settings"]
    assert done[4:7] == ["-p", "hi", "--end"]
    for word in (str(other / "init"), "/init", str(other / "cli"), "/nowhere/claude"):
        got = stub.start(word)
        assert (got.program, got.arguments[2:]) == (str(stub.bin / "claude"), [word])
    assert stub.start(str(stub.folder / "claude"), "hi").arguments[2:] == ["hi"]
    # A relative path is a prompt: a repository could have a program there.
    shutil.copy(stub.bin / "claude", stub.project / "claude")
    got = stub.start("./claude")
    assert (got.program, got.arguments[2:]) == (str(stub.bin / "claude"), ["./claude"])


def test_a_wrapper_that_calls_the_launcher(stub: Claude) -> None:
    """Settings of ours that come back are merged like the user's, and nothing changes."""
    wrap = stub.home.path / "wrap/claude"
    wrap.parent.mkdir()
    wrap.write_text('#!/bin/sh\nexec claude "$@"\n')
    wrap.chmod(0o755)
    got = stub.start("hi", PATH=f"{stub.folder}:{wrap.parent}:{stub.bin}:/usr/bin:/bin")
    assert got.arguments[2:] == ["hi"]
    assert got.settings == stub.start("hi").settings


def test_what_it_starts_is_the_same_version(stub: Claude) -> None:
    """Also as a direct child, as hooks and MCP servers are: that is no wrapper's call."""
    nested = STUB.replace("{version}", NEW).replace(
        "printf", '[ -n "$NESTED" ] || { NESTED=1 claude "$@"; exit; }\nprintf'
    )
    place = stub.home.path / "share/versions"
    place.mkdir(parents=True)
    (place / NEW).write_text(nested)
    (place / NEW).chmod(0o755)
    first = stub.home.path / "first"
    first.mkdir()
    (first / "claude").symlink_to(place / NEW)
    got = stub.start("hi", PATH=f"{stub.folder}:{first}:{stub.bin}:/usr/bin:/bin")
    assert got.program == str(first / "claude") and launcher.GUARD not in got.env


def test_protection(stub: Claude, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in stub.env.items():
        monkeypatch.setenv(name, value)

    def found(path: str) -> tuple[str, str, str, str]:
        it = launcher.protection(path)
        return it.launcher, it.program, it.version, it.way

    here, program = str(stub.folder / "claude"), str(stub.bin / "claude")
    assert found(stub.env["PATH"]) == (here, program, NEW, "settings")
    assert found(f"{stub.bin}:{stub.folder}") == ("", program, NEW, "flag")
    assert found(str(stub.folder)) == (here, "", "", "")
    assert found("/nowhere") == ("", "", "", "")
    stub.install("2.0.1")
    assert found(stub.env["PATH"]) == (here, program, "2.0.1", "flag")


def test_nothing_heavy_is_imported(stub: Claude) -> None:
    """With a file that is there, a version that is known and a stored key."""
    stub.start("hi")
    text = (stub.folder / "claude").read_text()
    shown = 'os.write(1, "\\n".join(sys.modules).encode()); os._exit(0)'
    patch = (
        "from cowork_env import launcher\nimport os\n"
        f"def become(*_):\n    {shown}\nlauncher.become = become\nmain("
    )
    script = stub.folder / "claude"
    script.write_text(text.replace("\nmain(", "\n" + patch))
    modules = set(stub.call("hi").stdout.split())
    assert "cowork_env.claude" in modules
    heavy = {"re", "json", "hashlib", "subprocess", "platformdirs", "typing", "tempfile", "signal"}
    assert not heavy & modules
