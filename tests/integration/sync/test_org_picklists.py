"""Labels and picklists of the org: renamed, or in another language."""

from typing import Any

import pytest

from app.preflight.service import run_preflight
from app.sync.lookup.describe_cache import expire_describes
from tests.integration.sync.conftest import HOST, Rig

GERMAN = [
    {"value": "Nicht begonnen", "is_default": True},
    {"value": "Erledigt", "is_closed": True},
    {"value": "Abgesagt", "is_closed": True},
]


async def forget(rig: Rig) -> None:
    async with rig.database.tenant(HOST) as session:
        await expire_describes(session, host_id=HOST)


@pytest.mark.parametrize(
    ("statuses", "status", "is_closed"),
    [
        (GERMAN, "Erledigt", True),
        ([*GERMAN, {"value": "Completed", "is_closed": True}], "Completed", True),
        ([*GERMAN, {"value": "Completed"}], "Erledigt", True),
        ([{"value": "Offen"}, {"value": "Fertig", "is_closed": True, "is_default": True}], "Fertig", True),
        (
            [{"value": "A", "is_closed": True}, {"value": "B", "is_closed": True, "is_default": True}],
            "B",
            True,
        ),
        ([{"value": "Offen"}], "Completed", False),
    ],
)
@pytest.mark.parametrize("linked", [False, True], ids=["no campaign", "campaign"])
async def test_tasks_get_a_status_that_closes_them(
    rig: Rig, *, statuses: list[dict[str, Any]], status: str, is_closed: bool, linked: bool
) -> None:
    await rig.org.configure(task_statuses=statuses)
    await forget(rig)
    if linked:
        await rig.link(await rig.org.campaign())
    await rig.registered(1)
    await rig.drain()
    [task] = await rig.records("Task")
    assert (task["Status"], task["IsClosed"]) == (status, is_closed)


async def test_the_statuses_are_read_once_beside_the_people(rig: Rig) -> None:
    costs = []
    await rig.registered(0)
    await rig.drain()
    await forget(rig)
    for number in (1, 2):
        await rig.org.control.delete("/calls")
        await rig.registered(number)
        await rig.drain()
        costs.append((await rig.org.calls())["total"])
    assert costs[0] == costs[1]


async def test_the_host_may_choose_another_status(rig: Rig) -> None:
    await rig.org.configure(task_statuses=GERMAN)
    await rig.choose(task_status="Abgesagt")
    await rig.registered(1)
    await rig.drain()
    assert [task["Status"] for task in await rig.records("Task")] == ["Abgesagt"]


@pytest.mark.parametrize(
    ("statuses", "chosen", "is_found"),
    [([{"value": "Offen"}], None, True), (GERMAN, None, False), (GERMAN, "Nicht begonnen", True)],
)
async def test_a_preflight_finds_that_no_status_closes_tasks(
    rig: Rig, *, statuses: list[dict[str, Any]], chosen: str | None, is_found: bool
) -> None:
    await rig.org.configure(task_statuses=statuses)
    await rig.choose(task_status=chosen)
    findings = (await run_preflight(rig.resources, HOST)).findings
    assert ("no_closed_task_status" in [each.code for each in findings]) is is_found


async def test_what_the_preflight_read_of_statuses_is_not_asked_for_again(rig: Rig) -> None:
    await rig.org.configure(task_statuses=GERMAN)
    await run_preflight(rig.resources, HOST)
    await rig.registered(1)
    await rig.drain()
    assert [task["Status"] for task in await rig.records("Task")] == ["Erledigt"]


COUNTRIES = {"DE": "Deutschland", "US": "Vereinigte Staaten"}
STATES = [
    {"name": "Bayern", "code": "BY", "country": "DE"},
    {"name": "Kalifornien", "code": "CA", "country": "US"},
]


async def map_address(rig: Rig, *fields: str) -> None:
    await rig.choose(
        *({"object": "Lead", "field": field, "from": f"answers.{field.lower()}"} for field in fields)
    )


def answers_of(**given: str) -> list[dict[str, str]]:
    return [{"key": key, "label": key, "value": value} for key, value in given.items()]


