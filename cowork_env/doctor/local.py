"""Checks that need no network: the provider file, this shell, startup files, settings, proxies."""

from __future__ import annotations

import os
import shutil
import stat
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from .. import accounts, claude, launcher, overrides, secrets, securing, startup_files, store
from ..core import catalog, providers
from ..core.client_variables import CONFLICTING
from ..core.environment import (
    BASE_URL,
    CREDENTIALS,
    STATE,
    ignored_state,
    is_damaged,
)
from ..core.provider import InvalidField, Provider, Url, is_encrypted, repaired
from ..core.providers import Providers, field_of
from ..core.resolve import (
    Inputs,
    Resolution,
    check_login_directory,
    fetch_key,
    original_env,
)
from ..util import files
from ..util.errors import CoworkEnvError
from ..util.system import parent
from ..util.text import argument, tilde, visible
from . import login
from .codes import NOTE, WARNING
from .findings import Fix, MakeFix, Report

if TYPE_CHECKING:
    from ..core.trust import TrustStore
    from ..status import Status

_SHOWN = 6  # names in one message
# The managed variables that decide where requests go, and with which credential.
ROUTING = (BASE_URL, *CREDENTIALS, *CONFLICTING)


def add_error(
    report: Report, code: str, error: CoworkEnvError, *, text: str = "", level: str = ""
) -> None:
    """Report an error of the core with its own message and hint."""
    report.add(code, text, level=level, message=error.message, hint=error.hint)


def add_secret_error(report: Report, error: CoworkEnvError) -> None:
    """Report why there is no key. These messages usually follow the name of a provider."""
    message = f"{error.message[:1].upper()}{error.message[1:]}"
    report.add("secret", message=message, hint=error.hint)


def provider_file(report: Report, inputs: Inputs, level: str) -> Providers | None:
    """Check the provider file and every entry in it.

    Returns the entries, or None when the file cannot be read. ``level`` is for invalid entries.
    """
    try:
        listed = providers.load(inputs.env, inputs.config_dir)
    except CoworkEnvError as error:
        add_error(report, "provider-file", error, text="error")
        return None
    if listed.path and not os.path.exists(listed.path):
        report.add("provider-file", "missing", file=listed.where)
        return listed
    if store.exposure(listed):
        report.add(
            "permissions",
            "file",
            path=listed.where,
            mode=stat.S_IMODE(os.stat(listed.path).st_mode),
            argument=argument(listed.path, "FILE"),
            where=listed.where,
            fix=_chmod(listed.path, 0o600, inputs.home),
        )
    seen: set[str] = set()
    for index in range(len(listed.own)):
        try:
            name = listed.provider(index).name
        except CoworkEnvError as error:
            add_error(report, "entry", error, level=level)
            continue
        if name.casefold() in seen:
            report.add("duplicate", level=level, name=visible(name), file=listed.where)
        seen.add(name.casefold())
    if not report.findings:
        count = len(listed.own)
        s = "" if count == 1 else "s"
        report.add("provider-file", "ok", file=listed.where, count=count, s=s)
    _plaintext(report, listed)
    return listed


def shared(report: Report, listed: Providers, store: TrustStore) -> None:
    """Check the catalogue, if there is one."""
    found = listed.catalog
    if found is None:
        return
    if found.error:
        add_error(report, "catalog", found.error, text="error")
        return
    states = []
    for index in range(len(listed.own), len(listed.entries)):
        try:
            states.append(catalog.state(store, listed.provider(index)))
        except CoworkEnvError as error:
            # Whoever keeps the catalogue has to correct it.
            add_error(report, "entry", error, level=WARNING)
    new, changed = states.count(catalog.NEW), states.count(catalog.CHANGED)
    report.add(
        "catalog", "ok", file=found.where, count=len(found.entries), new=new, changed=changed
    )
    if changed:
        report.add("catalog", "changed", file=found.where, count=changed)
    if found.replaced:
        names = ", ".join(visible(name) or "(no name)" for name in found.replaced[:_SHOWN])
        more = " and more" if len(found.replaced) > _SHOWN else ""
        report.add("catalog", "replaced", file=found.where, names=names + more)


