"""``list`` and ``show``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from support.home import GUIDE, Home
from support.program import Completed
from support.providers import KEY, dialog, ok, run
from support.server import KEY as SERVER_KEY
from support.server import Server, api, free_port


def test_invalid_entry_is_listed_and_can_be_edited(home: Home) -> None:
    home.providers(
        [GUIDE[0], {"name": "Broken", "baseUrl": "https://me:secret@host/v1?key=secret"}]
    )
    listed = ok(home, "list").stdout
    assert "invalid: baseUrl has a user name or a password in it" in listed
    assert "secret" not in listed
    ok(home, "edit", "broken", "--base-url", "https://host/v1")
    assert "invalid" not in ok(home, "list").stdout


def test_list_marks_selected_active_and_invalid_providers(home: Home) -> None:
    home.providers([*GUIDE, {"name": "Bro\x1b[31mken", "baseUrl": "https://x"}, 5, {}])
    ok(home, "use", "openrouter")
    rows = ok(home, "list", COWORK_ENV_ACTIVE="LiteLLM Local").stdout.splitlines()
    assert rows[0].startswith("My Anthropic API: base URL ")
    assert rows[0].endswith("; default model claude-sonnet-4-20250514")
    assert rows[1].endswith("; selected")
    assert rows[2].endswith("; active")
    assert "invalid: name has a control character" in rows[4]
    assert "\x1b" not in rows[4]
    assert rows[5].startswith("(no name)") and rows[5].endswith("invalid: is not an object")
    assert len(rows) == 7


def test_list_json_has_no_keys(home: Home) -> None:
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


def test_list_without_providers(home: Home) -> None:
    ran = ok(home, "list")
    assert (ran.stdout, "cowork-env add" in ran.stderr) == ("", True)
    assert json.loads(ok(home, "list", "--json").stdout) == []


def test_file_readable_by_others_is_reported_until_a_write_repairs_it(home: Home) -> None:
    home.providers().chmod(0o640)
    for command in (["list"], ["show", "openrouter"]):
        assert "readable by other users (mode 640)" in ok(home, *command).stderr
    assert "it is private now" in ok(home, "edit", "openrouter", "--opus", "o").stderr
    assert ok(home, "list").stderr == ""


def test_invalid_json_is_reported_with_its_position_and_kept(home: Home) -> None:
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
def test_show_masks_everything_that_may_be_a_key(home: Home, form: list[str]) -> None:
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


def test_reveal_only_on_a_terminal(home: Home) -> None:
    home.providers([GUIDE[1] | {"authToken": KEY}])
    ran = run(home, "show", "openrouter", "--reveal")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert KEY not in ran.stderr
    with dialog(home, "show", "openrouter", "--reveal") as child:
        assert KEY in child.finish()
        assert child.status == 0
    with dialog(home, "show", "openrouter") as child:
        assert KEY not in child.finish()


def test_list_imports_nothing_heavy(home: Home) -> None:
    home.providers()
    code = (
        "import sys; from cowork_env.cli import main; status = main(['list'])\n"
        "heavy = {'pydantic', 'questionary', 'httpx', 'rich'}\n"
        "sys.exit(status or sorted(heavy & set(sys.modules)) or 0)"
    )
    argv = [sys.executable, "-c", code]
    ran = subprocess.run(
        argv, env=home.env, capture_output=True, text=True, timeout=60, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, "")


def test_where_each_key_is(home: Home) -> None:
    other = {"name": "Other", "baseUrl": "https://x", "authToken": "", "authTokenFrom": "pass:work"}
    home.providers([GUIDE[0], GUIDE[2] | {"authToken": "ENC:v1:AAAA"}, other])
    rows = ok(home, "list", "--json").json()
    assert [row["keyFrom"] for row in rows] == ["stored", "encrypted", "pass:"]
    assert "fetched from pass: when needed" in ok(home, "show", "other").stderr
    assert "decrypted with the desktop app's key store" in ok(home, "show", "litellm-local").stderr
    assert ok(home, "show", "my-anthropic-api").stderr == ""


# Models that an endpoint offers


def models(home: Home, server: Server, *args: str, **entry: Any) -> Completed:
    home.providers([GUIDE[1] | {"baseUrl": server.url, "authToken": SERVER_KEY} | entry])
    before = sorted(home.path.rglob("*"))
    done = run(home, "show", "openrouter", "--models", *args)
    assert SERVER_KEY not in done.stdout + done.stderr
    assert sorted(home.path.rglob("*")) == before  # Nothing is kept.
    return done


def test_the_models_that_an_endpoint_offers(home: Home) -> None:
    own = {"defaultModel": "b", "models": {"opus": "gone", "sonnet": "a"}}
    with Server(api(("a", "b", "c"))) as server:
        done = models(home, server, **own)
        assert (done.returncode, done.stdout.splitlines()) == (
            0,
            ["a: used: sonnet", "b: used: default, haiku, fable", "c"],
        )
        assert done.stderr == "cowork-env: not in this list, but used (opus): gone\n"
        assert models(home, server, "--json", **own).json() == {
            "provider": "OpenRouter",
            "models": [
                {"model": "a", "uses": ["sonnet"]},
                {"model": "b", "uses": ["default", "haiku", "fable"]},
                {"model": "c", "uses": []},
            ],
            "notOffered": [{"model": "gone", "uses": ["opus"]}],
        }
        assert {r.path for r in server.requests} == {"/v1/models"}


def test_why_an_endpoint_offers_no_models(home: Home) -> None:
    with Server(api()) as server:
        done = models(home, server, authToken="sk-another-key-0123456789")
        assert (done.returncode, done.stdout) == (1, "")
        assert "cowork-env: OpenRouter: The server rejects the key" in done.stderr
    with Server(lambda _request: (404, "<html>")) as server:
        assert "OpenRouter: It lists no models (HTTP status 404)." in models(home, server).stderr
    url = f"http://127.0.0.1:{free_port()}"
    assert "refused the connection" in models(home, server, baseUrl=url).stderr
    account = {"name": "OpenRouter", "auth": "account"}
    home.providers([account])
    done = run(home, "show", "openrouter", "--models")
    assert done.returncode == 1 and "login is for Claude Code alone" in done.stderr
    assert run(home, "show", "openrouter", "--models", "--reveal").returncode == 2
