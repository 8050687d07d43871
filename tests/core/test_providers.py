"""Reading providers.json: its forms, finding entries, and errors with positions."""

from __future__ import annotations

import difflib
import json
import os
from pathlib import Path
from typing import Any

import pytest

from cowork_env.core import providers
from cowork_env.core.providers import Providers
from cowork_env.util.errors import CoworkEnvError

from support.home import GUIDE, Home


def listed(document: Any) -> Providers:
    return Providers(json.dumps(document, indent=2), "/f/providers.json", "~/providers.json")


def fails(document: Any, index: int = 0) -> CoworkEnvError:
    with pytest.raises(CoworkEnvError) as caught:
        listed(document).provider(index)
    assert "sk-" not in caught.value.message + caught.value.hint
    return caught.value


def test_the_three_forms_of_the_file_are_equivalent() -> None:
    assert listed(GUIDE).entries == listed({"providers": GUIDE}).entries == GUIDE
    assert listed(GUIDE[0]).entries == GUIDE[:1]
    for empty in (listed([]), listed({"providers": []}), Providers(" \n", "", "f")):
        assert empty.entries == []


@pytest.mark.parametrize("document", ["x", 1, None, True])
def test_other_forms_of_the_file_are_refused(document: Any) -> None:
    with pytest.raises(CoworkEnvError) as caught:
        listed(document)
    assert caught.value.message == "~/providers.json holds neither a list nor an object."


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ([GUIDE[0], {**GUIDE[1], "models": {"opus": 3}}], "[1].models.opus"),
        ({**GUIDE[1], "models": {"opus": 3}}, "models.opus"),
    ],
)
def test_an_invalid_field_is_reported_with_its_position(document: Any, path: str) -> None:
    error = fails(document, len(document) - 1 if isinstance(document, list) else 0)
    text = json.dumps(document, indent=2).split("\n")
    line = next(i for i, each in enumerate(text, 1) if '"opus": 3' in each)
    column = text[line - 1].index("3") + 1
    assert (
        error.message == f"~/providers.json, line {line}, column {column}: {path} is not a string."
    )
    assert error.hint == "Fix it: cowork-env edit OpenRouter"


def test_the_path_of_a_field_in_an_object_around_the_list() -> None:
    error = fails({"version": 1, "providers": [{**GUIDE[1], "env": {"A": 1}}]})
    assert (
        "providers[0].env.A is not a string" in error.message
        and error.hint == "Write numbers in quotes."
    )


def test_a_missing_name_is_reported_at_its_entry() -> None:
    error = fails([{"baseUrl": "https://a.example"}])
    assert error.message == "~/providers.json, line 2, column 3: [0].name is missing."
    assert error.hint == "Fix it there."


def test_a_hostile_field_name_is_made_safe_to_show() -> None:
    message = fails([{**GUIDE[1], "env": {"\x1b]0;x\x07\u202e": "1"}}]).message
    assert "\x1b" not in message and "\u202e" not in message and "\\x1b]0;x\\x07\\u202e" in message


@pytest.mark.parametrize(
    ("name_or_id", "index"),
    [
        (GUIDE[1]["id"], 1),
        ("OpenRouter", 1),
        (" OpenRouter ", 1),
        ("openrouter", 1),
        ("OPENROUTER", 1),
        ("my-anthropic-api", 0),
        ("My-Anthropic-API", 0),
        ("litellm-local", 2),
        ("aws-bedrock", 3),
    ],
)
def test_find(name_or_id: str, index: int) -> None:
    assert listed(GUIDE).find(name_or_id) == index


def test_find_tries_name_then_case_then_slug_then_id() -> None:
    entries = [{"name": "b"}, {"name": "B"}, {"name": "d e"}, {"name": "D-E"}, {"name": "f"}]
    entries[4]["id"] = "Some-Id"
    assert listed(entries).find("b") == 0
    assert listed(entries).find("B") == 1
    assert listed(entries).find("d-e") == 3
    assert listed(entries).find("D E") == 2
    assert listed(entries).find("some-id") == 4


@pytest.mark.parametrize("word", ["OpenRouter", "openrouter", "Open Router", "open-router"])
def test_an_id_never_takes_the_place_of_another_entrys_name(word: str) -> None:
    """Not even in another case, and also where the id is what a selection holds."""
    name = "Open Router" if "-" in word or " " in word else "OpenRouter"
    for id in (word, word.upper()):
        entries = [{"name": name, "id": "1"}, {"name": "Other", "id": id}]
        for each in (entries, entries[::-1]):
            with pytest.raises(CoworkEnvError) as caught:
                listed(each).find(word)
            assert "'Other'" in caught.value.message and f"'{name}'" in caught.value.message
            assert listed(each).entries[listed(each).find("other")]["name"] == "Other"
            assert listed(each).entries[listed(each).find("1")]["name"] == name


