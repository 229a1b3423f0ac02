"""The endpoints for registrations: stats and rows, filters and pages, pause, isolation of hosts."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.config.settings import Settings
from app.infrastructure.database import Database
from app.infrastructure.encryption import Encryptor
from tests.api.service import caller, running
from tests.factories import NOW, ORG_ID
from tests.integration.registrations.sample_event import (
    CAMPAIGN_ID,
    EVENT_ID,
    RULE,
    add,
    add_connected_host,
    in_hours,
    job,
    link,
    record,
    registration,
    save,
    simple,
)
from tests.tokens import TokenMint

E = f"/v1/hosts/host_a/events/{EVENT_ID}/salesforce"
LEAD, TASK, MEMBER = "00Q5g00000AbCdEEAV", "00T5g00000GhIjKEAV", "00v5g000007LmNoAAK"
LIGHTNING = "https://acme.lightning.force.com/lightning/r"


@pytest.fixture
async def app(settings: Settings, database: Database) -> AsyncIterator[FastAPI]:
    async with running(settings) as app:
        yield app


@pytest.fixture
async def owner_a(app: FastAPI, mint: TokenMint) -> AsyncIterator[httpx.AsyncClient]:
    async with caller(app, mint.headers(hosts={"host_a": "owner"})) as client:
        yield client


@pytest.fixture
async def member_a(app: FastAPI, mint: TokenMint) -> AsyncIterator[httpx.AsyncClient]:
    async with caller(app, mint.headers(hosts={"host_a": "member"})) as client:
        yield client


async def test_member_reads_stats_in_the_dashboards_form(
    member_a: httpx.AsyncClient, database: Database, vault: Encryptor
) -> None:
    await add_connected_host(database, vault)
    await add(database, simple("r1", "failed", error=RULE))
    answer = await member_a.get(f"{E}/stats")
    body = answer.json()
    assert answer.status_code == 200
    assert body["event"] == {
        "id": EVENT_ID, "title": "Autumn Summit", "starts_at": "2026-11-24T10:00:00Z", "timezone": "UTC",
        "is_paused": False,
    }  # fmt: skip
    assert body["counts"]["failed"] == 1
    assert body["groups"][0]["class"] == "data"
    assert set(body) == {
        "event", "is_linked", "counts", "pending_because", "skipped_because", "next_retry_at", "groups",
        "backfill", "budget", "connection_state", "last_synced_at", "as_of", "version",
    }  # fmt: skip


async def test_environment_without_an_app_says_so(
    settings: Settings, database: Database, vault: Encryptor, mint: TokenMint
) -> None:
    await add_connected_host(database, vault)
    without = settings.model_copy(update={"salesforce_client_id": None})
    async with running(without) as app, caller(app, mint.headers(hosts={"host_a": "member"})) as client:
        assert (await client.get(f"{E}/stats")).json()["connection_state"] == "not_configured"


async def test_stats_hold_no_personal_data(
    member_a: httpx.AsyncClient, database: Database, vault: Encryptor
) -> None:
    await add_connected_host(database, vault)
    echo = RULE | {"message": "Otti Otter r1 <r1@otter.example> of Otter GmbH is refused", "value": "Otti"}
    await add(database, simple("r1", "failed", error=echo))
    text = (await member_a.get(f"{E}/stats")).text
    assert not [word for word in ("Otti", "otter.example", "GmbH") if word in text]


async def test_row_shows_what_is_in_salesforce(
    member_a: httpx.AsyncClient, database: Database, vault: Encryptor
) -> None:
    await add_connected_host(database, vault)
    await save(database, link())
    error = RULE | {"kind": "checked_in", "object": "Task", "fields": [], "value": "x" * 300}
    warning = {"code": "value_cut", "object": "Lead", "field": "Company", "text": "Cut to 255 characters."}
    await add(
        database,
        (
            registration("r1", checked_in_at=NOW),
            job("r1", "failed", error=error, attempts=1, warnings=[warning]),
        ),
        records=[
            record(
                "r1",
                "person",
                sobject="Lead",
                sf_id=LEAD,
                details={"found_by": "created", "is_created_by_us": True},
            ),
            record(
                "r1",
                "task:registered",
                sobject="Task",
                sf_id=TASK,
                details={"subject": "Registered: Autumn Summit"},
            ),
            record(
                "r1",
                "member",
                sobject="CampaignMember",
                sf_id=MEMBER,
                meaning="registered",
                label="Registered",
            ),
        ],
    )
    answer = await member_a.get(f"{E}/registrations/r1")
    row = answer.json()
    assert answer.headers["cache-control"] == "no-store"
    assert row["person"] == {
        "object": "Lead", "id": LEAD, "url": f"{LIGHTNING}/Lead/{LEAD}/view", "found_by": "created",
        "is_created_by_us": True,
    }  # fmt: skip
    assert row["activities"] == [
        {"object": "Task", "id": TASK, "url": f"{LIGHTNING}/Task/{TASK}/view", "kind": "registered",
         "subject": "Registered: Autumn Summit", "status": None, "written_at": "2026-11-21T10:00:00Z"}
    ]  # fmt: skip
    assert row["member"] == {
        "object": "CampaignMember", "id": MEMBER, "url": f"{LIGHTNING}/CampaignMember/{MEMBER}/view",
        "status": "Registered", "was_member_before": False,
    }  # fmt: skip
    assert row["parts"] == [
        {"kind": "registered", "state": "synced", "attempts": 1, "written_at": "2026-11-21T10:00:00Z"},
        {"kind": "checked_in", "state": "failed", "attempts": 1, "written_at": None},
    ]
    assert row["error"]["advice"]["explanation"].startswith("Your org has a rule on Task")
    assert (len(row["error"]["value"]), row["error"]["class"], row["can_retry"]) == (100, "data", True)
    assert row["warnings"] == [warning]
    assert row["attendee"] == {"name": "Otti Otter r1", "email": "r1@otter.example", "company": "Otter GmbH"}


FILTERS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "synced": ({"state": "synced"}, ["r1", "r2"]),
    "pending": ({"state": "pending"}, ["r3", "r4"]),
    "failed": ({"state": "failed"}, ["r5"]),
    "skipped": ({"state": "skipped"}, ["r6", "r7"]),
    "attended": ({"state": "attended"}, ["r2"]),
    "several-states": ({"state": ["failed", "synced"]}, ["r1", "r2", "r5"]),
    "group": ({"group_id": "g_rule"}, ["r4", "r5"]),
    "code": ({"error_code": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "state": "failed"}, ["r5"]),
    "other-code": ({"error_code": "STRING_TOO_LONG"}, []),
    "by-email": ({"q": "R3@OTTER"}, ["r3"]),
    "by-name": ({"q": "tter r4"}, ["r4"]),
    "by-company": ({"q": "100%_"}, ["r5"]),
    "wildcards-are-text": ({"q": "%%"}, []),
    "none": ({}, ["r1", "r2", "r3", "r4", "r5", "r6", "r7"]),
}


@pytest.mark.parametrize(("query", "expected"), FILTERS.values(), ids=FILTERS.keys())
async def test_rows_are_filtered(
    member_a: httpx.AsyncClient,
    database: Database,
    vault: Encryptor,
    query: dict[str, Any],
    expected: list[str],
) -> None:
    await add_connected_host(database, vault)
    company: dict[str, Any] = {"attendee": {"name": "Solo", "email": None, "company": "The 100%_ Company"}}
    await add(
        database,
        simple("r1", "synced"),
        (registration("r2", checked_in_at=NOW), job("r2", "synced", is_attended=True)),
        simple("r3", "pending"),
        simple("r4", "pending", error=RULE, waiting_for="retry", due_at=in_hours(1)),
        (registration("r5", **company), job("r5", "failed", error=RULE)),
        simple("r6", "skipped", skipped_because="no_email"),
        (registration("r7"), None),
        (registration("r8", confirmed_at=None, status="waitlisted"), None),
        (registration("r9", erased_at=NOW, confirmed_at=None), None),
    )
    answer = (await member_a.get(f"{E}/registrations", params=query)).json()
    assert sorted(row["registration_id"] for row in answer["items"]) == expected
    assert answer["matched"] == len(expected)


@pytest.mark.parametrize("sort", ["name", "-updated_at", "-registered_at", "failed"])
async def test_pages_join_without_a_gap(
    member_a: httpx.AsyncClient, database: Database, vault: Encryptor, sort: str
) -> None:
    await add_connected_host(database, vault)
    same_name: dict[str, Any] = {"attendee": {"first_name": "Otti", "last_name": "Otter", "email": None}}
    await add(database, *((registration(f"r{n}", **same_name), job(f"r{n}", "synced")) for n in range(7)))
    whole = (await member_a.get(f"{E}/registrations", params={"sort": sort})).json()["items"]
    ids, cursor, pages = [], None, 0
    while pages == 0 or cursor:
        params: dict[str, Any] = {"sort": sort, "limit": 3} | ({"cursor": cursor} if cursor else {})
        page = (await member_a.get(f"{E}/registrations", params=params)).json()
        assert page["matched"] == 7
        ids += [row["registration_id"] for row in page["items"]]
        cursor, pages = page["next_cursor"], pages + 1
    assert (ids, pages) == ([row["registration_id"] for row in whole], 3)
    assert len(set(ids)) == 7


async def test_rows_changed_last_come_first(
    member_a: httpx.AsyncClient, database: Database, vault: Encryptor
) -> None:
    await add_connected_host(database, vault)
    await add(database, simple("r1", "synced"), simple("r2", "synced"), (registration("r3"), None))
    await member_a.get(f"{E}/registrations")
    body = (await member_a.get(f"{E}/registrations")).json()["items"]
    assert [row["registration_id"] for row in body] == ["r3", "r2", "r1"]


async def test_rows_come_in_the_order_that_is_asked_for(
    member_a: httpx.AsyncClient, database: Database, vault: Encryptor
) -> None:
    await add_connected_host(database, vault)
    early: dict[str, Any] = {"registered_at": NOW - timedelta(days=2)}
    await add(
        database,
        simple("r1", "failed", error=RULE),
        (registration("r2", registered_at=NOW + timedelta(days=1)), job("r2", "synced")),
        (registration("r3", **early), None),
        simple("r4", "failed", error=RULE),
        (registration("r5", registered_at=NOW - timedelta(days=1)), job("r5", "skipped")),
    )
    expected = {"failed": ["r4", "r1", "r5", "r3", "r2"], "-registered_at": ["r2", "r4", "r1", "r5", "r3"]}
    for sort, ids in expected.items():
        body = (await member_a.get(f"{E}/registrations", params={"sort": sort})).json()["items"]
        assert [row["registration_id"] for row in body] == ids


async def test_check_ins_are_counted_by_the_minute(
    member_a: httpx.AsyncClient, database: Database, vault: Encryptor
) -> None:
    await add_connected_host(database, vault)
    now = datetime.now(UTC)
    seconds_ago = {"r1": 5, "r2": 20, "r3": 90, "r4": 29 * 60 + 30, "r5": 31 * 60}
    came = {each: now - timedelta(seconds=ago) for each, ago in seconds_ago.items()}
    await add(database, *((registration(each, checked_in_at=at), None) for each, at in came.items()))
    undone: dict[str, Any] = {"checked_in_at": now - timedelta(seconds=30), "check_in_reverted_at": now}
    await add(database, (registration("r6", **undone), None))
    minutes = (await member_a.get(f"{E}/check-ins")).json()["minutes"]
    assert (len(minutes), sum(minutes), minutes[-1]) == (30, 4, 2)


@pytest.mark.parametrize(
    "params",
    [
        pytest.param({"cursor": "otter"}, id="not-base64"),
        pytest.param({"cursor": "WyJuYW1lIiwiYSIsImIiXQ"}, id="of-another-order"),
        pytest.param({"cursor": "WyItdXBkYXRlZF9hdCIsIm5vdyIsImIiXQ"}, id="not-a-time"),
        pytest.param({"cursor": "WyItdXBkYXRlZF9hdCIsIjIwMjYtMTEtMjEiLCJiIl0"}, id="time-without-a-zone"),
        pytest.param({"cursor": "WyJuYW1lIiwiXHUwMDAwIiwiYiJd", "sort": "name"}, id="unstorable"),
        pytest.param({"cursor": "WyJuYW1lIiwiYSIsMV0", "sort": "name"}, id="not-a-text"),
        pytest.param({"cursor": "e30"}, id="not-a-list"),
    ],
)
async def test_cursor_that_is_not_ours_is_refused(
    member_a: httpx.AsyncClient, database: Database, vault: Encryptor, params: dict[str, str]
) -> None:
    await add_connected_host(database, vault)
    answer = await member_a.get(f"{E}/registrations", params=params)
    assert (answer.status_code, answer.json()["code"]) == (400, "CursorInvalid")


@pytest.mark.parametrize(
    "params",
    [{"q": "x"}, {"q": "a\0b"}, {"state": "late"}, {"limit": 0}, {"limit": 201}, {"sort": "age"}],
    ids=str,
)
async def test_query_out_of_shape_is_refused(member_a: httpx.AsyncClient, params: dict[str, Any]) -> None:
    answer = await member_a.get(f"{E}/registrations", params=params)
    assert (answer.status_code, answer.json()["code"]) == (422, "PayloadInvalid")


async def test_erased_row_keeps_ids_state_and_times_only(
    member_a: httpx.AsyncClient, database: Database, vault: Encryptor
) -> None:
    await add_connected_host(database, vault)
    await add(
        database,
        (registration("r1", erased_at=NOW), job("r1", "failed", error=RULE, warnings=[{"text": "Otti"}])),
        records=[record("r1", "person", sobject="Lead", sf_id=LEAD)],
    )
    row = (await member_a.get(f"{E}/registrations/r1")).json()
    assert row["attendee"] == {"name": None, "email": None, "company": None}
    assert (row["is_erased"], row["error"], row["warnings"], row["can_retry"]) == (True, None, [], False)
    assert (row["state"], row["skipped_because"], row["person"]["id"]) == ("skipped", "erased", LEAD)
    assert (await member_a.get(f"{E}/registrations", params={"q": "Otti"})).json()["items"] == []


async def test_members_of_an_earlier_campaign_are_not_shown(
    member_a: httpx.AsyncClient, database: Database, vault: Encryptor
) -> None:
    await add_connected_host(database, vault)
    await save(database, link())
    earlier = {"sobject": "CampaignMember", "sf_id": MEMBER, "label": "Sent"}
    await add(
        database,
        simple("r1", "pending"),
        records=[record("r1", "member", instance_key="701000000000001AAA", **earlier)],
    )
    assert (await member_a.get(f"{E}/registrations/r1")).json()["member"] is None
    other = record("r1", "member", instance_key=CAMPAIGN_ID, **earlier | {"label": "Invited"})
    await save(database, other)
    assert (await member_a.get(f"{E}/registrations/r1")).json()["member"]["status"] == "Invited"


async def test_pause_holds_the_event_and_resume_lets_it_go(
    owner_a: httpx.AsyncClient, database: Database, vault: Encryptor
) -> None:
    await add_connected_host(database, vault)
    await add(database, simple("r1", "pending"))
    for _ in range(2):
        paused = (await owner_a.post(f"{E}/pause")).json()
        assert (paused["event"]["is_paused"], paused["pending_because"]["paused"]) == (True, 1)
    resumed = (await owner_a.post(f"{E}/resume")).json()
    assert (resumed["event"]["is_paused"], resumed["pending_because"]["queued"]) == (False, 1)


CHANGES = ["pause", "resume", "retry", "registrations/r1/retry"]
READS = ["stats", "registrations", "registrations/r1"]
BODY = {"filter": {"all": True}}


@pytest.mark.parametrize("path", CHANGES)
async def test_member_may_not_change(member_a: httpx.AsyncClient, path: str) -> None:
    answer = await member_a.post(f"{E}/{path}", json=BODY)
    assert (answer.status_code, answer.json()["code"]) == (403, "RoleInsufficient")


@pytest.mark.parametrize(
    ("method", "path"), [("GET", each) for each in READS] + [("POST", each) for each in CHANGES]
)
async def test_another_hosts_event_is_like_an_unknown_host(
    owner_a: httpx.AsyncClient, database: Database, vault: Encryptor, method: str, path: str
) -> None:
    await add_connected_host(database, vault, "host_b", org_id=ORG_ID)
    await save(database, registration("r1", "host_b"), job("r1", "failed", "host_b", error=RULE))
    answers = [
        await owner_a.request(method, f"/v1/hosts/{host_id}/events/{EVENT_ID}/salesforce/{path}", json=BODY)
        for host_id in ("host_b", "host_unheard_of")
    ]
    known, unknown = (_without_request_id(each) for each in answers)
    assert known == unknown
    assert known[0] == 404
    own = await owner_a.request(method, f"{E}/{path}", json=BODY)
    assert (own.status_code, own.json()["code"]) == (404, "EventNotFound")


async def test_registration_of_another_host_or_event_is_unknown(
    owner_a: httpx.AsyncClient, database: Database, vault: Encryptor
) -> None:
    await add_connected_host(database, vault)
    await add_connected_host(database, vault, "host_b")
    await add(database, (registration("theirs", "host_b"), job("theirs", "failed", "host_b", error=RULE)))
    await add(database, (registration("elsewhere", event_id="evt_other"), None))
    for registration_id in ("theirs", "elsewhere", "nowhere"):
        for method, path in (("GET", ""), ("POST", "/retry")):
            answer = await owner_a.request(method, f"{E}/registrations/{registration_id}{path}")
            assert (answer.status_code, answer.json()["code"]) == (404, "RegistrationNotFound")


def _without_request_id(answer: httpx.Response) -> tuple[int, bytes]:
    return answer.status_code, answer.content.replace(answer.json()["request_id"].encode(), b"")
