"""What a duplicate rule matches has another address: a colleague behind the company's phone, a likeness."""

from typing import Any

import pytest
from sqlalchemy import select

from app.models import SyncAttempt
from tests.integration.sync.conftest import Rig

PHONE = "+49 30 1234567"
ANN = {"email": "otter1@example.com", "first_name": "Ann", "last_name": "Otter", "phone": PHONE}
ANN_BEFORE = {"FirstName": "ann", "LastName": "Ötter", "Company": "River", "Email": "ann@old.example"}
BERTA = {"FirstName": "Berta", "LastName": "Beaver", "Company": "River", "Email": "berta@example.com"}


async def rule_on_phone(rig: Rig, action: str, *more: dict[str, Any]) -> None:
    rules = [{"sobject": "Lead", "fields": ["Phone"], "action": action}, *more]
    await rig.org.configure(duplicate_rules=rules)


async def warnings(rig: Rig, reg: str) -> list[str]:
    return [each["code"] for each in (await rig.job(reg)).warnings if each["code"] != "fallback_used"]


async def answers(rig: Rig, reg: str) -> list[dict[str, Any]]:
    async with rig.database.system() as session:
        query = select(SyncAttempt).where(SyncAttempt.registration_id == reg).order_by(SyncAttempt.at)
        return [answer for attempt in await session.scalars(query) for answer in attempt.responses]


@pytest.mark.parametrize("is_alone", [True, False], ids=["alone", "among others"])
@pytest.mark.parametrize(
    ("action", "existing", "adopts", "end", "warned"),
    [
        ("block", ANN_BEFORE, "always", "adopted", []),
        ("block", ANN_BEFORE, "same_name", "adopted", []),
        ("block", ANN_BEFORE, "never", "failed", []),
        ("block", BERTA, "always", "adopted", ["matched_other_name"]),
        ("block", BERTA, "same_name", "failed", []),
        ("block", BERTA, "never", "failed", []),
        ("alert", ANN_BEFORE, "always", "adopted", []),
        ("alert", ANN_BEFORE, "same_name", "adopted", []),
        ("alert", ANN_BEFORE, "never", "new", ["duplicate_alert"]),
        ("alert", BERTA, "always", "new", ["duplicate_alert"]),
        ("alert", BERTA, "same_name", "new", ["duplicate_alert"]),
        ("alert", BERTA, "never", "new", ["duplicate_alert"]),
    ],
)
async def test_what_becomes_of_a_match(
    rig: Rig,
    *,
    action: str,
    existing: dict[str, Any],
    adopts: str,
    end: str,
    warned: list[str],
    is_alone: bool,
) -> None:
    await rule_on_phone(rig, action)
    [known] = await rig.org.seed("Lead", {**existing, "Phone": PHONE})
    await rig.choose(people={"adopt_duplicates": adopts})
    reg = await rig.registered(1, attendee=ANN)
    for number in range(2, 2 if is_alone else 30):
        await rig.registered(number)
    await rig.drain()
    job, person = await rig.job(reg), (await rig.slots(reg)).get("person")
    ends = {
        "adopted": ("synced", known),
        "failed": ("failed", None),
        "new": (
            "synced",
            next((r["Id"] for r in await rig.records("Lead") if r["Email"] == ANN["email"]), 0),
        ),
    }
    assert (job.state, person.sf_id if person else None) == ends[end]
    assert await warnings(rig, reg) == warned
    if end == "failed":
        assert (job.error_class, job.error_code) == ("duplicate", "DUPLICATES_DETECTED")
        assert job.error is not None
        assert job.error["matches"] == [{"object": "Lead", "id": known}]


async def test_the_default_needs_no_choice(rig: Rig) -> None:
    await rule_on_phone(rig, "alert")
    await rig.org.seed("Lead", {**BERTA, "Phone": PHONE})
    reg = await rig.registered(1, attendee=ANN)
    await rig.drain()
    assert sorted(each["FirstName"] for each in await rig.records("Lead")) == ["Ann", "Berta"]
    assert await warnings(rig, reg) == ["duplicate_alert"]


