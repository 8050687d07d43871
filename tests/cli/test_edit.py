"""``edit``: by options, and by a picker of fields."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.home import GUIDE, Home
from support.providers import ENTER, KEY, dialog, file, ok, run, saved
from support.server import Server, api


def test_edit_changes_only_the_given_fields(home: Home) -> None:
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


def test_edit_removes_fields_with_empty_values(home: Home) -> None:
    entry = GUIDE[1] | {"auth": "api-key", "env": {"A": "1"}, "allowInsecure": True}
    home.providers([entry])
    ok(home, "edit", "openrouter", "--env", "B=2", "--no-allow-insecure")
    assert saved(home)[0]["env"] == {"A": "1", "B": "2"}
    assert "allowInsecure" not in saved(home)[0]
    ok(home, "edit", "openrouter", "--env", "", "--env", "C=3", "--auth", "", "--default-model", "")
    assert saved(home)[0]["env"] == {"C": "3"}
    ok(home, "edit", "openrouter", "--env", "", "--opus", "", "--sonnet", "", "--haiku", "")
    assert list(saved(home)[0]) == ["id", "name", "baseUrl", "authToken"]


def test_edit_replaces_a_key_by_a_reference_and_back(home: Home) -> None:
    home.providers()
    ok(home, "edit", "openrouter", "--token-from", "env:OR_KEY", OR_KEY=KEY)
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
        (["--base-url", "ftp://x"], 1, "OpenRouter: baseUrl must be"),
        (["--token-from", KEY], 1, "OpenRouter: authTokenFrom is none of"),
        (["--name", "my anthropic api"], 1, "already"),
        (["--name", ""], 1, "is missing"),
        (["--auth", "basic"], 1, "auth must be"),
        (["--base-url", "https://api.mistral.ai/v1"], 2, "OpenAI's format"),
    ],
)
def test_invalid_edit_changes_nothing(
    home: Home, options: list[str], status: int, says: str
) -> None:
    home.providers()
    before = file(home).read_bytes()
    ran = run(home, "edit", "openrouter", *options)
    assert ran.returncode == status
    assert says in ran.stderr
    assert KEY not in ran.stderr
    assert file(home).read_bytes() == before


def test_edit_asks_for_a_variables_value_hidden(home: Home) -> None:
    home.providers()
    with dialog(home, "edit", "openrouter", "--env", "MY_TOKEN", "--no-check") as child:
        child.answer("Value of MY_TOKEN (hidden)", KEY, hidden=True)
        assert KEY not in child.finish()
    assert saved(home)[1]["env"] == {"MY_TOKEN": KEY}


# Replacing a key by a reference


def test_a_reference_that_gives_no_key_replaces_no_key_that_works(home: Home) -> None:
    home.providers()
    before = file(home).read_bytes()
    command = ["edit", "openrouter", "--token-from", "env:NO_SUCH"]
    ran = run(home, *command)
    assert ran.returncode == 1
    assert "env:NO_SUCH gives no key: not found" in ran.stderr
    assert "stored nowhere else" in ran.stderr and "pass --yes" in ran.stderr
    assert file(home).read_bytes() == before
    with dialog(home, *command) as child:
        child.answer("Replace it anyway? [y/N]", "")
        assert "OpenRouter was not changed." in child.finish()
        assert child.status == 1
    assert file(home).read_bytes() == before
    with dialog(home, *command) as child:
        child.expect("Replace it anyway? [y/N]")
        child.interrupt()
    assert file(home).read_bytes() == before


@pytest.mark.parametrize("option", ["--yes", "-y", "--no-check"])
def test_a_machine_can_be_prepared_before_its_key_is_there(home: Home, option: str) -> None:
    home.providers()
    ok(home, "edit", "openrouter", "--token-from", "env:NO_SUCH", option)
    assert saved(home)[1]["authTokenFrom"] == "env:NO_SUCH"


@pytest.mark.parametrize(
    ("fields", "env", "status"),
    [
        ({"authToken": ""}, {}, 0),  # There is nothing to lose.
        ({"authTokenFrom": "env:OLD"}, {}, 0),  # That does not work either.
        ({"authTokenFrom": "env:OLD"}, {"OLD": KEY}, 1),
    ],
)
def test_what_counts_as_a_key_that_works(
    home: Home, fields: dict[str, str], env: dict[str, str], status: int
) -> None:
    home.providers([{k: v for k, v in GUIDE[1].items() if k != "authToken"} | fields])
    ran = run(home, "edit", "openrouter", "--token-from", "env:NO_SUCH", **env)
    assert ran.returncode == status, ran.stderr


# The picker


def plain(home: Home, *args: str, **env: str) -> Any:
    """A command on a terminal on which nothing is redrawn."""
    return dialog(home, *args, COWORK_ENV_PLAIN="1", **env)


FIELDS = "Number or name [key]: "
DONE = "Number or name [done]: "


def test_edit_asks_for_fields_and_enter_keeps_values(home: Home) -> None:
    home.providers()
    with plain(home, "edit", "openrouter", "--no-check") as child:
        shown = child.answer(FIELDS, "base URL")
        assert "What is to be changed in OpenRouter?" in shown
        assert "https://openrouter.ai/api/v1" in shown and GUIDE[1]["authToken"] not in shown
        child.answer("Base URL [https://openrouter.ai/api/v1]: ", "https://api.openai.com/v1")
        child.expect("That belongs to OpenAI")
        child.answer("Base URL [https://openrouter.ai/api/v1]: ", "")
        child.answer("Number or name [base URL]: ", "default model")
        child.answer("- for none [anthropic/claude-sonnet-4-20250514]: ", "new-model")
        child.answer(DONE, "haiku")
        child.answer("- for none [anthropic/claude-haiku-4-20250514]: ", "-")
        child.answer(DONE, "key")
        child.answer("Enter keeps it (hidden)", KEY, hidden=True)
        child.answer(DONE, "key sent as")
        child.answer("Number or name [bearer]: ", "api-key")
        child.answer(DONE, "variables")
        child.answer("Number or name [back]: ", "add a variable")
        child.answer("Name of the variable: ", "PATH")
        child.expect("That is not for a provider to set")
        child.answer("Name of the variable: ", "API_TIMEOUT_MS")
        child.answer("Value of API_TIMEOUT_MS", "1000")
        child.answer("Number or name [back]: ", "")
        child.answer(DONE, "name")
        child.answer("Name [OpenRouter]: ", "litellm-local")
        child.expect("There is a provider 'LiteLLM Local' already")
        child.answer("Name [OpenRouter]: ", "Router")
        child.answer(DONE, "")
        assert KEY not in child.finish()
        assert child.status == 0
    models = {k: v for k, v in GUIDE[1]["models"].items() if k != "haiku"}
    assert saved(home)[1] == GUIDE[1] | {
        "name": "Router",
        "authToken": KEY,
        "defaultModel": "new-model",
        "models": models,
        "auth": "api-key",
        "env": {"API_TIMEOUT_MS": "1000"},
    }


def test_edit_changes_and_removes_variables(home: Home) -> None:
    home.providers([GUIDE[1] | {"env": {"A": "1", "MY_TOKEN": KEY, "C": "3"}}])
    with plain(home, "edit", "openrouter", "--no-check") as child:
        child.answer(FIELDS, "variables")
        child.answer("Number or name [back]: ", "A")
        child.answer("Value of A, Enter keeps it, - removes it", "-")
        child.answer("Number or name [back]: ", "MY_TOKEN")
        child.answer("Value of MY_TOKEN, Enter keeps it, - removes it", "", hidden=True)
        child.answer("Number or name [back]: ", "C")
        child.answer("Value of C", "4")
        child.answer("Number or name [back]: ", "")
        child.answer(DONE, "")
        assert KEY not in child.finish()
    assert saved(home)[0]["env"] == {"MY_TOKEN": KEY, "C": "4"}


def test_edit_offers_the_endpoints_models(home: Home) -> None:
    with Server(api(("m-1", "m-2"), key=GUIDE[2]["authToken"])) as server:
        home.providers([GUIDE[2] | {"baseUrl": server.url, "defaultModel": "m-1"}])
        with dialog(home, "edit", "litellm-local") as child:
            child.expect("What is to be changed in LiteLLM Local?")
            child.send("opus")
            child.expect("/ ")
            child.expect("opus")
            child.send(ENTER)
            child.expect("Model for opus")
            child.expect("no model")
            child.send("m-2")
            child.expect("/ ")
            child.expect("m-2")
            child.send(ENTER)
            child.expect("save the changes")
            child.send(ENTER)
            assert "changed LiteLLM Local" in child.finish()
    assert saved(home)[0]["models"]["opus"] == "m-2"


def test_edit_that_is_interrupted_changes_nothing(home: Home) -> None:
    home.providers()
    before = file(home).read_bytes()
    with plain(home, "edit", "openrouter", "--no-check") as child:
        child.answer(FIELDS, "default model")
        child.answer("- for none", "new-model")
        child.expect(DONE)
        child.interrupt()
        assert child.status == 130
    assert file(home).read_bytes() == before


def test_edit_says_what_cannot_be_saved_and_goes_on(home: Home) -> None:
    home.providers([GUIDE[1] | {"env": {"X_KEY": "{key}"}, "authToken": ""}])
    with plain(home, "edit", "openrouter", "--no-check") as child:
        child.answer(FIELDS, "base URL")
        child.answer("Base URL", "https://" + "a" * 10 + ".example")
        child.answer(DONE, "variables")
        child.answer("Number or name [back]: ", "add a variable")
        child.answer("Name of the variable: ", "ANTHROPIC_BASE_URL")
        child.answer("Value of ANTHROPIC_BASE_URL", "https://b.example")
        child.answer("Number or name [back]: ", "")
        child.answer(DONE, "")
        child.expect("would replace the provider's own URL or key")
        child.answer(DONE, "variables")
        child.answer("Number or name [back]: ", "ANTHROPIC_BASE_URL")
        child.answer("Value of ANTHROPIC_BASE_URL", "-")
        child.answer("Number or name [back]: ", "")
        child.answer(DONE, "")
        child.finish()
        assert child.status == 0
    assert saved(home)[0]["baseUrl"] == "https://aaaaaaaaaa.example"


def test_edit_and_key_without_a_name_offer_the_providers(home: Home) -> None:
    home.providers()
    assert run(home, "edit", "--default-model", "m").returncode == 2
    assert "Missing NAME." in run(home, "key").stderr
    assert "Did you mean 'OpenRouter'?" in run(home, "key", "openroutr", stdin=KEY).stderr
    with plain(home, "edit", "--default-model", "m", "--no-check") as child:
        child.answer("Number or name: ", "openrouter")
        child.finish()
        assert child.status == 0
    assert saved(home)[1]["defaultModel"] == "m"


def test_a_key_is_not_saved_beside_another_url_than_the_user_has_seen(home: Home) -> None:
    home.providers()
    with plain(home, "edit", "openrouter", "--keyring", "--no-check") as child:
        child.finish()  # There is no keyring: nothing to wait for.
    with plain(home, "edit", "openrouter", "--no-check") as child:
        child.answer(FIELDS, "key")
        child.answer("Enter keeps it (hidden)", KEY, hidden=True)
        child.expect(DONE)
        home.providers([GUIDE[0], GUIDE[1] | {"baseUrl": "https://other.example"}])
        child.send("\n")
        assert "was changed by another program" in child.finish()
        assert child.status == 1
    assert saved(home)[1]["authToken"] == GUIDE[1]["authToken"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--base-url", "https://other.example"], True),
        (["--base-url", "https://other.example", "--token-from", "env:PATH"], False),
        (["--base-url", "https://openrouter.ai/api"], False),
    ],
)
def test_a_key_that_goes_to_another_host_is_mentioned(
    home: Home, options: list[str], said: bool
) -> None:
    home.providers()
    ran = ok(home, "edit", "openrouter", *options)
    sentence = "Its key is the same as for openrouter.ai, and goes to other.example."
    assert (sentence in ran.stderr) == said


def test_a_key_that_goes_to_another_host_is_mentioned_before_it_does(home: Home) -> None:
    home.providers()
    plain = {"COWORK_ENV_PLAIN": "1", "NO_PROXY": "*"}
    with Server(api(("m",))) as server, dialog(home, "edit", "openrouter", **plain) as child:
        child.answer("Number or name", "base URL")
        child.answer("Base URL", server.url)
        shown = child.expect("Number or name")
        assert "and goes to 127.0.0.1." in " ".join(shown.split())
        assert server.requests == []
        child.interrupt()
