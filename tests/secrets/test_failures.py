"""Every way in which a source can fail: what is said, what is kept quiet, and what is left."""

from __future__ import annotations

import os
import select
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cowork_env.secrets import waiting
from cowork_env.util.errors import CoworkEnvError

from support.processes import wait_for
from support.tools import KEY, REFERENCE, TOOLS, Tools, alarm, fetch, outcome

# Bad references


@pytest.mark.parametrize(
    "reference",
    [
        *("env:", "env:A B", "file:", "file:relative", "cmd:", "cmd:'x", "cmd:./x"),
        *("keyring:", "keyring:a", "keyring:/a", "keyring:a/", "pass:", "pass:-c", "pass:a/../b"),
        *("pass:/etc/x", "op://", "op://a/b", "op://a/b/", "op:///b/c", "op://a/b/c/d/e"),
        *("vault://", "vault://a", "vault://a#f", "vault://a/b", "vault://a/b#", "vault:///a#f"),
        *("vault://a//b#f", "vault://a/../b#f", "vault://-a/b#f", "vault://a/#f", "aws-sm://"),
        *("aws-sm://-x", "aws-sm://a b", "aws-sm://a?x=1", "aws-sm://a?region=", "aws-sm://a#b"),
        *("aws-sm://a?region=-x", "aws-sm://a?region=u/x", "aws-sm://a?", "aws-sm://ä", "nope:x"),
    ],
)
def test_a_bad_reference(reference: str, tools: Tools) -> None:
    for name, _ in TOOLS.values():
        tools.make(name, f"echo {KEY}")
    error = outcome(reference, tools.env)
    assert error.message.startswith("bad reference: authTokenFrom ")
    assert error.hint == "Correct it: cowork-env edit --token-from REF A"
    assert tools.runs == []


# Tools


@pytest.mark.parametrize("source", TOOLS)
def test_a_tool_that_is_missing_or_cannot_be_run(
    source: str, tools: Tools, on_macos: Callable[[], None], tmp_path: Path
) -> None:
    name, reference = TOOLS[source]
    if source == "security":
        on_macos()
    error = outcome(reference, {"PATH": str(tools.folder)})
    said = "neither vault nor bao is" if name in ("vault", "bao") else f"{name} is not"
    assert error.message == f"tool missing: {said} installed."
    (tools.folder / name).write_text("#!/no/such/interpreter\n")
    (tools.folder / name).chmod(0o755)
    message = outcome(reference, {"PATH": str(tools.folder)}).message
    assert message == f"tool missing: {name} is not installed."


