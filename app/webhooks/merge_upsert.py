"""Keep joined states in a table: absent rows are inserted, others locked, joined and updated, all as sets.

Safe under READ COMMITTED with several writers: whoever loses the race to insert a row finds it, locks it and
joins. Inserts come before locks and both go by key, so that writers cannot wait for each other in a circle. A
row that is read without a lock and to which nothing is added needs none: states only grow.

Rows and keys travel as JSON: of an array, asyncpg asks every element whether it is an array too.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Generic, TypeVar

from pydantic_core import to_json
from sqlalchemy import DateTime, Table, TextClause, text

from app.infrastructure.raw_connection import SqlExecutor

Row = Mapping[str, Any]
Key = tuple[str, str]
State = TypeVar("State")


@dataclass(frozen=True)
class RowChange:
    """One row that was written: its columns before (None: there was none) and after."""

    key: Key
    before: Row | None
    after: Row


@dataclass(frozen=True)
class MergeTable(Generic[State]):
    """A table keyed `(host_id, id_column)`; `merged` joins a state into a row, None: nothing to write."""

    table: Table
    id_column: str
    columns: tuple[str, ...]
    guards: tuple[str, ...]
    merged: Callable[[Row | None, State], Row | None]

    @cached_property
    def read(self) -> str:
        """SQL for `host_id, id, found` of the keys in `:<table>`; `found` is the row as JSON text."""
        found = ", ".join(f"'{name}', t.{name}" for name in self._names)
        return (
            f"SELECT t.host_id, t.{self.id_column} AS id,"  # noqa: S608 -- names of ours
            f" CAST(json_build_object({found}) AS text) AS found FROM {self.table.name} AS t"
            f" JOIN (SELECT key ->> 0 AS host_id, key ->> 1 AS id"
            f" FROM jsonb_array_elements(CAST(:{self.table.name} AS jsonb)) AS key) AS k"
            f" ON t.host_id = k.host_id AND t.{self.id_column} = k.id"
        )

    @cached_property
    def lock(self) -> TextClause:
        """The same, locked in the order of their keys."""
        return text(f"{self.read} ORDER BY t.host_id, t.{self.id_column} FOR UPDATE OF t")

    @cached_property
    def insert(self) -> TextClause:
        columns = ", ".join(("host_id", self.id_column, *self.columns))
        return text(
            f"INSERT INTO {self.table.name} ({columns}) SELECT {columns} FROM {self._rows} AS r"  # noqa: S608
            f" ORDER BY host_id, {self.id_column} ON CONFLICT DO NOTHING RETURNING host_id, {self.id_column}"
        )

    @cached_property
    def update(self) -> TextClause:
        assignments = ", ".join(f"{name} = r.{name}" for name in self.columns)
        return text(
            f"UPDATE {self.table.name} AS t SET {assignments} FROM {self._rows} AS r"  # noqa: S608
            f" WHERE t.host_id = r.host_id AND t.{self.id_column} = r.{self.id_column}"
        )

    def row_of(self, found: Row) -> Row:
        """The row as it is joined, from the JSON object that was read."""
        times = {name: datetime.fromisoformat(found[name]) for name in self._times if found[name] is not None}
        return {**found, **times}

    @property
    def _names(self) -> tuple[str, ...]:
        return ("host_id", self.id_column, *self.columns, *self.guards)

    @cached_property
    def _times(self) -> tuple[str, ...]:
        return tuple(name for name in self._names if isinstance(self.table.c[name].type, DateTime))

    @property
    def _rows(self) -> str:
        return f"jsonb_populate_recordset(CAST(NULL AS {self.table.name}), CAST(:rows AS jsonb))"


async def merge_rows(
    statements: SqlExecutor, kept: MergeTable[State], told: Mapping[Key, State], *, stored: Mapping[Key, Row]
) -> list[RowChange]:
    """Join every state of `told` into the table; returns what changed.

    `stored` are the rows that were found a moment ago: one that came since is met by its key.
    """
    found = {key: row for key, row in stored.items() if key in told}
    absent = {key: row for key in told.keys() - found.keys() if (row := kept.merged(None, told[key]))}
    inserted = await _insert(statements, kept, absent)
    raced = absent.keys() - inserted
    touched = {key for key, row in found.items() if kept.merged(row, told[key]) is not None}
    changes = [RowChange(key, None, absent[key]) for key in inserted]
    return changes + await _update(statements, kept, {key: told[key] for key in touched | raced})


def rows_json(rows: Iterable[Mapping[str, Any]]) -> str:
    """Rows for `jsonb_populate_recordset`; times as ISO 8601. What is absent from a row is null in it."""
    told = [{name: value for name, value in row.items() if value is not None} for row in rows]
    return to_json(told).decode()


async def _insert(statements: SqlExecutor, kept: MergeTable[Any], rows: Mapping[Key, Row]) -> set[Key]:
    if not rows:
        return set()
    inserted = await statements.execute(kept.insert, {"rows": _keyed_json(kept, rows)})
    return {(host_id, id_) for host_id, id_ in inserted}


async def _update(
    statements: SqlExecutor, kept: MergeTable[State], told: Mapping[Key, State]
) -> list[RowChange]:
    stored = await _locked(statements, kept, sorted(told))
    changes = [
        RowChange(key, row, after)
        for key, row in stored.items()
        if (after := kept.merged(row, told[key])) is not None
    ]
    if changes:
        rows = {change.key: change.after for change in changes}
        await statements.execute(kept.update, {"rows": _keyed_json(kept, rows)})
    return changes


async def _locked(statements: SqlExecutor, kept: MergeTable[Any], keys: Sequence[Key]) -> dict[Key, Row]:
    if not keys:
        return {}
    found = await statements.execute(kept.lock, {kept.table.name: json.dumps(keys)})
    return {(host_id, id_): kept.row_of(json.loads(row)) for host_id, id_, row in found}


def _keyed_json(kept: MergeTable[Any], rows: Mapping[Key, Row]) -> str:
    return rows_json(
        {"host_id": host_id, kept.id_column: id_, **rows[host_id, id_]} for host_id, id_ in sorted(rows)
    )
