"""Launchers: the environment that a program gets, and how the program is found."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cowork_env import launcher
from cowork_env.core import environment, variables
from cowork_env.hook import interpreter
from cowork_env.util.errors import CoworkEnvError

from support.home import GUIDE, Home
from support.program import Completed, Program

HOSTILE = [
    "",
    " ",
    "a b",
    "'",
    '"',
    "$(id)",
    "\\",
    "line\nline",
    "--",
    "-x",
    b"\xff\xfe".decode("utf-8", "surrogateescape"),
]
DUMP = "#!/bin/sh\nexec /usr/bin/env -0\n"


class Shims:
    """A home with a launcher for ``tool``, and the real tools in a folder of their own."""

    says = "cowork-env: ~/clone/.cowork-provider is not trusted. Run: cowork-env allow\n"

    def __init__(self, home: Home) -> None:
        self.home = home
        self.bin = home.path / "bin"
        self.bin.mkdir()
        self.folder = home.path / ".local/share/cowork-env/shims"
        self.env = {**home.env, "PATH": f"{self.folder}:{self.bin}:/usr/bin:/bin"}
        self.cowork("shim", "tool")

    def cowork(self, *arguments: str, status: int = 0) -> Completed:
        return Program(self.home, env=self.env).run(*arguments).check(status)

    def tool(
        self, text: str = DUMP, name: str = "tool", folder: Path | None = None, mode: int = 0o755
    ) -> Path:
        path = (folder or self.bin) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        return path

    def run(
        self, *arguments: str, cwd: Path | None = None, **env: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["tool", *arguments],
            executable=self.folder / "tool",
            env={**self.env, **env},
            cwd=cwd or self.home.path,
            capture_output=True,
            text=True,
            errors="surrogateescape",
            timeout=60,
        )

    def seen(self, cwd: Path | None = None, **env: str) -> dict[str, str]:
        """The environment that the real tool got, without what a shell adds and the guard."""
        done = self.run(cwd=cwd, **env)
        assert done.returncode == 0, done
        assert done.stderr.replace(self.says, "") == ""
        found = dict(line.split("=", 1) for line in done.stdout.split("\0") if line)
        return {
            k: v
            for k, v in found.items()
            if k not in ("PWD", "OLDPWD", "SHLVL", "_", launcher.GUARD)
        }


@pytest.fixture
def shims(home: Home) -> Shims:
    made = Shims(home)
    made.tool()
    home.providers()
    return made


def test_a_key_that_was_taken_away_is_put_back(home: Home, shims: Shims) -> None:
    """A launcher that Claude Code's Bash tool starts has both the URL and the key."""
    home.providers()
    home.pin(home.path / "project", "openrouter\n")
    shims.tool()
    whole = shims.seen(cwd=home.path / "project")
    assert whole["ANTHROPIC_AUTH_TOKEN"] == "sk-or-invented-0002"
    there = {k: v for k, v in whole.items() if k.startswith(("ANTHROPIC", "CLAUDE", "COWORK"))}
    del there["ANTHROPIC_AUTH_TOKEN"]
    assert shims.seen(cwd=home.path / "project", **there) == whole


def plain(env: dict[str, str]) -> dict[str, str]:
    return {k: v for k, v in env.items() if k not in ("PWD", "OLDPWD", "SHLVL", "_")}


# What the program gets


def test_pin_applies_below_it_only(shims: Shims) -> None:
    shims.home.pin(shims.home.path / "work", "openrouter\n")
    below = shims.home.path / "work/a/b"
    below.mkdir(parents=True)
    found = shims.seen(below, ANTHROPIC_API_KEY="theirs")
    assert found["ANTHROPIC_BASE_URL"] == "https://openrouter.ai/api"
    assert found["ANTHROPIC_AUTH_TOKEN"] == GUIDE[1]["authToken"]
    assert "ANTHROPIC_API_KEY" not in found
    assert shims.seen(ANTHROPIC_API_KEY="theirs") == plain(shims.env) | {
        "ANTHROPIC_API_KEY": "theirs"
    }


