"""Programs on a pseudo-terminal: dialogs, shells at prompts, and full screens."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pexpect

from support.home import Home, executable, need
from support.program import execute, parse_environment
from support.shells import (
    COMMAND,
    DIALECTS,
    PROMPT,
    keep_fish_from_generating_completions,
    startup_file,
)

# OSC, CSI, character sets, and any other two-character sequence (ECMA-48).
ESCAPES = re.compile(
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b\[[0-9;?<>=]*[ -/]*[@-~]|\x1b[()][0-9A-Z]|\x1b."
)
CURSOR_QUERY, CURSOR_POSITION = "\x1b[6n", "\x1b[1;1R"
PAUSE = 0.4  # seconds without output, after which a screen counts as drawn


def plain(text: str) -> str:
    """What was written, without escape sequences and carriage returns."""
    return ESCAPES.sub("", text).replace("\r\n", "\n").replace("\r", "")


def one_line(text: str) -> str:
    """What was written, without escape sequences, with one space for every run of white space."""
    return re.sub(r"\s+", " ", ESCAPES.sub(" ", text))


def messages(shown: str) -> list[str]:
    """cowork-env's own lines among what was written."""
    return re.findall(r"cowork-env: ([^\r\n]*?) *(?=[\r\n]|$)", ESCAPES.sub("", shown))


class Dialog:
    """A program on a pseudo-terminal that asks and is answered. ``with`` ends it."""

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        env: Mapping[str, str],
        cwd: Path | str,
        size: tuple[int, int] = (40, 160),
        timeout: float = 30,
    ) -> None:
        self.child: pexpect.spawn[str] = pexpect.spawn(
            str(command[0]),
            [str(argument) for argument in command[1:]],
            cwd=str(cwd),
            env=dict(env),
            timeout=timeout,
            dimensions=size,
            encoding="utf-8",
            codec_errors="surrogateescape",
        )
        # Everything is sent only after what asks for it was waited for.
        self.child.delaybeforesend = None

    @classmethod
    def with_program(cls, home: Home, *arguments: str, **options: Any) -> Dialog:
        """``cowork-env ARGUMENTS`` in a home; ``env`` is added to the home's environment."""
        options["env"] = {**home.env, "TERM": "xterm", **options.get("env", {})}
        return cls([executable(), *arguments], **{"cwd": home.path, **options})

    def __enter__(self) -> Dialog:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def send(self, text: str) -> None:
        """Type ``text``."""
        self.child.send(text)

    def expect(self, text: str) -> str:
        """Wait until ``text`` is shown; what was shown before it."""
        self.child.expect_exact(text)
        return self.child.before or ""

    def answer(self, question: str, text: str, hidden: bool = False) -> str:
        """Type ``text`` once ``question`` is shown; what was shown before it.

        If ``hidden``, the terminal must have turned its echo off first.
        """
        shown = self.expect(question)
        if hidden:
            self.child.expect_exact(": ")
            assert self.child.waitnoecho(timeout=20)
        self.child.send(text + "\n")
        return shown

    def finish(self) -> str:
        """Wait for the program's end; what was shown until then. ``status`` is its exit status."""
        self.child.expect(pexpect.EOF)
        self.close()
        return self.child.before or ""

    def interrupt(self) -> None:
        """Press Ctrl-C, and again until the program ends.

        Python does not notice one that comes just before it begins to wait for a line.
        """
        for _ in range(30):
            self.child.sendintr()
            if self.child.expect([pexpect.EOF, pexpect.TIMEOUT], timeout=1) == 0:
                break
        self.close()

    @property
    def status(self) -> int | None:
        """The exit status, once it has ended."""
        return self.child.exitstatus

    def close(self) -> None:
        """End the program, whatever it is doing."""
        try:
            self.child.close(force=True)
        except pexpect.ExceptionPexpect:  # Killed, but not gone yet, on a busy machine.
            self.child.wait()


