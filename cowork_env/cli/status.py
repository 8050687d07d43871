"""``status``: what is active here and why, what every managed variable is, and what has a say beside it.

For people by default, one look; ``--json`` in the shape that docs/status.md promises. It fetches no key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from .. import overrides, secrets
from ..core import environment, providers, resolve
from ..core.environment import (
    ACTIVE,
    BASE_URL,
    CREDENTIALS,
    HOST_FLAG,
    MODEL,
    STATE,
    TIER_MODELS,
    Activation,
    transition,
)
from ..core.provider import CREDENTIAL, InvalidField, is_encrypted
from ..core.resolve import Inputs, Outcome, Resolution
from ..overrides import BEATEN, HELD, SAME, WINS, YIELDS, Setting
from ..util.errors import FAILURE, CoworkEnvError
from ..util.text import tilde, visible
from .common import choosing, context, examples, is_key, json_out, shown_value

if TYPE_CHECKING:
    from ..core.provider import Provider

SHAPE = (
    1  # of --json; another number would mean that something was taken away or means something else
)

# How this shell's environment stands to what should be; the last: options were given that it knows nothing of.
IN_STEP, NOT_APPLIED, STALE, LEFT_OVER, BY_HAND = (
    "in-step",
    "not-applied",
    "stale",
    "left-over",
    "by-hand",
)
WHAT_IF = "what-if"
UNKNOWN_KEY = "\0"  # stands in for a key that status does not fetch; no variable can hold it

_RULES = {
    resolve.OPTION: "the option --provider",
    resolve.VARIABLE: f"${resolve.CHOICE_VARIABLE}",
    resolve.PIN: "pin",
    resolve.SELECTION: "selection ('cowork-env use')",
    resolve.NOTHING: "no pin applies and nothing is selected",
}
_EFFECTS = {
    WINS: "Claude Code uses this",
    HELD: "ignored by Claude Code: the host flag is set",
    BEATEN: "a stronger file says otherwise",
    SAME: "the same value",
    YIELDS: "the environment's model is stronger",
}


class Row:
    """One managed variable: what a client gets (None: it is unset), the origin of that, and what overrides it."""

    def __init__(
        self, name: str, value: str | None, source: str, kept: bool, settings: list[Setting]
    ) -> None:
        self.name, self.value, self.source, self.kept, self.settings = (
            name,
            value,
            source,
            kept,
            settings,
        )

    @property
    def overridden(self) -> bool:
        """Whether Claude Code uses something else."""
        return any(s.effect == WINS for s in self.settings)

    def shown(self) -> str:
        """The value, safe to show."""
        if self.value is None:
            return "(unset)"
        if self.value == UNKNOWN_KEY:
            return "(fetched when needed)"
        return visible(shown_value(self.name, self.value), 80) or "(empty)"


class View:
    """All that status has to say, worked out once for both forms."""

    def __init__(self, inputs: Inputs) -> None:
        self.inputs = inputs
        self.found = resolve.resolve(inputs)
        self.old = Activation.decode(inputs.env.get(STATE, ""))
        self.damaged = bool(inputs.env.get(STATE)) and self.old is None
        self.outcome = _outcome(inputs, self.found, self.old)
        self.wanted = self.outcome.target
        changes = transition(inputs.env, self.outcome.key, self.wanted)[1]
        self.changed = [name for name in changes if name != STATE and not self._hidden(name)]
        self.after = environment.applied(inputs.env, changes)
        own = list(self.outcome.provider.env) if self.outcome.provider else []
        what_if = self.changed and (inputs.option or inputs.trust_all)
        # What a client started here gets: as things are, unless the question is how they would be.
        self.client = self.after if what_if else inputs.env
        self.report = overrides.report(self.client, inputs.directory, own)
        self.rows = [self._row(name) for name in self._names()]
        self.shell = (
            (WHAT_IF, "not compared: this is what 'exec' and 'export' give", "")
            if what_if
            else self._shell()
        )

    def _hidden(self, name: str) -> bool:
        """Whether a fish universal variable is hidden behind an empty one, which is as unset as it can be there."""
        touched = (
            self.old.touched.get(name) if self.old and self.old.key == self.outcome.key else None
        )
        if touched is None or not touched.shadowed or self.wanted is None:
            return False
        return touched.ours(name, self.inputs.env.get(name)) and touched.mark == environment.mark(
            name, self.wanted.get(name)
        )

    def _names(self) -> list[str]:
        if self.wanted is not None:
            left_alone = [
                n for n in environment.MANAGED if n not in self.wanted and n in self.after
            ]
            return [*self.wanted, *left_alone]
        left = self.old.touched if self.old else {}
        return [n for n in dict.fromkeys((*environment.MANAGED, *left)) if n in self.client]

    def _row(self, name: str) -> Row:
        touched = (
            self.old.touched.get(name) if self.old and self.old.key == self.outcome.key else None
        )
        value = self.after.get(name) if self.wanted is not None else self.client.get(name)
        if self.wanted is None and self.old and name in self.changed:
            source = f"left over from {visible(self.old.name) or 'a provider'}"
        elif self.wanted is None or name not in self.wanted:
            source = "your own"
        elif value != self.wanted[name]:
            source = "changed by hand"
        else:
            source = _source(self.found, self.outcome.provider, name, value)
        original = (
            touched.original
            if touched
            else self.inputs.env.get(name)
            if name in self.changed and not self.old
            else None
        )
        kept = (
            original is not None
            and source != "changed by hand"
            and self.wanted is not None
            and original != value
        )
        return Row(name, value, source, kept, self.report.on(name))

    def _shell(self) -> tuple[str, str, str]:
        """Whether this shell's environment is as it should be: a word for programs, a sentence, and a hint."""
        load = "Load the hook with 'cowork-env init', or start the program with 'cowork-env exec'."
        if self.wanted is None:
            if self.old is None:
                return IN_STEP, "nothing of cowork-env's in the environment, as it should be", ""
            name = visible(self.old.name) or "a provider"
            return (
                LEFT_OVER,
                f"the environment still has {name}",
                (
                    "The next prompt of a shell with the hook puts it right; under 'cowork-env exec --provider' it belongs there."
                ),
            )
        if not self.changed:
            by_hand = [row.name for row in self.rows if row.source == "changed by hand"]
            if by_hand:
                return (
                    BY_HAND,
                    f"changed by hand: {', '.join(by_hand)}",
                    "That stays so until you leave and come back, or start a new shell.",
                )
            return IN_STEP, "the environment is as it should be", ""
        if self.old is None:
            return (
                NOT_APPLIED,
                "the environment does not have it: no hook is loaded, or no prompt was reached since",
                load,
            )
        if self.old.key != self.outcome.key:
            return (
                STALE,
                f"the environment still has {visible(self.old.name) or 'another provider'}",
                (f"The next prompt puts it right. {load}"),
            )
        return (
            STALE,
            f"not up to date: {', '.join(self.changed[:4])}{' and more' if len(self.changed) > 4 else ''}",
            (f"The next prompt puts it right. {load}"),
        )

    @property
    def key_from(self) -> str:
        """Where the key comes from, in a word: stored, encrypted, or the scheme of its reference."""
        provider = self.outcome.provider
        if provider is None:
            return ""
        if provider.token_from:
            return _scheme(provider.token_from)
        return "encrypted" if is_encrypted(provider.token) else "stored" if provider.token else ""

    @property
    def file(self) -> str:
        """The provider file, or the variable that stands in for it."""
        if self.inputs.env.get(providers.JSON_VARIABLE):
            return f"${providers.JSON_VARIABLE}"
        return providers.locate(self.inputs.env, self.inputs.config_dir)


