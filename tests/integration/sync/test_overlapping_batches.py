"""Batches that share nobody overlap: one creates its people while another has its Tasks and members out."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from app.sync.engine.drain import drain
from app.sync.engine.org_drain import DrainContext
from app.sync.planning.people import resolve_person
from tests.integration.sync.concurrent_changes import writes
from tests.integration.sync.conftest import Rig
from tests.integration.sync.test_calls_at_once import through

SIZE = 9
"""More than go into one composite with their people."""
PEOPLE, REST, LOOK = "people", "rest", "look"
CREATES_PEOPLE, WRITES_TASKS, WRITES_MEMBERS = writes("Lead"), writes("Task"), writes("CampaignMember")

OTHER_AT_WORK = text("""
    INSERT INTO org_leases (org_id, owner, fence, until)
    VALUES ('00DOTHER', 'another worker', 1, clock_timestamp() + interval '1 min')
""")


@dataclass
class Watched(httpx.AsyncBaseTransport):
    """Keeps what was out at the same time. The first call of the kind `holds` waits until those of `until`
    came so often, for `most` seconds at most.
    """

    over: httpx.AsyncBaseTransport
    holds: str = ""
    until: dict[str, int] = field(default_factory=dict)
    most: float = 20
    out: list[str] = field(default_factory=list)
    beside: list[list[str]] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    act: Callable[[str, int], Any] | None = None
    _came: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        is_rest = WRITES_TASKS(request) or WRITES_MEMBERS(request)
        kind = PEOPLE if CREATES_PEOPLE(request) else REST if is_rest else LOOK
        self.seen.append(kind)
        self.out.append(kind)
        self.beside.append(sorted(self.out))
        counts = Counter(self.seen)
        if all(counts[name] >= number for name, number in self.until.items()):
            self._came.set()
        try:
            if self.act is not None:
                await self.act(kind, counts[kind])
            if kind == self.holds and counts[kind] == 1:
                await asyncio.wait([asyncio.create_task(self._came.wait())], timeout=self.most)
            return await self.over.handle_async_request(request)
        finally:
            self.out.remove(kind)

    @property
    def has_come(self) -> bool:
        return self._came.is_set()


def in_batches(rig: Rig, transport: httpx.AsyncBaseTransport) -> DrainContext:
    return through(rig, transport, batch_size_max=SIZE)


async def register(rig: Rig, count: int) -> list[str]:
    await rig.link(await rig.org.campaign())
    return [await rig.registered(number) for number in range(count)]


async def counts(rig: Rig) -> list[int]:
    return [len(await rig.records(each)) for each in ("Lead", "Task", "CampaignMember")]


async def of_batch(rig: Rig, regs: list[str], number: int) -> set[str]:
    states = await rig.states()
    return {states[reg] for reg in regs[number * SIZE : (number + 1) * SIZE]}


async def test_people_are_created_and_looked_up_while_the_batch_before_is_written(rig: Rig) -> None:
    regs = await register(rig, 4 * SIZE)
    watched = Watched(rig.org.transport, REST, {PEOPLE: 2, LOOK: 3})
    await rig.drain(engine=in_batches(rig, watched))
    assert watched.has_come
    assert set((await rig.states()).values()) == {"synced"}
    assert await counts(rig) == [len(regs)] * 3
    assert Counter(watched.seen) == {LOOK: 4, PEOPLE: 4, REST: 4}


async def test_no_stage_has_two_calls_out(rig: Rig) -> None:
    await register(rig, 4 * SIZE)
    watched = Watched(rig.org.transport, REST, {PEOPLE: 2}, act=lambda *_: asyncio.sleep(0.02))
    await rig.drain(engine=in_batches(rig, watched))
    assert [PEOPLE, REST] in watched.beside
    assert all(each.count(PEOPLE) < 2 and each.count(REST) < 2 for each in watched.beside)


async def test_who_is_in_both_batches_is_looked_up_when_the_first_one_is_written(rig: Rig) -> None:
    await rig.link(await rig.org.campaign())
    same = {"email_key": "otter@example.com", "attendee": {"email": "otter@example.com", "name": "Otter"}}
    for number in range(2 * SIZE):
        await rig.registered(number, **(same if number in (0, SIZE) else {}))
    watched = Watched(rig.org.transport, REST, {LOOK: 2}, most=0.5)
    await rig.drain(engine=in_batches(rig, watched))
    assert not [each for each in watched.beside if len(each) > 1]
    assert await counts(rig) == [2 * SIZE - 1, 2 * SIZE, 2 * SIZE - 1]


async def test_two_names_of_one_record_are_not_written_beside_each_other(rig: Rig) -> None:
    """One attendee has the Lead's e-mail, another one a link with its id: only the looks tell."""
    await rig.link(await rig.org.campaign())
    [lead] = await rig.org.seed(
        "Lead", {"LastName": "Otter", "Company": "Otters", "Email": "old@example.com"}
    )
    named = {"email_key": "old@example.com", "attendee": {"email": "old@example.com", "name": "Otter"}}
    for number in range(2 * SIZE):
        given = named if number == 0 else {"salesforce_id": lead} if number == SIZE else {}
        await rig.registered(number, **given)
    watched = Watched(rig.org.transport, REST, {LOOK: 2})
    await rig.drain(engine=in_batches(rig, watched))
    assert set((await rig.states()).values()) == {"synced"}
    assert await counts(rig) == [2 * SIZE - 1, 2 * SIZE, 2 * SIZE - 1]
    # What was found beside the other batch is not used: the rows are looked up once more, and planned once.
    assert watched.seen.count(LOOK) == 3


