"""Text in commands that a user may paste."""

from __future__ import annotations

import ast
import random
import re
import subprocess
from pathlib import Path

import pytest

from cowork_env.doctor.codes import TOPICS
from cowork_env.util import text
from cowork_env.util.text import argument

from support.home import need

HOSTILE = [
    *("plain", "two words", "it's", "'", "''", "\\", "\\'", "'\\", "a\\", "\\\\n", 'say "x"', '"'),
    *("$(touch owned)", "`touch owned`", "$HOME", "${x}", "a;touch owned", "a|b", "a&b", "a>owned"),
    *(
        "!",
        "!!",
        "~",
        "~root",
        "#",
        "a #b",
        "=ls",
        "%self",
        "^x^y",
        "*",
        "?",
        "[a]",
        "{a,b}",
        "(a)",
    ),
    *(
        "-",
        "--",
        "-x",
        "--help",
        "-$(x)",
        "- '",
        " lead",
        "trail ",
        "ä",
        "日本",
        "a=b",
        "<(x)",
        "\u00a0",
    ),
]
ALPHABET = "ab'\\\"$(){}[]`!~#-=;&|<>*?^%@ :,.ä/"


def names() -> list[str]:
    chosen = random.Random(9)  # noqa: S311  # the same names in each run
    made = ["".join(chosen.choices(ALPHABET, k=chosen.randint(1, 9))) for _ in range(400)]
    return HOSTILE + made


@pytest.mark.parametrize("shell", ["sh", "bash", "zsh", "fish"])
def test_a_pasted_command_has_the_argument_byte_for_byte(shell: str, tmp_path: Path) -> None:
    """In every shell, and with nothing else run."""
    stub = "printf '%s\\0' \"$@\"; printf '\\1\\0'"
    start = {"fish": "function cowork-env; printf '%s\\0' $argv; printf '\\1\\0'; end"}.get(
        shell, f"run() {{ {stub}; }}"
    )
    word = "cowork-env" if shell == "fish" else "run"
    lines = [start, *(f"{word} edit --token-stdin {argument(name, 'NAME')}" for name in names())]
    options = {"bash": ["--norc"], "zsh": ["-f"], "fish": ["--no-config"]}.get(shell, [])
    done = subprocess.run(
        [need(shell), *options, "-c", "\n".join(lines)],
        cwd=tmp_path,
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == b""
    calls = done.stdout.decode().split("\0\1\0")[:-1]
    given = [call.split("\0") for call in calls]
    expected = [
        ["edit", "--token-stdin", *(["--"] if name.startswith("-") else []), name]
        for name in names()
    ]
    assert given == expected
    assert list(tmp_path.glob("owned")) == []


@pytest.mark.parametrize(
    "name", ["", "a\nb", "\x1b[2J", "\t", "\udcff", "\u202e", "\u200b", "x" * 401]
)
def test_what_cannot_be_pasted_is_described(name: str) -> None:
    assert argument(name, "NAME") == "NAME"


def test_every_command_in_a_message_is_quoted() -> None:
    """What is filled in after "cowork-env ..." in a message comes from ``argument``."""
    package = Path(text.__file__).parents[1]
    quoted = {"argument", "which", "where", "word"}  # variables that hold what it returned
    found = 0
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.JoinedStr):
                continue
            before = ""
            for part in node.values:
                if isinstance(part, ast.Constant):
                    before = str(part.value)
                    continue
                assert isinstance(part, ast.FormattedValue)
                if re.search(r"cowork-env [a-z][-a-z ]*['\"]?$", before):
                    found += 1
                    code = ast.unparse(part.value)
                    ours = path.name == "init.py" and code == "name"  # a shell's name, from a list
                    ours = ours or code.isupper()  # a constant
                    assert (
                        code.startswith(("argument(", "name_argument(")) or code in quoted or ours
                    ), (path, code)
                before = ""
    assert found >= 7
    for codes in TOPICS.values():
        for code in codes:
            for one in code.texts.values():
                command = re.search(r"(?:cowork-env [a-z]+|chmod) ([^.]*)$", one.hint)
                fields = set(re.findall(r"\{(\w+)\}", command[1])) if command else set()
                assert fields <= {"argument", "options", "auth"}, code.name
