"""Erasing an attendee: nothing personal is left in any table, and nothing of it comes back."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from app.field_mapping.owners import KEPT_AS
from app.infrastructure.database import Database
from app.infrastructure.encryption import Encryptor
from app.models import (
    Base,
    DescribeCache,
    Event,
    Host,
    Registration,
    SalesforceUser,
    SyncAttempt,
    SyncJob,
    UnconfirmedUser,
    WrittenRecord,
)
from app.privacy.erasure import ErasureRequest, erase
from app.privacy.late_writes import redact_late_writes
from app.text.email_address import address_key
from app.webhooks.ingest import ingest
from tests.deliveries import PEPPER, delivery, event, registration, webhook
from tests.factories import ORG_ID, connection_for
from tests.unit.text.test_email_address import ADDRESSES

CANARY = "canary"
EMAIL = "Canary@Otter.example"
ERASED_AT = "2026-11-20T12:00:00Z"
BEFORE, AFTER = "2026-11-20T11:59:59Z", "2026-11-20T12:00:01Z"
WHO = {
    "id": "per_canary", "email": EMAIL, "first_name": "Canary", "last_name": "Yellow",
    "company": "Canary Ltd", "phone": "+49 canary",
}  # fmt: skip


def parsed(registration_id: str = "reg_1", webhook_id: str = "msg_1", **changes: Any) -> Any:
    """A delivery about the canary, unless `attendee` says otherwise."""
    timestamp = changes.pop("timestamp", "2026-11-10T14:03:00Z")
    fields = {
        "id": registration_id,
        "attendee": WHO,
        "answers": [{"key": "name", "value": "canary"}],
        "utm": {"source": "canary"},
        "registered_at": timestamp,
    }
    return delivery(webhook(registration=registration(**(fields | changes)), timestamp=timestamp), webhook_id)


def erasure(webhook_id: str = "msg_erase", **who: Any) -> Any:
    attendee = who.pop("attendee", {"email": EMAIL})
    payload = webhook("attendee.erased", ERASED_AT, event=None, registration=None, attendee=attendee, **who)
    return delivery(payload, webhook_id)


async def receive(database: Database, *deliveries: Any) -> None:
    async with database.system() as session:
        await ingest(session, deliveries, pepper=PEPPER)


async def places(owner: AsyncEngine, word: str = CANARY) -> list[str]:
    """The tables that contain the word in any column."""
    found = []
    async with owner.connect() as connection:
        for table in Base.metadata.sorted_tables:
            hits = await connection.scalar(
                text(f"SELECT count(*) FROM {table.name} AS t WHERE t::text ILIKE :word"),
                {"word": f"%{word}%"},
            )
            found += [table.name] if hits else []
    return found


async def job(database: Database, registration_id: str = "reg_1") -> SyncJob:
    async with database.system() as session:
        return await session.get_one(SyncJob, ("host_a", registration_id))


async def stored(database: Database, registration_id: str = "reg_1") -> Registration | None:
    async with database.system() as session:
        return await session.get(Registration, ("host_a", registration_id))


def written() -> list[Any]:
    slot = {
        "host_id": "host_a", "org_id": ORG_ID, "registration_id": "reg_1", "state": "written",
        "action": "create",
    }  # fmt: skip
    return [
        WrittenRecord(
            **slot, slot="person", sobject="Lead", sf_id="00Q5g000001CanAAAA", label=None,
            details={"found_by": "created", "is_created_by_us": True, "name": "canary"},
        ),
        WrittenRecord(
            **slot, slot="task:registered", sobject="Task", sf_id="00T5g000001AAAAAAA",
            details={"subject": "Registered", "name": "canary"},
        ),
    ]  # fmt: skip


def attempt(registration_id: str = "reg_1") -> SyncAttempt:
    return SyncAttempt(
        host_id="host_a", registration_id=registration_id, at=datetime.fromisoformat(BEFORE),
        event_id="evt_otters", org_id=ORG_ID, kind="registered", reason="live", outcome="failed",
        requests=[{"body": {"Email": EMAIL}}], responses=[], error={"value": "canary"},
    )  # fmt: skip


def matched() -> SyncAttempt:
    """A duplicate rule named the canary beside what was written for a friend."""
    friend = attempt("reg_2")
    friend.requests, friend.error = [{"body": {"Email": "friend@otter.example"}}], None
    match = {"id": "00Q5g00000AbCdEEAV", "name": "Canary Yellow", "email": EMAIL.lower()}
    friend.responses = [{"id": "00Q5g00000AbCdFEAV"}, {"id": None, "matches": [match]}]
    return friend


@pytest.fixture
async def written_down(database: Database, vault: Encryptor) -> Database:
    """The canary everywhere: as attendee, as buyer, in an error, in history, among the exclusions."""
    async with database.system() as session:
        session.add(connection_for(vault))
        exclusions = {"addresses": ["canary@otter.example", "staff@otter.example"]}
        session.add(Host(host_id="host_a", settings={"exclusions": exclusions}))
    bought = parsed("reg_2", "msg_2", attendee={"email": "friend@otter.example"}, answers=[], utm=None,
                  buyer={"name": "Canary", "email": EMAIL})  # fmt: skip
    unknown = delivery(webhook("registration.sung", song={"by": EMAIL}), "msg_3")
    await receive(database, parsed(), bought, unknown)
    async with database.system() as session:
        failed = await session.get_one(SyncJob, ("host_a", "reg_1"))
        failed.error, failed.warnings = {"message": "Canary!", "value": EMAIL}, [{"text": "canary"}]
        session.add_all((*written(), attempt(), matched()))
    return database


async def test_erased_attendee_is_in_no_table(written_down: Database, owner: AsyncEngine) -> None:
    assert {"registrations", "deliveries", "sync_jobs", "written_records", "sync_attempts", "hosts"} <= set(
        await places(owner)
    )
    await receive(written_down, erasure())
    assert await places(owner) == []
    assert await places(owner, "yellow") == []
    async with written_down.system() as session:
        [friends] = await session.scalars(select(SyncAttempt).where(SyncAttempt.registration_id == "reg_2"))
    assert friends.responses == [{"id": "00Q5g00000AbCdFEAV"}, {"id": None}]


@pytest.mark.parametrize(
    "who",
    [
        pytest.param({"attendee": {"id": "per_canary"}}, id="by id"),
        pytest.param({"attendee": {"email": f" {EMAIL.upper()} "}}, id="by e-mail in other letters"),
        pytest.param({"attendee": {"id": "x"}, "registration_ids": ["reg_1"]}, id="by registration"),
    ],
)
async def test_attendee_is_found_however_named(database: Database, owner: AsyncEngine, who: Any) -> None:
    await receive(database, parsed(), parsed("reg_3", "msg_3"))
    await receive(database, erasure(**who))
    assert await places(owner) == []


async def test_reasons_are_erased_and_times_remain(database: Database, owner: AsyncEngine) -> None:
    at = "2026-11-15T09:00:00Z"
    fields = {"attendee": WHO, "starts_at": "2026-11-24T10:00:00Z"}
    before = {"starts_at": "2026-11-24T08:00:00Z", "ends_at": None}
    moved = webhook(
        "registration.rescheduled", at, registration=registration(**fields), previous=before,
        reason="Canary is moulting",
    )  # fmt: skip
    gone = {"status": "cancelled", "cancelled_at": at, "version": 2}
    ill = webhook(
        "registration.cancelled", at, registration=registration(**fields, **gone), reason="Canary is ill"
    )
    named = webhook("event.cancelled", at, event=event(version=5), reason=f"{EMAIL} is the speaker")
    other = webhook("event.cancelled", at, event=event(id="evt_2"), reason="Storm")
    email = {"id": "em_1", "at": at, "subject": "See you, Canary", "snippet": "Canary sings"}
    replied = webhook("email.replied", at, registration=registration(**fields), email=email)
    payloads = (moved, ill, named, other, replied)
    await receive(database, *(delivery(each, f"msg_{place}") for place, each in enumerate(payloads)))
    assert {"registrations", "events"} <= set(await places(owner))
    await receive(database, erasure())
    assert await places(owner) == []
    kept = await stored(database)
    assert kept is not None
    assert kept.starts_at is not None
    assert kept.rescheduled_at is not None
    assert kept.emails == {}
    assert kept.rescheduled_from == before
    assert await places(owner, "storm") == ["deliveries", "events"]


async def test_ids_state_and_times_remain(written_down: Database) -> None:
    await receive(written_down, erasure())
    erased, its_job = await stored(written_down), await job(written_down)
    assert erased is not None
    assert (erased.status, erased.attendee, erased.email_key) == ("confirmed", {}, None)
    assert erased.erased_at is not None
    assert (its_job.state, its_job.skipped_because, its_job.error) == ("skipped", "erased", None)
    async with written_down.system() as session:
        person = (await session.scalars(select(WrittenRecord).where(WrittenRecord.slot == "person"))).one()
    assert (person.sf_id, person.details) == (
        "00Q5g000001CanAAAA",
        {"found_by": "created", "is_created_by_us": True},
    )


@pytest.mark.parametrize("state", ["running", "ambiguous"])
async def test_write_on_its_way_is_settled_and_then_run_again(written_down: Database, state: str) -> None:
    async with written_down.system() as session:
        (await session.get_one(SyncJob, ("host_a", "reg_1"))).state = state
    before = await job(written_down)
    await receive(written_down, erasure())
    after = await job(written_down)
    assert (after.state, after.error, after.requested_version) == (state, None, before.requested_version + 1)


async def test_what_a_late_write_notes_is_taken_away(written_down: Database, owner: AsyncEngine) -> None:
    await receive(written_down, erasure())
    async with written_down.system() as session:
        (await session.get_one(SyncJob, ("host_a", "reg_1"))).error = {"value": EMAIL}
        session.add(attempt())
    assert await places(owner) == ["sync_attempts", "sync_jobs"]
    await redact_late_writes(written_down)
    assert await places(owner) == []


@pytest.mark.parametrize(
    ("registration_id", "timestamp"),
    [
        pytest.param("reg_1", AFTER, id="the same registration, even later"),
        pytest.param("reg_9", BEFORE, id="another registration, delivered late"),
    ],
)
async def test_late_webhook_brings_nothing_back(
    database: Database, owner: AsyncEngine, registration_id: str, timestamp: str
) -> None:
    await receive(database, parsed())
    await receive(database, erasure())
    await receive(database, parsed(registration_id, "msg_late", timestamp=timestamp))
    assert await places(owner) == []
    assert (await stored(database, "reg_9")) is None


async def test_late_webhook_in_the_same_group_brings_nothing_back(
    database: Database, owner: AsyncEngine
) -> None:
    await receive(database, erasure(), parsed())
    assert await places(owner) == []


async def test_late_webhook_naming_the_erased_as_buyer_is_kept_without(
    database: Database, owner: AsyncEngine
) -> None:
    await receive(database, erasure())
    friend = {"id": "per_2", "email": "friend@otter.example", "first_name": "A", "last_name": "B"}
    late = parsed("reg_2", "msg_2", attendee=friend | {"company": None, "phone": None}, answers=[], utm=None,
                buyer={"email": EMAIL})  # fmt: skip
    await receive(database, late)
    assert await places(owner) == []
    kept = await stored(database, "reg_2")
    assert kept is not None
    assert (kept.buyer, kept.email_key) == (None, "friend@otter.example")


async def test_later_registration_is_a_new_person(database: Database) -> None:
    await receive(database, parsed())
    await receive(database, erasure())
    await receive(database, parsed("reg_5", "msg_5", timestamp=AFTER))
    again = await stored(database, "reg_5")
    assert again is not None
    assert (again.email_key, again.erased_at) == ("canary@otter.example", None)


async def test_transferred_ticket_keeps_its_new_holder(database: Database, owner: AsyncEngine) -> None:
    await receive(database, parsed(version=1))
    new = {"id": "per_2", "email": "new@otter.example", "first_name": "N", "last_name": "H"}
    bare = {"company": None, "phone": None}
    transferred = parsed("reg_1", "msg_2", version=2, attendee=new | bare, answers=[], utm=None)
    await receive(database, transferred)
    await receive(database, erasure())
    kept = await stored(database)
    assert kept is not None
    assert (kept.email_key, kept.erased_at) == ("new@otter.example", None)
    assert await places(owner) == []


INVISIBLE = {"email": "\ufeffCanary@Ot\u200bter.example\u200e"}


async def test_address_with_invisible_characters_is_erased_like_the_plain_one(
    database: Database, owner: AsyncEngine
) -> None:
    await receive(database, parsed(attendee=WHO | INVISIBLE, version=1))
    new = {"id": "per_2", "email": "new@otter.example", "first_name": "N", "last_name": "H"}
    bare = {"company": None, "phone": None}
    transferred = parsed(
        "reg_1", "msg_2", version=2, attendee=new | bare, answers=[], utm=None, buyer=INVISIBLE
    )
    await receive(database, transferred)
    strange = webhook("unknown.type", registration=None, note=f"for {INVISIBLE['email']}")
    await receive(database, delivery(strange, "msg_3"))
    await receive(database, erasure())
    assert await places(owner) == []


async def test_tombstone_covers_the_address_with_invisible_characters(
    database: Database, owner: AsyncEngine
) -> None:
    await receive(database, erasure(attendee=INVISIBLE))
    await receive(database, parsed(attendee=WHO))
    await receive(database, parsed("reg_2", "msg_2", attendee=WHO | INVISIBLE | {"id": "per_3"}))
    friend = {"id": "per_2", "email": "friend@otter.example", "first_name": "A", "last_name": "B"}
    bare = {"company": None, "phone": None}
    bought = parsed("reg_3", "msg_3", attendee=friend | bare, answers=[], utm=None, buyer=INVISIBLE)
    await receive(database, bought)
    assert await places(owner) == []


@pytest.mark.parametrize(("given", "plain"), ADDRESSES)
async def test_postgres_compares_addresses_as_we_do(
    owner: AsyncEngine, given: str | None, plain: str | None
) -> None:
    async with owner.connect() as connection:
        key = await connection.scalar(text("SELECT nullif(address_key(:given), '')"), {"given": given})
    assert key == address_key(given)


async def test_other_hosts_are_not_touched(database: Database, owner: AsyncEngine) -> None:
    elsewhere = webhook(host={"id": "host_b"}, registration=registration(attendee=WHO))
    await receive(database, delivery(elsewhere, "msg_b"))
    await receive(database, erasure())
    assert "registrations" in await places(owner)


async def test_erasing_again_finds_the_same_registrations(database: Database) -> None:
    await receive(database, parsed(), parsed("reg_2", "msg_2"))
    at = datetime.fromisoformat(ERASED_AT)
    found = []
    for later in (timedelta(0), timedelta(hours=1)):
        async with database.system() as session:
            wish = ErasureRequest("host_a", at + later, None, EMAIL)
            found.append(await erase(session, wish, pepper=PEPPER, by="user_17"))
    assert found == [["reg_1", "reg_2"]] * 2


async def test_platform_user_with_the_address_of_an_erased_attendee_is_forgotten(
    database: Database, owner: AsyncEngine
) -> None:
    user = {"org_id": ORG_ID, "user_id": "0055g00000AbCdEAAV"}
    async with database.system() as session:
        for host_id, name, email in (
            ("host_a", "canary", EMAIL), ("host_a", "olga", "olga@acme.example"), ("host_b", "rita", EMAIL),
        ):  # fmt: skip
            whose = {"host_id": host_id, **user, "user_email": email}
            session.add(
                SalesforceUser(platform_user_id=f"user_{name}", email_key=address_key(email), **whose)
            )
            attempt_id = f"att_{host_id}_{name}"
            session.add(UnconfirmedUser(attempt_id=attempt_id, client_id="app", is_sixth=False, **whose))
            known = {"org_id": ORG_ID, "sobject": f"User:{address_key(email)}", "body": {"id": "005"}}
            session.add(DescribeCache(host_id=host_id, **known))
            owners = {"items": [{"id": "005", "name": name, "email": email.title()}], "has_more": False}
            found = {"org_id": f"org_{name}", "sobject": KEPT_AS, "body": owners}
            session.add(DescribeCache(host_id=host_id, **found))
    await receive(database, parsed(), erasure())
    async with database.system() as session:
        for table in (SalesforceUser, UnconfirmedUser):
            assert sorted(await session.scalars(select(table.host_id))) == ["host_a", "host_b"]
        kept = select(DescribeCache.host_id).where(DescribeCache.sobject.startswith("User:"))
        assert sorted(await session.scalars(kept)) == ["host_a", "host_b"]
        owners_of = select(DescribeCache.org_id).where(DescribeCache.sobject == KEPT_AS)
        assert sorted(await session.scalars(owners_of)) == ["org_olga", "org_rita"]
    async with database.tenant("host_a") as session:
        assert list(await session.scalars(select(SalesforceUser.platform_user_id))) == ["user_olga"]


async def test_organizer_with_the_address_of_an_erased_attendee_stays(
    database: Database, owner: AsyncEngine
) -> None:
    runs = {"name": "Canary Yellow", "email": EMAIL}
    await receive(database, delivery(webhook(event=event(organizer=runs)), "msg_1"), parsed("reg_2", "msg_2"))
    await receive(database, erasure())
    async with database.system() as session:
        kept = await session.get_one(Event, ("host_a", "evt_otters"))
        attendee = await session.get_one(Registration, ("host_a", "reg_2"))
    assert (kept.organizer, attendee.attendee) == (runs, {})
