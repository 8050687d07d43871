"""Which checks run, in which order: on this machine, on one provider, on several in parallel."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from .. import accounts, overrides
from ..core import environment, resolve, variables
from ..core.provider import Provider
from ..core.providers import Providers
from ..core.resolve import Inputs, Resolution
from ..util.errors import CoworkEnvError
from ..util.text import visible
from .codes import ERROR, WARNING
from .findings import Finding, Fix, Report
from .versions import Versions

if TYPE_CHECKING:
    from .online import OnlineCheck

TIMEOUT = 30.0  # seconds, for each request
MODELS_TIMEOUT = 8.0  # seconds, for a list of models that the user waits for
NO_LIST = "no-list"  # the code of a finding: the endpoint lists no models
PARALLEL = 8  # providers that are checked at once


class Progress:
    """What is shown while checks run; this one shows nothing. Called from several threads."""

    def begin(self, total: int) -> None:
        """So many providers will be checked."""

    def stage(self, provider: str, stage: str) -> None:
        """The check of a provider has come to a stage."""

    def done(self) -> None:
        """The check of one provider has ended."""


@dataclass(frozen=True)
class Options:
    """How to check. ``timeout`` is in seconds, for each request.

    Unless ``online``, no request is sent and no key is fetched.
    """

    inputs: Inputs
    online: bool = True
    timeout: float = TIMEOUT
    progress: Progress = field(default_factory=Progress)


@dataclass(frozen=True)
class Result:
    """The reports on this machine and shell, and on each provider that was checked."""

    machine: Report
    providers: list[Report]
    versions: Versions = field(default_factory=Versions)

    @property
    def errors(self) -> list[Finding]:
        """All findings that are errors."""
        return [e for report in (self.machine, *self.providers) for e in report.errors]

    @property
    def fixes(self) -> list[Fix]:
        """What can be fixed, each once."""
        reports = (self.machine, *self.providers)
        found = {f.fix.text: f.fix for report in reports for f in report.findings if f.fix}
        return list(found.values())


# Everything


def run(
    options: Options,
    *,
    name: str = "",
    everyone: bool = False,
    shell: str = "",
    shell_program: str = "",
) -> Result:
    """Check this machine, and a provider.

    The provider is ``name``, or ``everyone``, or else the one that applies here. ``shell`` is the
    name of the shell that runs the command, if known, and ``shell_program`` its path. Raises
    :class:`CoworkEnvError` for an unknown name.
    """
    from . import local, versions

    inputs = options.inputs
    found = resolve.resolve(inputs)
    machine = Report()
    # If one provider is named, invalid entries of others are only warnings.
    listed = local.provider_file(machine, inputs, WARNING if name else ERROR)
    if listed is not None and name:
        listed.find(name)  # before anything else: an unknown name ends the command
    if listed is not None:
        local.shared(machine, listed, inputs.store)
    local.folders(machine, inputs)
    about_here = not name and not everyone
    if about_here:
        local.choice(machine, found, inputs.home)
    _check_shell(machine, inputs, found, shell, ERROR if about_here else WARNING)
    about = versions.find(inputs, shell_program or shell)
    if listed is None:
        return Result(machine, [], about)
    models: Mapping[str, str] = {}
    if everyone:
        everything = range(len(listed.entries))
        chosen = [i for i in everything if local.is_agreed(listed, i, inputs.store)]
    elif name:
        chosen = [listed.find(name)]
    elif found.provider:
        chosen, models = [listed.find(found.provider.id or found.provider.name)], found.models
    else:
        chosen = []
    return Result(machine, _check_providers(listed, chosen, options, models), about)


def _check_shell(
    machine: Report, inputs: Inputs, found: Resolution, shell: str, level: str
) -> None:
    """Check this shell, its startup files, and what else affects a client that it starts."""
    from ..comparison import IN_STEP
    from ..status import Status, mark_protected
    from . import local

    status = Status(inputs)
    active = status.target is not None
    difference = "" if status.shell.state == IN_STEP else status.shell.message
    local.environment(machine, inputs, difference, status.shell.hint, level)
    local.hook(machine, inputs, shell, level)
    local.launchers(machine, inputs, shell)
    own = list(found.provider.env) if found.provider else []
    # What a client gets once the provider is active; whether it is, was reported above.
    account = found.provider is not None and found.provider.account
    around = overrides.report(status.after, inputs.directory, own, account=account)
    mark_protected(around, status.after)
    local.variables(machine, inputs, shell, active, around.redirects)
    local.settings(machine, around, inputs, active)
    if found.provider and status.target is not None:
        local.protection(machine, status, found.provider)


def _check_providers(
    listed: Providers, chosen: list[int], options: Options, models: Mapping[str, str]
) -> list[Report]:
    checks = [ProviderCheck(listed, index, options, models) for index in chosen]
    options.progress.begin(len(checks))
    for check in checks:
        check.prepare()
    if checks and options.online:
        from .transport import in_parallel

        in_parallel([check.run for check in checks], PARALLEL)
    return [check.report for check in checks]


# One provider


class ProviderCheck:
    """The check of the provider at ``index``, in two steps. No key gets into the ``report``.

    ``models`` are those of a pin.
    """

    def __init__(
        self,
        listed: Providers,
        index: int,
        options: Options,
        models: Mapping[str, str] | None = None,
    ) -> None:
        self.options, self.models = options, models or {}
        self.provider: Provider | None = None
        self.online: OnlineCheck | None = None
        try:
            self.provider = listed.provider(index)
        except CoworkEnvError as error:
            entry = listed.entries[index]
            name = entry.get("name") if isinstance(entry, dict) else None
            self.report = Report(visible(name) if isinstance(name, str) else f"entry {index}")
            self.report.add("entry", message=error.message, hint=error.hint)
        else:
            found = self.provider
            url = "" if found.account else found.base_url
            self.report = Report(found.name, found.id, url, found.auth)
            self.report.account = accounts.place(found) if found.account else ""

    def prepare(self) -> None:
        """Run the checks that need no network, and fetch the key.

        This is for the main thread: signals arrive there, and a tool may ask the user something.
        """
        provider, options = self.provider, self.options
        if provider is None:
            return
        from . import local

        local.provider(self.report, provider, options.inputs, self._fix)
        # What is wrong already needs no request. A server on this machine is contacted directly,
        # so a proxy before it is no obstacle.
        obstacles = [f for f in self.report.errors if f.code != "proxy-loopback"]
        encrypted = provider.encrypted
        if obstacles and not provider.account:
            self.report.add("not-asked", "obstacle")
            return
        if not options.online:
            if encrypted:
                self.report.add("encrypted", "offline")
            if not provider.account:
                self.report.add("not-asked", "offline")
            return
        self._progress("key")
        try:
            key = resolve.fetch_key(provider, options.inputs)
            target = environment.target(provider, key, self.models, options.inputs.home)
        except CoworkEnvError as error:
            local.add_secret_error(self.report, error)
            self.report.add("not-asked", "obstacle")
            return
        if encrypted:
            self.report.add("encrypted")
            local.key_itself(self.report, provider, key)
        if target.get(environment.BASE_URL):  # An account has none: its login is never sent.
            from .online import OnlineCheck

            self.online = OnlineCheck(
                self.report,
                target,
                resolve.original_env(options.inputs.env),
                timeout=options.timeout,
                make_fix=self._fix,
                progress=self._progress,
            )

    def run(self) -> None:
        """Send the requests; for any thread."""
        if self.online:
            self.online.run()
        self.options.progress.done()

    def _progress(self, stage: str) -> None:
        self.options.progress.stage(visible(self.report.name), stage)

    def _fix(self, text: str, changes: dict[str, Any]) -> Fix | None:
        inputs, provider = self.options.inputs, self.provider
        if provider is None or provider.catalog or inputs.env.get(variables.PROVIDERS_JSON):
            return None
        return Fix(text, _editing(inputs, provider, changes))


def _editing(inputs: Inputs, provider: Provider, changes: dict[str, Any]) -> Callable[[], str]:
    """A function that writes changes of one provider to the provider file; None removes a key."""

    def change(listed: Providers) -> None:
        entry = listed.entries[listed.find(provider.id or provider.name)]
        for key, value in changes.items():
            if value is None:
                entry.pop(key, None)
            else:
                entry[key] = value

    def run() -> str:
        from .. import store

        store.edit(inputs, change)
        return ""

    return run


def check_provider(listed: Providers, index: int, options: Options) -> Report:
    """The report on the provider at ``index``."""
    check = ProviderCheck(listed, index, options)
    check.prepare()
    check.run()
    return check.report


def offered_models(
    listed: Providers, index: int, inputs: Inputs, timeout: float = TIMEOUT
) -> tuple[Report, dict[str, list[str]]]:
    """Ask the endpoint of the provider at ``index`` for its models.

    Returns a report with them, or with what is wrong; and the models that the provider uses, each
    with what for.
    """
    check = ProviderCheck(listed, index, Options(inputs, timeout=timeout))
    if not check.report.account:
        check.prepare()
    if check.online:
        check.online.ask_for_models()
        return check.report, check.online.uses
    if check.report.healthy:
        check.report.add("no-list", "account" if check.report.account else "direct")
    return check.report, {}


class Offer(NamedTuple):
    """The models that an endpoint lists. Without any: why, as one of doctor's codes and a sentence.

    The code :data:`NO_LIST` says that nothing is wrong but that there is no list.
    """

    models: list[str]
    code: str = ""
    why: str = ""


def offer(
    provider: Provider, key: str, env: Mapping[str, str], timeout: float = MODELS_TIMEOUT
) -> Offer:
    """The models that the endpoint of ``provider`` lists for ``key``, within ``timeout`` seconds.

    ``env`` is the environment of a shell, from which an active provider is removed first.
    """
    from .online import OnlineCheck

    report = Report(provider.name, url=provider.base_url, auth=provider.auth)
    target = environment.target(provider, key, {})
    OnlineCheck(
        report,
        target,
        resolve.original_env(env),
        timeout=timeout,
        make_fix=lambda _text, _changes: None,
        progress=lambda _stage: None,
    ).ask_for_models()
    if report.offered:
        return Offer(report.offered)
    found = report.errors[0]
    return Offer([], found.code, found.message)


# Fixing


@dataclass
class Fixed:
    """What fixing did: the texts of the fixes, what to tell the user, and what failed."""

    done: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    failures: list[CoworkEnvError] = field(default_factory=list)


def fix(fixes: list[Fix]) -> Fixed:
    """Run the fixes; one that fails does not keep the others from running."""
    result = Fixed()
    for each in fixes:
        try:
            note = each.run()
        except CoworkEnvError as error:
            result.failures.append(error)
            continue
        result.done.append(each.text)
        if note:
            result.notes.append(note)
    return result
