"""What Postgres wrote between two places of its log, record by record (the extension pg_walinspect)."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

EXTENSION = "CREATE EXTENSION IF NOT EXISTS pg_walinspect"
PLACE = "SELECT pg_current_wal_insert_lsn()::text"
LENGTH = "SELECT pg_wal_lsn_diff($2::text::pg_lsn, $1::text::pg_lsn)::float8"

# A record names each page that it changes: the first is that of the new row or entry.
RECORDS = """
    SELECT coalesce(relation.relname, '') AS name, change.resource_manager AS manager,
           split_part(change.record_type, '+', 1) AS kind,
           count(*) FILTER (WHERE change.block_id = 0) AS records,
           sum((SELECT n[1]::int FROM regexp_matches(change.description, 'ntuples: (\\d+)') AS n)) AS rows,
           sum(change.block_fpi_length)::float8 AS full_pages,
           count(DISTINCT (change.relforknumber, change.relblocknumber)) AS pages
    FROM pg_get_wal_block_info($1::text::pg_lsn, $2::text::pg_lsn, false) AS change
    LEFT JOIN pg_class AS relation ON pg_relation_filenode(relation.oid) = change.relfilenode
    GROUP BY 1, 2, 3
"""
PAGES = """
    SELECT count(DISTINCT (relfilenode, relforknumber, relblocknumber))
    FROM pg_get_wal_block_info($1::text::pg_lsn, $2::text::pg_lsn, false)
"""
WORDS = {
    ("Heap", "INSERT"): "inserted",
    ("Heap2", "MULTI_INSERT"): "inserted",
    ("Heap", "HOT_UPDATE"): "updated_in_page",
    ("Heap", "UPDATE"): "updated_with_indexes",
    ("Heap", "DELETE"): "deleted",
    ("Heap", "LOCK"): "locked",
    ("Btree", "INSERT_LEAF"): "index_entries",
    ("Btree", "SPLIT_L"): "index_entries",
    ("Btree", "SPLIT_R"): "index_entries",
}
ROWS = ("inserted", "updated_in_page", "updated_with_indexes", "deleted", "locked", "index_entries")


@dataclass
class Written:
    """Bytes of the log, those of whole pages among them, distinct pages, and rows and index entries.

    `by_relation` counts the same for each table and index.
    """

    wal_bytes: float = 0.0
    full_page_bytes: float = 0.0
    pages: int = 0
    rows: Counter[str] = field(default_factory=Counter)
    by_relation: dict[str, Counter[str]] = field(default_factory=dict)


async def place(connection: Any) -> str:
    """Where the log ends now."""
    return str(await connection.fetchval(PLACE))


async def written(connection: Any, since: str, until: str) -> Written:
    """What was written from one place to the other."""
    found = Written(
        wal_bytes=await connection.fetchval(LENGTH, since, until),
        pages=await connection.fetchval(PAGES, since, until),
    )
    for record in await connection.fetch(RECORDS, since, until):
        found.full_page_bytes += record["full_pages"] or 0.0
        word = WORDS.get((record["manager"], record["kind"]))
        if word is not None:
            count = record["rows"] if record["kind"] == "MULTI_INSERT" else record["records"]
            found.rows[word] += count
            found.by_relation.setdefault(record["name"], Counter())[word] += count
    return found
