"""A group of new registrations is recorded by one call, and the longer way where anything changed."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from app.config.settings import Settings
from app.infrastructure.database import Database
from app.infrastructure.raw_connection import DedicatedConnection
from app.models import Delivery, Event, Registration, SyncJob
from app.privacy.erasure import ErasureRequest, erase
from app.privacy.tombstones import lock_exclusive, shared_locks
from app.sync.jobs.enqueue import JOB
from app.webhooks.batch_writer import GroupCommitWriter
from app.webhooks.ingest import ingest_without_erasures
from app.webhooks.merge_upsert import INSERT_DELIVERIES, INSERT_REGISTRATIONS
from app.webhooks.new_registrations import LastSeen
from app.webhooks.parse import Outcome, ParsedDelivery
from bench.wire import Counts, Wire
from tests.deliveries import CONFIRMED_AT, PEPPER, delivery, event, registration, webhook
from tests.factories import NOW
from tests.integration.webhooks.test_batch_writer import writer_on
from tests.integration.webhooks.test_ingest import connect, recorded, until_somebody_waits

OTHER_ORG = "00Dxx0000001otter"
DEFINITION = text("SELECT pg_get_functiondef('record_registrations_by_place'::regproc)")
READ = ("hosts", "connections", "erasures", "events", "registrations")
MANY = 2000
OTHERS = (
    f"INSERT INTO hosts (host_id) SELECT 'other_' || n FROM generate_series(1, {MANY}) AS n",
    "INSERT INTO erasures (host_id, kind, key, erased_at)"
    " SELECT host_id, 'email', sha256(host_id::bytea), now() FROM hosts WHERE host_id <> 'host_a'",
    "INSERT INTO events (host_id, event_id, title, snapshot_at)"
    f" SELECT 'host_a', 'other_' || n, 'Otters', now() FROM generate_series(1, {MANY}) AS n",
    "INSERT INTO registrations (host_id, registration_id, event_id, status, attendee, email_key, snapshot_at,"
    " registered_at) SELECT 'host_a', 'other_' || n, 'other_' || n, 'confirmed', '{}', 'x', now(), now() FROM"
    f" generate_series(1, {MANY}) AS n",
)
ROWS_READ = text(
    "SELECT relname, coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)"
    " + coalesce((SELECT sum(idx_tup_read) FROM pg_stat_user_indexes AS i WHERE i.relid = t.relid), 0)"
    " FROM pg_stat_user_tables AS t"
)
NOT_OF_NEW = ("requested_by", "is_optional")
"""What a job has that was asked for by somebody, or in part."""
INSERTED = r"INSERT INTO {table} \(([^)]*)\)"


def of(number: int, webhook_id: str | None = None) -> ParsedDelivery:
    return delivery(webhook(registration=registration(id=f"reg_{number}")), webhook_id or f"msg_{number}")


@pytest.fixture
async def known(database: Database) -> Database:
    """With a connected host and an event that webhooks told of before."""
    await connect(database)
    await recorded(database, of(1))
    return database


@pytest.fixture
async def writer(known: Database) -> AsyncIterator[GroupCommitWriter]:
    """Has seen the host and the event; nothing is written by it but this registration."""
    async with writer_on(known) as running:
        assert await running.submit(of(1)) is Outcome.DUPLICATE
        yield running


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Of each group whether one call recorded it."""
    record, found = LastSeen.record_new, []

    async def noted(self: LastSeen, *group: object) -> object:
        result = await record(self, *group)  # type: ignore[arg-type]
        found.append(result is not None)
        return result

    monkeypatch.setattr(LastSeen, "record_new", noted)
    return found


async def rows_read(owner: AsyncEngine) -> dict[str, int]:
    """Of each table the rows and index entries that all sessions have read so far."""
    async with owner.connect() as connection:
        await connection.exec_driver_sql("SELECT pg_stat_force_next_flush()")
        return {name: int(read) for name, read in await connection.execute(ROWS_READ)}


