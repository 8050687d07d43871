"""Which provider applies: precedence, trust, none, required, and what a person is told."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from cowork_env.core import environment, resolve, trust
from cowork_env.core.environment import UNRESOLVED_URL, applied, enter
from cowork_env.core.resolve import Inputs, Resolution
from cowork_env.util.errors import FAILURE, UNTRUSTED, CoworkEnvError

from support.home import GUIDE, Home


class World:
    """A home with the guide's providers, a project in it, and questions about places in the project."""

    def __init__(self, home: Home) -> None:
        self.home, self.project = home, home.path / "work/app"
        self.deep = self.project / "src/deep"
        self.deep.mkdir(parents=True)
        home.providers()
        self.env: dict[str, str] = {"HOME": str(home.path)}
        self.trust = trust.TrustStore(str(home.state))

    def select(self, word: str) -> None:
        self.home.state.mkdir(parents=True, exist_ok=True)
        (self.home.state / "selection").write_text(word)

    def inputs(self, directory: Path | None = None, **more: Any) -> Inputs:
        where = os.path.realpath(directory or self.deep)
        return Inputs(self.env, where, str(self.home.config), str(self.home.state), **more)

    def ask(self, directory: Path | None = None, **more: Any) -> Resolution:
        return resolve.resolve(self.inputs(directory, **more))

    def who(self, directory: Path | None = None, **more: Any) -> tuple[str, str]:
        found = self.ask(directory, **more)
        assert found.error is None
        return found.rule, found.provider.name if found.provider else ""


@pytest.fixture
def world(home: Home) -> World:
    return World(home)


def test_nothing_chosen(world: World) -> None:
    assert world.who() == ("none", "")
    assert world.ask().key == "" and world.ask().label == ""
    world.ask().check()


def test_the_first_match_wins(world: World) -> None:
    """--provider, $COWORK_PROVIDER, the nearest trusted pin, the selection, none."""
    world.select("aws-bedrock")
    assert world.who() == ("selection", "AWS Bedrock")
    world.home.pin(world.home.path, "LiteLLM Local")
    assert world.who() == ("pin", "LiteLLM Local")
    world.home.pin(world.project, "openrouter")
    assert world.who() == ("pin", "OpenRouter")
    assert world.ask().label == "OpenRouter (~/work/app/.cowork-provider)"
    assert world.who(world.home.path / "work") == ("pin", "LiteLLM Local")
    assert world.who(Path("/")) == ("selection", "AWS Bedrock")
    world.env["COWORK_PROVIDER"] = "my-anthropic-api"
    assert world.who() == ("environment", "My Anthropic API")
    assert world.ask().label == "My Anthropic API ($COWORK_PROVIDER)"
    assert world.who(option="LiteLLM Local") == ("option", "LiteLLM Local")
    world.env["COWORK_PROVIDER"] = ""
    assert world.who() == ("pin", "OpenRouter")


@pytest.mark.parametrize("none", ["none", "NONE", " None "])
def test_none_means_no_provider_anywhere(world: World, none: str) -> None:
    world.select("aws-bedrock")
    world.home.pin(world.home.path, "openrouter")
    world.home.pin(world.project, none)
    assert world.who() == ("pin", "")
    world.env["COWORK_PROVIDER"] = none
    assert world.who() == ("environment", "")
    assert world.who(option=none) == ("option", "")
    world.env.clear()
    world.select(none)
    assert world.who(Path("/")) == ("selection", "")
    for inputs in (world.inputs(), world.inputs(option=none)):
        assert resolve.wanted(inputs, resolve.resolve(inputs)) is None


def test_an_untrusted_pin_has_no_influence_and_is_told(world: World) -> None:
    world.home.pin(world.home.path, "openrouter")
    world.home.pin(world.project, "aws-bedrock\nrequired = true\n", allow=False)
    assert world.who() == ("pin", "OpenRouter")
    found = world.ask()
    assert [u.message for u in found.untrusted] == [
        "~/work/app/.cowork-provider is not trusted. Run: cowork-env allow"
    ]
    assert not found.required
    with pytest.raises(CoworkEnvError) as caught:
        found.check()
    assert caught.value.exit_code == UNTRUSTED == 3
    assert world.who(trust_all=True) == ("pin", "AWS Bedrock")
    world.ask(option="none").check()


def test_an_untrusted_pin_above_the_one_that_applies_is_nobodys_business(world: World) -> None:
    world.home.pin(world.home.path, "aws-bedrock", allow=False)
    world.home.pin(world.project, "openrouter")
    assert world.who() == ("pin", "OpenRouter") and world.ask().untrusted == []
    world.ask().check()


