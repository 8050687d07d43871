"""A server that speaks the Anthropic Messages API and records every request."""

from __future__ import annotations

import json
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

# The path prefixes of the guide's base URLs once they are repaired. Everything else is a 404.
PREFIXES = ("", "/api")


class Request:
    """One request as it arrived. ``headers`` keeps every header line, names in lower case."""

    def __init__(
        self, method: str, target: str, headers: list[tuple[str, str]], body: bytes
    ) -> None:
        self.method = method
        self.path, _, self.query = target.partition("?")
        self.headers = headers
        self.body = body

    def __repr__(self) -> str:
        what = f"model={self.model} credentials={self.credentials}"
        return f"<{self.method} {self.host}{self.path} {what}>"

    def all(self, name: str) -> list[str]:
        """The values of every header line of that name."""
        return [value for key, value in self.headers if key == name]

    @property
    def host(self) -> str:
        """The host and port that the client addressed."""
        return ",".join(self.all("host"))

    @property
    def credentials(self) -> list[str]:
        """Every credential in it, as ``header: value``; there should be one."""
        return [
            f"{key}: {value}"
            for key, value in self.headers
            if key in ("authorization", "x-api-key")
        ]

    @property
    def json(self) -> dict[str, Any]:
        """The parsed body; empty if there is none."""
        return json.loads(self.body) if self.body else {}

    @property
    def model(self) -> str | None:
        """The requested model."""
        return self.json.get("model")


class Recorder:
    """The server, on a free port of this machine. ``with`` starts and stops it.

    ``handler`` answers, if not in Anthropic's format.
    ``tls``: as a proxy, it lets every connection through, to itself, with that certificate.
    ``bash`` is a command that it has Claude Code run with its Bash tool before the final answer.
    ``connections`` counts every connection, with a request or without, so that a test can show that
    a server was not reached.
    """

    def __init__(
        self,
        bash: str = "",
        handler: type[Handler] | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.bash, self.tls = bash, tls
        self.requests: list[Request] = []
        self.connections = 0
        self._server = _Server(("127.0.0.1", 0), handler or Handler)
        self._server.recorder = self
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True
        )

    def __enter__(self) -> Recorder:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """Its root URL, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def messages(self) -> list[Request]:
        """The requests for a message."""
        return [r for r in self.requests if r.method == "POST" and r.path.endswith("/v1/messages")]

    @property
    def output(self) -> str:
        """What the Bash tool's command printed."""
        (result,) = self.messages[-1].json["messages"][-1]["content"][:1]
        assert (result["type"], result.get("is_error", False)) == ("tool_result", False), result
        content = result["content"]
        return str(content if isinstance(content, str) else content[0]["text"])

    def clear(self) -> None:
        """Forget the requests so far."""
        self.requests.clear()
        self.connections = 0


class _Server(ThreadingHTTPServer):
    recorder: Recorder
    daemon_threads = True
    block_on_close = False

    def verify_request(self, request: Any, client_address: Any) -> bool:
        self.recorder.connections += 1
        return True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that close the connection."""


class Handler(BaseHTTPRequestHandler):
    """Answers in the format of the Anthropic API."""

    protocol_version = "HTTP/1.1"
    server: _Server
    timeout = 60

    def log_message(self, *_: object) -> None:
        """Log nothing."""

    def finish(self) -> None:
        """Close what :meth:`do_CONNECT` has put in the place of the connection."""
        super().finish()
        if isinstance(self.connection, ssl.SSLSocket):
            self.connection.close()

    def _receive(self) -> Request:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        request = Request(
            self.command, self.path, [(k.lower(), v) for k, v in self.headers.items()], body
        )
        self.server.recorder.requests.append(request)
        return request

    def _reply(self, status: int, document: object) -> None:
        data = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def _missing(self) -> None:
        self._reply(
            404,
            {"type": "error", "error": {"type": "not_found_error", "message": f"no {self.path}"}},
        )

    def do_HEAD(self) -> None:  # the name that http.server looks for
        self._receive()
        self._reply(200, {})

    def do_GET(self) -> None:
        path = self._receive().path
        if path not in [f"{prefix}/v1/models" for prefix in PREFIXES]:
            return self._missing()
        models = [
            {
                "type": "model",
                "id": name,
                "display_name": name,
                "created_at": "2025-01-01T00:00:00Z",
            }
            for name in ("a", "b")
        ]
        return self._reply(
            200, {"data": models, "has_more": False, "first_id": "a", "last_id": "b"}
        )

    def do_CONNECT(self) -> None:
        """Record a request to a proxy, and refuse it, or be the server that it is for."""
        tls = self.server.recorder.tls
        if tls is None:
            self._receive()
            self._reply(403, {})
            return
        self.send_response(200)
        self.end_headers()
        self.connection = tls.wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb")
        self.wfile = self.connection.makefile("wb", buffering=0)
        self.close_connection = False

    def do_POST(self) -> None:
        request = self._receive()
        if request.path in [f"{prefix}/v1/messages/count_tokens" for prefix in PREFIXES]:
            return self._reply(200, {"input_tokens": 7})
        if request.path not in [f"{prefix}/v1/messages" for prefix in PREFIXES]:
            return self._missing()
        content, reason = self._answer(request.json)
        message = {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": request.model,
            "content": content,
            "stop_reason": reason,
            "stop_sequence": None,
            "usage": {"input_tokens": 7, "output_tokens": 7},
        }
        return self._stream(message) if request.json.get("stream") else self._reply(200, message)

    def _answer(self, body: dict[str, Any]) -> tuple[list[dict[str, Any]], str]:
        """A call of the Bash tool, if one is wanted and not done yet; then a text."""
        done = "tool_result" in json.dumps(body.get("messages", []))
        offered = any(tool.get("name") == "Bash" for tool in body.get("tools", []))
        if self.server.recorder.bash and offered and not done:
            call = {"command": self.server.recorder.bash, "description": "show the environment"}
            return [
                {"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": call}
            ], "tool_use"
        return [{"type": "text", "text": f"answer from {body.get('model')}"}], "end_turn"

    def _stream(self, message: dict[str, Any]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        start = {**message, "content": [], "stop_reason": None}
        self._event("message_start", message=start)
        for index, block in enumerate(message["content"]):
            if block["type"] == "text":
                empty: dict[str, Any] = {"type": "text", "text": ""}
                delta = {"type": "text_delta", "text": block["text"]}
            else:
                empty = {**block, "input": {}}
                delta = {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
            self._event("content_block_start", index=index, content_block=empty)
            self._event("content_block_delta", index=index, delta=delta)
            self._event("content_block_stop", index=index)
        end = {"stop_reason": message["stop_reason"], "stop_sequence": None}
        self._event("message_delta", delta=end, usage={"output_tokens": 7})
        self._event("message_stop")

    def _event(self, kind: str, **fields: object) -> None:
        self.wfile.write(
            f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()
        )
        self.wfile.flush()
