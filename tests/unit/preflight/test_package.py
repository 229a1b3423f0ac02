"""Whether the Salesforce package is in an org, as its describes tell."""

import pytest

from app.connections.model.schemas import MissingFields, PackageInOrg
from app.preflight.package import package_in_org
from app.salesforce.describe import SObjectDescribe
from app.salesforce.package import KEY, fields_of, name_in_org
from tests.unit.preflight.test_checks import described, field

LEAD, TASK = "Lead", "Task"


def with_package(
    sobject: str, *, without: str = "", is_unique: bool = True, namespace: str | None = "evs"
) -> SObjectDescribe:
    names = [name for name in fields_of(sobject) if name != without]
    fields = [field(name_in_org(name, namespace), is_unique=is_unique and name == KEY) for name in names]
    return described(sobject, *fields)


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
    assert package_in_org(objects, "evs") == found
