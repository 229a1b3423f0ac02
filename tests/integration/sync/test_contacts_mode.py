"""New people as Contacts of their companies' Accounts."""

from typing import Any

import pytest

from app.config.settings import Times
from app.sync.lookup import create_context
from tests.integration.sync.conftest import Rig

OLD = "2020-01-01T00:00:00.000+0000"
QUIET = Times().in_doubt


def of(company: str | None, number: int = 1) -> dict[str, Any]:
    return {"email": f"otter{number}@example.com", "name": f"Otter {number}", "company": company}


@pytest.fixture
async def contacts(rig: Rig) -> Rig:
    await rig.choose(people={"create": "contact"})
    return rig


async def test_a_new_person_is_a_contact_with_task_and_member(contacts: Rig) -> None:
    await contacts.link(await contacts.org.campaign())
    reg = await contacts.registered(1, attendee=of("River GmbH"))
    await contacts.drain()
    [contact], [account] = await contacts.records("Contact"), await contacts.records("Account")
    [task], [member] = await contacts.records("Task"), await contacts.records("CampaignMember")
    assert (account["Name"], contact["AccountId"]) == ("River GmbH", account["Id"])
    assert (task["WhoId"], member["ContactId"]) == (contact["Id"], contact["Id"])
    assert await contacts.records("Lead") == []
    assert (await contacts.job(reg)).state == "synced"


async def test_the_oldest_account_of_the_exact_name_wins_over_similar_names(contacts: Rig) -> None:
    [similar] = await contacts.org.seed(
        "Account", {"Name": "River", "CreatedDate": "2020-01-01T00:00:00.000+0000"}
    )
    exact = await contacts.org.seed(
        "Account",
        {"Name": "River GmbH", "CreatedDate": "2024-01-01T00:00:00.000+0000"},
        {"Name": "RIVER GMBH", "CreatedDate": "2023-01-01T00:00:00.000+0000"},
    )
    await contacts.registered(1, attendee=of("River GmbH"))
    await contacts.registered(2, attendee=of("River AG", 2))
    await contacts.drain()
    accounts = {each["Email"]: each["AccountId"] for each in await contacts.records("Contact")}
    assert accounts == {"otter1@example.com": exact[1], "otter2@example.com": similar}
    assert len(await contacts.records("Account")) == 3


@pytest.mark.parametrize(
    ("known", "given"),
    [
        pytest.param("River Group", "The River Group", id="article in front"),
        pytest.param("The River Group", "river group", id="article left out"),
        pytest.param("Muller", "Müller GmbH", id="accent"),
        pytest.param("OBrien Ltd", "O'Brien Ltd.", id="apostrophe"),
        pytest.param("River Inc", "River, Inc.", id="comma"),
    ],
)
async def test_an_account_is_found_that_is_written_otherwise_from_the_first_letter(
    contacts: Rig, known: str, given: str
) -> None:
    [account] = await contacts.org.seed("Account", {"Name": known})
    await contacts.registered(1, attendee=of(given))
    await contacts.drain()
    [contact] = await contacts.records("Contact")
    assert (contact["AccountId"], len(await contacts.records("Account"))) == (account, 1)


