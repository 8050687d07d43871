"""``add`` in scripts: everything is in options."""

from __future__ import annotations

import stat

import pytest

from support.home import GUIDE, Home
from support.providers import KEY, file, ok, run, saved


def test_add_preset_needs_only_the_key_and_strips_it(home: Home) -> None:
    ran = ok(home, "add", "openrouter", "--token-stdin", stdin=f"  {KEY}\r\n")
    assert (ran.stdout, ran.stderr) == ("", "cowork-env: added OpenRouter\n")
    (entry,) = saved(home)
    assert entry["authToken"] == KEY
    assert (entry["name"], entry["baseUrl"]) == ("OpenRouter", "https://openrouter.ai/api")
    assert list(entry) == [
        k for k in ("id", "name", "baseUrl", "authToken", "defaultModel", "models") if k in entry
    ]
    assert stat.S_IMODE(file(home).stat().st_mode) == 0o600


def test_add_with_every_option(home: Home) -> None:
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


def test_add_keeps_other_entries(home: Home) -> None:
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
        (["openrouter", "--token", KEY], "There is no option '--token'"),
        (["openruoter", "--token-stdin"], "openrouter"),
        (["--name", "A", "--base-url", "example.com", "--token-stdin"], "has no scheme"),
        (["--name", "A", "--base-url", "https://example.com ", "--token-stdin"], "has white space"),
        (["--name", "none", "--base-url", "https://x", "--token-stdin"], "'none'"),
        (["groq", "--token-stdin"], "litellm --host 127.0.0.1 --model groq/MODEL"),
        (["groq", "--base-url", "https://x", "--token-stdin"], "OpenAI's format"),
        (["--name", "A", "--base-url", "https://api.openai.com/v1"], "cowork-env add litellm"),
    ],
)
def test_add_reports_missing_and_invalid_options(home: Home, args: list[str], names: str) -> None:
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
        (f"two {KEY}", "blanks"),
        (f'{{"key": "{KEY}"}}', "is JSON"),
        ("sk-...4e63", "masked"),
        ("x" * 70000, "too long"),
    ],
)
def test_invalid_key_on_standard_input_is_refused(home: Home, key: str | bytes, says: str) -> None:
    ran = run(home, "add", "openrouter", "--token-stdin", stdin=key)
    assert ran.returncode in (1, 2)
    assert says in ran.stderr
    assert KEY not in ran.stderr
    assert not file(home).exists()


def test_a_key_on_standard_input_is_cleaned(home: Home) -> None:
    ok(home, "add", "openrouter", "--token-stdin", stdin=f"export OPENROUTER_API_KEY='{KEY}'\n")
    assert saved(home)[0]["authToken"] == KEY


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--name", KEY),
        ("--default-model", KEY),
        ("--haiku", KEY),
        ("--base-url", f"https://user:{KEY}@a.example"),
        ("--base-url", "https://user:word@a.example"),
    ],
)
def test_a_key_in_another_option_is_refused_and_not_repeated(
    home: Home, option: str, value: str
) -> None:
    ran = run(home, "add", "openrouter", "--token-stdin", option, value, stdin=KEY)
    assert (ran.returncode, "looks like a key" in ran.stderr) == (2, True)
    assert KEY not in ran.stderr and "word" not in ran.stderr
    assert not file(home).exists()


def test_a_preset_with_a_place_uses_the_usual_one_without_a_terminal(home: Home) -> None:
    ok(home, "add", "litellm", "--token-stdin", stdin=KEY)
    ok(home, "add", "ollama", "--base-url", "http://127.0.0.1:1")
    assert [entry["baseUrl"] for entry in saved(home)] == [
        "http://localhost:4000",
        "http://127.0.0.1:1",
    ]


def test_what_cannot_be_saved_is_refused_before_the_key_is_read(home: Home) -> None:
    ran = run(home, "add", "openrouter", "--token-stdin", "--env", "PATH=/x", stdin="")
    assert ran.returncode == 1 and "PATH" in ran.stderr


def test_cloud_provider_needs_neither_url_nor_key(home: Home) -> None:
    ok(home, "add", "bedrock", "--env", "AWS_REGION=eu-west-1")
    (entry,) = saved(home)
    assert entry["env"] == {"CLAUDE_CODE_USE_BEDROCK": "1", "AWS_REGION": "eu-west-1"}
    assert not {"baseUrl", "authToken"} & set(entry)


def test_a_path_in_the_home_is_written_in_full(home: Home) -> None:
    ok(home, "add", "ollama", "--default-model", "q", "--env", "NODE_EXTRA_CA_CERTS=~/ca.pem")
    assert saved(home)[0]["env"] == {"NODE_EXTRA_CA_CERTS": f"{home.path}/ca.pem"}
    ok(home, "edit", "ollama", "--env", "A=x~/y")
    assert saved(home)[0]["env"]["A"] == "x~/y"
    ran = run(home, "edit", "ollama", "--env", "A=~/y", HOME="")
    assert (ran.returncode, "HOME is not set" in ran.stderr) == (2, True)


def test_preset_with_a_placeholder_key_asks_for_none(home: Home) -> None:
    ok(home, "add", "ollama", "--default-model", "qwen3")
    assert saved(home)[0]["authToken"] == "ollama"


def test_taken_name_is_refused_in_any_case_before_the_key_is_read(home: Home) -> None:
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
def test_providers_from_the_environment_are_read_only(home: Home, args: list[str]) -> None:
    ran = run(home, *args, COWORK_ENV_PROVIDERS_JSON='[{"name": "A", "baseUrl": "https://x"}]')
    assert ran.returncode == 1
    assert "read-only" in ran.stderr
