"""``providers.json`` as it is read: where it is, what is in it, and which entry a word means.

Reading only, and lean; ``store.py`` writes.
"""

from __future__ import annotations

import posix
from _stat import S_ISREG

from ..util import jsontext
from ..util.errors import CoworkEnvError
from ..util.system import exists
from ..util.text import tilde, visible
from .provider import NONE, InvalidField, Provider, slug

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

FILE_VARIABLE = "COWORK_ENV_PROVIDERS_FILE"
JSON_VARIABLE = "COWORK_ENV_PROVIDERS_JSON"
FOLDERS = ("Agent Cowork", "agent-cowork")
FILE_NAME = "providers.json"
MAX_BYTES = 16 << 20


class Providers:
    """The entries of one source, in their order, as the JSON values they are.

    ``path`` is the file they come from, or empty when they come from the environment; ``where`` names the source in
    messages; ``text`` is the document (with keys in it: for finding places only) and ``list_path`` leads to the list.
    """

    __slots__ = ("entries", "list_path", "path", "text", "where")

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
                f"{where} holds neither a list nor an object.", "It should be a list of providers."
            )
        self.entries: list[Any] = document

    def __repr__(self) -> str:
        return f"<Providers {self.where!r}: {len(self.entries)}>"

    def names(self) -> list[str]:
        """The names of all entries that have one, in their order."""
        return [n for n in (_field(e, "name") for e in self.entries) if n]

    def find(self, word: str) -> int:
        """The index of the entry that ``word`` means: an id, else a name, else a name without case, else a slug.

        Raises :class:`CoworkEnvError` when it means none, or more than one by the same rule.
        """
        word = word.strip()
        folded = word.casefold()
        names = [_field(e, "name") for e in self.entries]
        rules: tuple[Callable[[int], bool], ...] = (
            lambda i: _field(self.entries[i], "id") == word,
            lambda i: names[i] == word,
            lambda i: names[i].casefold() == folded,
            lambda i: slug(names[i]) == folded,
        )
        for rule in rules if word else ():
            found = list(filter(rule, range(len(names))))
            if len(found) == 1:
                return found[0]
            if found:
                candidates = ", ".join(
                    f"'{visible(_field(self.entries[i], 'name'))}' ({visible(_field(self.entries[i], 'id')) or f'entry {i}'})"
                    for i in found
                )
                raise CoworkEnvError(
                    f"'{visible(word)}' could be any of {candidates}.", "Use one's id."
                )
        raise CoworkEnvError(
            f"There is no provider '{visible(word)}' in {self.where}.", self._nearest(word)
        )

    def _nearest(self, word: str) -> str:
        names = self.names()
        if not names:
            return "Add one with 'cowork-env add'."
        from difflib import get_close_matches

        by_fold = {n.casefold(): n for n in names} | {slug(n): n for n in names}
        near = list(
            dict.fromkeys(by_fold[m] for m in get_close_matches(word.casefold(), by_fold, 3))
        )
        if near:
            return "Did you mean " + " or ".join(f"'{visible(n)}'" for n in near) + "?"
        shown = ", ".join(f"'{visible(n)}'" for n in names[:6])
        return f"There is {shown}{' and more' if len(names) > 6 else ''}."

    def provider(self, index: int) -> Provider:
        """The entry at ``index`` as a provider; raises :class:`CoworkEnvError` with its place when it is invalid."""
        try:
            return Provider(self.entries[index])
        except InvalidField as error:
            raise self.invalid(index, error) from None

    def invalid(self, index: int, error: InvalidField) -> CoworkEnvError:
        """The error to raise for ``error`` in the entry at ``index``: file, line, column and path, and no value."""
        path = () if self.list_path is None else (*self.list_path, index)
        line, column = jsontext.position(self.text, (*path, *error.path))
        where = f"{self.where}, line {line}, column {column}"
        field = visible(jsontext.spell((*path, *error.path)))
        name = visible(_field(self.entries[index], "name"))
        subject = f"{where}: {field}" if field else f"{where}: the provider"
        hint = error.hint or (
            f"Correct it with 'cowork-env edit {name}'." if name else "Correct it there."
        )
        return CoworkEnvError(f"{subject} {error.why}.", hint)


def _field(entry: object, key: str) -> str:
    value = entry.get(key) if isinstance(entry, dict) else None
    return value.strip() if isinstance(value, str) else ""


def candidates(env: Mapping[str, str], config_dir: str) -> list[str]:
    """The files that may be the provider file, first choice first; ``config_dir`` is the per-user folder."""
    if path := env.get(FILE_VARIABLE):
        if not path.startswith("/"):
            import os

            path = os.path.abspath(path)
        return [path]
    return [f"{config_dir}/{folder}/{FILE_NAME}" for folder in FOLDERS]


def locate(env: Mapping[str, str], config_dir: str) -> str:
    """The provider file in use: the first candidate that exists, or the first, which a write would create."""
    paths = candidates(env, config_dir)
    return next(filter(exists, paths), paths[0])


def load(env: Mapping[str, str], config_dir: str) -> Providers:
    """The providers of this environment; none where there is no file.

    Raises :class:`CoworkEnvError` when the source cannot be read or parsed.
    """
    if env.get(JSON_VARIABLE):
        return Providers(env[JSON_VARIABLE], "", f"${JSON_VARIABLE}")
    return read(locate(env, config_dir), env.get("HOME", ""))


def read(path: str, home: str = "") -> Providers:
    """The providers in the file at ``path``; none where there is none.

    Older builds of the desktop app write in place, so a file that does not parse is read again before it is refused.
    """
    where = tilde(path, home)
    for attempt in range(4):
        try:
            data = read_bytes(path, where)
        except FileNotFoundError:
            return Providers("", path, where)
        settled = attempt == 3 or not _may_be_torn(path)
        try:
            found = Providers(jsontext.decode(data, where), path, where)
            if settled or found.text.strip():
                return found
        except CoworkEnvError:
            if settled:
                raise
        import time

        time.sleep(0.05)
    raise AssertionError


def _may_be_torn(path: str) -> bool:
    """Whether the file changed within the last seconds, so that a writer may still be at work."""
    import time

    try:
        return abs(time.time() - posix.stat(path).st_mtime) < 5
    except OSError:
        return False


def read_bytes(path: str, where: str) -> bytes:
    """All bytes of a regular file; raises FileNotFoundError, or :class:`CoworkEnvError` for whatever else."""
    try:
        # Not blocking: a FIFO in its place must not hang a prompt.
        descriptor = posix.open(
            path, posix.O_RDONLY | posix.O_NONBLOCK | posix.O_CLOEXEC | posix.O_NOCTTY
        )
        try:
            status = posix.fstat(descriptor)
            if not S_ISREG(status.st_mode):
                raise CoworkEnvError(f"{where} is not a regular file.")
            if status.st_size > MAX_BYTES:
                raise CoworkEnvError(f"{where} is larger than {MAX_BYTES >> 20} MiB.")
            chunks = []
            while chunk := posix.read(descriptor, max(status.st_size + 1, 1 << 16)):
                chunks.append(chunk)
            return b"".join(chunks)
        finally:
            posix.close(descriptor)
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(path) from None
    except OSError as error:
        raise CoworkEnvError(f"{where} cannot be read: {error.strerror}.") from None
    except ValueError:  # a NUL in the path
        raise CoworkEnvError(f"{where} is not a path.") from None


def selected(word: str) -> str:
    """A selection or a pin's word as the name to find, or empty where it means: no provider."""
    return "" if word.strip().casefold() == NONE else word.strip()
