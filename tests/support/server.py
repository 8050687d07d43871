"""HTTP servers on loopback that respond as a test tells them, and record their requests."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

# A status, a body and, if needed, headers. A text is sent as HTML, bytes as they are, anything else
# as JSON.
Response = tuple[int, Any] | tuple[int, Any, dict[str, str]]
Behavior = Callable[["Request"], Response]


class Request:
    """A request that a server got; header names are in lower case, and the body is parsed JSON."""

    def __init__(self, method: str, path: str, headers: dict[str, str], body: Any) -> None:
        self.method, self.headers, self.body = method, headers, body
        self.path = path.partition("?")[0]

    @property
    def model(self) -> str:
        """The model in the body, or empty."""
        return self.body.get("model", "") if isinstance(self.body, dict) else ""

    @property
    def key(self) -> str:
        """The key, in either style, or empty."""
        bearer = self.headers.get("authorization", "").removeprefix("Bearer ")
        return self.headers.get("x-api-key") or bearer


class Server:
    """A server on a port of its own; a context manager. ``context`` makes it one for https."""

    def __init__(self, behavior: Behavior, context: ssl.SSLContext | None = None) -> None:
        self.requests: list[Request] = []
        recorded = self.requests

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                """Log nothing."""

            def _respond(self) -> None:
                raw = self.rfile.read(int(self.headers.get("content-length") or 0))
                try:
                    body = json.loads(raw) if raw else None
                except ValueError:
                    body = raw
                headers = {name.lower(): value for name, value in self.headers.items()}
                request = Request(self.command, self.path, headers, body)
                recorded.append(request)
                self._send(*behavior(request))

            def _send(
                self, status: int, content: Any, headers: dict[str, str] | None = None
            ) -> None:
                text = content if isinstance(content, (str, bytes)) else json.dumps(content)
                data = text.encode() if isinstance(text, str) else text
                html = isinstance(content, str)
                kind = "text/html; charset=utf-8" if html else "application/json"
                self.send_response(status)
                for name, value in {"content-type": kind, **(headers or {})}.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_CONNECT = _respond  # noqa: N815

        class QuietServer(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                """Report nothing: in some tests the client closes the connection early."""

        self.server = QuietServer(("127.0.0.1", 0), Handler)
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

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop the server."""
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(10)

    def posts(self) -> list[Request]:
        """The POST requests."""
        return [request for request in self.requests if request.method == "POST"]


Serve = Callable[..., Server]


def always(*response: Any) -> Behavior:
    """The same response to every request."""
    return lambda _request: response


# Ports without an HTTP server


def free_port() -> int:
    """A port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def listener() -> Iterator[socket.socket]:
    """A socket that listens; connections to it succeed, and only the test sends anything."""
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        opened.listen(16)
        yield opened


@contextlib.contextmanager
def silent_port() -> Iterator[int]:
    """A port that takes connections and never sends anything."""
    with listener() as opened:
        yield opened.getsockname()[1]


# The Anthropic API

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


def error(kind: str, message: str) -> dict[str, Any]:
    """An error in Anthropic's format."""
    return {"type": "error", "error": {"type": kind, "message": message}}


def listing(*names: str) -> dict[str, Any]:
    """A list of models in Anthropic's format."""
    models = [{"type": "model", "id": name, "display_name": name} for name in names]
    return {"data": models, "has_more": False}


def api(
    models: tuple[str, ...] = (MODEL,),
    *,
    key: str = KEY,
    style: str = "authorization",
    prefix: str = "",
    post: Behavior | None = None,
) -> Behavior:
    """A working Anthropic-format server that accepts ``key`` in the header ``style``.

    ``post`` responds to Messages requests whose path and key are right.
    """

    def behave(request: Request) -> Response:
        path = request.path.removeprefix(prefix) if request.path.startswith(prefix) else ""
        if path not in ("/v1/messages", "/v1/models"):
            return 404, error("not_found_error", "Not Found")
        if style not in request.headers or request.key != key:
            return 401, error("authentication_error", "invalid x-api-key")
        if path == "/v1/models":
            return 200, listing(*models)
        if post:
            return post(request)
        if request.model not in models:
            return 404, error("not_found_error", f"model: {request.model}")
        return 200, {**MESSAGE, "model": request.model}

    return behave
