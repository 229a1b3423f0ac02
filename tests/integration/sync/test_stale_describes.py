"""The org changed since its describes were fetched: deleted fields, unlisted values, permissions."""

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select

from app.models import DescribeCache
from tests.factories import NOW
from tests.integration.sync.conftest import HOST, Rig

SHOE = "Shoe__c | string(10) | CUN | Shoe size"
DIET = "Diet__c | string(40) | CUN | Diet"


def rule(sobject: str, field: str, **how: Any) -> dict[str, Any]:
    return {"object": sobject, "field": field, **how}


async def fetched_at(rig: Rig) -> dict[str, datetime]:
    """When each object was asked for."""
    query = select(DescribeCache).where(DescribeCache.sobject != "TaskStatus")
    async with rig.database.system() as session:
        return {row.sobject: row.fetched_at for row in await session.scalars(query)}


async def calls_of_a_drain(rig: Rig, number: int) -> int:
    before = (await rig.org.calls())["total"]
    await rig.registered(number)
    await rig.drain()
    return int((await rig.org.calls())["total"]) - int(before)


async def test_describes_are_fetched_once_and_kept(rig: Rig) -> None:
    await rig.org.configure(extra_fields={"Lead": [DIET]})
    await rig.choose(rule("Lead", "Diet__c", constant="any"))
    costs = [await calls_of_a_drain(rig, 1)]
    first = await fetched_at(rig)
    costs += [await calls_of_a_drain(rig, number) for number in (2, 3)]
    assert (set(first), await fetched_at(rig)) == ({"Lead", "Contact", "Task"}, first)
    assert costs[0] - 1 == costs[1] == costs[2]


async def test_default_rules_ask_for_the_key_of_activities_in_the_look_itself(rig: Rig) -> None:
    assert await calls_of_a_drain(rig, 1) == await calls_of_a_drain(rig, 2)
    assert set(await fetched_at(rig)) == {"Task"}


async def test_describes_are_fetched_again_after_a_day(rig: Rig) -> None:
    await rig.choose(people={"update_existing": False}, owner={"how": "leave", "run_assignment_rules": False})
    await rig.registered(1)
    await rig.drain()
    first = await fetched_at(rig)
    await rig.pass_time(25 * 3600)
    await rig.registered(2)
    await rig.drain()
    again = await fetched_at(rig)
    assert set(again) == set(first) == {"Lead", "Contact", "Task"}
    assert all(again[each] > first[each] for each in first)


async def test_an_object_that_was_hidden_is_looked_for_again_soon(rig: Rig) -> None:
    await rig.org.configure(hidden_objects=["Account"])
    await rig.choose(people={"create": "contact"})
    await rig.registered(1)
    await rig.drain()
    await rig.org.configure(hidden_objects=[])
    await rig.pass_time(16 * 60)
    newcomer = {"email": "vole@example.com", "name": "Vole", "company": "Northwind"}
    await rig.registered(2, attendee=newcomer, email_key="vole@example.com")
    await rig.drain()
    assert [row["Name"] for row in await rig.records("Account")] == ["Northwind"]


async def test_a_backlog_that_meets_a_lost_field_costs_few_calls(rig: Rig) -> None:
    await rig.org.configure(extra_fields={"Lead": [DIET, SHOE]})
    await rig.choose(rule("Lead", "Diet__c", constant="any"), rule("Lead", "Shoe__c", constant="44"))
    await rig.registered(0)
    await rig.drain()
    await rig.pass_time(60)
    await rig.org.configure(extra_fields={"Lead": [SHOE]})
    await rig.org.control.delete("/calls")
    for number in range(1, 41):
        await rig.registered(number)
    await rig.drain()
    assert set((await rig.states()).values()) == {"synced"}
    assert (await rig.org.calls())["total"] < 12
    assert {lead["Shoe__c"] for lead in await rig.records("Lead")} == {"44"}


