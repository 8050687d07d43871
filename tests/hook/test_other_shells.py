"""nushell, xonsh, elvish and tcsh at real prompts: what section by section holds in bash, zsh and fish, as far as they can."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cowork_env.shells import REGISTRY

from support.home import GUIDE, Home, need
from support.home import GUIDE_MANAGED as MANAGED
from support.processes import count
from support.shells import DIALECTS, EVALUATE, OTHER_SHELLS, startup_file
from support.terminal import Open


@pytest.fixture(params=OTHER_SHELLS)
def shell(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_row_for_each_shell() -> None:
    """Every shell with a hook has its tests: here, with the first three, or is marked as written from documentation."""
    assert {s.name for s in REGISTRY.values() if s.hook} == {
        "bash",
        "zsh",
        "fish",
        *OTHER_SHELLS,
        "pwsh",
    }


def test_the_lines_are_those_of_the_documentation(home: Home) -> None:
    """The hook's line, the one for statements, and what init writes for the shells that it knows."""
    text = (
        (Path(__file__).parent.parent.parent / "docs/shells.md")
        .read_text(encoding="utf-8")
        .replace("\\|", "|")
    )
    for shell in OTHER_SHELLS:
        row = DIALECTS[shell]
        assert f"`{row.load.format(home='~').replace('/hook.nu', '/.cowork-env.nu')}`" in text
        evaluate = EVALUATE[shell].format(file="FILE")
        ask = f"cowork-env export --format {shell}"
        for reader in ("open --raw FILE", "slurp < FILE", "cat FILE"):
            evaluate = evaluate.replace(
                reader, ask + " | slurp" if reader.startswith("slurp") else ask
            )
        assert f"`{evaluate}`" in text
    for shell in ("xonsh", "elvish"):
        for _ in range(2):
            subprocess.run(
                ["cowork-env", "init", shell],
                env=home.env,
                capture_output=True,
                check=True,
                timeout=30,
            )
        assert (startup_file(shell, home)).read_text() == DIALECTS[shell].load + "\n"


