"""What the configuration says of writing an object, worked out once for all rows of a user."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass

from salesforce_simulator import ids
from salesforce_simulator.config import Config
from salesforce_simulator.config_parts import RecordType
from salesforce_simulator.metadata.schema import Field, SObject
from salesforce_simulator.store import Row


@dataclass(frozen=True)
class WriteRules:
    """`writable` names fields by the flag C or U, `blank` is a new row before anything is given.

    `required` and `texts` are in the order of the fields; `demanded` is what the org requires on top. Beside
    a text stands with how many characters nothing can be wrong with it.
    """

    sobject: SObject
    is_createable: bool
    writable: Mapping[str, frozenset[str]]
    blank: Row
    required: tuple[str, ...]
    demanded: frozenset[str]
    texts: tuple[tuple[str, int, Field], ...]
    unique: tuple[Field, ...]
    record_types: Mapping[str, RecordType]
    places: Mapping[str, Mapping[str, str]]


def write_rules(config: Config, sobject: SObject, whole: SObject) -> WriteRules:
    """The rules of an object as a user sees it; `whole` has the fields that are hidden from him, too."""
    read_only = config.every_read_only_field.get(sobject.name, ())
    demanded = frozenset(config.required_fields.get(sobject.name, ()))
    fields = sobject.fields.values()
    return WriteRules(
        sobject=sobject,
        is_createable=sobject.is_createable and sobject.name not in config.uncreateable_objects,
        writable={
            flag: frozenset(f.name for f in fields if f.has(flag) and f.name not in read_only)
            for flag in "CU"
        },
        blank=dict(whole.blank),
        required=tuple(name for name in sobject.fields if name in demanded or name in sobject.required),
        demanded=demanded,
        texts=tuple((field.name, _harmless(field), field) for field in fields if field.is_text),
        unique=whole.unique,
        record_types=active_record_types(config, sobject.name),
        places=config.places,
    )


def _harmless(field: Field) -> int:
    """A character takes two units at most; of addresses and listed values more than the length counts."""
    if field.type == "email" or field.is_restricted:
        return 0
    return field.length // 2 if field.length else sys.maxsize


def active_record_types(config: Config, name: str) -> dict[str, RecordType]:
    """The active record types of an object by id."""
    numbered = enumerate(config.every_record_type, start=1)
    return {ids.new_id("012", n): kind for n, kind in numbered if kind.sobject == name and kind.is_active}
