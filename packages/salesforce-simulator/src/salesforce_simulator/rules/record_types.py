"""Record types: which one a row gets, and which ones it may have."""

from collections.abc import Collection, Mapping

from salesforce_simulator import field_types
from salesforce_simulator.config_parts import RecordType
from salesforce_simulator.errors import ErrorItem, save_refusal
from salesforce_simulator.metadata.schema import Field
from salesforce_simulator.org import Org
from salesforce_simulator.store import Row
from salesforce_simulator.write_rules import active_record_types


def with_default(kinds: Mapping[str, RecordType], row: Row) -> Row:
    """The row with the default of its object's record types where it names none; raises on one of another."""
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


def invalid_picklist_values(
    kinds: Mapping[str, RecordType], fields: Mapping[str, Field], row: Row, names: Collection[str]
) -> list[ErrorItem]:
    """The restricted picklists of which the row's record type does not have the value."""
    kind = kinds.get(row.get("RecordTypeId") or "") if kinds else None
    if kind is None or not kind.picklists:
        return []
    return [
        field_types.bad_picklist_value(fields[field], row[field])
        for field, allowed in kind.picklists.items()
        if field in names
        and fields[field].has("R")
        and set(field_types.options(fields[field], row[field])) - set(allowed)
    ]


def is_person(org: Org, row: Row) -> bool:
    """Whether an account's record type makes it a person."""
    kind = active_record_types(org.config, "Account").get(row.get("RecordTypeId") or "")
    return kind is not None and kind.is_person_type