async def sent(writer: GroupCommitWriter, *deliveries: ParsedDelivery) -> list[Outcome]:
    """The outcomes of a group."""
    return await asyncio.gather(*map(writer.submit, deliveries))


async def stored(database: Database) -> list[int]:
    """How many deliveries, registrations and jobs there are."""
    async with database.system() as session:
        tables = (Delivery, Registration, SyncJob)
        return [await session.scalar(select(func.count()).select_from(table)) or 0 for table in tables]


async def test_a_group_of_new_registrations_takes_one_round_trip(known: Database, settings: Settings) -> None:
    wire = Wire(settings.database_url)
    async with wire.opened() as url:
        database = Database.connect(url)
        before = wire.counts
        async with writer_on(database) as writer:
            for first in (10, 30, 50, 70):  # the first one sees the event; each writer prepares its statement
                before = wire.counts.copy()
                group = [of(number) for number in range(first, first + 20)]
                assert set(await sent(writer, *group)) == {Outcome.ACCEPTED}
        assert wire.counts.since(before) == Counts(transactions=1, statements=1, round_trips=1)
        await database.close()
    assert await stored(known) == [81, 81, 81]


async def test_what_one_call_records_is_what_the_longer_way_records(
    known: Database, writer: GroupCommitWriter, taken: list[bool]
) -> None:
    await recorded(known, of(2))
    await sent(writer, of(3))
    assert taken == [True]
    async with known.system() as session:
        for table in (Delivery, Registration, SyncJob):
            own = {"webhook_id", "registration_id", "seq", "change_no", "payload", "body_sha256"}
            columns = [column.name for column in table.__table__.columns if column.name not in own]
            names = [name for name in columns if not name.endswith(("_at", "_since"))]
            query = select(*(getattr(table, name) for name in names)).where(table.registration_id != "reg_1")
            longer, one_call = (await session.execute(query)).all()
            assert longer == one_call


async def test_a_plan_from_when_rows_were_few_reads_no_table_through(
    known: Database, owner: AsyncEngine, taken: list[bool]
) -> None:
    last_seen, direct = LastSeen(), known.direct()
    async with owner.begin() as connection:  # statistics of the one host that there is
        await connection.exec_driver_sql(f"ANALYZE {', '.join(READ)}")
    async with direct.unit_of_work(shared_locks({"host_a"})) as statements:
        seen = (await ingest_without_erasures(statements, [of(2)], pepper=PEPPER)).seen
    assert seen is not None
    last_seen.note(seen)
    await last_seen.record_new(direct, [of(3)])
    async with owner.begin() as connection:
        await connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        for insert in OTHERS:
            await connection.exec_driver_sql(insert)
        await connection.exec_driver_sql("SELECT pg_stat_force_next_flush()")
    before = await rows_read(owner)
    await last_seen.record_new(direct, [of(4)])
    await direct.close()
    after = await rows_read(owner)
    assert taken == [True, True]
    # Sessions that rest tell the few rows that they read before up to ten seconds later.
    assert max(after[table] - before[table] for table in READ) < MANY / 2


@pytest.mark.parametrize("webhook_id", ["msg_2", "msg_9"], ids=["same-webhook", "another-webhook"])
@pytest.mark.parametrize("is_first", [True, False], ids=["before", "meanwhile"])
async def test_what_another_process_wrote_is_joined(
    known: Database, writer: GroupCommitWriter, taken: list[bool], webhook_id: str, is_first: bool
) -> None:
    if is_first:
        await recorded(known, of(2, webhook_id))
        outcomes = await sent(writer, of(2, "msg_2"), of(3))
    else:
        async with known.system() as session:
            await session.execute(
                text("INSERT INTO registrations (host_id, registration_id, event_id, status, attendee,"
                     " snapshot_at, registered_at) VALUES ('host_a', 'reg_2', 'evt_otters', 'pending', '{}',"
                     " '2026-11-01', '2026-11-01')")
            )  # fmt: skip
            task = asyncio.create_task(sent(writer, of(2, "msg_2"), of(3)))
            await until_somebody_waits(known)
        outcomes = await task
    assert taken == [False]
    is_same = is_first and webhook_id == "msg_2"
    assert outcomes == [Outcome.DUPLICATE if is_same else Outcome.ACCEPTED, Outcome.ACCEPTED]
    assert await stored(known) == [4 if is_first and not is_same else 3, 3, 3]


