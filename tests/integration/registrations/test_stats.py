"""Stats: each registration counted once; reasons; gates; groups; no personal data."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Select, func, text, update
from sqlalchemy.dialects import postgresql

from app.api.errors import EventNotFound
from app.infrastructure.database import Database, hash_joins_only
from app.infrastructure.encryption import Encryptor
from app.models import Connection, Event, Host, OrgLease, Registration
from app.registrations.context import EventContext, load_context
from app.registrations.queries import failed_by_group, visible_registrations
from app.registrations.schemas import Stats
from app.registrations.stats import event_stats
from tests.factories import NOW, ORG_ID
from tests.integration.registrations.sample_event import (
    EVENT_ID,
    RULE,
    add,
    add_connected_host,
    hours_ago,
    in_hours,
    job,
    link,
    registration,
    save,
    simple,
)

HOUR = timedelta(hours=1)
BACK_OFF = {"waiting_for": "retry", "due_at": in_hours(1)}


async def stats(database: Database, host_id: str = "host_a") -> Stats:
    async with database.tenant(host_id) as session:
        return await event_stats(session, host_id, EVENT_ID)


async def test_every_registration_counts_once(database: Database, vault: Encryptor) -> None:
    await add_connected_host(database, vault)
    await add(
        database,
        simple("r1", "synced"),
        simple("r2", "pending"),
        simple("r3", "running"),
        simple("r4", "held", waiting_for="campaign"),
        simple("r5", "ambiguous", waiting_for="certainty"),
        simple("r6", "failed", error=RULE),
        simple("r7", "skipped", skipped_because="no_match"),
        simple("r8", "pending", **BACK_OFF),
        simple("r9", "pending", waiting_for="certainty", due_at=in_hours(1)),
        (registration("r10"), None),
        (registration("r11", confirmed_at=None), job("r11", "pending")),
        (registration("r12", status="cancelled", cancelled_at=NOW), job("r12", "synced")),
    )
    shown = await stats(database)
    assert shown.counts.model_dump() == {
        "total": 11, "synced": 2, "pending": 6, "failed": 1, "skipped": 2, "attended": 0, "checked_in": 0,
    }  # fmt: skip
    assert _nonzero(shown.pending_because) == {
        "queued": 1, "running": 1, "campaign": 1, "ambiguous": 2, "retry_later": 1,
    }  # fmt: skip
    assert _nonzero(shown.skipped_because) == {"no_match": 1, "before_connection": 1}
    assert shown.next_retry_at == BACK_OFF["due_at"]


async def test_job_queued_for_another_org_is_as_before_the_connection(
    database: Database, vault: Encryptor
) -> None:
    await add_connected_host(database, vault)
    await add(
        database, simple("r1", "synced", org_id="00D000000000002AAA"), simple("r2", "failed", org_id="00Dx")
    )
    shown = await stats(database)
    assert _nonzero(shown.skipped_because) == {"before_connection": 2}
    assert (shown.counts.total, shown.counts.synced, shown.groups) == (2, 0, [])


async def test_host_that_never_connected_sees_its_registrations_as_skipped(
    database: Database, vault: Encryptor
) -> None:
    await save(
        database,
        Host(host_id="host_a"),
        Event(host_id="host_a", event_id=EVENT_ID, title="T", snapshot_at=NOW),
    )
    await add(database, (registration("r1"), None))
    shown = await stats(database)
    assert (shown.connection_state, shown.budget, shown.counts.skipped) == ("not_connected", None, 1)


@pytest.mark.parametrize(
    ("closing", "reason"),
    [
        pytest.param({"connection": {"state": "needs_reconnect"}}, "connection", id="lost-grant"),
        pytest.param({"host": {"paused_at": NOW}}, "paused", id="host-paused"),
        pytest.param({"event": {"paused_at": NOW}}, "paused", id="event-paused"),
        pytest.param({"lease": {"paused_at": NOW}}, "paused", id="org-paused"),
        pytest.param({"connection": {"api_closed_until": in_hours(1)}}, "api_budget", id="budget-closed"),
        pytest.param({"connection": {"api_used": 80, "api_limit": 100}}, "api_budget", id="budget-used"),
        pytest.param({"lease": {"not_before": in_hours(1)}}, "org_backoff", id="org-backs-off"),
        pytest.param({"connection": {"api_closed_until": hours_ago(1)}}, "queued", id="budget-open-again"),
        pytest.param({"lease": {"not_before": hours_ago(1)}}, "queued", id="back-off-over"),
    ],
)
async def test_closed_gate_is_why_nothing_moves(
    database: Database, vault: Encryptor, closing: dict[str, dict[str, Any]], reason: str
) -> None:
    await add_connected_host(database, vault)
    await save(database, OrgLease(org_id=ORG_ID, **closing.get("lease", {})))
    async with database.system() as session:
        for name, table in (("connection", Connection), ("host", Host), ("event", Event)):
            if name in closing:
                await session.execute(update(table).values(**closing[name]))
    await add(database, simple("r1", "pending"), simple("r2", "synced"))
    shown = await stats(database)
    assert _nonzero(shown.pending_because) == {reason: 1}
    assert shown.counts.synced == 1


async def test_attended_is_what_was_written_and_has_not_been_undone(
    database: Database, vault: Encryptor
) -> None:
    await add_connected_host(database, vault)
    undone: dict[str, Any] = {"checked_in_at": hours_ago(2), "check_in_reverted_at": hours_ago(1)}
    again: dict[str, Any] = {"checked_in_at": hours_ago(1), "check_in_reverted_at": hours_ago(2)}
    await add(
        database,
        (registration("r1", checked_in_at=NOW), job("r1", "synced", is_attended=True)),
        (registration("r2", **undone), job("r2", "synced", is_attended=True)),
        (registration("r3", **again), job("r3", "failed", error=RULE)),
        (registration("r4", checked_in_at=NOW, confirmed_at=None), None),
    )
    counts = (await stats(database)).counts
    assert (counts.total, counts.checked_in, counts.attended) == (4, 3, 1)


async def test_erased_registration_is_skipped_unless_it_was_written(
    database: Database, vault: Encryptor
) -> None:
    await add_connected_host(database, vault)
    erased: dict[str, Any] = {"erased_at": NOW, "attendee": {}}
    await add(
        database,
        (registration("r1", **erased), job("r1", "failed", error=RULE)),
        (registration("r2", **erased), job("r2", "synced")),
        (registration("r3", **erased), None),
        (registration("r4", **erased), job("r4", "running")),
    )
    shown = await stats(database)
    assert _nonzero(shown.skipped_because) == {"erased": 2}
    assert (shown.counts.synced, shown.counts.pending, shown.counts.failed, shown.groups) == (1, 1, 0, [])


async def test_failures_are_grouped_without_what_attendees_typed(
    database: Database, vault: Encryptor
) -> None:
    await add_connected_host(database, vault)
    echo = RULE | {"message": "Otti Otter r1 (r1@otter.example) may not use 030 1234567", "object": "Task"}
    access = RULE | {
        "class": "access",
        "error_code": "INSUFFICIENT_ACCESS",
        "advice_code": "gone",
        "fields": [],
    }
    await add(
        database,
        simple("r1", "failed", error=echo, group_id="g_echo", first_error_at=hours_ago(3)),
        simple("r2", "failed", error=RULE),
        simple("r3", "failed", error=RULE, first_error_at=NOW - HOUR * 5, last_error_at=NOW - HOUR),
        simple("r4", "failed", error=access, group_id=None),
        simple("r5", "pending", error=RULE),
    )
    rule, *others = (await stats(database)).groups
    assert rule.model_dump(mode="json", by_alias=True) == {
        "group_id": "g_rule",
        "class": "data",
        "error_code": "FIELD_CUSTOM_VALIDATION_EXCEPTION",
        "object": "Lead",
        "fields": ["Phone"],
        "title": "A validation rule in Salesforce refused the Lead",
        "message": "Phone must start with +",
        "advice": rule.advice.model_dump(mode="json"),
        "count": 2,
        "can_retry": True,
        "first_at": "2026-11-21T05:00:00Z",
        "last_at": "2026-11-21T10:00:00Z",
    }
    assert rule.advice.explanation == "Your org has a rule on Lead that this registration does not meet."
    assert [(each.group_id, each.count, each.message) for each in others] == [
        ("g_echo", 1, "… (…) may not use …"),
        ("g_ungrouped", 1, "Phone must start with +"),
    ]
    assert others[1].advice.code == "unknown_error"


async def test_version_rises_with_every_change(database: Database, vault: Encryptor) -> None:
    await add_connected_host(database, vault)
    assert (await stats(database)).version == 0
    await add(database, simple("r1", "pending"))
    first = (await stats(database)).version
    async with database.tenant("host_a") as session:
        await session.execute(update(Registration).values(status="cancelled"))
    assert (await stats(database)).version > first > 0


async def test_budget_and_link_are_shown(database: Database, vault: Encryptor) -> None:
    await add_connected_host(
        database, vault, api_used=51_230, api_limit=145_000, calls_today=812, calls_day=hours_ago(0)
    )
    await save(database, link())
    await add(database, simple("r1", "synced", synced_at=NOW))
    shown = await stats(database)
    assert shown.budget is not None
    assert (shown.budget.stop_at, shown.budget.is_stopped, shown.budget.calls_today) == (116_000, False, 812)
    assert (shown.is_linked, shown.last_synced_at, shown.connection_state) == (True, NOW, "connected")


async def test_event_of_another_host_is_unknown(database: Database, vault: Encryptor) -> None:
    await add_connected_host(database, vault)
    with pytest.raises(EventNotFound):
        await stats(database, "host_b")


async def test_calls_of_another_day_are_not_todays(database: Database, vault: Encryptor) -> None:
    await add_connected_host(database, vault, calls_today=812, calls_day=hours_ago(49))
    budget = (await stats(database)).budget
    assert budget is not None
    assert (budget.calls_today, budget.stop_at, budget.org_used) == (0, None, None)


def _nonzero(reasons: Any) -> dict[str, int]:
    return {name: count for name, count in reasons if count}


@pytest.mark.parametrize(
    "counted", [lambda context: visible_registrations(context, func.count()), failed_by_group]
)
async def test_counting_does_not_look_through_all_rows_for_each_row(
    database: Database, vault: Encryptor, counted: Callable[[EventContext], Select[Any]]
) -> None:
    await add_connected_host(database, vault)
    async with database.tenant("host_a") as session:
        context = await load_context(session, "host_a", EVENT_ID)
        counting = counted(context).compile(
            dialect=postgresql.dialect(),  # type: ignore[no-untyped-call]
            compile_kwargs={"literal_binds": True},
        )
        async with hash_joins_only(session):
            plan = (await session.scalars(text(f"EXPLAIN {counting}"))).all()
        after = await session.scalar(text("SHOW enable_nestloop"))
    assert not [line for line in plan if "Nested Loop" in line or "SubPlan" in line]
    assert after == "on"