def test_an_untrusted_pin_that_is_broken_has_no_influence(world: World) -> None:
    for text in ("\x1b[2J", "nobody", "x\nrequired = true\nbaseUrl = http://evil.example"):
        world.home.pin(world.project, text, allow=False)
        assert world.who() == ("none", "")


def test_a_changed_pin_asks_again(world: World) -> None:
    pin = world.home.pin(world.project, "openrouter")
    pin.write_text("aws-bedrock")
    assert world.who() == ("none", "") and len(world.ask().untrusted) == 1
    pin.write_text("openrouter")
    assert world.who() == ("pin", "OpenRouter")


def test_a_denied_pin_is_skipped_in_silence(world: World) -> None:
    world.home.pin(world.home.path, "openrouter")
    pin = world.home.pin(world.project, "aws-bedrock")
    world.trust.deny(trust.location(str(pin)))
    world.trust.allow_below(os.path.realpath(world.project))
    assert world.who() == ("pin", "OpenRouter") and world.ask().untrusted == []
    assert world.who(trust_all=True) == ("pin", "OpenRouter")


def test_below(world: World) -> None:
    world.home.pin(world.project, "aws-bedrock", allow=False)
    world.trust.allow_below(os.path.realpath(world.home.path / "wor"))
    assert world.who() == ("none", "")
    world.trust.allow_below(os.path.realpath(world.home.path / "work"))
    assert world.who() == ("pin", "AWS Bedrock")


def test_a_pin_seen_through_a_symlinked_directory_is_the_same_pin(world: World) -> None:
    world.home.pin(world.project, "openrouter")
    link = world.home.path / "link"
    link.symlink_to(world.project)
    assert world.who(link / "src") == ("pin", "OpenRouter")


def test_consent_to_a_pin_does_not_reach_a_link_to_it_from_elsewhere(world: World) -> None:
    pin = world.home.pin(world.project, "openrouter")
    evil = world.home.path / "evil"
    evil.mkdir()
    (evil / ".cowork-provider").symlink_to(pin)
    assert world.who(evil) == ("none", "")
    world.trust.allow(trust.location(str(evil / ".cowork-provider")), pin.read_bytes())
    assert world.who(evil) == ("pin", "OpenRouter")
    pin.write_text("aws-bedrock")
    assert world.who(evil) == ("none", "")


@pytest.mark.parametrize("required", [False, True])
@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "nobody",
            "~/work/app/.cowork-provider: There is no provider 'nobody' in ~/.config/agent-cowork/providers.json.",
        ),
        (
            "openrouter\nmodel = a b",
            "~/work/app/.cowork-provider has a model that has white space or a control character in it.",
        ),
        (
            "openrouter\nANTHROPIC_BASE_URL = https://x",
            "~/work/app/.cowork-provider has a line 2 that is not one of",
        ),
        ("bad", "[4].baseUrl is plain http to another machine"),
        ("nokey", "nokey: it has no key."),
        ("encrypted", "encrypted: its key is encrypted by the desktop app"),
        ("later", "later: "),
    ],
)
def test_a_trusted_pin_that_cannot_be_honoured_stops_the_search(
    world: World, text: str, message: str, required: bool
) -> None:
    url = "https://a.example"
    world.home.providers(
        [
            *GUIDE,
            {"name": "bad", "baseUrl": "http://a.example", "authToken": "x"},
            {"name": "nokey", "baseUrl": url},
            {"name": "encrypted", "baseUrl": url, "authToken": "ENC:v1:djExAAAA"},
            {
                "name": "later",
                "baseUrl": url,
                "authToken": "sk-never",
                "authTokenFrom": "env:UNSET_HERE",
            },
        ]
    )
    world.select("aws-bedrock")
    world.home.pin(world.home.path, "openrouter")
    world.home.pin(world.project, text + "\nrequired = true" * required)
    inputs = world.inputs()
    found = resolve.resolve(inputs)
    wanted = resolve.wanted(inputs, found)
    assert found.provider is None and found.error is not None and message in found.error.message
    assert found.error.exit_code == FAILURE and found.required is required
    with pytest.raises(CoworkEnvError):
        found.check()
    if required:
        assert (
            wanted is not None
            and wanted["ANTHROPIC_BASE_URL"] == UNRESOLVED_URL
            and wanted["ANTHROPIC_AUTH_TOKEN"] == "unresolved"
        )
        assert found.key == "unresolved"
    else:
        assert wanted is None and found.key == ""


