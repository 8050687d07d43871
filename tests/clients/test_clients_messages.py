"""What Claude Code says when something is wrong is what docs/troubleshooting.md quotes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from support.clients.installed import Clients
from support.documents import DOCUMENTS, ROOT, code, rows
from support.home import Home
from support.program import execute
from support.server import Request, Response, Server

# The model that asks for it: status, type and message of the error, and what Claude Code says.
ERRORS = {
    "a": (401, "authentication_error", "invalid x-api-key", "Not logged in"),
    "b": (401, "authentication_error", "No auth credentials found", "Failed to authenticate"),
    "c": (404, "not_found_error", "Not Found", "There's an issue with the selected model"),
    "d": (400, "invalid_request_error", "Invalid model name passed", "Invalid model name"),
    "e": (429, "rate_limit_error", "Slow down", "429"),
    "f": (529, "overloaded_error", "Overloaded", "Overloaded"),
}
NO_SERVER = {
    "http://unresolved.cowork-env.invalid": ("Can't reach the API server", "ENOTFOUND"),
    "http://127.0.0.1:9": ("Connection refused", "ECONNREFUSED"),
}


def answer(request: Request) -> Response:
    """The error that a model stands for."""
    status, kind, message, _ = ERRORS.get(request.model, ERRORS["c"])
    return status, {"type": "error", "error": {"type": kind, "message": message}}


def test_the_index_quotes_what_claude_code_says(clients: Clients, home: Home) -> None:
    quiet = ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "DISABLE_TELEMETRY", "DISABLE_AUTOUPDATER")
    env = {**home.env, **dict.fromkeys(quiet, "1"), "CLAUDE_CODE_MAX_RETRIES": "0"}

    def say(url: str, model: str) -> str:
        given = {"ANTHROPIC_BASE_URL": url, "ANTHROPIC_AUTH_TOKEN": "x", "ANTHROPIC_MODEL": model}
        command = [clients.claude, "-p", "hi"]
        return execute(command, env={**env, **given}, cwd=home.path).check(1).stdout

    with Server(answer) as server, ThreadPoolExecutor(2) as pool:
        said = dict(
            zip(ERRORS, pool.map(lambda model: say(server.url, model), ERRORS), strict=True)
        )
        unreachable = dict(
            zip(NO_SERVER, pool.map(lambda url: say(url, "m"), NO_SERVER), strict=True)
        )
    expected = [(said[model], text) for model, (*_, text) in ERRORS.items()]
    expected += [(unreachable[url], text) for url, texts in NO_SERVER.items() for text in texts]
    index = rows(DOCUMENTS[ROOT / "docs/troubleshooting.md"])
    quoted = {text for row in index for text in code(row[0])}
    for output, text in expected:
        if "EAI_AGAIN" in output:
            continue  # There is no name server here that knows that there is no such name.
        assert text in output and text in quoted, (text, output)
