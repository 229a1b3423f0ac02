"""One registration by itself: how little its drain says to Postgres, and that nothing is lost by that."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import asyncpg
import pytest
from sqlalchemy import event, text

from app.infrastructure.acting_role import PLAN_ANEW
from app.infrastructure.database import Database
from app.models import OrgLease
from app.sync.engine.drain import drain
from app.sync.jobs import leases
from app.sync.jobs.claim import release_unless_due
from app.sync.jobs.leases import Lease
from tests.integration.sync.conftest import EVENT, HOST, Rig
from tests.waiting import until

TRANSACTIONS_MAX = 5
STATEMENTS_MAX = 9
PAUSE_EVENT = text("UPDATE events SET paused_at = clock_timestamp() WHERE event_id = :event_id")
PUT_OFF = text("UPDATE sync_jobs SET due_at = clock_timestamp() + interval '1 hour'")
FORGET_CLAIM = text("UPDATE sync_jobs SET state = 'pending', fence = NULL, running_version = NULL")
LEAVE_RUNNING = text("UPDATE sync_jobs SET state = 'running', fence = 1, running_version = 1")


@contextmanager
def counted(database: Database) -> Iterator[list[str]]:
    """The transactions that are committed meanwhile, and the statements, in their order."""
    heard: list[str] = []
    listeners = [
        (engine.sync_engine, name, note)
        for engine in database.engines
        for name, note in (
            ("commit", lambda _: heard.append("COMMIT")),
            ("before_cursor_execute", lambda _, __, statement, *___: heard.append(statement)),
        )
    ]
    for engine, name, note in listeners:
        event.listen(engine, name, note)
    yield heard
    for engine, name, note in listeners:
        event.remove(engine, name, note)


async def held(rig: Rig) -> Lease:
    lease = await leases.acquire(rig.database, rig.org.org_id, owner="otter", life=20, send_window=5)
    assert isinstance(lease, Lease)
    return lease


async def owner_of(rig: Rig) -> str | None:
    async with rig.database.system() as session:
        return (await session.get_one(OrgLease, rig.org.org_id)).owner


async def test_a_lone_registration_takes_five_transactions_and_few_statements(rig: Rig) -> None:
    await rig.link(await rig.org.campaign())
    await rig.registered(1)
    await rig.drain()
    await rig.registered(2)
    with counted(rig.engine.database) as heard:
        await rig.drain()
    assert 0 < heard.count("COMMIT") <= TRANSACTIONS_MAX
    assert len(heard) - heard.count("COMMIT") <= STATEMENTS_MAX
    assert set((await rig.states()).values()) == {"synced"}
    assert await owner_of(rig) is None


async def test_what_is_sent_and_how_it_ended_is_on_disk_and_what_is_looked_at_again_need_not_be(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Intent and end are there after a crash of Postgres; a claim may be forgotten, as a lease may."""
    begun: list[bool] = []
    send = asyncpg.Connection.execute

    async def noted(connection: Any, query: str, *args: Any, timeout: float | None = None) -> Any:
        if query.startswith("BEGIN"):
            begun.append("synchronous_commit" not in query)
        return await send(connection, query, *args, timeout=timeout)

    await rig.registered(1)
    await rig.drain()
    await rig.registered(2)
    monkeypatch.setattr(asyncpg.Connection, "execute", noted)
    await rig.drain()
    monkeypatch.undo()
    intent = end = True
    claim = False
    assert begun == [claim, intent, end]
    assert set((await rig.states()).values()) == {"synced"}


async def drain_with_running_rows(rig: Rig) -> asyncio.Task[bool]:
    """A drain that was begun, once its rows run and its first call is held."""
    rig.org.transport.hold()
    task = asyncio.create_task(rig.drain())
    await until(lambda: rig.org.transport.is_held)
    assert "running" in (await rig.states()).values()
    return task


