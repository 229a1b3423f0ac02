"""Lost answers about records that are no longer needed: looked up in time, and not for ever."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from sqlalchemy import delete, update

from app.models import CampaignLink, Host
from tests.factories import NOW
from tests.integration.sync.conftest import HOST, Rig

QUIET = 780

Change = Callable[[Rig, str], Awaitable[None]]


async def _undo(rig: Rig, reg: str) -> None:
    await rig.change(reg, check_in_reverted_at=NOW + timedelta(hours=2))


async def _unlink(rig: Rig, reg: str) -> None:
    async with rig.database.system() as session:
        await session.execute(delete(CampaignLink))


async def _break(rig: Rig, reg: str) -> None:
    async with rig.database.system() as session:
        await session.execute(update(CampaignLink).values(state="broken"))


async def _switch_off_tasks(rig: Rig, reg: str) -> None:
    async with rig.database.system() as session:
        await session.execute(
            update(Host).where(Host.host_id == HOST).values(settings={"writes": {"task": False}})
        )


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(_undo, id="check-in undone"),
        pytest.param(_unlink, id="unlinked"),
        pytest.param(_break, id="link broken"),
        pytest.param(_switch_off_tasks, id="Tasks switched off"),
    ],
)
async def test_lost_answer_about_what_is_not_wanted_any_more_is_not_asked_about_for_ever(
    rig: Rig, change: Change
) -> None:
    await rig.link(await rig.org.campaign())
    reg = await rig.registered(1)
    await rig.drain()
    await rig.change(reg, checked_in_at=NOW + timedelta(hours=1))
    await rig.org.fault("late_apply", seconds=36000, match={"is_write": True})
    await rig.drain()
    await change(rig, reg)
    await rig.pass_time(10)
    before = await rig.org.calls()
    assert not await rig.drain()
    assert (await rig.org.calls())["total"] - before["total"] <= 3
    for _ in range(6):
        await rig.pass_time(QUIET / 2)
        await rig.drain()
    assert set((await rig.states()).values()) <= {"synced", "held"}
    assert "ambiguous" not in {slot.state for slot in (await rig.slots(reg)).values()}


async def test_person_who_got_hidden_while_a_task_is_in_doubt_fails_without_being_asked_for_ever(
    rig: Rig,
) -> None:
    reg = await rig.registered(1)
    await rig.drain()
    [lead] = await rig.records("Lead")
    await rig.change(reg, checked_in_at=NOW + timedelta(hours=1))
    await rig.org.fault("late_apply", seconds=36000, match={"is_write": True})
    await rig.drain()
    await rig.org.configure(hidden_records=[lead["Id"]])
    await rig.pass_time(10)
    before = (await rig.org.calls())["total"]
    assert not await rig.drain()
    assert (await rig.org.calls())["total"] - before <= 3
    await rig.pass_time(QUIET)
    await rig.drain()
    assert ((await rig.job(reg)).state, (await rig.job(reg)).error_class) == ("failed", "access")
    await rig.org.configure(hidden_records=[])
    await rig.org.control.post("/settle")
    await rig.requeue(reg, reason="retry")
    await rig.drain()
    assert await rig.states() == {reg: "synced"}
    assert len(await rig.records("Task")) == 2


async def test_late_task_is_still_found_after_the_tasks_were_switched_off_and_on(rig: Rig) -> None:
    reg = await rig.registered(1)
    await rig.drain()
    await rig.change(reg, checked_in_at=NOW + timedelta(hours=1))
    await rig.org.fault("late_apply", seconds=36000, match={"is_write": True})
    await rig.drain()
    await _switch_off_tasks(rig, reg)
    await rig.org.control.post("/settle")
    await rig.pass_time(QUIET + 10)
    await rig.drain()
    async with rig.database.system() as session:
        await session.execute(update(Host).where(Host.host_id == HOST).values(settings={}))
    await rig.requeue(reg)
    await rig.drain()
    assert (await rig.states(), len(await rig.records("Task"))) == ({reg: "synced"}, 2)
