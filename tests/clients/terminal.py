"""A program on a pseudo-terminal, talked to as a person would: by what can be read on the screen."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from pathlib import Path

import pexpect

_ESCAPES = re.compile(
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b\[[0-9;?<>=]*[ -/]*[@-~]|\x1b[()][0-9A-B]|\x1b."
)

PAUSE = 0.4  # seconds without output, after which a screen counts as drawn


def plain(text: str) -> str:
    """What was written, without control sequences and with one space for every run of white space."""
    return re.sub(r"\s+", " ", _ESCAPES.sub(" ", text))


class Terminal:
    """The terminal. Everything is waited for with a limit."""

    def __init__(
        self, argv: list[str], env: Mapping[str, str], directory: Path, limit: float = 30
    ) -> None:
        self.name = argv[0].rpartition("/")[2]
        self.limit = limit
        self.everything = ""
        self._fresh = ""
        self._process = pexpect.spawn(
            argv[0],
            argv[1:],
            env={**env, "TERM": "xterm-256color"},
            cwd=str(directory),
            dimensions=(60, 250),
            encoding="utf-8",
            codec_errors="replace",
            timeout=limit,
        )
        self._process.delaybeforesend = None

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._process.close(force=True)
        except (
            pexpect.ExceptionPexpect
        ):  # Killed, but not gone yet: on a busy machine something this large takes a moment.
            self._process.wait()

    def send(self, text: str) -> None:
        """Type ``text``; what was on the screen so far is no longer waited for."""
        self._fresh = ""
        self._process.send(text)

    def last(self, pattern: str, limit: float | None = None) -> str:
        """What matches last once the program that writes has paused; nothing if nothing did within the limit."""
        end = time.monotonic() + (limit or self.limit)
        while time.monotonic() < end:
            try:
                self._read(min(end, time.monotonic() + PAUSE))
            except pexpect.TIMEOUT:
                if found := re.findall(pattern, plain(self._fresh)):
                    return str(found[-1])
        return ""

    def wait(self, pattern: str, limit: float | None = None) -> re.Match[str]:
        """Wait until the plain text since the last :meth:`send` matches; fails with what is there instead."""
        end = time.monotonic() + (limit or self.limit)
        while not (found := re.search(pattern, plain(self._fresh))):
            try:
                self._read(end)
            except (pexpect.EOF, pexpect.TIMEOUT) as error:
                raise AssertionError(
                    f"{pattern!r} did not show ({type(error).__name__}): {plain(self._fresh)[-3000:]}"
                ) from None
        return found

    def _read(self, end: float) -> None:
        left = end - time.monotonic()
        if left <= 0:
            raise pexpect.TIMEOUT("limit")
        text = self._process.read_nonblocking(1 << 16, left)
        self.everything += text
        self._fresh += text