def test_environment_is_unchanged_to_the_byte(shims: Shims) -> None:
    odd = {
        "x.y": "1",
        "BASH_FUNC_f%%": "() { :; }",
        "EMPTY": "",
        "BYTES": b"\xff".decode("utf-8", "surrogateescape"),
    }
    bare = {"PATH": shims.env["PATH"], "HOME": shims.env["HOME"], **odd}  # the C locale, as in cron
    tool = shims.tool(
        f"#!{shutil.which('python3', path='/usr/bin') or sys.executable} -IS\n" + _DUMP_GIVEN
    )
    assert tool.exists()
    for more in ({}, {"LC_CTYPE": ""}, {"LC_CTYPE": "C.UTF-8"}, {"LC_ALL": "C"}):
        given = {**bare, **more}
        out = subprocess.run(
            [shims.folder / "tool"],
            env=given,
            cwd=shims.home.path,
            capture_output=True,
            check=True,
            timeout=60,
        )
        found = dict(
            e.split("=", 1) for e in out.stdout.decode("utf-8", "surrogateescape").split("\0") if e
        )
        assert found.pop(launcher.GUARD)
        assert found == given


_DUMP_GIVEN = "import os\nos.write(1, open('/proc/self/environ', 'rb').read())\n"


def test_launcher_of_an_earlier_version(shims: Shims) -> None:
    """It imports a module that has another name now."""
    path = shims.folder / "tool"
    now = path.read_text()
    path.write_text(now.replace("from cowork_env.launcher import", "from cowork_env.shim import"))
    assert path.read_text() != now
    shims.home.pin(shims.home.path, "litellm-local\n")
    assert shims.seen()["ANTHROPIC_BASE_URL"] == "http://localhost:4000"


def test_selection_applies_without_a_pin(shims: Shims) -> None:
    shims.home.state.mkdir(parents=True, exist_ok=True)
    (shims.home.state / "selection").write_text("litellm-local\n")
    assert shims.seen()["ANTHROPIC_BASE_URL"] == "http://localhost:4000"


def test_untrusted_pin_is_said_and_ignored(shims: Shims) -> None:
    shims.home.pin(shims.home.path, "litellm-local\n")
    inner = shims.home.path / "clone"
    shims.home.pin(inner, "openrouter\n", allow=False)
    done = shims.run(cwd=inner)
    assert "ANTHROPIC_BASE_URL=http://localhost:4000\0" in done.stdout
    assert done.stderr == (
        "cowork-env: ~/clone/.cowork-provider is not trusted. Run: cowork-env allow\n"
    )


@pytest.mark.parametrize(
    "text", ["nobody\n", "openrouter\nfoo = bar\n", "nobody\nrequired = true\n"]
)
def test_trusted_pin_that_cannot_be_used_starts_nothing(shims: Shims, text: str) -> None:
    shims.tool("#!/bin/sh\necho started\n")
    shims.home.pin(shims.home.path / "work", text)
    done = shims.run(cwd=shims.home.path / "work")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("cowork-env: tool was not started: ")
    assert done.stderr.count("\n") == 1


def test_missing_key_starts_nothing(shims: Shims) -> None:
    shims.tool("#!/bin/sh\necho started\n")
    shims.home.providers(
        [{"name": "P", "baseUrl": "https://p.example", "authTokenFrom": "env:P_KEY"}]
    )
    shims.home.pin(shims.home.path, "P\n")
    done = shims.run()
    assert (done.returncode, done.stdout) == (1, "")
    assert "P_KEY" in done.stderr
    shims.tool()
    assert shims.seen(P_KEY="sk-invented-p")["ANTHROPIC_AUTH_TOKEN"] == "sk-invented-p"


def test_key_from_a_command(shims: Shims) -> None:
    shims.home.providers(
        [
            {
                "name": "P",
                "baseUrl": "https://p.example",
                "authTokenFrom": "cmd:printf sk-invented-%s c",
            }
        ]
    )
    shims.home.pin(shims.home.path, "P\n")
    assert shims.seen()["ANTHROPIC_AUTH_TOKEN"] == "sk-invented-c"


