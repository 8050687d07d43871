"""Writing ``providers.json`` and the selection, safe from crashes, races and the desktop app.

Reading is in ``core/providers.py``. The models and ``json`` are imported for writes only.
"""

from __future__ import annotations

import os

from .core import providers, resolve, variables
from .core.provider import KEYS, InvalidField, Provider, is_encrypted
from .core.providers import Providers, field_of, words
from .util import files, jsontext
from .util.errors import CoworkEnvError
from .util.lock import Lock
from .util.text import argument, tilde, visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable
    from typing import Any, TypeVar

    from .core.resolve import Inputs

    T = TypeVar("T")

ATTEMPTS = 8  # at a write, while another program without a lock writes too


class _ConcurrentChange(Exception):
    """A program that takes no lock changed the file after we read it."""


def writable(inputs: Inputs) -> str:
    """The path of the provider file to write; raises :class:`CoworkEnvError` if it is read-only.

    It is when the providers come from the environment.
    """
    if inputs.env.get(variables.PROVIDERS_JSON):
        raise CoworkEnvError(
            f"The providers come from ${variables.PROVIDERS_JSON}, which is read-only.",
            "Unset it to use the provider file.",
        )
    return providers.locate(inputs.env, inputs.config_dir)


def exposure(listed: Providers) -> str:
    """A warning about a provider file with keys that other users can read, or empty."""
    mode = _mode(listed.path)
    if not mode & 0o077 or not _holds_keys(listed):
        return ""
    return (
        f"{listed.where} is readable by other users (mode {mode:03o}); "
        "the next write makes it private"
    )


def _mode(path: str) -> int:
    """The mode of the provider file, or the one that a new one gets."""
    try:
        return os.stat(path).st_mode & 0o777
    except OSError:
        return 0o600


def _holds_keys(listed: Providers) -> bool:
    """Whether anything in a provider file may be a key: whatever would be masked."""
    from . import masking

    for entry in listed.own:
        if not isinstance(entry, dict):
            continue
        others = ((k, v) for k, v in entry.items() if v and k not in KEYS)
        if any(masking.is_secret(key, str(value)) for key, value in others):
            return True
        if any(entry[key] != value for key, value in masking.shown_entry(entry).items()):
            return True
    return False


def edit(inputs: Inputs, change: Callable[[Providers], T]) -> T:
    """Read the provider file, let ``change`` alter its ``entries`` in place, and write the file.

    ``change`` may raise to leave everything as it is. It is called again with a new list if the
    desktop app changed the file meanwhile. Only the entries that it changed or added are validated.
    All others stay as they are, valid or not, except that a valid entry without an id gets one.
    Returns what ``change`` returned. Raises :class:`CoworkEnvError` with nothing changed.
    """
    path = writable(inputs)
    where = tilde(path, inputs.home)
    folder = os.path.dirname(os.path.realpath(path))
    if not os.path.isdir(folder):
        files.private_directory(folder)
    with Lock(path, where):
        files.remove_leftovers(path)
        for _ in range(ATTEMPTS):
            try:
                return _edit_once(path, inputs.home, change)
            except _ConcurrentChange:
                continue
    raise CoworkEnvError(
        f"{where} is constantly being changed by another program.",
        "Nothing was changed; try again.",
    )


def _edit_once(path: str, home: str, change: Callable[[Providers], T]) -> T:
    listed = _read(path, home)
    if (
        listed.list_path is None
        and listed.entries[0]
        and not {"name", "baseUrl"} & listed.entries[0].keys()
    ):
        raise CoworkEnvError(
            f"{listed.where} holds an object that is not a provider.",
            "Nothing was changed; check the file.",
        )
    before = _fingerprints(listed)
    found_by = _count_words(listed.entries)
    result = change(listed)
    listed.entries = _validated(before, found_by, listed)
    if before == _fingerprints(listed) and not exposure(listed):
        return result
    data = _serialize(listed, before)
    _check_readable(data, listed)

    def last_check() -> None:
        if _current_text(path, listed.where) != listed.text:
            raise _ConcurrentChange

    # Without keys, as a list that a team keeps in a repository, it stays as readable as it was.
    mode = 0o600 if _holds_keys(listed) else _mode(path)
    files.write_atomically(path, data, mode, last_check)
    return result


