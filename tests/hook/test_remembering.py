"""Responses that the shell remembers are used only where they still hold."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.home import Home
from support.shells import SHELLS
from support.terminal import Terminal


@pytest.fixture(params=SHELLS)
def terminal(request: pytest.FixtureRequest, home: Home) -> Iterator[Terminal]:
    """A shell with a provider whose key is in a file, two forms of another, and a third."""
    entries = [
        {
            "name": "Filed",
            "baseUrl": "https://filed.example",
            "authTokenFrom": f"file:{home.path}/secret",
        },
        {
            "name": "Plain",
            "baseUrl": "https://plain.example",
            "authToken": "plain-key",
            "defaultModel": "m",
        },
        {"name": "Third", "baseUrl": "https://third.example", "authToken": "third-key"},
    ]
    home.providers(entries)
    for place, text in (
        ("filed", "Filed\n"),
        ("plain", "Plain\n"),
        ("other", "Plain\nmodel = other\n"),
        ("third", "Third\n"),
    ):
        home.pin(home.path / place, text)
    opened = Terminal(request.param, home)
    yield opened
    opened.close()


def test_leaving_after_a_response_that_was_used_once(terminal: Terminal) -> None:
    """A value set by hand, a variant of the provider, then a directory known to have none."""
    terminal.run("true")
    terminal.run("cd ~/plain")
    terminal.run(
        "set -gx ANTHROPIC_MODEL hand"
        if terminal.shell == "fish"
        else "export ANTHROPIC_MODEL=hand"
    )
    terminal.run("cd ~/other")
    assert terminal.managed("cd ~") == {"ANTHROPIC_MODEL": "hand"}


def test_a_key_file_that_changes_while_another_provider_is_active(terminal: Terminal) -> None:
    """The response for the first provider is dropped, though the second does not watch the file."""
    secret = terminal.home.path / "secret"
    secret.write_text("one\n")
    assert terminal.managed("cd ~/filed")["ANTHROPIC_AUTH_TOKEN"] == "one"
    terminal.run("cd ~/third")
    secret.write_text("two\n")
    assert terminal.managed("cd ~/filed")["ANTHROPIC_AUTH_TOKEN"] == "two"
    (terminal.home.path / "link").write_text("three\n")
    terminal.run("cd ~/plain")
    secret.unlink()
    secret.symlink_to("link")
    assert terminal.managed("cd ~/filed")["ANTHROPIC_AUTH_TOKEN"] == "three"


def test_another_provider_file_in_between(terminal: Terminal) -> None:
    """Responses from the first file are dropped: it was not watched in between."""
    export, unset = (
        ("set -gx COWORK_ENV_PROVIDERS_FILE ", "set -e")
        if terminal.shell == "fish"
        else ("export COWORK_ENV_PROVIDERS_FILE=", "unset")
    )
    home = terminal.home
    assert terminal.managed("cd ~/third")["ANTHROPIC_AUTH_TOKEN"] == "third-key"
    terminal.run("cd ~")
    (home.path / "other.json").write_text(
        '[{"name": "Plain", "baseUrl": "https://x.example", "authToken": "x-key"}]'
    )
    terminal.run(f"{export}{home.path}/other.json")
    assert terminal.managed("cd ~/plain")["ANTHROPIC_AUTH_TOKEN"] == "x-key"
    terminal.run("cd ~")
    home.providers(
        [{"name": "Third", "baseUrl": "https://third.example", "authToken": "changed-key"}]
    )
    terminal.run(f"{unset} COWORK_ENV_PROVIDERS_FILE")
    assert terminal.managed("cd ~/third")["ANTHROPIC_AUTH_TOKEN"] == "changed-key"


def test_a_relative_name_of_the_provider_file(terminal: Terminal) -> None:
    """It is another file in another directory, even if nothing else differs."""
    for place in ("one", "two"):
        folder = terminal.home.path / place
        folder.mkdir()
        (folder / "p.json").write_text(
            f'[{{"name": "P", "baseUrl": "https://{place}.example", "authToken": "{place}-key"}}]'
        )
    terminal.run(
        "set -gx COWORK_PROVIDER P" if terminal.shell == "fish" else "export COWORK_PROVIDER=P"
    )
    terminal.run("cd ~/one")
    terminal.set("COWORK_ENV_PROVIDERS_FILE", "p.json")
    for place in ("one", "two", "one"):
        managed = terminal.managed(f"cd ~/{place}")
        assert (managed["ANTHROPIC_BASE_URL"], managed["ANTHROPIC_AUTH_TOKEN"]) == (
            f"https://{place}.example",
            f"{place}-key",
        )


def test_a_missing_key_is_looked_up_again(terminal: Terminal) -> None:
    assert terminal.managed("cd ~/filed") == {}
    assert terminal.managed("cd ~/third")["ANTHROPIC_AUTH_TOKEN"] == "third-key"
    (terminal.home.path / "secret").write_text("here\n")
    assert terminal.managed("cd ~/filed")["ANTHROPIC_AUTH_TOKEN"] == "here"


def test_a_remembered_response_that_does_not_fit_changes_nothing(terminal: Terminal) -> None:
    """A user's key that was there at the first visit and is gone at the second stays gone."""
    terminal.set("ANTHROPIC_API_KEY", "own")
    terminal.run("cd ~/plain")
    terminal.run("cd ~")
    terminal.unset("ANTHROPIC_API_KEY")
    terminal.run("cd ~/plain")
    assert terminal.managed("cd ~") == {}
