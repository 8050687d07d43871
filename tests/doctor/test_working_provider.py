"""A working provider is healthy, and gets the requests that a client would send."""

from __future__ import annotations

import threading

from support.doctor import check, errors
from support.server import (
    KEY,
    MESSAGE,
    MODEL,
    Request,
    Response,
    Serve,
    api,
)


def test_working_server_is_healthy(serve: Serve) -> None:
    server = serve(api())
    report = check(server.url)
    assert report.healthy and errors(report) == []
    assert report.offered == [MODEL] and report.latency is not None
    (post,) = server.posts()
    assert post.path == "/v1/messages" and post.body["max_tokens"] == 1
    assert post.headers["authorization"] == f"Bearer {KEY}" and "x-api-key" not in post.headers


def test_key_is_sent_as_it_would_be_exported(serve: Serve) -> None:
    server = serve(api(style="x-api-key", prefix="/api"))
    assert check(server.url + "/api/v1/", auth="api-key").healthy
    assert all(
        "authorization" not in r.headers and r.path.startswith("/api/v1/m") for r in server.requests
    )


def test_each_distinct_model_is_requested_once_in_parallel(serve: Serve) -> None:
    together = threading.Barrier(2)

    def post(request: Request) -> Response:
        if request.model != "a":  # The first goes ahead alone, for what is wrong with all of them.
            together.wait(10)
        return 200, MESSAGE

    server = serve(api(("a", "b", "c"), post=post))
    report = check(server.url, defaultModel="a", models={"opus": "b", "sonnet": "a", "haiku": "c"})
    assert report.healthy, errors(report)
    assert sorted(r.model for r in server.posts()) == ["a", "b", "c"]
    assert {m.model: m.uses for m in report.models} == {
        "a": ["default", "sonnet", "fable"],
        "b": ["opus"],
        "c": ["haiku"],
    }


def test_provider_without_a_model_is_tried_with_one_that_is_offered(serve: Serve) -> None:
    server = serve(api(("claude-opus-5", "claude-haiku-4-5")))
    assert check(server.url, defaultModel="").healthy
    assert [r.model for r in server.posts()] == ["claude-haiku-4-5"]


def test_no_model_anywhere_is_reported(serve: Serve) -> None:
    assert errors(check(serve(api(())).url, defaultModel="")) == ["no-model"]
    assert errors(check(serve(api(())).url, defaultModel="", authToken="sk-other-9876543210")) == [
        "key"
    ]


def test_custom_headers_are_sent(serve: Serve) -> None:
    server = serve(api())
    headers = {"ANTHROPIC_CUSTOM_HEADERS": "X-Team: blue\nX-Secret: s3cr3t-abcdefgh"}
    assert check(server.url, env=headers).healthy
    assert all(r.headers["x-team"] == "blue" for r in server.requests)
