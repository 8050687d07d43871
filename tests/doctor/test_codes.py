"""The table of codes: every use of it fits, and docs/doctor.md has it."""

from __future__ import annotations

import ast
import importlib.util
import string
from pathlib import Path

import pytest

import cowork_env.doctor
from cowork_env.doctor.codes import CODES, TOPICS, Text

from support.doctor import check, the
from support.server import Serve, always, error

ROOT = Path(__file__).parents[2]
# Keywords of Report.add that are not fields of a template.
OPTIONS = {"level", "where", "fix"}


def calls_of_add() -> list[ast.Call]:
    """The calls of ``report.add`` whose code and text are written out."""
    package = Path(cowork_env.doctor.__file__).parent
    calls = [
        node
        for path in sorted(package.glob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "add"
        and all(isinstance(argument, ast.Constant) for argument in node.args)
        and node.args
    ]
    return [call for call in calls if ast.unparse(call.func).endswith("report.add")]


def fields(text: Text) -> set[str]:
    parsed = string.Formatter().parse(text.message + text.hint)
    return {name for _, name, _, _ in parsed if name is not None}


@pytest.mark.parametrize("call", calls_of_add(), ids=ast.unparse)
def test_code_and_fields_of_a_finding_are_in_the_table(call: ast.Call) -> None:
    code, text = [*(ast.literal_eval(argument) for argument in call.args), ""][:2]
    given = {keyword.arg for keyword in call.keywords} - OPTIONS
    assert given == fields(CODES[code].texts[text])


def test_most_findings_are_written_out() -> None:
    assert len(calls_of_add()) > 30


def test_codes_are_unique() -> None:
    assert len(CODES) == sum(len(codes) for codes in TOPICS.values())


def test_braces_in_a_value_are_not_a_template(serve: Serve) -> None:
    report = check(serve(always(401, error("x", "{0} {status}"))).url)
    assert "{0} {status}" in the(report, "key").message


def test_document_has_the_current_table() -> None:
    path = ROOT / "docs/make_tables.py"
    spec = importlib.util.spec_from_file_location("make_tables", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    place = ROOT / "docs/doctor.md"
    document = place.read_text(encoding="utf-8")
    assert document == module.document(place), "run: python docs/make_tables.py"
    assert all(f"| `{code}` |" in document for code in CODES)
