"""The SQL of the two merged tables names what their rows hold, and no column is forgotten."""

import re
from typing import Any

import pytest
from sqlalchemy import DateTime

from app.models.base import Base
from app.webhooks.merge_upsert import EVENTS, REGISTRATIONS, MergeTable

BESIDE = {
    "events": {
        "created_at",
        "paused_at",
        "paused_by",
        "resumed_at",
        "has_had_link",
        "writes",
        "settings_version",
    },
    "registrations": {
        "created_at",
        "updated_at",
        "change_no",
        "excluded_at",
        "excluded_by",
        "erased_at",
        "has_moved",
    },
}
"""Columns that webhooks do not fill."""
ONCE = {"events": {"is_enabled"}, "registrations": set[str]()}
"""Columns of a new row that no later webhook changes."""
ERASED = {"erased_at"}
"""What is read besides what webhooks fill."""


@pytest.mark.parametrize("table", [EVENTS, REGISTRATIONS], ids=lambda table: table.name)
def test_every_statement_names_the_columns_that_webhooks_fill(table: MergeTable[Any]) -> None:
    columns = Base.metadata.tables[table.name].columns
    keys = {"host_id", table.id_column}
    filled = set(re.findall(r"(\w+) = r\.", table.update.text.partition("FROM")[0]))
    inserted = set(re.split(r",\s+", table.insert.text.partition("(")[2].partition(")")[0].strip()))
    once = ONCE[table.name]
    assert inserted == filled | keys | once
    assert set(columns.keys()) - filled - keys - once == BESIDE[table.name]
    compared = filled | (ERASED & set(columns.keys()))
    assert set(table.times) == {name for name in compared if isinstance(columns[name].type, DateTime)}
