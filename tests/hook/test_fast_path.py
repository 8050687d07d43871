"""What a hook request imports: a short list, and never a project's own files.

Two cases are outside of what the program can prevent:

* ``PYTHONPATH`` and ``PYTHONHOME`` reach whatever is started as plain ``python`` or through a
  console script, before its first line runs. They are the user's own; a project cannot set them.
  A hook request ignores them (-I).
* ``python -m cowork_env`` in a folder that has a ``cowork_env/``, or a module by one of the few
  names that Python's own start with -m needs, runs that one. Neither the hooks nor the launchers
  start the program like that.
"""

from __future__ import annotations

import marshal
import os
import py_compile
import shutil
import subprocess
import sys
from importlib.util import cache_from_source
from pathlib import Path

import pytest

from cowork_env import cli
from cowork_env.hook import bundle, render
from cowork_env.hook.interpreter import PACKAGE

from support.catalog import Team
from support.home import GUIDE, Home, executable
from support.hook import ISOLATED, hook_request
from support.program import Program

LIST = "\nimport sys; sys.stderr.write(' '.join(sys.modules))"

# Beyond what the interpreter itself starts with. Every line here costs time at each change of
# directory.
OURS = {
    "cowork_env",
    "cowork_env.core",
    "cowork_env.core.client_variables",
    "cowork_env.core.environment",
    "cowork_env.core.limits",
    "cowork_env.core.names",
    "cowork_env.core.pins",
    "cowork_env.core.provider",
    "cowork_env.core.providers",
    "cowork_env.core.resolve",
    "cowork_env.core.trust",
    "cowork_env.core.variables",
    "cowork_env.hook",
    "cowork_env.hook.protocol",
    "cowork_env.hook.respond",
    "cowork_env.hook.watch",
    "cowork_env.shells",
    "cowork_env.shells.base",
    "cowork_env.shells.posix",
    "cowork_env.util",
    "cowork_env.util.errors",
    "cowork_env.util.jsontext",
    "cowork_env.util.system",
    "cowork_env.util.text",
}
STANDARD = {"_stat", "errno", "gc"}
JSON = {"_json"}
SHA = {"_sha2" if sys.version_info >= (3, 12) else "_sha256"}
NEVER = {
    "os",
    "click",
    "pydantic",
    "platformdirs",
    "rich",
    "re",
    "json",
    "hashlib",
    "typing",
    "dataclasses",
    "pathlib",
    "enum",
    "functools",
    "collections",
    "subprocess",
    "importlib",
    "shlex",
    "site",
    "warnings",
    "contextlib",
    "inspect",
    "argparse",
    "logging",
}


def request(
    home: Home, directory: Path, code: str = "", package: str | Path = PACKAGE, **variables: str
) -> subprocess.CompletedProcess[str]:
    """A hook request that succeeds."""
    done = hook_request(home, directory, code, package, **variables)
    done.check_returncode()
    return done


def imported(home: Home, directory: Path) -> set[str]:
    """The modules that a request imports, once its references exist."""
    request(home, directory)
    bare = subprocess.run(
        [*ISOLATED, "-c", "pass" + LIST], capture_output=True, text=True, timeout=20, check=True
    ).stderr.split()
    # It ends the process at once; here it stays to tell.
    launch = f"{PACKAGE}/hook/launch.py"
    stay = f"import posix, sys; posix._exit = lambda status: None; sys.argv[0] = {launch!r}\n"
    done = request(home, directory, stay + Path(launch).read_text() + LIST)
    assert done.stdout.startswith("__cowork_env_response_")
    return set(done.stderr.split()) - set(bare)


@pytest.mark.parametrize("name", ["nu", "xonsh", "elvish", "pwsh"])
def test_the_hook_sends_its_request_to_an_isolated_interpreter(name: str) -> None:
    shell = render.find(name)
    assert shell.words([*ISOLATED, f"{PACKAGE}/hook/launch.py"]) in render.render(shell)


def test_without_a_provider(home: Home) -> None:
    home.path.joinpath("empty").mkdir()
    assert imported(home, home.path / "empty") == OURS | STANDARD | SHA


def test_with_a_pin_and_a_stored_key(home: Home) -> None:
    home.providers()
    home.pin(home.path / "project", "openrouter\nmodel = m\n")
    assert imported(home, home.path / "project") == OURS | STANDARD | JSON | SHA
    assert f"ANTHROPIC_AUTH_TOKEN='{GUIDE[1]['authToken']}'" in request(
        home, home.path / "project"
    ).stdout.replace("'\\''", "'")


