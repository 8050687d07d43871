"""Pins: reading a file safely, and a grammar that allows no URL, key or command."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cowork_env.core import pins
from cowork_env.core.pins import Pin
from cowork_env.util.errors import CoworkEnvError
from cowork_env.util.text import first_control


def parsed(text: str) -> tuple[str, dict[str, str], bool]:
    pin = pins.parse(text.encode())
    return pin.name_or_id, pin.models, pin.required


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
def test_valid_pins(text: str, meaning: tuple[str, dict[str, str], bool]) -> None:
    assert parsed(text) == meaning


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "The pin names no provider"),
        ("\n# only this\n", "The pin names no provider"),
        (
            "a\nb",
            "The pin, line 2 is not one of model, opus, sonnet, haiku, fable, required = value",
        ),
        ("a\n\nbaseUrl = https://evil.example", "The pin, line 3 is not one of"),
        ("a\nANTHROPIC_BASE_URL=https://evil.example", "The pin, line 2 is not one of"),
        ("a\nauthToken = x", "The pin, line 2 is not one of"),
        ("a\nexport model = x", "The pin, line 2 is not one of"),
        ("a\nMODEL = x", "The pin, line 2 is not one of"),
        ("a\n= x", "The pin, line 2 is not one of"),
        ("a\nmodel", "The pin, line 2 is not one of"),
        ("a\nmodel = ", "The pin, line 2: model is empty"),
        ("a\nmodel = 'x'", "The pin, line 2: model is quoted"),
        ('a\nopus = "x"', "The pin, line 2: opus is quoted"),
        ("a\nmodel = a b", "The pin, line 2: model has white space"),
        ("a\nmodel = x # no comment", "The pin, line 2: model has white space"),
        ("a\nhaiku = https://evil.example", "The pin, line 2: haiku is a URL"),
        ("a\nmodel = x\nmodel = x", "The pin, line 3: model is set twice"),
        ("a\nrequired = yes", "The pin, line 2: required must be true or false"),
        ("a\nrequired = TRUE", "The pin, line 2: required must be true or false"),
        ("a\nrequired = true\nrequired = true", "The pin, line 3: required is set twice"),
        ("a\x1b[2J", "The pin, line 1 has a control character"),
        ("a\nmodel = \u202ex", "The pin, line 2 has a control character"),
        ("a\0b", "The pin, line 1 has a control character"),
        ("a\rb", "The pin, line 1 has a control character"),
        ("a\u2028b", "The pin, line 1 has a control character"),
        ("a\x0b", "The pin, line 1 has a control character"),
    ],
)
def test_invalid_pins_are_refused(text: str, why: str) -> None:
    with pytest.raises(CoworkEnvError) as caught:
        parsed(text)
    assert caught.value.message.startswith(why)
    assert "evil" not in caught.value.message


def test_a_pin_that_is_not_utf_8_is_refused() -> None:
    for data in (b"a\xff", "a".encode("utf-16"), b"\xed\xa0\x80"):
        with pytest.raises(CoworkEnvError, match="is not UTF-8 text"):
            pins.parse(data)


names = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp", "Cf"]),
    min_size=1,
    max_size=20,
)
models = st.from_regex(r"\A[a-z0-9./:_@-]{1,20}\Z").filter(lambda m: "://" not in m)


@given(
    names.map(str.strip).filter(lambda w: w and not w.startswith("#")),
    st.dictionaries(st.sampled_from(pins.KEYS[:-1]), models),
    st.booleans(),
)
def test_a_summary_is_one_line_that_shows_everything(
    name: str, overrides: dict[str, str], required: bool
) -> None:
    shown = pins.summary(Pin(name, overrides, required))
    assert first_control(shown) < 0 and shown.startswith("provider ")
    assert all(f"{key} {model}" in shown for key, model in overrides.items())
    assert required <= ("required" in shown)


@given(
    st.binary(max_size=100)
    | st.text(alphabet="amodel=required \n#true'\x1b\t", max_size=60).map(str.encode)
)
def test_any_bytes_are_a_valid_pin_or_an_error(content: bytes) -> None:
    try:
        pin = pins.parse(content)
    except CoworkEnvError:
        return
    assert pin.name_or_id and set(pin.models) <= set(pins.KEYS[:-1])
    assert not any("://" in m or " " in m for m in pin.models.values())
    # What a valid pin requires must be recognized in an invalid one too.
    assert not pin.required or pins.requires(content + b"\n\xff broken")


def test_ancestors() -> None:
    assert pins.ancestors("/a/b c/d") == ["/a/b c/d", "/a/b c", "/a", "/"]
    assert pins.ancestors("/") == ["/"]
    assert pins.path_in("/") == "/.cowork-provider" and pins.path_in("/a/") == "/a/.cowork-provider"


def test_reading_a_pin_file(tmp_path: Path) -> None:
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


def test_the_summary_is_safe_to_show() -> None:
    assert pins.summary(Pin("a\x1b", {"model": "m"}, True)) == "provider a\\x1b (model m, required)"


@pytest.mark.parametrize(
    ("mode", "above", "safe"),
    [
        (0o700, 0o755, True),
        (0o755, 0o1777, True),  # sticky: nobody else can rename what is ours in it
        (0o775, 0o755, False),
        (0o757, 0o755, False),
        (0o1755, 0o755, False),
        (0o2755, 0o755, False),
        (0o755, 0o775, False),
        (0o755, 0o777, False),
    ],
)
def test_which_pins_a_shell_may_open(tmp_path: Path, mode: int, above: int, safe: bool) -> None:
    directory = tmp_path / "above/project"
    directory.mkdir(parents=True)
    pin = directory / pins.PIN_NAME
    pin.write_text("a")
    directory.chmod(mode)
    directory.parent.chmod(above)
    assert pins.safe_to_open([str(pin)]) == ([str(pin)] if safe else [])
    pin.rename(tmp_path / "pin")
    pin.symlink_to(tmp_path / "pin")
    assert pins.safe_to_open([str(pin), f"{directory}/gone/{pins.PIN_NAME}"]) == []


def test_few_of_many_pins_are_opened(tmp_path: Path) -> None:
    """The nearest ones: a repository may have one at each of many levels."""
    deep = tmp_path.joinpath(*["d"] * 20)
    deep.mkdir(parents=True)
    paths = [pins.path_in(directory) for directory in pins.ancestors(str(deep))][:20]
    for path in paths:
        Path(path).write_text("a")
    assert pins.safe_to_open(paths) == paths[:8]
