"""What a host chose for new records: fields, record types, owners, headers."""

from typing import Any

import pytest

from tests.integration.sync.conftest import Rig

DIET = {"key": "diet", "label": "Food", "value": "vegan"}
OLGA = {"LastName": "Olga", "Email": "Olga@acme.example", "IsActive": True, "UserType": "Standard"}
DIET_FIELD = "Diet__c | string(40) | CUN | Diet"


def rule(sobject: str, field: str, **how: Any) -> dict[str, Any]:
    return {"object": sobject, "field": field, **how}


async def test_an_answer_fills_a_custom_field_of_a_new_lead(rig: Rig) -> None:
    await rig.org.configure(extra_fields={"Lead": [DIET_FIELD]})
    await rig.choose(rule("Lead", "Diet__c", **{"from": "answers.diet"}))
    await rig.registered(1, answers=[DIET])
    await rig.drain()
    [lead] = await rig.records("Lead")
    assert (lead["Diet__c"], lead["LeadSource"]) == ("vegan", "Eventship")


async def test_tasks_and_members_take_fields_of_their_own(rig: Rig) -> None:
    await rig.org.configure(
        extra_fields={"Task": ["Source__c | string(40) | CUN | Source"], "CampaignMember": [DIET_FIELD]}
    )
    await rig.choose(
        rule("Task", "Source__c", **{"from": "utm.source"}),
        rule("CampaignMember", "Diet__c", **{"from": "answers.diet"}),
    )
    await rig.link(await rig.org.campaign())
    await rig.registered(1, answers=[DIET], utm={"source": "newsletter"})
    await rig.drain()
    [task], [member] = await rig.records("Task"), await rig.records("CampaignMember")
    assert (task["Source__c"], member["Diet__c"]) == ("newsletter", "vegan")


async def test_the_events_own_mapping_goes_over_the_hosts(rig: Rig) -> None:
    await rig.org.configure(extra_fields={"Lead": [DIET_FIELD]})
    await rig.choose(rule("Lead", "Diet__c", constant="any"))
    await rig.choose(rule("Lead", "Diet__c", constant="fish"), event_id="evt_otters")
    await rig.registered(1)
    await rig.drain()
    [lead] = await rig.records("Lead")
    assert lead["Diet__c"] == "fish"


async def test_record_types_are_named_by_their_developer_names(rig: Rig) -> None:
    await rig.org.configure(record_types=[{"sobject": "Lead", "developer_name": "Event_Lead"}])
    await rig.choose(record_types={"Lead": "Event_Lead"})
    await rig.registered(1)
    await rig.drain()
    [lead] = await rig.records("Lead")
    assert lead["RecordTypeId"].startswith("012")


async def test_a_record_type_that_is_not_there_fails_the_row_by_name(rig: Rig) -> None:
    await rig.org.configure(record_types=[{"sobject": "Lead", "developer_name": "Event_Lead"}])
    await rig.choose(record_types={"Lead": "Gone_Lead"})
    reg = await rig.registered(1)
    await rig.drain()
    job = await rig.job(reg)
    assert (job.state, job.error_class, job.error_code) == (
        "failed",
        "configuration",
        "RECORD_TYPE_NOT_AVAILABLE",
    )
    assert job.error is not None
    assert (job.error["value"], job.error["advice_code"]) == ("Gone_Lead", "record_type_missing")
    assert await rig.records("Lead") == []


async def test_a_fixed_owner_owns_new_people_whatever_assignment_rules_say(rig: Rig) -> None:
    [owner] = await rig.org.seed("User", {"LastName": "Owner", "Email": "owner@acme.example"})
    [other] = await rig.org.seed("User", {"LastName": "Other", "Email": "other@acme.example"})
    await rig.org.configure(assignment_rules=[{"sobject": "Lead", "owner_id": other}])
    await rig.choose(owner={"how": "fixed", "id": owner})
    await rig.registered(1)
    await rig.drain()
    [lead] = await rig.records("Lead")
    assert lead["OwnerId"] == owner


