"""``doctor``: why it does not work. The checks are in ``cowork_env.doctor``; here they are chosen, shown and repaired."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable

import click

from .. import doctor, overrides
from ..core import resolve
from ..core.providers import Providers
from ..core.resolve import Inputs, Resolution
from ..doctor import ERROR, NOTE, OK, WARNING, Fix, Report
from ..util.errors import FAILURE, CoworkEnvError
from ..util.text import visible
from .errors import report_error as report
from .errors import usage_error as usage
from .inputs import current_inputs as context
from .inputs import detect_shell
from .options import complete_provider, examples
from .output import say
from .output import use_color as colour
from .output import write_json as json_out
from .prompts import interactive

SHAPE = (
    1  # of --json; another number would mean that something was taken away or means something else
)
WIDTH = 8  # so many providers are tried out side by side

_COLOURS = {OK: "green", NOTE: "bright_black", WARNING: "yellow", ERROR: "red"}


class Plan:
    """What is to be checked, and how."""

    def __init__(
        self, inputs: Inputs, word: str, everyone: bool, offline: bool, timeout: float
    ) -> None:
        self.inputs, self.word, self.everyone = inputs, word, everyone
        self.offline, self.timeout = offline, timeout


class Outcome:
    """What was found: on this machine, and for each provider that was asked about."""

    def __init__(self, machine: Report, providers: list[Report]) -> None:
        self.machine, self.providers = machine, providers

    @property
    def healthy(self) -> bool:
        """Whether nothing is wrong anywhere."""
        return self.machine.healthy and all(p.healthy for p in self.providers)

    @property
    def fixes(self) -> list[Fix]:
        """What can be repaired, each once."""
        found = {
            f.fix.text: f.fix for r in (self.machine, *self.providers) for f in r.findings if f.fix
        }
        return list(found.values())


@click.command(
    "doctor",
    epilog=examples(
        "cowork-env doctor              # this shell, and what applies here",
        "cowork-env doctor openrouter   # that provider, tried out",
        "cowork-env doctor --all        # every provider, side by side",
        "cowork-env doctor --fix        # repair what can be repaired",
    ),
)
@click.argument("name", required=False, default="", shell_complete=complete_provider)
@click.option("--all", "everyone", is_flag=True, help="Every provider.")
@click.option("--offline", is_flag=True, help="Only look; ask no server, and fetch no key.")
@click.option(
    "--fix",
    is_flag=True,
    help="Show what can be repaired (permissions, URL, hook line), and repair it.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(1, 600),
    default=doctor.TIMEOUT,
    show_default=True,
    help="Seconds for each request.",
)
@click.option("--json", "as_json", is_flag=True, help="For programs; there are no keys in it.")
def command(
    name: str, everyone: bool, offline: bool, fix: bool, timeout: float, as_json: bool
) -> None:
    """Find out why it does not work.

    Looks at this shell, start-up files, settings files and the provider file; then tries the provider out with one
    request of one token per model. Exit status 0: healthy. 1: something is wrong.
    """
    if name and everyone:
        raise usage("Either NAME or --all.", "'cowork-env doctor --all' checks every provider.")
    plan = Plan(context(), name, everyone, offline, timeout)
    outcome = _check(plan)
    repaired: list[str] = []
    if fix and outcome.fixes:
        repaired = _repair(outcome.fixes)
        if repaired:
            outcome = _check(plan)
    if as_json:
        json_out(_as_json(outcome, repaired))
    else:
        _show(plan, outcome)
    if not outcome.healthy:
        sys.exit(FAILURE)


# Checking


def _check(plan: Plan) -> Outcome:
    from ..doctor import local

    inputs = plan.inputs
    found = resolve.resolve(inputs)
    machine = Report()
    listed = local.provider_file(machine, inputs, WARNING if plan.word else ERROR)
    if listed is not None and plan.word:
        listed.find(
            plan.word
        )  # Before anything else: a name that means nothing is not worth a check.
    local.folders(machine, inputs)
    about_here = not plan.word and not plan.everyone
    if about_here:
        local.choice(machine, found)
    _look_around(plan, found, machine, ERROR if about_here else WARNING)
    return Outcome(machine, _try_out(plan, found, listed) if listed is not None else [])


def _look_around(plan: Plan, found: Resolution, machine: Report, level: str) -> None:
    from ..doctor import local
    from ..status import Status
    from .init import LINES
    from .init import command as init

    inputs = plan.inputs
    view = Status(inputs)
    active = view.target is not None
    shell = detect_shell()
    install = None
    if shell in LINES and init.callback is not None:
        add_line: Callable[[str, bool], object] = init.callback
        install = Fix(
            f"add to {shell}'s start-up file: {LINES[shell]}", lambda: add_line(shell, False)
        )
    local.shell(
        machine,
        inputs,
        shell,
        view.shell.state,
        view.shell.message,
        view.shell.hint,
        level,
        install,
    )
    own = list(found.provider.env) if found.provider else []
    # What a client gets with the provider in force; whether it is, was said above.
    around = overrides.report(view.after, inputs.directory, own)
    local.variables(machine, inputs, shell, active, around.redirects)
    local.settings(machine, around, inputs, active)


def _try_out(plan: Plan, found: Resolution, listed: Providers) -> list[Report]:
    inputs = plan.inputs
    models: dict[str, str] = {}
    if plan.everyone:
        chosen = list(range(len(listed.entries)))
    elif plan.word:
        chosen = [listed.find(plan.word)]
    elif found.provider:
        chosen, models = [listed.find(found.provider.id or found.provider.name)], found.models
    else:
        chosen = []
    progress = Progress(len(chosen))

    def prepared(index: int) -> tuple[Report, Callable[[], None]]:
        entry = listed.entries[index]
        name = visible(str(entry.get("name", ""))) if isinstance(entry, dict) else ""
        report, try_out = doctor.prepare(
            listed,
            index,
            inputs.env,
            inputs.config_dir,
            models,
            not plan.offline,
            plan.timeout,
            lambda stage: progress.at(name, stage),
            inputs,
        )

        def run() -> None:
            try_out()
            progress.done()

        return report, run

    try:
        halves = [prepared(index) for index in chosen]
        if halves and not plan.offline:
            from ..doctor.transport import side_by_side

            side_by_side([run for _, run in halves], WIDTH)
    finally:
        progress.clear()
    return [report for report, _ in halves]


class Progress:
    """One line on standard error that says how far it is; nothing where that is no terminal."""

    def __init__(self, total: int) -> None:
        self.total, self.finished, self.on = total, 0, sys.stderr.isatty()

    def at(self, name: str, stage: str) -> None:
        """A provider's check has come to a stage."""
        if self.on:
            count = f" ({self.finished} of {self.total})" if self.total > 1 else ""
            print(
                f"\r\033[KChecking{count}: {name[:40]}, {stage}...",
                end="",
                file=sys.stderr,
                flush=True,
            )

    def done(self) -> None:
        """A provider's check has ended."""
        self.finished += 1

    def clear(self) -> None:
        """Take the line away."""
        if self.on:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


