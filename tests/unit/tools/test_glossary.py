"""The glossary names what exists: in the code, in the document of the API and in the tables."""

import json
import re
from pathlib import Path

import pytest

from app.models import Base

ROOT = Path(__file__).parents[3]
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (ROOT / "docs/glossary.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and not line.startswith("| word |")
]
CODE = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "app").rglob("*.py"))
SCHEMAS = json.loads((ROOT / "openapi/openapi.json").read_text(encoding="utf-8"))["components"]["schemas"]
FIELDS = {name for schema in SCHEMAS.values() for name in schema.get("properties", ())}


def names(cell: str) -> list[str]:
    return re.findall("`([^`]+)`", cell)


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_every_name_of_a_word_exists(row: list[str]) -> None:
    word, meaning, code, api, database, _before = row
    assert word
    assert meaning
    assert code
    for name in names(code):
        owner, _, member = name.partition(".")
        assert re.search(rf"^(class |async def |def )?{owner}\b", CODE, re.MULTILINE), name
        assert not member or re.search(rf"^    {member}\b", CODE, re.MULTILINE), name
    for name in names(api):
        owner, _, member = name.partition(".")
        assert owner in SCHEMAS or owner in FIELDS, name
        assert not member or member in SCHEMAS[owner]["properties"], name
    for name in names(database):
        table, _, column = name.partition(".")
        assert not column or column in Base.metadata.tables[table].columns, name
        assert table in Base.metadata.tables, name


def test_a_word_stands_once() -> None:
    words = [row[0] for row in ROWS]
    assert len(set(words)) == len(words) >= 40
