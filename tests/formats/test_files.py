"""json, dotenv and docker: read back by their own readers, or by their documented grammar."""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import subprocess
import tempfile
import threading
from pathlib import Path

import pytest
from hypothesis import example, given, settings

from cowork_env import formats
from cowork_env.util.errors import USAGE

from support.formats import OPENROUTER, SET, TARGETS, Values, emit, emitted, refused
from support.home import Home, need
from support.readers import read_docker, read_dotenv


def test_an_unknown_format_is_an_error_that_lists_the_known_ones() -> None:
    error = refused("yaml", {})
    assert error.exit_code == USAGE
    assert all(name in error.hint for name in formats.NAMES)


@pytest.mark.parametrize("name", formats.NAMES)
def test_values_that_no_environment_can_hold_are_refused(name: str) -> None:
    refused(name, {"EXTRA": "a\0b"})
    refused(name, {"EXTRA": "a\udcff"})


# json


@given(TARGETS)
@example({"X": None})
def test_json_is_the_target_itself(wanted: Values) -> None:
    text = emit("json", wanted)
    assert json.loads(text) == wanted
    assert text.isascii()


def test_json_has_null_for_variables_to_unset() -> None:
    assert json.loads(emit("json", OPENROUTER))["ANTHROPIC_API_KEY"] is None


# dotenv


@given(TARGETS)
@example({"X": "it's"})
@example({"X": "a\\b"})
@example({"X": "a\\"})
@example({"X": "a\\\\b"})
@example({"X": '{"a": "b c"} #x'})
def test_python_dotenv_reads_back_what_was_written(wanted: Values) -> None:
    text = emitted("dotenv", wanted)
    assert text is None or read_dotenv(text) == wanted


@settings(max_examples=60)
@given(TARGETS)
@example({"X": "it's"})
@example({"X": "a\\b\nc"})
def test_sh_reads_the_same_from_a_dotenv_file(wanted: Values) -> None:
    text = emitted("dotenv", wanted)
    if text is None:
        return
    with tempfile.NamedTemporaryFile() as file:
        file.write(text.encode())
        file.flush()
        out = subprocess.run(
            ["/bin/sh", "-c", 'set -a; . "$1"; exec env -0', "sh", file.name],
            capture_output=True,
            check=True,
            env={"PATH": os.defpath},
        )
    found = dict(line.split("=", 1) for line in out.stdout.decode().split("\0") if line)
    assert {k: found.get(k) for k in wanted} == wanted


@pytest.mark.parametrize(
    "value",
    [
        "plain",
        "two words",
        "it's",
        'a "b" c',
        "line\nline",
        "$HOME",
        "`id`",
        "C:\\tmp\\x",
        "#x",
        " x ",
        "",
    ],
)
def test_dotenv_carries_common_values(value: str) -> None:
    text = emit("dotenv", {"EXTRA": value})
    assert read_dotenv(text) == {"EXTRA": value}


@pytest.mark.parametrize("value", ["a\rb", "${HOME}", "both ' and \"", "a\\\\b", "it's $5"])
def test_dotenv_refuses_what_readers_parse_differently(value: str) -> None:
    assert "EXTRA" in refused("dotenv", {"EXTRA": value}).message


def test_dotenv_leaves_out_variables_to_unset() -> None:
    assert read_dotenv(emit("dotenv", OPENROUTER, env={"ANTHROPIC_API_KEY": "theirs"})) == SET


# docker


@given(TARGETS)
def test_docker_reads_back_what_was_written(wanted: Values) -> None:
    text = emitted("docker", wanted)
    assert text is None or read_docker(text) == wanted


@pytest.mark.parametrize("value", ["a\nb", "a\r", "'quoted'", '"quoted"', "x" * 65536])
def test_docker_refuses_what_an_env_file_cannot_carry(value: str) -> None:
    refused("docker", {"EXTRA": value})


class Daemon(http.server.BaseHTTPRequestHandler):
    """As much of a container engine as ``docker create`` needs; it records the environment."""

    received: list[list[str]]

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        self.answer(200, {})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.received.append(body["Env"])
        self.answer(201, {"Id": "0" * 64, "Warnings": []})

    def answer(self, status: int, value: object) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Api-Version", "1.41")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, *arguments: object) -> None:
        pass


def test_docker_itself_reads_it(home: Home, tmp_path: Path) -> None:
    docker = need("docker")
    extra = {
        "A": " lead and trail ",
        "B": "#x",
        "C": "a=b",
        "D": "it's \"",
        "E": "",
        "F": "$HOME `id` \\n",
        "G": "é🚒",
    }
    file = tmp_path / "env"
    file.write_text(emit("docker", {**OPENROUTER, **extra}), encoding="utf-8")
    handler = type("Handler", (Daemon,), {"received": []})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        with contextlib.ExitStack() as stack:
            stack.callback(thread.join, 10)
            stack.callback(server.shutdown)
            env = {
                **home.env,
                "DOCKER_HOST": f"tcp://127.0.0.1:{server.server_port}",
                "NO_PROXY": "127.0.0.1",
            }
            done = subprocess.run(
                [docker, "create", "--env-file", str(file), "image"],
                env=env,
                capture_output=True,
                text=True,
                timeout=60,
            )
    assert done.returncode == 0, done.stderr
    assert dict(line.split("=", 1) for line in handler.received[0]) == SET | extra
