"""Pins: one safe read, and a grammar with no room for a URL, a key or a command."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cowork_env.core import pins
from cowork_env.core.pins import Pin
from cowork_env.util.errors import CoworkEnvError


def parsed(text: str) -> tuple[str, dict[str, str], bool]:
    pin = pins.parse(text.encode())
    return pin.word, pin.models, pin.required


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("OpenRouter", ("OpenRouter", {}, False)),
        ("OpenRouter\n", ("OpenRouter", {}, False)),
        ("\ufeffOpenRouter\r\n", ("OpenRouter", {}, False)),
        ("\n # c\n#c\n\t  My  Anthropic API \t\n\n", ("My  Anthropic API", {}, False)),
        ("a=b", ("a=b", {}, False)),
        ("none", ("none", {}, False)),
        ("a\nmodel=m", ("a", {"model": "m"}, False)),
        (
            "a\n  model \t=\t x/y:z \n#c\nfable=f\nrequired = true",
            ("a", {"model": "x/y:z", "fable": "f"}, True),
        ),
        (
            "a\nopus=o\nsonnet=s\nhaiku=h\nrequired=false\n",
            ("a", {"opus": "o", "sonnet": "s", "haiku": "h"}, False),
        ),
        ("a\nmodel = b=c", ("a", {"model": "b=c"}, False)),
        ("日本 語\n", ("日本 語", {}, False)),
    ],
)
def test_what_a_pin_says(text: str, meaning: tuple[str, dict[str, str], bool]) -> None:
    assert parsed(text) == meaning


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "names no provider"),
        ("\n# only this\n", "names no provider"),
        (
            "a\nb",
            "has a line 2 that is not one of model, opus, sonnet, haiku, fable, required = value",
        ),
        ("a\n\nbaseUrl = https://evil.example", "has a line 3 that is not one of"),
        ("a\nANTHROPIC_BASE_URL=https://evil.example", "has a line 2"),
        ("a\nauthToken = x", "has a line 2"),
        ("a\nexport model = x", "has a line 2"),
        ("a\nMODEL = x", "has a line 2"),
        ("a\n= x", "has a line 2"),
        ("a\nmodel", "has a line 2"),
        ("a\nmodel = ", "has a model that is empty"),
        ("a\nmodel = 'x'", "has a model that is quoted"),
        ('a\nopus = "x"', "has a opus that is quoted"),
        ("a\nmodel = a b", "has a model that has white space"),
        ("a\nmodel = x # no comment", "has a model that has white space"),
        ("a\nhaiku = https://evil.example", "has a haiku that is a URL"),
        ("a\nmodel = x\nmodel = x", "sets model twice"),
        ("a\nrequired = yes", "says neither true nor false for required"),
        ("a\nrequired = TRUE", "says neither true nor false for required"),
        ("a\nrequired = true\nrequired = true", "sets required twice"),
        ("a\x1b[2J", "has a control character in line 1"),
        ("a\nmodel = \u202ex", "has a control character in line 2"),
        ("a\0b", "has a control character in line 1"),
        ("a\rb", "has a control character in line 1"),
        ("a\u2028b", "has a control character in line 1"),
        ("a\x0b", "has a control character in line 1"),
    ],
)
def test_what_a_pin_cannot_say(text: str, why: str) -> None:
    with pytest.raises(CoworkEnvError) as caught:
        parsed(text)
    assert caught.value.message.startswith(why)
    assert "evil" not in caught.value.message


def test_a_pin_is_utf_8() -> None:
    for data in (b"a\xff", "a".encode("utf-16"), b"\xed\xa0\x80"):
        with pytest.raises(CoworkEnvError, match="is not UTF-8 text"):
            pins.parse(data)


words = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp", "Cf"]),
    min_size=1,
    max_size=20,
)
models = st.from_regex(r"\A[a-z0-9./:_@-]{1,20}\Z").filter(lambda m: "://" not in m)


@given(
    words.map(str.strip).filter(lambda w: w and not w.startswith("#")),
    st.dictionaries(st.sampled_from(pins.KEYS[:-1]), models),
    st.booleans(),
)
def test_what_is_spelled_is_read_back(word: str, overrides: dict[str, str], required: bool) -> None:
    back = pins.parse(pins.spell(Pin(word, overrides, required)).encode())
    assert (back.word.split(), back.models, back.required) == (word.split(), overrides, required)


@given(
    st.binary(max_size=100)
    | st.text(alphabet="amodel=required \n#true'\x1b\t", max_size=60).map(str.encode)
)
def test_any_bytes_are_a_pin_or_an_error(content: bytes) -> None:
    try:
        pin = pins.parse(content)
    except CoworkEnvError:
        return
    assert pin.word and set(pin.models) <= set(pins.KEYS[:-1])
    assert not any("://" in m or " " in m for m in pin.models.values())
    # Nothing that is required in a pin that is right may be overlooked in one that is wrong.
    assert not pin.required or pins.requires(content + b"\n\xff broken")


def test_ancestors() -> None:
    assert pins.ancestors("/a/b c/d") == ["/a/b c/d", "/a/b c", "/a", "/"]
    assert pins.ancestors("/") == ["/"]
    assert pins.path_in("/") == "/.cowork-provider" and pins.path_in("/a/") == "/a/.cowork-provider"


def test_reading(tmp_path: Path) -> None:
    path = tmp_path / ".cowork-provider"

    def problem() -> str:
        found = pins.read(str(path))
        assert found is not None and (found.content == b"") == bool(found.problem)
        return found.problem

    assert pins.read(str(path)) is None
    assert pins.read(str(path / "below")) is None
    path.write_bytes(b"a" * 4096)
    found = pins.read(str(path))
    assert found is not None and found.content == b"a" * 4096 and not found.problem
    assert pins.read(str(path / "below")) is None
    path.write_bytes(b"a" * 4097)
    assert problem() == "is larger than 4 KiB"
    real = tmp_path / "real"
    real.write_bytes(b"b")
    path.unlink()
    path.symlink_to(real)
    found = pins.read(str(path))
    assert found is not None and found.content == b"b"
    real.unlink()
    assert pins.read(str(path)) is None
    os.mkfifo(real)
    assert problem() == "is not a regular file"


def test_summary_is_harmless() -> None:
    assert pins.summary(Pin("a\x1b", {"model": "m"}, True)) == "provider a\\x1b (model m, required)"
