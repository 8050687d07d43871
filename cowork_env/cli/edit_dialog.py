"""What ``edit`` asks on a terminal: which field, and what it is to be, until the user is done."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from .. import accounts, store
from ..core import provider as rules
from ..core.provider import API_KEY, BEARER, TIERS, InvalidField, Provider
from ..core.providers import field_of, words
from ..editing import Fields
from ..masking import is_secret, shown_reference, shown_token, shown_url, shown_value
from ..util.errors import CoworkEnvError
from ..util.text import visible
from . import model_choice
from .change import fetch_key, say_where_key_goes
from .model_choice import NONE
from .output import say
from .prompts import Choice, ask, ask_hidden, ask_key, pick, tell_error
from .provider_options import ask_url, check_answered_directory

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..editing import Entry
    from .change import Change

_DONE, _ADD, _BACK = "done", "add a variable", "back"
_NAME, _URL, _KEY, _MODEL = "name", "base URL", "key", "default model"
_AUTH, _ENV, _DIRECTORY, _TOKEN = "key sent as", "variables", "directory", "token"


class Dialog:
    """The questions about one provider, whose answers are kept in ``fields`` until they are saved.

    ``ask_endpoint``: whether the endpoint may be asked for its models.
    """

    def __init__(self, change: Change, *, ask_endpoint: bool) -> None:
        self._change, self._ask_endpoint = change, ask_endpoint
        self._fields = Fields()
        self._account = accounts.is_account(change.entry)
        self._models: dict[tuple[str, ...], list[str]] = {}  # what endpoints listed

    @property
    def _now(self) -> Entry:
        """The entry with what was answered so far."""
        entry = {**self._change.entry}
        if isinstance(models := entry.get("models"), dict):
            entry["models"] = {**models}
        self._fields.apply(entry)
        return entry

    def ask(self) -> Fields:
        """What the user wants to be changed; empty fields: nothing.

        Raises KeyboardInterrupt on Ctrl-C.
        """
        asks: dict[str, Callable[[], None]] = {_NAME: self._ask_name}
        if self._account:
            asks |= {_DIRECTORY: self._ask_directory, _TOKEN: self._ask_key}
        else:
            asks |= {_URL: self._ask_url, _KEY: self._ask_key, _AUTH: self._ask_auth}
        asks[_MODEL] = self._ask_model
        for tier in TIERS:
            asks[tier] = partial(self._ask_tier, tier)
        asks[_ENV] = self._ask_env
        chosen = _MODEL if self._account else _KEY
        while True:
            now = self._now
            rows = {name: self._shown(name, now) for name in asks}
            rows[_DONE] = "change nothing" if self._fields.is_empty() else "save the changes"
            chosen = pick(
                f"What is to be changed in {self._change.called}?",
                [Choice(name, text) for name, text in rows.items()],
                chosen if self._fields.is_empty() else _DONE,
            )
            if chosen != _DONE:
                asks[chosen]()
            elif self._is_valid():
                return self._fields

    def _is_valid(self) -> bool:
        """Whether all that was answered goes together; says what does not."""
        from .. import models

        if self._fields.is_empty():
            return True
        try:
            models.tidy(self._now)
        except InvalidField as error:
            refused = store.refused(self._now, error)
            tell_error(refused)
            return False
        return True

    def _shown(self, field: str, entry: Entry) -> str:
        """A field's value as it may be shown in the picker."""
        models, env = entry.get("models"), entry.get("env")
        if field in (_KEY, _TOKEN):
            reference, token = field_of(entry, "authTokenFrom"), field_of(entry, "authToken")
            shown = shown_reference(reference) if reference else token and shown_token(token)
            if self._fields.token:
                shown += " (new)"
        elif field in TIERS:
            shown = field_of(models, field)
        elif field == _ENV:
            shown = ", ".join(env) if isinstance(env, dict) else ""
        elif field == _URL:
            shown = shown_url(field_of(entry, "baseUrl"))
        elif field == _AUTH:
            shown = field_of(entry, "auth") or BEARER
        else:
            keys = {_NAME: "name", _MODEL: "defaultModel", _DIRECTORY: "configDir"}
            shown = field_of(entry, keys[field])
        return visible(shown) or "-"

    # The questions. Each keeps the value where the user only presses Enter.

    def _ask_name(self) -> None:
        others = [
            entry
            for i, entry in enumerate(self._change.listed.own)
            if i != self._change.index and isinstance(entry, dict)
        ]

        def check(name: str) -> str:
            name = rules.check_name(name)
            for other in others:
                if words({"name": name}) & words(other):
                    raise store.taken(name, field_of(other, "name"))
            return name

        old = field_of(self._now, "name")
        answer = _ask("Name", check, old)
        if answer not in ("", old):
            self._fields.name = answer

    def _ask_url(self) -> None:
        url, insecure = field_of(self._now, "baseUrl"), self._now.get("allowInsecure") is True
        old = url if shown_url(url) == url else ""
        answer, allowed = ask_url("Base URL", insecure, old)
        if answer != url:
            self._fields.base_url = answer
            self._fields.allow_insecure = True if allowed else None
            # Before it is asked for its models.
            say_where_key_goes(self._change.entry, self._now)

    def _ask_auth(self) -> None:
        now = field_of(self._now, "auth") or BEARER
        styles = [
            Choice(BEARER, "Authorization: Bearer KEY"),
            Choice(API_KEY, "x-api-key: KEY, as Anthropic's own API expects it"),
        ]
        chosen = pick("How is the key sent?", styles, now)
        if chosen != now:
            self._fields.auth = "" if chosen == BEARER else chosen

    def _ask_directory(self) -> None:
        old = field_of(self._now, "configDir")
        question = f"{accounts.DIRECTORY_QUESTION}, {NONE} for the default login"
        answer = _ask(question, check_answered_directory, old)
        if answer != old:
            self._fields.config_dir = answer

    def _ask_key(self) -> None:
        label = accounts.TOKEN_QUESTION if self._account else "key"
        if token := ask_key(f"New {label[0].lower()}{label[1:]}, Enter keeps it", ""):
            if self._account:
                try:
                    accounts.check_token(token)
                except CoworkEnvError as error:
                    tell_error(error)
                    return
            self._fields.token = token

    def _ask_model(self) -> None:
        old = field_of(self._now, "defaultModel")
        answer = self._choose_model("Default model", old)
        if answer != old:
            self._fields.default_model = answer

    def _ask_tier(self, tier: str) -> None:
        old = field_of(self._now.get("models"), tier)
        answer = self._choose_model(f"Model for {tier}", old)
        if answer != old:
            self._fields.models[tier] = answer

    def _choose_model(self, question: str, old: str) -> str:
        """A model that the endpoint offers, or that the user types; empty: none."""
        return model_choice.choose_model(question, self._offered(), old, replaces=True)

    def _offered(self) -> list[str]:
        """The models that the endpoint lists; it is asked once for each URL and key."""
        if not self._ask_endpoint or self._account:
            return []
        try:
            provider = Provider(self._now)
        except InvalidField:
            return []
        asked = (provider.base_url, provider.token, provider.token_from, provider.auth)
        if provider.base_url and asked not in self._models:
            self._models[asked] = self._list_models(provider)
        return self._models.get(asked, [])

    def _list_models(self, provider: Provider) -> list[str]:
        inputs = self._change.inputs
        try:
            key = fetch_key(inputs, provider)
        except CoworkEnvError as error:
            say(f"The endpoint was not asked for its models: {visible(error.message)}")
            return []
        offer = model_choice.ask_endpoint(self._now, key, inputs.env)
        if not offer.models:
            say(offer.why)
        return offer.models

    def _ask_env(self) -> None:
        while True:
            found = self._now.get("env")
            env = {**found} if isinstance(found, dict) else {}
            choices = [Choice(n, shown_value(n, str(v)) or "(left alone)") for n, v in env.items()]
            chosen = pick("Which variable?", [*choices, _ADD, _BACK], _BACK)
            if chosen == _BACK:
                return
            name = ask("Name of the variable", _check_variable) if chosen == _ADD else chosen
            value = _ask_value(name, field_of(env, name))
            if value is None:
                env.pop(name, None)
            else:
                env[name] = value
            self._fields.clear_env, self._fields.env = True, env


def _ask(question: str, check: Callable[[str], str], old: str) -> str:
    """Ask for a value. Enter keeps the old one; :data:`NONE` is the answer for none."""
    shown = visible(old)
    answer = ask(
        question, lambda text: text if text == shown else check("" if text == NONE else text), shown
    )
    return old if answer == shown else answer


def _check_variable(name: str) -> str:
    rules.check_env({name: "x"})
    return name


def _ask_value(name: str, old: str) -> str | None:
    """A variable's value; None: it is to be removed."""
    keeps = ", Enter keeps it" if old else ""
    question = f"Value of {visible(name)}{keeps}, {NONE} removes it"
    hidden = is_secret(name, old)
    answer = ask_hidden(question, "") if hidden else ask(question, str, "")
    return None if answer == NONE else answer or old
