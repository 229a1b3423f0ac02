"""One line an org, sorted by importance, and from there down to a row; nothing of a person on the way."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text, update

from app.infrastructure.database import Database
from app.infrastructure.encryption import Encryptor
from app.models import Connection, FlowInterval, Host, OrgLease, Quarantined, SyncAttempt, WorkerHeartbeat
from tests.factories import NOW, ORG_ID
from tests.integration.registrations.sample_event import (
    EVENT_ID,
    RULE,
    add,
    add_connected_host,
    event,
    hours_ago,
    in_hours,
    save,
    simple,
)

OTHER_ORG = "00D5g000004XyZbEAK"
PERSONAL = ("Otti", "otter.example", "030 1234567")


@pytest.fixture
async def orgs(database: Database, vault: Encryptor) -> None:
    """Two hosts on one org, a third on another."""
    old: dict[str, Any] = {"api_used": 900, "api_limit": 1000, "api_measured_at": hours_ago(5)}
    new: dict[str, Any] = {"api_used": 20, "api_limit": 1000, "api_measured_at": hours_ago(1)}
    await add_connected_host(database, vault, **old)
    await add_connected_host(database, vault, "host_b", **new)
    await add_connected_host(database, vault, "host_c", org_id=OTHER_ORG)


async def lines(ops: httpx.AsyncClient, **query: Any) -> dict[str, dict[str, Any]]:
    answer = await ops.get("/ops/orgs", params=query)
    assert answer.status_code == 200, answer.text
    return {each["org_id"]: each for each in answer.json()["items"]}


async def change(database: Database, host_id: str, **values: Any) -> None:
    async with database.system() as session:
        await session.execute(update(Connection).where(Connection.host_id == host_id).values(**values))


async def test_an_org_is_one_line_with_its_hosts_and_the_newest_measurement(
    ops: httpx.AsyncClient, orgs: None
) -> None:
    found = await lines(ops)
    assert [each["host_id"] for each in found[ORG_ID]["hosts"]] == ["host_a", "host_b"]
    budget = found[ORG_ID]["budget"]
    assert (budget["used"], budget["limit"], budget["cap_percent"]) == (20, 1000, 80)
    assert datetime.now(UTC) - datetime.fromisoformat(budget["measured_at"]) < timedelta(minutes=70)
    assert found[OTHER_ORG]["budget"] is None
    assert {each["states"][0] for each in found.values()} == {"well"}


async def test_the_last_day_is_a_small_series(ops: httpx.AsyncClient, database: Database, orgs: None) -> None:
    at = datetime.now(UTC)
    await save(
        database,
        FlowInterval(org_id=ORG_ID, at=at, received=7, synced=5, failed=2),
        FlowInterval(org_id="", at=at, received=9, synced=6, failed=2),
    )
    day = (await lines(ops))[ORG_ID]["day"]
    assert [day[name][-1] for name in ("received", "synced", "failed")] == [7, 5, 2]
    assert {len(day[name]) for name in ("received", "synced", "failed")} == {48}
    whole = (await ops.get("/ops/flow")).json()
    assert (whole["received"][-1], whole["step_seconds"]) == (9, 1800)
    week = (await ops.get("/ops/flow", params={"org_id": ORG_ID, "period": "week"})).json()
    assert (sum(week["received"]), week["step_seconds"]) == (7, 10800)


STATES: dict[str, tuple[Any, str, str | None]] = {
    "ended": ({"state": "needs_reconnect", "reason_code": "user_inactive"}, "ended", "user_inactive"),
    "fault": ({"fault_code": "mapping_broken", "fault_count": 1}, "failing", "mapping_broken"),
    "lacks a right": ({"problems": [{"code": "no_campaigns"}]}, "access", "no_campaigns"),
    "out of calls": ({"api_closed_until": in_hours(1)}, "budget", None),
}


@pytest.mark.parametrize(("values", "state", "reason"), STATES.values(), ids=STATES.keys())
async def test_trouble_of_a_host_is_its_orgs_and_comes_first(
    ops: httpx.AsyncClient, database: Database, orgs: None, values: Any, state: str, reason: str | None
) -> None:
    await change(database, "host_c", **values)
    found = await lines(ops)
    assert list(found) == [OTHER_ORG, ORG_ID]
    assert (found[OTHER_ORG]["states"], found[OTHER_ORG]["reason"]) == ([state], reason)
    assert list(await lines(ops, state=state)) == [OTHER_ORG]


async def test_work_makes_states_in_the_order_of_their_importance(
    ops: httpx.AsyncClient, database: Database, orgs: None
) -> None:
    await add(
        database,
        simple("r1", "failed", error=RULE),
        simple("r2", "pending", due_at=hours_ago(1)),
        simple("r3", "running", due_at=hours_ago(1)),
    )
    await save(database, OrgLease(org_id=OTHER_ORG, paused_at=NOW, paused_by="operator_1"))
    found = await lines(ops)
    assert found[ORG_ID]["states"] == ["stuck", "late", "failed"]
    assert (found[ORG_ID]["failed"], found[ORG_ID]["running"]) == (1, 1)
    assert 3500 < found[ORG_ID]["oldest_wait_seconds"] < 3700
    assert found[ORG_ID]["hosts"][0]["failed"] == 1
    assert (found[OTHER_ORG]["states"], found[OTHER_ORG]["paused_by"]) == (["paused"], "operator_1")


async def test_a_disconnected_org_is_last_whatever_it_left(
    ops: httpx.AsyncClient, database: Database, orgs: None
) -> None:
    await add(database, simple("r1", "failed", error=RULE))
    for host_id in ("host_a", "host_b"):
        await change(database, host_id, state="disconnected", refresh_token=None)
    found = await lines(ops)
    assert (list(found), found[ORG_ID]["states"]) == ([OTHER_ORG, ORG_ID], ["disconnected"])


async def test_orgs_are_found_by_host_and_paged(
    ops: httpx.AsyncClient, database: Database, orgs: None
) -> None:
    assert list(await lines(ops, host_id="host_c")) == [OTHER_ORG]
    assert list(await lines(ops, org_id=ORG_ID)) == [ORG_ID]
    assert await lines(ops, host_id="host_unknown") == {}
    await change(database, "host_c", state="needs_reconnect")
    first = (await ops.get("/ops/orgs", params={"limit": 1})).json()
    second = (await ops.get("/ops/orgs", params={"limit": 1, "cursor": first["next_cursor"]})).json()
    assert [each["org_id"] for each in first["items"] + second["items"]] == [OTHER_ORG, ORG_ID]
    assert (first["total"], second["next_cursor"]) == (2, None)
    bad = await ops.get("/ops/orgs", params={"cursor": "otters"})
    assert (bad.status_code, bad.json()["code"]) == (400, "CursorInvalid")


async def test_a_hosts_events_begin_with_those_that_fail(
    ops: httpx.AsyncClient, database: Database, orgs: None
) -> None:
    await save(
        database, event(event_id="evt_later", title="Winter Summit", starts_at=NOW + timedelta(days=90))
    )
    await add(database, simple("r1", "failed", error=RULE), simple("r2", "synced"), simple("r3", "synced"))
    page = (await ops.get("/ops/hosts/host_a/events", params={"limit": 1})).json()
    [shown] = page["items"]
    assert (shown["event_id"], shown["jobs"]["failed"], shown["jobs"]["synced"]) == (EVENT_ID, 1, 2)
    rest = (await ops.get("/ops/hosts/host_a/events", params={"cursor": page["next_cursor"]})).json()
    assert [(each["event_id"], sum(each["jobs"].values())) for each in rest["items"]] == [("evt_later", 0)]
    assert (await ops.get("/ops/hosts/host_x/events")).json()["code"] == "HostNotFound"


async def test_a_row_tells_its_runs_and_who_asked_without_what_was_sent(
    ops: httpx.AsyncClient, database: Database, orgs: None
) -> None:
    await add(database, simple("r1", "failed", error=RULE, requested_by="user_17"))
    runs: list[dict[str, Any]] = [
        {"at": hours_ago(2), "outcome": "failed", "error": RULE, "requested_by": None},
        {"at": hours_ago(1), "outcome": "failed", "error": RULE, "requested_by": "user_17"},
    ]
    await save(
        database,
        *(
            SyncAttempt(
                host_id="host_a", registration_id="r1", event_id=EVENT_ID, org_id=ORG_ID, kind="registered",
                reason="retry", requests=[{"body": {"LastName": "Otti"}}], responses=[], **run,
            )
            for run in runs
        ),
    )  # fmt: skip
    answer = await ops.get("/ops/hosts/host_a/registrations/r1/attempts")
    shown = [(each["by"], each["outcome"], each["error_code"]) for each in answer.json()["items"]]
    assert shown == [("user_17", "failed", RULE["error_code"]), (None, "failed", RULE["error_code"])]
    jobs = await ops.get("/ops/jobs", params={"host_id": "host_a", "registration_ids": ["r1"]})
    assert jobs.json()["items"][0]["by"] == "user_17"
    for each in (answer, jobs, await ops.get("/ops/orgs"), await ops.get("/ops/hosts/host_a/events")):
        assert not [word for word in PERSONAL if word in each.text]
    missing = await ops.get("/ops/hosts/host_a/registrations/r9/attempts")
    assert (missing.status_code, missing.json()["code"]) == (404, "RegistrationNotFound")


async def test_the_overview_says_what_needs_somebody(
    ops: httpx.AsyncClient, database: Database, orgs: None
) -> None:
    await save(database, WorkerHeartbeat(worker_id="w1", hostname="burrow", pid=7, beat_at=datetime.now(UTC)))
    assert (await ops.get("/ops/overview")).json()["concerns"] == []
    await add(database, simple("r1", "running", due_at=hours_ago(1)))
    await save(database, Quarantined(webhook_id="w", reason="otter"))
    await change(database, "host_c", state="needs_reconnect", state_since=hours_ago(3))
    async with database.system() as session:
        await session.execute(text("UPDATE worker_heartbeats SET beat_at = beat_at - interval '45 s'"))
    found = (await ops.get("/ops/overview")).json()["concerns"]
    assert [(each["code"], each["severity"], each["subjects"]) for each in found] == [
        ("NoWorkers", "page", ["burrow 7"]),
        ("OrgsStuck", "page", [ORG_ID]),
        ("WorkIsStuck", "page", [ORG_ID]),
        ("ConnectionsEnded", "ticket", ["host_c"]),
        ("WebhooksQuarantined", "ticket", []),
    ]
    assert found[1]["runbook"] == "/docs/runbooks/WorkIsStuck"


async def test_a_pause_keeps_its_reason(ops: httpx.AsyncClient, database: Database, orgs: None) -> None:
    body = {"dry_run": False, "reason": "their admin moves fields until noon"}
    for path in ("/ops/hosts/host_c", f"/ops/orgs/{OTHER_ORG}"):
        assert (await ops.post(f"{path}/pause", json=body)).status_code == 200
    log = (await ops.get("/ops/audit", params={"host_id": "host_c"})).json()["items"]
    assert [(each["action"], each["details"]) for each in log] == [
        ("ops.org_paused", {"reason": body["reason"]}),
        ("ops.host_paused", {"reason": body["reason"]}),
    ]
    async with database.system() as session:
        assert (await session.get_one(Host, "host_c")).paused_at is not None


async def test_a_reason_names_nobody_by_address(ops: httpx.AsyncClient, orgs: None) -> None:
    """The log is never redacted, and each host of an org reads it."""
    body = {"dry_run": False, "reason": "canary@example.com wants it"}
    for path in (
        "/ops/hosts/host_c/pause",
        f"/ops/orgs/{OTHER_ORG}/pause",
        f"/ops/leases/{OTHER_ORG}/release",
    ):
        assert (await ops.post(path, json=body)).status_code == 422
    assert (await ops.get("/ops/audit", params={"host_id": "host_c"})).json()["items"] == []
