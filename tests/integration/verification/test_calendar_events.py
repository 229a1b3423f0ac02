"""Calendar Events that were moved, changed or deleted by hand are found, and put right once."""

from datetime import timedelta

import pytest

from tests.integration.sync.calendar_rig import END, START, change_event, meeting, the_event
from tests.integration.verification.conftest import Verifier

OTHER_END = "2026-11-24T12:00:00.000+0000"


async def with_event(verifier: Verifier, *, package: bool = False) -> str:
    await meeting(verifier.rig, package=package)
    [reg] = await verifier.written()
    return reg


@pytest.mark.parametrize("package", [False, True])
async def test_a_calendar_event_that_is_as_we_wrote_it_is_in_order(
    verifier: Verifier, *, package: bool
) -> None:
    await with_event(verifier, package=package)
    assert (await verifier.verify()).items == []


async def test_one_without_an_end_and_one_that_we_moved_are_in_order(verifier: Verifier) -> None:
    reg = await with_event(verifier)
    await change_event(verifier.rig, starts_at=START + timedelta(days=1), ends_at=None)
    await verifier.rig.requeue(reg)
    await verifier.rig.drain()
    assert (await the_event(verifier.rig))["StartDateTime"].startswith("2026-11-25T09:00")
    assert (await verifier.verify()).items == []


async def test_times_that_a_person_changed_differ_and_become_ours_again(verifier: Verifier) -> None:
    reg = await with_event(verifier)
    await verifier.rig.edit("Event", await verifier.record(reg, "calendar_event"), EndDateTime=OTHER_END)
    [found] = (await verifier.verify()).items
    assert found.kind == "times_differ"
    assert (found.ours, found.theirs) == (
        "2026-11-24T09:00:00Z – 2026-11-24T10:00:00Z",
        "2026-11-24T09:00:00Z – 2026-11-24T12:00:00Z",
    )
    await verifier.repair()
    await verifier.rig.drain()
    assert (await the_event(verifier.rig))["EndDateTime"].startswith(f"{END:%Y-%m-%dT%H:%M}")
    assert (await verifier.verify()).items == []


async def test_a_status_that_a_person_changed_differs_and_becomes_ours_again(verifier: Verifier) -> None:
    reg = await with_event(verifier, package=True)
    event = await verifier.record(reg, "calendar_event")
    await verifier.rig.edit("Event", event, evs__Event_Status__c="Completed")
    [found] = (await verifier.verify()).items
    assert (found.kind, found.ours, found.theirs) == ("status_differs", "Scheduled", "Completed")
    await verifier.repair()
    await verifier.rig.drain()
    assert (await the_event(verifier.rig))["evs__Event_Status__c"] == "Scheduled"
    assert (await verifier.verify()).items == []


async def test_a_deleted_one_is_missing_and_comes_back_once(verifier: Verifier) -> None:
    reg = await with_event(verifier)
    gone = await verifier.record(reg, "calendar_event")
    await verifier.rig.delete("Event", gone)
    await verifier.verify()
    assert await verifier.kinds() == [(reg, "missing_activity")]
    await verifier.repair()
    await verifier.rig.drain()
    assert (await the_event(verifier.rig))["Id"] == await verifier.record(reg, "calendar_event") != gone
    assert (await verifier.verify()).items == []
