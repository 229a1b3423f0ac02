"""A group of new registrations is written by one statement, also where another process was first."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from sqlalchemy import func, select, text

from app.config.settings import Settings
from app.infrastructure.database import Database
from app.infrastructure.raw_connection import SqlExecutor
from app.models import Delivery, Registration, SyncJob
from app.privacy.tombstones import lock_exclusive, shared_locks
from app.webhooks.existing_state import ExistingState, load_existing
from app.webhooks.ingest import IngestResult, ingest_without_erasures
from app.webhooks.parse import Outcome, ParsedDelivery
from bench.wire import Counts, Wire
from tests.deliveries import PEPPER, delivery, event, registration, webhook
from tests.integration.webhooks.test_batch_writer import writer_on
from tests.integration.webhooks.test_ingest import connect, recorded, until_somebody_waits

ROUND_TRIPS = 4
"""BEGIN with its locks, the look, the write, COMMIT."""


def of(number: int, webhook_id: str | None = None) -> ParsedDelivery:
    return delivery(webhook(registration=registration(id=f"reg_{number}")), webhook_id or f"msg_{number}")


@pytest.fixture
async def known(database: Database) -> Database:
    """With a connected host and an event that webhooks told of before."""
    await connect(database)
    await recorded(database, of(1))
    return database


@pytest.fixture
async def counted(known: Database, settings: Settings) -> AsyncIterator[tuple[Database, Counts]]:
    """The database behind a port that counts what is said to it."""
    wire = Wire(settings.database_url)
    async with wire.opened() as url:
        database = Database.connect(url)
        yield database, wire.counts
        await database.close()


async def written(database: Database, *deliveries: ParsedDelivery) -> IngestResult:
    """As a writer of the intake does."""
    direct = database.direct()
    try:
        async with direct.unit_of_work(shared_locks({each.host_id for each in deliveries})) as statements:
            return await ingest_without_erasures(statements, deliveries, pepper=PEPPER)
    finally:
        await direct.close()


async def stored(database: Database) -> list[int]:
    """How many deliveries, registrations and jobs there are."""
    async with database.system() as session:
        tables = (Delivery, Registration, SyncJob)
        return [await session.scalar(select(func.count()).select_from(table)) or 0 for table in tables]


async def test_a_group_of_new_registrations_takes_four_round_trips(
    counted: tuple[Database, Counts],
) -> None:
    database, counts = counted
    before = counts
    async with writer_on(database) as writer:
        for first in (10, 30, 50):  # each writer prepares its statements once
            before = counts.copy()
            told = [of(number) for number in range(first, first + 20)]
            assert set(await asyncio.gather(*map(writer.submit, told))) == {Outcome.ACCEPTED}
    assert counts.since(before) == Counts(transactions=1, statements=2, round_trips=ROUND_TRIPS)
    assert await stored(database) == [61, 61, 61]


@pytest.mark.parametrize("webhook_id", ["msg_2", "msg_9"], ids=["same-webhook", "another-webhook"])
async def test_what_another_process_wrote_since_the_look_is_joined(
    known: Database, monkeypatch: pytest.MonkeyPatch, webhook_id: str
) -> None:
    async def look(statements: SqlExecutor, deliveries: list[ParsedDelivery]) -> ExistingState:
        monkeypatch.undo()
        seen = await load_existing(statements, deliveries)
        await recorded(known, of(2, webhook_id))
        return seen

    monkeypatch.setattr("app.webhooks.ingest.load_existing", look)
    result = await written(known, of(2, "msg_2"), of(3))
    is_same = webhook_id == "msg_2"
    assert result.outcomes == [Outcome.DUPLICATE if is_same else Outcome.ACCEPTED, Outcome.ACCEPTED]
    assert await stored(known) == [3 if is_same else 4, 3, 3]


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
    ],
)
async def test_whatever_else_is_in_the_group_is_written_too(
    known: Database, other: ParsedDelivery, rows: list[int]
) -> None:
    result = await written(known, of(2), other)
    assert result.outcomes.count(Outcome.ACCEPTED) == rows[0] - 1
    assert await stored(known) == rows


async def test_a_registration_that_is_not_wanted_yet_has_no_job(known: Database) -> None:
    pending = delivery(
        webhook("registration.updated", registration=registration(id="reg_2", status="pending")), "msg_2"
    )
    result = await written(known, pending)
    assert result.org_ids == set()
    assert await stored(known) == [2, 2, 1]


async def test_a_group_waits_for_an_erasure_of_its_host(known: Database) -> None:
    async with known.system() as session:
        await lock_exclusive(session, ["host_a"])
        task = asyncio.create_task(written(known, of(2)))
        await until_somebody_waits(known)
    assert (await task).outcomes == [Outcome.ACCEPTED]


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


async def test_a_body_that_came_under_a_known_id_writes_nothing_beside_a_redacted_delivery(
    known: Database,
) -> None:
    """The redacted delivery is new and has the same registration, but tells nothing of it."""
    await written(known, of(2, "msg_again"))
    redacted = replace(of(3, "msg_new"), registration=None)
    result = await written(known, of(3, "msg_again"), redacted)
    assert result.outcomes[0] is Outcome.DUPLICATE
    async with known.system() as session:
        assert "reg_3" not in set(await session.scalars(select(Registration.registration_id)))
