"""Other operations: discard, release, replay, read and verify the audit log."""

import json
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncEngine

from app.config.encryption_key import parse_key
from app.infrastructure import audit_log
from app.infrastructure.database import Database
from app.infrastructure.encryption import Encryptor
from app.models import (
    AuditEntry,
    Delivery,
    Event,
    OrgLease,
    Quarantined,
    Registration,
    SyncJob,
    UnknownBody,
    WrittenRecord,
)
from app.privacy.unparsed_bodies import UNUSABLE_BODY
from app.webhooks.schemas import CANCELLED_AT, SNAPSHOT, TYPES
from tests.api.service import caller
from tests.deliveries import post, webhook
from tests.deliveries import registration as registration_payload
from tests.factories import ENCRYPTION_KEY, NOW, ORG_ID
from tests.integration.registrations.sample_event import (
    RULE,
    add,
    add_connected_host,
    hours_ago,
    in_hours,
    record,
    save,
    simple,
)


async def jobs(database: Database) -> dict[str, tuple[str, str | None]]:
    async with database.system() as session:
        found = await session.scalars(select(SyncJob))
        return {each.registration_id: (each.state, each.skipped_because) for each in found}


async def deeds(database: Database) -> list[tuple[str, str, str]]:
    async with database.system() as session:
        found = await session.scalars(select(AuditEntry).order_by(AuditEntry.host_id, AuditEntry.seq))
        return [(each.host_id, each.actor, each.action) for each in found]


@pytest.fixture
async def rows(database: Database, vault: Encryptor) -> None:
    await add_connected_host(database, vault)
    await add(
        database,
        simple("r1", "failed", error=RULE),
        simple("r2", "pending"),
        simple("r3", "ambiguous", waiting_for="certainty"),
        simple("r4", "running", fence=7, running_version=1),
        simple("r5", "synced"),
    )


async def test_discard_is_a_dry_run_by_default(
    ops: httpx.AsyncClient, database: Database, rows: None
) -> None:
    before = await jobs(database)
    answer = (await ops.post("/ops/jobs/discard", json={"filter": {"host_id": "host_a"}})).json()
    assert (answer["dry_run"], answer["matched"], answer["queued"]) == (True, 5, 2)
    assert [each["registration_id"] for each in answer["sample"]] == ["r1", "r2"]
    assert (await jobs(database), await deeds(database)) == (before, [])


async def test_discard_gives_up_and_never_on_what_is_uncertain(
    ops: httpx.AsyncClient, database: Database, rows: None
) -> None:
    body = {"filter": {"host_id": "host_a"}, "dry_run": False}
    assert (await ops.post("/ops/jobs/discard", json=body)).json()["queued"] == 2
    assert await jobs(database) == {
        "r1": ("skipped", "nothing_wanted"),
        "r2": ("skipped", "nothing_wanted"),
        "r3": ("ambiguous", None),
        "r4": ("running", None),
        "r5": ("synced", None),
    }
    async with database.system() as session:
        job = await session.get_one(SyncJob, ("host_a", "r1"))
        is_gone = await session.scalar(select(SyncJob.error.is_(None)).where(SyncJob.registration_id == "r1"))
    assert (job.error_code, job.group_id, is_gone) == (None, None, True)
    assert await deeds(database) == [("host_a", "operator_1", "ops.jobs_discarded")]


OF_HOST_A, OF_NOBODY = {"host_id": "host_a", "error_code": "NONE"}, {"error_code": "NONE"}
TOOK_NOTHING = {
    "discard": ("/ops/jobs/discard", OF_HOST_A, ("host_a", "ops.jobs_discarded")),
    "discard-of-no-host": ("/ops/jobs/discard", OF_NOBODY, ("", "ops.jobs_discarded")),
    "retry": ("/ops/jobs/retry", OF_HOST_A, ("host_a", "ops.jobs_retried")),
    "retry-of-no-host": ("/ops/jobs/retry", OF_NOBODY, ("", "ops.jobs_retried")),
    "replay": ("/ops/deliveries/replay", {"type": "none"}, ("", "ops.deliveries_replayed")),
    "replay-of-unusable": (
        "/ops/deliveries/replay",
        {"webhook_ids": ["msg_bad"], "is_quarantined": True},
        ("", "ops.deliveries_replayed"),
    ),
}


