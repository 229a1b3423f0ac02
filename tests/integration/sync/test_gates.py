"""What waits, waits whole and by itself: connections, limits, budgets, pauses; a bad row only itself."""

import asyncio
import inspect
from contextlib import AbstractAsyncContextManager
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.infrastructure.database import Database
from app.models import AuditEntry, Backfill, CampaignLink, Connection, Event, Host, OrgLease, SupersededGrant
from app.salesforce.errors import ApiError
from app.sync.jobs.claim import orgs_with_work
from app.sync.jobs.gates import require_reconnect
from tests.factories import NOW
from tests.integration.sync.conftest import EVENT, HOST, Rig
from tests.waiting import until


async def test_expired_session_is_renewed_within_the_call(rig: Rig) -> None:
    reg = await rig.registered(1)
    await rig.org.control.post("/expire-tokens")
    await rig.drain()
    assert await rig.states() == {reg: "synced"}


async def test_revoked_access_closes_the_gate_and_fails_no_row(rig: Rig) -> None:
    reg = await rig.registered(1)
    await rig.org.control.post("/revoke", json={})
    await rig.drain()
    async with rig.database.system() as session:
        connection = await session.get_one(Connection, HOST)
    job = await rig.job(reg)
    assert (connection.state, connection.reason_code) == ("needs_reconnect", "access_revoked")
    assert (job.state, job.attempts) == ("pending", 0)
    assert await orgs_with_work(rig.database, limit=10) == []


async def test_org_without_api_closes_the_gate(rig: Rig) -> None:
    reg = await rig.registered(1)
    await rig.org.configure(is_api_enabled=False)
    await rig.drain()
    async with rig.database.system() as session:
        connection = await session.get_one(Connection, HOST)
        actions = await session.scalars(select(AuditEntry.action).where(AuditEntry.host_id == HOST))
        assert list(actions) == ["salesforce.connection_ended"]
    assert (connection.state, connection.reason_code) == ("needs_reconnect", "api_disabled")
    assert await rig.states() == {reg: "pending"}


@pytest.mark.parametrize("code", ["API_CURRENTLY_DISABLED", "Wrong_Org"])
async def test_refused_call_says_nothing_of_refreshes_and_of_older_grants(rig: Rig, code: str) -> None:
    left = {"org_id": rig.org.org_id, "user_id": "005", "client_id": "otter", "login_url": "https://otter"}
    async with rig.database.tenant(HOST) as session:
        marked = {"refresh_started_at": NOW, "fault_code": "session_refused", "fault_count": 4}
        await session.execute(update(Connection).values(**marked, fault_until=NOW))
        session.add(
            SupersededGrant(host_id=HOST, grant_id="grant_1", token=b"sealed", granted_at=NOW, **left)
        )
    await require_reconnect(rig.database, HOST, ApiError(code, "no"))
    async with rig.database.tenant(HOST) as session:
        row = await session.get_one(Connection, HOST)
        grants = list(await session.scalars(select(SupersededGrant.grant_id)))
    assert (row.state, row.refresh_started_at, grants) == ("needs_reconnect", NOW, ["grant_1"])
    assert (row.fault_code, row.fault_count, row.fault_until) == (None, 0, None)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        pytest.param({"kind": "error", "status": 503}, "SERVER_UNAVAILABLE", id="outage"),
        pytest.param({"kind": "html"}, "unavailable", id="page of HTML"),
        pytest.param(
            {
                "kind": "error",
                "status": 403,
                "error_code": "REQUEST_LIMIT_EXCEEDED",
                "message": "TotalRequests Limit exceeded.",
            },
            "api_limit",
            id="daily limit",
        ),
        pytest.param({"kind": "hang", "seconds": 0.2}, "unavailable", id="no answer"),
    ],
)
async def test_org_in_trouble_is_left_alone_and_no_attempt_is_spent(
    rig: Rig, fault: dict[str, object], reason: str
) -> None:
    reg = await rig.registered(1)
    await rig.org.fault(str(fault["kind"]), **{k: v for k, v in fault.items() if k != "kind"})
    await rig.drain()
    async with rig.database.system() as session:
        lease = await session.get_one(OrgLease, rig.org.org_id)
    job = await rig.job(reg)
    assert (job.state, job.attempts, lease.not_before_reason) == ("pending", 0, reason)
    assert await orgs_with_work(rig.database, limit=10) == []
    await rig.pass_time(2000)
    assert [due.org_id for due in await orgs_with_work(rig.database, limit=10)] == [rig.org.org_id]
    await rig.drain()
    assert await rig.states() == {reg: "synced"}


async def test_used_up_budget_stops_before_anything_is_written(rig: Rig) -> None:
    reg = await rig.registered(1)
    await rig.org.configure(api_limit={"max": 1000, "used": 850})
    await rig.drain()
    assert (await rig.states(), await rig.records("Lead")) == ({reg: "pending"}, [])
    assert await orgs_with_work(rig.database, limit=10) == []
    await rig.org.configure(api_limit={"max": 1000, "used": 100})
    await rig.pass_time(1000)
    await rig.drain()
    assert await rig.states() == {reg: "synced"}


@pytest.mark.parametrize("paused", [Host, Event], ids=["host", "event"])
async def test_pause_holds_rows_back_until_it_ends(rig: Rig, paused: type[Host] | type[Event]) -> None:
    reg = await rig.registered(1)
    async with rig.database.system() as session:
        await session.execute(update(paused).values(paused_at=NOW))
    await rig.drain()
    assert await rig.states() == {reg: "pending"}
    assert await orgs_with_work(rig.database, limit=10) == []
    async with rig.database.system() as session:
        await session.execute(update(paused).values(paused_at=None))
    await rig.drain()
    assert await rig.states() == {reg: "synced"}


