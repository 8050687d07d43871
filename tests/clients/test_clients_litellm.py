"""A real LiteLLM proxy and every client through it.

It has the guide's key and models, and those of docs/openai.md, for which it translates.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cowork_env import presets

from support import documents
from support.clients.chat import ChatServer
from support.clients.installed import Clients
from support.clients.recorder import Recorder
from support.clients.user import ALIASES, METHODS, User, check, model
from support.home import GUIDE
from support.program import Program, execute

(ENTRY,) = [entry for entry in GUIDE if entry["name"] == "LiteLLM Local"]
MODELS = [model(ENTRY, alias) for alias in ("", *ALIASES)]
OPENAI_MD = documents.ROOT / "docs/openai.md"
UPSTREAM_KEY = "gsk-invented-0123456789"


def documented() -> dict[str, Any]:
    """The configuration in docs/openai.md."""
    yaml = pytest.importorskip("yaml")
    (text,) = documents.blocks(OPENAI_MD, "yaml litellm")
    return dict(yaml.safe_load(text))


@pytest.fixture(scope="module")
def endpoint() -> Iterator[ChatServer]:
    """The endpoint in OpenAI's format."""
    with ChatServer() as server:
        yield server


@pytest.fixture(scope="module")
def litellm(
    clients: Clients, endpoint: ChatServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[int]:
    """The port of a proxy that answers with each model's name.

    It sends requests upstream only to count tokens.
    """
    folder = tmp_path_factory.mktemp("litellm")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = int(taken.getsockname()[1])
    with Recorder() as upstream:
        yield from _run(clients, folder, port, upstream, endpoint)
        assert {(r.path, *r.credentials) for r in upstream.requests} <= {
            ("/v1/messages/count_tokens", "x-api-key: none")
        }


def _run(
    clients: Clients, folder: Path, port: int, upstream: Recorder, endpoint: ChatServer
) -> Iterator[int]:
    params = {"api_base": upstream.url, "api_key": "none"}
    models = [
        {
            "model_name": m,
            "litellm_params": {
                **params,
                "model": f"anthropic/{m}",
                "mock_response": f"answer from {m}",
            },
        }
        for m in sorted(set(MODELS))
    ]
    config = folder / "config.json"  # JSON is YAML, too
    whole = documented()
    config.write_text(json.dumps({**whole, "model_list": [*models, *whole["model_list"]]}))
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_MASTER_KEY": ENTRY["authToken"],
        "GROQ_API_KEY": UPSTREAM_KEY,
        "GROQ_API_BASE": f"{endpoint.url}/v1",
        "NO_PROXY": "*",
    }
    command = [
        clients.folder / "litellm/bin/litellm",
        "--config",
        config,
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, env=env, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        try:
            _wait(process, port, folder / "log")
            yield port
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    end = time.monotonic() + 120
    while time.monotonic() < end and process.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("GET", "/health/liveliness")
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.2)
        finally:
            connection.close()
    pytest.fail(f"LiteLLM does not start: {log.read_text()[-2000:]}")


def move(user: User, port: int, key: str = ENTRY["authToken"]) -> Path:
    """Point the guide's entry at the proxy, with the guide's ``/v1`` at the end; its project."""
    user.providers["LiteLLM Local"].update(baseUrl=f"http://localhost:{port}/v1", authToken=key)
    user.home.providers(list(user.providers.values()))
    return user.project("LiteLLM Local")


@pytest.mark.parametrize("method", METHODS)
def test_every_client(
    method: str, litellm: int, user: User, clients: Clients, recorder: Recorder, outside: Recorder
) -> None:
    project = move(user, litellm)
    with user.by(method) as starter:
        done = starter.run(project, ["claude", "-p", "hi"])
        assert (done.returncode, done.stdout) == (0, f"answer from {MODELS[0]}\n"), done
        done = starter.run(project, ["claude", "--model", "opus", "-p", "hi"])
        assert (done.returncode, done.stdout) == (0, f"answer from {MODELS[1]}\n"), done
        done = starter.run(project, [*clients.program("agent", "agent.py"), "", "haiku"])
        assert done.stdout.splitlines() == [
            f"answer from {MODELS[0]}",
            f"answer from {MODELS[3]}",
        ], done
        for sdk in ("anthropic-1", "anthropic"):
            done = starter.run(project, clients.program(sdk, "messages.py"))
            # Its mock responses are never streamed; test_clients_sdks.py tests streaming.
            answers = [line for line in done.stdout.splitlines() if "answer" in line]
            assert answers == [
                *(f"plain answer from {m}" for m in MODELS),
                f"later answer from {MODELS[0]}",
            ], done
            assert {
                "counted 7",
                f"models {len(set(MODELS)) + len(documented()['model_list'])}",
            } <= set(done.stdout.splitlines())
    assert (recorder.connections, outside.connections) == (0, 0)


