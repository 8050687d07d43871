"""The package as it is distributed, and the project files that have to agree with each other."""

from __future__ import annotations

import email
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from pathlib import Path
from typing import Any

import pytest

from cowork_env import shells
from cowork_env.hook.interpreter import FLAGS

from support.home import Home, executable, need

ROOT = Path(__file__).parent.parent
HOOKS = sorted(path.name for path in (ROOT / "shell").glob("hook.*"))
COMPLETIONS = sorted(path.name for path in (ROOT / "shell").glob("completion.*"))


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an sdist built from a copy of the project, and a wheel built from the sdist."""
    folder = tmp_path_factory.mktemp("build")
    ignored = [
        ".git",
        ".venv",
        "__pycache__",
        ".*_cache",
        ".coverage*",
        ".hypothesis",
        "dist",
        "node_modules",
    ]
    shutil.copytree(ROOT, folder / "project", ignore=shutil.ignore_patterns(*ignored))
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder / "dist")]
    subprocess.run([*build, str(folder / "project")], check=True, timeout=110, capture_output=True)
    return folder / "dist"


@pytest.fixture(scope="module")
def wheel(dist: Path) -> Path:
    """The path of the wheel."""
    [path] = dist.glob("*.whl")
    return path


def test_wheel_has_every_hook_and_data_file(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {f"cowork_env/shell/{name}" for name in HOOKS + COMPLETIONS} <= names
    assert {f"cowork_env/{name}" for name in ("presets.json", "py.typed")} <= names
    assert not [name for name in names if not name.startswith(("cowork_env/", "cowork_env-"))]


def test_wheel_has_the_manual_page_where_installers_put_it(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    (name,) = [name for name in archive.namelist() if name.endswith("/share/man/man1/cowork-env.1")]
    assert name.partition("/")[2].startswith("data/share/man")
    assert archive.read(name) == (ROOT / "docs/cowork-env.1").read_bytes()


def test_an_index_can_show_the_package(dist: Path, wheel: Path) -> None:
    """The metadata is complete and valid, and the description has no link that leads nowhere."""
    twine = [sys.executable, "-m", "twine", "check", "--strict"]
    done = subprocess.run([*twine, *dist.iterdir()], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [n for n in archive.namelist() if n.endswith(".dist-info/METADATA")]
        metadata = email.message_from_bytes(archive.read(name))
    fields = ("Summary", "License-Expression", "License-File", "Keywords", "Requires-Python")
    assert all(metadata[field] for field in fields)
    assert metadata["Description-Content-Type"] == "text/markdown"
    text = str(metadata.get_payload())
    assert "## Quick start" in text and "cowork-env exec" in text
    links = re.findall(r"\]\(([^)]*)\)", text)
    assert links and all(link.startswith("https://") for link in links)


def test_wheel_has_every_module(wheel: Path) -> None:
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / "cowork_env").rglob("*.py")}
    assert modules == {n for n in zipfile.ZipFile(wheel).namelist() if n.endswith(".py")}


def test_sdist_has_what_is_needed_to_test_it(dist: Path) -> None:
    [path] = dist.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {f"shell/{name}" for name in HOOKS} <= names
    assert {".ci/run", "bench/run.py", "justfile", "tests/conftest.py", "LICENSE"} <= names


def test_hook_of_an_installed_wheel_works(wheel: Path, home: Home, tmp_path: Path) -> None:
    target = tmp_path / "clean"
    venv.create(target, with_pip=False)
    pip = [sys.executable, "-m", "pip", "--python", str(target / "bin/python"), "install", "-q"]
    install = [*pip, "--no-deps", "--no-index", str(wheel)]
    subprocess.run(install, check=True, timeout=60, env=home.env)
    run: dict[str, Any] = {
        "env": {**home.env, "PATH": f"{target}/bin:{os.environ['PATH']}"},
        "capture_output": True,
        "text": True,
        "timeout": 30,
    }
    for name in HOOKS:
        shell = next(shell.name for shell in shells.with_hook() if shell.hook == name)
        done = subprocess.run([f"{target}/bin/cowork-env", "hook", shell], cwd="/", **run)
        assert (done.returncode, done.stderr) == (0, ""), name
        assert str(target) in done.stdout and str(ROOT) not in done.stdout, name
    home.providers()
    home.pin(home.path / "project", "OpenRouter\n")
    code = 'eval "$(cowork-env hook bash)"; cd project && echo "$ANTHROPIC_BASE_URL"'
    done = subprocess.run([need("bash"), "-c", code], cwd=home.path, **run)
    assert (done.stdout, done.stderr) == ("https://openrouter.ai/api\n", "")
    # What requests have compiled goes with the package.
    (package,) = target.glob("lib/python*/site-packages/cowork_env")
    assert sorted(package.glob("hook/__pycache__/launch.*"))
    uninstall = [*pip[:-2], "uninstall", "-q", "-y", "cowork-env"]
    subprocess.run(uninstall, check=True, timeout=60, env=home.env)
    assert [path for path in target.rglob("*") if "cowork" in path.name] == []


def test_editable_installation_finds_the_hooks(home: Home) -> None:
    """In a checkout they are beside the package."""
    done = subprocess.run(
        [executable(), "hook", "zsh"], env=home.env, capture_output=True, text=True, timeout=30
    )
    assert f"'{ROOT}/shell/hook.zsh'" in done.stdout


def test_read_only_installation(wheel: Path) -> None:
    """Installed by another user and never compiled: requests are slower, and nothing is written."""
    # Root may write everywhere, so run as another user, with an interpreter that they may run.
    prefix = []
    if os.geteuid() == 0:
        prefix = [need("setpriv"), "--reuid=65534", "--regid=65534", "--clear-groups", "env"]
    pythons = (sys.executable, "/usr/bin/python3")
    python = next((path for path in pythons if _runs([*prefix, path, "-c", ""])), "")
    if not python:
        pytest.skip("no interpreter here that another user may run")
    with tempfile.TemporaryDirectory() as name:  # only its owner can enter tmp_path
        site = Path(name) / "site"
        shutil.unpack_archive(wheel, site, "zip")
        for path in (Path(name), *site.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)
        Path(name).chmod(0o755)
        before = sorted(site.rglob("*"))
        done = subprocess.run(
            [*prefix, python, *FLAGS, f"{site}/cowork_env/hook/launch.py", "shell=bash", "flags="],
            env={"PATH": "/usr/bin:/bin", "HOME": f"{name}/home"},
            cwd="/",
            capture_output=True,
            check=True,
            text=True,
            timeout=30,
        )
        assert "__cowork_env_response_now=" in done.stdout and done.stderr == ""
        assert sorted(site.rglob("*")) == before
        for path in site.rglob("*"):
            path.parent.chmod(0o755)


def _runs(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, timeout=30, cwd="/").returncode == 0


def test_ci_tests_the_python_versions_of_the_classifiers() -> None:
    yaml = pytest.importorskip("yaml")
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    versions = re.findall(r'"Programming Language :: Python :: (3\.\d+)"', project)
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
    assert workflow["jobs"]["core"]["strategy"]["matrix"]["python"] == versions
    assert f'requires-python = ">={versions[0]}"' in project


def test_ci_and_pre_commit_run_tasks_of_the_justfile() -> None:
    tasks = set(re.findall(r"^([a-z-]+)[^:=\n]*:$|^([a-z-]+):", _text("justfile"), re.MULTILINE))
    names = {name for pair in tasks for name in pair if name}
    for file in (".ci/run", ".github/workflows/ci.yml", ".pre-commit-config.yaml"):
        used = re.findall(r'(?:bin/just|"\$just")(?: python=\S+)? ([a-z-]+)', _text(file))
        assert used and set(used) <= names, file


def _text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")
