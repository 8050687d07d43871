"""``edit``, ``rename`` and ``remove``."""

from __future__ import annotations

import json

import pytest

from support.home import GUIDE, Home
from support.providers import KEY, dialog, file, ok, run, saved, selection


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


def test_rename_keeps_the_selection(home: Home) -> None:
    home.providers([{k: v for k, v in GUIDE[1].items() if k != "id"}])
    ok(home, "use", "openrouter")
    assert selection(home) == "OpenRouter"
    ran = ok(home, "rename", "openrouter", "Router 2")
    assert "OpenRouter is now Router 2" in ran.stderr
    assert "Pins with the name 'OpenRouter'" in ran.stderr
    assert selection(home) == saved(home)[0]["id"]
    assert "selected" in ok(home, "list").stdout


@pytest.mark.parametrize(("new", "status"), [("none", 2), ("", 2), ("a\nb", 2), ("aws bedrock", 1)])
def test_rename_refuses_invalid_and_taken_names(home: Home, new: str, status: int) -> None:
    home.providers()
    assert run(home, "rename", "openrouter", new).returncode == status
    assert saved(home) == GUIDE


def test_rename_can_change_the_case(home: Home) -> None:
    home.providers()
    ok(home, "rename", "openrouter", "openROUTER")
    assert saved(home)[1]["name"] == "openROUTER"


def test_remove_clears_the_selection_only_of_that_provider(home: Home) -> None:
    home.providers()
    ok(home, "use", "openrouter")
    assert "selection" not in ok(home, "remove", "litellm-local").stderr
    assert selection(home) == GUIDE[1]["id"]
    assert "It was the selection" in ok(home, "remove", "openrouter", "--yes").stderr
    assert selection(home) == ""
    assert saved(home) == [GUIDE[0], GUIDE[3]]


def test_edit_asks_for_a_variables_value_hidden(home: Home) -> None:
    home.providers()
    with dialog(home, "edit", "openrouter", "--env", "MY_TOKEN", "--no-check") as child:
        child.answer("Value of MY_TOKEN (hidden)", KEY, hidden=True)
        assert KEY not in child.finish()
    assert saved(home)[1]["env"] == {"MY_TOKEN": KEY}


def test_edit_asks_and_enter_keeps_values(home: Home) -> None:
    home.providers()
    with dialog(home, "edit", "openrouter", "--no-check") as child:
        child.answer("Base URL [https://openrouter.ai/api/v1]: ", "https://api.openai.com/v1")
        child.expect("That belongs to OpenAI")
        child.answer("Base URL [https://openrouter.ai/api/v1]: ", "")
        child.answer("]: ", "new-model")
        child.answer("New key (hidden)", "", hidden=True)
        child.finish()
        assert child.status == 0
    assert saved(home)[1] == GUIDE[1] | {"defaultModel": "new-model"}


def test_remove_asks_for_confirmation(home: Home) -> None:
    home.providers()
    with dialog(home, "remove", "openrouter") as child:
        child.answer("Remove OpenRouter?", "n")
        assert "OpenRouter was not removed." in child.finish()
        assert child.status == 1
    assert saved(home) == GUIDE
    with dialog(home, "remove", "openrouter") as child:
        child.answer("Remove OpenRouter?", "y")
        child.finish()
        assert child.status == 0
    assert len(saved(home)) == 3