@pytest.mark.parametrize(("path", "filters", "deed"), TOOK_NOTHING.values(), ids=TOOK_NOTHING)
async def test_act_that_took_nothing_is_in_the_log(
    ops: httpx.AsyncClient, database: Database, path: str, filters: dict[str, Any], deed: tuple[str, str]
) -> None:
    await save(database, Quarantined(webhook_id="msg_bad", reason="shape"))
    await ops.post(path, json={"filter": filters})
    assert await deeds(database) == []
    assert (await ops.post(path, json={"filter": filters, "dry_run": False})).json()["queued"] == 0
    assert await deeds(database) == [(deed[0], "operator_1", deed[1])]
    assert (await ops.post("/ops/audit/verify")).json() == {"hosts": 1, "is_whole": True, "broken": []}


@pytest.mark.parametrize("until", [None, hours_ago(1)], ids=["given-up", "ran-out"])
async def test_release_settles_what_a_dead_worker_left_running(
    ops: httpx.AsyncClient, database: Database, rows: None, until: Any
) -> None:
    await save(
        database,
        OrgLease(org_id=ORG_ID, owner="w1", fence=7, until=until),
        record("r4", "person", sobject="Lead", sf_id=None, state="intended", written_at=None),
    )
    dry = (await ops.post(f"/ops/leases/{ORG_ID}/release")).json()
    assert (dry["dry_run"], dry["matched"], dry["queued"]) == (True, 1, 0)
    assert (await jobs(database))["r4"] == ("running", None)
    done = (await ops.post(f"/ops/leases/{ORG_ID}/release", json={"dry_run": False})).json()
    assert (done["matched"], done["queued"]) == (1, 1)
    assert (await jobs(database))["r4"] == ("ambiguous", None)
    async with database.system() as session:
        lease = await session.get_one(OrgLease, ORG_ID)
        slot = await session.scalar(select(WrittenRecord.state))
    assert (lease.owner, lease.until, lease.fence, slot) == (None, None, 8, "ambiguous")
    assert await deeds(database) == [("host_a", "operator_1", "ops.lease_released")]


async def test_lease_that_is_held_is_left_alone(
    ops: httpx.AsyncClient, database: Database, rows: None
) -> None:
    await save(database, OrgLease(org_id=ORG_ID, owner="w1", fence=7, until=in_hours(1)))
    answer = (await ops.post(f"/ops/leases/{ORG_ID}/release", json={"dry_run": False})).json()
    assert (answer["matched"], answer["queued"], (await jobs(database))["r4"][0]) == (0, 0, "running")
    async with database.system() as session:
        assert (await session.get_one(OrgLease, ORG_ID)).owner == "w1"


async def test_lease_of_nobody_is_not_found(ops: httpx.AsyncClient) -> None:
    answer = await ops.post("/ops/leases/00D000000000009AAA/release", json={"dry_run": False})
    assert (answer.status_code, answer.json()["code"]) == (404, "NotFound")


async def test_overview_names_orgs_whose_rows_run_under_nobody(
    ops: httpx.AsyncClient, database: Database, rows: None
) -> None:
    await save(database, Quarantined(webhook_id="msg_bad", reason="shape"))
    view = (await ops.get("/ops/overview")).json()
    assert (view["stuck_orgs"], view["quarantined"]) == ([ORG_ID], 1)
    await save(database, OrgLease(org_id=ORG_ID, owner="w1", fence=7, until=in_hours(1)))
    assert (await ops.get("/ops/overview")).json()["stuck_orgs"] == []


def confirmed(registration_id: str) -> dict[str, Any]:
    person = {"id": f"per_{registration_id}", "email": f"{registration_id}@otter.example"}
    return webhook(registration=registration_payload(id=registration_id, attendee=person))


async def receive(app: FastAPI, *bodies: dict[str, Any]) -> None:
    async with caller(app) as platform:
        for number, body in enumerate(bodies):
            answer = await post(platform, body, f"msg_{number}")
            assert answer.status_code == 202, answer.text


async def recorded(database: Database) -> list[Any]:
    async with database.system() as session:
        found = await session.scalars(select(Registration).order_by(Registration.registration_id))
        return [(each.registration_id, each.status, each.attendee, each.confirmed_at) for each in found]


