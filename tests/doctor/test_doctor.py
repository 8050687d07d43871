"""The doctor against real servers on loopback: each kind of failure is told apart, and no key gets out."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from cowork_env import doctor
from cowork_env.core.providers import Providers
from cowork_env.doctor import Report, judge, startup, transport

from support.home import Home, executable, need

KEY = "sk-marked-0123456789abcdef"
MODEL = "claude-sonnet-5"
MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": MODEL,
    "content": [{"type": "text", "text": "."}],
    "stop_reason": "max_tokens",
    "usage": {"input_tokens": 1, "output_tokens": 1},
}

Answer = tuple[int, Any] | tuple[int, Any, dict[str, str]]
Behaviour = Callable[["Request"], Answer]


class Request:
    """What a server was sent."""

    def __init__(self, method: str, path: str, headers: dict[str, str], body: Any) -> None:
        self.method, self.path, self.headers, self.body = (
            method,
            path.partition("?")[0],
            headers,
            body,
        )

    @property
    def model(self) -> str:
        return self.body.get("model", "") if isinstance(self.body, dict) else ""

    @property
    def key(self) -> str:
        return self.headers.get("x-api-key") or self.headers.get("authorization", "").removeprefix(
            "Bearer "
        )


class Server:
    """An HTTP server on a port of its own that answers as told, and records what it was sent."""

    def __init__(self, behaviour: Behaviour, context: ssl.SSLContext | None = None) -> None:
        self.requests: list[Request] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                pass

            def _answer(self) -> None:
                raw = self.rfile.read(int(self.headers.get("content-length") or 0))
                try:
                    body = json.loads(raw) if raw else None
                except ValueError:
                    body = raw
                request = Request(
                    self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body
                )
                outer.requests.append(request)
                status, content, *more = behaviour(request)
                text = content if isinstance(content, (str, bytes)) else json.dumps(content)
                data = text.encode() if isinstance(text, str) else text
                self.send_response(status)
                kind = (
                    "text/html; charset=utf-8" if isinstance(content, str) else "application/json"
                )
                for name, value in {"content-type": kind, **(more[0] if more else {})}.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_CONNECT = _answer  # noqa: N815

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                pass  # A client that breaks off is what some tests are about.

        self.server = Quiet(("127.0.0.1", 0), Handler)
        if context:
            self.server.socket = context.wrap_socket(
                self.server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port = self.server.server_address[1]
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self.port}"
        self.thread = threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(10)

    def posts(self) -> list[Request]:
        return [r for r in self.requests if r.method == "POST"]


Serve = Callable[..., Server]


@pytest.fixture
def serve() -> Iterator[Serve]:
    servers: list[Server] = []

    def start(behaviour: Behaviour, context: ssl.SSLContext | None = None) -> Server:
        servers.append(Server(behaviour, context))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def error(kind: str, message: str) -> dict[str, Any]:
    """An error in Anthropic's form."""
    return {"type": "error", "error": {"type": kind, "message": message}}


def listing(*names: str) -> dict[str, Any]:
    """A list of models in Anthropic's form."""
    return {
        "data": [{"type": "model", "id": n, "display_name": n} for n in names],
        "has_more": False,
    }


def api(
    models: tuple[str, ...] = (MODEL,),
    style: str = "authorization",
    prefix: str = "",
    post: Behaviour | None = None,
) -> Behaviour:
    """A sound Anthropic-format server; ``post`` answers Messages requests that got past path and key."""

    def behave(request: Request) -> Answer:
        path = request.path.removeprefix(prefix) if request.path.startswith(prefix) else ""
        if path not in ("/v1/messages", "/v1/models"):
            return 404, error("not_found_error", "Not Found")
        if style not in request.headers or request.key != KEY:
            return 401, error("authentication_error", "invalid x-api-key")
        if path == "/v1/models":
            return 200, listing(*models)
        if post:
            return post(request)
        if request.model not in models:
            return 404, error("not_found_error", f"model: {request.model}")
        return 200, {**MESSAGE, "model": request.model}

    return behave


def always(*answer: Any) -> Behaviour:
    return lambda _request: answer  # type: ignore[return-value]


def check(
    url: str, around: dict[str, str] | None = None, timeout: float = 20, **entry: Any
) -> Report:
    """The doctor's report on a provider with this URL."""
    whole = {"name": "Under Test", "baseUrl": url, "authToken": KEY, "defaultModel": MODEL, **entry}
    listed = Providers(json.dumps([whole]), "", "providers.json")
    report = doctor.examine(listed, 0, around or {}, "/nonexistent", timeout=timeout)
    shown = json.dumps(report.as_dict()) + "\n".join(doctor.lines(report)) + repr(report.findings)
    assert KEY not in shown and KEY[3:13] not in shown
    return report


def wrong(report: Report) -> list[str]:
    """The codes of what is wrong."""
    return [f.code for f in report.findings if f.level == doctor.ERROR]


def the(report: Report, code: str) -> doctor.Finding:
    """The one finding with that code."""
    (found,) = [f for f in report.findings if f.code == code]
    return found


# Healthy


def test_a_sound_server_is_healthy(serve: Serve) -> None:
    server = serve(api())
    report = check(server.url)
    assert report.healthy and wrong(report) == []
    assert report.offered == [MODEL] and report.latency is not None
    (post,) = server.posts()
    assert post.path == "/v1/messages" and post.body["max_tokens"] == 1
    assert post.headers["authorization"] == f"Bearer {KEY}" and "x-api-key" not in post.headers


def test_the_key_is_sent_as_it_would_be_exported(serve: Serve) -> None:
    server = serve(api(style="x-api-key", prefix="/api"))
    assert check(server.url + "/api/v1/", auth="api-key").healthy
    assert all(
        "authorization" not in r.headers and r.path.startswith("/api/v1/m") for r in server.requests
    )


