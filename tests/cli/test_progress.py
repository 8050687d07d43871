"""Progress: shown after a while, on a terminal only, and gone afterwards."""

from __future__ import annotations

import io
import threading
from types import SimpleNamespace

import pytest

from cowork_env.cli import progress
from cowork_env.cli.wrapping import display_width


class _Stream(io.StringIO):
    def __init__(self, terminal: bool) -> None:
        super().__init__()
        self.terminal, self.written = terminal, threading.Event()

    def isatty(self) -> bool:
        return self.terminal

    def write(self, text: str) -> int:
        self.written.set()
        return super().write(text)


@pytest.fixture
def stream(monkeypatch: pytest.MonkeyPatch) -> _Stream:
    stream = _Stream(terminal=True)
    monkeypatch.setattr(progress, "sys", SimpleNamespace(stderr=stream))
    monkeypatch.setattr(progress, "DELAY", 0.0)
    monkeypatch.setenv("TERM", "xterm")
    return stream


def test_it_is_shown_and_wiped(stream: _Stream) -> None:
    with progress.working("Checking a\nb", total=3) as work:
        assert stream.written.wait(20)
        work.done()
        assert work.line() == "Checking a\\nb (1 of 3)..."
    assert "Checking a\\nb (" in stream.getvalue()
    assert stream.getvalue().endswith("\r\033[K")


def test_its_line_never_wraps(stream: _Stream, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is on a second line of the terminal would not be wiped."""
    monkeypatch.setenv("COLUMNS", "20")
    with progress.working("部署" * 20):
        assert stream.written.wait(20)
    line = stream.getvalue().split(progress._WIPE)[1]
    assert display_width(line) == 18 and line.startswith("| 部署")


def test_it_says_what_a_lookup_waits_for(stream: _Stream, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    work = progress.Working("Checking", 1)
    assert work.teller(None) is None
    tell = work.teller(said.append)
    assert tell is not None
    tell("waiting for 1Password; Ctrl-C gives up")
    assert (work.text, said) == ("Waiting for 1Password; Ctrl-C gives up", [])
    monkeypatch.setenv("COWORK_ENV_PLAIN", "1")
    assert work.teller(said.append) == said.append  # Nothing is redrawn: as a line of its own.


def test_it_is_wiped_after_an_interrupt(stream: _Stream) -> None:
    with pytest.raises(KeyboardInterrupt), progress.working("Checking"):
        assert stream.written.wait(20)
        raise KeyboardInterrupt
    assert stream.getvalue().endswith("\r\033[K")


def test_a_plain_terminal_gets_one_line(stream: _Stream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COWORK_ENV_PLAIN", "1")
    with progress.working("Checking"):
        assert stream.written.wait(20)
    assert stream.getvalue() == "Checking...\n"


def test_nothing_is_shown_of_what_is_soon_done(
    stream: _Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "DELAY", 600.0)
    with progress.working("Checking"):
        pass
    assert stream.getvalue() == ""


def test_a_pipe_gets_nothing(stream: _Stream) -> None:
    stream.terminal = False
    with progress.working("Checking"):
        assert not stream.written.wait(0.05)
    assert stream.getvalue() == ""
