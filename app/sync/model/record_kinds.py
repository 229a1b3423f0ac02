"""The catalogue of what is written for a registration: one row for each kind of record. Pure.

What lists objects, slots, permissions or fields asks here; nothing repeats the list.
"""

from collections.abc import Collection, Iterable
from dataclasses import fields, replace
from functools import lru_cache
from typing import Final

from app.salesforce.package import CANCEL_RESCHEDULE_REASON, EVENT_STATUS
from app.states import Milestone, StatusMeaning
from app.sync.model.batch import (
    ACCOUNT_SLOT,
    CALENDAR_EVENT,
    CHECKED_IN,
    MEMBER,
    PERSON,
    REGISTERED,
    WriteToggles,
)
from app.sync.model.emails import EMAIL_OPENED, EMAIL_REPLIED, EMAIL_SENT
from app.sync.model.mapping_rules import CREATE_CONTACT, CREATE_LEAD, CREATE_PERSON_ACCOUNT, MappingRules
from app.sync.model.record_kind import (
    COMMON_FIELDS,
    INSERT,
    NAMES,
    NOTE,
    READ,
    UPDATE,
    WARNING,
    LostCreateQuery,
    Permission,
    RecordKind,
)
from app.sync.model.records import (
    ACCOUNT,
    CAMPAIGN_MEMBER,
    CASE,
    CONTACT,
    EMAIL_MESSAGE,
    EVENT,
    LEAD,
    PERSON_ACCOUNT,
    PERSON_OBJECTS,
    TASK,
)
from app.user_messages.phrases import Phrase

DEFAULT_WRITES: Final = frozenset(each.name for each in fields(WriteToggles) if each.default)
"""The kinds of write that are on for whoever chose nothing."""