def test_one_request_for_each_distinct_model_side_by_side(serve: Serve) -> None:
    together = threading.Barrier(2)

    def post(request: Request) -> Answer:
        if request.model != "a":  # The first goes ahead alone, for what is wrong with all of them.
            together.wait(10)
        return 200, MESSAGE

    server = serve(api(("a", "b", "c"), post=post))
    report = check(server.url, defaultModel="a", models={"opus": "b", "sonnet": "a", "haiku": "c"})
    assert report.healthy, wrong(report)
    assert sorted(r.model for r in server.posts()) == ["a", "b", "c"]
    assert {m.model: m.uses for m in report.models} == {
        "a": ["default", "sonnet", "fable"],
        "b": ["opus"],
        "c": ["haiku"],
    }


def test_without_a_model_of_its_own_an_offered_one_is_tried(serve: Serve) -> None:
    server = serve(api(("claude-opus-5", "claude-haiku-4-5")))
    assert check(server.url, defaultModel="").healthy
    assert [r.model for r in server.posts()] == ["claude-haiku-4-5"]


def test_without_any_model_it_says_so(serve: Serve) -> None:
    assert wrong(check(serve(api(())).url, defaultModel="")) == ["no-model"]
    assert wrong(check(serve(api(())).url, defaultModel="", authToken="sk-other-9876543210")) == [
        "key"
    ]


def test_custom_headers_and_extra_variables_count(serve: Serve) -> None:
    server = serve(api())
    headers = {"ANTHROPIC_CUSTOM_HEADERS": "X-Team: blue\nX-Secret: s3cr3t-abcdefgh"}
    assert check(server.url, env=headers).healthy
    assert all(r.headers["x-team"] == "blue" for r in server.requests)


# The way there


def test_a_name_that_is_not_known() -> None:
    report = check("https://no-such-host.invalid")
    assert wrong(report) == ["dns"] and "no-such-host.invalid" in the(report, "dns").message


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_refused() -> None:
    assert wrong(check(f"http://127.0.0.1:{free_port()}")) == ["refused"]


@contextlib.contextmanager
def blackhole() -> Iterator[int]:
    """A listener that takes connections and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(16)
        yield listener.getsockname()[1]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_timed_out(scheme: str) -> None:
    with blackhole() as port:
        assert wrong(check(f"{scheme}://127.0.0.1:{port}", timeout=1)) == ["timeout"]


def test_an_answer_that_drips_is_timed_out() -> None:
    over = threading.Event()
    with blackhole_socket() as listener:

        def drip() -> None:
            connections = []
            with contextlib.suppress(OSError):
                while not over.is_set():
                    listener.settimeout(0.05)
                    with contextlib.suppress(TimeoutError):
                        connections.append(listener.accept()[0])
                    for connection in connections:
                        with contextlib.suppress(OSError):
                            connection.sendall(
                                b"H"
                                if over.is_set()
                                else b"X-A: b\r\n"
                                if drip.begun
                                else b"HTTP/1.1 200 OK\r\n"
                            )  # type: ignore[attr-defined]
                    drip.begun = bool(connections)  # type: ignore[attr-defined]
            for connection in connections:
                connection.close()

        drip.begun = False  # type: ignore[attr-defined]
        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        try:
            assert wrong(check(f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=1))[0] in (
                "timeout",
                "broken",
            )
        finally:
            over.set()
            thread.join(10)


@contextlib.contextmanager
def blackhole_socket() -> Iterator[socket.socket]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(16)
        yield listener


def test_a_connection_that_breaks_off() -> None:
    with blackhole_socket() as listener:

        def slam() -> None:
            with contextlib.suppress(OSError):
                while True:
                    listener.accept()[0].close()

        thread = threading.Thread(target=slam, daemon=True)
        thread.start()
        assert wrong(check(f"http://127.0.0.1:{listener.getsockname()[1]}")) == ["broken"]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)


# TLS


def openssl(*arguments: str) -> None:
    subprocess.run([need("openssl"), *arguments], check=True, capture_output=True, timeout=60)


def self_made(folder: Path, names: str) -> tuple[str, str]:
    """A self-made certificate for those names, and its key."""
    made, key = str(folder / "cert.pem"), str(folder / "key.pem")
    openssl(
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
        "-keyout",
        key,
        "-out",
        made,
        "-subj",
        "/CN=localhost",
        "-addext",
        f"subjectAltName={names}",
    )
    return made, key


def serving(certificate: tuple[str, str]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A certificate for this machine."""
    return self_made(tmp_path_factory.mktemp("tls"), "IP:127.0.0.1,DNS:localhost")


@pytest.fixture
def tls(certificate: tuple[str, str]) -> ssl.SSLContext:
    return serving(certificate)


def test_a_bad_certificate(serve: Serve, tls: ssl.SSLContext) -> None:
    server = serve(api(), tls)
    report = check(server.url)
    assert wrong(report) == ["certificate"] and "self" in the(report, "certificate").message
    assert server.requests == []


