"""Tasks, and what all activities have in common: whom and what they are about."""

from collections.abc import Iterable
from typing import Any

from salesforce_simulator.config_parts import ActivityStatus
from salesforce_simulator.errors import SalesforceError, save_refusal
from salesforce_simulator.field_types import bad_picklist_value
from salesforce_simulator.org import Org
from salesforce_simulator.rules import lead_conversion
from salesforce_simulator.store import Row

# Salesforce alone makes Tasks of cadences.
_RESERVED_SUBTYPE = "Cadence"


def task_on_insert(org: Org, row: Row, user_id: str) -> Row:
    check_relations(org, row)
    if row["TaskSubtype"] == _RESERVED_SUBTYPE:
        item = bad_picklist_value(org.whole.objects["Task"].fields["TaskSubtype"], _RESERVED_SUBTYPE)
        raise SalesforceError(400, item)
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
