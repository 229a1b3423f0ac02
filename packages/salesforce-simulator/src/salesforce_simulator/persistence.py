"""The state file: every committed change, so that an org survives the end of its process."""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

_TABLES = """
CREATE TABLE IF NOT EXISTS rows (
    org TEXT NOT NULL, sobject TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (org, id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS facts (
    org TEXT NOT NULL, name TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (org, name)
) WITHOUT ROWID;
"""


class Journal:
    """An SQLite file in WAL mode; without a path it lives in memory."""

    def __init__(self, path: Path | None) -> None:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(path or ":memory:", check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.executescript(_TABLES)
        self.is_durable = path is not None

    def append(
        self, org: str, rows: Iterable[tuple[str, str, Any]], facts: Iterable[tuple[str, Any]]
    ) -> None:
        """Store changed rows `(sobject, id, row)` and facts `(name, value)` in one transaction.

        A row that is None is gone.
        """
        changed = list(rows)
        self._connection.execute("BEGIN")
        self._connection.executemany(
            "DELETE FROM rows WHERE org = ? AND id = ?",
            ((org, record_id) for _, record_id, row in changed if row is None),
        )
        self._connection.executemany(
            "INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?)",
            ((org, sobject, record_id, json.dumps(row)) for sobject, record_id, row in changed if row),
        )
        self._connection.executemany(
            "INSERT OR REPLACE INTO facts VALUES (?, ?, ?)",
            ((org, name, json.dumps(value)) for name, value in facts),
        )
        self._connection.execute("COMMIT")

    def rows(self, org: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """All rows of an org as `(sobject, row)`, in the order of their ids."""
        query = "SELECT sobject, body FROM rows WHERE org = ? ORDER BY id"
        for sobject, body in self._connection.execute(query, (org,)):
            yield sobject, json.loads(body)

    def load_state(self, org: str) -> dict[str, Any]:
        """All facts of an org by name."""
        query = "SELECT name, body FROM facts WHERE org = ?"
        return {name: json.loads(body) for name, body in self._connection.execute(query, (org,))}

    def clear(self, org: str) -> None:
        """Forget an org's rows and facts."""
        self._connection.execute("DELETE FROM rows WHERE org = ?", (org,))
        self._connection.execute("DELETE FROM facts WHERE org = ?", (org,))

    def close(self) -> None:
        self._connection.close()
