"""``providers.json`` as it is read: where it is, its entries, and how one is found by name or id.

This is on the fast path; ``store.py`` writes the file.
"""

from __future__ import annotations

import posix

from ..util import jsontext
from ..util.errors import CoworkEnvError, Distrusted
from ..util.system import NotRegular, distrusted, exists, open_without_blocking
from ..util.text import argument, tilde, visible
from . import variables
from .provider import NONE, InvalidField, Provider, slug

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from .catalog import Catalog

FOLDERS = ("Agent Cowork", "agent-cowork")
FILE_NAME = "providers.json"
MAX_BYTES = 16 << 20
_READ_ATTEMPTS = 4  # at a file that may still be being written
_RETRY_SECONDS = 0.05
_WRITING_SECONDS = 5  # how long after its last change a file may be incomplete


class Providers:
    """The entries of one source, in their order, as plain JSON values.

    ``path`` is the file, or empty when they come from the environment; ``where`` names the source
    in messages. ``text`` is the document, with keys in it: it is there to find positions only.
    ``list_path`` leads to the list of entries in the document; None: the document is one entry.
    ``catalog``: where the last of the entries come from, see :meth:`add_catalog`; None: from the
    same source.
    """

    __slots__ = ("catalog", "entries", "list_path", "path", "text", "where")

    def __init__(self, text: str, path: str, where: str) -> None:
        self.text, self.path, self.where = text, path, where
        document = jsontext.parse(text, where) if text.strip() else []
        self.list_path: tuple[str | int, ...] | None = ()
        if isinstance(document, dict) and isinstance(document.get("providers"), list):
            document, self.list_path = document["providers"], ("providers",)
        elif isinstance(document, dict):
            document, self.list_path = [document], None
        if not isinstance(document, list):
            raise CoworkEnvError(
                f"{where} holds neither a list nor an object.", "It must be a list of providers."
            )
        self.entries: list[Any] = document
        self.catalog: Catalog | None = None

    def __repr__(self) -> str:
        return f"<Providers {self.where!r}: {len(self.entries)}>"

    def add_catalog(self, env: Mapping[str, str], config_dir: str) -> None:
        """Put the entries of the catalogue, if there is one, behind the user's own.

        What is wrong with it is in ``catalog.error``: the own entries go on working.
        """
        if may_have_catalog(env, config_dir):
            from . import catalog

            self.catalog = catalog.load(env, config_dir, self.entries)
            if self.catalog:
                self.entries = self.entries + self.catalog.entries

    @property
    def own(self) -> list[Any]:
        """The user's own entries, without those of a catalogue."""
        return self.entries[: -len(self.catalog.entries) or None] if self.catalog else self.entries

    def shared(self, index: int) -> Catalog | None:
        """The catalogue that the entry at ``index`` comes from; None for an entry of the user's."""
        if self.catalog and index >= len(self.entries) - len(self.catalog.entries):
            return self.catalog
        return None

    def names(self) -> list[str]:
        """The names of all entries that have one, in their order."""
        return [name for name in (field_of(entry, "name") for entry in self.entries) if name]

    def find(self, name_or_id: str) -> int:
        """The index of an entry, by name, else by name ignoring case, else by slug, else by id.

        Raises :class:`CoworkEnvError` when there is none, or more than one by the same rule. An
        entry with the id that another is found by could take its place, so that is an error, too.
        """
        index = self.look_up(name_or_id)
        if index is not None:
            return index
        wanted, where, hint = name_or_id.strip(), self.where, self._nearest(name_or_id.strip())
        if self.catalog and self.catalog.error:
            error = self.catalog.error
            if isinstance(error, Distrusted):
                raise error
            hint = f"{error.message} {error.hint}".rstrip()
        elif self.catalog:
            where += f" and the catalogue {self.catalog.where}"
        raise CoworkEnvError(f"There is no provider '{visible(wanted)}' in {where}.", hint)

    def find_anywhere(self, name_or_id: str, env: Mapping[str, str], config_dir: str) -> int:
        """As :meth:`find` among the user's own entries, then among those of a catalogue, too.

        An entry of a catalogue that an own one could be taken for does not count. So where an own
        one has the name, the catalogue is not even read.
        """
        index = self.look_up(name_or_id)
        if index is not None:
            return index
        self.add_catalog(env, config_dir)
        return self.find(name_or_id)

    def look_up(self, name_or_id: str) -> int | None:
        """As :meth:`find`, but None where there is no such entry."""
        wanted = name_or_id.strip()
        folded = wanted.casefold()
        names = [field_of(entry, "name") for entry in self.entries]
        rules: tuple[Callable[[int], bool], ...] = (
            lambda i: names[i] == wanted,
            lambda i: name_word(self.entries[i]) == folded,
            lambda i: slug_word(self.entries[i]) == folded,
        )
        by_id = self._with_id(wanted)
        for rule in rules if wanted else ():
            if found := list(filter(rule, range(len(names)))):
                return self._only(wanted, found, by_id)
        return self._only(wanted, by_id, []) if wanted and by_id else None

    def _with_id(self, wanted: str) -> list[int]:
        """The indexes of the entries with this id, ignoring case."""
        folded = wanted.casefold()
        return [  # written out, because it is done for a thousand entries at a prompt
            i
            for i, entry in enumerate(self.entries)
            if isinstance(entry, dict)
            and isinstance(own := entry.get("id"), str)
            and own.strip().casefold() == folded
        ]

    def _only(self, wanted: str, found: list[int], by_id: list[int]) -> int:
        """The only index of ``found`` and ``by_id``; raises :class:`CoworkEnvError` otherwise."""
        both = list(dict.fromkeys((*found, *by_id)))
        if len(both) == 1:
            return both[0]
        raise CoworkEnvError(
            f"'{visible(wanted)}' could be any of {', '.join(map(self._shown, both[:6]))}"
            f"{' and more' if len(both) > 6 else ''}.",
            "Use the id of one."
            if len(found) > 1 and not by_id
            else f"Give one of them another id in {self.where}.",
        )

    def designation(self, index: int, *keys: str) -> str:
        """The first of an entry's fields ``keys`` (id, name) that finds it, and no other.

        For a pin or the selection. Raises :class:`CoworkEnvError` where none does.
        """
        error = CoworkEnvError(f"Entry {index} of {self.where} has neither a name nor an id.")
        for value in filter(unless_none, (field_of(self.entries[index], key) for key in keys)):
            try:
                if self.find(value) == index:
                    return value
            except CoworkEnvError as ambiguous:
                error = ambiguous
        raise error

    def _shown(self, index: int) -> str:
        entry = self.entries[index]
        distinct = visible(field_of(entry, "id")) or f"entry {index}"
        return f"'{visible(field_of(entry, 'name'))}' ({distinct})"

    def _nearest(self, wanted: str) -> str:
        """A hint with the names that are nearest to one that does not exist."""
        names = self.names()
        if not names:
            return "Add one with 'cowork-env add'."
        from ..util.nearest import did_you_mean

        shown = ", ".join(f"'{visible(n)}'" for n in names[:6])
        otherwise = f"Your providers: {shown}{' and more' if len(names) > 6 else ''}."
        return did_you_mean(wanted, names, otherwise, lambda name: (name.casefold(), slug(name)))

    def provider(self, index: int) -> Provider:
        """The entry at ``index`` as a provider; raises :class:`CoworkEnvError` if it is invalid."""
        try:
            return self.valid(index)
        except InvalidField as error:
            raise self.invalid(index, error) from None

    def valid(self, index: int) -> Provider:
        """The entry at ``index`` as a provider; raises :class:`InvalidField` if it is invalid."""
        provider = Provider(self.entries[index])
        if catalog := self.shared(index):
            catalog.check(provider)
        if provider.id and len(self._with_id(provider.id)) > 1:
            provider.set_shared_id()
        return provider

    def invalid(self, index: int, error: InvalidField) -> CoworkEnvError:
        """What to raise for ``error`` in the entry at ``index``: its position, and no value."""
        if catalog := self.shared(index):
            return catalog.invalid(index - len(self.own), error)
        path = () if self.list_path is None else (*self.list_path, index)
        line, column = jsontext.position(self.text, (*path, *error.path))
        where = f"{self.where}, line {line}, column {column}"
        field = visible(jsontext.format_path((*path, *error.path)))
        name = field_of(self.entries[index], "name")
        subject = f"{where}: {field}" if field else f"{where}: the provider"
        hint = error.hint or (
            f"Fix it: cowork-env edit {argument(name, 'NAME')}" if name else "Fix it there."
        )
        return CoworkEnvError(f"{subject} {error.why}.", hint)


