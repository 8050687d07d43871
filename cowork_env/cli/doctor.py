"""``doctor``: the command around ``cowork_env.doctor``, which has the checks."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from ..doctor import checkup
from ..doctor.codes import ERROR, NOTE, OK, WARNING
from ..util.errors import FAILURE
from ..util.text import argument, visible
from .errors import report_error, usage_error
from .inputs import current_inputs, detect_shell_program
from .options import complete_provider, examples, yes_option
from .output import say, say_lines, write_json
from .progress import Working, working
from .prompts import confirm, interactive
from .table import Cell, Table, colored, labeled, print_lines, table_lines

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

    from ..core.providers import Providers
    from ..core.resolve import Inputs
    from ..doctor.findings import Fix, Report

SHAPE = 1  # of --json; it changes when something is removed or changes its meaning

_LEVEL = 10  # columns
_COLORS = {OK: "green", NOTE: "bright_black", WARNING: "yellow", ERROR: "red"}


@click.command(
    "doctor",
    epilog=examples(
        "cowork-env doctor              # this shell, and what applies here",
        "cowork-env doctor openrouter   # that provider",
        "cowork-env doctor --all        # every provider, in parallel",
        "cowork-env doctor --fix        # fix what can be fixed",
    ),
)
@click.argument("name", required=False, default="", shell_complete=complete_provider)
@click.option("--all", "everyone", is_flag=True, help="Check every provider.")
@click.option("--offline", is_flag=True, help="Send no request, and fetch no key.")
@click.option(
    "--fix", is_flag=True, help="Show what can be fixed (permissions, URL, hook line), and fix it."
)
@click.option(
    "--timeout",
    type=click.FloatRange(1, 600),
    default=checkup.TIMEOUT,
    show_default=True,
    help="Seconds for each request.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON; it contains no keys.")
@yes_option
def command(
    name: str, everyone: bool, offline: bool, fix: bool, timeout: float, as_json: bool, yes: bool
) -> None:
    """Diagnose problems.

    Checks this shell, startup files, settings files and the provider file, then the provider with
    one request of one token for each model. Exit status 0: healthy. 1: there are errors.
    """
    if name and everyone:
        raise usage_error(
            "NAME and --all exclude each other.", "'cowork-env doctor --all' checks every provider."
        )
    inputs = current_inputs()
    shell, program = detect_shell_program()

    def check() -> checkup.Result:
        with _progress(inputs) as progress:
            options = checkup.Options(inputs, not offline, timeout, progress)
            return checkup.run(
                options, name=name, everyone=everyone, shell=shell, shell_program=program
            )

    result, fixed = check(), checkup.Fixed()
    if fix and result.fixes and _confirmed(result.fixes, yes):
        fixed = checkup.fix(result.fixes)
        for note in fixed.notes:
            say(note)
        for error in fixed.failures:
            report_error(error)
        if fixed.done:
            result = check()
    if as_json:
        write_json(_as_json(result, fixed.done))
    else:
        which = "--all" if everyone else argument(name, "")
        again = f"cowork-env doctor --fix {which}".rstrip()
        _show(result, everyone=everyone, fix_command=again)
    if result.errors:
        sys.exit(FAILURE)


def check_after_add(listed: Providers, index: int, inputs: Inputs) -> bool:
    """Check a provider that was just added, and show the result; whether it is healthy."""
    with _progress(inputs) as progress:
        options = checkup.Options(inputs, progress=progress)
        found = checkup.check_provider(listed, index, options)
    works = "works" if found.online else "not asked"
    say(f"{visible(found.name)}: {works if found.healthy else 'does not work yet'}")
    if found.healthy:  # Of what is fine, the last finding says it all.
        last = found.findings[-1:]
        found = replace(found, findings=[f for f in found.findings if f.level != OK or f in last])
    say_lines(report_lines(found, sys.stderr))
    return found.healthy


def _confirmed(fixes: list[Fix], yes: bool) -> bool:
    """Show the fixes; whether the user agrees (``yes``: has done so), or cannot be asked."""
    say("To fix:")
    say_lines([f"  {visible(each.text, 400)}" for each in fixes])  # commands and lines of code
    return yes or not interactive() or confirm("Continue?", default=True)


class _Progress(checkup.Progress):
    """What is shown while checks run, once they take a while."""

    def __init__(self, work: Working) -> None:
        self.work = work

    def begin(self, total: int) -> None:
        self.work.total = total

    def stage(self, provider: str, stage: str) -> None:
        self.work.text = f"Checking {provider[:40]}: {stage}"

    def done(self) -> None:
        self.work.done()


@contextmanager
def _progress(inputs: Inputs) -> Iterator[_Progress]:
    """Show progress; it also says what a slow lookup of a key waits for, on the same line.

    The tools that look keys up have no terminal to ask something on (:mod:`cowork_env.secrets`).
    """
    with working("Checking this machine and shell") as work:
        said = inputs.say
        inputs.say = work.teller(said)
        try:
            yield _Progress(work)
        finally:
            inputs.say = said


# Output


def _as_json(result: checkup.Result, repaired: list[str]) -> dict[str, object]:
    return {
        "version": SHAPE,
        "healthy": not result.errors,
        "repaired": repaired,
        "versions": result.versions.as_dict(),
        "findings": [f.as_dict() for f in result.machine.findings],
        "providers": [p.as_dict() for p in result.providers],
    }


def _show(result: checkup.Result, *, everyone: bool, fix_command: str) -> None:
    lines = [*labeled("", result.versions.line, 0), ""]
    lines += ["This machine and shell", *report_lines(result.machine)]
    if everyone:
        lines += ["", *table_lines(_table(result.providers))]
    for one in result.providers:
        if not everyone or not one.healthy:
            place = visible(one.endpoint, 1000) or "no base URL"
            lines += ["", *labeled(f"{visible(one.name)}  ", place, 0), *report_lines(one)]
    if wrong := len(result.errors):
        lines += ["", *labeled("", Cell(f"{wrong} error{'s' * (wrong > 1)}.", _COLORS[ERROR]), 0)]
        if result.fixes:
            lines += labeled("", f"Some of this can be fixed: {fix_command}", 0)
    else:
        lines += ["", *labeled("", Cell("Healthy.", _COLORS[OK]), 0)]
    print_lines(lines)


def report_lines(found: Report, stream: TextIO | None = None) -> list[str]:
    """A report's findings as lines for the user, as a stream (default: stdout) can show them."""
    lines = []
    for finding in found.findings:
        message = finding.message
        if finding.where and finding.where not in message:
            message = f"{finding.where}: {message}"
        level = colored(finding.level, _COLORS[finding.level], stream)
        lines += labeled(f"  {level}", visible(message, 2000), _LEVEL, stream)
        if finding.hint:
            lines += labeled("", visible(finding.hint, 2000), _LEVEL, stream)
    return lines


def _table(reports: list[Report]) -> Table:
    table = Table("provider", "result", "latency", "models", "base URL")
    for found in reports:
        if found.errors:
            result = Cell(found.errors[0].code, _COLORS[ERROR])
        elif found.online:
            result = Cell("works", _COLORS[OK])
        else:
            result = Cell("not asked", _COLORS[NOTE])
        good = sum(m.code == OK for m in found.models)
        latency = f"{found.latency} ms" if found.latency is not None else ""
        models = f"{good}/{len(found.models)}" if found.models else ""
        table.add(found.name, result, latency, models, found.endpoint)
    return table
