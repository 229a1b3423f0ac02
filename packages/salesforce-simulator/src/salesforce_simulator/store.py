"""An org's rows in memory, their indexes, and undo for what is rolled back."""

import re
from collections.abc import Iterable, Iterator, Mapping
from types import TracebackType
from typing import Any

from salesforce_simulator import ids
from salesforce_simulator.metadata.schema import Field, SObject
from salesforce_simulator.metadata.standard import Schema

Row = dict[str, Any]
Bucket = dict[str, None]

_EMPTY: Mapping[str, None] = {}
_WORD = re.compile(r"\w+")
# The fields that a search looks into.
SEARCHED = ("Name", "Email", "Phone", "MobilePhone")


def words_of(text: str) -> set[str]:
    """The words a search compares, without case; an address is several."""
    return set(_WORD.findall(text.lower()))


def index_key(field: Field, value: Any) -> Any:
    """What equality means on a field: text without case, ids and the rest as they are."""
    if isinstance(value, str) and field.is_text:
        return value.lower()
    return value


class Table:
    """The rows of one object by id, deleted ones too, and an index per indexed field.

    What is searched by words is indexed when somebody searches, in the order in which it was written.
    """

    def __init__(self, sobject: SObject) -> None:
        self.sobject = sobject
        self.rows: dict[str, Row] = {}
        self.last_number = 0
        self.last_id = ""
        """The one that was given out last."""
        indexed = [f for f in sobject.fields.values() if f.is_indexed]
        self._indexes: dict[str, dict[Any, Bucket]] = {f.name: {} for f in indexed}
        self._indexed = [(f.name, f.is_text, self._indexes[f.name]) for f in indexed]
        self._words: dict[str, dict[str, Bucket]] = {name: {} for name in SEARCHED if name in sobject.fields}
        self._unread_words: list[tuple[str, str, str, str]] = []
        """Field, id, text before and after."""

    def is_indexed(self, name: str) -> bool:
        return name in self._indexes

    def ids_with(self, field: Field, value: Any) -> Mapping[str, None]:
        """The ids whose indexed field equals the value; do not change the answer."""
        return self._indexes[field.name].get(index_key(field, value), _EMPTY)

    def ids_with_words(self, name: str, wanted: set[str]) -> Iterable[str]:
        """The ids whose searched field has all these words, oldest first; none where it is not searched."""
        self._read_words()
        index = self._words.get(name, {})
        buckets = sorted((index.get(word, {}) for word in wanted), key=len)
        return [i for i in (buckets[0] if buckets else ()) if all(i in bucket for bucket in buckets)]

    def put(self, record_id: str, row: Row | None) -> Row | None:
        """Replace a row (None removes it) and return what stood there."""
        before = self.rows.get(record_id)
        if before is None and row is not None:
            self._index_new(record_id, row)
        else:
            for name, is_text, index in self._indexed:
                _reindex(index, record_id, *(_key(each, name, is_text=is_text) for each in (before, row)))
        for name in self._words:
            old = (before.get(name) or "") if before else ""
            new = (row.get(name) or "") if row else ""
            if old != new:
                self._unread_words.append((name, record_id, old, new))
        if row is None:
            self.rows.pop(record_id, None)
        else:
            self.rows[record_id] = row
        return before

    def _index_new(self, record_id: str, row: Row) -> None:
        for name, is_text, index in self._indexed:
            value = row.get(name)
            key = value.lower() if is_text and isinstance(value, str) else value
            bucket = index.get(key)
            if bucket is None:
                index[key] = {record_id: None}
            else:
                bucket[record_id] = None

    def _read_words(self) -> None:
        for name, record_id, old, new in self._unread_words:
            index = self._words[name]
            for word in words_of(old):
                index[word].pop(record_id, None)
            for word in words_of(new):
                index.setdefault(word, {})[record_id] = None
        self._unread_words.clear()


_NO_ROW = object()


def _key(row: Row | None, name: str, *, is_text: bool) -> Any:
    """What a row is found by in the index of a field."""
    if row is None:
        return _NO_ROW
    value = row.get(name)
    return value.lower() if is_text and isinstance(value, str) else value


def _reindex(index: dict[Any, Bucket], record_id: str, old: Any, new: Any) -> None:
    if old == new:
        return
    if old is not _NO_ROW:
        bucket = index[old]
        del bucket[record_id]
        if not bucket:
            del index[old]
    if new is not _NO_ROW:
        index.setdefault(new, {})[record_id] = None


