"""Cases: their numbers, what they take from their Contact and their status, and what they refuse."""

from typing import Any

from salesforce_simulator.field_types import required_missing
from salesforce_simulator.org import Org
from salesforce_simulator.rules.activities import is_closed
from salesforce_simulator.store import Row


def on_insert(org: Org, row: Row, user_id: str) -> Row:
    """An active auto-response rule needs to know whom to write to."""
    if row["SuppliedEmail"] is None and any(rule.is_active for rule in org.config.auto_response_rules):
        raise required_missing(["SuppliedEmail"])
    number = org.store.table("Case").last_number + 1
    row = {**row, "CaseNumber": f"{1000 + number:08d}"}
    return derived(org, {**row, "AccountId": row["AccountId"] or _account_of(org, row)})


def on_update(org: Org, before: Row, row: Row) -> Row:
    if row["ContactId"] != before["ContactId"] and row["AccountId"] is None:
        row = {**row, "AccountId": _account_of(org, row)}
    return derived(org, row)


def derived(org: Org, row: Row) -> Row:
    has_closed = is_closed(org.config.case_statuses, row["Status"])
    closed_at = row["ClosedDate"] or org.now() if has_closed else None
    return {**row, "IsClosed": has_closed, "ClosedDate": closed_at}


def _account_of(org: Org, row: Row) -> Any:
    contact = org.store.get("Contact", row["ContactId"])
    return contact["AccountId"] if contact else None