def test_a_trusted_pin_that_cannot_be_read_stops_the_search(world: World) -> None:
    world.home.pin(world.home.path, "openrouter")
    (world.project / ".cowork-provider").mkdir()
    assert world.who() == ("pin", "OpenRouter")
    assert (
        world.ask().untrusted[0].message
        == "~/work/app/.cowork-provider is not a regular file; it is ignored"
    )
    world.trust.allow_below(os.path.realpath(world.project))
    found = world.ask()
    assert found.provider is None and found.error is not None
    assert found.error.message == "~/work/app/.cowork-provider is not a regular file."


def test_a_providers_file_that_cannot_be_read_is_an_error_of_the_choice(world: World) -> None:
    world.home.pin(world.project, "openrouter\nrequired = true")
    world.home.file.write_text('[{"authToken": "sk-marked"')
    os.utime(world.home.file, (1, 1))
    found = world.ask()
    assert (
        found.error is not None
        and "providers.json is not valid JSON: line 1, column" in found.error.message
    )
    assert "sk-marked" not in found.error.message and found.key == "unresolved"
    assert world.who(Path("/")) == ("none", "")


def test_models_of_the_pin(world: World) -> None:
    world.home.pin(world.project, "openrouter\nmodel = m\nhaiku = h\n")
    inputs = world.inputs()
    wanted = resolve.wanted(inputs, resolve.resolve(inputs))
    assert wanted is not None
    assert [
        wanted[n]
        for n in (
            "ANTHROPIC_MODEL",
            "ANTHROPIC_DEFAULT_OPUS_MODEL",
            "ANTHROPIC_DEFAULT_HAIKU_MODEL",
        )
    ] == [
        "m",
        "anthropic/claude-opus-4-20250514",
        "h",
    ]
    found = world.ask(option="openrouter")
    assert found.models == {}


def test_the_selection_file(world: World) -> None:
    world.select(GUIDE[2]["id"] + "\n")
    assert world.who() == ("selection", "LiteLLM Local")
    world.select("  \n")
    assert world.who() == ("none", "")
    (world.home.state / "selection").write_bytes(b"\xff")
    error = world.ask().error
    assert error is not None and error.hint == "Run 'cowork-env use'."
    world.select("gone")
    error = world.ask().error
    assert error is not None and error.message.startswith("selection: There is no provider 'gone'")


def test_text_from_outside_is_shown_harmless(world: World) -> None:
    evil = "\x1b]0;owned\x07\u202e"
    world.env["COWORK_PROVIDER"] = evil
    error = world.ask().error
    assert (
        error is not None
        and "\x1b" not in error.message + error.hint
        and "\u202e" not in error.message
    )
    world.env.clear()
    place = world.home.path / f"a{evil}b"
    world.home.pin(place, "openrouter", allow=False)
    message = world.ask(place).untrusted[0].message
    assert (
        "\x1b" not in message
        and "\u202e" not in message
        and "a\\x1b]0;owned\\x07\\u202eb" in message
    )


def test_a_key_is_not_looked_up_among_another_providers_variables(world: World) -> None:
    world.home.providers(
        [
            {"name": "a", "baseUrl": "https://a.example", "authTokenFrom": "env:SHARED"},
            {
                "name": "b",
                "baseUrl": "https://b.example",
                "authToken": "sk-b",
                "env": {"SHARED": "key-for-b"},
            },
            {"name": "c", "baseUrl": "https://c.example", "authTokenFrom": "cmd:printenv SHARED"},
        ]
    )
    own = {**world.env, "SHARED": "key-for-a", "PATH": os.environ["PATH"]}
    world.env = own
    inputs = world.inputs(option="b")
    wanted = resolve.wanted(inputs, resolve.resolve(inputs))
    assert wanted is not None
    world.env = applied(own, enter(own, "b", wanted)[1])
    assert world.env["SHARED"] == "key-for-b"
    for name in "ac":
        inputs = world.inputs(option=name)
        wanted = resolve.wanted(inputs, resolve.resolve(inputs))
        assert wanted is not None and wanted["ANTHROPIC_AUTH_TOKEN"] == "key-for-a"


def test_the_person_who_set_it_by_hand_meant_it(world: World) -> None:
    state = enter({"A": "1"}, "x", {"A": "2", "B": "3"})[0].encode()
    live = {"A": "hand", "B": "3", environment.STATE: state}
    assert resolve.own(live) == {"A": "hand"}
    assert resolve.own({"A": "1"}) == {"A": "1"}


def test_a_deleted_directory_is_asked_about_by_its_name(world: World) -> None:
    world.home.pin(world.project, "openrouter")
    gone = world.project / "gone"
    assert resolve.resolve(
        Inputs(world.env, str(gone), str(world.home.config), str(world.home.state), gone=True)
    ).provider