async def test_row_of_another_org_is_not_taken_over(rig: Rig) -> None:
    reg = await rig.registered(1)
    async with rig.database.system() as session:
        await session.execute(update(Connection).values(org_id="00D000000000999AAA"))
    await rig.drain()
    assert await rig.states() == {reg: "pending"}


async def test_locked_row_is_retried_by_itself(rig: Rig) -> None:
    regs = [await rig.registered(number) for number in (1, 2)]
    await rig.org.fault(
        "row_error", match={"sobject": "Task"}, error_code="UNABLE_TO_LOCK_ROW", message="unable to obtain"
    )
    await rig.drain()
    states = await rig.states()
    assert sorted(states.values()) == ["pending", "synced"]
    locked = next(reg for reg in regs if states[reg] == "pending")
    job = await rig.job(locked)
    assert (job.waiting_for, job.attempts, job.error_class) == ("retry", 1, "transient")
    await rig.pass_time(10)
    await rig.drain()
    assert set((await rig.states()).values()) == {"synced"}
    assert len(await rig.records("Lead")) == 2


async def test_missing_campaign_breaks_the_link_and_holds_the_member_alone(rig: Rig) -> None:
    await rig.link("701000000000001AAA")
    reg = await rig.registered(1)
    await rig.drain()
    job = await rig.job(reg)
    async with rig.database.system() as session:
        link = await session.get_one(CampaignLink, (HOST, EVENT))
    assert (job.state, job.waiting_for, link.state) == ("held", "campaign", "broken")
    assert [len(await rig.records(each)) for each in ("Lead", "Task", "CampaignMember")] == [1, 1, 0]
    await rig.link(await rig.org.campaign())
    await rig.requeue(reg, reason="link")
    await rig.drain()
    assert (await rig.states(), len(await rig.records("CampaignMember"))) == ({reg: "synced"}, 1)


async def test_member_added_meanwhile_is_recovered(rig: Rig) -> None:
    await rig.link(await rig.org.campaign())
    reg = await rig.registered(1)
    await rig.org.fault(
        "row_error",
        match={"sobject": "CampaignMember"},
        error_code="DUPLICATE_VALUE",
        message="Already a campaign member.",
    )
    await rig.drain()
    assert await rig.states() == {reg: "synced"}
    assert len(await rig.records("CampaignMember")) == 1


async def test_member_under_the_lead_is_adopted_when_the_person_is_a_contact(rig: Rig) -> None:
    campaign_id = await rig.org.campaign()
    await rig.link(campaign_id)
    email = "otter1@example.com"
    [lead_id] = await rig.org.seed("Lead", {"LastName": "Otter", "Company": "River", "Email": email})
    await rig.org.seed("CampaignMember", {"CampaignId": campaign_id, "LeadId": lead_id, "Status": "Sent"})
    await rig.org.seed("Contact", {"LastName": "Otter", "Email": email})
    reg = await rig.registered(1, checked_in_at=NOW + timedelta(hours=1))
    await rig.drain()
    [member] = await rig.records("CampaignMember")
    assert (await rig.states(), member["Status"]) == ({reg: "synced"}, "Responded")


async def test_value_that_breaks_a_whole_call_is_found_by_halving(rig: Rig) -> None:
    for number in range(8):
        await rig.registered(number)
    await rig.org.fault(
        "error",
        status=400,
        error_code="JSON_PARSER_ERROR",
        message="Unexpected character",
        match={"is_write": True, "body": "otter5@example.com"},
        count=50,
    )
    await rig.drain()
    states = await rig.states()
    assert [reg for reg, state in states.items() if state == "failed"] == ["reg_00005"]
    assert len(await rig.records("Lead")) == 7


async def test_link_mended_meanwhile_is_not_broken_by_an_older_look(rig: Rig) -> None:
    await rig.link("701000000000001AAA")
    await rig.registered(1)
    rig.org.transport.hold()
    task = asyncio.create_task(rig.drain())
    await until(lambda: rig.org.transport.is_held)
    async with rig.database.system() as session:
        await session.execute(update(CampaignLink).values(version=CampaignLink.version + 1))
    rig.org.transport.let_go()
    await task
    async with rig.database.system() as session:
        assert (await session.get_one(CampaignLink, (HOST, EVENT))).state == "linked"


async def test_only_rows_of_a_backfill_cost_a_transaction_for_its_calls(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[str] = []
    tenant = Database.tenant

    def counted(database: Database, host_id: str, **about: bool) -> AbstractAsyncContextManager[AsyncSession]:
        begun.append(str(inspect.stack()[1].function))
        return tenant(database, host_id, **about)

    monkeypatch.setattr(Database, "tenant", counted)
    await rig.registered(1)
    await rig.drain()
    live = list(begun)
    await rig.requeue(await rig.registered(2), reason="request")
    await rig.drain()
    assert (live.count("_add_backfill_calls"), begun.count("_add_backfill_calls")) == (0, 1)


async def test_calls_are_charged_to_the_backfill_that_queued_the_rows(rig: Rig) -> None:
    async with rig.database.system() as session:
        session.add(
            Backfill(
                host_id=HOST,
                backfill_id="bf_1",
                event_id=EVENT,
                org_id=rig.org.org_id,
                reason="request",
                total=3,
                requested_by="user_17",
            )
        )
    for number in range(3):
        await rig.requeue(await rig.registered(number), reason="request")
    await rig.drain()
    async with rig.database.system() as session:
        backfill = await session.get_one(Backfill, (HOST, "bf_1"))
    assert backfill.api_calls == (await rig.org.calls())["total"] == 2
