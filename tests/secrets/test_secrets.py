"""Fetching keys: references, sources, and every way in which a key cannot be fetched."""

from __future__ import annotations

import ast
import base64
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cowork_env import secrets
from cowork_env.cli import errors
from cowork_env.core.provider import InvalidField, Provider, is_encrypted
from cowork_env.secrets import tool
from cowork_env.util.errors import CoworkEnvError

from support.home import Home, need
from support.program import Program

KEY = "sk-marked-0123456789"


def provider(**entry: Any) -> Provider:
    return Provider({"name": "A", "baseUrl": "https://a.example", **entry})


def fetch(variables: dict[str, str] | None = None, **entry: Any) -> str:
    return secrets.fetch(
        provider(**entry), {"PATH": os.environ["PATH"]} if variables is None else variables
    )


def fails(variables: dict[str, str] | None = None, **entry: Any) -> str:
    """The message of the error, in which and behind which there is no key."""
    with pytest.raises(CoworkEnvError) as caught:
        fetch(variables, **entry)
    error: BaseException | None = caught.value
    while error is not None:
        assert KEY not in str(error) + repr(error) + repr(vars(error))
        error = error.__context__
    return caught.value.message


def test_a_stored_key() -> None:
    assert fetch(authToken=KEY) == KEY
    assert fails() == "it has no key."
    assert fails(authToken="") == "it has no key."
    assert fetch(baseUrl="", env={"CLAUDE_CODE_USE_VERTEX": "1"}) == ""


@pytest.mark.parametrize(
    "token",
    [
        "ENC:v1:djExAAAAAAAAAAAAAAAAAAAAAA==",
        "ENC:v1:",
        "ENC:v9:x",
        "djEwAAAAAAAAAAAA",
        "djExAAAA",
        "djEyAA==",
        "djEwAAA",
    ],
)
def test_an_encrypted_key_is_never_sent_as_it_stands(token: str) -> None:
    assert is_encrypted(token)
    assert token not in fails(authToken=token)


@given(
    st.sampled_from(["ENC:", "ENC:v1:", "djEw", "djEx", "djEy"]),
    st.binary(max_size=60).map(lambda b: base64.b64encode(b).decode()),
)
def test_no_ciphertext_is_a_key(prefix: str, body: str) -> None:
    for token in (prefix + body, prefix + body.rstrip("=")):
        try:
            assert fetch(authToken=token) != token
        except CoworkEnvError:
            pass


def test_a_reference_takes_precedence_over_a_stored_key_without_fallback() -> None:
    assert fetch({"K": "other"}, authToken=KEY, authTokenFrom="env:K") == "other"
    assert fails({}, authToken=KEY, authTokenFrom="env:K") == "not found: $K is not set."


@pytest.mark.parametrize(
    "reference",
    ["K", "ENV:K", "Env:K", "http://x", "vault:x", "aws:x", " env:K", "op:x", KEY, "cmd", "$(x)"],
)
def test_unknown_schemes_are_refused(reference: str) -> None:
    with pytest.raises(InvalidField) as caught:
        secrets.check_reference(reference)
    assert caught.value.path == ("authTokenFrom",)
    assert fails({"K": "x"}, authTokenFrom=reference).startswith("bad reference: ")
    assert not secrets.may_be_slow(provider(authTokenFrom=reference))


def test_env() -> None:
    assert fetch({"K": KEY}, authTokenFrom="env:K") == KEY
    assert fails({"K": ""}, authTokenFrom="env:K") == "not found: $K is not set."
    for bad in (
        "",
        "1",
        "A B",
        "A=B",
        "ANTHROPIC_AUTH_TOKEN",
        "ANTHROPIC_API_KEY",
        "COWORK_ENV_STATE",
        "COWORK_ENV_ACTIVE",
    ):
        assert fails({bad: KEY}, authTokenFrom=f"env:{bad}").startswith("bad reference: ")
        with pytest.raises(InvalidField):
            secrets.check_reference(f"env:{bad}")


@pytest.mark.parametrize(
    "value", ["\n", " ", "a\nb", "a ", " a", "a\x1b[31m", "a\udcff", "a\n\n", "\u202ea"]
)
def test_a_key_is_one_line_of_printable_text(value: str) -> None:
    assert fails({"K": value}, authTokenFrom="env:K").startswith("bad value: ")


def test_one_line_break_at_the_end_is_not_part_of_a_key() -> None:
    assert [fetch({"K": KEY + end}, authTokenFrom="env:K") for end in ("", "\n", "\r\n")] == [
        KEY
    ] * 3


