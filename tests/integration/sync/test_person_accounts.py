"""New people as Person Accounts: an Account each, whose Contact takes the timeline and the membership."""

from typing import Any

import pytest

from tests.integration.sync.conftest import Rig

EMAIL = "otter1@example.com"


def attendee(**given: Any) -> dict[str, Any]:
    return {"email": EMAIL, "first_name": "Ada", "last_name": "Otter", **given}


@pytest.fixture
async def persons(rig: Rig) -> Rig:
    await rig.org.configure(has_person_accounts=True)
    await rig.choose(people={"create": "person_account"})
    return rig


async def test_a_new_person_is_an_account_and_the_rest_hangs_on_its_contact(persons: Rig) -> None:
    await persons.link(await persons.org.campaign())
    reg = await persons.registered(1, attendee=attendee(job_title="CTO"))
    await persons.drain()
    [account], [contact] = await persons.records("Account"), await persons.records("Contact")
    [task], [member] = await persons.records("Task"), await persons.records("CampaignMember")
    assert (account["LastName"], account["PersonEmail"], account["PersonTitle"]) == ("Otter", EMAIL, "CTO")
    assert account["PersonContactId"] == contact["Id"]
    assert (task["WhoId"], member["ContactId"]) == (contact["Id"], contact["Id"])
    person = (await persons.slots(reg))["person"]
    assert (person.sobject, person.sf_id, person.details["found_by"]) == ("Contact", contact["Id"], "created")
    assert (await persons.job(reg)).state == "synced"


async def test_a_lead_has_no_company_by_choice_where_persons_are_switched_on(rig: Rig) -> None:
    await rig.org.configure(has_person_accounts=True)
    await rig.choose(people={"leave_company_blank": True})
    reg = await rig.registered(1, attendee=attendee())
    await rig.drain()
    assert [row["Company"] for row in await rig.records("Lead")] == [None]
    assert (await rig.job(reg)).warnings == []


async def test_a_lead_has_a_company_where_the_org_needs_one(rig: Rig) -> None:
    await rig.choose(people={"leave_company_blank": True})
    await rig.registered(1, attendee=attendee())
    await rig.drain()
    assert [row["Company"] for row in await rig.records("Lead")] == ["example.com"]


async def test_several_new_persons_at_once_become_one_account_each(persons: Rig) -> None:
    for number in range(1, 13):
        await persons.registered(number)
    await persons.drain()
    assert set((await persons.states()).values()) == {"synced"}
    assert [len(await persons.records(each)) for each in ("Account", "Contact", "Task")] == [12, 12, 12]


async def test_a_known_person_account_is_found_by_email(persons: Rig) -> None:
    reg = await persons.registered(1, attendee=attendee())
    await persons.drain()
    [contact] = await persons.records("Contact")
    again = await persons.registered(2, attendee=attendee(), email_key=EMAIL)
    await persons.drain()
    people = [(await persons.slots(each))["person"].sf_id for each in (reg, again)]
    assert people == [contact["Id"], contact["Id"]]
    assert len(await persons.records("Account")) == 1


async def test_the_links_account_id_means_its_contact(persons: Rig) -> None:
    await persons.registered(1, attendee=attendee())
    await persons.drain()
    [account], [contact] = await persons.records("Account"), await persons.records("Contact")
    guest = {"email": "other@example.com", "name": "Other"}
    reg = await persons.registered(
        2, attendee=guest, email_key="other@example.com", salesforce_id=account["Id"]
    )
    await persons.drain()
    person = (await persons.slots(reg))["person"]
    assert (person.sf_id, person.details["found_by"]) == (contact["Id"], "salesforce_id")


async def test_a_companys_account_in_the_link_is_ignored(rig: Rig) -> None:
    [account] = await rig.org.seed("Account", {"Name": "River"})
    reg = await rig.registered(1, salesforce_id=account)
    await rig.drain()
    job = await rig.job(reg)
    assert (job.state, job.warnings[0]["code"]) == ("synced", "id_ignored")


@pytest.mark.parametrize("kind", ["reset_after_write", "reset_before_write"])
async def test_a_lost_answer_makes_no_second_person(persons: Rig, kind: str) -> None:
    await persons.org.fault(kind, match={"is_write": True})
    reg = await persons.registered(1, attendee=attendee())
    await persons.drain()
    assert (await persons.job(reg)).state == "ambiguous"
    for seconds in (2, 60, 300, 900):
        await persons.pass_time(seconds)
        await persons.drain()
    person = (await persons.slots(reg))["person"]
    assert (person.sobject, person.details["is_created_by_us"]) == ("Contact", True)
    assert [len(await persons.records(each)) for each in ("Account", "Contact", "Task")] == [1, 1, 1]


async def test_when_the_contact_cannot_be_asked_for_the_next_run_follows_the_account(persons: Rig) -> None:
    await persons.org.fault("error", status=503, match={"path": "/query$", "method": "GET"})
    reg = await persons.registered(1, attendee=attendee())
    await persons.drain()
    assert await persons.records("Task") == []
    await persons.pass_time(300)
    await persons.drain()
    [contact], [task] = await persons.records("Contact"), await persons.records("Task")
    assert (task["WhoId"], (await persons.job(reg)).state) == (contact["Id"], "synced")
    assert len(await persons.records("Account")) == 1


async def test_a_person_is_changed_through_its_account(persons: Rig) -> None:
    how = {"from": "attendee.job_title", "mode": "overwrite"}
    await persons.choose(
        {"object": "Contact", "field": "Title", **how},
        people={"create": "person_account", "update_existing": True},
    )
    reg = await persons.registered(1, attendee=attendee(job_title="CTO"))
    await persons.drain()
    await persons.change(reg, attendee=attendee(job_title="CEO"))
    await persons.drain()
    [account] = await persons.records("Account")
    assert (account["PersonTitle"], (await persons.job(reg)).state) == ("CEO", "synced")


async def test_an_org_without_person_accounts_fails_the_row_and_says_so(rig: Rig) -> None:
    await rig.choose(people={"create": "person_account"})
    reg = await rig.registered(1)
    await rig.drain()
    job = await rig.job(reg)
    assert (job.state, job.error_class, job.error_code) == (
        "failed",
        "configuration",
        "RECORD_TYPE_NOT_AVAILABLE",
    )
    assert await rig.records("Account") == []
