"""Universally required fields: which lack a value, and placeholders for them. Pure."""

from collections.abc import Collection, Mapping
from datetime import UTC
from typing import Any, Final

from app.salesforce.describe import Field, SObjectDescribe
from app.sync.field_values.converters import NUMBER_TYPES, TEXT_TYPES, ConversionError, convert
from app.sync.field_values.lead_fields import NO_COMPANY
from app.sync.field_values.sources import day_of, zone_of
from app.sync.field_values.system_fields import custom_rules, object_of
from app.sync.field_values.text import utf16_length
from app.sync.model.batch import Job
from app.sync.model.item_errors import ItemWarning
from app.sync.model.mapping_rules import MappingRules
from app.sync.model.record_kinds import filled_fields_of, system_fields_of
from app.sync.model.records import ACCOUNT
from app.user_messages.phrases import Phrase

DASH: Final = "-"

TEXTS: Final = TEXT_TYPES | {"url"}
OF_REGISTRATION: Final = frozenset({"boolean", "email", "date", "datetime", "time"})


def missing_required(
    rules: MappingRules, describe: SObjectDescribe, *, sobject: str | None = None
) -> list[Field]:
    """The fields that every create needs and that get no value under these rules.

    `sobject` is the describe's own, or `PersonAccount` for an Account of a person.
    """
    name = sobject or describe.name
    mapped = {rule.field for rule in custom_rules(name, rules, describe)}
    filled = mapped | filled_fields_of(name) | reserved_fields(name)
    return [describe.fields[each] for each in describe.required_on_create if each not in filled]


def missing_fields(record: Mapping[str, Any], describe: SObjectDescribe | None) -> tuple[str, ...]:
    """Return the required fields that a new record does not carry; empty without a describe."""
    if describe is None:
        return ()
    is_person = describe.name == ACCOUNT and "LastName" in record
    made = reserved_fields(describe.name) | ({"Name"} if is_person else frozenset())
    return tuple(
        name for name in describe.required_on_create if name not in made and record.get(name) in (None, "")
    )


def reserved_fields(sobject: str) -> frozenset[str]:
    """The fields that the engine fills elsewhere, by ids and statuses."""
    return system_fields_of(object_of(sobject))


def has_placeholder(field: Field) -> bool:
    """Whether `fill_required` has a value for a field of this kind."""
    if field.is_unique or field.is_external_id:
        return False
    is_list = field.type in ("picklist", "multipicklist")
    return bool(_listed(field)) if is_list else field.type in TEXTS | NUMBER_TYPES | OF_REGISTRATION


def _listed(field: Field) -> list[str]:
    """Return the options with a text: an org may list a blank one."""
    return [each for each in field.picklist_values if each.strip()]


def placeholder_values(
    describe: SObjectDescribe, fields: Mapping[str, Any], *, job: Job, skipped: Collection[str]
) -> tuple[dict[str, Any], list[ItemWarning]]:
    """Return placeholders, each with a warning, for required fields that lack a value and can have one."""
    lacking = (name for name in describe.required_on_create if name not in fields and name not in skipped)
    values = ((name, _placeholder(describe.fields[name], job)) for name in lacking)
    found = {name: value for name, value in values if value is not None}
    return found, [_reported(describe, name, value) for name, value in found.items()]


def _reported(describe: SObjectDescribe, name: str, value: object) -> ItemWarning:
    text = Phrase("note.placeholder", label=describe.fields[name].label, value=str(value))
    return ItemWarning("fallback_used", describe.name, name, text)


def _placeholder(field: Field, job: Job) -> Any:
    if not has_placeholder(field):
        return None
    if field.type in TEXTS:
        fits = not field.length or utf16_length(NO_COMPANY) <= field.length
        return NO_COMPANY if fits else DASH
    if field.type in NUMBER_TYPES:
        return 0
    if field.type == "email":
        return _email(field, job)
    if field.type in ("picklist", "multipicklist"):
        listed = _listed(field)
        return field.default_value if field.default_value in listed else listed[0]
    return _of_registration(field, job)


def _email(field: Field, job: Job) -> Any:
    try:
        return convert(field, job.attendee.email or "", zone=UTC).value
    except ConversionError:
        return None


def _of_registration(field: Field, job: Job) -> Any:
    registered_at = job.facts.registered_at
    values = {
        "boolean": False,
        "date": day_of(registered_at, zone_of(job)).isoformat(),
        "datetime": f"{registered_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "time": "00:00:00.000Z",
    }
    return values.get(field.type)