def _scheme(reference: str) -> str:
    try:
        return secrets.scheme_of(reference)
    except InvalidField:
        return "?"


def _outcome(inputs: Inputs, found: Resolution, old: Activation | None) -> Outcome:
    """What should be active; a key that would have to be fetched is the one in force, or left open."""
    provider = found.provider
    if provider is None or not provider.token_from:
        return resolve.outcome(inputs, found)
    try:
        secrets.check_reference(provider.token_from)
    except InvalidField as error:
        message = f"{visible(provider.name)}: bad reference: authTokenFrom {error.why}."
        return resolve.failed(found, CoworkEnvError(message, error.hint))
    name = CREDENTIAL[provider.auth]
    live = inputs.env.get(name)
    touched = old.touched.get(name) if old and old.key == found.key else None
    token = live if live and touched and touched.ours(name, live) else UNKNOWN_KEY
    return Outcome(found.key, environment.target(provider, token, found.models), provider)


def _source(found: Resolution, provider: Provider | None, name: str, value: str | None) -> str:
    """Where a value that is as it should be comes from."""
    if provider is None:
        return "required pin that cannot be honoured" if value is not None else "kept unset"
    if name in provider.env and provider.env[name] == value:
        return "provider's env"
    if value is None:
        return "kept unset"
    if name in (HOST_FLAG, ACTIVE):
        return "cowork-env"
    if name == BASE_URL:
        return (
            "provider"
            if value == provider.base_url
            else f"provider (there {visible(provider.base_url)})"
        )
    if name in CREDENTIALS:
        return _scheme(provider.token_from) if provider.token_from else "provider"
    keys = {MODEL: "model"} | {variable: tier for tier, variable in TIER_MODELS.items()}
    key = keys.get(name, "")
    if key in found.models:
        return f"pin: {key}"
    if key == "model":
        return "provider: defaultModel"
    if key in provider.models:
        return f"provider: {key}"
    return "the default model"


