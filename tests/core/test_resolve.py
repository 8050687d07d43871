"""Which provider applies: precedence, trust, none, required, and messages."""

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
    """A home with the guide's providers and a project, and resolutions in its directories."""

    def __init__(self, home: Home) -> None:
        self.home, self.project = home, home.path / "work/app"
        self.deep = self.project / "src/deep"
        self.deep.mkdir(parents=True)
        home.providers()
        self.env: dict[str, str] = {"HOME": str(home.path)}
        self.trust = trust.TrustStore(str(home.state))

    def select(self, name_or_id: str) -> None:
        self.home.state.mkdir(parents=True, exist_ok=True)
        (self.home.state / "selection").write_text(name_or_id)

    def inputs(self, directory: Path | None = None, **more: Any) -> Inputs:
        where = os.path.realpath(directory or self.deep)
        return Inputs(self.env, where, str(self.home.config), str(self.home.state), **more)

    def resolve(self, directory: Path | None = None, **more: Any) -> Resolution:
        return resolve.resolve(self.inputs(directory, **more))

    def applies(self, directory: Path | None = None, **more: Any) -> tuple[str, str]:
        """The rule that matched, and the name of the provider or empty."""
        found = self.resolve(directory, **more)
        assert found.error is None
        return found.rule, found.provider.name if found.provider else ""


@pytest.fixture
def world(home: Home) -> World:
    return World(home)


def test_nothing_chosen(world: World) -> None:
    assert world.applies() == ("none", "")
    assert world.resolve().key == "" and world.resolve().label == ""
    world.resolve().check()


def test_the_first_rule_that_matches_applies(world: World) -> None:
    """--provider, $COWORK_PROVIDER, the nearest trusted pin, the selection, none."""
    world.select("aws-bedrock")
    assert world.applies() == ("selection", "AWS Bedrock")
    world.home.pin(world.home.path, "LiteLLM Local")
    assert world.applies() == ("pin", "LiteLLM Local")
    world.home.pin(world.project, "openrouter")
    assert world.applies() == ("pin", "OpenRouter")
    assert world.resolve().label == "OpenRouter (~/work/app/.cowork-provider)"
    assert world.applies(world.home.path / "work") == ("pin", "LiteLLM Local")
    assert world.applies(Path("/")) == ("selection", "AWS Bedrock")
    world.env["COWORK_PROVIDER"] = "my-anthropic-api"
    assert world.applies() == ("environment", "My Anthropic API")
    assert world.resolve().label == "My Anthropic API ($COWORK_PROVIDER)"
    assert world.applies(option="LiteLLM Local") == ("option", "LiteLLM Local")
    world.env["COWORK_PROVIDER"] = ""
    assert world.applies() == ("pin", "OpenRouter")


@pytest.mark.parametrize("none", ["none", "NONE", " None "])
def test_none_means_no_provider_anywhere(world: World, none: str) -> None:
    world.select("aws-bedrock")
    world.home.pin(world.home.path, "openrouter")
    world.home.pin(world.project, none)
    assert world.applies() == ("pin", "")
    world.env["COWORK_PROVIDER"] = none
    assert world.applies() == ("environment", "")
    assert world.applies(option=none) == ("option", "")
    world.env.clear()
    world.select(none)
    assert world.applies(Path("/")) == ("selection", "")
    for inputs in (world.inputs(), world.inputs(option=none)):
        assert resolve.target(inputs, resolve.resolve(inputs)) is None


def test_an_untrusted_pin_is_ignored_with_a_notice(world: World) -> None:
    world.home.pin(world.home.path, "openrouter")
    world.home.pin(world.project, "aws-bedrock\nrequired = true\n", allow=False)
    assert world.applies() == ("pin", "OpenRouter")
    found = world.resolve()
    assert [u.message for u in found.untrusted] == [
        "~/work/app/.cowork-provider is not trusted. Run: cowork-env allow"
    ]
    assert not found.required
    with pytest.raises(CoworkEnvError) as caught:
        found.check()
    assert caught.value.exit_code == UNTRUSTED == 3
    assert world.applies(trust_all=True) == ("pin", "AWS Bedrock")
    world.resolve(option="none").check()


def test_an_untrusted_pin_above_the_trusted_one_is_ignored_silently(world: World) -> None:
    world.home.pin(world.home.path, "aws-bedrock", allow=False)
    world.home.pin(world.project, "openrouter")
    assert world.applies() == ("pin", "OpenRouter") and world.resolve().untrusted == []
    world.resolve().check()


def test_an_untrusted_pin_that_is_broken_is_ignored(world: World) -> None:
    for text in ("\x1b[2J", "nobody", "x\nrequired = true\nbaseUrl = http://evil.example"):
        world.home.pin(world.project, text, allow=False)
        assert world.applies() == ("none", "")


