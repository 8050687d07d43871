"""What the documents say, held to what is: their commands are run, their tables, links and names of tests compared."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from cowork_env import secrets
from cowork_env.cli import COMMANDS
from cowork_env.cli.group import group
from cowork_env.core.environment import ACTIVE, MANAGED

from support.home import Home, need
from support.shells import HOOK, SHELLS, startup_file
from support.terminal import Terminal

ROOT = Path(__file__).parent.parent.parent
DOCUMENTS = {
    path: path.read_text(encoding="utf-8")
    for path in sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "bench/README.md"])
}
README = DOCUMENTS[ROOT / "README.md"]
KEY = "sk-or-v1-invented-0123456789"
FENCE = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)


def blocks(kind: str) -> list[str]:
    """The README's fenced blocks of one kind, each without its fences."""
    return re.findall(rf"^```{re.escape(kind)}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


def section(title: str) -> str:
    """The README's text below one heading."""
    (text,) = re.findall(
        rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", README, re.DOTALL | re.MULTILINE
    )
    return str(text)


def rows(text: str) -> list[list[str]]:
    """The first table in a text, as what stands in backquotes in the first cell of each row."""
    (table, *_) = re.findall(r"^\|[^\n]*\n\|[-|]+\n((?:\|[^\n]*\n)+)", text, re.MULTILINE)
    return [re.findall(r"`([^`]+)`", line.split("|")[1]) for line in table.splitlines()]


# Commands


@pytest.fixture
def desk(home: Home) -> Iterator[Home]:
    """A home with a project, a client that shows its environment, and no way to any other machine."""
    (home.path / "work/app").mkdir(parents=True)
    programs = home.path / "programs"
    programs.mkdir()
    for name in ("claude", "docker"):
        (programs / name).write_text('#!/bin/sh\necho "asked:$*"\nenv\n')
        (programs / name).chmod(0o755)
    settings = home.path / ".claude/settings.json"
    settings.parent.mkdir()
    settings.write_text('{"model": "mine"}\n')
    home.env["PATH"] = f"{programs}:{home.env['PATH']}"
    # 'add' tries a provider out: nothing listens there.
    home.env |= {"HTTPS_PROXY": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
    yield home
    assert settings.read_text() == '{"model": "mine"}\n'


@pytest.mark.parametrize("shell", SHELLS)
def test_quick_start(shell: str, desk: Home) -> None:
    """Line by line as it stands there, in a shell that has the line which init adds; settings files stay as they are."""
    (load,) = [block for block in blocks("sh") if "init" in block]
    done = subprocess.run(
        [*load.split(), shell],
        env=desk.env | {"ZDOTDIR": str(desk.path)},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 0 and startup_file(shell, desk).read_text() == HOOK[shell] + "\n", (
        done.stderr
    )
    terminal = Terminal(shell, desk)
    try:
        lines = "".join(blocks("sh quick-start")).splitlines()
        assert [line.split()[0] for line in lines] == [
            "cowork-env",
            "cd",
            "cowork-env",
            "claude",
            "cd",
        ]
        terminal.child.sendline(lines[0])
        terminal.child.expect_exact("Key")
        terminal.child.sendline(KEY)
        added = terminal._prompt()
        assert "added OpenRouter" in added and KEY not in added
        shown = [terminal.run(line) for line in lines[1:]]
        assert "cowork-env: OpenRouter (~/work/app/.cowork-provider)\n" in shown[1]
        assert "ANTHROPIC_BASE_URL=https://openrouter.ai/api\n" in shown[2] and KEY in shown[2]
        assert "cowork-env: left OpenRouter\n" in shown[3]
        assert terminal.managed() == {}
    finally:
        terminal.close()


@pytest.mark.parametrize("block", blocks("sh test"), ids=lambda block: block.split("\n")[0][:40])
def test_commands_of_the_readme(block: str, desk: Home) -> None:
    """Each block by itself, in a home with one provider, as a script that stops at the first failure."""
    add = ["cowork-env", "add", "openrouter", "--token-stdin"]
    subprocess.run(
        add, input=KEY, env=desk.env, text=True, capture_output=True, timeout=30, check=True
    )
    subprocess.run(
        ["cowork-env", "init", "bash"], env=desk.env, capture_output=True, timeout=30, check=True
    )
    done = subprocess.run(
        [need("bash"), "-e"],
        input=block,
        env=desk.env | {"SHELL": need("bash")},
        cwd=desk.path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    if "claude" in block:
        assert "asked:-p " in done.stdout and f"ANTHROPIC_AUTH_TOKEN={KEY}\n" in done.stdout
    if "init --remove" in block:
        assert (desk.path / ".bashrc").read_text() == ""


def test_the_two_commands_of_a_fresh_machine() -> None:
    """They are spelled as they have to be; what installs and runs them is test_packaging.py and whoever runs this."""
    fresh = [block.strip().split(" && ") for block in blocks("sh") if "venv" in block]
    assert fresh == [
        ["python3 -m venv .venv", ".venv/bin/pip install -q .", ".venv/bin/cowork-env demo"],
        [
            "python3 -m venv .venv",
            ".venv/bin/pip install -q -e '.[test]'",
            ".venv/bin/python -m pytest -n auto",
        ],
    ]


@pytest.mark.parametrize("shell", SHELLS)
def test_prompts(shell: str, home: Home) -> None:
    """The lines that show the active provider in a prompt, after the prompt was set."""
    home.providers([{"name": "100% mine", "baseUrl": "https://a.example", "authToken": "x"}])
    home.pin(home.path / "app", "100% mine\n")
    if shell == "fish":
        (line,) = blocks("fish")
        after = f"function fish_prompt\n{line}\nprintf '> '\nend"
    else:
        (after,) = blocks(f"sh {shell}-prompt")
    terminal = Terminal(shell, home, after=after)
    try:
        # fish draws its prompt where it cannot be told from what it redraws, so it is asked for it.
        show = "fish_prompt" if shell == "fish" else "true"
        terminal.run("cd app")
        assert terminal.run(show).startswith("[100% mine] ")
        terminal.run("cd ~")
        assert "mine" not in terminal.run(show)
    finally:
        terminal.close()


# Tables and names


def test_the_table_of_variables() -> None:
    named = [
        name for row in rows(section("What it sets and unsets")) for name in row if name.isupper()
    ]
    assert sorted(named) == sorted((*MANAGED, ACTIVE))


def test_the_table_of_commands() -> None:
    named = [name for row in rows(section("Commands")) for name in row]
    assert sorted(named) == sorted(COMMANDS)


def test_the_table_of_keys() -> None:
    named = [name for row in rows(section("Keys")) for name in row]
    kinds = [next(kind for kind in secrets.SCHEMES if name.startswith(kind)) for name in named]
    assert sorted(kinds) == sorted(kind for kind, module in secrets.SCHEMES.items() if module)
    missing = {kind for kind, module in secrets.SCHEMES.items() if not module}
    assert all(f"`{kind}`" in section("Known limits") for kind in missing)


def test_every_command_and_option_that_is_named_exists() -> None:
    """Wherever a document says "cowork-env WORD --option": in code spans and in fenced blocks."""
    seen = 0
    for path, text in DOCUMENTS.items():
        fenced = FENCE.findall(text)
        for code in (
            *re.findall(r"`([^`\n]+)`", FENCE.sub("", text)),
            *(line for block in fenced for line in block.splitlines()),
        ):
            if re.search(r"\b(un)?install\b", code):
                continue  # There it is the name of the package.
            for found in re.finditer(
                r"(?:^|[\s\"(/])cowork-env ((?:[\w.:/~'=\[\]-]|\$\w| )+)", code
            ):
                words = found[1].replace("'", "").split()
                if not re.fullmatch(r"[a-z]+", words[0]):
                    continue
                assert words[0] in COMMANDS, f"{path.name}: {code}"
                command = group.get_command(click.Context(group), words[0])
                assert command is not None
                options = {
                    name
                    for parameter in command.params
                    for name in (*parameter.opts, *parameter.secondary_opts)
                }
                own = words[1 : words.index("--")] if "--" in words else words[1:]
                for option in (word.partition("=")[0] for word in own if word.startswith("--")):
                    assert option in options or option == "--help", f"{path.name}: {code}"
                seen += 1
    assert seen > 40


def test_every_link_leads_somewhere() -> None:
    seen = 0
    for path, text in DOCUMENTS.items():
        for link in re.findall(r"\]\(([^)\s]+)\)", FENCE.sub("", text)):
            if not link.startswith("https://"):
                assert (path.parent / link.partition("#")[0]).exists(), f"{path.name}: {link}"
                seen += 1
    assert seen > 10


def test_every_test_that_is_named_exists() -> None:
    """SECURITY.md's proofs, and whatever else names a test: ``tests/test_x.py::test_name``, or a file alone."""
    seen = 0
    for path, text in DOCUMENTS.items():
        for file, name in re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", text):
            tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
            functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
            assert not name or name in functions, f"{path.name}: {file}::{name}"
            seen += 1
    assert seen > 30


def test_every_path_that_contributing_names_exists() -> None:
    for code in re.findall(r"`([^`\n]+)`", FENCE.sub("", DOCUMENTS[ROOT / "CONTRIBUTING.md"])):
        if re.fullmatch(r"(cowork_env|shell|tests|bench|docs)/[\w./-]*", code):
            assert (ROOT / code).exists(), code


# The map


def modules_of(path: Path) -> Iterator[str]:
    """The modules of ours that a file imports, anywhere in it but for its types, as paths below the root."""
    package = path.relative_to(ROOT).parts[:-1]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in list(ast.walk(tree)):
        if (
            isinstance(node, ast.If)
            and isinstance(node.test, ast.Name)
            and node.test.id == "TYPE_CHECKING"
        ):
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = Path(*package[: len(package) - node.level + 1], *(node.module or "").split("."))
            for target in (
                [base]
                if (ROOT / base).with_suffix(".py").exists()
                else [base / alias.name for alias in node.names]
            ):
                found = target if (ROOT / target).is_dir() else target.with_suffix(".py")
                yield str(found if (ROOT / found).exists() else base)


def test_dependencies_point_down_the_table() -> None:
    """Every module has a room in CONTRIBUTING.md's table, and imports nothing of a room above its own."""
    text = (
        DOCUMENTS[ROOT / "CONTRIBUTING.md"]
        .partition("## Where a line lives")[2]
        .partition("\n## ")[0]
    )
    lines = [line for line in text.splitlines() if line.startswith("| `")]
    rooms = {
        room.rstrip("/"): number
        for number, line in enumerate(lines)
        for room in re.findall(r"`(cowork_env/[\w./]+)`", line)
    }

    def room(path: str) -> int:
        return rooms[path] if path in rooms else rooms[str(Path(path).parent)]

    seen = 0
    for path in sorted((ROOT / "cowork_env").rglob("*.py")):
        if path == ROOT / "cowork_env/__init__.py":
            continue
        own = str(path.relative_to(ROOT))
        for module in modules_of(path):
            if module != "cowork_env":
                assert room(own) <= room(module), f"{own} imports {module}"
                seen += 1
    assert seen > 150
