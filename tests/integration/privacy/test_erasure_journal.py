"""Whom a restored backup brings back is erased again, by a journal that names nobody."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.config.settings import Settings
from app.infrastructure.audit_log import audit_key, first_broken
from app.infrastructure.database import Database
from app.privacy.journal import JournalEntry, JournalUnreadable, export_journal, read_journal
from app.recovery.erasures import ErasedAgain, erase_again
from tests.deliveries import PEPPER
from tests.integration.privacy.test_erasure import EMAIL, WHO, erasure, parsed, places, receive
from tests.snapshots import Snapshot

OTHER = {"id": "per_other", "email": "heron@pond.example", "name": "Heron"}


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "erasures.jsonl"


@pytest.fixture
async def journaled(
    database: Database, migrated: str, settings: Settings, journal: Path
) -> AsyncIterator[Database]:
    """The emptied database, by a process that keeps a journal."""
    del database
    key = audit_key(settings.hash_pepper)
    async with Database.connect(migrated, audit_key=key, erasure_journal=journal) as found:
        yield found


@pytest.mark.parametrize("who", [{"email": EMAIL}, {"id": "per_canary"}], ids=["address", "id"])
async def test_who_came_back_with_a_backup_is_erased_again_and_stays_so(
    journaled: Database, owner: AsyncEngine, journal: Path, who: dict[str, str]
) -> None:
    told = [parsed(), parsed("reg_2", "msg_2", attendee=OTHER, answers=[], utm=None)]
    await receive(journaled, *told)
    backup = await Snapshot.take(owner)
    await receive(journaled, erasure(attendee=who))
    after = await places(owner)
    await backup.restore(owner)
    assert {"registrations", "deliveries"} <= set(await places(owner))
    again = await erase_again(journaled, read_journal([journal]), pepper=PEPPER)
    assert again == ErasedAgain(entries=1, registrations=1)
    assert await places(owner) == after == []
    await receive(journaled, *told, parsed("reg_3", "msg_3"))
    assert await places(owner) == []
    assert set(await places(owner, "heron")) >= {"registrations", "deliveries"}
    async with journaled.system() as session:
        assert await first_broken(session, "host_acme") is None


async def test_who_registered_after_the_backup_does_not_come_back_by_webhooks(
    journaled: Database, owner: AsyncEngine, journal: Path
) -> None:
    backup = await Snapshot.take(owner)
    await receive(journaled, parsed())
    await receive(journaled, erasure())
    await backup.restore(owner)
    await receive(journaled, parsed("reg_0", "msg_0"))
    assert await places(owner) != []
    for _ in range(2):
        await erase_again(journaled, read_journal([journal, journal]), pepper=PEPPER)
        await receive(journaled, parsed())
        assert await places(owner) == []


async def test_journal_names_nobody_and_only_adds(journaled: Database, journal: Path) -> None:
    await receive(journaled, parsed())
    await receive(journaled, erasure(), erasure("msg_again"))
    written = journal.read_text()
    assert written.count("\n") == 2
    for value in (*WHO.values(), EMAIL.lower(), "reg_1"):
        assert value.lower() not in written.lower()
    assert journal.stat().st_mode & 0o077 == 0


async def test_what_the_database_knows_is_exported_as_a_journal(
    journaled: Database, owner: AsyncEngine, tmp_path: Path
) -> None:
    await receive(journaled, parsed())
    backup = await Snapshot.take(owner)
    await receive(journaled, erasure())
    async with journaled.system() as session:
        entries = await export_journal(session, None)
    exported = tmp_path / "exported.jsonl"
    exported.write_text("".join(f"{entry.as_line()}\n" for entry in entries))
    await backup.restore(owner)
    await erase_again(journaled, read_journal([exported]), pepper=PEPPER)
    assert await places(owner) == []


async def test_journal_that_cannot_be_written_keeps_nobody_from_being_erased(
    migrated: str,
    database: Database,
    settings: Settings,
    owner: AsyncEngine,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await receive(database, parsed())
    key = audit_key(settings.hash_pepper)
    async with Database.connect(migrated, audit_key=key, erasure_journal=tmp_path / "no" / "where") as found:
        await receive(found, erasure())
    assert await places(owner) == []
    assert "erasure_not_in_journal" in caplog.messages


def test_line_that_was_cut_off_is_left_out_and_any_other_file_is_refused(tmp_path: Path) -> None:
    line = '{"host_id": "h", "at": "2026-11-20T12:00:00+00:00", "keys": {"email": ["00ff"]}}'
    kept = JournalEntry.parse(line)
    assert kept.keys == frozenset({("email", b"\x00\xff")})
    cut = tmp_path / "cut"
    cut.write_text(f'{line}\n{{"host_id": "h", "a')
    assert read_journal([cut]) == [kept]
    for content in ('{"host_id": 1}\n', "[]\n", "otters\n", '{"host_id": "h", "at": "x", "keys": {}}\n'):
        cut.write_text(content)
        with pytest.raises(JournalUnreadable, match="not a journal"):
            read_journal([cut])
    with pytest.raises(JournalUnreadable, match="cannot be read"):
        read_journal([tmp_path / "absent"])


async def test_line_that_was_cut_off_takes_no_later_erasure_with_it(
    journaled: Database, journal: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A disk that was full for a while: what fits of a line is written, and nothing is raised."""
    await receive(journaled, parsed())
    write = os.write
    with monkeypatch.context() as full:
        full.setattr(os, "write", lambda descriptor, line: write(descriptor, line[:40]))
        await receive(journaled, erasure())
    assert "erasure_not_in_journal" in caplog.messages
    await receive(journaled, erasure("msg_again"))
    assert len(read_journal([journal])) == 1
    assert "journal_cut_off" in caplog.messages
