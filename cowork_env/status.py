"""What ``status`` and ``doctor`` know: what is active in a directory, why, and what overrides it.

Nothing is changed, and no key is fetched.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from . import accounts, claude, launcher, overrides
from .comparison import UNKNOWN_KEY, Comparison
from .core import environment, providers, variables
from .core.environment import (
    ACCOUNT_TOKEN,
    ACTIVE,
    BASE_URL,
    CONFIG_DIR,
    CREDENTIALS,
    HOST_FLAG,
    MODEL,
    NO_AGENT_VIEW,
    TIER_MODELS,
)
from .core.provider import is_on
from .core.resolve import Inputs, Resolution
from .masking import key_source, shown_value
from .overrides import WINS, Setting
from .util.text import tilde, visible

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .core.provider import Provider
    from .launcher import Protection

CHANGED_BY_HAND = "changed by hand"
KEPT_UNSET = "kept unset"
FLAG_COSTS = (
    "no background sessions or agent view, and no key in its Bash tool, hooks and MCP servers"
)


class VariableStatus:
    """One managed variable.

    ``value``: what a client gets; None: it is unset. ``source``: where the value comes from, in
    words. ``yours_is_kept``: a value of the user's own comes back on leaving. ``settings``: what
    Claude Code's settings files say about it.
    """

    __slots__ = ("name", "settings", "source", "value", "yours_is_kept")

    def __init__(
        self,
        name: str,
        value: str | None,
        source: str,
        *,
        yours_is_kept: bool,
        settings: list[Setting],
    ) -> None:
        self.name, self.value, self.source = name, value, source
        self.yours_is_kept, self.settings = yours_is_kept, settings

    @property
    def overridden_by(self) -> list[str]:
        """The paths of the settings files that Claude Code follows instead."""
        return [s.place.path for s in self.settings if s.effect == WINS]

    @property
    def shown(self) -> str:
        """The value as it may be shown."""
        return shown_variable(self.name, self.value)


def shown_variable(name: str, value: str | None) -> str:
    """A variable's value as it may be shown, in words where there is none."""
    if value is None:
        return "(unset)"
    if value == UNKNOWN_KEY:
        return "(fetched when needed)"
    return visible(shown_value(name, value), 1000) or "(empty)"


