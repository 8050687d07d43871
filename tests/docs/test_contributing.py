"""CONTRIBUTING.md: its map of the code is the code's, and what it points to is there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from support.documents import DOCUMENTS, FENCE, ROOT, code, rows, section

CONTRIBUTING = ROOT / "CONTRIBUTING.md"
PATH = re.compile(r"(\.ci|\.github|cowork_env|shell|tests|bench|docs)/[\w./-]*")


def test_every_path_that_is_named_exists() -> None:
    named = [c for c in code(FENCE.sub("", DOCUMENTS[CONTRIBUTING])) if PATH.fullmatch(c)]
    assert [path for path in named if not (ROOT / path).exists()] == []
    assert len(named) > 30


def test_where_to_find_is_where_it_is() -> None:
    """Each row has definitions, each followed by the file that has it."""
    table = rows(section(CONTRIBUTING, "Where to find"))
    assert len(table) > 9
    for what, where in table:
        names: list[str] = []
        for word in code(where):
            if not PATH.fullmatch(word):
                names.append(word)
                continue
            tree = ast.parse((ROOT / word).read_text(encoding="utf-8"))
            assert names and set(names) <= set(definitions(tree)), what
            names = []
        assert not names, what


def definitions(tree: ast.Module) -> Iterator[str]:
    """The names of a module's functions, classes, methods and constants."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (target.id for target in targets if isinstance(target, ast.Name))


def modules_of(path: Path) -> Iterator[str]:
    """The package's modules that a file imports, except for types, as paths below the root."""
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
            is_module = (ROOT / base).with_suffix(".py").exists()
            for target in [base] if is_module else [base / alias.name for alias in node.names]:
                found = target if (ROOT / target).is_dir() else target.with_suffix(".py")
                yield str(found if (ROOT / found).exists() else base)


def test_dependencies_point_down_the_table() -> None:
    """Every module is in the table of the map, and imports nothing from a row above its own."""
    lines = [
        line for line in section(CONTRIBUTING, "Map of the code").splitlines() if line[:3] == "| `"
    ]
    order = {
        path.rstrip("/"): number
        for number, line in enumerate(lines)
        for path in re.findall(r"`(cowork_env/[\w./]+)`", line)
    }

    def row(path: str) -> int:
        return order[path] if path in order else order[str(Path(path).parent)]

    seen, wrong = 0, []
    for path in sorted((ROOT / "cowork_env").rglob("*.py")):
        if path == ROOT / "cowork_env/__init__.py":
            continue
        own = str(path.relative_to(ROOT))
        for module in modules_of(path):
            if module != "cowork_env":
                seen += 1
                if row(own) > row(module):
                    wrong.append(f"{own} imports {module}")
    assert not wrong
    assert seen > 150
