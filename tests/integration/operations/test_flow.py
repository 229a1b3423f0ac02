"""What came in and went out over time: counted once, also by several workers, and cheap with many rows."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncEngine

from app.infrastructure.database import Database
from app.infrastructure.encryption import Encryptor
from app.models import Base, Connection, Delivery, FlowInterval, SyncAttempt
from app.operations.flow import COUNT, STEP, SUMS, WHOLE, WIDTHS, begin_of, count_flow, read_flow
from tests.factories import ORG_ID
from tests.integration.registrations.sample_event import add_connected_host, save

HOUR = timedelta(hours=1)


def received(number: int, at: datetime, host_id: str = "host_a") -> Base:
    return Delivery(
        host_id=host_id, webhook_id=f"msg_{number}", type="registration.confirmed", occurred_at=at,
        received_at=at, body_sha256=b"", payload={}, outcome="accepted",
    )  # fmt: skip


def ran(number: int, at: datetime, outcome: str) -> Base:
    return SyncAttempt(
        host_id="host_a", registration_id=f"reg_{number}", at=at, event_id="evt_summit", org_id=ORG_ID,
        kind="registered", reason="live", outcome=outcome, requests=[], responses=[],
    )  # fmt: skip


def slot(ago: timedelta) -> datetime:
    """The beginning of the interval that was so long ago."""
    at = datetime.now(UTC) - ago
    return at - timedelta(seconds=at.timestamp() % STEP.total_seconds())


async def counted(database: Database) -> dict[str, list[tuple[int, int, int]]]:
    """By org, the rows in which something happened."""
    async with database.system() as session:
        rows = await session.scalars(select(FlowInterval).order_by(FlowInterval.org_id, FlowInterval.at))
        found: dict[str, list[tuple[int, int, int]]] = {}
        for row in rows:
            if row.received + row.synced + row.failed:
                found.setdefault(row.org_id, []).append((row.received, row.synced, row.failed))
        return found


async def count_all(database: Database) -> None:
    for _ in range(25):
        await count_flow(database)


async def test_each_interval_is_counted_by_org_and_for_the_whole(
    database: Database, vault: Encryptor
) -> None:
    await add_connected_host(database, vault)
    early, late = slot(HOUR), slot(HOUR / 2)
    await save(database, *(received(number, early) for number in range(3)), received(3, late, "host_unknown"))
    await save(
        database,
        ran(1, early, "synced"),
        ran(2, early, "failed"),
        ran(3, early, "pending"),
        ran(4, late, "synced"),
    )
    await count_all(database)
    assert await counted(database) == {WHOLE: [(3, 1, 1), (1, 1, 0)], ORG_ID: [(3, 1, 1), (0, 1, 0)]}


async def test_it_is_counted_once_also_by_several_workers_and_never_before_it_is_over(
    database: Database, vault: Encryptor
) -> None:
    await add_connected_host(database, vault)
    await save(database, received(1, slot(HOUR)), received(2, datetime.now(UTC)))
    await count_all(database)
    await asyncio.gather(*(count_flow(database) for _ in range(4)))
    assert await counted(database) == {WHOLE: [(1, 0, 0)], ORG_ID: [(1, 0, 0)]}
    async with database.system() as session:
        newest = await session.scalar(select(func.max(FlowInterval.at)).where(FlowInterval.org_id == WHOLE))
    assert newest is not None
    assert newest + STEP <= datetime.now(UTC)


async def test_a_service_without_workers_catches_up_an_hour_at_a_time_and_a_day_at_most(
    database: Database,
) -> None:
    await save(database, FlowInterval(org_id=WHOLE, at=slot(timedelta(days=5))), received(1, slot(3 * HOUR)))
    await count_flow(database)
    async with database.system() as session:
        assert await session.scalar(select(func.count()).select_from(FlowInterval)) == 1 + HOUR // STEP
    await count_all(database)
    assert await counted(database) == {WHOLE: [(1, 0, 0)]}


async def test_a_host_that_disconnected_counts_for_the_whole_alone(
    database: Database, vault: Encryptor
) -> None:
    await add_connected_host(database, vault)
    async with database.system() as session:
        await session.execute(update(Connection).values(state="disconnected", refresh_token=None))
    await save(database, received(1, slot(HOUR)))
    await count_all(database)
    assert await counted(database) == {WHOLE: [(1, 0, 0)]}


async def test_the_last_day_is_read_in_half_hours(database: Database) -> None:
    now = slot(timedelta())
    await save(
        database,
        FlowInterval(org_id=ORG_ID, at=now, received=2, synced=1),
        FlowInterval(org_id=ORG_ID, at=now - 5 * HOUR, failed=4),
        FlowInterval(org_id=ORG_ID, at=now - 30 * HOUR, failed=9),
    )
    async with database.system() as session:
        day = (await read_flow(session, [ORG_ID, "org_quiet"], "day"))[ORG_ID]
        week = (await read_flow(session, [ORG_ID], "week"))[ORG_ID]
    assert (len(day.received), day.step_seconds, day.received[-1], day.synced[-1]) == (48, 1800, 2, 1)
    assert (sum(day.failed), day.failed[37]) == (4, 4)
    assert (len(week.failed), sum(week.failed)) == (56, 13)


def test_a_period_ends_with_the_step_that_runs() -> None:
    noon = datetime(2026, 11, 29, 12, 10, tzinfo=UTC)
    assert begin_of(noon, WIDTHS["day"]) == datetime(2026, 11, 28, 12, 30, tzinfo=UTC)


async def plan(database: Database, query: Any, values: dict[str, Any]) -> str:
    async with database.system() as session:
        lines = await session.scalars(text(f"EXPLAIN {query.text}"), values)
        return "\n".join(lines)


async def test_many_rows_of_history_are_read_by_index(database: Database, owner: AsyncEngine) -> None:
    async with owner.begin() as connection:
        await connection.execute(
            text("""
                INSERT INTO flow_intervals (org_id, at, received)
                SELECT 'org_' || org, now() - step * interval '5 minutes', 1
                FROM generate_series(1, 100) AS org, generate_series(0, 300) AS step
            """)
        )
        await connection.execute(
            text("""
                INSERT INTO deliveries (host_id, webhook_id, type, occurred_at, received_at, body_sha256,
                                        payload, outcome)
                SELECT 'host_a', 'msg_' || n, 't', now(), now() - n * interval '1 minute', '', '{}', ''
                FROM generate_series(1, 20000) AS n
            """)
        )
        await connection.execute(text("ANALYZE flow_intervals, deliveries"))
    since = datetime.now(UTC) - HOUR
    orgs = await plan(
        database, SUMS, {"step": STEP, "begin": since - 23 * HOUR, "org_ids": ["org_1", "org_2"]}
    )
    assert "pk_flow_intervals" in orgs
    assert "Seq Scan" not in orgs
    portion = await plan(database, COUNT, {"step": STEP, "begin": since, "until": since + STEP})
    assert "ix_deliveries_received_at" in portion
    assert "Seq Scan on deliveries" not in portion
