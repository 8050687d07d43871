"""A catalogue: providers that others share, read beside the user's own, each once it is agreed to.

Whatever is in it was written by others. It holds no keys, and where requests and the user's keys go
is the user's to decide: an entry counts as long as what was agreed to does not change.

Imported where there is a catalogue, on the fast path too.
"""

from __future__ import annotations

from ..util.errors import UNTRUSTED, CoworkEnvError, Distrusted
from ..util.system import exists, physical
from ..util.text import argument, first_control, tilde, visible
from . import providers, variables
from .provider import InvalidField, Provider, exported_url, is_variable, slug
from .providers import Providers, field_of, words
from .shared_names import is_allowed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from .trust import TrustStore

# The one key of our settings file.
SETTING = "catalog"
# Where a key may come from. A file or a command would be read or run as an update says.
REFERENCES = ("env:", "op://", "vault://", "aws-sm://", "keyring:", "pass:")
MAX_BYTES = 4 << 20
MAX_ENTRIES = 10_000
_MAX_URL, _MAX_VALUE = 400, 100  # characters shown; a host has 253 at most
_WITHOUT_WIDTH = ("Mn", "Cf")  # categories of characters that may not show
_FILLER = "\u1160"  # of Hangul, a letter that does not show; others are compatible with it
# States of an entry.
NEW, CHANGED, AGREED = "new", "changed", "agreed"


class Catalog:
    """A catalogue as it is read.

    ``path`` is where the user says that it is, ``place`` its real path, ``where`` names it in
    messages. ``entries`` are those that no own one takes the place of; ``replaced`` are the names
    of the others. They have no ids: an agreement is about a name, and others could let an id lead
    elsewhere. ``error``: why none of it can be used.
    """

    __slots__ = ("_indexes", "_source", "entries", "error", "path", "place", "replaced", "where")

    def __init__(self, path: str = "", home: str = "") -> None:
        self.path, self.where = path, tilde(path, home)
        self.place = physical(path)
        self.error: CoworkEnvError | None = None
        self.entries: list[Any] = []
        self.replaced: list[str] = []
        self._indexes: list[int] = []
        self._source: Providers | None = None

    def read(self, own: list[Any]) -> None:
        """Read it, without what the user's ``own`` entries replace; raises
        :class:`CoworkEnvError`."""
        self._source = _read(self.path, self.where)
        taken = {_look(word) for entry in own for word in words(entry)}
        for i, entry in enumerate(self._source.entries):
            if taken.isdisjoint(map(_look, words(entry))):
                if isinstance(entry, dict):
                    entry = {key: value for key, value in entry.items() if key != "id"}
                self.entries.append(entry)
                self._indexes.append(i)
            else:
                self.replaced.append(field_of(entry, "name"))

    def check(self, provider: Provider) -> None:
        """Make this the catalogue of a provider; raises :class:`InvalidField` for what it may not
        hold."""
        if provider.account:
            raise InvalidField(("auth",), "is a login, and everybody has a login of their own")
        if provider.token:
            raise InvalidField(("authToken",), "is a key, and a catalogue holds none")
        if not provider.base_url.isascii():
            why = "has a character in it that could be taken for another one"
            raise InvalidField(("baseUrl",), why, "Its host has an ASCII form, xn--...")
        reference = provider.token_from
        if reference and not reference.startswith(REFERENCES):
            raise InvalidField(("authTokenFrom",), f"is none of {', '.join(REFERENCES)}")
        if reference.startswith("env:") and not is_variable(reference[4:] or "0"):
            raise InvalidField(("authTokenFrom",), "is not the name of a variable")
        for name, value in provider.env.items():
            if not is_allowed(name, value) or first_control(value) >= 0:
                raise InvalidField(("env", name), "is not for a catalogue to set")
        provider.catalog = self

    def invalid(self, index: int, error: InvalidField) -> CoworkEnvError:
        """What to raise for ``error`` in ``entries[index]``: its position in the file."""
        assert self._source is not None
        raised = self._source.invalid(self._indexes[index], error)
        hint = error.hint or "It has to be corrected in the catalogue."
        return CoworkEnvError(raised.message, hint)


