"""JSON5 as plain JSON."""

from __future__ import annotations

import json

import pytest

from cowork_env.importers.json5 import MAX_LENGTH, plain


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("[1,2,]", [1, 2]),
        ("[1, // one, ]\n 2 /* two ] */ , ]", [1, 2]),
        ("{a: 1, $b_1 : 'x', \"c\": true,}", {"a": 1, "$b_1": "x", "c": True}),
        ("{'it\\'s': 'a \"b\" // c'}", {"it's": 'a "b" // c'}),
        ('{"a": "// no comment, ]", /**/ "b": ",}"}', {"a": "// no comment, ]", "b": ",}"}),
        ("['one \\\nline', \"\\u0041\"]", ["one line", "A"]),
        ('{"a":\n{b:[\n],\n},}', {"a": {"b": []}}),
    ],
)
def test_what_json5_allows(text: str, value: object) -> None:
    converted = plain(text)
    assert converted is not None
    assert json.loads(converted) == value


def test_text_with_nothing_of_it_is_left_alone() -> None:
    for text in ("{", '{"a": 1}', "[1 2]", '["//"]', ""):
        assert plain(text) is None


@pytest.mark.parametrize(
    "text",
    [" /*" * 300_000, '"\n' * 100_000, "'" * 100_001, "a" + " " * 200_000, "[/**/" * 50_000],
)
def test_hostile_text_takes_no_time(text: str) -> None:
    plain(text)


def test_a_huge_file_is_not_tried() -> None:
    assert plain("[1,]" + " " * MAX_LENGTH) is None
