"""Rows for Postgres as one JSON value: an array of arrays, each with its values by place.

With objects and `jsonb_populate_recordset` Postgres takes eight times as long for a thousand rows of fourteen
columns, and their writer twice as long.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from pydantic_core import to_json

JSON_TYPE: Final = "jsonb"


def rows_of(parameter: str, columns: Mapping[str, str]) -> str:
    """A SELECT of the rows in the parameter; `columns` have their Postgres types by name.

    JSON's null is NULL, also where the type is `jsonb`. OFFSET keeps the planner from reading a value anew
    wherever it is used.
    """
    values = (f"{_value(place, kind)} AS {name}" for place, (name, kind) in enumerate(columns.items()))
    source = f"jsonb_array_elements(CAST(:{parameter} AS jsonb)) AS given (listed)"
    return f"SELECT {', '.join(values)} FROM {source} OFFSET 0"  # noqa: S608 -- put together from constants


def as_rows(rows: Iterable[Sequence[Any]]) -> str:
    """The parameter of `rows_of`: rows with their values in the order of the columns."""
    return to_json(list(rows)).decode()


def _value(place: int, kind: str) -> str:
    if kind == JSON_TYPE:
        return f"nullif(given.listed -> {place}, 'null')"
    return f"CAST(given.listed ->> {place} AS {kind})"
