"""Ingesting on the real database: once, in any order, for each host alone, with the jobs to write."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from app.infrastructure.database import Database
from app.metrics import REGISTRY
from app.models import Connection, Delivery, Event, Host, Quarantined, Registration, SyncJob
from app.privacy.unparsed_store import store_unusable
from app.webhooks.ingest import ingest
from app.webhooks.parse import Outcome, ParsedDelivery, parse_delivery
from tests.deliveries import PEPPER, delivery, event, registration, unusable, webhook
from tests.factories import NOW

ORG = "00D5g000004XyZaEAK"


async def connect(database: Database, host_id: str = "host_a", state: str = "connected") -> None:
    async with database.system() as session:
        session.add(
            Connection(
                host_id=host_id,
                state=state,
                environment="production",
                login_url="https://login.salesforce.com",
                client_id="3MVG9otter",
                org_id=ORG,
                instance_url="https://otter.my.salesforce.com",
                api_version="62.0",
                refresh_token=b"otter" if state == "connected" else None,
                connected_at=NOW,
                connected_by="user_17",
            )
        )


async def recorded(database: Database, *deliveries: ParsedDelivery) -> tuple[list[str], set[str]]:
    async with database.system() as session:
        result = await ingest(session, deliveries, pepper=PEPPER)
    return [outcome.value for outcome in result.outcomes], result.org_ids


async def rows(database: Database, table: Any) -> Sequence[Any]:
    async with database.system() as session:
        return (await session.scalars(select(table))).all()


async def only(database: Database, table: Any) -> Any:
    (row,) = await rows(database, table)
    return row


def of(registration_id: str, webhook_id: str, **changes: Any) -> ParsedDelivery:
    return delivery(webhook(registration=registration(id=registration_id, **changes)), webhook_id)


def body_changes() -> float:
    return REGISTRY.get_sample_value("webhook_body_changes_total") or 0


async def test_delivery_host_event_and_registration_are_kept(database: Database) -> None:
    assert await recorded(database, delivery()) == (["accepted"], set())
    host, kept_event = await only(database, Host), await only(database, Event)
    kept, stored = await only(database, Delivery), await only(database, Registration)
    assert (host.host_id, host.name) == ("host_a", "Otters Inc")
    assert (kept_event.event_id, kept_event.title, kept_event.timezone) == (
        "evt_otters",
        "Otter Summit",
        "Europe/Berlin",
    )
    assert kept_event.organizer == {"name": "Olga Otter", "email": "olga@otter.example"}
    assert (kept.event_id, kept.registration_id, kept.outcome) == ("evt_otters", "reg_1", "accepted")
    assert (kept.payload, kept.body_sha256) == (webhook(), delivery().body_sha256)
    assert (stored.event_id, stored.attendee["last_name"], stored.answers) == (
        "evt_otters",
        "O'Brien",
        [{"key": "team_size", "value": 12}],
    )


async def test_payload_is_kept_with_every_number_that_is_accepted(database: Database) -> None:
    answers = [
        {"key": "pi", "value": 4.9e-324},
        {"key": "e", "value": 1.7e308},
        {"key": "z", "value": 9e-400},
    ]
    body = json.dumps(webhook(registration=registration(answers=answers))).replace("0.0}", "9e-400}")
    await recorded(database, parse_delivery("msg_1", body.encode()))
    kept = (await only(database, Delivery)).payload["data"]["registration"]["answers"]
    assert [float(answer["value"]) for answer in kept] == [4.9e-324, 1.7e308, 0.0]


async def test_duplicates_in_one_group_and_later_have_no_effect(database: Database) -> None:
    await connect(database)
    assert (await recorded(database, delivery(), delivery()))[0] == ["accepted", "duplicate"]
    assert await recorded(database, delivery()) == (["duplicate"], set())
    job = await only(database, SyncJob)
    assert job.requested_version == 1


async def test_same_id_with_another_body_is_counted_and_the_first_kept(database: Database) -> None:
    before = body_changes()
    other = webhook(registration=registration(status="confirmed", version=9, salesforce_id="00Q"))
    assert (await recorded(database, delivery(), delivery(other)))[0] == ["accepted", "duplicate"]
    assert (await recorded(database, delivery(other)))[0] == ["duplicate"]
    assert body_changes() - before == 2
    assert (await only(database, Registration)).salesforce_id is None
    assert (await only(database, Delivery)).payload == webhook()


async def test_same_id_on_another_host_is_independent(database: Database) -> None:
    other = delivery(webhook(host={"id": "host_b"}))
    assert (await recorded(database, delivery(), other))[0] == ["accepted", "accepted"]
    assert {(row.host_id, row.registration_id) for row in await rows(database, Registration)} == {
        ("host_a", "reg_1"),
        ("host_b", "reg_1"),
    }


async def test_group_folds_what_concerns_one_registration(database: Database) -> None:
    await connect(database)
    check_in = webhook(
        "registration.checked_in",
        "2026-11-24T08:12:00Z",
        registration=registration(checked_in_at="2026-11-24T08:12:00Z", version=2),
    )
    outcomes, org_ids = await recorded(database, delivery(check_in, "msg_2"), delivery())
    assert (outcomes, org_ids) == (["accepted", "accepted"], {ORG})
    stored, job = await only(database, Registration), await only(database, SyncJob)
    assert stored.checked_in_at is not None
    assert (stored.version, job.requested_version, job.event_id, job.org_id) == (2, 1, "evt_otters", ORG)


async def test_stored_row_takes_up_later_and_older_deliveries(database: Database) -> None:
    newer = registration(version=5, attendee={"company": "Badger AG"}, ticket={"name": "VIP"})
    await recorded(database, delivery(webhook("registration.updated", registration=newer), "msg_2"))
    older = registration(version=4, buyer={"name": "Bob"}, ticket={"name": "Early"})
    await recorded(database, delivery(webhook("registration.updated", registration=older), "msg_1"))
    stored = await only(database, Registration)
    assert (stored.attendee["company"], stored.ticket, stored.buyer, stored.version) == (
        "Badger AG",
        {"name": "VIP"},
        {"name": "Bob"},
        5,
    )


async def test_host_name_follows_the_platform(database: Database) -> None:
    for number, host in enumerate([{"id": "host_a"}, {"id": "host_a", "name": "New"}, {"id": "host_a"}]):
        await recorded(database, delivery(webhook(host=host), f"msg_{number}"))
    assert (await only(database, Host)).name == "New"


async def test_registration_of_a_host_never_connected_gets_no_job(database: Database) -> None:
    await recorded(database, delivery())
    assert await rows(database, SyncJob) == []


@pytest.mark.parametrize("state", ["needs_reconnect", "disconnected"])
async def test_job_is_queued_and_waits_while_the_connection_is_away(database: Database, state: str) -> None:
    await connect(database, state=state)
    assert await recorded(database, delivery()) == (["accepted"], {ORG})
    assert (await only(database, SyncJob)).state == "pending"


async def test_first_news_after_connecting_arms_the_full_write(database: Database) -> None:
    await recorded(database, delivery())
    await connect(database)
    snapshot = webhook("registration.updated", registration=registration(version=2, salesforce_id="00Q"))
    assert (await recorded(database, delivery(snapshot, "msg_2")))[1] == {ORG}
    assert (await only(database, SyncJob)).requested_version == 1


@pytest.mark.parametrize(
    ("type_", "changes"),
    [
        pytest.param("registration.updated", {"status": "waitlisted"}, id="waitlisted"),
        pytest.param(
            "registration.cancelled",
            {"status": "cancelled", "cancelled_at": "2026-11-12T09:00:00Z"},
            id="cancelled-before-written",
        ),
    ],
)
async def test_registration_that_was_never_confirmed_gets_no_job(
    database: Database, type_: str, changes: dict[str, Any]
) -> None:
    await connect(database)
    payload = webhook(type_, registration=registration(**changes))
    assert await recorded(database, delivery(payload)) == (["accepted"], set())
    assert await rows(database, SyncJob) == []


async def test_cancellation_of_a_registration_with_a_job_arms_it_again(database: Database) -> None:
    await connect(database)
    await recorded(database, delivery())
    changes = {"status": "cancelled", "cancelled_at": "2026-11-12T09:00:00Z", "version": 2}
    payload = webhook("registration.cancelled", registration=registration(**changes))
    assert (await recorded(database, delivery(payload, "msg_2")))[1] == {ORG}
    assert (await only(database, SyncJob)).requested_version == 2


async def test_delivery_without_news_arms_nothing(database: Database) -> None:
    await connect(database)
    await recorded(database, delivery())
    same = webhook("registration.updated", "2026-11-12T09:00:00Z", registration=registration(version=2))
    assert await recorded(database, delivery(same, "msg_2")) == (["accepted"], set())
    assert (await only(database, Registration)).version == 2
    assert (await only(database, SyncJob)).requested_version == 1


@pytest.mark.parametrize(
    ("type_", "changes", "reason", "version"),
    [
        pytest.param("registration.completed", {}, None, 1, id="completed"),
        pytest.param("registration.rescheduled", {}, "Clash", 1, id="moved by the event"),
        pytest.param(
            "registration.rescheduled", {"starts_at": "2026-11-25T09:00:00Z"}, "Clash", 2, id="another slot"
        ),
        pytest.param("registration.no_show", {}, None, 2, id="no-show"),
    ],
)
async def test_only_facts_that_can_be_written_arm_again(
    database: Database, type_: str, changes: Any, reason: str | None, version: int
) -> None:
    await connect(database)
    await recorded(database, delivery())
    for place, at in enumerate(["2026-11-24T09:00:00Z", "2026-11-24T10:00:00Z"], start=2):
        blocks = {"previous": {"starts_at": "2026-11-24T08:00:00Z", "ends_at": None}, "reason": reason}
        snapshot = registration(version=place, **changes)
        await recorded(
            database, delivery(webhook(type_, at, registration=snapshot, **blocks), f"msg_{place}")
        )
    assert (await only(database, SyncJob)).requested_version == version


async def test_emails_are_kept_and_arm_nothing(database: Database) -> None:
    await connect(database)
    await recorded(database, delivery())
    email = {"id": "em_1", "at": "2026-11-22T08:00:00Z", "subject": "See you", "kind": "reminder"}
    opened = {"id": "em_1", "at": "2026-11-22T08:14:00Z"}
    sender = {"from": {"name": "Olga", "email": "olga@otter.example"}, "url": "https://otter.example/m/1"}
    await recorded(database, delivery(webhook("email.opened", opened["at"], email=opened), "msg_2"))
    await recorded(database, delivery(webhook("email.sent", email["at"], email=email | sender), "msg_3"))
    kept = {name: value for name, value in (email | sender).items() if name != "id"}
    assert (await only(database, Registration)).emails == {
        "em_1": {"sent": kept, "opened": {"at": opened["at"]}}
    }
    assert (await only(database, SyncJob)).requested_version == 1


async def test_slot_move_and_reasons_are_kept(database: Database) -> None:
    slot = {"starts_at": "2026-11-24T10:00:00Z", "ends_at": "2026-11-24T11:00:00Z"}
    before = {"starts_at": "2026-11-24T08:00:00Z", "ends_at": None}
    moved = webhook(
        "registration.rescheduled",
        "2026-11-15T09:00:00Z",
        registration=registration(version=2, **slot),
        previous=before,
        reason="Clash",
    )
    gone = webhook("event.cancelled", "2026-11-18T09:00:00Z", event=event(version=5), reason="Storm")
    for place, payload in enumerate([webhook(), moved, gone, webhook("event.cancelled"), moved]):
        await recorded(database, delivery(payload, f"msg_{place}"))
    kept, cancelled = await only(database, Registration), await only(database, Event)
    assert (kept.starts_at.isoformat(), kept.ends_at.isoformat()) == (
        "2026-11-24T10:00:00+00:00",
        "2026-11-24T11:00:00+00:00",
    )
    assert kept.rescheduled_at.isoformat() == "2026-11-15T09:00:00+00:00"
    assert (kept.reschedule_reason, kept.rescheduled_from) == ("Clash", before)
    assert (cancelled.cancelled_at.isoformat(), cancelled.cancel_reason, cancelled.is_cancelled) == (
        "2026-11-18T09:00:00+00:00",
        "Storm",
        True,
    )


async def test_changed_event_title_is_kept_and_arms_nothing(database: Database) -> None:
    await connect(database)
    await recorded(database, delivery())
    snapshot = webhook("event.updated", event=event(title="Otter Gala", version=5))
    assert await recorded(database, delivery(snapshot, "msg_2")) == (["accepted"], set())
    assert (await only(database, Event)).title == "Otter Gala"
    assert (await only(database, SyncJob)).requested_version == 1


async def test_unknown_type_and_erasure_are_kept_for_later(database: Database) -> None:
    unknown = webhook("otter.fed")
    erased = webhook(
        "attendee.erased", event=None, registration=None, attendee={"email": "mary@otter.example"}
    )
    outcomes, _ = await recorded(database, delivery(unknown, "msg_1"), delivery(erased, "msg_2"))
    assert outcomes == ["unknown_type", "accepted"]
    assert {row.outcome for row in await rows(database, Delivery)} == {"unknown_type", "accepted"}
    assert await rows(database, Registration) == []


async def test_erased_registration_stays_erased(database: Database) -> None:
    await connect(database)
    await recorded(database, delivery())
    async with database.system() as session:
        stored = (await session.scalars(select(Registration))).one()
        stored.erased_at, stored.attendee = NOW, {}
    late = webhook("registration.updated", registration=registration(version=7))
    assert await recorded(database, delivery(late, "msg_2")) == (["accepted"], set())
    assert (await only(database, Registration)).attendee == {}


async def test_two_writers_with_the_same_registrations_lose_nothing(database: Database) -> None:
    """Both meet absent rows in opposite orders, each knowing a part of every registration."""
    await connect(database)
    names = [f"reg_{number}" for number in range(20)]
    companies = [of(name, f"c_{name}", attendee={"company": "Badger AG"}, version=2) for name in names]
    check_ins = [
        delivery(
            webhook(
                "registration.checked_in",
                registration=registration(id=name, version=1, checked_in_at="2026-11-24T08:12:00Z"),
            ),
            f"i_{name}",
        )
        for name in reversed(names)
    ]
    for _ in range(3):
        await asyncio.gather(recorded(database, *companies), recorded(database, *check_ins))
    stored = await rows(database, Registration)
    assert len(stored) == 20
    assert all(row.attendee["company"] == "Badger AG" and row.checked_in_at for row in stored)
    assert len(await rows(database, SyncJob)) == 20


@pytest.mark.parametrize(
    "exists", [pytest.param(False, id="absent-row"), pytest.param(True, id="stored-row")]
)
async def test_whoever_comes_second_joins_what_the_first_commits(database: Database, exists: bool) -> None:
    """The second writer read before the first committed: it waits at its insert or lock and adds its part."""
    await recorded(database, of("reg_1" if exists else "reg_9", "msg_0", version=0))
    async with database.system() as session:
        await ingest(session, [of("reg_1", "msg_1", version=1, salesforce_id="00Q")], pepper=PEPPER)
        second = asyncio.create_task(
            recorded(database, of("reg_1", "msg_2", version=2, attendee={"company": "Badger AG"}))
        )
        await until_somebody_waits(database)
    assert (await second)[0] == ["accepted"]
    async with database.system() as session:
        stored = await session.get_one(Registration, ("host_a", "reg_1"))
    assert (stored.salesforce_id, stored.attendee["company"]) == ("00Q", "Badger AG")


async def until_somebody_waits(database: Database) -> None:
    async with asyncio.timeout(10):
        while True:
            async with database.system() as session:
                if await session.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")):
                    return


async def test_failed_transaction_leaves_nothing(database: Database) -> None:
    with pytest.raises(DBAPIError):
        async with database.system() as session:
            await ingest(session, [delivery()], pepper=PEPPER)
            await session.execute(select(func.pg_sleep("otter")))
    assert await rows(database, Delivery) == []
    assert await rows(database, Registration) == []


async def test_unusable_body_is_quarantined_once(database: Database) -> None:
    for _ in range(2):
        async with database.system() as session:
            await store_unusable(session, unusable(b"\x00\xff"), pepper=PEPPER)
    kept = await only(database, Quarantined)
    assert (kept.webhook_id, kept.host_id, kept.sealed) == ("msg_1", None, None)


def test_outcomes_are_the_words_of_the_answer() -> None:
    assert [outcome.value for outcome in Outcome] == ["accepted", "duplicate", "unknown_type"]
