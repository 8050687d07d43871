"""What can be seen without a network: the provider file, this shell, start-up files, settings files, proxies."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Mapping

from .. import overrides, secrets, store
from ..core import providers
from ..core.environment import BASE_URL, CONFLICTING, CREDENTIALS, STATE, Activation
from ..core.provider import InvalidField, Provider, host_of, repaired
from ..core.providers import Providers
from ..core.resolve import Inputs, Resolution
from ..core.trust import TrustStore
from ..overrides import WINS
from ..util.errors import CoworkEnvError
from ..util.text import tilde, visible
from . import startup
from .findings import ERROR, NOTE, OK, WARNING, Fix, Repair, Report

PROGRAM = "cowork-env"
# Of the managed variables, those whose value in a start-up file says something about where requests go.
TELLING = (BASE_URL, *CREDENTIALS, *CONFLICTING)


def provider_file(report: Report, inputs: Inputs, level: str) -> Providers | None:
    """Check the provider file and every entry in it; the entries, or None when it cannot be read.

    ``level`` is for entries that are wrong: they are worth a warning where the question is about another one.
    """
    try:
        listed = providers.load(inputs.env, inputs.config_dir)
    except CoworkEnvError as error:
        report.add(ERROR, "provider-file", error.message, error.hint)
        return None
    if listed.path and not os.path.exists(listed.path):
        report.add(
            NOTE,
            "provider-file",
            f"There is no {listed.where} yet.",
            "Add a provider: cowork-env add",
        )
        return listed
    if store.exposure(listed):
        mode = stat.S_IMODE(os.stat(listed.path).st_mode)
        report.add(
            ERROR,
            "permissions",
            f"{listed.where} is open to other people (mode {mode:03o}), and there are keys in it.",
            "Make it yours alone: chmod 600",
            listed.where,
            _chmod(listed.path, 0o600, inputs.home),
        )
    seen: dict[str, str] = {}
    for index in range(len(listed.entries)):
        try:
            name = listed.provider(index).name
        except CoworkEnvError as error:
            report.add(level, "entry", error.message, error.hint)
            continue
        if name.casefold() in seen:
            report.add(
                level,
                "duplicate",
                f"There are two providers named '{visible(name)}' in {listed.where}.",
                "Give one of them another name in the desktop app, or in the file.",
            )
        seen[name.casefold()] = name
    if not report.findings:
        report.add(
            OK,
            "provider-file",
            f"{listed.where} is sound, with {len(listed.entries)} provider{'s' * (len(listed.entries) != 1)}.",
        )
    return listed


def folders(report: Report, inputs: Inputs) -> None:
    """Check that nobody else can read our state or write consents into it."""
    for path in (inputs.state_dir, inputs.state_dir + "/trust"):
        try:
            status = os.stat(path)
        except OSError:
            continue
        shown = tilde(path, inputs.home)
        if status.st_uid != os.geteuid():
            report.add(
                ERROR,
                "permissions",
                f"{shown} belongs to somebody else.",
                "Give it back to yourself with chown.",
                shown,
            )
        elif status.st_mode & 0o077:
            extra = "" if TrustStore(inputs.state_dir).sound() else " No pin is honoured meanwhile."
            report.add(
                ERROR,
                "permissions",
                f"{shown} is open to other people (mode {stat.S_IMODE(status.st_mode):03o}).{extra}",
                "Make it yours alone: chmod 700",
                shown,
                _chmod(path, 0o700, inputs.home),
            )


def _chmod(path: str, mode: int, home: str) -> Fix:
    def run() -> None:
        try:
            os.chmod(path, mode)
        except OSError as error:
            raise CoworkEnvError(f"{tilde(path, home)}: {error.strerror}.") from None

    return Fix(f"chmod {mode:03o} {tilde(path, home)}", run)


def shell(
    report: Report,
    inputs: Inputs,
    name: str,
    word: str,
    sentence: str,
    hint: str,
    level: str,
    install: Fix | None,
) -> None:
    """Check that the hook is at work in this shell (``name``), and that nothing in its start-up files undoes it.

    A child process cannot look into its shell, but it sees what the hook has done: ``word``, ``sentence`` and
    ``hint`` compare the environment with what it should be. ``level`` is for an environment that is not as it
    should be, ``install`` puts the hook line in.
    """
    paths = startup.files(name, inputs.env)
    loaded = startup.hook_lines(paths, inputs.home)
    at_work = Activation.decode(inputs.env.get(STATE, "")) is not None
    if inputs.env.get(STATE) and not at_work:
        report.add(WARNING, "state", f"{STATE} is damaged; it is ignored.", "Start a new shell.")
    if word != "in-step":
        report.add(level, "shell", f"In this shell, {sentence}.", hint)
    elif at_work:
        report.add(OK, "shell", "The environment of this shell is as it should be.")
    if loaded:
        report.add(OK, "hook", f"The hook is loaded in {', '.join(loaded)}.")
        place, variable = startup.displaced(name, paths, inputs.home)
        if place:
            report.add(
                level,
                "hook-displaced",
                f"{place} replaces {variable} after the hook was loaded, and the hook with it.",
                "Put the hook line at the end of the file.",
                place,
            )
    elif not at_work:
        what = (
            f"None of {name}'s start-up files loads the hook"
            if name
            else "No start-up file loads the hook"
        )
        report.add(
            WARNING, "hook-line", f"{what}.", "Put its line in: cowork-env init", fix=install
        )
    if not shutil.which(PROGRAM, path=inputs.env.get("PATH", "")):
        report.add(
            WARNING,
            "program",
            f"{PROGRAM} is not on PATH, so a new shell cannot load the hook.",
            "Add its folder to PATH.",
        )


def variables(
    report: Report, inputs: Inputs, name: str, active: bool, redirects: list[str]
) -> None:
    """Report variables that redirect clients or add a second credential, and the start-up file each comes from.

    ``active``: a provider applies, and puts them aside; ``redirects``: those that it does not.
    """
    places: dict[str, list[str]] = {}
    for variable, place in startup.assignments(
        startup.files(name, inputs.env), (*TELLING, *redirects), inputs.home
    ):
        places.setdefault(variable, []).append(place)
    for variable in redirects:
        where = ", ".join(places.get(variable, []))
        report.add(
            ERROR,
            "redirected",
            f"{variable} is set{' in ' + where if where else ''}: it takes every request and its key away.",
            "Unset it.",
            where,
        )
    live = set() if active else set(overrides.conflicts(inputs.env)) - set(redirects)
    for variable in (v for v in TELLING if v in places or v in live):
        where = ", ".join(places.get(variable, []))
        report.add(
            WARNING if variable in live else NOTE,
            "variable",
            f"{variable} is set in {where or 'this shell'}; it is put aside while a provider is active, and counts elsewhere.",
            f"{'Take the line out' if where else 'Unset it'} if you do not want that.",
            where,
        )


def settings(report: Report, found: overrides.Report, inputs: Inputs, active: bool) -> None:
    """Report what Claude Code's settings files, and other switchers, do to the environment that a client gets."""
    for path, why in found.problems:
        report.add(
            WARNING,
            "settings-file",
            why,
            "Claude Code may refuse it, too.",
            tilde(path, inputs.home),
        )
    for setting in found.settings:
        place = tilde(setting.place.path, inputs.home)
        helper = setting.key == "apiKeyHelper"
        text = "apiKeyHelper makes a key of its own" if helper else f"{visible(setting.key)} is set"
        if setting.effect == WINS:
            report.add(
                ERROR if active else NOTE,
                "settings",
                f"{text} in the {setting.place.scope} settings{', and is used instead of the environment' if active else ''}.",
                "Take it out of that file." if active else "",
                place,
            )
        elif setting.effect == overrides.HELD and active:
            report.add(
                NOTE,
                "settings",
                f"{text} in the {setting.place.scope} settings; while a provider is active it is ignored.",
                "",
                place,
            )
    for leftover in found.leftovers:
        report.add(
            NOTE,
            "leftover",
            f"There is something of {leftover.tool}: {visible(leftover.trace)}.",
            "Remove it if unused.",
        )