LEAD_KIND: Final = RecordKind(
    sobject=LEAD,
    slot=PERSON,
    toggle="person",
    blocks="create_lead",
    create_modes=frozenset({CREATE_LEAD}),
    system_fields=COMMON_FIELDS | {"Email", "IsConverted"},
    written_fields=(*NAMES, "Company", "Email", "LeadSource"),
    filled_fields=frozenset({"LastName", "Company", "Email", "LeadSource"}),
    permissions=(Permission(LEAD, INSERT, ("create_lead",)),),
)
CONTACT_KIND: Final = RecordKind(
    sobject=CONTACT,
    slot=PERSON,
    toggle="person",
    blocks="create_contact",
    create_modes=frozenset({CREATE_CONTACT}),
    system_fields=COMMON_FIELDS | {"Email", "AccountId"},
    written_fields=(*NAMES, "AccountId", "Email", "LeadSource"),
    filled_fields=frozenset({"LastName", "Email", "LeadSource"}),
    permissions=(Permission(CONTACT, INSERT, ("create_contact",)),),
)
REGISTERED_TASK: Final = RecordKind(
    sobject=TASK,
    slot=REGISTERED,
    toggle="task",
    blocks="task",
    system_fields=COMMON_FIELDS | {"Subject", "Status", "ActivityDate", "WhoId", "WhatId", "Description"},
    written_fields=("WhoId", "Subject", "Status", "ActivityDate", "Description"),
    needed_fields=frozenset({"WhoId", "Subject", "Status"}),
    reserved_because=Phrase("owned.task"),
    permissions=(Permission(TASK, READ, ("task",), WARNING), Permission(TASK, INSERT, ("task",))),
    is_activity=True,
    milestone=Milestone.REGISTERED,
    lost_create=LostCreateQuery(TASK, "WhoId", "Description", "Subject"),
)
CHECKED_IN_TASK: Final = replace(REGISTERED_TASK, slot=CHECKED_IN, milestone=Milestone.CHECKED_IN)
MEMBER_KIND: Final = RecordKind(
    sobject=CAMPAIGN_MEMBER,
    slot=MEMBER,
    toggle="member",
    blocks="member",
    system_fields=COMMON_FIELDS | {"CampaignId", "LeadId", "ContactId", "AccountId", "Status"},
    written_fields=("CampaignId", "LeadId", "ContactId", "Status"),
    needed_fields=frozenset({"CampaignId", "LeadId", "ContactId", "Status"}),
    reserved_because=Phrase("owned.member"),
    permissions=(
        Permission("Campaign", READ, ("member",), WARNING),
        Permission("Campaign", INSERT, ("create_campaign",), NOTE),
        Permission(CAMPAIGN_MEMBER, READ, ("member",), WARNING),
        Permission(CAMPAIGN_MEMBER, INSERT, ("member",)),
        Permission(CAMPAIGN_MEMBER, UPDATE, ("member",)),
    ),
    described=("Campaign", CAMPAIGN_MEMBER, "CampaignMemberStatus"),
    has_record_types=False,
    is_per_campaign=True,
)
CASE_KIND: Final = RecordKind(
    sobject=CASE,
    slot="case",
    toggle="case",
    blocks="case",
    system_fields=COMMON_FIELDS
    | {"Subject", "ContactId", "SuppliedEmail", "SuppliedName", "SuppliedPhone", "SuppliedCompany"}
    | {"Description"},
    written_fields=(
        "Subject",
        "Origin",
        "Status",
        "ContactId",
        "SuppliedEmail",
        "SuppliedName",
        "SuppliedPhone",
        "SuppliedCompany",
        "Description",
    ),
    filled_fields=frozenset({"Origin"}),
    needed_fields=frozenset({"Subject"}),
    reserved_because=Phrase("owned.case"),
    permissions=(Permission(CASE, READ, ("case",), WARNING), Permission(CASE, INSERT, ("case",), WARNING)),
    milestone=Milestone.CASE,
    lost_create=LostCreateQuery(CASE, "ContactId", "Description", "Subject", "SuppliedEmail"),
)
EVENT_TIMES: Final = frozenset(
    {
        "StartDateTime", "EndDateTime", "DurationInMinutes", "ActivityDate", "ActivityDateTime",
        "IsAllDayEvent",
    }
)  # fmt: skip
CALENDAR_EVENT_KIND: Final = RecordKind(
    sobject=EVENT,
    slot=CALENDAR_EVENT,
    toggle="calendar_event",
    blocks="calendar_event",
    system_fields=COMMON_FIELDS
    | EVENT_TIMES
    | {"Subject", "WhoId", "WhatId", "Location", "ShowAs", "Description", "IsReminderSet", "IsPrivate"},
    written_fields=(
        "WhoId",
        "WhatId",
        "Subject",
        "StartDateTime",
        "EndDateTime",
        "Location",
        "ShowAs",
        "IsReminderSet",
        "Description",
        "OwnerId",
    ),
    needed_fields=frozenset({"WhoId", "Subject", "StartDateTime", "EndDateTime"}),
    package_fields=frozenset({EVENT_STATUS, CANCEL_RESCHEDULE_REASON}),
    reserved_because=Phrase("owned.calendar_event"),
    permissions=(
        Permission(EVENT, READ, ("calendar_event",), WARNING),
        Permission(EVENT, INSERT, ("calendar_event",)),
        Permission(EVENT, UPDATE, ("calendar_event",)),
    ),
    is_activity=True,
    changes_later=True,
    milestone=Milestone.CALENDAR_EVENT,
    lost_create=LostCreateQuery(EVENT, "WhoId", "Description", "Subject"),
)
ACCOUNT_KIND: Final = RecordKind(
    sobject=ACCOUNT,
    slot=ACCOUNT_SLOT,
    toggle="person",
    blocks="create_contact",
    create_modes=frozenset({CREATE_CONTACT}),
    system_fields=COMMON_FIELDS - {"Name"},
    written_fields=("Name",),
    filled_fields=frozenset({"Name"}),
    permissions=(
        Permission(ACCOUNT, READ, ("create_contact",), WARNING),
        Permission(ACCOUNT, INSERT, ("create_contact",), WARNING),
    ),
)
PERSON_ACCOUNT_KIND: Final = RecordKind(
    sobject=ACCOUNT,
    mapped_as=PERSON_ACCOUNT,
    slot=PERSON,
    toggle="person",
    blocks="create_person_account",
    create_modes=frozenset({CREATE_PERSON_ACCOUNT}),
    system_fields=(COMMON_FIELDS - {"Name"}) | {"PersonEmail"},
    # Salesforce puts its name together from the person's.
    written_fields=(*NAMES, "PersonEmail"),
    filled_fields=frozenset({"LastName", "PersonEmail", "PersonLeadSource", "Name"}),
    permissions=(
        Permission(ACCOUNT, READ, ("create_person_account",)),
        Permission(ACCOUNT, INSERT, ("create_person_account",)),
    ),
)
EMAIL_FIELDS: Final = (
    "Status",
    "Incoming",
    "MessageDate",
    "FromAddress",
    "FromName",
    "FromId",
    "ToIds",
    "Subject",
    "TextBody",
    "MessageIdentifier",
)
# Preflight asks for nothing of its own: where the org takes no EmailMessage, an e-mail becomes a Task.
SENT_EMAIL: Final = RecordKind(
    sobject=EMAIL_MESSAGE,
    slot=EMAIL_SENT,
    toggle=EMAIL_SENT,
    blocks="email",
    system_fields=COMMON_FIELDS | {*EMAIL_FIELDS, "ActivityId", "ParentId", "RelatedToId"},
    written_fields=EMAIL_FIELDS,
    needed_fields=frozenset({"Status", "Incoming", "MessageIdentifier"}),
    filled_fields=frozenset({"Status", "Incoming", "MessageIdentifier"}),
    reserved_because=Phrase("owned.email"),
    permissions=(),
    described=(TASK,),
    has_record_types=False,
    is_activity=True,
    is_optional=True,
    milestone=Milestone.EMAIL_SENT,
)
REPLIED_EMAIL: Final = replace(
    SENT_EMAIL, slot=EMAIL_REPLIED, toggle=EMAIL_REPLIED, milestone=Milestone.EMAIL_REPLIED
)
SENT_EMAIL_TASK: Final = replace(
    REGISTERED_TASK,
    slot=EMAIL_SENT,
    toggle=EMAIL_SENT,
    extra_fields=frozenset({"TaskSubtype"}),
    is_optional=True,
    milestone=Milestone.EMAIL_SENT,
)
OPENED_EMAIL_TASK: Final = replace(
    SENT_EMAIL_TASK, slot=EMAIL_OPENED, toggle=EMAIL_OPENED, milestone=Milestone.EMAIL_OPENED
)
REPLIED_EMAIL_TASK: Final = replace(
    SENT_EMAIL_TASK, slot=EMAIL_REPLIED, toggle=EMAIL_REPLIED, milestone=Milestone.EMAIL_REPLIED
)

