"""One provider tried out: what a client's first requests would meet, told apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from .. import overrides
from ..core.environment import BASE_URL, CREDENTIALS, MODEL, TIER_MODELS
from ..core.provider import API_KEY, BEARER, is_loopback, repaired, split_authority, split_url
from ..util.text import visible
from . import judge, transport
from .findings import ERROR, NOTE, OK, Fix, ModelResult, Repair, Report
from .judge import Verdict
from .transport import Line, Reply, Trouble

if TYPE_CHECKING:
    from ..core.environment import Target

VERSION = "2023-06-01"
# As Claude Code 2.1.331 sends them; its requests fail where one is refused. What its variables leave out was measured, too.
BETA = "claude-code-20250219"  # always sent
BETAS = {
    "CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS": (
        "context-management-2025-06-27,thinking-token-count-2026-05-13,advanced-tool-use-2025-11-20"
    ),
    "DISABLE_INTERLEAVED_THINKING": "interleaved-thinking-2025-05-14",
}
CUSTOM_HEADERS = "ANTHROPIC_CUSTOM_HEADERS"
# Verdicts that the next model need not share.
ABOUT_ONE = (OK, "model", "model-denied", "quota", "overloaded", "beta", "request", "server")
# Where vendors keep their Anthropic-format API; asked without the key.
USUAL_PREFIXES = ("", "/anthropic", "/api", "/api/anthropic")


class Trial:
    """The requests to one provider, and what they say. ``repair`` makes a fix of a change to the provider's entry."""

    def __init__(
        self,
        report: Report,
        wanted: Target,
        env: Mapping[str, str],
        timeout: float,
        repair: Repair,
        progress: Callable[[str], None],
    ) -> None:
        self.report, self.repair, self.progress = report, repair, progress
        self.url = wanted.get(BASE_URL) or ""
        self.style = API_KEY if wanted.get(CREDENTIALS[1]) else BEARER
        self.key = wanted.get(CREDENTIALS[1]) or wanted.get(CREDENTIALS[0]) or ""
        self.extra = custom_headers(wanted.get(CUSTOM_HEADERS) or "")
        self.secrets = [self.key, *self.extra.values()]
        self.uses = models_of(wanted)
        # A client runs with the provider's variables over the person's, its proxies included.
        self.env = {k: v for k, v in {**env, **wanted}.items() if v is not None}
        self.betas = betas(self.env)
        self.timeout = timeout
        self.name = visible(report.name)
        self._line: Line | None = None

    @property
    def line(self) -> Line:
        assert self._line is not None
        return self._line

    def run(self) -> None:
        """Try everything that can be tried."""
        self.report.online = True
        try:
            self._line = Line(self.url, self.env, self.timeout)
        except Trouble as trouble:
            self._way(trouble)
            return
        try:
            self._run()
        finally:
            self.line.close()

    def _run(self) -> None:
        line = self.line
        if line.proxy:
            self.report.add(
                NOTE,
                "proxy",
                f"Requests go through the proxy {line.proxy.address} ({line.proxy.variable}).",
            )
        else:
            self.progress("name")
            try:
                found = line.resolve()
            except Trouble as trouble:
                self._way(trouble)
                return
            self.report.add(
                OK,
                "name",
                f"{line.host} is {visible(found[0])}"
                + (f" and {len(found) - 1} more." if found[1:] else "."),
            )
        models = list(self.uses)
        self.progress("connection")
        first: list[Callable[[], Reply | Trouble]] = [self._caught(self._list)]
        first += [self._caught(self._ask(models[0]))] if models else []
        listed, *answers = transport.side_by_side(first)
        openai_list = self._take_list(listed)
        if not models:
            if self.report.offered:
                # A model is no part of this provider, so the cheapest that the server offers stands in for one.
                small = [
                    n for n in self.report.offered if "haiku" in n or "mini" in n or "flash" in n
                ]
                models = [(small or self.report.offered)[0]]
                self.uses = {models[0]: ["no model of its own"]}
            else:
                self._without_model(listed)
                return
            answers = [self._caught(self._ask(models[0]))()]
        if self._about_all(models[0], answers[0], openai_list):
            return
        self.progress(f"{len(models)} model{'s' * (len(models) > 1)}")
        answers += transport.side_by_side([self._caught(self._ask(model)) for model in models[1:]])
        for model, answer in zip(models, answers, strict=True):
            self._about_model(model, answer)

    # Requests

    def _headers(self, style: str = "", betas: str = "", key: bool = True) -> dict[str, str]:
        headers = {"anthropic-version": VERSION, **self.extra}
        if betas:
            headers["anthropic-beta"] = betas
        if key:
            name, value = (
                ("x-api-key", self.key)
                if (style or self.style) == API_KEY
                else ("authorization", f"Bearer {self.key}")
            )
            headers[name] = value
        return headers

    def _list(self) -> Reply:
        return self.line.call(
            "GET", "/v1/models?limit=1000", self._headers(), limit=transport.MAX_LIST
        )

    def _ask(self, model: str, style: str = "", betas: str | None = None) -> Callable[[], Reply]:
        body = {"model": model, "max_tokens": 1, "messages": [{"role": "user", "content": "."}]}
        headers = self._headers(style, self.betas if betas is None else betas)
        return lambda: self.line.call("POST", "/v1/messages", headers, body)

    @staticmethod
    def _caught(job: Callable[[], Reply]) -> Callable[[], Reply | Trouble]:
        def run() -> Reply | Trouble:
            try:
                return job()
            except Trouble as trouble:
                return trouble

        return run

    def _judge(self, reply: Reply, model: str) -> Verdict:
        verdict = judge.judge(reply, model, self.secrets, bool(self.line.proxy))
        known = self.report.offered
        if (
            verdict.code == "path"
            and known
            and model not in known
            and judge.is_anthropic_error(judge.document(reply))
        ):
            # It has the API, and a list on which the model is not: 404 is about that.
            verdict.code = "model"
        return verdict

    # What the answers say

    def _take_list(self, answer: Reply | Trouble) -> bool:
        """Keep the models that the server lists; whether the list has OpenAI's form only."""
        if isinstance(answer, Trouble):
            return False
        self.report.offered, openai = judge.model_names(answer, self.key)
        return openai

    def _without_model(self, listed: Reply | Trouble) -> None:
        if isinstance(listed, Trouble):
            self._way(listed)
            return
        verdict = self._judge(listed, "")
        if verdict.code in (
            "key",
            "forbidden",
            "quota",
            "overloaded",
            "redirect",
            "proxy",
            "https-wanted",
            "server",
        ):
            self._fatal(verdict, listed, "")
            return
        self.report.add(
            ERROR,
            "no-model",
            "It has no model, and the server lists none, so no request can be tried.",
            f"Give it one: cowork-env edit '{self.name}' --default-model MODEL",
        )

    def _about_all(self, model: str, answer: Reply | Trouble, openai_list: bool) -> bool:
        """Report what is wrong whatever the model; whether there was something."""
        if isinstance(answer, Trouble):
            self._way(answer)
            self._result(model, answer.code, None)
            return True
        verdict = self._judge(answer, model)
        if verdict.code in ABOUT_ONE:
            return False
        self._result(model, verdict.code, answer.latency)
        if verdict.code == "path" and openai_list:
            verdict.code = "openai"
        self._fatal(verdict, answer, model)
        return True

    def _result(self, model: str, code: str, latency: int | None) -> None:
        self.report.models.append(ModelResult(model, self.uses.get(model, []), code, latency))

    def _way(self, trouble: Trouble) -> None:
        """Report that no answer came, and where on the way it went wrong."""
        line = self._line
        host = visible(line.host if line else self.url)
        place = (
            (f"[{host}]:{line.port}" if ":" in host else f"{host}:{line.port}") if line else host
        )
        proxy = (
            f"the proxy {line.proxy.address} ({line.proxy.variable})"
            if line and line.proxy
            else "the proxy"
        )
        local = bool(line) and is_loopback(line.host)  # type: ignore[union-attr]
        start = (
            "Start the server, or correct the port."
            if local
            else "Look at the URL, the network and the firewall."
        )
        fix = None
        code, message = trouble.code, f"{place} broke the connection off, or does not speak HTTP."
        hint = "Look at the port, and at the server's own log."
        if code == "dns":
            message, hint = (
                f"The name {host} is not known.",
                "Look for a mistake in the URL; is the network (or the VPN) up?",
            )
        elif code == "refused":
            message, hint = f"{place} refused the connection: nothing listens there.", start
        elif code == "unreachable":
            message, hint = f"{place} cannot be reached.", start
        elif code == "timeout":
            what = "be reached" if trouble.detail else "answer"
            message = (
                f"{place} did not {what} within the time limit."
                if what == "answer"
                else f"{place} could not be reached in time."
            )
            hint = "Look at the network and the server; --timeout gives it longer."
        elif code == "certificate":
            why = visible(trouble.detail or "unknown reason").rstrip(".")
            message = f"The certificate of {host} is not trusted: {why}."
            hint = "If it comes from your own authority, name its file in NODE_EXTRA_CA_CERTS and SSL_CERT_FILE."
            if "mismatch" in why:
                hint = "Write the URL with a name that the certificate has."
            elif "expired" in why or "not yet valid" in why:
                hint = "Have the server's certificate renewed; is this machine's clock right?"
        elif code == "not-tls":
            message, hint = (
                f"{place} speaks plain http, and the URL says https.",
                "Ask for the server's https address.",
            )
            if local:
                hint = "On this machine plain http is fine."
                fix = self._with_scheme("http")
        elif code == "tls":
            message, hint = (
                f"TLS with {place} failed.",
                "A middlebox, or a server that is too old, may be in the way.",
            )
        elif code == "ca-file":
            message, hint = (
                f"The file that {trouble.detail} names cannot be used.",
                "Correct the variable, or unset it.",
            )
        elif code == "proxy-unreachable":
            message, hint = (
                f"{proxy[0].upper()}{proxy[1:]} cannot be reached.",
                "Correct that variable, or unset it.",
            )
        elif code == "proxy-refused":
            status = f" with {trouble.detail}" if trouble.detail else ""
            message = f"{proxy[0].upper()}{proxy[1:]} refused to connect to {host}{status}."
            hint = (
                "It wants a user name and a password."
                if trouble.detail == "407"
                else "Have it allow that host, or set NO_PROXY."
            )
        elif code == "proxy-form":
            message, hint = (
                "The proxy that the environment names cannot be used here.",
                "Use an http:// or https:// proxy.",
            )
        elif code == "header":
            code, message = "key", "The key has characters in it that no request can carry."
            hint = self._new_key()
        elif line and not line.proxy and self.url.startswith("http:") and line.speaks_tls():
            self._https_wanted()
            return
        self.report.add(ERROR, code, message, hint, fix=fix)

    def _with_scheme(self, scheme: str) -> Fix | None:
        url = f"{scheme}://{self.report.url.partition('://')[2]}"
        return self.repair(f"set the base URL of {self.name} to {url}", {"baseUrl": url})

    def _https_wanted(self) -> None:
        self.report.add(
            ERROR,
            "https-wanted",
            "The server wants https, and the URL says http.",
            "Write https:// in the base URL.",
            fix=self._with_scheme("https"),
        )

    def _new_key(self) -> str:
        return f"Enter the key again: cowork-env edit '{self.name}' --token-stdin"

    def _fatal(self, verdict: Verdict, reply: Reply, model: str) -> None:
        """Report an answer that speaks for every model."""
        code, said = verdict.code, f" It says: {verdict.said}" if verdict.said else ""
        if code in ("key", "forbidden"):
            self._key(verdict, reply, model, said)
        elif code == "path":
            self._path(reply)
        elif code == "https-wanted":
            self._https_wanted()
        elif code == "redirect":
            self._redirect(reply)
        elif code == "openai":
            self._openai()
        elif code == "html":
            self.report.add(
                ERROR,
                "html",
                "The server answers with a web page, not with the Anthropic API.",
                "The URL is that of a site or of a login page; use the one that its documentation gives for Claude Code.",
            )
        elif code == "proxy":
            who = (
                f"the proxy {self.line.proxy.address}" if self.line.proxy else "a proxy on the way"
            )
            self.report.add(
                ERROR,
                "proxy-refused",
                f"The answer (status {reply.status}) comes from {who}, not from the server.",
                "Have it allow that host, or set NO_PROXY.",
            )
        elif code == "format":
            self.report.add(
                ERROR,
                "format",
                f"The answer (status {reply.status}) does not have the form of the Anthropic API.{said}",
                "Use the URL that its documentation gives for Claude Code.",
            )
        else:
            self._passing(verdict, reply, "")

    def _key(self, verdict: Verdict, reply: Reply, model: str, said: str) -> None:
        other = BEARER if self.style == API_KEY else API_KEY
        asked = (
            self._ask(model, other)
            if model
            else lambda: self.line.call("GET", "/v1/models", self._headers(other))
        )
        second = self._caught(asked)()
        if isinstance(second, Reply):
            judged = self._judge(second, model).code
            if (judged in ABOUT_ONE and judged != "server") or (not model and second.status == 200):
                sent = {BEARER: "Authorization: Bearer", API_KEY: "x-api-key"}
                self.report.add(
                    ERROR,
                    "key-style",
                    f"The server takes this key as {sent[other]}, and it is sent as {sent[self.style]}.",
                    f"Change it: cowork-env edit '{self.name}' --auth {other}",
                    fix=self.repair(f"set auth of {self.name} to {other}", {"auth": other}),
                )
                return
        if verdict.code == "forbidden":
            self.report.add(
                ERROR,
                "forbidden",
                f"The server does not let this key in (403).{said}",
                "Look at what the key may do, and whether the server takes requests from this place and program.",
            )
            return
        self.report.add(
            ERROR, "key", f"The server refuses the key ({reply.status}).{said}", self._new_key()
        )

    def _redirect(self, reply: Reply) -> None:
        scheme, authority, rest = split_url(reply.location)
        authority, path = authority.rpartition("@")[2], rest.split("?")[0]
        if (
            self.url.startswith("http:")
            and scheme == "https"
            and split_authority(authority)[0] == self.line.host
        ):
            self._https_wanted()
            return
        place = judge.scrub(f"{scheme}://{authority}{path}" if scheme else path, self.secrets)
        self.report.add(
            ERROR,
            "redirect",
            f"The server sends requests elsewhere ({reply.status}): {place}",
            "The key was not sent there. If that place is right, put it in the base URL.",
        )

    def _openai(self) -> None:
        self.report.add(
            ERROR,
            "openai",
            "This is an OpenAI-format server; Claude Code needs the Anthropic format.",
            "Use its Anthropic-format URL if it has one, or put a LiteLLM proxy in front of it.",
        )

    def _path(self, reply: Reply) -> None:
        """Find out where the Messages API is, without the key."""
        scheme, authority, _ = split_url(self.url)
        origin = f"{scheme}://{authority}"
        mended = self.url
        while (shorter := repaired(mended)) != mended:
            mended = shorter
        places = list(dict.fromkeys([mended, *(origin + prefix for prefix in USUAL_PREFIXES)]))
        places = [place for place in places if place != self.url.rstrip("/")]
        body = {"model": "claude", "max_tokens": 1, "messages": [{"role": "user", "content": "."}]}
        bare = {"anthropic-version": VERSION}
        self.progress("path")

        def probe(base: str, path: str) -> Callable[[], Reply | Trouble]:
            return self._caught(lambda: self.line.call("POST", path, bare, body, base=base))

        chats = [probe(self.url, "/v1/chat/completions"), probe(self.url, "/chat/completions")]
        # Some servers say 401 to any path: what they say to one that is nowhere shows it.
        controls = [probe(place, "/v1/no-such-path") for place in [*places, self.url]]
        found = transport.side_by_side(
            [probe(p, "/v1/messages") for p in places] + controls + chats
        )
        *answers, nowhere, chat, chat_below = found
        pairs = zip(answers[: len(places)], answers[len(places) :], strict=True)
        good = [_is_there(answer, control) for answer, control in pairs]
        if any(good):
            place = places[good.index(True)]
            self.report.add(
                ERROR,
                "path",
                f"The path is wrong: {visible(self.url)}/v1/messages is not there ({reply.status}).",
                f"The API is below {visible(place)}; clients append /v1/messages to the base URL.",
                fix=self.repair(
                    f"set the base URL of {self.name} to {place}",
                    {"baseUrl": place, "verbatimBaseUrl": None},
                ),
            )
            return
        if _is_there(chat, nowhere) or _is_there(chat_below, nowhere):
            self._openai()
            return
        self.report.add(
            ERROR,
            "path",
            f"The path is wrong: {visible(self.url)}/v1/messages is not there ({reply.status}).",
            "Clients append /v1/messages to the base URL; use the one that its documentation gives for Claude Code.",
        )

    def _about_model(self, model: str, answer: Reply | Trouble) -> None:
        if isinstance(answer, Trouble):
            self._result(model, answer.code, None)
            self._way(answer)
            return
        verdict = self._judge(answer, model)
        hint = ""
        if verdict.code in ("beta", "request"):
            answer, verdict, hint = self._with_fewer_betas(model, answer, verdict)
        self._result(model, verdict.code, answer.latency)
        shown, uses = visible(model), ", ".join(self.uses.get(model, []))
        if verdict.code == OK:
            self.report.add(
                OK, "model-ok", f"{shown} ({uses}) answers in {answer.latency / 1000:.1f} s."
            )
        elif verdict.code == "model":
            near = judge.nearest(model, self.report.offered)
            if near:
                hint = "It offers " + ", ".join(map(visible, near)) + "."
            elif self.report.offered:
                others = " and others" if self.report.offered[3:] else ""
                hint = f"It offers {', '.join(map(visible, self.report.offered[:3]))}{others}; none is like it."
            else:
                hint = "It lists no models; look in its documentation."
            self.report.add(
                ERROR, "model", f"The server does not know the model {shown} ({uses}).", hint
            )
        elif verdict.code == "model-denied":
            said = f" It says: {verdict.said}" if verdict.said else ""
            self.report.add(
                ERROR,
                "model-denied",
                f"The key may not use the model {shown} ({uses}).{said}",
                "Choose another model, or have the key changed by who gave it out.",
            )
        elif verdict.code in (
            "key",
            "forbidden",
            "path",
            "redirect",
            "html",
            "openai",
            "format",
            "proxy",
            "https-wanted",
        ):
            self._fatal(verdict, answer, model)
        else:
            self._passing(verdict, answer, f" for {shown}", hint)

    def _with_fewer_betas(
        self, model: str, answer: Reply, verdict: Verdict
    ) -> tuple[Reply, Verdict, str]:
        """What becomes of a refused request when the header says less; and how to have Claude Code do that."""
        on = [name for name in BETAS if not overrides.is_on(self.env.get(name))]
        for count in range(1, len(on) + 2):
            off = on[:count]
            fewer = betas({**self.env, **dict.fromkeys(off, "1")}) if count <= len(on) else ""
            second = self._caught(self._ask(model, betas=fewer))()
            if isinstance(second, Trouble):
                break
            without = self._judge(second, model)
            if without.code == OK:
                settings = " ".join(f"--env {name}=1" for name in off)
                hint = f"Have it say less: cowork-env edit '{self.name}' {settings}"
                if not fewer:
                    hint = "No setting of Claude Code leaves that header out: have the server ignore it."
                return answer, Verdict("beta", verdict.said), hint
            if without.code not in ("beta", "request"):
                return second, without, ""
        return answer, Verdict("request", verdict.said), ""

    def _passing(self, verdict: Verdict, reply: Reply, about: str, hint: str = "") -> None:
        """Report what may be over in a while, or what only the server's own words explain."""
        said = f" It says: {verdict.said}" if verdict.said else ""
        if verdict.code == "quota":
            self.report.add(
                ERROR,
                "quota",
                f"The quota is used up, or requests come too fast ({reply.status}){about}.{said}",
                "Wait, or look at the balance and the limits of the account; URL and key are right.",
            )
        elif verdict.code == "overloaded":
            self.report.add(
                ERROR,
                "overloaded",
                f"The server is overloaded ({reply.status}){about}.",
                "Try again in a while.",
            )
        elif verdict.code == "beta":
            self.report.add(
                ERROR,
                "beta",
                f"The server refuses Claude Code's anthropic-beta header{about}.{said}",
                hint,
            )
        elif verdict.code == "server":
            self.report.add(
                ERROR,
                "server",
                f"The server failed ({reply.status}){about}.{said}",
                "Try again in a while.",
            )
        else:
            self.report.add(
                ERROR, "request", f"The server refused the request ({reply.status}){about}.{said}"
            )


