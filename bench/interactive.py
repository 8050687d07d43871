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

TIMEOUT = 60  # seconds for one piece of code
_OLD = "@old"


class BenchError(Exception):
    """Something that should be measured does not work."""


class Block:
    """Code to be timed: ``body``, ``count`` times, after ``before``, which is run once, untimed."""

    def __init__(self, body: str, count: int = 1, before: str = "") -> None:
        self.body, self.count, self.before = body, count, before


class _Posix:
    """bash and zsh: ``EPOCHREALTIME`` is a clock of microseconds that costs no process."""

    def __init__(self, name: str, arguments: list[str], prelude: str) -> None:
        self.name, self.arguments, self.prelude = name, arguments, prelude

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

    name, arguments, prelude = "fish", ["-i"], ""

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
        "bash", ["--norc", "--noprofile", "-i"], f"[[ -n ${{EPOCHREALTIME-}} ]] || echo '{_OLD}'"
    ),
    "zsh": _Posix("zsh", ["-f", "-i"], f"zmodload zsh/datetime || echo '{_OLD}'"),
    "fish": _Fish(),
}


class Session:
    """One interactive shell, which sources code from files: one line at the prompt for each.

    ``program`` is its path, ``directory`` where it starts, ``scripts`` a folder for the files.
    """

    def __init__(
        self, shell: str, program: str, env: dict[str, str], directory: str, scripts: str
    ) -> None:
        self.dialect, self._scripts, self._number = DIALECTS[shell], scripts, 0
        self._pid, self._terminal = pty.fork()
        if self._pid == 0:
            with contextlib.suppress(OSError):
                os.chdir(directory)
                os.execve(program, [shell, *self.dialect.arguments], env)  # noqa: S606
            os._exit(127)
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 250, 0, 0))
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
        with contextlib.suppress(OSError):
            os.kill(self._pid, signal.SIGKILL)
        with contextlib.suppress(OSError):
            os.waitpid(self._pid, 0)
        with contextlib.suppress(OSError):
            os.close(self._terminal)
