"""What goes wrong with people and fields: the row names field, value and way out, and a cure retries it."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.api.field_mapping.dashboard import MappingDashboard
from tests.capabilities.helpers import answers, one, person, rule

DIET = "Diet__c | picklist(40) | CUNR | Diet | Vegan; None"
DIET_RULE = rule("Lead.Diet__c", "answers.diet")
MEAT = answers(diet="Meat")
GUEST = {
    "sobject": "Lead",
    "developer_name": "Guest",
    "is_default": True,
    "picklists": {"Diet__c": ["Vegan"]},
}
NO_TITLE = {"sobject": "Lead", "when": "Title = 'Meat'", "message": "No title like this.", "field": "Title"}


@dataclass(frozen=True)
class Trouble:
    """`error` is class, code, field, value and advice of the failed row; `cure` the mapping that ends it."""

    org: dict[str, Any]
    mapping: dict[str, Any]
    error: tuple[str, str, str, str | None, str]
    cure: dict[str, Any]
    answers: list[dict[str, Any]] = field(default_factory=lambda: MEAT)


TROUBLES = {
    "an option that is not mapped": Trouble(
        {"extra_fields": {"Lead": [DIET]}},
        {"fields": [DIET_RULE | {"values": {"vegetables": "Vegan"}}]},
        ("configuration", "OPTION_NOT_MAPPED", "Diet__c", "Meat", "option_not_mapped"),
        {"fields": [DIET_RULE | {"values": {"vegetables": "Vegan"}, "otherwise": "None"}]},
    ),
    "a value that a restricted picklist does not have": Trouble(
        {"extra_fields": {"Lead": [DIET]}},
        {"fields": [DIET_RULE]},
        ("configuration", "VALUE_NOT_IN_PICKLIST", "Diet__c", "Meat", "restricted_picklist"),
        {"fields": [DIET_RULE | {"values": {"Meat": "None"}}]},
    ),
    "a value that the record type does not have": Trouble(
        {"extra_fields": {"Lead": [DIET]}, "record_types": [GUEST]},
        {"fields": [DIET_RULE]},
        (
            "configuration",
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            "Diet__c",
            "None",
            "restricted_picklist",
        ),
        {"fields": [DIET_RULE | {"values": {"None": "Vegan"}}]},
        answers(diet="None"),
    ),
    "a required field without a value": Trouble(
        {"extra_fields": {"Lead": ["Region__c | string(20) | CU | Region"]}},
        {},
        ("configuration", "REQUIRED_FIELD_MISSING", "Region__c", None, "required_field_missing"),
        {"people": {"fill_required": True}},
    ),
    "a record type that is not there": Trouble(
        {"record_types": [GUEST]},
        {"record_types": {"Lead": "Visitor"}},
        ("configuration", "RECORD_TYPE_NOT_AVAILABLE", "RecordTypeId", "Visitor", "record_type_missing"),
        {"record_types": {"Lead": "Guest"}},
    ),
}


@pytest.mark.parametrize("trouble", [pytest.param(each, id=name) for name, each in TROUBLES.items()])
async def test_the_row_names_its_trouble_and_saving_the_cure_ends_it(
    dashboard: MappingDashboard, trouble: Trouble
) -> None:
    await dashboard.rig.org.configure(**trouble.org)
    await dashboard.put(trouble.mapping)
    registration_id = await dashboard.synced(1, **person(1, company="River"), answers=trouble.answers)
    job = await dashboard.rig.job(registration_id)
    assert job.error is not None, job.state
    error = job.error
    assert (
        error["class"],
        error["error_code"],
        *error["fields"],
        error["value"],
        error["advice_code"],
    ) == trouble.error
    assert await dashboard.rig.records("Lead") == []
    assert (await dashboard.put(trouble.cure))["retried"] == 1
    await dashboard.rig.drain()
    assert (await dashboard.rig.job(registration_id)).state == "synced"
    assert await one(dashboard, "Lead")


async def test_a_validation_rule_is_reported_with_its_own_message(dashboard: MappingDashboard) -> None:
    await dashboard.rig.org.configure(validation_rules=[NO_TITLE])
    await dashboard.put({"fields": [rule("Lead.Title", "answers.diet")]})
    registration_id = await dashboard.synced(1, **person(1), answers=MEAT)
    error = (await dashboard.rig.job(registration_id)).error
    assert error is not None
    assert (
        error["error_code"],
        error["message"],
        error["fields"],
        error["value"],
        error["advice_code"],
    ) == (
        "FIELD_CUSTOM_VALIDATION_EXCEPTION",
        "No title like this.",
        ["Title"],
        "Meat",
        "validation_rule",
    )
    await dashboard.put({"fields": [rule("Lead.Title", mode="off")]})
    await dashboard.rig.requeue(registration_id, reason="retry")
    await dashboard.rig.drain()
    assert (await one(dashboard, "Lead"))["Title"] is None


@pytest.mark.parametrize(
    "closed",
    [
        pytest.param({"hidden_fields": {"Lead": ["Diet__c"]}}, id="hidden"),
        pytest.param({"read_only_fields": {"Lead": ["Diet__c"]}}, id="read-only"),
        pytest.param({"extra_fields": {"Lead": []}}, id="gone"),
    ],
)
@pytest.mark.parametrize("is_known", [False, True], ids=["at once", "after it was seen open"])
async def test_a_field_that_cannot_be_written_fails_nobody(
    dashboard: MappingDashboard, closed: dict[str, Any], is_known: bool
) -> None:
    await dashboard.rig.org.configure(extra_fields={"Lead": [DIET]})
    mapping = {"fields": [DIET_RULE, rule("Lead.City", "answers.city")]}
    await dashboard.put(mapping)
    if is_known:
        await dashboard.synced(1, **person(1), answers=answers(diet="Vegan", city="Bonn"))
    await dashboard.rig.org.configure(**closed)
    registration_id = await dashboard.synced(2, **person(2), answers=answers(diet="Vegan", city="Berlin"))
    job = await dashboard.rig.job(registration_id)
    assert (job.state, job.error) == ("synced", None)
    assert ("field_dropped", "Diet__c") in [(each["code"], each["field"]) for each in job.warnings]
    assert (await one(dashboard, "Lead", LastName="Otter2"))["City"] == "Berlin"


async def test_an_object_that_may_not_be_created_is_reported_as_access(dashboard: MappingDashboard) -> None:
    await dashboard.rig.org.configure(read_only_objects=["Contact"])
    await dashboard.put({"people": {"create": "contact"}})
    registration_id = await dashboard.synced(1, **person(1))
    error = (await dashboard.rig.job(registration_id)).error
    assert error is not None
    assert (error["class"], error["object"], error["advice_code"]) == (
        "access",
        "Contact",
        "insufficient_access",
    )
    assert await dashboard.rig.records("Lead") == []
