"""Cases: numbers, statuses, accounts, owners, and orgs that have none."""

from typing import Any

import pytest

from support.client import OrgClient


async def test_cases_are_numbered_and_close(org: OrgClient) -> None:
    case_id = await org.create("Case", Subject="Broken badge")
    row = await org.get("Case", case_id)
    assert (row["CaseNumber"], row["Status"], row["Priority"], row["IsClosed"]) == (
        "00001001",
        "New",
        "Medium",
        False,
    )
    await org.data("PATCH", f"/sobjects/Case/{case_id}", {"Status": "Closed"})
    row = await org.get("Case", case_id)
    assert (row["IsClosed"], row["ClosedDate"]) == (True, "2026-11-21T10:00:00.000+0000")


async def test_a_case_is_made_with_what_salesforce_documents(org: OrgClient) -> None:
    contact_id = await org.create(
        "Contact", LastName="C", Email="carl@example.com", Phone="1", MobilePhone="2"
    )
    case_id = await org.create(
        "Case",
        Subject="Meeting: Autumn Summit",
        ContactId=contact_id,
        SuppliedEmail="carl@example.com",
        SuppliedName="Carl",
        SuppliedPhone="1",
        SuppliedCompany="Acme",
        Origin="Zoom",
        Description="Ref: EVS-1",
    )
    row = await org.get("Case", case_id)
    names = ("Origin", "ContactEmail", "ContactPhone", "ContactMobile", "AccountId", "IsEscalated")
    assert tuple(row[name] for name in names) == ("Zoom", "carl@example.com", "1", "2", None, False)
    found = await org.rows(
        f"SELECT CaseNumber FROM Case WHERE ContactId = '{contact_id}' AND IsClosed = false"
    )
    assert [each["CaseNumber"] for each in found] == [row["CaseNumber"]]
    child = await org.create("Case", ParentId=case_id)
    (row,) = await org.rows(f"SELECT Parent.Subject FROM Case WHERE Id = '{child}'")
    assert row["Parent"]["Subject"] == "Meeting: Autumn Summit"


async def test_a_case_is_described_as_recorded(org: OrgClient) -> None:
    fields = {f["name"]: f for f in (await org.data("GET", "/sobjects/Case/describe")).json()["fields"]}
    powers = {
        name: (fields[name]["type"], fields[name]["length"], fields[name]["createable"])
        for name in ("CaseNumber", "SuppliedEmail", "Status", "IsClosed", "ContactEmail", "OwnerId")
    }
    assert powers == {
        "CaseNumber": ("string", 30, False),
        "SuppliedEmail": ("email", 80, True),
        "Status": ("picklist", 40, True),
        "IsClosed": ("boolean", 0, False),
        "ContactEmail": ("email", 80, False),
        "OwnerId": ("reference", 18, True),
    }
    assert not any(fields[name]["restrictedPicklist"] for name in ("Status", "Origin", "Priority", "Type"))
    assert fields["CaseNumber"]["idLookup"] is True


async def test_a_case_takes_the_account_of_its_contact(org: OrgClient) -> None:
    acme, other = await org.create("Account", Name="Acme"), await org.create("Account", Name="Other")
    contact_id = await org.create("Contact", LastName="C", AccountId=acme)
    taken = await org.create("Case", ContactId=contact_id)
    named = await org.create("Case", ContactId=contact_id, AccountId=other)
    later = await org.create("Case", Subject="Later")
    await org.data("PATCH", f"/sobjects/Case/{later}", {"ContactId": contact_id})
    accounts = [(await org.get("Case", case_id))["AccountId"] for case_id in (taken, named, later)]
    assert accounts == [acme, other, acme]


async def test_no_lead_is_the_contact_of_a_case(org: OrgClient) -> None:
    (error,) = (await org.data("POST", "/sobjects/Case", {"ContactId": await org.lead()})).json()
    assert (error["errorCode"], error["fields"]) == ("FIELD_INTEGRITY_EXCEPTION", ["ContactId"])


