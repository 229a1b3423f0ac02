"""The erasure journal: who was erased, as keyed hashes, kept outside of the database that may be restored.

A line for each erasure: host, time, keys of its tombstones by kind. Without the pepper it names nobody.
"""

import asyncio
import errno
import json
import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

log = logging.getLogger(__name__)

SETTING: Final = "erasure_journal"
"""Under which a session has the file's path."""

START: Final = '{"host_id": '
"""How each line begins."""

ALL_TOMBSTONES: Final = text("""
    SELECT host_id, erased_at,
           jsonb_agg(jsonb_build_array(kind, encode(key, 'hex')) ORDER BY kind, key) AS keys
    FROM erasures WHERE CAST(:since AS timestamptz) IS NULL OR created_at >= :since
    GROUP BY host_id, erased_at ORDER BY erased_at, host_id
""")


class JournalUnreadable(Exception):
    """The file is none that we wrote."""


@dataclass(frozen=True)
class JournalEntry:
    """One erasure of a host's attendee: all data up to `at`, and the registrations for ever."""

    host_id: str
    at: datetime
    keys: frozenset[tuple[str, bytes]]
    """Kind and key of each tombstone."""

    def as_line(self) -> str:
        keys: dict[str, list[str]] = {}
        for kind, key in sorted(self.keys):
            keys.setdefault(kind, []).append(key.hex())
        return json.dumps({"host_id": self.host_id, "at": self.at.isoformat(), "keys": keys})

    @classmethod
    def parse(cls, line: str) -> "JournalEntry":
        """Raises ValueError, KeyError, TypeError, AttributeError."""
        said: dict[str, Any] = json.loads(line)
        keys: Mapping[str, Sequence[str]] = said["keys"]
        pairs = ((kind, bytes.fromhex(key)) for kind, some in keys.items() for key in some)
        return cls(said["host_id"], datetime.fromisoformat(said["at"]), frozenset(pairs))


async def append_to_journal(session: AsyncSession, entry: JournalEntry) -> None:
    """Before the erasure is committed, so that none is missing; a line too many erases nobody else.

    A journal that cannot be written does not keep anybody from being erased: the log says so.
    """
    path: Path | None = session.info.get(SETTING)
    if path is None:
        return
    try:
        await asyncio.to_thread(_append, path, f"{entry.as_line()}\n".encode())
    except OSError as error:
        log.error("erasure_not_in_journal", extra={"error": error.strerror or type(error).__name__})


def _append(path: Path, line: bytes) -> None:
    """One write, so that lines of several processes do not mix; on disk when it returns.

    What a full disk or a crash cut off before stays a line of its own.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        size = os.fstat(descriptor).st_size
        is_cut_off = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
        line = b"\n" + line if is_cut_off else line
        if os.write(descriptor, line) < len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_journal(paths: Iterable[Path]) -> list[JournalEntry]:
    """All entries of these files, each once. Lines that were cut off are left out.

    Raises JournalUnreadable.
    """
    entries: dict[JournalEntry, None] = {}
    for path in paths:
        try:
            lines = path.read_text(encoding="utf-8").split("\n")
        except (OSError, ValueError) as error:
            raise JournalUnreadable(f"{path}: cannot be read ({type(error).__name__})") from None
        whole = [line for line in lines if line and not _is_cut_off(line)]
        try:
            entries |= {JournalEntry.parse(line): None for line in whole}
        except (ValueError, KeyError, TypeError, AttributeError):
            raise JournalUnreadable(f"{path}: not a journal of erasures") from None
        if any(map(_is_cut_off, lines)):
            log.warning("journal_cut_off", extra={"file": str(path)})
    return list(entries)


def _is_cut_off(line: str) -> bool:
    """Whether it is the beginning of a line of ours."""
    if not line or line[: len(START)] != START[: len(line)]:
        return False
    try:
        json.loads(line)
    except ValueError:
        return True
    return False


async def export_journal(session: AsyncSession, since: datetime | None) -> list[JournalEntry]:
    """What the database knows of erasures: for who keeps no journal, to be saved beside each backup."""
    rows = await session.execute(ALL_TOMBSTONES, {"since": since})
    return [
        JournalEntry(host_id, at, frozenset((kind, bytes.fromhex(key)) for kind, key in keys))
        for host_id, at, keys in rows
    ]
