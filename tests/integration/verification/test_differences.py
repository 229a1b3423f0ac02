"""Each way in which a record can differ from what was written, and what is none."""

import pytest

from tests.factories import NOW
from tests.integration.sync.calendar_rig import meeting, the_event
from tests.integration.verification.conftest import Verifier


async def test_what_stands_as_written_is_in_order(verifier: Verifier) -> None:
    await verifier.written(3, checked_in_at=NOW)
    shown = await verifier.verify()
    assert (shown.state, shown.checked, shown.total, shown.in_order) == ("done", 3, 3, 3)
    assert (shown.items, shown.next_cursor, shown.resumes_at) == ([], None, None)
    assert shown.finished_at is not None
    assert shown.api_calls == 1


@pytest.mark.parametrize(
    ("sobject", "slot", "kind"),
    [("Task", "task:registered", "missing_activity"), ("CampaignMember", "member", "missing_member")],
)
async def test_a_record_that_was_deleted_is_missing(
    verifier: Verifier, sobject: str, slot: str, kind: str
) -> None:
    first, _ = await verifier.written(2)
    gone, person = await verifier.record(first, slot), await verifier.record(first, "person")
    await verifier.rig.delete(sobject, gone)
    shown = await verifier.verify()
    assert (shown.checked, shown.in_order) == (2, 1)
    [found] = shown.items
    assert (found.registration_id, found.kind, found.ours, found.theirs) == (first, kind, gone, "deleted")
    assert found.url is not None
    assert person in found.url


async def test_a_deleted_person_is_missing_with_all_that_went_with_it(verifier: Verifier) -> None:
    [reg] = await verifier.written()
    await verifier.rig.delete("Lead", await verifier.record(reg, "person"))
    await verifier.verify()
    kinds = await verifier.kinds()
    assert (reg, "missing_person") in kinds
    assert {kind for _, kind in kinds} <= {"missing_person", "missing_activity", "missing_member"}


@pytest.mark.parametrize(("sees_all", "kind"), [((), "not_visible"), (("Lead", "Contact"), "missing_person")])
async def test_who_is_not_even_in_the_bin_may_be_hidden(
    verifier: Verifier, sees_all: tuple[str, ...], kind: str
) -> None:
    [reg] = await verifier.written()
    if sees_all:
        await verifier.may_view_all(*sees_all)
    await verifier.purge("Lead", await verifier.record(reg, "person"))
    await verifier.verify()
    assert (reg, kind) in await verifier.kinds()


@pytest.mark.parametrize(
    ("sees_all", "kind"), [((), "not_visible"), (("Lead", "Contact"), "missing_activity")]
)
async def test_an_activity_that_is_not_even_in_the_bin_may_be_hidden(
    verifier: Verifier, sees_all: tuple[str, ...], kind: str
) -> None:
    [reg] = await verifier.written()
    if sees_all:
        await verifier.may_view_all(*sees_all)
    await verifier.purge("Task", await verifier.record(reg, "task:registered"))
    await verifier.verify()
    assert await verifier.kinds() == [(reg, kind)]


@pytest.mark.parametrize("what", ["convert", "merge"])
async def test_who_was_converted_or_merged_is_not_missing(verifier: Verifier, what: str) -> None:
    [reg] = await verifier.written()
    lead, control = await verifier.record(reg, "person"), verifier.rig.org.control
    if what == "convert":
        answer = await control.post("/convert", json={"leadId": lead})
    else:
        winner = {"LastName": "Otter", "Company": "River", "Email": "winner@example.com"}
        [master] = await verifier.rig.org.seed("Lead", winner)
        answer = await control.post("/merge", json={"masterId": master, "mergedIds": [lead]})
    assert answer.status_code == 200, answer.text
    shown = await verifier.verify()
    assert (shown.items, shown.in_order) == ([], 1)


async def test_a_member_that_somebody_added_again_is_not_missing(verifier: Verifier) -> None:
    [reg] = await verifier.written()
    member, lead = await verifier.record(reg, "member"), await verifier.record(reg, "person")
    [row] = await verifier.rig.records("CampaignMember")
    await verifier.rig.delete("CampaignMember", member)
    again = {"CampaignId": row["CampaignId"], "LeadId": lead, "Status": "Registered"}
    await verifier.rig.org.seed("CampaignMember", again)
    assert (await verifier.verify()).items == []


async def test_a_status_that_is_not_ours_differs(verifier: Verifier) -> None:
    [reg] = await verifier.written()
    member = await verifier.record(reg, "member")
    await verifier.rig.edit("CampaignMember", member, Status="Sent")
    [found] = (await verifier.verify()).items
    assert (found.kind, found.ours, found.theirs) == ("status_differs", "Registered", "Sent")
    assert found.url is not None
    assert member in found.url


