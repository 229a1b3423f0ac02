"""What is written in one composite with its new person is not planned a second time."""

from collections.abc import Sequence
from typing import Any

import pytest

from app.sync.model.work_item import WorkItem
from app.sync.planning.plan_writes import plan_writes
from tests.integration.sync.conftest import Rig


async def test_retry_of_a_new_person_adds_the_member_once(rig: Rig) -> None:
    """A Retry re-adds removed members: it once took the member of a moment ago for removed."""
    await rig.link(await rig.org.campaign())
    reg = await rig.registered(1)
    await rig.requeue(reg, reason="retry")
    await rig.drain()
    assert (await rig.job(reg)).state == "synced"
    assert (await rig.org.calls())["total"] == 2


async def test_new_people_are_planned_once(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    planned: list[int] = []

    def counted(items: Sequence[WorkItem], *args: Any, **more: Any) -> Any:
        planned.append(len(items))
        return plan_writes(items, *args, **more)

    monkeypatch.setattr("app.sync.engine.pipeline.plan_writes", counted)
    await rig.link(await rig.org.campaign())
    regs = [await rig.registered(number) for number in range(3)]
    await rig.drain()
    assert {(await rig.job(reg)).state for reg in regs} == {"synced"}
    assert planned == [0]