def field_of(entry: object, key: str) -> str:
    """The text of an entry, valid or not, under ``key``, stripped; empty if it has none."""
    value = entry.get(key) if isinstance(entry, dict) else None
    return value.strip() if isinstance(value, str) else ""


def name_word(entry: object) -> str:
    """An entry's name as it is compared, or empty."""
    return field_of(entry, "name").casefold()


def slug_word(entry: object) -> str:
    """The slug of an entry's name, or empty."""
    return slug(field_of(entry, "name"))


def words(entry: object) -> set[str]:
    """All that an entry can be found by, as it is compared: its name, its slug, its id."""
    return {name_word(entry), slug_word(entry), field_of(entry, "id").casefold()} - {""}


def settings_file(config_dir: str) -> str:
    """The path of the file with our own settings; see ``catalog.py``."""
    return f"{config_dir}/cowork-env/settings"


def may_have_catalog(env: Mapping[str, str], config_dir: str) -> bool:
    """Whether anything may say where a catalogue is; if not, ``catalog.py`` is not needed."""
    return bool(env.get(variables.CATALOG)) or exists(settings_file(config_dir))


def candidates(env: Mapping[str, str], config_dir: str) -> list[str]:
    """The paths where the provider file may be, in the order in which they are tried.

    ``config_dir`` is the per-user configuration folder (see :func:`..util.paths.config_dir`).
    """
    if path := env.get(variables.PROVIDERS_FILE):
        if not path.startswith("/"):
            import os

            path = os.path.abspath(path)
        return [path]
    return [f"{config_dir}/{folder}/{FILE_NAME}" for folder in FOLDERS]