def is_agreed(listed: Providers, index: int, store: TrustStore) -> bool:
    """Whether a provider is the user's own, or one of a catalogue that the user agreed to."""
    try:
        return (
            not listed.shared(index)
            or catalog.state(store, listed.provider(index)) == catalog.AGREED
        )
    except CoworkEnvError:
        return False


def _plaintext(report: Report, listed: Providers) -> None:
    """Report the keys that ``secure`` would move."""
    found = [visible(provider.name, 40) for provider in securing.plaintext(listed)]
    if not found or not listed.path:
        return
    names = ", ".join(found[:_SHOWN]) + (" and more" if len(found) > _SHOWN else "")
    app = any(is_encrypted(field_of(entry, "authToken")) for entry in listed.own)
    report.add("plaintext", "app" if app else "", file=listed.where, names=names)


def folders(report: Report, inputs: Inputs) -> None:
    """Check that no other user can change or read cowork-env's state."""
    error = inputs.store.error()
    if error is not None:
        mode = stat.S_IMODE(os.lstat(error.path).st_mode)
        fix = _chmod(error.path, mode & ~0o022, inputs.home) if mode & 0o022 else None
        message, where = error.message, tilde(error.path, inputs.home)
        report.add(
            "permissions", "distrusted", message=message, hint=error.hint, where=where, fix=fix
        )
    for path in (inputs.state_dir, inputs.state_dir + "/trust"):
        try:
            mode = stat.S_IMODE(os.lstat(path).st_mode)
        except OSError:
            continue
        if mode & 0o077 and (error is None or error.path != path):
            shown = tilde(path, inputs.home)
            fix = _chmod(path, 0o700, inputs.home)
            report.add(
                "permissions",
                "folder",
                path=shown,
                mode=mode,
                argument=argument(path, "FOLDER"),
                where=shown,
                fix=fix,
            )


def _chmod(path: str, mode: int, home: str) -> Fix:
    def run() -> str:
        try:
            with files.Step(path):
                os.chmod(path, mode)
        except OSError as error:
            raise CoworkEnvError(f"{tilde(path, home)}: {error.strerror}.") from None
        return ""

    return Fix(f"chmod {mode:03o} {argument(path, tilde(path, home))}", run)


def environment(report: Report, inputs: Inputs, difference: str, hint: str, level: str) -> None:
    """Check that this shell's environment is what it should be.

    ``difference`` says what differs (empty: nothing does), ``hint`` what to do then; ``level`` is
    for a difference.
    """
    if why := ignored_state(inputs.env, running=True):
        report.add("state", why=why)
    if difference:
        # What ends with a command is pasted as it is.
        stop = "" if ": cowork-env " in difference else "."
        report.add("shell", "different", level=level, state=difference + stop, hint=hint)
    elif _is_hook_active(inputs):
        report.add("shell", "ok")


def _is_hook_active(inputs: Inputs) -> bool:
    """Whether the environment has the state that a hook (or ``exec``) writes."""
    return bool(inputs.env.get(STATE)) and not is_damaged(inputs.env)


def hook(report: Report, inputs: Inputs, shell: str, level: str) -> None:
    """Check that a startup file of ``shell`` loads the hook, and that nothing removes it again.

    A process cannot look into the shell that started it, but it sees what the hook exported.
    ``level`` is for a hook that is removed again.
    """
    paths = startup_files.existing(shell, inputs.env)
    loaded = startup_files.hook_places(shell, inputs.env)
    if loaded:
        how = "active" if _is_hook_active(inputs) else ""
        report.add("hook", how, places=", ".join(loaded))
        if place := startup_files.displaced(shell, paths, inputs.home):
            variable = startup_files.SHELLS[shell].variable
            report.add("hook-displaced", level=level, where=place, place=place, variable=variable)
    elif not _is_hook_active(inputs):
        fix = _install(shell, inputs.env)
        if gone := startup_files.hook_places(shell, inputs.env, gone=True):
            report.add("hook-gone", places=", ".join(gone), fix=fix)
        else:
            files = f"None of {shell}'s startup files" if shell else "No startup file"
            report.add("hook-line", files=files, fix=fix)
    if not shutil.which(startup_files.PROGRAM, path=inputs.env.get("PATH", "")):
        report.add("program", program=startup_files.PROGRAM)


