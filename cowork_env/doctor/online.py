"""Requests to one provider, as a client would send them, and what is wrong when they fail."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..core.environment import BASE_URL, MODEL, TIER_MODELS
from ..core.provider import (
    API_KEY,
    BEARER,
    CREDENTIAL,
    Url,
    is_loopback,
    is_on,
    repaired,
    split_authority,
)
from ..presets import gateway_hint
from ..util.text import argument, visible
from . import classify, transport
from .classify import Classification
from .codes import OK
from .findings import Fix, MakeFix, ModelResult, Report
from .transport import Connection, Response, TransportError

if TYPE_CHECKING:
    from ..core.environment import Target

# https://platform.claude.com/docs/en/api/versioning
VERSION_HEADER = {"anthropic-version": "2023-06-01"}
# As Claude Code 2.1.331 sends them; its requests fail where one is rejected. What its variables
# leave out was measured, too.
BETA = "claude-code-20250219"  # always sent
BETAS = {
    "CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS": (
        "context-management-2025-06-27,thinking-token-count-2026-05-13,advanced-tool-use-2025-11-20"
    ),
    "DISABLE_INTERLEAVED_THINKING": "interleaved-thinking-2025-05-14",
}
CUSTOM_HEADERS = "ANTHROPIC_CUSTOM_HEADERS"
# Codes that are about one model or one moment: the other models are tried all the same.
ONE_MODEL = frozenset(
    (OK, "model", "model-denied", "quota", "overloaded", "beta", "request", "server")
)
# Codes of a list of models that say what is wrong with the provider.
ABOUT_PROVIDER = frozenset(
    ("key", "forbidden", "quota", "overloaded", "redirect", "proxy", "https-wanted", "server")
)
# Where vendors have their Anthropic-format API; tried without the key.
COMMON_PREFIXES = ("", "/anthropic", "/api", "/api/anthropic")
HEADER_SHOWN = {BEARER: "Authorization: Bearer", API_KEY: "x-api-key"}

Result = Response | TransportError


def auth_header(style: str, key: str) -> dict[str, str]:
    """The header that carries the key in the given style."""
    return {"x-api-key": key} if style == API_KEY else {"authorization": f"Bearer {key}"}


def get_models(connection: Connection, headers: Mapping[str, str]) -> Response:
    """Ask for the list of models; raises :class:`TransportError`."""
    return connection.get("/v1/models?limit=1000", headers, limit=transport.MAX_LIST)


class OnlineCheck:
    """The requests to one provider, and what their responses say about it."""

    def __init__(
        self,
        report: Report,
        target: Target,
        env: Mapping[str, str],
        *,
        timeout: float,
        make_fix: MakeFix,
        progress: Callable[[str], None],
    ) -> None:
        """``target`` is the provider's environment with its key, ``timeout`` is in seconds.

        The timeout is for each request.
        """
        self.report, self.make_fix, self.progress = report, make_fix, progress
        self.timeout = timeout
        self.url = target.get(BASE_URL) or ""
        self.style = API_KEY if target.get(CREDENTIAL[API_KEY]) else BEARER
        self.key = target.get(CREDENTIAL[self.style]) or ""
        self.custom_headers = custom_headers(target.get(CUSTOM_HEADERS) or "")
        self.secrets = [self.key, *self.custom_headers.values()]
        self.uses = models_of(target)
        # A client runs with the provider's variables over the user's, its proxies included.
        self.env = {k: v for k, v in {**env, **target}.items() if v is not None}
        self.betas = betas(self.env)
        self.name, self.argument = visible(report.name), argument(report.name, "NAME")
        self._connection: Connection | None = None

    @property
    def connection(self) -> Connection:
        """The open connection."""
        assert self._connection is not None
        return self._connection

    def run(self) -> None:
        """Try everything that can be tried."""
        self._connected(self._try_models)

    def list_models(self) -> None:
        """Ask for the list of models alone; without one, report what is wrong with the provider."""
        self._connected(self._only_list)

    def _connected(self, job: Callable[[], None]) -> None:
        self.report.online = True
        try:
            self._connection = Connection(self.url, self.env, self.timeout)
        except TransportError as error:
            self._report_transport_error(error)
            return
        try:
            if self._can_be_reached():
                job()
        finally:
            self.connection.close()

    def _can_be_reached(self) -> bool:
        """Resolve the host name, unless a proxy does; whether to go on."""
        connection, proxy = self.connection, self.connection.proxy
        if proxy:
            self.report.add("proxy", address=proxy.address, variable=proxy.variable)
            return True
        self.progress("name")
        try:
            found = connection.resolve()
        except TransportError as error:
            self._report_transport_error(error)
            return False
        more = f" and {len(found) - 1} more" if found[1:] else ""
        self.report.add("name", host=connection.host, address=visible(found[0]), more=more)
        return True

    def _only_list(self) -> None:
        self.progress("models")
        listed = _caught(self._get_models)()
        self._take_list(listed)
        if not self.report.offered:
            self._report_without_model(listed)

    def _try_models(self) -> None:
        """Ask for the list of models, and try each model.

        The first one is tried alone, for problems that are the same with all of them.
        """
        models = list(self.uses)
        self.progress("connection")
        jobs = [self._get_models, *(self._messages(model) for model in models[:1])]
        listed, *results = transport.in_parallel([_caught(job) for job in jobs])
        openai_list = self._take_list(listed)
        if not models:
            if not self.report.offered:
                self._report_without_model(listed)
                return
            models = [_cheapest(self.report.offered)]
            self.uses = {models[0]: ["no model of its own"]}
            results = [_caught(self._messages(models[0]))()]
        if self._report_for_all(models[0], results[0], openai_list):
            return
        self.progress(f"{len(models)} model{'s' * (len(models) > 1)}")
        results += transport.in_parallel([_caught(self._messages(model)) for model in models[1:]])
        for model, result in zip(models, results, strict=True):
            self._report_model(model, result)

    # Requests

    def _headers(self, style: str = "") -> dict[str, str]:
        return VERSION_HEADER | self.custom_headers | auth_header(style or self.style, self.key)

    def _get_models(self) -> Response:
        return get_models(self.connection, self._headers())

    def _messages(
        self, model: str, style: str = "", betas: str | None = None
    ) -> Callable[[], Response]:
        """A Messages request of one token, with another style or beta header if given."""
        headers = self._headers(style)
        if sent := self.betas if betas is None else betas:
            headers["anthropic-beta"] = sent
        return lambda: self.connection.post("/v1/messages", headers, _one_token(model))

    def _classify(self, response: Response, model: str) -> Classification:
        result = classify.classify(response, model, self.secrets, bool(self.connection.proxy))
        offered = self.report.offered
        if (
            result.code == "path"
            and offered
            and model not in offered
            and classify.is_anthropic_error(classify.parse_body(response))
        ):
            # The API is there, and its list does not have the model: the 404 is about the model.
            return replace(result, code="model")
        return result

    # Reports

    def _take_list(self, result: Result) -> bool:
        """Keep the models that the server lists; whether the list has OpenAI's format only."""
        if isinstance(result, TransportError):
            return False
        listed = classify.model_list(result, self.key)
        self.report.offered = listed.names
        return listed.openai

    def _report_without_model(self, listed: Result) -> None:
        if isinstance(listed, TransportError):
            self._report_transport_error(listed)
            return
        result = self._classify(listed, "")
        if result.code in ABOUT_PROVIDER:
            self._report_failure(result, listed, "")
        else:
            self.report.add("no-model", argument=self.argument)

    def _report_for_all(self, model: str, result: Result, openai_list: bool) -> bool:
        """Report what is wrong whatever the model; whether there was something."""
        if isinstance(result, TransportError):
            self._report_transport_error(result)
            self._add_result(model, result.code, None)
            return True
        found = self._classify(result, model)
        if found.code in ONE_MODEL:
            return False
        self._add_result(model, found.code, result.latency)
        if found.code == "path" and openai_list:
            found = replace(found, code="openai")
        self._report_failure(found, result, model)
        return True

    def _add_result(self, model: str, code: str, latency: int | None) -> None:
        self.report.models.append(ModelResult(model, self.uses.get(model, []), code, latency))

    def _report_transport_error(self, error: TransportError) -> None:
        """Report why there was no response."""
        connection = self._connection
        host = visible(connection.host if connection else self.url)
        server = host
        if connection:
            server = f"[{host}]:{connection.port}" if ":" in host else f"{host}:{connection.port}"
        local = connection is not None and is_loopback(connection.host)
        fix, text, code, detail = None, "", error.code, error.detail
        if code in ("refused", "unreachable", "not-tls") and local:
            text = "local"
            fix = self._with_scheme("http") if code == "not-tls" else None
        elif code == "timeout" and detail:
            text = "connect"
        elif code == "certificate" and "mismatch" in detail:
            text = "mismatch"
        elif code == "certificate" and ("expired" in detail or "not yet valid" in detail):
            text = "dates"
        elif code == "proxy-refused" and detail == "407":
            text = "login"
        elif code == "header":
            code, text = "key", "characters"
        elif code == "broken" and self._requires_https():
            self._report_https_wanted()
            return
        self.report.add(
            code,
            text,
            fix=fix,
            host=host,
            argument=self.argument,
            proxy=self._proxy_shown("the proxy"),
            reason=visible(detail or "unknown reason").rstrip("."),
            server=server,
            status=f" (status {detail})" if detail else "",
            variable=detail,
        )

    def _requires_https(self) -> bool:
        """Whether a server that does not answer plain http speaks TLS instead."""
        connection = self._connection
        return (
            connection is not None
            and not connection.proxy
            and self.url.startswith("http:")
            and connection.speaks_tls()
        )

    def _proxy_shown(self, otherwise: str) -> str:
        proxy = self._connection.proxy if self._connection else None
        return f"the proxy {proxy.address} ({proxy.variable})" if proxy else otherwise

    def _with_scheme(self, scheme: str) -> Fix | None:
        url = f"{scheme}://{self.report.url.partition('://')[2]}"
        return self.make_fix(f"set the base URL of {self.name} to {url}", {"baseUrl": url})

    def _report_https_wanted(self) -> None:
        self.report.add("https-wanted", fix=self._with_scheme("https"))

    def _report_failure(
        self, found: Classification, response: Response, model: str, *, for_model: str = ""
    ) -> None:
        """Report a response that is not the expected one, except one about the model."""
        if found.code in ("key", "forbidden"):
            self._report_key(found, response, model)
        elif found.code == "path":
            self._report_path(response)
        elif found.code == "openai":
            self._report_openai(f"{self.url}/v1")
        elif found.code == "https-wanted":
            self._report_https_wanted()
        elif found.code == "redirect":
            self._report_redirect(response)
        elif found.code == "proxy":
            proxy = self._proxy_shown("a proxy on the way")
            self.report.add("proxy-refused", "response", status=response.status, proxy=proxy)
        else:
            self.report.add(
                found.code,
                for_model=for_model,
                server_message=_server_message(found),
                status=response.status,
            )

    def _report_key(self, found: Classification, response: Response, model: str) -> None:
        """Try the key in the other style, to tell a wrong style from a wrong key."""
        other = BEARER if self.style == API_KEY else API_KEY
        headers = self._headers(other)
        job = (
            self._messages(model, other)
            if model
            else lambda: self.connection.get("/v1/models", headers)
        )
        second = _caught(job)()
        if isinstance(second, Response):
            code = self._classify(second, model).code
            if (code in ONE_MODEL and code != "server") or (not model and second.status == 200):
                self.report.add(
                    "key-style",
                    accepted=HEADER_SHOWN[other],
                    sent=HEADER_SHOWN[self.style],
                    auth=other,
                    argument=self.argument,
                    fix=self.make_fix(f"set auth of {self.name} to {other}", {"auth": other}),
                )
                return
        self.report.add(
            found.code,
            argument=self.argument,
            server_message=_server_message(found),
            status=response.status,
        )

    def _report_redirect(self, response: Response) -> None:
        to = Url(response.location)
        scheme, authority = to.scheme, to.authority.rpartition("@")[2]
        path, _, _ = to.rest.partition("?")
        host, _ = split_authority(authority)
        same_host = host == self.connection.host
        if self.url.startswith("http:") and scheme == "https" and same_host:
            self._report_https_wanted()
            return
        place = classify.redact(f"{scheme}://{authority}{path}" if scheme else path, self.secrets)
        self.report.add("redirect", status=response.status, place=place)

    def _report_path(self, response: Response) -> None:
        """Find out where the Messages API is, without the key, and report it."""
        places = self._other_places()
        body, headers = _one_token("claude"), VERSION_HEADER
        self.progress("path")

        def probe(base: str, path: str) -> Callable[[], Result]:
            return _caught(lambda: self.connection.post(path, headers, body, base=base))

        # Some servers respond to any path with 401; a path that cannot exist shows it.
        jobs = [probe(place, "/v1/messages") for place in places]
        jobs += [probe(place, "/v1/no-such-path") for place in [*places, self.url]]
        jobs += [probe(self.url, "/v1/chat/completions"), probe(self.url, "/chat/completions")]
        *found, nowhere, chat, chat_without_v1 = transport.in_parallel(jobs)
        for place, result, control in zip(
            places, found[: len(places)], found[len(places) :], strict=True
        ):
            if _path_exists(result, control):
                self.report.add(
                    "path",
                    "elsewhere",
                    url=visible(self.url),
                    status=response.status,
                    place=visible(place),
                    fix=self.make_fix(
                        f"set the base URL of {self.name} to {place}",
                        {"baseUrl": place, "verbatimBaseUrl": None},
                    ),
                )
                return
        chat_has_v1 = _path_exists(chat, nowhere)
        if chat_has_v1 or _path_exists(chat_without_v1, nowhere):
            self._report_openai(f"{self.url}/v1" if chat_has_v1 else self.url)
        else:
            self.report.add("path", url=visible(self.url), status=response.status)

    def _report_openai(self, api: str) -> None:
        """Report that the server speaks OpenAI's format; its paths are below ``api``."""
        model = next((model for model, uses in self.uses.items() if "default" in uses), "")
        self.report.add("openai", gateway=gateway_hint(api, model))

    def _other_places(self) -> list[str]:
        """The base URLs where the API may be instead, the likeliest first."""
        url = Url(self.url)
        shortest = self.url
        while (shorter := repaired(shortest)) != shortest:
            shortest = shorter
        places = [
            shortest,
            *(f"{url.scheme}://{url.authority}{prefix}" for prefix in COMMON_PREFIXES),
        ]
        return [place for place in dict.fromkeys(places) if place != self.url.rstrip("/")]

    def _report_model(self, model: str, result: Result) -> None:
        """Report how the request for one model went."""
        if isinstance(result, TransportError):
            self._add_result(model, result.code, None)
            self._report_transport_error(result)
            return
        found = self._classify(result, model)
        outcome = _Outcome(result, found)
        if found.code in ("beta", "request"):
            outcome = self._with_fewer_betas(model, outcome)
        result, found = outcome.response, outcome.found
        self._add_result(model, found.code, result.latency)
        shown, uses = visible(model), ", ".join(self.uses.get(model, []))
        if found.code == OK:
            self.report.add("model-ok", model=shown, uses=uses, seconds=result.latency / 1000)
        elif found.code == "model":
            self._report_unknown_model(model, uses)
        elif found.code == "model-denied":
            message = _server_message(found)
            self.report.add("model-denied", model=shown, uses=uses, server_message=message)
        elif found.code == "beta":
            self.report.add(
                "beta",
                "" if outcome.beta_options else "unavoidable",
                argument=self.argument,
                for_model=f" for {shown}",
                options=outcome.beta_options,
                server_message=_server_message(found),
            )
        else:
            self._report_failure(found, result, model, for_model=f" for {shown}")

    def _report_unknown_model(self, model: str, uses: str) -> None:
        offered = self.report.offered
        near = classify.nearest(model, offered)
        text = "nearest" if near else "different" if offered else "unlisted"
        shown = ", ".join(map(visible, near or offered[:3]))
        if not near and offered[3:]:
            shown += " and others"
        self.report.add("model", text, model=visible(model), uses=uses, offered=shown)

    def _with_fewer_betas(self, model: str, rejected: _Outcome) -> _Outcome:
        """What a rejected request becomes with a shorter beta header.

        The code is ``beta`` if that helps, ``request`` if it does not.
        """
        on = [name for name in BETAS if not is_on(self.env.get(name))]
        for count in range(1, len(on) + 2):
            off = on[:count]
            fewer = betas({**self.env, **dict.fromkeys(off, "1")}) if count <= len(on) else ""
            second = _caught(self._messages(model, betas=fewer))()
            if isinstance(second, TransportError):
                break
            found = self._classify(second, model)
            if found.code == OK:
                options = " ".join(f"--env {name}=1" for name in off) if fewer else ""
                return _Outcome(rejected.response, replace(rejected.found, code="beta"), options)
            if found.code not in ("beta", "request"):
                return _Outcome(second, found)
        return replace(rejected, found=replace(rejected.found, code="request"))


