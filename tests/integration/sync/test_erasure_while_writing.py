"""Erasing an attendee at every moment of being written: nothing stays, nothing more is written."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from app.models import Base
from app.privacy.erasure import ErasureRequest, erase
from app.privacy.late_writes import redact_late_writes
from app.webhooks.ingest import ingest
from tests.deliveries import PEPPER, delivery, registration, webhook
from tests.integration.sync.conftest import HOST, Rig

EMAIL = "canary@otter.example"
WHO = {"id": "per_canary", "email": EMAIL, "last_name": "Canary", "company": "Canary Ltd"}


async def received(rig: Rig, webhook_id: str = "msg_1", registration_id: str = "reg_1") -> None:
    payload = webhook(registration=registration(id=registration_id, attendee=WHO))
    async with rig.database.system() as session:
        await ingest(session, [delivery(payload, webhook_id)], pepper=PEPPER)


async def erased(rig: Rig) -> list[str]:
    wish = ErasureRequest(HOST, datetime.now(UTC), None, EMAIL)
    async with rig.database.system() as session:
        return await erase(session, wish, pepper=PEPPER, by="user_17")


async def places(owner: AsyncEngine) -> list[str]:
    async with owner.connect() as connection:
        return [
            table.name
            for table in Base.metadata.sorted_tables
            if await connection.scalar(
                text(f"SELECT 1 FROM {table.name} AS t WHERE t::text ILIKE '%canary%' LIMIT 1")
            )
        ]


def at_first_write(rig: Rig, do: Callable[[], Awaitable[Any]]) -> None:
    """Let something happen while the first write is on the wire."""
    transport, done = rig.org.transport, list[bool]()
    passed_on = transport.handle_async_request

    async def handle(request: httpx.Request) -> httpx.Response:
        answer = await passed_on(request)
        if not done and request.method == "POST" and b"Canary" in request.content:
            done.append(True)
            await do()
        return answer

    transport.handle_async_request = handle  # type: ignore[method-assign]


async def drained(rig: Rig) -> None:
    for _ in range(4):
        await rig.drain()
        await rig.pass_time(1000)


async def outcome(rig: Rig) -> tuple[str, str | None]:
    job = await rig.job("reg_1")
    return job.state, job.skipped_because


async def test_erased_while_queued_is_never_written(rig: Rig, owner: AsyncEngine) -> None:
    await received(rig)
    await erased(rig)
    await drained(rig)
    assert (await outcome(rig), await rig.records("Lead")) == (("skipped", "erased"), [])
    assert await places(owner) == []


async def test_erased_while_it_is_sent_leaves_ids_only_and_writes_no_more(
    rig: Rig, owner: AsyncEngine
) -> None:
    await rig.link(await rig.org.campaign())
    await received(rig)
    at_first_write(rig, lambda: erased(rig))
    await drained(rig)
    await redact_late_writes(rig.database)
    assert await outcome(rig) == ("skipped", "erased")
    assert (await rig.slots("reg_1"))["person"].sf_id is not None
    assert await places(owner) == []


@pytest.mark.parametrize("kind", ["reset_after_write", "reset_before_write"])
async def test_erased_while_uncertain_is_settled_without_another_write(
    rig: Rig, owner: AsyncEngine, kind: str
) -> None:
    await received(rig)
    await rig.org.fault(kind, match={"is_write": True})
    await rig.drain()
    assert (await rig.job("reg_1")).state == "ambiguous"
    written = len(await rig.records("Lead"))
    await erased(rig)
    await drained(rig)
    await redact_late_writes(rig.database)
    assert (await outcome(rig), len(await rig.records("Lead"))) == (("skipped", "erased"), written)
    assert await places(owner) == []


async def test_erased_after_it_failed_leaves_no_error(rig: Rig, owner: AsyncEngine) -> None:
    rule = {
        "sobject": "Lead",
        "when": "LastName = 'Canary'",
        "message": "No Canary here",
        "field": "LastName",
    }
    await rig.org.configure(validation_rules=[rule])
    await received(rig)
    await rig.drain()
    assert (await rig.job("reg_1")).state == "failed"
    assert "sync_jobs" in await places(owner)
    await erased(rig)
    assert await places(owner) == []


async def test_late_webhook_writes_nobody(rig: Rig, owner: AsyncEngine) -> None:
    await received(rig)
    await drained(rig)
    await erased(rig)
    await received(rig, "msg_late")
    await received(rig, "msg_later", "reg_2")
    await drained(rig)
    assert await places(owner) == []
    assert len(await rig.records("Lead")) == 1
    assert list(await rig.states()) == ["reg_1"]


async def test_later_registration_is_written_as_a_new_person(rig: Rig) -> None:
    await received(rig)
    await drained(rig)
    await erased(rig)
    later = webhook(
        registration=registration(id="reg_2", attendee=WHO, registered_at="2036-01-01T00:00:00Z"),
        timestamp="2036-01-01T00:00:00Z",
    )
    async with rig.database.system() as session:
        await ingest(session, [delivery(later, "msg_2")], pepper=PEPPER)
    await drained(rig)
    assert (await rig.job("reg_2")).state == "synced"