def _is_there(answer: Reply | Trouble, control: Reply | Trouble) -> bool:
    """Whether an answer to a request without a key shows that its path exists; ``control`` is one to no path at all."""
    if isinstance(answer, Trouble):
        return False
    if answer.status < 300:
        value = judge.document(answer)
        return isinstance(value, dict) and (
            value.get("type") == "message" or judge.is_openai(value)
        )
    elsewhere = isinstance(control, Reply) and control.status == answer.status
    return answer.status >= 400 and answer.status not in (404, 405, 501) and not elsewhere


def models_of(wanted: Target) -> dict[str, list[str]]:
    """The distinct models that a client would ask for, each with what it is used for."""
    found: dict[str, list[str]] = {}
    for use, name in (("default", MODEL), *TIER_MODELS.items()):
        if model := wanted.get(name):
            found.setdefault(model, []).append(use)
    return found


def betas(env: Mapping[str, str]) -> str:
    """What Claude Code says in its ``anthropic-beta`` header, at the least, in that environment."""
    return ",".join(
        [BETA, *(values for name, values in BETAS.items() if not overrides.is_on(env.get(name)))]
    )


def custom_headers(text: str) -> dict[str, str]:
    """The headers in ``ANTHROPIC_CUSTOM_HEADERS``: ``Name: value``, one a line."""
    pairs = (line.partition(":") for line in text.splitlines())
    return {
        name.strip().lower(): value.strip()
        for name, mark, value in pairs
        if mark and name.strip() and value.strip()
    }