async def test_a_webhook_that_is_there_is_told_without_an_error(
    known: Database, writer: GroupCommitWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    call, answers = DedicatedConnection.call, []

    async def noted(self: DedicatedConnection, *asked: Any) -> Any:
        answers.append(await call(self, *asked))
        return answers[-1]

    monkeypatch.setattr(DedicatedConnection, "call", noted)
    assert await sent(writer, of(2)) == [Outcome.ACCEPTED]
    assert await sent(writer, of(3, "msg_2")) == [Outcome.DUPLICATE]
    assert answers == [True, False]
    assert await stored(known) == [2, 2, 2]


@pytest.mark.parametrize(
    ("other", "rows"),
    [
        pytest.param(of(3, "msg_3"), [3, 3, 3], id="new"),
        pytest.param(replace(of(2), webhook_id="msg_3"), [3, 2, 2], id="of-the-same-registration"),
        pytest.param(of(1, "msg_3"), [3, 2, 2], id="of-one-that-is-known"),
        pytest.param(of(2), [2, 2, 2], id="twice-the-same-webhook"),
        pytest.param(
            delivery(webhook(event=event(title="Otter Gala", version=5)), "msg_3"),
            [3, 2, 2],
            id="with-a-changed-event",
        ),
        pytest.param(replace(of(3), host_name="Otters Ltd"), [3, 3, 3], id="with-another-name-of-the-host"),
        pytest.param(replace(of(3), registration=None), [3, 2, 2], id="redacted"),
        pytest.param(replace(of(3), host_id="host_b"), [3, 3, 2], id="of-another-host"),
    ],
)
async def test_whatever_else_is_in_the_group_is_written_too(
    known: Database, writer: GroupCommitWriter, taken: list[bool], other: ParsedDelivery, rows: list[int]
) -> None:
    outcomes = await sent(writer, of(2), other)
    assert outcomes.count(Outcome.ACCEPTED) == rows[0] - 1
    assert await stored(known) == rows
    assert taken == [other == of(3, "msg_3")]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param("UPDATE hosts SET name = 'Otters Ltd'", id="host"),
        pytest.param(f"UPDATE connections SET org_id = '{OTHER_ORG}'", id="connection"),
        pytest.param("UPDATE events SET is_enabled = false", id="event"),
        pytest.param("DELETE FROM connections", id="disconnected"),
    ],
)
async def test_what_changed_since_it_was_seen_is_seen_again(
    known: Database, writer: GroupCommitWriter, taken: list[bool], change: str
) -> None:
    async with known.system() as session:
        await session.execute(text(change))
    assert await sent(writer, of(2)) == [Outcome.ACCEPTED]
    is_named_anew = change.startswith("UPDATE hosts")
    assert await sent(writer, of(3)) == [Outcome.ACCEPTED]
    # The webhook's name of the host replaced the other, so it has to be seen once more.
    assert taken == [False, not is_named_anew]
    async with known.system() as session:
        orgs = {job.registration_id: job.org_id for job in await session.scalars(select(SyncJob))}
    if change.startswith("DELETE"):
        assert "reg_2" not in orgs
    elif OTHER_ORG in change:
        assert orgs["reg_2"] == orgs["reg_3"] == OTHER_ORG


