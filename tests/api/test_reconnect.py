"""A grant that is revoked in the middle of a long drain: nothing fails, and reconnecting goes on."""

import asyncio
import itertools
import os
from collections import Counter
from collections.abc import Callable
from typing import Any

from sqlalchemy import func, select

from app.connections.service import open_client
from app.models import Host, SyncJob
from app.settings import Times
from app.sync.arm import Arm, arm_jobs
from app.sync.drain import Engine, drain, pepper_of
from tests.api.conftest import Service
from tests.factories_events import event_for, registration_for

JOBS = int(os.environ.get("RECONNECT_JOBS", "1000"))
BATCH = 200
REVOKED_AT_SEND = 10
"""The third batch or so: some rows are written then, and most are not."""
CHUNK = 500


def engine_of(service: Service, *, revoked_at_send: int | None = None) -> Engine:
    """An engine with ordinary times and small batches; before the given send the grant is revoked."""
    resources = service.resources
    changes = {"times": Times(drain_budget=25, stop=30), "batch_size_max": BATCH}
    settings = resources.settings.model_copy(update=changes)
    sends = itertools.count(1)

    async def opener(host_id: str, *, before_send: Callable[[], None]) -> Any:
        def guarded() -> None:
            before_send()
            if next(sends) == revoked_at_send:
                revoke_all(service)

        return await open_client(resources, host_id, before_send=guarded)

    return Engine(resources.database, settings, opener, "worker_otter", pepper_of(settings))


async def register(service: Service, org_id: str) -> None:
    database = service.resources.database
    async with database.system() as session:
        await session.merge(Host(host_id="host_a"))
        await session.merge(event_for())
    for start in range(0, JOBS, CHUNK):
        numbers = range(start, min(start + CHUNK, JOBS))
        async with database.system() as session:
            session.add_all(registration_for(number) for number in numbers)
            await session.flush()
            arms = [Arm("host_a", f"reg_{number:05}", "evt_otters", org_id, why="live") for number in numbers]
            await arm_jobs(session, arms)


async def states(service: Service) -> Counter[str]:
    async with service.resources.database.system() as session:
        rows = await session.execute(select(SyncJob.state, func.count()).group_by(SyncJob.state))
        return Counter({row[0]: row[1] for row in rows})


def revoke_all(service: Service) -> None:
    grants = service.simulator.simulator.default_org.grants
    for grant in list(grants):
        grants.revoke(grant)


async def emails(service: Service) -> Counter[str]:
    async with service.door() as door:
        rows = (await door.get("/_simulator/records/Lead")).json()["records"]
    return Counter(str(row["Email"]) for row in rows)


async def tasks(service: Service) -> Counter[str]:
    async with service.door() as door:
        rows = (await door.get("/_simulator/records/Task")).json()["records"]
    return Counter(str(row["WhoId"]) for row in rows)


async def drain_all(engine: Engine, org_id: str) -> None:
    while await drain(engine, org_id, stop=asyncio.Event()):
        pass


async def test_revoked_grant_in_a_long_drain_fails_no_job_and_doubles_nothing(service: Service) -> None:
    card = await service.connect()
    org_id = card["connection"]["org"]["id"]
    await register(service, org_id)

    await drain_all(engine_of(service, revoked_at_send=REVOKED_AT_SEND), org_id)
    card, after_end = await service.card(), await states(service)
    assert (card["state"], card["reason"]["code"]) == ("needs_reconnect", "access_revoked")
    assert 0 < after_end["synced"] < JOBS
    assert after_end["failed"] == 0
    assert card["work"]["waiting"] == JOBS - after_end["synced"]
    async with service.resources.database.system() as session:
        assert await session.scalar(select(func.max(SyncJob.attempts)).where(SyncJob.state == "pending")) == 0

    card = await service.connect()
    assert card["state"] == "connected"
    await drain_all(engine_of(service), org_id)
    assert await states(service) == Counter({"synced": JOBS})
    leads, activities = await emails(service), await tasks(service)
    assert (len(leads), set(leads.values())) == (JOBS, {1})
    assert (len(activities), set(activities.values())) == (JOBS, {1})