RECORD_KINDS: tuple[RecordKind, ...] = (
    LEAD_KIND,
    CONTACT_KIND,
    REGISTERED_TASK,
    CHECKED_IN_TASK,
    MEMBER_KIND,
    CASE_KIND,
    ACCOUNT_KIND,
    PERSON_ACCOUNT_KIND,
    CALENDAR_EVENT_KIND,
    SENT_EMAIL,
    REPLIED_EMAIL,
    SENT_EMAIL_TASK,
    OPENED_EMAIL_TASK,
    REPLIED_EMAIL_TASK,
)


def created_for(rules: MappingRules) -> list[RecordKind]:
    """What is created for a person whom nobody knows."""
    return [kind for kind in RECORD_KINDS if rules.create_modes & kind.create_modes]


@lru_cache
def person_object(creates: str) -> str:
    """What rules call the object of a new person; a Lead where nobody is created."""
    kinds = (kind for kind in RECORD_KINDS if kind.slot == PERSON)
    return next((kind.name for kind in kinds if creates in kind.create_modes), LEAD)


def always_written(writes: Collection[str] = DEFAULT_WRITES) -> list[RecordKind]:
    """What is written for every person, whoever creates people, where these kinds of write are on."""
    return [kind for kind in RECORD_KINDS if not kind.create_modes and kind.toggle in writes]