async def test_erased_since_it_was_seen_is_not_stored(
    known: Database, writer: GroupCommitWriter, taken: list[bool]
) -> None:
    request = ErasureRequest(
        "host_a", at=NOW, attendee_id=None, email="mary@otter.example", registration_ids=()
    )
    async with known.system() as session:
        await lock_exclusive(session, ["host_a"])
        waiting = asyncio.create_task(sent(writer, of(2)))
        await until_somebody_waits(known)
        await erase(session, request, pepper=PEPPER, by="platform")
    assert await waiting == [Outcome.ACCEPTED]
    assert await sent(writer, of(3)) == [Outcome.ACCEPTED]
    assert taken == [False, False]
    async with known.system() as session:
        names = await session.scalars(select(Registration.registration_id))
        assert not {"reg_2", "reg_3"} & set(names)


async def test_a_registration_that_is_not_wanted_yet_has_no_job(
    known: Database, writer: GroupCommitWriter
) -> None:
    pending = delivery(
        webhook("registration.updated", registration=registration(id="reg_2", status="pending")), "msg_2"
    )
    assert await sent(writer, pending) == [Outcome.ACCEPTED]
    assert await stored(known) == [2, 2, 1]


async def test_an_event_that_is_told_later_is_seen(known: Database, writer: GroupCommitWriter) -> None:
    moved = webhook("event.updated", "2026-11-11T14:03:00Z", event=event(title="Otter Gala", version=5))
    await recorded(known, delivery(moved, "msg_8"))
    assert await sent(writer, of(2)) == [Outcome.ACCEPTED]
    async with known.system() as session:
        assert await session.scalar(select(Event.title)) == "Otter Gala"
    assert CONFIRMED_AT < "2026-11-11"


async def test_a_login_that_may_be_the_system_alone_can_call_it(
    known: Database, settings: Settings, owner: AsyncEngine, taken: list[bool]
) -> None:
    async with owner.begin() as connection:
        await connection.execute(text("DROP ROLE IF EXISTS es_calls"))
        await connection.execute(text("CREATE ROLE es_calls LOGIN NOINHERIT IN ROLE eventship_system"))
    called = Database.connect("", system_url=settings.database_url.replace("owner@", "es_calls@"),
                              app_url=settings.database_url)  # fmt: skip
    async with writer_on(called) as writer:
        await sent(writer, of(1))
        assert await sent(writer, of(2)) == [Outcome.ACCEPTED]
    await called.close()
    assert taken == [False, True]


async def test_the_function_writes_the_columns_that_the_longer_way_writes(known: Database) -> None:
    async with known.system() as session:
        definition = str(await session.scalar(DEFINITION))
    for table, statement in {"deliveries": INSERT_DELIVERIES, "registrations": INSERT_REGISTRATIONS}.items():
        pattern = INSERTED.format(table=table)
        [ours], [theirs] = re.findall(pattern, str(statement)), re.findall(pattern, definition)
        assert re.findall(r"\w+", theirs) == re.findall(r"\w+", ours)
    [of_jobs] = re.findall(INSERTED.format(table="sync_jobs"), definition)
    assert re.findall(r"\w+", of_jobs) == list(JOB)[: -len(NOT_OF_NEW)]
    assert tuple(JOB)[-len(NOT_OF_NEW) :] == NOT_OF_NEW


async def test_no_id_ends_the_literal_that_locks_it(database: Database) -> None:
    hosts = ["o'tter", "x') AS h (host_id); DROP TABLE hosts; --", "Ötter"]
    held = text(
        "SELECT count(*) FROM pg_locks JOIN unnest(CAST(:hosts AS text[])) AS h (id)"
        " ON (CAST(classid AS bigint) << 32) | CAST(objid AS bigint) = hashtextextended(h.id, 11)"
        " WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND mode = 'ShareLock'"
    )
    direct = database.direct()
    async with direct.unit_of_work(shared_locks(hosts)) as statements:
        assert [tuple(row) for row in await statements.execute(held, {"hosts": hosts})] == [(3,)]
    await direct.close()
