"""The commands, where a team's catalogue stands beside the user's own providers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.catalog import KEY, REFUSED, UNUSABLE, WORK, Team
from support.home import GUIDE, Home
from support.program import Completed
from support.providers import dialog, ok, run, saved, selection

OWN = GUIDE[1]
CHANGED = "has changed since you agreed to it: URL https://ai.example -> https://evil.example"
AGREED = "agreed to 'Work' of ~/team/catalog.json: https://ai.example, key from env:WORK_KEY"


@pytest.fixture
def team(home: Home) -> Team:
    made = Team(home)
    home.providers([OWN])
    return made


def url(home: Home, *options: str) -> str:
    """Where the provider that applies sends requests."""
    done = ok(
        home, "exec", *options, "sh", "-c", 'echo "$ANTHROPIC_BASE_URL $ANTHROPIC_AUTH_TOKEN"'
    )
    where, key = done.stdout.split()
    assert key == KEY
    return where


def refused(done: Completed, said: str) -> None:
    """A command that ends because of what is not agreed to, and says how to agree."""
    done.check(3)
    assert said in done.stderr and done.stdout == ""
    assert done.stderr.endswith("cowork-env allow --provider Work\n")
    assert KEY not in done.stderr


# Agreement


@pytest.mark.parametrize("command", [["exec", "true"], ["export"], ["token"]], ids=str)
def test_what_is_not_agreed_to_is_not_used(home: Home, team: Team, command: list[str]) -> None:
    env = {"COWORK_PROVIDER": "work"}
    refused(run(home, *command, **env), "is new: https://ai.example, key from env:WORK_KEY")
    ok(home, "allow", "--provider", "Work")
    ok(home, *command, **env)
    team.update(baseUrl="https://evil.example")
    refused(run(home, *command, **env), CHANGED)


def test_trust_is_for_this_once(home: Home, team: Team) -> None:
    assert url(home, "--trust", "--provider", "work") == "https://ai.example"
    run(home, "exec", "--provider", "work", "true").check(3)


def test_allow_shows_what_is_agreed_to(home: Home, team: Team) -> None:
    team.update(env={"API_TIMEOUT_MS": "5"}, auth="api-key")
    said = ok(home, "allow", "--provider", "work").stderr
    assert said.splitlines() == [
        "Work (~/team/catalog.json)",
        "  URL                     https://ai.example",
        "  key from                env:WORK_KEY",
        "  sent as                 api-key",
        "  variable API_TIMEOUT_MS 5",
        "cowork-env: agreed to Work",
    ]
    team.update(env={"API_TIMEOUT_MS": "6"}, authTokenFrom=None)
    said = ok(home, "allow", "--provider", "work").stderr
    assert "  key from                env:WORK_KEY -> none\n" in said
    assert "  sent as                 api-key -> bearer\n" in said
    assert "  variable API_TIMEOUT_MS 5 -> 6\n" in said


def test_allow_asks_about_a_change_on_a_terminal(home: Home, team: Team) -> None:
    with dialog(home, "allow", "--provider", "work") as asked:
        assert "agreed to Work" in asked.finish() and asked.status == 0
    team.update(baseUrl="https://evil.example")
    with dialog(home, "allow", "--provider", "work") as asked:
        shown = asked.answer("Agree to the change?", "")
        assert "https://ai.example -> https://evil.example" in shown
        assert "was not agreed to" in asked.finish() and asked.status == 1
    run(home, "exec", "--provider", "work", "true").check(3)
    with dialog(home, "allow", "--provider", "work") as asked:
        asked.answer("Agree to the change?", "y")
        asked.finish()
    assert url(home, "--provider", "work") == "https://evil.example"


def test_allow_of_what_cannot_be_agreed_to(home: Home, team: Team) -> None:
    assert (
        "a provider of your own" in run(home, "allow", "--provider", "openrouter").check(1).stderr
    )
    assert "no provider 'x'" in run(home, "allow", "--provider", "x").check(1).stderr
    run(home, "allow", "--provider", "work", "--below").check(2)
    run(home, "allow", "--provider", "work", ".").check(2)
    run(home, "allow", "--provider", "").check(2)
    changes, said = REFUSED["a command"]
    team.update(**changes)
    assert said in run(home, "allow", "--provider", "work").check(1).stderr


@pytest.mark.parametrize("command", ["use", "pin"])
def test_use_and_pin_agree_to_what_is_new_and_to_no_change(
    home: Home, team: Team, command: str
) -> None:
    said = ok(home, command, "work").stderr
    assert said.startswith(f"cowork-env: {AGREED}\n")
    assert url(home) == "https://ai.example"
    assert "agreed" not in ok(home, command, "work").stderr
    team.update(baseUrl="https://evil.example")
    refused(run(home, command, "work"), CHANGED)
    refused(run(home, "exec", "true"), CHANGED)


def test_the_selection_is_by_name(home: Home, team: Team) -> None:
    """The ids in a catalogue may change places; names are what was agreed to."""
    other = {"name": "Other", "baseUrl": "https://other.example", "authTokenFrom": "env:WORK_KEY"}
    team.write({**WORK, "id": "1"}, {**other, "id": "2"})
    ok(home, "use", "other")
    ok(home, "use", "work")
    assert selection(home) == "Work"
    team.write({**WORK, "id": "2"}, {**other, "id": "1"})
    assert url(home) == "https://ai.example"


def test_allow_of_a_pin_agrees_to_what_is_new(home: Home, team: Team) -> None:
    home.pin(home.path, "work\n", allow=False)
    said = ok(home, "allow").stderr
    assert "  base URL  https://ai.example\n" in said and "  key from  env:WORK_KEY\n" in said
    assert AGREED in said
    assert url(home) == "https://ai.example"
    team.update(baseUrl="https://evil.example")
    home.pin(home.path, "work\nmodel = m\n", allow=False)
    said = ok(home, "allow").stderr
    assert CHANGED in said and "cowork-env allow --provider Work" in said
    refused(run(home, "exec", "true"), CHANGED)


def test_prune_tells_of_entries_that_are_gone(home: Home, team: Team) -> None:
    ok(home, "use", "work")
    team.write()
    assert "entry ~/team/catalog.json: work\n" in ok(home, "prune").stderr


# Changing


def test_edit_makes_an_entry_of_the_users_own(home: Home, team: Team) -> None:
    team.update(id="theirs", models={"opus": "o", "x": [[]]}, other=[[]], env={}, auth=None)
    said = ok(home, "edit", "work", "--default-model", "mine").stderr
    assert "one of your own now (https://ai.example, key from env:WORK_KEY), and no" in said
    assert not list((home.state / "trust").glob("entry-*"))  # It is the user's now.
    made = saved(home)[1]
    assert made.pop("id") != "theirs"
    assert made == {**WORK, "defaultModel": "mine", "models": {"opus": "o"}}
    team.update(baseUrl="https://evil.example")
    assert url(home, "--provider", "work") == "https://ai.example"
    ok(home, "edit", "work", "--default-model", "")
    ok(home, "remove", "work", "--yes")
    assert saved(home) == [OWN]
    refused(run(home, "exec", "--provider", "work", "true"), "is new: https://evil.example")


def test_a_key_of_the_users_own(home: Home, team: Team) -> None:
    team.update(authTokenFrom=None)
    ok(home, "use", "work")
    said = run(home, "exec", "true").check(1).stderr
    assert "it has no key" in said and "cowork-env key Work" in said
    ok(home, "edit", "--token-stdin", "Work", stdin=KEY)
    assert url(home) == "https://ai.example"


def test_edit_takes_over_nothing_that_was_not_looked_at(home: Home, team: Team) -> None:
    ok(home, "use", "work")
    team.update(baseUrl="https://evil.example")
    refused(run(home, "edit", "work", "--default-model", "m"), CHANGED)
    team.update(authTokenFrom="cmd:touch ran")
    assert "is none of env:" in run(home, "edit", "work", "--default-model", "m").check(1).stderr
    assert saved(home) == [OWN] and not (home.path / "ran").exists()


@pytest.mark.parametrize("command", [["remove", "work", "--yes"], ["rename", "work", "x"]], ids=str)
def test_a_catalogue_is_not_changed(home: Home, team: Team, command: list[str]) -> None:
    before = team.file.read_bytes()
    said = run(home, *command).check(1).stderr
    assert said == (
        "cowork-env: 'Work' is in the catalogue ~/team/catalog.json, which is read-only.\n"
        "To change it for yourself: cowork-env edit Work\n"
    )
    assert team.file.read_bytes() == before and saved(home) == [OWN]


def test_add_with_a_name_that_the_catalogue_has(home: Home, team: Team) -> None:
    add = ["add", "--name", "WORK", "--base-url", "https://mine.example", "--token-stdin"]
    said = ok(home, *add, stdin=KEY).stderr
    assert "It is used instead of the one in the catalogue ~/team/catalog.json.\n" in said
    assert url(home, "--provider", "work") == "https://mine.example"


def test_import_adds_nothing_of_the_catalogue(home: Home, team: Team) -> None:
    source = home.path / "list.json"
    source.write_text(json.dumps([{**WORK, "authTokenFrom": None, "authToken": KEY}]))
    ok(home, "import", str(source), "--yes")
    assert [entry["name"] for entry in saved(home)] == ["OpenRouter", "Work"]


def test_a_catalogues_entry_makes_no_own_file_private(home: Home, team: Team) -> None:
    """What the file's mode must be follows from what is in it, and not from the catalogue."""
    home.providers([{"name": "A", "baseUrl": "https://a.example", "authTokenFrom": "env:A"}])
    home.file.chmod(0o644)
    team.update(env={"CLAUDE_CODE_SUBAGENT_MODEL": "sk-looks-like-a-key-1234"})
    assert "readable by other users" not in ok(home, "list").stderr


