"""The two permission sets: what the package grants on its own fields, and what is handed out beside it."""

from collections.abc import Iterable, Mapping
from typing import Final

from app.salesforce.package import (
    PACKAGE_FIELDS,
    RECORDS_OF,
    STANDARD_ACCESS,
    STANDARD_FIELDS,
    USER_PERMISSIONS,
    ObjectAccess,
)
from tools.salesforce_package.xml import Value, document

FIELDS_SET: Final = "Eventship_Fields"
STANDARD_SET: Final = "Eventship_Standard_Access"
FIELDS_ABOUT: Final = (
    "Read and Edit on the fields of the Eventship package, for the user that Eventship connects with."
)
STANDARD_ABOUT: Final = (
    "What Eventship's connected user needs beside the package's own fields. "
    "Salesforce leaves rights on standard objects out of packages; Marketing User is ticked on the user."
)


def permission_sets() -> dict[str, str]:
    """Both files, by the name of the set."""
    packaged = {
        sobject: names for home, names in PACKAGE_FIELDS.items() for sobject in RECORDS_OF.get(home, (home,))
    }
    return {
        FIELDS_SET: document(
            "PermissionSet",
            {
                "description": FIELDS_ABOUT,
                "fieldPermissions": _fields(packaged),
                "hasActivationRequired": False,
                "label": "Eventship Fields",
            },
        ),
        STANDARD_SET: document(
            "PermissionSet",
            {
                "description": STANDARD_ABOUT,
                "fieldPermissions": _fields(STANDARD_FIELDS),
                "hasActivationRequired": False,
                "label": "Eventship Standard Access",
                "objectPermissions": [_object(*row) for row in sorted(STANDARD_ACCESS.items())],
                "userPermissions": [{"enabled": True, "name": name} for name in sorted(USER_PERMISSIONS)],
            },
        ),
    }


def _fields(names: Mapping[str, Iterable[str]]) -> list[Value]:
    paths = sorted(f"{sobject}.{name}" for sobject, fields in names.items() for name in fields)
    return [{"editable": True, "field": path, "readable": True} for path in paths]


def _object(sobject: str, access: ObjectAccess) -> dict[str, Value]:
    return {
        "allowCreate": access.may_create,
        "allowDelete": False,
        "allowEdit": access.may_edit,
        "allowRead": True,
        "modifyAllRecords": False,
        "object": sobject,
        "viewAllRecords": access.sees_all,
    }
