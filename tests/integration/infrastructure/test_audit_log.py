"""The audit log: one chain per host, and a break that is found where it is."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from app.infrastructure import audit_log
from app.infrastructure.database import Database
from app.infrastructure.encryption import Encryptor
from app.models import AuditEntry
from tests.factories import connection_for


async def write(database: Database, *actions: str, host_id: str = "host_a", **details: Any) -> None:
    for action in actions:
        async with database.tenant(host_id) as session:
            await audit_log.append_entry(session, host_id, actor="user_17", action=action, details=details)


async def broken_at(database: Database, host_id: str = "host_a") -> audit_log.Break | None:
    async with database.tenant(host_id) as session:
        return await audit_log.first_broken(session, host_id)


async def accepted(database: Database, host_id: str = "host_a") -> audit_log.Break | None:
    async with database.system() as session:
        return await audit_log.accept(session, host_id, actor="operator")


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
    assert entries[0].prev_hash == entries[2].prev_hash == audit_log.GENESIS
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
    ("statement", "why"),
    [
        pytest.param("UPDATE audit_log SET actor = 'nobody' WHERE seq = 2", "changed", id="actor"),
        pytest.param("UPDATE audit_log SET details = '{\"a\": 1}' WHERE seq = 2", "changed", id="details"),
        pytest.param(
            "UPDATE audit_log SET at = at + interval '1 microsecond' WHERE seq = 2", "changed", id="time"
        ),
        pytest.param("UPDATE audit_log SET hash = prev_hash WHERE seq = 2", "changed", id="hash"),
        pytest.param("DELETE FROM audit_log WHERE seq = 2", "missing", id="removed"),
    ],
)
async def test_change_is_found_where_it_was_made(
    database: Database, owner: AsyncEngine, statement: str, why: str
) -> None:
    await write(database, "one", "two", "three")
    await tamper(owner, statement)
    assert await broken_at(database) == (2, why)


async def rehashed(owner: AsyncEngine, database: Database, key: bytes | None) -> None:
    """Somebody who knows our code, and not the key, puts their actor in and makes the chain fit again."""
    async with database.system() as session:
        entries = list(await session.scalars(select(AuditEntry).order_by(AuditEntry.seq)))
        session.expunge_all()
    prev = audit_log.GENESIS
    for entry in entries:
        entry.actor, entry.prev_hash = "mallory", prev
        prev = entry.hash = audit_log.entry_hash(entry, key)
    async with owner.begin() as connection:
        await connection.execute(text("SET LOCAL session_replication_role = replica"))
        for entry in entries:
            changed = {"actor": entry.actor, "prev": entry.prev_hash, "hash": entry.hash, "seq": entry.seq}
            await connection.execute(
                text("UPDATE audit_log SET actor = :actor, prev_hash = :prev, hash = :hash WHERE seq = :seq"),
                changed,
            )
        await connection.execute(text("UPDATE audit_heads SET hash = :hash"), {"hash": prev})


@pytest.mark.parametrize("key", [None, b"another key"], ids=["without-a-key", "with-another"])
async def test_chain_that_was_hashed_again_does_not_fit(
    database: Database, owner: AsyncEngine, key: bytes | None
) -> None:
    await write(database, "one", "two", "three")
    await rehashed(owner, database, key)
    assert await broken_at(database) == (1, "changed")
    await tamper(owner, "UPDATE audit_heads SET keyed_from = 4")
    found = await broken_at(database)
    assert found is not None
    assert found.why == "changed"


@pytest.mark.parametrize("head", ["stays", "is-cut-as-well", "is-gone"])
async def test_tail_that_was_cut_is_missed(database: Database, owner: AsyncEngine, head: str) -> None:
    await write(database, "one", "two", "three")
    await tamper(owner, "DELETE FROM audit_log WHERE seq = 3")
    if head == "is-cut-as-well":
        await tamper(
            owner, "UPDATE audit_heads SET count = 2, hash = (SELECT hash FROM audit_log WHERE seq = 2)"
        )
    elif head == "is-gone":
        await tamper(owner, "DELETE FROM audit_heads")
    expected = {"stays": (3, "missing"), "is-cut-as-well": (2, "changed"), "is-gone": (2, "no_head")}
    assert await broken_at(database) == expected[head]


async def test_gap_stays_when_the_log_goes_on(database: Database, owner: AsyncEngine) -> None:
    await write(database, "one", "two", "three")
    await tamper(owner, "DELETE FROM audit_log WHERE seq > 1")
    await write(database, "four")
    assert await broken_at(database) == (2, "missing")


@pytest.mark.parametrize("is_head_gone", [False, True], ids=["head-stays", "head-is-gone"])
async def test_log_that_is_gone_is_missed(
    database: Database, owner: AsyncEngine, vault: Encryptor, is_head_gone: bool
) -> None:
    """Of a connected host, also when nothing at all is left of its log."""
    async with database.system() as session:
        session.add(connection_for(vault))
    await write(database, "salesforce.connected")
    await tamper(owner, "DELETE FROM audit_log")
    if is_head_gone:
        await tamper(owner, "DELETE FROM audit_heads")
    assert await broken_at(database) == (1, "missing")
    async with database.system() as session:
        assert await audit_log.hosts_with_logs(session) == ["host_a"]


async def before_heads(owner: AsyncEngine, database: Database) -> None:
    """A log of the release before: hashed without a key, and no head."""
    await write(database, "one", "two")
    await rehashed(owner, database, None)
    await tamper(owner, "DELETE FROM audit_heads")


async def test_log_from_before_heads_is_accepted_once(database: Database, owner: AsyncEngine) -> None:
    await before_heads(owner, database)
    await write(database, "three")
    assert await broken_at(database) == (3, "no_head")
    assert await accepted(database) is None
    assert await broken_at(database) is None
    async with database.system() as session:
        found = list(await session.scalars(select(AuditEntry.action).order_by(AuditEntry.seq)))
    assert found == ["one", "two", "three", "ops.audit_log_accepted"]
    await tamper(owner, "DELETE FROM audit_log WHERE seq = 4")
    assert await broken_at(database) == (4, "missing")


async def test_entry_of_a_release_without_keys_is_accepted_and_a_changed_one_never(
    database: Database, owner: AsyncEngine
) -> None:
    await before_heads(owner, database)
    await accepted(database)
    await tamper(owner, "UPDATE audit_log SET action = 'two!' WHERE seq = 2")
    assert await accepted(database) == (2, "changed")
    await tamper(owner, "UPDATE audit_log SET action = 'two' WHERE seq = 2")
    await tamper(owner, "DELETE FROM audit_log WHERE seq = 3")
    assert await accepted(database) == (3, "missing")


async def test_database_without_the_key_leaves_no_entry(migrated: str) -> None:
    keyless = Database.connect(migrated, pool=1)
    with pytest.raises(RuntimeError, match="without the key"):
        await write(keyless, "one")
    await keyless.close()


async def test_entry_of_another_host_does_not_pass_for_ours(database: Database, owner: AsyncEngine) -> None:
    await write(database, "one")
    await tamper(owner, "UPDATE audit_log SET host_id = 'host_b'")
    assert await broken_at(database, "host_b") == (1, "changed")


async def test_entry_goes_with_the_transaction_it_tells_of(database: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        async with database.tenant("host_a") as session:
            await audit_log.append_entry(session, "host_a", actor="user_17", action="one")
            raise ZeroDivisionError
    async with database.tenant("host_a") as session:
        assert list(await session.scalars(select(AuditEntry))) == []
