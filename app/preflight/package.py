"""Whether our Salesforce package is in the org, as its describes tell. Pure."""

from collections.abc import Mapping
from typing import Final

from app.connections.model.package_schemas import MissingFields, PackageInOrg
from app.salesforce.describe import SObjectDescribe
from app.salesforce.package import KEY, fields_of, is_key, name_in_org
from app.sync.model.record_key import KeyRules, key_fields

NOT_SEEN: Final = PackageInOrg(state="not_seen", missing=[], unique_keys=[])


def package_in_org(objects: Mapping[str, SObjectDescribe | None], rules: KeyRules) -> PackageInOrg:
    """Our package as these objects show it.

    It is there where our key can be written on one object. No other field shows that: an org may well have
    a `Ticket__c` of its own. A field that its user may not see is not in a describe at all.
    """
    described = {sobject: describe for sobject, describe in objects.items() if describe is not None}
    prefixes = {name.removesuffix(KEY) for describe in described.values() for name in _open_keys(describe)}
    expected = name_in_org(KEY, rules.namespace).removesuffix(KEY)
    found = prefixes & {expected} if rules.namespace else prefixes
    if len(found) != 1:
        return NOT_SEEN
    prefix = found.pop()
    locked = {
        sobject: [name for field in fields_of(sobject) if not _is_open(describe, name := prefix + field)]
        for sobject, describe in described.items()
    }
    missing = [MissingFields(object=sobject, fields=fields) for sobject, fields in locked.items() if fields]
    keyed = key_fields(described, rules.namespace)
    return PackageInOrg(
        state="incomplete" if missing else "there",
        missing=missing,
        unique_keys=[sobject for sobject in keyed if sobject in rules.objects(frozenset(keyed))],
    )


def _open_keys(describe: SObjectDescribe) -> list[str]:
    return [name for name in describe.fields if is_key(name) and _is_open(describe, name)]


def _is_open(describe: SObjectDescribe, name: str) -> bool:
    field = describe.fields.get(name)
    return field is not None and field.is_createable
