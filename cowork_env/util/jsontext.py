"""JSON text to values, fast where nothing is wrong and exact where something is.

The ``json`` package costs as much to import as a small interpreter start, most of it for ``re``, so the good
case goes straight to the C scanner that the package itself uses. The bad case may take its time.
"""

from __future__ import annotations

from .errors import CoworkEnvError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, ClassVar, NoReturn

_SPACE = " \t\n\r"


class _Context:
    """What the C scanner asks its caller for: the same choices as ``json.loads``, minus NaN and Infinity."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    memo: ClassVar[dict[str, str]] = {}

    @staticmethod
    def parse_constant(name: str) -> NoReturn:
        raise ValueError(name)


def decode(data: bytes, where: str) -> str:
    """UTF-8 bytes (a byte order mark is passed over) to text; ``where`` names the source in the error."""
    try:
        return data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        at = error.start
    # Not raised in there: that error has the whole of the data, keys included, and would stay attached to this one.
    line, column = data.count(b"\n", 0, at) + 1, at - data.rfind(b"\n", 0, at)
    raise CoworkEnvError(
        f"{where} is not UTF-8 text (line {line}, column {column}).",
        "Save it as UTF-8 and try again.",
    )


def parse(text: str, where: str) -> Any:
    """The value of one JSON document; ``where`` names the source in the error, which has line and column.

    Raises :class:`CoworkEnvError` for anything else than one valid document.
    """
    try:
        from _json import make_scanner

        start = len(text) - len(text.lstrip(_SPACE))
        value, end = make_scanner(_Context)(text, start)  # type: ignore[arg-type]  # any object with these attributes
        if not text[end:].strip(_SPACE):
            return value
    except (ImportError, ValueError, RecursionError, StopIteration, SystemError):
        # The json package says what is wrong, and is there where the C scanner is not. Unless it is loaded already,
        # the scanner of Python 3.11 and earlier cannot make its own exception, and fails with a SystemError.
        pass
    return _parse_slowly(text, where)


def _parse_slowly(text: str, where: str) -> Any:
    import json

    hint = "Nothing was changed; correct the file and try again."
    try:
        return json.loads(text, parse_constant=_Context.parse_constant)
    except json.JSONDecodeError as error:
        message = f"{where} is not valid JSON: line {error.lineno}, column {error.colno}: {error.msg.removesuffix(' at')}."
    except RecursionError:
        message = f"{where} is not valid JSON: it is nested too deeply."
    except ValueError:
        message = (
            f"{where} is not valid JSON: it has a number that JSON or this program does not know."
        )
    raise CoworkEnvError(message, hint)


def position(text: str, path: Sequence[str | int]) -> tuple[int, int]:
    """Line and column (both from 1) at which the value at ``path`` begins in a valid document.

    A path that leads nowhere gives the position of the nearest value above it.
    """
    at = _seek(text, path)
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)


def elements(text: str, path: Sequence[str | int]) -> tuple[list[str], list[str]]:
    """A valid document cut apart at the list at ``path``: its elements as they are spelled, and what is around them.

    The latter is one more than the former: the text before the first element, between each two, and after the last. An
    empty list is cut behind its bracket.
    """
    import json

    decoder = json.JSONDecoder()
    spelled: list[str] = []
    i = _seek(text, path) + 1
    around, behind = [], 0
    while text[i := _skip(text, i, _SPACE + ",")] != "]":
        _, end = decoder.raw_decode(text, i)
        spelled.append(text[i:end])
        around.append(text[behind:i])
        i = behind = end
    return spelled, [*around, text[behind:]] if spelled else [text[:i].rstrip(_SPACE), text[i:]]


def _skip(text: str, i: int, chars: str = _SPACE) -> int:
    while i < len(text) and text[i] in chars:
        i += 1
    return i


def _seek(text: str, path: Sequence[str | int]) -> int:
    import json

    decoder = json.JSONDecoder()
    at = _skip(text, 0)
    for step in path:
        i, found, number = at + 1, -1, 0
        if text[at] not in "[{":
            break
        while text[i := _skip(text, i, _SPACE + ",")] not in "]}":
            key: str | int = number
            if text[at] == "{":
                key, i = decoder.raw_decode(text, i)
                i = _skip(text, i, _SPACE + ":")
            if key == step:
                found = i  # Not the end: of a doubled key the last one counts.
            try:
                _, i = decoder.raw_decode(text, i)
            except RecursionError:  # one that parsing, from fewer frames deep, could just read
                break
            number += 1
        if found < 0:
            break
        at = found
    return at


def spell(path: Sequence[str | int]) -> str:
    """A path as people write it: ``[2].models.opus``."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(
        "."
    )