def test_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "key"
    path.write_text(KEY + "\n")
    assert fetch(authTokenFrom=f"file:{path}") == KEY
    monkeypatch.setenv("HOME", str(tmp_path))
    assert fetch(authTokenFrom="file:~/key") == KEY
    assert (
        fails(authTokenFrom="file:key")
        == "bad reference: authTokenFrom does not have an absolute path."
    )
    assert fails(authTokenFrom=f"file:{path}x").startswith("not found: ")
    assert fails(authTokenFrom=f"file:{tmp_path}").startswith("denied: ")
    path.write_bytes(b"\xff" + KEY.encode())
    assert fails(authTokenFrom=f"file:{path}").startswith("bad value: ")
    path.write_bytes(b"")
    assert fails(authTokenFrom=f"file:{path}") == "bad value: the key is empty."
    path.write_bytes(b"a" * 70_000)
    assert fails(authTokenFrom=f"file:{path}").startswith("bad value: ")
    path.unlink()
    os.mkfifo(path)
    assert fails(authTokenFrom=f"file:{path}").startswith("denied: ")


def test_a_file_in_an_unsearchable_folder_is_denied(tmp_path: Path) -> None:
    path = str(tmp_path / "closed/key")
    code = f"from cowork_env.secrets import from_file; from_file.fetch({path!r}, {{}})"
    (tmp_path / "closed").mkdir(mode=0o600)
    (tmp_path / "closed/key").write_text(KEY)
    argv = [sys.executable, "-c", code]
    if os.geteuid() == 0:  # root reads everything unless it gives that up
        argv = [need("setpriv"), "--bounding-set", "-dac_override,-dac_read_search", *argv]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60)
    message = "denied: the file of authTokenFrom cannot be read: Permission denied."
    assert f"CoworkEnvError: {message}" in done.stderr


def test_json_pointer(tmp_path: Path) -> None:
    path = tmp_path / "f.json"
    path.write_text(f'{{"a/b": {{"~": ["x", "{KEY}"]}}, "n": 3, "": {{"": "e"}}}}')
    assert fetch(authTokenFrom=f"file:{path}#/a~1b/~0/1") == KEY
    assert fetch(authTokenFrom=f"file:{path}#//") == "e"
    for pointer in ("x", "a~1b/~0/2", "a~1b/~0/-1", "a~1b/~0/01x", "a~1b/~0/1/0"):
        assert fails(authTokenFrom=f"file:{path}#/{pointer}").startswith("not found: ")
    assert fails(authTokenFrom=f"file:{path}#/n").startswith("bad value: ")
    path.write_text(f'{{"a": "{KEY}" ')
    assert fails(authTokenFrom=f"file:{path}#/a").startswith("bad value: ")


def test_command(tmp_path: Path) -> None:
    def script(body: str) -> str:
        path = tmp_path / "tool"
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
        return f"cmd:{path}"

    assert fetch(authTokenFrom=f"cmd:printf '%s\\n' '{KEY}'") == KEY
    assert fetch(authTokenFrom="cmd:printf %s '$HOME;`x`'") == "$HOME;`x`"
    assert fetch(authTokenFrom=script(f'test -t 0 || read line || echo "{KEY}"')) == KEY
    assert (
        fails(authTokenFrom="cmd:no-such-tool-here")
        == "tool missing: no-such-tool-here is not installed."
    )
    assert fails(authTokenFrom=f"cmd:{tmp_path}").startswith("denied: ")
    assert (
        fails(authTokenFrom="cmd:'x")
        == "bad reference: authTokenFrom has a quote that does not end."
    )
    assert fails(authTokenFrom="cmd: ") == "bad reference: authTokenFrom has no command."
    assert (
        fails(authTokenFrom=script(f"echo {KEY}; echo {KEY} >&2; exit 3"))
        == "not found: tool ended with status 3."
    )
    assert fails(authTokenFrom=script(":")) == "bad value: the key is empty."
    assert (
        fails(authTokenFrom=script("printf '\\377'"))
        == "bad value: tool printed something that is not UTF-8."
    )
    assert (
        fails(authTokenFrom=script("exec cat /dev/zero"))
        == "bad value: tool printed more than 64 KiB."
    )


