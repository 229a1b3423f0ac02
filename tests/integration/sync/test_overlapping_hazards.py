"""Batches of one turn overlap: none looks at what another one writes, and all of their answers are read."""

import asyncio
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from app.models import WrittenRecord
from app.sync.execution import packing
from app.sync.execution.stages import Stages
from tests.factories import NOW
from tests.integration.sync.concurrent_changes import InterruptingTransport, writes
from tests.integration.sync.conftest import Rig
from tests.integration.sync.test_calls_at_once import Watched, through
from tests.integration.sync.test_host_faults import crashing_on, with_neighbour
from tests.waiting import until

WRITES_LEADS, WRITES_TASKS, WRITES_MEMBERS = writes("Lead"), writes("Task"), writes("CampaignMember")
Mark = Callable[[httpx.Request], bool]


@dataclass
class Held:
    """Requests that `marks` accepts wait until somebody lets them go; one that `is_lost` is never sent."""

    marks: Mark
    goes_on: asyncio.Event = field(default_factory=asyncio.Event)
    count: int = 0
    is_lost: bool = False


@dataclass
class HoldingTransport(httpx.AsyncBaseTransport):
    """Forwards to `over`; keeps the bodies of what came by."""

    over: httpx.AsyncBaseTransport
    held: list[Held] = field(default_factory=list)
    seen: list[bytes] = field(default_factory=list)
    requests: list[httpx.Request] = field(default_factory=list)

    def hold(self, marks: Mark) -> Held:
        self.held.append(Held(marks))
        return self.held[-1]

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request.content)
        self.requests.append(request)
        for held in self.held:
            if held.marks(request):
                held.count += 1
                await held.goes_on.wait()
                if held.is_lost:
                    raise httpx.ConnectError("there is no way to it", request=request)
        return await self.over.handle_async_request(request)


def names(text: str, marks: Mark) -> Mark:
    return lambda request: text.encode() in request.content and marks(request)


def is_look_of(text: str) -> Mark:
    return names(text, lambda request: not WRITES_LEADS(request))


def attendee(address: str) -> dict[str, Any]:
    return {"email_key": address, "attendee": {"email": address, "name": "Otter"}}


async def is_running(rig: Rig, reg: str) -> bool:
    return (await rig.states())[reg] == "running"


async def test_nobody_is_looked_up_ahead_while_a_batch_is_written(rig: Rig) -> None:
    """The second batch ends at once, as its row changed; the third one is about the first one's person."""
    await rig.link(await rig.org.campaign())
    await rig.registered(1, **attendee("shared@example.com"))
    changed = await rig.registered(2, **attendee("changed@example.com"))
    await rig.registered(3, **attendee("shared@example.com"))
    transport = HoldingTransport(rig.org.transport)
    look, write = transport.hold(is_look_of("shared")), transport.hold(WRITES_LEADS)
    drain = asyncio.create_task(rig.drain(engine=through(rig, transport, batch_size_max=1)))
    await until(lambda: is_running(rig, changed))
    await rig.change(changed, checked_in_at=NOW)
    look.goes_on.set()
    await until(lambda: write.count > 0)
    await until(lambda: is_settled(rig, changed))
    await asyncio.sleep(0.1)
    assert look.count == 1
    write.goes_on.set()
    await drain
    assert set((await rig.states()).values()) == {"synced"}
    assert [len(await rig.records(each)) for each in ("Lead", "CampaignMember")] == [2, 2]


async def test_members_are_never_in_two_calls(rig: Rig) -> None:
    await rig.link(await rig.org.campaign())
    for number in range(25):
        await rig.registered(number)
    watched = Watched(rig.org.transport)
    await rig.drain(engine=through(rig, watched, batch_size_max=11))
    assert set((await rig.states()).values()) == {"synced"}
    assert max(each.count("members") for each in watched.most) == 1


async def test_answers_are_read_though_another_batch_was_interrupted(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "MAX_ROWS", 2)
    await rig.link(await rig.org.campaign())
    for number in range(20):
        await rig.registered(number)
    beyond = {
        "error_code": "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
        "message": "Apex CPU time limit exceeded",
    }
    await rig.org.fault("row_error", match={"sobject": "CampaignMember"}, **beyond)
    transport = HoldingTransport(rig.org.transport)
    members = transport.hold(WRITES_MEMBERS)
    tasks = transport.hold(lambda r: WRITES_TASKS(r) and not WRITES_MEMBERS(r))
    people = transport.hold(names("otter15@example.com", WRITES_LEADS))
    people.is_lost = True
    drain = asyncio.create_task(rig.drain(engine=through(rig, transport, batch_size_max=10)))
    await until(lambda: min(members.count, tasks.count, people.count) > 0)
    people.goes_on.set()
    await until(lambda: is_settled(rig, "reg_00015"))
    members.goes_on.set()
    tasks.goes_on.set()
    await drain
    assert await intended(rig) == 0
    for _ in range(4):
        await rig.pass_time(600)
        await rig.drain()
    assert set((await rig.states()).values()) == {"synced"}
    assert [len(await rig.records(each)) for each in ("Lead", "Task", "CampaignMember")] == [20] * 3


