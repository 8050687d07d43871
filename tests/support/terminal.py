"""Real shells at real prompts on a pseudo-terminal."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pexpect

from support.home import Home, need

PROMPT = "@prompt@"
START = "@start@"
SHELLS = ("bash", "zsh", "fish")

HOOK = {
    "bash": 'eval "$(cowork-env hook bash)"',
    "zsh": 'eval "$(cowork-env hook zsh)"',
    "fish": "cowork-env hook fish | source",
}
# Prompts that can be waited for, and nothing that redraws a line.
QUIET = {
    "bash": f"PS1='{PROMPT}'; PS2=; bind 'set enable-bracketed-paste off' 2>/dev/null; HISTFILE={{home}}/history",
    "zsh": f"PS1='{PROMPT}'; PS2=; unsetopt prompt_cr prompt_sp zle; HISTFILE={{home}}/history; HISTSIZE=100; SAVEHIST=100",
    # fish draws a prompt more than once, so events say where a command's output begins and ends.
    "fish": "function fish_prompt; end; function fish_title; end; set -g fish_greeting; set -g fish_autosuggestion_enabled 0; "
    f"function started --on-event fish_preexec; printf '{START}'; end",
}


def start_file(shell: str, home: Home) -> Path:
    """The file that the shell reads when it starts at a prompt."""
    return {
        "bash": home.path / ".bashrc",
        "zsh": home.path / ".zshrc",
        "fish": home.config / "fish/config.fish",
    }[shell]


class Terminal:
    """One interactive shell. ``before`` and ``after`` are lines of its start-up file around the hook's."""

    def __init__(
        self,
        shell: str,
        home: Home,
        before: str = "",
        after: str = "",
        hook: bool = True,
        cwd: Path | None = None,
        env: dict[str, str] | None = None,
        options: tuple[str, ...] = (),
    ) -> None:
        self.shell, self.home = shell, home
        binary = need(shell)
        lines = [QUIET[shell].format(home=home.path), before, HOOK[shell] if hook else "", after]
        if shell == "fish":
            lines.append(f"function ended --on-event fish_prompt; printf '{PROMPT}'; end")
        file = start_file(shell, home)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        self.child = pexpect.spawn(
            binary,
            [*options, "-i"],
            cwd=str(cwd or home.path),
            env={**home.env, "TERM": "dumb", "ZDOTDIR": str(home.path), **(env or {})},  # type: ignore[arg-type]
            timeout=20,
            dimensions=(50, 4000),
            encoding="utf-8",
            codec_errors="surrogateescape",
        )
        self.child.delaybeforesend = None  # What is sent is sent at a prompt that was waited for.
        self.started = self._prompt()

    def _prompt(self) -> str:
        self.child.expect_exact(PROMPT)
        return _plain(self.child.before or "")

    def run(self, line: str) -> str:
        """Type one line; what was on the terminal between it and the next prompt, the echo left out."""
        self.child.sendline(line)
        shown = self._prompt()
        if self.shell == "fish":
            # Its mark for output without a line break, which it then overwrites.
            return re.sub("\N{RETURN SYMBOL} *", "", shown.rpartition(START)[2])
        return shown.partition("\n")[2]

    def env(self, command: str = "") -> dict[str, str]:
        """The environment that a program started here gets, after ``command`` on the same line."""
        out = self.home.path / "env.out"
        out.unlink(missing_ok=True)
        self.run(f"{command + ' && ' if command else ''}env -0 >{out}")
        data = os.fsdecode(out.read_bytes())
        return dict(entry.partition("=")[::2] for entry in data.split("\0") if entry)

    def managed(self, command: str = "") -> dict[str, str]:
        """Of :meth:`env`, what a provider touches; what changed elsewhere meanwhile is seen at a prompt before it."""
        if not command:
            self.run("true")
        prefixes = ("ANTHROPIC_", "CLAUDE_CODE_", "COWORK_ENV_ACTIVE")
        return {k: v for k, v in self.env(command).items() if k.startswith(prefixes)}

    def close(self) -> None:
        """End the shell, whatever it is doing."""
        self.child.close(force=True)


def _plain(text: str) -> str:
    text = re.sub(
        r"\x1b(\[[0-9;?<>=]*[a-zA-Z]|\][^\x07\x1b]*(\x07|\x1b\\)|[()][A-Z0-9]|[=>])", "", text
    )
    return text.replace("\r\n", "\n").replace("\r", "")
