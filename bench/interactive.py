"""An interactive shell on a pseudo-terminal that times pieces of code by its own clock."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Sequence

TIMEOUT = 60  # seconds for one piece of code
_OLD = "@old"
_SHOWN = re.compile(rb"@@([^@]*)@@")  # a prompt of first_prompt()


class BenchError(Exception):
    """Something that should be measured does not work."""


class Block:
    """Code to be timed: ``body``, ``count`` times, after ``before``, which is run once, untimed."""

    def __init__(self, body: str, count: int = 1, before: str = "") -> None:
        self.body, self.count, self.before = body, count, before


class _Posix:
    """bash and zsh: ``EPOCHREALTIME`` is a clock of microseconds that costs no process."""

    def __init__(
        self, name: str, arguments: list[str], prelude: str, start: list[str], prompt: str
    ) -> None:
        self.name, self.arguments, self.prelude = name, arguments, prelude
        self.start, self.prompt = start, prompt

    def block(self, block: Block) -> str:
        return (
            f"{block.before or ':'}\n"
            "bench_start=$EPOCHREALTIME\n"
            f"for ((bench_i = 0; bench_i < {block.count}; bench_i++)); do {block.body}; done"
            " 2>/dev/null\n"
            "bench_end=$EPOCHREALTIME\n"
            'printf "@@ %s %s\\n" "$bench_start" "$bench_end"\n'
        )

    def seconds(self, output: str) -> list[float]:
        return [
            float(end) - float(start) for start, end in re.findall(r"@@ ([\d.]+) ([\d.]+)", output)
        ]

    def value(self, name: str) -> str:
        return f'printf "<%s>\\n" "${{{name}-}}"'

    def load(self, command: str) -> str:
        return f'eval "$({command})"'


_UNITS = {"micros": 1e-6, "millis": 1e-3, "secs": 1.0, "mins": 60.0}


class _Fish:
    """fish has no clock to read; its ``time`` is a builtin that writes to the terminal."""

    name, prelude = "fish", ""
    arguments: Sequence[str] = ("-i",)
    start: Sequence[str] = ("-i", "-C", "source {folder}/.zshrc")
    prompt = 'set -g fish_greeting; function fish_prompt; echo "@@{value}@@"; end'

    def block(self, block: Block) -> str:
        numbers = " ".join(map(str, range(block.count)))
        return (
            f"{block.before or ':'}\nset -g bench_numbers {numbers}\n"
            f"time for bench_i in $bench_numbers; {block.body}; end 2>/dev/null\n"
        )

    def seconds(self, output: str) -> list[float]:
        return [
            float(n) * _UNITS[unit]
            for n, unit in re.findall(r"Executed in +([\d.]+) (\w+)", output)
        ]

    def value(self, name: str) -> str:
        return f'printf "<%s>\\n" "${name}"'

    def load(self, command: str) -> str:
        return f"{command} | source"


DIALECTS: dict[str, _Posix | _Fish] = {
    "bash": _Posix(
        "bash",
        ["--norc", "--noprofile", "-i"],
        f"[[ -n ${{EPOCHREALTIME-}} ]] || echo '{_OLD}'",
        ["--noprofile", "--rcfile", "{folder}/.zshrc", "-i"],
        "PS1='@@{value}@@'",
    ),
    "zsh": _Posix(
        "zsh",
        ["-f", "-i"],
        f"zmodload zsh/datetime || echo '{_OLD}'",
        ["-d", "-i"],
        "setopt prompt_subst; PS1='@@{value}@@'",
    ),
    "fish": _Fish(),
}


def first_prompt(
    shell: str, program: str, env: dict[str, str], directory: str, startup: str
) -> tuple[float, str]:
    """Start a shell in ``directory``; the seconds until its first prompt, and what that showed.

    ``startup`` is a folder that :func:`write_startup` made.
    """
    dialect = DIALECTS[shell]
    arguments = [each.format(folder=startup) for each in dialect.start]
    env = {**env, "ZDOTDIR": startup}
    begin = time.perf_counter()
    pid, terminal = _spawn([program, *arguments], shell, env, directory)
    try:
        output, deadline = b"", time.monotonic() + TIMEOUT
        while not (found := _SHOWN.search(output)):
            if not select.select([terminal], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise BenchError(f"{shell} showed no prompt within {TIMEOUT} s:\n{output!r}")
            try:
                output += os.read(terminal, 65536)
            except OSError:
                raise BenchError(f"{shell} ended:\n{output!r}") from None
        return time.perf_counter() - begin, found[1].decode()
    finally:
        _end(pid, terminal)


def write_startup(shell: str, folder: str, variable: str, command: str) -> None:
    """Make a folder with a startup file, under the name that zsh insists on.

    The prompt shows ``variable``. What ``command`` prints, if there is one, is evaluated.
    """
    dialect = DIALECTS[shell]
    os.makedirs(folder)
    value = f"${variable}" if shell == "fish" else f"${{{variable}-}}"
    lines = [dialect.prompt.replace("{value}", value), dialect.load(command) if command else ""]
    with open(f"{folder}/.zshrc", "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


def _spawn(argv: list[str], name: str, env: dict[str, str], directory: str) -> tuple[int, int]:
    """Start a program on a new terminal; its process and the terminal."""
    pid, terminal = pty.fork()
    if pid == 0:
        with contextlib.suppress(OSError):
            os.chdir(directory)
            os.execve(argv[0], [name, *argv[1:]], env)  # noqa: S606
        os._exit(127)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 250, 0, 0))
    return pid, terminal


def _end(pid: int, terminal: int) -> None:
    with contextlib.suppress(OSError):
        os.kill(pid, signal.SIGKILL)
    with contextlib.suppress(OSError):
        os.waitpid(pid, 0)
    with contextlib.suppress(OSError):
        os.close(terminal)


class Session:
    """One interactive shell, which sources code from files: one line at the prompt for each.

    ``program`` is its path, ``directory`` where it starts, ``scripts`` a folder for the files.
    """

    def __init__(
        self, shell: str, program: str, env: dict[str, str], directory: str, scripts: str
    ) -> None:
        self.dialect, self._scripts, self._number = DIALECTS[shell], scripts, 0
        argv = [program, *self.dialect.arguments]
        self._pid, self._terminal = _spawn(argv, shell, env, directory)
        if _OLD in self.run(self.dialect.prelude or ":"):
            self.close()
            raise BenchError(
                f"this {shell} is too old: it has no clock (bash 5.0 or later is needed)"
            )

    def run(self, code: str) -> str:
        """Run code; return what the terminal showed until it finished."""
        self._number += 1
        path = os.path.join(self._scripts, f"{self._pid}-{self._number}")
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"{code}\nprintf '@done%s\\n' {self._number}\n")
        os.write(self._terminal, f". {path}\n".encode())
        output, done = b"", f"@done{self._number}\r".encode()
        deadline = time.monotonic() + TIMEOUT
        while done not in output:
            left = max(0.0, deadline - time.monotonic())
            if not select.select([self._terminal], [], [], left)[0]:
                raise self._error(f"did not finish within {TIMEOUT} s:\n{code}", output)
            try:
                output += os.read(self._terminal, 65536)
            except OSError:
                raise self._error("ended:", output) from None
        os.unlink(path)
        return output.decode(errors="replace")

    def _error(self, problem: str, output: bytes) -> BenchError:
        shown = output.decode(errors="replace")
        return BenchError(f"{self.dialect.name} {problem}\n{shown}")

    def time(self, blocks: list[Block]) -> list[float]:
        """Seconds for one run of each block's body."""
        output = self.run("".join(map(self.dialect.block, blocks)))
        seconds = self.dialect.seconds(output)
        if len(seconds) != len(blocks):
            raise BenchError(
                f"{self.dialect.name} measured {len(seconds)} times, not {len(blocks)}:\n{output}"
            )
        return [total / block.count for total, block in zip(seconds, blocks, strict=True)]

    def value(self, name: str) -> str:
        """The value of a variable; empty if it is unset."""
        found = re.search(r"<(.*)>\r?\n", self.run(self.dialect.value(name)))
        return found.group(1) if found else ""

    def close(self) -> None:
        """End the shell."""
        _end(self._pid, self._terminal)