@pytest.mark.parametrize("name", ["OpenRouter", "Keyed"])
@pytest.mark.parametrize("method", METHODS)
def test_litellm_itself(
    method: str, name: str, user: User, clients: Clients, recorder: Recorder, other: Recorder
) -> None:
    """It reads ANTHROPIC_API_BASE before the base URL: a value of the user's is not used."""
    user.home.env.update(ANTHROPIC_API_BASE=other.url, LITELLM_LOCAL_MODEL_COST_MAP="True")
    provider = user.providers[name]
    with user.by(method) as starter:
        done = starter.run(user.project(name), clients.program("litellm", "complete.py"))
    assert (done.returncode, done.stdout) == (0, f"answer from {model(provider)}\n"), done
    (request,) = recorder.messages
    check(request, provider)


def test_the_proxy_checks_the_key(litellm: int, user: User) -> None:
    """The test above would fail with a wrong key."""
    project = move(user, litellm, "sk-wrong-invented")
    with user.by("bash") as starter:
        assert starter.run(project, ["claude", "-p", "hi"]).returncode == 1


# Before an endpoint in OpenAI's format


def test_an_endpoint_in_openais_format(
    litellm: int, endpoint: ChatServer, user: User, clients: Clients, outside: Recorder
) -> None:
    """The provider and the pin of docs/openai.md: text, streams, and a tool that really runs."""
    key = user.home.path / "key"
    key.write_text(ENTRY["authToken"])
    project = user.work / "translated"
    project.mkdir()
    (commands,) = documents.blocks(OPENAI_MD, "sh add")
    add = commands.replace("pass:llm/litellm", f"file:{key}").replace(
        "add litellm", f"add litellm --base-url http://localhost:{litellm}"
    )
    done = execute(["bash", "-ec", add], env=user.home.env, cwd=project).check()
    large, small = [m["litellm_params"]["model"][5:] for m in documented()["model_list"]]
    assert "large (default, opus, sonnet, fable) answers" in done.stdout, done
    endpoint.clear()
    endpoint.bash = "echo $((6 * 7)) >ran; env"
    with user.by("bash") as starter:
        done = starter.run(project, ["claude", "-p", "--allowedTools", "Bash", "--", "hi"])
        assert (done.returncode, done.stdout) == (0, f"answer from {large}\n"), done
        assert (project / "ran").read_text() == "42\n"
        assert f"ANTHROPIC_BASE_URL=http://localhost:{litellm}\n" in endpoint.output
        assert all(r.json["stream"] for r in endpoint.completions if r.json.get("tools"))
        endpoint.bash = ""
        done = starter.run(project, [*clients.program("agent", "agent.py"), "", "haiku"])
        answers = [f"answer from {large}", f"answer from {small}"]
        assert done.stdout.splitlines() == answers, done
        for sdk in ("anthropic-1", "anthropic"):
            endpoint.clear()
            done = starter.run(project, clients.program(sdk, "messages.py"))
            for kind in ("plain", "streamed"):
                models = [large, large, large, small, large]
                wanted = [f"{kind} answer from {name}" for name in models]
                assert [x for x in done.stdout.splitlines() if x.startswith(kind)] == wanted, done
            assert [bool(r.json.get("stream")) for r in endpoint.completions[:2]] == [False, True]
    assert {(r.path, *r.credentials) for r in endpoint.requests} == {
        ("/v1/chat/completions", f"authorization: Bearer {UPSTREAM_KEY}")
    }
    assert outside.connections == 0


def test_doctor_says_how_to_reach_such_an_endpoint(endpoint: ChatServer, user: User) -> None:
    entry = {"name": "Direct", "baseUrl": f"{endpoint.url}/v1", "authToken": "x"}
    user.home.providers([{**entry, "defaultModel": "m"}])
    done = Program(user.home).run("doctor", "Direct").check(1)
    assert f"litellm --host 127.0.0.1 --model hosted_vllm/m --api_base {endpoint.url}/v1;" in (
        done.stdout
    )


def test_the_presets_gateways(user: User, clients: Clients) -> None:
    """LiteLLM has those names, URLs and variables."""
    wanted = {p.gateway["model"]: p for p in presets.all_presets() if p.format == presets.OPENAI}
    env = user.home.env | {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    command = [*clients.program("litellm", "gateways.py"), *wanted, "hosted_vllm"]
    known = execute(command, env=env, cwd=user.home.path).check().json()
    assert known.pop("hosted_vllm")
    for prefix, preset in wanted.items():
        url, keys = known[prefix]
        assert url in (None, preset.base_url) and preset.gateway["key"] in keys
    rows = documents.rows(documents.section(OPENAI_MD, "Two commands"))
    assert {tuple(documents.code(row[1] + row[2])) for row in rows[:-1]} == {
        (f"{prefix}/MODEL", preset.gateway["key"]) for prefix, preset in wanted.items()
    }
