"""Claude Code's own screen: its questions before it starts, and its answers."""

from __future__ import annotations

import re

from .terminal import Terminal, plain

DOWN, UP, ENTER = "\x1b[B", "\x1b[A", "\r"
CHOSEN = "\u276f"  # before the line of a list that is chosen
# What it may ask on the way: the name of the question, what shows, and what a person who means to go on types then.
# A question with a list is asked again after each key, until the right line is chosen.
QUESTIONS = (
    ("trust", rf"{CHOSEN} No, exit", DOWN),
    ("trust", rf"{CHOSEN} Yes, I trust", ENTER),
    ("key", rf"{CHOSEN} No \( ?recommended", UP),
    ("key", rf"{CHOSEN} Yes Enter|{CHOSEN} Yes No", ENTER),
    ("style", r"text style", ENTER),
    ("security", r"Security notes|Press Enter to continue", ENTER),
)
READY = r"for agents|for shortcuts|to cycle\)"


def start(terminal: Terminal, line: str = "") -> set[str]:
    """Start Claude Code by typing ``line`` (if any) and say yes to whatever it asks; the names of what it asked."""
    if line:
        terminal.send(line + ENTER)
    asked: set[str] = set()
    everything = "|".join([READY, *(pattern for _, pattern, _ in QUESTIONS)])
    key, limit = "", terminal.limit
    for _ in range(30):
        shown = terminal.last(everything, limit)
        if re.fullmatch(READY, shown):
            return asked
        for name, pattern, answer in QUESTIONS:
            if shown and re.fullmatch(pattern, shown):
                asked.add(name)
                key, limit = answer, 4
        # Nothing known shows: a screen that was just being drawn may have missed the key, so it is pressed again.
        assert key, plain(terminal.everything)[-3000:]
        terminal.send(key)
    raise AssertionError(plain(terminal.everything)[-3000:])


def ask(terminal: Terminal, words: str, answer: str) -> None:
    """Ask something and wait for the answer."""
    terminal.send(words)
    terminal.wait(words)
    terminal.send(ENTER)
    terminal.wait(answer)


def status(terminal: Terminal) -> str:
    """What ``/status`` shows."""
    terminal.send("/status")
    terminal.wait("Show version")
    terminal.send(ENTER)
    return terminal.wait(r"Version: .*Setting sources")[0]