# Repairing


def _repair(fixes: list[Fix]) -> list[str]:
    """Show the repairs, ask where somebody can be asked, and make them; what was done."""
    say("To repair:")
    for fix in fixes:
        say(f"  {visible(fix.text, 400)}")
    if interactive() and not click.confirm("Do it?", default=True, err=True):
        return []
    done = []
    for fix in fixes:
        try:
            fix.run()
            done.append(fix.text)
        except CoworkEnvError as error:
            report(error)
    return done


# Showing


def _as_json(outcome: Outcome, repaired: list[str]) -> dict[str, object]:
    return {
        "version": SHAPE,
        "healthy": outcome.healthy,
        "repaired": repaired,
        "findings": [f.as_dict() for f in outcome.machine.findings],
        "providers": [p.as_dict() for p in outcome.providers],
    }


def _show(plan: Plan, outcome: Outcome) -> None:
    coloured = colour()

    def paint(text: str, level: str) -> str:
        return click.style(text, fg=_COLOURS[level]) if coloured else text

    text = ["This machine and shell", *doctor.lines(outcome.machine, paint)]
    if plan.everyone:
        text += ["", *_table(outcome.providers, plan.offline, paint)]
    for one in outcome.providers:
        if not plan.everyone or not one.healthy:
            place = visible(one.url) or "no base URL"
            text += ["", f"{visible(one.name)}  {place}", *doctor.lines(one, paint)]
    if outcome.healthy:
        text += ["", paint("Healthy.", OK)]
    else:
        wrong = sum(
            f.level == ERROR for r in (outcome.machine, *outcome.providers) for f in r.findings
        )
        text += ["", paint(f"{wrong} thing{'s' * (wrong > 1)} wrong.", ERROR)]
        if outcome.fixes:
            which = " --all" * plan.everyone or (
                plan.word and f" {shlex.quote(visible(plan.word))}"
            )
            text.append(f"To repair some of it, after showing it: cowork-env doctor{which} --fix")
    click.echo("\n".join(text), color=None if coloured else False)


def _table(reports: list[Report], offline: bool, paint: Callable[[str, str], str]) -> list[str]:
    rows = []
    for one in reports:
        first = next((f for f in one.findings if f.level == ERROR), None)
        result = (
            "not tried" if offline and first is None else "works" if first is None else first.code
        )
        if first is None and not offline and not one.online:
            result = "not tried"
        latency = f"{one.latency} ms" if one.latency is not None else "-"
        models = f"{sum(m.code == OK for m in one.models)}/{len(one.models)}" if one.models else "-"
        rows.append(
            (
                visible(one.name, 40),
                result,
                latency,
                models,
                visible(one.url, 60),
                ERROR if first else OK,
            )
        )
    head = ("PROVIDER", "RESULT", "LATENCY", "MODELS", "BASE URL", NOTE)
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(4)]
    return [
        paint("  ".join(row[i].ljust(widths[i]) for i in range(4)) + "  " + row[4], row[5]).rstrip()
        for row in (head, *rows)
    ]
