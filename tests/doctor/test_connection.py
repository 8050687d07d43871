"""Connections that fail, and proxies."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from pathlib import Path

import pytest

from cowork_env.doctor import transport

from support.doctor import check, errors, the
from support.server import (
    KEY,
    Serve,
    always,
    api,
    free_port,
    listener,
    silent_port,
)


def test_unknown_host_name() -> None:
    report = check("https://no-such-host.invalid")
    assert errors(report) == ["dns"] and "no-such-host.invalid" in the(report, "dns").message


def test_refused_connection() -> None:
    assert errors(check(f"http://127.0.0.1:{free_port()}")) == ["refused"]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_timeout(scheme: str) -> None:
    with silent_port() as port:
        assert errors(check(f"{scheme}://127.0.0.1:{port}", timeout=1)) == ["timeout"]


def test_slow_response_ends_with_the_timeout() -> None:
    """A server that sends one header line at a time never ends the response itself."""
    over = threading.Event()
    with listener() as opened:

        def drip() -> None:
            connections: list[socket.socket] = []
            opened.settimeout(0.05)
            line = b"HTTP/1.1 200 OK\r\n"
            while not over.is_set():
                with contextlib.suppress(TimeoutError):
                    connections.append(opened.accept()[0])
                for connection in connections:
                    with contextlib.suppress(OSError):
                        connection.sendall(line)
                if connections:
                    line = b"X-A: b\r\n"
            for connection in connections:
                connection.close()

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        try:
            report = check(f"http://127.0.0.1:{opened.getsockname()[1]}", timeout=1)
            assert errors(report)[0] in ("timeout", "broken")
        finally:
            over.set()
            thread.join(10)


def test_connection_that_is_closed_early() -> None:
    with listener() as opened:

        def close_each() -> None:
            with contextlib.suppress(OSError):
                while True:
                    opened.accept()[0].close()

        thread = threading.Thread(target=close_each, daemon=True)
        thread.start()
        assert errors(check(f"http://127.0.0.1:{opened.getsockname()[1]}")) == ["broken"]
        opened.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def test_proxy_that_refuses_to_connect(serve: Serve) -> None:
    proxy = serve(always(407, "no"))
    report = check(
        "https://api.example.com",
        around={"HTTPS_PROXY": proxy.url.replace("//", "//user:pass-word-1@")},
    )
    assert errors(report) == ["proxy-refused"] and "407" in the(report, "proxy-refused").message
    assert "pass-word-1" not in json.dumps(report.as_dict())
    assert (
        all(r.method == "CONNECT" and KEY not in str(r.headers) for r in proxy.requests)
        and proxy.requests
    )


def test_unreachable_proxy() -> None:
    env = {"https_proxy": f"http://127.0.0.1:{free_port()}"}
    assert errors(check("https://api.example.com", around=env)) == ["proxy-unreachable"]


def test_local_provider_is_contacted_without_the_proxy(serve: Serve) -> None:
    proxy, server = serve(always(403, "<html>blocked</html>")), serve(api())
    report = check(server.url, around={"HTTP_PROXY": proxy.url})
    assert errors(report) == ["proxy-loopback"] and "NO_PROXY" in the(report, "proxy-loopback").hint
    assert proxy.requests == [] and len(server.posts()) == 1
    assert check(server.url, around={"HTTP_PROXY": proxy.url, "NO_PROXY": "127.0.0.1"}).healthy


def test_a_key_is_not_given_to_a_proxy_in_the_clear(serve: Serve) -> None:
    proxy = serve(always(502, "<html>bad gateway</html>"))
    report = check(
        "http://gateway.example.com", around={"HTTP_PROXY": proxy.url}, allowInsecure=True
    )
    assert errors(report) == ["proxy-plain"]
    assert proxy.requests == []


def test_only_the_given_environment_is_used(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    proxy, server = serve(always(403, "<html>no</html>")), serve(api())
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password elsewhere\n")
    (tmp_path / "netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    assert check(server.url).healthy
    assert proxy.requests == []


def test_unsupported_proxy() -> None:
    report = check("https://api.example.com", around={"HTTPS_PROXY": "gopher://127.0.0.1:1"})
    assert errors(report) == ["proxy-form"]


def test_in_parallel_keeps_the_order_and_raises_errors() -> None:
    assert transport.in_parallel([lambda n=n: n for n in range(50)], 4) == list(range(50))

    def fail() -> int:
        raise ValueError

    with pytest.raises(ValueError):
        transport.in_parallel([fail, lambda: 1])
