"""Whether the Salesforce package is in an org, as its describes tell."""

from typing import Any

import pytest

from app.connections.model.package_schemas import MissingFields, PackageInOrg
from app.preflight.package import package_in_org
from app.salesforce.describe import SObjectDescribe
from app.salesforce.package import KEY, fields_of, name_in_org
from app.sync.model.record_key import KeyRules
from tests.unit.preflight.test_checks import described, field

LEAD, TASK = "Lead", "Task"


def with_package(
    sobject: str, *, without: str = "", is_unique: bool = True, namespace: str | None = "evs"
) -> SObjectDescribe:
    names = [name for name in fields_of(sobject) if name != without]
    fields = [field(name_in_org(name, namespace), **key_of(name, is_unique=is_unique)) for name in names]
    return described(sobject, *fields)


def key_of(name: str, *, is_unique: bool) -> dict[str, Any]:
    return {"is_unique": is_unique, "is_external_id": True, "length": 64} if name == KEY else {}


@pytest.mark.parametrize(
    ("objects", "found"),
    [
        ({}, PackageInOrg(state="not_seen", missing=[], unique_keys=[])),
        ({LEAD: None}, PackageInOrg(state="not_seen", missing=[], unique_keys=[])),
        ({LEAD: with_package(LEAD)}, PackageInOrg(state="there", missing=[], unique_keys=[LEAD])),
        (
            {LEAD: with_package(LEAD, namespace="other")},
            PackageInOrg(state="not_seen", missing=[], unique_keys=[]),
        ),
        (
            {LEAD: with_package(LEAD), TASK: with_package(TASK, is_unique=False)},
            PackageInOrg(state="there", missing=[], unique_keys=[LEAD]),
        ),
        (
            {LEAD: with_package(LEAD), TASK: with_package(TASK, without=KEY)},
            PackageInOrg(
                state="incomplete",
                missing=[MissingFields(object=TASK, fields=["evs__Eventship_Key__c"])],
                unique_keys=[LEAD],
            ),
        ),
    ],
)
def test_the_package_is_known_by_its_key(
    objects: dict[str, SObjectDescribe | None], found: PackageInOrg
) -> None:
    assert package_in_org(objects, KeyRules("evs", are_people_keyed=True)) == found


@pytest.mark.parametrize("namespace", ["evs", None])
def test_without_a_setting_any_one_prefix_will_do(namespace: str | None) -> None:
    objects: dict[str, SObjectDescribe | None] = {
        LEAD: with_package(LEAD, namespace=namespace), TASK: with_package(TASK, namespace=namespace)
    }  # fmt: skip
    found = package_in_org(objects, KeyRules())
    assert (found.state, found.unique_keys) == ("there", [TASK])


def test_of_two_prefixes_nobody_knows_which_is_ours() -> None:
    objects: dict[str, SObjectDescribe | None] = {
        LEAD: with_package(LEAD),
        TASK: with_package(TASK, namespace="x"),
    }
    assert package_in_org(objects, KeyRules()).state == "not_seen"