@click.command(
    epilog=examples(
        "cowork-env status",
        "cowork-env status --provider work",
        "cowork-env status --json | jq .provider.name",
    )
)
@choosing
@click.option("--json", "as_json", is_flag=True, help="For programs; keys are masked there, too.")
def command(provider: str | None, trust: bool, as_json: bool) -> None:
    """Show what is active here, from which rule and file, what every managed variable is, and what overrides it."""
    view = View(context(provider, trust))
    if as_json:
        json_out(_as_json(view))
    else:
        click.echo("\n".join(_as_text(view)))
    if view.outcome.error:
        raise SystemExit(FAILURE)


# For people


def _head(view: View) -> list[tuple[str, str, str]]:
    """The first lines: a label, a text, a colour."""
    found, outcome, home = view.found, view.outcome, view.inputs.home
    lines = []
    if outcome.provider:
        lines.append(("provider", visible(outcome.provider.name), "green"))
    elif outcome.error:
        lines.append(
            (
                "provider",
                "none: clients are kept from your own login" if found.required else "none",
                "red",
            )
        )
        lines.append(("error", visible(outcome.error.message, 2000), "red"))
        if outcome.error.hint:
            lines.append(("", visible(outcome.error.hint, 2000), ""))
    else:
        lines.append(("provider", "none", ""))
    why = _RULES[found.rule]
    lines.append(("from", found.source if found.rule == resolve.PIN else why, ""))
    file = view.file
    lines.append(("file", file if file.startswith("$") else tilde(file, home), ""))
    word, sentence, hint = view.shell
    lines.append(("shell", sentence, "" if word == IN_STEP else "yellow"))
    if hint:
        lines.append(("", hint, ""))
    if view.damaged:
        lines.append(("", f"{STATE} is damaged; it is ignored", "yellow"))
    lines += [("untrusted", pin.message, "yellow") for pin in found.untrusted]
    if outcome.provider and (
        files := dict.fromkeys(s.place.path for s in view.report.settings if s.effect == WINS)
    ):
        lines.append(
            (
                "but",
                f"Claude Code takes some of it from {' and '.join(tilde(f, home) for f in files)}",
                "red",
            )
        )
    return lines


