"""Errors that are not Salesforce's, or that may pass, end no connection."""

from typing import Any

import pytest
from sqlalchemy import update

from app.models import Connection, OrgLease
from tests.integration.sync.conftest import HOST, Rig

PAGE = "<html><body>Access denied</body></html>"
EXPIRED = {"status": 401, "error_code": "INVALID_SESSION_ID", "message": "Session expired or invalid"}


async def connection(rig: Rig) -> Connection:
    async with rig.database.system() as session:
        return await session.get_one(Connection, HOST)


async def refused_by(rig: Rig) -> str | None:
    async with rig.database.system() as session:
        return (await session.get_one(OrgLease, rig.org.org_id)).not_before_reason


async def for_ever(rig: Rig, kind: str, **details: Any) -> None:
    answer = await rig.org.control.post("/faults", json={"kind": kind, **details})
    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("body", [PAGE, ""], ids=["page", "empty"])
async def test_page_instead_of_an_answer_is_an_outage_and_no_end(rig: Rig, status: int, body: str) -> None:
    reg = await rig.registered(1)
    await for_ever(rig, "html", status=status, body=body, match={"path": "/services/data/v"})
    for _ in range(8):
        await rig.drain()
        await rig.pass_time(200)
    assert ((await connection(rig)).state, (await rig.job(reg)).attempts) == ("connected", 0)
    assert await refused_by(rig) == f"HTTP_{status}"
    await rig.org.control.delete("/faults")
    await rig.drain()
    assert await rig.states() == {reg: "synced"}


@pytest.mark.parametrize("status", [401, 403])
async def test_one_page_is_asked_past_with_a_newer_token(rig: Rig, status: int) -> None:
    reg = await rig.registered(1)
    version = (await connection(rig)).token_version
    await rig.org.fault("html", status=status, body=PAGE, match={"path": "/services/data/v"})
    await rig.drain()
    assert await rig.states() == {reg: "synced"}
    assert (await connection(rig)).token_version == version + 1


async def test_new_session_that_is_refused_once_is_tried_again(rig: Rig) -> None:
    reg = await rig.registered(1)
    for _ in range(2):
        await rig.org.fault("error", match={"path": "/services/data/v"}, **EXPIRED)
    await rig.drain()
    found = await connection(rig)
    assert (found.state, found.fault_code, found.fault_count) == ("connected", "session_refused", 1)
    await rig.pass_time(10)
    await rig.drain()
    found = await connection(rig)
    assert await rig.states() == {reg: "synced"}
    assert (found.fault_code, found.fault_count, found.fault_until) == (None, 0, None)


async def test_sessions_that_are_never_taken_end_the_connection_at_last(rig: Rig) -> None:
    reg = await rig.registered(1)
    await for_ever(rig, "error", match={"path": "/services/data/v"}, **EXPIRED)
    states = []
    for _ in range(5):
        await rig.drain()
        states.append((await connection(rig)).state)
        await rig.pass_time(1000)
    found = await connection(rig)
    assert states == ["connected"] * 4 + ["needs_reconnect"]
    assert (found.reason_code, found.fault_code) == ("session_not_for_api", None)
    assert ((await rig.job(reg)).state, (await rig.job(reg)).attempts) == ("pending", 0)


async def test_refused_session_of_one_host_leaves_the_org_to_the_others(rig: Rig) -> None:
    await rig.registered(1)
    for _ in range(2):
        await rig.org.fault("error", match={"path": "/services/data/v"}, **EXPIRED)
    await rig.drain()
    async with rig.database.system() as session:
        lease = await session.get_one(OrgLease, rig.org.org_id)
    assert (lease.failures, lease.not_before) == (0, None)


@pytest.mark.parametrize("status", [401, 403, 500, 503])
async def test_unknown_refusal_code_backs_the_org_off_under_its_own_name(rig: Rig, status: int) -> None:
    regs = [await rig.registered(number) for number in range(8)]
    await for_ever(
        rig, "error", match={"is_write": True}, status=status, error_code="BRAND_NEW_REFUSAL", message="No."
    )
    before = int((await rig.org.calls())["total"])
    await rig.drain()
    assert int((await rig.org.calls())["total"]) - before <= 3
    assert await refused_by(rig) == "BRAND_NEW_REFUSAL"
    assert {(await rig.job(reg)).attempts for reg in regs} == {0}
    assert (await connection(rig)).state == "connected"
    await rig.org.control.delete("/faults")
    for _ in range(3):
        await rig.pass_time(20)
        await rig.drain()
    assert set((await rig.states()).values()) == {"synced"}
    assert [len(await rig.records(each)) for each in ("Lead", "Task")] == [8, 8]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("ORG_LOCKED", "org_inactive"),
        ("TRIAL_EXPIRED", "org_inactive"),
        ("PASSWORD_LOCKOUT", "user_inactive"),
    ],
)
async def test_what_salesforce_says_of_the_org_or_user_ends_the_connection(
    rig: Rig, code: str, reason: str
) -> None:
    reg = await rig.registered(1)
    await for_ever(rig, "error", status=403, error_code=code, message="No.")
    await rig.drain()
    found = await connection(rig)
    assert (found.state, found.reason_code) == ("needs_reconnect", reason)
    assert await rig.states() == {reg: "pending"}


async def test_maintenance_waits(rig: Rig) -> None:
    reg = await rig.registered(1)
    await rig.org.fault("error", status=503, error_code="ORG_IN_MAINTENANCE", match={"is_write": True})
    await rig.drain()
    assert (await rig.states(), await refused_by(rig)) == ({reg: "pending"}, "ORG_IN_MAINTENANCE")
    async with rig.database.system() as session:
        await session.execute(update(OrgLease).values(not_before=None))
    await rig.drain()
    assert await rig.states() == {reg: "synced"}


async def test_moved_org_whose_new_place_is_not_known_rests_its_host_and_says_so(rig: Rig) -> None:
    reg = await rig.registered(1)
    gone = {"status": 400, "error_code": "ORG_NOT_OWNED_BY_INSTANCE", "match": {"path": "/services/data/v"}}
    await for_ever(rig, "error", **gone)
    await rig.drain()
    found = await connection(rig)
    assert (found.state, found.fault_code) == ("connected", "instance_moved")
    await rig.org.control.delete("/faults")
    await rig.pass_time(10)
    await rig.drain()
    assert await rig.states() == {reg: "synced"}
    assert (await connection(rig)).fault_code is None
