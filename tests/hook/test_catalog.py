"""A pin that names an entry of a team's catalogue, at the prompts of each shell."""

from __future__ import annotations

import json

from cowork_env.core.variables import CATALOG

from support.catalog import KEY, WORK, Team
from support.home import GUIDE, Home
from support.providers import ok
from support.terminal import Open

OWN = {**GUIDE[1], "name": "WORK", "id": "mine"}
DEAD_END = "http://unresolved.cowork-env.invalid"
URL = "ANTHROPIC_BASE_URL"


def test_an_entry_of_a_catalogue(shell: str, home: Home, open_terminal: Open) -> None:
    """Each change is seen at the next prompt, and what is wrong is said once."""
    team = Team(home)
    home.providers([])
    project = home.path / "app"
    home.pin(project, "work\n")
    terminal = open_terminal(shell)
    (said,) = terminal.cd(project)
    assert "'Work' of the catalogue ~/team/catalog.json is new: https://ai.example" in said
    assert "cowork-env allow --provider Work" in said
    assert terminal.managed() == {}

    # Agreed to on the same line.
    seen = terminal.managed("cowork-env allow --provider work")
    assert (seen[URL], seen["ANTHROPIC_AUTH_TOKEN"]) == ("https://ai.example", KEY)
    for model in "m2", "m3":  # two within one second
        team.update(defaultModel=model)
        assert terminal.managed()["ANTHROPIC_MODEL"] == model

    team.update(baseUrl="https://evil.example")
    said_now = terminal.messages()
    (changed,) = [text for text in said_now if "catalog" in text]
    assert "has changed since you agreed to it: URL https://ai.example -> https://evil" in changed
    assert terminal.managed() == {} and terminal.messages() == []

    home.providers([OWN])
    assert terminal.managed()[URL] == "https://openrouter.ai/api"
    home.providers([])
    assert terminal.managed() == {}
    team.update()
    assert terminal.managed()[URL] == "https://ai.example"
    terminal.cd("~")
    assert terminal.managed() == {}


def test_a_required_pin_on_a_change(shell: str, home: Home, open_terminal: Open) -> None:
    team = Team(home)
    ok(home, "allow", "--provider", "work")
    project = home.path / "app"
    home.pin(project, "work\nrequired = true\n")
    terminal = open_terminal(shell)
    terminal.cd(project)
    assert terminal.managed()[URL] == "https://ai.example"
    team.update(authTokenFrom="env:OTHER_KEY")
    assert terminal.managed()[URL] == DEAD_END
    team.file.unlink()
    assert terminal.managed()[URL] == DEAD_END
    terminal.cd("~")
    assert terminal.managed() == {}


def test_where_the_catalogue_is(shell: str, home: Home, open_terminal: Open) -> None:
    """The variable, the settings file and a link to the catalogue are watched, too."""
    team = Team(home)
    ok(home, "allow", "--provider", "work")
    other = home.path / "other.json"
    other.write_text(json.dumps([{**WORK, "baseUrl": "https://other.example"}]))
    ok(home, "allow", "--provider", "work", **{CATALOG: str(other)})
    project = home.path / "app"
    home.pin(project, "work\n")
    settings = team.settings.read_text()
    team.settings.unlink()
    terminal = open_terminal(shell)
    (said,) = terminal.cd(project)
    assert "There is no provider 'work'" in said
    team.settings.write_text(settings)
    assert terminal.managed()[URL] == "https://ai.example"
    terminal.set(CATALOG, str(other))
    assert terminal.managed()[URL] == "https://other.example"
    terminal.unset(CATALOG)
    assert terminal.managed()[URL] == "https://ai.example"
    team.file.unlink()
    team.file.symlink_to(other)  # Its real path is what was agreed to.
    assert terminal.managed()[URL] == "https://other.example"
    copy = home.path / "copy.json"
    copy.write_text(other.read_text())
    team.file.unlink()
    team.file.symlink_to(copy)
    assert terminal.managed() == {}
    team.file.unlink()
    team.update()
    assert terminal.managed()[URL] == "https://ai.example"
    team.settings.write_text("catalog = ~/other.json\n")
    assert terminal.managed()[URL] == "https://other.example"
