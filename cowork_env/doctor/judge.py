"""What an answer of a server means. Pure: an answer in, a verdict out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..util import jsontext
from ..util.errors import CoworkEnvError
from ..util.text import is_control, visible
from .findings import OK
from .transport import Reply

WINDOW = 8  # so many characters of a key in a row, and they are not shown
MAX_SAID = 4000  # of what a server says, far more than is shown

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
# LiteLLM's (without a database it looks every key but its own up there), and what is said where no key was seen.
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


class Verdict:
    """``code``: ok, or what is wrong; ``said``: the server's own words, cleaned of keys and safe to show."""

    __slots__ = ("code", "said")

    def __init__(self, code: str, said: str = "") -> None:
        self.code, self.said = code, said

    def __repr__(self) -> str:
        return f"<Verdict {self.code}>"


def scrub(text: str, secrets: Iterable[str]) -> str:
    """``text`` without any piece of a key in it: servers like to repeat what they were sent."""
    text = "".join(c if not is_control(c) else " " if c.isspace() else "" for c in text[:MAX_SAID])
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


def document(reply: Reply) -> Any:
    """The JSON value of an answer's body, or None."""
    try:
        return jsontext.parse(jsontext.decode(reply.body, "answer"), "answer")
    except CoworkEnvError:
        return None


def is_html(reply: Reply) -> bool:
    """Whether the body is a page for people."""
    start = reply.body[:512].lstrip().lower()
    return "text/html" in reply.content_type or start.startswith((b"<!doctype html", b"<html"))


def _error(value: Any) -> tuple[str, str, str]:
    """Type, code and message of an error body, in any of the forms that servers use."""
    inner = value.get("error") if isinstance(value, dict) else None
    if isinstance(inner, dict):
        holder: dict[str, Any] = inner
    elif isinstance(value, dict):
        holder = {
            **value,
            "message": inner or value.get("message") or value.get("msg") or value.get("detail"),
        }
    else:
        return "", "", ""
    return _word(holder.get("type")), _word(holder.get("code")), _word(holder.get("message"))


def _word(value: object) -> str:
    return (
        value
        if isinstance(value, str)
        else str(value)
        if isinstance(value, (int, list, dict)) and value
        else ""
    )


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


def judge(reply: Reply, model: str, secrets: Iterable[str], proxied: bool = False) -> Verdict:
    """What the answer to a Messages request for ``model`` means."""
    value = document(reply)
    kind, code, message = _error(value)
    said = scrub(message, secrets)
    return Verdict(_code(reply, value, kind, code, message.lower(), model.lower(), proxied), said)


def _code(
    reply: Reply, value: Any, kind: str, code: str, message: str, model: str, proxied: bool
) -> str:
    status = reply.status
    page = value is None
    if 300 <= status < 400:
        return "redirect"
    if status == 407:
        return "proxy"
    if status == 400 and b"HTTP" in reply.body and b"HTTPS" in reply.body and page:
        return "https-wanted"
    if status < 300:
        return _good(reply, value, kind, code, message)
    if proxied and page and status in (403, 502, 503, 504):
        return "proxy"
    if kind.endswith("model_access_denied") or "not allowed to access model" in message:
        return "model-denied"  # LiteLLM says 401 to that, and the key is right
    if status == 401 or kind == "authentication_error" or code == "invalid_api_key":
        return "key"
    if status == 400 and _about_the_key(kind, code, message):
        return "key"
    if (
        status in (402, 429)
        or kind in ("rate_limit_error", "insufficient_quota", "billing_error")
        or code == "insufficient_quota"
    ):
        return "quota"
    if status in (400, 403) and (
        "credit balance" in message or "insufficient balance" in message or "quota" in message
    ):
        return "quota"
    if status == 529 or kind == "overloaded_error":
        return "overloaded"
    if status in (400, 403, 422) and (
        "anthropic-beta" in message or "beta flag" in message or "beta header" in message
    ):
        return "beta"
    if "model_not_found" in (kind, code):
        return "model"
    if status in (400, 403, 404, 422, 503) and (
        "model" in message or (len(model) > 3 and model in message)
    ):
        about = kind == "not_found_error" or any(words in message for words in _UNKNOWN_MODEL)
        if about or (status == 404 and model in message):
            return "model"
    if status in (404, 405, 501):
        return "path"
    if status == 403:
        return "forbidden"
    return "server" if status >= 500 else "request"


def _about_the_key(kind: str, code: str, message: str) -> bool:
    return any(words in f"{kind} {code} {message}" for words in _WRONG_KEY)


def _good(reply: Reply, value: Any, kind: str, code: str, message: str) -> str:
    if (
        isinstance(value, dict)
        and value.get("type") == "message"
        and isinstance(value.get("content"), list)
    ):
        return OK
    if reply.content_type.startswith("text/event-stream") and b"message_start" in reply.body:
        return OK
    if is_openai(value):
        return "openai"
    if value is None and is_html(reply):
        return "html"
    # An error under a good status: some gateways do that.
    if (
        kind == "authentication_error"
        or code in ("401", "invalid_api_key")
        or _about_the_key(kind, code, message)
    ):
        return "key"
    return "overloaded" if kind == "overloaded_error" else "format"


def model_names(reply: Reply, key: str) -> tuple[list[str], bool]:
    """The models in an answer to ``GET /v1/models`` that was asked with ``key``, and whether it is in OpenAI's form only."""
    value = document(reply) if reply.status == 200 else None
    rows = (value.get("data") or value.get("models")) if isinstance(value, dict) else value
    names, openai = [], False
    for row in rows if isinstance(rows, list) else []:
        name = (row.get("id") or row.get("name")) if isinstance(row, dict) else row
        # A key that is no more than a word ("ollama") may well be in a model's name.
        if (
            isinstance(name, str)
            and name
            and visible(name) == name
            and (len(key) < 2 * WINDOW or key not in name)
        ):
            names.append(name)
            openai = openai or (
                isinstance(row, dict)
                and row.get("object") == "model"
                and row.get("type") != "model"
            )
    return list(dict.fromkeys(names)), openai


def nearest(model: str, offered: list[str]) -> list[str]:
    """The names among ``offered`` that ``model`` was most likely meant to be."""
    from difflib import SequenceMatcher

    folded = model.casefold()

    def likeness(name: str) -> float:
        other = name.casefold()
        tail = other.rpartition("/")[2] == folded.rpartition("/")[2]
        return 2.0 if tail else SequenceMatcher(None, folded, other).ratio()

    ranked = sorted(((likeness(name), name) for name in offered), key=lambda pair: -pair[0])
    return [name for score, name in ranked[:3] if score >= 0.5]
