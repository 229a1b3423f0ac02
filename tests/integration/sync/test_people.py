"""Who an attendee is in Salesforce, case by case against the simulated org."""

from typing import Any

import pytest

from tests.factories import NOW
from tests.integration.sync.conftest import Rig

EMAIL = "otter1@example.com"


async def test_contact_wins_over_lead(rig: Rig) -> None:
    await rig.org.seed("Lead", {"LastName": "Otter", "Company": "River", "Email": EMAIL})
    [contact_id] = await rig.org.seed("Contact", {"LastName": "Otter", "Email": EMAIL})
    reg = await rig.registered(1)
    await rig.drain()
    assert (await rig.slots(reg))["person"].sf_id == contact_id


async def test_oldest_of_several_leads_wins(rig: Rig) -> None:
    ids = await rig.org.seed(
        "Lead",
        {
            "LastName": "New",
            "Company": "River",
            "Email": EMAIL,
            "CreatedDate": "2026-05-01T00:00:00.000+0000",
        },
        {
            "LastName": "Old",
            "Company": "River",
            "Email": EMAIL,
            "CreatedDate": "2024-05-01T00:00:00.000+0000",
        },
    )
    reg = await rig.registered(1)
    await rig.drain()
    assert (await rig.slots(reg))["person"].sf_id == ids[1]


async def test_converted_lead_counts_as_its_contact(rig: Rig) -> None:
    [lead_id] = await rig.org.seed("Lead", {"LastName": "Otter", "Company": "River", "Email": EMAIL})
    answer = await rig.org.control.post("/convert", json={"leadId": lead_id})
    assert answer.status_code < 300, answer.text
    contact = (await rig.records("Contact"))[0]
    reg = await rig.registered(1)
    await rig.drain()
    person = (await rig.slots(reg))["person"]
    assert (person.sobject, person.sf_id) == ("Contact", contact["Id"])
    assert len(await rig.records("Lead")) == 1


async def test_person_follows_a_later_conversion(rig: Rig) -> None:
    reg = await rig.registered(1)
    await rig.drain()
    lead_id = (await rig.slots(reg))["person"].sf_id
    await rig.org.control.post("/convert", json={"leadId": lead_id})
    await rig.requeue(reg)
    await rig.drain()
    person = (await rig.slots(reg))["person"]
    assert (person.sobject, person.details["found_by"]) == ("Contact", "converted_lead")


async def test_two_tickets_on_one_email_are_one_person_with_two_tasks(rig: Rig) -> None:
    await rig.link(await rig.org.campaign())
    attendee = {"email": EMAIL, "name": "Otter One"}
    for number in (1, 2):
        await rig.registered(number, attendee=attendee, email_key=EMAIL)
    await rig.drain()
    assert [len(await rig.records(each)) for each in ("Lead", "Task", "CampaignMember")] == [1, 2, 1]
    assert set((await rig.states()).values()) == {"synced"}


async def test_block_rule_hit_adopts_the_matched_record(rig: Rig) -> None:
    await rig.org.configure(duplicate_rules=[{"sobject": "Lead", "fields": ["LastName"]}])
    [known] = await rig.org.seed("Lead", {"LastName": "1", "Company": "River", "Email": "else@example.com"})
    reg = await rig.registered(1)
    await rig.drain()
    person = (await rig.slots(reg))["person"]
    assert (person.sf_id, person.details["found_by"]) == (known, "duplicate_rule")
    assert (await rig.job(reg)).state == "synced"


async def test_block_rule_hits_in_a_batch_are_sent_singly_and_adopted(rig: Rig) -> None:
    await rig.org.configure(duplicate_rules=[{"sobject": "Lead", "fields": ["LastName"]}])
    [known] = await rig.org.seed("Lead", {"LastName": "1", "Company": "River", "Email": "else@example.com"})
    registrations = [await rig.registered(number) for number in range(1, 6)]
    await rig.drain()
    assert (await rig.slots(registrations[0]))["person"].sf_id == known
    assert set((await rig.states()).values()) == {"synced"}
    assert len(await rig.records("Lead")) == 5


async def test_no_email_is_skipped(rig: Rig) -> None:
    reg = await rig.registered(1, attendee={"email": None, "name": "Otter"}, email_key=None)
    await rig.drain()
    job = await rig.job(reg)
    assert (job.state, job.skipped_because) == ("skipped", "no_email")