async def test_listed_statuses_close_a_case(org: OrgClient) -> None:
    await org.configure(
        case_statuses=[{"value": "Neu", "is_default": True}, {"value": "Erledigt", "is_closed": True}]
    )
    rows = await org.rows("SELECT ApiName, IsClosed, IsDefault FROM CaseStatus ORDER BY SortOrder")
    assert [(row["ApiName"], row["IsClosed"], row["IsDefault"]) for row in rows] == [
        ("Neu", False, True),
        ("Erledigt", True, False),
    ]
    case_id = await org.create("Case")
    assert (await org.get("Case", case_id))["Status"] == "Neu"
    closed = {status: await org.create("Case", Status=status) for status in ("Erledigt", "Closed")}
    assert [(await org.get("Case", case_id))["IsClosed"] for case_id in closed.values()] == [True, False]


@pytest.mark.parametrize(
    ("headers", "is_assigned"), [({}, True), ({"Sforce_Auto_Assign": "FALSE"}, False)], ids=["as is", "off"]
)
async def test_assignment_rules_give_a_case_away(
    org: OrgClient, headers: dict[str, str], is_assigned: bool
) -> None:
    (queue,) = await org.rows("SELECT Id FROM Group WHERE Type = 'Queue'")
    await org.configure(assignment_rules=[{"sobject": "Case", "owner_id": queue["Id"]}])
    case_id = (await org.data("POST", "/sobjects/Case", {"Subject": "x"}, **headers)).json()["id"]
    assert ((await org.get("Case", case_id))["OwnerId"] == queue["Id"]) == is_assigned


async def test_an_auto_response_needs_an_address(org: OrgClient) -> None:
    await org.configure(auto_response_rules=[{"is_active": False}])
    case_id = await org.create("Case", Subject="Before")
    await org.configure(auto_response_rules=[{}])
    answer = await org.data("POST", "/sobjects/Case", {"Subject": "x"})
    assert (answer.status_code, answer.json()) == (
        400,
        [
            {
                "message": "Required fields are missing: [SuppliedEmail]",
                "errorCode": "REQUIRED_FIELD_MISSING",
                "fields": ["SuppliedEmail"],
            }
        ],
    )
    await org.create("Case", SuppliedEmail="carl@example.com")
    assert (await org.data("PATCH", f"/sobjects/Case/{case_id}", {"Status": "Working"})).status_code == 204


async def test_an_org_of_sales_alone_has_no_cases(org: OrgClient) -> None:
    contact_id = await org.create("Contact", LastName="C")
    case_id = await org.create("Case", ContactId=contact_id)
    await org.configure(
        has_case=False,
        hidden_fields={"Case": ["Origin"]},
        extra_fields={"Case": ["Shirt__c | string(3) | CUN | Shirt"]},
    )
    for name in ("Case", "CaseStatus"):
        answer = await org.data("GET", f"/sobjects/{name}/describe")
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (404, "NOT_FOUND")
        assert (await org.query(f"SELECT Id FROM {name}")).json()[0]["errorCode"] == "INVALID_TYPE"
    assert (await org.data("POST", "/sobjects/Case", {"Subject": "x"})).status_code == 404
    fields: list[dict[str, Any]] = (await org.data("GET", "/sobjects/Task/describe")).json()["fields"]
    assert next(f["referenceTo"] for f in fields if f["name"] == "WhatId") == ["Account", "Campaign"]
    (error,) = (await org.data("POST", "/sobjects/Task", {"WhatId": case_id})).json()
    assert (error["errorCode"], error["fields"]) == ("FIELD_INTEGRITY_EXCEPTION", ["WhatId"])
    await org.configure(has_case=True)
    assert (await org.get("Case", case_id))["ContactId"] == contact_id


async def test_a_case_and_its_task_are_made_in_one_composite(org: OrgClient) -> None:
    parts = [
        {
            "method": "POST",
            "url": f"{org.root}/sobjects/Case",
            "referenceId": "case",
            "body": {"Subject": "Meeting", "SuppliedEmail": "carl@example.com"},
        },
        {
            "method": "POST",
            "url": f"{org.root}/sobjects/Task",
            "referenceId": "task",
            "body": {"Subject": "Case", "WhatId": "@{case.id}"},
        },
    ]
    answers = (await org.data("POST", "/composite", {"compositeRequest": parts})).json()["compositeResponse"]
    assert [each["httpStatusCode"] for each in answers] == [201, 201]
    task = await org.get("Task", answers[1]["body"]["id"])
    assert task["WhatId"] == answers[0]["body"]["id"]
