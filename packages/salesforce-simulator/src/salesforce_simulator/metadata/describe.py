"""Describe answers in Salesforce's shape (recorded at v59)."""

from collections.abc import Mapping
from typing import Any

from salesforce_simulator import ids
from salesforce_simulator.config import Config
from salesforce_simulator.metadata.schema import ID_TYPES, NUMBER_TYPES, Field, SObject
from salesforce_simulator.metadata.standard import NEVER_UNDELETED, Schema

_SOAP_TYPES = {
    "id": "tns:ID",
    "reference": "tns:ID",
    "boolean": "xsd:boolean",
    "int": "xsd:int",
    "double": "xsd:double",
    "currency": "xsd:double",
    "percent": "xsd:double",
    "date": "xsd:date",
    "datetime": "xsd:dateTime",
}
_MASTER_RECORD_TYPE = "012000000000000AAA"
_LAYOUTS = (
    "compactLayouts",
    "rowTemplate",
    "approvalLayouts",
    "listviews",
    "describe",
    "quickActions",
    "layouts",
)

_PERSON_NAME = ("FirstName", "LastName", "Salutation")
_FULL_NAME = 121
_NOT_PREFILTERED = ("CreatedById", "LastModifiedById", "MasterRecordId", "OwnerId")

# What no field of a simulated org differs in.
_SAME_FOR_ALL: Mapping[str, Any] = {
    "aiPredictionField": False,
    "calculated": False,
    "calculatedFormula": None,
    "caseSensitive": False,
    "controllerName": None,
    "defaultValueFormula": None,
    "dependentPicklist": False,
    "deprecatedAndHidden": False,
    "displayLocationInDecimal": False,
    "encrypted": False,
    "filteredLookupInfo": None,
    "formulaTreatNullNumberAsZero": False,
    "highScaleNumber": False,
    "htmlFormatted": False,
    "inlineHelpText": None,
    "mask": None,
    "maskType": None,
    "queryByDistance": False,
    "referenceTargetField": None,
    "relationshipOrder": None,
    "restrictedDelete": False,
    "writeRequiresMasterRead": False,
}


def describe_briefly(sobject: SObject, config: Config, root: str) -> dict[str, Any]:
    """One entry of the global describe."""
    own = f"{root}/sobjects/{sobject.name}"
    may_write = sobject.name not in config.read_only_objects
    is_closed = sobject.name in config.uncreateable_objects
    return {
        "activateable": False,
        "associateEntityType": None,
        "associateParentEntity": None,
        "createable": sobject.is_createable and may_write and not is_closed,
        "custom": sobject.name.endswith("__c"),
        "customSetting": False,
        "deepCloneable": False,
        "deletable": sobject.is_deletable and may_write,
        "deprecatedAndHidden": False,
        "feedEnabled": True,
        "hasSubtypes": False,
        "isInterface": False,
        "isSubtype": False,
        "keyPrefix": sobject.prefix,
        "label": sobject.label,
        "labelPlural": sobject.plural,
        "layoutable": True,
        "mergeable": sobject.name in {"Account", "Contact", "Lead"},
        "mruEnabled": True,
        "name": sobject.name,
        "queryable": True,
        "replicateable": True,
        "retrieveable": True,
        "searchable": True,
        "triggerable": True,
        "undeletable": sobject.name not in NEVER_UNDELETED,
        "updateable": sobject.is_updateable and may_write,
        "urls": {"rowTemplate": f"{own}/{{ID}}", "describe": f"{own}/describe", "sobject": own},
    }


def describe(schema: Schema, sobject: SObject, config: Config, *, root: str, base_url: str) -> dict[str, Any]:
    """The full describe of one object."""
    brief = describe_briefly(sobject, config, root)
    read_only = config.every_read_only_field.get(sobject.name, ())
    rest = {
        "actionOverrides": [],
        "childRelationships": _children(schema, sobject),
        "compactLayoutable": True,
        "defaultImplementation": None,
        "extendedBy": None,
        "extendsInterfaces": None,
        "fields": [_field(field, is_locked=field.name in read_only) for field in sobject.described.values()],
        "implementedBy": None,
        "implementsInterfaces": None,
        "listviewable": None,
        "lookupLayoutable": None,
        "namedLayoutInfos": [],
        "networkScopeFieldName": None,
        "recordTypeInfos": _record_types(sobject, config, root),
        "searchLayoutable": True,
        "sobjectDescribeOption": "FULL",
        "supportedScopes": [{"label": f"All {sobject.plural.lower()}", "name": "everything"}],
        "urls": _urls(sobject, root, base_url),
    }
    return dict(sorted({**brief, **rest}.items()))


def _children(schema: Schema, sobject: SObject) -> list[dict[str, Any]]:
    return [
        {
            "cascadeDelete": child.field.is_cascade,
            "childSObject": child.sobject,
            "deprecatedAndHidden": False,
            "field": child.field.name,
            **_junction(schema.objects[child.sobject], sobject),
            "relationshipName": child.field.child_name,
            "restrictedDelete": False,
        }
        for child in schema.children[sobject.name]
    ]


def _junction(child: SObject, parent: SObject) -> dict[str, list[str]]:
    """The lists of ids of an object that stand for rows of a child."""
    lists = [field for field in parent.fields.values() if field.junction == child.name]
    targets = {target for field in lists for target in field.reference_to}
    return {
        "junctionIdListNames": sorted(field.name for field in lists),
        "junctionReferenceTo": sorted(targets),
    }


