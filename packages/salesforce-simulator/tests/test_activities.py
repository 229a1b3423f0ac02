"""Tasks, Events and Cases."""

from typing import Any

import pytest

from support.client import OrgClient


async def test_a_task_has_its_defaults(org: OrgClient) -> None:
    row = await org.get("Task", await org.create("Task", Subject="Call"))
    names = ("Status", "Priority", "IsClosed", "TaskSubtype", "CompletedDateTime", "IsHighPriority")
    assert tuple(row[name] for name in names) == ("Not Started", "Normal", False, "Task", None, False)


async def test_a_completed_task_is_closed(org: OrgClient) -> None:
    task_id = await org.create("Task", Status="Completed", Priority="High")
    row = await org.get("Task", task_id)
    assert (row["IsClosed"], row["IsHighPriority"]) == (True, True)
    assert row["CompletedDateTime"] == "2026-11-21T10:00:00.000+0000"
    await org.data("PATCH", f"/sobjects/Task/{task_id}", {"Status": "In Progress"})
    row = await org.get("Task", task_id)
    assert (row["IsClosed"], row["CompletedDateTime"]) == (False, None)


async def test_a_task_knows_its_account(org: OrgClient) -> None:
    account_id = await org.create("Account", Name="Acme")
    contact_id = await org.create("Contact", LastName="C", AccountId=account_id)
    for fields in ({"WhoId": contact_id}, {"WhatId": account_id}):
        assert (await org.get("Task", await org.create("Task", **fields)))["AccountId"] == account_id


@pytest.mark.parametrize("sobject", ["Task", "Event"])
async def test_an_activity_of_a_lead_is_related_to_nothing(org: OrgClient, sobject: str) -> None:
    campaign_id = await org.create("Campaign", Name="Fair")
    lead_id = await org.lead()
    contact_id = await org.create("Contact", LastName="C")
    times = {"StartDateTime": "2026-11-21T10:00:00Z", "DurationInMinutes": 30} if sobject == "Event" else {}
    body = {"WhatId": campaign_id, **times}

    refused = await org.data("POST", f"/sobjects/{sobject}", {**body, "WhoId": lead_id})
    activity_id = await org.create(sobject, **body, WhoId=contact_id)
    moved = await org.data("PATCH", f"/sobjects/{sobject}/{activity_id}", {"WhoId": lead_id})

    for answer in (refused, moved):
        (error,) = answer.json()
        assert (error["errorCode"], error["fields"]) == ("FIELD_INTEGRITY_EXCEPTION", ["WhoId", "WhatId"])
    assert (
        await org.data("PATCH", f"/sobjects/{sobject}/{activity_id}", {"Subject": "x"})
    ).status_code == 204


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param(
            {"StartDateTime": "2026-11-21T10:00:00Z", "DurationInMinutes": 90},
            {"EndDateTime": "2026-11-21T11:30:00.000+0000", "ActivityDate": "2026-11-21"},
            id="start and duration",
        ),
        pytest.param(
            {"ActivityDateTime": "2026-11-21T23:00:00Z", "EndDateTime": "2026-11-22T01:00:00Z"},
            {"DurationInMinutes": 120, "EndDate": "2026-11-22", "ShowAs": "Busy"},
            id="start and end",
        ),
        pytest.param(
            {"IsAllDayEvent": True, "ActivityDate": "2026-11-21"},
            {"StartDateTime": "2026-11-21T00:00:00.000+0000", "DurationInMinutes": 1440},
            id="all day",
        ),
    ],
)
async def test_an_event_completes_its_times(
    org: OrgClient, given: dict[str, Any], expected: dict[str, Any]
) -> None:
    row = await org.get("Event", await org.create("Event", **given))
    assert {name: row[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("given", "code", "text"),
    [
        ({}, "REQUIRED_FIELD_MISSING", "[ActivityDateTime]"),
        ({"StartDateTime": "2026-11-21T10:00:00Z"}, "REQUIRED_FIELD_MISSING", "[DurationInMinutes]"),
        ({"IsAllDayEvent": True}, "REQUIRED_FIELD_MISSING", "[ActivityDate]"),
        (
            {
                "StartDateTime": "2026-11-21T10:00:00Z",
                "EndDateTime": "2026-11-21T11:00:00Z",
                "DurationInMinutes": 5,
            },
            "FIELD_INTEGRITY_EXCEPTION",
            "do not agree",
        ),
    ],
    ids=["no start", "no length", "no day", "contradiction"],
)
async def test_an_event_without_sense_is_refused(
    org: OrgClient, given: dict[str, Any], code: str, text: str
) -> None:
    (error,) = (await org.data("POST", "/sobjects/Event", given)).json()
    assert error["errorCode"] == code
    assert text in error["message"]


async def test_a_moved_event_keeps_its_length(org: OrgClient) -> None:
    times = {"StartDateTime": "2026-11-21T10:00:00Z", "DurationInMinutes": 30}
    event_id = await org.create("Event", **times)
    await org.data("PATCH", f"/sobjects/Event/{event_id}", {"StartDateTime": "2026-11-21T12:00:00Z"})
    assert (await org.get("Event", event_id))["EndDateTime"] == "2026-11-21T12:30:00.000+0000"


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


async def test_an_email_makes_its_closed_task_where_enhanced_email_is_on(org: OrgClient) -> None:
    email_id = await org.create("EmailMessage", Subject="See you there", Status="3")
    task = await org.get("Task", (await org.get("EmailMessage", email_id))["ActivityId"])
    names = ("Subject", "TaskSubtype", "IsClosed")
    assert tuple(task[name] for name in names) == ("Email: See you there", "Email", True)


@pytest.mark.parametrize("fields", [{"Status": "5"}, {"ParentId": "case"}])
async def test_a_draft_or_the_email_of_a_case_makes_none(org: OrgClient, fields: dict[str, str]) -> None:
    if "ParentId" in fields:
        fields = {"ParentId": await org.create("Case", Subject="Help")}
    await org.create("EmailMessage", Subject="Later", **fields)
    assert await org.rows("SELECT Id FROM Task") == []


async def test_without_enhanced_email_there_are_no_email_messages(org: OrgClient) -> None:
    await org.configure(has_enhanced_email=False)
    assert (await org.data("GET", "/sobjects/EmailMessage/describe")).status_code == 404
    assert (await org.query("SELECT Id FROM EmailMessage")).json()[0]["errorCode"] == "INVALID_TYPE"