async def test_a_field_that_is_read_of_known_people_may_vanish(rig: Rig) -> None:
    await rig.org.configure(extra_fields={"Contact": [DIET]})
    await rig.org.seed("Contact", {"LastName": "Otter", "Email": "otter1@example.com"})
    await rig.choose(
        rule("Contact", "Diet__c", constant="any", mode="overwrite"), people={"update_existing": True}
    )
    reg = await rig.registered(1)
    await rig.drain()
    await rig.org.configure(extra_fields={"Contact": []})
    await rig.requeue(reg)
    await rig.drain()
    assert (await rig.job(reg)).state == "synced"


async def test_a_member_field_that_vanished_is_left_out_of_the_update(rig: Rig) -> None:
    await rig.org.configure(extra_fields={"CampaignMember": [DIET]})
    await rig.choose(rule("CampaignMember", "Diet__c", **{"from": "answers.diet"}, mode="overwrite"))
    await rig.link(await rig.org.campaign())
    reg = await rig.registered(1)
    await rig.drain()
    await rig.org.configure(extra_fields={"CampaignMember": []})
    await rig.change(reg, answers=[{"key": "diet", "value": "fish"}])
    await rig.drain()
    assert (await rig.job(reg)).state == "synced"


async def test_a_field_that_may_only_be_read_is_left_out_with_a_warning(rig: Rig) -> None:
    await rig.org.configure(extra_fields={"Lead": [DIET]})
    await rig.choose(rule("Lead", "Diet__c", constant="any"))
    await rig.registered(1)
    await rig.drain()
    await rig.org.configure(read_only_fields={"Lead": ["Diet__c"]})
    reg = await rig.registered(2)
    await rig.drain()
    job = await rig.job(reg)
    assert job.state == "synced"
    assert ("field_dropped", "Diet__c") in [(each["code"], each["field"]) for each in job.warnings]


async def test_a_required_field_without_value_names_the_field_as_people_see_it(rig: Rig) -> None:
    await rig.choose(rule("Lead", "Title", constant="Otter"))
    await rig.registered(1)
    await rig.drain()
    await rig.org.configure(extra_fields={"Lead": ["Region__c | string(40) | CU | Sales region"]})
    await rig.pass_time(60)
    reg = await rig.registered(2)
    await rig.drain()
    job = await rig.job(reg)
    assert (job.state, job.error_class, job.error_code) == (
        "failed",
        "configuration",
        "REQUIRED_FIELD_MISSING",
    )
    error = job.error
    assert error is not None
    assert (error["fields"], error["field_label"]) == (["Region__c"], "Sales region")


async def test_required_fields_get_values_where_the_host_wants_that(rig: Rig) -> None:
    await rig.org.configure(extra_fields={"Lead": ["Region__c | string(40) | CU | Sales region"]})
    await rig.choose(people={"fill_required": True})
    reg = await rig.registered(1)
    await rig.drain()
    [lead] = await rig.records("Lead")
    assert lead["Region__c"] == "[not provided]"
    assert "fallback_used" in {each["code"] for each in (await rig.job(reg)).warnings}


async def test_a_value_that_the_org_unlisted_meanwhile_fails_by_name_and_passes_once_listed(rig: Rig) -> None:
    listed = {"restricted_picklists": {"Lead.Rating": ["Hot", "Warm"]}}
    await rig.org.configure(**listed)
    await rig.choose(rule("Lead", "Rating", constant="Hot"))
    await rig.registered(1)
    await rig.drain()
    await rig.org.configure(restricted_picklists={"Lead.Rating": ["Cold"]})
    await rig.pass_time(60)
    reg = await rig.registered(2)
    await rig.drain()
    job = await rig.job(reg)
    assert job.error is not None
    reported = {
        name: job.error[name] for name in ("error_code", "fields", "field_label", "value", "advice_code")
    }
    assert reported == {
        "error_code": "VALUE_NOT_IN_PICKLIST",
        "fields": ["Rating"],
        "field_label": "Rating",
        "value": "Hot",
        "advice_code": "restricted_picklist",
    }
    await rig.org.configure(**listed)
    await rig.pass_time(6)
    await rig.requeue(reg, reason="retry")
    await rig.drain()
    assert (await rig.job(reg)).state == "synced"


