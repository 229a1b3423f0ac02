"""A failure of one host's turn pauses that host: the other hosts of the org are served."""

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import asyncpg
import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import DBAPIError

from app.api.auth import Principal, Role
from app.connections.card import load_card
from app.connections.service import open_client
from app.infrastructure.encryption import Encryptor, new_key
from app.models import Connection, Host, SyncJob
from app.operations.overview import read_overview
from app.sync.engine import pipeline, prefetch
from app.sync.engine.org_drain import DrainContext
from app.sync.engine.pipeline import BatchResult
from app.sync.jobs.claim import orgs_with_work
from app.sync.jobs.enqueue import JobRequest, enqueue_jobs
from tests.factories_events import event_for, registration_for
from tests.integration.sync.conftest import EVENT, HOST, Rig

NEIGHBOUR = "host_b"


async def with_neighbour(rig: Rig) -> None:
    """A second host on the org, behind the first one in the order of ids, with a registration that is due."""
    async with rig.database.system() as session:
        session.add(Host(host_id=NEIGHBOUR))
        session.add(event_for(NEIGHBOUR))
        session.add(rig.org.connection(rig.resources.vault, NEIGHBOUR))
        session.add(registration_for(90, host_id=NEIGHBOUR))
        await session.flush()
        await enqueue_jobs(session, [JobRequest(NEIGHBOUR, "reg_00090", EVENT, rig.org.org_id)])


async def spoil(rig: Rig, **values: Any) -> None:
    async with rig.database.system() as session:
        await session.execute(update(Connection).where(Connection.host_id == HOST).values(values))


async def connection(rig: Rig) -> Connection:
    async with rig.database.system() as session:
        return await session.get_one(Connection, HOST)


def foreign(rig: Rig) -> bytes:
    return rig.resources.vault.seal("token", host_id="host_x", column="connections.access_token")


def unknown_key(rig: Rig) -> bytes:
    return Encryptor.from_texts([new_key("gone")]).seal(
        "token", host_id=HOST, column="connections.access_token"
    )


SPOILT: dict[str, tuple[Callable[[Rig], dict[str, Any]], str]] = {
    "another host's tokens": (lambda rig: {"access_token": foreign(rig)}, "credentials_unreadable"),
    "a key that is not here": (lambda rig: {"access_token": unknown_key(rig)}, "credentials_unreadable"),
    "cut to one byte": (lambda rig: {"access_token": b"\x01"}, "credentials_unreadable"),
    "a foreign server": (lambda rig: {"instance_url": "https://evil.example"}, "instance_not_allowed"),
}

WAITS = ((3, 6), (23, 36), (95, 144), (239, 360), (719, 1080), (719, 1080))


@pytest.mark.parametrize(("values", "code"), SPOILT.values(), ids=SPOILT)
async def test_connection_that_cannot_be_opened_rests_its_host_alone(
    rig: Rig, values: Callable[[Rig], dict[str, Any]], code: str, caplog: pytest.LogCaptureFixture
) -> None:
    reg = await rig.registered(1)
    await with_neighbour(rig)
    before = await connection(rig)
    await spoil(rig, **values(rig))
    with caplog.at_level(logging.ERROR):
        await rig.drain()
    assert await rig.states() == {reg: "pending", "reg_00090": "synced"}
    assert [line.message for line in caplog.records] == ["host_turn_broke_off"]
    assert caplog.records[0].exc_info is None
    job, found = await rig.job(reg), await connection(rig)
    assert (job.attempts, job.worker_crashes, job.fence) == (0, 0, None)
    assert (found.state, found.fault_code, found.fault_count) == ("connected", code, 1)
    assert await orgs_with_work(rig.database, limit=10) == []
    await spoil(rig, access_token=before.access_token, instance_url=before.instance_url)
    await rig.pass_time(10)
    await rig.drain()
    found = await connection(rig)
    assert (await rig.states())[reg] == "synced"
    assert (found.fault_code, found.fault_count, found.fault_until) == (None, 0, None)


async def test_refresh_token_that_does_not_open_rests_its_host_alone(rig: Rig) -> None:
    reg = await rig.registered(1)
    await with_neighbour(rig)
    await spoil(rig, refresh_token=foreign(rig))
    await rig.org.control.post("/expire-tokens")
    await rig.drain()
    found = await connection(rig)
    assert await rig.states() == {reg: "pending", "reg_00090": "synced"}
    assert (found.fault_code, found.refresh_started_at) == ("credentials_unreadable", None)


async def test_each_further_fault_waits_longer(rig: Rig) -> None:
    await rig.registered(1)
    await spoil(rig, instance_url="https://evil.example")
    waits, counts = [], []
    for _ in range(6):
        await rig.pass_time(2000)
        await rig.drain()
        found = await connection(rig)
        async with rig.database.system() as session:
            wait = await session.scalar(select(Connection.fault_until - func.clock_timestamp()))
        waits.append(wait.total_seconds() if wait else 0)
        counts.append(found.fault_count)
    assert counts == [1, 2, 3, 4, 5, 6]
    assert [low <= wait <= high for wait, (low, high) in zip(waits, WAITS, strict=True)] == [True] * 6


def crashing_on(rig: Rig, monkeypatch: pytest.MonkeyPatch, email: str) -> None:
    """A bug that one attendee's data sets off, wherever it is in the batch."""
    taken = pipeline.process_batch

    async def take_steps(means: Any, client: Any, store: Any, rows: Any, **more: Any) -> BatchResult:
        if any(row.job.attendee.email == email for row in rows):
            raise ZeroDivisionError("a bug")
        return await taken(means, client, store, rows, **more)

    monkeypatch.setattr("app.sync.engine.host_turn.process_batch", take_steps)