async def test_the_organizer_owns_new_people_where_there_is_such_a_user(rig: Rig) -> None:
    [owner] = await rig.org.seed("User", OLGA)
    await rig.choose(owner={"how": "organizer"})
    await rig.organized_by("olga@acme.example")
    await rig.registered(1)
    await rig.drain()
    [lead] = await rig.records("Lead")
    assert lead["OwnerId"] == owner


async def test_without_a_user_for_the_organizer_the_owner_is_left_with_a_warning(rig: Rig) -> None:
    await rig.choose(owner={"how": "organizer"})
    await rig.organized_by("nobody@acme.example")
    reg = await rig.registered(1)
    await rig.drain()
    job = await rig.job(reg)
    assert job.state == "synced"
    assert ("fallback_used", "OwnerId") in [(each["code"], each["field"]) for each in job.warnings]


@pytest.mark.parametrize(("runs", "is_assigned"), [(True, True), (False, False)], ids=["on", "off"])
async def test_assignment_rules_run_on_create_unless_switched_off(
    rig: Rig, runs: bool, is_assigned: bool
) -> None:
    [other] = await rig.org.seed("User", {"LastName": "Other", "Email": "other@acme.example"})
    await rig.org.configure(assignment_rules=[{"sobject": "Lead", "owner_id": other}])
    await rig.choose(owner={"how": "leave", "run_assignment_rules": runs})
    for number in range(3):
        await rig.registered(number)
    await rig.drain()
    assert {lead["OwnerId"] == other for lead in await rig.records("Lead")} == {is_assigned}


async def test_alert_rules_are_passed_by_where_the_host_chose_so(rig: Rig) -> None:
    await rig.org.configure(duplicate_rules=[{"sobject": "Lead", "fields": ["LastName"], "action": "alert"}])
    await rig.org.seed("Lead", {"LastName": "1", "Company": "River", "Email": "else@example.com"})
    await rig.choose(people={"bypass_alert_rules": True})
    for number in range(1, 4):
        await rig.registered(number)
    await rig.drain()
    assert len(await rig.records("Lead")) == 4


async def test_an_explicit_no_is_written_and_its_absence_is_not(rig: Rig) -> None:
    await rig.org.configure(extra_fields={"Lead": ["OptOut__c | boolean | CUD | Opt Out"]})
    await rig.choose(people={"opt_out_field": "OptOut__c"})
    attendees: list[dict[str, Any]] = [
        {"email": "otter1@example.com", "name": "Said No", "consent": {"marketing": False}},
        {"email": "otter2@example.com", "name": "Said Nothing"},
    ]
    for number, attendee in enumerate(attendees, start=1):
        await rig.registered(number, attendee=attendee)
    await rig.drain()
    leads = {lead["Email"]: lead["OptOut__c"] for lead in await rig.records("Lead")}
    assert leads == {"otter1@example.com": True, "otter2@example.com": False}


async def test_an_option_that_is_not_mapped_fails_the_row_and_says_which(rig: Rig) -> None:
    await rig.org.configure(extra_fields={"Lead": [DIET_FIELD]})
    await rig.choose(rule("Lead", "Diet__c", **{"from": "answers.diet"}, values={"meat": "M"}))
    reg = await rig.registered(1, answers=[DIET])
    await rig.drain()
    job = await rig.job(reg)
    assert job.error is not None
    reported = {name: job.error[name] for name in ("class", "error_code", "fields", "field_label", "value")}
    assert reported == {
        "class": "configuration",
        "error_code": "OPTION_NOT_MAPPED",
        "fields": ["Diet__c"],
        "field_label": "Diet",
        "value": "vegan",
    }
    assert await rig.records("Lead") == []