def kinds_written(rules: MappingRules, writes: Collection[str] = DEFAULT_WRITES) -> list[RecordKind]:
    """All that is written under a mapping, where these kinds of write are on."""
    return [*created_for(rules), *always_written(writes)]


def objects_of(kinds: Iterable[RecordKind]) -> tuple[str, ...]:
    """Their objects, each once, in their order."""
    return tuple(dict.fromkeys(kind.sobject for kind in kinds))


def written_objects() -> frozenset[str]:
    """Every object that may be written."""
    return frozenset(objects_of(RECORD_KINDS))


def written_slots() -> tuple[str, ...]:
    """Every slot, each once."""
    return tuple(dict.fromkeys(kind.slot for kind in RECORD_KINDS))


def described_objects() -> tuple[str, ...]:
    """Every object that matters to what is written, in the order in which a preflight shows them."""
    return tuple(dict.fromkeys(name for kind in RECORD_KINDS for name in kind.described or (kind.sobject,)))


def mapped_objects(rules: MappingRules) -> set[str]:
    """The objects that a mapping speaks of, or that are written under it."""
    named = {rule.sobject for rule in rules.fields} | set(rules.record_types)
    found = PERSON_OBJECTS if rules.opt_out_field or rules.external_id else ()
    return {*named, *found, *objects_of(kinds_written(rules))}


def system_fields_of(sobject: str) -> frozenset[str]:
    """The fields that no rule of the host may fill; empty for an object that is not written."""
    return frozenset[str]().union(*(kind.system_fields for kind in RECORD_KINDS if kind.sobject == sobject))


def filled_fields_of(name: str) -> frozenset[str]:
    """The fields in which every new record has a value, mapped or not."""
    return frozenset[str]().union(*(kind.filled_fields for kind in RECORD_KINDS if kind.name == name))


@lru_cache
def kind_of_slot(slot: str, sobject: str | None = None) -> RecordKind | None:
    """The kind that fills a slot, with a record of this object; several kinds of a slot share what any of
    them is asked for without one.
    """
    return next(
        (kind for kind in RECORD_KINDS if kind.slot == slot and sobject in (None, kind.sobject)), None
    )


@lru_cache
def milestones() -> tuple[str, ...]:
    """What kinds of records complete, in the order in which it happens."""
    return tuple(dict.fromkeys(kind.milestone for kind in RECORD_KINDS if kind.milestone))


@lru_cache
def milestone_of(slot: str, meaning: str | None) -> str:
    """The part of a registration that a write belongs to; a member's is told by what its status means."""
    kind = kind_of_slot(slot)
    if kind is not None and kind.milestone:
        return kind.milestone
    is_check_in = slot == MEMBER and meaning == StatusMeaning.ATTENDED
    return Milestone.CHECKED_IN if is_check_in else Milestone.REGISTERED


def slots_of_milestone(milestone: str) -> tuple[str, ...]:
    """The slots that complete it."""
    return tuple(dict.fromkeys(kind.slot for kind in RECORD_KINDS if kind.milestone == milestone))


def slots_by_lost_create() -> dict[LostCreateQuery, frozenset[str]]:
    """The slots whose lost creates are looked for, by the query that finds them."""
    found: dict[LostCreateQuery, frozenset[str]] = {}
    for kind in RECORD_KINDS:
        if kind.lost_create is not None:
            found[kind.lost_create] = found.get(kind.lost_create, frozenset()) | {kind.slot}
    return found


def reserved_because(sobject: str) -> str:
    """Why the host may not map the fields that we fill."""
    return next(kind.reserved_because for kind in RECORD_KINDS if kind.sobject == sobject)