def test_with_a_catalogue(home: Home) -> None:
    """It costs two modules where its entry is what applies, or where it may be named."""
    team = Team(home)
    home.providers()
    Program(home).run("allow", "--provider", "work").check()
    home.pin(home.path / "own", "openrouter\n")
    home.pin(home.path / "team", "work\n")
    ours = OURS | {"cowork_env.core.catalog", "cowork_env.core.shared_names", "__future__"}
    assert imported(home, home.path / "own") == ours | STANDARD | JSON | SHA
    from_env = {"cowork_env.secrets", "cowork_env.secrets.from_env"}
    assert imported(home, home.path / "team") == ours | from_env | STANDARD | JSON | SHA
    team.settings.unlink()
    assert imported(home, home.path / "own") == OURS | STANDARD | JSON | SHA


def test_no_common_request_imports_anything_heavy(home: Home) -> None:
    home.providers(
        [
            *GUIDE,
            {
                "name": "file",
                "baseUrl": "https://f.example",
                "authTokenFrom": f"file:{home.path}/key",
            },
        ]
    )
    (home.path / "key").write_text("sk-x")
    texts = {"openrouter\nrequired = true": True, "aws-bedrock": False, "file": True, "none": True}
    for i, (text, allowed) in enumerate(texts.items()):
        home.pin(home.path / str(i), text, allowed)
        assert not imported(home, home.path / str(i)) & NEVER


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of the program, without bytecode."""
    ignore = shutil.ignore_patterns("__pycache__")
    return Path(shutil.copytree(PACKAGE, tmp_path / "copy/cowork_env", ignore=ignore))


def bundle_of(package: Path) -> Path:
    return Path(cache_from_source(str(package / "hook/launch.py")))


def test_the_first_request_makes_a_bundle_of_every_module(home: Home, package: Path) -> None:
    used = [name for name in bundle.MODULES if "shell=bash" in (bundle.users(name) or "shell=bash")]
    assert {f"cowork_env.{name}" for name in used} == OURS - {"cowork_env"}
    home.providers()
    home.pin(home.path / "project", "openrouter\nmodel = m\n")
    first = request(home, home.path / "project", package=package).stdout
    shutil.rmtree(package / "core/__pycache__")
    assert request(home, home.path / "project", package=package).stdout == first
    assert not (package / "core/__pycache__").exists()  # Nothing was imported on its own.


def test_a_bundle_is_made_again_when_a_source_has_changed(home: Home, package: Path) -> None:
    request(home, home.path, package=package)
    before = bundle_of(package).read_bytes()
    request(home, home.path, package=package)
    assert bundle_of(package).read_bytes() == before
    source = package / "core/pins.py"
    status = source.stat()
    text = source.read_text()
    # The same size and timestamp, as an installer may give them.
    source.write_text(text.replace("Pins", "pins", 1))
    os.utime(source, ns=(status.st_atime_ns, status.st_mtime_ns))
    request(home, home.path, package=package)
    assert bundle_of(package).read_bytes() != before


def test_a_damaged_bundle_is_not_used_and_made_again(home: Home, package: Path) -> None:
    home.pin(home.path / "project", "none\n")
    whole = request(home, home.path / "project", package=package).stdout
    file = bundle_of(package)
    good = file.read_bytes()
    other_python = b"30900f0" + good[good.index(b"\n") :]
    compiled = Path(py_compile.compile(str(package / "hook/launch.py"), doraise=True)).read_bytes()
    damaged = (b"", b"no code", good[:1000], marshal.dumps(None), other_python, compiled)
    for content in damaged:
        file.write_bytes(content)
        assert request(home, home.path / "project", package=package).stdout == whole
        assert file.read_bytes() == good


def test_a_removed_program_gives_no_response_in_spite_of_its_bundle(
    home: Home, package: Path
) -> None:
    request(home, home.path, package=package)
    (package / "hook/respond.py").unlink()
    done = hook_request(home, home.path, package=package)
    assert done.returncode == 1 and not done.stdout


def test_no_other_user_can_write_to_a_bundle(home: Home, package: Path) -> None:
    before = os.umask(0)
    try:
        request(home, home.path, package=package)
    finally:
        os.umask(before)
    assert bundle_of(package).stat().st_mode & 0o777 == 0o644


def test_a_package_that_cannot_be_written(home: Home, package: Path) -> None:
    (package / "hook/__pycache__").write_text("")  # as root, a folder without permission is none
    assert "__cowork_env_response_now" in request(home, home.path, package=package).stdout


def hostile(folder: Path, home: Home, *names: str) -> Path:
    """A folder with modules of its own under ``names``; whichever is imported leaves a note."""
    folder.mkdir(parents=True)
    for name in names:
        code = f"open({str(home.path / 'owned')!r}, 'a').write({name + ' '!r})\n"
        (folder / f"{name}.py").write_text(code)
        (folder / name).mkdir(exist_ok=True)
        (folder / name / "__init__.py").write_text(code)
        (folder / name / "__main__.py").write_text(code)
    (folder / "evil.pth").write_text(
        f"import os; open({str(home.path / 'owned')!r}, 'a').write('pth ')\n"
    )
    return folder


THEIRS = (
    "click",
    "pydantic",
    "platformdirs",
    "httpx",
    "questionary",
    "shellingham",
    "rich",
    "tomllib",
)
ALL = (*sys.stdlib_module_names, *THEIRS, "cowork_env", "sitecustomize", "usercustomize")


def owned(home: Home) -> str:
    path = home.path / "owned"
    return path.read_text() if path.exists() else ""


def test_a_request_imports_no_module_of_a_project(home: Home) -> None:
    home.providers()
    folder = hostile(home.path / "project", home, *ALL)
    home.pin(folder, "openrouter")
    start = str(folder / "os.py")
    for variables in (
        {},
        {"PYTHONPATH": str(folder)},
        {"PYTHONPATH": ":."},
        {"PYTHONSTARTUP": start},
        {"PYTHONHOME": str(folder)},
        {"PYTHONUSERBASE": str(folder)},
        {"PYTHONINSPECT": "1"},
        {"PYTHONPLATLIBDIR": str(folder)},
        {"PYTHONSAFEPATH": ""},
        {"PYTHONWARNINGS": "error::evil.Evil"},
        {"PYTHONBREAKPOINT": "evil"},
        {"PYTHONPYCACHEPREFIX": str(folder)},
    ):
        done = request(home, folder, **variables)
        assert "ANTHROPIC_BASE_URL" in done.stdout and not done.stderr, variables
        assert not owned(home), variables


# Every command, far enough into its work to import what it needs for it.
COMMANDS = (
    "--help",
    "--version",
    "init bash",
    "init bash --remove",
    "hook bash",
    "completion zsh",
    "reload",
    "demo",
    "add openrouter --name New --token-stdin",
    "edit OpenRouter --default-model m",
    "rename OpenRouter Other",
    "remove OpenRouter",
    "secure --undo",
    "key OpenRouter --stdin --no-check",
    "list",
    "list --json",
    "show OpenRouter --json",
    "presets",
    "import env --yes",
    "use OpenRouter",
    "pin OpenRouter",
    "unpin",
    "allow",
    "deny",
    "prune",
    "status",
    "status --json",
    "status --short",
    "paths",
    "doctor --offline",
    "doctor Away --json",
    "exec true",
    "export",
    "export --format dotenv",
    "shim true",
    "shim --remove",
    "token",
)


def run_them_all(home: Home, folder: Path, command: list[str], **variables: str) -> None:
    """Run each command line in ``folder``: it does what it was told, and imports nothing from
    there.
    """
    away = {"name": "Away", "baseUrl": "http://127.0.0.1:9", "authToken": "sk-away"}
    env = {
        **home.env,
        "ANTHROPIC_BASE_URL": "https://e.example",
        "ANTHROPIC_AUTH_TOKEN": "sk-e",
        "SHELL": "/bin/bash",
        **variables,
    }
    for line in COMMANDS:
        home.providers([*GUIDE, away])
        home.pin(folder, "OpenRouter\n")
        done = subprocess.run(
            [*command, *line.split()],
            cwd=folder,
            env=env,
            input="sk-new\n",
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0 or line.startswith("doctor"), (line, done.stderr)
        assert "this is a bug in cowork-env" not in done.stderr, (line, done.stderr)
        assert not owned(home), line


def test_every_command_is_in_the_list() -> None:
    assert {line.split()[0] for line in COMMANDS} >= set(cli.COMMANDS)


def test_the_console_script_imports_no_module_of_the_working_directory(home: Home) -> None:
    folder = hostile(home.path / "project", home, *ALL)
    run_them_all(home, folder, [executable()], PYTHONSTARTUP=str(folder / "os.py"))


def test_python_dash_m_imports_no_module_of_a_command_from_the_working_directory(
    home: Home,
) -> None:
    bare = [sys.executable, "-c", "import sys, runpy, pkgutil, cowork_env; print(*sys.modules)"]
    early = subprocess.run(
        bare, env=home.env, cwd="/", capture_output=True, text=True, timeout=20, check=True
    ).stdout.split()
    folder = hostile(home.path / "project", home, *(set(ALL) - set(early)))
    assert {"json", "click", "platformdirs", "shlex", "tempfile", "random"} <= {
        p.stem for p in folder.glob("*.py")
    }
    run_them_all(home, folder, [sys.executable, "-m", "cowork_env"])


def test_a_package_of_our_name_is_what_python_dash_m_runs(home: Home) -> None:
    folder = hostile(home.path / "project", home, "cowork_env")
    command = [sys.executable, "-m", "cowork_env", "--version"]
    subprocess.run(command, cwd=folder, env=home.env, capture_output=True, timeout=60, check=True)
    assert owned(home) == "cowork_env cowork_env "  # the package and its __main__
    (home.path / "owned").unlink()
    done = subprocess.run(
        [sys.executable, "-I", *command[1:]],
        cwd=folder,
        env=home.env,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0 and not owned(home)