def _install(shell: str, env: Mapping[str, str]) -> Fix | None:
    """The fix that adds the hook line to the startup file of ``shell``, if it has one."""
    if shell not in startup_files.SHELLS:
        return None
    try:
        line = startup_files.line_of(shell, env)
    except CoworkEnvError:
        return None

    def run() -> str:
        startup_files.install(shell, env)
        return startup_files.next_step(shell, env, here=True)

    return Fix(f"add to {shell}'s startup file: {line}", run)


def variables(
    report: Report, inputs: Inputs, shell: str, active: bool, redirects: list[str]
) -> None:
    """Report variables that redirect clients or add a credential, with their startup files.

    ``active`` says that a provider applies, and replaces them; ``redirects`` are those that it does
    not replace.
    """
    places: dict[str, list[str]] = {}
    paths = startup_files.existing(shell, inputs.env)
    for variable, place in startup_files.assignments(paths, ROUTING, inputs.home):
        places.setdefault(variable, []).append(place)
    for variable in redirects:
        where = ", ".join(places.get(variable, []))
        in_file = f" in {where}" if where else ""
        report.add("redirected", where=where, variable=variable, in_file=in_file)
    live = set() if active else set(overrides.conflicts(inputs.env)) - set(redirects)
    for variable in ROUTING:
        if where := ", ".join(places.get(variable, [])):
            level = WARNING if variable in live else NOTE
            report.add("variable", "file", level=level, where=where, variable=variable, place=where)
        elif variable in live:
            report.add("variable", "shell", variable=variable)


def settings(report: Report, found: overrides.Report, inputs: Inputs, active: bool) -> None:
    """Report what Claude Code's settings files and other switchers do to a client's environment.

    ``active`` says that a provider applies.
    """
    for path, reason in found.problems:
        report.add("settings-file", where=tilde(path, inputs.home), message=reason)
    for setting in found.settings:
        if setting in found.login_leaks:
            text = "login"
        elif setting.effect == overrides.BLOCKS:
            text = "blocks"
        elif setting.effect == overrides.WINS:
            text = "overrides" if active else "set"
        elif setting.effect == overrides.HELD and active:
            text = "ignored"
        else:
            continue
        helper = setting.key == "apiKeyHelper"
        report.add(
            "settings",
            text,
            where=tilde(setting.place.path, inputs.home),
            scope=setting.place.scope,
            setting="apiKeyHelper supplies a key" if helper else f"{visible(setting.key)} is set",
        )
    for leftover in found.leftovers:
        report.add("leftover", tool=leftover.tool, trace=visible(leftover.trace))


def protection(report: Report, status: Status, entry: Provider) -> None:
    """Report what keeps Claude Code from settings files, and what it cannot do in return."""
    if status.protection and status.protection.way == claude.SETTINGS:
        where = tilde(status.protection.launcher, status.inputs.home)
        report.add("launcher", "ok", where=where, launcher=where)
    elif status.protection and status.protection.way == claude.NOTHING:
        report.add("launcher", "login", advice=status.protection_hint)
    elif status.protection:
        text = "account" if entry.account else ""
        text = "launcher" if status.protection_hint else text
        name = argument(entry.name, "NAME")
        report.add("host-flag", text, argument=name, advice=status.protection_hint)


def launchers(report: Report, inputs: Inputs, shell: str) -> None:
    """Check that the names of launchers mean the launchers in this shell."""
    if not (names := launcher.names()):
        return
    folder = tilde(launcher.folder(), inputs.home)
    if not launcher.is_first(inputs.env.get("PATH", "")):
        report.add("launcher", "order", where=folder, folder=folder)
    files = startup_files.existing(shell, inputs.env)
    for name in names:
        for what, place in startup_files.hiding(name, files, inputs.home):
            report.add(
                "launcher", "hidden", where=place, name=visible(name), what=what, place=place
            )


