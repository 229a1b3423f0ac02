"""Words and picklists belong to the org: it may have renamed them, or speak another language."""

from typing import Any

import pytest

from app.connections.preflight import run_preflight
from app.sync.describes import forget_describes
from tests.integration.sync.conftest import HOST, Rig

GERMAN = [
    {"value": "Nicht begonnen", "is_default": True},
    {"value": "Erledigt", "is_closed": True},
    {"value": "Abgesagt", "is_closed": True},
]


async def forget(rig: Rig) -> None:
    async with rig.database.tenant(HOST) as session:
        await forget_describes(session, host_id=HOST)


@pytest.mark.parametrize(
    ("statuses", "status", "is_closed"),
    [
        (GERMAN, "Erledigt", True),
        ([*GERMAN, {"value": "Completed", "is_closed": True}], "Completed", True),
        ([*GERMAN, {"value": "Completed"}], "Erledigt", True),
        ([{"value": "Offen"}, {"value": "Fertig", "is_closed": True, "is_default": True}], "Fertig", True),
        (
            [{"value": "A", "is_closed": True}, {"value": "B", "is_closed": True, "is_default": True}],
            "B",
            True,
        ),
        ([{"value": "Offen"}], "Completed", False),
    ],
)
@pytest.mark.parametrize("linked", [False, True], ids=["no campaign", "campaign"])
async def test_tasks_get_a_status_that_closes_them(
    rig: Rig, *, statuses: list[dict[str, Any]], status: str, is_closed: bool, linked: bool
) -> None:
    await rig.org.configure(task_statuses=statuses)
    await forget(rig)
    if linked:
        await rig.link(await rig.org.campaign())
    await rig.registered(1)
    await rig.drain()
    [task] = await rig.records("Task")
    assert (task["Status"], task["IsClosed"]) == (status, is_closed)


async def test_the_statuses_are_read_once_beside_the_people(rig: Rig) -> None:
    costs = []
    await rig.registered(0)
    await rig.drain()
    await forget(rig)
    for number in (1, 2):
        await rig.org.door.delete("/calls")
        await rig.registered(number)
        await rig.drain()
        costs.append((await rig.org.calls())["total"])
    assert costs[0] == costs[1]


async def test_the_host_may_choose_another_status(rig: Rig) -> None:
    await rig.org.configure(task_statuses=GERMAN)
    await rig.choose(task_status="Abgesagt")
    await rig.registered(1)
    await rig.drain()
    assert [task["Status"] for task in await rig.records("Task")] == ["Abgesagt"]


@pytest.mark.parametrize(
    ("statuses", "chosen", "is_found"),
    [([{"value": "Offen"}], None, True), (GERMAN, None, False), (GERMAN, "Nicht begonnen", True)],
)
async def test_a_preflight_finds_that_no_status_closes_tasks(
    rig: Rig, *, statuses: list[dict[str, Any]], chosen: str | None, is_found: bool
) -> None:
    await rig.org.configure(task_statuses=statuses)
    await rig.choose(task_status=chosen)
    findings = (await run_preflight(rig.resources, HOST)).findings
    assert ("no_closed_task_status" in [each.code for each in findings]) is is_found


async def test_what_the_preflight_read_of_statuses_is_not_asked_for_again(rig: Rig) -> None:
    await rig.org.configure(task_statuses=GERMAN)
    await run_preflight(rig.resources, HOST)
    await rig.registered(1)
    await rig.drain()
    assert [task["Status"] for task in await rig.records("Task")] == ["Erledigt"]
