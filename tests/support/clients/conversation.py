"""Claude Code's screen: what it asks before it starts, and its answers."""

from __future__ import annotations

import re

from support.terminal import Screen, one_line

DOWN, UP, ENTER = "\x1b[B", "\x1b[A", "\r"
CHOSEN = "\u276f"  # before the selected line of a list
# What it may ask: the name of the question, what is shown, and the key of a user who goes on.
# A question with a list shows again after each key, until the right line is selected.
QUESTIONS = (
    ("trust", rf"{CHOSEN} No, exit", DOWN),
    ("trust", rf"{CHOSEN} Yes, I trust", ENTER),
    ("key", rf"{CHOSEN} No \( ?recommended", UP),
    ("key", rf"{CHOSEN} Yes Enter|{CHOSEN} Yes No", ENTER),
    ("style", r"text style", ENTER),
    ("security", r"Security notes|Press Enter to continue", ENTER),
)
READY = r"for agents|for shortcuts|to cycle\)"


def start(screen: Screen, line: str = "") -> set[str]:
    """Start Claude Code by typing ``line``, if any, and say yes to everything; what it asked."""
    if line:
        screen.send(line + ENTER)
    asked: set[str] = set()
    everything = "|".join([READY, *(pattern for _, pattern, _ in QUESTIONS)])
    key, limit = "", screen.limit
    for _ in range(30):
        shown = screen.last(everything, limit)
        if re.fullmatch(READY, shown):
            return asked
        for name, pattern, answer in QUESTIONS:
            if shown and re.fullmatch(pattern, shown):
                asked.add(name)
                key, limit = answer, 4
        # A screen that was just being drawn may have missed the key, so it is pressed again.
        assert key, one_line(screen.everything)[-3000:]
        screen.send(key)
    raise AssertionError(one_line(screen.everything)[-3000:])


def ask(screen: Screen, words: str, answer: str) -> None:
    """Ask something and wait for the answer."""
    screen.send(words)
    screen.wait(words)
    screen.send(ENTER)
    screen.wait(answer)


def status(screen: Screen) -> str:
    """What ``/status`` shows."""
    screen.send("/status")
    screen.wait("Show version")
    screen.send(ENTER)
    return screen.wait(r"Version: .*Setting sources")[0]