async def test_nothing_is_written_for_rows_whose_claim_was_forgotten(rig: Rig) -> None:
    """As a crash of Postgres may leave them, while Salesforce is asked about their people."""
    await rig.registered(1)
    task = await drain_with_running_rows(rig)
    async with rig.database.system() as session:
        await session.execute(FORGET_CLAIM)
    rig.org.transport.let_go()
    assert await task is False
    assert await rig.records("Lead") == []
    await rig.pass_time(60)
    await rig.drain()
    assert len(await rig.records("Lead")) == 1
    assert set((await rig.states()).values()) == {"synced"}


async def test_new_connections_ask_for_no_types(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """The driver's question for types that it does not know costs Postgres more than a drain."""
    asked = set[int]()
    ask = asyncpg.Connection._introspect_types

    async def noted(connection: Any, types: Any, timeout: float) -> Any:
        asked.update(types)
        return await ask(connection, types, timeout)

    await rig.link(await rig.org.campaign())
    await rig.registered(1)
    for engine in rig.engine.database.engines:
        await engine.dispose()
    monkeypatch.setattr(asyncpg.Connection, "_introspect_types", noted)
    await rig.drain()
    assert set((await rig.states()).values()) == {"synced"}
    assert asked == set()


async def test_every_plan_of_a_lone_registration_is_kept(rig: Rig) -> None:
    """Whatever is said first in a transaction, nothing of it ends that its plans are kept."""
    await rig.link(await rig.org.campaign())
    await rig.registered(1)
    await rig.drain()
    await rig.registered(2)
    with counted(rig.engine.database) as heard:
        await rig.drain()
    assert len(heard) > TRANSACTIONS_MAX
    assert PLAN_ANEW not in heard


async def test_what_came_while_a_batch_was_written_is_written_by_the_same_drain(rig: Rig) -> None:
    await rig.registered(1)
    task = await drain_with_running_rows(rig)
    await rig.registered(2)
    rig.org.transport.let_go()
    assert await task is False
    assert set((await rig.states()).values()) == {"synced"}
    assert await owner_of(rig) is None


@pytest.mark.parametrize(
    ("change", "is_given_up"),
    [
        pytest.param(None, False, id="due"),
        pytest.param(PAUSE_EVENT, True, id="paused"),
        pytest.param(PUT_OFF, True, id="later"),
    ],
)
async def test_an_org_is_given_up_unless_rows_are_due(rig: Rig, change: Any, is_given_up: bool) -> None:
    await rig.registered(1)
    lease = await held(rig)
    if change is not None:
        async with rig.database.system() as session:
            await session.execute(change, {"event_id": EVENT} if change is PAUSE_EVENT else {})
    assert await release_unless_due(rig.database, lease, except_hosts=()) is is_given_up
    assert (await owner_of(rig) is None) is is_given_up


async def test_rows_of_a_host_that_stopped_keep_nobody(rig: Rig) -> None:
    await rig.registered(1)
    lease = await held(rig)
    assert await release_unless_due(rig.database, lease, except_hosts={HOST})


async def test_an_org_that_somebody_else_has_is_not_given_up(rig: Rig) -> None:
    lease = await held(rig)
    async with rig.database.system() as session:
        (await session.get_one(OrgLease, rig.org.org_id)).fence += 1
    assert not await release_unless_due(rig.database, lease, except_hosts=())
    assert await owner_of(rig) == "otter"


async def test_what_a_dead_worker_left_running_is_recovered_with_the_lease(rig: Rig) -> None:
    reg = await rig.registered(1)
    async with rig.database.system() as session:
        await session.execute(LEAVE_RUNNING)
    await held(rig)
    assert (await rig.job(reg)).state == "pending"


async def test_a_claim_that_could_not_be_read_is_no_claim(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    reg = await rig.registered(1)

    async def broken(*_: Any) -> None:
        raise RuntimeError("unreadable")

    monkeypatch.setattr("app.sync.engine.prefetch.load_known", broken)
    await drain(rig.engine, rig.org.org_id, stop=asyncio.Event())
    assert (await rig.job(reg)).state == "pending"
    assert await owner_of(rig) is None