@pytest.fixture
async def received(app: FastAPI, database: Database, vault: Encryptor) -> list[Any]:
    await add_connected_host(database, vault)
    await receive(app, *(confirmed(f"reg_{number}") for number in range(3)))
    return await recorded(database)


async def test_deliveries_are_listed_without_what_they_say(
    ops: httpx.AsyncClient, received: list[Any]
) -> None:
    answer = await ops.get("/ops/deliveries", params={"host_id": "host_a", "limit": 2})
    page = answer.json()
    assert [each["webhook_id"] for each in page["items"]] == ["msg_2", "msg_1"]
    assert (page["items"][0]["registration_id"], page["items"][0]["outcome"]) == ("reg_2", "accepted")
    assert "@" not in answer.text
    assert "payload" not in page["items"][0]
    rest = await ops.get("/ops/deliveries", params={"host_id": "host_a", "cursor": page["next_cursor"]})
    assert [each["webhook_id"] for each in rest.json()["items"]] == ["msg_0"]


async def test_replay_counts_first_and_then_brings_back_what_was_lost(
    ops: httpx.AsyncClient, database: Database, received: list[Any]
) -> None:
    async with database.system() as session:
        await session.execute(text("DELETE FROM sync_jobs"))
        await session.execute(text("DELETE FROM registrations WHERE registration_id <> 'reg_0'"))
        before = (await session.scalars(select(Delivery.received_at).order_by(Delivery.webhook_id))).all()
    filters = {"filter": {"webhook_ids": ["msg_0", "msg_1"]}}
    dry = (await ops.post("/ops/deliveries/replay", json=filters)).json()
    assert (dry["dry_run"], dry["matched"], dry["queued"], len(await recorded(database))) == (True, 2, 0, 1)
    done = (await ops.post("/ops/deliveries/replay", json=filters | {"dry_run": False})).json()
    assert (done["matched"], done["queued"], done["unusable"]) == (2, 2, 0)
    assert await recorded(database) == received[:2]
    assert await jobs(database) == {"reg_1": ("pending", None)}
    async with database.system() as session:
        after = (await session.scalars(select(Delivery.received_at).order_by(Delivery.webhook_id))).all()
    assert after == before
    assert ("host_a", "operator_1", "ops.deliveries_replayed") in await deeds(database)


async def test_replaying_again_changes_nothing(
    ops: httpx.AsyncClient, database: Database, received: list[Any]
) -> None:
    async with database.system() as session:
        await session.execute(update(SyncJob).values(state="synced"))
        digests = (await session.scalars(select(Delivery.body_sha256).order_by(Delivery.webhook_id))).all()
    body = {"filter": {"type": "registration.confirmed"}, "dry_run": False}
    for _ in range(2):
        assert (await ops.post("/ops/deliveries/replay", json=body)).json()["queued"] == 3
    assert await recorded(database) == received
    assert {state for state, _ in (await jobs(database)).values()} == {"synced"}
    async with database.system() as session:
        again = (await session.scalars(select(Delivery.body_sha256).order_by(Delivery.webhook_id))).all()
    assert again == digests


RANGES: dict[str, tuple[dict[str, Any], int]] = {
    "from": ({"received_from": "2020-01-01T00:00:00Z"}, 3),
    "to": ({"received_to": "2020-01-01T00:00:00Z"}, 0),
    "host": ({"host_id": "host_b"}, 0),
    "registration": ({"registration_id": "reg_1"}, 1),
    "type": ({"type": "registration.cancelled"}, 0),
    "quarantine": ({"is_quarantined": True}, 0),
    "quarantine-of-a-host": ({"is_quarantined": True, "host_id": "host_a"}, 0),
}


@pytest.mark.parametrize(("filters", "matched"), RANGES.values(), ids=RANGES.keys())
async def test_replay_takes_what_the_filter_matches(
    ops: httpx.AsyncClient, received: list[Any], filters: dict[str, Any], matched: int
) -> None:
    answer = await ops.post("/ops/deliveries/replay", json={"filter": filters})
    assert answer.json()["matched"] == matched


