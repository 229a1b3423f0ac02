"""The compound name of a person."""

from salesforce_simulator.org import Org
from salesforce_simulator.store import Row


def on_insert(org: Org, row: Row, user_id: str) -> Row:
    return {**row, "Name": full_name(row)}


def on_update(org: Org, before: Row, row: Row) -> Row:
    return {**row, "Name": full_name(row)}


def full_name(row: Row) -> str | None:
    """First and last name, as far as there are any."""
    parts = (row.get("FirstName"), row.get("LastName"))
    return " ".join(part for part in parts if part) or None
