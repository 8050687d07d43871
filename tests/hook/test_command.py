"""The command cowork-env: a script that prints the line that loads a hook, or starts Python."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from support.home import ROOT, Home, executable
from support.shells import SHELLS

# In the place of Python, it tells how it was started.
FAKE = '#!/bin/sh\nprintf \'%s\\n\' "$0" "$@"\n'


class Installation:
    """The script as an installer leaves it, below ``prefix``; the interpreter is a fake."""

    def __init__(self, prefix: Path) -> None:
        self.bin = prefix / "bin"
        self.python, self.program = self.bin / "python3", self.bin / "cowork-env-python"
        self.bin.mkdir(parents=True)
        shutil.copy(ROOT / "shell/cowork-env", self.bin)
        self.write(self.python, FAKE)
        self.write(self.program, f"#!{self.python}\n")
        self.site = prefix / "lib/python3.11/site-packages"
        self.package = self.add_package(self.site)
        shutil.copytree(ROOT / "shell", self.package / "shell")

    @staticmethod
    def write(path: Path, text: str) -> None:
        path.write_text(text)
        path.chmod(0o755)

    @staticmethod
    def add_package(folder: Path) -> Path:
        for name in ("__init__.py", "hook/launch.py"):
            (folder / "cowork_env" / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / "cowork_env" / name).touch()
        return folder / "cowork_env"

    def run(self, *arguments: str, command: Path | str = "", cwd: Path | str = "/") -> str:
        done = subprocess.run(
            ["env", str(command or self.bin / "cowork-env"), *arguments],
            env={"PATH": f"{self.bin}:/usr/bin:/bin"},
            cwd=cwd,
            capture_output=True,
            text=True,
            timeout=20,
        )
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    def started(self, *arguments: str) -> str:
        """What the fake prints when Python is started as it should be."""
        return "".join(f"{word}\n" for word in (self.python, "-E", self.program, *arguments))

    def hook(self, shell: str) -> str:
        """What is in the line that loads the hook."""
        return f"'{self.package}/shell/hook.{shell}'"


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return Installation(tmp_path / "prefix")


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_prints_what_python_prints(shell: str, home: Home) -> None:
    printed = [
        subprocess.run(
            [program, "hook", shell], env=home.env, capture_output=True, text=True, timeout=30
        ).stdout
        for program in (executable(), f"{executable()}-python")
    ]
    assert printed[0] == printed[1] and f"hook.{shell}" in printed[0]


@pytest.mark.parametrize("shell", SHELLS)
def test_hook_starts_no_python(shell: str, installation: Installation) -> None:
    line = installation.run("hook", shell)
    assert installation.hook(shell) in line and f"'{installation.python}'" in line
    assert len(line.splitlines()) == 1


def test_everything_else_is_for_python(installation: Installation) -> None:
    for arguments in ((), ("hook",), ("hook", "nu"), ("hook", "bash", "x"), ("exec", "a b", "")):
        assert installation.run(*arguments) == installation.started(*arguments)


def test_links_lead_to_the_installation(installation: Installation, tmp_path: Path) -> None:
    links = tmp_path / "my bin"
    links.mkdir()
    (links / "second").symlink_to(installation.bin / "cowork-env")
    (links / "cowork-env").symlink_to("second")
    for command, cwd in (
        (links / "cowork-env", "/"),
        ("./cowork-env", links),
        ("../my bin/cowork-env", links),
        ("cowork-env", "/"),  # found on PATH
    ):
        printed = installation.run("hook", "bash", command=command, cwd=cwd)
        assert installation.hook("bash") in printed
    assert installation.run("list", command=links / "cowork-env") == installation.started("list")


@pytest.mark.parametrize("quote", ["'", '"'])
def test_an_interpreter_whose_path_has_a_blank(tmp_path: Path, quote: str) -> None:
    installation = Installation(tmp_path / "my prefix")
    python = f"{quote}{installation.python}{quote}"
    text = f"#!/bin/sh\n'''exec' {python} \"$0\" \"$@\"\n' '''\n"
    installation.write(installation.program, text)
    assert installation.hook("zsh") in installation.run("hook", "zsh")
    assert installation.run("list") == installation.started("list")


def test_options_of_the_interpreter_are_no_part_of_its_path(installation: Installation) -> None:
    installation.write(installation.program, f"#!{installation.python} -E\n")
    assert installation.hook("bash") in installation.run("hook", "bash")


def test_a_program_in_another_form_is_run_as_it_is(installation: Installation) -> None:
    installation.write(installation.program, '#!/usr/bin/env sh\necho ran "$@"\n')
    assert installation.run("hook", "bash") == "ran hook bash\n"


def test_an_editable_installation_leads_to_the_checkout(
    installation: Installation, tmp_path: Path
) -> None:
    shutil.rmtree(installation.package)
    checkout = tmp_path / "check out"
    installation.add_package(checkout)
    shutil.copytree(ROOT / "shell", checkout / "shell")
    (installation.site / "_editable_impl_cowork_env.pth").write_text(f"{checkout}")
    assert f"'{checkout}/shell/hook.fish'" in installation.run("hook", "fish")


def test_what_is_not_sure_is_left_to_python(installation: Installation, tmp_path: Path) -> None:
    second = installation.add_package(tmp_path / "prefix/lib/python3.12/site-packages")
    assert installation.run("hook", "bash") == installation.started("hook", "bash")
    shutil.rmtree(second)
    assert installation.hook("bash") in installation.run("hook", "bash")
    (installation.package / "hook/launch.py").unlink()
    assert installation.run("hook", "bash") == installation.started("hook", "bash")
    for name in ("it's", "back\\slash"):
        other = Installation(tmp_path / name)
        assert other.run("hook", "bash") == other.started("hook", "bash")


def test_no_variable_of_the_user_reaches_python(home: Home) -> None:
    (home.path / "own").mkdir()
    (home.path / "own/click.py").write_text("raise SystemExit('not ours')\n")
    for variables in ({"PYTHONPATH": str(home.path / "own")}, {"PYTHONHOME": str(home.path)}):
        done = subprocess.run(
            [executable(), "presets"],
            env={**os.environ, **home.env, **variables},
            capture_output=True,
            text=True,
            timeout=30,
        )
        assert done.returncode == 0, done.stderr
