"""The endpoints that list the org's fields with types and values, and the sources of values."""

from typing import Any

import pytest
from sqlalchemy import update

from app.models import Registration
from tests.api.answers import body_of, problem
from tests.api.field_mapping.dashboard import DIET, EVENT, HOST, MappingDashboard
from tests.factories import NOW
from tests.factories_events import event_for, registration_for


async def fields(dashboard: MappingDashboard, sobject: str, **params: str) -> dict[str, Any]:
    return body_of(await dashboard.http.get(f"{HOST}/objects/{sobject}/fields", params=params))


def named(body: dict[str, Any], name: str) -> dict[str, Any]:
    [field] = [each for each in body["fields"] if each["name"] == name]
    return dict(field)


async def test_fields_have_labels_types_and_values(dashboard: MappingDashboard) -> None:
    body = await fields(dashboard, "Lead")
    assert (body["object"], body["label"], body["is_written"]) == ("Lead", "Lead", True)
    assert named(body, "Diet__c") == {
        "name": "Diet__c",
        "label": "Diet",
        "type": "picklist",
        "length": 255,
        "is_required": False,
        "is_createable": True,
        "is_updateable": True,
        "is_external_id": False,
        "is_restricted": True,
        "is_mappable": True,
        "why_not": None,
        "values": [{"value": each, "label": each} for each in ("Vegetarian", "Vegan", "None")],
    }
    assert named(body, "Company")["is_required"]
    labels = [each["label"].casefold() for each in body["fields"]]
    assert labels == sorted(labels)


async def test_field_that_no_rule_may_fill_says_why(dashboard: MappingDashboard) -> None:
    body = await fields(dashboard, "Lead")
    why = {name: named(body, name)["why_not"] for name in ("OwnerId", "CreatedDate", "Email", "Title")}
    assert why["Title"] is None
    assert why["OwnerId"] == "choose it under owner"
    assert why["CreatedDate"] == "read-only for the connected user"
    assert why["Email"] == "people are matched by it"
    assert all(each["is_mappable"] == (each["why_not"] is None) for each in body["fields"])


async def test_record_types_are_listed_without_the_master(dashboard: MappingDashboard) -> None:
    guest = {"sobject": "Lead", "developer_name": "Guest", "name": "Guest of ours", "is_default": True}
    await dashboard.rig.org.configure(record_types=[guest])
    [record_type] = (await fields(dashboard, "Lead"))["record_types"]
    assert record_type == {
        "developer_name": "Guest",
        "name": "Guest of ours",
        "is_available": True,
        "is_default": True,
    }


async def test_fields_are_cached_until_a_refresh_is_asked_for(dashboard: MappingDashboard) -> None:
    await fields(dashboard, "Lead")
    changed = {"Lead": [*DIET["Lead"], "Shoes__c | double | CUN | Shoe size"]}
    await dashboard.rig.org.configure(extra_fields=changed)
    calls = await dashboard.calls()
    assert "Shoes__c" not in [each["name"] for each in (await fields(dashboard, "Lead"))["fields"]]
    assert await dashboard.calls() == calls
    assert "Shoes__c" in [
        each["name"] for each in (await fields(dashboard, "Lead", refresh="true"))["fields"]
    ]
    assert await dashboard.calls() == calls + 1


@pytest.mark.parametrize("sobject", ["Event", "Case"])
async def test_what_is_switched_off_can_be_looked_at(dashboard: MappingDashboard, sobject: str) -> None:
    assert (await fields(dashboard, sobject))["is_written"] is True


async def test_hidden_object_is_reported_as_such(dashboard: MappingDashboard) -> None:
    await dashboard.rig.org.configure(hidden_objects=["Account"])
    answer = await dashboard.http.get(f"{HOST}/objects/Account/fields")
    assert problem(answer) == (404, "ObjectNotVisible")
    assert answer.json()["advice"]["steps"]


