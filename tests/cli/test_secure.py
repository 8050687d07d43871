"""``secure`` with real key stores, on a terminal, and for shells."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.home import GUIDE, Home
from support.keyring import KeyringSession
from support.password_store import PasswordStore
from support.program import Program
from support.providers import KEY, dialog, saved
from support.shells import SHELLS
from support.terminal import Terminal

KEYS = {entry["name"]: entry["authToken"] for entry in GUIDE}
ITEM = {"service": "cowork-env", "username": "openrouter"}


@pytest.fixture
def keyring(home: Home) -> Iterator[KeyringSession]:
    """A GNOME keyring, unlocked and empty, and the guide's providers."""
    home.providers()
    with KeyringSession(home) as session:
        home.env.update(session.env)
        yield session


def references(home: Home) -> list[str]:
    return [entry.get("authTokenFrom", "") for entry in saved(home)]


def everything(home: Home) -> bytes:
    """All that is in the files of the home, but for those of the key store."""
    return b"".join(
        path.read_bytes()
        for path in home.path.rglob("*")
        if path.is_file() and "keyrings" not in path.parts
    )


def test_a_real_keyring(home: Home, keyring: KeyringSession) -> None:
    program = Program(home)
    done = program.run("secure", "--yes").check()
    assert references(home)[1] == "keyring:cowork-env/openrouter"
    assert keyring.read(ITEM) == KEYS["OpenRouter"]
    assert {name: program.run("token", name).check().stdout.strip() for name in KEYS} == KEYS
    assert not any(key.encode() in everything(home) for key in KEYS.values())
    program.run("edit", "openrouter", "--keyring", "--token-stdin", input=KEY).check()
    assert references(home)[1] == "keyring:cowork-env/openrouter-2"
    assert program.run("token", "openrouter").stdout.strip() == KEY
    undone = program.run("secure", "--undo", "--yes").check()
    assert {e["name"]: e["authToken"] for e in saved(home)} == {**KEYS, "OpenRouter": KEY}
    assert keyring.run("secret-tool", "search", "--all", "service", "cowork-env") == ""
    for said in (done, undone):
        assert not any(key in said.stdout + said.stderr for key in (*KEYS.values(), KEY))


def test_a_locked_keyring_is_said_and_nothing_is_changed(
    home: Home, keyring: KeyringSession
) -> None:
    """Nobody can be asked here."""
    program = Program(home)
    program.run("secure", "openrouter", "--yes").check()
    before = home.file.read_bytes()
    keyring.lock()
    for arguments in (["secure", "--yes"], ["secure", "--undo", "--yes"]):
        done = program.run(*arguments).check(1)
        assert "Left as they are: " in done.stderr
        assert home.file.read_bytes() == before
    keyring.unlock()
    program.run("secure", "--undo", "--yes").check()
    assert [entry["authToken"] for entry in saved(home)] == list(KEYS.values())


def test_a_real_pass(home: Home) -> None:
    home.providers()
    with PasswordStore(home) as store:
        program = Program(home, env=store.env)
        store.insert("cowork-env/openrouter", "something else\n")
        store.insert("cowork-env/aws-bedrock", KEYS["AWS Bedrock"] + "\nuser: me\n")
        (store.path / "cowork-env/litellm-local.gpg").write_bytes(b"")  # of a write that failed
        program.run("secure", "--to", "pass", "--yes").check()
        assert references(home) == [
            "pass:cowork-env/my-anthropic-api",
            "pass:cowork-env/openrouter-2",
            "pass:cowork-env/litellm-local-2",
            "pass:cowork-env/aws-bedrock",
        ]
        assert {name: program.run("token", name).check().stdout.strip() for name in KEYS} == KEYS
        assert not any(key.encode() in everything(home) for key in KEYS.values())
        program.run("secure", "--undo", "--yes").check()
        assert [entry["authToken"] for entry in saved(home)] == list(KEYS.values())
        left = sorted(path.stem for path in (store.path / "cowork-env").iterdir())
        assert left == ["litellm-local", "openrouter"]