async def test_the_warning_names_the_record_and_stays(rig: Rig) -> None:
    await rule_on_phone(rig, "block")
    [known] = await rig.org.seed("Lead", {**BERTA, "Phone": PHONE})
    reg = await rig.registered(1, attendee=ANN)
    await rig.drain()
    first = (await rig.job(reg)).warnings
    await rig.requeue(reg)
    await rig.drain()
    repeated = [each for each in (await rig.job(reg)).warnings if each["code"] == "matched_other_name"]
    assert repeated == [each for each in first if each["code"] == "matched_other_name"]
    assert f"Berta Beaver (Lead {known})" in repeated[0]["text"]


async def test_the_history_says_who_was_matched_and_how_surely(rig: Rig) -> None:
    await rule_on_phone(rig, "block")
    [known] = await rig.org.seed("Lead", {**BERTA, "Phone": PHONE})
    reg = await rig.registered(1, attendee=ANN)
    await rig.drain()
    matches = [match for answer in await answers(rig, reg) for match in answer.get("matches", ())]
    assert matches == [
        {
            "object": "Lead",
            "id": known,
            "name": "Berta Beaver",
            "email": "berta@example.com",
            "engine": "ExactMatchEngine",
            "confidence": 100.0,
        }
    ]


async def test_what_passed_an_alert_may_meet_a_rule_that_blocks(rig: Rig) -> None:
    block = {"sobject": "Lead", "fields": ["LastName"], "against": ["Contact"]}
    await rule_on_phone(rig, "alert", block)
    await rig.org.seed("Lead", {**BERTA, "Phone": PHONE})
    [contact] = await rig.org.seed("Contact", {"FirstName": "Ann", "LastName": "Otter"})
    regs = [await rig.registered(1, attendee=ANN), await rig.registered(2)]
    await rig.drain()
    assert (await rig.slots(regs[0]))["person"].sf_id == contact
    assert await rig.states() == dict.fromkeys(regs, "synced")


async def test_of_several_matches_the_equal_name_then_the_oldest_contact_is_meant(rig: Rig) -> None:
    await rig.org.configure(
        duplicate_rules=[{"sobject": "Lead", "fields": ["Phone"], "against": ["Lead", "Contact"]}]
    )
    dates = ["2024-01-01T00:00:00.000+0000", "2025-01-01T00:00:00.000+0000"]
    contact = {"FirstName": "Cy", "LastName": "Carp", "Phone": PHONE}
    contacts = await rig.org.seed("Contact", *({**contact, "CreatedDate": each} for each in reversed(dates)))
    [lead] = await rig.org.seed("Lead", {**ANN_BEFORE, "Phone": PHONE})
    attendee = {**ANN, "email": "otter2@example.com", "first_name": "Zoe"}
    regs = [
        await rig.registered(1, attendee=ANN),
        await rig.registered(2, attendee=attendee, email_key=attendee["email"]),
    ]
    await rig.drain()
    people = [(await rig.slots(reg))["person"].sf_id for reg in regs]
    assert people == [lead, contacts[1]]


async def test_a_lead_rule_that_names_a_person_account_means_its_contact(rig: Rig) -> None:
    await rig.org.configure(has_person_accounts=True)
    await rig.choose(people={"create": "person_account"})
    before = {**ANN, "email": "ann@old.example"}
    await rig.registered(1, attendee=before, email_key="ann@old.example")
    await rig.drain()
    [contact] = await rig.records("Contact")
    rule = {"sobject": "Lead", "fields": ["Phone"], "against": ["Account"]}
    await rig.org.configure(duplicate_rules=[rule])
    await rig.choose()
    reg = await rig.registered(2, attendee=ANN, email_key=ANN["email"])
    await rig.drain()
    person = (await rig.slots(reg))["person"]
    assert (person.sobject, person.sf_id) == ("Contact", contact["Id"])


