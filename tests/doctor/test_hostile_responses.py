"""Hostile responses: no key gets out, and nothing steers the terminal."""

from __future__ import annotations

import difflib
import gzip
import json
import subprocess
import sys

import pytest

from cowork_env.cli.doctor import report_lines
from cowork_env.doctor import classify, online, transport

from support.doctor import check, errors, the
from support.server import (
    KEY,
    MESSAGE,
    Serve,
    always,
    api,
    error,
    listing,
)


def test_key_in_a_model_name_is_dropped(serve: Serve) -> None:
    report = check(serve(api(("claude-opus-5", f"claude-{KEY}"))).url)
    assert errors(report) == ["model"] and report.offered == ["claude-opus-5"]
    named = classify.model_list(
        transport.Response(200, "", "", json.dumps(listing("ollama/claude")).encode(), 1), "ollama"
    )
    assert named.names == ["ollama/claude"]


@pytest.mark.parametrize("coding", ["gzip", "gzip, gzip"])
def test_body_that_unpacks_to_gigabytes_is_cut_off(serve: Serve, coding: str) -> None:
    """In a process of its own, whose memory is limited."""
    packed = gzip.compress(b" " * (64 << 20))
    for _ in range(coding.count("gzip") - 1):
        packed = gzip.compress(packed * 16)
    server = serve(
        always(200, packed, {"content-encoding": coding, "content-type": "application/json"})
    )
    program = (
        "import resource, sys; from cowork_env.doctor import transport\n"
        "connection = transport.Connection(sys.argv[1], {}, 30)\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "response = connection.post('/v1/messages', {}, {})\n"
        "grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before\n"
        "print(response.status, len(response.body) <= transport.MAX_BODY, grown)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, server.url], capture_output=True, text=True, timeout=60
    )
    status, cut, grown = done.stdout.split()
    assert (status, cut) == ("200", "True"), done.stderr
    assert int(grown) < (32 << 20) / (1 if sys.platform == "darwin" else 1024)


def test_compressed_response(serve: Serve) -> None:
    packed = gzip.compress(json.dumps(MESSAGE).encode())
    server = serve(
        api(
            post=always(
                200, packed, {"content-encoding": "gzip", "content-type": "application/json"}
            )
        )
    )
    assert check(server.url).healthy


def test_what_a_server_says_cannot_steer_the_terminal(serve: Serve) -> None:
    report = check(
        serve(
            always(
                401,
                error("x", "\x1b[31mred\x07\u202e" + KEY[:12] + " and " + KEY[-9:] + "y" * 9000),
            )
        ).url
    )
    text = "\n".join(report_lines(report)) + "".join(f.message for f in report.findings)
    assert "\x1b" not in text and "\u202e" not in text and len(text) < 4000
    report = check(serve(always(401, error("x", "\u200b".join(KEY)))).url)
    assert "[...]" in the(report, "key").message and "u200b" not in the(report, "key").message
    assert KEY[:12] not in text and KEY[-9:] not in text


@pytest.mark.parametrize(
    "body",
    [
        "[" * 60000,
        '{"a":' * 9000,
        "\x00\xff",
        '{"data": {"x": 1}}',
        '{"data": [1, null, {"id": 5}]}',
    ],
)
def test_malformed_body_is_another_format(serve: Serve, body: str) -> None:
    report = check(serve(always(200, body, {"content-type": "application/json"})).url)
    assert errors(report) == ["format"]


def test_redact_hides_every_part_of_a_key() -> None:
    for start in range(len(KEY) - 8):
        piece = KEY[start : start + 8]
        assert piece not in classify.redact(f"key {piece}! (begins with {piece})", [KEY])
    assert classify.redact("nothing to hide", [KEY, ""]) == "nothing to hide"
    assert classify.redact("short abc here", ["abc"]) == "short [...] here"


@pytest.mark.timeout(60)  # the defect would take more than a minute
@pytest.mark.parametrize(
    "names",
    [
        [f"{i:x}-{'m' * 8}" for i in range(300_000)],
        ["m" * 8_000_000],
        [f"{i}" + "m" * 195 for i in range(20_000)],
        ["\x1b"] * 500_000,
    ],
    ids=["many", "long", "many and long", "invalid"],
)
def test_a_huge_list_of_models(
    serve: Serve, names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is kept, and so compared and shown, is bounded."""
    compared: list[int] = []

    class Matcher(difflib.SequenceMatcher):  # type: ignore[type-arg]
        def __init__(self, junk: None, a: str, b: str) -> None:
            compared.append(len(a) * len(b))
            super().__init__(junk, a, b)

    monkeypatch.setattr(difflib, "SequenceMatcher", Matcher)
    monkeypatch.setattr(transport, "MAX_LIST", 16 << 20)  # whatever the limit of the body is
    body = json.dumps({"data": [{"id": name} for name in names]}).encode()
    named = classify.model_list(transport.Response(200, "", "", body, 1), KEY).names
    assert len(named) <= classify.MAX_MODELS
    assert all(len(name) <= classify.MAX_NAME for name in named)
    classify.nearest("m" * 400, named)
    assert sum(compared) <= classify.MAX_MODELS * classify.MAX_COMPARED**2


def test_the_body_of_a_list_is_bounded(serve: Serve) -> None:
    server = serve(always(200, b"[" + b" " * (2 * transport.MAX_LIST)))
    connection = transport.Connection(server.url, {}, 30)
    try:
        assert len(online.get_models(connection, {}).body) == transport.MAX_LIST
    finally:
        connection.close()


def test_deeply_nested_json(serve: Serve) -> None:
    assert errors(check(serve(always(200, b"[" * 60_000)).url)) == ["format"]


def test_all_requests_to_a_provider_together_end_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(transport.time, "monotonic", lambda: clock[0])
    asked: list[float] = []
    monkeypatch.setattr(transport, "with_timeout", lambda job, seconds: asked.append(seconds))
    connection = transport.Connection("https://a.example", {}, 10)
    for clock[0] in (0.0, 35.0):
        connection.get("/x", {})
    assert asked == [10, 5]
    clock[0] = 10.0 * transport.MAX_TIMEOUTS
    with pytest.raises(transport.TransportError) as caught:
        connection.get("/x", {})
    assert caught.value.code == "timeout" and len(asked) == 2
    connection.close()
