"""The way to a provider's server: name, proxy, TLS, and HTTP requests that end in bounded time.

The only module that imports httpx. What goes wrong on the way is a :class:`Trouble` in our own words: an
exception's text may hold a header, and so a key, and is never shown.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import httpx

from .. import __version__, overrides
from ..core.provider import is_loopback, split_authority, split_url

T = TypeVar("T")

CONNECT_SECONDS = 10.0
MAX_BODY = 64 << 10
MAX_LIST = 8 << 20


class Trouble(Exception):
    """A request that got no answer: a ``code``, and what may be shown of the reason."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code)
        self.code, self.detail = code, detail


class Reply:
    """An answer: status, the headers of interest, at most the asked-for bytes of the body, and milliseconds."""

    __slots__ = ("body", "content_type", "latency", "location", "status")

    def __init__(
        self, status: int, content_type: str, location: str, body: bytes, latency: int
    ) -> None:
        self.status, self.content_type, self.location = status, content_type.lower(), location
        self.body, self.latency = body, latency


def _wait(thread: threading.Thread, seconds: float = float("inf")) -> None:
    """Wait for a thread's end, at most so long. In steps: Ctrl-C may arrive at another thread, which wakes nobody."""
    deadline = time.monotonic() + seconds
    while thread.is_alive() and (left := deadline - time.monotonic()) > 0:
        thread.join(min(0.1, left))


def bounded(job: Callable[[], T], seconds: float) -> T:
    """What ``job`` returns or raises; :class:`Trouble` when it takes longer. Its thread never holds up the exit."""
    result: list[tuple[bool, Any]] = []

    def run() -> None:
        try:
            result.append((True, job()))
        except BaseException as error:
            result.append((False, error))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    _wait(thread, seconds)
    if not result:
        raise Trouble("timeout")
    good, value = result[0]
    if not good:
        raise value
    return value  # type: ignore[no-any-return]


def side_by_side(jobs: list[Callable[[], T]], width: int = 8) -> list[T]:
    """The results of all jobs in their order, ``width`` of them running at once."""
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
        _wait(thread)
    for good, value in results.values():
        if not good:
            raise value
    return [results[i][1] for i in range(len(jobs))]


def tls_context(env: Mapping[str, str]) -> ssl.SSLContext:
    """Trust what clients trust: the usual authorities, the system's, and those of ``NODE_EXTRA_CA_CERTS``."""
    try:
        if env.get("SSL_CERT_FILE"):
            context = ssl.create_default_context(cafile=env["SSL_CERT_FILE"])
        else:
            context = httpx.create_ssl_context(trust_env=False)
            context.load_default_certs()
    except (OSError, ValueError):
        raise Trouble("ca-file", "SSL_CERT_FILE") from None
    if extra := env.get("NODE_EXTRA_CA_CERTS"):
        try:
            context.load_verify_locations(extra)
        except (OSError, ValueError):
            raise Trouble("ca-file", "NODE_EXTRA_CA_CERTS") from None
    return context


class Line:
    """The line to one server. ``proxy`` is what requests go through, or None.

    A server on this machine is always asked directly, so that a proxy gets no key of its.
    """

    def __init__(self, url: str, env: Mapping[str, str], timeout: float) -> None:
        self.url, self.timeout = url.rstrip("/"), timeout
        scheme, authority, _ = split_url(url)
        self.host, port = split_authority(authority)
        self.port = int(port or (443 if scheme == "https" else 80))
        found = overrides.proxy(env, url)
        self.proxy = None if is_loopback(self.host) else found
        address = env[self.proxy.variable] if self.proxy else ""
        if address and "://" not in address:
            address = "http://" + address
        # Within the time limit of the whole, so that the more telling error comes first.
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
            raise Trouble("proxy-form") from None

    def close(self) -> None:
        """Let the connections go."""
        self._client.close()

    def resolve(self) -> list[str]:
        """The addresses of the server's name; raises :class:`Trouble`."""

        def look_up() -> list[str]:
            try:
                rows = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
            except (OSError, UnicodeError):
                raise Trouble("dns") from None
            return list(dict.fromkeys(str(row[4][0]) for row in rows))

        return bounded(look_up, min(CONNECT_SECONDS, self.timeout))

    def speaks_tls(self) -> bool:
        """Whether a TLS handshake gets anywhere at this address; nothing else is sent."""

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
            return not self.proxy and bounded(shake_hands, min(CONNECT_SECONDS, self.timeout))
        except Trouble:
            return False

    def call(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: object = None,
        limit: int = MAX_BODY,
        base: str = "",
    ) -> Reply:
        """One request to ``path`` below the base URL (or below ``base``); raises :class:`Trouble`."""

        def send() -> Reply:
            try:
                return self._send(method, (base or self.url) + path, headers, body, limit)
            except Trouble:
                raise
            except Exception as error:
                raise self._trouble(error) from None

        return bounded(send, self.timeout)

    def _send(
        self, method: str, url: str, headers: Mapping[str, str], body: object, limit: int
    ) -> Reply:
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
                parts.append(
                    unpack.decompress(chunk, limit - size) if unpack else chunk[: limit - size]
                )
                size += len(parts[-1])
                if size >= limit:
                    break
            latency = round((time.monotonic() - started) * 1000)
            kind, place = (
                response.headers.get("content-type", ""),
                response.headers.get("location", ""),
            )
            return Reply(response.status_code, kind, place, b"".join(parts), latency)

    def _trouble(self, error: Exception) -> Trouble:
        """The first known cause of ``error``, in our own words."""
        chain: list[BaseException] = []
        cause: BaseException | None = error
        while cause is not None and cause not in chain:
            chain.append(cause)
            cause = cause.__cause__ or cause.__context__
        for cause in chain:
            if isinstance(cause, httpx.ProxyError):
                status = str(cause)[:3]
                return Trouble(
                    "proxy-refused", status if status.isascii() and status.isdigit() else ""
                )
            if isinstance(cause, ssl.SSLCertVerificationError):
                return Trouble("certificate", cause.verify_message)
            if isinstance(cause, ssl.SSLError):
                plain = (cause.reason or "") in (
                    "WRONG_VERSION_NUMBER",
                    "HTTP_REQUEST",
                    "RECORD_LAYER_FAILURE",
                    "UNKNOWN_PROTOCOL",
                )
                return Trouble("not-tls" if plain else "tls")
        for cause in chain:
            if isinstance(cause, ConnectionRefusedError):
                return Trouble("proxy-unreachable" if self.proxy else "refused")
        if isinstance(error, httpx.ConnectTimeout):
            return Trouble("proxy-unreachable" if self.proxy else "timeout", "connect")
        if isinstance(error, httpx.TimeoutException):
            return Trouble("timeout")
        if isinstance(error, httpx.ConnectError):
            return Trouble("proxy-unreachable" if self.proxy else "unreachable")
        if isinstance(error, (httpx.LocalProtocolError, UnicodeError)):
            return Trouble("header")
        return Trouble("broken")