def provider(report: Report, entry: Provider, inputs: Inputs, make_fix: MakeFix) -> None:
    """Check one valid provider without the network: its URL and key, and proxies."""
    env = original_env(inputs.env)
    url, name = entry.base_url, visible(entry.name)
    if entry.account:
        account(report, entry, inputs)
    elif entry.direct and not url:
        report.add("direct")
    elif (exported := repaired(url)) != url.rstrip("/"):
        if entry.verbatim:
            fix = make_fix(f"remove verbatimBaseUrl from {name}", {"verbatimBaseUrl": None})
            report.add("url", "verbatim", fix=fix, url=visible(url))
        else:
            report.add("url", url=visible(exported))
    if entry.insecure and url.startswith("http:"):
        report.add("insecure", host=visible(Url(url).host))
    try:
        secrets.check_reference(entry.token_from)
    except InvalidField as error:
        report.add("secret", message=f"authTokenFrom {error.why}.", hint=error.hint)
    if not entry.token_from and not entry.token:
        try:  # Nothing is fetched here; the core knows which provider needs a key.
            fetch_key(entry, inputs)
        except CoworkEnvError as error:
            add_secret_error(report, error)
    key_as_stored(report, entry)
    own = {name: value for name, value in entry.env.items() if value}
    proxy = overrides.proxy({**env, **own}, url) if url and not entry.account else None
    if proxy and proxy.harmful:
        local = Url(url).host == proxy.host and not entry.insecure
        report.add(
            "proxy-loopback" if local else "proxy-plain",
            host=visible(proxy.host),
            address=proxy.address,
            variable=proxy.variable,
        )


def account(report: Report, entry: Provider, inputs: Inputs) -> None:
    """Report which login an account has, as far as its files tell, and whether others can read it.

    Nothing is asked of Anthropic: the login is for the client alone.
    """
    place, command = accounts.place(entry), accounts.login_command(entry)
    try:
        check_login_directory(entry, inputs.home)
        found = login.find(entry, inputs)
    except CoworkEnvError as error:
        message = f"{error.message[:1].upper()}{error.message[1:]}"
        report.add("login", "error", message=message, hint=error.hint)
        return
    who = found.who if found else ""
    if entry.has_key:
        report.add("login", "token")
    elif found is None:
        report.add("login", "none", place=place, command=command)
    elif not found.usable:
        date = time.strftime("%Y-%m-%d", time.localtime(found.expired))
        report.add("login", "expired", place=place, who=who, date=date, command=command)
    else:
        report.add("login", "key" if found.by_key else "ok", place=place, who=who)
    if found and found.path:
        _private(report, found.path, inputs.home)
    if report.healthy:
        report.add("not-asked", command=accounts.start_command(entry, "-p hi"))


def _private(report: Report, path: str, home: str) -> None:
    """Report a file with the tokens of a login that other users can read."""
    mode = stat.S_IMODE(os.stat(path).st_mode)
    if mode & 0o077:
        shown, fix = tilde(path, home), _chmod(path, 0o600, home)
        file = argument(path, "FILE")
        report.add(
            "permissions", "login", path=shown, mode=mode, argument=file, where=shown, fix=fix
        )


def key_as_stored(report: Report, entry: Provider) -> None:
    """Report what can be seen of the key in the provider file without asking a key store."""
    if entry.encrypted:
        from ..secrets import desktop

        try:
            desktop.check(entry)
        except CoworkEnvError as error:
            add_secret_error(report, error)
    else:
        key_itself(report, entry, entry.plain_token)


def key_itself(report: Report, entry: Provider, key: str) -> None:
    """Report a stored key that was meant as a reference: in the app there is one field for both."""
    try:
        secrets.scheme_of(key)
    except InvalidField:
        return
    report.add("reference", argument=argument(entry.name, "NAME"))


def choice(report: Report, found: Resolution, home: str) -> None:
    """Report which provider applies, or why it cannot be used, and the pins that do not count."""
    for pin in found.untrusted:
        report.add("untrusted", pin=f"{pin.message[:1].upper()}{pin.message[1:]}")
    for denied in found.denied:
        shown, again = tilde(denied.path, home), argument(parent(denied.path), "DIRECTORY")
        report.add("denied", where=shown, pin=shown, argument=again)
    if found.error:
        add_error(report, "choice", found.error, text="error")
    elif found.provider:
        report.add("choice", "applies", provider=visible(found.provider.name), source=found.source)
    else:
        report.add("choice", "none")