async def test_malformed_email_fails_before_anything_is_sent(rig: Rig) -> None:
    reg = await rig.registered(1, attendee={"email": "not an address"}, email_key="not an address")
    await rig.drain()
    job = await rig.job(reg)
    assert (job.state, job.error_class, job.error_code) == ("failed", "data", "EMAIL_MALFORMED")
    assert await rig.records("Lead") == []


async def test_given_salesforce_id_wins_over_email(rig: Rig) -> None:
    [given] = await rig.org.seed("Contact", {"LastName": "Given", "Email": "else@example.com"})
    await rig.org.seed("Contact", {"LastName": "Otter", "Email": EMAIL})
    reg = await rig.registered(1, salesforce_id=given[:15])
    await rig.drain()
    person = (await rig.slots(reg))["person"]
    assert (person.sf_id, person.details["found_by"]) == (given, "salesforce_id")


async def test_unknown_salesforce_id_falls_back_to_email_with_a_warning(rig: Rig) -> None:
    [contact_id] = await rig.org.seed("Contact", {"LastName": "Otter", "Email": EMAIL})
    reg = await rig.registered(1, salesforce_id="701000000000001AAA")
    await rig.drain()
    assert (await rig.slots(reg))["person"].sf_id == contact_id
    assert [each["code"] for each in (await rig.job(reg)).warnings] == ["id_ignored"]


async def test_deleted_person_is_matched_again_and_recreated(rig: Rig) -> None:
    reg = await rig.registered(1)
    await rig.drain()
    first = (await rig.slots(reg))["person"].sf_id
    await rig.delete("Lead", str(first))
    await rig.requeue(reg)
    await rig.drain()
    assert (await rig.slots(reg))["person"].sf_id != first
    assert len(await rig.records("Lead")) == 1


async def test_validation_rule_fails_the_row_and_retry_succeeds_when_it_is_lifted(rig: Rig) -> None:
    await rig.org.configure(
        validation_rules=[
            {
                "sobject": "Lead",
                "when": "LastName = '2'",
                "message": "Number two is refused",
                "field": "LastName",
            }
        ]
    )
    regs = [await rig.registered(number) for number in (1, 2, 3)]
    await rig.drain()
    job = await rig.job(regs[1])
    assert await rig.states() == {regs[0]: "synced", regs[1]: "failed", regs[2]: "synced"}
    assert (job.error_class, job.error_code) == ("data", "FIELD_CUSTOM_VALIDATION_EXCEPTION")
    assert job.error is not None
    assert (job.error["message"], job.error["value"]) == ("Number two is refused", "2")
    await rig.org.configure(validation_rules=[])
    await rig.requeue(regs[1], reason="retry")
    await rig.drain()
    assert (await rig.job(regs[1])).state == "synced"


async def test_restricted_lead_source_is_left_out_with_a_warning(rig: Rig) -> None:
    await rig.org.configure(restricted_picklists={"Lead.LeadSource": ["Web"]})
    reg = await rig.registered(1)
    await rig.drain()
    job = await rig.job(reg)
    assert job.state == "synced"
    assert "picklist_dropped" in {each["code"] for each in job.warnings}


async def test_transferred_ticket_writes_the_new_person_and_ends_the_old_membership(rig: Rig) -> None:
    await rig.link(await rig.org.campaign(labels=["Cancelled"]), cancelled="Cancelled")
    old = {"id": "per_1", "email": "old@example.com", "name": "Old Otter"}
    reg = await rig.registered(1, attendee=old, email_key="old@example.com")
    await rig.drain()
    new = {"id": "per_2", "email": "new@example.com", "name": "New Otter"}
    await rig.change(reg, attendee=new, email_key="new@example.com")
    await rig.drain()
    leads = {lead["Email"]: lead["Id"] for lead in await rig.records("Lead")}
    members = {member["LeadId"]: member["Status"] for member in await rig.records("CampaignMember")}
    tasks = sorted(task["WhoId"] for task in await rig.records("Task"))
    assert members == {leads["old@example.com"]: "Cancelled", leads["new@example.com"]: "Sent"}
    assert tasks == sorted(leads.values())
    assert (await rig.job(reg)).state == "synced"


