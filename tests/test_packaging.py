"""The package as it is handed out: sdist, wheel and checkout carry the hooks."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import venv
import zipfile
from pathlib import Path

import pytest

from cowork_env import shells

from support.home import Home, executable, need

ROOT = Path(__file__).parent.parent
HOOKS = sorted(p.name for p in (ROOT / "shell").glob("hook.*"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel, built from the sdist that is built from a copy of the project."""
    folder = tmp_path_factory.mktemp("build")
    kept = shutil.ignore_patterns(
        ".git", ".venv", "__pycache__", ".*_cache", ".hypothesis", "dist", "node_modules"
    )
    shutil.copytree(ROOT, folder / "project", ignore=kept)
    subprocess.run(
        [
            sys.executable,
            "-m",
            "build",
            "--no-isolation",
            "--outdir",
            str(folder / "dist"),
            str(folder / "project"),
        ],
        check=True,
        timeout=110,
        capture_output=True,
    )
    [path] = (folder / "dist").glob("*.whl")
    return path


def test_the_wheel_has_every_hook_and_data_file(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {f"cowork_env/shell/{name}" for name in HOOKS} <= names
    assert {
        "cowork_env/presets.json",
        "cowork_env/py.typed",
        "cowork_env/cli/__init__.py",
        "cowork_env/secrets/from_env.py",
    } <= names
    assert not [n for n in names if n.startswith(("tests/", "shell/", "bench/"))]


def test_installed_into_a_clean_environment(wheel: Path, home: Home, tmp_path: Path) -> None:
    """The hook comes out of the installed wheel, and works in a shell."""
    target = tmp_path / "clean"
    venv.create(target, with_pip=False)
    pip = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(target / "bin/python"),
        "install",
        "--no-deps",
        "--no-index",
        "-q",
    ]
    subprocess.run([*pip, str(wheel)], check=True, timeout=60, env=home.env)
    installed = str(target / "bin/cowork-env")
    env = {**home.env, "PATH": f"{target}/bin:{os.environ['PATH']}"}
    for name in HOOKS:
        shell = next(s.name for s in shells.with_hook() if s.hook == name)
        done = subprocess.run(
            [installed, "hook", shell], env=env, capture_output=True, text=True, timeout=30, cwd="/"
        )
        assert (done.returncode, done.stderr) == (0, ""), name
        assert str(target) in done.stdout and str(ROOT) not in done.stdout, name
    home.providers()
    home.pin(home.path / "project", "OpenRouter\n")
    done = subprocess.run(
        [
            need("bash"),
            "-c",
            'eval "$(cowork-env hook bash)"; cd project && echo "$ANTHROPIC_BASE_URL"',
        ],
        env=env,
        cwd=home.path,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert (done.stdout, done.stderr) == ("https://openrouter.ai/api\n", "")


def test_this_checkout_has_the_hooks(home: Home) -> None:
    """An editable installation finds them beside the package."""
    done = subprocess.run(
        [executable(), "hook", "zsh"], env=home.env, capture_output=True, text=True, timeout=30
    )
    assert "__cowork_env_prompt" in done.stdout


def test_without_bytecode_in_a_folder_of_somebody_elses(wheel: Path, tmp_path: Path) -> None:
    """Installed read-only and never compiled, the hook keeps compiled code in the person's own state folder."""
    # As somebody else than root, who may write everywhere, with an interpreter that they may run.
    prefix = (
        [need("setpriv"), "--reuid=65534", "--regid=65534", "--clear-groups", "env"]
        if os.geteuid() == 0
        else []
    )
    python = next(
        (p for p in (sys.executable, "/usr/bin/python3") if _runs([*prefix, p, "-c", ""])), ""
    )
    if not python:
        pytest.skip("no interpreter here that somebody else may run")
    with tempfile.TemporaryDirectory() as name:  # tmp_path is for its owner's eyes only
        folder = Path(name)
        zipfile.ZipFile(wheel).extractall(folder / "site")
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)
        folder.chmod(0o755)
        (folder / "home").mkdir()
        (folder / "home").chmod(0o777)
        script = (
            "import sys; sys.path.insert(0, sys.argv[1]); sys.dont_write_bytecode = True\n"
            "from cowork_env.hook import render; print(render.render(render.find('bash'), sys.argv[2], sys.argv[3]) + 'cd /')"
        )
        run = {
            "env": {"PATH": "/usr/bin:/bin", "HOME": f"{name}/home"},
            "cwd": f"{name}/home",
            "check": True,
            "timeout": 30,
        }
        paths = [f"{name}/site", f"{name}/home/.config", f"{name}/home/state"]
        done = subprocess.run(
            [*prefix, python, "-ISc", script, *paths], capture_output=True, text=True, **run
        )  # type: ignore[call-overload]
        done = subprocess.run(
            [*prefix, need("bash"), "-c", done.stdout], capture_output=True, text=True, **run
        )  # type: ignore[call-overload]
        assert done.stderr == ""
        assert list((folder / "home/state/lean").iterdir())
        assert (folder / "home/state").stat().st_mode & 0o777 == 0o700
        for path in (folder / "site").rglob("*"):
            path.parent.chmod(0o755)


def _runs(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, timeout=30, cwd="/").returncode == 0
