"""The unique key that a new record carries, where the org has the package's field for it. Pure."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from app.salesforce.describe import Field, SObjectDescribe
from app.salesforce.package import KEY, name_in_org
from app.sync.model.batch import PERSON, WrittenSlot
from app.sync.model.emails import EMAIL_SLOTS
from app.sync.model.records import CASE, CONTACT, EVENT, LEAD, PERSON_OBJECTS, TASK
from app.sync.model.slot_details import SlotDetails

KEYED: Final = frozenset({LEAD, CONTACT, TASK, EVENT, CASE})
"""A member is unique by nature, an EmailMessage has a Message-ID, an Account has no field of ours."""

KEY_LENGTH: Final = 64


class RecordKey(NamedTuple):
    """The key's field in the org, and its value: the same for ever for one record, and no other's."""

    field: str
    value: str

    @property
    def text(self) -> str:
        """Both, as the slot keeps them."""
        return f"{self.field}={self.value}"


class KeyRules(NamedTuple):
    """What an installation says of keys: the package's namespace, None where it is not known, and whether
    people have keys.
    """

    namespace: str | None = None
    are_people_keyed: bool = False

    def objects(self, written: frozenset[str]) -> frozenset[str]:
        """Those of the written objects whose new records carry a key."""
        return (written & KEYED) - (frozenset() if self.are_people_keyed else frozenset(PERSON_OBJECTS))


NO_KEY_RULES: Final = KeyRules()


def is_unique_create(slot: WrittenSlot, fields: Mapping[str, str]) -> bool:
    """Whether the activity or Case of this slot was sent with the key that a new one would carry now."""
    name = fields.get(slot.sobject)
    if name is None or slot.reference is None or slot.exists_in_org:
        return False
    return slot.details.sent_key == RecordKey(name, slot.reference).text


def lacks_key(slot: str, reference: str | None, details: SlotDetails) -> bool:
    """Whether a record that we made was made without the key that a new one would carry: an activity's or a
    Case's. People get theirs as they are created, or never; so do activities of e-mails.
    """
    is_ours = details.is_created_by_us is not False and details.sent_key is None
    return reference is not None and is_ours and slot not in EMAIL_SLOTS and slot != PERSON


def key_fields(describes: Mapping[str, SObjectDescribe], namespace: str | None) -> dict[str, str]:
    """The key's field of each object that has one which is as the package brings it."""
    found = {sobject: _key_field(describe, namespace) for sobject, describe in describes.items()}
    return {sobject: name for sobject, name in found.items() if name is not None}


def _key_field(describe: SObjectDescribe, namespace: str | None) -> str | None:
    """Without a namespace the field counts under any prefix, if it is the only one: of two, nobody knows
    which one earlier creates carried.
    """
    if namespace:
        names = [name_in_org(KEY, namespace)]
    else:
        names = [name for name in describe.fields if name == KEY or name.endswith(f"__{KEY}")]
    usable = [name for name in names if name in describe.fields and _is_usable(describe.fields[name])]
    return usable[0] if len(usable) == 1 else None


def _is_usable(field: Field) -> bool:
    """Whether Salesforce takes the value and refuses a second one, and can be asked for it."""
    is_unique = field.is_unique and field.is_external_id
    is_open = field.is_createable and field.is_filterable
    return is_unique and is_open and field.type == "string" and field.length >= KEY_LENGTH
