"""The audit log: one chain per host, and a break that is found where it is."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from app import audit
from app.database import Database
from app.models import AuditEntry


async def write(database: Database, *actions: str, host_id: str = "host_a", **details: Any) -> None:
    for action in actions:
        async with database.tenant(host_id) as session:
            await audit.record(session, host_id, actor="user_17", action=action, details=details)


async def broken_at(database: Database, host_id: str = "host_a") -> int | None:
    async with database.tenant(host_id) as session:
        return await audit.first_broken(session, host_id)


async def tamper(owner: AsyncEngine, statement: str) -> None:
    """Change the log as a superuser who switches its guards off."""
    async with owner.begin() as connection:
        await connection.execute(text("SET LOCAL session_replication_role = replica"))
        await connection.execute(text(statement))


async def test_entries_form_one_chain_per_host(database: Database) -> None:
    await write(database, "salesforce.connected", "salesforce.paused", org_id="00D")
    await write(database, "salesforce.connected", host_id="host_b")
    async with database.system() as session:
        ordered = select(AuditEntry).order_by(AuditEntry.host_id, AuditEntry.seq)
        entries = list(await session.scalars(ordered))
    assert [(entry.host_id, entry.seq) for entry in entries] == [("host_a", 1), ("host_a", 2), ("host_b", 1)]
    assert entries[0].prev_hash == entries[2].prev_hash == audit.GENESIS
    assert entries[1].prev_hash == entries[0].hash
    assert [await broken_at(database), await broken_at(database, "host_b")] == [None, None]


async def test_host_without_entries_is_whole(database: Database) -> None:
    assert await broken_at(database) is None


async def test_twenty_at_once_leave_no_gap(database: Database) -> None:
    await asyncio.gather(*(write(database, f"act.{number}") for number in range(20)))
    assert await broken_at(database) is None
    async with database.tenant("host_a") as session:
        numbers = list(await session.scalars(select(AuditEntry.seq).order_by(AuditEntry.seq)))
    assert numbers == list(range(1, 21))


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param("UPDATE audit_log SET actor = 'nobody' WHERE seq = 2", id="actor"),
        pytest.param("UPDATE audit_log SET details = '{\"a\": 1}' WHERE seq = 2", id="details"),
        pytest.param("UPDATE audit_log SET at = at + interval '1 microsecond' WHERE seq = 2", id="time"),
        pytest.param("UPDATE audit_log SET hash = prev_hash WHERE seq = 2", id="hash"),
        pytest.param("DELETE FROM audit_log WHERE seq = 2", id="removed"),
    ],
)
async def test_change_is_found_where_it_was_made(
    database: Database, owner: AsyncEngine, statement: str
) -> None:
    await write(database, "one", "two", "three")
    await tamper(owner, statement)
    assert await broken_at(database) == 2


async def test_entry_of_another_host_does_not_pass_for_ours(database: Database, owner: AsyncEngine) -> None:
    await write(database, "one")
    await tamper(owner, "UPDATE audit_log SET host_id = 'host_b'")
    assert await broken_at(database, "host_b") == 1


async def test_entry_goes_with_the_transaction_it_tells_of(database: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        async with database.tenant("host_a") as session:
            await audit.record(session, "host_a", actor="user_17", action="one")
            raise ZeroDivisionError
    async with database.tenant("host_a") as session:
        assert list(await session.scalars(select(AuditEntry))) == []
