"""Describe answers."""

from typing import Any

import pytest

from app.salesforce.describe import parse_describe
from app.salesforce.errors import ResponseLost


def field(name: str, **changes: Any) -> dict[str, Any]:
    """One field as v59 describes it, shortened."""
    shape: dict[str, Any] = {
        "name": name,
        "label": name,
        "type": "string",
        "length": 80,
        "createable": True,
        "updateable": True,
        "nillable": True,
        "defaultedOnCreate": False,
        "restrictedPicklist": False,
        "picklistValues": [],
        "referenceTo": [],
    }
    return shape | changes


STATUS = field(
    "Status",
    type="picklist",
    length=255,
    nillable=False,
    defaultedOnCreate=True,
    picklistValues=[
        {
            "active": True,
            "defaultValue": True,
            "label": "Open",
            "validFor": None,
            "value": "Open - Not Contacted",
        },
        {"active": False, "defaultValue": False, "label": "Old", "validFor": None, "value": "Old"},
    ],
)
MASTER = {
    "active": True,
    "available": True,
    "defaultRecordTypeMapping": True,
    "developerName": "Master",
    "master": True,
    "name": "Master",
    "recordTypeId": "012000000000000AAA",
}


def lead(*fields: dict[str, Any], **changes: Any) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "name": "Lead",
        "label": "Lead",
        "createable": True,
        "updateable": True,
        "queryable": True,
        "fields": list(fields),
        "recordTypeInfos": [MASTER],
    }
    return shape | changes


def test_a_describe_tells_what_may_be_written() -> None:
    described = parse_describe(lead(STATUS, field("OwnerId", referenceTo=["Group", "User"])))
    status = described.fields["Status"]
    assert (described.name, described.is_createable, described.is_queryable) == ("Lead", True, True)
    assert (status.type, status.length, status.is_restricted_picklist) == ("picklist", 255, False)
    assert status.picklist_values == ("Open - Not Contacted",)
    assert described.fields["OwnerId"].reference_to == ("Group", "User")
    assert described.record_types[0].is_master
    assert described.record_types[0].id == "012000000000000AAA"


def test_required_is_createable_without_null_and_without_default() -> None:
    described = parse_describe(
        lead(
            field("LastName", nillable=False),
            STATUS,
            field("Title"),
            field("Name", nillable=False, createable=False),
        )
    )
    assert described.required_on_create == ("LastName",)


def test_an_absent_list_is_an_empty_one() -> None:
    described = parse_describe(lead(field("A", picklistValues=None, referenceTo=None), recordTypeInfos=None))
    assert described.record_types == ()
    assert described.fields["A"].picklist_values == ()


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(None, id="nothing"),
        pytest.param([], id="array"),
        pytest.param({}, id="empty"),
        pytest.param(lead() | {"fields": None}, id="no-fields"),
        pytest.param(lead({"name": "A"}), id="bare-field"),
        pytest.param(lead() | {"fields": ["A"]}, id="text-field"),
    ],
)
def test_what_is_not_a_describe_is_lost(body: object) -> None:
    with pytest.raises(ResponseLost):
        parse_describe(body)