def test_active_provider_is_replaced_only_by_a_choice(shims: Shims) -> None:
    shims.home.pin(shims.home.path / "work", "openrouter\n")
    shims.home.pin(shims.home.path / "other", "litellm-local\n")
    shims.home.pin(shims.home.path / "none", "none\n")
    shims.home.pin(shims.home.path / "clone", "litellm-local\n", allow=False)
    active = shims.seen(shims.home.path / "work", ANTHROPIC_MODEL="mine")
    assert environment.Activation.decode(active[environment.STATE])
    assert (
        shims.seen(shims.home.path / "other", **active)["ANTHROPIC_BASE_URL"]
        == "http://localhost:4000"
    )
    before = plain(shims.env) | {"ANTHROPIC_MODEL": "mine"}
    assert shims.seen(shims.home.path / "none", **active) == before
    assert shims.seen(COWORK_PROVIDER="none", **active) == before | {"COWORK_PROVIDER": "none"}
    # Nothing applies: what an outer shell left is removed, also if only a part of it is there.
    keyless = {n: v for n, v in active.items() if n != "ANTHROPIC_AUTH_TOKEN"}
    for left in (active, keyless):
        assert shims.seen(**left) == before
        assert shims.seen(shims.home.path / "clone", **left) == before
    theirs = shims.seen(shims.home.path / "work", **keyless, ANTHROPIC_API_KEY="own")
    assert theirs["ANTHROPIC_AUTH_TOKEN"] and "ANTHROPIC_API_KEY" not in theirs
    changed = {**active, "ANTHROPIC_MODEL": "by-hand"}
    assert shims.seen(shims.home.path / "work", **changed)["ANTHROPIC_MODEL"] == "by-hand"


@pytest.mark.parametrize("kind", ["link", "shared"])
def test_a_folder_that_others_can_change_gets_no_launcher(home: Home, kind: str) -> None:
    """It will be first on PATH."""
    folder = home.path / "data/cowork-env"
    (home.path / "elsewhere").mkdir()
    folder.parent.mkdir()
    if kind == "link":
        folder.symlink_to(home.path / "elsewhere")
    else:
        folder.parent.chmod(0o777)
    data = {"XDG_DATA_HOME": str(folder.parent)}
    refused = Program(home).run("shim", "tool", env=data).check(1)
    assert ("is a link" if kind == "link" else "can be written by other users") in refused.stderr
    assert not list(home.path.rglob("tool"))


def test_deleted_directory(shims: Shims) -> None:
    gone = shims.home.path / "gone"
    gone.mkdir()
    script = f'cd "{gone}" && rmdir "{gone}" && exec "{shims.folder}/tool"'
    done = subprocess.run(
        ["/bin/sh", "-c", script], env=shims.env, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, "HOME=" in done.stdout) == (0, True)


