"""docs/features.md: each row leads to what is there, and names a test or a browser step that is there."""

import re
from collections import Counter
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[3]
DOCS: Final = ROOT / "docs"
ELEMENTS: Final = ROOT / "web/src"
STATEMENTS: Final = {"E": 62, "I": 9, "L": 19, "O": 22, "S": 40}
"""How many sentences each of the five systems has."""
ROW: Final = re.compile(r"^\| ([A-Z]\d+) \| (.+?) \| (.+?) \| (.+?) \|$", re.MULTILINE)
LINK: Final = re.compile(r"\[[^\]]+\]\(([^)#]+)(?:#([^)]+))?\)")
STEP: Final = re.compile(r"browser: \*(.+?)\*")
NAMED: Final = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")
ELEMENT: Final = re.compile(r"`<([\w-]+)>`")

Row = tuple[str, str, str, str]


def rows() -> list[Row]:
    return ROW.findall((DOCS / "features.md").read_text())


@pytest.fixture(scope="module")
def steps() -> re.Pattern[str]:
    """The names of the browser's steps; `${…}` in a name stands for anything."""
    texts = (path.read_text() for path in (ROOT / "web/tests/browser").rglob("*.mjs"))
    names = (name for text in texts for name in re.findall(r"\b(?:step|test)\(\s*[\"`]([^\"`]+)[\"`],", text))
    return re.compile("|".join(re.sub(r"\\\$\\\{.*?\\\}", ".+", re.escape(name)) for name in names))


def test_each_sentence_has_one_row() -> None:
    assert [number for number, count in Counter(row[0] for row in rows()).items() if count > 1] == []
    assert Counter(row[0][0] for row in rows()) == STATEMENTS


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0])
def test_row_leads_to_what_is_there(row: Row, steps: re.Pattern[str]) -> None:
    _, _, where, shown_by = row
    assert [link for link in LINK.findall(where) if not leads_somewhere(*link)] == []
    assert [name for name in ELEMENT.findall(where) if not is_element(name)] == []
    named, walked = NAMED.findall(shown_by), STEP.findall(shown_by)
    assert named or walked
    assert [each for each in named if not is_test(*each)] == []
    assert [each for each in walked if not steps.fullmatch(each)] == []


def leads_somewhere(path: str, place: str) -> bool:
    document = DOCS / path
    return document.exists() and (not place or place in places_of(document.read_text()))


def places_of(text: str) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    made = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    return made | set(re.findall(r'<a id="([^"]+)"', text))


def is_element(name: str) -> bool:
    return any(f'define("{name}"' in path.read_text() for path in ELEMENTS.rglob("*.ts"))


def is_test(path: str, name: str) -> bool:
    return (ROOT / path).exists() and (not name or f"def {name}(" in (ROOT / path).read_text())


def test_a_row_that_leads_nowhere_is_found() -> None:
    assert not leads_somewhere("campaigns.md", "otters")
    assert not is_test("tests/unit/docs/test_features.py", "test_otters")
    assert not is_element("salesforce-otter")