async def test_a_field_that_vanished_is_left_out_and_nobody_fails(rig: Rig) -> None:
    await rig.org.configure(extra_fields={"Lead": [DIET_FIELD, "Shoe__c | string(10) | CUN | Shoe"]})
    await rig.choose(
        rule("Lead", "Diet__c", **{"from": "answers.diet"}), rule("Lead", "Shoe__c", constant="44")
    )
    await rig.registered(1, answers=[DIET])
    await rig.drain()
    await rig.org.configure(extra_fields={"Lead": ["Shoe__c | string(10) | CUN | Shoe"]})
    later = [await rig.registered(number, answers=[DIET]) for number in range(2, 14)]
    await rig.drain()
    states = await rig.states()
    assert {states[reg] for reg in later} == {"synced"}
    warnings = (await rig.job(later[0])).warnings
    assert [(each["code"], each["field"]) for each in warnings if each["field"] == "Diet__c"] != []
    assert {lead["Shoe__c"] for lead in await rig.records("Lead")} == {"44"}


async def test_a_value_that_the_picklist_lost_fails_until_the_org_has_it_again(rig: Rig) -> None:
    await rig.org.configure(extra_fields={"Lead": ["Diet__c | picklist(40) | CUNR | Diet | vegan; meat"]})
    await rig.choose(rule("Lead", "Diet__c", **{"from": "answers.diet"}))
    reg = await rig.registered(1, answers=[DIET | {"value": "fish"}])
    await rig.drain()
    job = await rig.job(reg)
    assert (job.state, job.error_code) == ("failed", "VALUE_NOT_IN_PICKLIST")
    assert job.error is not None
    assert job.error["value"] == "fish"
    await rig.org.configure(
        extra_fields={"Lead": ["Diet__c | picklist(40) | CUNR | Diet | vegan; meat; fish"]}
    )
    await rig.pass_time(6)
    await rig.requeue(reg, reason="retry")
    await rig.drain()
    [lead] = await rig.records("Lead")
    assert lead["Diet__c"] == "fish"


async def test_an_owner_that_does_not_exist_is_the_hosts_choice_to_correct(rig: Rig) -> None:
    await rig.choose(owner={"how": "fixed", "id": "005000000000001AAA"})
    reg = await rig.registered(1)
    await rig.drain()
    job = await rig.job(reg)
    assert job.error is not None
    assert (job.state, job.error_class, job.error["advice_code"]) == (
        "failed",
        "configuration",
        "reference_not_there",
    )


@pytest.mark.parametrize("creates", ["lead", "contact"])
async def test_an_owner_who_may_not_read_such_records_is_left_out_with_a_warning(
    rig: Rig, creates: str
) -> None:
    [owner] = await rig.org.seed("User", {"LastName": "Owner", "Email": "owner@acme.example"})
    await rig.choose(owner={"how": "fixed", "id": owner}, people={"create": creates})
    await rig.org.fault(
        "row_error",
        error_code="TRANSFER_REQUIRES_READ",
        message="Der Empfänger hat keinen Lesezugriff.",
        match={"body": '"OwnerId"', "sobject": creates.title()},
        count=2,
    )
    regs = [await rig.registered(number) for number in (1, 2)]
    await rig.drain()
    assert await rig.states() == dict.fromkeys(regs, "synced")
    people = await rig.records(creates.title())
    assert [person["OwnerId"] == owner for person in people] == [False, False]
    for reg in regs:
        reported = {(each["code"], each["object"], each["field"]) for each in (await rig.job(reg)).warnings}
        assert ("owner_refused", creates.title(), "OwnerId") in reported


async def test_an_owner_chosen_by_the_org_who_may_not_read_fails_with_advice(rig: Rig) -> None:
    await rig.org.fault(
        "row_error", error_code="TRANSFER_REQUIRES_READ", message="no", match={"sobject": "Lead"}, count=1
    )
    reg = await rig.registered(1)
    await rig.drain()
    job = await rig.job(reg)
    assert job.error is not None
    assert (job.state, job.error_class, job.error["advice_code"]) == (
        "failed",
        "configuration",
        "owner_without_access",
    )
