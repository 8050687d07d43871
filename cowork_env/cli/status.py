"""``status``: what is active here and why, as text, or as the JSON of docs/status.md."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from .. import accounts, claude
from ..comparison import IN_STEP, UNKNOWN_KEY
from ..core import resolve, variables
from ..core.environment import HOST_FLAG
from ..core.provider import is_on
from ..masking import is_secret
from ..overrides import BEATEN, BLOCKS, HELD, SAME, WINS, YIELDS, Setting
from ..status import (
    CHANGED_BY_HAND,
    FLAG_COSTS,
    KEPT_UNSET,
    Status,
    VariableStatus,
    shown_variable,
)
from ..util.errors import FAILURE
from ..util.system import parent
from ..util.text import argument, tilde, visible
from . import fast_path
from .errors import usage_error
from .inputs import current_inputs
from .listing import CATALOG, OWN
from .options import examples, resolution_options
from .output import write_json
from .progress import working
from .table import Cell, Table, labeled, print_lines, table_lines

if TYPE_CHECKING:
    from ..core.provider import Provider
    from ..launcher import Protection
    from ..util.errors import CoworkEnvError

_OVERRIDDEN = "but Claude Code takes it from its settings, see below"
_LABEL = 10  # columns
VERSION = 1  # of --json; another number would mean that a key went away or changed its meaning

_RULES = {
    resolve.OPTION: "the option --provider",
    resolve.VARIABLE: f"${variables.CHOICE}",
    resolve.PIN: "pin",
    resolve.SELECTION: "selection ('cowork-env use')",
    resolve.NOTHING: "no pin applies and nothing is selected",
}
_EFFECTS = {
    WINS: "Claude Code uses this",
    HELD: f"ignored, because {HOST_FLAG} is set",
    BEATEN: "a stronger file says otherwise",
    SAME: "the same value",
    YIELDS: "the environment's model is stronger",
    BLOCKS: "Claude Code says 'Not logged in': remove it",
}


@click.command(
    epilog=examples(
        "cowork-env status",
        "cowork-env status --provider work",
        "cowork-env status --short",
        "cowork-env status --json | jq .provider.name",
    )
)
@resolution_options
@click.option(
    "--directory",
    metavar="DIR",
    help="What applies in DIR; it is not compared with this shell.",
)
@click.option("--short", is_flag=True, help="Print one line, for prompts and status lines.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON; keys are masked there, too.")
def command(
    provider: str | None, trust: bool, as_json: bool, short: bool, directory: str | None
) -> None:
    """Show what is active here, and why.

    Also every managed variable, with what overrides it: settings files, proxies, other tools. With
    --short only the provider's name, and in brackets what is wrong; nothing where none applies.
    """
    if short:
        if as_json:
            raise usage_error("--short and --json exclude each other.", "Use one of them.")
        fast_path.short_status(directory, provider, trust)
        return
    inputs = current_inputs(provider, trust, directory)
    with working("Asking Claude Code for its version"):  # All else takes no time.
        status = Status(inputs, elsewhere=directory is not None)
        _ = status.protection
    if as_json:
        write_json(_as_json(status))
    else:
        print_lines(_as_text(status))
    if status.outcome.error:
        raise SystemExit(FAILURE)


# Text


def _as_text(status: Status) -> list[str]:
    return [*_summary(status), *_variables(status), *_sections(status)]


def _summary(status: Status) -> list[str]:
    """The first lines: what applies, from where, and how this shell compares."""
    found, home, shell, file = status.found, status.inputs.home, status.shell, status.providers_file
    lines: list[str] = []

    def add(label: str, text: str, color: str = "", *, whole: bool = False) -> None:
        lines.extend(labeled(label, Cell(text, color, whole), _LABEL))

    if status.outcome.provider:
        add("provider", visible(status.outcome.provider.name), "green")
        if status.outcome.provider.account:
            add("account", accounts.place(status.outcome.provider))
    elif error := status.outcome.error:
        dead_end = "none: clients are kept from your own login"
        add("provider", dead_end if found.required else "none", "red")
        add("error", visible(error.message, 2000), "red")
        if error.hint:
            add("", visible(error.hint, 2000))
    else:
        add("provider", "none")
    by_pin = found.rule == resolve.PIN
    add("from", found.source if by_pin else _RULES[found.rule], whole=by_pin)
    add("file", file if file.startswith("$") else tilde(file, home), whole=True)
    if found.provider and found.provider.catalog:
        add("catalogue", found.provider.catalog.where, whole=True)
    add("shell", shell.message, "" if shell.state == IN_STEP else "yellow")
    if shell.hint:
        add("", shell.hint)
    if status.protection and status.protection.way == claude.SETTINGS:
        add("claude", "protected by its launcher: no settings file redirects it")
    elif status.protection:
        if status.protection.way == claude.FLAG:
            add("claude", f"protected by {HOST_FLAG}, which costs")
            add("", FLAG_COSTS)
        else:
            add("claude", "not protected: a settings file can send its login elsewhere", "yellow")
        if status.protection_hint:
            add("", status.protection_hint)
    if status.ignored_state:
        add("", status.ignored_state, "yellow")
    distrust = status.inputs.store.error()
    if distrust is not None and distrust is not found.error:
        add("", f"{distrust.message} {distrust.hint}", "yellow")
    for pin in found.untrusted:
        add("untrusted", pin.message, "yellow")
    for denied in found.denied:
        undo = f"cowork-env allow {argument(parent(denied.path), 'DIRECTORY')}"
        add("denied", f"{tilde(denied.path, home)}; to undo that: {undo}")
    winning = dict.fromkeys(s.place.path for s in status.report.settings if s.effect == WINS)
    if status.outcome.provider and winning:
        files = " and ".join(tilde(path, home) for path in winning)
        add("but", f"Claude Code takes some of it from {files}", "red")
    if leaks := status.report.login_leaks:
        files = " and ".join(dict.fromkeys(tilde(s.place.path, home) for s in leaks))
        add("but", f"Claude Code sends this login to the URL in {files}", "red")
    return lines


def _variables(status: Status) -> list[str]:
    """A row for each variable that has a value, or that something else sets."""
    rows = [row for row in status.rows if not _is_plainly_unset(row)]
    table = Table("variable", "value", "", "")
    for row in rows:
        source = row.source + (", yours comes back on leaving" if row.yours_is_kept else "")
        here = status.client.get(row.name)
        if row.name in status.changed and here is not None and here != row.value:
            source += f"; here: {shown_variable(row.name, here)}"
        color = "yellow" if row.source == CHANGED_BY_HAND else "bright_black"
        remark = (
            "but Claude Code takes it from its settings, see below" if row.overridden_by else ""
        )
        table.add(row.name, row.shown, Cell(source, color), Cell(remark, "red"))
    lines = ["", *table_lines(table)] if rows else []
    if rest := len(status.rows) - len(rows):
        text = f"and {rest} more kept unset"
        lines += labeled("", Cell(text, "bright_black"), 0)
    return lines


def _is_plainly_unset(row: VariableStatus) -> bool:
    return (
        row.value is None
        and row.source == KEPT_UNSET
        and not row.yours_is_kept
        and not row.overridden_by
    )


def _sections(status: Status) -> list[str]:
    """What counts beside the environment: settings files, redirects, proxies, other switchers."""
    report = status.report
    problems = Table("problem")
    for _, text in report.problems:
        problems.add(Cell(text, "yellow"))
    leftovers = Table("tool", "trace")
    for item in report.leftovers:
        leftovers.add(item.tool, item.trace)
    lines: list[str] = []
    for title, table in (
        ("Claude Code's settings, the strongest first", _settings(status)),
        ("Settings that cannot be read", problems),
        ("Redirected", _redirects(status)),
        ("Proxy", _proxy(status)),
        ("Other switchers", leftovers),
    ):
        if table.rows:
            lines += ["", title, *(f"  {line}" for line in table_lines(table, indent=2))]
    return lines


def _settings(status: Status) -> Table:
    table = Table("file", "setting", "")
    for s in status.report.settings:
        table.add(
            Cell(tilde(s.place.path, status.inputs.home), whole=True),
            f"{s.key} = {_shown_setting(s)}",
            Cell(_effect(status, s), "red" if s.effect in (WINS, BLOCKS) else ""),
        )
    return table


def _effect(status: Status, setting: Setting) -> str:
    """What a setting does, in words."""
    if setting in status.report.login_leaks:
        return "the login's token goes there"
    if setting.effect == HELD and status.report.account and not is_on(status.client.get(HOST_FLAG)):
        return "ignored under the launcher"
    return _EFFECTS[setting.effect]


def _redirects(status: Status) -> Table:
    table = Table("variable", "")
    text = "takes every request, key included, whatever the base URL says"
    for name in status.report.redirects:
        table.add(f"${name}", Cell(text, "red"))
    return table


def _proxy(status: Status) -> Table:
    table, proxy = Table("variable", "address", ""), status.report.proxy
    if proxy is not None:
        through = f"every request to {visible(proxy.host)} goes through it"
        harmful = Cell(f"name {proxy.host} in NO_PROXY", "red")
        table.add(f"${proxy.variable}", proxy.address, harmful if proxy.harmful else through)
    return table


def _shown_setting(setting: Setting) -> str:
    """A setting's value as it may be shown; a command may have a key in it."""
    if setting.key == "apiKeyHelper":
        return "(a command)"
    return shown_variable(setting.variable, setting.value)


