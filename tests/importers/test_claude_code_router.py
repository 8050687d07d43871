"""claude-code-router: what becomes of each of its providers, in the forms of several versions."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from cowork_env.core.providers import Providers
from cowork_env.core.resolve import Inputs
from cowork_env.importers import claude_code_router
from cowork_env.importers.entries import Found, Nothing
from cowork_env.importers.plan import Plan
from cowork_env.util.errors import CoworkEnvError

from support.home import Home

DATA = Path(__file__).parent / "data"


def read(home: Home, source: str | Path) -> Found:
    path = home.path / ".claude-code-router/config.json"
    path.parent.mkdir(exist_ok=True)
    if isinstance(source, Path):
        shutil.copy(source, path)
    else:
        path.write_text(source)
    inputs = Inputs(home.env, str(home.path), str(home.config), str(home.state))
    return claude_code_router.read(inputs)


def one(home: Home, router: dict[str, Any] | None = None, **provider: Any) -> Found:
    provider = {"name": "p", "api_key": "invented-key-0001", "models": ["m"], **provider}
    return read(home, json.dumps({"Providers": [provider], "Router": router or {}}))


def test_a_configuration_with_every_kind_of_provider(home: Home) -> None:
    found = read(home, DATA / "router-1.0.49.json")
    timeout = {"env": {"API_TIMEOUT_MS": "600000"}}
    assert found.entries == [
        {
            "name": "openrouter",
            "baseUrl": "https://openrouter.ai/api",
            "authToken": "sk-or-v1-invented-openrouter-key-0001",
            "defaultModel": "google/gemini-2.5-pro-preview",
            **timeout,
        },
        {
            "name": "deepseek",
            "baseUrl": "https://api.deepseek.com/anthropic",
            "authTokenFrom": "env:DEEPSEEK_KEY",
            "defaultModel": "deepseek-chat",
            "models": {"opus": "deepseek-reasoner"},
            **timeout,
        },
        {
            "name": "ollama",
            "baseUrl": "http://localhost:11434",
            "authToken": "ollama",
            "defaultModel": "qwen2.5-coder:latest",
            **timeout,
        },
        {
            "name": "siliconflow",
            "baseUrl": "https://api.siliconflow.cn",
            "authToken": "sk-xxx",
            "defaultModel": "moonshotai/Kimi-K2-Instruct",
            **timeout,
        },
        {
            "name": "claude-code-router",
            "baseUrl": "http://127.0.0.1:3456",
            "authToken": "invented-router-key-4242",
            **timeout,
        },
    ]
    notes = "\n".join(found.notes)
    for said in (
        "deepseek: https://api.deepseek.com/chat/completions is in OpenAI's format; "
        "https://api.deepseek.com/anthropic of the same provider is in Anthropic's",
        "modelscope is left out: it has no key.",
        "gemini is left out: generativelanguage.googleapis.com speaks no Anthropic format",
        "aihub is left out: aihub.example speaks",
        "cowork-env add litellm --name Gemini --default-model gemini/gemini-2.5-flash",
        "PROXY_URL is left out.",
        "The routes longContext and webSearch are left out",
        "LOG, LOG_LEVEL, NON_INTERACTIVE_MODE",
    ):
        assert said in notes
    assert "invented" not in notes, "neither keys nor the proxy's password"
    plan = Plan(found, found.entries, Providers("[]", "", "f"))
    assert [e["name"] for e in plan.added] == [
        *("openrouter", "deepseek", "ollama", "claude-code-router")
    ]
    assert [e.message for e in plan.refused] == [
        "siliconflow: authToken is a placeholder, not a key."
    ]
    assert "claude-code-router needs the proxy of claude-code-router" in " ".join(plan.notes)


def test_json5_and_requests_that_are_passed_on_as_they_are(home: Home) -> None:
    found = read(home, DATA / "router-json5.json")
    assert found.entries == [
        {
            "name": "direct",
            "baseUrl": "https://gateway.example/anthropic",
            "auth": "api-key",
            "authToken": "sk-invented-direct-key-0004",
            "defaultModel": "model-a",
            "models": {"haiku": "model-b"},
        },
        {
            "name": "bearer",
            "baseUrl": "https://bearer.example",
            "authToken": "sk-invented-bearer-key-0005",
            "defaultModel": "model-c",
        },
    ]
    assert found.notes == ["Settings of the router itself are left out: LOG."]


def test_nothing_but_openais_format(home: Home) -> None:
    found = read(home, DATA / "router-1.0.1.json")
    assert [(e["name"], e["baseUrl"]) for e in found.entries] == [
        ("claude-code-router", "http://127.0.0.1:3456")
    ]
    assert "cowork-env add litellm --name OpenAI --default-model openai/gpt-4.1" in found.notes[1]


@pytest.mark.parametrize(
    ("key", "reference"),
    [("$MY_KEY", "env:MY_KEY"), ("${MY_KEY}", "env:MY_KEY"), ("a${MY_KEY}", ""), ("${A:-b}", "")],
)
def test_a_variable_in_the_place_of_a_key(home: Home, key: str, reference: str) -> None:
    found = one(home, api_base_url="https://api.deepseek.com/v1", api_key=key)
    assert [e.get("authTokenFrom") for e in found.entries] == ([reference] if reference else [])
    assert all("authToken" not in e for e in found.entries)
    if not reference:
        assert found.notes == ["p is left out: its key is put together from variables."]


def test_a_file_from_elsewhere_reads_no_variable_and_no_router_here(home: Home) -> None:
    document = json.loads((DATA / "router-1.0.1.json").read_text())
    document["Providers"].append(
        {"name": "d", "api_base_url": "https://api.deepseek.com", "api_key": "$AWS_SECRET"}
    )
    found = claude_code_router.from_config(document, own=False)
    assert found.entries == []
    assert "d is left out: its key is a reference to a variable of yours." in found.notes


def test_routes_without_a_place_of_their_own(home: Home) -> None:
    routes = {"default": "other,x", "background": "p,small", "think": "p,big,extra", "image": 7}
    found = one(home, routes, api_base_url="https://api.deepseek.com", models=[])
    assert found.entries[0]["models"] == {"opus": "big,extra", "haiku": "small"}
    found = one(home, routes, api_base_url="https://api.deepseek.com", models=["m", "small"])
    assert found.entries[0]["defaultModel"] == "m"
    found = one(home, api_base_url="https://api.deepseek.com", models=[])
    assert found.entries[0]["defaultModel"].startswith("deepseek-")


@pytest.mark.parametrize(
    "provider",
    [
        {"api_base_url": "https://me:secret-4242@a.example/v1?key=secret-4242"},
        {"api_base_url": "https://a.example/\x1b[2J", "name": "x\x1b[2J"},
        {"api_base_url": 7, "name": None},
        {"api_base_url": "", "models": {"a": 1}},
        {"api_base_url": "https://api.deepseek.com@evil.example/chat"},
        {"api_base_url": "http://api.deepseek.com/chat"},
        {"api_base_url": "https://api.deepseek.com:444/chat"},
    ],
)
def test_hostile_providers(home: Home, provider: dict[str, Any]) -> None:
    found = one(home, **provider)
    assert [e["name"] for e in found.entries] == ["claude-code-router"], "none is taken for known"
    said = "\n".join(found.notes)
    assert "secret-4242" not in said and "\x1b" not in said


@pytest.mark.parametrize("text", ["[]", '{"Providers": {}}', '{"Router": {}}'])
def test_no_list_of_providers(home: Home, text: str) -> None:
    with pytest.raises(Nothing):
        read(home, text)


def test_a_query_is_not_shown(home: Home) -> None:
    found = one(home, api_base_url="https://api.deepseek.com/chat?key=secret-4242")
    assert [e["baseUrl"] for e in found.entries] == ["https://api.deepseek.com/anthropic"]
    assert "https://api.deepseek.com/chat… is in OpenAI's format" in found.notes[0]


def test_the_router_itself_takes_any_key(home: Home) -> None:
    """The one of its example configuration included: it is what clients have to send."""
    document = json.loads((DATA / "router-1.0.1.json").read_text()) | {"APIKEY": "your-secret-key"}
    found = read(home, json.dumps(document))
    plan = Plan(found, found.entries, Providers("[]", "", "f"))
    assert [e["authToken"] for e in plan.added] == ["your-secret-key"]


def test_an_empty_list(home: Home) -> None:
    assert read(home, '{"Providers": [], "Router": {}, "PORT": "3000"}').entries == []


def test_a_configuration_that_others_can_write_to_is_not_read(home: Home) -> None:
    read(home, DATA / "router-1.0.1.json")
    (home.path / ".claude-code-router/config.json").chmod(0o666)
    inputs = Inputs(home.env, str(home.path), str(home.config), str(home.state))
    with pytest.raises(CoworkEnvError, match="can be written by other users"):
        claude_code_router.read(inputs)


def test_lists_of_the_wrong_kind(home: Home) -> None:
    provider = {"name": "p", "api_key": "k-0001", "api_base_url": "https://openrouter.ai/api"}
    document = {"Providers": {"a": 1}, "providers": [provider], "Router": []}
    assert [entry["name"] for entry in read(home, json.dumps(document)).entries] == ["p"]
    with pytest.raises(Nothing):
        read(home, json.dumps({"Providers": {"a": 1}, "providers": 7, "Router": {}}))


def test_null_in_another_provider_file(home: Home) -> None:
    entry = {"name": "A", "baseUrl": "https://a.example", "authToken": None, "env": None}
    found = Found([entry, {"name": "B", "baseUrl": None, "authToken": "k"}], whole=True)
    Plan(found, found.entries, Providers("[]", "x", "x"))
