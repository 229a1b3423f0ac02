"""E-mails: the people they are related to, the Task that Enhanced Email makes of one, and what they refuse.

Object Reference, "EmailMessage": https://developer.salesforce.com/docs/platform/object-reference
"""

from collections.abc import Iterable, Iterator

from salesforce_simulator.errors import save_refusal
from salesforce_simulator.field_types import required_missing
from salesforce_simulator.org import Org
from salesforce_simulator.rules import activities
from salesforce_simulator.store import Row

_NEW, _READ, _SENT, _DRAFT = "0", "1", "3", "5"
# The lists of ids, and what the relations of their people are called.
_LISTS = {"ToIds": "ToAddress", "CcIds": "CcAddress", "BccIds": "BccAddress"}
_AUDIT = ("CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "SystemModstamp")


def on_insert(org: Org, row: Row, user_id: str) -> Row:
    """An e-mail that is of no Case needs Enhanced Email, is sent or received, and gets its Task by itself."""
    if row["ParentId"] is None:
        if not org.config.has_enhanced_email:
            raise required_missing(["ParentId"])
        if row["Status"] != _SENT:
            raise save_refusal("FIELD_INTEGRITY_EXCEPTION", org.config.email_status_message, "Status")
        if row["ActivityId"]:
            raise save_refusal("FIELD_INTEGRITY_EXCEPTION", org.config.email_activity_message, "ActivityId")
        activities.check_relations(org, _relations_of_task(org, row))
    return {**row, "IsOpened": row["FirstOpenedDate"] is not None}


def check_editable(org: Org, row: Row, changes: Row) -> None:
    """Only drafts change; of others, custom fields, who outside may see them, and that a new one was read."""
    if row["Status"] == _DRAFT:
        return
    is_read = (row["Status"], changes.get("Status")) == (_NEW, _READ)
    fixed = [
        name
        for name in changes
        if not name.endswith("__c") and name != "IsExternallyVisible" and not (name == "Status" and is_read)
    ]
    if fixed:
        raise save_refusal(org.config.sent_email_code, org.config.sent_email_message, *fixed)


def after_insert(org: Org, row: Row) -> None:
    people = [(kind, person) for name, kind in _LISTS.items() for person in row[name] or ()]
    if row["FromId"]:
        people.append(("FromAddress", row["FromId"]))
    _relate(org, row, people)
    if row["ParentId"] is None:
        _put_task(org, row)


def after_update(org: Org, before: Row, row: Row) -> None:
    """A list of ids that was given again replaces its relations."""
    changed = {kind: row[name] or () for name, kind in _LISTS.items() if row.get(name) != before.get(name)}
    for relation in org.store.find("EmailMessageRelation", "EmailMessageId", row["Id"]):
        if relation["RelationType"] in changed:
            org.store.update("EmailMessageRelation", relation["Id"], {"IsDeleted": True})
    _relate(org, row, ((kind, person) for kind, people in changed.items() for person in people))


def relation_on_insert(org: Org, row: Row, user_id: str) -> Row:
    return {**row, "RelationObjectType": org.whole.of_id(row["RelationId"] or "")}


def _relate(org: Org, email: Row, people: Iterable[tuple[str, str]]) -> None:
    for kind, person_id in people:
        name = str(org.whole.of_id(person_id))
        relation = {
            "EmailMessageId": email["Id"],
            "RelationType": kind,
            "RelationId": person_id,
            "RelationObjectType": name,
            "RelationAddress": (org.store.get(name, person_id) or {}).get("Email"),
        }
        org.store.upsert("EmailMessageRelation", _new(org, "EmailMessageRelation", email, relation))


def _put_task(org: Org, email: Row) -> None:
    """The closed Task beside an e-mail; people see it on the timeline."""
    closed = next((each.value for each in org.config.task_statuses if each.is_closed), "Completed")
    task = {
        "Subject": f"Email: {email['Subject'] or ''}"[:255],
        "Status": closed,
        "Priority": "Normal",
        "TaskSubtype": "Email",
        "ActivityDate": (email["MessageDate"] or email["CreatedDate"])[:10],
        "OwnerId": email["CreatedById"],
        **_relations_of_task(org, email),
    }
    row = activities.task_derived(org, _new(org, "Task", email, task))
    org.store.upsert("Task", row)
    org.store.update("EmailMessage", email["Id"], {"ActivityId": row["Id"]})


def _relations_of_task(org: Org, email: Row) -> Row:
    """Whom and what the Task is about: the first person, who as a Lead may leave no place for a What."""
    who = next(_people(org, email), None) if org.config.is_email_task_of_person else None
    is_lead = org.whole.of_id(who or "") == "Lead"
    what = None if is_lead and org.config.email_of_lead_with_what == "unrelated" else email["RelatedToId"]
    return {"WhoId": who, "WhatId": what}


def _people(org: Org, email: Row) -> Iterator[str]:
    senders = [email["FromId"]] if email["Incoming"] else []
    for record_id in (*senders, *(person for name in _LISTS for person in email[name] or ())):
        if org.whole.of_id(record_id or "") in {"Contact", "Lead"}:
            yield record_id


def _new(org: Org, name: str, email: Row, given: Row) -> Row:
    """A row that an e-mail brings with it, made by whom and when the e-mail is."""
    fields = org.whole.objects[name].fields.values()
    blank = {each.name: False if each.type == "boolean" else None for each in fields}
    return {**blank, **{key: email[key] for key in _AUDIT}, **given, "Id": org.store.next_id(name)}