# JSON: docs/status.md says what must not change


def _as_json(status: Status) -> dict[str, Any]:
    found, provider, report = status.found, status.outcome.provider, status.report
    file, shell = status.providers_file, status.shell
    return {
        "version": VERSION,
        "provider": _provider_json(provider) if provider else None,
        "rule": found.rule,
        "source": found.source,
        "pin": found.pin.path if found.pin else None,
        "file": None if file.startswith("$") else file,
        "keyFrom": status.key_source or None,
        "required": found.required,
        "error": _error_json(status.outcome.error),
        "shell": {"state": shell.state, "message": shell.message, "hint": shell.hint},
        "claude": _claude_json(status.protection),
        "untrusted": [{"path": pin.path, "message": pin.message} for pin in found.untrusted],
        "denied": [{"path": pin.path} for pin in found.denied],
        "variables": [_variable_json(row, row.name in status.changed) for row in status.rows],
        "settings": [_setting_json(setting) for setting in report.settings],
        "problems": [{"path": path, "message": message} for path, message in report.problems],
        "redirects": report.redirects,
        "proxy": {
            "variable": report.proxy.variable,
            "address": report.proxy.address,
            "host": report.proxy.host,
            "harmful": report.proxy.harmful,
        }
        if report.proxy
        else None,
        "otherSwitchers": [{"tool": item.tool, "trace": item.trace} for item in report.leftovers],
    }