@pytest.mark.parametrize("variable", ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"])
def test_an_authority_of_ones_own(
    serve: Serve, tls: ssl.SSLContext, certificate: tuple[str, str], variable: str
) -> None:
    assert check(serve(api(), tls).url, around={variable: certificate[0]}).healthy


def test_a_certificate_for_another_name(serve: Serve, tmp_path: Path) -> None:
    foreign = self_made(tmp_path, "DNS:other.example")
    report = check(serve(api(), serving(foreign)).url, around={"SSL_CERT_FILE": foreign[0]})
    assert wrong(report) == ["certificate"]
    # An authority's file would be of no use here.
    assert (
        "mismatch" in the(report, "certificate").message
        and "CA_CERTS" not in the(report, "certificate").hint
    )


def test_a_certificate_that_has_expired(serve: Serve, tmp_path: Path) -> None:
    made, key = self_made(tmp_path, "IP:127.0.0.1")
    (tmp_path / "index").touch()
    (tmp_path / "config").write_text(
        f"[ca]\ndefault_ca = d\n[d]\ndatabase = {tmp_path}/index\nnew_certs_dir = {tmp_path}\nrand_serial = yes\n"
        "default_md = sha256\npolicy = p\nx509_extensions = e\n[p]\ncommonName = supplied\n[e]\nsubjectAltName = IP:127.0.0.1\n"
    )
    old, day = str(tmp_path / "old.pem"), "200{}0101000000Z"
    openssl(
        "ca",
        "-batch",
        "-notext",
        "-config",
        str(tmp_path / "config"),
        "-cert",
        made,
        "-keyfile",
        key,
        "-ss_cert",
        made,
        "-subj",
        "/CN=old",
        "-out",
        old,
        "-startdate",
        day.format(1),
        "-enddate",
        day.format(2),
    )
    report = check(serve(api(), serving((old, key))).url, around={"SSL_CERT_FILE": made})
    assert wrong(report) == ["certificate"] and "expired" in the(report, "certificate").message
    assert "renewed" in the(report, "certificate").hint


def test_an_authority_file_that_is_not_there() -> None:
    report = check("https://127.0.0.1:1", around={"NODE_EXTRA_CA_CERTS": "/nonexistent/ca.pem"})
    assert wrong(report) == ["ca-file"] and "NODE_EXTRA_CA_CERTS" in the(report, "ca-file").message


def test_plain_http_where_https_is_wanted(serve: Serve, tls: ssl.SSLContext) -> None:
    server = serve(api(), tls)
    report = check(server.url.replace("https", "http"))
    assert wrong(report) == ["https-wanted"]
    assert server.requests == []


@pytest.mark.parametrize(
    "words",
    [
        "Client sent an HTTP request to an HTTPS server.\n",
        "<html>The plain HTTP request was sent to HTTPS port</html>",
    ],
)
def test_a_server_that_says_it_wants_https(serve: Serve, words: str) -> None:
    assert wrong(check(serve(always(400, words)).url)) == ["https-wanted"]


def test_a_redirect_to_https_is_not_followed(serve: Serve, tls: ssl.SSLContext) -> None:
    secure = serve(api(), tls)
    server = serve(lambda r: (301, "", {"location": secure.url + r.path}))
    assert wrong(check(server.url)) == ["https-wanted"]
    assert secure.requests == []


def test_https_where_the_server_speaks_plain_http(serve: Serve) -> None:
    server = serve(api())
    report = check(server.url.replace("http", "https"))
    assert wrong(report) == ["not-tls"] and "plain http" in the(report, "not-tls").message


# Proxies


def test_a_proxy_that_refuses_to_connect(serve: Serve) -> None:
    proxy = serve(always(407, "no"))
    report = check(
        "https://api.example.com",
        around={"HTTPS_PROXY": proxy.url.replace("//", "//user:pass-word-1@")},
    )
    assert wrong(report) == ["proxy-refused"] and "407" in the(report, "proxy-refused").message
    assert "pass-word-1" not in json.dumps(report.as_dict())
    assert (
        all(r.method == "CONNECT" and KEY not in str(r.headers) for r in proxy.requests)
        and proxy.requests
    )


def test_a_proxy_that_cannot_be_reached() -> None:
    env = {"https_proxy": f"http://127.0.0.1:{free_port()}"}
    assert wrong(check("https://api.example.com", around=env)) == ["proxy-unreachable"]


def test_a_local_provider_behind_a_proxy_is_asked_past_it(serve: Serve) -> None:
    proxy, server = serve(always(403, "<html>blocked</html>")), serve(api())
    report = check(server.url, around={"HTTP_PROXY": proxy.url})
    assert wrong(report) == ["proxy-loopback"] and "NO_PROXY" in the(report, "proxy-loopback").hint
    assert proxy.requests == [] and len(server.posts()) == 1
    assert check(server.url, around={"HTTP_PROXY": proxy.url, "NO_PROXY": "127.0.0.1"}).healthy


def test_a_key_is_not_given_to_a_proxy_in_the_clear(serve: Serve) -> None:
    proxy = serve(always(502, "<html>bad gateway</html>"))
    report = check(
        "http://gateway.example.com", around={"HTTP_PROXY": proxy.url}, allowInsecure=True
    )
    assert wrong(report) == ["proxy-plain"]
    assert proxy.requests == []


def test_only_the_environment_of_the_provider_counts(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    proxy, server = serve(always(403, "<html>no</html>")), serve(api())
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password elsewhere\n")
    (tmp_path / "netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    assert check(server.url).healthy
    assert proxy.requests == []


def test_a_proxy_of_a_kind_that_cannot_be_used() -> None:
    report = check("https://api.example.com", around={"HTTPS_PROXY": "gopher://127.0.0.1:1"})
    assert wrong(report) == ["proxy-form"]


# Paths and formats


@pytest.mark.parametrize("ending", ["/v1", "/v1/messages", "/v1/v1"])
def test_a_wrong_path(serve: Serve, ending: str) -> None:
    server = serve(api())
    report = check(server.url + ending, verbatimBaseUrl=True)
    assert wrong(report) == ["path"] and server.url + ";" in the(report, "path").hint
    # Where it might be was asked without the key.
    assert all(not r.key for r in server.posts() if r.path == "/v1/messages")


def test_an_ending_that_is_repaired_on_export_is_healthy(serve: Serve) -> None:
    for ending in ("/v1", "/v1/", "/v1/messages"):
        report = check(serve(api()).url + ending)
        assert report.healthy and the(report, "url").level == doctor.NOTE


def test_a_path_that_is_missing(serve: Serve) -> None:
    server = serve(api(prefix="/api"))
    report = check(server.url)
    assert wrong(report) == ["path"] and server.url + "/api;" in the(report, "path").hint


def test_litellm_with_v1(serve: Serve) -> None:
    def litellm(request: Request) -> Answer:
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
    assert wrong(report) == ["path"] and server.url + ";" in the(report, "path").hint


def test_a_server_that_wants_a_key_for_any_path_tells_nothing(serve: Serve) -> None:
    def behave(request: Request) -> Answer:
        return (404, {"detail": "Not Found"}) if request.key == KEY else (401, {"detail": "No key"})

    report = check(serve(behave).url)
    assert wrong(report) == ["path"] and "documentation" in the(report, "path").hint


def test_404_is_never_healthy(serve: Serve) -> None:
    for body in (
        "<html>Not Found</html>",
        {"detail": "Not Found"},
        error("not_found_error", "Not Found"),
        "",
    ):
        assert wrong(check(serve(always(404, body)).url)) == ["path"]


@pytest.mark.parametrize("status", [200, 201])
def test_a_web_page_is_not_healthy(serve: Serve, status: int) -> None:
    assert wrong(check(serve(always(status, "<!doctype html><title>Hi</title>")).url)) == ["html"]


def openai(request: Request) -> Answer:
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


def test_an_openai_format_server_is_named(serve: Serve) -> None:
    report = check(serve(openai).url)
    assert wrong(report) == ["openai"] and "OpenAI" in the(report, "openai").message


def test_an_openai_format_server_is_known_by_its_list(serve: Serve) -> None:
    def behave(request: Request) -> Answer:
        return (
            openai(request) if request.path.endswith("models") else (404, {"detail": "Not Found"})
        )

    assert wrong(check(serve(behave).url)) == ["openai"]


def test_an_openai_format_server_without_a_list(serve: Serve) -> None:
    def behave(request: Request) -> Answer:
        return (
            (404, {"detail": "Not Found"}) if request.path.endswith("models") else openai(request)
        )

    assert wrong(check(serve(behave).url)) == ["openai"]


def test_a_completion_in_openai_format_is_named(serve: Serve) -> None:
    completion = {"id": "x", "object": "chat.completion", "choices": [], "usage": {}}
    assert wrong(check(serve(always(200, completion)).url)) == ["openai"]


@pytest.mark.parametrize(
    "body", [{}, [], {"status": "ok"}, {"type": "message"}, None, 7, "plain text"]
)
def test_an_answer_of_another_form_is_not_healthy(serve: Serve, body: Any) -> None:
    report = check(serve(always(200, body, {"content-type": "application/json"})).url)
    assert wrong(report) == ["format"]


def test_a_redirect_elsewhere_is_not_followed(serve: Serve) -> None:
    other = serve(api())
    server = serve(lambda _r: (307, "", {"location": other.url + "/v1/messages?token=abc"}))
    report = check(server.url)
    assert wrong(report) == ["redirect"] and str(other.port) in the(report, "redirect").message
    assert "abc" not in the(report, "redirect").message
    assert other.requests == []


def test_a_redirect_cannot_show_the_key_nor_pass_for_https(serve: Serve) -> None:
    report = check(serve(always(307, "", {"location": f"https://elsewhere.example/{KEY}/x"})).url)
    assert wrong(report) == ["redirect"] and "elsewhere.example" in the(report, "redirect").message
    report = check(
        serve(always(307, "", {"location": "https://127.0.0.1:x@elsewhere.example/v1"})).url
    )
    assert wrong(report) == ["redirect"]


# Keys


def test_a_wrong_key(serve: Serve) -> None:
    server = serve(always(401, error("authentication_error", f"invalid key {KEY}")))
    report = check(server.url)
    assert wrong(report) == ["key"] and "[...]" in the(report, "key").message
    # In the style that is set, and once in the other; to the same place.
    assert {
        tuple(sorted(r.headers.keys() & {"authorization", "x-api-key"})) for r in server.posts()
    } == {
        ("authorization",),
        ("x-api-key",),
    }
    assert len(server.posts()) == 2


def test_litellms_400_is_a_wrong_key(serve: Serve) -> None:
    body = {
        "error": {
            "message": "No connected db.",
            "type": "no_db_connection",
            "param": None,
            "code": "400",
        }
    }
    assert wrong(check(serve(always(400, body)).url)) == ["key"]


@pytest.mark.parametrize(
    "body",
    [
        {"code": 401, "msg": "token expired", "success": False},
        {"code": 1001, "msg": "Authentication parameter not received in Header", "success": False},
    ],
)
def test_an_error_under_a_good_status_is_a_wrong_key(serve: Serve, body: Any) -> None:
    assert wrong(check(serve(always(200, body)).url)) == ["key"]


@pytest.mark.parametrize(("style", "auth"), [("x-api-key", "bearer"), ("authorization", "api-key")])
@pytest.mark.parametrize(
    "refusal", [(401, "invalid key"), (400, "Missing {} header"), (403, "no key")]
)
def test_a_wrong_key_style(serve: Serve, refusal: tuple[int, str], style: str, auth: str) -> None:
    sound, (status, words) = api(style=style), refusal

    def behave(request: Request) -> Answer:
        return (
            sound(request)
            if style in request.headers
            else (status, {"error": {"message": words.format(style)}})
        )

    other = "api-key" if auth == "bearer" else "bearer"
    report = check(serve(behave).url, auth=auth)
    assert wrong(report) == ["key-style"] and f"--auth {other}" in the(report, "key-style").hint


def test_401_is_never_healthy_whatever_it_says(serve: Serve) -> None:
    for body in (MESSAGE, "<html>Login</html>", {}, listing(MODEL)):
        assert wrong(check(serve(always(401, body)).url)) == ["key"]


def test_forbidden(serve: Serve) -> None:
    report = check(serve(always(403, error("permission_error", "Not from this country"))).url)
    assert (
        wrong(report) == ["forbidden"]
        and "Not from this country" in the(report, "forbidden").message
    )


def test_a_key_that_no_header_can_carry(serve: Serve) -> None:
    server = serve(api())
    whole = {
        "name": "U",
        "baseUrl": server.url,
        "authToken": "sk-schlüssel-€-abcdef",
        "defaultModel": MODEL,
    }
    report = doctor.examine(
        Providers(json.dumps([whole]), "", "x"), 0, {}, "/nonexistent", timeout=10
    )
    assert wrong(report) == ["key"] and "schl" not in json.dumps(report.as_dict())


def test_a_key_that_cannot_be_had_is_said(serve: Serve) -> None:
    report = check(serve(api()).url, authToken="", authTokenFrom="env:NOT_THERE")
    assert wrong(report) == ["secret"] and "NOT_THERE" in the(report, "secret").message


# Models


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, error("not_found_error", "model: claude-sonet-5")),
        (
            400,
            {
                "error": {
                    "message": "Invalid model name passed in model=claude-sonet-5. Call `/v1/models`",
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
def test_an_unknown_model_with_the_nearest(serve: Serve, status: int, body: Any) -> None:
    server = serve(api(("gpt-6", "claude-opus-5", MODEL), post=lambda _r: (status, body)))
    report = check(server.url, defaultModel="claude-sonet-5")
    assert wrong(report) == ["model"]
    hint = the(report, "model").hint
    assert MODEL in hint and "gpt-6" not in hint


def test_a_model_named_as_another_vendor_does() -> None:
    offered = ["anthropic/claude-opus-5", "anthropic/claude-sonnet-5", "openai/gpt-6"]
    assert judge.nearest("claude-sonnet-5", offered)[0] == "anthropic/claude-sonnet-5"


def test_only_the_unknown_model_is_wrong(serve: Serve) -> None:
    report = check(serve(api()).url, models={"opus": "claude-opus-9"})
    assert (
        wrong(report) == ["model"]
        and the(report, "model-ok")
        and "claude-opus-9 (opus)" in the(report, "model").message
    )
    assert {m.model: m.code for m in report.models} == {MODEL: "ok", "claude-opus-9": "model"}


def test_a_404_in_anthropics_form_is_about_the_model_where_the_list_lacks_it(serve: Serve) -> None:
    report = check(
        serve(api(post=always(404, error("not_found_error", "Not Found")))).url,
        defaultModel="claude-sonet-5",
    )
    assert wrong(report) == ["model"]


def test_a_model_that_the_key_may_not_use(serve: Serve) -> None:
    def post(request: Request) -> Answer:
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
        wrong(report) == ["model-denied"] and {m.model: m.code for m in report.models}["b"] == "ok"
    )
    assert all("x-api-key" not in r.headers for r in server.requests)


# Quota, load, beta headers


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
def test_quota_and_load(serve: Serve, status: int, body: Any, code: str) -> None:
    assert wrong(check(serve(api(post=always(status, body))).url)) == [code]


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
def test_beta_headers_refused(serve: Serve, status: int, message: str) -> None:
    def post(request: Request) -> Answer:
        refused = "context-management" in request.headers.get("anthropic-beta", "")
        return (status, error("invalid_request_error", message)) if refused else (200, MESSAGE)

    report = check(serve(api(post=post)).url)
    assert wrong(report) == ["beta"]
    hint = the(report, "beta").hint
    assert "CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS=1" in hint and "INTERLEAVED" not in hint
    assert check(
        serve(api(post=post)).url, env={"CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS": "1"}
    ).healthy


@pytest.mark.parametrize(
    ("accepted", "hint"),
    [("claude-code-20250219", "DISABLE_INTERLEAVED_THINKING=1"), ("", "No setting")],
)
def test_beta_headers_that_take_more_or_cannot_be_left_out(
    serve: Serve, accepted: str, hint: str
) -> None:
    """CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS leaves some of them there, and it would be no help to name it alone."""

    def post(request: Request) -> Answer:
        sent = request.headers.get("anthropic-beta", "")
        return (
            (200, MESSAGE)
            if sent in (accepted, "")
            else (400, error("invalid_request_error", "invalid beta flag"))
        )

    report = check(serve(api(post=post)).url, env={"CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS": "1"})
    assert wrong(report) == ["beta"] and hint in the(report, "beta").hint


def test_it_is_not_the_beta_headers_where_their_absence_changes_nothing(serve: Serve) -> None:
    server = serve(
        api(post=always(400, error("invalid_request_error", "bad anthropic-beta header")))
    )
    assert wrong(check(server.url)) == ["request"]
    assert wrong(check(server.url, env={"CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS": "1"})) == [
        "request"
    ]


# Hostile answers


def test_a_key_cannot_come_back_as_a_models_name(serve: Serve) -> None:
    report = check(serve(api(("claude-opus-5", f"claude-{KEY}"))).url)
    assert wrong(report) == ["model"] and report.offered == ["claude-opus-5"]
    named = judge.model_names(
        transport.Reply(200, "", "", json.dumps(listing("ollama/claude")).encode(), 1), "ollama"
    )
    assert named[0] == ["ollama/claude"]


@pytest.mark.parametrize("coding", ["gzip", "gzip, gzip"])
def test_a_body_that_unpacks_to_gigabytes_is_cut_off(serve: Serve, coding: str) -> None:
    """In a process of its own, whose memory is limited."""
    packed = gzip.compress(b" " * (64 << 20))
    for _ in range(coding.count("gzip") - 1):
        packed = gzip.compress(packed * 16)
    server = serve(
        always(200, packed, {"content-encoding": coding, "content-type": "application/json"})
    )
    program = (
        "import resource, sys; from cowork_env.doctor import transport\n"
        "line = transport.Line(sys.argv[1], {}, 30)\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "reply = line.call('POST', '/v1/messages', {}, {})\n"
        "grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before\n"
        "print(reply.status, len(reply.body) <= transport.MAX_BODY, grown)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, server.url], capture_output=True, text=True, timeout=60
    )
    status, cut, grown = done.stdout.split()
    assert (status, cut) == ("200", "True"), done.stderr
    assert int(grown) < (32 << 20) / (1 if sys.platform == "darwin" else 1024)


def test_a_packed_answer_is_read(serve: Serve) -> None:
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
    text = "\n".join(doctor.lines(report)) + "".join(f.message for f in report.findings)
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
def test_an_odd_body_is_only_another_form(serve: Serve, body: str) -> None:
    report = check(serve(always(200, body, {"content-type": "application/json"})).url)
    assert wrong(report) == ["format"]


def test_scrubbing_hides_every_piece_of_a_key() -> None:
    for start in range(len(KEY) - 8):
        piece = KEY[start : start + 8]
        assert piece not in judge.scrub(f"key {piece}! (begins with {piece})", [KEY])
    assert judge.scrub("nothing to hide", [KEY, ""]) == "nothing to hide"
    assert judge.scrub("short abc here", ["abc"]) == "short [...] here"


def test_side_by_side_keeps_the_order_and_hands_errors_on() -> None:
    assert transport.side_by_side([lambda n=n: n for n in range(50)], 4) == list(range(50))

    def fail() -> int:
        raise ValueError

    with pytest.raises(ValueError):
        transport.side_by_side([fail, lambda: 1])


# The models that add offers, and its check at the end


def test_list_models(serve: Serve) -> None:
    server = serve(api(("a", "b"), style="x-api-key", prefix="/api"))
    assert doctor.list_models(server.url + "/api/v1", KEY, "api-key") == ["a", "b"]
    assert doctor.list_models(server.url, KEY, "api-key") == []
    assert doctor.list_models(server.url + "/api", KEY, "bearer") == []
    assert doctor.list_models(f"http://127.0.0.1:{free_port()}", KEY, "bearer") == []
    assert doctor.list_models("not a url", KEY, "bearer") == []
    with blackhole() as port:
        assert doctor.list_models(f"http://127.0.0.1:{port}", KEY, "bearer", timeout=0.5) == []


def test_the_check_after_add(serve: Serve, capsys: pytest.CaptureFixture[str]) -> None:
    def run(url: str, **more: Any) -> bool:
        entry = {"name": "New", "baseUrl": url, "authToken": KEY, "defaultModel": MODEL, **more}
        return doctor.check_after_add(
            Providers(json.dumps([entry]), "", "x"), 0, {}, "/nonexistent"
        )

    assert run(serve(api()).url)
    assert not run(f"http://127.0.0.1:{free_port()}")
    assert run("", authToken="", env={"CLAUDE_CODE_USE_BEDROCK": "1"})
    out, err = capsys.readouterr()
    assert out == "" and KEY not in err and "New: not tried\n" in err
    assert (
        "New: works\n" in err
        and "New: does not work yet\n" in err
        and "refused the connection" in err
    )


# The command


class Done:
    def __init__(self, status: int, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err
        assert KEY not in out + err and "Traceback" not in err

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.out)  # type: ignore[no-any-return]


def run(home: Home, *arguments: str, cwd: Path | None = None, **env: str) -> Done:
    done = subprocess.run(
        [executable(), "doctor", *arguments],
        env={**home.env, **env},
        cwd=cwd or home.path,
        capture_output=True,
        text=True,
        timeout=100,
        stdin=subprocess.DEVNULL,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def entry(name: str, url: str, **more: Any) -> dict[str, Any]:
    return {
        "id": f"id-{name}",
        "name": name,
        "baseUrl": url,
        "authToken": KEY,
        "defaultModel": MODEL,
        **more,
    }


def codes(done: Done, level: str = "error") -> list[str]:
    return [f["code"] for f in done.json["findings"] if f["level"] == level]


def test_the_command_on_a_sound_provider(home: Home, serve: Serve) -> None:
    home.providers([entry("Good", serve(api()).url)])
    done = run(home, "good")
    assert done.status == 0 and "Healthy." in done.out and done.err == ""


def test_the_command_on_a_broken_provider(home: Home) -> None:
    home.providers([entry("Bad", f"http://127.0.0.1:{free_port()}")])
    done = run(home, "Bad")
    assert done.status == 1 and "refused" in done.out


def test_json_has_its_shape(home: Home, serve: Serve) -> None:
    home.providers(
        [entry("Good", serve(api()).url + "/v1"), entry("Bad", f"http://127.0.0.1:{free_port()}")]
    )
    done = run(home, "--all", "--json")
    assert done.status == 1
    document = done.json
    assert document.keys() == {"version", "healthy", "repaired", "findings", "providers"}
    assert document["version"] == 1 and document["healthy"] is False
    good, bad = document["providers"]
    assert good.keys() == {
        "name",
        "id",
        "base_url",
        "auth",
        "healthy",
        "checked_online",
        "latency_ms",
        "models",
        "offered_models",
        "findings",
    }
    assert (
        good["healthy"]
        and isinstance(good["latency_ms"], int)
        and good["offered_models"] == [MODEL]
    )
    assert good["models"][0].keys() == {"model", "uses", "result", "latency_ms"}
    assert good["findings"][0].keys() == {"level", "code", "message", "hint", "where", "fixable"}
    assert not bad["healthy"] and bad["latency_ms"] is None


def test_all_is_side_by_side_with_a_table(home: Home, serve: Serve) -> None:
    together = threading.Barrier(3)

    def post(_request: Request) -> Answer:
        together.wait(20)
        return 200, MESSAGE

    home.providers(
        [entry(f"P{n}", serve(api(post=post)).url) for n in range(3)]
        + [entry("Bad", "http://127.0.0.1:1")]
    )
    done = run(home, "--all")
    assert done.status == 1
    table = [
        line.split() for line in done.out.splitlines() if line.startswith(("P0", "P1", "P2", "Bad"))
    ]
    assert [row[:2] for row in table if len(row) > 3] == [
        ["P0", "works"],
        ["P1", "works"],
        ["P2", "works"],
        ["Bad", "refused"],
    ]
    assert " ms " in done.out


def test_offline_asks_nobody_and_fetches_no_key(home: Home, serve: Serve, tmp_path: Path) -> None:
    server, trace = serve(api()), tmp_path / "ran"
    home.providers([entry("Good", server.url, authToken=None, authTokenFrom=f"cmd:touch {trace}")])
    done = run(home, "--all", "--offline")
    assert done.status == 0 and server.requests == [] and not trace.exists()


def test_another_broken_entry_does_not_make_this_one_unhealthy(home: Home, serve: Serve) -> None:
    home.providers([entry("Good", serve(api()).url), entry("Bad", "ftp://x")])
    assert run(home, "Good").status == 0
    assert run(home, "--offline").status == 1


def test_offline_needs_no_http_library(home: Home) -> None:
    code = "import sys, cowork_env.cli.doctor as d, cowork_env.doctor.local; sys.exit('httpx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env=home.env, timeout=60).returncode == 0


def test_an_unknown_name_and_a_contradiction(home: Home) -> None:
    home.providers()
    assert run(home, "openruter", "--offline").status == 1
    assert run(home, "openrouter", "--all").status == 2


def test_permissions_are_repaired_after_showing(home: Home) -> None:
    path = home.providers()
    path.chmod(0o644)
    home.state.mkdir(parents=True)
    home.state.chmod(0o755)
    done = run(home, "--offline", "--json")
    assert done.status == 1 and codes(done).count("permissions") == 2
    assert path.stat().st_mode & 0o777 == 0o644
    done = run(home, "--offline", "--json", "--fix")
    assert "chmod 600" in done.err and codes(done) == [] and done.status == 0
    assert path.stat().st_mode & 0o777 == 0o600 and home.state.stat().st_mode & 0o777 == 0o700


def test_a_url_is_repaired(home: Home, serve: Serve) -> None:
    path = home.providers(
        [entry("Good", serve(api()).url + "/v1", verbatimBaseUrl=True, ours={"kept": 1})]
    )
    done = run(home, "Good", "--fix")
    assert done.status == 0 and "To repair:" in done.err and "verbatimBaseUrl" in done.err
    (written,) = json.loads(path.read_text())
    assert "verbatimBaseUrl" not in written and written["ours"] == {"kept": 1}


def test_the_key_style_is_repaired(home: Home, serve: Serve) -> None:
    path = home.providers([entry("So Good", serve(api(style="x-api-key")).url)])
    done = run(home, "So Good")
    assert done.status == 1 and "cowork-env doctor 'So Good' --fix" in done.out
    assert run(home, "So Good", "--fix").status == 0
    assert json.loads(path.read_text())[0]["auth"] == "api-key"


@pytest.mark.parametrize("attempt", range(5))  # the signal may reach any thread
def test_ctrl_c_ends_it_at_once(home: Home, attempt: int) -> None:
    import pexpect

    with blackhole() as port:
        home.providers([entry("Hole", f"http://127.0.0.1:{port}")])
        child = pexpect.spawn(
            executable(), ["doctor", "hole", "--timeout", "60"], env=home.env, timeout=20
        )
        try:
            child.expect("connection")
            child.sendintr()
            child.expect(pexpect.EOF)
        finally:
            child.close(force=True)
        assert child.exitstatus == 130


def test_keys_that_a_tool_fetches(home: Home, serve: Serve) -> None:
    """The tools are run by the main thread, which is the one that signals reach."""
    url = serve(api()).url
    entries = [
        entry(name, url, authTokenFrom=f"cmd:{tool}")
        for name, tool in (("Good", f"echo {KEY}"), ("Bad", "false"))
    ]
    home.providers([{k: v for k, v in e.items() if k != "authToken"} for e in entries])
    done = run(home, "--all", "--json")
    good, bad = done.json["providers"]
    assert good["healthy"] and good["checked_online"]
    assert [f["code"] for f in bad["findings"] if f["level"] == "error"] == ["secret"]


def test_ctrl_c_ends_a_tool_that_fetches_a_key(home: Home) -> None:
    import pexpect

    home.providers(
        [
            {
                "name": "Slow",
                "baseUrl": "http://127.0.0.1:1",
                "authTokenFrom": "cmd:sh -c 'echo $$ >asked; exec sleep 99'",
            }
        ]
    )
    child = pexpect.spawn(
        executable(), ["doctor", "slow"], cwd=str(home.path), env=home.env, timeout=20
    )
    try:
        deadline = time.monotonic() + 20
        while not ((home.path / "asked").exists() and (home.path / "asked").read_text().strip()):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        child.sendintr()
        child.expect(pexpect.EOF)
    finally:
        child.close(force=True)
    assert child.exitstatus == 130
    running = Path(f"/proc/{(home.path / 'asked').read_text().strip()}/cmdline")
    assert not running.exists() or b"sleep" not in running.read_bytes()


def in_bash(home: Home, *arguments: str, cwd: Path | None = None, **env: str) -> Done:
    """The command, started by a bash, so that it is in that shell."""
    line = f"'{executable()}' doctor {' '.join(arguments)}; exit $?"
    done = subprocess.run(
        [need("bash"), "--norc", "-c", line],
        env={**home.env, "SHELL": "/bin/bash", **env},
        cwd=cwd or home.path,
        capture_output=True,
        text=True,
        timeout=100,
        stdin=subprocess.DEVNULL,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def test_the_hook_line_is_put_in(home: Home) -> None:
    home.providers()
    done = in_bash(home, "--offline", "--json")
    assert "hook-line" in codes(done, "warning")
    done = in_bash(home, "--offline", "--json", "--fix")
    assert 'eval "$(cowork-env hook bash)"' in (home.path / ".bashrc").read_text()
    assert "hook-line" not in codes(done, "warning") and "hook" in codes(done, "ok")


def test_a_provider_that_applies_but_is_not_in_the_shell(home: Home) -> None:
    home.providers()
    home.pin(home.path / "project", "OpenRouter\n")
    done = in_bash(home, "--offline", "--json", cwd=home.path / "project")
    assert done.status == 1 and codes(done) == ["shell"]
    assert [p["name"] for p in done.json["providers"]] == ["OpenRouter"]


def test_a_hook_that_was_displaced(home: Home) -> None:
    home.providers()
    (home.path / ".bashrc").write_text(
        'eval "$(cowork-env hook bash)"\nPROMPT_COMMAND="history -a"\n'
    )
    done = in_bash(home, "--offline", "--json")
    (found,) = [f for f in done.json["findings"] if f["code"] == "hook-displaced"]
    assert found["where"] == "~/.bashrc:2" and done.status == 1
    (home.path / ".bashrc").write_text(
        'eval "$(cowork-env hook bash)"\nPROMPT_COMMAND="history -a; $PROMPT_COMMAND"\n'
    )
    assert in_bash(home, "--offline").status == 0


def test_variables_and_where_they_are_set(home: Home) -> None:
    home.providers()
    (home.path / ".bashrc").write_text(
        f"# export ANTHROPIC_API_KEY=x\nalias a=b\nexport ANTHROPIC_API_KEY='{KEY}'\n"
    )
    done = in_bash(home, "--offline", "--json", ANTHROPIC_API_KEY=KEY, ANTHROPIC_AUTH_TOKEN="other")
    (found,) = [f for f in done.json["findings"] if f["where"] == "~/.bashrc:3"]
    assert (
        found["code"] == "variable"
        and found["level"] == "warning"
        and "ANTHROPIC_API_KEY" in found["message"]
    )


def test_what_takes_all_requests_away(home: Home) -> None:
    home.providers()
    done = run(home, "--offline", "--json", ANTHROPIC_UNIX_SOCKET="/tmp/sock")
    assert done.status == 1 and codes(done) == ["redirected"]


def test_settings_files_and_other_switchers(home: Home) -> None:
    home.providers(
        [entry("Mine", "http://127.0.0.1:9", env={"CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST": ""})]
    )
    project = home.path / "project"
    home.pin(project, "Mine\n")
    (project / ".claude").mkdir()
    (project / ".claude/settings.json").write_text(
        json.dumps(
            {"env": {"ANTHROPIC_BASE_URL": "http://127.0.0.1:6666"}, "apiKeyHelper": "echo x"}
        )
    )
    (home.path / ".cc-switch").mkdir()
    done = run(home, "--offline", "--json", cwd=project)
    places = [
        f["where"]
        for f in done.json["findings"]
        if f["code"] == "settings" and f["level"] == "error"
    ]
    assert places == ["~/project/.claude/settings.json"] * 2 and done.status == 1
    assert "leftover" in codes(done, "note")
    # With the host flag the same files are held off.
    home.providers([entry("Mine", "http://127.0.0.1:9")])
    done = run(home, "--offline", "--json", cwd=project)
    assert "settings" in codes(done, "note") and "settings" not in codes(done)


def test_parse_errors_have_their_place(home: Home) -> None:
    path = home.providers()
    path.write_text('[\n  {"name": "A",}\n]')
    done = run(home, "--offline", "--json")
    assert done.status == 1 and "line 2" in done.json["findings"][0]["message"]
    home.providers(
        [
            {"name": "A", "baseUrl": "ftp://x", "authToken": KEY},
            entry("B", "https://b.example"),
            entry("b", "https://c"),
        ]
    )
    done = run(home, "--all", "--offline", "--json")
    assert {"entry", "duplicate"} <= set(codes(done))
    assert any("[0].baseUrl" in f["message"] for f in done.json["findings"])


def test_a_repository_cannot_hang_it_with_odd_files(home: Home) -> None:
    home.providers()
    os.mkfifo(home.path / ".bashrc")
    (home.path / ".profile").write_bytes(b"\xff\xfe export ANTHROPIC_API_KEY=1\n")
    assert in_bash(home, "--offline").status == 0


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("export ANTHROPIC_BASE_URL=x", True),
        ("FOO=1 ANTHROPIC_BASE_URL=x", True),
        ("if true; then export ANTHROPIC_BASE_URL=x; fi", True),
        ("set -gx ANTHROPIC_BASE_URL x", True),
        ("set -Ux ANTHROPIC_BASE_URL x", True),
        ("SETUVAR --export ANTHROPIC_BASE_URL:x", True),
        ("# export ANTHROPIC_BASE_URL=x", False),
        ("MY_ANTHROPIC_BASE_URL=x", False),
        ("export ANTHROPIC_BASE_URL=", False),
        ("echo $ANTHROPIC_BASE_URL", False),
        ("unset ANTHROPIC_BASE_URL", False),
        ("set -e ANTHROPIC_BASE_URL_OTHER", False),
    ],
)
def test_what_sets_a_variable(tmp_path: Path, line: str, found: bool) -> None:
    path = tmp_path / "rc"
    path.write_text(f"\n{line}\n")
    expected = [("ANTHROPIC_BASE_URL", "~/rc:2")] if found else []
    assert startup.assignments([str(path)], ["ANTHROPIC_BASE_URL"], str(tmp_path)) == expected
