"""Tasks, and what they have in common with Events."""

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


async def test_the_subtype_of_a_task_is_restricted_and_given_at_creation_only(org: OrgClient) -> None:
    task_id = await org.create("Task", TaskSubtype="Email")
    for value in ("Nonsense", "Cadence"):
        (error,) = (await org.data("POST", "/sobjects/Task", {"TaskSubtype": value})).json()
        assert (error["errorCode"], error["fields"]) == (
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            ["TaskSubtype"],
        )
    (error,) = (await org.data("PATCH", f"/sobjects/Task/{task_id}", {"TaskSubtype": "Call"})).json()
    assert (error["errorCode"], error["fields"]) == ("INVALID_FIELD_FOR_INSERT_UPDATE", ["TaskSubtype"])


async def test_activities_of_long_ago_are_found_by_query_all_alone(org: OrgClient) -> None:
    old = {"StartDateTime": "2025-11-01T10:00:00Z", "DurationInMinutes": 30}
    event_id = await org.create("Event", **old)
    recent = await org.create("Event", **{**old, "StartDateTime": "2026-11-01T10:00:00Z"})
    closed = await org.create("Task", Status="Completed", ActivityDate="2025-11-01")
    still_open = await org.create("Task", ActivityDate="2025-11-01")
    new = await org.create("Task", Status="Completed")
    await org.configure(archive_days=365)
    for name, archived, others in (("Event", event_id, {recent}), ("Task", closed, {still_open, new})):
        soql = f"SELECT Id, IsArchived FROM {name}"
        assert {row["Id"] for row in await org.rows(soql)} == others
        every = {row["Id"]: row["IsArchived"] for row in await org.rows(soql, "queryAll")}
        assert every == {**dict.fromkeys(others, False), archived: True}
        assert (await org.get(name, archived))["IsArchived"] is True


async def test_fields_of_activities_are_of_tasks_and_events(org: OrgClient) -> None:
    await org.configure(
        extra_fields={"Activity": ["Status__c | string(40) | CUN"], "Task": ["Own__c | date | CUN"]}
    )
    times = {"StartDateTime": "2026-11-21T10:00:00Z", "DurationInMinutes": 30}
    made = {
        "Task": await org.create("Task", Status__c="Moved", Own__c="2026-11-21"),
        "Event": await org.create("Event", Status__c="Moved", **times),
    }
    assert [(await org.get(name, made[name]))["Status__c"] for name in made] == ["Moved", "Moved"]
    await org.configure(read_only_fields={"Activity": ["Status__c"]})
    for name, record_id in made.items():
        (error,) = (await org.data("PATCH", f"/sobjects/{name}/{record_id}", {"Status__c": "x"})).json()
        assert (error["errorCode"], error["fields"]) == ("INVALID_FIELD_FOR_INSERT_UPDATE", ["Status__c"])
        fields = (await org.data("GET", f"/sobjects/{name}/describe")).json()["fields"]
        assert next(f["updateable"] for f in fields if f["name"] == "Status__c") is False
    await org.configure(hidden_fields={"Activity": ["Status__c"]})
    for name in made:
        fields = (await org.data("GET", f"/sobjects/{name}/describe")).json()["fields"]
        assert "Status__c" not in [field["name"] for field in fields]
