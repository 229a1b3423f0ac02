"""500 with an error of Salesforce: the call has ended, and parts of it may be applied."""

from typing import Any

import pytest
from sqlalchemy import text, update

from app.models import OrgLease
from tests.integration.sync.conftest import Rig

FAULT = {"status": 500, "error_code": "UNKNOWN_EXCEPTION", "message": "An unexpected error occurred."}
WRITES = {"is_write": True}
MOST_ROUNDS = 7
"""Parts of 12, 6, 3, 2 and 1 rows break off, whatever the order in which the database has the rows."""


async def counts(rig: Rig) -> list[int]:
    return [len(await rig.records(each)) for each in ("Lead", "Task", "CampaignMember")]


async def lease(rig: Rig) -> OrgLease:
    async with rig.database.system() as session:
        return await session.get_one(OrgLease, rig.org.org_id)


async def drain_by(rig: Rig, *seconds: float) -> None:
    for each in seconds:
        await rig.pass_time(each)
        await rig.drain()


async def break_off(rig: Rig, *, kept: int, **changes: Any) -> None:
    await rig.org.fault("error", match=WRITES, is_applied=True, kept=kept, **(FAULT | changes))


@pytest.mark.parametrize("kept", range(4))
async def test_parts_that_were_kept_of_a_new_person_are_found_and_not_repeated(rig: Rig, kept: int) -> None:
    await rig.link(await rig.org.campaign())
    reg = await rig.registered(1)
    await break_off(rig, kept=kept)
    await rig.drain()
    assert await rig.states() == {reg: "ambiguous"}
    assert sum(await counts(rig)) == kept
    await drain_by(rig, 5, 16, 16, 16)
    assert await rig.states() == {reg: "synced"}
    assert await counts(rig) == [1, 1, 1]


@pytest.mark.parametrize("kept", range(3))
async def test_collections_that_were_kept_are_found_and_not_repeated(rig: Rig, kept: int) -> None:
    await rig.link(await rig.org.campaign())
    regs = [await rig.registered(number) for number in range(30)]
    for number in range(30):
        email = f"otter{number}@example.com"
        await rig.org.seed("Lead", {"LastName": "Otter", "Company": "River", "Email": email})
    await break_off(rig, kept=kept)
    await rig.drain()
    assert set((await rig.states()).values()) == {"ambiguous"}
    assert {(await rig.job(reg)).batch_limit for reg in regs} == {15}
    await drain_by(rig, 5, 16, 16, 16)
    assert await rig.states() == dict.fromkeys(regs, "synced")
    assert await counts(rig) == [30, 30, 30]
    assert {(await rig.job(reg)).batch_limit for reg in regs} == {None}


async def test_without_looking_a_kept_task_is_doubled(rig: Rig) -> None:
    """The control: with the guard off the damage is there, so the guard is what prevents it."""
    reg = await rig.registered(1)
    await rig.org.seed("Lead", {"LastName": "Otter", "Company": "River", "Email": "otter1@example.com"})
    unguarded = rig.with_settings(guards_off=frozenset({"reconcile"}))
    await break_off(rig, kept=1)
    await rig.drain(engine=unguarded)
    await rig.pass_time(16)
    await rig.drain(engine=unguarded)
    assert (await rig.states(), await counts(rig)) == ({reg: "synced"}, [1, 2, 0])


async def test_it_is_looked_for_at_once_and_after_fifteen_seconds(rig: Rig) -> None:
    reg = await rig.registered(1)
    await break_off(rig, kept=0)
    await rig.drain()
    await drain_by(rig, 5)
    assert (await rig.states(), await counts(rig)) == ({reg: "ambiguous"}, [0, 0, 0])
    await drain_by(rig, 16)
    assert (await rig.states(), await counts(rig)) == ({reg: "synced"}, [1, 1, 0])


async def test_org_waits_under_the_name_of_the_fault_and_the_history_has_its_words(rig: Rig) -> None:
    await rig.registered(1)
    await break_off(rig, kept=0)
    await rig.drain()
    kept = await lease(rig)
    assert (kept.not_before_reason, kept.failures) == ("UNKNOWN_EXCEPTION", 1)
    async with rig.database.system() as session:
        [answers] = await session.scalars(text("SELECT responses FROM sync_attempts"))
    errors = {(each["is_lost"], error["error_code"]) for each in answers for error in each["errors"]}
    assert errors == {(True, "UNKNOWN_EXCEPTION")}


@pytest.mark.parametrize("body", ["<html>Gateway</html>", ""], ids=["page", "empty"])
async def test_word_of_a_gateway_waits_the_whole_quiet_time(rig: Rig, body: str) -> None:
    reg = await rig.registered(1)
    await rig.org.fault("html", match=WRITES, status=500, body=body)
    await rig.drain()
    await drain_by(rig, 5, 16, 60)
    assert await rig.states() == {reg: "ambiguous"}
    await drain_by(rig, 800)
    assert (await rig.states(), await counts(rig)) == ({reg: "synced"}, [1, 1, 0])


async def test_refusal_before_the_request_kept_nothing_and_nothing_is_doubted(rig: Rig) -> None:
    reg = await rig.registered(1)
    await rig.org.fault("error", match=WRITES, status=503)
    await rig.drain()
    assert await rig.states() == {reg: "pending"}
    await drain_by(rig, 2)
    assert (await rig.states(), await counts(rig)) == ({reg: "synced"}, [1, 1, 0])


@pytest.mark.parametrize("place", [0, 1, 6, 11])
@pytest.mark.parametrize("bad", [0, 7])
async def test_one_row_that_always_breaks_its_call_off_does_not_keep_the_others(
    rig: Rig, *, bad: int, place: int
) -> None:
    regs = [await rig.registered(number) for number in range(12)]
    match = WRITES | {"body": f"otter{bad}@"}
    await rig.org.control.post("/faults", json={"kind": "error", "match": match, **FAULT})
    for _ in range(MOST_ROUNDS):
        await rig.pass_time(200)
        await rig.set_due_order(regs[bad], place=place)
        await rig.drain()
    states = await rig.states()
    assert {reg for reg in regs if states[reg] != "synced"} == {regs[bad]}
    assert states[regs[bad]] in ("ambiguous", "pending")
    assert await counts(rig) == [11, 11, 0]


async def test_org_that_was_ill_for_an_hour_costs_nobody_a_retry_of_their_own(rig: Rig) -> None:
    reg = await rig.registered(1)
    await rig.org.control.post("/faults", json={"kind": "error", "match": WRITES, **FAULT})
    for _ in range(20):
        await drain_by(rig, 200)
    assert ((await rig.job(reg)).state, (await rig.job(reg)).attempts) == ("ambiguous", 0)
    await rig.org.control.delete("/faults")
    async with rig.database.system() as session:
        await session.execute(update(OrgLease).values(not_before=None))
    await drain_by(rig, 16, 16)
    assert (await rig.states(), await counts(rig)) == ({reg: "synced"}, [1, 1, 0])
