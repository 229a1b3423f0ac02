"""Fields that the org refuses on an update, whatever its describe says: left out, and the rest arrives."""

from typing import Any

import pytest

from tests.factories import NOW
from tests.integration.sync.conftest import Rig

DIET = "Diet__c | string(40) | CUN | Diet"
REFUSED = {"error_code": "INVALID_FIELD_FOR_INSERT_UPDATE", "fields": ["Diet__c"]}
EMAIL = "otter1@example.com"


def diet(value: str) -> list[dict[str, str]]:
    return [{"key": "diet", "value": value}]


async def chosen(rig: Rig, sobject: str) -> None:
    """The answer about the diet goes to this object, which has a field for it."""
    await rig.org.configure(extra_fields={sobject: [DIET]})
    rule = {"object": sobject, "field": "Diet__c", "from": "answers.diet", "mode": "overwrite"}
    await rig.choose(rule, people={"update_existing": True})
    await rig.org.seed("Contact", {"LastName": "Otter", "Email": EMAIL})
    await rig.link(await rig.org.campaign())


async def refuse_diets(rig: Rig, sobject: str) -> None:
    match = {"sobject": sobject, "body": "Diet__c"}
    await rig.org.fault("row_error", **REFUSED, match=match, count=None)


async def record(rig: Rig, sobject: str) -> dict[str, Any]:
    [found] = await rig.records(sobject)
    return found


@pytest.mark.parametrize("sobject", ["CampaignMember", "Contact"])
@pytest.mark.parametrize("number", [1, 2], ids=["one ticket", "two tickets"])
async def test_a_field_that_the_org_refuses_for_ever_does_not_keep_a_check_in_away(
    rig: Rig, sobject: str, number: int
) -> None:
    await chosen(rig, sobject)
    person = {"attendee": {"email": EMAIL, "name": "Otter"}, "email_key": EMAIL}
    regs = [await rig.registered(each, **person, answers=diet("nuts")) for each in range(number)]
    await rig.drain()
    await refuse_diets(rig, sobject)
    for reg in regs:
        await rig.change(reg, answers=diet("fish"), checked_in_at=NOW)
    await rig.drain()
    for reg in regs:
        job = await rig.job(reg)
        assert (job.state, job.is_attended) == ("synced", True)
        assert ("field_dropped", "Diet__c") in [(each["code"], each["field"]) for each in job.warnings]
    assert (await record(rig, "CampaignMember"))["Status"] == "Responded"


@pytest.mark.parametrize("sobject", ["CampaignMember", "Contact"])
@pytest.mark.parametrize("checked_in_at", [NOW, None], ids=["with a check-in", "alone"])
async def test_a_field_that_was_refused_is_tried_again_with_the_next_fact(
    rig: Rig, sobject: str, checked_in_at: Any
) -> None:
    await chosen(rig, sobject)
    reg = await rig.registered(1, answers=diet("nuts"))
    await rig.drain()
    await refuse_diets(rig, sobject)
    await rig.change(reg, answers=diet("fish"), checked_in_at=checked_in_at)
    await rig.drain()
    assert (await record(rig, sobject))["Diet__c"] == "nuts"
    await rig.org.control.delete("/faults")
    await rig.requeue(reg)
    await rig.drain()
    assert (await record(rig, sobject))["Diet__c"] == "fish"


async def test_a_field_that_is_refused_for_ever_costs_one_refusal_per_fact(rig: Rig) -> None:
    await chosen(rig, "CampaignMember")
    reg = await rig.registered(1, answers=diet("nuts"))
    await rig.drain()
    await refuse_diets(rig, "CampaignMember")
    await rig.change(reg, answers=diet("fish"))
    await rig.drain()
    job = await rig.job(reg)
    assert (job.state, job.attempts) == ("synced", 2)


async def test_a_standard_field_that_is_refused_for_ever_is_left_out_of_a_known_person(rig: Rig) -> None:
    await chosen(rig, "Contact")
    refused = {**REFUSED, "fields": ["Title"], "match": {"sobject": "Contact", "body": "Title"}}
    await rig.org.fault("row_error", **refused, count=None)
    about = {"email": EMAIL, "name": "Otter", "job_title": "CTO", "phone": "030 1"}
    reg = await rig.registered(1, attendee=about)
    await rig.drain()
    job, found = await rig.job(reg), await record(rig, "Contact")
    assert (job.state, found["Title"], found["Phone"]) == ("synced", None, "030 1")
