"""Tasks are sent while members are out: never two calls with members, and each call ends as by itself."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import pytest

from app.connections.tokens.provider import ConnectionTokens
from app.salesforce.auth import SessionAuth
from app.salesforce.client import SalesforceClient
from app.sync.engine.org_drain import DrainContext
from app.sync.execution import packing
from tests.integration.sync.concurrent_changes import writes
from tests.integration.sync.conftest import Rig

SIZE = 10
"""More than go into one composite with their people, in five collections of two."""

WRITES_TASKS, WRITES_MEMBERS = writes("Task"), writes("CampaignMember")


@dataclass
class Watched(httpx.AsyncBaseTransport):
    """Keeps what is out at the same time; the answer to a request that `loses` accepts never arrives."""

    over: httpx.AsyncBaseTransport
    loses: Callable[[httpx.Request], bool] = lambda request: False
    out: list[str] = field(default_factory=list)
    most: list[list[str]] = field(default_factory=list)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        kind = "members" if WRITES_MEMBERS(request) else "tasks" if WRITES_TASKS(request) else "other"
        self.out.append(kind)
        self.most.append(sorted(self.out))
        try:
            await asyncio.sleep(0.01)
            answer = await self.over.handle_async_request(request)
            if self.loses(request):
                raise httpx.ReadError("the answer is lost", request=request)
            return answer
        finally:
            self.out.remove(kind)


@pytest.fixture
async def regs(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Attendees whose members fill a call, and whose Tasks fill another."""
    monkeypatch.setattr(packing, "MAX_ROWS", 2)
    await rig.link(await rig.org.campaign())
    return [await rig.registered(number) for number in range(SIZE)]


def through(rig: Rig, transport: httpx.AsyncBaseTransport, **settings: Any) -> DrainContext:
    async def opener(host_id: str, *, before_send: Callable[[], None], **read: Any) -> Any:
        return SalesforceClient(
            httpx.AsyncClient(transport=transport),
            SessionAuth(ConnectionTokens(rig.resources, host_id)),
            instance_url=rig.org.session["instance_url"],
            api_version="62.0",
            before_send=before_send,
        )

    return replace(rig.with_settings(**settings), open_client=opener)


async def count(rig: Rig) -> list[int]:
    return [len(await rig.records(each)) for each in ("Lead", "Task", "CampaignMember")]


async def slot_states(rig: Rig, regs: list[str], slot: str) -> set[str]:
    return {(await rig.slots(reg))[slot].state for reg in regs}


async def test_tasks_are_out_beside_members_and_nothing_else_is(rig: Rig, regs: list[str]) -> None:
    watched = Watched(rig.org.transport)
    await rig.drain(engine=through(rig, watched))
    assert set((await rig.states()).values()) == {"synced"}
    assert await count(rig) == [SIZE] * 3
    assert [each for each in watched.most if len(each) > 1] == [["members", "tasks"]]


@pytest.mark.parametrize(
    ("lost", "lost_slot", "kept_slot"),
    [(WRITES_TASKS, "task:registered", "member"), (WRITES_MEMBERS, "member", "task:registered")],
    ids=["Tasks", "members"],
)
async def test_one_lost_answer_leaves_the_other_call_certain(
    rig: Rig, regs: list[str], lost: Callable[[httpx.Request], bool], lost_slot: str, kept_slot: str
) -> None:
    await rig.drain(engine=through(rig, Watched(rig.org.transport, lost)))
    assert set((await rig.states()).values()) == {"ambiguous"}
    assert await slot_states(rig, regs, lost_slot) == {"ambiguous"}
    assert await slot_states(rig, regs, kept_slot) == {"written"}
    for _ in range(4):
        await rig.pass_time(300)
        await rig.drain()
    assert set((await rig.states()).values()) == {"synced"}
    assert await count(rig) == [SIZE] * 3


async def test_one_refused_call_leaves_the_other_one_written(rig: Rig, regs: list[str]) -> None:
    limit = {"error_code": "STORAGE_LIMIT_EXCEEDED", "message": "storage limit exceeded", "count": 1}
    await rig.org.fault("row_error", match={"sobject": "CampaignMember"}, **limit)
    await rig.drain()
    assert await slot_states(rig, regs, "task:registered") == {"written"}
    await rig.pass_time(3600)
    await rig.drain()
    assert await count(rig) == [SIZE] * 3


async def test_a_locked_record_ends_it_for_the_drain(rig: Rig, regs: list[str]) -> None:
    locked = {"error_code": "UNABLE_TO_LOCK_ROW", "message": "unable to obtain exclusive access"}
    await rig.org.fault("row_error", match={"sobject": "Lead"}, count=1, **locked)
    watched = Watched(rig.org.transport)
    await rig.drain(engine=through(rig, watched))
    assert max(map(len, watched.most)) == 1