def _read(path: str, home: str) -> Providers:
    """The providers in the file, read again if it is empty.

    Older builds of the desktop app may just have begun to write it.
    """
    import time

    listed = providers.read(path, home)
    for _ in range(3):
        if listed.text.strip() or not os.path.exists(path):
            break
        time.sleep(0.05)
        listed = providers.read(path, home)
    return listed


def _current_text(path: str, where: str) -> str | None:
    """The text of the file now, empty if there is none, or None if it cannot be read."""
    try:
        return jsontext.decode(providers.read_bytes(path, where), where)
    except FileNotFoundError:
        return ""
    except CoworkEnvError:
        return None


def _fingerprints(listed: Providers) -> list[str]:
    """A text for each entry that tells it from every other value, including the order of keys."""
    import json

    try:
        return [json.dumps(entry) for entry in listed.entries]
    except RecursionError:
        raise _not_writable(listed, "is nested too deeply") from None


def _not_writable(listed: Providers, why: str) -> CoworkEnvError:
    return CoworkEnvError(f"{listed.where} {why} to be written again.", "Nothing was changed.")


# Entries


def _validated(before: list[str], found_by: Counter[str], listed: Providers) -> list[Any]:
    """The entries to write: changed ones validated and tidied, and valid ones with an id.

    ``before`` are the fingerprints of the entries in the file, ``found_by`` their words. Raises
    :class:`CoworkEnvError`.
    """
    from . import models

    entries, known, unchanged, saved = listed.entries, list(before), [], []
    for fingerprint in _fingerprints(listed):
        unchanged.append(fingerprint in known)
        if unchanged[-1]:
            known.remove(fingerprint)
    ids = {_id(entry) for i, entry in enumerate(entries) if unchanged[i]}
    for i, entry in enumerate(entries):
        if not unchanged[i]:
            try:
                entry = models.tidy(entry)
            except InvalidField as error:
                raise refused(entry, error) from None
            if _id(entry) in ids:
                entry.pop("id", None)  # A copy of an entry is another provider.
            ids.add(_id(entry))
        saved.append(_with_id(entry))
    _check_distinct(saved, unchanged, found_by)
    return saved


def refused(entry: object, error: InvalidField) -> CoworkEnvError:
    """What to raise for an entry that is not saved because of ``error``; it holds no value."""
    subject = visible(field_of(entry, "name")) or "The provider"
    field = visible(jsontext.format_path(error.path))
    return CoworkEnvError(
        f"{subject}: {field} {error.why}." if field else f"{subject} {error.why}.", error.hint
    )


def _id(entry: object) -> str:
    """An entry's id as it is compared, or a text that no id can be."""
    return field_of(entry, "id").casefold() or "\n"


def _count_words(entries: list[Any]) -> Counter[str]:
    """How many entries each word finds."""
    from collections import Counter

    return Counter(word for entry in entries for word in words(entry))


def _check_distinct(saved: list[Any], unchanged: list[bool], before: Counter[str]) -> None:
    """Raise :class:`CoworkEnvError` if a changed entry could be taken for another one.

    What was ambiguous ``before``, made so by another program or by hand, may stay so.
    """
    after = _count_words(saved)
    for i, entry in enumerate(saved):
        for word in () if unchanged[i] else words(entry):
            if 1 < after[word] > before[word]:
                other = next(e for j, e in enumerate(saved) if j != i and word in words(e))
                raise taken(entry["name"], field_of(other, "name"))


def taken(name: str, by: str) -> CoworkEnvError:
    """What to raise for a new name that the provider ``by`` is found by."""
    shown = visible(by) or visible(name)
    message = f"There is a provider '{shown}' already"
    if name.strip().casefold() != by.casefold():
        message += f", which '{visible(name)}' could be taken for"
    edit = f"cowork-env edit {argument(by or name, 'NAME')}"
    hint = f"Choose another name, or change that one: {edit}"
    return CoworkEnvError(f"{message}.", hint)


def check_free(name: str, listed: Providers) -> None:
    """Raise :class:`CoworkEnvError` if a new provider of this name could be taken for another."""
    wanted = words({"name": name})
    for entry in listed.own:
        if wanted & words(entry):
            raise taken(name, field_of(entry, "name"))


def _with_id(entry: Any) -> Any:
    """The entry, with a new id if it is valid and has none."""
    if not isinstance(entry, dict) or entry.get("id"):
        return entry
    try:
        Provider(entry)
    except InvalidField:
        return entry
    from uuid import uuid4

    made = {"id": str(uuid4())}
    return entry | made if "id" in entry else made | entry


