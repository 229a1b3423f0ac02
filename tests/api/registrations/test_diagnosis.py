"""Why somebody is missing in Salesforce: one finding for each thing in the way, with its cure."""

import logging
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import update

from app.config.settings import Settings
from app.infrastructure.database import Database
from app.infrastructure.encryption import Encryptor
from app.models import Base, Connection, Event, Host
from tests.api.service import caller, running
from tests.factories import NOW
from tests.integration.registrations.sample_event import (
    EVENT_ID,
    RULE,
    add_connected_host,
    event,
    host,
    job,
    link,
    registration,
    save,
)
from tests.tokens import TokenMint

PATH = "/v1/hosts/host_a/salesforce/diagnosis"
Finding = tuple[str, str, str | None]


@pytest.fixture
async def app(settings: Settings, database: Database) -> AsyncIterator[FastAPI]:
    async with running(settings) as app:
        yield app


@pytest.fixture
async def client(app: FastAPI, mint: TokenMint) -> AsyncIterator[httpx.AsyncClient]:
    async with caller(app, mint.headers(hosts={"host_a": "member"})) as client:
        yield client


async def diagnosed(client: httpx.AsyncClient, **who: Any) -> dict[str, Any]:
    answer = await client.post(PATH, json=who)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    body: dict[str, Any] = answer.json()
    return body


async def found(client: httpx.AsyncClient, **who: Any) -> list[Finding]:
    findings = (await diagnosed(client, **who))["findings"]
    assert all(each["advice"]["steps"] for each in findings)
    return [(each["code"], each["weight"], each["cure"]) for each in findings]


async def change(database: Database, table: type[Base], **values: Any) -> None:
    async with database.system() as session:
        await session.execute(update(table).values(values))


async def test_each_state_of_a_registration_says_why(
    client: httpx.AsyncClient, database: Database, vault: Encryptor
) -> None:
    await add_connected_host(database, vault)
    await save(database, link())
    jobs = {
        "there": job("there", "synced"),
        "failed": job("failed", "failed", error=RULE),
        "no_match": job("no_match", "skipped", skipped_because="no_match"),
        "by_rules": job("by_rules", "skipped", skipped_because="excluded"),
        "queued": job("queued", "pending"),
        "held": job("held", "held", waiting_for="campaign"),
    }
    people = [registration(name, email_key=f"{name}@otter.example") for name in (*jobs, "before")]
    await save(database, *people, *jobs.values())
    await save(database, registration("waitlisted", status="waitlisted", confirmed_at=None))
    await save(database, registration("by_hand", excluded_at=NOW))
    await save(database, job("by_hand", "skipped", skipped_because="excluded"))
    expected: dict[str, Finding] = {
        "there": ("is_in_salesforce", "fine", None),
        "failed": ("validation_rule", "stops", "retry"),
        "no_match": ("skipped_no_match", "stops", "mapping"),
        "by_rules": ("skipped_by_rules", "stops", "settings"),
        "queued": ("waits_in_queue", "stops", None),
        "held": ("waits_for_campaign", "stops", "link_campaign"),
        "before": ("skipped_before_connection", "stops", "write"),
        "waitlisted": ("not_confirmed_yet", "stops", None),
        "by_hand": ("skipped_by_hand", "stops", "include"),
        "nobody": ("registration_never_arrived", "stops", None),
    }
    by_id = {name: await found(client, registration_id=name) for name in expected}
    assert by_id == {name: [finding] for name, finding in expected.items()}
    by_address = await diagnosed(client, email=" FAILED@otter.example")
    assert [each["code"] for each in by_address["findings"]] == ["validation_rule"]
    assert (by_address["registrations"], by_address["findings"][0]["event"]["id"]) == (1, EVENT_ID)
    assert by_address["last_news_at"] is not None


async def test_what_holds_everybody_back_is_found_without_a_name(
    client: httpx.AsyncClient, database: Database, vault: Encryptor
) -> None:
    assert await found(client) == [("not_connected", "stops", "connect")]
    await add_connected_host(database, vault)
    assert await found(client) == [("nothing_in_the_way", "fine", None)]
    unlinked: Finding = ("no_campaign_linked", "note", "link_campaign")
    assert await found(client, event_id=EVENT_ID) == [unlinked]
    await change(database, Event, is_enabled=False, paused_at=NOW, writes={"task": False})
    stops: list[Finding] = [
        ("event_is_off", "stops", "switch_on"),
        ("event_is_paused", "stops", "resume_event"),
    ]
    kinds: Finding = ("kinds_are_off", "note", "kinds_on")
    assert await found(client, event_id=EVENT_ID) == [*stops, kinds, unlinked]
    findings = (await diagnosed(client, event_id=EVENT_ID))["findings"]
    assert [each["kinds"] for each in findings] == [[], [], ["task"], []]
    assert await found(client, event_id="evt_nowhere") == [("event_never_arrived", "stops", None)]
    await change(database, Host, paused_at=NOW)
    assert await found(client) == [("host_is_paused", "stops", "resume_host")]
    await change(database, Connection, state="needs_reconnect", reason_code="access_revoked")
    assert await found(client) == [("access_revoked", "stops", "connect")]


async def test_nobody_learns_of_another_hosts_attendees(
    client: httpx.AsyncClient, database: Database, vault: Encryptor
) -> None:
    theirs = registration("theirs", "host_b", email_key="theirs@otter.example")
    await save(database, host("host_a"), host("host_b"), event("host_b"), theirs)
    for who in ({"registration_id": "theirs"}, {"email": "theirs@otter.example"}, {"event_id": EVENT_ID}):
        answer = await client.post("/v1/hosts/host_b/salesforce/diagnosis", json=who)
        assert answer.json()["code"] == "HostNotFound"
        body = await diagnosed(client, **who)
        assert (body["registrations"], body["last_news_at"]) == (0, None)
        assert "Autumn Summit" not in str(body)


@pytest.mark.parametrize(
    "who", [{"email": "no address"}, {"email": "a@b.example", "registration_id": "r1"}, {"name": "Otti"}]
)
async def test_a_question_that_cannot_be_understood_is_refused_and_logged_without_the_address(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture, who: dict[str, str]
) -> None:
    with caplog.at_level(logging.DEBUG):
        answer = await client.post(PATH, json=who)
    assert (answer.status_code, answer.json()["code"]) == (422, "PayloadInvalid")
    assert "a@b.example" not in answer.text + caplog.text
