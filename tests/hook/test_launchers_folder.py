"""The hook keeps the launchers' folder first on PATH, as long as it exists."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from support.home import Home, executable, need
from support.other_user import give, need_root
from support.processes import count
from support.program import Program, execute, run_in_shell
from support.shells import HOOK, PLAIN, startup_file
from support.terminal import Open, Terminal

SYSTEM = "/usr/bin:/bin"
STRICT = {
    "bash": "set -eu; set -o noclobber; shopt -s nocasematch; IFS=:/",
    "zsh": "setopt err_exit no_unset ksh_arrays no_clobber; IFS=:/",
    "fish": "",
}


def folder(home: Home) -> Path:
    return home.path / ".local/share/cowork-env/shims"


def make(home: Home) -> str:
    folder(home).mkdir(parents=True)
    return str(folder(home))


def make_launcher(home: Home, name: str = "tool") -> None:
    Program(home).run("shim", name).check()


def path_of(terminal: Terminal, command: str = "") -> str:
    return terminal.env(command)["PATH"]


def path_in_script(shell: str, home: Home, path: str, before: str = "", after: str = "") -> str:
    """The PATH of a child of a script that loads the hook."""
    load = HOOK[shell].replace("cowork-env", executable(), 1)
    done = execute(
        [need(shell), *PLAIN[shell][1:], "-c", f"{before}\n{load}\n{after}\n/usr/bin/env -0"],
        env={**home.env, "PATH": path},
        cwd="/",
    ).check()
    assert done.stderr == ""
    return done.environment()["PATH"]


# PATH before and after; "@" is the folder. What is relative or empty is the user's own.
WITH_FOLDER = {
    SYSTEM: f"@:{SYSTEM}",
    f"{SYSTEM}:@": f"@:{SYSTEM}",
    f"@:@:{SYSTEM}:@:@": f"@:{SYSTEM}",
    f"@2:{SYSTEM}": f"@:@2:{SYSTEM}",
    f"{SYSTEM}:/usr/bin:x": f"@:{SYSTEM}:/usr/bin:x",
    "@": "@",
}
WITHOUT_FOLDER = {
    SYSTEM: SYSTEM,
    f"@:{SYSTEM}:@": SYSTEM,
    f"{SYSTEM}:@:@:/usr/bin:x": f"{SYSTEM}:/usr/bin:x",
    "@": "@",  # an empty PATH would mean the working directory
}
EMPTY_ENTRIES = {
    f":{SYSTEM}::x:": f"@::{SYSTEM}::x:",
    f":@:{SYSTEM}:@:": f"@::{SYSTEM}:",
}


@pytest.mark.parametrize("options", ["", "strict"])
def test_a_script_that_loads_the_hook(shell: str, options: str, home: Home) -> None:
    """At once, whatever the options are; every other entry stays as it is."""
    cases = [(WITHOUT_FOLDER, False), (WITH_FOLDER, True)]
    if shell != "fish":  # which makes "." of an empty entry
        cases.append((EMPTY_ENTRIES, True))
    for paths, exists in cases:
        if exists and not folder(home).exists():
            make(home)
        for before, after in paths.items():
            was, wanted = (text.replace("@", str(folder(home))) for text in (before, after))
            strict = STRICT[shell] if options else ""
            assert path_in_script(shell, home, was, strict) == wanted, before


def test_a_path_that_is_empty_unset_or_read_only_stays(shell: str, home: Home) -> None:
    make(home)
    for line in {"bash": ("PATH=", "readonly PATH"), "zsh": ("PATH=", "typeset -r PATH")}.get(
        shell, ("set -g PATH",)
    ):
        path = path_in_script(shell, home, SYSTEM, line)
        assert path == ("" if line in ("PATH=", "set -g PATH") else SYSTEM)
    unset = "set -e PATH" if shell == "fish" else "unset PATH"
    load = HOOK[shell].replace("cowork-env", executable(), 1)
    code = f"{unset}\n{load}\n/usr/bin/env"
    lines = run_in_shell(home, shell, code).check().stdout.split("\n")
    assert not [line for line in lines if line.startswith("PATH=")]


def test_where_the_folder_is(shell: str, home: Home) -> None:
    """By the rule of the program: an absolute XDG_DATA_HOME, or else below HOME."""
    for value in (str(home.path / "data"), str(home.path / "my data/"), "relative", ""):
        home.env["XDG_DATA_HOME"] = value
        code = "from cowork_env.util import paths; print(paths.launchers_dir())"
        python = f"{Path(executable()).parent}/python"
        told = execute([python, "-c", code], env=home.env, cwd=home.path).check().stdout.strip()
        assert path_in_script(shell, home, SYSTEM) == SYSTEM
        Path(told).mkdir(parents=True)
        assert path_in_script(shell, home, SYSTEM) == f"{told}:{SYSTEM}"
        Path(told).rmdir()
    # A PATH cannot hold it, or it would be another one in every directory.
    for name in ("with:colon", "relative"):
        odd = home.path / name if ":" in name else Path(name)
        (home.path / name / ".local/share/cowork-env/shims").mkdir(parents=True)
        home.env |= {"HOME": str(odd), "XDG_DATA_HOME": ""}
        assert path_in_script(shell, home, SYSTEM) == SYSTEM


def test_the_folder_of_another_user_is_not_on_path(shell: str, home: Home) -> None:
    need_root()
    give(Path(make(home)))
    assert path_in_script(shell, home, f"{folder(home)}:{SYSTEM}") == SYSTEM


def test_open_shells_follow(shell: str, home: Home, open_terminal: Open) -> None:
    """From the prompt after the first launcher was written until the last one is removed."""
    terminal = open_terminal(shell)
    terminal.run()
    before = path_of(terminal)
    assert str(folder(home)) not in before
    make_launcher(home)
    terminal.run()
    assert path_of(terminal) == f"{folder(home)}:{before}"
    terminal.run()
    # What others put before it, as version managers do, is behind it at the next prompt.
    terminal.run(
        "set -gx PATH /before $PATH" if shell == "fish" else 'PATH="/before:$PATH"',
    )
    assert path_of(terminal) == f"{folder(home)}:/before:{before}"
    Program(home).run("shim", "--remove").check()
    terminal.run()
    assert path_of(terminal) == f"/before:{before}"


def test_nested_shells_have_it_once(shell: str, home: Home, open_terminal: Open) -> None:
    make(home)
    terminal = open_terminal(shell)
    path = path_of(terminal)
    assert path.startswith(f"{folder(home)}:") and path.count(str(folder(home))) == 1
    terminal.run(f"exec {need(shell)} -i")
    assert path_of(terminal) == path
    terminal.run(f"{need(shell)} -i")
    assert path_of(terminal) == path
    folder(home).rmdir()
    terminal.run()
    inner = path_of(terminal)
    assert inner == path.removeprefix(f"{folder(home)}:")
    terminal.run("exit")
    terminal.run()
    assert path_of(terminal) == inner


def test_unchanged_prompts_start_no_process(terminal: Terminal) -> None:
    """With the folder, without it, and while something else keeps changing PATH."""
    for step in (make, lambda home: folder(home).rmdir()):
        step(terminal.home)
        assert count(terminal, lambda: [terminal.run() for _ in range(3)]) == []
    make(terminal.home)
    change = "set -gx PATH /other $PATH" if terminal.shell == "fish" else "PATH=/other:$PATH"
    assert count(terminal, lambda: [terminal.run(change) for _ in range(3)]) == []


def make_programs(home: Home, *names: str) -> None:
    """Write programs, in a folder of PATH."""
    (home.path / "bin").mkdir()
    for name in names:
        (home.path / "bin" / name).write_text("#!/bin/sh\necho plain\n")
        (home.path / "bin" / name).chmod(0o755)
    home.env["PATH"] = f"{home.path / 'bin'}:{home.env['PATH']}"


def test_shim_is_in_force_on_the_same_line(shell: str, home: Home, open_terminal: Open) -> None:
    """Also for a program that the shell has found elsewhere before."""
    make_programs(home, "one", "two")
    launchers = folder(home)
    terminal = open_terminal(shell)
    for name in ("one", "two"):
        assert "plain" in terminal.run(name)
        assert f"{launchers}/{name}" in terminal.run(f"cowork-env shim {name} && command -v {name}")
        assert "plain" in terminal.run(name)
    for name in ("two", "one"):
        shown = terminal.run(f"cowork-env shim --remove {name} && command -v {name}")
        assert f"{home.path}/bin/{name}" in shown
        assert "plain" in terminal.run(name)
    assert str(launchers) not in path_of(terminal)


def test_what_a_startup_file_puts_behind_the_hook_line(
    shell: str, home: Home, open_terminal: Open
) -> None:
    make(home)
    after = "set -gx PATH /after $PATH" if shell == "fish" else "PATH=/after:$PATH"
    assert path_of(open_terminal(shell, after=after)).startswith(f"{folder(home)}:/after:")


def test_fish_user_paths_are_not_changed(home: Home, open_terminal: Open) -> None:
    make(home)
    (home.path / "mine").mkdir()
    terminal = open_terminal("fish")
    terminal.run(f"fish_add_path -U {home.path}/mine")
    path = path_of(terminal)
    assert path.startswith(f"{folder(home)}:{home.path}/mine:")
    assert path.count(str(folder(home))) == 1
    assert terminal.run("echo $fish_user_paths").strip() == f"{home.path}/mine"
    folder(home).rmdir()
    terminal.run()
    assert path_of(terminal).startswith(f"{home.path}/mine:")


def test_a_path_without_doubles_in_zsh(home: Home, open_terminal: Open) -> None:
    make(home)
    terminal = open_terminal("zsh", before="typeset -U path PATH")
    terminal.run(f"path=(/before $path {folder(home)})")
    assert path_of(terminal).startswith(f"{folder(home)}:/before:")
    assert "typeset -U" in terminal.run("typeset -p path") or "-aU" in terminal.run(
        "typeset -p path"
    )


def settled(terminal: Terminal) -> str:
    """PATH, once a prompt has not changed it; mise may need a few."""
    path = path_of(terminal)
    for _ in range(5):
        terminal.run()
        path, before = path_of(terminal), path
        if path == before:
            return path
    raise AssertionError(f"each prompt changes PATH: {before}, {path}")


@pytest.mark.parametrize("place", ["before", "after"])
@pytest.mark.parametrize("tool", ["direnv", "mise"])
def test_beside_tools_that_compute_path(
    tool: str, place: str, shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """It is first everywhere, theirs come and go, and a prompt starts nothing of ours."""
    need(tool)
    project = projects["OpenRouter"]
    (project / "bin").mkdir()
    env = {"DIRENV_LOG_FORMAT": "", "MISE_OFFLINE": "1", "MISE_QUIET": "1"}
    if tool == "direnv":
        (project / ".envrc").write_text("PATH_add bin\n")
        execute(["direnv", "allow", project], env=home.env, cwd=home.path).check()
        load = "direnv hook fish | source" if shell == "fish" else f'eval "$(direnv hook {shell})"'
    else:
        (project / "mise.toml").write_text('[env]\n_.path = ["bin"]\n')
        env["MISE_TRUSTED_CONFIG_PATHS"] = str(project)
        activate = f"mise activate {shell}"
        load = f"{activate} | source" if shell == "fish" else f'eval "$({activate})"'
    make(home)
    terminal = open_terminal(shell, **{place: load}, env=env)
    terminal.run()
    outside = path_of(terminal)
    assert outside.startswith(f"{folder(home)}:")
    for _ in range(2):
        terminal.run(f"cd {project}")
        inside = settled(terminal)
        assert inside.startswith(f"{folder(home)}:{project}/bin:")
        assert inside.count(str(folder(home))) == 1
        calls = count(terminal, lambda: [terminal.run() for _ in range(2)])
        assert not [c for c in calls if "hook/launch.py" in c]
        assert path_of(terminal) == inside
        terminal.run("cd ~")
        assert settled(terminal) == outside
    # The folder goes while they are active.
    terminal.run(f"cd {project}")
    folder(home).rmdir()
    terminal.run()
    terminal.run("cd ~")
    terminal.run()
    assert str(folder(home)) not in path_of(terminal)


def test_a_virtual_environment(shell: str, home: Home, open_terminal: Open) -> None:
    make(home)
    execute([need("python3"), "-m", "venv", "--without-pip", "v"], env=home.env, cwd=home.path)
    terminal = open_terminal(shell)
    before = path_of(terminal)
    terminal.run(f"source ~/v/bin/activate{'.fish' if shell == 'fish' else ''}")
    assert path_of(terminal) == before.replace(":", f":{home.path}/v/bin:", 1)
    terminal.run("deactivate")
    assert path_of(terminal) == before


def test_fish_that_runs_a_command_with_the_line_of_its_own(home: Home) -> None:
    """config.fish with the short line, which is not for interactive shells only."""
    startup = startup_file("fish", home)
    startup.parent.mkdir(parents=True)
    startup.write_text(HOOK["fish"] + "\n")
    make(home)
    done = execute([need("fish"), "-c", "env"], env=home.env, cwd=home.path).check()
    assert f"PATH={folder(home)}:" in done.stdout
    assert os.environ["PATH"] in done.stdout