def test_each_guide_provider_inside_and_out(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """Exact values in each project and below; outside, the person's own, set and empty and absent alike."""
    row = DIALECTS[shell]
    before = "\n".join(
        row.set.format(n=n, v=v)
        for n, v in (("ANTHROPIC_MODEL", "mine"), ("ANTHROPIC_CUSTOM_HEADERS", ""))
    )
    terminal = open_terminal(shell, before=before)
    own = {"ANTHROPIC_MODEL": "mine", "ANTHROPIC_CUSTOM_HEADERS": ""}
    assert terminal.managed() == own
    for name, path in projects.items():
        terminal.cd(path)
        assert terminal.managed() == MANAGED[name]
        terminal.cd("deep/er")
        assert terminal.managed() == MANAGED[name]
        terminal.cd("~")
        assert terminal.managed() == own
        assert "COWORK_ENV_STATE" not in terminal.env()


def test_on_one_line(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """cd PROJECT; CMD, entering and leaving."""
    terminal = open_terminal(shell)
    for name in ("OpenRouter", "LiteLLM Local"):
        assert terminal.managed(f"cd {projects[name]}") == MANAGED[name]
    assert terminal.managed("cd ~") == {}
    assert terminal.managed(f"cd {projects['OpenRouter']}; cd deep") == MANAGED["OpenRouter"]
    assert terminal.managed("cd") == {}


def test_one_line_said_on_a_change(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    terminal = open_terminal(shell)
    assert terminal.started_messages == []
    assert terminal.cd(projects["OpenRouter"]) == [
        "OpenRouter (~/work/openrouter/.cowork-provider)"
    ]
    assert terminal.messages() == []
    assert terminal.cd("deep") == []
    assert terminal.cd(projects["LiteLLM Local"]) == [
        "LiteLLM Local (~/work/litellm-local/.cowork-provider)"
    ]
    assert terminal.cd("~") == ["left LiteLLM Local"]


def test_quiet(shell: str, home: Home, projects: dict[str, Path], open_terminal: Open) -> None:
    terminal = open_terminal(shell, env={"COWORK_ENV_QUIET": "1"})
    assert terminal.cd(projects["OpenRouter"]) == []
    assert terminal.cd("~") == []


def test_untrusted_pin_does_nothing_and_says_so_once(
    shell: str, home: Home, open_terminal: Open
) -> None:
    home.providers()
    project = home.path / "new"
    pin = home.pin(project, "OpenRouter\n", allow=False)
    terminal = open_terminal(shell)
    [notice] = terminal.cd(project)
    assert "~/new/.cowork-provider" in notice and "cowork-env allow" in notice
    assert terminal.managed() == {}
    assert terminal.messages() == [] == terminal.cd("~") == terminal.cd(project)
    home.pin(project, "OpenRouter\n")
    assert terminal.messages() == ["OpenRouter (~/new/.cowork-provider)"]
    assert terminal.managed() == MANAGED["OpenRouter"]
    pin.write_text("LiteLLM Local\n")
    left, notice = terminal.messages()
    assert left == "left OpenRouter" and "cowork-env allow" in notice
    assert terminal.managed() == {}


def test_every_change_is_seen_at_the_next_prompt(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """The provider file (replaced and in place), pins that come and go above, trust, the selection, COWORK_PROVIDER."""
    from cowork_env.core.trust import TrustStore

    terminal = open_terminal(shell)
    path = projects["OpenRouter"]
    terminal.cd(path / "deep/er")
    changed = json.loads(json.dumps(GUIDE))
    for round_ in range(3):  # several edits within one second
        changed[1]["authToken"] = f"sk-or-new-{round_}"
        home.providers(changed)
        assert terminal.managed()["ANTHROPIC_AUTH_TOKEN"] == f"sk-or-new-{round_}"
    changed[1]["authToken"] = "sk-or-renamed"
    other = home.file.with_suffix(".tmp")
    other.write_text(json.dumps(changed))
    other.rename(home.file)
    assert terminal.managed()["ANTHROPIC_AUTH_TOKEN"] == "sk-or-renamed"
    home.pin(path / "deep", "LiteLLM Local\n")
    assert terminal.managed() == MANAGED["LiteLLM Local"]
    (path / "deep/.cowork-provider").unlink()
    assert terminal.managed()["COWORK_ENV_ACTIVE"] == "OpenRouter"
    for model in ("one", "two"):
        pin = home.pin(path, f"OpenRouter\nmodel = {model}\n")
        os.utime(pin, ns=(10**18, 10**18))  # as a checkout may leave it
        assert terminal.managed()["ANTHROPIC_MODEL"] == model
    terminal.set("COWORK_PROVIDER", "litellm-local")
    assert terminal.managed() == MANAGED["LiteLLM Local"]
    terminal.set("COWORK_PROVIDER", "none")
    assert terminal.managed() == {}
    terminal.unset("COWORK_PROVIDER")
    assert terminal.managed()["COWORK_ENV_ACTIVE"] == "OpenRouter"
    TrustStore(str(home.state)).deny(str(path / ".cowork-provider"))
    assert terminal.messages() == ["left OpenRouter"]
    terminal.cd("~")
    (home.state / "selection").write_text(GUIDE[3]["id"] + "\n")
    assert terminal.managed() == MANAGED["AWS Bedrock"]
    (home.state / "selection").write_text("none\n")
    assert terminal.managed() == {}
    home.file.unlink()
    assert terminal.managed(f"cd {projects['LiteLLM Local']}") == {}


def test_hand_set_values_stay(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """What the person changes while a provider is active is theirs, through an edit of the provider and on leaving."""
    terminal = open_terminal(shell)
    terminal.cd(projects["OpenRouter"])
    by_hand = {"ANTHROPIC_MODEL": "by-hand", "ANTHROPIC_SMALL_FAST_MODEL": "s"}
    for name, value in by_hand.items():
        terminal.set(name, value)
    terminal.unset("ANTHROPIC_DEFAULT_OPUS_MODEL")
    inside = {
        k: v for k, v in MANAGED["OpenRouter"].items() if k != "ANTHROPIC_DEFAULT_OPUS_MODEL"
    } | by_hand
    assert terminal.managed() == inside
    changed = json.loads(json.dumps(GUIDE))
    changed[1]["authToken"] = "sk-or-new"
    home.providers(changed)
    assert terminal.managed() == inside | {"ANTHROPIC_AUTH_TOKEN": "sk-or-new"}
    assert terminal.managed("cd ~") == by_hand


def test_a_new_shell_asserts_the_provider_again(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """A nested shell whose start-up file sets a managed variable: asserted at its first prompt, restored on leaving."""
    set_it = DIALECTS[shell].set.format(n="ANTHROPIC_MODEL", v="from-startup")
    outer = open_terminal(shell)
    outer.cd(projects["OpenRouter"])
    env = outer.env()
    for place in ({"before": set_it}, {"after": set_it}):
        inner = open_terminal(shell, cwd=projects["OpenRouter"], env=env, **place)
        assert inner.started_messages == []
        assert inner.managed() == MANAGED["OpenRouter"]
        assert inner.managed("cd ~") == {"ANTHROPIC_MODEL": "from-startup"}


HOSTILE = [
    "with space",
    "quo'te",
    'dou"ble',
    "$test",
    "$(touch owned)",
    "`touch owned`",
    "-dash",
    "semi;colon",
    "new\nline",
    "back\\slash\\b",
    "star*",
    "éè🚒",
    "a=b",
    "[x]",
    "{a,b}",
    "~tilde",
    "tab\tbed",
    "#hash",
    "bang!x",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_directory_names(shell: str, name: str, home: Home, open_terminal: Open) -> None:
    home.providers()
    project = home.path / "work" / name
    home.pin(project, "OpenRouter\n")
    terminal = open_terminal(shell, env={"TARGET": str(project)})
    terminal.run(terminal.dialect.cd.format(n="TARGET"))
    assert terminal.managed() == MANAGED["OpenRouter"]
    assert terminal.messages() == []
    assert terminal.managed("cd ~") == {}
    assert not list(home.path.rglob("owned"))


def test_through_a_symbolic_link(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """The pins of the real directory count, whatever name it was reached by."""
    (home.path / "elsewhere").mkdir()
    (home.path / "elsewhere/link").symlink_to(projects["OpenRouter"] / "deep")
    home.pin(home.path / "elsewhere", "LiteLLM Local\n")
    terminal = open_terminal(shell)
    assert terminal.managed(f"cd {home.path}/elsewhere/link/er") == MANAGED["OpenRouter"]
    assert terminal.managed(f"cd {home.path}/elsewhere") == MANAGED["LiteLLM Local"]


def test_a_trusted_pin_that_fails(shell: str, home: Home, open_terminal: Open) -> None:
    """An unknown provider, bad content: no provider, said once; required keeps clients from falling back."""
    home.providers()
    home.state.mkdir(parents=True)
    (home.state / "selection").write_text("openrouter\n")
    project = home.path / "broken"
    home.pin(project, "Nobody\n")
    terminal = open_terminal(shell)
    assert terminal.managed() == MANAGED["OpenRouter"]
    [error] = terminal.cd(project)
    assert "Nobody" in error
    assert terminal.managed() == {}
    assert terminal.messages() == []
    home.pin(project, "Nobody\nrequired = true\n")
    assert "Nobody" in terminal.messages()[0]
    managed = terminal.managed()
    assert managed["ANTHROPIC_BASE_URL"] == "http://unresolved.cowork-env.invalid"
    assert managed["ANTHROPIC_AUTH_TOKEN"] == "unresolved"
    assert terminal.messages() == []
    home.pin(project, "OpenRouter\nno such = line\n")
    assert "line 2" in terminal.messages()[0]
    assert terminal.managed() == {}


def test_program_gone(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """The shell goes on working; one line, once; what was active is left, and what was changed by hand stays."""
    interpreter = home.path / "bin/python"
    interpreter.parent.mkdir()
    real = subprocess.run(
        ["cowork-env", "hook", shell],
        env=home.env,
        capture_output=True,
        check=True,
        timeout=30,
        text=True,
    ).stdout
    fake = home.path / "bin/cowork-env"
    # The hook as it would be if the interpreter lay elsewhere, where it can be taken away.
    (home.path / "moved").write_text(
        re.sub(
            re.escape(str(Path(sys.executable).parent)) + r"/python[0-9.]*", str(interpreter), real
        )
    )
    fake.write_text(f"#!/bin/sh\ncat {home.path}/moved\n")
    fake.chmod(0o755)
    interpreter.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    interpreter.chmod(0o755)
    before = DIALECTS[shell].set.format(
        n="ANTHROPIC_MODEL", v="it's mine" if shell == "nu" else "mine"
    )
    home.env["PATH"] = f"{home.path}/bin:{home.env['PATH']}"
    terminal = open_terminal(shell, before=before)
    own = terminal.managed()
    assert list(own) == ["ANTHROPIC_MODEL"]
    terminal.cd(projects["OpenRouter"])
    assert terminal.managed() == MANAGED["OpenRouter"]
    terminal.set("ANTHROPIC_DEFAULT_OPUS_MODEL", "by-hand")
    interpreter.unlink()
    [error] = terminal.cd(projects["LiteLLM Local"])
    assert error.startswith("the program cannot be run")
    assert terminal.managed() == own | {"ANTHROPIC_DEFAULT_OPUS_MODEL": "by-hand"}
    assert terminal.messages() == [] == terminal.cd("/")
    assert "COWORK_ENV_STATE" not in terminal.env()


def test_damaged_state(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """A damaged or foreign COWORK_ENV_STATE is ignored with one warning, and never evaluated."""
    terminal = open_terminal(
        shell, env={"COWORK_ENV_STATE": "$(touch owned)`touch owned`';touch owned;'"}
    )
    assert (
        len([line for line in terminal.started_messages if "COWORK_ENV_STATE is damaged" in line])
        == 1
    )
    assert terminal.messages() == []
    assert terminal.managed(f"cd {projects['OpenRouter']}") == MANAGED["OpenRouter"]
    assert terminal.managed("cd ~") == {}
    assert not list(home.path.rglob("owned"))


def test_slow_secret_given_up_with_control_c(shell: str, home: Home, open_terminal: Open) -> None:
    """Ctrl-C during a look-up: no provider, and no second try until something changes."""
    home.providers(
        [
            {
                **GUIDE[1],
                "authToken": "",
                "authTokenFrom": "cmd:sh -c 'echo x >>~/asked; sleep 60'",
            },
            GUIDE[2],
        ]
    )
    slow, fast = home.path / "slow", home.path / "fast"
    home.pin(slow, "OpenRouter\n")
    home.pin(fast, "LiteLLM Local\n")
    terminal = open_terminal(shell)
    terminal.cd(fast)
    terminal.child.send(f"cd {slow}\r")
    end = time.monotonic() + 20
    while not (home.path / "asked").exists():
        assert time.monotonic() < end, "nobody was asked"
        terminal.idle()
    terminal.child.sendintr()
    terminal.prompt()
    assert terminal.managed() == {}
    terminal.run()
    assert (home.path / "asked").read_text() == "x\n"
    assert terminal.managed(f"cd {fast}") == MANAGED["LiteLLM Local"]


def test_nothing_is_exported_but_the_state(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """What the hook keeps holds keys and stays in the shell: no child sees more than the provider's own variables."""
    terminal = open_terminal(shell)
    before = set(terminal.env())
    terminal.cd(projects["OpenRouter"])
    env = terminal.env()
    added = {n for n in set(env) - before if n != "LAST_RETURN_CODE" and not n.startswith("XONSH_")}
    assert added == {*MANAGED["OpenRouter"], "COWORK_ENV_STATE"}
    assert "sk-or" not in env["COWORK_ENV_STATE"]
    assert [n for n, v in env.items() if "sk-or" in v] == ["ANTHROPIC_AUTH_TOKEN"]
    terminal.cd("~")
    assert not [v for v in terminal.env().values() if "sk-or" in v]


def test_evaluated_twice(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """Also in the middle of a project, as when a start-up file is read again: what was there before stays known."""
    row = DIALECTS[shell]
    load = row.load.format(home=home.path)
    terminal = open_terminal(
        shell, before=row.set.format(n="ANTHROPIC_MODEL", v="mine"), after=load
    )
    terminal.cd(projects["OpenRouter"])
    assert terminal.messages(load) == []
    assert terminal.managed() == MANAGED["OpenRouter"]
    assert terminal.managed("cd ~") == {"ANTHROPIC_MODEL": "mine"}
    assert terminal.cd(projects["OpenRouter"]) == [
        "OpenRouter (~/work/openrouter/.cowork-provider)"
    ]


def test_deleted_directory(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    terminal = open_terminal(shell)
    gone = projects["OpenRouter"] / "deep/er"
    terminal.cd(gone)
    gone.rmdir()
    if shell != "nu":  # It runs no hook of anybody's there.
        assert terminal.messages() == []
    terminal.run("cd /")
    assert terminal.managed() == {}


def test_unchanged_prompts(
    shell: str, home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """Five prompts where nothing changed, in a pinned project, an untrusted one, a broken one and outside: no process."""
    if DIALECTS[shell].always_requests:
        pytest.skip(f"{shell} has no means to tell a file's content, and asks at each prompt")
    home.pin(home.path / "untrusted", "OpenRouter\n", allow=False)
    home.pin(home.path / "broken", "Nobody\n")
    terminal = open_terminal(shell)
    for path in (
        projects["OpenRouter"] / "deep/er",
        home.path / "untrusted",
        home.path / "broken",
        Path("/"),
    ):
        terminal.cd(path)
        terminal.run()
        assert count(terminal, lambda: [terminal.run() for _ in range(5)]) == [], path
    home.pin(projects["OpenRouter"], "LiteLLM Local\n")
    terminal.cd(projects["OpenRouter"])
    process = terminal.dialect.process
    assert count(terminal, lambda: terminal.run(process)) != []  # the counter counts


def test_tcsh_aliases_and_status_of_the_persons_own(
    home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    """precmd and cwdcmd, of which there is only one each, go on doing what they did; $status is as it was."""
    terminal = open_terminal(
        "tcsh", before="alias precmd 'set pre = \"my pre\"'; alias cwdcmd 'set moved = $cwd:q'"
    )
    terminal.cd(projects["OpenRouter"])
    assert str(projects["OpenRouter"]) in terminal.show("echo $moved $pre")
    assert "my pre" in terminal.show("echo $pre")
    assert terminal.managed() == MANAGED["OpenRouter"]
    terminal.run("sh -c 'exit 4'")
    assert "status-4-" in terminal.show("echo status-$status-")


def test_tcsh_trace_shows_no_key(
    home: Home, projects: dict[str, Path], open_terminal: Open
) -> None:
    terminal = open_terminal("tcsh")
    terminal.run("set echo")
    shown = terminal.show(f"cd {projects['OpenRouter']}") + terminal.show("cd ~")
    assert "sk-or" not in shown and "left OpenRouter" in shown
    assert "echo back" in terminal.show("set x = back; echo $x")


def test_scripts_are_not_harmed(shell: str, home: Home, projects: dict[str, Path]) -> None:
    """A script that evaluates the hook: silent, unharmed, and right after a cd."""
    hook = subprocess.run(
        ["cowork-env", "hook", shell], env=home.env, capture_output=True, check=True, timeout=30
    )
    (home.path / f"hook.{shell}").write_bytes(hook.stdout)
    row = DIALECTS[shell]
    show = row.save.format(out=home.path / "env.out")
    script = home.path / "script"
    script.write_text(
        f"{row.load.format(home=home.path)}\ncd {projects['OpenRouter']}\n{show}\ncd /\necho end\n"
    )
    options = {
        "tcsh": ["-f"],
        "xonsh": ["--no-rc"],
        "elvish": ["-norc"],
        "nu": ["--no-config-file"],
    }[shell]
    done = subprocess.run(
        [need(shell), *options, str(script)],
        env=home.env,
        capture_output=True,
        text=True,
        timeout=30,
        cwd=home.path,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("end\n", "", 0)
    assert "ANTHROPIC_BASE_URL=https://openrouter.ai/api\0" in (home.path / "env.out").read_text()