@pytest.mark.parametrize("source", TOOLS)
@pytest.mark.parametrize("in_thread", [False, True], ids=["main", "thread"])
def test_a_tool_that_hangs(
    source: str,
    in_thread: bool,
    tools: Tools,
    on_macos: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is ended, with its children, also in a thread, where no alarm is."""
    name, reference = TOOLS[source]
    if source == "security":
        on_macos()
    tools.hanging(name)
    monkeypatch.setattr(waiting, "TIMEOUT", 0.25)
    found: list[str] = []

    def work() -> None:
        found.append(outcome(reference, tools.env).message)

    if in_thread:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join(20)
    else:
        before = alarm()
        work()
        assert alarm() == before
    assert found == [f"timed out: {name} did not answer within 0 seconds."]
    assert tools.all_have_ended()


@pytest.mark.parametrize("source", TOOLS)
def test_ctrl_c_ends_a_tool_with_its_children(
    source: str, tools: Tools, on_macos: Callable[[], None]
) -> None:
    name, reference = TOOLS[source]
    if source == "security":
        on_macos()
    tools.hanging(name)

    def interrupt() -> None:
        tools.wait_until_hanging()
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    before = alarm()
    with pytest.raises(KeyboardInterrupt):
        fetch(reference, tools.env)
    thread.join()
    assert tools.all_have_ended()
    assert alarm() == before


@pytest.mark.parametrize("source", TOOLS)
def test_what_a_child_keeps_open_is_not_waited_for(
    source: str, tools: Tools, on_macos: Callable[[], None]
) -> None:
    name, reference = TOOLS[source]
    if source == "security":
        on_macos()
    answer = f"""{{"SecretString": "{KEY}"}}""" if source == "aws-sm" else KEY
    pids = tools.folder.parent / "tools.pids"
    tools.make(name, f"sleep 600 & echo $! >{pids}\nprintf %s '{answer}'")
    assert fetch(reference, tools.env) == KEY
    assert tools.all_have_ended()


@pytest.mark.parametrize("source", TOOLS)
@pytest.mark.parametrize(
    ("prints", "message"),
    [
        (f"head -c 1000000 /dev/zero | tr '\\0' k; echo {KEY}", "printed more than 64 KiB."),
        (f"printf '{KEY}\\377'", "printed something that is not UTF-8."),
        (f"printf '{KEY}\\033[31m'", "the key has a line break or a control character in it."),
        (f"printf ' {KEY}'", "the key has white space around it."),
        ("", "the key is empty."),
        ("cat", "the key is empty."),  # as of a tool that asks: nobody answers
        ("read answer </dev/tty && echo $answer", "the key is empty."),
    ],
    ids=["1 MB", "not UTF-8", "control", "space", "empty", "prompts", "prompts on the terminal"],
)
def test_a_bad_value(
    source: str, prints: str, message: str, tools: Tools, on_macos: Callable[[], None]
) -> None:
    name, reference = TOOLS[source]
    if source == "security":
        on_macos()
    tools.make(name, f"{prints}\nexit 0")
    said = outcome(reference, tools.env).message
    if source == "aws-sm" and not said.startswith(
        ("bad value: aws printed more", "bad value: aws printed something that is not UTF")
    ):
        message = "aws printed something that is not JSON."
    if message.startswith("printed"):
        message = f"{name} {message}"
    assert said == f"bad value: {message}"


@pytest.mark.parametrize(
    ("source", "reference", "prints", "ran"),
    [
        ("pass", "pass:work/llm", f"{KEY}\nuser: x", "pass show -- work/llm"),
        ("op", "op://W k/item/Sec/key", KEY, "op read --no-newline op://W k/item/Sec/key"),
        ("op", "op://W/i/key?attribute=x", KEY, "op read --no-newline op://W/i/key?attribute=x"),
        ("vault", "vault://kv/a/b#k", KEY, "vault kv get -format=table -field=k kv/a/b"),
        ("bao", "vault://kv/a#k", KEY, "bao kv get -format=table -field=k kv/a"),
        (
            *("aws-sm", "aws-sm://prod/llm", f'{{"SecretString": "{KEY}"}}'),
            "aws secretsmanager get-secret-value --output json --secret-id prod/llm",
        ),
        (
            *("aws-sm", "aws-sm://rds!x?region=eu-west-1#/a~1b/0"),
            f'{{"SecretString": "{{\\\\"a/b\\\\": [\\\\"{KEY}\\\\"]}}"}}',
            "aws secretsmanager get-secret-value --output json --secret-id rds!x "
            "--region eu-west-1",
        ),
        (
            *("aws-sm", "aws-sm://arn:aws:secretsmanager:us-east-2:1:secret:a-x"),
            f'{{"SecretString": "{KEY}"}}',
            "aws secretsmanager get-secret-value --output json --secret-id "
            "arn:aws:secretsmanager:us-east-2:1:secret:a-x --region us-east-2",
        ),
        ("security", "keyring:a/b/c", KEY, "security find-generic-password -s a/b -a c -w"),
    ],
)
def test_the_answer_of_a_tool(
    source: str,
    reference: str,
    prints: str,
    ran: str,
    tools: Tools,
    on_macos: Callable[[], None],
) -> None:
    if source == "security":
        on_macos()
    name = TOOLS[source][0]
    tools.make(name, f"cat <<'END'\n{prints}\nEND".replace("\\\\", "\\"))
    assert fetch(reference, tools.env) == KEY
    assert tools.runs == [ran]


def test_a_tool_gets_no_language_pager_or_format_of_the_user(tools: Tools) -> None:
    """Messages are recognized in English, and nothing may wait for a key press."""
    own = {"LC_ALL": "de_DE.UTF-8", "AWS_PAGER": "less", "AWS_CLI_AUTO_PROMPT": "on"}
    tools.make("pass", "echo $LC_ALL+$PASSWORD_STORE_GPG_OPTS")
    env = {**tools.env, **own, "PASSWORD_STORE_GPG_OPTS": "--no-tty"}
    assert fetch("pass:a", env) == "C+--no-tty --pinentry-mode=error"
    tools.make("aws", """printf '{"SecretString": "%s"}' "[$AWS_PAGER$AWS_CLI_AUTO_PROMPT]" """)
    assert fetch("aws-sm://a", env) == "[off]"


@pytest.mark.parametrize(
    ("prints", "message"),
    [
        ('{"SecretBinary": "a2V5"}', "bad value: the secret is binary."),
        ('{"SecretString": 3}', "bad value: the secret is binary."),
        ('["SecretString"]', "bad value: aws printed something that is not JSON."),
        (f'{{"SecretString": "{KEY}"', "bad value: aws printed something that is not JSON."),
    ],
)
def test_an_answer_of_aws_without_a_key(prints: str, message: str, tools: Tools) -> None:
    tools.make("aws", f"cat <<'END'\n{prints}\nEND")
    assert outcome(TOOLS["aws-sm"][1], tools.env).message == message


@pytest.mark.parametrize(
    ("pointer", "message"),
    [("/x", "not found: the JSON"), ("/n", "bad value: the JSON pointer leads to no string")],
)
def test_a_json_pointer_that_leads_nowhere(pointer: str, message: str, tools: Tools) -> None:
    tools.make("aws", """printf '%s' '{"SecretString": "{\\"n\\": 3}"}'""")
    assert outcome(f"aws-sm://{REFERENCE}#{pointer}", tools.env).message.startswith(message)
    tools.make("aws", f"""printf '%s' '{{"SecretString": "{KEY}"}}'""")
    said = outcome(f"aws-sm://{REFERENCE}#{pointer}", tools.env).message
    assert said.startswith("bad value: the secret of authTokenFrom")


def test_a_folder_of_pass_is_no_key(tools: Tools) -> None:
    """pass lists a folder with its name as the heading, and status 0."""
    tools.make("pass", f"printf 'work/{REFERENCE}\\n\\342\\224\\224 llm\\n'")
    for end in ("", "/"):
        error = outcome(f"pass:work/{REFERENCE}{end}", tools.env)
        assert error.message.startswith("not found: pass has a folder")


def test_the_end_of_a_tool_is_noticed_at_once(
    tools: Tools, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its pipes close just before it ends. No whole slice of time passes then."""
    waits: list[float] = []
    wait = select.select

    def note(*arguments: Any) -> Any:
        if not arguments[0]:
            waits.append(arguments[3])
        return wait(*arguments)

    monkeypatch.setattr(select, "select", note)
    tools.make("pass", f"echo {KEY}; exec >&- 2>&-; sleep 0.01")
    assert fetch("pass:a", tools.env) == KEY
    assert waits and waits[0] < 0.01


# The alarm


def test_an_alarm_that_was_set_before_goes_on(tools: Tools) -> None:
    """As in: perl -e 'alarm 600; exec @ARGV' cowork-env exec ..."""
    rang: list[int] = []

    def ring(number: int, frame: object) -> None:
        rang.append(number)

    tools.make("pass", f"echo {KEY}")
    previous = signal.signal(signal.SIGALRM, ring)
    left, _ = signal.setitimer(signal.ITIMER_REAL, 600)
    try:
        assert fetch("pass:a", tools.env) == KEY
        assert 500 < signal.getitimer(signal.ITIMER_REAL)[0] <= 600
        assert signal.getsignal(signal.SIGALRM) is ring
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        tools.make("pass", f"sleep 0.2; echo {KEY}")
        assert fetch("pass:a", tools.env) == KEY
        wait_for(lambda: rang)
    finally:
        signal.signal(signal.SIGALRM, previous)
        signal.setitimer(signal.ITIMER_REAL, left)


@pytest.mark.parametrize("blocked", [(), (signal.SIGALRM,)], ids=["free", "blocked"])
def test_the_alarm_ends_what_does_not_watch_its_own_time(
    monkeypatch: pytest.MonkeyPatch, blocked: tuple[int, ...]
) -> None:
    """Also where this process was started with the signal blocked."""
    monkeypatch.setattr(waiting, "DELAY", 0.05)
    monkeypatch.setattr(waiting, "GRACE", 0.05)
    monkeypatch.setattr(waiting, "TIMEOUT", 0.1)
    said: list[str] = []
    before = alarm()
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, blocked)
    try:
        with (
            pytest.raises(CoworkEnvError, match="timed out: pass did not answer"),
            waiting.limited("pass", said.append),
        ):
            threading.Event().wait(3)
        assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == mask | set(blocked)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    assert said == ["waiting for pass; Ctrl-C gives up"]
    assert alarm() == before
