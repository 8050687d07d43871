"""A shell with a fast provider and one with a slow lookup, for signals and Ctrl-C."""

from __future__ import annotations

import os

import pexpect

from support.home import GUIDE, Home
from support.processes import wait_for
from support.shells import PROMPT
from support.terminal import Terminal

# A slow lookup: it notes its process, and then waits until ~/go exists.
SLOW = "cmd:sh -c 'echo $$ >>~/asked; while ! test -e ~/go; do sleep 0.05; done; echo slow-key'"


class Session:
    """A shell in a home with two fast providers and a slow one.

    ``startup`` replaces the traps and the hook in the startup file.
    """

    def __init__(self, shell: str, home: Home, startup: str = "") -> None:
        self.shell, self.home = shell, home
        slow = {"name": "Slow", "baseUrl": "https://slow.example", "authTokenFrom": SLOW}
        home.providers([GUIDE[1], GUIDE[2], slow])
        home.pin(home.path / "fast", "OpenRouter\n")
        home.pin(home.path / "other", "LiteLLM Local\n")
        home.pin(home.path / "slow", "Slow\n")
        self.asked, self.serial = home.path / "asked", 0
        # Traps of the user's, which write their names.
        traps = {
            "bash": "trap 'echo int >>~/trapped' INT; trap 'echo hup >>~/trapped' HUP; "
            "trap 'echo winch >>~/trapped' WINCH",
            "zsh": "TRAPWINCH() { echo winch >>~/trapped }; trap 'echo hup >>~/trapped; exit' HUP",
            "fish": "function winched --on-signal WINCH; echo winch >>~/trapped; end",
        }
        self.terminal = Terminal(shell, home, before=startup or traps[shell], hook=not startup)
        self.terminal.run("true")
        self.before = self.facts()

    def facts(self) -> list[str]:
        """Traps, options, jobs, and the terminal's modes as a child sees them."""
        out = self.home.path / "facts"
        listing = "functions -q winched; jobs" if self.shell == "fish" else "trap; set +o; jobs"
        self.terminal.run(
            f"begin; {listing}; end >{out} 2>&1"
            if self.shell == "fish"
            else f"{{ {listing}; }} >{out} 2>&1"
        )
        self.terminal.run(f"stty -a | sed 's/rows.*columns [0-9]*;//' >>{out}; stty -g >>{out}")
        return out.read_text().split("\n")

    def start(self, line: str) -> int:
        """Type a line that starts the slow lookup; its process."""
        self.asked.unlink(missing_ok=True)
        self.terminal.child.sendline(line)
        wait_for(lambda: self.asked.exists() and self.asked.read_text().endswith("\n"))
        return int(self.asked.read_text().split()[0])

    def wait_ready(self, impatient: bool = False) -> None:
        """Wait until the shell takes commands again, even if it dropped input before."""
        for _ in range(200 if impatient else 10):
            self.serial += 1
            self.terminal.child.sendline(f"echo rea''dy-{self.serial}")
            if (
                self.terminal.child.expect_exact(
                    [f"ready-{self.serial}", pexpect.TIMEOUT], timeout=0.2 if impatient else 4
                )
                == 0
            ):
                self.terminal.child.expect_exact(PROMPT)
                return
        raise AssertionError("the shell takes no commands")

    def snapshot(self, ready: bool = False) -> dict[str, str]:
        """The environment, and the directory as HERE, whatever is still on the terminal."""
        if not ready:
            self.wait_ready()
        out = self.home.path / f"snapshot-{self.serial}"
        prefix = "" if self.shell == "fish" else "HERE=$(pwd -P) "
        suffix = f"; printf 'HERE=%s\\0' (pwd -P) >>{out}" if self.shell == "fish" else ""
        self.terminal.child.sendline(f"{prefix}env -0 >{out}{suffix}; echo sho''t-{self.serial}")
        self.terminal.child.expect_exact(f"shot-{self.serial}")
        self.terminal.child.expect_exact(PROMPT)
        data = os.fsdecode(out.read_bytes())
        return dict(entry.partition("=")[::2] for entry in data.split("\0") if entry)
