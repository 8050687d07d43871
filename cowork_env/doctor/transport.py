"""Connections to a provider's server: DNS, proxy, TLS, and HTTP requests with a time limit.

The only module that imports httpx. Failures are :class:`TransportError`, with texts of our own: an
exception's text may contain a header, and so a key, and is never shown.
"""

from __future__ import annotations

import os
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx

from .. import __version__, overrides
from ..core.provider import Url, is_loopback

T = TypeVar("T")

CONNECT_SECONDS = 10.0
MAX_BODY = 64 << 10  # bytes
MAX_LIST = 4 << 20  # bytes of a list of models; the longest that are known have less than one MiB
MAX_TIMEOUTS = 4  # how many times its timeout all requests of a connection may take

# What OpenSSL says to a server that does not speak TLS.
_NOT_TLS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "UNKNOWN_PROTOCOL")


class TransportError(Exception):
    """A request without a response: a ``code``, and what may be shown of the reason."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code)
        self.code, self.detail = code, detail


@dataclass(frozen=True)
class Response:
    """An HTTP response: at most the requested bytes of its body; ``latency`` is in milliseconds."""

    status: int
    content_type: str  # in lower case
    location: str
    body: bytes
    latency: int


# Threads


def _join(thread: threading.Thread, seconds: float = float("inf")) -> None:
    """Wait for a thread to end, but no longer than ``seconds``.

    In short steps: Ctrl-C may arrive at another thread, which does not interrupt a wait.
    """
    deadline = time.monotonic() + seconds
    while thread.is_alive() and (left := deadline - time.monotonic()) > 0:
        thread.join(min(0.1, left))


def with_timeout(job: Callable[[], T], seconds: float) -> T:
    """What ``job`` returns or raises; :class:`TransportError` when it takes longer.

    The thread it runs in is a daemon, so it never delays the exit.
    """
    result: list[tuple[bool, Any]] = []

    def run() -> None:
        try:
            result.append((True, job()))
        except BaseException as error:
            result.append((False, error))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    _join(thread, seconds)
    if not result:
        raise TransportError("timeout")
    good, value = result[0]
    if not good:
        raise value
    return value  # type: ignore[no-any-return]


def in_parallel(jobs: list[Callable[[], T]], width: int = 8) -> list[T]:
    """The results of all jobs in their order, with up to ``width`` of them running at once."""
    results: dict[int, tuple[bool, Any]] = {}
    waiting = iter(enumerate(jobs))
    lock = threading.Lock()

    def work() -> None:
        while True:
            with lock:
                number, job = next(waiting, (-1, None))
            if job is None:
                return
            try:
                results[number] = True, job()
            except BaseException as error:
                results[number] = False, error

    threads = [threading.Thread(target=work, daemon=True) for _ in range(min(width, len(jobs)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        _join(thread)
    for good, value in results.values():
        if not good:
            raise value
    return [results[i][1] for i in range(len(jobs))]


# Connections


def tls_context(env: Mapping[str, str]) -> ssl.SSLContext:
    """Trust what clients trust.

    These are the usual authorities, the system's, and those of ``NODE_EXTRA_CA_CERTS``; or those of
    ``SSL_CERT_FILE`` alone and ``NODE_EXTRA_CA_CERTS``. Raises :class:`TransportError`.
    """
    for name in ("SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"):
        if env.get(name) and not os.path.isfile(env[name]):  # OpenSSL would wait at a FIFO.
            raise TransportError("ca-file", name)
    try:
        if env.get("SSL_CERT_FILE"):
            context = ssl.create_default_context(cafile=env["SSL_CERT_FILE"])
        else:
            context = httpx.create_ssl_context(trust_env=False)
            context.load_default_certs()
    except (OSError, ValueError):
        raise TransportError("ca-file", "SSL_CERT_FILE") from None
    if extra := env.get("NODE_EXTRA_CA_CERTS"):
        try:
            context.load_verify_locations(extra)
        except (OSError, ValueError):
            raise TransportError("ca-file", "NODE_EXTRA_CA_CERTS") from None
    return context


class Connection:
    """The way to one server. ``proxy`` is what requests go through, or None.

    A server on this machine is always contacted directly, so that no proxy gets its key.
    """

    def __init__(self, url: str, env: Mapping[str, str], timeout: float) -> None:
        """``timeout`` is in seconds, for each request; raises :class:`TransportError`.

        All requests together end within :data:`MAX_TIMEOUTS` times that.
        """
        self.url, self.timeout = url.rstrip("/"), timeout
        self._deadline = time.monotonic() + MAX_TIMEOUTS * timeout
        parts = Url(url)
        self.host = parts.host
        self.port = int(parts.port or (443 if parts.scheme == "https" else 80))
        found = overrides.proxy(env, url)
        self.proxy = None if is_loopback(self.host) else found
        address = env[self.proxy.variable] if self.proxy else ""
        if address and "://" not in address:
            address = "http://" + address
        # Below the limit of the whole request, so that the more precise error comes first.
        limits = httpx.Timeout(timeout * 0.9, connect=min(CONNECT_SECONDS, timeout * 0.8))
        try:
            self._client = httpx.Client(
                verify=tls_context(env),
                proxy=address or None,
                trust_env=False,
                follow_redirects=False,
                timeout=limits,
            )
        except (ImportError, ValueError, httpx.InvalidURL):
            raise TransportError("proxy-form") from None

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def resolve(self) -> list[str]:
        """The addresses of the server's host name; raises :class:`TransportError`."""

        def look_up() -> list[str]:
            try:
                rows = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
            except (OSError, UnicodeError):
                raise TransportError("dns") from None
            return list(dict.fromkeys(str(row[4][0]) for row in rows))

        return with_timeout(look_up, min(CONNECT_SECONDS, self.timeout))

    def speaks_tls(self) -> bool:
        """Whether a TLS handshake succeeds at this address; nothing else is sent."""

        def shake_hands() -> bool:
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            try:
                with (
                    socket.create_connection((self.host, self.port), timeout=5) as raw,
                    context.wrap_socket(raw),
                ):
                    return True
            except (OSError, ValueError):
                return False

        try:
            return not self.proxy and with_timeout(shake_hands, min(CONNECT_SECONDS, self.timeout))
        except TransportError:
            return False

    def get(self, path: str, headers: Mapping[str, str], limit: int = MAX_BODY) -> Response:
        """A GET request below the base URL; ``limit`` is in bytes."""
        return self._request("GET", self.url + path, headers, None, limit)

    def post(self, path: str, headers: Mapping[str, str], body: object, base: str = "") -> Response:
        """A POST request with a JSON body, below the base URL or below ``base``."""
        return self._request("POST", (base or self.url) + path, headers, body, MAX_BODY)

    def _request(
        self, method: str, url: str, headers: Mapping[str, str], body: object, limit: int
    ) -> Response:
        def send() -> Response:
            try:
                return self._send(method, url, headers, body, limit)
            except TransportError:
                raise
            except Exception as error:
                raise self._transport_error(error) from None

        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TransportError("timeout")
        return with_timeout(send, min(self.timeout, left))

    def _send(
        self, method: str, url: str, headers: Mapping[str, str], body: object, limit: int
    ) -> Response:
        started = time.monotonic()
        sent = {
            "user-agent": f"cowork-env/{__version__}",
            "accept": "application/json",
            "accept-encoding": "gzip",
            **headers,
        }
        with self._client.stream(method, url, headers=sent, json=body) as response:
            parts, size = [], 0
            # Not by httpx, which unpacks each chunk whole: a few bytes can become gigabytes.
            unpack = (
                zlib.decompressobj(16 + zlib.MAX_WBITS)
                if response.headers.get("content-encoding") == "gzip"
                else None
            )
            for chunk in response.iter_raw():
                left = limit - size
                parts.append(unpack.decompress(chunk, left) if unpack else chunk[:left])
                size += len(parts[-1])
                if size >= limit:
                    break
            return Response(
                status=response.status_code,
                content_type=response.headers.get("content-type", "").lower(),
                location=response.headers.get("location", ""),
                body=b"".join(parts),
                latency=round((time.monotonic() - started) * 1000),
            )

    def _transport_error(self, error: Exception) -> TransportError:
        """The first known cause of ``error``, without its text."""
        chain: list[BaseException] = []
        cause: BaseException | None = error
        while cause is not None and cause not in chain:
            chain.append(cause)
            cause = cause.__cause__ or cause.__context__
        for cause in chain:
            if isinstance(cause, httpx.ProxyError):
                status = str(cause)[:3]
                known = status.isascii() and status.isdigit()
                return TransportError("proxy-refused", status if known else "")
            if isinstance(cause, ssl.SSLCertVerificationError):
                return TransportError("certificate", cause.verify_message)
            if isinstance(cause, ssl.SSLError):
                return TransportError("not-tls" if cause.reason in _NOT_TLS else "tls")
        for cause in chain:
            if isinstance(cause, ConnectionRefusedError):
                return TransportError("proxy-unreachable" if self.proxy else "refused")
        if isinstance(error, httpx.ConnectTimeout):
            return TransportError("proxy-unreachable" if self.proxy else "timeout", "connect")
        if isinstance(error, httpx.TimeoutException):
            return TransportError("timeout")
        if isinstance(error, httpx.ConnectError):
            return TransportError("proxy-unreachable" if self.proxy else "unreachable")
        if isinstance(error, (httpx.LocalProtocolError, UnicodeError)):
            return TransportError("header")
        return TransportError("broken")