def test_a_name_never_takes_the_place_of_another_entrys_id() -> None:
    entries = [GUIDE[0], {"name": GUIDE[0]["id"], "id": "2"}]
    with pytest.raises(CoworkEnvError):
        listed(entries).find(GUIDE[0]["id"])


def test_the_designation_of_an_entry_finds_it_and_no_other() -> None:
    entries = [
        {"name": "A", "id": "1"},
        {"name": "B", "id": "a"},
        {"name": "x y", "id": "1"},
        {"name": "C", "id": "none"},
        {"name": "D", "id": "d"},
    ]
    read = listed(entries)
    assert read.designation(1, "id", "name") == "B"
    assert read.designation(2, "id", "name") == "x y"
    assert read.designation(3, "id", "name") == "C"
    assert read.designation(4, "id", "name") == "d"
    with pytest.raises(CoworkEnvError):
        read.designation(0, "id", "name")


def test_the_key_tells_every_provider_from_every_other() -> None:
    """The hook takes two with the same key for one that was edited."""
    entries = [
        {"name": "A", "id": "1"},
        {"name": "B", "id": "1"},
        {"name": "C"},
        {"name": "D", "id": "C"},
        {"name": "E", "id": "unresolved"},
        {"name": "unresolved"},
        {"name": "F", "id": "own"},
    ]
    read = listed([{"baseUrl": "https://a.example", **entry} for entry in entries])
    keys = [read.provider(i).key for i in range(len(entries))]
    assert len(set(keys)) == len(keys)
    assert keys[6] == "own"


def test_an_ambiguous_name_is_an_error_that_lists_the_matches() -> None:
    entries = [{"name": "a b", "id": "1"}, {"name": "A B"}, {"name": "a-b"}]
    with pytest.raises(CoworkEnvError) as caught:
        listed(entries).find("A b")
    assert caught.value.message == "'A b' could be any of 'a b' (1), 'A B' (entry 1)."
    with pytest.raises(CoworkEnvError):
        listed([{"name": "x", "id": "1"}, {"name": "y", "id": "1"}]).find("1")


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("openruoter", "Did you mean 'OpenRouter'?"),
        ("my-antropic-api", "Did you mean 'My Anthropic API'?"),
        (
            "zzz",
            "Your providers: 'My Anthropic API', 'OpenRouter', 'LiteLLM Local', 'AWS Bedrock'.",
        ),
        ("", "Your providers: 'My Anthropic API', 'OpenRouter', 'LiteLLM Local', 'AWS Bedrock'."),
    ],
)
def test_an_unknown_name_is_an_error_that_suggests_similar_ones(word: str, hint: str) -> None:
    with pytest.raises(CoworkEnvError) as caught:
        listed(GUIDE).find(word)
    assert caught.value.message == f"There is no provider '{word}' in ~/providers.json."
    assert caught.value.hint == hint


def test_an_unknown_name_is_made_safe_to_show() -> None:
    with pytest.raises(CoworkEnvError) as caught:
        listed([{"name": "a\x1b[31m\u202eb"}]).find("\x1b[2J")
    assert "\x1b" not in caught.value.message + caught.value.hint
    assert "\u202e" not in caught.value.hint


def test_entries_that_are_not_objects_are_skipped() -> None:
    mixed = [None, 3, {"name": 4}, {"name": " "}, GUIDE[1]]
    assert listed(mixed).find("openrouter") == 4 and listed(mixed).names() == ["OpenRouter"]


@pytest.mark.parametrize("word", ["none", "None", " NONE ", ""])
def test_none_means_no_provider(word: str) -> None:
    assert providers.unless_none(word) == ""
    assert providers.unless_none(" x ") == "x"


def test_the_location_of_the_file(tmp_path: Path) -> None:
    config = str(tmp_path)
    first, second = (
        tmp_path / "Agent Cowork/providers.json",
        tmp_path / "agent-cowork/providers.json",
    )
    assert providers.locate({}, config) == str(first)
    second.parent.mkdir()
    second.write_text("[]")
    assert providers.locate({}, config) == str(second)
    first.parent.mkdir()
    first.write_text("[]")
    assert providers.locate({}, config) == str(first)
    assert providers.locate({"COWORK_ENV_PROVIDERS_FILE": "/x/y.json"}, config) == "/x/y.json"
    assert providers.locate({"COWORK_ENV_PROVIDERS_FILE": ""}, config) == str(first)


