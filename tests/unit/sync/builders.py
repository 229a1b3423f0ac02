"""Registrations and objects of an org for the rules of mapping."""

import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from app.salesforce.describe import Field, RecordType, SObjectDescribe, parse_describe
from app.sync.model.batch import Attendee, EventSnapshot, Job, RegistrationExtras, RegistrationFacts
from app.sync.model.mapping_rules import FieldRule, MappingRules

RECORDED = Path(__file__).parent / "recorded"
RECORDED_NAMES = ("Lead", "Contact", "Account", "Case", "Event")
REGISTERED_AT = datetime(2026, 11, 10, 23, 30, tzinfo=UTC)


@cache
def recorded(name: str) -> SObjectDescribe:
    """An object as a real org described it."""
    return parse_describe(json.loads((RECORDED / f"{name}.json").read_text()))


def field(name: str = "X__c", type: str = "string", **changes: Any) -> Field:  # noqa: A002 - its name
    values: dict[str, Any] = {
        "label": name,
        "length": 0,
        "is_createable": True,
        "is_updateable": True,
        "is_nillable": True,
        "is_defaulted_on_create": False,
        "is_restricted_picklist": False,
    }
    return Field(name=name, type=type, **(values | changes))


def described(
    *fields: Field, name: str = "Lead", record_types: tuple[RecordType, ...] = ()
) -> SObjectDescribe:
    """The recorded object with more fields (or others of the same name)."""
    before = recorded(name).fields if name in RECORDED_NAMES else {}
    return SObjectDescribe(
        name, name, True, True, True, before | {each.name: each for each in fields}, record_types
    )


def person_account_org() -> SObjectDescribe:
    """The Account of an org with person accounts."""
    emails = field("PersonEmail", "email", length=80)
    opt_out = field("PersonHasOptedOutOfEmail", "boolean", is_nillable=False, is_defaulted_on_create=True)
    texts = [
        field(name, length=length)
        for name, length in (("FirstName", 40), ("LastName", 80), ("PersonTitle", 80), ("Diet__pc", 20))
    ]
    source = field("PersonLeadSource", "picklist", length=255)
    is_person = field("IsPersonAccount", "boolean", is_createable=False, is_updateable=False)
    name = field("Name", length=255)
    return described(*texts, emails, opt_out, source, is_person, name, name="Account")


def rules(*fields: dict[str, Any], **people: Any) -> MappingRules:
    """As the host's stored mapping has them."""
    return MappingRules.of({"people": people, "fields": list(fields)})


def rule(name: str, source: str | None = None, **changes: Any) -> dict[str, Any]:
    """A stored field rule of a Lead."""
    return {"object": "Lead", "field": name, **({"from": source} if source else {}), **changes}


def one_rule(name: str, source: str | None = None, **changes: Any) -> FieldRule:
    return FieldRule.of(rule(name, source, **changes))


def job(answers: dict[str, Any] | None = None, **changes: Any) -> Job:
    """Ada's registration for an event in Berlin; `attendee`, `event`, `extras` take more."""
    attendee = {"email": "ada@river.example", "email_key": "ada@river.example", "last_name": "Otter"}
    event = {"event_id": "evt", "title": "Autumn Summit", "timezone": "Europe/Berlin"}
    extras = {"answers": tuple({"key": key, "value": value} for key, value in (answers or {}).items())}
    return Job(
        registration_id="reg_1",
        event=EventSnapshot(**(event | changes.pop("event", {}))),
        attendee=Attendee(**(attendee | changes.pop("attendee", {}))),
        facts=changes.pop("facts", RegistrationFacts("confirmed", REGISTERED_AT, REGISTERED_AT)),
        extras=RegistrationExtras(**(extras | changes.pop("extras", {}))),
        **changes,
    )