def test_another_home_has_its_own_providers(shims: Shims, tmp_path: Path) -> None:
    shims.home.pin(shims.home.path, "openrouter\n")
    other = Home(tmp_path / "other")
    other.providers(
        [{"name": "Theirs", "baseUrl": "https://theirs.example", "authToken": "sk-invented-t"}]
    )
    other.pin(other.path, "theirs\n")
    changed = {k: other.env[k] for k in variables.FOLDERS}
    assert shims.seen(other.path, **changed)["ANTHROPIC_BASE_URL"] == "https://theirs.example"
    # What is not said, as in cron, is as it was.
    env = {"PATH": shims.env["PATH"]}
    out = subprocess.run(
        [shims.folder / "tool"],
        env=env,
        cwd=shims.home.path,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert "ANTHROPIC_BASE_URL=https://openrouter.ai/api" in out.stdout


# How the program is run


def test_arguments_input_and_exit_status_are_unchanged(shims: Shims) -> None:
    write = "os.write(1, '\\0'.join(sys.argv[1:] + [input()]).encode('utf-8', 'surrogateescape'))"
    shims.tool(f"#!{sys.executable}\nimport os, sys\n{write}\nsys.exit(77)\n")
    done = subprocess.run(
        [shims.folder / "tool", *HOSTILE],
        env=shims.env,
        input=b"given\n",
        capture_output=True,
        timeout=60,
    )
    assert done.stdout.decode("utf-8", "surrogateescape").split("\0") == [*HOSTILE, "given"]
    assert (done.returncode, done.stderr) == (77, b"")


def test_launcher_is_replaced_by_the_program(shims: Shims) -> None:
    shims.tool("#!/bin/sh\necho $$\n")
    with subprocess.Popen(
        [shims.folder / "tool"], env=shims.env, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert int(process.stdout.read()) == process.pid


def test_no_signal_is_ignored(shims: Shims) -> None:
    shims.tool("#!/bin/sh\nexec grep SigIgn /proc/self/status\n")
    ignored = int(shims.run().stdout.split()[1], 16)
    assert not ignored & (1 << signal.SIGPIPE - 1 | 1 << signal.SIGXFSZ - 1)


def test_script_without_interpreter_line_is_run_by_sh(shims: Shims) -> None:
    shims.tool('echo "$1:$0"\n')
    assert shims.run("x").stdout == f"x:{shims.bin}/tool\n"


def test_launcher_imports_nothing_heavy() -> None:
    code = (
        "import sys; sys.path.append(sys.argv[1]); import cowork_env.launcher; print(*sys.modules)"
    )
    out = subprocess.run(
        [sys.executable, "-ISXutf8", "-c", code, os.path.dirname(interpreter.PACKAGE)],
        capture_output=True,
        text=True,
        check=True,
    )
    heavy = {
        "click",
        "pydantic",
        "platformdirs",
        "re",
        "json",
        "typing",
        "dataclasses",
        "pathlib",
        "hashlib",
        "subprocess",
        "signal",
    }
    assert not heavy & set(out.stdout.split())


def test_interpreter_path_that_the_kernel_cannot_run(shims: Shims) -> None:
    inner = shims.home.path / ("it's a long way " + "x" * 100)
    inner.mkdir()
    (inner / "python").symlink_to(sys.executable)
    path = shims.folder / "tool"
    text = path.read_text().partition("\n")[2]
    path.write_text(launcher.first_lines(str(inner / "python")) + text)
    assert path.read_text().startswith("#!/bin/sh\n")
    shims.home.pin(shims.home.path, "openrouter\n")
    assert shims.seen()["ANTHROPIC_BASE_URL"] == "https://openrouter.ai/api"


def test_missing_package_is_reported(shims: Shims) -> None:
    path = shims.folder / "tool"
    text = path.read_text().splitlines(keepends=True)
    path.write_text(
        "".join("sys.path += []\n" if line.startswith("sys.path") else line for line in text)
    )
    done = shims.run()
    assert done.returncode == 1
    assert done.stderr.startswith("cowork-env: ")
    assert done.stderr.count("\n") == 1


# How the program is found


def here(shims: Shims, where: str) -> str:
    """A PATH made from words: S the launchers, B the real ones, and anything else as it stands."""
    return ":".join(
        {"S": str(shims.folder), "B": str(shims.bin)}.get(word, word) for word in where.split("|")
    )


@pytest.mark.parametrize(
    "path",
    [
        "S|B",
        "S|S/|B",
        "B|S",
        "|S|B",
        "S||B",
        "nowhere|S|/dev/null|B",
        "S|/|.|B",
        "S|LINK|B",
        "S|COPY|B",
        "S|DIR|B",
        "B|B|S|S",
    ],
)
def test_unusual_paths(shims: Shims, path: str) -> None:
    (shims.home.path / "link").symlink_to(shims.folder)
    shutil.copytree(shims.folder, shims.home.path / "copy")
    (shims.home.path / "dir/tool").mkdir(parents=True)
    for word in ("LINK", "COPY", "DIR"):
        path = path.replace(word, str(shims.home.path / word.lower()))
    shims.tool("#!/bin/sh\necho real\n")
    assert shims.run(PATH=here(shims, path)).stdout == "real\n"


def test_relative_path_entries(shims: Shims) -> None:
    shims.tool("#!/bin/sh\necho relative\n", folder=shims.home.path / "rel")
    assert shims.run(PATH=f"{shims.folder}:rel").stdout == "relative\n"
    assert shims.run(cwd=shims.home.path / "rel", PATH=f"{shims.folder}:").stdout == "relative\n"


def test_without_path_the_default_is_used(shims: Shims) -> None:
    shims.cowork("shim", "cat")
    env = {k: v for k, v in shims.env.items() if k != "PATH"}
    out = subprocess.run(
        [shims.folder / "cat", "/dev/null"], env=env, capture_output=True, text=True, timeout=60
    )
    assert (out.returncode, out.stderr) == (0, "")


def test_not_found_and_not_executable(shims: Shims) -> None:
    assert shims.run(PATH=str(shims.folder)).returncode == 127
    shims.tool(mode=0o644)
    done = shims.run(PATH=f"{shims.folder}:{shims.bin}")
    assert done.returncode == 126
    shims.tool("#!/nowhere/interpreter\n")
    assert shims.run().returncode == 127


@pytest.mark.parametrize("call", ["exec tool", "tool"])
def test_wrapper_that_calls_the_launcher_reaches_the_next_program(shims: Shims, call: str) -> None:
    shims.tool(f"#!/bin/sh\necho wrapped\n{call}\n", folder=shims.home.path / "wrap")
    shims.tool("#!/bin/sh\necho real\n")
    done = shims.run(PATH=f"{shims.folder}:{shims.home.path}/wrap:{shims.bin}:/usr/bin:/bin")
    assert done.stdout == "wrapped\nreal\n"


@pytest.mark.parametrize("call", ["exec tool", "tool"])
def test_wrapper_without_a_program_behind_it_is_stopped(shims: Shims, call: str) -> None:
    shims.tool(f"#!/bin/sh\n{call}\n")
    done = shims.run()
    assert done.returncode == 1
    assert "again and again" in done.stderr


@pytest.mark.parametrize("entry", ["", ".", "rel"])
def test_a_program_that_starts_itself_is_not_replaced_by_a_repositorys(
    shims: Shims, entry: str
) -> None:
    """What is behind it on PATH would not run without the launcher."""
    shims.tool('#!/bin/sh\necho "real $1"\n[ "$1" = 0 ] || tool 0\n')
    for folder in ("clone", "clone/rel"):
        shims.tool("#!/bin/sh\necho hostile\n", folder=shims.home.path / folder)
    path = f"{shims.folder}:{shims.bin}:/usr/bin:/bin:{entry}"
    done = shims.run("1", cwd=shims.home.path / "clone", PATH=path)
    assert done.stdout == "real 1\nreal 0\n"


def test_program_can_start_itself(shims: Shims) -> None:
    shims.tool('#!/bin/sh\necho "$1"\n[ "$1" = 0 ] || { tool $(($1 - 1)); :; }\n')
    assert shims.run("3").stdout == "3\n2\n1\n0\n"


# Writing and removing


def test_printed_path_line_works(shims: Shims) -> None:
    shims.env["PATH"] = f"{shims.bin}:/usr/bin:/bin"
    line = shims.cowork("shim", "tool").stdout
    shims.home.pin(shims.home.path, "openrouter\n")
    script = f"{line}tool"
    out = subprocess.run(
        ["/bin/sh", "-c", script],
        env=shims.env,
        cwd=shims.home.path,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert "ANTHROPIC_BASE_URL=https://openrouter.ai/api" in out.stdout


def test_no_line_is_printed_when_the_folder_is_on_path(shims: Shims) -> None:
    assert shims.cowork("shim", "tool").stdout == ""


def test_path_line_for_fish(shims: Shims) -> None:
    shims.env.update(PATH="/usr/bin:/bin", SHELL="/usr/bin/fish")
    assert shims.cowork("shim", "tool").stdout.startswith("fish_add_path ")


def test_remove_leaves_nothing(shims: Shims) -> None:
    shims.cowork("shim", "other")
    assert shims.cowork("shim").stdout == "other\ntool\n"
    shims.cowork("shim", "--remove", "other")
    assert os.listdir(shims.folder) == ["tool"]
    shims.cowork("shim", "--remove", "other", status=1)
    shims.cowork("shim", "--remove")
    assert not shims.folder.exists()
    assert "There are no launchers." in shims.cowork("shim", "--remove").stderr


def test_other_files_are_not_replaced_or_removed(shims: Shims) -> None:
    (shims.folder / "mine").write_text("mine")
    shims.cowork("shim", "mine", status=1)
    shims.cowork("shim", "--remove", "mine", status=1)
    shims.cowork("shim", "--remove")
    assert (shims.folder / "mine").read_text() == "mine"


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a/b", "/bin/sh", "-x", "a\nb", "it's", "cowork-env", "\x1b[2J"]
)
def test_invalid_names(name: str) -> None:
    with pytest.raises(CoworkEnvError):
        launcher.check_name(name)


def test_one_invalid_name_writes_no_launcher(shims: Shims) -> None:
    shims.cowork("shim", "good", "a/b", status=2)
    assert not (shims.folder / "good").exists()


def test_launcher_has_no_key_and_is_not_writable_by_others(shims: Shims) -> None:
    path = shims.folder / "tool"
    assert GUIDE[1]["authToken"] not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o755
    assert shims.folder.stat().st_mode & 0o777 == 0o700
