"""What the documents name exists, what they list is complete, and what is generated is current."""

from __future__ import annotations

import ast
import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from cowork_env import secrets
from cowork_env.cli import COMMANDS
from cowork_env.cli.group import group
from cowork_env.core import pins
from cowork_env.core.client_variables import CONFLICTING
from cowork_env.core.environment import ACTIVE, MANAGED
from cowork_env.core.provider import KEYS, Provider

from support.documents import DOCUMENTS, FENCE, README, ROOT, blocks, code, rows, section
from support.shells import HOOK

CONFIGURATION = ROOT / "docs/configuration.md"
SHELLS_MD = ROOT / "docs/shells.md"
GENERATED = {ROOT / "docs/commands.md", ROOT / "bench/table.md"}

# Length


def test_the_readme_can_be_read_in_five_minutes() -> None:
    text = DOCUMENTS[README]
    assert len(text.splitlines()) <= 140
    assert len(text.split()) <= 1300


@pytest.mark.parametrize(
    "path", sorted(DOCUMENTS.keys() - GENERATED), ids=lambda path: str(path.relative_to(ROOT))
)
def test_lines_are_wrapped(path: Path) -> None:
    """At 100 columns, except tables, code, and code spans that are longer by themselves."""
    long = [
        line
        for line in FENCE.sub("", DOCUMENTS[path]).splitlines()
        if len(line) > 100 and not re.match(r"\||    |`\S+`\S?$", line)
    ]
    assert not long


# Generated documents


@pytest.mark.parametrize(
    ("script", "made"),
    [
        ("docs/make_commands.py", "docs/commands.md"),
        ("docs/make_manual.py", "docs/cowork-env.1"),
        ("docs/make_completion.py", "cowork_env/cli/completion.json"),
        ("docs/make_picture.py demo", "docs/demo.svg"),
        ("docs/make_picture.py status", "docs/status.svg"),
    ],
)
def test_what_is_generated_is_current(script: str, made: str) -> None:
    command = [sys.executable, *script.split()]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=100)
    assert done.returncode == 0, done.stderr.decode()
    current = done.stdout.decode("utf-8")
    assert (ROOT / made).read_text(encoding="utf-8") == current, (
        f"It is out of date: python {script} > {made}"
    )


def test_the_readme_has_the_main_lines_of_the_benchmark() -> None:
    """They are those of the last full run, which made the picture, too."""
    picture = (ROOT / "docs/bench.svg").read_text(encoding="utf-8")
    texts = re.findall(r"<text[^>]*>([^<]*)<", picture)
    shown = rows(section(README, "Speed"))
    titles = re.findall(r'<text class="title"[^>]*>([^<]*)<', picture)
    assert titles and [title for title, *_ in shown] == titles
    for title, *times in shown:
        in_bash = texts[texts.index(title) + 2 :]
        in_bash = in_bash[: in_bash.index("zsh")]
        measured = dict(zip(in_bash[::2], in_bash[1::2], strict=True))
        assert times == [measured.get(tool, "") for tool in ("cowork-env", "mise", "direnv")]


# Tables


def test_the_table_of_variables() -> None:
    table = rows(section(CONFIGURATION, "Variables that are set and unset"))
    named = [name for row in table for name in code(row[0])]
    assert sorted(named) == sorted(
        {*MANAGED, ACTIVE} - {*CONFLICTING}
    )  # These have their own table.