class Store:
    """All tables of an org. Changes are collected until `take_changes`; a failed savepoint undoes its own."""

    def __init__(self, schema: Schema) -> None:
        self._tables = {name: Table(sobject) for name, sobject in schema.objects.items()}
        self._undo: list[tuple[str, str, Row | None]] = []
        self._changed: dict[str, str] = {}
        self._bin: dict[str, str] = {}
        self._depth = 0
        # What calls write that have not ended; their unique values are theirs.
        self.held_texts: list[str] = []

    def migrate_schema(self, schema: Schema) -> None:
        """Take over a changed schema: tables are rebuilt where their object changed.

        What custom fields held is gone with them.
        """
        for name, sobject in schema.objects.items():
            old = self._tables.get(name)
            if old is not None and old.sobject == sobject:
                continue
            self._tables[name] = fresh = Table(sobject)
            if old is not None:
                fresh.last_number = old.last_number
                gone = {
                    each for each in old.sobject.fields.keys() - sobject.fields.keys() if each[-3:] == "__c"
                }
                for record_id, row in old.rows.items():
                    fresh.put(record_id, {each: row[each] for each in row if each not in gone})
                    if gone:
                        self._changed[record_id] = name

    def table(self, sobject: str) -> Table:
        return self._tables[sobject]

    def get(self, sobject: str, record_id: str | None) -> Row | None:
        """A row by id, deleted or not."""
        return self._tables[sobject].rows.get(record_id) if record_id else None

    def find(self, sobject: str, field_name: str, value: Any) -> list[Row]:
        """Live rows whose indexed field equals the value, oldest first."""
        table = self._tables[sobject]
        found = table.ids_with(table.sobject.fields[field_name], value)
        return [row for row in (table.rows[i] for i in found) if not row["IsDeleted"]]

    def live(self, sobject: str) -> Iterator[Row]:
        """Every row that is not deleted, oldest first."""
        return (row for row in self._tables[sobject].rows.values() if not row["IsDeleted"])

    def size(self) -> int:
        """How many rows there are in all tables, deleted ones too."""
        return sum(len(table.rows) for table in self._tables.values())

    def next_id(self, sobject: str) -> str:
        table = self._tables[sobject]
        table.last_number += 1
        table.last_id = ids.new_id(table.sobject.prefix, table.last_number)
        return table.last_id

    def upsert(self, sobject: str, row: Row) -> None:
        """Insert or replace a row; it must carry its Id."""
        record_id = row["Id"]
        table = self._tables[sobject]
        if record_id != table.last_id and record_id not in table.rows:
            table.last_number = max(table.last_number, ids.number_of(record_id))
        self._undo.append((sobject, record_id, self._place(sobject, record_id, row)))
        self._changed[record_id] = sobject

    def _place(self, sobject: str, record_id: str, row: Row | None) -> Row | None:
        """Put a row into its table and, if it is deleted, last into the recycle bin; what stood there."""
        self._bin.pop(record_id, None)
        if row is not None and row["IsDeleted"]:
            self._bin[record_id] = sobject
        return self._tables[sobject].put(record_id, row)

    def empty_bin(self, deleted_before: str | None = None) -> int:
        """Forget deleted rows for good, all of them or the older ones; how many."""
        gone: list[str] = []
        for record_id, sobject in self._bin.items():
            row = self._tables[sobject].rows[record_id]
            if deleted_before is not None and row["SystemModstamp"] >= deleted_before:
                break
            gone.append(record_id)
        for record_id in gone:
            sobject = self._bin[record_id]
            self._place(sobject, record_id, None)
            self._changed[record_id] = sobject
        return len(gone)

    def update(self, sobject: str, record_id: str, changes: Mapping[str, Any]) -> Row:
        """Replace some fields of a row and return the new row."""
        row = {**self._tables[sobject].rows[record_id], **changes}
        self.upsert(sobject, row)
        return row

    def load(self, rows: Iterable[tuple[str, Row]]) -> None:
        """Fill the tables from the journal; not a change."""
        for sobject, row in rows:
            self.upsert(sobject, row)
        stamps = {i: self._tables[name].rows[i]["SystemModstamp"] for i, name in self._bin.items()}
        self._bin = {i: self._bin[i] for i in sorted(stamps, key=lambda i: stamps[i])}
        self._undo.clear()
        self._changed.clear()

    def savepoint(self) -> "Savepoint":
        """Undo every change made inside when an exception leaves it."""
        return Savepoint(self)

    def begin(self) -> int:
        """Begin a savepoint; how much there was to undo before."""
        self._depth += 1
        return len(self._undo)

    def end(self, mark: int, *, has_failed: bool) -> None:
        """End the savepoint that began at that mark."""
        if has_failed:
            self._roll_back(mark)
        self._depth -= 1
        if self._depth == 0:
            self._undo.clear()

    def _roll_back(self, mark: int) -> None:
        while len(self._undo) > mark:
            sobject, record_id, before = self._undo.pop()
            self._place(sobject, record_id, before)

    def take_changes(self) -> list[tuple[str, str, Row | None]]:
        """The rows changed since the last call, for the journal; None for those that are gone."""
        changed, self._changed = self._changed, {}
        if self._depth == 0:
            self._undo.clear()
        return [(name, i, self._tables[name].rows.get(i)) for i, name in changed.items()]

    def forget_changes(self) -> None:
        """As `take_changes`, where nobody keeps them."""
        self._changed.clear()
        if self._depth == 0:
            self._undo.clear()


class Savepoint:
    """A context manager, entered once for each row that is written."""

    __slots__ = ("_mark", "_store")

    def __init__(self, store: Store) -> None:
        self._store = store

    def __enter__(self) -> None:
        self._mark = self._store.begin()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._store.end(self._mark, has_failed=kind is not None)
