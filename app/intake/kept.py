"""Keep joined states in a table: absent rows are inserted, others locked, joined and updated, all as sets.

Safe under READ COMMITTED with several writers: whoever loses the race to insert a row finds it, locks it and
joins. Inserts come before locks and both go by key, so that writers cannot wait for each other in a circle. A
row that is read without a lock and to which nothing is added needs none: states only grow.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Generic, TypeVar

from sqlalchemy import Table, TextClause, TextualSelect, text
from sqlalchemy.ext.asyncio import AsyncSession

Row = Mapping[str, Any]
Key = tuple[str, str]
State = TypeVar("State")


@dataclass(frozen=True)
class Change:
    """One row that was written: its columns before (None: there was none) and after."""

    key: Key
    before: Row | None
    after: Row


@dataclass(frozen=True)
class Kept(Generic[State]):
    """A table keyed `(host_id, id_column)`; `merged` joins a state into a row, None: nothing to write."""

    table: Table
    id_column: str
    columns: tuple[str, ...]
    guards: tuple[str, ...]
    merged: Callable[[Row | None, State], Row | None]

    @cached_property
    def read(self) -> TextualSelect:
        return self._select("")

    @cached_property
    def lock(self) -> TextualSelect:
        return self._select("FOR UPDATE OF t")

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

    @property
    def _rows(self) -> str:
        return f"jsonb_populate_recordset(CAST(NULL AS {self.table.name}), CAST(:rows AS jsonb))"

    def _select(self, locking: str) -> TextualSelect:
        names = ("host_id", self.id_column, *self.columns, *self.guards)
        listed = ", ".join(f"t.{name}" for name in names)
        statement = text(
            f"SELECT {listed} FROM {self.table.name} AS t"  # noqa: S608
            " JOIN unnest(CAST(:hosts AS text[]), CAST(:ids AS text[])) AS k(host_id, id)"
            f" ON t.host_id = k.host_id AND t.{self.id_column} = k.id"
            f" ORDER BY t.host_id, t.{self.id_column} {locking}"
        )
        return statement.columns(*(self.table.c[name] for name in names))


async def keep(session: AsyncSession, kept: Kept[State], told: Mapping[Key, State]) -> list[Change]:
    """Join every state of `told` into the table; returns what changed."""
    stored = await _rows_of(session, kept, kept.read, told.keys())
    absent = {key: row for key in told.keys() - stored.keys() if (row := kept.merged(None, told[key]))}
    inserted = await _insert(session, kept, absent)
    raced = absent.keys() - inserted
    touched = {key for key, row in stored.items() if kept.merged(row, told[key]) is not None}
    changes = [Change(key, None, absent[key]) for key in inserted]
    return changes + await _update(session, kept, {key: told[key] for key in touched | raced})


def rows_json(rows: Iterable[Mapping[str, Any]]) -> str:
    """Rows for `jsonb_populate_recordset`; times as ISO 8601, bytes in Postgres' hex form."""
    return json.dumps(list(rows), default=_encoded)


async def _insert(session: AsyncSession, kept: Kept[Any], rows: Mapping[Key, Row]) -> set[Key]:
    if not rows:
        return set()
    inserted = await session.execute(kept.insert, {"rows": _keyed_json(kept, rows)})
    return {(host_id, id_) for host_id, id_ in inserted}


async def _update(session: AsyncSession, kept: Kept[State], told: Mapping[Key, State]) -> list[Change]:
    stored = await _rows_of(session, kept, kept.lock, told.keys())
    changes = [
        Change(key, row, after)
        for key, row in stored.items()
        if (after := kept.merged(row, told[key])) is not None
    ]
    if changes:
        rows = {change.key: change.after for change in changes}
        await session.execute(kept.update, {"rows": _keyed_json(kept, rows)})
    return changes


async def _rows_of(
    session: AsyncSession, kept: Kept[Any], statement: TextualSelect, keys: Iterable[Key]
) -> dict[Key, Row]:
    ordered = sorted(keys)
    if not ordered:
        return {}
    found = await session.execute(
        statement, {"hosts": [host_id for host_id, _ in ordered], "ids": [id_ for _, id_ in ordered]}
    )
    return {(row["host_id"], row[kept.id_column]): dict(row) for row in found.mappings()}


def _keyed_json(kept: Kept[Any], rows: Mapping[Key, Row]) -> str:
    return rows_json(
        {"host_id": host_id, kept.id_column: id_, **rows[host_id, id_]} for host_id, id_ in sorted(rows)
    )


def _encoded(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    raise TypeError(f"{type(value).__name__} does not go into a row")
