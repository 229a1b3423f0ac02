"""Notifications of the platform for operations: listed, sent again, and let go out after a 410."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import select, text

from app.infrastructure.database import Database, database_now
from app.models import AuditEntry, Notification, NotificationReceiver
from app.states import STORED_NOTIFICATION_STATES, NotificationState
from tests.factories import NOW

REPLAY, ENABLE = "/ops/notifications/replay", "/ops/notifications/enable"


@pytest.fixture
async def kept(database: Database) -> Database:
    """One of each state of host_a, and a pending one of host_b."""
    async with database.system() as session:
        for number, (host_id, state) in enumerate(
            [*(("host_a", state) for state in STORED_NOTIFICATION_STATES), ("host_b", "pending")]
        ):
            session.add(
                Notification(
                    host_id=host_id,
                    notification_id=f"ntf_{number}",
                    sequence=number + 1,
                    type="backfill.finished",
                    event_id=f"evt_{number}",
                    data={"backfill_id": f"bf_{number}"},
                    state=state,
                    attempts=10,
                    due_at=NOW + timedelta(days=3650),
                    last_status=500,
                    finished_at=None if state == NotificationState.PENDING else NOW,
                )
            )
            await session.flush()
    return database


async def disable(database: Database) -> None:
    async with database.system() as session:
        session.add(NotificationReceiver(name="platform", disabled_at=NOW))


async def ids(ops: httpx.AsyncClient, **query: Any) -> list[str]:
    answer = await ops.get("/ops/notifications", params=query)
    assert answer.status_code == 200, answer.text
    return [each["notification_id"] for each in answer.json()["items"]]


async def deeds(database: Database) -> list[tuple[str, str, str, Any]]:
    async with database.system() as session:
        rows = await session.scalars(select(AuditEntry).order_by(AuditEntry.host_id, AuditEntry.seq))
        return [(row.host_id, row.actor, row.action, row.details) for row in rows]


async def due(database: Database) -> list[str]:
    """What goes out now."""
    async with database.system() as session:
        query = select(Notification.notification_id).where(
            Notification.state == "pending", Notification.due_at <= await database_now(session)
        )
        return sorted(await session.scalars(query))


async def test_one_is_shown_with_what_the_receiver_said(ops: httpx.AsyncClient, kept: Database) -> None:
    [shown] = (await ops.get("/ops/notifications?host_id=host_a&state=failed")).json()["items"]
    assert shown.pop("created_at")
    assert shown == {
        "notification_id": "ntf_2",
        "host_id": "host_a",
        "sequence": 3,
        "type": "backfill.finished",
        "event_id": "evt_2",
        "data": {"backfill_id": "bf_2"},
        "state": "failed",
        "attempts": 10,
        "due_at": None,
        "last_status": 500,
        "last_error": None,
        "finished_at": "2026-11-21T10:00:00Z",
    }


async def test_they_are_listed_by_state_and_host_the_latest_first_in_pages(
    ops: httpx.AsyncClient, kept: Database
) -> None:
    assert await ids(ops) == ["ntf_3", "ntf_2", "ntf_1", "ntf_0"]
    assert await ids(ops, state="pending") == ["ntf_3", "ntf_0"]
    assert await ids(ops, state="pending", host_id="host_a") == ["ntf_0"]
    assert await ids(ops, state="delivered") == ["ntf_1"]
    assert await ids(ops, state="disabled") == []
    first = (await ops.get("/ops/notifications?limit=3")).json()
    assert await ids(ops, cursor=first["next_cursor"]) == ["ntf_0"]
    assert (await ops.get("/ops/notifications?cursor=x")).json()["code"] == "CursorInvalid"
    assert (await ops.get("/ops/notifications?state=gone")).status_code == 422


async def test_what_is_pending_is_disabled_while_the_receiver_is(
    ops: httpx.AsyncClient, kept: Database
) -> None:
    await disable(kept)
    assert (await ids(ops, state="pending"), await ids(ops, state="disabled")) == ([], ["ntf_3", "ntf_0"])
    shown = (await ops.get("/ops/notifications?state=disabled")).json()["items"]
    assert [(each["state"], each["due_at"]) for each in shown] == [("disabled", None)] * 2


async def test_enable_is_a_dry_run_unless_it_is_refused_and_says_what_goes_out(
    ops: httpx.AsyncClient, kept: Database
) -> None:
    nothing = (await ops.post(ENABLE)).json()
    assert nothing == {"dry_run": True, "matched": 0, "queued": 0, "sample": []}
    await disable(kept)
    dry = (await ops.post(ENABLE)).json()
    assert (dry["dry_run"], dry["matched"], dry["queued"], len(dry["sample"])) == (True, 2, 0, 2)
    assert await ids(ops, state="disabled") == ["ntf_3", "ntf_0"]
    assert await deeds(kept) == []
    done = (await ops.post(ENABLE, json={"dry_run": False})).json()
    assert (done["matched"], done["queued"]) == (2, 2)
    assert await ids(ops, state="pending") == ["ntf_3", "ntf_0"]
    assert await deeds(kept) == [("", "operator_1", "ops.notifications_enabled", {"notifications": 2})]


async def test_replay_sends_again_under_the_same_id_with_all_repeats(
    ops: httpx.AsyncClient, kept: Database
) -> None:
    body: dict[str, Any] = {"filter": {"host_id": "host_a"}}
    dry = (await ops.post(REPLAY, json=body)).json()
    assert (dry["dry_run"], dry["matched"], dry["queued"], len(dry["sample"])) == (True, 3, 0, 3)
    assert (await due(kept), await deeds(kept)) == ([], [])
    done = (await ops.post(REPLAY, json={**body, "dry_run": False})).json()
    assert (done["matched"], done["queued"]) == (3, 3)
    assert await due(kept) == ["ntf_0", "ntf_1", "ntf_2"]
    async with kept.system() as session:
        rows = await session.execute(
            text("SELECT attempts, finished_at FROM notifications WHERE state = 'pending'")
        )
        assert sorted(map(tuple, rows)) == [(0, None), (0, None), (0, None), (10, None)]
    assert await deeds(kept) == [("host_a", "operator_1", "ops.notifications_replayed", {"notifications": 3})]


@pytest.mark.parametrize(
    ("chosen", "matched"),
    [
        ({"state": "failed"}, ["ntf_2"]),
        ({"event_id": "evt_3"}, ["ntf_3"]),
        ({"type": "backfill.finished"}, ["ntf_0", "ntf_1", "ntf_2", "ntf_3"]),
        ({"notification_ids": ["ntf_1", "ntf_9"]}, ["ntf_1"]),
        ({"created_to": "2026-11-21T10:00:00Z"}, []),
        ({"created_from": "2026-11-21T10:00:00Z", "host_id": "host_b"}, ["ntf_3"]),
    ],
)
async def test_replay_takes_what_the_filter_names(
    ops: httpx.AsyncClient, kept: Database, chosen: dict[str, Any], matched: list[str]
) -> None:
    answer = (await ops.post(REPLAY, json={"filter": chosen, "dry_run": False})).json()
    assert [each["notification_id"] for each in answer["sample"]] == matched
    assert await due(kept) == matched


async def test_replay_without_a_filter_is_refused_and_one_of_nothing_is_in_the_log(
    ops: httpx.AsyncClient, kept: Database
) -> None:
    assert (await ops.post(REPLAY, json={"filter": {}})).json()["code"] == "FilterEmpty"
    await ops.post(REPLAY, json={"filter": {"event_id": "evt_9"}, "dry_run": False})
    assert await deeds(kept) == [("", "operator_1", "ops.notifications_replayed", {"notifications": 0})]
