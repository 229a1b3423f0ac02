"""The rows of a batch and the people about to be created: locked by one statement, rows first."""

import asyncio
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import text

from app.infrastructure.database import database_now
from app.sync.engine.prefetch import BatchPrefetcher
from app.sync.jobs import leases
from app.sync.jobs.leases import Lease, LeaseLost
from app.sync.jobs.write_store import WriteStore
from app.sync.model.ticket_transfer import work_item_for
from app.sync.model.work_item import WorkItem
from tests.integration.sync.conftest import HOST, Rig

KEYS = [b"first", b"second"]
LOCK_ROWS = text("SELECT FROM sync_jobs FOR UPDATE")
LOCKED = text("SELECT key FROM create_locks ORDER BY key")
PUT = text("""
    INSERT INTO create_locks (org_id, key, host_id, registration_id, started_at, until)
    SELECT :org_id, :key, :host_id, 'reg_other', clock_timestamp(),
           clock_timestamp() + CAST(:seconds AS int) * interval '1 second'
""")
TAKE_AWAY = text("UPDATE sync_jobs SET fence = fence + 1 WHERE registration_id = :registration_id")
AT_ONCE = text("SET LOCAL lock_timeout = '1s'")


class Claimed:
    """Two rows that a lease claimed, and what is to be created for the first one."""

    def __init__(self, rig: Rig, lease: Lease, items: list[WorkItem], store: WriteStore) -> None:
        self.rig, self.lease, self.items, self.store = rig, lease, items, store
        job = items[0].job
        self.operations: Any = [
            SimpleNamespace(create_locks=[key], jobs=[job], primary_registration_id=job.registration_id)
            for key in KEYS
        ]

    async def lock(self) -> dict[bytes, Any]:
        async with self.rig.database.tenant(HOST, keeps_plans=True) as session:
            before = await database_now(session)
            now, held = await self.store.lock_for_writes(session, self.items, self.operations)
            assert before <= now <= await database_now(session)
        return held

    async def locked(self) -> list[bytes]:
        async with self.rig.database.system() as session:
            return [bytes(key) for key in await session.scalars(LOCKED)]

    async def put(self, key: bytes, *, seconds: int, host_id: str = HOST) -> None:
        values = {"org_id": self.rig.org.org_id, "key": key, "host_id": host_id, "seconds": seconds}
        async with self.rig.database.system() as session:
            await session.execute(PUT, values)


@pytest.fixture
async def claimed(rig: Rig) -> Claimed:
    for number in (1, 2):
        await rig.registered(number)
    lease = await leases.acquire(rig.database, rig.org.org_id, owner="otter", life=20, send_window=5)
    assert isinstance(lease, Lease)
    batch = await BatchPrefetcher(rig.database, lease).take(HOST, size=10)
    assert batch is not None
    store = WriteStore(rig.database, lease, batch.batch, timedelta(minutes=1))
    return Claimed(rig, lease, [work_item_for(job) for job in batch.batch.jobs], store)


async def test_people_are_locked_with_the_rows(claimed: Claimed) -> None:
    assert await claimed.lock() == {}
    assert await claimed.locked() == KEYS
    assert await claimed.lock() == {}


@pytest.mark.parametrize(("seconds", "are_held"), [(60, True), (-1, False)])
async def test_a_person_whom_somebody_else_creates_is_told(
    claimed: Claimed, seconds: int, are_held: bool
) -> None:
    await claimed.put(KEYS[0], seconds=seconds)
    assert list(await claimed.lock()) == KEYS[:1] * are_held
    assert await claimed.locked() == KEYS


async def test_nobody_is_locked_for_rows_of_another_worker(claimed: Claimed) -> None:
    async with claimed.rig.database.system() as session:
        await session.execute(TAKE_AWAY, {"registration_id": claimed.items[1].job.registration_id})
    with pytest.raises(LeaseLost, match="1 of 2 rows"):
        await claimed.lock()
    assert claimed.lease.is_lost
    assert await claimed.locked() == []


async def test_people_are_locked_after_all_rows(claimed: Claimed) -> None:
    """While somebody has the rows, none of the people is locked: all lock in one order."""
    async with claimed.rig.database.system() as session:
        await session.execute(LOCK_ROWS)
        locking = asyncio.create_task(claimed.lock())
        await asyncio.sleep(0.3)
        with pytest.raises(ZeroDivisionError):
            async with claimed.rig.database.system() as other:
                await other.execute(AT_ONCE)
                for key in KEYS:
                    values = {"org_id": claimed.rig.org.org_id, "key": key, "host_id": HOST, "seconds": 60}
                    await other.execute(PUT, values)
                raise ZeroDivisionError
        assert not locking.done()
    assert await locking == {}
    assert await claimed.locked() == KEYS