def _look(word: str) -> str:
    """What is the same for two words that nobody can tell apart by looking at them.

    Letters of other scripts that look alike stay different.
    """
    if word.isascii():
        return word
    from unicodedata import category, normalize

    composed = normalize("NFKC", word)
    shown = (c for c in composed if category(c) not in _WITHOUT_WIDTH and c not in _FILLER)
    return "".join(shown).casefold().strip()


# Where it is


def load(env: Mapping[str, str], config_dir: str, own: list[Any]) -> Catalog | None:
    """The catalogue, without what the user's ``own`` entries replace; None where there is none."""
    catalog = Catalog()
    try:
        path = locate(env, config_dir)
        if not path:
            return None
        catalog = Catalog(path, env.get("HOME", ""))
        catalog.read(own)
    except Distrusted as error:
        catalog.error = error
    except CoworkEnvError as error:
        message = f"The catalogue cannot be used: {error.message}"
        hint = error.hint or f"Its path is from {_named_by(env, config_dir)}."
        catalog.error = CoworkEnvError(message, hint)
    return catalog


def _named_by(env: Mapping[str, str], config_dir: str) -> str:
    """What says where the catalogue is: the variable or the settings file."""
    if env.get(variables.CATALOG):
        return f"${variables.CATALOG}"
    return tilde(providers.settings_file(config_dir), env.get("HOME", ""))


def locate(env: Mapping[str, str], config_dir: str) -> str:
    """The path of the catalogue, or empty.

    It is that of ``$COWORK_ENV_CATALOG``, else of the settings file; ``none`` stands for none.
    Raises :class:`CoworkEnvError` for a path that is not absolute and what is wrong with the
    settings file.
    """
    home = env.get("HOME", "")
    where = _named_by(env, config_dir)
    path = env.get(variables.CATALOG, "")
    if not path:
        path = settings(providers.settings_file(config_dir), where).get(SETTING, "")
        where += f": {SETTING}"
    if not providers.unless_none(path):
        return ""
    if path.startswith("~/") and home.startswith("/"):
        path = home.rstrip("/") + path[1:]
    if not path.startswith("/"):
        raise CoworkEnvError(
            f"{where} is not an absolute path.", "Write it in full, or beginning with ~/."
        )
    return path


def settings(path: str, where: str) -> dict[str, str]:
    """Our settings, from lines ``key = value`` as in a pin; none where there is no file.

    Raises :class:`CoworkEnvError`, also for a file that another user may have changed.
    """
    try:
        data = providers.read_bytes(path, where, own=0)
    except FileNotFoundError:
        return {}
    values: dict[str, str] = {}
    try:
        text = data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError:
        raise CoworkEnvError(f"{where} is not UTF-8 text.", "Save it as UTF-8.") from None
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.replace("\t", " ").strip(" \r")
        if not line or line.startswith("#"):
            continue
        key, equals, value = (part.strip() for part in line.partition("="))
        why = ""
        if first_control(line) >= 0:
            why = "has a control character in it"
        elif not equals or key != SETTING:
            why = f"is not {SETTING} = PATH, the one setting that there is"
        elif key in values:
            why = f"sets {SETTING} again"
        if why:
            raise CoworkEnvError(f"{where}, line {number} {why}.", "Correct that line.")
        values[key] = value
    return values


def _read(path: str, where: str) -> Providers:
    """The entries in a catalogue's file; raises :class:`CoworkEnvError`, also where it is missing.

    It may belong to anybody. One that is being written is not waited for: whoever keeps changing it
    would delay every prompt.
    """
    from ..util import jsontext

    try:
        data = providers.read_bytes(path, where, limit=MAX_BYTES)
    except FileNotFoundError:
        raise CoworkEnvError(f"{where} does not exist.") from None
    found = Providers(jsontext.decode(data, where), path, where)
    if len(found.entries) > MAX_ENTRIES:
        raise CoworkEnvError(f"{where} has more than {MAX_ENTRIES} entries.")
    return found


