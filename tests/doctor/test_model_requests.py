"""Models that fail, quota, beta headers, and the models that a server lists."""

from __future__ import annotations

from typing import Any

import pytest

from cowork_env.core.provider import Provider
from cowork_env.doctor import checkup, classify

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
    free_port,
    silent_port,
)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, error("not_found_error", "model: claude-sonet-5")),
        (
            400,
            {
                "error": {
                    "message": "Invalid model name passed in model=claude-sonet-5. "
                    "Call `/v1/models`",
                    "code": "400",
                }
            },
        ),
        (400, error("invalid_request_error", "claude-sonet-5 is not a valid model ID")),
        (404, {"error": {"message": "No endpoints found for claude-sonet-5.", "code": 404}}),
        (
            503,
            {
                "error": {
                    "type": "new_api_error",
                    "code": "model_not_found",
                    "message": "No available channel",
                }
            },
        ),
    ],
)
def test_unknown_model_with_the_nearest_names(serve: Serve, status: int, body: Any) -> None:
    server = serve(api(("gpt-6", "claude-opus-5", MODEL), post=lambda _r: (status, body)))
    report = check(server.url, defaultModel="claude-sonet-5")
    assert errors(report) == ["model"]
    hint = the(report, "model").hint
    assert MODEL in hint and "gpt-6" not in hint


def test_nearest_name_with_a_vendor_prefix() -> None:
    offered = ["anthropic/claude-opus-5", "anthropic/claude-sonnet-5", "openai/gpt-6"]
    assert classify.nearest("claude-sonnet-5", offered)[0] == "anthropic/claude-sonnet-5"


def test_only_the_unknown_model_is_an_error(serve: Serve) -> None:
    report = check(serve(api()).url, models={"opus": "claude-opus-9"})
    assert (
        errors(report) == ["model"]
        and the(report, "model-ok")
        and "claude-opus-9 (opus)" in the(report, "model").message
    )
    assert {m.model: m.code for m in report.models} == {MODEL: "ok", "claude-opus-9": "model"}


def test_anthropic_404_for_a_model_that_is_not_listed_is_about_the_model(serve: Serve) -> None:
    report = check(
        serve(api(post=always(404, error("not_found_error", "Not Found")))).url,
        defaultModel="claude-sonet-5",
    )
    assert errors(report) == ["model"]


def test_model_that_the_key_is_not_permitted_to_use(serve: Serve) -> None:
    def post(request: Request) -> Response:
        denied = {
            "error": {
                "message": "key not allowed to access model.",
                "type": "key_model_access_denied",
                "code": "401",
            }
        }
        return (401, denied) if request.model == "a" else (200, MESSAGE)

    server = serve(api(("a", "b"), post=post))
    report = check(server.url, defaultModel="a", models={"opus": "b"})
    assert (
        errors(report) == ["model-denied"] and {m.model: m.code for m in report.models}["b"] == "ok"
    )
    assert all("x-api-key" not in r.headers for r in server.requests)


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (429, error("rate_limit_error", "slow down"), "quota"),
        (429, "<html>slow down</html>", "quota"),
        (402, {"error": {"message": "Insufficient credits"}}, "quota"),
        (400, error("invalid_request_error", "Your credit balance is too low"), "quota"),
        (529, error("overloaded_error", "Overloaded"), "overloaded"),
        (500, error("overloaded_error", "Overloaded"), "overloaded"),
        (500, error("api_error", "Internal"), "server"),
        (502, "<html>bad gateway</html>", "server"),
        (413, error("request_too_large", "too large"), "request"),
    ],
)
def test_quota_and_server_errors(serve: Serve, status: int, body: Any, code: str) -> None:
    assert errors(check(serve(api(post=always(status, body))).url)) == [code]


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (400, "Unexpected value(s) `claude-code-20250219` for the `anthropic-beta` header."),
        (400, "invalid beta flag"),
        (400, "Bad Request"),
        (403, "anthropic-beta is not allowed"),
        (422, "Unprocessable"),
    ],
)
def test_rejected_beta_header(serve: Serve, status: int, message: str) -> None:
    def post(request: Request) -> Response:
        refused = "context-management" in request.headers.get("anthropic-beta", "")
        return (status, error("invalid_request_error", message)) if refused else (200, MESSAGE)

    report = check(serve(api(post=post)).url)
    assert errors(report) == ["beta"]
    hint = the(report, "beta").hint
    assert "CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS=1" in hint and "INTERLEAVED" not in hint
    assert check(
        serve(api(post=post)).url, env={"CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS": "1"}
    ).healthy


@pytest.mark.parametrize(
    ("accepted", "hint"),
    [("claude-code-20250219", "DISABLE_INTERLEAVED_THINKING=1"), ("", "No setting")],
)
def test_beta_header_that_needs_more_options_or_has_none(
    serve: Serve, accepted: str, hint: str
) -> None:
    """CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS does not remove all values, so it may not suffice."""

    def post(request: Request) -> Response:
        sent = request.headers.get("anthropic-beta", "")
        return (
            (200, MESSAGE)
            if sent in (accepted, "")
            else (400, error("invalid_request_error", "invalid beta flag"))
        )

    report = check(serve(api(post=post)).url, env={"CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS": "1"})
    assert errors(report) == ["beta"] and hint in the(report, "beta").hint


def test_request_that_fails_without_the_beta_header_too(serve: Serve) -> None:
    server = serve(
        api(post=always(400, error("invalid_request_error", "bad anthropic-beta header")))
    )
    assert errors(check(server.url)) == ["request"]
    assert errors(check(server.url, env={"CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS": "1"})) == [
        "request"
    ]


def test_an_endpoint_offers_its_models_or_says_why_not(serve: Serve) -> None:
    server = serve(api(("a", "b"), style="x-api-key", prefix="/api"))

    def offer(url: str, auth: str = "bearer", timeout: float = 5) -> checkup.Offer:
        provider = Provider({"name": "P", "baseUrl": url, "auth": auth})
        return checkup.offer(provider, KEY, {}, timeout)

    assert offer(server.url + "/api/v1", "api-key").models == ["a", "b"]
    assert offer(server.url, "api-key").code == checkup.NO_LIST
    assert offer(server.url + "/api").code == "key-style"
    assert offer(f"http://127.0.0.1:{free_port()}").code == "refused"
    with silent_port() as port:
        assert offer(f"http://127.0.0.1:{port}", timeout=0.5).code == "timeout"
