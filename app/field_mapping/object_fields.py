"""An object's fields as a picker needs them: labels, types, picklists, and which of them a rule may fill."""

from app.api.dependencies import Resources
from app.api.errors import ObjectNotVisible
from app.field_mapping.org_metadata import load_metadata
from app.field_mapping.response_schemas import FieldShown, ObjectFields, PicklistValue, RecordTypeShown
from app.field_mapping.source_catalog import reserved_reason
from app.salesforce.describe import Field, SObjectDescribe
from app.sync.field_values.converters import CONVERTERS
from app.sync.model.record_kinds import written_objects


async def read_fields(resources: Resources, host_id: str, sobject: str, *, is_anew: bool) -> ObjectFields:
    """The object as the connected user sees it.

    Raises ObjectNotVisible, NotConnected, ConnectionNeedsReconnect, ApiBudgetReached, SalesforceRefused and
    SalesforceUnavailable.
    """
    view = await load_metadata(resources, host_id, [sobject], is_anew=is_anew)
    described = view.describes.get(sobject)
    if described is None:
        raise ObjectNotVisible(f"The connected user cannot see {sobject}.")
    return show_object(described)


def show_object(described: SObjectDescribe) -> ObjectFields:
    """Convert a describe for the dashboard."""
    fields = [_shown(described, field) for field in described.fields.values()]
    return ObjectFields(
        object=described.name,
        label=described.label,
        is_written=described.name in written_objects(),
        fields=sorted(fields, key=lambda field: (field.label.casefold(), field.name)),
        record_types=[
            RecordTypeShown.model_validate(each, from_attributes=True)
            for each in described.record_types
            if not each.is_master
        ],
    )


def why_not_mappable(sobject: str, field: Field) -> str | None:
    """Return the reason why no rule can fill this field; None if one can."""
    owned = reserved_reason(sobject, field.name)
    if owned is not None:
        return owned
    if field.type not in CONVERTERS:
        return f"fields of type {field.type} cannot be filled"
    return None if field.is_createable or field.is_updateable else "read-only for the connected user"


def _shown(described: SObjectDescribe, field: Field) -> FieldShown:
    why_not = why_not_mappable(described.name, field)
    values = zip(field.picklist_values, field.picklist_labels, strict=True)
    return FieldShown.model_validate(
        {
            **vars(field),
            "is_required": field.is_required_on_create,
            "is_restricted": field.is_restricted_picklist,
            "is_mappable": why_not is None,
            "why_not": why_not,
            "values": [PicklistValue(value=value, label=label) for value, label in values],
        }
    )
