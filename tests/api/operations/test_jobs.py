"""Operations on jobs: across hosts, by filter, with dry run as the default, audited at each host."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select, update

from app.infrastructure.database import Database
from app.infrastructure.encryption import Encryptor
from app.models import AuditEntry, Connection, Host, OrgLease, SyncJob, WorkerHeartbeat
from tests.api.service import caller
from tests.factories import NOW, ORG_ID
from tests.integration.registrations.sample_event import (
    RULE,
    add,
    add_connected_host,
    hours_ago,
    in_hours,
    job,
    registration,
    save,
    simple,
)
from tests.tokens import TokenMint

OTHER_ORG = "00D5g000004XyZbEAK"


@pytest.fixture
async def ops(app: FastAPI, mint: TokenMint) -> AsyncIterator[httpx.AsyncClient]:
    async with caller(app, mint.headers(scope="import ops", sub="operator_1")) as client:
        yield client


@pytest.fixture
async def two_hosts(database: Database, vault: Encryptor) -> None:
    await add_connected_host(database, vault, api_used=900, api_limit=1000)
    await add_connected_host(database, vault, "host_b", org_id=OTHER_ORG, api_used=1, api_limit=1000)
    await add(
        database,
        simple("r1", "failed", error=RULE),
        simple("r2", "pending", due_at=hours_ago(1)),
        simple("r3", "ambiguous", waiting_for="certainty", error=RULE),
        (registration("r4", erased_at=NOW), job("r4", "failed", error=RULE)),
        (registration("r1", "host_b"), job("r1", "failed", "host_b", org_id=OTHER_ORG, error=RULE)),
        (registration("r2", "host_b"), job("r2", "failed", "host_b", org_id=ORG_ID, error=RULE)),
    )


async def queued(database: Database) -> list[tuple[str, str]]:
    async with database.system() as session:
        query = (
            select(SyncJob)
            .where(SyncJob.reason == "retry")
            .order_by(SyncJob.host_id, SyncJob.registration_id)
        )
        return [(each.host_id, each.registration_id) for each in await session.scalars(query)]


async def audited(database: Database) -> list[tuple[str, str, str, dict[str, Any]]]:
    async with database.system() as session:
        entries = await session.scalars(select(AuditEntry).order_by(AuditEntry.host_id, AuditEntry.seq))
        return [(each.host_id, each.actor, each.action, each.details) for each in entries]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/ops/overview"),
        ("GET", "/ops/jobs?state=failed"),
        ("POST", "/ops/jobs/retry"),
        ("GET", "/ops/leases"),
        ("POST", "/ops/hosts/host_a/pause"),
        ("POST", "/ops/hosts/host_a/resume"),
        ("POST", f"/ops/orgs/{ORG_ID}/pause"),
        ("POST", f"/ops/orgs/{ORG_ID}/resume"),
    ],
)
async def test_owner_of_a_host_is_not_operations(
    app: FastAPI, mint: TokenMint, two_hosts: None, method: str, path: str
) -> None:
    async with caller(app, mint.headers(hosts={"host_a": "owner"}, scope="import")) as owner:
        answer = await owner.request(method, path, json={"filter": {"state": "failed"}})
        assert (answer.status_code, answer.json()["code"]) == (403, "RoleInsufficient")
    async with caller(app) as nobody:
        assert (await nobody.request(method, path)).status_code == 401


async def test_overview_shows_the_service_at_a_glance(
    ops: httpx.AsyncClient, database: Database, two_hosts: None
) -> None:
    await save(
        database,
        OrgLease(org_id=ORG_ID, failures=3, not_before=in_hours(1), not_before_reason="unavailable"),
        OrgLease(org_id=OTHER_ORG),
        WorkerHeartbeat(worker_id="w1", hostname="box", pid=7, beat_at=hours_ago(0.01), drains=2),
    )
    view = (await ops.get("/ops/overview")).json()
    assert view["backlog"] == {
        "pending": 1, "running": 0, "synced": 0, "failed": 4, "held": 0, "ambiguous": 1, "skipped": 0,
    }  # fmt: skip
    [org] = view["orgs_with_trouble"]
    assert (org["org_id"], org["failures"], org["not_before_reason"]) == (ORG_ID, 3, "unavailable")
    assert [(each["host_id"], each["org_used"]) for each in view["budgets"]] == [
        ("host_a", 900),
        ("host_b", 1),
    ]
    [worker] = view["workers"]
    assert 30 < worker["silent_seconds"] < 60
    assert view["failures"] == [
        {"class": "data", "error_code": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "count": 4}
    ]
    # An org that does not answer is what the age is for.
    assert 3500 < view["oldest_due_age_seconds"] < 3700


async def test_overview_names_the_hosts_that_must_reconnect_and_why(
    ops: httpx.AsyncClient, database: Database, two_hosts: None
) -> None:
    assert (await ops.get("/ops/overview")).json()["hosts_to_reconnect"] == []
    values = {"state": "needs_reconnect", "reason_code": "user_inactive", "state_since": NOW}
    async with database.system() as session:
        await session.execute(update(Connection).where(Connection.host_id == "host_a").values(**values))
    view = (await ops.get("/ops/overview")).json()
    assert view["hosts_to_reconnect"] == [
        {"host_id": "host_a", "org_id": ORG_ID, "code": "user_inactive", "since": "2026-11-21T10:00:00Z"}
    ]


async def test_overview_tells_the_age_of_work_that_could_move(
    ops: httpx.AsyncClient, database: Database, two_hosts: None
) -> None:
    view = (await ops.get("/ops/overview")).json()
    assert (3500 < view["oldest_due_age_seconds"] < 3700, view["orgs_with_backlog"]) == (True, 1)


FILTERS: dict[str, tuple[dict[str, Any], list[tuple[str, str]]]] = {
    "host": ({"host_id": "host_b"}, [("host_b", "r1"), ("host_b", "r2")]),
    "org": ({"org_id": OTHER_ORG}, [("host_b", "r1")]),
    "state": ({"state": "pending"}, [("host_a", "r2")]),
    "class-and-host": (
        {"class": "data", "host_id": "host_a", "state": "failed"},
        [("host_a", "r1"), ("host_a", "r4")],
    ),
    "code": ({"error_code": "STRING_TOO_LONG"}, []),
    "event": ({"event_id": "evt_other"}, []),
    "older": ({"older_than": "2020-01-01T00:00:00Z"}, []),
    "ids": ({"registration_ids": ["r3"]}, [("host_a", "r3")]),
}


@pytest.mark.parametrize(("job_filter", "expected"), FILTERS.values(), ids=FILTERS.keys())
async def test_jobs_are_listed_by_filter_without_personal_data(
    ops: httpx.AsyncClient, two_hosts: None, job_filter: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    answer = await ops.get("/ops/jobs", params=job_filter)
    assert [(each["host_id"], each["registration_id"]) for each in answer.json()["items"]] == expected
    assert not [word for word in ("Otti", "otter.example", "Phone") if word in answer.text]


async def test_pages_of_jobs_join_without_a_gap(ops: httpx.AsyncClient, two_hosts: None) -> None:
    first = (await ops.get("/ops/jobs", params={"class": "data", "limit": 2})).json()
    second = (
        await ops.get("/ops/jobs", params={"class": "data", "limit": 3, "cursor": first["next_cursor"]})
    ).json()
    ids = [(each["host_id"], each["registration_id"]) for each in first["items"] + second["items"]]
    assert ids == [("host_a", "r1"), ("host_a", "r3"), ("host_a", "r4"), ("host_b", "r1"), ("host_b", "r2")]
    assert second["next_cursor"] is None


async def test_jobs_are_read_without_a_filter_and_acted_on_with_one(
    ops: httpx.AsyncClient, two_hosts: None
) -> None:
    assert len((await ops.get("/ops/jobs")).json()["items"]) == 6
    answer = await ops.post("/ops/jobs/retry", json={"filter": {}})
    assert (answer.status_code, answer.json()["code"]) == (400, "FilterEmpty")


@pytest.mark.parametrize(
    "job_filter",
    [{"state": "late"}, {"nonsense": 1}, {"older_than": "2026-11-21T10:00:00"}, {"registration_ids": []}],
    ids=str,
)
async def test_filter_out_of_shape_is_refused(ops: httpx.AsyncClient, job_filter: dict[str, Any]) -> None:
    answer = await ops.post("/ops/jobs/retry", json={"filter": job_filter})
    assert (answer.status_code, answer.json()["code"]) == (422, "PayloadInvalid")


async def test_retry_is_a_dry_run_by_default(
    ops: httpx.AsyncClient, database: Database, two_hosts: None
) -> None:
    answer = (await ops.post("/ops/jobs/retry", json={"filter": {"class": "data"}})).json()
    assert (answer["dry_run"], answer["matched"], answer["queued"]) == (True, 5, 2)
    assert [each["registration_id"] for each in answer["sample"]] == ["r1", "r1"]
    assert (await queued(database), await audited(database)) == ([], [])


async def test_retry_across_hosts_is_audited_at_each(
    ops: httpx.AsyncClient, database: Database, two_hosts: None
) -> None:
    body = {"filter": {"class": "data"}, "dry_run": False}
    answer = (await ops.post("/ops/jobs/retry", json=body)).json()
    assert (answer["matched"], answer["queued"]) == (5, 2)
    assert await queued(database) == [("host_a", "r1"), ("host_b", "r1")]
    details = {"filter": {"class": "data"}, "queued": 1}
    assert await audited(database) == [
        ("host_a", "operator_1", "ops.jobs_retried", details),
        ("host_b", "operator_1", "ops.jobs_retried", details),
    ]


async def test_sample_holds_at_most_ten(ops: httpx.AsyncClient, database: Database, vault: Encryptor) -> None:
    await add_connected_host(database, vault)
    await add(database, *(simple(f"r{n}", "failed", error=RULE) for n in range(12)))
    answer = (await ops.post("/ops/jobs/retry", json={"filter": {"host_id": "host_a"}})).json()
    assert (answer["matched"], answer["queued"], len(answer["sample"])) == (12, 12, 10)


@pytest.mark.parametrize("target", ["hosts/host_a", f"orgs/{ORG_ID}"])
async def test_gate_is_closed_and_opened(
    ops: httpx.AsyncClient, database: Database, two_hosts: None, target: str
) -> None:
    dry = (await ops.post(f"/ops/{target}/pause")).json()
    assert (dry["dry_run"], dry["matched"], dry["queued"], await _paused(database)) == (True, 2, 0, set())
    await ops.post(f"/ops/{target}/pause", json={"dry_run": False})
    assert await _paused(database) == {target.split("/")[1]}
    resumed = (await ops.post(f"/ops/{target}/resume", json={"dry_run": False})).json()
    assert (resumed["dry_run"], resumed["matched"], resumed["queued"]) == (False, 2, 2)
    assert await _paused(database) == set()
    what = target.split("s/")[0]
    assert [(each[0], each[2]) for each in await audited(database)] == [
        ("host_a", f"ops.{what}_paused"), ("host_a", f"ops.{what}_resumed"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "code"),
    [("hosts/nobody/pause", "HostNotFound"), ("orgs/00D000000000009AAA/pause", "NotFound")],
)
async def test_gate_of_nobody_is_not_found(
    ops: httpx.AsyncClient, two_hosts: None, path: str, code: str
) -> None:
    answer = await ops.post(f"/ops/{path}", json={"dry_run": False})
    assert (answer.status_code, answer.json()["code"]) == (404, code)


async def test_leases_tell_who_drains_what(
    ops: httpx.AsyncClient, database: Database, two_hosts: None
) -> None:
    await save(
        database,
        OrgLease(org_id=ORG_ID, owner="w1", fence=4, until=in_hours(1)),
        OrgLease(org_id=OTHER_ORG, owner="w2", until=hours_ago(1)),
    )
    await add(database, simple("r9", "running"))
    first = (await ops.get("/ops/leases", params={"limit": 1})).json()
    second = (await ops.get("/ops/leases", params={"cursor": first["next_cursor"]})).json()
    view = [
        (each["org_id"], each["owner"], each["is_held"], each["fence"], each["running"])
        for each in first["items"] + second["items"]
    ]
    assert view == [(ORG_ID, "w1", True, 4, 1), (OTHER_ORG, "w2", False, 0, 0)]
    assert second["next_cursor"] is None


async def _paused(database: Database) -> set[str]:
    async with database.system() as session:
        hosts = await session.scalars(select(Host.host_id).where(Host.paused_at.is_not(None)))
        orgs = await session.scalars(select(OrgLease.org_id).where(OrgLease.paused_at.is_not(None)))
        return {*hosts, *orgs}
