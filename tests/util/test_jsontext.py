"""The fast parser agrees with the json package, and errors have positions."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cowork_env.util import jsontext
from cowork_env.util.errors import CoworkEnvError

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(values, st.sampled_from([None, 0, 2]), st.booleans(), st.sampled_from(["", " ", "\n\t\r "]))
def test_every_document_is_parsed_as_json_parses_it(
    value: Any, indent: int | None, ascii_only: bool, space: str
) -> None:
    text = space + json.dumps(value, indent=indent, ensure_ascii=ascii_only) + space
    assert jsontext.parse(text, "f") == json.loads(text) == value


@given(st.text(alphabet='[]{}",:0123456789.-+eEtrufalsn\\ \n\x00\ud800é', max_size=30))
def test_exactly_what_json_refuses_is_refused(text: str) -> None:
    def refuse(name: str) -> None:
        raise ValueError(name)

    try:
        expected = json.loads(text, parse_constant=refuse)
    except (ValueError, RecursionError):
        with pytest.raises(CoworkEnvError):
            jsontext.parse(text, "f")
    else:
        assert jsontext.parse(text, "f") == expected


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "line 1, column 1"),
        ("[1,\n 2,,3]", "line 2, column 4"),
        ('{\n"a": "x\n', "line 2, column"),
        ("[] []", "line 1, column 4"),
        ("{'a': 1}", "line 1, column 2"),
        ('[\n\n  "a" "b"]', "line 3, column 7"),
    ],
)
def test_an_error_names_file_line_and_column(text: str, place: str) -> None:
    with pytest.raises(CoworkEnvError) as caught:
        jsontext.parse(text, "~/p.json")
    assert caught.value.message.startswith("~/p.json is not valid JSON: ")
    assert place in caught.value.message


@pytest.mark.parametrize(
    "text", ["NaN", "[Infinity]", "[-Infinity]", "1" * 5000, "[" * 100_000, '{"a":' * 100_000]
)
def test_nan_long_numbers_and_deep_nesting_are_errors(text: str) -> None:
    with pytest.raises(CoworkEnvError) as caught:
        jsontext.parse(text, "f")
    assert caught.value.message.startswith("f is not valid JSON")


def test_an_error_holds_no_text_of_the_document() -> None:
    with pytest.raises(CoworkEnvError) as caught:
        jsontext.parse('[{"authToken": "sk-marked-key" "x"}]', "f")
    error: BaseException | None = caught.value
    while error is not None:
        assert "sk-marked" not in repr(error) and "sk-marked" not in repr(vars(error))
        error = error.__context__


def test_decode() -> None:
    assert jsontext.decode(b"\xef\xbb\xbf[]", "f") == "[]"
    assert jsontext.decode("[“é🐍”]".encode(), "f") == "[“é🐍”]"
    for data, place in (
        (b"[\n\n ab\xff]", "line 3, column 4"),
        (b"\xff\xfe[\0]\0", "line 1, column 1"),
        (b"\xed\xa0\x80", "line 1"),
    ):
        with pytest.raises(CoworkEnvError) as caught:
            jsontext.decode(data, "f")
        assert "f is not UTF-8 text" in caught.value.message and place in caught.value.message


def _paths(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The paths of all values in ``value``."""
    found = [path]
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for step, inner in items:
        found += _paths(inner, (*path, step))
    return found


@given(values, st.sampled_from([None, 1]))
def test_the_position_of_a_path_is_where_its_value_begins(value: Any, indent: int | None) -> None:
    text = json.dumps(value, indent=indent)
    lines = text.split("\n")
    for path in _paths(value):
        line, column = jsontext.position(text, path)
        offset = sum(len(each) + 1 for each in lines[: line - 1]) + column - 1
        here = value
        for step in path:
            here = here[step]
        assert json.JSONDecoder().raw_decode(text, offset)[0] == here


def test_positions_of_missing_and_repeated_keys() -> None:
    text = '{"a": 1,\n "a": [true,\n  false]}'
    assert jsontext.position(text, ("a",)) == (2, 7)
    assert jsontext.position(text, ("a", 1)) == (3, 3)
    assert jsontext.position(text, ("a", 7)) == (2, 7)
    assert jsontext.position(text, ("b", "c")) == (1, 1)
    assert jsontext.position(text, ("a", 0, "x")) == (2, 8)


def test_the_position_after_a_value_at_the_maximum_depth() -> None:
    def read(deep: int) -> str:
        return f'[{{"z": {"[" * deep}{"]" * deep}, "name": 1}}]'

    def parses(deep: int) -> bool:
        try:
            jsontext.parse(read(deep), "f")
        except CoworkEnvError:
            return False
        return True

    low, high = 1, 1 << 20
    while low < high - 1:  # the deepest that parses
        middle = (low + high) // 2
        low, high = (middle, high) if parses(middle) else (low, middle)

    def deeper(frames: int) -> tuple[int, int]:
        return deeper(frames - 1) if frames else jsontext.position(read(low), (0, "name"))

    assert deeper(20)[0] == 1


def test_format_path() -> None:
    assert jsontext.format_path((2, "models", "opus")) == "[2].models.opus"
    assert jsontext.format_path(("providers", 0, "name")) == "providers[0].name"
    assert jsontext.format_path(()) == ""


@pytest.mark.parametrize("text", ["{", "[1", '{"a"', '"\x01"', '{"a":1,}', "nope", "[" * 100_000])
def test_invalid_json_is_reported_without_json_loaded_before(text: str) -> None:
    script = (
        "import sys\n"
        "from cowork_env.util import errors, jsontext\n"
        "assert 'json' not in sys.modules\n"
        "try: jsontext.parse(sys.stdin.read(), 'f')\n"
        "except errors.CoworkEnvError as error: print(error.message)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        input=text,
        capture_output=True,
        text=True,
        timeout=60,
        env={"PYTHONUTF8": "1"},
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("f is not valid JSON")
