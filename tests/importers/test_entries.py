"""What is a key, what stands in the place of one, and which variables an entry has."""

from __future__ import annotations

from cowork_env.core.providers import Providers
from cowork_env.importers.entries import Found, from_variables, taken
from cowork_env.importers.plan import Plan

URL, TOKEN, KEY = "ANTHROPIC_BASE_URL", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_API_KEY"


def test_the_variables_of_an_entry() -> None:
    env = {
        URL: "https://a.example/v1 ",
        TOKEN: "t",
        KEY: "other",
        "ANTHROPIC_SMALL_FAST_MODEL": "old",
        "ANTHROPIC_DEFAULT_HAIKU_MODEL": "new",
        "API_TIMEOUT_MS": "6",
        "ANTHROPIC_MODEL": "",
        "EDITOR": "vi",
    }
    entry = from_variables(env)
    assert entry is not None
    assert taken(env, entry) == [URL, TOKEN, "ANTHROPIC_DEFAULT_HAIKU_MODEL", "API_TIMEOUT_MS"]
    assert taken(env, {"name": "x", "env": None, "models": None}) == []


def test_an_encrypted_key_is_said_to_be_one() -> None:
    entry = {"name": "E", "baseUrl": "https://a.example", "authToken": "ENC:v1:djExYWJj"}
    plan = Plan(Found([entry], whole=True), [entry], Providers("[]", "", "f"))
    assert [e["authToken"] for e in plan.added] == ["ENC:v1:djExYWJj"]
    assert "The key of E is encrypted" in plan.notes[0]