async def intended(rig: Rig) -> int:
    async with rig.database.system() as session:
        query = select(func.count()).select_from(WrittenRecord).where(WrittenRecord.state == "intended")
        return int(await session.scalar(query) or 0)


async def is_settled(rig: Rig, reg: str) -> bool:
    return not await is_running(rig, reg)


async def test_host_that_comes_meanwhile_has_its_turn(rig: Rig) -> None:
    for number in range(6):
        await rig.registered(number)
    transport = HoldingTransport(
        InterruptingTransport(rig.org.transport, WRITES_LEADS, partial(with_neighbour, rig))
    )
    await rig.drain(engine=through(rig, transport, batch_size_max=1))
    assert set((await rig.states()).values()) == {"synced"}
    created = [body for body in transport.seen if b'"LastName"' in body]
    assert next(n for n, body in enumerate(created) if b"otter90@" in body) < len(created) - 1


def test_long_turn_keeps_only_what_is_under_way() -> None:
    stages = Stages()
    first = stages.begin(frozenset({"otter@example.com"}), may_overlap=True)
    is_kept, before = weakref.ref(first), first
    for _ in range(3):
        batch = stages.begin(frozenset(), may_overlap=True)
        before.end()
        before = batch
    del first
    assert is_kept() is None


async def test_those_who_share_a_record_are_not_looked_up_again_and_again(rig: Rig) -> None:
    """Salesforce lets the first batch's write wait, and answers queries."""
    await rig.link(await rig.org.campaign())
    [lead] = await rig.org.seed(
        "Lead", {"LastName": "Otter", "Company": "Otters", "Email": "old@example.com"}
    )
    await rig.registered(0, **attendee("old@example.com"))
    for number in range(1, 4):
        await rig.registered(number, salesforce_id=lead)
    transport = HoldingTransport(rig.org.transport)
    write = transport.hold(WRITES_TASKS)
    drain = asyncio.create_task(rig.drain(engine=through(rig, transport, batch_size_max=1)))
    await until(lambda: write.count > 0)
    await asyncio.sleep(1)
    write.goes_on.set()
    await drain
    assert set((await rig.states()).values()) == {"synced"}
    looks = sum(not (WRITES_TASKS(each) or WRITES_MEMBERS(each)) for each in transport.requests)
    assert looks <= 4 + 1


async def test_fault_in_one_batch_leaves_the_other_one_right(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rig.link(await rig.org.campaign())
    regs = [await rig.registered(number) for number in range(30)]
    crashing_on(rig, monkeypatch, "otter15@example.com")
    transport = HoldingTransport(rig.org.transport)
    members = transport.hold(WRITES_MEMBERS)
    drain = asyncio.create_task(rig.drain(engine=through(rig, transport, batch_size_max=10)))
    await until(lambda: members.count > 0)
    await asyncio.sleep(0.1)
    members.goes_on.set()
    await drain
    assert {(await rig.job(reg)).state for reg in regs[:10]} == {"synced"}
    for _ in range(12):
        await rig.pass_time(3600)
        await rig.drain()
    states = await rig.states()
    assert states.pop("reg_00015") == "failed"
    assert set(states.values()) == {"synced"}
    assert [len(await rig.records(each)) for each in ("Lead", "Task", "CampaignMember")] == [29] * 3


async def test_batch_is_finished_though_the_share_is_used_up_for_the_next_one(rig: Rig) -> None:
    await rig.link(await rig.org.campaign())
    regs = [await rig.registered(number) for number in range(20)]
    await rig.org.configure(api_limit={"max": 10_000, "used": 8_000 - 2})
    transport = HoldingTransport(rig.org.transport)
    people, look = transport.hold(names("otter5@", WRITES_LEADS)), transport.hold(is_look_of("otter15"))
    look.goes_on.set()
    drain = asyncio.create_task(rig.drain(engine=through(rig, transport, batch_size_max=10)))
    await until(lambda: min(people.count, look.count) > 0)
    await until(lambda: is_settled(rig, regs[15]))
    people.goes_on.set()
    await drain
    assert {(await rig.job(reg)).state for reg in regs[:10]} == {"synced"}
    assert {(await rig.job(reg)).state for reg in regs[10:]} == {"pending"}


async def test_few_people_are_written_after_a_record_was_locked(rig: Rig) -> None:
    await rig.link(await rig.org.campaign())
    for number in range(21):
        await rig.registered(number)
    locked = {"error_code": "UNABLE_TO_LOCK_ROW", "message": "unable to obtain exclusive access"}
    await rig.org.fault("row_error", match={"sobject": "CampaignMember"}, **locked)
    async with asyncio.timeout(30):
        await rig.drain(engine=through(rig, rig.org.transport, batch_size_max=10))
        await rig.pass_time(3600)
        await rig.drain()
    assert set((await rig.states()).values()) == {"synced"}