async def test_quarantined_webhook_is_applied_once_it_can_be_read(
    ops: httpx.AsyncClient, database: Database, vault: Encryptor
) -> None:
    await add_connected_host(database, vault)
    for webhook_id, received in (("msg_good", json.dumps(confirmed("reg_9"))), ("msg_bad", "{")):
        sealed = Encryptor([parse_key(ENCRYPTION_KEY)]).seal(received, host_id="host_a", column=UNUSABLE_BODY)
        row = Quarantined(webhook_id=webhook_id, reason="shape", host_id="host_a", sealed=sealed)
        await save(database, row)
    listed = (await ops.get("/ops/deliveries", params={"is_quarantined": True})).json()["items"]
    assert [(each["webhook_id"], each["reason"], each["host_id"]) for each in listed] == [
        ("msg_bad", "shape", "host_a"),
        ("msg_good", "shape", "host_a"),
    ]
    body = {"filter": {"is_quarantined": True}, "dry_run": False}
    done = (await ops.post("/ops/deliveries/replay", json=body)).json()
    assert (done["matched"], done["queued"], done["unusable"]) == (2, 1, 1)
    assert [each[0] for each in await recorded(database)] == ["reg_9"]
    async with database.system() as session:
        left = (await session.scalars(select(Quarantined.webhook_id))).all()
        kept = await session.scalar(select(func.count()).select_from(Delivery))
    assert (left, kept) == (["msg_bad"], 1)


async def test_payload_that_an_erasure_emptied_is_not_replayed(
    ops: httpx.AsyncClient, database: Database, received: list[Any]
) -> None:
    async with database.system() as session:
        emptied = {"type": "registration.confirmed", "data": {"host": {"id": "host_a"}}, "is_erased": True}
        await session.execute(update(Delivery).where(Delivery.webhook_id == "msg_1").values(payload=emptied))
    body = {"filter": {"host_id": "host_a"}, "dry_run": False}
    done = (await ops.post("/ops/deliveries/replay", json=body)).json()
    assert (done["queued"], done["unusable"]) == (2, 1)
    async with database.system() as session:
        assert await session.scalar(select(func.count()).select_from(Delivery)) == 3


async def test_deliveries_are_read_without_a_filter_and_replayed_with_one(
    ops: httpx.AsyncClient, received: list[Any]
) -> None:
    first = (await ops.get("/ops/deliveries", params={"limit": 2})).json()
    second = (await ops.get("/ops/deliveries", params={"cursor": first["next_cursor"]})).json()
    shown = [each["webhook_id"] for each in first["items"] + second["items"]]
    assert shown == ["msg_2", "msg_1", "msg_0"]
    answer = await ops.post("/ops/deliveries/replay", json={"filter": {}, "dry_run": False})
    assert (answer.status_code, answer.json()["code"]) == (400, "FilterEmpty")


@pytest.fixture
async def log(database: Database, vault: Encryptor) -> None:
    for host_id in ("host_a", "host_b"):
        await add_connected_host(database, vault, host_id)
    async with database.system() as session:
        for number in range(3):
            await audit_log.append_entry(session, "host_a", actor="user_17", action=f"deed_{number}")
        await audit_log.append_entry(session, "host_b", actor="operator_1", action="deed_0")


async def test_log_is_read_across_hosts_page_by_page(ops: httpx.AsyncClient, log: None) -> None:
    first = (await ops.get("/ops/audit", params={"limit": 3})).json()
    second = (await ops.get("/ops/audit", params={"cursor": first["next_cursor"]})).json()
    assert [(each["host_id"], each["action"]) for each in first["items"] + second["items"]] == [
        ("host_b", "deed_0"), ("host_a", "deed_2"), ("host_a", "deed_1"), ("host_a", "deed_0"),
    ]  # fmt: skip
    assert second["next_cursor"] is None


@pytest.mark.parametrize(
    ("filters", "count"),
    [({"host_id": "host_b"}, 1), ({"actor": "user_17"}, 3), ({"action": "deed_0"}, 2)],
    ids=str,
)
async def test_log_is_filtered(
    ops: httpx.AsyncClient, log: None, filters: dict[str, str], count: int
) -> None:
    assert len((await ops.get("/ops/audit", params=filters)).json()["items"]) == count
    assert (await ops.get("/ops/audit", params={"since": "2100-01-01T00:00:00Z"})).json()["items"] == []