async def test_many_accounts_of_one_name_hide_none_of_another(
    contacts: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(create_context, "ACCOUNT_CANDIDATES_MAX", 3)
    await contacts.org.seed("Account", *({"Name": f"Bank {each}", "CreatedDate": OLD} for each in range(4)))
    [acme] = await contacts.org.seed("Account", {"Name": "Acme"})
    await contacts.registered(1, attendee=of("Bank of Otters"))
    await contacts.registered(2, attendee=of("Acme GmbH", 2))
    await contacts.drain()
    accounts = {each["Email"]: each["AccountId"] for each in await contacts.records("Contact")}
    assert accounts["otter2@example.com"] == acme
    assert len(await contacts.records("Account")) == 6


async def test_one_account_is_made_per_company_of_a_batch(contacts: Rig) -> None:
    for number, company in enumerate(["River GmbH", "river gmbh", "River", "Dam Ltd."], start=1):
        await contacts.registered(number, attendee=of(company, number))
    await contacts.drain()
    assert sorted(each["Name"] for each in await contacts.records("Account")) == ["Dam Ltd.", "River GmbH"]
    assert len({each["AccountId"] for each in await contacts.records("Contact")}) == 2


@pytest.mark.parametrize("company", [None, "-", "n/a", "self", "gmail.com", "  "])
async def test_who_has_no_company_belongs_to_no_account(contacts: Rig, company: str | None) -> None:
    await contacts.registered(1, attendee=of(company))
    await contacts.drain()
    [contact] = await contacts.records("Contact")
    assert contact["AccountId"] is None
    assert await contacts.records("Account") == []


@pytest.mark.parametrize("company", [None, "-", "n/a"])
async def test_who_has_no_company_belongs_to_the_account_that_the_host_chose(
    contacts: Rig, company: str | None
) -> None:
    await contacts.choose(people={"create": "contact", "account_for_nobody": "Event guests"})
    for number in (1, 2):
        await contacts.registered(number, attendee=of(company, number))
    await contacts.drain()
    await contacts.registered(3, attendee=of(company, 3))
    await contacts.registered(4, attendee=of("River GmbH", 4))
    await contacts.drain()
    accounts = {each["Id"]: each["Name"] for each in await contacts.records("Account")}
    belong = {each["Email"]: accounts[each["AccountId"]] for each in await contacts.records("Contact")}
    assert sorted(accounts.values()) == ["Event guests", "River GmbH"]
    assert belong == {
        "otter1@example.com": "Event guests",
        "otter2@example.com": "Event guests",
        "otter3@example.com": "Event guests",
        "otter4@example.com": "River GmbH",
    }


async def test_an_existing_account_for_nobody_is_found(contacts: Rig) -> None:
    await contacts.choose(people={"create": "contact", "account_for_nobody": "Event guests"})
    [account] = await contacts.org.seed("Account", {"Name": "EVENT GUESTS"})
    await contacts.registered(1, attendee=of(None))
    await contacts.drain()
    [contact] = await contacts.records("Contact")
    assert (contact["AccountId"], len(await contacts.records("Account"))) == (account, 1)


async def test_a_mapped_name_that_is_no_company_gives_way_to_the_account_for_nobody(contacts: Rig) -> None:
    rule = {"object": "Account", "field": "Name", "from": "answers.firm"}
    await contacts.choose(rule, people={"create": "contact", "account_for_nobody": "Event guests"})
    for number in (1, 2):
        await contacts.registered(number, answers=[{"key": "firm", "label": "Firm", "value": "n/a"}])
        await contacts.drain()
    [account] = await contacts.records("Account")
    assert account["Name"] == "Event guests"


async def test_a_known_contact_is_never_moved_to_another_account(contacts: Rig) -> None:
    [account] = await contacts.org.seed("Account", {"Name": "Lake"})
    await contacts.org.seed(
        "Contact", {"LastName": "Otter", "Email": "otter1@example.com", "AccountId": account}
    )
    await contacts.registered(1, attendee=of("River GmbH"))
    await contacts.drain()
    [contact] = await contacts.records("Contact")
    assert contact["AccountId"] == account
    assert len(await contacts.records("Account")) == 1


@pytest.mark.parametrize("kind", ["reset_after_write", "reset_before_write"])
async def test_a_lost_answer_makes_no_second_account(contacts: Rig, kind: str) -> None:
    await contacts.org.fault(kind, match={"path": "/sobjects/Account$", "method": "POST"})
    regs = [await contacts.registered(number, attendee=of("River GmbH", number)) for number in (1, 2)]
    await contacts.drain()
    assert {(await contacts.job(reg)).state for reg in regs} == {"ambiguous"}
    for seconds in (2, 60, 300, 900):
        await contacts.pass_time(seconds)
        await contacts.drain()
    assert set((await contacts.states()).values()) == {"synced"}
    assert [len(await contacts.records(each)) for each in ("Account", "Contact", "Task")] == [1, 2, 2]


async def test_while_an_account_is_in_doubt_others_of_the_company_wait(contacts: Rig) -> None:
    await contacts.org.fault("reset_before_write", match={"path": "/sobjects/Account$", "method": "POST"})
    await contacts.registered(1, attendee=of("River GmbH"))
    await contacts.drain()
    await contacts.pass_time(2)
    later = await contacts.registered(2, attendee=of("river", 2))
    await contacts.drain()
    assert (await contacts.job(later)).state == "pending"
    assert await contacts.records("Contact") == []


async def test_an_account_that_a_duplicate_rule_names_is_taken(contacts: Rig) -> None:
    await contacts.org.configure(duplicate_rules=[{"sobject": "Account", "fields": ["Website"]}])
    [known] = await contacts.org.seed("Account", {"Name": "Otter Holding", "Website": "river.example"})
    await contacts.choose(
        {"object": "Account", "field": "Website", "constant": "river.example"}, people={"create": "contact"}
    )
    await contacts.registered(1, attendee=of("River GmbH"))
    await contacts.drain()
    [contact] = await contacts.records("Contact")
    assert contact["AccountId"] == known


async def test_who_may_not_create_accounts_creates_contacts_without(contacts: Rig) -> None:
    await contacts.org.configure(read_only_objects=["Account"])
    reg = await contacts.registered(1, attendee=of("River GmbH"))
    await contacts.drain()
    job = await contacts.job(reg)
    assert (job.state, [each["field"] for each in job.warnings]) == ("synced", ["AccountId"])


async def test_a_blocking_rule_on_contacts_never_leads_to_a_lead(contacts: Rig) -> None:
    await contacts.org.configure(
        validation_rules=[{"sobject": "Contact", "when": "LastName = '1'", "message": "Never."}]
    )
    reg = await contacts.registered(1, attendee=of(None))
    await contacts.drain()
    assert (await contacts.job(reg)).error_code == "FIELD_CUSTOM_VALIDATION_EXCEPTION"
    assert await contacts.records("Lead") == []


async def test_match_only_creates_nobody_and_looks_again_at_the_next_happening(rig: Rig) -> None:
    await rig.choose(people={"create": "nobody"})
    reg = await rig.registered(1)
    await rig.drain()
    job = await rig.job(reg)
    assert (job.state, job.skipped_because) == ("skipped", "no_match")
    [contact] = await rig.org.seed("Contact", {"LastName": "Otter", "Email": "otter1@example.com"})
    await rig.requeue(reg)
    await rig.drain()
    assert (await rig.slots(reg))["person"].sf_id == contact
    assert await rig.records("Lead") == []


@pytest.mark.parametrize("kind", ["reset_after_write", "reset_before_write"])
@pytest.mark.parametrize("crowd", [1, 12], ids=["one with the rest", "many"])
async def test_a_lost_answer_makes_no_second_contact(contacts: Rig, kind: str, crowd: int) -> None:
    await contacts.link(await contacts.org.campaign())
    await contacts.org.fault(kind, match={"is_write": True})
    for number in range(crowd):
        await contacts.registered(number)
    for seconds in (0, 2, 60, 300, 900):
        await contacts.pass_time(seconds)
        await contacts.drain()
    assert set((await contacts.states()).values()) == {"synced"}
    everything = ("Contact", "Task", "CampaignMember", "Lead")
    assert [len(await contacts.records(each)) for each in everything] == [crowd, crowd, crowd, 0]


async def test_where_the_host_chose_the_accounts_name_it_is_found_by_that(contacts: Rig) -> None:
    name = {"object": "Account", "field": "Name", "from": "answers.firm"}
    await contacts.choose(name, people={"create": "contact"})
    for number in (1, 2):
        answers = [{"key": "firm", "value": "Dam Ltd."}]
        await contacts.registered(number, attendee=of("ignored", number), answers=answers)
        await contacts.drain()
    [account] = await contacts.records("Account")
    assert account["Name"] == "Dam Ltd."
    assert {each["AccountId"] for each in await contacts.records("Contact")} == {account["Id"]}


async def test_an_account_that_lands_late_is_found_and_not_repeated(contacts: Rig) -> None:
    await contacts.org.fault("late_apply", seconds=36000, match={"path": "/sobjects/Account$"})
    reg = await contacts.registered(1, attendee=of("River GmbH"))
    await contacts.drain()
    await contacts.pass_time(QUIET / 2)
    await contacts.drain()
    assert ((await contacts.job(reg)).state, await contacts.records("Account")) == ("ambiguous", [])
    await contacts.org.control.post("/settle")
    await contacts.pass_time(QUIET)
    await contacts.drain()
    [account], [contact] = await contacts.records("Account"), await contacts.records("Contact")
    assert (contact["AccountId"], (await contacts.job(reg)).state) == (account["Id"], "synced")


async def test_without_quiet_time_a_late_account_is_doubled(contacts: Rig) -> None:
    """The control: with the guard off the damage is there, so the guard is what prevents it."""
    unguarded = contacts.with_settings(guards_off=frozenset({"quiet"}))
    await contacts.org.fault("late_apply", seconds=36000, match={"path": "/sobjects/Account$"})
    await contacts.registered(1, attendee=of("River GmbH"))
    await contacts.drain(engine=unguarded)
    await contacts.pass_time(60)
    await contacts.drain(engine=unguarded)
    await contacts.org.control.post("/settle")
    assert len(await contacts.records("Account")) == 2


async def test_a_doubt_about_an_account_ends_when_leads_are_wanted_again(contacts: Rig) -> None:
    await contacts.org.fault("late_apply", seconds=36000, match={"path": "/sobjects/Account$"})
    reg = await contacts.registered(1, attendee=of("River GmbH"))
    await contacts.drain()
    await contacts.choose()
    for seconds in (2, QUIET / 2, QUIET):
        await contacts.pass_time(seconds)
        await contacts.drain()
    assert (await contacts.job(reg)).state == "synced"
    assert "ambiguous" not in {slot.state for slot in (await contacts.slots(reg)).values()}
    assert [len(await contacts.records(each)) for each in ("Lead", "Contact")] == [1, 0]