# What was agreed to


def terms(provider: Provider) -> dict[str, str]:
    """What is agreed to, in words: all that decides where requests and the key go.

    The models are not in it; they may change freely.
    """
    found = {
        "URL": exported_url(provider),
        "key from": provider.token_from,
        "sent as": provider.auth,
        "verbatim URL": "yes" if provider.verbatim else "",
        "plain http": "allowed" if provider.insecure else "",
    }
    found |= {f"variable {name}": provider.env[name] for name in sorted(provider.env)}
    return {name: value for name, value in found.items() if value}


def state(store: TrustStore, provider: Provider) -> str:
    """Whether an entry of a catalogue is new, has changed since it was agreed to, or is agreed to.

    An entry of the user's own is always agreed to.
    """
    if provider.catalog is None:
        return AGREED
    agreed = store.agreed(*_subject(provider, provider.catalog))
    return NEW if agreed is None else AGREED if agreed == terms(provider) else CHANGED


def agree(store: TrustStore, provider: Provider) -> None:
    """Record that the user agrees to an entry as it is; raises :class:`CoworkEnvError`."""
    assert provider.catalog is not None
    store.agree(*_subject(provider, provider.catalog), terms(provider))


def _subject(provider: Provider, catalog: Catalog) -> tuple[str, str]:
    """What an agreement is about: the catalogue's real path, and the name in it.

    A name that differs in case or punctuation alone finds the same entry, so it is the same.
    """
    return catalog.place, _entry_word(provider.name)


def _entry_word(name: str) -> str:
    return slug(name) or name.casefold()


def holds(path: str, entry: str) -> bool:
    """Whether the catalogue at ``path`` may have the entry that an agreement is about.

    One that cannot be read is given the benefit of the doubt, unless it is gone.
    """
    try:
        found = _read(path, path)
    except CoworkEnvError:
        return exists(path)
    return any(_entry_word(name) == entry for name in found.names())


def changes(store: TrustStore, provider: Provider) -> list[tuple[str, str, str]]:
    """What has changed since the user agreed: the terms that differ, as (name, old, new)."""
    assert provider.catalog is not None
    old = store.agreed(*_subject(provider, provider.catalog)) or {}
    new = terms(provider)
    return [
        (name, old.get(name, ""), new.get(name, ""))
        for name in dict.fromkeys((*old, *new))
        if old.get(name) != new.get(name)
    ]


def summary(provider: Provider) -> str:
    """Where requests and the key go, in a few words, safe to show."""
    found = terms(provider)
    shown = [visible(found.get("URL", ""), _MAX_URL) or "no URL of its own"]
    if "key from" in found:
        shown.append(f"key from {visible(found['key from'])}")
    if env := provider.env:  # A cloud's host may be in a value, and no key is.
        values = (f"{name}={visible(env[name], _MAX_VALUE)}" for name in sorted(env))
        shown.append(f"sets {', '.join(values)}")
    return ", ".join(shown)


def _shown(term: str, value: str) -> str:
    return visible(value, _MAX_URL if term == "URL" else _MAX_VALUE) or "none"


def check_agreed(store: TrustStore, provider: Provider) -> None:
    """Raise :class:`CoworkEnvError` unless the user agreed to the provider as it is."""
    found = state(store, provider)
    if found == AGREED or provider.catalog is None:
        return
    name, where = visible(provider.name), provider.catalog.where
    why = f"is new: {summary(provider)}"
    if found == CHANGED:
        what = (
            f"{term} {_shown(term, old)} -> {_shown(term, new)}"
            for term, old, new in changes(store, provider)
        )
        why = f"has changed since you agreed to it: {', '.join(what)}"
    raise CoworkEnvError(
        f"'{name}' of the catalogue {where} {why}.",
        f"Look at it, and agree: cowork-env allow --provider {argument(provider.name, 'NAME')}",
        UNTRUSTED,
    )
