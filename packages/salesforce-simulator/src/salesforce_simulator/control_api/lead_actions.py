"""What people do inside Salesforce and no REST resource does: convert, merge, take out of the bin."""

from typing import Any

from salesforce_simulator import ids, writes
from salesforce_simulator.errors import SalesforceError
from salesforce_simulator.metadata.standard import NEVER_UNDELETED
from salesforce_simulator.org import Org
from salesforce_simulator.rules import lead_conversion
from salesforce_simulator.store import Row


class NoSuchRow(ValueError):
    """An id in the request names no row of the expected object, or the rows refuse."""


def convert(org: Org, asked: dict[str, Any]) -> dict[str, Any]:
    """`{"leadId": …, "contactId": … or absent}`: the ids of the Lead, Contact and Account."""
    lead = _row(org, "Lead", asked.get("leadId"))
    contact = _row(org, "Contact", asked["contactId"]) if asked.get("contactId") else None
    try:
        target = lead_conversion.convert(org, lead, contact)
    except SalesforceError as error:
        raise NoSuchRow(error.items[0].message) from error
    return {"leadId": lead["Id"], "contactId": target["Id"], "accountId": target.get("AccountId")}


def merge(org: Org, asked: dict[str, Any]) -> dict[str, Any]:
    """`{"masterId": …, "mergedIds": […]}` of one object: Lead, Contact or Account."""
    name = org.schema.of_id(str(asked.get("masterId") or ""))
    if name not in {"Lead", "Contact", "Account"}:
        raise NoSuchRow(f"no Lead, Contact or Account: {asked.get('masterId')}")
    winner = _row(org, name, asked["masterId"])
    losers = [_row(org, name, record_id) for record_id in asked.get("mergedIds", [])]
    try:
        for loser in losers:
            lead_conversion.merge(org, name, winner, loser)
    except SalesforceError as error:
        raise NoSuchRow(error.items[0].message) from error
    return {"masterId": winner["Id"], "mergedIds": [loser["Id"] for loser in losers]}


def undelete(org: Org, asked: dict[str, Any]) -> dict[str, Any]:
    """`{"ids": […]}` of rows in the recycle bin; refused whole where one cannot come back."""
    restored = []
    try:
        with org.store.savepoint():
            for record_id in asked.get("ids", []):
                name = org.schema.of_id(str(record_id))
                if name is None or name in NEVER_UNDELETED:
                    raise NoSuchRow(f"nothing to undelete: {record_id}")
                row = _row(org, name, record_id, is_deleted=True)
                writes.undelete(org, org.whole.objects[name], row)
                restored.append(row["Id"])
    except SalesforceError as error:
        raise NoSuchRow(f"{error.items[0].code}: {error.items[0].message}") from error
    return {"undeleted": restored}


def _row(org: Org, name: str, record_id: Any, *, is_deleted: bool = False) -> Row:
    try:
        row = org.store.get(name, ids.normalise(str(record_id)))
    except ids.MalformedId as error:
        raise NoSuchRow(f"no id: {record_id}") from error
    if row is None or row["IsDeleted"] is not is_deleted:
        raise NoSuchRow(f"no {name}: {record_id}")
    return row
