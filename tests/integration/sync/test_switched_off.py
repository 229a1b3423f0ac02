"""Events that are switched off, and kinds of write that an event has chosen for itself."""

from typing import Any

import pytest
from sqlalchemy import update

from app.models import Event, Host
from app.sync.engine.complete_batch import complete_batch
from tests.factories import NOW
from tests.factories_events import event_for
from tests.integration.sync.conftest import EVENT, HOST, Rig

OTHER = "evt_beavers"


async def switch(rig: Rig, event_id: str = EVENT, **values: Any) -> None:
    async with rig.database.system() as session:
        await session.execute(update(Event).where(Event.event_id == event_id).values(values))


async def add_other_event(rig: Rig, **values: Any) -> None:
    async with rig.database.system() as session:
        session.add(event_for(event_id=OTHER, **values))


async def outcome(rig: Rig, registration_id: str) -> tuple[str, str | None]:
    job = await rig.job(registration_id)
    return job.state, job.skipped_because


async def calls(rig: Rig) -> int:
    return int((await rig.org.control.get("/calls")).json()["total"])


async def test_registration_of_an_event_that_is_off_is_skipped_without_a_call(rig: Rig) -> None:
    await switch(rig, is_enabled=False)
    reg = await rig.registered(1)
    before = await calls(rig)
    await rig.drain()
    assert await outcome(rig, reg) == ("skipped", "switched_off")
    assert await calls(rig) == before
    assert await rig.records("Lead") == []


async def test_of_two_events_only_the_one_that_is_on_is_written(rig: Rig) -> None:
    await add_other_event(rig)
    await switch(rig, is_enabled=False)
    off = await rig.registered(1)
    on = await rig.registered(2, event_id=OTHER)
    await rig.drain()
    assert await outcome(rig, off) == ("skipped", "switched_off")
    assert await outcome(rig, on) == ("synced", None)
    assert [row["Email"] for row in await rig.records("Lead")] == ["otter2@example.com"]


async def test_what_was_written_stays_as_it_is(rig: Rig) -> None:
    await rig.link(await rig.org.campaign())
    reg = await rig.registered(1)
    await rig.drain()
    await switch(rig, is_enabled=False)
    await rig.change(reg, checked_in_at=NOW)
    await rig.drain()
    assert await outcome(rig, reg) == ("skipped", "switched_off")
    assert [row["Status"] for row in await rig.records("CampaignMember")] == ["Sent"]
    assert (await rig.slots(reg))["person"].sf_id is not None
    await switch(rig, is_enabled=None)
    await rig.requeue(reg, reason="switched_on")
    await rig.drain()
    assert [row["Status"] for row in await rig.records("CampaignMember")] == ["Responded"]
    assert len(await rig.records("Task")) == 2


async def test_row_that_is_skipped_while_its_event_is_switched_on_is_written_after_all(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    await switch(rig, is_enabled=False)
    reg = await rig.registered(1)

    async def switched_on_meanwhile(*given: Any, **more: Any) -> Any:
        await switch(rig, is_enabled=True)
        return await complete_batch(*given, **more)

    monkeypatch.setattr("app.sync.engine.host_turn.complete_batch", switched_on_meanwhile)
    await rig.drain()
    assert await outcome(rig, reg) == ("synced", None)
    assert len(await rig.records("Lead")) == 1


@pytest.mark.parametrize(
    ("of_host", "of_event", "tasks", "members"),
    [
        pytest.param({}, {}, 1, 1, id="neither chose"),
        pytest.param({"task": False}, {}, 0, 1, id="the host's choice is inherited"),
        pytest.param({"task": False}, {"task": True}, 1, 1, id="the event's choice beats the host's"),
        pytest.param({}, {"task": False, "member": False}, 0, 0, id="off for the event alone"),
    ],
)
async def test_the_event_has_its_own_kinds_of_write(
    rig: Rig, of_host: dict[str, bool], of_event: dict[str, bool], tasks: int, members: int
) -> None:
    async with rig.database.system() as session:
        await session.execute(update(Host).where(Host.host_id == HOST).values(settings={"writes": of_host}))
    await switch(rig, writes=of_event)
    await rig.link(await rig.org.campaign())
    reg = await rig.registered(1)
    await rig.drain()
    assert await outcome(rig, reg) == ("synced", None)
    assert len(await rig.records("Task")) == tasks
    assert len(await rig.records("CampaignMember")) == members


async def link_both(rig: Rig) -> None:
    campaign_id = await rig.org.campaign()
    await rig.link(campaign_id)
    await add_other_event(rig)
    await rig.link(campaign_id, event_id=OTHER)


async def test_a_check_in_of_an_event_that_is_off_does_not_raise_the_member(rig: Rig) -> None:
    await link_both(rig)
    email = "otter1@example.com"
    who = {"attendee": {"email": email, "name": "Otter One"}, "email_key": email}
    await switch(rig, OTHER, is_enabled=False)
    await rig.registered(2, event_id=OTHER, checked_in_at=NOW, **who)
    await rig.registered(1, **who)
    await rig.drain()
    assert [row["Status"] for row in await rig.records("CampaignMember")] == ["Sent"]


async def test_a_member_that_stands_is_not_lowered_because_its_event_is_off_now(rig: Rig) -> None:
    await link_both(rig)
    email = "otter1@example.com"
    who = {"attendee": {"email": email, "name": "Otter One"}, "email_key": email}
    await rig.registered(2, event_id=OTHER, checked_in_at=NOW, **who)
    await rig.drain()
    await switch(rig, OTHER, is_enabled=False)
    await rig.registered(1, **who)
    await rig.drain()
    assert [row["Status"] for row in await rig.records("CampaignMember")] == ["Responded"]


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"is_enabled": False}, id="the event is off"),
        pytest.param({"writes": {"member": False}}, id="members are off"),
    ],
)
async def test_the_member_of_a_previous_holder_stays_as_it_is(rig: Rig, values: dict[str, Any]) -> None:
    await rig.link(await rig.org.campaign(labels=["Cancelled"]), cancelled="Cancelled")
    otter = {"id": "att_1", "email": "otter1@example.com", "name": "Otter One"}
    reg = await rig.registered(1, attendee=otter)
    await rig.drain()
    await switch(rig, **values)
    heir = {"id": "att_2", "email": "heir@example.com", "name": "Heir Otter"}
    await rig.change(reg, attendee=heir, email_key="heir@example.com")
    await rig.drain()
    assert [row["Status"] for row in await rig.records("CampaignMember")] == ["Sent"]
    await switch(rig, is_enabled=None, writes={})
    await rig.requeue(reg)
    await rig.drain()
    assert sorted(row["Status"] for row in await rig.records("CampaignMember")) == ["Cancelled", "Sent"]
