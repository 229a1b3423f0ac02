"""Ids in the body of a write: do they exist, and may this field point there."""

from collections.abc import Mapping
from typing import Any

from salesforce_simulator import ids
from salesforce_simulator.errors import SalesforceError, refusal, save_refusal
from salesforce_simulator.metadata.schema import Field, SObject
from salesforce_simulator.org import Org


def resolve(org: Org, field: Field, value: str) -> str:
    """The 18-character id that a reference field may hold; raises SalesforceError."""
    target = org.schema.of_id(value)
    row = org.store.get(target, value) if target else None
    record_id = value if row else _normal(field, value)
    if field.reference_to and target not in field.reference_to:
        raise _wrong_type("FIELD_INTEGRITY_EXCEPTION", field, value)
    row = row or (org.store.get(target, record_id) if target else None)
    if row is None:
        raise save_refusal("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
    if row["IsDeleted"]:
        raise save_refusal("ENTITY_IS_DELETED", "entity is deleted")
    if not org.is_visible(row):
        raise save_refusal(
            "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
            "insufficient access rights on cross-reference id",
            status=org.config.access_status,
        )
    return record_id


def _normal(field: Field, value: str) -> str:
    try:
        return ids.normalise(value)
    except ids.MalformedId as error:
        raise _wrong_type("MALFORMED_ID", field, value) from error


def resolve_external_id(org: Org, field: Field, value: Mapping[str, Any]) -> str:
    """The id behind `{"External_Id__c": …}`, given in place of a lookup; raises SalesforceError.

    A field that may point to several objects needs the object's name in `attributes.type` or `type`.
    """
    target = _target(org, field, value)
    keys = [(name, key) for name, key in value.items() if name.lower() not in {"attributes", "type"}]
    key_field = target.find(keys[0][0]) if len(keys) == 1 else None
    if key_field is None or not (key_field.has("X") or key_field.has("L")):
        names = ", ".join(name for name, _ in keys)
        raise refusal(
            "INVALID_FIELD", f"Field name provided, {names} does not match an External ID for {target.name}"
        )
    key = keys[0][1]
    rows = [row for row in org.store.find(target.name, key_field.name, key) if org.is_visible(row)]
    if not rows:
        message = (
            f"Foreign key external ID: {key} not found for field {key_field.name} in entity {target.name}"
        )
        raise save_refusal("INVALID_FIELD", message)
    if len(rows) > 1:
        found = ", ".join(row["Id"] for row in rows)
        message = f"{key_field.name}: more than one record found for external id field: [{found}]"
        raise save_refusal("DUPLICATE_EXTERNAL_ID", message)
    return str(rows[0]["Id"])


def _target(org: Org, field: Field, value: Mapping[str, Any]) -> SObject:
    attributes = value.get("attributes")
    named = attributes.get("type") if isinstance(attributes, dict) else value.get("type")
    if named is None and len(field.reference_to) == 1:
        named = field.reference_to[0]
    target = org.sobject(str(named))
    if target is None or target.name not in field.reference_to:
        raise refusal(
            "INVALID_FIELD", f"{field.relationship_name}: the sObject type of a polymorphic lookup is needed"
        )
    return target


def _wrong_type(code: str, field: Field, value: str) -> SalesforceError:
    return save_refusal(code, f"{field.label}: id value of incorrect type: {value}", field.name)
