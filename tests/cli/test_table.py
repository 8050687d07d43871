"""Tables: columns, blocks and lines."""

from __future__ import annotations

import io
from types import SimpleNamespace

import pytest

from cowork_env.cli import output, table
from cowork_env.cli.table import Cell, Table, labeled
from cowork_env.cli.wrapping import display_width, wrapped

URL = "https://ai.example/a/path/that/is/longer/than/any/terminal/is/wide"


def _table() -> Table:
    table = Table("name", "base URL", "default model", "")
    table.add("OpenRouter", "https://openrouter.ai/api", "a/b", Cell("active, selected", "green"))
    table.add("Work", "https://ai.example", "", "")
    return table


def test_a_wide_terminal_gets_columns() -> None:
    assert _table().lines(width=80) == [
        "NAME        BASE URL                   DEFAULT MODEL",
        "OpenRouter  https://openrouter.ai/api  a/b            active, selected",
        "Work        https://ai.example         -",
    ]


def test_a_narrow_one_gets_blocks() -> None:
    assert _table().lines(width=50) == [
        "OpenRouter",
        "  base URL       https://openrouter.ai/api",
        "  default model  a/b",
        "  active, selected",
        "Work",
        "  base URL       https://ai.example",
    ]


def test_a_plain_one_gets_a_line_for_each_row() -> None:
    assert _table().lines(width=20, plain=True) == [
        "OpenRouter: base URL https://openrouter.ai/api; default model a/b; active, selected",
        "Work: base URL https://ai.example",
    ]


def test_color_does_not_count() -> None:
    plain, colored = _table().lines(width=80), _table().lines(width=80, color=True)
    assert colored[1] == plain[1].replace("active, selected", "\033[32mactive, selected\033[0m")
    assert [colored[0], colored[2]] == [plain[0], plain[2]]


@pytest.mark.parametrize("width", [20, 40, 60, 80])
def test_no_line_is_too_wide_unless_it_is_one_word(width: int) -> None:
    table = Table("name", "base URL", "about", "")
    table.add("A name with several words", URL, "what is known about it, in a few words", "")
    table.add("B", "short", "it", "and a remark that is not short, with several words in it")
    for line in table.lines(width=width):
        assert display_width(line) <= width or len(line.split()) == 1, line
    words = "\n".join(table.lines(width=width)).split()
    for word in (URL, "several", "remark"):
        assert word in words


def test_the_last_column_is_wrapped_where_that_is_enough() -> None:
    table = Table("code", "meaning")
    table.add("a", "one two three four five six seven")
    assert table.lines(width=32) == [
        "CODE  MEANING",
        "a     one two three four five",
        "      six seven",
    ]


@pytest.mark.parametrize("name", ["部署", "🚀", "👨‍👩‍👧", "e\u0301", "한국어", "🇩🇪"])
def test_columns_align_with_names_of_any_width(name: str) -> None:
    table = Table("name", "model")
    table.add("a-longer-name", "m")
    table.add(name, "m")
    first, second = table.lines(width=80)[1:]
    assert display_width(first) == display_width(second)
    assert display_width("部署") == display_width("🚀") * 2 == 4
    assert display_width("👨‍👩‍👧") == display_width("🇩🇪") == 2


def test_what_would_control_a_terminal_is_shown_as_text() -> None:
    table = Table("name", "model")
    table.add("a\033[31m", "b\nc")
    for plain in (False, True):
        text = "\n".join(table.lines(width=80, plain=plain))
        assert "\033" not in text and "\\x1b[31m" in text and "b\\nc" in text


def test_remarks_that_do_not_fit_stand_below_their_row() -> None:
    made = Table("name", "value", "", "")
    made.add("FIRST", "one", "from the file", "")
    made.add("SECOND", "two", "from a pin", Cell("but not in force", "red"))
    assert made.lines(width=26) == [
        "NAME    VALUE",
        "FIRST   one",
        "        from the file",
        "SECOND  two",
        "        from a pin",
        "        but not in force",
    ]


def test_a_path_with_spaces_stays_whole() -> None:
    made = Table("place", "path")
    made.add("file", Cell("~/Library/Application Support/x", whole=True))
    assert "    ~/Library/Application Support/x" in made.lines(width=20)


class _Terminal(io.StringIO):
    """A terminal of a width that ``COLUMNS`` says."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> _Terminal:
    """Standard error as a terminal of 40 columns."""
    stream = _Terminal()
    for name, value in {"COLUMNS": "40", "TERM": "xterm", "NO_COLOR": "1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("COWORK_ENV_PLAIN", raising=False)
    monkeypatch.setattr(output, "sys", SimpleNamespace(stderr=stream))
    return stream


def test_a_label_with_a_long_text(narrow: _Terminal) -> None:
    text = "first a few words and then cowork-env. Run: cowork-env edit --env A=B 'a long name'"
    assert labeled("label", text, 8, narrow) == [
        "label   first a few words and then",
        "        cowork-env. Run:",
        "    cowork-env edit --env A=B 'a long name'",
    ]
    assert labeled("", URL, 8, narrow) == [f"    {URL}"]
    assert labeled("label", URL, 8, narrow) == ["label", f"    {URL}"]


def test_a_message_is_broken_between_words_on_a_terminal(narrow: _Terminal) -> None:
    output.say("cowork-env: There is no provider 'my own provider here' in the file of providers")
    output.say("Run it in a terminal: cowork-env allow --below '/a folder/of mine'")
    output.say(
        'added:\n  if [ -x ~/bin/cowork-env ]; then eval "$(~/bin/cowork-env hook bash)"; fi'
    )
    assert narrow.getvalue() == (
        "cowork-env: There is no provider\n"
        "'my own provider here' in the file of\n"
        "providers\n"
        "Run it in a terminal:\n"
        "cowork-env allow --below '/a folder/of mine'\n"
        "added:\n"
        '  if [ -x ~/bin/cowork-env ]; then eval "$(~/bin/cowork-env hook bash)"; fi\n'
    )


def test_a_message_is_one_line_elsewhere(
    narrow: _Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(narrow, "isatty", lambda: False)
    output.say("word " * 20)
    assert narrow.getvalue() == "word " * 20 + "\n"


@pytest.mark.parametrize("name", ["نموذج", "דגם", "部署", "e\u0301"])
def test_labels_align_with_names_of_any_script(name: str) -> None:
    assert display_width(labeled(name, "x", 20)[0]) == 21
    assert table.display_width(name) < 6


def test_wrapping_breaks_between_words_only() -> None:
    assert wrapped("aa bb cc", 5) == ["aa bb", "cc"]
    assert wrapped("aa bbbbbbbb cc", 5) == ["aa", "bbbbbbbb", "cc"]
    assert wrapped("部署 部署", 4) == ["部署", "部署"]