def test_an_edited_pin_is_no_longer_trusted(world: World) -> None:
    pin = world.home.pin(world.project, "openrouter")
    pin.write_text("aws-bedrock")
    assert world.applies() == ("none", "") and len(world.resolve().untrusted) == 1
    pin.write_text("openrouter")
    assert world.applies() == ("pin", "OpenRouter")


def test_a_changed_pin_is_announced_as_changed(world: World) -> None:
    pin = world.home.pin(world.project, "openrouter")
    pin.write_text("aws-bedrock\nopus = big\x85\nrequired = true")
    (found,) = world.resolve().untrusted
    shown = "~/work/app/.cowork-provider has changed since you allowed it; it now says: "
    assert found.message == shown + "nothing that can be used. Run: cowork-env allow"
    pin.write_text("aws-bedrock\nopus = big\nrequired = true")
    (found,) = world.resolve().untrusted
    says = "provider aws-bedrock (opus big, required)"
    assert found.message == f"{shown}{says}. Run: cowork-env allow"
    with pytest.raises(CoworkEnvError, match="has changed since you allowed it") as raised:
        world.resolve().check()
    assert says in raised.value.message and "pass --trust" in raised.value.hint
    assert raised.value.exit_code == UNTRUSTED
    pin.write_text("x" * 4000)
    assert len(world.resolve().untrusted[0].message) < 600
    # A store from before changes were told.
    for record in Path(world.trust.directory).glob("known-*"):
        record.unlink()
    assert world.resolve().untrusted[0].message.endswith("is not trusted. Run: cowork-env allow")


def test_a_denied_pin_is_ignored_silently(world: World) -> None:
    world.home.pin(world.home.path, "openrouter")
    pin = world.home.pin(world.project, "aws-bedrock")
    world.trust.deny(trust.location(str(pin)))
    world.trust.allow_below(os.path.realpath(world.project))
    assert world.applies() == ("pin", "OpenRouter") and world.resolve().untrusted == []
    assert world.applies(trust_all=True) == ("pin", "OpenRouter")


def test_allow_below_covers_pins_in_the_directory(world: World) -> None:
    world.home.pin(world.project, "aws-bedrock", allow=False)
    world.trust.allow_below(os.path.realpath(world.home.path / "wor"))
    assert world.applies() == ("none", "")
    world.trust.allow_below(os.path.realpath(world.home.path / "work"))
    assert world.applies() == ("pin", "AWS Bedrock")


def test_a_pin_reached_through_a_symlinked_directory_is_the_same_pin(world: World) -> None:
    world.home.pin(world.project, "openrouter")
    link = world.home.path / "link"
    link.symlink_to(world.project)
    assert world.applies(link / "src") == ("pin", "OpenRouter")


def test_trust_in_a_pin_does_not_extend_to_a_link_to_it(world: World) -> None:
    pin = world.home.pin(world.project, "openrouter")
    evil = world.home.path / "evil"
    evil.mkdir()
    (evil / ".cowork-provider").symlink_to(pin)
    assert world.applies(evil) == ("none", "")
    world.trust.allow(trust.location(str(evil / ".cowork-provider")), pin.read_bytes())
    assert world.applies(evil) == ("pin", "OpenRouter")
    pin.write_text("aws-bedrock")
    assert world.applies(evil) == ("none", "")