# Showing


def test_list_says_where_each_comes_from(home: Home, team: Team) -> None:
    team.write(WORK, {**WORK, "name": "Changed"}, {**WORK, "name": "Agreed"}, {"name": "Broken"})
    for name in "changed", "agreed":
        ok(home, "allow", "--provider", name)
    team.write(
        WORK,
        {**WORK, "name": "Changed", "baseUrl": "https://b.example"},
        {**WORK, "name": "Agreed"},
        {"name": "Broken"},
    )
    rows = ok(home, "list", "--json").json()
    assert [(row["name"], row["source"], row["state"]) for row in rows] == [
        ("OpenRouter", "own", ""),
        ("Work", "catalog", "new"),
        ("Changed", "catalog", "changed"),
        ("Agreed", "catalog", "agreed"),
        ("Broken", "catalog", ""),
    ]
    lines = ok(home, "list").stdout.splitlines()
    ends = ["source own", "source catalog; new", "source catalog; changed", "source catalog"]
    assert [line.endswith(end) for line, end in zip(lines, ends, strict=False)] == [True] * 4
    assert "source catalog; invalid: " in lines[4]
    team.settings.unlink()
    assert "source" not in ok(home, "list").stdout


def test_show_and_status_say_where_it_comes_from(home: Home, team: Team) -> None:
    said = ok(home, "show", "work")
    assert "from the catalogue ~/team/catalog.json: new" in said.stderr
    ok(home, "use", "work")
    assert "agreed to" in ok(home, "show", "work").stderr
    assert "catalogue ~/team/catalog.json\n" in ok(home, "status").stdout
    assert ok(home, "status", "--json").json()["provider"] == {
        "id": "",
        "name": "Work",
        "account": "",
        "source": "catalog",
        "catalog": str(team.file),
    }
    assert (
        ok(home, "status", "--provider", "openrouter", "--json").json()["provider"]["catalog"] == ""
    )
    assert "catalogue" not in ok(home, "status", "--provider", "openrouter").stdout