async def test_what_interrupts_one_batch_halts_the_other_before_it_intends_more(rig: Rig) -> None:
    regs = await register(rig, 3 * SIZE)
    limit = {"error_code": "STORAGE_LIMIT_EXCEEDED", "message": "storage limit exceeded"}
    await rig.org.fault("row_error", match={"sobject": "CampaignMember"}, count=1, **limit)
    watched = Watched(rig.org.transport)
    # The second batch has its people out until the first one was refused.
    watched.act = held_people(watched)
    await rig.drain(engine=in_batches(rig, watched))
    assert watched.seen.count(REST) == 1
    assert await of_batch(rig, regs, 1) == {"pending"}
    assert {(await rig.job(reg)).attempts for reg in regs[SIZE:]} == {0}
    assert {slot.state for reg in regs for slot in (await rig.slots(reg)).values()} == {"written"}
    await rig.pass_time(3600)
    await rig.drain()
    assert set((await rig.states()).values()) == {"synced"}
    assert await counts(rig) == [len(regs)] * 3


def held_people(watched: Watched) -> Callable[[str, int], Any]:
    """The second call with people waits until no call with members is out any more."""

    async def act(kind: str, number: int) -> None:
        while kind == PEOPLE and number == 2 and (REST not in watched.seen or REST in watched.out):
            await asyncio.sleep(0.01)

    return act


async def test_a_locked_record_lets_no_batch_overlap_from_then_on(rig: Rig) -> None:
    await register(rig, 4 * SIZE)
    locked = {"error_code": "UNABLE_TO_LOCK_ROW", "message": "unable to obtain exclusive access"}
    await rig.org.fault("row_error", match={"sobject": "Lead"}, count=1, **locked)
    watched = Watched(rig.org.transport, act=lambda *_: asyncio.sleep(0.01))
    await rig.drain(engine=in_batches(rig, watched))
    assert all(PEOPLE not in each or REST not in each for each in watched.beside)


async def test_contacts_are_created_when_the_batch_before_is_written(rig: Rig) -> None:
    """The Contact of a company needs its Account, which another batch may just be making."""
    await rig.choose(people={"create": "contact"})
    await register(rig, 3 * SIZE)
    watched = Watched(rig.org.transport, act=lambda *_: asyncio.sleep(0.01))
    await rig.drain(engine=in_batches(rig, watched))
    assert set((await rig.states()).values()) == {"synced"}
    assert not [each for each in watched.beside if REST in each and len(each) > 1]


async def test_nothing_overlaps_while_another_org_is_drained(rig: Rig) -> None:
    await register(rig, 3 * SIZE)
    async with rig.database.system() as session:
        await session.execute(OTHER_AT_WORK)
    watched = Watched(rig.org.transport, act=lambda *_: asyncio.sleep(0.01))
    await rig.drain(engine=in_batches(rig, watched))
    assert set((await rig.states()).values()) == {"synced"}
    assert not [each for each in watched.beside if REST in each and len(each) > 1]


async def test_what_a_lost_answer_left_is_looked_for_when_nothing_else_is_written(rig: Rig) -> None:
    regs = await register(rig, 2 * SIZE)
    await rig.org.fault("reset_after_write", skip=2)
    await rig.drain(engine=in_batches(rig, Watched(rig.org.transport)))
    assert "ambiguous" in set((await rig.states()).values())
    await rig.pass_time(3600)
    watched = Watched(rig.org.transport, act=lambda *_: asyncio.sleep(0.01))
    await rig.drain(engine=in_batches(rig, watched))
    assert not [each for each in watched.beside if REST in each and len(each) > 1]
    assert await counts(rig) == [len(regs)] * 3


async def test_a_fault_of_one_batch_lets_the_other_one_end(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    regs = await register(rig, 2 * SIZE)

    def fails(item: Any, *args: Any, **more: Any) -> Any:
        if item.registration_id == regs[-1]:
            raise ZeroDivisionError
        return resolve_person(item, *args, **more)

    monkeypatch.setattr("app.sync.engine.dependent_composite.resolve_person", fails)
    watched = Watched(rig.org.transport, REST, {LOOK: 2})
    await rig.drain(engine=in_batches(rig, watched))
    assert watched.has_come
    assert await of_batch(rig, regs, 0) == {"synced"}
    assert "synced" not in await of_batch(rig, regs, 1)


async def test_a_worker_that_stops_begins_no_further_batch(rig: Rig) -> None:
    regs, stop = await register(rig, 4 * SIZE), asyncio.Event()

    async def act(kind: str, number: int) -> None:
        if kind == PEOPLE and number == 2:
            stop.set()

    await drain(in_batches(rig, Watched(rig.org.transport, act=act)), rig.org.org_id, stop=stop)
    states = await rig.states()
    assert [states[reg] for reg in regs[: 2 * SIZE]] == ["synced"] * 2 * SIZE
    assert {states[reg] for reg in regs[3 * SIZE :]} == {"pending"}
