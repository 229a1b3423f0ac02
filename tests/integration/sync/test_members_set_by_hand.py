"""What a person set by hand in Salesforce is kept, however the registration goes on."""

from datetime import timedelta
from typing import Any

import pytest

from tests.factories import NOW
from tests.integration.sync.conftest import Rig

LABELS = ("Attended*", "No-show", "Cancelled", "Met at booth*", "Sales called")


async def linked(rig: Rig) -> str:
    campaign = await rig.org.campaign(labels=LABELS)
    await rig.link(campaign, registered="Sent", attended="Attended", cancelled="Cancelled", no_show="No-show")
    return campaign


async def status(rig: Rig) -> str:
    [member] = await rig.records("CampaignMember")
    return str(member["Status"])


@pytest.mark.parametrize("by_hand", ["Attended", "Met at booth"])
@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"status": "cancelled", "cancelled_at": NOW + timedelta(hours=1)}, id="cancelled"),
        pytest.param({"no_show_at": NOW + timedelta(hours=1)}, id="no-show"),
    ],
)
async def test_status_set_by_hand_before_us_is_kept_when_the_registration_is_lowered(
    rig: Rig, by_hand: str, change: dict[str, Any]
) -> None:
    campaign = await linked(rig)
    [contact] = await rig.org.seed("Contact", {"LastName": "Otter", "Email": "otter1@example.com"})
    await rig.org.seed("CampaignMember", {"CampaignId": campaign, "ContactId": contact, "Status": by_hand})
    reg = await rig.registered(1)
    await rig.drain()
    await rig.change(reg, **change)
    await rig.drain()
    assert await status(rig) == by_hand


async def test_attended_set_by_hand_stays_when_a_later_check_in_is_undone(rig: Rig) -> None:
    campaign = await linked(rig)
    [contact] = await rig.org.seed("Contact", {"LastName": "Otter", "Email": "otter1@example.com"})
    await rig.org.seed("CampaignMember", {"CampaignId": campaign, "ContactId": contact, "Status": "Attended"})
    reg = await rig.registered(1)
    await rig.drain()
    await rig.change(reg, checked_in_at=NOW + timedelta(hours=1))
    await rig.drain()
    await rig.change(reg, check_in_reverted_at=NOW + timedelta(hours=2))
    await rig.drain()
    assert await status(rig) == "Attended"
    assert not (await rig.job(reg)).is_attended


async def test_check_in_undone_returns_the_member_to_registered_when_attended_was_ours(rig: Rig) -> None:
    await linked(rig)
    reg = await rig.registered(1)
    await rig.drain()
    await rig.change(reg, checked_in_at=NOW + timedelta(hours=1))
    await rig.drain()
    assert (await status(rig), (await rig.job(reg)).is_attended) == ("Attended", True)
    await rig.change(reg, check_in_reverted_at=NOW + timedelta(hours=2))
    await rig.drain()
    assert (await status(rig), (await rig.job(reg)).is_attended) == ("Sent", False)
    assert len(await rig.records("Task")) == 2


async def test_last_of_two_tickets_to_be_cancelled_takes_the_member_along(rig: Rig) -> None:
    """The second ticket met the member as attended; what the first one wrote since is ours all the same."""
    await linked(rig)
    attendee_values = {
        "attendee": {"email": "otter1@example.com", "name": "Otter"},
        "email_key": "otter1@example.com",
    }
    first = await rig.registered(1, **attendee_values)
    await rig.drain()
    await rig.change(first, checked_in_at=NOW + timedelta(hours=1))
    await rig.drain()
    second = await rig.registered(2, **attendee_values)
    await rig.drain()
    await rig.change(first, check_in_reverted_at=NOW + timedelta(hours=2))
    await rig.drain()
    assert await status(rig) == "Sent"
    for reg in (first, second):
        await rig.change(reg, status="cancelled", cancelled_at=NOW + timedelta(hours=3))
        await rig.drain()
    assert await status(rig) == "Cancelled"


async def test_re_registered_member_goes_back_to_registered_without_a_second_task(rig: Rig) -> None:
    await linked(rig)
    reg = await rig.registered(1)
    await rig.drain()
    await rig.change(reg, status="cancelled", cancelled_at=NOW + timedelta(hours=1))
    await rig.drain()
    assert await status(rig) == "Cancelled"
    await rig.change(reg, status="confirmed")
    await rig.drain()
    assert (await status(rig), len(await rig.records("Task"))) == ("Sent", 1)


async def test_no_show_is_raised_again_by_a_later_check_in(rig: Rig) -> None:
    await linked(rig)
    reg = await rig.registered(1)
    await rig.drain()
    await rig.change(reg, no_show_at=NOW + timedelta(hours=1))
    await rig.drain()
    assert await status(rig) == "No-show"
    await rig.change(reg, checked_in_at=NOW + timedelta(hours=2))
    await rig.drain()
    assert await status(rig) == "Attended"


async def test_member_removed_by_a_salesperson_comes_back_on_check_in_only(rig: Rig) -> None:
    await linked(rig)
    reg = await rig.registered(1)
    await rig.drain()
    [member] = await rig.records("CampaignMember")
    await rig.delete("CampaignMember", member["Id"])
    for reason in ("live", "request"):
        await rig.requeue(reg, reason=reason)
        await rig.drain()
        assert await rig.records("CampaignMember") == []
    await rig.change(reg, checked_in_at=NOW + timedelta(hours=1))
    await rig.drain()
    assert await status(rig) == "Attended"


async def test_label_outside_the_mapping_set_by_hand_outlives_a_cancellation(rig: Rig) -> None:
    await linked(rig)
    reg = await rig.registered(1)
    await rig.drain()
    [member] = await rig.records("CampaignMember")
    await rig.delete("CampaignMember", member["Id"])
    await rig.org.seed(
        "CampaignMember",
        {"CampaignId": member["CampaignId"], "LeadId": member["LeadId"], "Status": "Sales called"},
    )
    await rig.requeue(reg)
    await rig.drain()
    await rig.change(reg, status="cancelled", cancelled_at=NOW + timedelta(hours=1))
    await rig.drain()
    assert await status(rig) == "Sales called"
