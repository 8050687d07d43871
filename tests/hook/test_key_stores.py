"""Keys in stores of the user, at real prompts: what is said, what is left, and what is started."""

from __future__ import annotations

import json
import time

import pexpect
import pytest

from support.home import GUIDE, Home
from support.keyring import KeyringSession
from support.processes import count, wait_for
from support.program import Program
from support.terminal import Open, Terminal, one_line
from support.tools import KEY, Tools

WAITING = "cowork-env: Op: waiting for 1Password; Ctrl-C gives up"
REFERENCES = {
    "Keyring": "keyring:s/u",
    "Pass": "pass:work/llm",
    "Op": "op://Work/llm/credential",
    "Vault": "vault://secret/llm#key",
    "Aws": "aws-sm://prod/llm#/key",
    "Cmd": "cmd:fetch-key llm",
}


@pytest.fixture
def tools(home: Home) -> Tools:
    """Stand-ins; a provider and a project for each reference, and one with a stored key."""
    entries = [
        {"name": name, "baseUrl": f"https://{name.lower()}.example", "authTokenFrom": reference}
        for name, reference in REFERENCES.items()
    ]
    home.providers([GUIDE[1], *entries])
    for name in (*REFERENCES, "OpenRouter"):
        home.pin(home.path / name.lower(), name + "\n")
    made = Tools(home.path)
    home.env["PATH"] = f"{made.folder}:{home.env['PATH']}"
    return made