# The document


def _serialize(listed: Providers, before: list[str]) -> bytes:
    """The document in the form it had: a list, an object around a list, or a single entry.

    Entries with a fingerprint in ``before`` keep their bytes, and so does everything around the
    list. The others are written as the desktop app writes them.
    """
    try:
        text = _document(listed, before)
    except RecursionError:
        raise _not_writable(listed, "is nested too deeply") from None
    except ValueError:
        raise _not_writable(listed, "has a number that is too large") from None
    # A lone surrogate cannot be encoded in UTF-8; JSON, like the app, has an escape for it.
    return text.encode("utf-8", "backslashreplace")


def _check_readable(data: bytes, listed: Providers) -> None:
    """Raise :class:`CoworkEnvError` unless ``data`` is read as the entries that were to be written.

    It is read by the function that every command and every prompt uses, with its limits.
    """
    if len(data) > providers.MAX_BYTES:
        raise _not_writable(listed, f"is too large (more than {providers.MAX_BYTES >> 20} MiB)")
    try:
        read = Providers(jsontext.decode(data, listed.where), listed.path, listed.where)
        same = _fingerprints(read) == _fingerprints(listed)
    except CoworkEnvError:
        same = False
    if not same:
        raise CoworkEnvError(
            f"{listed.where} could not be read again after this change.", "Nothing was changed."
        )


def _document(listed: Providers, before: list[str]) -> str:
    import json

    now, text, path = _fingerprints(listed), listed.text, listed.list_path
    if now == before:
        return text
    as_written = _encrypted_literals(text)

    def dumped(entry: Any, margin: str = "") -> str:
        dump = json.dumps(entry, indent=2, ensure_ascii=False, allow_nan=False)
        if literal := as_written.get(field_of(entry, "authToken")):
            token = json.dumps(entry["authToken"], ensure_ascii=False)
            dump = dump.replace(f'"authToken": {token}', f'"authToken": {literal}')
        return dump.replace("\n", "\n" + margin)

    if path is None and len(now) == 1:
        return dumped(listed.entries[0]) + "\n"
    if path is None or not text.strip():
        text, path = "[]\n", ()
    elements, around = jsontext.elements(text, path)
    kept = dict(zip(before, elements, strict=False))
    if not elements:
        line = "\n" + "  " * len(path)
        around = [f"{around[0]}{line}  ", line + around[1]]
    first, *between, last = around
    if not now:
        return first.rstrip() + last.lstrip()
    # New entries are indented and separated like those that are there.
    space = first[len(first.rstrip()) :]
    margin = space.rpartition("\n")[2] if "\n" in space else ""
    parts = [
        kept.get(fingerprint) or dumped(entry, margin)
        for fingerprint, entry in zip(now, listed.entries, strict=True)
    ]
    between += [between[-1] if between else "," + space] * len(parts)
    return (
        first
        + parts[0]
        + "".join(gap + part for gap, part in zip(between, parts[1:], strict=False))
        + last
    )


def _encrypted_literals(text: str) -> dict[str, str]:
    """The desktop app's encrypted keys in a document that stand there with escapes, as they do."""
    import json
    import re

    literals = re.findall(r'"(?:[^"\\]|\\.)*"', text)
    values = {json.loads(each, strict=False): each for each in literals if "\\" in each}
    return {value: literal for value, literal in values.items() if is_encrypted(value)}


# The selection


def select(state_dir: str, name_or_id: str) -> None:
    """Make a provider the selection; empty: clear it. Raises :class:`CoworkEnvError`."""
    path = resolve.selection_file(state_dir)
    if name_or_id:
        files.state_folder(state_dir)
        files.write_atomically(path, name_or_id.encode("utf-8") + b"\n", follow=False)
        return
    try:
        files.remove(path)
    except OSError as error:
        # A read-only file system raises even if there is nothing to remove.
        if os.path.lexists(path):
            raise CoworkEnvError(f"{path} cannot be removed: {error.strerror}.") from None


def selected(state_dir: str, listed: Providers) -> int | None:
    """The index of the selected provider, or None if there is none or it cannot be found."""
    try:
        name_or_id = providers.unless_none(resolve.read_selection(state_dir))
        return listed.find(name_or_id) if name_or_id else None
    except CoworkEnvError:
        return None