AWAY = {
    "no connection left": asyncpg.TooManyConnectionsError("remaining connection slots are reserved"),
    "starting up": asyncpg.CannotConnectNowError("the database system is starting up"),
    "demoted": asyncpg.ReadOnlySQLTransactionError("cannot execute UPDATE in a read-only transaction"),
    "full": asyncpg.DiskFullError("could not extend file"),
}


@pytest.mark.parametrize("cause", AWAY.values(), ids=AWAY)
async def test_database_that_cannot_be_used_is_no_fault_of_the_host_or_its_rows(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, cause: Exception
) -> None:
    """Connections that ran out once let every host rest for minutes, and could have failed its rows."""
    reg = await rig.registered(1)

    async def refused(*_: Any, **__: Any) -> None:
        raise DBAPIError("SELECT 1", None, cause)

    with monkeypatch.context() as patch:
        patch.setattr("app.sync.engine.host_turn.process_batch", refused)
        with pytest.raises(DBAPIError):
            await rig.drain()
    found = await connection(rig)
    assert (found.fault_code, found.fault_count, found.fault_until) == (None, 0, None)
    await rig.pass_time(60)
    await rig.drain()
    assert (await rig.states())[reg] == "synced"


async def test_statement_that_takes_too_long_rests_its_host(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rig.registered(1)

    async def cancelled(*_: Any, **__: Any) -> None:
        raise DBAPIError("SELECT 1", None, asyncpg.QueryCanceledError("due to statement timeout"))

    monkeypatch.setattr("app.sync.engine.host_turn.process_batch", cancelled)
    await rig.drain()
    assert (await connection(rig)).fault_count == 1


MOST_TURNS = 8
"""Parts of 8, 4, 2 and 1 rows break off, the last one three times, whatever the order of the rows."""


@pytest.mark.parametrize("place", [0, 1, 4, 7])
@pytest.mark.parametrize("number", [1, 5, 8], ids=["first", "middle", "last"])
async def test_bug_that_one_row_sets_off_costs_that_row_and_nobody_else(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, *, number: int, place: int
) -> None:
    regs = [await rig.registered(each) for each in range(1, 9)]
    bad = f"reg_0000{number}"
    await with_neighbour(rig)
    crashing_on(rig, monkeypatch, f"otter{number}@example.com")
    await rig.drain()
    states = await rig.states()
    assert (states.pop("reg_00090"), set(states.values())) == ("synced", {"pending"})
    assert (await connection(rig)).fault_code == "internal_fault"
    for _ in range(MOST_TURNS):
        await rig.pass_time(2000)
        await rig.set_due_order(bad, place=place)
        await rig.drain()
        states = await rig.states()
        if "pending" not in states.values():
            break
    assert {reg: states[reg] for reg in regs} == dict.fromkeys(regs, "synced") | {bad: "failed"}
    job, found = await rig.job(bad), await connection(rig)
    assert (job.error_class, job.error_code) == ("other", "NOT_PROCESSED")
    assert (found.fault_code, found.fault_until) == (None, None)
    assert len(await rig.records("Lead")) == 8


@pytest.mark.parametrize("reading", ["load_claimed", "with_siblings", "load_known"])
async def test_row_that_cannot_be_read_costs_that_row_and_nobody_else(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, reading: str
) -> None:
    """What is read in the transaction of the claim would take the claim back with it, for ever."""
    bad, good = await rig.registered(1), await rig.registered(2)
    read = getattr(prefetch, reading)

    async def read_unless_bad(session: Any, what: Any, *rest: Any, **more: Any) -> Any:
        ids = what if reading == "load_claimed" else [job.registration_id for job in what.jobs]
        if bad in ids:
            raise ZeroDivisionError("a bug")
        return await read(session, what, *rest, **more)

    monkeypatch.setattr(prefetch, reading, read_unless_bad)
    for _ in range(6):
        await rig.set_due_order(bad, place=0)
        await rig.drain()
        await rig.pass_time(2000)
    assert await rig.states() == {bad: "failed", good: "synced"}
    assert (await connection(rig)).fault_code is None


async def test_bug_while_a_client_is_opened_reaches_no_neighbour(rig: Rig) -> None:
    reg = await rig.registered(1)
    await with_neighbour(rig)

    async def opener(host_id: str, *, before_send: Any, **read: Any) -> Any:
        if host_id == HOST:
            raise RuntimeError("a bug")
        return await open_client(rig.resources, host_id, before_send=before_send, **read)

    engine: DrainContext = replace(rig.engine, open_client=opener)
    await rig.drain(engine=engine)
    assert await rig.states() == {reg: "pending", "reg_00090": "synced"}


async def test_fault_is_on_the_card_and_in_the_overview(rig: Rig) -> None:
    reg = await rig.registered(1)
    await spoil(rig, access_token=b"\x01")
    await rig.drain()
    async with rig.database.system() as session:
        [fault] = (await read_overview(session)).host_faults
    assert (fault.host_id, fault.org_id, fault.code, fault.count) == (
        HOST,
        rig.org.org_id,
        "credentials_unreadable",
        1,
    )
    owner = Principal(user_id="user_17", roles={HOST: Role.OWNER}, scopes=frozenset())
    card = await load_card(rig.resources, HOST, owner)
    assert card.fault is not None
    assert (card.state, card.fault.advice.code, card.fault.until) == (
        "connected",
        "credentials_unreadable",
        fault.until,
    )
    assert (card.work.pending, card.work.waiting) == (1, 1)
    async with rig.database.system() as session:
        assert (await session.get_one(SyncJob, (HOST, reg))).state == "pending"
