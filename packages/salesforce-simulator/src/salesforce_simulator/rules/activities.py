"""Tasks and e-mails: what they derive and what they refuse."""

from collections.abc import Iterable
from typing import Any

from salesforce_simulator.config_parts import ActivityStatus
from salesforce_simulator.errors import save_refusal
from salesforce_simulator.org import Org
from salesforce_simulator.rules import lead_conversion
from salesforce_simulator.store import Row


def task_on_insert(org: Org, row: Row, user_id: str) -> Row:
    check_relations(org, row)
    return task_derived(org, {**row, "TaskSubtype": row["TaskSubtype"] or "Task"})


def task_on_update(org: Org, before: Row, row: Row) -> Row:
    if row["WhoId"] != before["WhoId"] or row["WhatId"] != before["WhatId"]:
        check_relations(org, row)
    return task_derived(org, row)


def check_relations(org: Org, row: Row) -> None:
    """An activity of a Lead can be related to nothing else."""
    target = org.whole.of_id(row["WhoId"] or "")
    if target == "Lead":
        lead_conversion.check_referable(org, row["WhoId"])
        if row["WhatId"]:
            raise save_refusal("FIELD_INTEGRITY_EXCEPTION", org.config.lead_what_message, "WhoId", "WhatId")


def email_after_insert(org: Org, row: Row) -> None:
    """Enhanced Email puts a closed Task of what was sent beside it; an e-mail of a Case has none."""
    if not org.config.has_enhanced_email or row["ParentId"] or row["ActivityId"] or row["Status"] == "5":
        return
    empty = {
        each.name: False if each.type == "boolean" else None
        for each in org.whole.objects["Task"].fields.values()
    }
    kept = ("CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "SystemModstamp")
    closed = next((each.value for each in org.config.task_statuses if each.is_closed), "Completed")
    task = {
        "Id": org.store.next_id("Task"),
        "Subject": f"Email: {row['Subject'] or ''}"[:255],
        "Status": closed,
        "TaskSubtype": "Email",
        "ActivityDate": org.today(),
        "WhatId": row["RelatedToId"],
        "OwnerId": row["CreatedById"],
    }
    org.store.upsert("Task", task_derived(org, {**empty, **{name: row[name] for name in kept}, **task}))
    org.store.update("EmailMessage", row["Id"], {"ActivityId": task["Id"]})


def task_derived(org: Org, row: Row) -> Row:
    has_closed = is_closed(org.config.task_statuses, row["Status"])
    completed = row["CompletedDateTime"] or org.now() if has_closed else None
    return {
        **row,
        "IsClosed": has_closed,
        "CompletedDateTime": completed,
        "IsHighPriority": row["Priority"] == "High",
        "AccountId": account_of(org, row),
    }


def is_closed(statuses: Iterable[ActivityStatus], status: str | None) -> bool:
    """A status that is not listed is stored, and open."""
    return any(each.is_closed for each in statuses if each.value == status)


def account_of(org: Org, row: Row) -> Any:
    if org.whole.of_id(row["WhatId"] or "") == "Account":
        return row["WhatId"]
    contact = org.store.get("Contact", row["WhoId"])
    return contact.get("AccountId") if contact else None
