"""A meeting becomes a Case: one for each registration, whoever the person is and whatever is lost."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from app.models import Connection, Event, Host
from tests.factories import NOW
from tests.integration.sync.conftest import EVENT, HOST, Rig

QUIET = 780
WRITTEN = ("Lead", "Task", "CampaignMember", "Case")
ADA = {
    "email": "ada@acme.example",
    "first_name": "Ada",
    "last_name": "Otter",
    "company": "Acme",
    "phone": "+49 1",
}


async def with_cases(rig: Rig, *, kind: str = "meeting", **case: Any) -> None:
    """The event is a meeting, and the host writes Cases."""
    settings = {"writes": {"case": True}, "case": case}
    async with rig.database.system() as session:
        await session.execute(update(Event).where(Event.event_id == EVENT).values(kind=kind))
        await session.execute(update(Host).where(Host.host_id == HOST).values(settings=settings))


async def ada(rig: Rig, **changes: Any) -> str:
    return await rig.registered(1, attendee=ADA, email_key="ada@acme.example", **changes)


async def settle(rig: Rig, seconds: float = 60, rounds: int = 20) -> None:
    """Drain until no row moves by itself any more."""
    for _ in range(rounds):
        await rig.pass_time(seconds)
        await rig.drain()
        if set((await rig.states()).values()) <= {"synced", "failed", "skipped"}:
            return


async def the_case(rig: Rig) -> dict[str, Any]:
    [case] = await rig.records("Case")
    return case


async def test_a_new_lead_gets_a_case_with_what_it_registered_with(rig: Rig) -> None:
    await with_cases(rig, origin="Event")
    reg = await ada(rig)
    await rig.drain()
    assert await rig.states() == {reg: "synced"}
    case = await the_case(rig)
    names = ("Subject", "Origin", "ContactId", "SuppliedEmail", "SuppliedName", "SuppliedPhone")
    assert [case[name] for name in (*names, "SuppliedCompany", "Status")] == [
        "Meeting: Otter Summit", "Event", None, "ada@acme.example", "Ada Otter", "+49 1", "Acme", "New",
    ]  # fmt: skip
    assert case["Description"].splitlines()[-1].startswith("Ref: EVS-")
    slot = (await rig.slots(reg))["case"]
    assert (slot.state, slot.sobject, slot.sf_id) == ("written", "Case", case["Id"])
    assert len(await rig.records("Task")) == 1


async def test_the_case_of_a_known_contact_is_the_contacts(rig: Rig) -> None:
    await with_cases(rig)
    [account] = await rig.org.seed("Account", {"Name": "Acme"})
    [contact] = await rig.org.seed(
        "Contact", {"LastName": "Otter", "Email": "ada@acme.example", "AccountId": account}
    )
    await ada(rig)
    await rig.drain()
    case = await the_case(rig)
    assert (case["ContactId"], case["AccountId"], case["SuppliedEmail"]) == (
        contact,
        account,
        "ada@acme.example",
    )


async def test_cases_are_for_the_kinds_of_event_that_the_host_chose(rig: Rig) -> None:
    await with_cases(rig, kind="in_person")
    await ada(rig)
    await rig.drain()
    assert await rig.records("Case") == []


async def test_a_cancelled_meeting_gets_no_case_and_keeps_the_one_it_has(rig: Rig) -> None:
    await with_cases(rig, close_when_completed=True)
    reg = await ada(rig)
    await rig.drain()
    await rig.change(reg, status="cancelled", cancelled_at=NOW)
    other = await rig.registered(2)
    await rig.drain()
    await rig.change(other, status="cancelled", cancelled_at=NOW)
    await rig.drain()
    cases = await rig.records("Case")
    assert [case["Status"] for case in cases] == ["New", "New"]
    assert len(await rig.records("Case")) == 2


@pytest.mark.parametrize("fact", ["completed_at", "checked_in_at"])
async def test_a_case_is_closed_once_when_the_meeting_took_place(rig: Rig, fact: str) -> None:
    await rig.org.configure(
        case_statuses=[
            {"value": "Neu", "is_default": True},
            {"value": "In Arbeit"},
            {"value": "Erledigt", "is_closed": True},
            {"value": "Doppelt", "is_closed": True},
        ]
    )
    await with_cases(rig, close_when_completed=True)
    reg = await ada(rig)
    await rig.drain()
    before = await the_case(rig)
    assert (before["Status"], before["IsClosed"]) == ("Neu", False)
    await rig.change(reg, **{fact: NOW + timedelta(hours=1)})
    await rig.drain()
    assert (await the_case(rig))["Status"] == "Erledigt"
    await rig.edit("Case", before["Id"], Status="In Arbeit")
    await rig.requeue(reg)
    await rig.drain()
    assert (await the_case(rig))["Status"] == "In Arbeit"
    assert await rig.states() == {reg: "synced"}


async def test_a_meeting_that_took_place_before_it_is_written_gets_a_closed_case(rig: Rig) -> None:
    await with_cases(rig, close_when_completed=True)
    reg = await ada(rig, completed_at=NOW)
    await rig.drain()
    case = await the_case(rig)
    assert (case["Status"], case["IsClosed"]) == ("Closed", True)
    await rig.edit("Case", case["Id"], Status="Working")
    await rig.requeue(reg)
    await rig.drain()
    assert (await the_case(rig))["Status"] == "Working"


async def test_a_status_that_a_person_set_is_never_closed(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.sync.lookup.parse.OWN_SAVE", timedelta(0))
    await with_cases(rig, close_when_completed=True)
    reg = await ada(rig)
    await rig.drain()
    case = await the_case(rig)
    await rig.edit("Case", case["Id"], Status="Escalated")
    await rig.change(reg, checked_in_at=NOW)
    await rig.drain()
    assert (await the_case(rig))["Status"] == "Escalated"
    await rig.edit("Case", case["Id"], Status="New")
    await rig.requeue(reg)
    await rig.drain()
    assert (await the_case(rig))["Status"] == "New"


async def test_an_org_whose_statuses_close_nothing_leaves_it_open_with_a_warning(rig: Rig) -> None:
    await rig.org.configure(case_statuses=[{"value": "Neu", "is_default": True}])
    await with_cases(rig, close_when_completed=True)
    reg = await ada(rig, completed_at=NOW)
    await rig.drain()
    assert (await the_case(rig))["Status"] == "Neu"
    assert ("Case", "Status") in [(each["object"], each["field"]) for each in (await rig.job(reg)).warnings]


@pytest.mark.parametrize("kind", ["reset_after_write", "truncate", "reset_before_write"])
@pytest.mark.parametrize("person", ["new", "Contact", "Lead"])
async def test_a_lost_answer_makes_one_case(rig: Rig, kind: str, person: str) -> None:
    await with_cases(rig)
    if person != "new":
        company = {"Company": "Acme"} if person == "Lead" else {}
        await rig.org.seed(person, {"LastName": "Otter", "Email": "ada@acme.example", **company})
    reg = await ada(rig)
    await rig.org.fault(kind, match={"is_write": True})
    await rig.drain()
    assert await rig.states() == {reg: "ambiguous"}
    await settle(rig)
    assert await rig.states() == {reg: "synced"}
    assert [len(await rig.records(each)) for each in ("Case", "Task")] == [1, 1]


@pytest.mark.parametrize("hidden", [[], ["Description"], ["ContactId"], ["SuppliedEmail"]])
async def test_a_case_that_lands_late_is_found_even_by_a_corrected_address(
    rig: Rig, hidden: list[str]
) -> None:
    await with_cases(rig)
    await rig.org.configure(hidden_fields={"Case": hidden})
    await rig.org.seed("Lead", {"LastName": "Otter", "Company": "Acme", "Email": "ada@acme.example"})
    reg = await ada(rig)
    await rig.org.fault("late_apply", seconds=3600, match={"is_write": True})
    await rig.drain()
    await rig.pass_time(QUIET * 0.5)
    await rig.drain()
    assert await rig.states() == {reg: "ambiguous"}
    if not hidden:
        await rig.change(reg, attendee=ADA | {"email": "a@acme.example"}, email_key="a@acme.example")
    await rig.org.control.post("/settle")
    await settle(rig, QUIET)
    assert await rig.states() == {reg: "synced"}
    assert len(await rig.records("Case")) == 1


@pytest.mark.parametrize("kind", ["reset_after_write", "reset_before_write"])
async def test_a_case_is_closed_though_the_answer_was_lost(rig: Rig, kind: str) -> None:
    await with_cases(rig, close_when_completed=True)
    reg = await ada(rig)
    await rig.drain()
    await rig.change(reg, completed_at=NOW)
    await rig.org.fault(kind, match={"is_write": True})
    await rig.drain()
    await settle(rig)
    assert (await the_case(rig))["Status"] == "Closed"
    assert await rig.states() == {reg: "synced"}


async def test_a_lost_case_is_closed_where_the_meeting_took_place_meanwhile(rig: Rig) -> None:
    await with_cases(rig, close_when_completed=True)
    reg = await ada(rig)
    await rig.org.fault("reset_after_write", match={"is_write": True})
    await rig.drain()
    await rig.change(reg, completed_at=NOW)
    await settle(rig)
    assert (await the_case(rig))["Status"] == "Closed"


async def test_without_case_in_the_org_all_else_is_written(rig: Rig) -> None:
    await with_cases(rig)
    await rig.link(await rig.org.campaign())
    await rig.org.configure(has_case=False)
    reg = await ada(rig)
    await rig.drain()
    job = await rig.job(reg)
    assert job.state == "synced"
    assert [len(await rig.records(each)) for each in ("Lead", "Task", "CampaignMember")] == [1, 1, 1]
    assert [each["code"] for each in job.warnings] == ["record_left_out"]
    assert await problems(rig) == ["cases_not_createable"]
    await rig.org.configure(has_case=True)
    await rig.pass_time(3700)
    await rig.registered(2)
    await rig.drain()
    assert len(await rig.records("Case")) == 1
    assert await problems(rig) == []


async def problems(rig: Rig) -> list[str]:
    async with rig.database.system() as session:
        return [each["code"] for each in (await session.get_one(Connection, HOST)).problems]


async def test_an_unusable_address_is_left_out_of_the_case(rig: Rig) -> None:
    await with_cases(rig)
    [lead] = await rig.org.seed("Lead", {"LastName": "Otter", "Company": "Acme"})
    reg = await rig.registered(
        1, attendee=ADA | {"email": "ada@@acme"}, email_key="ada@@acme", salesforce_id=lead
    )
    await rig.drain()
    case = await the_case(rig)
    assert (case["SuppliedEmail"], case["SuppliedName"]) == (None, "Ada Otter")
    warnings = [(each["code"], each["field"]) for each in (await rig.job(reg)).warnings]
    assert ("field_dropped", "SuppliedEmail") in warnings


@pytest.mark.parametrize(
    ("whose", "is_assigned"),
    [
        ({"how": "leave"}, True),
        ({"how": "leave", "run_assignment_rules": False}, False),
        ({"how": "fixed"}, False),
    ],
    ids=["left to the org", "rules do not run", "by the mapping"],
)
async def test_assignment_rules_give_cases_away_unless_the_mapping_says_whose_they_are(
    rig: Rig, whose: dict[str, Any], is_assigned: bool
) -> None:
    groups = (await rig.org.control.get("/records/Group")).json()["records"]
    queue = next(each["Id"] for each in groups if each["Type"] == "Queue")
    user = (await rig.org.control.get("/records/User")).json()["records"][-1]["Id"]
    await rig.org.configure(assignment_rules=[{"sobject": "Case", "owner_id": queue}])
    await with_cases(rig)
    await rig.choose(owner=whose | ({"id": user} if whose["how"] == "fixed" else {}))
    await ada(rig)
    await rig.drain()
    case = await the_case(rig)
    assert (case["OwnerId"] == queue) is is_assigned
    assert (case["OwnerId"] == user) is (whose["how"] == "fixed")


async def test_the_mapping_fills_a_case_and_chooses_its_record_type(rig: Rig) -> None:
    await with_cases(rig)
    fields = [
        {"object": "Case", "field": "Origin", "constant": "Phone"},
        {"object": "Case", "field": "Priority", "constant": "High"},
        {"object": "Case", "field": "Reason", "from": "attendee.job_title"},
    ]
    await rig.choose(*fields)
    await ada(rig)
    await rig.drain()
    case = await the_case(rig)
    assert (case["Origin"], case["Priority"], case["Reason"]) == ("Phone", "High", None)


@pytest.mark.parametrize(("person", "calls"), [("new", 3), ("Contact", 2), ("Lead", 2)])
async def test_a_case_costs_one_call_more_for_a_new_lead_alone(rig: Rig, person: str, calls: int) -> None:
    await with_cases(rig)
    await rig.link(await rig.org.campaign())
    if person != "new":
        company = {"Company": "Acme"} if person == "Lead" else {}
        await rig.org.seed(person, {"LastName": "Otter", "Email": "ada@acme.example", **company})
    await rig.registered(2)
    await rig.drain()
    before = (await rig.org.calls())["total"]
    await ada(rig)
    await rig.drain()
    assert (await rig.org.calls())["total"] - before == calls
    assert len(await rig.records("Case")) == 2


async def test_a_ticket_that_is_handed_on_gets_a_case_of_its_own(rig: Rig) -> None:
    await with_cases(rig)
    reg = await ada(rig)
    await rig.change(reg, attendee=ADA | {"id": "per_1"})
    await rig.drain()
    await rig.change(
        reg,
        attendee={"id": "per_2", "email": "b@example.com", "name": "Ben Otter"},
        email_key="b@example.com",
    )
    await rig.drain()
    assert sorted(case["SuppliedName"] for case in await rig.records("Case")) == ["Ada Otter", "Ben Otter"]


async def case_of(rig: Rig, contact: str | None, **fields: Any) -> str:
    [case_id] = await rig.org.seed("Case", {"Subject": "Broken badge", "ContactId": contact, **fields})
    return case_id


async def eve(rig: Rig) -> str:
    """A Contact of another address than who registers."""
    [contact] = await rig.org.seed("Contact", {"LastName": "Otter", "Email": "eve@river.example"})
    return contact


async def test_the_contact_of_the_case_that_a_link_names_is_the_person(rig: Rig) -> None:
    await with_cases(rig, close_when_completed=True)
    contact = await eve(rig)
    case_id = await case_of(rig, contact)
    reg = await ada(rig, salesforce_id=case_id[:15], completed_at=NOW)
    await rig.drain()
    slots = await rig.slots(reg)
    assert (slots["person"].sf_id, slots["person"].details["found_by"]) == (contact, "salesforce_id")
    assert (slots["case"].sf_id, slots["case"].details["is_created_by_us"]) == (case_id, False)
    case = await the_case(rig)
    assert (case["Id"], case["Status"], case["SuppliedEmail"]) == (case_id, "New", None)
    [task] = await rig.records("Task")
    assert task["WhoId"] == contact


async def test_a_forged_link_of_a_case_chooses_the_target_and_changes_nothing_of_it(rig: Rig) -> None:
    await with_cases(rig)
    await rig.choose(
        {"object": "Contact", "field": "Title", "constant": "Intruder", "mode": "overwrite"},
        people={"update_existing": True},
    )
    contact = await eve(rig)
    reg = await ada(rig, salesforce_id=await case_of(rig, contact))
    await rig.drain()
    [person] = await rig.records("Contact")
    assert (person["Title"], person["Email"]) == (None, "eve@river.example")
    warnings = [(each["code"], each["field"]) for each in (await rig.job(reg)).warnings]
    assert ("id_ignored", "Email") in warnings


@pytest.mark.parametrize("why", ["no contact", "deleted", "hidden", "switched off", "foreign"])
async def test_where_the_case_of_a_link_does_not_help_the_address_decides(rig: Rig, why: str) -> None:
    await with_cases(rig)
    [mine] = await rig.org.seed("Contact", {"LastName": "Otter", "Email": "ada@acme.example"})
    case_id = await case_of(rig, None if why == "no contact" else await eve(rig))
    if why == "deleted":
        await rig.delete("Case", case_id)
    elif why == "hidden":
        await rig.org.configure(has_case=False)
    elif why == "switched off":
        await with_cases(rig, kind="webinar")
    given = "500000000000001AAA" if why == "foreign" else case_id
    reg = await ada(rig, salesforce_id=given)
    await rig.drain()
    assert await rig.states() == {reg: "synced"}
    slots = await rig.slots(reg)
    assert (slots["person"].sf_id, slots["person"].details["found_by"]) == (mine, "email")
    is_taken = why == "no contact"
    is_made = why in ("deleted", "foreign")
    assert ("case" in slots, is_taken and slots["case"].sf_id == case_id) == (is_taken or is_made, is_taken)


async def test_the_link_of_a_case_of_a_person_account_leads_to_its_contact(rig: Rig) -> None:
    await rig.org.configure(has_person_accounts=True)
    await with_cases(rig)
    await rig.choose(people={"create": "person_account"})
    await rig.registered(2)
    await rig.drain()
    [account] = await rig.records("Account")
    reg = await ada(rig, salesforce_id=await case_of(rig, account["PersonContactId"]))
    await rig.drain()
    assert (await rig.slots(reg))["person"].sf_id == account["PersonContactId"]


async def test_a_person_account_that_is_made_is_the_cases_contact(rig: Rig) -> None:
    await rig.org.configure(has_person_accounts=True)
    await with_cases(rig)
    await rig.choose(people={"create": "person_account"})
    await ada(rig)
    await rig.drain()
    [account] = await rig.records("Account")
    case = await the_case(rig)
    assert (case["ContactId"], case["AccountId"]) == (account["PersonContactId"], account["Id"])


async def test_the_case_of_a_lead_that_a_duplicate_rule_refuses_is_the_matched_contacts(rig: Rig) -> None:
    rule = {"sobject": "Lead", "against": ["Contact"], "fields": ["LastName"]}
    await rig.org.configure(duplicate_rules=[rule])
    [contact] = await rig.org.seed("Contact", {"LastName": "Otter", "Email": "else@acme.example"})
    await with_cases(rig)
    reg = await ada(rig)
    await rig.drain()
    assert (await rig.slots(reg))["person"].sf_id == contact
    assert (await the_case(rig))["ContactId"] == contact


async def test_without_its_person_no_case_is_made(rig: Rig) -> None:
    await rig.org.configure(validation_rules=[{"sobject": "Lead", "when": "Company = 'Acme'"}])
    await with_cases(rig)
    reg = await ada(rig)
    await rig.drain()
    assert (await rig.job(reg)).state == "failed"
    assert await rig.records("Case") == []


async def test_an_auto_response_rule_gets_its_address_or_fails_the_case_alone(rig: Rig) -> None:
    await rig.org.configure(auto_response_rules=[{}])
    await with_cases(rig)
    [lead] = await rig.org.seed("Lead", {"LastName": "Otter", "Company": "Acme"})
    asked = await ada(rig)
    mute = await rig.registered(2, attendee={"name": "Mute Otter"}, email_key=None, salesforce_id=lead)
    await rig.drain()
    assert await rig.states() == {asked: "synced", mute: "failed"}
    error = (await rig.job(mute)).error or {}
    assert (error["kind"], error["object"], error["advice_code"]) == ("case", "Case", "case_needs_address")
    assert len(await rig.records("Task")) == 2


async def test_a_rule_of_the_org_fails_the_case_alone_and_a_retry_makes_it(rig: Rig) -> None:
    await rig.org.configure(validation_rules=[{"sobject": "Case", "when": "Origin = 'Web'"}])
    await with_cases(rig)
    await rig.link(await rig.org.campaign())
    reg = await ada(rig)
    await rig.drain()
    job = await rig.job(reg)
    assert (job.state, (job.error or {})["kind"]) == ("failed", "case")
    assert [len(await rig.records(each)) for each in ("Lead", "Task", "CampaignMember", "Case")] == [
        1,
        1,
        1,
        0,
    ]
    await rig.org.configure(validation_rules=[])
    await rig.requeue(reg, reason="retry")
    await rig.drain()
    assert await rig.states() == {reg: "synced"}
    assert [len(await rig.records(each)) for each in ("Lead", "Task", "CampaignMember", "Case")] == [
        1,
        1,
        1,
        1,
    ]


async def test_a_status_that_is_hidden_leaves_the_case_open(rig: Rig) -> None:
    await rig.org.configure(hidden_fields={"Case": ["Status"]})
    await with_cases(rig, close_when_completed=True)
    reg = await ada(rig, completed_at=NOW)
    await rig.drain()
    assert (await the_case(rig))["Status"] == "New"
    job = await rig.job(reg)
    assert (job.state, [each["code"] for each in job.warnings]) == ("synced", ["picklist_dropped"])
    contact = await eve(rig)
    of_link = await rig.registered(2, salesforce_id=await case_of(rig, contact))
    await rig.drain()
    assert (await rig.slots(of_link))["person"].sf_id == contact


async def test_many_meetings_are_written_together(rig: Rig) -> None:
    await with_cases(rig)
    for number in range(300):
        await rig.registered(number)
    await rig.drain()
    assert set((await rig.states()).values()) == {"synced"}
    cases = await rig.records("Case")
    assert len({case["SuppliedEmail"] for case in cases}) == len(cases) == 300


@pytest.mark.parametrize("is_on", [True, False], ids=["on", "switched off since"])
async def test_a_lost_case_that_can_no_longer_be_seen_holds_nothing_up(rig: Rig, is_on: bool) -> None:
    await with_cases(rig)
    await rig.org.seed("Lead", {"LastName": "Otter", "Company": "Acme", "Email": "ada@acme.example"})
    reg = await ada(rig)
    await rig.org.fault("reset_after_write", match={"is_write": True})
    await rig.drain()
    assert await rig.states() == {reg: "ambiguous"}
    await rig.org.configure(has_case=False)
    await rig.pass_time(90_000)
    if not is_on:
        await with_cases(rig, kind="webinar")
    other = await rig.registered(2)
    await settle(rig, QUIET)
    assert await rig.states() == {reg: "synced", other: "synced"}
    assert len(await rig.records("Task")) == 2