async def test_an_activity_of_somebody_else_is_told(verifier: Verifier) -> None:
    [reg] = await verifier.written()
    [other] = await verifier.rig.org.seed("Lead", {"LastName": "Heron", "Company": "Sky"})
    await verifier.rig.edit("Task", await verifier.record(reg, "task:registered"), WhoId=other)
    [found] = (await verifier.verify()).items
    person = await verifier.record(reg, "person")
    assert (found.kind, found.ours, found.theirs) == ("other_person", person, other)


async def test_a_member_of_another_record_of_the_same_address_is_in_order(verifier: Verifier) -> None:
    campaign = await verifier.rig.org.campaign(labels=("Registered", "Attended*"))
    await verifier.rig.link(campaign, registered="Registered", attended="Attended")
    person = {"LastName": "Otter", "Email": "otter1@example.com"}
    await verifier.rig.org.seed("Contact", person)
    [lead] = await verifier.rig.org.seed("Lead", {**person, "Company": "River"})
    await verifier.rig.org.seed("CampaignMember", {"CampaignId": campaign, "LeadId": lead, "Status": "Sent"})
    reg = await verifier.rig.registered(1)
    await verifier.rig.drain()
    assert (await verifier.record(reg, "person")).startswith("003")
    assert (await verifier.verify()).items == []


async def test_an_object_that_is_hidden_from_the_user_is_not_called_missing(verifier: Verifier) -> None:
    [reg] = await verifier.written()
    await verifier.rig.org.configure(hidden_objects=["Task"])
    await verifier.verify()
    assert await verifier.kinds() == [(reg, "not_visible")]


async def test_a_member_of_a_campaign_that_is_no_longer_linked_is_not_looked_at(verifier: Verifier) -> None:
    [reg] = await verifier.written()
    await verifier.rig.delete("CampaignMember", await verifier.record(reg, "member"))
    await verifier.rig.link(await verifier.rig.org.campaign("Another"))
    assert (await verifier.verify()).items == []


async def test_differences_come_page_by_page(verifier: Verifier) -> None:
    regs = await verifier.written(3)
    for reg in regs:
        await verifier.rig.delete("Task", await verifier.record(reg, "task:registered"))
    await verifier.verify()
    first = await verifier.read(limit=2)
    rest = await verifier.read(limit=2, cursor=first.next_cursor)
    assert [each.registration_id for each in (*first.items, *rest.items)] == regs
    assert rest.next_cursor is None


async def test_what_salesforce_has_archived_is_in_order(verifier: Verifier) -> None:
    await verifier.written(2)
    await verifier.rig.org.configure(archive_days=0)
    assert (await verifier.verify()).items == []


async def test_a_query_that_is_too_large_is_halved(verifier: Verifier) -> None:
    regs = await verifier.written(5)
    await verifier.rig.delete("Task", await verifier.record(regs[3], "task:registered"))
    await verifier.rig.org.configure(max_query_values=2)
    await verifier.verify()
    assert await verifier.kinds() == [(regs[3], "missing_activity")]


async def test_a_hidden_field_leaves_the_rest_to_be_compared(verifier: Verifier) -> None:
    first, second = await verifier.written(2)
    await verifier.rig.delete("Task", await verifier.record(second, "task:registered"))
    await verifier.rig.org.configure(hidden_fields={"Task": ["WhoId"]})
    await verifier.verify()
    assert await verifier.kinds() == [(second, "missing_activity")]
    assert first != second


async def test_a_calendar_event_at_other_times_differs_and_is_put_right(verifier: Verifier) -> None:
    await meeting(verifier.rig)
    await verifier.written()
    event = await the_event(verifier.rig)
    assert (await verifier.verify()).in_order == 1
    moved = {"StartDateTime": "2026-11-24T07:00:00Z", "EndDateTime": "2026-11-24T08:00:00Z"}
    await verifier.rig.edit("Event", event["Id"], **moved)
    [difference] = (await verifier.verify()).items
    assert (difference.kind, difference.ours, difference.theirs) == (
        "times_differ",
        "2026-11-24T09:00:00Z – 2026-11-24T10:00:00Z",
        "2026-11-24T07:00:00Z – 2026-11-24T08:00:00Z",
    )
    await verifier.repair()
    await verifier.rig.drain()
    assert (await the_event(verifier.rig))["StartDateTime"] == "2026-11-24T09:00:00.000+0000"
