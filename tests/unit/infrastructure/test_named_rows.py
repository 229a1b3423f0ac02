"""Rows whose columns are read by name."""

from typing import Any

from sqlalchemy.engine.result import IteratorResult, SimpleResultMetaData

from app.infrastructure.named_rows import named_rows


def test_rows_have_their_columns_by_name() -> None:
    columns = SimpleResultMetaData(["id", "kind"])
    result: IteratorResult[Any] = IteratorResult(columns, iter([("reg_1", None), ("reg_2", "vip")]))

    first, second = named_rows(result)

    assert (first.id, first.kind) == ("reg_1", None)
    assert (second.id, second.kind) == ("reg_2", "vip")
