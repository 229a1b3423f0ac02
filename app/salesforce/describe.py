"""Describe answers read into types: what may be written, what must be, and which values exist."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from app.salesforce.errors import ResponseLost

ALWAYS_TOLD: Final = frozenset({"name", "label", "type", "createable", "updateable", "nillable"})


@dataclass(frozen=True)
class Field:
    """One field. `length` counts characters, 0 for types without; `picklist_values` are active API values,
    `picklist_labels` what users see of them. Numbers have `precision` digits, `scale` of them after
    the point.

    Only a restricted picklist refuses other values; `reference_to` names the objects a lookup may point to.
    """

    name: str
    label: str
    type: str
    length: int
    is_createable: bool
    is_updateable: bool
    is_nillable: bool
    is_defaulted_on_create: bool
    is_restricted_picklist: bool
    picklist_values: tuple[str, ...] = ()
    reference_to: tuple[str, ...] = ()
    precision: int = 0
    scale: int = 0
    default_value: str | None = None
    is_external_id: bool = False
    is_unique: bool = False
    is_filterable: bool = True
    picklist_labels: tuple[str, ...] = ()

    @property
    def is_required_on_create(self) -> bool:
        """Whether a create without it is refused."""
        return self.is_createable and not self.is_nillable and not self.is_defaulted_on_create


@dataclass(frozen=True)
class RecordType:
    """One record type; `is_available` is for the connected user."""

    id: str
    name: str
    developer_name: str
    is_available: bool
    is_default: bool
    is_master: bool


@dataclass(frozen=True)
class SObjectDescribe:
    """One object as the connected user sees it; fields hidden from that user are absent."""

    name: str
    label: str
    is_createable: bool
    is_updateable: bool
    is_queryable: bool
    fields: dict[str, Field]
    record_types: tuple[RecordType, ...] = ()

    @property
    def required_on_create(self) -> tuple[str, ...]:
        """The API names of fields that every create must carry."""
        return tuple(name for name, field in self.fields.items() if field.is_required_on_create)


def parse_describe(body: object) -> SObjectDescribe:
    """Read the answer of `/sobjects/{SObject}/describe`. Raises `ResponseLost` when it is not one.

    https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_sobject_describe.htm
    """
    if not isinstance(body, dict):
        raise ResponseLost("the answer is not a describe")
    try:
        return _parse_sobject(body)
    except (KeyError, TypeError, AttributeError) as error:
        raise ResponseLost(f"the describe is unreadable: {error}") from error


def describe_body(describe: SObjectDescribe) -> dict[str, Any]:
    """What `parse_describe` needs to read the same again, as the answer has it."""
    return {
        "name": describe.name,
        "label": describe.label,
        "createable": describe.is_createable,
        "updateable": describe.is_updateable,
        "queryable": describe.is_queryable,
        "fields": [_field_body(field) for field in describe.fields.values()],
        "recordTypeInfos": [_record_type_body(each) for each in describe.record_types],
    }


def _parse_sobject(body: Mapping[str, Any]) -> SObjectDescribe:
    fields = [_parse_field(field) for field in body["fields"]]
    return SObjectDescribe(
        name=str(body["name"]),
        label=str(body["label"]),
        is_createable=body["createable"] is True,
        is_updateable=body["updateable"] is True,
        is_queryable=body["queryable"] is True,
        fields={field.name: field for field in fields},
        record_types=tuple(_parse_record_type(each) for each in body.get("recordTypeInfos") or ()),
    )


def _parse_field(field: Mapping[str, Any]) -> Field:
    choices = [each for each in field.get("picklistValues") or () if each.get("active")]
    return Field(
        name=str(field["name"]),
        label=str(field["label"]),
        type=str(field["type"]),
        length=_int(field.get("length")),
        is_createable=field["createable"] is True,
        is_updateable=field["updateable"] is True,
        is_nillable=field["nillable"] is True,
        is_defaulted_on_create=field.get("defaultedOnCreate") is True,
        is_restricted_picklist=field.get("restrictedPicklist") is True,
        picklist_values=tuple(str(each["value"]) for each in choices),
        reference_to=tuple(str(each) for each in field.get("referenceTo") or ()),
        precision=_int(field.get("precision")),
        scale=_int(field.get("scale")),
        default_value=_default(field, choices),
        is_external_id=field.get("externalId") is True,
        is_unique=field.get("unique") is True,
        is_filterable=field.get("filterable") is not False,
        picklist_labels=tuple(str(each.get("label") or each["value"]) for each in choices),
    )


def _default(field: Mapping[str, Any], choices: Sequence[Mapping[str, Any]]) -> str | None:
    own = field.get("defaultValue")
    chosen = next((str(each["value"]) for each in choices if each.get("defaultValue") is True), None)
    return str(own) if isinstance(own, str) and own else chosen


def _field_body(field: Field) -> dict[str, Any]:
    choices = zip(field.picklist_values, field.picklist_labels, strict=True)
    body = {
        "name": field.name,
        "label": field.label,
        "type": field.type,
        "length": field.length,
        "createable": field.is_createable,
        "updateable": field.is_updateable,
        "nillable": field.is_nillable,
        "defaultedOnCreate": field.is_defaulted_on_create,
        "restrictedPicklist": field.is_restricted_picklist,
        "picklistValues": [{"value": value, "label": label, "active": True} for value, label in choices],
        "referenceTo": list(field.reference_to),
        "precision": field.precision,
        "scale": field.scale,
        "defaultValue": field.default_value,
        "externalId": field.is_external_id,
        "unique": field.is_unique,
    }
    told = {name: value for name, value in body.items() if value or name in ALWAYS_TOLD}
    return told if field.is_filterable else {**told, "filterable": False}


def _record_type_body(record_type: RecordType) -> dict[str, Any]:
    return {
        "recordTypeId": record_type.id,
        "name": record_type.name,
        "developerName": record_type.developer_name,
        "available": record_type.is_available,
        "defaultRecordTypeMapping": record_type.is_default,
        "master": record_type.is_master,
    }


def _parse_record_type(info: Mapping[str, Any]) -> RecordType:
    return RecordType(
        id=str(info["recordTypeId"]),
        name=str(info["name"]),
        developer_name=str(info["developerName"]),
        is_available=info.get("available") is True,
        is_default=info.get("defaultRecordTypeMapping") is True,
        is_master=info.get("master") is True,
    )


def _int(value: object) -> int:
    return value if type(value) is int else 0
