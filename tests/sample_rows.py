"""One row for any table, made from its model: tests that must not forget a table walk through them all."""

import re
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Boolean, CheckConstraint, DateTime, LargeBinary, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.types import Integer, TypeEngine

from app.models.base import Digest, Sealed

VALUES: dict[type[TypeEngine[Any]], Any] = {
    Text: "x",
    LargeBinary: b"x",
    Sealed: b"x",
    Digest: b"x",
    DateTime: datetime(2026, 11, 29, tzinfo=UTC),
    Boolean: False,
    Integer: 1,
    JSONB: {},
    ARRAY: [],
}
CHOICE = re.compile(r"(\w+) IN \('([\w.]+)'")


def sample_row(table: Table, **given: Any) -> dict[str, Any]:
    """A value for every column, of its type and within its checks."""
    row = {
        column.name: next(value for kind, value in VALUES.items() if isinstance(column.type, kind))
        for column in table.columns
        if column.identity is None
    }
    for constraint in table.constraints:
        if isinstance(constraint, CheckConstraint):
            row |= dict(CHOICE.findall(str(constraint.sqltext)))
    return row | {name: value for name, value in given.items() if name in row}
