"""E-mails: their people, their Tasks, their key, and what may not be changed."""

from typing import Any
from urllib.parse import quote

import pytest

from support.client import OrgClient

KEY = "<evs-1@eventship.example>"
SENT = {
    "Status": "3",
    "Incoming": False,
    "MessageDate": "2026-11-20T09:00:00Z",
    "FromAddress": "events@acme.example",
    "FromName": "Acme Events",
    "Subject": "See you there",
    "TextBody": "Hello",
    "MessageIdentifier": KEY,
}


async def error_of(org: OrgClient, method: str, path: str, body: Any) -> tuple[int, str, list[str]]:
    answer = await org.data(method, f"/sobjects/{path}", body)
    (error,) = answer.json()
    return answer.status_code, error["errorCode"], error.get("fields", [])


async def task_of(org: OrgClient, email_id: str) -> dict[str, Any]:
    return await org.get("Task", (await org.get("EmailMessage", email_id))["ActivityId"])


async def test_an_email_makes_its_closed_task(org: OrgClient) -> None:
    lead_id = await org.lead(Email="jane@example.com")
    task = await task_of(org, await org.create("EmailMessage", **SENT, ToIds=[lead_id]))
    names = ("Subject", "TaskSubtype", "Status", "IsClosed", "ActivityDate", "WhoId", "WhatId")
    assert tuple(task[name] for name in names) == (
        "Email: See you there",
        "Email",
        "Completed",
        True,
        "2026-11-20",
        lead_id,
        None,
    )


async def test_lists_of_ids_become_relations(org: OrgClient) -> None:
    lead_id = await org.lead(Email="jane@example.com")
    contact_id = await org.create("Contact", LastName="C", Email="carl@example.com")
    (user,) = await org.rows("SELECT Id FROM User WHERE Alias = 'aadmin'")
    people = {"ToIds": [lead_id[:15], lead_id], "CcIds": [contact_id], "BccIds": [user["Id"]]}
    email_id = await org.create("EmailMessage", **SENT, **people)
    rows = await org.rows(
        "SELECT RelationId, RelationType, RelationAddress, RelationObjectType FROM EmailMessageRelation "
        f"WHERE EmailMessageId = '{email_id}' ORDER BY RelationType"
    )
    assert [tuple(row[name] for name in row if name != "attributes") for row in rows] == [
        (user["Id"], "BccAddress", "ada.admin@northwind.example", "User"),
        (contact_id, "CcAddress", "carl@example.com", "Contact"),
        (lead_id, "ToAddress", "jane@example.com", "Lead"),
    ]
    (row,) = await org.rows(f"SELECT ToIds, CcIds FROM EmailMessage WHERE Id = '{email_id}'")
    assert (row["ToIds"], row["CcIds"]) == ([lead_id], [contact_id])
    assert "ToIds" not in await org.get("EmailMessage", email_id)


async def test_a_reply_is_of_whom_it_came_from(org: OrgClient) -> None:
    lead_id = await org.lead(Email="jane@example.com")
    email_id = await org.create("EmailMessage", **{**SENT, "Incoming": True}, FromId=lead_id)
    assert (await task_of(org, email_id))["WhoId"] == lead_id
    (row,) = await org.rows("SELECT RelationType, RelationId FROM EmailMessageRelation")
    assert (row["RelationType"], row["RelationId"]) == ("FromAddress", lead_id)
    refused = await error_of(org, "PATCH", f"EmailMessage/{email_id}", {"FromId": lead_id})
    assert refused == (400, "INVALID_FIELD_FOR_INSERT_UPDATE", ["FromId"])
    await org.configure(has_email_from_id=False)
    fields = (await org.data("GET", "/sobjects/EmailMessage/describe")).json()["fields"]
    assert "FromId" not in [field["name"] for field in fields]
    answer = await error_of(org, "POST", "EmailMessage", {**SENT, "FromId": lead_id})
    assert answer[1] == "INVALID_FIELD"


