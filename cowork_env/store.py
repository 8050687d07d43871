"""Writing ``providers.json`` and the selection, so that nothing is lost: not to a crash, a race, or the desktop app.

Reading stays in ``providers.py``. Only a write loads the lock, the models and ``json``.
"""

from __future__ import annotations

import os

from .core import providers, resolve
from .core.provider import InvalidField, Provider
from .core.providers import Providers
from .core.trust import digest
from .util import files, jsontext
from .util.errors import CoworkEnvError
from .util.text import tilde, visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    from .core.resolve import Inputs

    T = TypeVar("T")

LOCK_TIMEOUT = 20.0  # seconds; a write takes a few hundredths of one
ATTEMPTS = 8  # at a write, when the desktop app writes at the same time


class _ChangedMeanwhile(Exception):
    """Somebody who takes no lock replaced the file between our reading and our writing."""


def writable(inputs: Inputs) -> str:
    """The provider file of these inputs; raises :class:`CoworkEnvError` where providers come from the environment."""
    if inputs.env.get(providers.JSON_VARIABLE):
        raise CoworkEnvError(
            f"The providers come from ${providers.JSON_VARIABLE}, which is read-only.",
            "Unset it to use the provider file.",
        )
    return providers.locate(inputs.env, inputs.config_dir)


def exposure(listed: Providers) -> str:
    """What to tell about a provider file that is open to others, or empty when it is not or is no file."""
    try:
        mode = os.stat(listed.path).st_mode & 0o777
    except OSError:
        return ""
    if not mode & 0o077:
        return ""
    return f"{listed.where} is open to other people (mode {mode:03o}); the next write makes it yours alone"


def edit(inputs: Inputs, change: Callable[[Providers], T]) -> T:
    """Read the provider file, let ``change`` work on the list ``entries`` of it, and write it; what ``change`` returned.

    ``change`` puts in, replaces, alters or takes out entries, and may raise to leave everything as it was. It is
    called again, with what is there then, when the desktop app wrote meanwhile. Only the entries that it changed are
    validated; all others stay as they are, valid or not, but for an id where a valid one has none.
    Raises :class:`CoworkEnvError` with nothing changed.
    """
    from filelock import FileLock, Timeout

    path = writable(inputs)
    where = tilde(path, inputs.home)
    locks = inputs.state_dir + "/locks"
    files.private_directory(locks)
    # Not beside the file: that folder is the desktop app's. The kernel drops the lock with its holder.
    lock = FileLock(
        f"{locks}/{digest(os.fsencode(os.path.realpath(path)))}", LOCK_TIMEOUT, mode=0o600
    )
    try:
        lock.acquire(poll_interval=0.02)
    except Timeout:
        raise CoworkEnvError(
            f"{where} is being changed by another cowork-env.", "Try again when that has ended."
        ) from None
    except OSError as error:
        raise CoworkEnvError(
            f"{locks} cannot be used: {error.strerror}.", "Nothing was changed."
        ) from None
    try:
        files.remove_leftovers(path)
        for _ in range(ATTEMPTS):
            try:
                return _edit_once(path, inputs.home, change)
            except _ChangedMeanwhile:
                continue
    finally:
        lock.release()
    raise CoworkEnvError(
        f"{where} is being changed by another program all the time.",
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
            "Nothing was changed; look at it.",
        )
    before = _spelled(listed)
    result = change(listed)
    listed.entries = _checked(before, listed)
    if before == _spelled(listed) and not exposure(listed):
        return result
    data = _serialised(listed, before)

    def last_check() -> None:
        if _text_now(path, listed.where) != listed.text:
            raise _ChangedMeanwhile

    folder = os.path.dirname(os.path.realpath(path))
    if not os.path.isdir(folder):
        files.private_directory(folder)
    files.write_atomically(path, data, last_check=last_check)
    return result


def _read(path: str, home: str) -> Providers:
    """The file's providers. An empty file may be one that an older build of the app has just begun to write."""
    import time

    listed = providers.read(path, home)
    for _ in range(3):
        if listed.text.strip() or not os.path.exists(path):
            break
        time.sleep(0.05)
        listed = providers.read(path, home)
    return listed


def _text_now(path: str, where: str) -> str | None:
    try:
        return jsontext.decode(providers.read_bytes(path, where), where)
    except FileNotFoundError:
        return ""
    except CoworkEnvError:
        return None


def _spelled(listed: Providers) -> list[str]:
    """Each entry as text that tells it from every other value, its order of keys included."""
    import json

    try:
        return [json.dumps(entry) for entry in listed.entries]
    except RecursionError:
        raise _unwritable(listed, "is nested too deeply") from None