@pytest.mark.parametrize("age", [10, 60], ids=["just fetched", "fetched a while ago"])
async def test_a_misfit_refetches_the_describe_at_most_twice_a_minute(rig: Rig, age: int) -> None:
    await rig.org.configure(restricted_picklists={"Lead.Rating": ["Hot"]})
    await rig.choose(rule("Lead", "Rating", **{"from": "answers.a"}))
    await rig.registered(1)
    await rig.drain()
    await rig.pass_time(age)
    reg = await rig.registered(2, answers=[{"key": "a", "value": "Lukewarm"}])
    await rig.drain()
    assert (await rig.job(reg)).error_code == "VALUE_NOT_IN_PICKLIST"
    async with rig.database.system() as session:
        kept = await session.get_one(DescribeCache, (HOST, rig.org.org_id, "Lead"))
    assert kept.is_stale is (age > 30)


async def test_an_opt_out_field_that_vanished_is_reported_and_attendance_recorded(rig: Rig) -> None:
    await rig.org.configure(extra_fields={"Contact": ["OptOut__c | boolean | CUD | Opt Out"]})
    await rig.org.seed("Contact", {"LastName": "Otter", "Email": "otter1@example.com"})
    await rig.choose(people={"opt_out_field": "OptOut__c"})
    reg = await rig.registered(1)
    await rig.drain()
    await rig.org.configure(read_only_fields={"Contact": ["OptOut__c"]})
    said_no = {"email": "otter1@example.com", "name": "Otter", "consent": {"marketing": False}}
    await rig.change(reg, attendee=said_no, checked_in_at=NOW)
    await rig.drain()
    job = await rig.job(reg)
    assert (job.state, job.is_attended) == ("synced", True)
    assert "opted_out" in {each["code"] for each in job.warnings}


async def test_an_account_field_that_vanished_is_left_out(rig: Rig) -> None:
    await rig.org.configure(extra_fields={"Account": [DIET]})
    await rig.choose(rule("Account", "Diet__c", constant="any"), people={"create": "contact"})
    attendee = {"name": "Ada Otter", "company": "River"}
    await rig.registered(1, attendee={"email": "otter1@example.com", **attendee})
    await rig.drain()
    await rig.org.configure(extra_fields={"Account": []})
    reg = await rig.registered(2, attendee={"email": "otter2@example.com", **attendee, "company": "Dam"})
    await rig.drain()
    assert (await rig.job(reg)).state == "synced"
    assert sorted(each["Name"] for each in await rig.records("Account")) == ["Dam", "River"]


async def test_failures_of_one_field_are_one_group_whatever_the_attendees_answered(rig: Rig) -> None:
    await rig.org.configure(extra_fields={"Lead": [DIET]})
    await rig.choose(rule("Lead", "Diet__c", **{"from": "answers.diet"}, values={"meat": "M"}))
    answers = ["vegan", "nothing blue"]
    regs = [
        await rig.registered(number, answers=[{"key": "diet", "value": answer}])
        for number, answer in enumerate(answers)
    ]
    await rig.drain()
    assert len({(await rig.job(reg)).group_id for reg in regs}) == 1


async def test_a_field_that_became_shorter_is_described_again_and_the_value_cut(rig: Rig) -> None:
    await rig.org.configure(extra_fields={"Lead": [SHOE]})
    await rig.choose(rule("Lead", "Shoe__c", constant="forty-four"))
    await rig.registered(1)
    await rig.drain()
    await rig.pass_time(60)
    await rig.org.configure(extra_fields={"Lead": ["Shoe__c | string(5) | CUN | Shoe size"]})
    reg = await rig.registered(2)
    await rig.drain()
    job = await rig.job(reg)
    assert job.state == "synced"
    assert ("value_cut", "Shoe__c") in [(each["code"], each["field"]) for each in job.warnings]


async def test_what_a_fresh_describe_does_not_explain_fails_after_one_more_try(rig: Rig) -> None:
    await rig.choose(rule("Lead", "Title", constant="CTO"))
    refusal = {"error_code": "STRING_TOO_LONG", "fields": ["Title"], "match": {"sobject": "Lead"}}
    await rig.org.fault("row_error", **refusal, count=None)
    reg = await rig.registered(1)
    await rig.drain()
    job = await rig.job(reg)
    assert (job.state, job.error_code, job.attempts) == ("failed", "STRING_TOO_LONG", 2)