class Status(Comparison):
    """What is active for these inputs, and what a client that is started there gets.

    ``client``: the environment that a client gets, and ``report`` what overrides it.
    ``rows``: the managed variables.
    """

    def __init__(self, inputs: Inputs, *, elsewhere: bool = False) -> None:
        super().__init__(inputs, elsewhere=elsewhere)
        # As things are, or with --provider and --trust as they would be.
        self.client = self.after if self.what_if else inputs.env
        provider = self.outcome.provider
        account = provider is not None and provider.account
        self.report = overrides.report(
            self.client, inputs.directory, list(provider.env) if provider else [], account=account
        )
        mark_protected(self.report, self.client)
        self.rows = [self._row(name) for name in self._names()]

    @property
    def key_source(self) -> str:
        """Where the key comes from, see :func:`key_source`."""
        return key_source(self.outcome.provider) if self.outcome.provider else ""

    @cached_property
    def protection(self) -> Protection | None:
        """What keeps ``claude`` from settings files that redirect the provider; None: nothing has
        to, or does. Asks Claude Code for its version, unless that is known.

        A stored login has no flag: without a launcher's settings file nothing protects it.
        """
        provider = self.outcome.provider
        if self.target is None or provider is None:
            return None
        flag = is_on(self.target.get(HOST_FLAG))
        if not flag and not provider.account:
            return None
        found = launcher.protection(self.client.get("PATH", ""))
        if not flag and not found.program:
            return None
        if not self._takes_settings or found.way != claude.SETTINGS:
            found.way = claude.FLAG if flag else claude.NOTHING
        return found

    @property
    def _takes_settings(self) -> bool:
        """Whether a launcher would protect this provider without the flag."""
        return self.outcome.provider is not None and claude.takes_settings(self.outcome.provider)

    @property
    def protection_hint(self) -> str:
        """What to do for the protection that costs nothing, or empty."""
        here = self.protection
        if here is None or here.way == claude.SETTINGS:
            return ""
        if not here.program or not self._takes_settings:
            return ""
        price = " without that" if here.way == claude.FLAG else ""
        if here.launcher:
            return f"With a newer Claude Code, its launcher protects it{price}."
        if launcher.CLAUDE in launcher.names():
            folder = visible(tilde(launcher.folder(), self.inputs.home))
            return f"{folder} is not first on PATH here: a new shell with the hook has it there."
        return f"A launcher protects it{price}: cowork-env shim claude"

    @property
    def providers_file(self) -> str:
        """The path of the provider file, or ``$`` and the variable that is used in its place."""
        if self.inputs.env.get(variables.PROVIDERS_JSON):
            return f"${variables.PROVIDERS_JSON}"
        return providers.locate(self.inputs.env, self.inputs.config_dir)

    # Variables

    def _names(self) -> list[str]:
        """The variables to show."""
        if self.target is not None:
            left_alone = [
                n for n in environment.MANAGED if n not in self.target and n in self.after
            ]
            return [*self.target, *left_alone]
        touched = self.previous.touched if self.previous else {}
        return [n for n in dict.fromkeys((*environment.MANAGED, *touched)) if n in self.client]

    def _row(self, name: str) -> VariableStatus:
        value = (self.after if self.target is not None else self.client).get(name)
        source = self._source(name, value)
        touched = self._touched(name)
        original = None
        if touched:
            original = touched.original
        elif name in self.changed and not self.previous:
            original = self.inputs.env.get(name)
        kept = self.target is not None and source != CHANGED_BY_HAND
        return VariableStatus(
            name,
            value,
            source,
            yours_is_kept=kept and original is not None and original != value,
            settings=self.report.on(name),
        )

    def _source(self, name: str, value: str | None) -> str:
        """Where a variable's value comes from."""
        if self.target is None and self.previous and name in self.changed:
            return f"left over from {visible(self.previous.name) or 'a provider'}"
        if self.target is None or name not in self.target:
            return "your own"
        if value != self.target[name]:
            return CHANGED_BY_HAND
        return _source(self.found, self.outcome.provider, name, value)


def mark_protected(report: overrides.Report, env: Mapping[str, str]) -> None:
    """Take what would send a login elsewhere for ignored, if ``claude`` means its launcher.

    Claude Code is asked for its version only where there is such a setting.
    """
    if report.login_leaks and launcher.protection(env.get("PATH", "")).way == claude.SETTINGS:
        report.hold_login()


def _source(found: Resolution, provider: Provider | None, name: str, value: str | None) -> str:
    """Where the value that a target sets comes from."""
    if provider is None:
        return "required pin that cannot be used" if value is not None else KEPT_UNSET
    if name in provider.env and provider.env[name] == value:
        return "provider's env"
    if name == CONFIG_DIR and provider.account:
        return "provider: configDir" if value is not None else accounts.DEFAULT_LOGIN
    if value is None:
        return KEPT_UNSET
    if name in (HOST_FLAG, NO_AGENT_VIEW, ACTIVE):
        return "cowork-env"
    if name == BASE_URL:
        as_written = value == provider.base_url
        return "provider" if as_written else f"provider (there {visible(provider.base_url)})"
    if name in (*CREDENTIALS, ACCOUNT_TOKEN):
        if provider.token_from:
            return key_source(provider)
        return f"provider{': encrypted by the desktop app' if provider.encrypted else ''}"
    keys = {MODEL: "model"} | {variable: tier for tier, variable in TIER_MODELS.items()}
    key = keys.get(name, "")
    if key in found.models:
        return f"pin: {key}"
    if key == "model":
        return "provider: defaultModel"
    if key in provider.models:
        return f"provider: {key}"
    return "the default model"
