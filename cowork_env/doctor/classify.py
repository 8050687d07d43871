"""What a server's response means. Pure functions: a response in, a classification out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ..core.provider import InvalidField, check_model
from ..util import jsontext
from ..util.errors import CoworkEnvError
from ..util.text import is_control, visible
from .codes import OK
from .transport import Response

WINDOW = 8  # a run of so many characters of a key is not shown
MAX_MODELS = 1000  # of a server's list, as many as are asked for
MAX_ROWS = 10_000  # of its list that are looked at
MAX_NAME = 200  # characters of a model's name; longer ones are left out
MAX_COMPARED = 100  # characters of two names that are compared, in quadratic time
MAX_MESSAGE = 4000  # characters of a server's message, far more than is shown

_UNKNOWN_MODEL = (
    "not found",
    "not_found",
    "not exist",
    "no such",
    "unknown",
    "invalid model",
    "not a valid",
    "unsupported",
    "not supported",
    "not available",
    "no available",
    "unavailable",
    "no endpoints",
    "not accessible",
    "not allowed",
)
# LiteLLM's (without a database, it looks for every key but its own there), and errors about a
# missing key.
_WRONG_KEY = (
    "no_db_connection",
    "no connected db",
    "api key not valid",
    "invalid api key",
    "missing api key",
    "no api key",
    "x-api-key",
    "authorization",
    "authentication",
    "unauthorized",
)


@dataclass(frozen=True)
class Classification:
    """What a response means.

    ``code`` is ok or what is wrong; ``message`` is the server's own, safe to show and without keys.
    """

    code: str
    message: str = ""


def redact(text: str, secrets: Iterable[str]) -> str:
    """``text`` without any part of a key: servers like to repeat what they were sent."""
    text = text[:MAX_MESSAGE]
    text = "".join(c if not is_control(c) else " " if c.isspace() else "" for c in text)
    hidden = [False] * len(text)
    for secret in filter(None, secrets):
        size = min(WINDOW, len(secret))
        windows = {secret[i : i + size] for i in range(len(secret) - size + 1)}
        for i in range(len(text) - size + 1):
            if text[i : i + size] in windows:
                hidden[i : i + size] = [True] * size
    out = ""
    for char, hide in zip(text, hidden, strict=True):
        out += char if not hide else "" if out.endswith("\0") else "\0"
    return visible(out.replace("\0", "[...]"))


def parse_body(response: Response) -> Any:
    """The JSON value of a response's body, or None."""
    try:
        return jsontext.parse(jsontext.decode(response.body, "response"), "response")
    except CoworkEnvError:
        return None


def is_html(response: Response) -> bool:
    """Whether the body is a web page."""
    start = response.body[:512].lstrip().lower()
    return "text/html" in response.content_type or start.startswith((b"<!doctype html", b"<html"))


@dataclass(frozen=True)
class ErrorBody:
    """The error in a body, in any of the forms that servers use; empty where there is none."""

    kind: str = ""
    code: str = ""
    message: str = ""

    @classmethod
    def of(cls, value: Any) -> ErrorBody:
        """The error in a body's JSON value."""
        if not isinstance(value, dict):
            return cls()
        inner = value.get("error")
        if isinstance(inner, dict):
            fields: dict[str, Any] = inner
        else:
            message = inner or value.get("message") or value.get("msg") or value.get("detail")
            fields = {**value, "message": message}
        return cls(*(_as_text(fields.get(key)) for key in ("type", "code", "message")))

    def is_about_key(self) -> bool:
        """Whether it complains about the key, or about a missing one."""
        text = f"{self.kind} {self.code} {self.message.lower()}"
        return any(words in text for words in _WRONG_KEY)

    def mentions(self, *words: str) -> bool:
        """Whether any of these words (in lower case) is in the message."""
        return any(word in self.message.lower() for word in words)


def _as_text(value: object) -> str:
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, (int, list, dict)) and value else ""


def is_anthropic_error(value: Any) -> bool:
    """Whether a body is an error in the form of the Anthropic API."""
    return (
        isinstance(value, dict)
        and value.get("type") == "error"
        and isinstance(value.get("error"), dict)
    )


def is_openai(value: Any) -> bool:
    """Whether a body has the form of OpenAI's API."""
    if not isinstance(value, dict):
        return False
    if str(value.get("object", "")).startswith("chat.completion") or (
        "choices" in value and "usage" in value
    ):
        return True
    inner = value.get("error")
    return (
        "type" not in value
        and isinstance(inner, dict)
        and {"message", "type", "param", "code"} <= inner.keys()
    )


def classify(
    response: Response, model: str, secrets: Iterable[str], proxied: bool = False
) -> Classification:
    """What the response to a Messages request for ``model`` means.

    ``secrets`` are kept out of the message; ``proxied`` says that the request went through a proxy.
    """
    value = parse_body(response)
    error = ErrorBody.of(value)
    if response.status < 300:
        code = _classify_success(response, value, error)
    else:
        code = _classify_failure(response, value is None, error, model.lower(), proxied)
    return Classification(code, redact(error.message, secrets))