def locate(env: Mapping[str, str], config_dir: str) -> str:
    """The provider file: the first candidate that exists, or the first, which a write creates."""
    paths = candidates(env, config_dir)
    return next(filter(exists, paths), paths[0])


def load(env: Mapping[str, str], config_dir: str, new: bool = False) -> Providers:
    """The providers of this environment: the user's own, and behind them those of a catalogue.

    Raises :class:`CoworkEnvError` as :func:`load_own` does.
    """
    listed = load_own(env, config_dir, new)
    listed.add_catalog(env, config_dir)
    return listed


def load_own(env: Mapping[str, str], config_dir: str, new: bool = False) -> Providers:
    """The user's own providers; none where there is no file.

    Raises :class:`CoworkEnvError` if the source cannot be read or parsed, or the variable names a
    file that does not exist, unless it may be ``new``.
    """
    if env.get(variables.PROVIDERS_JSON):
        return Providers(env[variables.PROVIDERS_JSON], "", f"${variables.PROVIDERS_JSON}")
    path, home = locate(env, config_dir), env.get("HOME", "")
    if named := env.get(variables.PROVIDERS_FILE):
        _check_named(named, path, home, new)
    return read(path, home)


def _check_named(named: str, path: str, home: str, new: bool) -> None:
    """Raise :class:`CoworkEnvError` unless the file that the variable names is there.

    ``new``: or can be made, with its folder. A mistyped one is not there.
    """
    where = f"{variables.PROVIDERS_FILE} names {tilde(path, home)}"
    if _is_folder(path):
        raise CoworkEnvError(f"{where}, which is a folder.", "Name a file in it.")
    if exists(path):
        return
    if named.startswith("~"):
        where = f"{variables.PROVIDERS_FILE} is '{visible(named)}', and no shell expanded the '~'"
        raise CoworkEnvError(f"{where}.", "Write $HOME in its place, or the whole path.")
    if new:
        return
    folder = path.rpartition("/")[0] or "/"
    if not _is_folder(folder):
        raise CoworkEnvError(
            f"{where}, and there is no folder {tilde(folder, home)}.",
            "Correct the variable, or unset it.",
        )
    raise CoworkEnvError(
        f"{where}, which does not exist.",
        "Correct the variable or unset it. 'cowork-env add' makes a new file there.",
    )