@pytest.mark.parametrize("program", ["./tool", "bin/tool", "../tool"])
def test_a_command_does_not_depend_on_the_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    """A project could have a program of its own under that name."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / program
    path.parent.mkdir(exist_ok=True)
    path.write_text("#!/bin/sh\necho stolen\n")
    path.chmod(0o755)
    assert (
        fails(authTokenFrom=f"cmd:{program}")
        == "bad reference: authTokenFrom does not have an absolute path."
    )


def test_a_command_gets_no_key_and_no_state() -> None:
    dirty = {
        **os.environ,
        "ANTHROPIC_API_KEY": KEY,
        "ANTHROPIC_X": KEY,
        "COWORK_ENV_STATE": KEY,
        "COWORK_ENV_PROVIDERS_JSON": KEY,
    }
    count = "sum(k.startswith(('ANTHROPIC_', 'COWORK_ENV_')) for k in os.environ)"
    code = f"import os; print({count}, 'PATH' in os.environ, os.getpid() == os.getsid(0))"
    assert tool.run([sys.executable, "-c", code], dirty).text() == "0 True True\n"


def test_a_slow_command_is_killed_with_its_children(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    code = f"sleep 600 & echo $! > {note}.new; mv {note}.new {note}; wait"
    begin = time.monotonic()
    with pytest.raises(CoworkEnvError, match="timed out: sh did not answer"):
        tool.run(["sh", "-c", code], dict(os.environ), timeout=1)
    assert time.monotonic() - begin < 20
    pid = int(note.read_text())
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            if "State:\tZ" in Path(f"/proc/{pid}/status").read_text():
                return
            os.kill(pid, 0)
        except (ProcessLookupError, FileNotFoundError):
            return
        time.sleep(0.01)
    pytest.fail("a child is still running")


@pytest.fixture(params=["default", "command"])
def before(request: pytest.FixtureRequest) -> Iterator[Any]:
    """What signals do before a tool is started: what they usually do, and what in our commands."""
    numbers = (signal.SIGHUP, signal.SIGTERM)
    saved = [signal.signal(number, signal.SIG_DFL) for number in numbers]
    if request.param == "command":
        errors.raise_when_terminated()
    yield signal.getsignal(signal.SIGTERM)
    for number, handler in zip(numbers, saved, strict=True):
        signal.signal(number, handler)


@pytest.mark.usefixtures("before")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP, signal.SIGTERM, signal.SIGQUIT])
def test_a_signal_while_a_command_is_being_started_ends_it(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[subprocess.Popen[bytes]] = []
    before = signal.getsignal(number)

    class Popen(subprocess.Popen):  # type: ignore[type-arg]
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            started.append(self)
            os.kill(os.getpid(), number)

    monkeypatch.setattr(subprocess, "Popen", Popen)
    with pytest.raises(KeyboardInterrupt):
        tool.run(["sleep", "600"], dict(os.environ))
    try:
        assert started[0].poll() == -signal.SIGKILL
    finally:
        started[0].kill()
    assert signal.getsignal(number) is before
    assert signal.getsignal(signal.SIGINT) == signal.default_int_handler


def test_a_command_that_closes_its_output_and_stays_is_killed() -> None:
    with pytest.raises(CoworkEnvError, match="timed out: sh did not end"):
        tool.run(["sh", "-c", "exec >&-; exec sleep 600"], dict(os.environ), timeout=1)


@pytest.mark.parametrize(
    ("reference", "outside"),
    [
        ("env:K", False),
        ("file:/x", False),
        ("", False),
        ("cmd:x", True),
        ("pass:x", True),
        ("op://a/b/c", True),
        ("keyring:a/b", True),
        ("vault://a#b", True),
        ("aws-sm://a", True),
    ],
)
def test_outside_and_watched_references(reference: str, outside: bool) -> None:
    assert secrets.may_be_slow(provider(authTokenFrom=reference)) is outside
    assert secrets.watched_variable(reference) == ("K" if reference == "env:K" else "")
    assert secrets.watched_file(reference) == ("/x" if reference == "file:/x" else "")


def test_the_watched_file_is_the_one_that_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert secrets.watched_file("file:~/k.json#/a/b") == f"{tmp_path}/k.json"


# What a repository could supply

MODULE = "print('sk-from-the-repository')"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with a program and a module that print a key."""
    for folder in ("", "bin"):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / "vault-tool").write_text("#!/bin/sh\necho sk-from-the-repository\n")
        (tmp_path / folder / "vault-tool").chmod(0o755)
        (tmp_path / folder / "vault_module.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("path", ["", ".", ":", "bin", "./bin:", "/usr/bin::/bin", "~/bin:.", None])
def test_a_repository_does_not_supply_the_tool(repository: Path, path: str | None) -> None:
    env = {"HOME": str(repository)} | ({} if path is None else {"PATH": path})
    said = fails(env, authTokenFrom="cmd:vault-tool")
    assert said == "tool missing: vault-tool is not installed."


@pytest.mark.parametrize("variable", ["PYTHONPATH", "X"])
@pytest.mark.parametrize("value", ["", ".", ":bin", "bin:"])
def test_a_repository_does_not_supply_a_module_of_the_tool(
    repository: Path, variable: str, value: str
) -> None:
    env = {"PATH": os.environ["PATH"], variable: value}
    for python in (sys.executable, "python3"):
        said = fails(env, authTokenFrom=f"cmd:{python} -m vault_module")
        assert said.startswith("not found: python")


def test_a_tool_does_not_know_the_directory(repository: Path) -> None:
    """A tool that finds its configuration by the directory, as git does, finds the user's own."""
    names = ("PWD", "OLDPWD", "INIT_CWD", "GIT_DIR", "GIT_WORK_TREE", "DIRENV_DIR", "DIRENV_FILE")
    env = {
        "PATH": f".:{os.environ['PATH']}:bin:",
        "KEPT": "kept",
        **dict.fromkeys(names, str(repository)),
    }
    code = "import os; print(os.getcwd(), *sorted(k + '=' + v for k, v in os.environ.items()))"
    said = tool.run([sys.executable, "-c", code], env).text()
    assert str(repository) not in said
    assert said.startswith("/ ") and " KEPT=kept " in said and " PWD=/" in said
    (path,) = (word.removeprefix("PATH=") for word in said.split() if word.startswith("PATH="))
    assert all(entry.startswith("/") for entry in path.split(":"))


def test_a_tool_that_has_closed_its_output_is_not_waited_for_in_slices(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It ends a moment later, and a prompt waits."""
    pauses, select = [], tool.select.select

    def noting(pipes: Any, *rest: Any) -> Any:
        if not pipes:
            pauses.append(rest[-1])
        return select(pipes, *rest)

    monkeypatch.setattr(tool.select, "select", noting)
    assert (
        tool.run(["sh", "-c", "exec >&- 2>&-; sleep 0.1"], {"PATH": os.environ["PATH"]}).status == 0
    )
    assert len(pauses) > 1 and max(pauses) <= tool.POLL


# The one way to a key, and the few ways to start a program

PACKAGE = Path(secrets.__file__).parents[1]


def calls(*names: str) -> set[str]:
    """The files of the package that call one of these functions, as ``module.function``."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in names:
                found.add(str(path.relative_to(PACKAGE)))
    return found


def test_keys_are_fetched_in_one_place() -> None:
    """There the variables of another provider are taken off first."""
    assert calls("secrets.fetch") == {"core/resolve.py"}


def test_programs_are_started_in_few_places() -> None:
    """The tools for keys; what a user runs with exec or a launcher, and Claude Code for its
    version; the tour, in a home of its own; the user's editor; man, to see whether it finds a page.

    None finds its program in the directory that it is run in.
    """
    assert calls(
        *(f"subprocess.{name}" for name in ("Popen", "run", "call", "check_output", "check_call")),
        *("os.system", "os.popen", "os.execve", "os.execvp", "os.execvpe", "os.posix_spawn"),
        *("os.posix_spawnp", "os.spawnvp", "posix.fork", "os.fork", "pexpect.spawn", "pty.spawn"),
    ) == {
        *("claude_files.py", "cli/demo.py", "cli/editor.py", "launcher.py", "manual.py"),
        "secrets/tool.py",
    }


def test_a_launcher_of_the_tool_is_not_started(home: Home) -> None:
    """The hook puts the launchers first on PATH; one would look up the same key, without end."""
    (home.path / "bin").mkdir()
    (home.path / "bin/my-keys").write_text("#!/bin/sh\necho found-key\n")
    (home.path / "bin/my-keys").chmod(0o755)
    entry = {"name": "A", "baseUrl": "https://a.example", "authTokenFrom": "cmd:my-keys"}
    home.providers([entry])
    path = f"{home.path}/.local/share/cowork-env/shims:{home.path}/bin:/usr/bin:/bin"
    program = Program(home, env={**home.env, "PATH": path})
    program.run("use", "A").check()
    program.run("shim", "my-keys").check()
    assert program.run("token").check().stdout == "found-key\n"