def _provider_json(provider: Provider) -> dict[str, str]:
    shared = provider.catalog
    return {
        "id": provider.id,
        "name": provider.name,
        "account": accounts.place(provider) if provider.account else "",
        "source": CATALOG if shared else OWN,
        "catalog": shared.path if shared else "",
    }


def _claude_json(found: Protection | None) -> dict[str, str | None] | None:
    if found is None:
        return None
    return {
        "protectedBy": found.way or None,
        "launcher": found.launcher or None,
        "program": found.program or None,
        "version": found.version or None,
    }


def _error_json(error: CoworkEnvError | None) -> dict[str, str] | None:
    if error is None:
        return None
    return {"message": visible(error.message, 2000), "hint": visible(error.hint, 2000)}


def _variable_json(row: VariableStatus, pending: bool) -> dict[str, Any]:
    known = row.value is not None and row.value != UNKNOWN_KEY
    return {
        "name": row.name,
        "value": (row.shown if row.value else "") if known else None,
        "set": row.value is not None,
        "secret": is_secret(row.name, row.value if known and row.value else ""),
        "source": row.source,
        "yoursIsKept": row.yours_is_kept,
        "pending": pending,
        "overriddenBy": row.overridden_by,
    }


def _setting_json(setting: Setting) -> dict[str, Any]:
    return {
        "scope": setting.place.scope,
        "path": setting.place.path,
        "key": setting.key,
        "variable": setting.variable,
        "value": _shown_setting(setting),
        "effect": setting.effect,
    }