async def test_refused_field_list_says_nothing_of_campaigns(dashboard: MappingDashboard) -> None:
    await dashboard.rig.org.fault("error", status=403, error_code="INSUFFICIENT_ACCESS")
    answer = await dashboard.http.get(f"{HOST}/objects/Lead/fields")
    assert problem(answer) == (404, "ObjectNotVisible")
    assert answer.json()["salesforce"]["error_code"] == "INSUFFICIENT_ACCESS"


@pytest.mark.parametrize("sobject", ["Opportunity", "lead", "User"])
async def test_other_objects_are_not_looked_at(dashboard: MappingDashboard, sobject: str) -> None:
    answer = await dashboard.http.get(f"{HOST}/objects/{sobject}/fields")
    assert problem(answer) == (422, "PayloadInvalid")
    assert await dashboard.calls() == 0


async def test_failed_lookup_is_reported_as_it_is(dashboard: MappingDashboard) -> None:
    await dashboard.rig.org.fault("error", status=503)
    answer = await dashboard.http.get(f"{HOST}/objects/Lead/fields")
    assert problem(answer) == (503, "SalesforceUnavailable")
    assert int(answer.headers["Retry-After"]) > 0


async def answered(dashboard: MappingDashboard, number: int, value: Any, **changes: Any) -> None:
    answers = [{"key": "diet", "label": "Food", "value": value}]
    async with dashboard.rig.database.system() as session:
        session.add(registration_for(number, answers=answers, **changes))


async def sources(dashboard: MappingDashboard, path: str = HOST) -> dict[str, dict[str, Any]]:
    answer = await dashboard.http.get(f"{path}/sources")
    assert answer.headers["cache-control"] == "no-store"
    items = body_of(answer)["items"]
    return {each["path"]: each for each in items}


async def test_sources_are_those_of_every_registration(dashboard: MappingDashboard) -> None:
    body = await sources(dashboard)
    assert len(body) == 53
    assert body["utm.source"] == {
        "path": "utm.source",
        "label": "UTM: source",
        "example": "newsletter",
        "options": [],
        "is_answer": False,
    }


async def test_questions_are_listed_with_the_options_that_several_took(dashboard: MappingDashboard) -> None:
    for number, value in enumerate((["vegan", "no nuts"], ["vegan"], "vegetarian", "vegetarian", True, True)):
        await answered(dashboard, number, value)
    body = (await sources(dashboard))["answers.diet"]
    assert (body["label"], body["is_answer"]) == ("Answer: Food", True)
    assert body["options"] == ["true", "vegan", "vegetarian"]


async def test_answer_has_the_most_common_option_as_its_example(dashboard: MappingDashboard) -> None:
    for number, value in enumerate(("vegan", "vegetarian", "vegetarian", "vegan", "vegetarian")):
        await answered(dashboard, number, value)
    assert (await sources(dashboard))["answers.diet"]["example"] == "vegetarian"


async def test_answers_of_one_attendee_appear_in_no_picker(dashboard: MappingDashboard) -> None:
    for number in range(3):
        await answered(dashboard, number, f"My phone is 030 {number}")
    await answered(dashboard, 9, 12)
    body = (await sources(dashboard))["answers.diet"]
    assert (body["options"], body["example"]) == ([], None)


async def test_questions_are_those_of_the_event_where_one_is_named(dashboard: MappingDashboard) -> None:
    async with dashboard.rig.database.system() as session:
        session.add(event_for(event_id="evt_next"))
    await answered(dashboard, 1, "vegan", event_id="evt_next")
    assert "answers.diet" in await sources(dashboard)
    assert "answers.diet" not in await sources(dashboard, EVENT)


async def test_erased_and_foreign_answers_are_not_shown(dashboard: MappingDashboard) -> None:
    await answered(dashboard, 1, "vegan")
    async with dashboard.rig.database.system() as session:
        await session.execute(update(Registration).values(erased_at=NOW))
        session.add(event_for("host_b"))
    await answered(dashboard, 2, "vegan", host_id="host_b")
    assert "answers.diet" not in await sources(dashboard)
    assert "answers.diet" in await sources(dashboard, HOST.replace("host_a", "host_b"))
