"""A catalogue beside the user's own providers: what counts, what does not, and agreement."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from cowork_env import secrets
from cowork_env.core import catalog, providers, resolve
from cowork_env.core.provider import InvalidField, Provider
from cowork_env.core.providers import Providers, words
from cowork_env.core.resolve import Inputs, Resolution
from cowork_env.util.errors import FAILURE, UNTRUSTED, CoworkEnvError

from support.catalog import KEY, REFUSED, UNUSABLE, WORK, Team
from support.home import GUIDE, Home

OWN = GUIDE[1]


class Desk:
    """A team's catalogue, a provider of the user's own, and resolutions of a name."""

    def __init__(self, home: Home) -> None:
        self.team, self.home = Team(home), home
        home.providers([OWN])
        self.env = {"HOME": str(home.path), "WORK_KEY": KEY}

    def inputs(self, name: str = "", **more: Any) -> Inputs:
        config, state = str(self.home.config), str(self.home.state)
        return Inputs(self.env, str(self.home.path), config, state, option=name, **more)

    def resolve(self, name: str, **more: Any) -> Resolution:
        return resolve.resolve(self.inputs(name, **more))

    def load(self) -> Providers:
        return providers.load(self.env, str(self.home.config))

    def agree(self, name: str = "Work") -> None:
        listed = self.load()
        catalog.agree(self.inputs().store, listed.provider(listed.find(name)))

    def url(self, name: str) -> str:
        """Where a provider sends requests; it has to be usable."""
        inputs = self.inputs(name)
        found = resolve.resolve(inputs)
        found.check()
        target = resolve.target(inputs, found)
        assert target is not None
        return str(target["ANTHROPIC_BASE_URL"])

    def error(self, name: str, **more: Any) -> CoworkEnvError:
        found = self.resolve(name, **more)
        assert found.provider is None and found.error is not None
        return found.error


@pytest.fixture
def desk(home: Home) -> Desk:
    return Desk(home)


# Where it is


def test_where_it_is(desk: Desk) -> None:
    config, home = str(desk.home.config), desk.home.path
    file = str(desk.team.file)
    assert catalog.locate(desk.env, config) == file
    other = {**desk.env, "COWORK_ENV_CATALOG": "/elsewhere/c.json"}
    assert catalog.locate(other, config) == "/elsewhere/c.json"
    assert catalog.locate({**desk.env, "COWORK_ENV_CATALOG": "~/c"}, config) == f"{home}/c"
    assert catalog.locate({**desk.env, "COWORK_ENV_CATALOG": ""}, config) == file
    assert catalog.locate({**desk.env, "COWORK_ENV_CATALOG": "none"}, config) == ""
    desk.team.settings.write_text("\ufeff# ours\n\n\tcatalog=/a b/c = d.json \r\n")
    assert catalog.locate(desk.env, config) == "/a b/c = d.json"
    desk.team.settings.write_text("")
    assert catalog.locate(desk.env, config) == ""
    assert desk.load().catalog is None
    desk.team.settings.unlink()
    assert desk.load().catalog is None


@pytest.mark.parametrize("path", ["team/catalog.json", "./c", "~", "~other/c", "$HOME/c"])
def test_a_path_that_is_not_absolute(desk: Desk, path: str) -> None:
    desk.team.settings.write_text(f"catalog = {path}\n")
    with pytest.raises(CoworkEnvError, match=r"cowork-env/settings: catalog is not an absolute"):
        catalog.locate(desk.env, str(desk.home.config))
    with pytest.raises(CoworkEnvError, match=r"^\$COWORK_ENV_CATALOG is not an absolute"):
        catalog.locate({**desk.env, "COWORK_ENV_CATALOG": path}, str(desk.home.config))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (b"catalogue = /a\n", "line 1 is not catalog = PATH"),
        (b"# a\n/a/b\n", "line 2 is not catalog = PATH"),
        (b"catalog = /a\ncatalog = /b\nx = 1\n", "line 2 sets catalog again"),
        (b"catalog = /a\x1b[m\n", "line 1 has a control character"),
        (b"catalog = /\xff\n", "is not UTF-8"),
    ],
)
def test_settings_that_cannot_be_used(desk: Desk, text: bytes, line: str) -> None:
    desk.team.settings.write_bytes(text)
    error = desk.load().catalog
    assert error is not None and error.error is not None and line in error.error.message
    assert desk.url("openrouter") == "https://openrouter.ai/api"
    assert line in desk.error("work").hint


def test_settings_that_others_can_write_count_for_nothing(desk: Desk) -> None:
    desk.agree()
    desk.team.settings.chmod(0o666)
    assert desk.url("openrouter") == "https://openrouter.ai/api"
    assert "can be written by other users" in desk.error("work").message
    desk.team.settings.chmod(0o600)
    assert desk.url("work") == "https://ai.example"


def test_the_catalogue_itself_may_be_anybodys(desk: Desk) -> None:
    desk.agree()
    desk.team.file.chmod(0o666)
    assert desk.url("work") == "https://ai.example"


# Beside the user's own


def test_own_entries_come_first_and_then_the_catalogues(desk: Desk) -> None:
    listed = desk.load()
    assert listed.names() == ["OpenRouter", "Work"]
    assert [bool(listed.shared(i)) for i in (0, 1)] == [False, True]
    assert listed.own == [OWN]
    desk.env["COWORK_ENV_PROVIDERS_JSON"] = json.dumps(GUIDE[:1])
    assert desk.load().names() == [GUIDE[0]["name"], "Work"]
    desk.agree()
    assert desk.url("work") == "https://ai.example"


@pytest.mark.parametrize(
    "entry",
    [
        {"name": "OpenRouter"},
        {"name": "OPENROUTER"},
        {"name": "openRouter!"},
        {"name": "Other", "id": OWN["id"]},
        {"name": "Other", "id": "openrouter"},
        {"name": OWN["id"]},
    ],
    ids=str,
)
def test_an_own_entry_wins_over_what_could_be_taken_for_it(desk: Desk, entry: Any) -> None:
    desk.team.write({**WORK, **entry}, {**WORK, "name": "Free"})
    listed = desk.load()
    assert listed.names() == ["OpenRouter", "Free"]
    assert listed.catalog is not None and listed.catalog.replaced == [entry["name"]]
    for word in words(OWN):
        assert desk.url(word) == "https://openrouter.ai/api"
    for word in words(entry) - words(OWN):
        assert "There is no provider" in desk.error(word).message


def test_every_word_of_an_entry_finds_it_and_no_other_does() -> None:
    for entry in [*GUIDE, {"name": "A  B", "id": "X"}, {"name": "é!"}, {"id": "Y"}, {"name": " "}]:
        listed = Providers(json.dumps([entry]), "", "here")
        for word in words(entry):
            assert listed.look_up(word) == 0
        for word in ("", "none", "other", *(f"{word}x" for word in words(entry))):
            assert listed.look_up(word) is None


@pytest.mark.parametrize("kind", UNUSABLE)
def test_a_catalogue_that_cannot_be_used_leaves_the_own_entries_alone(
    desk: Desk, kind: str
) -> None:
    desk.agree()
    desk.team.file.unlink()
    UNUSABLE[kind](desk.team.file)
    assert desk.load().names() == ["OpenRouter"]
    assert desk.url("openrouter") == "https://openrouter.ai/api"
    error = desk.error("work")
    assert "There is no provider 'work'" in error.message
    assert error.hint.startswith("The catalogue cannot be used: ~/team/catalog.json")


def test_a_catalogue_is_not_read_for_an_own_name(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = []
    monkeypatch.setattr(catalog, "load", lambda *args: read.append(args))
    assert desk.url("openrouter") == "https://openrouter.ai/api"
    assert not read


@pytest.mark.parametrize("kind", REFUSED)
def test_what_a_catalogue_may_not_hold(desk: Desk, kind: str) -> None:
    """That entry alone cannot be used, and what is said names its place and no value."""
    changes, said = REFUSED[kind]
    desk.team.file.write_text(
        json.dumps([{**WORK, "name": "Other"}, {**WORK, **changes}], indent=1)
    )
    desk.agree("Other")
    assert desk.url("other") == "https://ai.example"
    error = desk.error("work", trust_all=True)
    assert said in error.message and "~/team/catalog.json, line 1" in error.message
    assert "sk-shared" not in error.message and "evil" not in error.message
    assert error.exit_code == FAILURE


def test_what_a_catalogue_may_hold() -> None:
    entry = {**WORK, "env": {"API_TIMEOUT_MS": "1", "CLAUDE_CODE_USE_BEDROCK": "1"}}
    shared = catalog.Catalog()
    for scheme in catalog.REFERENCES:
        assert scheme in secrets.SCHEMES
        provider = Provider({**entry, "authTokenFrom": f"{scheme}A"})
        shared.check(provider)
        assert provider.catalog is shared
    assert set(secrets.SCHEMES) - set(catalog.REFERENCES) == {"file:", "cmd:"}
    with pytest.raises(InvalidField):
        shared.check(Provider({**entry, "authTokenFrom": "env:"}))


def test_a_name_with_control_characters(desk: Desk) -> None:
    desk.team.write({**WORK, "name": "W\x1b[31m\nork"}, WORK)
    desk.agree()
    assert desk.url("work") == "https://ai.example"
    error = desk.error("W\x1b[31m\nork")
    assert "control character" in error.message
    assert "\x1b" not in error.message + error.hint


# Agreement


def test_nothing_is_used_before_it_is_agreed_to(desk: Desk) -> None:
    error = desk.error("work")
    assert error.exit_code == UNTRUSTED
    assert error.message == (
        "--provider: 'Work' of the catalogue ~/team/catalog.json is new: "
        "https://ai.example, key from env:WORK_KEY."
    )
    assert error.hint == "Look at it, and agree: cowork-env allow --provider Work"
    trusted = desk.resolve("work", trust_all=True)
    assert trusted.provider is not None and not trusted.error
    desk.agree()
    assert desk.url("work") == "https://ai.example"


def test_no_key_is_fetched_for_what_is_not_agreed_to(desk: Desk) -> None:
    """Whoever asks: also doctor, which looks at providers that do not apply."""
    listed = desk.load()
    provider = listed.provider(listed.find("work"))
    with pytest.raises(CoworkEnvError, match="is new") as raised:
        resolve.fetch_key(provider, desk.inputs())
    assert raised.value.exit_code == UNTRUSTED
    desk.agree()
    assert resolve.fetch_key(provider, desk.inputs()) == KEY


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"baseUrl": "https://evil.example"}, "URL https://ai.example -> https://evil.example"),
        ({"baseUrl": "http://ai.example", "allowInsecure": True}, "plain http none -> allowed"),
        ({"verbatimBaseUrl": True}, "URL https://ai.example -> https://ai.example/v1"),
        ({"authTokenFrom": "env:OTHER"}, "key from env:WORK_KEY -> env:OTHER"),
        ({"authTokenFrom": "op://a/b/c"}, "key from env:WORK_KEY -> op://a/b/c"),
        ({"authTokenFrom": None}, "key from env:WORK_KEY -> none"),
        ({"auth": "api-key"}, "sent as bearer -> api-key"),
        ({"env": {"API_TIMEOUT_MS": "1"}}, "variable API_TIMEOUT_MS none -> 1"),
        ({"name": "work!", "baseUrl": "https://evil.example"}, "URL https://ai.example -> "),
    ],
    ids=str,
)
def test_a_change_needs_another_agreement(desk: Desk, changes: Any, said: str) -> None:
    desk.agree()
    desk.team.update(**changes)
    error = desk.error("work")
    assert "has changed since you agreed to it" in error.message and said in error.message
    assert error.exit_code == UNTRUSTED
    desk.agree("work")
    assert desk.resolve("work").error is None
    desk.team.update()
    assert "has changed" in desk.error("work").message


def test_what_may_change_freely(desk: Desk) -> None:
    desk.agree()
    desk.team.update(defaultModel="m2", models={"opus": "o"}, baseUrl="https://ai.example/", id="i")
    assert desk.url("work") == "https://ai.example"


def test_what_is_agreed_to_is_shown_whole(desk: Desk) -> None:
    """The host at the end of a long name, and the one that a cloud makes of a variable."""
    host = f"api.anthropic.com.{'a' * 60}.{'b' * 60}.{'c' * 60}.{'d' * 30}.evil.example"
    desk.team.update(baseUrl=f"https://{host}")
    assert f"https://{host}, key from" in desk.error("work").message
    cloud = {"CLAUDE_CODE_USE_FOUNDRY": "1", "ANTHROPIC_FOUNDRY_RESOURCE": "evil"}
    desk.team.update(baseUrl=None, env=cloud)
    assert "ANTHROPIC_FOUNDRY_RESOURCE=evil" in desk.error("work").message


def test_an_id_of_a_catalogue_finds_nothing(desk: Desk) -> None:
    """An agreement is about names, and others could give an id to another entry."""
    desk.team.write({**WORK, "id": "one"}, {**WORK, "name": "Other", "id": "two"})
    desk.agree()
    desk.agree("Other")
    assert "There is no provider 'one'" in desk.error("one").message
    listed = desk.load()
    assert listed.designation(listed.find("work"), "id", "name") == "Work"


@pytest.mark.parametrize(
    ("own", "other"),
    [
        ("Caf\u00e9", "Cafe\u0301"),
        ("Work", "\uff37ork"),
        ("Work", "Work\u3164"),
        ("Work", "Wo\u200drk"),
        ("Work", "work\ufe0f"),
        ("Work \u2764\ufe0f", "Work \u2764"),
    ],
    ids=ascii,
)
def test_an_own_entry_wins_over_what_looks_like_it(desk: Desk, own: str, other: str) -> None:
    desk.home.providers([{**OWN, "name": own}])
    desk.team.write({**WORK, "name": other}, {**WORK, "name": "\u65e5\u672c"})
    assert desk.load().names() == [own, "\u65e5\u672c"]
    assert "There is no provider" in desk.error(other).message


def test_an_agreement_is_about_one_catalogue_and_one_name(desk: Desk, tmp_path: Path) -> None:
    desk.agree()
    other = tmp_path / "other.json"
    other.write_text(desk.team.file.read_text())
    desk.env["COWORK_ENV_CATALOG"] = str(other)
    assert "is new" in desk.error("work").message
    link = tmp_path / "link.json"
    link.symlink_to(desk.team.file)
    desk.env["COWORK_ENV_CATALOG"] = str(link)
    assert desk.url("work") == "https://ai.example"
    desk.team.write({**WORK, "name": "Work 2"})
    assert "is new" in desk.error("work 2").message


def test_an_agreement_that_others_could_have_written_counts_for_nothing(desk: Desk) -> None:
    desk.agree()
    (record,) = (desk.home.state / "trust").glob("entry-*")
    assert record.stat().st_mode & 0o077 == 0
    record.chmod(0o666)
    assert "is new" in desk.error("work").message
    record.chmod(0o600)
    assert desk.url("work") == "https://ai.example"
    moved = record.rename(desk.home.path / "record")
    record.symlink_to(moved)
    assert "is new" in desk.error("work").message
    record.unlink()
    os.mkfifo(record)
    assert "is new" in desk.error("work").message


def test_prune_removes_what_is_about_nothing_any_more(desk: Desk) -> None:
    desk.team.write(WORK, {**WORK, "name": "Gone"})
    desk.agree()
    desk.agree("gone")
    store = desk.inputs().store
    assert store.prune() == []
    desk.team.write({**WORK, "baseUrl": "https://evil.example"})
    ((_, what),) = store.prune()
    assert what == f"{desk.team.file}: gone"
    assert "has changed" in desk.error("work").message
    desk.team.file.write_text("{")
    assert store.prune() == []
    desk.team.file.unlink()
    assert [what for _, what in store.prune()] == [f"{desk.team.file}: work"]


def test_a_lookup_opens_one_record_however_many_there_are(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.team.write(*({**WORK, "name": f"Work {i}"} for i in range(50)))
    for i in range(50):
        desk.agree(f"Work {i}")
    store = desk.inputs().store
    opened = []
    real = type(store)._content

    def content(self: Any, name: str) -> str | None:
        opened.append(name)
        return real(self, name)

    monkeypatch.setattr(type(store), "_content", content)
    assert desk.url("work 7") == "https://ai.example"
    assert 1 <= len(opened) <= 2 and len(set(opened)) == 1  # resolved, and the key fetched
