"""docs/orgs.md says what the tests show: every line has its test, and the page is made of the lines."""

import ast
from functools import cache

import pytest

from tests.orgs.__main__ import ORGS, ROOT, document
from tests.orgs.table import LINES, SECTIONS, TEXT, Line


@cache
def names_in(path: str) -> frozenset[str]:
    """The tests of a file that can fail: each asserts something, or expects an exception."""
    tree = ast.parse((ROOT / path).read_text())
    return frozenset(
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _can_fail(node)
    )


def _can_fail(test: ast.AST) -> bool:
    return any(
        isinstance(node, ast.Assert)
        or (isinstance(node, ast.Attribute) and (node.attr == "raises" or node.attr.startswith("assert_")))
        for node in ast.walk(test)
    )


@pytest.mark.parametrize("line", [pytest.param(each, id=each.test) for each in LINES])
def test_every_line_has_its_test(line: Line) -> None:
    assert line.test in names_in(line.path)
    assert all((line.setting, line.before, line.now))
    assert "|" not in line.setting + line.before + line.now


def test_no_line_is_listed_twice_and_no_section_is_empty() -> None:
    assert len({(each.path, each.test) for each in LINES}) == len(LINES)
    headings = [line[2:] for line in TEXT.read_text().split("\n") if line.startswith("# ")]
    assert headings == list(SECTIONS)


def test_the_page_is_made_of_the_lines() -> None:
    assert ORGS.read_text() == document()