@pytest.mark.parametrize("cursor", ["x", "WyJkZWVkcyIsIngiLCJ5IiwieiJd"], ids=["none", "of-nonsense"])
async def test_forged_cursor_is_refused(ops: httpx.AsyncClient, log: None, cursor: str) -> None:
    answer = await ops.get("/ops/audit", params={"cursor": cursor})
    assert (answer.status_code, answer.json()["code"]) == (400, "CursorInvalid")


async def test_whole_log_is_verified_and_a_changed_entry_is_found(
    ops: httpx.AsyncClient, log: None, owner: AsyncEngine
) -> None:
    whole = (await ops.post("/ops/audit/verify")).json()
    assert whole == {"hosts": 2, "is_whole": True, "broken": []}
    async with owner.begin() as connection:
        await connection.execute(text("SET LOCAL session_replication_role = replica"))
        await connection.execute(
            text("UPDATE audit_log SET actor = 'nobody' WHERE host_id = 'host_a' AND seq = 2")
        )
    broken = (await ops.post("/ops/audit/verify", json={})).json()
    assert broken == {
        "hosts": 2,
        "is_whole": False,
        "broken": [{"host_id": "host_a", "seq": 2, "why": "changed"}],
    }
    one = (await ops.post("/ops/audit/verify", json={"host_id": "host_b"})).json()
    assert (one["hosts"], one["is_whole"]) == (1, True)


async def test_event_that_was_lost_comes_back_with_its_registrations(
    ops: httpx.AsyncClient, database: Database, received: list[Any]
) -> None:
    async with database.system() as session:
        await session.execute(text("DELETE FROM registrations"))
        await session.execute(
            update(Event).values(title="Forgotten", version=None, snapshot_at=NOW - timedelta(days=999))
        )
    body = {"filter": {"host_id": "host_a"}, "dry_run": False}
    await ops.post("/ops/deliveries/replay", json=body)
    assert await recorded(database) == received


async def test_body_of_an_unknown_type_is_applied_once_the_type_is_known(
    ops: httpx.AsyncClient, database: Database, vault: Encryptor, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add_connected_host(database, vault)
    payload = webhook("registration.levitated", registration=registration_payload(id="reg_9"))
    assert (await post(ops, payload, "msg_9")).json() == {"outcome": "unknown_type"}
    body = {"filter": {"type": "registration.levitated"}, "dry_run": False}
    done = (await ops.post("/ops/deliveries/replay", json=body)).json()
    assert (done["matched"], done["queued"], done["unusable"]) == (1, 0, 1)
    monkeypatch.setitem(TYPES, "registration.levitated", SNAPSHOT)
    done = (await ops.post("/ops/deliveries/replay", json=body)).json()
    assert (done["matched"], done["queued"], done["unusable"]) == (1, 1, 0)
    assert [each[0] for each in await recorded(database)] == ["reg_9"]
    async with database.system() as session:
        kept = (await session.scalars(select(Delivery.payload))).one()
        assert await session.scalar(select(func.count()).select_from(UnknownBody)) == 0
    assert kept["data"]["registration"]["id"] == "reg_9"


async def test_sealed_body_of_quarantine_is_applied_and_shows_where_it_was_wrong(
    ops: httpx.AsyncClient, database: Database, vault: Encryptor, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add_connected_host(database, vault)
    payload = webhook(registration=registration_payload(id="reg_9", status="pending"))
    monkeypatch.setitem(TYPES, "registration.confirmed", (*SNAPSHOT, CANCELLED_AT))
    assert (await post(ops, payload, "msg_9")).status_code == 400
    query: dict[str, Any] = {"is_quarantined": True, "host_id": "host_a"}
    [listed] = (await ops.get("/ops/deliveries", params=query)).json()["items"]
    assert [fault["path"] for fault in listed["faults"]] == ["data.registration.cancelled_at"]
    monkeypatch.setitem(TYPES, "registration.confirmed", SNAPSHOT)
    done = (await ops.post("/ops/deliveries/replay", json={"filter": query, "dry_run": False})).json()
    assert (done["matched"], done["queued"], done["unusable"]) == (1, 1, 0)
    assert [each[0] for each in await recorded(database)] == ["reg_9"]
