"""Rows of which many columns are read by name: of SQLAlchemy's Row each takes six times as long."""

from collections import namedtuple
from functools import lru_cache
from typing import Any

from sqlalchemy import Result


def named_rows(result: Result[Any]) -> list[Any]:
    """All rows, as named tuples of the columns."""
    kind = _kind_of(tuple(result.keys()))
    return list(map(kind._make, result))


@lru_cache
def _kind_of(columns: tuple[str, ...]) -> Any:
    return namedtuple("NamedRow", columns)