def _is_folder(path: str) -> bool:
    try:
        return posix.stat(path).st_mode & 0o170000 == 0o040000  # S_IFMT, S_IFDIR
    except (OSError, ValueError):
        return False


def read(path: str, home: str = "") -> Providers:
    """The providers in the file at ``path``; none where there is no file.

    Older builds of the desktop app write in place. So a file that does not parse, and was changed
    just now, is read again before it is refused. Raises :class:`CoworkEnvError`, also for a file
    that another user may have changed.
    """
    where = tilde(path, home)
    for attempt in range(1, _READ_ATTEMPTS + 1):
        try:
            data = read_bytes(path, where, own=0)
        except FileNotFoundError:
            return Providers("", path, where)
        final = attempt == _READ_ATTEMPTS or not _may_be_incomplete(path)
        try:
            found = Providers(jsontext.decode(data, where), path, where)
            if final or found.text.strip():
                return found
        except CoworkEnvError:
            if final:
                raise
        import time

        time.sleep(_RETRY_SECONDS)
    raise AssertionError


def _may_be_incomplete(path: str) -> bool:
    """Whether the file changed so recently that it may still be being written."""
    import time

    try:
        return abs(time.time() - posix.stat(path).st_mtime) < _WRITING_SECONDS
    except OSError:
        return False


def read_bytes(path: str, where: str, own: int | None = None, limit: int = MAX_BYTES) -> bytes:
    """All bytes of a regular file of at most ``limit``; ``where`` names it in errors.

    With ``own``, it must be one that :func:`distrusted` has nothing against. Raises
    FileNotFoundError if there is none, :class:`CoworkEnvError` if it cannot be read.
    """
    try:
        descriptor = open_without_blocking(path, follow=not own)
        try:
            status = posix.fstat(descriptor)
            if own is not None and (error := distrusted(path, own, status)):
                raise error
            # A file in /proc, or one that grows, may have more than its size says.
            size, read, chunks = status.st_size, 0, []
            while max(size, read) <= limit and (
                chunk := posix.read(descriptor, max(size + 1, 1 << 16))
            ):
                chunks.append(chunk)
                read += len(chunk)
            if max(size, read) > limit:
                raise CoworkEnvError(f"{where} is larger than {limit >> 20} MiB.")
            return b"".join(chunks)
        finally:
            posix.close(descriptor)
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(path) from None
    except NotRegular:
        raise CoworkEnvError(f"{where} is not a regular file.") from None
    except OSError as error:
        if own and (link := distrusted(path, own)):
            raise link from None
        raise CoworkEnvError(f"{where} cannot be read: {error.strerror}.") from None
    except ValueError:  # a NUL in the path
        raise CoworkEnvError(f"{where} is not a valid path.") from None


def unless_none(name_or_id: str) -> str:
    """What a selection, an option or a pin names, stripped; empty where it is ``none``."""
    name_or_id = name_or_id.strip()
    return "" if name_or_id.casefold() == NONE else name_or_id