@pytest.mark.parametrize("action", ["block", "alert"])
async def test_a_match_that_nobody_may_see_fails_with_advice(rig: Rig, action: str) -> None:
    rule = {"sobject": "Lead", "fields": ["Phone"], "action": action, "is_match_visible": False}
    await rig.org.configure(duplicate_rules=[rule])
    await rig.org.seed("Lead", {**BERTA, "Phone": PHONE})
    reg = await rig.registered(1, attendee=ANN)
    await rig.drain()
    error = (await rig.job(reg)).error
    assert error is not None
    assert (error["class"], error["advice_code"]) == ("duplicate", "duplicate_no_match")


async def test_an_update_that_an_alert_refuses_is_saved_with_a_warning(rig: Rig) -> None:
    [known] = await rig.org.seed("Lead", {**ANN_BEFORE, "Email": ANN["email"]})
    await rig.org.seed("Lead", {**BERTA, "Phone": PHONE})
    await rule_on_phone(rig, "alert")
    await rig.choose(
        {"object": "Lead", "field": "Phone", "from": "attendee.phone", "mode": "empty"},
        people={"update_existing": True},
    )
    reg = await rig.registered(1, attendee=ANN)
    await rig.drain()
    [lead] = [each for each in await rig.records("Lead") if each["Id"] == known]
    assert (lead["Phone"], (await rig.job(reg)).state) == (PHONE, "synced")
    assert await warnings(rig, reg) == ["duplicate_alert"]


async def test_the_fields_of_a_match_with_another_address_are_left_alone(rig: Rig) -> None:
    await rule_on_phone(rig, "block")
    [known] = await rig.org.seed("Lead", {**BERTA, "Phone": PHONE, "Title": "CEO"})
    await rig.choose(
        {"object": "Lead", "field": "Title", "from": "attendee.job_title", "mode": "overwrite"},
        people={"update_existing": True},
    )
    reg = await rig.registered(1, attendee={**ANN, "job_title": "Otter"})
    await rig.drain()
    await rig.requeue(reg)
    await rig.drain()
    [lead] = [each for each in await rig.records("Lead") if each["Id"] == known]
    assert lead["Title"] == "CEO"


async def test_rows_that_are_saved_beside_their_match_cost_two_calls_and_one_each(rig: Rig) -> None:
    await rule_on_phone(rig, "alert")
    await rig.org.seed("Lead", {**BERTA, "Phone": PHONE})
    attendees = [{**ANN, "email": f"otter{n}@example.com", "first_name": f"Ann{n}"} for n in range(40)]
    for number, attendee in enumerate(attendees):
        await rig.registered(number, attendee=attendee, email_key=attendee["email"])
    await rig.org.control.delete("/calls")
    await rig.drain()
    assert set((await rig.states()).values()) == {"synced"}
    assert (await rig.org.calls())["total"] <= len(attendees) + 5


@pytest.mark.parametrize(
    ("action", "name", "adopts", "accounts", "warned"),
    [
        ("block", "The River GmbH", "always", ["The River GmbH"], []),
        ("block", "Dam", "always", ["Dam"], ["matched_other_name"]),
        ("block", "Dam", "same_name", ["Dam"], None),
        ("alert", "Dam", "always", ["Dam", "River"], ["duplicate_alert"]),
    ],
)
async def test_an_account_of_another_name_is_never_taken_without_a_word(
    rig: Rig, *, action: str, name: str, adopts: str, accounts: list[str], warned: list[str] | None
) -> None:
    rule = {"sobject": "Account", "fields": ["Website"], "action": action}
    await rig.org.configure(duplicate_rules=[rule])
    site = {"object": "Account", "field": "Website", "constant": "https://river.example"}
    await rig.choose(site, people={"create": "contact", "adopt_duplicates": adopts})
    await rig.org.seed("Account", {"Name": name, "Website": "https://river.example"})
    reg = await rig.registered(1, attendee={**ANN, "company": "River"})
    await rig.drain()
    assert sorted(each["Name"] for each in await rig.records("Account")) == accounts
    assert (await rig.job(reg)).state == ("synced" if warned is not None else "failed")
    assert await warnings(rig, reg) == (warned or [])
