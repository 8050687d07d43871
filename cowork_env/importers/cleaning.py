"""Taking a provider that was imported out of Claude Code's settings file, and nothing else."""

from __future__ import annotations

import os
import re
import stat
import time
from typing import TYPE_CHECKING, Any

from .. import overrides
from ..core import providers
from ..masking import MASK, has_secret, mask, shown_value
from ..util import files, jsontext
from ..util.errors import NOTHING_CHANGED, CoworkEnvError
from ..util.system import distrusted
from ..util.text import tilde, visible
from . import names
from .entries import taken

if TYPE_CHECKING:
    from collections.abc import Mapping

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_COLON = re.compile(r"\s*:")
_BOM = b"\xef\xbb\xbf"
_MAX_LINE = 2000  # characters of a line that is shown
_ATTEMPTS = 100  # to find a free name for the backup


class Cleaning:
    """What would be taken out of a settings file: ``names``, of its ``env`` block.

    These are the variables that ``entry``, a provider, now sets to the same values, but for those
    that are about the network. Raises :class:`CoworkEnvError` if the file cannot be read.
    """

    def __init__(self, path: str, home: str, entry: Mapping[str, Any]) -> None:
        self.path, self.where = path, tilde(path, home)
        self._home = home
        self._before = self._read()
        self._bom = _BOM if self._before.startswith(_BOM) else b""
        self._text = jsontext.decode(self._before, self.where)
        document = jsontext.parse(self._text, self.where)
        env = overrides.env_of(document)
        self.names = [n for n in taken(env, entry) if not names.is_network(n)]
        self._key = str(entry.get("authToken") or "")
        self._after = _without(self._text, self.names) if self.names else self._text
        if self.names and not _is_right(document, self._after, self.names):
            raise CoworkEnvError(
                f"{self.where} is not written in a way that could be changed safely.",
                "Take the lines out yourself: " + ", ".join(self.names),
            )

    def _read(self) -> bytes:
        try:
            return providers.read_bytes(self.path, self.where, own=0, limit=overrides.MAX_BYTES)
        except FileNotFoundError:
            raise CoworkEnvError(f"There is no file {self.where}.") from None

    def diff(self) -> list[str]:
        """The change as a unified diff, safe to show: secrets are masked."""
        from difflib import unified_diff

        before, after = (self._masked(text).splitlines() for text in (self._text, self._after))
        lines = unified_diff(before, after, self.where, self.where, lineterm="", n=3)
        return [visible(line.replace("\t", "    "), _MAX_LINE) for line in lines]

    def _masked(self, text: str) -> str:
        """JSON text in which no string is or may be a key; lines stay lines."""
        out, end, key = [], 0, ""
        for match in _STRING.finditer(text):
            try:
                value = str(jsontext.parse(match.group(), ""))
            except CoworkEnvError:  # half of a surrogate pair
                value = match.group()
            shown = value
            if _COLON.match(text, match.end()):
                key = value
            elif self._key and self._key in value:
                shown = mask(value)
            else:
                shown = shown_value(key, value)
            shown = MASK if has_secret(shown) else shown
            out += [text[end : match.start()], f'"{visible(shown)}"']
            end = match.end()
        return "".join(out) + text[end:]

    def write(self) -> str:
        """Make a backup beside the file, and change it; returns the backup's path, to be shown.

        Raises :class:`CoworkEnvError` with the file as it was, also if it has changed meanwhile.
        """
        # A link leads to where a collection of dotfiles is kept, no place for a copy of a key.
        backup = self._back_up()
        try:
            mode = stat.S_IMODE(os.stat(self.path).st_mode) & 0o777
        except OSError as error:
            raise CoworkEnvError(
                f"{self.where} cannot be read: {error.strerror}.",
                f"As it was, it is {tilde(backup, self._home)}.",
            ) from None

        def check() -> None:
            if self._read() != self._before:
                raise CoworkEnvError(
                    f"{self.where} was changed by another program.",
                    f"Nothing was taken out; try again. The backup is {tilde(backup, self._home)}.",
                )

        files.write_atomically(
            self.path,
            self._bom + self._after.encode(),
            mode,
            check,
        )
        return tilde(backup, self._home)

    def _back_up(self) -> str:
        if flaw := distrusted(self.path):
            raise flaw
        stamp = time.strftime("%Y%m%d-%H%M%S")
        for number in range(1, _ATTEMPTS):
            path = f"{self.path}.backup-{stamp}" + (f"-{number}" if number > 1 else "")
            try:
                with files.Step(path):
                    descriptor = files.create(path, 0o600, os.O_EXCL)
            except FileExistsError:
                continue
            except OSError as error:
                raise CoworkEnvError(
                    f"{tilde(path, self._home)} cannot be written: {error.strerror}.",
                    NOTHING_CHANGED,
                ) from None
            try:
                with files.Undisturbed(), os.fdopen(descriptor, "wb") as file:
                    file.write(self._before)
                    file.flush()
                    os.fsync(file.fileno())
            except OSError as error:
                os.unlink(path)
                raise CoworkEnvError(
                    f"{tilde(path, self._home)} cannot be written: {error.strerror}.",
                    NOTHING_CHANGED,
                ) from None
            return path
        raise CoworkEnvError(f"There are too many backups beside {self.where}.", NOTHING_CHANGED)


def _without(text: str, removed: list[str]) -> str:
    """A settings file's text without these members of its ``env`` block.

    With each go the comma and the white space up to the next member, or the comma before.
    """
    found = jsontext.members(text, ["env"])
    gone = [key in removed for key, _, _ in found]
    out, at, i = "", 0, 0
    while i < len(found):
        j = i + 1
        if gone[i]:
            while j < len(found) and gone[j]:
                j += 1
            first = text.rfind("{", 0, found[0][1]) + 1
            begin = found[i][1] if j < len(found) else found[i - 1][2] if i else first
            out += text[at:begin]
            at = found[j][1] if j < len(found) else found[-1][2]
        i = j
    return out + text[at:]


def _is_right(document: Mapping[str, Any], text: str, removed: list[str]) -> bool:
    """Whether a text is the document without these members of its ``env`` block."""
    env = {name: value for name, value in document["env"].items() if name not in removed}
    try:
        return bool(jsontext.parse(text, "") == {**document, "env": env})
    except CoworkEnvError:
        return False
