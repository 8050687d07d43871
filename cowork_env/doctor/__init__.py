"""The doctor: why it does not work, and how to make it work.

``findings`` are values; ``local`` and ``startup`` look at this machine, ``online`` (with ``transport`` and ``judge``)
tries a provider out. This module puts them together; httpx is only loaded for what goes online.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

from .. import secrets
from ..core import environment, providers
from ..core.provider import Provider
from ..core.providers import Providers
from ..core.resolve import Inputs
from ..util.errors import CoworkEnvError
from ..util.text import visible
from .findings import ERROR, NOTE, OK, WARNING, Finding, Fix, Report

TIMEOUT = 30.0
__all__ = [
    "ERROR",
    "NOTE",
    "OK",
    "TIMEOUT",
    "WARNING",
    "Finding",
    "Fix",
    "Report",
    "check_after_add",
    "examine",
    "lines",
    "list_models",
    "prepare",
]


def _silent(_stage: str) -> None:
    pass


def _nothing() -> None:
    pass


def examine(
    listed: Providers,
    index: int,
    env: Mapping[str, str],
    config_dir: str,
    models: Mapping[str, str] | None = None,
    online: bool = True,
    timeout: float = TIMEOUT,
    progress: Callable[[str], None] = _silent,
    inputs: Inputs | None = None,
) -> Report:
    """Check the provider at ``index``: by looking, and ``online`` by trying it out. No key gets into the report.

    ``models`` are a pin's; ``inputs`` allow repairs of the provider file to be offered.
    """
    report, try_out = prepare(
        listed, index, env, config_dir, models, online, timeout, progress, inputs
    )
    try_out()
    return report


def prepare(
    listed: Providers,
    index: int,
    env: Mapping[str, str],
    config_dir: str,
    models: Mapping[str, str] | None = None,
    online: bool = True,
    timeout: float = TIMEOUT,
    progress: Callable[[str], None] = _silent,
    inputs: Inputs | None = None,
) -> tuple[Report, Callable[[], None]]:
    """The first half of :func:`examine`, its report so far, and the second half, which may run beside others.

    The first half fetches the key. That is for the main thread: it gets the signals, and a tool may want to ask.
    """
    entry = listed.entries[index]
    name = entry.get("name") if isinstance(entry, dict) else None
    try:
        provider = listed.provider(index)
    except CoworkEnvError as error:
        report = Report(visible(name) if isinstance(name, str) else f"entry {index}")
        report.add(ERROR, "entry", error.message, error.hint)
        return report, _nothing
    from . import local

    report = Report(provider.name, provider.id, provider.base_url, provider.auth)

    def repair(text: str, changes: dict[str, Any]) -> Fix | None:
        if inputs is None or inputs.env.get(providers.JSON_VARIABLE):
            return None
        return Fix(text, lambda: _change(inputs, provider, changes))

    local.provider(report, provider, env, repair)
    # What is wrong already needs no request to show it; a server on this machine is asked past the proxy.
    if not online or any(f.code != "proxy-loopback" for f in report.findings if f.level == ERROR):
        return report, _nothing
    progress("key")
    try:
        wanted = environment.target(
            provider, secrets.fetch(provider, env), models or {}
        )
    except CoworkEnvError as error:
        report.add(ERROR, "secret", f"{error.message[:1].upper()}{error.message[1:]}", error.hint)
        return report, _nothing
    if not wanted.get(environment.BASE_URL):
        return report, _nothing
    from .online import Trial

    return report, Trial(report, wanted, env, timeout, repair, progress).run


def _change(inputs: Inputs, provider: Provider, changes: dict[str, Any]) -> None:
    """Write changes of one provider to the provider file; None takes a key out."""
    from .. import store

    def change(listed: Providers) -> None:
        entry = listed.entries[listed.find(provider.id or provider.name)]
        for key, value in changes.items():
            if value is None:
                entry.pop(key, None)
            else:
                entry[key] = value

    store.edit(inputs, change)


def lines(
    report: Report, paint: Callable[[str, str], str] = lambda text, _level: text
) -> list[str]:
    """A report's findings for a person; ``paint`` may colour a text by the finding's level."""
    shown = []
    for finding in report.findings:
        message = finding.message
        if finding.where and finding.where not in message:
            message = f"{finding.where}: {message}"
        shown.append(f"  {paint(f'{finding.level:8}', finding.level)}{visible(message, 2000)}")
        if finding.hint:
            shown.append(f"  {'':8}{visible(finding.hint, 2000)}")
    return shown


def check_after_add(
    listed: Providers, index: int, env: Mapping[str, str], config_dir: str, timeout: float = TIMEOUT
) -> bool:
    """Try a provider out that was just added, and tell the person on standard error; whether it is healthy."""
    name = visible(listed.provider(index).name)
    terminal = sys.stderr.isatty()
    if terminal:
        print(f"Checking {name}...", file=sys.stderr, end="", flush=True)
    try:
        report = examine(listed, index, env, config_dir, timeout=timeout)
    finally:
        if terminal:
            print("\r\033[K", file=sys.stderr, end="", flush=True)
    result = (
        "does not work yet" if not report.healthy else "works" if report.online else "not tried"
    )
    print("\n".join([f"{name}: {result}", *lines(report)]), file=sys.stderr)
    return report.healthy


def list_models(
    url: str, key: str, auth: str, env: Mapping[str, str] | None = None, timeout: float = 8.0
) -> list[str]:
    """The models that the endpoint at ``url`` lists for ``key``; none where it does not, or does not in time."""
    from ..core.provider import BEARER, InvalidField, check_base_url, repaired
    from . import judge, transport

    try:
        check_base_url(url)
        line = transport.Line(repaired(url), os.environ if env is None else env, timeout)
    except (InvalidField, transport.Trouble):
        return []
    headers = {"anthropic-version": "2023-06-01"}
    headers |= {"authorization": f"Bearer {key}"} if auth == BEARER else {"x-api-key": key}
    try:
        return judge.model_names(
            line.call("GET", "/v1/models?limit=1000", headers, limit=transport.MAX_LIST), key
        )[0]
    except transport.Trouble:
        return []
    finally:
        line.close()
