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


def row_of(parameter: str, key: str, columns: Mapping[str, str]) -> str:
    """A SELECT of that row of the parameter whose key the expression `key` names.

    Nothing is joined: while the planner takes a thousand rows of a table for one, it would compare each of
    them with all that it was given.
    """
    values = (f"{_value(place, kind)} AS {name}" for place, (name, kind) in enumerate(columns.items()))
    return f"SELECT {', '.join(values)} FROM (SELECT {_listed(parameter, key)} AS listed) AS given OFFSET 0"  # noqa: S608


def value_of(parameter: str, key: str, columns: Mapping[str, str], name: str) -> str:
    """One value of that row, as text."""
    return f"{_listed(parameter, key)} ->> {list(columns).index(name)}"


def as_rows(rows: Iterable[Sequence[Any]]) -> str:
    """The parameter of `rows_of`: rows with their values in the order of the columns.

    A member of an enumeration costs as much as twenty texts: rows that come by the thousand hold its text.
    """
    return to_json(list(rows)).decode()


def as_rows_by_key(rows: Mapping[str, Sequence[Any]]) -> str:
    """The parameter of `row_of` and `value_of`."""
    return to_json(rows).decode()


def _listed(parameter: str, key: str) -> str:
    """The values of a row by its key; the parameter is read once, whatever the number of rows."""
    return f"(SELECT CAST(:{parameter} AS jsonb)) -> {key}"


def _value(place: int, kind: str) -> str:
    if kind == JSON_TYPE:
        return f"nullif(given.listed -> {place}, 'null')"
    return f"CAST(given.listed ->> {place} AS {kind})"
