"""``key``: another key, where the old one is kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from cowork_env import secrets
from cowork_env.cli import main, provider_options

from support.home import GUIDE, Home
from support.key_stores import FakeStore
from support.keyring import KeyringSession
from support.password_store import PasswordStore
from support.program import Program
from support.providers import KEY, dialog, file, ok, run, saved
from support.server import Server, api
from support.shells import SHELLS
from support.terminal import Open

WITHOUT_KEY = {k: v for k, v in GUIDE[1].items() if k != "authToken"}


@pytest.fixture
def fake(home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeStore]:
    """Stores in the place of the keyring and of pass; this process is the command's."""
    made, real = FakeStore(home.path / "items"), secrets.source
    ours = ("keyring:", "pass:")
    monkeypatch.setattr(secrets, "source", lambda s: made if s in ours else real(s))
    monkeypatch.setattr(provider_options, "_key_from_stdin", lambda *_: KEY)
    for name, value in home.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(home.path)
    yield made


@pytest.mark.parametrize("option", ["--stdin", "--token-stdin"])
def test_only_the_key_changes(home: Home, option: str) -> None:
    home.providers()
    ran = ok(home, "key", "openrouter", option, stdin=f"export OPENROUTER_API_KEY='{KEY}'\r\n")
    assert saved(home) == [GUIDE[0], GUIDE[1] | {"authToken": KEY}, *GUIDE[2:]]
    assert "changed OpenRouter" in ran.stderr and KEY not in ran.stdout + ran.stderr


@pytest.mark.parametrize(
    ("arguments", "stdin", "status", "says"),
    [
        ([], KEY, 2, "--token-stdin"),
        (["--stdin"], "", 2, "no key on standard input"),
        (["--stdin"], "a\nb", 2, ""),
        (["--stdin", "--keyring"], KEY, 1, "The keyring cannot be used"),
    ],
)
def test_what_is_refused_changes_nothing(
    home: Home, arguments: list[str], stdin: str, status: int, says: str
) -> None:
    home.providers()
    before = file(home).read_bytes()
    ran = run(home, "key", "openrouter", *arguments, stdin=stdin)
    assert ran.returncode == status
    assert says.casefold() in ran.stderr.casefold() and KEY not in ran.stderr
    assert file(home).read_bytes() == before


def test_it_is_asked_for_hidden_and_checked(home: Home) -> None:
    with Server(api(("m",), key=KEY)) as server:
        home.providers([GUIDE[2] | {"baseUrl": server.url, "defaultModel": "m", "models": {}}])
        with dialog(home, "key", "litellm-local") as child:
            shown = child.answer("New key for LiteLLM Local (hidden)", KEY, hidden=True)
            assert f"LiteLLM Local, {server.url}" in shown
            shown += child.finish()
            assert "LiteLLM Local: works" in shown and KEY not in shown
            assert child.status == 0
    assert saved(home)[0]["authToken"] == KEY


def test_an_interrupt_at_the_question_changes_nothing(home: Home) -> None:
    home.providers()
    before = file(home).read_bytes()
    with dialog(home, "key", "openrouter") as child:
        child.expect("(hidden)")
        child.interrupt()
        assert child.status == 130
    assert file(home).read_bytes() == before


def test_a_reference_of_the_users_own_is_replaced_if_they_agree(home: Home) -> None:
    home.providers([WITHOUT_KEY | {"authTokenFrom": "env:OR_KEY"}])
    before = file(home).read_bytes()
    ran = run(home, "key", "openrouter", "--stdin", stdin=KEY)
    assert ran.returncode == 1
    assert "The key of OpenRouter comes from env:OR_KEY." in ran.stderr
    assert "pass --yes to replace it" in ran.stderr
    with dialog(home, "key", "openrouter", "--no-check") as child:
        child.answer("Store a key instead of this reference? [y/N]", "")
        assert "OpenRouter was not changed." in child.finish()
    assert file(home).read_bytes() == before
    ok(home, "key", "openrouter", "--stdin", "-y", stdin=KEY)
    assert saved(home) == [WITHOUT_KEY | {"authToken": KEY}]


def test_a_key_that_the_app_has_encrypted(home: Home) -> None:
    home.providers([WITHOUT_KEY | {"authToken": "ENC:v1:djExAAAA"}])
    ran = ok(home, "key", "openrouter", "--stdin", stdin=KEY)
    assert "plain text until the desktop app saves it" in ran.stderr
    assert saved(home) == [WITHOUT_KEY | {"authToken": KEY}]