@pytest.mark.parametrize("required", [False, True])
@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "nobody",
            "~/work/app/.cowork-provider: There is no provider 'nobody' "
            "in ~/.config/agent-cowork/providers.json.",
        ),
        (
            "openrouter\nmodel = a b",
            "~/work/app/.cowork-provider, line 2: model has white space "
            "or a control character in it.",
        ),
        (
            "openrouter\nANTHROPIC_BASE_URL = https://x",
            "~/work/app/.cowork-provider, line 2 is not one of",
        ),
        ("bad", "[4].baseUrl is plain http to another machine"),
        ("nokey", "nokey: it has no key."),
        ("encrypted", "encrypted: bad value: the encrypted key is damaged."),
        ("later", "later: "),
    ],
)
def test_a_trusted_pin_that_cannot_be_used_ends_the_search(
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
    outcome = resolve.outcome(inputs, found)
    assert outcome.provider is None and outcome.error is not None
    assert message in outcome.error.message
    assert outcome.error.exit_code == FAILURE and found.required is required
    with pytest.raises(CoworkEnvError):
        found.check()
        resolve.target(inputs, found)
    if required:
        assert outcome.target is not None
        assert outcome.target["ANTHROPIC_BASE_URL"] == UNRESOLVED_URL
        assert outcome.target["ANTHROPIC_AUTH_TOKEN"] == "unresolved"
    else:
        assert outcome.target == {}
    said = resolve.reason(outcome.key, found.key)
    assert outcome.error.message[:300] in said and ("your own login." in said) is required
    assert resolve.reason(outcome.key, "another") == "" and resolve.is_unusable(outcome.key)


def test_a_trusted_pin_that_cannot_be_read_ends_the_search(world: World) -> None:
    world.home.pin(world.home.path, "openrouter")
    (world.project / ".cowork-provider").mkdir()
    assert world.applies() == ("pin", "OpenRouter")
    notice = "~/work/app/.cowork-provider is not a regular file; it is ignored"
    assert world.resolve().untrusted[0].message == notice
    world.trust.allow_below(os.path.realpath(world.project))
    found = world.resolve()
    assert found.provider is None and found.error is not None
    assert found.error.message == "~/work/app/.cowork-provider is not a regular file."


def test_an_unreadable_provider_file_is_an_error_only_where_a_provider_is_chosen(
    world: World,
) -> None:
    world.home.pin(world.project, "openrouter\nrequired = true")
    world.home.file.write_text('[{"authToken": "sk-marked"')
    os.utime(world.home.file, (1, 1))
    found = world.resolve()
    assert found.error is not None
    assert "providers.json is not valid JSON: line 1, column" in found.error.message
    assert "sk-marked" not in found.error.message
    target = resolve.outcome(world.inputs(), found).target
    assert target is not None and target["ANTHROPIC_BASE_URL"] == UNRESOLVED_URL
    assert world.applies(Path("/")) == ("none", "")


def test_models_of_a_pin_are_in_the_target(world: World) -> None:
    world.home.pin(world.project, "openrouter\nmodel = m\nhaiku = h\n")
    inputs = world.inputs()
    target = resolve.target(inputs, resolve.resolve(inputs))
    assert target is not None
    assert target["ANTHROPIC_MODEL"] == "m"
    assert target["ANTHROPIC_DEFAULT_OPUS_MODEL"] == "anthropic/claude-opus-4-20250514"
    assert target["ANTHROPIC_DEFAULT_HAIKU_MODEL"] == "h"
    found = world.resolve(option="openrouter")
    assert found.models == {}


def test_the_selection_file(world: World) -> None:
    world.select(GUIDE[2]["id"] + "\n")
    assert world.applies() == ("selection", "LiteLLM Local")
    world.select("  \n")
    assert world.applies() == ("none", "")
    (world.home.state / "selection").write_bytes(b"\xff")
    error = world.resolve().error
    assert error is not None and error.hint == "Run 'cowork-env use'."
    world.select("gone")
    error = world.resolve().error
    assert error is not None and error.message.startswith("selection: There is no provider 'gone'")


def test_hostile_text_is_made_safe_to_show(world: World) -> None:
    evil = "\x1b]0;owned\x07\u202e"
    world.env["COWORK_PROVIDER"] = evil
    error = world.resolve().error
    assert error is not None
    assert "\x1b" not in error.message + error.hint
    assert "\u202e" not in error.message
    world.env.clear()
    place = world.home.path / f"a{evil}b"
    world.home.pin(place, "openrouter", allow=False)
    message = world.resolve(place).untrusted[0].message
    assert "\x1b" not in message and "\u202e" not in message
    assert "a\\x1b]0;owned\\x07\\u202eb" in message


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
    original = {**world.env, "SHARED": "key-for-a", "PATH": os.environ["PATH"]}
    world.env = original
    inputs = world.inputs(option="b")
    target = resolve.target(inputs, resolve.resolve(inputs))
    assert target is not None
    world.env = applied(original, enter(original, "b", target)[1])
    assert world.env["SHARED"] == "key-for-b"
    for name in "ac":
        inputs = world.inputs(option=name)
        target = resolve.target(inputs, resolve.resolve(inputs))
        assert target is not None and target["ANTHROPIC_AUTH_TOKEN"] == "key-for-a"


def test_original_env_keeps_what_the_user_changed(world: World) -> None:
    state = enter({"A": "1"}, "x", {"A": "2", "B": "3"})[0].encode()
    live = {"A": "by user", "B": "3", environment.STATE: state}
    assert resolve.original_env(live) == {"A": "by user"}
    assert resolve.original_env({"A": "1"}) == {"A": "1"}


def test_a_deleted_directory_is_resolved_by_its_path(world: World) -> None:
    world.home.pin(world.project, "openrouter")
    gone = world.project / "gone"
    assert resolve.resolve(
        Inputs(world.env, str(gone), str(world.home.config), str(world.home.state), gone=True)
    ).provider
