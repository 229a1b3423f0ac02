"""Whether our Salesforce package is in the org, as its describes tell. Pure."""

from collections.abc import Mapping
from typing import Final

from app.connections.model.schemas import MissingFields, PackageInOrg
from app.salesforce.describe import SObjectDescribe
from app.salesforce.package import KEY, fields_of, name_in_org

NOT_SEEN: Final = PackageInOrg(state="not_seen", missing=[], unique_keys=[])


def package_in_org(objects: Mapping[str, SObjectDescribe | None], namespace: str | None) -> PackageInOrg:
    """Our package as these objects show it.

    It is there where our key can be written on one object. No other field shows that: an org may well have
    a `Ticket__c` of its own. A field that its user may not see is not in a describe at all.
    """
    key = name_in_org(KEY, namespace)
    described = {sobject: describe for sobject, describe in objects.items() if describe is not None}
    if not any(_is_writeable(describe, key) for describe in described.values()):
        return NOT_SEEN
    names = {
        sobject: [name_in_org(field, namespace) for field in fields_of(sobject)] for sobject in described
    }
    locked = {
        sobject: [name for name in names[sobject] if not _is_writeable(describe, name)]
        for sobject, describe in described.items()
    }
    missing = [MissingFields(object=sobject, fields=fields) for sobject, fields in locked.items() if fields]
    return PackageInOrg(
        state="incomplete" if missing else "there",
        missing=missing,
        unique_keys=[
            sobject
            for sobject, describe in described.items()
            if _is_writeable(describe, key) and describe.fields[key].is_unique
        ],
    )


def _is_writeable(described: SObjectDescribe, name: str) -> bool:
    field = described.fields.get(name)
    return field is not None and field.is_createable