def _as_text(view: View) -> list[str]:
    lines = [
        f"{label:9} {click.style(text, fg=fg) if fg else text}" for label, text, fg in _head(view)
    ]
    telling = [
        r
        for r in view.rows
        if r.value is not None or r.kept or r.overridden or r.source != "kept unset"
    ]
    if telling:
        lines.append("")
        names, values = max(len(r.name) for r in telling), max(len(r.shown()) for r in telling)
        for row in telling:
            source = row.source + (", yours comes back on leaving" if row.kept else "")
            if row.name in view.changed and (here := view.client.get(row.name)) not in (
                None,
                row.value,
            ):
                source += f"; here: {Row(row.name, here, '', False, []).shown()}"
            fg = "yellow" if row.source == "changed by hand" else "bright_black"
            lines.append(
                f"{row.name:{names}}  {row.shown():{values}}  {click.style(source, fg=fg)}"
            )
            if row.overridden:
                lines.append(
                    click.style(
                        f"{'':{names}}  but Claude Code takes it from its settings, see below",
                        fg="red",
                    )
                )
    rest = len(view.rows) - len(telling)
    if rest:
        lines.append(click.style(f"and {rest} more kept unset", fg="bright_black"))
    for title, rows in _sections(view):
        lines += ["", title]
        widths = [max(len(row[i]) for row in rows) for i in range(2)]
        for first, second, text, fg in rows:
            lines.append(
                f"  {first:{widths[0]}}  {second:{widths[1]}}  {click.style(text, fg=fg) if fg else text}".rstrip()
            )
    return lines


def _sections(view: View) -> list[tuple[str, list[tuple[str, str, str, str]]]]:
    """What has a say beside the environment: a title, and rows of two columns, a text and its colour."""
    report, home = view.report, view.inputs.home
    sections = []
    if report.settings:
        rows = [
            (
                tilde(s.place.path, home),
                f"{s.key} = {_setting(s)}",
                _EFFECTS[s.effect],
                "red" if s.effect == WINS else "",
            )
            for s in report.settings
        ]
        sections.append(("Claude Code's settings, the strongest first", rows))
    if report.problems:
        sections.append(
            ("Settings that cannot be read", [(m, "", "", "") for _, m in report.problems])
        )
    if report.redirects:
        text = "takes every request, key included, whatever the base URL says"
        sections.append(
            ("Redirected", [(f"${name}", "", text, "red") for name in report.redirects])
        )
    if proxy := report.proxy:
        text = (
            f"name {proxy.host} in NO_PROXY"
            if proxy.harmful
            else f"every request to {visible(proxy.host)} goes through it"
        )
        sections.append(
            ("Proxy", [(f"${proxy.variable}", proxy.address, text, "red" if proxy.harmful else "")])
        )
    if report.leftovers:
        sections.append(
            ("Other switchers", [(item.tool, item.trace, "", "") for item in report.leftovers])
        )
    return sections


def _setting(setting: Setting) -> str:
    """A setting's value, safe to show; a command may have a key in it."""
    if setting.key == "apiKeyHelper":
        return "(a command)"
    return Row(setting.variable, setting.value, "", False, []).shown()


# For programs: docs/status.md says what stays as it is.


def _as_json(view: View) -> dict[str, Any]:
    found, outcome, report = view.found, view.outcome, view.report
    word, sentence, hint = view.shell
    return {
        "version": SHAPE,
        "provider": {"id": outcome.provider.id, "name": outcome.provider.name}
        if outcome.provider
        else None,
        "rule": found.rule,
        "source": found.source,
        "pin": found.pin.path if found.pin else None,
        "file": None if view.file.startswith("$") else view.file,
        "keyFrom": view.key_from or None,
        "required": found.required,
        "error": {
            "message": visible(outcome.error.message, 2000),
            "hint": visible(outcome.error.hint, 2000),
        }
        if outcome.error
        else None,
        "shell": {"state": word, "message": sentence, "hint": hint},
        "untrusted": [{"path": pin.path, "message": pin.message} for pin in found.untrusted],
        "variables": [
            {
                "name": row.name,
                "value": None
                if row.value is None or row.value == UNKNOWN_KEY
                else row.shown()
                if row.value
                else "",
                "set": row.value is not None,
                "secret": is_key(row.name),
                "source": row.source,
                "yoursIsKept": row.kept,
                "pending": row.name in view.changed,
                "overriddenBy": [s.place.path for s in row.settings if s.effect == WINS],
            }
            for row in view.rows
        ],
        "settings": [
            {
                "scope": s.place.scope,
                "path": s.place.path,
                "key": s.key,
                "variable": s.variable,
                "value": _setting(s),
                "effect": s.effect,
            }
            for s in report.settings
        ],
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
