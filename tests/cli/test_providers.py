"""The commands for providers, run as people and scripts run them: as the installed program, and on a terminal."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pexpect
import pytest

from support.home import GUIDE, Home, executable

KEY = "sk-marked-5f2e9c0d1b7a4e63"
ENTER, CTRL_C = "\r", "\x03"


def run(
    home: Home, *args: str, stdin: str | bytes = "", **env: str
) -> subprocess.CompletedProcess[str]:
    data = stdin.encode() if isinstance(stdin, str) else stdin
    ran = subprocess.run(
        [executable(), *args],
        input=data,
        env=home.env | env,
        cwd=home.path,
        capture_output=True,
        timeout=60,
        check=False,
    )
    out, err = ran.stdout.decode(), ran.stderr.decode()
    assert "Traceback" not in err
    return subprocess.CompletedProcess(ran.args, ran.returncode, out, err)


def ok(
    home: Home, *args: str, stdin: str | bytes = "", **env: str
) -> subprocess.CompletedProcess[str]:
    ran = run(home, *args, stdin=stdin, **env)
    assert ran.returncode == 0, ran.stderr
    return ran


def file(home: Home) -> Path:
    mine = home.config / "Agent Cowork/providers.json"
    return mine if mine.exists() else home.file


def saved(home: Home) -> Any:
    return json.loads(file(home).read_text())


def selection(home: Home) -> str:
    path = home.state / "selection"
    return path.read_text().strip() if path.exists() else ""


@contextmanager
def terminal(home: Home, *args: str, **env: str) -> Iterator[pexpect.spawn[str]]:
    """The program on a pseudo-terminal; ``transcript`` is all that was shown."""
    child = pexpect.spawn(
        executable(),
        list(args),
        env={**home.env, "TERM": "xterm", "NO_COLOR": "1", **env},  # type: ignore[arg-type]
        cwd=str(home.path),
        encoding="utf-8",
        timeout=30,
        dimensions=(40, 160),
    )
    try:
        yield child
    finally:
        child.close(force=True)


def answer(child: pexpect.spawn[str], question: str, text: str, hidden: bool = False) -> str:
    """Answer a question once it is asked; returns what was shown before."""
    child.expect_exact(question)
    shown = str(child.before)
    if hidden:
        child.expect_exact(": ")
        assert child.waitnoecho(timeout=20)
    child.send(text + "\n")
    return shown


def rest(child: pexpect.spawn[str]) -> str:
    child.expect(pexpect.EOF)
    shown = str(child.before)
    child.close()
    return shown


# add, without a terminal


def test_add_a_preset_needs_only_the_key_and_takes_white_space_off_it(home: Home) -> None:
    ran = ok(home, "add", "openrouter", "--token-stdin", stdin=f"  {KEY}\r\n")
    assert (ran.stdout, ran.stderr) == ("", "cowork-env: added OpenRouter\n")
    (entry,) = saved(home)
    assert entry["authToken"] == KEY
    assert (entry["name"], entry["baseUrl"]) == ("OpenRouter", "https://openrouter.ai/api")
    assert list(entry) == [
        k for k in ("id", "name", "baseUrl", "authToken", "defaultModel", "models") if k in entry
    ]
    assert stat.S_IMODE(file(home).stat().st_mode) == 0o600


def test_add_takes_everything_from_options(home: Home) -> None:
    ok(
        home,
        "add",
        "--name",
        " Work ",
        "--base-url",
        "http://10.0.0.1/v1",
        "--default-model",
        "m",
        "--opus",
        "o",
        "--sonnet",
        "s",
        "--haiku",
        "h",
        "--fable",
        "f",
        "--auth",
        "api-key",
        "--token-from",
        "env:WORK_KEY",
        "--env",
        "A=1=2",
        "--env",
        "B=",
        "--verbatim-base-url",
        "--allow-insecure",
    )
    (entry,) = saved(home)
    assert entry.pop("id")
    assert entry == {
        "name": "Work",
        "baseUrl": "http://10.0.0.1/v1",
        "defaultModel": "m",
        "authTokenFrom": "env:WORK_KEY",
        "auth": "api-key",
        "models": {"opus": "o", "sonnet": "s", "haiku": "h", "fable": "f"},
        "env": {"A": "1=2", "B": ""},
        "verbatimBaseUrl": True,
        "allowInsecure": True,
    }


def test_add_keeps_what_is_there(home: Home) -> None:
    home.providers([GUIDE[0] | {"theirs": 1}, "junk"])
    ok(home, "add", "deepseek", "--token-stdin", stdin=KEY)
    assert saved(home)[:2] == [GUIDE[0] | {"theirs": 1}, "junk"]
    assert saved(home)[2]["name"] == "DeepSeek"


@pytest.mark.parametrize(
    ("args", "names"),
    [
        ([], "--name"),
        (["--name", "A"], "--base-url"),
        (["--name", "A", "--base-url", "https://x"], "--token-stdin or --token-from"),
        (["openrouter"], "--token-stdin or --token-from"),
        (["foundry", "--token-stdin"], "--base-url"),
        (["bedrock"], "--env AWS_REGION"),
        (["openrouter", "--token-stdin", "--env", "A"], "NAME=VALUE"),
        (["openrouter", "--token-stdin", "--token-from", "env:A"], "exclude"),
        (["openrouter", "--token", KEY], "No such option"),
        (["openruoter", "--token-stdin"], "openrouter"),
        (["--name", "A", "--base-url", "example.com", "--token-stdin"], "has no scheme"),
        (["--name", "A", "--base-url", "https://example.com ", "--token-stdin"], "has white space"),
        (["--name", "none", "--base-url", "https://x", "--token-stdin"], "'none'"),
    ],
)
def test_add_says_which_option_is_missing_or_wrong(home: Home, args: list[str], names: str) -> None:
    ran = run(home, "add", *args, stdin=KEY)
    assert ran.returncode == 2
    assert names in ran.stderr
    assert KEY not in ran.stderr
    assert ran.stdout == ""
    assert not file(home).exists()


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("", "no key"),
        (" \n", "no key"),
        (b"\xff", "not UTF-8"),
        (KEY + "\n" + KEY, "line break"),
        ("x" * 70000, "too long"),
    ],
)
def test_a_key_on_standard_input_is_one_line(home: Home, key: str | bytes, says: str) -> None:
    ran = run(home, "add", "openrouter", "--token-stdin", stdin=key)
    assert ran.returncode in (1, 2)
    assert says in ran.stderr
    assert KEY not in ran.stderr
    assert not file(home).exists()


def test_a_direct_cloud_needs_neither_url_nor_key(home: Home) -> None:
    ok(home, "add", "bedrock", "--env", "AWS_REGION=eu-west-1")
    (entry,) = saved(home)
    assert entry["env"] == {"CLAUDE_CODE_USE_BEDROCK": "1", "AWS_REGION": "eu-west-1"}
    assert not {"baseUrl", "authToken"} & set(entry)


def test_a_preset_with_a_stand_in_key_asks_for_none(home: Home) -> None:
    ok(home, "add", "ollama", "--default-model", "qwen3")
    assert saved(home)[0]["authToken"] == "ollama"


def test_a_name_is_taken_in_any_case_before_a_key_is_read(home: Home) -> None:
    home.providers()
    before = file(home).read_bytes()
    ran = run(home, "add", "openrouter", "--name", "OPENROUTER", "--token-stdin", stdin="")
    assert (ran.returncode, "There is a provider 'OpenRouter' already" in ran.stderr) == (1, True)
    assert file(home).read_bytes() == before


@pytest.mark.parametrize(
    "args",
    [
        ["add", "ollama"],
        ["edit", "A", "--opus", "o"],
        ["rename", "A", "B"],
        ["remove", "A", "--yes"],
    ],
)
def test_providers_from_the_environment_are_not_changed(home: Home, args: list[str]) -> None:
    ran = run(home, *args, COWORK_ENV_PROVIDERS_JSON='[{"name": "A", "baseUrl": "https://x"}]')
    assert ran.returncode == 1
    assert "read-only" in ran.stderr


# edit, rename, remove


def test_edit_changes_what_is_named_and_nothing_else(home: Home) -> None:
    encrypted = GUIDE[1] | {"authToken": "ENC:v1:djExAAAA", "theirs": {"z": 1, "a": 2}}
    home.providers([GUIDE[0], encrypted, GUIDE[2]])
    ok(
        home,
        "edit",
        "openrouter",
        "--default-model",
        "other",
        "--haiku",
        "",
        "--fable",
        "f",
        "--env",
        "A=1",
    )
    models = {k: v for k, v in GUIDE[1]["models"].items() if k != "haiku"} | {"fable": "f"}
    expected = encrypted | {"defaultModel": "other", "models": models, "env": {"A": "1"}}
    assert json.dumps(saved(home)) == json.dumps([GUIDE[0], expected, GUIDE[2]])


def test_edit_takes_fields_away_by_empty_values(home: Home) -> None:
    entry = GUIDE[1] | {"auth": "api-key", "env": {"A": "1"}, "allowInsecure": True}
    home.providers([entry])
    ok(home, "edit", "openrouter", "--env", "B=2", "--no-allow-insecure")
    assert saved(home)[0]["env"] == {"A": "1", "B": "2"}
    assert "allowInsecure" not in saved(home)[0]
    ok(home, "edit", "openrouter", "--env", "", "--env", "C=3", "--auth", "", "--default-model", "")
    assert saved(home)[0]["env"] == {"C": "3"}
    ok(home, "edit", "openrouter", "--env", "", "--opus", "", "--sonnet", "", "--haiku", "")
    assert list(saved(home)[0]) == ["id", "name", "baseUrl", "authToken"]


def test_a_key_and_a_reference_take_each_others_place(home: Home) -> None:
    home.providers()
    ok(home, "edit", "openrouter", "--token-from", "env:OR_KEY")
    assert (saved(home)[1].get("authToken"), saved(home)[1]["authTokenFrom"]) == (
        None,
        "env:OR_KEY",
    )
    ok(home, "edit", "openrouter", "--token-stdin", stdin=KEY)
    assert (saved(home)[1]["authToken"], saved(home)[1].get("authTokenFrom")) == (KEY, None)


@pytest.mark.parametrize(
    ("options", "status", "says"),
    [
        ([], 2, "nothing to change"),
        (["--base-url", "ftp://x"], 1, "OpenRouter: baseUrl is neither"),
        (["--token-from", KEY], 1, "OpenRouter: authTokenFrom is none of"),
        (["--name", "my anthropic api"], 1, "already"),
        (["--name", ""], 1, "is missing"),
        (["--auth", "basic"], 1, "auth is neither"),
    ],
)
def test_a_wrong_edit_changes_nothing(
    home: Home, options: list[str], status: int, says: str
) -> None:
    home.providers()
    before = file(home).read_bytes()
    ran = run(home, "edit", "openrouter", *options)
    assert ran.returncode == status
    assert says in ran.stderr
    assert KEY not in ran.stderr
    assert file(home).read_bytes() == before


def test_an_invalid_entry_is_listed_and_can_be_corrected(home: Home) -> None:
    home.providers(
        [GUIDE[0], {"name": "Broken", "baseUrl": "https://me:secret@host/v1?key=secret"}]
    )
    listed = ok(home, "list").stdout
    assert "invalid: baseUrl has a user name or a password in it" in listed
    assert "secret" not in listed
    ok(home, "edit", "broken", "--base-url", "https://host/v1")
    assert "invalid" not in ok(home, "list").stdout


def test_rename_takes_the_selection_along(home: Home) -> None:
    home.providers([{k: v for k, v in GUIDE[1].items() if k != "id"}])
    ok(home, "use", "openrouter")
    assert selection(home) == "OpenRouter"
    ran = ok(home, "rename", "openrouter", "Router 2")
    assert "OpenRouter is now Router 2" in ran.stderr
    assert "Pins with the name 'OpenRouter'" in ran.stderr
    assert selection(home) == saved(home)[0]["id"]
    assert "selected" in ok(home, "list").stdout


@pytest.mark.parametrize(("new", "status"), [("none", 2), ("", 2), ("a\nb", 2), ("aws bedrock", 1)])
def test_a_wrong_new_name_is_refused(home: Home, new: str, status: int) -> None:
    home.providers()
    assert run(home, "rename", "openrouter", new).returncode == status
    assert saved(home) == GUIDE


def test_a_names_case_can_be_changed(home: Home) -> None:
    home.providers()
    ok(home, "rename", "openrouter", "openROUTER")
    assert saved(home)[1]["name"] == "openROUTER"


def test_remove_clears_the_selection_only_if_it_was_that(home: Home) -> None:
    home.providers()
    ok(home, "use", "openrouter")
    assert "selection" not in ok(home, "remove", "litellm-local").stderr
    assert selection(home) == GUIDE[1]["id"]
    assert "It was the selection" in ok(home, "remove", "openrouter", "--yes").stderr
    assert selection(home) == ""
    assert saved(home) == [GUIDE[0], GUIDE[3]]


# use, list, show


def test_use_keeps_the_id_and_none_clears(home: Home) -> None:
    home.providers()
    assert "OpenRouter is used where no pin applies" in ok(home, "use", "openrouter").stderr
    assert selection(home) == GUIDE[1]["id"]
    assert "ANTHROPIC_BASE_URL=https://openrouter.ai/api" in ok(home, "exec", "env").stdout
    ok(home, "use", "None")
    assert not (home.state / "selection").exists()
    assert "ANTHROPIC_BASE_URL" not in ok(home, "exec", "env").stdout


def test_use_refuses_what_cannot_be_used(home: Home) -> None:
    home.providers([*GUIDE, {"name": "Broken", "baseUrl": "x"}])
    ok(home, "use", "openrouter")
    assert run(home, "use").returncode == 2
    ran = run(home, "use", "opnrouter")
    assert (ran.returncode, "Did you mean 'OpenRouter'?" in ran.stderr) == (1, True)
    ran = run(home, "use", "broken")
    assert (ran.returncode, "[4].baseUrl has no scheme" in ran.stderr) == (1, True)
    assert selection(home) == GUIDE[1]["id"]


def test_use_tells_what_goes_before_it_here(home: Home) -> None:
    home.providers()
    home.pin(home.path, "AWS Bedrock\n")
    assert "Here, ~/.cowork-provider takes precedence." in ok(home, "use", "openrouter").stderr
    assert (
        "Here, $COWORK_PROVIDER takes precedence."
        in ok(home, "use", "openrouter", COWORK_PROVIDER="aws-bedrock").stderr
    )


def test_list_marks_what_is_selected_active_and_invalid(home: Home) -> None:
    home.providers([*GUIDE, {"name": "Bro\x1b[31mken", "baseUrl": "https://x"}, 5, {}])
    ok(home, "use", "openrouter")
    rows = ok(home, "list", COWORK_ENV_ACTIVE="LiteLLM Local").stdout.splitlines()
    assert rows[0].split("  ")[0] == "NAME"
    assert rows[1].endswith("claude-sonnet-4-20250514")
    assert rows[2].endswith("  selected")
    assert rows[3].endswith("  active")
    assert "invalid: name has a control character" in rows[5]
    assert "\x1b" not in rows[5]
    assert rows[6].startswith("(no name)") and rows[6].endswith("invalid: is not an object")
    assert len(rows) == 8


def test_list_for_programs_has_no_key_in_it(home: Home) -> None:
    home.providers([GUIDE[1] | {"authToken": KEY, "apiKey": KEY, "env": {"X": KEY}}])
    ok(home, "use", "openrouter")
    text = ok(home, "list", "--json", COWORK_ENV_ACTIVE="OpenRouter").stdout
    assert KEY not in text
    (row,) = json.loads(text)
    assert (row["name"], row["selected"], row["active"], row["error"]) == (
        "OpenRouter",
        True,
        True,
        "",
    )


def test_list_with_nothing_in_it(home: Home) -> None:
    ran = ok(home, "list")
    assert (ran.stdout, "cowork-env add" in ran.stderr) == ("", True)
    assert json.loads(ok(home, "list", "--json").stdout) == []


def test_a_file_open_to_others_is_told_until_a_write_repairs_it(home: Home) -> None:
    home.providers().chmod(0o640)
    for command in (["list"], ["show", "openrouter"]):
        assert "open to other people (mode 640)" in ok(home, *command).stderr
    assert "it is private now" in ok(home, "edit", "openrouter", "--opus", "o").stderr
    assert ok(home, "list").stderr == ""


def test_a_broken_file_is_an_error_with_its_place_and_stays(home: Home) -> None:
    home.providers().write_text(f'[{{"name": "A", "authToken": "{KEY}",}}]')
    os.utime(home.file, (1, 1))
    before = home.file.read_bytes()
    for args in (
        ["list"],
        ["show", "a"],
        ["add", "ollama"],
        ["edit", "a", "--opus", "o"],
        ["remove", "a"],
        ["rename", "a", "b"],
    ):
        ran = run(home, *args)
        assert (ran.returncode, ran.stdout) == (1, "")
        assert "providers.json is not valid JSON: line 1, column" in ran.stderr
        assert KEY not in ran.stderr
    assert home.file.read_bytes() == before


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_show_masks_all_that_may_be_a_key(home: Home, form: list[str]) -> None:
    home.providers(
        [
            GUIDE[1]
            | {
                "authToken": KEY,
                "apiKey": KEY,
                "env": {
                    "MY_TOKEN": KEY,
                    "HTTPS_PROXY": f"http://me:{KEY}@proxy:1",
                    "ALL_PROXY": f"me:{KEY}@proxy:2",
                    "PLAIN": "shown",
                },
            },
            GUIDE[2] | {"authToken": "short-key"},
            GUIDE[0] | {"authToken": "ENC:v1:AAAA"},
            {
                "name": "Wrong",
                "baseUrl": "https://x",
                "authTokenFrom": KEY,
                "authToken": [KEY],
                "env": KEY,
            },
        ]
    )
    shown = ok(home, "show", "openrouter", *form).stdout
    assert KEY not in shown
    assert KEY[-4:] in shown
    assert "shown" in shown
    assert "http://proxy:1" in shown and "proxy:2" in shown
    assert "short" not in ok(home, "show", "litellm-local", *form).stdout
    assert "(encrypted by the desktop app)" in ok(home, "show", "my-anthropic-api", *form).stdout
    ran = run(home, "show", "wrong", *form)
    assert ran.returncode == 1
    assert KEY not in ran.stdout + ran.stderr
    assert "[3].env is not an object" in ran.stderr


def test_reveal_is_for_terminals(home: Home) -> None:
    home.providers([GUIDE[1] | {"authToken": KEY}])
    ran = run(home, "show", "openrouter", "--reveal")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert KEY not in ran.stderr
    with terminal(home, "show", "openrouter", "--reveal") as child:
        assert KEY in rest(child)
        assert child.exitstatus == 0
    with terminal(home, "show", "openrouter") as child:
        assert KEY not in rest(child)


def test_list_loads_no_pydantic(home: Home) -> None:
    home.providers()
    code = (
        "import sys; from cowork_env.cli import main; status = main(['list'])\n"
        "heavy = {'pydantic', 'filelock', 'questionary', 'httpx', 'rich'}\n"
        "sys.exit(status or sorted(heavy & set(sys.modules)) or 0)"
    )
    argv = [sys.executable, "-c", code]
    ran = subprocess.run(
        argv, env=home.env, capture_output=True, text=True, timeout=60, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, "")


# On a terminal


def test_add_on_a_terminal_asks_for_the_key_only_and_never_shows_it(home: Home) -> None:
    with terminal(home, "add", "openrouter", "--no-check") as child:
        shown = answer(child, "Key (hidden)", f" {KEY} ", hidden=True)
        assert child.pid is not None
        if Path("/proc/self").exists():
            assert KEY.encode() not in Path(f"/proc/{child.pid}/cmdline").read_bytes()
        shown += rest(child)
        assert child.exitstatus == 0
    assert KEY not in shown
    assert "?" not in shown
    assert "cowork-env: added OpenRouter" in shown
    assert "cowork-env pin openrouter" in shown
    assert saved(home)[0]["authToken"] == KEY


def test_add_on_a_terminal_asks_for_all_that_is_missing_until_it_is_right(home: Home) -> None:
    home.providers([GUIDE[0]])
    with terminal(home, "add", "--no-check") as child:
        answer(child, "Name: ", "none")
        answer(child, "That is 'none'", "")
        answer(child, "Name: ", "Büro")
        answer(child, "Base URL: ", "example.com")
        child.expect_exact("That has no scheme")
        answer(child, "Base URL: ", "https://example.com/v1")
        answer(child, "Key (hidden)", "  ", hidden=True)
        answer(child, "Key (hidden)", KEY, hidden=True)
        answer(child, "Default model, Enter for none: ", "m-1")
        assert KEY not in rest(child)
        assert child.exitstatus == 0
    entry = saved(home)[1]
    assert entry.pop("id")
    assert entry == {
        "name": "Büro",
        "baseUrl": "https://example.com/v1",
        "authToken": KEY,
        "defaultModel": "m-1",
    }


def test_add_fills_a_presets_place(home: Home) -> None:
    with terminal(home, "add", "foundry", "--token-from", "env:K", "--no-check") as child:
        answer(child, "Name of the Azure resource: ", "my-resource")
        answer(child, "Enter for none: ", "")
        rest(child)
        assert child.exitstatus == 0
    assert saved(home)[0]["baseUrl"] == "https://my-resource.services.ai.azure.com/api/anthropic"


def test_ctrl_c_at_a_question_saves_nothing(home: Home) -> None:
    with terminal(home, "add", "openrouter", "--no-check") as child:
        child.expect_exact("Key (hidden)")
        assert child.waitnoecho(timeout=20)
        child.send(CTRL_C)
        assert "Traceback" not in rest(child)
        assert child.exitstatus == 130
    assert not file(home).exists()


def test_add_on_a_terminal_tries_the_provider_out_and_keeps_it_whatever_comes_of_it(
    home: Home,
) -> None:
    with socket.socket() as taken:  # bound and not listening: nobody else answers there
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with terminal(
            home, "add", "--name", "A", "--base-url", url, "--default-model", "m"
        ) as child:
            answer(child, "Key (hidden)", KEY, hidden=True)
            shown = rest(child)
            assert child.exitstatus == 0
    assert "A: does not work yet" in shown
    assert KEY not in shown
    assert saved(home)[0]["name"] == "A"


def test_a_hidden_value_for_a_variable(home: Home) -> None:
    home.providers()
    with terminal(home, "edit", "openrouter", "--env", "MY_TOKEN", "--no-check") as child:
        answer(child, "Value of MY_TOKEN (hidden)", KEY, hidden=True)
        assert KEY not in rest(child)
    assert saved(home)[1]["env"] == {"MY_TOKEN": KEY}


def test_edit_on_a_terminal_asks_and_enter_keeps(home: Home) -> None:
    home.providers()
    with terminal(home, "edit", "openrouter", "--no-check") as child:
        answer(child, "Base URL [https://openrouter.ai/api/v1]: ", "")
        answer(child, "]: ", "new-model")
        answer(child, "New key (hidden)", "", hidden=True)
        rest(child)
        assert child.exitstatus == 0
    assert saved(home)[1] == GUIDE[1] | {"defaultModel": "new-model"}


def test_remove_on_a_terminal_asks_first(home: Home) -> None:
    home.providers()
    with terminal(home, "remove", "openrouter") as child:
        answer(child, "Remove OpenRouter?", "n")
        assert "OpenRouter was not removed." in rest(child)
        assert child.exitstatus == 1
    assert saved(home) == GUIDE
    with terminal(home, "remove", "openrouter") as child:
        answer(child, "Remove OpenRouter?", "y")
        rest(child)
        assert child.exitstatus == 0
    assert len(saved(home)) == 3


def test_use_on_a_terminal_is_a_picker_that_filters(home: Home) -> None:
    home.providers()
    with terminal(home, "use") as child:
        child.expect_exact("AWS Bedrock")
        child.send("bedr")
        child.expect_exact("bedr")
        child.send(ENTER)
        assert "AWS Bedrock is used where no pin applies" in rest(child)
        assert child.exitstatus == 0
    assert selection(home) == GUIDE[3]["id"]
    with terminal(home, "use") as child:
        child.expect_exact("AWS Bedrock")
        child.send("bedorck")
        child.expect_exact("bedorck")
        child.send(ENTER)  # Nothing is called that, so nothing is chosen.
        child.expect_exact("\a")
        child.send(CTRL_C)
        rest(child)
        assert child.exitstatus == 130
    assert selection(home) == GUIDE[3]["id"]


class Models(BaseHTTPRequestHandler):
    """An endpoint that lists its models for the right key, and refuses everything else."""

    def do_GET(self) -> None:
        right = (
            self.path.startswith("/v1/models") and self.headers["Authorization"] == f"Bearer {KEY}"
        )
        self._reply(
            200 if right else 401, {"data": [{"id": "small-1"}, {"id": "large-2"}]} if right else {}
        )

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._reply(
            401, {"type": "error", "error": {"type": "authentication_error", "message": "no"}}
        )

    def _reply(self, status: int, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_add_offers_the_models_that_the_endpoint_lists(home: Home) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Models) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            url = f"http://127.0.0.1:{server.server_port}"
            with terminal(home, "add", "--name", "A", "--base-url", url, NO_PROXY="*") as child:
                answer(child, "Key (hidden)", KEY, hidden=True)
                child.expect_exact("large-2")
                child.send("large")
                child.expect_exact("large")
                child.send(ENTER)
                shown = rest(child)
                assert child.exitstatus == 0
        finally:
            server.shutdown()
            thread.join(20)
    assert KEY not in shown
    assert saved(home)[0]["defaultModel"] == "large-2"
