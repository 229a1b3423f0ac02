"""What a body says about a row: names, permissions, types and lookups, in Salesforce's order."""

from collections.abc import Mapping
from typing import Any

from salesforce_simulator import field_types
from salesforce_simulator.errors import field_not_writable, no_such_column, refusal, save_refusal
from salesforce_simulator.metadata.schema import Field, SObject
from salesforce_simulator.org import Org
from salesforce_simulator.rules import reference_fields
from salesforce_simulator.store import Row
from salesforce_simulator.write_rules import WriteRules


def parse_input(org: Org, rules: WriteRules, given: Mapping[str, Any], *, flag: str, raw: str) -> Row:
    """The given fields under their own names, typed; `flag` is C or U.

    Raises SalesforceError on unknown, unwritable or mistyped fields and on lookups that lead nowhere.
    """
    known, found = rules.sobject.exact, []
    for name, value in given.items():
        field = None if isinstance(value, dict) or name == "Id" else known.get(name)
        if field is None and name.lower() == "attributes":
            continue
        found.append((field or _find_field(rules.sobject, name, value, flag), value))
    writable = rules.writable[flag]
    locked = [field.name for field, _ in found if field.name not in writable]
    if locked:
        raise field_not_writable(locked)
    return {
        field.name: (
            value.strip() or None
            if field.is_text and isinstance(value, str)
            else _parse_value(org, field, value, raw)
        )
        for field, value in found
    }


def _find_field(sobject: SObject, name: str, value: Any, flag: str) -> Field:
    """The field of a name; an object under a relationship's name means its reference field."""
    reference = sobject.relationship(name) if isinstance(value, dict) else None
    field = reference or sobject.find(name)
    if field is None:
        raise no_such_column(name, sobject.name)
    if field.name == "Id" and flag == "C":
        raise save_refusal("INVALID_FIELD_FOR_INSERT_UPDATE", "cannot specify Id in an insert call", "Id")
    if field.name == "Id":
        raise refusal("INVALID_FIELD", "The Id field should not be specified in the sobject data.")
    return field


def _parse_value(org: Org, field: Field, value: Any, raw: str) -> Any:
    if field.type == "reference" and isinstance(value, dict):
        return reference_fields.resolve_external_id(org, field, value)
    typed = field_types.parse_value(field, value, raw)
    if field.type == "reference" and typed is not None:
        return reference_fields.resolve(org, field, typed)
    if field.junction and typed is not None:
        return list(dict.fromkeys(reference_fields.resolve(org, field, each) for each in typed))
    return typed
