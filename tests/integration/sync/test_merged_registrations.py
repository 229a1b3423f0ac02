"""Several registrations of one person in one batch are merged as if written one after another."""

from datetime import timedelta
from typing import Any

import pytest

from tests.factories import NOW
from tests.integration.sync.conftest import Rig

EMAIL = "otter1@example.com"
SAYS_NO = {"consent": {"marketing": False}}
UPDATING = {"update_existing": True}
OPT_OUT = "OptOut__c | boolean | CUD | Opt Out"
DIET = "Diet__c | multipicklist(100) | CUN | Diet | vegan; nuts; fish"
SHOE = "Shoe__c | string(10) | CUN | Shoe size"


def rule(sobject: str, field: str, **how: Any) -> dict[str, Any]:
    return {"object": sobject, "field": field, **how}


def overwritten(sobject: str, field: str, source: str) -> dict[str, Any]:
    return rule(sobject, field, **{"from": source}, mode="overwrite")


def answered(**given: str) -> dict[str, Any]:
    return {"answers": [{"key": key, "value": value} for key, value in given.items()]}


async def two_tickets(rig: Rig, first: dict[str, Any], second: dict[str, Any]) -> tuple[str, str]:
    """Of one address, an hour apart; `attendee` goes beside the name."""
    regs = []
    for number, given in enumerate((first, second)):
        more = dict(given)
        about = {"email": EMAIL, "name": "Otter One", **more.pop("attendee", {})}
        moment = NOW + timedelta(hours=number)
        regs.append(
            await rig.registered(number, attendee=about, email_key=EMAIL, registered_at=moment, **more)
        )
    return regs[0], regs[1]


async def contact(rig: Rig, **fields: Any) -> str:
    [contact_id] = await rig.org.seed("Contact", {"LastName": "Otter", "Email": EMAIL, **fields})
    return contact_id


@pytest.mark.parametrize("who", [0, 1], ids=["the first ticket", "the later ticket"])
@pytest.mark.parametrize("sobject", ["Lead", "Contact"], ids=["new", "known"])
async def test_an_opt_out_on_any_of_two_tickets_is_written(rig: Rig, sobject: str, who: int) -> None:
    await rig.org.configure(extra_fields={"Lead": [OPT_OUT], "Contact": [OPT_OUT]})
    if sobject == "Contact":
        await contact(rig)
    await rig.choose(people={"opt_out_field": "OptOut__c"})
    changes: list[dict[str, Any]] = [{}, {}]
    changes[who] = {"attendee": SAYS_NO}
    await two_tickets(rig, *changes)
    await rig.drain()
    assert [each["OptOut__c"] for each in await rig.records(sobject)] == [True]


async def test_an_opt_out_of_an_older_ticket_is_still_owed_after_a_refused_update(rig: Rig) -> None:
    await rig.org.configure(
        extra_fields={"Contact": [OPT_OUT]},
        validation_rules=[{"sobject": "Contact", "when": "OptOut__c = true"}],
    )
    await contact(rig)
    await rig.choose(people={"opt_out_field": "OptOut__c"})
    older, _ = await two_tickets(rig, {"attendee": SAYS_NO}, {})
    await rig.drain()
    assert (await rig.job(older)).state == "failed"
    await rig.org.configure(validation_rules=[])
    await rig.requeue(older, reason="retry")
    await rig.drain()
    assert [each["OptOut__c"] for each in await rig.records("Contact")] == [True]


async def test_what_only_the_older_ticket_says_of_a_known_person_is_written(rig: Rig) -> None:
    await contact(rig)
    rules = [overwritten("Contact", "Title", "attendee.job_title")]
    await rig.choose(*rules, overwritten("Contact", "Phone", "attendee.phone"), people=UPDATING)
    older, newer = {"job_title": "CTO", "phone": "030 1"}, {"phone": "030 2"}
    await two_tickets(rig, {"attendee": older}, {"attendee": newer})
    await rig.org.control.delete("/calls")
    await rig.drain()
    [found] = await rig.records("Contact")
    assert (found["Title"], found["Phone"]) == ("CTO", "030 2")
    assert set((await rig.states()).values()) == {"synced"}


async def test_options_of_both_tickets_are_added_to_a_known_person(rig: Rig) -> None:
    await rig.org.configure(extra_fields={"Contact": [DIET]})
    await contact(rig, Diet__c="vegan")
    await rig.choose(rule("Contact", "Diet__c", **{"from": "answers.diet"}, mode="append"), people=UPDATING)
    await two_tickets(rig, answered(diet="nuts"), answered(diet="fish"))
    await rig.drain()
    assert [each["Diet__c"] for each in await rig.records("Contact")] == ["vegan;nuts;fish"]