def _unwritable(listed: Providers, why: str) -> CoworkEnvError:
    return CoworkEnvError(f"{listed.where} {why} to be written again.", "Nothing was changed.")


def _checked(before: list[str], listed: Providers) -> list[Any]:
    """The entries to write: those that changed validated and tidy, and with an id each that is valid."""
    from . import models

    entries, known, kept, saved = listed.entries, list(before), [], []
    for text in _spelled(listed):
        kept.append(text in known)
        if kept[-1]:
            known.remove(text)
    for i, entry in enumerate(entries):
        if not kept[i]:
            try:
                entry = models.tidy(entry)
            except InvalidField as error:
                raise refused(entry, error) from None
            others = [e for j, e in enumerate(entries) if j != i and isinstance(e, dict)]
            _check_unique(entry, others)
            if any(e.get("id") == entry.get("id") for e in others):
                entry.pop("id", None)  # A copy of an entry is another provider.
        saved.append(_with_id(entry))
    return saved


def refused(entry: object, error: InvalidField) -> CoworkEnvError:
    """The error to raise for an entry that is not saved: which field, why, and no value."""
    name = entry.get("name") if isinstance(entry, dict) else None
    subject = visible(name.strip()) if isinstance(name, str) and name.strip() else "The provider"
    field = visible(jsontext.spell(error.path))
    return CoworkEnvError(
        f"{subject}: {field} {error.why}." if field else f"{subject} {error.why}.", error.hint
    )


def _check_unique(entry: dict[str, Any], others: list[dict[str, Any]]) -> None:
    folded = entry["name"].casefold()
    for other in others:
        name = other.get("name")
        if isinstance(name, str) and name.strip().casefold() == folded:
            raise taken(name.strip())


def taken(name: str) -> CoworkEnvError:
    """The error to raise when a name is another provider's already."""
    return CoworkEnvError(
        f"There is a provider '{visible(name)}' already.",
        f"Choose another name, or change that one with 'cowork-env edit \"{visible(name)}\"'.",
    )


def _with_id(entry: Any) -> Any:
    if not isinstance(entry, dict) or entry.get("id"):
        return entry
    try:
        Provider(entry)
    except InvalidField:
        return entry
    from uuid import uuid4

    made = {"id": str(uuid4())}
    return entry | made if "id" in entry else made | entry


def _serialised(listed: Providers, before: list[str]) -> bytes:
    """The document in the form it had: a list, an object around it, or a single object.

    An entry that is one of ``before`` keeps its bytes, and so does all that is around the list. The others are written
    as the app does.
    """
    try:
        text = _written(listed, before)
    except RecursionError:
        raise _unwritable(listed, "is nested too deeply") from None
    except ValueError:
        raise _unwritable(listed, "has a number that is too large") from None
    # A lone surrogate has no UTF-8; its escape is its spelling in JSON, and the app's.
    return text.encode("utf-8", "backslashreplace")


def _written(listed: Providers, before: list[str]) -> str:
    import json

    def dumped(entry: Any, margin: str = "") -> str:
        return json.dumps(entry, indent=2, ensure_ascii=False, allow_nan=False).replace(
            "\n", "\n" + margin
        )

    now, text, path = _spelled(listed), listed.text, listed.list_path
    if now == before:
        return text
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
    space = first[len(first.rstrip()) :]
    margin = space.rpartition("\n")[2] if "\n" in space else ""
    parts = [
        kept.get(key) or dumped(entry, margin)
        for key, entry in zip(now, listed.entries, strict=True)
    ]
    between += [between[-1] if between else "," + space] * len(parts)
    return (
        first
        + parts[0]
        + "".join(gap + part for gap, part in zip(between, parts[1:], strict=False))
        + last
    )


def select(state_dir: str, word: str) -> None:
    """Make a provider (by id or name) the selection; an empty word clears it."""
    path = resolve.selection_file(state_dir)
    if word:
        files.private_directory(state_dir)
        files.write_atomically(path, word.encode("utf-8") + b"\n")
        return
    try:
        os.unlink(path)
    except OSError as error:
        if os.path.lexists(
            path
        ):  # A read-only file system refuses also where there is nothing to remove.
            raise CoworkEnvError(f"{path} cannot be removed: {error.strerror}.") from None


def selected(state_dir: str, listed: Providers) -> int | None:
    """The index of the selected provider, or None; a selection that means none of them is passed over."""
    try:
        word = providers.selected(resolve.read_selection(state_dir))
        return listed.find(word) if word else None
    except CoworkEnvError:
        return None