def test_the_json_variable_takes_precedence(home: Home) -> None:
    home.providers()
    env = {
        "COWORK_ENV_PROVIDERS_JSON": json.dumps(GUIDE[2]),
        "COWORK_ENV_PROVIDERS_FILE": "/nowhere/x",
    }
    read = providers.load(env, str(home.config))
    assert read.names() == ["LiteLLM Local"]
    assert (read.where, read.path) == ("$COWORK_ENV_PROVIDERS_JSON", "")
    assert len(providers.load({"COWORK_ENV_PROVIDERS_JSON": ""}, str(home.config)).entries) == 4


def test_without_a_file_there_are_no_providers(home: Home) -> None:
    assert providers.load({}, str(home.config)).entries == []


@pytest.mark.parametrize(
    ("named", "message", "hint"),
    [
        ("{home}/nope.json", "names ~/nope.json, which does not exist.", "'cowork-env add' makes"),
        ("{home}/no/x.json", "names ~/no/x.json, and there is no folder ~/no.", "Correct the"),
        ("{home}/x\x1b", "names ~/x\\x1b, which does not exist.", "Correct the variable"),
        ("{home}", "names ~, which is a folder.", "Name a file in it."),
        ("~/x.json", "is '~/x.json', and no shell expanded the '~'.", "Write $HOME in its place"),
        ("no/such.json", "/no/such.json, and there is no folder", "Correct the variable"),
    ],
)
def test_a_mistyped_provider_file_is_an_error(
    home: Home, named: str, message: str, hint: str
) -> None:
    env = {"COWORK_ENV_PROVIDERS_FILE": named.format(home=home.path), "HOME": str(home.path)}
    with pytest.raises(CoworkEnvError) as caught:
        providers.load(env, str(home.config))
    assert caught.value.message.startswith("COWORK_ENV_PROVIDERS_FILE ")
    assert message in caught.value.message and hint in caught.value.hint
    if "does not exist" in message or "no folder" in message:
        assert providers.load(env, str(home.config), new=True).entries == []
    else:
        with pytest.raises(CoworkEnvError):
            providers.load(env, str(home.config), new=True)


def test_a_relative_provider_file_and_a_link(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.providers()
    (home.path / "link.json").symlink_to(home.file)
    monkeypatch.chdir(home.path)
    for name in ("link.json", str(home.file)):
        env = {"COWORK_ENV_PROVIDERS_FILE": name, "HOME": str(home.path)}
        assert len(providers.load(env, str(home.config)).entries) == 4


def test_a_byte_order_mark_is_ignored(home: Home) -> None:
    home.providers()
    home.file.write_bytes(b"\xef\xbb\xbf" + home.file.read_bytes())
    assert len(providers.read(str(home.file)).entries) == 4


def test_an_incomplete_file_is_read_again(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.providers()
    whole = home.file.read_bytes()
    home.file.write_bytes(whole[: len(whole) // 2])
    waits: list[float] = []

    def finish(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            home.file.write_bytes(whole)

    monkeypatch.setattr("time.sleep", finish)
    assert len(providers.read(str(home.file)).entries) == 4
    assert waits == [0.05] * 3
    home.file.write_bytes(whole[:-3])
    with pytest.raises(CoworkEnvError) as caught:
        providers.read(str(home.file), str(home.path))
    start = "~/.config/agent-cowork/providers.json is not valid JSON: line "
    assert caught.value.message.startswith(start)
    assert len(waits) == 6


def test_an_old_broken_file_is_refused_at_once(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.providers()
    home.file.write_text("[")
    os.utime(home.file, (1, 1))
    monkeypatch.setattr("time.sleep", lambda _: pytest.fail("waited"))
    with pytest.raises(CoworkEnvError):
        providers.read(str(home.file))


def test_keys_stay_out_of_repr() -> None:
    assert "sk-" not in repr(listed(GUIDE))


def test_looking_for_the_nearest_name_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A prompt waits for it, whatever is in the file and in the pin."""
    compared: list[tuple[int, int]] = []
    real = difflib.get_close_matches

    def match(word: str, names: dict[str, str], count: int) -> list[str]:
        compared.append((len(word), len(names)))
        assert all(len(name) <= 100 for name in names)
        return real(word, names, count)

    monkeypatch.setattr(difflib, "get_close_matches", match)
    entries = [{"name": f"N {i} {'x' * (i % 300)}"} for i in range(20_000)]
    listed = providers.Providers(json.dumps(entries), "", "it")
    with pytest.raises(CoworkEnvError, match="There is no provider"):
        listed.find("y" * 4000)
    assert compared == [(100, 2000)]
    listed = providers.Providers(json.dumps([{"name": "Same"}] * 20_000), "", "it")
    with pytest.raises(CoworkEnvError, match="and more") as caught:
        listed.find("same")
    assert len(caught.value.message) < 400
