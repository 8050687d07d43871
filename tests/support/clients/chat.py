"""A recording server in OpenAI's format: chat completions, streamed or not, and a tool call."""

from __future__ import annotations

import json
from typing import Any

from support.clients.recorder import Handler, Recorder, Request


class ChatServer(Recorder):
    """Like :class:`Recorder`; only ``/v1/chat/completions`` is there."""

    def __init__(self, bash: str = "") -> None:
        super().__init__(bash, ChatHandler)

    @property
    def completions(self) -> list[Request]:
        """The requests for a completion."""
        return [r for r in self.requests if r.path == "/v1/chat/completions"]

    @property
    def output(self) -> str:
        """What the Bash tool's command printed."""
        (result,) = [m for m in self.completions[-1].json["messages"] if m["role"] == "tool"]
        content = result["content"]
        return str(content if isinstance(content, str) else content[0]["text"])


class ChatHandler(Handler):
    """Answers a completion with the model's name, or with a call of the Bash tool before that."""

    def do_GET(self) -> None:  # noqa: N802 (the name that http.server looks for)
        self._receive()
        self._missing()

    def do_POST(self) -> None:  # noqa: N802
        request = self._receive()
        if request.path != "/v1/chat/completions":
            return self._missing()
        message, reason = self._message(request.json)
        whole = {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": request.model,
            "service_tier": "default",
        }
        usage = {"prompt_tokens": 7, "completion_tokens": 7, "total_tokens": 14}
        if not request.json.get("stream"):
            choice = {"index": 0, "message": message, "finish_reason": reason}
            return self._reply(200, {**whole, "choices": [choice], "usage": usage})
        whole["object"] = "chat.completion.chunk"
        return self._send_chunks(whole, message, reason, usage)

    def _missing(self) -> None:
        error = {"message": f"no {self.path}", "type": "invalid_request_error"}
        self._reply(404, {"error": {**error, "param": None, "code": None}})

    def _message(self, body: dict[str, Any]) -> tuple[dict[str, Any], str]:
        message: dict[str, Any] = {"role": "assistant", "content": f"answer from {body['model']}"}
        done = any(each["role"] == "tool" for each in body["messages"])
        offered = any(tool["function"]["name"] == "Bash" for tool in body.get("tools", []))
        if not self.server.recorder.bash or not offered or done:
            return message, "stop"
        arguments = {"command": self.server.recorder.bash, "description": "show the environment"}
        call = {
            "id": "call_1",
            "type": "function",
            "function": {"name": "Bash", "arguments": json.dumps(arguments)},
        }
        return {**message, "content": None, "tool_calls": [call]}, "tool_calls"

    def _send_chunks(
        self, whole: dict[str, Any], message: dict[str, Any], reason: str, usage: dict[str, int]
    ) -> None:
        """A text in pieces; the arguments of a call in two, as a real server does."""
        deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
        if calls := message.get("tool_calls"):
            (call,) = calls
            text = call["function"]["arguments"]
            first = {**call, "index": 0, "function": {**call["function"], "arguments": ""}}
            deltas.append({"tool_calls": [first]})
            for part in (text[:9], text[9:]):
                deltas.append({"tool_calls": [{"index": 0, "function": {"arguments": part}}]})
        else:
            deltas += [{"content": f"{word} "} for word in message["content"].split(" ")[:-1]]
            deltas.append({"content": message["content"].rpartition(" ")[2]})
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        for delta in deltas:
            self._chunk({**whole, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
        self._chunk({**whole, "choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
        self._chunk({**whole, "choices": [], "usage": usage})
        self.wfile.write(b"data: [DONE]\n\n")

    def _chunk(self, document: dict[str, Any]) -> None:
        self.wfile.write(f"data: {json.dumps(document)}\n\n".encode())
        self.wfile.flush()