async def test_ticket_that_was_handed_on_and_cancelled_at_once_writes_nothing_for_the_new_person(
    rig: Rig,
) -> None:
    await rig.link(await rig.org.campaign(labels=["Cancelled"]), cancelled="Cancelled")
    old = {"id": "per_1", "email": "old@example.com", "name": "Old Otter"}
    reg = await rig.registered(1, attendee=old, email_key="old@example.com")
    await rig.drain()
    new = {"id": "per_2", "email": "new@example.com", "name": "New Otter"}
    changes = {"attendee": new, "email_key": "new@example.com"}
    await rig.change(reg, **changes, status="cancelled", cancelled_at=NOW)
    await rig.org.fault("row_error", match={"sobject": "CampaignMember"}, error_code="UNABLE_TO_LOCK_ROW")
    await rig.drain()
    assert (await rig.job(reg)).state == "pending"
    await rig.pass_time(60)
    await rig.drain()
    assert ((await rig.job(reg)).state, (await rig.job(reg)).skipped_because) == ("skipped", "cancelled")
    assert [lead["Email"] for lead in await rig.records("Lead")] == ["old@example.com"]
    assert [member["Status"] for member in await rig.records("CampaignMember")] == ["Cancelled"]
    assert len(await rig.records("Task")) == 1


@pytest.mark.parametrize(
    ("other", "status"),
    [({"status": "confirmed"}, "Sent"), ({"status": "cancelled", "cancelled_at": NOW}, "Cancelled")],
    ids=["another live ticket", "another ticket, cancelled"],
)
async def test_who_hands_one_of_two_tickets_on_stays_what_the_other_says(
    rig: Rig, other: dict[str, Any], status: str
) -> None:
    await rig.link(await rig.org.campaign(labels=["Cancelled"]), cancelled="Cancelled")
    old = {"id": "per_1", "email": "old@example.com", "name": "Old Otter"}
    handed, kept = [await rig.registered(n, attendee=old, email_key="old@example.com") for n in (1, 2)]
    await rig.drain()
    await rig.change(kept, **other)
    new = {"id": "per_2", "email": "new@example.com", "name": "New Otter"}
    await rig.change(handed, attendee=new, email_key="new@example.com")
    await rig.drain()
    leads = {lead["Email"]: lead["Id"] for lead in await rig.records("Lead")}
    members = {member["LeadId"]: member["Status"] for member in await rig.records("CampaignMember")}
    assert members == {leads["old@example.com"]: status, leads["new@example.com"]: "Sent"}


async def test_tickets_with_different_names_on_one_email_are_one_person_with_a_warning(rig: Rig) -> None:
    regs = [
        await rig.registered(number, attendee={"email": EMAIL, "name": name}, email_key=EMAIL)
        for number, name in enumerate(["Ada Otter", "Bob Otter", "Cy Otter"])
    ]
    await rig.drain()
    [lead] = await rig.records("Lead")
    assert (lead["FirstName"], lead["LastName"]) == ("Ada", "Otter")
    for reg in regs:
        warned = [(each["code"], each["field"]) for each in (await rig.job(reg)).warnings]
        assert ("fallback_used", "LastName") in warned


async def test_email_changed_after_the_write_keeps_the_person(rig: Rig) -> None:
    attendee = {"id": "per_1", "email": EMAIL, "name": "Otter"}
    reg = await rig.registered(1, attendee=attendee, email_key=EMAIL)
    await rig.drain()
    await rig.change(reg, attendee=attendee | {"email": "new@example.com"}, email_key="new@example.com")
    await rig.drain()
    [lead] = await rig.records("Lead")
    assert (lead["Email"], (await rig.job(reg)).state) == (EMAIL, "synced")


async def test_email_changed_before_the_write_is_the_one_written(rig: Rig) -> None:
    reg = await rig.registered(1)
    await rig.change(reg, attendee={"email": "new@example.com"}, email_key="new@example.com")
    await rig.drain()
    [lead] = await rig.records("Lead")
    assert lead["Email"] == "new@example.com"


@pytest.mark.parametrize("packed", [True, False], ids=["match in the composite", "no match in the composite"])
async def test_block_rule_in_a_small_batch_adopts_the_match_and_writes_the_rest(
    rig: Rig, packed: bool
) -> None:
    await rig.link(await rig.org.campaign())
    await rig.org.configure(
        duplicate_rules=[{"sobject": "Lead", "fields": ["LastName"]}], packed_duplicate_result=packed
    )
    [known] = await rig.org.seed("Lead", {"LastName": "1", "Company": "R", "Email": "else@example.com"})
    regs = [await rig.registered(number) for number in (1, 2, 3)]
    await rig.drain()
    assert await rig.states() == dict.fromkeys(regs, "synced")
    assert (await rig.slots(regs[0]))["person"].sf_id == known
    assert [len(await rig.records(each)) for each in ("Lead", "Task", "CampaignMember")] == [3, 3, 3]