def test_the_table_of_unset_variables_is_current() -> None:
    before = CONFIGURATION.read_text(encoding="utf-8")
    spec = importlib.util.spec_from_file_location("made", ROOT / "docs/make_tables.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.document(CONFIGURATION) == before, "It is out of date: python docs/make_tables.py"


def test_the_table_of_providers_keys() -> None:
    table = rows(section(CONFIGURATION, "providers.json"))
    assert sorted(name for row in table for name in code(row[0])) == sorted(KEYS)


def test_the_table_of_references() -> None:
    named = [name for row in rows(section(CONFIGURATION, "Keys")) for name in code(row[0])]
    kinds = [next(kind for kind in secrets.SCHEMES if name.startswith(kind)) for name in named]
    assert sorted(kinds) == sorted(kind for kind, module in secrets.SCHEMES.items() if module)
    missing = {kind for kind, module in secrets.SCHEMES.items() if not module}
    assert all(f"`{kind}`" in DOCUMENTS[ROOT / "docs/limitations.md"] for kind in missing)


def test_the_table_of_hooks() -> None:
    lines = {row[0]: row[2].strip("`") for row in rows(section(SHELLS_MD, "Loading the hook"))}
    assert {shell: lines[shell].replace(r"\|", "|") for shell in HOOK} == HOOK


# Names


def test_every_command_and_option_that_is_named_exists() -> None:
    """Wherever a document has "cowork-env WORD --option": in code spans and in code blocks."""
    seen = 0
    for path, text in DOCUMENTS.items():
        if path in GENERATED:
            continue
        fenced = FENCE.findall(text)
        spans = code(FENCE.sub("", text))
        for span in (*spans, *(line for block in fenced for line in block.splitlines())):
            if re.search(r"\b((un)?install|inject)\b", span) or span.startswith("+"):
                continue  # the name of the package, or code of the package itself in a diff
            for found in re.finditer(
                r"(?:^|[\s\"(/])cowork-env ((?:[\w.:/~'=\[\]-]|\$\w| )+)", span
            ):
                words = found[1].replace("'", "").split()
                if not words or not re.fullmatch(r"[a-z]+", words[0]):
                    continue
                assert words[0] in COMMANDS, f"{path.name}: {span}"
                own = words[1 : words.index("--")] if "--" in words else words[1:]
                named = {word.partition("=")[0] for word in own if word.startswith("--")}
                assert named <= options_of(words[0]), f"{path.name}: {span}"
                seen += 1
    assert seen > 60


def options_of(name: str) -> set[str]:
    """The options of a command."""
    command = group.get_command(click.Context(group), name)
    assert command is not None
    return {"--help"} | {
        option
        for parameter in command.params
        for option in (*parameter.opts, *parameter.secondary_opts)
    }


def test_every_link_leads_somewhere() -> None:
    seen = 0
    for path, text in DOCUMENTS.items():
        for link in re.findall(r"\]\(([^)\s]+)\)", FENCE.sub("", text)):
            if link.startswith("https://"):
                continue
            file, _, anchor = link.partition("#")
            target = (path.parent / file).resolve() if file else path
            assert target.exists(), f"{path.name}: {link}"
            assert not anchor or anchor in anchors(target), f"{path.name}: {link}"
            seen += 1
    assert seen > 30


def anchors(path: Path) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", DOCUMENTS[path]), re.MULTILINE)
    return {anchor(heading) for heading in headings}


def anchor(heading: str) -> str:
    """The anchor of a heading."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def test_every_test_that_is_named_exists() -> None:
    """``tests/test_x.py::test_name``, or a file alone."""
    seen, stale = 0, []
    for path, text in DOCUMENTS.items():
        for file, name in re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", text):
            seen += 1
            if not (ROOT / file).exists():
                stale.append(f"{path.name}: {file}::{name}")
                continue
            tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
            functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
            if name and name not in functions:
                stale.append(f"{path.name}: {file}::{name}")
    assert not stale
    assert seen > 60


# What the troubleshooting guide quotes of other programs, and of variables.
FOREIGN = {
    "$COWORK_PROVIDER",
    *("401", "402", "403", "404", "429", "529", "Overloaded"),
    *("model not found", "Invalid model name", "There's an issue with the selected model"),
    *("Can't reach the API server", "ENOTFOUND"),
    *("Connection error", "Connection refused", "ECONNREFUSED"),
    *("Failed to authenticate", "Invalid API key", "Not logged in"),
    *("bad interpreter", "required file not found", "command not found: cowork-env"),
    ".../cowork-env/shims/claude",
}
TROUBLESHOOTING = ROOT / "docs/troubleshooting.md"


def test_messages_in_the_troubleshooting_guide_are_the_programs() -> None:
    text = DOCUMENTS[TROUBLESHOOTING]
    headings = re.findall(r"^## .*\".*$", text, re.MULTILINE)
    quoted = [text for heading in headings for text in re.findall(r'"([^"]+)"', heading)]
    tables = re.findall(r"^\|[^\n]*\n(?:\|[^\n]*\n)+", text, re.MULTILINE)
    assert len(tables) == 4
    quoted += [text for table in tables for row in rows(table) for text in code(row[0])]
    files = [*(ROOT / "cowork_env").rglob("*.py"), *(ROOT / "shell").iterdir()]
    source = "\n".join(file.read_text(encoding="utf-8") for file in files)
    # Strings that stand on several lines are one.
    source = re.sub(r"\"\s*\n\s*f?\"", "", source)
    messages = [text for text in quoted if text not in FOREIGN]
    assert len(messages) > 30
    for text in messages:
        fixed = re.sub(r" ?\.\.\.$| \(mode \d+\)$", "", text)
        assert fixed in source, text


def test_the_index_of_the_troubleshooting_guide_is_complete() -> None:
    """Every section is in it, with what its heading quotes; the section of fetching, with all."""
    text = DOCUMENTS[TROUBLESHOOTING]
    index = {row[1].partition("(")[2].strip("#)"): row[0] for row in rows(text)}
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    by_anchor = {anchor(heading): heading for heading in headings}
    assert {*index} == {*by_anchor}
    for link, symptom in index.items():
        for message in re.findall(r'"([^"]+)"', by_anchor[link]):
            fixed = re.sub(r" ?\.\.\.$| \(mode \d+\)$|; it is ignored$", "", message)
            assert any(fixed in shown for shown in code(symptom)), message
    kinds = [row[0] for row in rows(section(TROUBLESHOOTING, "Keys that cannot be fetched"))]
    assert kinds == [f"`{text}`" for text in code(index["keys-that-cannot-be-fetched"])]


def test_additions_are_as_the_diffs_show() -> None:
    """Each run of added lines, and each line of context, is in its file."""
    diffs = blocks(ROOT / "docs/extending.md", "diff")
    assert len(diffs) == 4
    for diff in diffs:
        runs: list[tuple[str, list[str]]] = []
        file, before = "", " "
        for line in diff.splitlines():
            if line.startswith("+++ b/"):
                file = line.removeprefix("+++ b/")
            elif not line.startswith("---"):
                if line[0] != "+" or before != "+":
                    runs.append((file, []))
                runs[-1][1].append(line[1:])
            before = line[:1] if not line.startswith("+++") else " "
        assert runs
        for file, added in runs:
            assert "\n".join(added) in (ROOT / file).read_text(encoding="utf-8"), file


# Examples


def test_pins_are_valid() -> None:
    for path in (README, ROOT / "docs/pins-and-trust.md"):
        (text, *_) = [
            block for block in blocks(path, "text") if not block.startswith("cowork-env: ")
        ]
        pin = pins.parse(text.encode())
        assert (pin.name_or_id, list(pin.models), pin.required) == ("openrouter", ["opus"], True)


def test_providers_are_valid() -> None:
    for path in (CONFIGURATION, ROOT / "docs/ci.md"):
        (text,) = blocks(path, "json")
        (entry,) = json.loads(text)
        assert secrets.scheme_of(Provider(entry).token_from)


def test_notices_are_as_in_the_picture() -> None:
    picture = (ROOT / "docs/demo.svg").read_text(encoding="utf-8")
    for path in (README, ROOT / "docs/pins-and-trust.md"):
        (notice,) = [text for text in blocks(path, "text") if text.startswith("cowork-env: ")]
        assert f">{notice.strip()}<" in picture