@pytest.mark.parametrize(
    ("given", "country", "state", "left_out"),
    [
        ({"country": "Germany", "state": "bayern"}, "Deutschland", "Bayern", set()),
        ({"country": "de", "state": "BY"}, "Deutschland", "Bayern", set()),
        ({"country": "U.S.A.", "state": "CA"}, "Vereinigte Staaten", "Kalifornien", set()),
        ({"country": "Atlantis"}, None, None, {"Country"}),
        ({"country": "Germany", "state": "Hyrule"}, "Deutschland", None, {"State"}),
        ({"country": "Germany", "state": "Kalifornien"}, "Deutschland", None, {"State"}),
        ({"state": "Bayern"}, None, None, {"State"}),
        ({"country": "Atlantis", "state": "Bayern"}, None, None, {"Country", "State"}),
    ],
)
@pytest.mark.parametrize("user_language", ["en_US", "de"])
async def test_a_place_that_the_org_does_not_list_is_left_out_and_the_person_written(
    rig: Rig,
    *,
    given: dict[str, str],
    country: str | None,
    state: str | None,
    left_out: set[str],
    user_language: str,
) -> None:
    await rig.org.configure(countries=COUNTRIES, states=STATES, user_language=user_language)
    await map_address(rig, "Country", "State")
    reg = await rig.registered(1, answers=answers_of(**given))
    await rig.drain()
    [lead], job = await rig.records("Lead"), await rig.job(reg)
    assert job.state == "synced"
    assert (lead["Country"], lead["State"]) == (country, state)
    assert {each["field"] for each in job.warnings if each["code"] == "field_dropped"} == left_out


async def test_codes_can_be_mapped_as_names_can(rig: Rig) -> None:
    await rig.org.configure(countries=COUNTRIES, states=STATES)
    await map_address(rig, "CountryCode", "StateCode")
    await rig.registered(1, answers=answers_of(countrycode="Germany", statecode="Bayern"))
    await rig.drain()
    [lead] = await rig.records("Lead")
    assert (lead["Country"], lead["CountryCode"]) == ("Deutschland", "DE")
    assert (lead["State"], lead["StateCode"]) == ("Bayern", "BY")


async def test_a_label_of_a_picklist_counts_as_its_value(rig: Rig) -> None:
    await rig.org.configure(
        restricted_picklists={"Lead.Rating": ["Hot", "Cold"]},
        picklist_labels={"Lead.Rating": {"Hot": "Sehr heiß", "Cold": "Weiß’ nicht"}},
    )
    await map_address(rig, "Rating")
    for number, label in enumerate(("SEHR HEISS", "weiß' nicht", "cold")):
        await rig.registered(number, answers=answers_of(rating=label))
    await rig.drain()
    found = {each["Email"]: each["Rating"] for each in await rig.records("Lead")}
    assert sorted(found.values()) == ["Cold", "Cold", "Hot"]


@pytest.mark.parametrize("user_language", ["en_US", "de"])
@pytest.mark.parametrize("names_its_record", [True, False], ids=["record named", "no record named"])
async def test_who_holds_a_unique_value_is_known_in_every_language(
    rig: Rig, *, user_language: str, names_its_record: bool
) -> None:
    if not names_its_record:
        await rig.org.configure(duplicate_value_message="duplicate value found: {field}")
    await rig.org.configure(
        extra_fields={"Lead": ["Badge__c | string(40) | CUNQ | Badge"]}, user_language=user_language
    )
    await rig.choose(
        {"object": "Lead", "field": "Badge__c", "from": "answers.badge"},
        people={"adopt_duplicates": "always"},
    )
    holder = {"LastName": "Otter 1", "FirstName": "Olga", "Company": "River", "Email": "old@example.com"}
    [known] = await rig.org.seed("Lead", {**holder, "Badge__c": "B-1"})
    reg = await rig.registered(1, answers=answers_of(badge="B-1"))
    await rig.drain()
    job, person = await rig.job(reg), (await rig.slots(reg)).get("person")
    assert (job.state, person.sf_id if person else None) == ("synced", known), job.error
