"""What is purged, what is kept, and that it is done in portions."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from app.config.settings import Settings
from app.infrastructure.database import Database
from app.main import open_resources
from app.models import (
    Delivery,
    DescribeCache,
    FlowInterval,
    IdempotencyKey,
    Notification,
    NotifiedCondition,
    OAuthAttempt,
    Quarantined,
    SyncAttempt,
    WorkerHeartbeat,
)
from app.models.base import Base
from workers.periodic_tasks import PERIODIC_TASKS
from workers.retention import purge


def answer(age: timedelta) -> Base:
    return IdempotencyKey(
        host_id="host_a",
        key=str(age),
        request_sha256=b"",
        status=200,
        created_at=datetime.now(UTC) - age,
    )


def delivery(age: timedelta, host_id: str = "host_a") -> Base:
    return Delivery(
        host_id=host_id,
        webhook_id=str(age),
        type="event.updated",
        occurred_at=datetime.now(UTC) - age,
        received_at=datetime.now(UTC) - age,
        body_sha256=b"",
        payload={},
        outcome="accepted",
    )


def quarantined(age: timedelta) -> Base:
    return Quarantined(webhook_id="w", received_at=datetime.now(UTC) - age, reason="otter")


def organizer(age: timedelta, sobject: str = "User:olga@acme.example") -> Base:
    """What Salesforce answered for an organizer's e-mail."""
    at = datetime.now(UTC) - age
    return DescribeCache(host_id="host_a", org_id=str(age), sobject=sobject, body={}, fetched_at=at)


def owners(age: timedelta) -> Base:
    """The org's users, with name and e-mail."""
    return organizer(age, sobject="Owner:all")


def heartbeat(age: timedelta) -> Base:
    return WorkerHeartbeat(worker_id=str(age), hostname="burrow", pid=7, beat_at=datetime.now(UTC) - age)


def sign_in(age: timedelta, *, has_arrived: bool) -> Base:
    return OAuthAttempt(
        attempt_id=f"att_{age}_{has_arrived}",
        host_id="host_a",
        user_id="user_1",
        environment="production",
        login_url="https://login.salesforce.com",
        client_id="shared",
        display="redirect",
        return_to="/",
        expires_at=datetime.now(UTC) - age,
        arrived_at=datetime.now(UTC) - age if has_arrived else None,
    )


def attempt(age: timedelta) -> Base:
    return SyncAttempt(
        host_id="host_a",
        registration_id="reg_1",
        at=datetime.now(UTC) - age,
        event_id="evt_otters",
        org_id="00D5g000004XyZaEAK",
        kind="registered",
        reason="live",
        outcome="synced",
        requests=[],
        responses=[],
    )


def notification(age: timedelta, **values: Any) -> Base:
    at = datetime.now(UTC) - age
    given = {"state": "delivered", "finished_at": at, **values}
    return Notification(
        host_id="host_a", notification_id=f"ntf_{age}", type="backfill.finished", created_at=at, **given
    )


def condition(age: timedelta, *, is_open: bool = False) -> Base:
    at = datetime.now(UTC) - age
    return NotifiedCondition(
        host_id="host_a", kind="failures", subject=str(age), is_open=is_open, changed_at=at, seen_at=at
    )


def interval(age: timedelta) -> Base:
    return FlowInterval(org_id="", at=datetime.now(UTC) - age)


async def kept(database: Database, table: type[Base]) -> int:
    async with database.system() as session:
        count: int = (await session.execute(select(func.count()).select_from(table))).scalar_one()
    return count


async def put(database: Database, rows: Sequence[Any]) -> None:
    async with database.system() as session:
        session.add_all(rows)


@pytest.mark.parametrize(
    ("make", "table", "keep"),
    [
        pytest.param(answer, IdempotencyKey, timedelta(hours=24), id="repeated-requests"),
        pytest.param(delivery, Delivery, timedelta(days=30), id="deliveries"),
        pytest.param(quarantined, Quarantined, timedelta(days=30), id="quarantine"),
        pytest.param(attempt, SyncAttempt, timedelta(days=90), id="history"),
        pytest.param(heartbeat, WorkerHeartbeat, timedelta(days=1), id="dead-workers"),
        pytest.param(organizer, DescribeCache, timedelta(days=1), id="organizers"),
        pytest.param(owners, DescribeCache, timedelta(days=1), id="owners"),
        pytest.param(interval, FlowInterval, timedelta(days=8), id="flow"),
        pytest.param(notification, Notification, timedelta(days=30), id="notifications"),
        pytest.param(condition, NotifiedCondition, timedelta(days=1), id="ended-conditions"),
    ],
)
async def test_rows_go_when_their_time_is_over_and_not_before(
    database: Database, make: Any, table: type[Base], keep: timedelta
) -> None:
    minute = timedelta(minutes=1)
    await put(database, [make(keep + minute), make(keep - minute)])
    assert await purge(database) == 1
    assert await kept(database, table) == 1


async def test_what_was_not_delivered_and_has_not_ended_stays(database: Database) -> None:
    age = timedelta(days=400)
    await put(database, [notification(age, state="pending", finished_at=None), condition(age, is_open=True)])
    assert await purge(database) == 0


async def test_describes_are_no_answers_about_organizers(database: Database) -> None:
    await put(database, [organizer(timedelta(days=9), name) for name in ("User", "UserX", "Lead")])
    assert await purge(database) == 0


async def test_webhook_ids_outlive_the_longest_retry_schedule(database: Database) -> None:
    await put(database, [delivery(timedelta(days=8))])
    assert await purge(database) == 0


async def test_a_long_neglected_table_is_emptied_portion_by_portion(database: Database) -> None:
    await put(database, [delivery(timedelta(days=40 + number)) for number in range(7)])
    assert await purge(database, portion=3) == 7
    assert await kept(database, Delivery) == 0


async def test_the_same_id_of_two_hosts_is_judged_for_each(database: Database) -> None:
    age = timedelta(days=31)
    await put(database, [delivery(age), delivery(age, "host_b"), delivery(timedelta(days=1), "host_b")])
    assert await purge(database) == 2


async def test_every_chore_runs_on_an_empty_house(database: Database, settings: Settings) -> None:
    async with open_resources(settings) as resources:
        for chore in PERIODIC_TASKS:
            await chore.run(resources)
        await purge(database)
    assert {chore.name for chore in PERIODIC_TASKS} >= {"arm backfills", "revocations", "keep alive", "purge"}


async def test_attempts_that_nobody_came_back_from_go_after_a_day(database: Database) -> None:
    async with database.system() as session:
        session.add_all(
            sign_in(age, has_arrived=has_arrived)
            for age in (timedelta(hours=23), timedelta(hours=25), timedelta(days=31))
            for has_arrived in (True, False)
        )
    assert await purge(database) == 3
    async with database.system() as session:
        left = (
            await session.scalars(select(OAuthAttempt.attempt_id).order_by(OAuthAttempt.attempt_id))
        ).all()
    assert left == ["att_1 day, 1:00:00_True", "att_23:00:00_False", "att_23:00:00_True"]