@pytest.mark.parametrize("kind", ["missing", "100 MB", "not JSON"])
def test_a_damaged_catalogue_is_said_by_list_and_doctor(home: Home, team: Team, kind: str) -> None:
    team.file.unlink()
    UNUSABLE[kind](team.file)
    listed = ok(home, "list")
    assert "OpenRouter" in listed.stdout and listed.stderr.count("\n") == 1
    assert listed.stderr.startswith("cowork-env: The catalogue cannot be used: ~/team/catalog.json")
    machine = run(home, "doctor", "--offline", "--json").json()
    found = {f["code"]: f for f in machine["findings"]}
    assert found["catalog"]["level"] == "error"
    assert "~/team/catalog.json" in found["catalog"]["message"]
    if kind == "missing":  # Moved, perhaps: the path is to be found.
        assert found["catalog"]["hint"] == "Its path is from ~/.config/cowork-env/settings."
        home.providers([])
        assert run(home, "list").stderr.count("\n") == 1  # 'add' is not what is needed
        home.providers([OWN])
    ok(home, "use", "openrouter")
    ok(home, "show", "openrouter")


def test_doctor_on_the_catalogue(home: Home, team: Team) -> None:
    team.write(WORK, {**WORK, "name": "Agreed"}, {**WORK, "name": "OPENROUTER"}, {"name": "Broken"})
    ok(home, "use", "agreed")
    ok(home, "allow", "--provider", "work")
    team.write(
        {**WORK, "baseUrl": "https://evil.example"},
        {**WORK, "name": "Agreed"},
        {**WORK, "name": "New"},
        {**WORK, "name": "OPENROUTER"},
        {"name": "Broken"},
    )
    result = run(home, "doctor", "--offline", "--all", "--json").json()
    findings = [(f["level"], f["message"]) for f in result["findings"] if f["code"] == "catalog"]
    assert [level for level, _ in findings] == ["ok", "warning", "note"]
    assert "with 4 entries. Not agreed to: 1 new, 1 changed." in findings[0][1]
    assert "instead of OPENROUTER" in findings[2][1]
    entries = [f for f in result["findings"] if f["code"] == "entry"]
    assert [f["level"] for f in entries] == ["warning"]
    # A request would take the key where nobody agreed that it goes.
    assert [p["name"] for p in result["providers"]] == ["OpenRouter", "Agreed"]


