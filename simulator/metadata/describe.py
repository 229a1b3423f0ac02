"""Describe answers in Salesforce's shape (recorded at v59)."""

from typing import Any

from simulator.config import Config
from simulator.metadata.schema import ID_TYPES, NUMBER_TYPES, Field, SObject
from simulator.metadata.standard import Schema

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


def describe_briefly(sobject: SObject, root: str) -> dict[str, Any]:
    """One entry of the global describe."""
    own = f"{root}/sobjects/{sobject.name}"
    return {
        "activateable": False,
        "associateEntityType": None,
        "associateParentEntity": None,
        "createable": sobject.is_createable,
        "custom": sobject.name.endswith("__c"),
        "customSetting": False,
        "deepCloneable": False,
        "deletable": sobject.is_deletable,
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
        "undeletable": sobject.name != "CampaignMember",
        "updateable": sobject.is_updateable,
        "urls": {"rowTemplate": f"{own}/{{ID}}", "describe": f"{own}/describe", "sobject": own},
    }


def describe(schema: Schema, sobject: SObject, config: Config, *, root: str, base_url: str) -> dict[str, Any]:
    """The full describe of one object."""
    brief = describe_briefly(sobject, root)
    read_only = config.read_only_fields.get(sobject.name, ())
    if sobject.name == "CampaignMemberStatus":
        brief["createable"] = config.is_member_status_createable
    rest = {
        "actionOverrides": [],
        "childRelationships": _children(schema, sobject),
        "compactLayoutable": True,
        "defaultImplementation": None,
        "extendedBy": None,
        "extendsInterfaces": None,
        "fields": [_field(field, is_locked=field.name in read_only) for field in sobject.fields.values()],
        "implementedBy": None,
        "implementsInterfaces": None,
        "listviewable": None,
        "lookupLayoutable": None,
        "namedLayoutInfos": [],
        "networkScopeFieldName": None,
        "recordTypeInfos": [_record_type(sobject, root)],
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
            "junctionIdListNames": [],
            "junctionReferenceTo": [],
            "relationshipName": child.field.child_name,
            "restrictedDelete": False,
        }
        for child in schema.children[sobject.name]
    ]


def _record_type(sobject: SObject, root: str) -> dict[str, Any]:
    layout = f"{root}/sobjects/{sobject.name}/describe/layouts/{_MASTER_RECORD_TYPE}"
    return {
        "active": True,
        "available": True,
        "defaultRecordTypeMapping": True,
        "developerName": "Master",
        "master": True,
        "name": "Master",
        "recordTypeId": _MASTER_RECORD_TYPE,
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
    is_number = field.type in NUMBER_TYPES
    is_long = not field.is_filterable
    return {
        "aggregatable": field.is_filterable,
        "aiPredictionField": False,
        "autoNumber": field.name == "CaseNumber",
        "byteLength": field.length * (1 if field.type in ID_TYPES else 3),
        "calculated": False,
        "calculatedFormula": None,
        "cascadeDelete": field.is_cascade,
        "caseSensitive": False,
        "compoundFieldName": None,
        "controllerName": None,
        "createable": field.has("C") and not is_locked,
        "custom": field.name.endswith("__c"),
        "defaultValue": False if field.type == "boolean" else field.default,
        "defaultValueFormula": None,
        "defaultedOnCreate": field.has("D"),
        "dependentPicklist": False,
        "deprecatedAndHidden": False,
        "digits": 8 if field.type == "int" else 0,
        "displayLocationInDecimal": False,
        "encrypted": False,
        "externalId": field.has("X"),
        "extraTypeInfo": None,
        "filterable": field.is_filterable,
        "filteredLookupInfo": None,
        "formulaTreatNullNumberAsZero": False,
        "groupable": field.is_filterable and field.type != "datetime",
        "highScaleNumber": False,
        "htmlFormatted": False,
        "idLookup": field.has("L"),
        "inlineHelpText": None,
        "label": field.label,
        "length": field.length,
        "mask": None,
        "maskType": None,
        "name": field.name,
        "nameField": field.name in {"Name", "Subject", "CaseNumber"},
        "namePointing": len(field.reference_to) > 1,
        "nillable": field.has("N"),
        "permissionable": field.has("N") and (field.has("C") or field.has("U")),
        "picklistValues": [_picklist_value(field, value) for value in field.values],
        "polymorphicForeignKey": len(field.reference_to) > 1,
        "precision": 18 if is_number and field.type != "int" else 0,
        "queryByDistance": False,
        "referenceTargetField": None,
        "referenceTo": list(field.reference_to),
        "relationshipName": field.relationship_name,
        "relationshipOrder": None,
        "restrictedDelete": False,
        "restrictedPicklist": field.has("R"),
        "scale": 2 if is_number and field.type != "int" else 0,
        "searchPrefilterable": field.type == "reference",
        "soapType": _SOAP_TYPES.get(field.type, "xsd:string"),
        "sortable": not is_long,
        "type": field.type,
        "unique": field.has("Q"),
        "updateable": field.has("U") and not is_locked,
        "writeRequiresMasterRead": False,
    }


def _picklist_value(field: Field, value: str) -> dict[str, Any]:
    return {
        "active": True,
        "defaultValue": value == field.default,
        "label": value,
        "validFor": None,
        "value": value,
    }