def test_the_token_of_an_account(home: Home) -> None:
    account = {"id": "a", "name": "Work", "auth": "account", "baseUrl": "https://api.anthropic.com"}
    home.providers([account])
    assert run(home, "key", "work", "--stdin", stdin=KEY).returncode == 1  # It has a login.
    ok(home, "key", "work", "--stdin", "--yes", stdin=KEY)
    assert saved(home) == [account | {"authToken": KEY}]
    ran = run(home, "key", "work", "--stdin", stdin="sk-ant-api03-x")
    assert "not a token of 'claude setup-token'" in ran.stderr
    assert saved(home) == [account | {"authToken": KEY}]


def test_a_cloud_has_no_key(home: Home) -> None:
    home.providers([{"id": "a", "name": "Cloud", "env": {"CLAUDE_CODE_USE_BEDROCK": "1"}}])
    ran = run(home, "key", "cloud", "--stdin", stdin=KEY)
    assert ran.returncode == 1 and "Cloud needs no key" in ran.stderr


@pytest.mark.parametrize("scheme", ["keyring:", "pass:"])
def test_a_new_key_goes_to_the_store_of_the_old_one(
    home: Home, fake: FakeStore, scheme: str, capsys: Any
) -> None:
    fake.path("cowork-env/openrouter").write_text("old")
    home.providers([WITHOUT_KEY | {"authTokenFrom": f"{scheme}cowork-env/openrouter"}])
    assert main(["key", "openrouter", "--stdin"]) == 0
    assert saved(home) == [WITHOUT_KEY | {"authTokenFrom": f"{scheme}cowork-env/openrouter-2"}]
    assert fake.items() == {"cowork-env/openrouter-2": KEY}
    assert KEY not in capsys.readouterr().err


def test_a_store_that_cannot_be_used_keeps_the_old_key(
    home: Home, fake: FakeStore, capsys: Any
) -> None:
    fake.path("cowork-env/openrouter").write_text("old")
    home.providers([WITHOUT_KEY | {"authTokenFrom": "keyring:cowork-env/openrouter"}])
    before = file(home).read_bytes()
    fake.absent = "there is no keyring"
    assert main(["key", "openrouter", "--stdin"]) == 1
    assert "The keyring cannot be used" in capsys.readouterr().err
    assert (file(home).read_bytes(), fake.items()) == (before, {"cowork-env/openrouter": "old"})


def test_keyring_moves_it_there(home: Home, fake: FakeStore) -> None:
    home.providers()
    assert main(["key", "openrouter", "--stdin", "--keyring"]) == 0
    assert saved(home)[1] == WITHOUT_KEY | {"authTokenFrom": "keyring:cowork-env/openrouter"}
    assert fake.items() == {"cowork-env/openrouter": KEY}


def test_real_stores(home: Home) -> None:
    home.providers()
    with KeyringSession(home) as session:
        home.env.update(session.env)
        program = Program(home)
        program.run("secure", "openrouter", "--yes").check()
        program.run("key", "openrouter", "--stdin", input=KEY).check()
        assert program.run("token", "openrouter").stdout.strip() == KEY
        assert saved(home)[1]["authTokenFrom"] == "keyring:cowork-env/openrouter-2"


def test_a_key_in_pass(home: Home) -> None:
    home.providers()
    with PasswordStore(home) as store:
        home.env.update(store.env)
        program = Program(home)
        program.run("secure", "openrouter", "--yes", "--to", "pass").check()
        program.run("key", "openrouter", "--stdin", input=KEY).check()
        assert program.run("token", "openrouter").stdout.strip() == KEY


@pytest.mark.parametrize("shell", SHELLS)
def test_open_shells_have_the_new_key_on_the_same_line(
    shell: str, home: Home, open_terminal: Open
) -> None:
    home.providers()
    ok(home, "use", "openrouter")
    terminal = open_terminal(shell)
    assert terminal.managed()["ANTHROPIC_AUTH_TOKEN"] == GUIDE[1]["authToken"]
    (home.path / "key").write_text(KEY)
    env = terminal.managed("cowork-env key openrouter --stdin < ~/key")
    assert env["ANTHROPIC_AUTH_TOKEN"] == KEY
    ok(home, "key", "openrouter", "--stdin", stdin="sk-other")
    assert terminal.managed()["ANTHROPIC_AUTH_TOKEN"] == "sk-other"
