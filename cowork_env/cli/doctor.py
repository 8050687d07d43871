"""``doctor``: the command around ``cowork_env.doctor``, which has the checks."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from ..doctor import checkup
from ..doctor.codes import ERROR, NOTE, OK, WARNING
from ..util.errors import FAILURE
from ..util.text import argument, visible
from .errors import report_error, usage_error
from .inputs import current_inputs, detect_shell
from .options import complete_provider, examples, yes_option
from .output import say, write_json
from .prompts import confirm, interactive
from .terminal import use_color

if TYPE_CHECKING:
    from ..core.providers import Providers
    from ..core.resolve import Inputs
    from ..doctor.findings import Fix, Report

SHAPE = 1  # of --json; it changes when something is removed or changes its meaning

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
    options = checkup.Options(current_inputs(), not offline, timeout, TerminalProgress())
    shell = detect_shell()

    def check() -> checkup.Result:
        return checkup.run(options, name=name, everyone=everyone, shell=shell)

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
        _show(result, everyone=everyone, offline=offline, fix_command=again)
    if result.errors:
        sys.exit(FAILURE)


def check_after_add(listed: Providers, index: int, inputs: Inputs) -> bool:
    """Check a provider that was just added, and show the result; whether it is healthy."""
    progress = TerminalProgress()
    progress.begin(1)
    options = checkup.Options(inputs, progress=progress)
    try:
        found = checkup.check_provider(listed, index, options)
    finally:
        progress.end()
    works = "works" if found.online else "not tried"
    say(f"{visible(found.name)}: {works if found.healthy else 'does not work yet'}")
    for line in report_lines(found):
        say(line)
    return found.healthy


def _confirmed(fixes: list[Fix], yes: bool) -> bool:
    """Show the fixes; whether the user agrees (``yes``: has done so), or cannot be asked."""
    say("To fix:")
    for each in fixes:
        say(f"  {visible(each.text, 400)}")
    return yes or not interactive() or confirm("Continue?", default=True)


class TerminalProgress(checkup.Progress):
    """One line on standard error, if that is a terminal."""

    def __init__(self) -> None:
        self.total, self.finished, self.shown = 0, 0, sys.stderr.isatty()

    def begin(self, total: int) -> None:
        self.total, self.finished = total, 0

    def stage(self, provider: str, stage: str) -> None:
        count = f" ({self.finished} of {self.total})" if self.total > 1 else ""
        self._print(f"\r\033[KChecking{count}: {provider[:40]}, {stage}...")

    def done(self) -> None:
        self.finished += 1

    def end(self) -> None:
        self._print("\r\033[K")

    def _print(self, text: str) -> None:
        if self.shown:
            print(text, end="", file=sys.stderr, flush=True)


# Output

Paint = Callable[[str, str], str]  # a text and the level that it is colored for


def _plain(text: str, _level: str) -> str:
    return text


def _as_json(result: checkup.Result, repaired: list[str]) -> dict[str, object]:
    return {
        "version": SHAPE,
        "healthy": not result.errors,
        "repaired": repaired,
        "findings": [f.as_dict() for f in result.machine.findings],
        "providers": [p.as_dict() for p in result.providers],
    }


def _show(result: checkup.Result, *, everyone: bool, offline: bool, fix_command: str) -> None:
    colored = use_color()

    def paint(text: str, level: str) -> str:
        return click.style(text, fg=_COLORS[level]) if colored else text

    text = ["This machine and shell", *report_lines(result.machine, paint)]
    if everyone:
        text += ["", *_table(result.providers, offline, paint)]
    for one in result.providers:
        if not everyone or not one.healthy:
            place = visible(one.endpoint) or "no base URL"
            text += ["", f"{visible(one.name)}  {place}", *report_lines(one, paint)]
    if wrong := len(result.errors):
        text += ["", paint(f"{wrong} error{'s' * (wrong > 1)}.", ERROR)]
        if result.fixes:
            text.append(f"Some of this can be fixed: {fix_command}")
    else:
        text += ["", paint("Healthy.", OK)]
    click.echo("\n".join(text), color=None if colored else False)


def report_lines(found: Report, paint: Paint = _plain) -> list[str]:
    """A report's findings as lines for the user."""
    lines = []
    for finding in found.findings:
        message = finding.message
        if finding.where and finding.where not in message:
            message = f"{finding.where}: {message}"
        lines.append(f"  {paint(f'{finding.level:8}', finding.level)}{visible(message, 2000)}")
        if finding.hint:
            lines.append(f"  {'':8}{visible(finding.hint, 2000)}")
    return lines


@dataclass(frozen=True)
class Row:
    """One line of the table: its texts, and the level that it is colored for."""

    cells: tuple[str, ...]
    level: str


def _table(reports: list[Report], offline: bool, paint: Paint) -> list[str]:
    head = Row(("PROVIDER", "RESULT", "LATENCY", "MODELS", "BASE URL"), NOTE)
    rows = [head, *(_row(each, offline) for each in reports)]
    widths = [max(len(row.cells[i]) for row in rows) for i in range(4)] + [0]
    return [
        paint(
            "  ".join(cell.ljust(width) for cell, width in zip(row.cells, widths, strict=True)),
            row.level,
        ).rstrip()
        for row in rows
    ]


def _row(found: Report, offline: bool) -> Row:
    if found.errors:
        result = found.errors[0].code
    else:
        result = "works" if found.online and not offline else "not tried"
    good = sum(m.code == OK for m in found.models)
    cells = (
        visible(found.name, 40),
        result,
        f"{found.latency} ms" if found.latency is not None else "-",
        f"{good}/{len(found.models)}" if found.models else "-",
        visible(found.endpoint, 60),
    )
    return Row(cells, ERROR if found.errors else OK)