async def test_a_new_person_has_what_the_later_ticket_corrects(rig: Rig) -> None:
    await rig.choose(overwritten("Lead", "Title", "attendee.job_title"), people=UPDATING)
    older, _ = await two_tickets(
        rig, {"attendee": {"job_title": "CTO"}}, {"attendee": {"job_title": "CEO", "phone": "030 2"}}
    )
    await rig.drain()
    [lead] = await rig.records("Lead")
    assert (lead["Title"], lead["Phone"]) == ("CEO", "030 2")
    await rig.change(older, checked_in_at=NOW + timedelta(hours=2))
    await rig.drain()
    assert [each["Title"] for each in await rig.records("Lead")] == ["CEO"]


async def test_a_new_person_is_as_the_first_ticket_says_where_updating_is_off(rig: Rig) -> None:
    await rig.choose(overwritten("Lead", "Title", "attendee.job_title"))
    await two_tickets(rig, {"attendee": {"job_title": "CTO"}}, {"attendee": {"job_title": "CEO"}})
    await rig.drain()
    assert [each["Title"] for each in await rig.records("Lead")] == ["CTO"]


@pytest.mark.parametrize("is_member", [False, True], ids=["new member", "known member"])
async def test_a_member_has_the_answers_of_both_tickets_the_later_over_the_earlier(
    rig: Rig, is_member: bool
) -> None:
    await rig.org.configure(extra_fields={"CampaignMember": [SHOE, DIET, "Hat__c | string(9) | CUN | Hat"]})
    fields = {"Shoe__c": "shoe", "Diet__c": "diet", "Hat__c": "hat"}
    await rig.choose(*(overwritten("CampaignMember", name, f"answers.{key}") for name, key in fields.items()))
    campaign = await rig.org.campaign()
    await rig.link(campaign)
    if is_member:
        member = {"CampaignId": campaign, "ContactId": await contact(rig), "Status": "Sent"}
        await rig.org.seed("CampaignMember", member)
    older, _ = await two_tickets(rig, answered(shoe="44", diet="nuts"), answered(diet="fish", hat="M"))
    await rig.drain()
    [found] = await rig.records("CampaignMember")
    assert [found[name] for name in fields] == ["44", "fish", "M"]
    await rig.change(older, checked_in_at=NOW + timedelta(hours=2))
    await rig.drain()
    [found] = await rig.records("CampaignMember")
    assert [found[name] for name in (*fields, "Status")] == ["44", "fish", "M", "Responded"]


async def test_a_ticket_whose_answer_has_no_place_does_not_hold_up_the_other(rig: Rig) -> None:
    await rig.org.configure(extra_fields={"CampaignMember": [SHOE], "Lead": []})
    await rig.choose(
        rule("CampaignMember", "Shoe__c", **{"from": "answers.shoe"}, values={"big": "L"}, mode="overwrite")
    )
    await rig.link(await rig.org.campaign())
    older, newer = await two_tickets(rig, answered(shoe="green"), answered(shoe="big"))
    await rig.drain()
    assert await rig.states() == {older: "failed", newer: "synced"}
    assert [each["Shoe__c"] for each in await rig.records("CampaignMember")] == ["L"]


async def test_a_ticket_of_another_address_changes_nothing_of_the_person_known_by_an_id(rig: Rig) -> None:
    key = "Legacy_Id__c | string(40) | CUNX | Legacy Id"
    await rig.org.configure(extra_fields={"Lead": [key], "Contact": [key]})
    by_id = {"field": "Legacy_Id__c", "from": "attendee.id"}
    await rig.choose(
        overwritten("Lead", "Title", "attendee.job_title"), people={**UPDATING, "match_by": by_id}
    )
    await rig.registered(1, attendee={"id": "per_51", "email": EMAIL, "name": "Otter", "job_title": "CTO"})
    other = {"id": "per_51", "email": "b@example.com", "name": "Otter", "job_title": "CEO"}
    reg = await rig.registered(
        2, attendee=other, email_key="b@example.com", registered_at=NOW + timedelta(hours=1)
    )
    await rig.drain()
    await rig.change(reg, checked_in_at=NOW + timedelta(hours=2))
    await rig.drain()
    assert [(each["Email"], each["Title"]) for each in await rig.records("Lead")] == [(EMAIL, "CTO")]
