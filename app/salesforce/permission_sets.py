"""The two permission sets: what the package grants on its own fields, and what is handed out beside it."""

import io
import zipfile
from collections.abc import Iterable, Mapping
from typing import Final

from app.salesforce.metadata_xml import Value, document
from app.salesforce.package import (
    PACKAGE_FIELDS,
    RECORDS_OF,
    STANDARD_ACCESS,
    STANDARD_FIELDS,
    USER_PERMISSIONS,
    ObjectAccess,
)

FIELDS_SET: Final = "Eventship_Fields"
STANDARD_SET: Final = "Eventship_Standard_Access"
API_VERSION: Final = "62.0"
MADE_AT: Final = (2026, 1, 1, 0, 0, 0)
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


def standard_access_archive() -> bytes:
    """A zip of *Eventship Standard Access* in metadata format; always the same bytes.

    `sf project deploy start --metadata-dir FILE` and Workbench take it as it is. Source: Metadata API,
    "Deploying and Retrieving Metadata with the Zip File".
    """
    manifest = document(
        "Package",
        {"types": {"members": STANDARD_SET, "name": "PermissionSet"}, "version": API_VERSION},
    )
    files = {
        "package.xml": manifest,
        f"permissionsets/{STANDARD_SET}.permissionset": permission_sets()[STANDARD_SET],
    }
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name, MADE_AT), text, zipfile.ZIP_DEFLATED)
    return kept.getvalue()


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
