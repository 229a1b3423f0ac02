"""Cursors: they come back as they went, and a forged one is refused before it meets the database."""

import base64
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import Column, Integer, Table, select
from sqlalchemy.schema import MetaData

from app.api.errors import CursorInvalid
from app.api.pagination import Cursor, SortOrder

CURSOR = Cursor("list", (datetime, str, int))
AT = datetime(2026, 11, 24, 10, 0, 0, 123456, tzinfo=UTC)
HERE = timezone(timedelta(hours=2))
OTTERS = Table("otters", MetaData(), Column("id", Integer))


def forged(*parts: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


def test_keys_come_back_with_their_types() -> None:
    assert CURSOR.decode(CURSOR.encode(AT.astimezone(HERE), "ötter", 7)) == [AT, "ötter", 7]


@pytest.mark.parametrize(
    "cursor",
    [
        pytest.param("%", id="no base64"),
        pytest.param(forged("other", AT.isoformat(), "a", "1"), id="another list"),
        pytest.param(forged("list", AT.isoformat(), "a"), id="too few keys"),
        pytest.param(forged("list", AT.isoformat(), "a", 1), id="no texts"),
        pytest.param(forged("list", "yesterday", "a", "1"), id="no time"),
        pytest.param(forged("list", "2026-11-24T10:00:00", "a", "1"), id="no offset"),
        pytest.param(forged("list", "0001-01-01T00:00:00+14:00", "a", "1"), id="before the first year"),
        pytest.param(forged("list", AT.isoformat(), "\0", "1"), id="not storable"),
        pytest.param(forged("list", AT.isoformat(), "\ud800", "1"), id="half a character"),
        pytest.param(forged("list", AT.isoformat(), "a", "-1"), id="negative"),
        pytest.param(forged("list", AT.isoformat(), "a", "9" * 19), id="beyond a bigint"),
        pytest.param(forged("list", AT.isoformat(), "a", "٣"), id="foreign digits"),
    ],
)
def test_forged_cursors_are_refused(cursor: str) -> None:
    with pytest.raises(CursorInvalid):
        CURSOR.decode(cursor)


@pytest.mark.parametrize(("is_descending", "condition"), [(True, "<"), (False, ">")])
def test_a_page_goes_on_behind_the_cursor(is_descending: bool, condition: str) -> None:
    order = SortOrder(Cursor("otters", (int,)), (OTTERS.c.id,), is_descending=is_descending)
    query = order.page(select(OTTERS.c.id), limit=2, cursor=order.cursor.encode(5))
    text = str(query.compile(compile_kwargs={"literal_binds": True}))
    way = "DESC" if is_descending else "ASC"
    assert " ".join(text.split()) == (
        f"SELECT otters.id FROM otters WHERE (otters.id) {condition} (5) ORDER BY otters.id {way} LIMIT 3"
    )


def test_the_last_page_has_no_cursor() -> None:
    order = SortOrder(Cursor("otters", (int,)), (OTTERS.c.id,))
    assert order.cut([3, 2], limit=2, keys=lambda row: (row,)) == ([3, 2], None)
    assert order.cut([3, 2, 1], limit=2, keys=lambda row: (row,)) == ([3, 2], order.cursor.encode(2))
