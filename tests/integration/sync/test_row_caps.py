"""Calls that are too large for an org are split, and the size is stored."""

from typing import Any

import pytest

from app.models import OrgLease
from app.preflight.service import run_preflight
from tests.integration.sync.conftest import HOST, Rig

TRIGGER = {"sobject": "Task", "kind": "apex", "max_rows": 5}


async def caps(rig: Rig) -> Any:
    async with rig.database.system() as session:
        return (await session.get_one(OrgLease, rig.org.org_id)).caps


async def calls(rig: Rig) -> int:
    return int((await rig.org.calls())["total"])


async def attempts(rig: Rig, regs: list[str]) -> set[tuple[str, int]]:
    return {(job.state, job.attempts) for job in [await rig.job(reg) for reg in regs]}


@pytest.mark.parametrize(
    "code", ["QUERY_TIMEOUT", "OPERATION_TOO_LARGE", "REQUEST_RUNNING_TOO_LONG", "QUERY_TOO_COMPLICATED"]
)
async def test_look_up_that_asks_for_too_much_is_halved_until_it_passes(rig: Rig, code: str) -> None:
    regs = [await rig.registered(number) for number in range(40)]
    await rig.org.configure(max_query_values=12, query_limit_code=code)
    await rig.drain()
    assert await attempts(rig, regs) == {("synced", 1)}
    assert await caps(rig) == {"look_up": {"rows": 10, "clean": 2}}
    before = await calls(rig)
    more = [await rig.registered(number) for number in range(40, 50)]
    await rig.drain()
    assert await attempts(rig, more) == {("synced", 1)}
    assert await calls(rig) - before <= 3


async def test_size_grows_again_after_ten_that_passed(rig: Rig) -> None:
    for number in range(8):
        await rig.registered(number)
    await rig.org.configure(max_query_values=3)
    await rig.drain()
    assert (await caps(rig))["look_up"]["rows"] == 2
    await rig.org.configure(max_query_values=None)
    for number in range(10, 34):
        await rig.registered(number)
    await rig.drain()
    assert (await caps(rig)).get("look_up", {"rows": 1000})["rows"] > 2
    assert set((await rig.states()).values()) == {"synced"}


async def test_one_row_whose_look_up_never_passes_retries_and_then_fails_with_advice(rig: Rig) -> None:
    reg = await rig.registered(1)
    await rig.org.configure(max_query_values=0)
    await rig.drain()
    job = await rig.job(reg)
    assert (job.state, job.waiting_for, job.attempts, job.error_code) == (
        "pending",
        "retry",
        1,
        "QUERY_TIMEOUT",
    )
    for _ in range(8):
        await rig.pass_time(9000)
        await rig.drain()
    job = await rig.job(reg)
    assert job.error is not None
    assert (job.state, job.error_code, bool(job.error["advice_code"])) == ("failed", "QUERY_TIMEOUT", True)


@pytest.mark.parametrize("kind", ["apex", "flow"])
async def test_rows_that_share_a_limit_are_sent_in_smaller_calls_and_burn_nothing(
    rig: Rig, kind: str
) -> None:
    regs = [await rig.registered(number) for number in range(40)]
    await rig.org.configure(automations=[TRIGGER | {"kind": kind}])
    await rig.drain()
    assert await attempts(rig, regs) == {("synced", 1)}
    assert [len(await rig.records(each)) for each in ("Lead", "Task")] == [40, 40]
    assert (await caps(rig))["Task"]["rows"] == 5
    before = await calls(rig)
    more = [await rig.registered(number) for number in range(40, 50)]
    await rig.drain()
    assert await attempts(rig, more) == {("synced", 1)}
    assert await calls(rig) - before <= 3


async def test_people_who_share_a_limit_are_made_in_smaller_calls(rig: Rig) -> None:
    regs = [await rig.registered(number) for number in range(30)]
    await rig.org.configure(automations=[TRIGGER | {"sobject": "Lead", "max_rows": 1}])
    await rig.drain()
    assert await attempts(rig, regs) == {("synced", 1)}
    assert (await caps(rig))["Lead"]["rows"] <= 2
    assert len(await rig.records("Lead")) == 30


async def test_row_that_uses_a_limit_up_alone_retries_alone(rig: Rig) -> None:
    regs = [await rig.registered(number) for number in range(8)]
    message = "LeadTrigger: System.LimitException: Too many SOQL queries: 101"
    fault = {"kind": "row_error", "match": {"sobject": "Lead", "body": "otter5@"}, "message": message}
    await rig.org.control.post("/faults", json=fault | {"error_code": "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"})
    await rig.drain()
    states = await rig.states()
    assert {reg for reg in regs if states[reg] != "synced"} == {regs[5]}
    assert ((await rig.job(regs[5])).waiting_for, (await rig.job(regs[5])).attempts) == ("retry", 1)


async def test_a_preflight_says_how_many_rows_the_org_takes(rig: Rig) -> None:
    for number in range(40):
        await rig.registered(number)
    await rig.org.configure(automations=[TRIGGER])
    await rig.drain()
    rows = (await caps(rig))["Task"]["rows"]
    seen = {each.code: each for each in (await run_preflight(rig.resources, HOST)).findings}
    assert (seen["rows_capped"].severity, seen["rows_capped"].object) == ("note", "Task")
    assert seen["rows_capped"].title == f"Task is written {rows} at a time"
    assert "lookups_capped" not in seen