@dataclass(frozen=True)
class _Outcome:
    """How a model's request went.

    ``beta_options`` are the options of ``cowork-env edit`` with which Claude Code sends a shorter
    beta header; empty where none does.
    """

    response: Response
    found: Classification
    beta_options: str = ""


def _caught(job: Callable[[], Response]) -> Callable[[], Result]:
    """A job that returns its transport error instead of raising it."""

    def run() -> Result:
        try:
            return job()
        except TransportError as error:
            return error

    return run


def _one_token(model: str) -> dict[str, object]:
    return {"model": model, "max_tokens": 1, "messages": [{"role": "user", "content": "."}]}


def _server_message(found: Classification) -> str:
    return f" The server says: {found.message}" if found.message else ""


def _cheapest(models: list[str]) -> str:
    """A small model to try where the provider has none of its own."""
    small = [name for name in models if any(word in name for word in ("haiku", "mini", "flash"))]
    return (small or models)[0]


def _path_exists(result: Result, control: Result) -> bool:
    """Whether the result of a request without a key shows that its path exists.

    ``control`` is the result for a path that cannot exist.
    """
    if isinstance(result, TransportError):
        return False
    if result.status < 300:
        value = classify.parse_body(result)
        return isinstance(value, dict) and (
            value.get("type") == "message" or classify.is_openai(value)
        )
    same = isinstance(control, Response) and control.status == result.status
    return result.status >= 400 and result.status not in (404, 405, 501) and not same


def models_of(target: Target) -> dict[str, list[str]]:
    """The distinct models that a client would ask for, each with what it is used for."""
    found: dict[str, list[str]] = {}
    for use, name in (("default", MODEL), *TIER_MODELS.items()):
        if model := target.get(name):
            found.setdefault(model, []).append(use)
    return found


def betas(env: Mapping[str, str]) -> str:
    """The least that Claude Code sends in its ``anthropic-beta`` header with that environment."""
    sent = [values for name, values in BETAS.items() if not is_on(env.get(name))]
    return ",".join([BETA, *sent])


def custom_headers(text: str) -> dict[str, str]:
    """The headers in ``ANTHROPIC_CUSTOM_HEADERS``: ``Name: value``, one per line."""
    pairs = (line.partition(":") for line in text.splitlines())
    return {
        name.strip().lower(): value.strip()
        for name, mark, value in pairs
        if mark and name.strip() and value.strip()
    }
