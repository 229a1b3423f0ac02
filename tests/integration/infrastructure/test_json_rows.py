"""Rows that Postgres is given as one JSON value."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text

from app.infrastructure.database import Database
from app.infrastructure.json_rows import as_rows, rows_of

COLUMNS = {"name": "text", "size": "int", "is_wild": "bool", "seen_at": "timestamptz", "found": "jsonb"}
READ = text(rows_of("rows", COLUMNS))


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(("Otter", 7, True, datetime(2026, 5, 4, 3, 2, 1, 987654, UTC), {"a": [1]}), id="values"),
        pytest.param((None, None, None, None, None), id="nothing"),
        pytest.param(("", 0, False, None, []), id="empty"),
        pytest.param(('"[null]"', -1, False, None, {"a": None}), id="what looks like JSON"),
    ],
)
async def test_rows_arrive_as_they_were_given(database: Database, row: tuple[Any, ...]) -> None:
    async with database.system() as session:
        found = (await session.execute(READ, {"rows": as_rows([row, row])})).all()
    assert [tuple(each) for each in found] == [row, row]


async def test_a_missing_json_value_is_null(database: Database) -> None:
    count = text(f"SELECT count(found) FROM ({rows_of('rows', COLUMNS)}) AS row")
    async with database.system() as session:
        assert await session.scalar(count, {"rows": as_rows([(None,) * 5, ("Otter", 1, True, None, 1)])}) == 1
