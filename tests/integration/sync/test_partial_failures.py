"""Calls that fail in part: some parts without an answer, some refused for a reason common to all rows."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest
from sqlalchemy import select, text

from app.campaigns.backfill import backfill_view, enqueue_backfill_chunk, finish_backfills, start_backfill
from app.connections.tokens.provider import ConnectionTokens
from app.models import Backfill, CreateLock, OrgLease
from app.salesforce.auth import SessionAuth
from app.salesforce.client import SalesforceClient
from app.sync.engine.org_drain import DrainContext
from app.sync.jobs import leases
from app.sync.jobs.enqueue import JobRequest, enqueue_jobs
from tests.integration.sync.conftest import EVENT, HOST, Rig
from tests.waiting import until

LIMIT = {"error_code": "STORAGE_LIMIT_EXCEEDED", "message": "storage limit exceeded", "count": 1}


class Garbling(httpx.AsyncBaseTransport):
    """Takes the answer of one kind of subrequest away, once, after it was carried out."""

    def __init__(self, over: httpx.AsyncBaseTransport, sobject: str) -> None:
        self._over = over
        self._sobject = sobject

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await self._over.handle_async_request(request)
        body = await answer.aread()
        sent = json.loads(request.content) if request.content else {}
        for subrequest in sent.get("compositeRequest", ()):
            if subrequest["method"] == "POST" and subrequest["url"].endswith(f"/sobjects/{self._sobject}"):
                body = self._garbled(body, subrequest["referenceId"])
        return httpx.Response(answer.status_code, content=body)

    def _garbled(self, body: bytes, reference_id: str) -> bytes:
        answer = json.loads(body)
        for entry in answer["compositeResponse"]:
            if entry["referenceId"] == reference_id:
                entry |= {"httpStatusCode": 502, "body": "<html>Bad Gateway</html>"}
        return json.dumps(answer).encode()


def garbled(rig: Rig, sobject: str) -> DrainContext:
    async def opener(host_id: str, *, before_send: Callable[[], None], **read: Any) -> Any:
        return SalesforceClient(
            httpx.AsyncClient(transport=Garbling(rig.org.transport, sobject)),
            SessionAuth(ConnectionTokens(rig.resources, host_id)),
            instance_url=rig.org.session["instance_url"],
            api_version="62.0",
            before_send=before_send,
        )

    return replace(rig.engine, open_client=opener)


@pytest.mark.parametrize("sobject", ["Lead", "Task", "CampaignMember"])
async def test_part_of_a_composite_without_an_answer_is_looked_up_and_not_repeated(
    rig: Rig, sobject: str
) -> None:
    await rig.link(await rig.org.campaign())
    reg = await rig.registered(1)
    await rig.drain(engine=garbled(rig, sobject))
    assert await rig.states() == {reg: "ambiguous"}
    for _ in range(4):
        await rig.pass_time(300)
        await rig.drain()
    assert await rig.states() == {reg: "synced"}
    written = [len(await rig.records(each)) for each in ("Lead", "Task", "CampaignMember")]
    assert written == [1, 1, 1]


@pytest.mark.parametrize("size", [1, 30], ids=["lone", "batch"])
async def test_limit_that_meets_a_row_lets_the_org_wait_and_spends_no_attempt(rig: Rig, size: int) -> None:
    regs = [await rig.registered(number) for number in range(size)]
    await rig.org.fault("row_error", match={"sobject": "Lead"}, **LIMIT)
    await rig.drain()
    async with rig.database.system() as session:
        lease = await session.get_one(OrgLease, rig.org.org_id)
    jobs = [await rig.job(reg) for reg in regs]
    assert {(job.state, job.attempts, job.error_code) for job in jobs} == {("pending", 0, None)}
    assert lease.not_before_reason == "api_limit"
    await rig.pass_time(2000)
    await rig.drain()
    assert set((await rig.states()).values()) == {"synced"}
    assert len(await rig.records("Lead")) == size


async def test_token_that_cannot_be_renewed_in_the_middle_leaves_no_fence_and_no_intent(rig: Rig) -> None:
    reg = await rig.registered(1)
    expired = {"status": 401, "error_code": "INVALID_SESSION_ID", "message": "Session expired or invalid"}
    await rig.org.fault("error", match={"is_write": True, "path": "/composite"}, **expired)
    await rig.org.fault("error", match={"path": "/oauth2/token"}, status=503)
    await rig.drain()
    assert ((await rig.job(reg)).state, await rig.slots(reg)) == ("pending", {})
    async with rig.database.system() as session:
        assert (await session.scalars(select(CreateLock))).all() == []
    await rig.pass_time(300)
    await rig.drain()
    assert (await rig.states(), len(await rig.records("Lead"))) == ({reg: "synced"}, 1)


async def test_call_that_timed_out_is_tried_with_half_as_many_rows(rig: Rig) -> None:
    for number in range(3):
        await rig.registered(number)
    await rig.org.fault("reset_before_write", match={"is_write": True})
    await rig.drain()
    async with rig.database.system() as session:
        assert (await session.get_one(OrgLease, rig.org.org_id)).batch_size == 100


async def test_backfill_that_is_being_queued_never_deadlocks_with_a_batch_that_ends(rig: Rig) -> None:
    reg = await rig.registered(1)
    async with rig.database.system() as session:
        session.add(
            Backfill(
                host_id=HOST,
                backfill_id="bf_1",
                event_id=EVENT,
                org_id=rig.org.org_id,
                reason="link",
                total=1,
                requested_by="user_17",
            )
        )
    await rig.requeue(reg, reason="link")
    async with rig.database.system() as session:
        await session.execute(select(Backfill).with_for_update())
        draining = asyncio.create_task(rig.drain())
        while not await session.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")):
            assert not draining.done()
            await asyncio.sleep(0.02)
        await enqueue_jobs(session, [JobRequest(HOST, reg, EVENT, rig.org.org_id, reason="link")])
    await draining
    await rig.drain()
    assert await rig.states() == {reg: "synced"}


async def test_backfill_counts_the_rows_that_failed_in_it(rig: Rig) -> None:
    await rig.registered(1, attendee={"email": "no address"}, email_key="no address")
    async with rig.database.system() as session:
        await session.execute(text("DELETE FROM sync_jobs"))
        await start_backfill(
            session, HOST, EVENT, org_id=rig.org.org_id, reason="request", requested_by="user_17"
        )
    await enqueue_backfill_chunk(rig.database)
    await rig.drain()
    assert await finish_backfills(rig.database) == 1
    async with rig.database.system() as session:
        shown = await backfill_view(session, HOST, EVENT)
    assert shown is not None
    assert (shown.done, shown.failed, shown.to_go) == (0, 1, 0)


async def test_retry_that_still_waits_is_not_forgotten_over_a_newer_fact(rig: Rig) -> None:
    """The Lead is hidden: only a Retry may match by e-mail again, whatever else is delivered meanwhile."""
    reg = await rig.registered(1)
    await rig.drain()
    [lead] = await rig.records("Lead")
    await rig.org.configure(hidden_records=[lead["Id"]])
    await rig.requeue(reg)
    await rig.drain()
    assert await rig.states() == {reg: "failed"}
    [contact] = await rig.org.seed("Contact", {"LastName": "Otter", "Email": "otter1@example.com"})
    await rig.requeue(reg, reason="retry")
    await rig.requeue(reg, reason="live")
    await rig.drain()
    assert (await rig.states(), (await rig.slots(reg))["person"].sf_id) == ({reg: "synced"}, contact)


async def test_ticket_transferred_within_one_email_leaves_its_member_as_it_is(rig: Rig) -> None:
    """Five tickets on the buyer's e-mail: another attendee of the same Salesforce person."""
    campaign = await rig.org.campaign(labels=("Cancelled",))
    await rig.link(campaign, cancelled="Cancelled")
    otter = {"id": "att_1", "email": "otter1@example.com", "name": "Otter One"}
    reg = await rig.registered(1, attendee=otter)
    await rig.drain()
    await rig.change(reg, attendee=otter | {"id": "att_2", "name": "Otter Two"})
    await rig.drain()
    [member] = await rig.records("CampaignMember")
    assert (member["Status"], len(await rig.records("Lead"))) == ("Sent", 1)


async def test_drain_that_breaks_off_leaves_the_rows_of_a_new_owner_alone(rig: Rig) -> None:
    reg = await rig.registered(1)
    rig.org.transport.hold(after=1)  # it looks, and writes
    frozen = asyncio.create_task(rig.drain())
    await until(lambda: rig.org.transport.is_held)
    await rig.pass_time(30)
    heir = await leases.acquire(rig.database, rig.org.org_id, owner="heir", life=20, send_window=5)
    assert heir is not None
    async with rig.database.system() as session:
        await session.execute(text("UPDATE sync_jobs SET state = 'running', fence = :f"), {"f": heir.fence})
    frozen.cancel()
    with pytest.raises(asyncio.CancelledError):
        await frozen
    assert await rig.states() == {reg: "running"}