def _record_types(sobject: SObject, config: Config, root: str) -> list[dict[str, Any]]:
    """The object's own record types and Master, which is the default where there are no others."""
    numbered = enumerate(config.every_record_type, start=1)
    own = [(ids.new_id("012", n), kind) for n, kind in numbered if kind.sobject == sobject.name]
    default = next((i for i, kind in own if kind.is_default and kind.is_active), None)
    infos = [
        _record_type(
            sobject,
            root,
            record_type_id=record_type_id,
            developer_name=kind.developer_name,
            name=kind.name or kind.developer_name.replace("_", " "),
            is_active=kind.is_active,
            is_default=record_type_id == default,
        )
        for record_type_id, kind in own
    ]
    master = _record_type(
        sobject,
        root,
        record_type_id=_MASTER_RECORD_TYPE,
        developer_name="Master",
        name="Master",
        is_active=True,
        is_default=default is None,
    )
    return [*infos, master]


def _record_type(
    sobject: SObject,
    root: str,
    *,
    record_type_id: str,
    developer_name: str,
    name: str,
    is_active: bool,
    is_default: bool,
) -> dict[str, Any]:
    layout = f"{root}/sobjects/{sobject.name}/describe/layouts/{record_type_id}"
    return {
        "active": is_active,
        "available": is_active,
        "defaultRecordTypeMapping": is_default,
        "developerName": developer_name,
        "master": record_type_id == _MASTER_RECORD_TYPE,
        "name": name,
        "recordTypeId": record_type_id,
        "urls": {"layout": layout},
    }


def _urls(sobject: SObject, root: str, base_url: str) -> dict[str, str]:
    own = f"{root}/sobjects/{sobject.name}"
    places = {
        "rowTemplate": "{ID}",
        "listviews": "listviews",
        "describe": "describe",
        "quickActions": "quickActions",
    }
    urls = {name: f"{own}/{places.get(name, f'describe/{name}')}" for name in _LAYOUTS}
    pages = {
        "uiDetailTemplate": f"{base_url}/{{ID}}",
        "uiEditTemplate": f"{base_url}/{{ID}}/e",
        "uiNewRecord": f"{base_url}/{sobject.prefix}/e",
    }
    return {**urls, **pages, "sobject": own}


def _field(field: Field, *, is_locked: bool) -> dict[str, Any]:
    described = {**_SAME_FOR_ALL, **_meaning(field), **_powers(field, is_locked=is_locked)}
    return dict(sorted(described.items()))


def _meaning(field: Field) -> dict[str, Any]:
    is_decimal = field.type in NUMBER_TYPES and field.type != "int"
    return {
        "compoundFieldName": "Name" if field.name in _PERSON_NAME else None,
        "extraTypeInfo": _extra_type(field),
        "autoNumber": field.name == "CaseNumber",
        "byteLength": field.length * (1 if field.type in ID_TYPES else 3),
        "cascadeDelete": field.is_cascade and not field.has("N"),
        "custom": field.name.endswith(("__c", "__pc")),
        "defaultValue": False if field.type == "boolean" else field.default,
        "digits": 8 if field.type == "int" else 0,
        "label": field.label,
        "length": field.length,
        "name": field.name,
        "nameField": field.name in {"Name", "CaseNumber"} or field.type == "combobox",
        "namePointing": len(field.reference_to) > 1,
        "picklistValues": [_picklist_value(field, value) for value in field.values],
        "polymorphicForeignKey": len(field.reference_to) > 1,
        "precision": 18 if is_decimal else 0,
        "referenceTo": list(field.reference_to),
        "relationshipName": field.relationship_name,
        "scale": 2 if is_decimal else 0,
        "soapType": _SOAP_TYPES.get(field.type, "xsd:string"),
        "type": field.type,
    }


def _powers(field: Field, *, is_locked: bool) -> dict[str, Any]:
    return {
        "aggregatable": field.is_filterable and field.type != "boolean",
        "createable": field.has("C") and not is_locked,
        "defaultedOnCreate": field.has("D"),
        "externalId": field.has("X"),
        "filterable": field.is_filterable,
        "groupable": field.is_filterable and field.type not in {"datetime", "currency", "double", "percent"},
        "idLookup": field.has("L"),
        "nillable": field.has("N"),
        "permissionable": field.has("N") and (field.has("C") or field.has("U")) and not _is_fixed(field),
        "restrictedPicklist": field.has("R"),
        "searchPrefilterable": field.type == "reference" and field.name not in _NOT_PREFILTERED,
        "sortable": field.is_filterable,
        "unique": field.has("Q"),
        "updateable": field.has("U") and not is_locked,
    }


def _extra_type(field: Field) -> str | None:
    if field.name in {"Name", *_PERSON_NAME} and field.type != "textarea":
        return "personname" if field.name != "Name" or field.length == _FULL_NAME else None
    return "plaintextarea" if field.type == "textarea" else None


def _is_fixed(field: Field) -> bool:
    """Parts of a person's name and of a bounce: no permission set hides them."""
    return field.name in _PERSON_NAME or field.name.startswith("EmailBounced")


def _picklist_value(field: Field, value: str) -> dict[str, Any]:
    return {
        "active": True,
        "defaultValue": value == field.default,
        "label": field.label_of(value),
        "validFor": None,
        "value": value,
    }
