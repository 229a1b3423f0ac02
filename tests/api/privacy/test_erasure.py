"""The endpoint for erasing an attendee: its answers, its permissions, and its audit entry."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from sqlalchemy import select

from app.config.settings import Settings
from app.infrastructure.database import Database
from app.infrastructure.encryption import Encryptor
from app.models import AuditEntry, IdempotencyKey, Registration, WrittenRecord
from app.privacy.late_writes import redact_late_writes
from tests.api.service import caller, running
from tests.deliveries import post, registration, webhook
from tests.factories import ORG_ID, connection_for
from tests.factories_events import event_for, registration_for
from tests.tokens import TokenMint

PATH = "/v1/hosts/host_a/attendees/erase"
WHO = {"attendee": {"email": "OTTER1@example.com"}}


@pytest.fixture
async def http(
    settings: Settings, database: Database, mint: TokenMint, vault: Encryptor
) -> AsyncIterator[httpx.AsyncClient]:
    lead = WrittenRecord(
        host_id="host_a", org_id=ORG_ID, registration_id="reg_00001", slot="person", state="written",
        action="create", sobject="Lead", sf_id="00Q5g000001OtrAAAA",
    )  # fmt: skip
    async with database.system() as session:
        session.add_all((connection_for(vault), event_for(), registration_for(1), registration_for(2), lead))
    async with running(settings) as app, caller(app, mint.headers(hosts={"host_a": "admin"})) as http:
        yield http


async def test_answer_lists_the_records_that_the_host_must_handle(http: httpx.AsyncClient) -> None:
    answer = await http.post(PATH, json=WHO)
    assert answer.status_code == 202
    assert answer.json() == {
        "registrations": 1,
        "salesforce_records": [
            {
                "object": "Lead",
                "id": "00Q5g000001OtrAAAA",
                "url": "http://127.0.0.1:8100/00Q5g000001OtrAAAA",
            }
        ],
    }
    assert (await http.post(PATH, json=WHO)).json() == answer.json()


async def test_only_the_named_attendee_is_erased_and_stays_so(
    http: httpx.AsyncClient, database: Database
) -> None:
    await http.post(PATH, json=WHO)
    late = registration(id="reg_00001", attendee={"email": "otter1@example.com"})
    await post(http, webhook(registration=late))
    async with database.system() as session:
        rows = (await session.scalars(select(Registration).order_by(Registration.registration_id))).all()
    assert [(row.erased_at is not None, row.email_key) for row in rows] == [
        (True, None),
        (False, "otter2@example.com"),
    ]


async def test_erasing_is_audited_without_naming_anybody(http: httpx.AsyncClient, database: Database) -> None:
    await http.post(PATH, json=WHO)
    async with database.system() as session:
        [entry] = (await session.scalars(select(AuditEntry))).all()
    assert (entry.actor, entry.action) == ("user_17", "salesforce.attendee_erased")
    assert entry.details == {"registrations": 1, "registration_ids": ["reg_00001"]}


async def test_somebody_must_be_named(http: httpx.AsyncClient) -> None:
    for attendee in ({}, {"email": " "}, {"id": None}):
        answer = await http.post(PATH, json={"attendee": attendee})
        assert (answer.status_code, answer.json()["code"]) == (422, "PayloadInvalid")


async def test_members_and_strangers_may_not_erase(http: httpx.AsyncClient, mint: TokenMint) -> None:
    for hosts, code in (({"host_a": "member"}, "RoleInsufficient"), ({"host_b": "owner"}, "HostNotFound")):
        answer = await http.post(PATH, json=WHO, headers=mint.headers(hosts=hosts))
        assert answer.json()["code"] == code


async def test_answer_kept_for_a_repeated_key_goes_with_the_attendee(http: httpx.AsyncClient) -> None:
    row = "/v1/hosts/host_a/events/evt_otters/salesforce/registrations/reg_00001"
    keyed = {"Idempotency-Key": "otter-1"}
    first = await http.post(f"{row}/exclude", headers=keyed)
    assert first.json()["attendee"]["email"] == "otter1@example.com"
    await http.post(PATH, json=WHO)
    again = await http.post(f"{row}/exclude", headers=keyed)
    assert again.json()["attendee"] == {"name": None, "email": None, "company": None}


async def test_answer_that_was_under_way_meanwhile_is_not_kept_either(
    http: httpx.AsyncClient, database: Database
) -> None:
    await http.post(PATH, json=WHO)
    under_way = {"host_id": "host_a", "key": "otter-2", "request_sha256": b"otter", "status": 200}
    earlier = datetime.now(UTC) - timedelta(minutes=1)
    async with database.system() as session:
        session.add(IdempotencyKey(**under_way, created_at=earlier))
    await redact_late_writes(database)
    async with database.system() as session:
        assert (await session.scalars(select(IdempotencyKey.key))).all() == []