class Terminal(Dialog):
    """A shell at its prompt. ``before`` and ``after`` stand in its startup file around the hook.

    ``started`` is what it showed before its first prompt. ``env`` is added to the home's.
    """

    def __init__(
        self,
        shell: str,
        home: Home,
        before: str = "",
        after: str = "",
        hook: bool = True,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        options: tuple[str, ...] = (),
    ) -> None:
        self.shell, self.home, self.dialect = shell, home, DIALECTS[shell]
        binary = need(shell)
        load = self.dialect.load.format(home=home.path) if hook else ""
        if f"hook.{shell}" in load:
            # By name: a test may put another cowork-env first in PATH.
            done = execute(["cowork-env", "hook", shell], env=home.env, cwd=home.path)
            (home.path / f"hook.{shell}").write_text(done.check().stdout)
        quiet, ready = (
            text.format(home=home.path) for text in (self.dialect.quiet, self.dialect.ready)
        )
        file = startup_file(shell, home)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("\n".join([quiet, before, load, after, ready]) + "\n", encoding="utf-8")
        own = {"TERM": self.dialect.term, "ZDOTDIR": str(home.path)}
        if shell == "fish":
            keep_fish_from_generating_completions(home)
        if shell == "elvish":  # It keeps a socket there.
            own["XDG_RUNTIME_DIR"] = str(home.path / "run")
            (home.path / "run").mkdir(mode=0o700, exist_ok=True)
        super().__init__(
            [binary, *options, *self.dialect.arguments],
            env={**home.env, **own, **(env or {})},
            cwd=cwd or home.path,
            size=(50, self.dialect.columns),
        )
        self._started = self.prompt()
        self.started = plain(self._started)

    def prompt(self) -> str:
        """Wait for a prompt; what was on the terminal before, as written."""
        shown = ""
        marks = [PROMPT, CURSOR_QUERY] if self.dialect.queries_cursor else [PROMPT]
        while True:
            which = self.child.expect_exact(marks)
            shown += self.child.before or ""
            if which == 0:
                return shown
            self.child.send(CURSOR_POSITION)

    def idle(self, seconds: float = 0.1) -> None:
        """Let the shell run for a moment, and answer what its line editor asks the terminal."""
        if self.child.expect_exact([CURSOR_QUERY, pexpect.TIMEOUT], timeout=seconds) == 0:
            self.child.send(CURSOR_POSITION)

    def show(self, line: str = "") -> str:
        """Type one line; all that was written until the next prompt, the echo included."""
        self.child.send((line or self.dialect.noop) + self.dialect.enter)
        return self.prompt()

    def run(self, line: str = "") -> str:
        """Type one line; what it printed. Where a line editor redraws, the echo is part of it."""
        shown = plain(self.show(line))
        if self.shell == "fish":
            # Its mark for output without a line break, which it then overwrites.
            return re.sub("\N{RETURN SYMBOL} *", "", shown.rpartition(COMMAND)[2])
        return shown.partition("\n")[2] if self.dialect.echoes_once else shown

    def messages(self, line: str = "") -> list[str]:
        """Type one line; what cowork-env said until the next prompt."""
        return messages(self.show(line))

    @property
    def started_messages(self) -> list[str]:
        """What cowork-env said before the first prompt."""
        return messages(self._started)

    def cd(self, path: Path | str) -> list[str]:
        """Change the directory; what cowork-env said."""
        return self.messages(f"cd {path}")

    def set(self, name: str, value: str) -> list[str]:
        """Export a variable; what cowork-env said."""
        return self.messages(self.dialect.set.format(n=name, v=value))

    def unset(self, name: str) -> list[str]:
        """Unset a variable; what cowork-env said."""
        return self.messages(self.dialect.unset.format(n=name))

    def env(self, command: str = "") -> dict[str, str]:
        """The environment that a child gets, after ``command`` on the same line."""
        out = self.home.path / "env.out"
        out.unlink(missing_ok=True)
        prefix = command + self.dialect.joint if command else ""
        self.show(prefix + self.dialect.save.format(out=out))
        return parse_environment(os.fsdecode(out.read_bytes()))

    def managed(self, command: str = "") -> dict[str, str]:
        """Of :meth:`env`, the variables that a provider touches.

        Without a command another prompt comes first, which notices what changed elsewhere.
        """
        if not command:
            self.show()
        prefixes = ("ANTHROPIC_", "CLAUDE_CODE_", "COWORK_ENV_ACTIVE")
        return {k: v for k, v in self.env(command).items() if k.startswith(prefixes)}


Open = Callable[..., Terminal]


class Screen(Dialog):
    """A full-screen program, read as a user reads it. Everything is waited for with a limit."""

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        env: Mapping[str, str],
        cwd: Path | str,
        limit: float = 30,
    ) -> None:
        env = {**env, "TERM": "xterm-256color"}
        super().__init__(command, env=env, cwd=cwd, size=(60, 250), timeout=limit)
        self.name = str(command[0]).rpartition("/")[2]
        self.limit = limit
        self.everything = ""
        self._fresh = ""

    def __enter__(self) -> Screen:
        return self

    def send(self, text: str) -> None:
        """Type ``text``; what was on the screen so far is no longer waited for."""
        self._fresh = ""
        super().send(text)

    def last(self, pattern: str, limit: float | None = None) -> str:
        """The last match once the program pauses; nothing if there was none within the limit."""
        end = time.monotonic() + (limit or self.limit)
        while time.monotonic() < end:
            try:
                self._read(min(end, time.monotonic() + PAUSE))
            except pexpect.TIMEOUT:
                if found := re.findall(pattern, one_line(self._fresh)):
                    return str(found[-1])
        return ""

    def wait(self, pattern: str, limit: float | None = None) -> re.Match[str]:
        """Wait until the text since the last :meth:`send`, as one line, matches; else fail."""
        end = time.monotonic() + (limit or self.limit)
        while not (found := re.search(pattern, one_line(self._fresh))):
            try:
                self._read(end)
            except (pexpect.EOF, pexpect.TIMEOUT) as error:
                shown = one_line(self._fresh)[-3000:]
                raise AssertionError(
                    f"{pattern!r} did not show ({type(error).__name__}): {shown}"
                ) from None
        return found

    def _read(self, end: float) -> None:
        left = end - time.monotonic()
        if left <= 0:
            raise pexpect.TIMEOUT("limit")
        text = self.child.read_nonblocking(1 << 16, left)
        self.everything += text
        self._fresh += text