def test_doctor_sends_no_key_where_nobody_agreed_that_it_goes(home: Home, team: Team) -> None:
    result = run(home, "doctor", "work", "--json").check(1).json()
    (provider,) = result["providers"]
    secret = [f for f in provider["findings"] if f["code"] == "secret"]
    assert len(secret) == 1 and "is new" in secret[0]["message"]
    assert not provider["checked_online"]


def test_completion_offers_them(home: Home, team: Team) -> None:
    env = {"_COWORK_ENV_COMPLETE": "zsh", "_COWORK_ENV_WORDS": "use\x1f"}
    assert run(home, **env).stdout.split() == ["OpenRouter", "Work", "none"]


def test_the_variable_names_it_too(home: Home, team: Team, tmp_path: Path) -> None:
    other = tmp_path / "c.json"
    other.write_text(json.dumps([{**WORK, "name": "Elsewhere"}]))
    env = {"COWORK_ENV_CATALOG": str(other)}
    names = [row["name"] for row in ok(home, "list", "--json", **env).json()]
    assert names == ["OpenRouter", "Elsewhere"]
    env = {"COWORK_ENV_PROVIDERS_JSON": json.dumps(GUIDE[:1])}
    assert [row["source"] for row in ok(home, "list", "--json", **env).json()] == ["own", "catalog"]
    assert "is not an absolute path" in ok(home, "list", COWORK_ENV_CATALOG="c.json").stderr
