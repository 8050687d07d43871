"""A real LiteLLM proxy with the guide's key and models, and every client through it."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.clients.installed import Clients
from support.clients.recorder import Recorder
from support.clients.user import ALIASES, METHODS, User, check, model
from support.home import GUIDE

(ENTRY,) = [entry for entry in GUIDE if entry["name"] == "LiteLLM Local"]
MODELS = [model(ENTRY, alias) for alias in ("", *ALIASES)]


@pytest.fixture(scope="module")
def litellm(clients: Clients, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a proxy that answers with each model's name.

    It sends requests upstream only to count tokens.
    """
    folder = tmp_path_factory.mktemp("litellm")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = int(taken.getsockname()[1])
    with Recorder() as upstream:
        yield from _run(clients, folder, port, upstream)
        assert {(r.path, *r.credentials) for r in upstream.requests} <= {
            ("/v1/messages/count_tokens", "x-api-key: none")
        }


def _run(clients: Clients, folder: Path, port: int, upstream: Recorder) -> Iterator[int]:
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
    config.write_text(
        json.dumps({"model_list": models, "general_settings": {"master_key": ENTRY["authToken"]}})
    )
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
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
            assert {"counted 7", f"models {len(set(MODELS))}"} <= set(done.stdout.splitlines())
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