def provider(report: Report, entry: Provider, env: Mapping[str, str], repair: Repair) -> None:
    """Check one valid provider without asking anybody: the form of its URL and key, and a proxy in the way."""
    url, name = entry.base_url, visible(entry.name)
    if entry.direct and not url:
        report.add(
            NOTE,
            "direct",
            "Clients talk to a cloud themselves; URL and key are not cowork-env's, and are not checked.",
        )
    elif repaired(url) != url.rstrip("/"):
        mended = repaired(url)
        if entry.verbatim:
            report.add(
                WARNING,
                "url",
                f"Clients will append /v1/messages to {visible(url)} as it stands.",
                "Leave verbatimBaseUrl out.",
                fix=repair(f"take verbatimBaseUrl off {name}", {"verbatimBaseUrl": None}),
            )
        else:
            report.add(
                NOTE,
                "url",
                f"The URL is exported as {visible(mended)}, because clients append /v1/messages to it.",
            )
    if entry.insecure and url.startswith("http:"):
        report.add(
            WARNING,
            "insecure",
            f"Requests to {visible(host_of(url))} are not encrypted: others on the way can read the key.",
        )
    try:
        secrets.check_reference(entry.token_from)
    except InvalidField as error:
        report.add(ERROR, "secret", f"authTokenFrom {error.why}.", error.hint)
    if not entry.token_from and not entry.token:
        try:  # Nobody is asked for it; the core knows what to say of it, and where none is needed.
            secrets.fetch(entry, env)
        except CoworkEnvError as error:
            report.add(
                ERROR, "secret", f"{error.message[:1].upper()}{error.message[1:]}", error.hint
            )
    way = (
        overrides.proxy({**env, **{k: v for k, v in entry.env.items() if v}}, url) if url else None
    )
    if way and way.harmful:
        report.add(
            ERROR,
            "proxy-loopback" if host_of(url) == way.host and not entry.insecure else "proxy-plain",
            f"Clients send requests for {visible(way.host)} through the proxy {way.address} ({way.variable}), key included.",
            f"Add {visible(way.host)} to NO_PROXY.",
        )


def choice(report: Report, found: Resolution) -> None:
    """Report which provider applies, or why the one that should does not."""
    for pin in found.untrusted:
        report.add(WARNING, "untrusted", f"{pin.message[:1].upper()}{pin.message[1:]}.")
    if found.error:
        report.add(ERROR, "choice", found.error.message, found.error.hint)
    elif found.provider:
        report.add(OK, "choice", f"{visible(found.provider.name)} applies here ({found.source}).")
    else:
        report.add(
            NOTE,
            "choice",
            "No provider applies here.",
            "Name one, or check them all: cowork-env doctor --all",
        )
