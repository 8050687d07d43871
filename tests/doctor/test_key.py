"""Keys that a server rejects, or that cannot be sent."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from cowork_env.core import environment
from cowork_env.core.provider import Provider
from cowork_env.doctor import checkup
from cowork_env.doctor.findings import Report

from support.desktop_app import encrypt
from support.doctor import check, errors, inputs, listed, the
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
    listing,
)


def test_wrong_key(serve: Serve) -> None:
    server = serve(always(401, error("authentication_error", f"invalid key {KEY}")))
    report = check(server.url)
    assert errors(report) == ["key"] and "[...]" in the(report, "key").message
    # In the style that is set, and once in the other; to the same place.
    assert {
        tuple(sorted(r.headers.keys() & {"authorization", "x-api-key"})) for r in server.posts()
    } == {
        ("authorization",),
        ("x-api-key",),
    }
    assert len(server.posts()) == 2


def test_litellm_status_400_is_a_wrong_key(serve: Serve) -> None:
    body = {
        "error": {
            "message": "No connected db.",
            "type": "no_db_connection",
            "param": None,
            "code": "400",
        }
    }
    assert errors(check(serve(always(400, body)).url)) == ["key"]


@pytest.mark.parametrize(
    "body",
    [
        {"code": 401, "msg": "token expired", "success": False},
        {"code": 1001, "msg": "Authentication parameter not received in Header", "success": False},
    ],
)
def test_error_with_status_200_is_a_wrong_key(serve: Serve, body: Any) -> None:
    assert errors(check(serve(always(200, body)).url)) == ["key"]


@pytest.mark.parametrize(("style", "auth"), [("x-api-key", "bearer"), ("authorization", "api-key")])
@pytest.mark.parametrize(
    "refusal", [(401, "invalid key"), (400, "Missing {} header"), (403, "no key")]
)
def test_wrong_key_style(serve: Serve, refusal: tuple[int, str], style: str, auth: str) -> None:
    sound, (status, words) = api(style=style), refusal

    def behave(request: Request) -> Response:
        return (
            sound(request)
            if style in request.headers
            else (status, {"error": {"message": words.format(style)}})
        )

    other = "api-key" if auth == "bearer" else "bearer"
    report = check(serve(behave).url, auth=auth)
    assert errors(report) == ["key-style"] and f"--auth {other}" in the(report, "key-style").hint


def test_401_is_never_healthy_whatever_it_says(serve: Serve) -> None:
    for body in (MESSAGE, "<html>Login</html>", {}, listing(MODEL)):
        assert errors(check(serve(always(401, body)).url)) == ["key"]


def test_forbidden(serve: Serve) -> None:
    report = check(serve(always(403, error("permission_error", "Not from this country"))).url)
    assert (
        errors(report) == ["forbidden"]
        and "Not from this country" in the(report, "forbidden").message
    )


def test_key_with_characters_that_no_header_can_contain(serve: Serve) -> None:
    report = check(serve(api()).url, timeout=10, authToken="sk-schlüssel-€-abcdef")
    assert errors(report) == ["key"] and "schl" not in json.dumps(report.as_dict())


def test_key_that_cannot_be_fetched(serve: Serve) -> None:
    report = check(serve(api()).url, authToken="", authTokenFrom="env:NOT_THERE")
    assert errors(report) == ["secret"] and "NOT_THERE" in the(report, "secret").message


def test_nothing_of_another_provider_is_used(serve: Serve) -> None:
    """Neither a variable, as a key, nor what a connection is made with."""
    server = serve(api())
    active = {
        "name": "Active",
        "baseUrl": "https://a.example",
        "env": {"SHARED": KEY, "SSL_CERT_FILE": "/nonexistent/of-the-active-provider"},
    }
    target = environment.target(Provider(active), "sk-active", {})
    _, changes = environment.transition({}, "active", target)
    env = environment.applied({}, changes)
    assert env["SHARED"] == KEY
    report = check(server.url, env, authToken=None, authTokenFrom="env:SHARED")
    assert errors(report) == ["secret"] and server.requests == []
    assert errors(check(server.url, env)) == []
    provider = Provider({"name": "P", "baseUrl": server.url})
    assert checkup.offer(provider, KEY, env).models == [MODEL]
    # What the user had before the provider became active is the user's own.
    _, changes = environment.transition({"SHARED": KEY}, "active", target)
    env = environment.applied({"SHARED": KEY}, {**changes, "SHARED": changes.get("SHARED", KEY)})
    assert errors(check(server.url, env, authToken=None, authTokenFrom="env:SHARED")) == []


def test_a_key_that_the_app_has_encrypted(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether it can be read, without asking for it offline."""
    server, fixed = serve(api()), encrypt("sk-app", b"peanuts", "v10")

    def checked(token: str, online: bool = True) -> Report:
        options = checkup.Options(inputs(), online=online)
        entry = listed(baseUrl=server.url, authToken=token)
        return checkup.check_provider(entry, 0, options)

    assert the(checked(fixed), "encrypted").level == "ok"
    assert server.posts()[0].headers["authorization"] == "Bearer sk-app"
    found = the(checked(fixed, online=False), "encrypted")
    assert found.level == "note" and "was not asked" in found.message
    assert "no D-Bus session" in the(checked(encrypt("sk-app")), "secret").message
    # What is wrong with it in any case is known offline, too.
    monkeypatch.setattr(sys, "path", [])
    for online in (True, False):
        found = the(checked("ENC:v1:djEyAAAA", online), "secret")
        assert "desktop portal" in found.message and "key --keyring 'Under Test'" in found.hint
        found = the(checked(fixed, online), "secret")
        assert "package cryptography" in found.message and "install cryptography" in found.hint


@pytest.mark.parametrize("key", ["keyring:work/me", "op://a/b/c", "env:KEY", "cmd:true"])
def test_a_stored_key_that_looks_like_a_reference(serve: Serve, key: str) -> None:
    """It was typed into the app, which knows no references."""
    server = serve(api())
    for token in (key, encrypt(key, b"peanuts", "v10")):
        found = the(check(server.url, authToken=token), "reference")
        assert found.level == "warning" and key not in found.message + found.hint
        assert found.hint.endswith("cowork-env edit --token-from REFERENCE 'Under Test'")
        assert server.posts()[-1].headers.get("authorization", f"Bearer {key}") == f"Bearer {key}"
    found_codes = [f.code for f in check(server.url, authToken="sk-1").findings]
    assert "reference" not in found_codes and "encrypted" not in found_codes
