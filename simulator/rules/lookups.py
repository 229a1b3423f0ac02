"""Ids in the body of a write: do they exist, and may this field point there."""

from simulator import ids
from simulator.errors import SalesforceError, save_refusal
from simulator.metadata.schema import Field
from simulator.org import Org


def resolve(org: Org, field: Field, value: str) -> str:
    """The 18-character id that a reference field may hold; raises SalesforceError."""
    try:
        record_id = ids.normalise(value)
    except ids.MalformedId as error:
        raise _wrong_type("MALFORMED_ID", field, value) from error
    target = org.schema.of_id(record_id)
    if field.reference_to and target not in field.reference_to:
        raise _wrong_type("FIELD_INTEGRITY_EXCEPTION", field, value)
    row = org.store.get(target, record_id) if target else None
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


def _wrong_type(code: str, field: Field, value: str) -> SalesforceError:
    return save_refusal(code, f"{field.label}: id value of incorrect type: {value}", field.name)
