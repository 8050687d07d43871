"""Pictures of a terminal: ``python docs/make_picture.py demo > docs/demo.svg``, and ``status``.

A real bash on a pseudo-terminal runs a few commands in a temporary home, with the installed
``cowork-env``. What it shows is drawn as an SVG that is the same on every machine, and readable
in light and dark mode.
"""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pexpect


class Scene(NamedTuple):
    """What is typed, in a terminal of how many columns, and what the picture says to readers."""

    commands: str
    columns: int
    label: str


SCENES = {
    "demo": Scene(
        """\
cd ~/work/app
cowork-env pin openrouter
echo $ANTHROPIC_BASE_URL
cd ~/src/clone
cowork-env allow
cd ~ && echo ${ANTHROPIC_BASE_URL-unset}
""",
        1000,
        "A terminal: pins apply in their directories, and an untrusted one after cowork-env allow",
    ),
    "status": Scene(
        """\
cowork-env list
cd ~/work/app && cowork-env pin openrouter
export ANTHROPIC_MODEL=mine
cowork-env status
""",
        90,
        "A terminal: the providers, and what is active in a directory, from where and why",
    ),
}

PROVIDERS = [
    {
        "id": "00000000-0000-4000-8000-000000000001",
        "name": "OpenRouter",
        "baseUrl": "https://openrouter.ai/api/v1",
        "authToken": "sk-or-invented-for-the-picture",
        "defaultModel": "anthropic/claude-sonnet-4-20250514",
    },
    {
        "id": "00000000-0000-4000-8000-000000000002",
        "name": "LiteLLM Local",
        "baseUrl": "http://localhost:4000/v1",
        "authToken": "sk-invented-for-the-picture",
        "defaultModel": "claude-3-5-sonnet-20241022",
    },
]

MARK = "\x1b]0;@prompt@\x07"  # a window title, so that it is not on the screen
BASHRC = r"""
bind 'set enable-bracketed-paste off'
HISTFILE=
PS1='\[\e]0;@prompt@\a\e[36m\]\w\[\e[0m\] \[\e[32m\]$\[\e[0m\e[1m\] '
PS0='\e[0m'
eval "$(cowork-env hook bash)"
"""
TIMEOUT = 30  # seconds for one command


def record(home: Path, scene: Scene) -> str:
    """What the terminal shows while the commands run, with its escape sequences.

    ``home`` is an empty folder.
    """
    for folder in ("work/app", "src/clone", ".config/agent-cowork"):
        (home / folder).mkdir(parents=True)
    providers = home / ".config/agent-cowork/providers.json"
    providers.touch(mode=0o600)
    providers.write_text(json.dumps(PROVIDERS), encoding="utf-8")
    (home / "src/clone/.cowork-provider").write_text("litellm-local\n", encoding="utf-8")
    (home / ".bashrc").write_text(BASHRC, encoding="utf-8")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    env = {"HOME": str(home), "PATH": path, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
    bash = shutil.which("bash") or "bash"
    child: pexpect.spawn[str] = pexpect.spawn(
        bash,
        ["-i"],
        cwd=home,
        env=env,
        timeout=TIMEOUT,
        dimensions=(50, scene.columns),
        encoding="utf-8",
    )
    shown = ""
    try:
        child.expect_exact(MARK)
        for command in scene.commands.splitlines():
            child.sendline(command)
            child.expect_exact(MARK)
            shown += child.before or ""
        child.sendeof()
    finally:
        child.close(force=True)
    return shown


# The picture

MIN_WIDTH, LEFT, TOP = 800, 18, 62
ADVANCE, LINE = 8.4, 20  # of one character, in pixels
COLORS = {"1": "bold", "2": "dim", "31": "red", "32": "green", "33": "yellow", "36": "cyan"}
SGR = re.compile(r"\x1b\[([\d;]*)m")
OTHER_SEQUENCES = re.compile(r"\x1b(\[[0-9;?<>=]*[a-ln-zA-Z]|\][^\x07\x1b]*(\x07|\x1b\\)|[=>])")
STYLE = """\
text { font: 14px ui-monospace, SFMono-Regular, Menlo, 'DejaVu Sans Mono', monospace }
text { white-space: pre; fill: #24292f } .bold { font-weight: 700 }
.window { fill: #f6f8fa; stroke: #d0d7de } .bar { fill: #e7ebef } .title, .dim { fill: #57606a }
.red { fill: #cf222e } .green { fill: #116329 } .yellow { fill: #7d4e00 } .cyan { fill: #0550ae }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .window { fill: #0d1117; stroke: #3d444d } .bar { fill: #1c2128 } .title, .dim { fill: #9198a1 }
  .red { fill: #ff7b72 } .green { fill: #56d364 } .yellow { fill: #e3b341 } .cyan { fill: #79c0ff }
}"""


def runs(line: str) -> Iterator[tuple[str, str]]:
    """The parts of a line that look alike, as the names of their looks (may be empty) and text."""
    looks: list[str] = []
    text, *rest = SGR.split(line)
    yield "", text
    for codes, text in zip(rest[::2], rest[1::2], strict=True):
        for code in codes.split(";"):
            looks = [*looks, COLORS[code]] if code in COLORS else []
        yield " ".join(looks), text


def picture(shown: str, label: str) -> str:
    """What a terminal shows as the SVG of a window; ``label`` is for who does not see it."""
    lines = OTHER_SEQUENCES.sub("", shown).replace("\r", "").rstrip("\n").split("\n")
    longest = max(len(SGR.sub("", line)) for line in lines)
    width = max(MIN_WIDTH, round(longest * ADVANCE) + 2 * LEFT)
    texts = []
    for number, line in enumerate(lines):
        column = 0
        for looks, text in runs(line):
            if text.strip():
                # The length keeps the columns where the font is narrower or wider than expected.
                x, length = LEFT + column * ADVANCE, len(text) * ADVANCE
                place = f'x="{x:.1f}" y="{TOP + number * LINE}" textLength="{length:.1f}"'
                kind = f' class="{looks}"' if looks else ""
                texts.append(f"<text {place}{kind}>{html.escape(text, quote=False)}</text>")
            column += len(text)
    height = TOP + len(lines) * LINE
    buttons = (
        f'<circle cx="{20 + 20 * i}" cy="18" r="6" fill="{color}"/>'
        for i, color in enumerate(("#ff5f57", "#febc2e", "#28c840"))
    )
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" xml:space="preserve" role="img"'
        f' viewBox="0 0 {width} {height}" width="{width}" height="{height}" aria-label="{label}">',
        f"<style>\n{STYLE}\n</style>",
        f'<rect class="window" x=".5" y=".5" width="{width - 1}" height="{height - 1}" rx="8"/>',
        f'<path class="bar" d="M1 36V9a8 8 0 0 1 8-8H{width - 9}a8 8 0 0 1 8 8V36z"/>',
        *buttons,
        f'<text class="title" x="{width // 2}" y="23" text-anchor="middle">bash</text>',
        *texts,
        "</svg>\n",
    ]
    return "\n".join(parts)


def main() -> None:
    """Print the SVG of the scene that is named."""
    scene = SCENES[sys.argv[1]]
    with tempfile.TemporaryDirectory(prefix="cowork-env-picture-") as folder:
        shown = record(Path(folder).resolve(), scene)
    sys.stdout.write(picture(shown, scene.label))


if __name__ == "__main__":
    main()