async def test_a_relation_can_be_made_by_itself(org: OrgClient) -> None:
    lead_id, email_id = await org.lead(), await org.create("EmailMessage", **SENT)
    relation = {"EmailMessageId": email_id, "RelationId": lead_id, "RelationAddress": "jane@example.com"}
    relation_id = await org.create("EmailMessageRelation", **relation, RelationType="OtherAddress")
    assert (await org.get("EmailMessageRelation", relation_id))["RelationObjectType"] == "Lead"
    refused = await error_of(org, "POST", "EmailMessageRelation", {**relation, "RelationType": "To"})
    assert refused == (400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", ["RelationType"])
    await org.data("DELETE", f"/sobjects/EmailMessage/{email_id}")
    assert await org.rows("SELECT Id FROM EmailMessageRelation") == []


async def test_an_email_is_found_by_its_identifier(org: OrgClient) -> None:
    email_id = await org.create("EmailMessage", **SENT)
    path = f"/sobjects/EmailMessage/MessageIdentifier/{quote(KEY, safe='')}"
    assert (await org.data("GET", path)).json()["Id"] == email_id
    found = await org.rows(f"SELECT Id FROM EmailMessage WHERE MessageIdentifier IN ('{KEY}', 'x')")
    assert [row["Id"] for row in found] == [email_id]
    assert (await org.data("GET", path.replace("evs-1", "evs-2"))).status_code == 404
    await org.create("EmailMessage", **SENT)
    assert (await org.data("GET", path)).status_code == 300


async def test_an_email_is_described_with_its_lists_at_the_relation(org: OrgClient) -> None:
    body = (await org.data("GET", "/sobjects/EmailMessage/describe")).json()
    fields = {field["name"]: field for field in body["fields"]}
    assert not {"ToIds", "CcIds", "BccIds"} & fields.keys()
    (child,) = [each for each in body["childRelationships"] if each["childSObject"] == "EmailMessageRelation"]
    assert (child["field"], child["junctionIdListNames"], child["junctionReferenceTo"]) == (
        "EmailMessageId",
        ["BccIds", "CcIds", "ToIds"],
        ["Contact", "Lead", "User"],
    )
    names = ("createable", "updateable", "filterable", "idLookup")
    powers = {
        name: tuple(fields[name][power] for power in names)
        for name in ("MessageIdentifier", "ActivityId", "FromId", "TextBody")
    }
    assert powers == {
        "MessageIdentifier": (True, True, True, True),
        "ActivityId": (True, False, True, False),
        "FromId": (True, False, True, False),
        "TextBody": (True, True, False, False),
    }
    statuses = [(each["value"], each["label"]) for each in fields["Status"]["picklistValues"]]
    assert (statuses[3], fields["Status"]["restrictedPicklist"]) == (("3", "Sent"), True)


@pytest.mark.parametrize(
    ("changes", "fixed"),
    [
        ({"Subject": "Other", "TextBody": "x"}, ["Subject", "TextBody"]),
        ({"FirstOpenedDate": "2026-11-21T09:00:00Z"}, ["FirstOpenedDate"]),
        ({"Status": "1"}, ["Status"]),
    ],
    ids=["words", "opened", "status"],
)
async def test_a_sent_email_stays_as_it_is(org: OrgClient, changes: dict[str, Any], fixed: list[str]) -> None:
    path = f"EmailMessage/{await org.create('EmailMessage', **SENT)}"
    refused = await error_of(org, "PATCH", path, changes)
    assert refused == (400, "INSUFFICIENT_ACCESS_OR_READONLY", fixed)
    key = f"EmailMessage/MessageIdentifier/{quote(KEY, safe='')}"
    assert (await error_of(org, "PATCH", key, changes))[2] == fixed
    await org.configure(sent_email_code="FIELD_INTEGRITY_EXCEPTION")
    assert (await error_of(org, "PATCH", path, changes))[1] == "FIELD_INTEGRITY_EXCEPTION"


async def test_custom_fields_and_visibility_of_a_sent_email_change(org: OrgClient) -> None:
    await org.configure(extra_fields={"EmailMessage": ["Opened__c | datetime | CUN | Opened"]})
    email_id = await org.create("EmailMessage", **SENT, FirstOpenedDate="2026-11-20T10:00:00Z")
    changes = {"Opened__c": "2026-11-21T09:00:00Z", "IsExternallyVisible": True}
    assert (await org.data("PATCH", f"/sobjects/EmailMessage/{email_id}", changes)).status_code == 204
    row = await org.get("EmailMessage", email_id)
    assert (row["Opened__c"], row["IsOpened"]) == ("2026-11-21T09:00:00.000+0000", True)


async def test_a_draft_of_a_case_changes_until_it_is_sent(org: OrgClient) -> None:
    case_id, jane, joe = await org.create("Case"), await org.lead(), await org.lead(LastName="Joe")
    email_id = await org.create("EmailMessage", Status="5", ParentId=case_id, ToIds=[jane])
    for changes in ({"ToIds": [joe]}, {"Subject": "Other", "Status": "3"}):
        assert (await org.data("PATCH", f"/sobjects/EmailMessage/{email_id}", changes)).status_code == 204
    rows = await org.rows("SELECT RelationId FROM EmailMessageRelation")
    assert [row["RelationId"] for row in rows] == [joe]
    assert (await error_of(org, "PATCH", f"EmailMessage/{email_id}", {"ToIds": [jane]}))[2] == ["ToIds"]
    assert await org.rows("SELECT Id FROM Task") == []


async def test_a_new_email_of_a_case_can_be_read(org: OrgClient) -> None:
    email_id = await org.create("EmailMessage", ParentId=await org.create("Case"), Incoming=True)
    read = await org.data("PATCH", f"/sobjects/EmailMessage/{email_id}", {"Status": "1"})
    assert read.status_code == 204
    assert (await error_of(org, "PATCH", f"EmailMessage/{email_id}", {"Status": "2"}))[2] == ["Status"]


async def refused_body(org: OrgClient, what: str) -> dict[str, Any]:
    lead_id, campaign_id = await org.lead(), await org.create("Campaign", Name="Fair")
    bodies: dict[str, dict[str, Any]] = {
        "a status that is not sent": {"Status": "0"},
        "no status": {"Status": None},
        "no such status": {"Status": "9", "ParentId": await org.create("Case")},
        "an activity": {"ActivityId": await org.create("Task")},
        "a person as what it is about": {"RelatedToId": lead_id},
        "a Lead and a campaign": {"ToIds": [lead_id], "RelatedToId": campaign_id},
        "a campaign among people": {"ToIds": [campaign_id]},
        "nobody among people": {"ToIds": ["00Q5g00000000zzEAA"]},
        "one id in place of a list": {"ToIds": lead_id},
    }
    return {**SENT, **bodies[what]}


@pytest.mark.parametrize(
    ("what", "code", "fields"),
    [
        ("a status that is not sent", "FIELD_INTEGRITY_EXCEPTION", ["Status"]),
        ("no status", "FIELD_INTEGRITY_EXCEPTION", ["Status"]),
        ("no such status", "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", ["Status"]),
        ("an activity", "FIELD_INTEGRITY_EXCEPTION", ["ActivityId"]),
        ("a person as what it is about", "FIELD_INTEGRITY_EXCEPTION", ["RelatedToId"]),
        ("a Lead and a campaign", "FIELD_INTEGRITY_EXCEPTION", ["WhoId", "WhatId"]),
        ("a campaign among people", "FIELD_INTEGRITY_EXCEPTION", ["ToIds"]),
        ("nobody among people", "INVALID_CROSS_REFERENCE_KEY", []),
        ("one id in place of a list", "JSON_PARSER_ERROR", []),
    ],
)
async def test_an_email_without_sense_is_refused(
    org: OrgClient, what: str, code: str, fields: list[str]
) -> None:
    body = await refused_body(org, what)
    assert await error_of(org, "POST", "EmailMessage", body) == (400, code, fields)
    for name in ("EmailMessage", "EmailMessageRelation"):
        assert await org.rows(f"SELECT Id FROM {name}") == []


async def test_the_task_of_a_lead_may_leave_the_campaign_out(org: OrgClient) -> None:
    await org.configure(email_of_lead_with_what="unrelated")
    lead_id, campaign_id = await org.lead(), await org.create("Campaign", Name="Fair")
    email_id = await org.create("EmailMessage", **SENT, ToIds=[lead_id], RelatedToId=campaign_id)
    task = await task_of(org, email_id)
    assert (task["WhoId"], task["WhatId"]) == (lead_id, None)


async def test_the_task_of_an_email_may_name_nobody(org: OrgClient) -> None:
    await org.configure(is_email_task_of_person=False)
    lead_id, campaign_id = await org.lead(), await org.create("Campaign", Name="Fair")
    email_id = await org.create("EmailMessage", **SENT, ToIds=[lead_id], RelatedToId=campaign_id)
    task = await task_of(org, email_id)
    assert (task["WhoId"], task["WhatId"]) == (None, campaign_id)


async def test_without_enhanced_email_there_are_no_email_messages(org: OrgClient) -> None:
    await org.configure(has_enhanced_email=False)
    for name in ("EmailMessage", "EmailMessageRelation"):
        assert (await org.data("GET", f"/sobjects/{name}/describe")).status_code == 404
        assert (await org.query(f"SELECT Id FROM {name}")).json()[0]["errorCode"] == "INVALID_TYPE"


async def test_with_email_to_case_alone_emails_are_of_cases(org: OrgClient) -> None:
    await org.configure(has_enhanced_email=False, has_email_to_case=True)
    describe = (await org.data("GET", "/sobjects/EmailMessage/describe")).json()
    assert describe["createable"] is True
    assert await error_of(org, "POST", "EmailMessage", SENT) == (400, "REQUIRED_FIELD_MISSING", ["ParentId"])
    await org.create("EmailMessage", **SENT, ParentId=await org.create("Case"))
    await org.configure(has_case=False)
    assert (await org.data("GET", "/sobjects/EmailMessage/describe")).status_code == 404


async def test_where_email_messages_are_not_createable_the_describe_says_so(org: OrgClient) -> None:
    await org.configure(is_email_message_createable=False)
    assert (await org.data("GET", "/sobjects/EmailMessage/describe")).json()["createable"] is False
    refused = await error_of(org, "POST", "EmailMessage", SENT)
    assert refused == (400, "INSUFFICIENT_ACCESS_OR_READONLY", [])


async def test_emails_of_a_collection_fail_alone(org: OrgClient) -> None:
    jane, joe = await org.lead(), await org.lead(LastName="Joe")
    records = [
        {"attributes": {"type": "EmailMessage"}, **SENT, "ToIds": [jane]},
        {"attributes": {"type": "EmailMessage"}, **SENT, "Status": "0", "ToIds": [joe]},
    ]
    made = (await org.data("POST", "/composite/sobjects", {"records": records})).json()
    assert [(each["success"], [e["statusCode"] for e in each["errors"]]) for each in made] == [
        (True, []),
        (False, ["FIELD_INTEGRITY_EXCEPTION"]),
    ]
    assert [row["WhoId"] for row in await org.rows("SELECT WhoId FROM Task")] == [jane]


async def test_a_composite_refers_to_a_new_lead_in_a_list(org: OrgClient) -> None:
    parts = [
        {
            "method": "POST",
            "url": f"{org.root}/sobjects/Lead",
            "referenceId": "person",
            "body": {"LastName": "Doe", "Company": "Acme"},
        },
        {
            "method": "POST",
            "url": f"{org.root}/sobjects/EmailMessage",
            "referenceId": "email",
            "body": {**SENT, "ToIds": ["@{person.id}"]},
        },
    ]
    answers = (await org.data("POST", "/composite", {"compositeRequest": parts})).json()["compositeResponse"]
    assert [each["httpStatusCode"] for each in answers] == [201, 201]
    task = await task_of(org, answers[1]["body"]["id"])
    assert task["WhoId"] == answers[0]["body"]["id"]
