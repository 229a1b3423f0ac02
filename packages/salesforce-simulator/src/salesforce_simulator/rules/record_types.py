"""Record types: which one a row gets, and which ones it may have."""

from collections.abc import Collection

from salesforce_simulator import field_types, ids
from salesforce_simulator.config_parts import RecordType
from salesforce_simulator.errors import ErrorItem, save_refusal
from salesforce_simulator.org import Org
from salesforce_simulator.store import Row


def with_default(org: Org, name: str, row: Row) -> Row:
    """The row with its object's default record type where it names none; raises on one of another object."""
    kinds = _of(org, name)
    if not kinds:
        return row
    chosen = row.get("RecordTypeId")
    if chosen is None:
        default = next((i for i, kind in kinds.items() if kind.is_default), next(iter(kinds)))
        return {**row, "RecordTypeId": default}
    if chosen not in kinds:
        message = f"Record Type ID: this ID value isn't valid for the user: {chosen}"
        raise save_refusal("INVALID_CROSS_REFERENCE_KEY", message, "RecordTypeId")
    return row


def invalid_picklist_values(org: Org, name: str, row: Row, names: Collection[str]) -> list[ErrorItem]:
    """The restricted picklists of which the row's record type does not have the value."""
    kind = _of(org, name).get(row.get("RecordTypeId") or "")
    if kind is None or not kind.picklists:
        return []
    fields = org.whole.objects[name].fields
    return [
        field_types.bad_picklist_value(fields[field], row[field])
        for field, allowed in kind.picklists.items()
        if field in names
        and fields[field].has("R")
        and set(field_types.options(fields[field], row[field])) - set(allowed)
    ]


def is_person(org: Org, row: Row) -> bool:
    """Whether an account's record type makes it a person."""
    kind = _of(org, "Account").get(row.get("RecordTypeId") or "")
    return kind is not None and kind.is_person_type


def _of(org: Org, name: str) -> dict[str, RecordType]:
    """The active record types of an object by id."""
    numbered = enumerate(org.config.every_record_type, start=1)
    return {ids.new_id("012", n): kind for n, kind in numbered if kind.sobject == name and kind.is_active}
