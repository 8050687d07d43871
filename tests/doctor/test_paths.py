"""Wrong paths, other formats and redirects."""

from __future__ import annotations

from typing import Any

import pytest

from cowork_env.doctor.codes import NOTE

from support.doctor import check, errors, the
from support.server import (
    KEY,
    MESSAGE,
    MODEL,
    Request,
    Response,
    Serve,
    always,
    api,
    error,
)


@pytest.mark.parametrize("ending", ["/v1", "/v1/messages", "/v1/v1"])
def test_wrong_path(serve: Serve, ending: str) -> None:
    server = serve(api())
    report = check(server.url + ending, verbatimBaseUrl=True)
    assert errors(report) == ["path"] and server.url + ";" in the(report, "path").hint
    # Other places were tried without the key.
    assert all(not r.key for r in server.posts() if r.path == "/v1/messages")


def test_path_that_is_repaired_on_export_is_healthy(serve: Serve) -> None:
    for ending in ("/v1", "/v1/", "/v1/messages"):
        report = check(serve(api()).url + ending)
        assert report.healthy and the(report, "url").level == NOTE


def test_missing_path(serve: Serve) -> None:
    server = serve(api(prefix="/api"))
    report = check(server.url)
    assert errors(report) == ["path"] and server.url + "/api;" in the(report, "path").hint


def test_litellm_url_with_v1(serve: Serve) -> None:
    def litellm(request: Request) -> Response:
        if request.path == "/v1/messages":
            none = {
                "error": {
                    "message": "No api key passed in.",
                    "type": "auth_error",
                    "param": "None",
                    "code": "401",
                }
            }
            return (200, MESSAGE) if request.key == KEY else (401, none)
        return 404, {"detail": "Not Found"}

    server = serve(litellm)
    report = check(server.url + "/v1", verbatimBaseUrl=True)
    assert errors(report) == ["path"] and server.url + ";" in the(report, "path").hint


def test_server_that_wants_a_key_for_any_path_reveals_no_path(serve: Serve) -> None:
    def behave(request: Request) -> Response:
        return (404, {"detail": "Not Found"}) if request.key == KEY else (401, {"detail": "No key"})

    report = check(serve(behave).url)
    assert errors(report) == ["path"] and "documentation" in the(report, "path").hint


def test_404_is_never_healthy(serve: Serve) -> None:
    for body in (
        "<html>Not Found</html>",
        {"detail": "Not Found"},
        error("not_found_error", "Not Found"),
        "",
    ):
        assert errors(check(serve(always(404, body)).url)) == ["path"]


@pytest.mark.parametrize("status", [200, 201])
def test_a_web_page_is_not_healthy(serve: Serve, status: int) -> None:
    assert errors(check(serve(always(status, "<!doctype html><title>Hi</title>")).url)) == ["html"]


def openai(request: Request) -> Response:
    if request.path.endswith("/v1/models"):
        return 200, {
            "object": "list",
            "data": [{"id": "gpt-6", "object": "model", "owned_by": "me"}],
        }
    if request.path == "/v1/chat/completions":
        return 401, {
            "error": {
                "message": "Bad key",
                "type": "invalid_request_error",
                "param": None,
                "code": "invalid_api_key",
            }
        }
    return 404, {
        "error": {
            "message": f"Invalid URL (POST {request.path})",
            "type": "x",
            "param": None,
            "code": None,
        }
    }


def test_openai_format_server(serve: Serve) -> None:
    url = serve(openai).url
    report = check(url)
    assert errors(report) == ["openai"] and "OpenAI" in the(report, "openai").message
    hint = the(report, "openai").hint
    assert f"litellm --host 127.0.0.1 --model hosted_vllm/{MODEL} --api_base {url}/v1;" in hint
    assert f"cowork-env add litellm --default-model hosted_vllm/{MODEL}" in hint


def test_openai_format_server_without_v1(serve: Serve) -> None:
    def behave(request: Request) -> Response:
        if request.path == "/chat/completions":
            request.path = "/v1/chat/completions"
            return openai(request)
        return 404, {"detail": "Not Found"}

    url = serve(behave).url
    assert f"--api_base {url};" in the(check(url), "openai").hint


def test_openai_format_server_is_recognized_by_its_list(serve: Serve) -> None:
    def behave(request: Request) -> Response:
        return (
            openai(request) if request.path.endswith("models") else (404, {"detail": "Not Found"})
        )

    assert errors(check(serve(behave).url)) == ["openai"]


def test_openai_format_server_without_a_list(serve: Serve) -> None:
    def behave(request: Request) -> Response:
        return (
            (404, {"detail": "Not Found"}) if request.path.endswith("models") else openai(request)
        )

    assert errors(check(serve(behave).url)) == ["openai"]


def test_openai_format_completion(serve: Serve) -> None:
    completion = {"id": "x", "object": "chat.completion", "choices": [], "usage": {}}
    assert errors(check(serve(always(200, completion)).url)) == ["openai"]


@pytest.mark.parametrize(
    "body", [{}, [], {"status": "ok"}, {"type": "message"}, None, 7, "plain text"]
)
def test_response_in_another_format_is_not_healthy(serve: Serve, body: Any) -> None:
    report = check(serve(always(200, body, {"content-type": "application/json"})).url)
    assert errors(report) == ["format"]


def test_a_redirect_elsewhere_is_not_followed(serve: Serve) -> None:
    other = serve(api())
    server = serve(lambda _r: (307, "", {"location": other.url + "/v1/messages?token=abc"}))
    report = check(server.url)
    assert errors(report) == ["redirect"] and str(other.port) in the(report, "redirect").message
    assert "abc" not in the(report, "redirect").message
    assert other.requests == []


def test_redirect_neither_shows_the_key_nor_counts_as_https(serve: Serve) -> None:
    report = check(serve(always(307, "", {"location": f"https://elsewhere.example/{KEY}/x"})).url)
    assert errors(report) == ["redirect"] and "elsewhere.example" in the(report, "redirect").message
    report = check(
        serve(always(307, "", {"location": "https://127.0.0.1:x@elsewhere.example/v1"})).url
    )
    assert errors(report) == ["redirect"]
