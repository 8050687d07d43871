"""JSON text to values, fast for valid text, and to positions in the text, for error messages.

Importing the ``json`` package takes as long as a small interpreter start, mostly for ``re``. So
valid text goes straight to the C scanner that the package itself uses; invalid text takes longer.
"""

from __future__ import annotations

from .errors import CoworkEnvError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, ClassVar, NoReturn

    # The steps from the top of a document to a value in it: keys of objects, indexes of lists.
    Path = Sequence[str | int]

_SPACE = " \t\n\r"


class _Context:
    """The options of the C scanner: those of ``json.loads``, without NaN and Infinity."""

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
    """UTF-8 bytes to text, without a byte order mark; ``where`` names the source in the error.

    Raises :class:`CoworkEnvError` with line and column.
    """
    try:
        return data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        at = error.start
    # Not raised in the handler: the original error holds all of the data, keys included, and would
    # stay attached to this one.
    line, column = data.count(b"\n", 0, at) + 1, at - data.rfind(b"\n", 0, at)
    raise CoworkEnvError(
        f"{where} is not UTF-8 text (line {line}, column {column}).",
        "Save it as UTF-8 and try again.",
    )


def parse(text: str, where: str) -> Any:
    """The value of one JSON document; ``where`` names the source in the error.

    Raises :class:`CoworkEnvError`, with line and column, for anything but one valid document.
    """
    try:
        from _json import make_scanner

        start = len(text) - len(text.lstrip(_SPACE))
        scan = make_scanner(_Context)  # type: ignore[arg-type]  # it only needs these attributes
        value, end = scan(text, start)
        if not text[end:].strip(_SPACE):
            return value
    except (ImportError, ValueError, RecursionError, StopIteration, SystemError):
        # The json package says what is wrong, and works without the C scanner. (The scanner of
        # Python 3.11 and earlier needs it loaded to raise its own exception, and fails with a
        # SystemError otherwise.)
        pass
    return _parse_slowly(text, where)


def _parse_slowly(text: str, where: str) -> Any:
    import json

    hint = "Nothing was changed; fix the file and try again."
    try:
        return json.loads(text, parse_constant=_Context.parse_constant)
    except json.JSONDecodeError as error:
        why = error.msg.removesuffix(" at")
        problem = f"line {error.lineno}, column {error.colno}: {why}"
    except RecursionError:
        problem = "it is nested too deeply"
    except ValueError:
        problem = "it has a number that is not valid or too large"
    raise CoworkEnvError(f"{where} is not valid JSON: {problem}.", hint)


def position(text: str, path: Path) -> tuple[int, int]:
    """Line and column (both from 1) of the value at ``path`` in a valid document.

    If there is no such value, the position of the nearest one above it.
    """
    at = _seek(text, path)
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)


def elements(text: str, path: Path) -> tuple[list[str], list[str]]:
    """Split a valid document at the list at ``path``: the text of its elements, and all other text.

    The latter has one item more: the text before the first element, between each two, and after
    the last. An empty list is split after its opening bracket.
    """
    import json

    decoder = json.JSONDecoder()
    found: list[str] = []
    i = _seek(text, path) + 1
    around, behind = [], 0
    while text[i := _skip(text, i, _SPACE + ",")] != "]":
        _, end = decoder.raw_decode(text, i)
        found.append(text[i:end])
        around.append(text[behind:i])
        i = behind = end
    return found, [*around, text[behind:]] if found else [text[:i].rstrip(_SPACE), text[i:]]


def members(text: str, path: Path) -> list[tuple[str, int, int]]:
    """The members of the object at ``path`` in a valid document: key, where it begins and ends.

    A key that is there twice is listed twice. Empty if there is no object. Raises
    :class:`CoworkEnvError` if one is nested too deeply.
    """
    import json

    decoder = json.JSONDecoder()
    found: list[tuple[str, int, int]] = []
    i = _seek(text, path)
    if text[i] != "{":
        return found
    i += 1
    try:
        while text[i := _skip(text, i, _SPACE + ",")] != "}":
            begin = i
            key, i = decoder.raw_decode(text, i)
            _, i = decoder.raw_decode(text, _skip(text, i, _SPACE + ":"))
            found.append((key, begin, i))
    except RecursionError:
        raise CoworkEnvError("It is nested too deeply.") from None
    return found


def _skip(text: str, i: int, chars: str = _SPACE) -> int:
    while i < len(text) and text[i] in chars:
        i += 1
    return i


def _seek(text: str, path: Path) -> int:
    """The index at which the value at ``path`` begins, or the nearest one above it."""
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
                found = i  # No break: if a key is there twice, the last one counts.
            try:
                _, i = decoder.raw_decode(text, i)
            except RecursionError:  # parse() had fewer frames below it, and could just read it
                break
            number += 1
        if found < 0:
            break
        at = found
    return at


def format_path(path: Path) -> str:
    """A path as it is shown in messages: ``[2].models.opus``."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return "".join(steps).lstrip(".")
