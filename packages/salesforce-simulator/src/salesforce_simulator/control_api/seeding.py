"""Rows shown whole, and rows put in past every rule."""

from datetime import datetime
from typing import Any

from salesforce_simulator import clock, ids
from salesforce_simulator.metadata.schema import SObject
from salesforce_simulator.org import Org
from salesforce_simulator.rules import activities, campaigns, cases, names
from salesforce_simulator.soql.fields import read
from salesforce_simulator.store import Row


class MalformedRow(ValueError):
    """The object, a field or an id does not exist."""


def list_rows(org: Org, name: str, record_id: str | None = None) -> list[Row]:
    """Every row of an object with every field, deleted ones too; or the one with this id."""
    sobject = _sobject(org, name)
    rows = org.store.table(sobject.name).rows
    chosen = rows.values() if record_id is None else filter(None, [rows.get(record_id)])
    fields = sobject.fields.values()
    return [{f.name: read(org, sobject.name, f, row) for f in fields} for row in chosen]


def insert_rows(org: Org, name: str, rows: list[Row]) -> list[str]:
    """Put rows in past every rule; defaults and derived fields are filled, given audit fields are kept."""
    sobject = _sobject(org, name)
    with org.store.savepoint():
        return [_insert(org, sobject, row) for row in rows]


def _sobject(org: Org, name: str) -> SObject:
    sobject = org.sobject(name)
    if sobject is None:
        raise MalformedRow(f"no such object: {name}")
    return sobject


def _insert(org: Org, sobject: SObject, given: Row) -> str:
    unknown = [name for name in given if name not in sobject.fields and name != "attributes"]
    if unknown:
        raise MalformedRow(f"no such field on {sobject.name}: {', '.join(unknown)}")
    now = org.now()
    row: Row = {f.name: False if f.type == "boolean" else f.default for f in sobject.fields.values()}
    row |= {"CreatedById": org.admin_id, "LastModifiedById": org.admin_id}
    if "OwnerId" in row:
        row["OwnerId"] = org.admin_id
    row |= {name: _stored(sobject, name, value) for name, value in given.items() if name in sobject.fields}
    row["CreatedDate"] = row["CreatedDate"] or now
    row["LastModifiedDate"] = row["LastModifiedDate"] or row["CreatedDate"]
    row["SystemModstamp"] = row["SystemModstamp"] or row["LastModifiedDate"]
    row["Id"] = row["Id"] or org.store.next_id(sobject.name)
    row = _derived(org, sobject.name, row)
    org.store.upsert(sobject.name, row)
    if sobject.name == "Campaign":
        campaigns.campaign_after_insert(org, row)
    return str(row["Id"])


def _stored(sobject: SObject, name: str, value: Any) -> Any:
    field = sobject.fields[name]
    try:
        if value is not None and field.type in {"id", "reference"}:
            return ids.normalise(value)
        if value is not None and field.type == "datetime":
            return clock.format_datetime(datetime.fromisoformat(value))
    except ValueError as error:
        raise MalformedRow(f"{sobject.name}.{name}: {value}") from error
    return value


def _derived(org: Org, name: str, row: Row) -> Row:
    if name in {"Lead", "Contact", "User"}:
        return {**row, "Name": names.full_name(row)}
    if name == "Task":
        return activities.task_derived(org, row)
    if name == "Case":
        return cases.derived(org, row)
    if name == "CampaignMember":
        return campaigns.with_status(org, row, None)
    return row
