"""The outbox: facts are kept with their transaction, numbered without gaps, and begin and end once each."""

import asyncio

import pytest
from sqlalchemy import select, text, update

from app.infrastructure.database import Database
from app.models import Notification, NotifiedCondition
from app.notifications.delivery import number_notifications
from app.notifications.outbox import begin_condition, end_condition, forget_condition, notify, returning
from app.states import ConditionKind, NotificationType
from tests.notified import keep_notifications, notified, types

FINISHED = NotificationType.BACKFILL_FINISHED


@pytest.fixture
def kept(database: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    keep_notifications(database, monkeypatch)
    return database


async def fact(database: Database, host_id: str, name: str) -> None:
    async with database.tenant(host_id) as session:
        await notify(session, host_id, FINISHED, {"backfill_id": name})


async def numbers(database: Database) -> dict[str, list[tuple[int | None, str]]]:
    """Number and name of each host's facts, in the order of the facts."""
    found: dict[str, list[tuple[int | None, str]]] = {}
    async with database.system() as session:
        for row in await session.scalars(select(Notification).order_by(Notification.position)):
            found.setdefault(row.host_id, []).append((row.sequence, row.data["backfill_id"]))
    return found


async def test_nothing_is_kept_where_nobody_is_notified(database: Database) -> None:
    await fact(database, "host_a", "b1")
    async with database.tenant("host_a") as session:
        await begin_condition(session, "host_a", ConditionKind.BUDGET, returning({}))
        await end_condition(session, "host_a", ConditionKind.BUDGET, returning({}))
    assert await notified(database) == []
    async with database.system() as session:
        assert (await session.scalars(select(NotifiedCondition.kind))).all() == []


async def test_a_fact_that_is_rolled_back_leaves_no_gap(kept: Database) -> None:
    await fact(kept, "host_a", "b1")
    with pytest.raises(ZeroDivisionError):
        async with kept.tenant("host_a") as session:
            await notify(session, "host_a", FINISHED, {"backfill_id": "b2"})
            raise ZeroDivisionError
    await number_notifications(kept)
    await fact(kept, "host_a", "b3")
    await fact(kept, "host_b", "b4")
    await number_notifications(kept)
    assert await numbers(kept) == {"host_a": [(1, "b1"), (2, "b3")], "host_b": [(1, "b4")]}


async def test_numbers_go_on_behind_those_that_were_purged(kept: Database) -> None:
    for name in ("b1", "b2"):
        await fact(kept, "host_a", name)
    await number_notifications(kept)
    async with kept.system() as session:
        await session.execute(text("DELETE FROM notifications"))
    await fact(kept, "host_a", "b3")
    await number_notifications(kept)
    assert await numbers(kept) == {"host_a": [(3, "b3")]}


async def test_open_transactions_of_a_host_wait_neither_for_each_other_nor_for_the_numbers(
    kept: Database,
) -> None:
    """The later fact commits first, and is numbered while the earlier one is still open."""
    async with asyncio.timeout(10), kept.tenant("host_a") as first:
        await notify(first, "host_a", FINISHED, {"backfill_id": "slow"})
        async with kept.tenant("host_a") as second:
            await notify(second, "host_a", FINISHED, {"backfill_id": "quick"})
        await number_notifications(kept)
        assert await numbers(kept) == {"host_a": [(1, "quick")]}
    await number_notifications(kept)
    assert await numbers(kept) == {"host_a": [(2, "slow"), (1, "quick")]}


async def test_workers_that_number_at_once_leave_no_gap_and_give_none_twice(kept: Database) -> None:
    async def write(host_id: str, name: str) -> None:
        await fact(kept, host_id, name)
        await number_notifications(kept)

    hosts = ("host_a", "host_b", "host_c")
    await asyncio.gather(*(write(host_id, f"b{n}") for n in range(12) for host_id in hosts))
    await number_notifications(kept)
    found = await numbers(kept)
    assert {host_id: sorted(number or 0 for number, _ in rows) for host_id, rows in found.items()} == {
        host_id: list(range(1, 13)) for host_id in hosts
    }


async def test_a_worker_that_dies_while_it_numbers_holds_up_its_hosts_alone(kept: Database) -> None:
    await fact(kept, "host_a", "b1")
    await number_notifications(kept)
    async with kept.system() as dying:
        await dying.execute(text("SELECT FROM notification_sequences WHERE host_id = 'host_a' FOR UPDATE"))
        await fact(kept, "host_a", "b2")
        await fact(kept, "host_b", "b3")
        async with asyncio.timeout(10):
            await number_notifications(kept)
        assert await numbers(kept) == {"host_a": [(1, "b1"), (None, "b2")], "host_b": [(1, "b3")]}
    await number_notifications(kept)
    assert (await numbers(kept))["host_a"] == [(1, "b1"), (2, "b2")]


async def begin(database: Database, kind: ConditionKind, subject: str = "") -> None:
    async with database.tenant("host_a") as session:
        await begin_condition(session, "host_a", kind, returning({}), subject=subject)


async def end(database: Database, kind: ConditionKind, subject: str = "") -> None:
    async with database.tenant("host_a") as session:
        await end_condition(session, "host_a", kind, returning({}), subject=subject)


@pytest.mark.parametrize(
    ("kind", "began", "ended"),
    [
        (ConditionKind.RECONNECT, "connection.needs_reconnect", "connection.restored"),
        (ConditionKind.PROBLEM, "connection.problem", "connection.problem_solved"),
        (ConditionKind.CAMPAIGN, "campaign.broken", "campaign.restored"),
        (ConditionKind.BUDGET, "budget.stopped", "budget.resumed"),
    ],
)
async def test_each_condition_begins_and_ends_once(
    kept: Database, kind: ConditionKind, began: str, ended: str
) -> None:
    await end(kept, kind)
    for _ in range(2):
        await begin(kept, kind)
        await begin(kept, kind)
        await end(kept, kind)
        await end(kept, kind)
    assert await types(kept) == [began, ended, began, ended]


async def test_two_subjects_are_two_conditions_and_an_event_is_named(kept: Database) -> None:
    for event_id in ("evt_1", "evt_2"):
        await begin(kept, ConditionKind.CAMPAIGN, event_id)
    await end(kept, ConditionKind.CAMPAIGN, "evt_1")
    found = [(type_, event_id) for type_, event_id, _ in await notified(kept)]
    broken, restored = "campaign.broken", "campaign.restored"
    assert found == [(broken, "evt_1"), (broken, "evt_2"), (restored, "evt_1")]


async def test_what_is_gone_ends_silently_and_may_begin_again(kept: Database) -> None:
    await begin(kept, ConditionKind.CAMPAIGN, "evt_1")
    async with kept.tenant("host_a") as session:
        assert await forget_condition(session, "host_a", ConditionKind.CAMPAIGN, subject="evt_1")
    await begin(kept, ConditionKind.CAMPAIGN, "evt_1")
    assert await types(kept) == ["campaign.broken", "campaign.broken"]


async def test_two_that_meet_the_same_condition_at_once_notify_once(kept: Database) -> None:
    await asyncio.gather(*(begin(kept, ConditionKind.BUDGET) for _ in range(5)))
    assert await types(kept) == ["budget.stopped"]


async def test_failures_begin_anew_after_an_hour_without(kept: Database) -> None:
    async def pass_time(minutes: int) -> None:
        async with kept.system() as session:
            moved = text(
                "UPDATE notified_conditions SET seen_at = seen_at - make_interval(mins => :minutes),"
                " changed_at = changed_at - make_interval(mins => :minutes)"
            )
            await session.execute(moved, {"minutes": minutes})

    failures = ConditionKind.FAILURES
    await begin(kept, failures, "evt_1")
    await pass_time(50)
    await begin(kept, failures, "evt_1")
    await end(kept, failures, "evt_1")
    await pass_time(50)
    await begin(kept, failures, "evt_1")
    started, cleared = "event.failures_started", "event.failures_cleared"
    assert await types(kept) == [started, cleared]
    await pass_time(61)
    await begin(kept, failures, "evt_1")
    assert await types(kept) == [started, cleared, started]


async def test_tenants_neither_number_nor_settle(kept: Database) -> None:
    await fact(kept, "host_a", "b1")
    with pytest.raises(Exception, match="permission denied"):
        async with kept.tenant("host_a") as session:
            await session.execute(update(Notification).values(state="delivered"))