def _classify_failure(
    response: Response, is_page: bool, error: ErrorBody, model: str, proxied: bool
) -> str:
    status = response.status
    if status < 400:
        return "redirect"
    if status == 407 or (proxied and is_page and status in (403, 502, 503, 504)):
        return "proxy"
    if status == 400 and is_page and b"HTTP" in response.body and b"HTTPS" in response.body:
        return "https-wanted"
    if error.kind.endswith("model_access_denied") or error.mentions("not allowed to access model"):
        return "model-denied"  # LiteLLM's status is 401 then, though the key is right
    if status == 401 or error.kind == "authentication_error" or error.code == "invalid_api_key":
        return "key"
    if status == 400 and error.is_about_key():
        return "key"
    if _is_about_quota(status, error):
        return "quota"
    if status == 529 or error.kind == "overloaded_error":
        return "overloaded"
    if status in (400, 403, 422) and error.mentions("anthropic-beta", "beta flag", "beta header"):
        return "beta"
    if _is_about_model(status, error, model):
        return "model"
    if status in (404, 405, 501):
        return "path"
    if status == 403:
        return "forbidden"
    return "server" if status >= 500 else "request"


def _is_about_quota(status: int, error: ErrorBody) -> bool:
    kinds = ("rate_limit_error", "insufficient_quota", "billing_error")
    if status in (402, 429) or error.kind in kinds or error.code == "insufficient_quota":
        return True
    return status in (400, 403) and error.mentions(
        "credit balance", "insufficient balance", "quota"
    )


def _is_about_model(status: int, error: ErrorBody, model: str) -> bool:
    if "model_not_found" in (error.kind, error.code):
        return True
    named = error.mentions(model)
    if status not in (400, 403, 404, 422, 503):
        return False
    if not error.mentions("model") and not (len(model) > 3 and named):
        return False
    unknown = error.kind == "not_found_error" or error.mentions(*_UNKNOWN_MODEL)
    return unknown or (status == 404 and named)


def _classify_success(response: Response, value: Any, error: ErrorBody) -> str:
    if (
        isinstance(value, dict)
        and value.get("type") == "message"
        and isinstance(value.get("content"), list)
    ):
        return OK
    if response.content_type.startswith("text/event-stream") and b"message_start" in response.body:
        return OK
    if is_openai(value):
        return "openai"
    if value is None and is_html(response):
        return "html"
    # An error with a good status: some gateways do that.
    if (
        error.kind == "authentication_error"
        or error.code in ("401", "invalid_api_key")
        or error.is_about_key()
    ):
        return "key"
    return "overloaded" if error.kind == "overloaded_error" else "format"


@dataclass(frozen=True)
class ModelList:
    """The models that a server lists; ``openai``: the list has OpenAI's format only."""

    names: list[str]
    openai: bool = False


def model_list(response: Response, key: str) -> ModelList:
    """The models in the response to ``GET /v1/models`` with ``key``; none if it is not a list.

    Whatever the server says, they are at most :data:`MAX_MODELS` names of :data:`MAX_NAME`
    characters, each of which could be saved as a provider's model.
    """
    value = parse_body(response) if response.status == 200 else None
    rows = (value.get("data") or value.get("models")) if isinstance(value, dict) else value
    names: dict[str, None] = {}
    openai = False
    for row in rows[:MAX_ROWS] if isinstance(rows, list) else []:
        name = (row.get("id") or row.get("name")) if isinstance(row, dict) else row
        if not isinstance(name, str) or not _is_usable(name):
            continue
        # A short key that is just a word ("ollama") may well be in a model's name.
        if len(key) >= 2 * WINDOW and key in name:
            continue
        names[name] = None
        if isinstance(row, dict) and row.get("object") == "model" and row.get("type") != "model":
            openai = True
        if len(names) == MAX_MODELS:
            break
    return ModelList(list(names), openai)


def _is_usable(name: str) -> bool:
    """Whether a model's name from a server can be shown, and saved as a provider's model."""
    try:
        return 0 < len(name) <= MAX_NAME and visible(name) == name == check_model(name)
    except InvalidField:
        return False


def nearest(model: str, offered: list[str]) -> list[str]:
    """Up to three names among ``offered`` that ``model`` was most likely meant to be.

    Of long names only the beginnings are compared.
    """
    from difflib import SequenceMatcher

    folded = model.casefold()

    def likeness(name: str) -> float:
        other = name.casefold()
        same = other.rpartition("/")[2] == folded.rpartition("/")[2]
        if same:
            return 2.0
        return SequenceMatcher(None, folded[:MAX_COMPARED], other[:MAX_COMPARED]).ratio()

    ranked = sorted(((likeness(name), name) for name in offered), key=lambda pair: -pair[0])
    return [name for score, name in ranked[:3] if score >= 0.5]