# On a terminal


def test_the_plan_is_shown_and_asked_for(home: Home, keyring: KeyringSession) -> None:
    before = home.file.read_bytes()
    with dialog(home, "secure") as asked:
        shown = asked.answer("Move these 4 keys?", "n")
        assert "OpenRouter" in shown and "keyring:cowork-env/openrouter" in shown
        assert "The desktop app will not find keys that have been moved" in shown
        assert "Nothing was moved." in asked.finish()
        assert asked.status == 0
    with dialog(home, "secure") as asked:
        asked.expect("Move these 4 keys?")
        asked.interrupt()
        assert asked.status == 130
    assert home.file.read_bytes() == before
    assert keyring.run("secret-tool", "search", "--all", "service", "cowork-env") == ""
    with dialog(home, "secure", "openrouter") as asked:
        asked.answer("Move this key?", "y")
        assert "OpenRouter: its key is in keyring:cowork-env/openrouter now" in asked.finish()
    assert keyring.read(ITEM) == KEYS["OpenRouter"]
    with dialog(home, "secure", "--undo") as asked:
        shown = asked.answer("Move back this key?", "y")
        assert "in plain text." in shown
        assert "keyring:cowork-env/openrouter was removed" in asked.finish()
    assert json.loads(home.file.read_text())[1]["authToken"] == KEYS["OpenRouter"]


def test_add_and_remove_with_the_keyring(home: Home, keyring: KeyringSession) -> None:
    with dialog(home, "add", "deepseek", "--keyring", "--no-check") as asked:
        asked.answer("Key (hidden)", KEY, hidden=True)
        asked.answer("Use it everywhere? [Y/n]", "n")
        assert KEY not in asked.finish()
        assert asked.status == 0
    item = {"service": "cowork-env", "username": "deepseek"}
    assert keyring.read(item) == KEY and KEY not in home.file.read_text()
    with dialog(home, "remove", "deepseek") as asked:
        asked.expect("Its key, keyring:cowork-env/deepseek, is removed, too.")
        asked.answer("Remove DeepSeek?", "y")
        assert "removed keyring:cowork-env/deepseek" in asked.finish()
    assert keyring.run("secret-tool", "search", "--all", "service", "cowork-env") == ""


# For shells


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_has_the_same_key_before_and_after(
    shell: str, home: Home, keyring: KeyringSession, projects: dict[str, Path]
) -> None:
    program, name = Program(home), "OpenRouter"
    with Terminal(shell, home) as terminal:
        terminal.cd(projects[name])
        before = terminal.managed()
        assert before["ANTHROPIC_AUTH_TOKEN"] == KEYS[name]
        for command in (["secure", "--yes"], ["secure", "--undo", "--yes"]):
            program.run(*command).check()
            assert terminal.managed() == before
            terminal.cd(home.path)
            assert terminal.managed() == {}
            assert terminal.managed(f"cd {projects[name]}") == before


# doctor


@pytest.mark.parametrize("app", [False, True])
def test_doctor_names_the_keys_in_plain_text(home: Home, program: Program, app: bool) -> None:
    """Where the desktop app has encrypted a key, the hint says what it does with others."""
    other = {"authToken": "ENC:v1:djExAAAA" if app else ""}
    home.providers([GUIDE[0] | other, *GUIDE[1:3]])
    found = program.run("doctor", "--offline", "--json").json()["findings"]
    (finding,) = [each for each in found if each["code"] == "plaintext"]
    assert (finding["level"], finding["fixable"]) == ("note", False)
    assert finding["message"].endswith(": OpenRouter, LiteLLM Local.")
    assert finding["hint"].startswith("The desktop app encrypts them" if app else "Move them")
    assert finding["hint"].endswith(": cowork-env secure")
    json_of_all = {"COWORK_ENV_PROVIDERS_JSON": home.file.read_text()}
    found = program.run("doctor", "--offline", "--json", env=json_of_all).json()["findings"]
    assert not [each for each in found if each["code"] == "plaintext"]
