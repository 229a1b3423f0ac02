"""Retry: one row or many, which rows are queued, the requesting user, and the Idempotency-Key."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select, update

from app.config.settings import Settings
from app.infrastructure.database import Database
from app.infrastructure.encryption import Encryptor
from app.models import AuditEntry, Event, SyncJob
from tests.api.service import caller, running
from tests.factories import NOW, ORG_ID
from tests.integration.registrations.sample_event import (
    EVENT_ID,
    RULE,
    add,
    add_connected_host,
    event,
    host,
    in_hours,
    job,
    link,
    registration,
    save,
    simple,
)
from tests.tokens import TokenMint

E = f"/v1/hosts/host_a/events/{EVENT_ID}/salesforce"
ALL = {"filter": {"all": True}}


@pytest.fixture
async def app(settings: Settings, database: Database) -> AsyncIterator[FastAPI]:
    async with running(settings) as app:
        yield app


@pytest.fixture
async def client(app: FastAPI, mint: TokenMint) -> AsyncIterator[httpx.AsyncClient]:
    async with caller(app, mint.headers(hosts={"host_a": "admin"})) as client:
        yield client


async def jobs(database: Database) -> dict[str, SyncJob]:
    async with database.system() as session:
        found = (await session.scalars(select(SyncJob))).all()
    return {each.registration_id: each for each in found}


async def test_failed_row_is_queued_again_by_the_user_who_asked(
    client: httpx.AsyncClient, database: Database, vault: Encryptor
) -> None:
    await add_connected_host(database, vault)
    await add(
        database,
        simple("r1", "failed", error=RULE, attempts=4, worker_crashes=2, requested_version=3, priority=10),
    )
    answer = await client.post(f"{E}/registrations/r1/retry")
    body = answer.json()
    assert answer.status_code == 202
    assert {name: body[name] for name in ("dry_run", "matched", "queued", "not_queued", "waiting_for")} == {
        "dry_run": False, "matched": 1, "queued": 1, "not_queued": [], "waiting_for": None,
    }  # fmt: skip
    assert (body["row"]["state"], body["row"]["waiting_for"], body["row"]["can_retry"]) == (
        "pending",
        "queue",
        False,
    )
    after = (await jobs(database))["r1"]
    assert (after.state, after.requested_version, after.attempts, after.worker_crashes) == (
        "pending",
        4,
        0,
        0,
    )
    assert (after.reason, after.requested_by, after.priority, after.waiting_for) == (
        "retry",
        "user_17",
        0,
        None,
    )


SINGLE: dict[str, tuple[dict[str, Any], str | None]] = {
    "failed": ({"state": "failed", "error": RULE}, None),
    "back-off-is-brought-forward": (
        {"state": "pending", "waiting_for": "retry", "due_at": in_hours(1)},
        None,
    ),
    "held": ({"state": "held", "waiting_for": "campaign"}, None),
    "no-match": ({"state": "skipped", "skipped_because": "no_match"}, None),
    "synced-whose-member-may-be-gone": ({"state": "synced"}, None),
    "due": ({"state": "pending"}, "already_pending"),
    "running": ({"state": "running"}, "already_pending"),
    "excluded": ({"state": "skipped", "skipped_because": "excluded"}, "skipped"),
    "ambiguous": ({"state": "ambiguous", "waiting_for": "certainty"}, "ambiguous"),
    "waits-for-certainty": (
        {"state": "pending", "waiting_for": "certainty", "due_at": in_hours(1)},
        "ambiguous",
    ),
}


@pytest.mark.parametrize(("stored", "why_not"), SINGLE.values(), ids=SINGLE.keys())
async def test_single_retry_takes_what_it_may(
    client: httpx.AsyncClient,
    database: Database,
    vault: Encryptor,
    stored: dict[str, Any],
    why_not: str | None,
) -> None:
    await add_connected_host(database, vault)
    await add(database, simple("r1", **stored))
    before = (await jobs(database))["r1"]
    answer = (await client.post(f"{E}/registrations/r1/retry")).json()
    after = (await jobs(database))["r1"]
    assert answer["queued"] == (why_not is None)
    assert answer["not_queued"] == ([{"why": why_not, "count": 1}] if why_not else [])
    if why_not:
        assert (after.state, after.requested_version, after.due_at) == (before.state, 1, before.due_at)
    else:
        assert (after.state, after.requested_version, after.waiting_for) == ("pending", 2, None)


@pytest.mark.parametrize(
    ("row", "why"),
    [
        pytest.param((registration("r1", confirmed_at=None), None), "skipped", id="never-confirmed"),
        pytest.param((registration("r1", erased_at=NOW), None), "erased", id="erased-without-a-job"),
        pytest.param((registration("r1", erased_at=NOW), job("r1", "failed")), "erased", id="erased"),
    ],
)
async def test_row_that_nothing_is_written_for_is_not_queued(
    client: httpx.AsyncClient, database: Database, vault: Encryptor, row: tuple[Any, Any], why: str
) -> None:
    await add_connected_host(database, vault)
    await add(database, row)
    answer = (await client.post(f"{E}/registrations/r1/retry")).json()
    assert (answer["matched"], answer["not_queued"]) == (1, [{"why": why, "count": 1}])


async def test_row_from_before_the_connection_is_written_by_a_retry_of_its_own(
    client: httpx.AsyncClient, database: Database, vault: Encryptor
) -> None:
    await add_connected_host(database, vault)
    await add(database, (registration("r1"), None))
    offered = (await client.get(f"{E}/registrations/r1")).json()
    assert (offered["skipped_because"], offered["can_retry"]) == ("before_connection", True)
    many = (await client.post(f"{E}/retry", json={"filter": {"registration_ids": ["r1"]}})).json()
    assert (many["queued"], many["not_queued"]) == (0, [{"why": "skipped", "count": 1}])
    answer = (await client.post(f"{E}/registrations/r1/retry")).json()
    assert (answer["queued"], answer["row"]["state"], answer["row"]["waiting_for"]) == (1, "pending", "queue")
    queued = (await jobs(database))["r1"]
    assert (queued.state, queued.org_id, queued.reason, queued.priority) == ("pending", ORG_ID, "retry", 0)


async def test_row_of_a_host_that_never_connected_cannot_be_retried(
    client: httpx.AsyncClient, database: Database
) -> None:
    await save(database, host(), event(), registration("r1"))
    assert not (await client.get(f"{E}/registrations/r1")).json()["can_retry"]
    answer = (await client.post(f"{E}/registrations/r1/retry")).json()
    assert (answer["queued"], answer["not_queued"]) == (0, [{"why": "skipped", "count": 1}])
    assert await jobs(database) == {}


MANY: dict[str, tuple[dict[str, Any], int, int, list[dict[str, Any]]]] = {
    "all": ({"all": True}, 3, 2, [{"why": "already_pending", "count": 1}]),
    "group": ({"group_id": "g_rule"}, 2, 1, [{"why": "already_pending", "count": 1}]),
    "code": ({"error_code": "STRING_TOO_LONG"}, 1, 1, []),
    "ids": (
        {"registration_ids": ["r1", "r4", "r5", "r6", "r7", "elsewhere"]},
        5,
        1,
        [
            {"why": "already_synced", "count": 1},
            {"why": "ambiguous", "count": 1},
            {"why": "skipped", "count": 2},
        ],
    ),
    "nothing": ({"error_code": "UNHEARD_OF"}, 0, 0, []),
}


@pytest.mark.parametrize("is_dry_run", [False, True], ids=["real", "dry-run"])
@pytest.mark.parametrize(("job_filter", "matched", "queued", "not_queued"), MANY.values(), ids=MANY.keys())
async def test_many_are_retried_by_filter(
    client: httpx.AsyncClient,
    database: Database,
    vault: Encryptor,
    job_filter: dict[str, Any],
    matched: int,
    queued: int,
    not_queued: list[dict[str, Any]],
    is_dry_run: bool,
) -> None:
    await add_connected_host(database, vault)
    too_long = RULE | {"error_code": "STRING_TOO_LONG"}
    await add(
        database,
        simple("r1", "failed", error=RULE),
        simple("r2", "failed", error=too_long, group_id="g_long"),
        simple("r3", "pending", error=RULE),
        simple("r4", "synced"),
        simple("r5", "ambiguous", waiting_for="certainty"),
        simple("r6", "skipped", skipped_because="no_match"),
        (registration("r7"), None),
        (registration("elsewhere", event_id="evt_other"), job("elsewhere", "failed", event_id="evt_other")),
    )
    answer = await client.post(f"{E}/retry", json={"filter": job_filter, "dry_run": is_dry_run})
    assert answer.status_code == 202
    assert answer.json() == {
        "dry_run": is_dry_run, "matched": matched, "queued": queued, "not_queued": not_queued,
        "waiting_for": None, "row": None,
    }  # fmt: skip
    retried = [each for each in (await jobs(database)).values() if each.reason == "retry"]
    assert len(retried) == (0 if is_dry_run else queued)


@pytest.mark.parametrize(
    "job_filter",
    [{}, {"all": False}, {"all": True, "group_id": "g_1"}, {"registration_ids": []}, {"group_id": None}],
    ids=str,
)
async def test_filter_without_exactly_one_member_is_refused(
    client: httpx.AsyncClient, database: Database, vault: Encryptor, job_filter: dict[str, Any]
) -> None:
    await add_connected_host(database, vault)
    answer = await client.post(f"{E}/retry", json={"filter": job_filter})
    assert (answer.status_code, answer.json()["code"]) == (400, "FilterEmpty")


@pytest.mark.parametrize(
    "job_filter",
    [
        {"registration_ids": ["r"] * 1001},
        {"registration_ids": ["a b"]},
        {"error_code": "a\0"},
        {"class": "data"},
    ],
    ids=["too-many", "not-an-id", "nul", "unknown-member"],
)
async def test_filter_out_of_shape_is_refused(client: httpx.AsyncClient, job_filter: dict[str, Any]) -> None:
    answer = await client.post(f"{E}/retry", json={"filter": job_filter})
    assert (answer.status_code, answer.json()["code"]) == (422, "PayloadInvalid")


@pytest.mark.parametrize(
    ("stage", "waiting_for"),
    [
        pytest.param({"connection": {"state": "needs_reconnect"}}, "connection", id="connection"),
        pytest.param({"connection": {"api_closed_until": in_hours(1)}}, "api_budget", id="budget"),
        pytest.param({"is_paused": True}, "pause", id="pause"),
        pytest.param({"link": {"state": "broken"}}, "campaign", id="broken-link"),
        pytest.param({"link": {}}, None, id="link-mended-meanwhile"),
    ],
)
async def test_answer_says_why_queued_rows_do_not_move(
    client: httpx.AsyncClient,
    database: Database,
    vault: Encryptor,
    stage: dict[str, Any],
    waiting_for: str | None,
) -> None:
    await add_connected_host(database, vault, **stage.get("connection", {}))
    if "link" in stage:
        await save(database, link(**stage["link"]))
    if "is_paused" in stage:
        async with database.system() as session:
            await session.execute(update(Event).values(paused_at=NOW))
    await add(database, simple("r1", "held", error=RULE, waiting_for="campaign"))
    answer = (await client.post(f"{E}/retry", json=ALL)).json()
    assert (answer["queued"], answer["waiting_for"]) == (1, waiting_for)


async def test_retry_is_in_the_audit_log_and_a_dry_run_is_not(
    client: httpx.AsyncClient, database: Database, vault: Encryptor
) -> None:
    await add_connected_host(database, vault)
    await add(database, simple("r1", "failed", error=RULE))
    await client.post(f"{E}/retry", json={"filter": {"group_id": "g_rule"}, "dry_run": True})
    await client.post(f"{E}/retry", json={"filter": {"group_id": "g_rule"}})
    await client.post(f"{E}/registrations/r1/retry")
    async with database.tenant("host_a") as session:
        entries = (await session.scalars(select(AuditEntry).order_by(AuditEntry.seq))).all()
    assert [(each.actor, each.action, each.details) for each in entries] == [
        ("user_17", "salesforce.retry",
         {"event_id": EVENT_ID, "filter": "group_id", "value": "g_rule", "matched": 1, "queued": 1}),
        ("user_17", "salesforce.retry",
         {"event_id": EVENT_ID, "registration_id": "r1", "matched": 1, "queued": 0}),
    ]  # fmt: skip