def credentials(terminal: Terminal) -> dict[str, str]:
    names = ("ANTHROPIC_BASE_URL", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_API_KEY", "COWORK_ENV_ACTIVE")
    return {name: value for name, value in terminal.env().items() if name in names}


def test_ctrl_c_gives_a_lookup_up_once_it_was_said(
    shell: str, home: Home, tools: Tools, open_terminal: Open
) -> None:
    """After two seconds. No other key takes its place, and nothing of the tool is left."""
    tools.hanging("op")
    terminal = open_terminal(shell)
    terminal.run("export ANTHROPIC_API_KEY=own-key")
    begin = time.monotonic()
    terminal.child.sendline("cd ~/op")
    terminal.child.expect_exact(WAITING)
    assert time.monotonic() - begin > 1.9
    assert WAITING not in (terminal.child.before or "")
    terminal.child.sendintr()
    shown = ""
    for _ in range(40):  # fish tells at the next prompt
        if terminal.child.expect_exact(["was interrupted.", pexpect.TIMEOUT], timeout=0.5) == 0:
            break
        terminal.child.sendline("")
    terminal.child.sendline("echo rea''dy")
    terminal.child.expect_exact("ready")
    terminal.prompt()
    assert tools.all_have_ended()
    assert credentials(terminal) == {"ANTHROPIC_API_KEY": "own-key"}
    said = one_line(terminal.run("cowork-env status"))
    assert "not applied: Op: the lookup of its key was interrupted." in said
    assert len(tools.runs) == 1 and KEY not in shown + said


def test_where_nothing_is_said(shell: str, home: Home, tools: Tools, open_terminal: Open) -> None:
    """With COWORK_ENV_QUIET, in a subshell, and in a shell without prompts."""
    tools.make("op", f"sleep 2.3; echo {KEY}")
    show = 'echo "key: $ANTHROPIC_AUTH_TOKEN"'
    hook = f"cowork-env hook {shell}"
    load = f"{hook} | source" if shell == "fish" else f'eval "$({hook})"'
    quiet = open_terminal(shell, env={"COWORK_ENV_QUIET": "1"})
    quiet.child.sendline(f"cd ~/op; {show}")
    inner = open_terminal(shell)
    subshell = f"echo (cd ~/op; {show})" if shell == "fish" else f"(cd ~/op; {show})"
    inner.child.sendline(subshell)
    script = pexpect.spawn(
        shell,
        ["-c", f"{load}; cd ~/op; {show}"],
        env={**home.env, "TERM": "xterm"},
        cwd=str(home.path),
        encoding="utf-8",
        timeout=30,
    )
    script.expect(pexpect.EOF)
    # What the terminals show until the next prompt.
    shown = [quiet.prompt(), inner.prompt(), script.before or ""]
    script.close()
    for text in shown:
        assert "waiting for" not in text
    assert f"key: {KEY}" in shown[0]


def test_a_locked_keyring_at_a_prompt(
    shell: str, home: Home, tools: Tools, open_terminal: Open
) -> None:
    """Said at once. Nobody is asked, nothing is half applied, and status says just that."""
    with KeyringSession(home) as keyring:
        keyring.store({"service": "s", "username": "u"}, KEY)
        keyring.lock()
        terminal = open_terminal(shell, env=keyring.env)
        begin = time.monotonic()
        locked = "Keyring: locked: the keyring is locked."
        assert terminal.cd("~/keyring") == [f"{locked} Unlock it: cowork-env reload"]
        assert time.monotonic() - begin < 4
        assert credentials(terminal) == {}
        said = one_line(terminal.run("cowork-env status"))
        assert f"not applied: {locked}" in said
        keyring.unlock()
        terminal.run("cowork-env reload")
        assert credentials(terminal)["ANTHROPIC_AUTH_TOKEN"] == KEY


def test_a_seen_key_starts_no_process_until_reload(
    shell: str, home: Home, tools: Tools, open_terminal: Open
) -> None:
    for name in ("op", "pass", "vault", "fetch-key"):
        tools.make(name, f"echo {KEY}")
    tools.make("aws", f"""printf '{{"SecretString": "{{\\\\"key\\\\": \\\\"{KEY}\\\\"}}"}}'""")
    terminal = open_terminal(shell)
    places = ("op", "pass", "vault", "aws", "cmd")
    for place in (*places, "openrouter"):
        terminal.run(f"cd ~/{place}")
    runs = len(tools.runs)
    assert runs == len(places)

    def travel() -> None:
        for place in (*places, "openrouter", *places):
            terminal.run(f"cd ~/{place}")

    assert count(terminal, travel) == []
    assert credentials(terminal)["ANTHROPIC_AUTH_TOKEN"] == KEY
    assert len(tools.runs) == runs
    Program(home).run("reload").check()
    terminal.run()
    assert len(tools.runs) == runs + 1
    terminal.run("cd ~/op")
    assert len(tools.runs) == runs + 2


def test_nothing_else_asks_a_source(home: Home, tools: Tools) -> None:
    """Neither commands that show providers or choose one, nor another provider's activation."""
    for name in ("op", "pass", "vault", "bao", "aws", "fetch-key", "security"):
        tools.make(name, f"echo {KEY}")
    program = Program(home, cwd=home.path / "op")
    for line in (
        "list|list --json|show Op|show Op --json|status|status --json|use Op|pin Vault|presets",
        "allow|edit Pass --default-model m|rename Aws Amazon|doctor --offline --json",
        "export --provider OpenRouter --format json|exec --provider OpenRouter -- true",
        "export --provider Op --no-secrets --format json|exec --provider none -- true|reload",
    ):
        for command in line.split("|"):
            done = program.run(*command.split())
            assert done.returncode in (0, 1), done.stderr
            assert tools.runs == [], command
    words = {"_COWORK_ENV_COMPLETE": "zsh", "_COWORK_ENV_WORDS": "show\x1f"}
    shown = program.run(**words).stdout
    assert "Vault" in shown and tools.runs == []
    environment = program.run("export", "--provider", "OpenRouter", "--format", "json").check()
    assert json.loads(environment.stdout)["ANTHROPIC_AUTH_TOKEN"] == GUIDE[1]["authToken"]
    assert tools.runs == []
    program.run("token", "Op").check()
    wait_for(lambda: tools.runs == ["op read --no-newline op://Work/llm/credential"])
