"""Plan the activities of e-mails that are missing: EmailMessages where the org takes them, else Tasks."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC
from typing import Any, Final

from app.salesforce.describe import SObjectDescribe
from app.salesforce.error_codes import ErrorClass
from app.states import WriteState
from app.sync.errors.item_error import internal_error
from app.sync.field_values.lead_fields import is_usable_email, truncate
from app.sync.field_values.sources import day_of, zone_of
from app.sync.field_values.text import normalize_text, shortened
from app.sync.lookup.access import RECHECK_AFTER
from app.sync.lookup.lookup import LookupResult
from app.sync.lookup.parse import COMPLETED
from app.sync.model.batch import PREVIOUS_HOLDER, Batch, Job, SlotKey, WrittenSlot
from app.sync.model.decisions import NO_PLAN, Fail, ItemDecision, PartEnded, Plan
from app.sync.model.emails import EMAIL_OPENED, EMAIL_REPLIED, EMAIL_SENT, EMAIL_SLOTS, EmailFact, email_facts
from app.sync.model.item_errors import ItemError, ItemWarning
from app.sync.model.record_key import RecordKey
from app.sync.model.record_kinds import milestone_of
from app.sync.model.records import EMAIL_MESSAGE, TASK
from app.sync.model.reference_tags import message_identifier, reference_tag
from app.sync.model.retry_policy import Clock
from app.sync.model.slot_details import SlotDetails
from app.sync.model.work_item import PartEnd, PartEnding, WorkItem, WriteOperation
from app.sync.planning.activity_owner import activity_owner
from app.sync.planning.person_ref import PersonRef, Persons
from app.sync.planning.record_builder import (
    OrgContext,
    RecordBuildError,
    build_failure,
    build_record,
    create_obstacle,
    dropped_fields,
    rejection_hints,
    with_key,
)
from app.user_messages.phrases import Phrase

PREFIXES: Final = {EMAIL_SENT: "Email", EMAIL_OPENED: "Email opened", EMAIL_REPLIED: "Email replied"}
SENT_STATUS: Final = "3"
"""Of received e-mails as well, where they belong to no Case.

https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/sforce_api_objects_emailmessage.htm
"""

SUBJECT_LENGTH: Final = 3000
SUBTYPE, EMAIL_SUBTYPE = "TaskSubtype", "Email"
NEEDED: Final = ("Status", "Incoming", "MessageIdentifier")
"""Without these an EmailMessage is none that was sent, or could be made twice."""

UNDESCRIBED: Final = frozenset({"ToIds"})
"""Lists of ids are no fields of a describe: it names them as `junctionIdListNames` of a child."""

NOT_AVAILABLE: Final = Phrase("unfit.no_emails")


def wanted_emails(job: Job) -> list[EmailFact]:
    """The facts that the registration has to have an activity for, in the order in which they happened.

    What was written for somebody who held the ticket before is not written once more.
    """
    if not job.facts.is_counted:
        return []
    held_before = {
        (key.slot.removeprefix(PREVIOUS_HOLDER), key.instance_key.rpartition(":")[0])
        for key in job.written
        if key.is_of_previous_holder
    }
    facts = [
        fact
        for fact in email_facts(job.emails)
        if fact.slot in job.writes.emails and (fact.slot, fact.message_id) not in held_before
    ]
    return sorted(facts, key=lambda fact: (fact.at, fact.message_id, fact.slot))


def plan_emails(
    items: Iterable[WorkItem], persons: Persons, lookup: LookupResult, *, batch: Batch, clock: Clock
) -> Iterator[Plan]:
    """One plan for each activity, and for each lost answer about one that is no longer to be written."""
    for item in items:
        wanted = {SlotKey(fact.slot, fact.message_id): fact for fact in wanted_emails(item.job)}
        for key, fact in wanted.items():
            if not _is_at_rest(item, key):
                yield plan_email(item, fact, persons[item.registration_id], lookup, batch=batch, clock=clock)
        for key in item.slots.keys() - wanted.keys():
            if key.slot in EMAIL_SLOTS:
                yield _settle(item, key, lookup, clock)


def plan_email(
    item: WorkItem, fact: EmailFact, person: PersonRef, lookup: LookupResult, *, batch: Batch, clock: Clock
) -> Plan:
    """Create the activity, unless it exists or an earlier create may still be applied."""
    key = SlotKey(fact.slot, fact.message_id)
    before = item.slots.get(key)
    if recovered := lookup.recovered_slot(before):
        return Plan(decisions=(ItemDecision(item, slots={key: recovered}),))
    sobject = _object_of(item, key, lookup, batch)
    record_key = lookup.key_of(sobject or "", _reference(item.job, fact, batch))
    obstacle = _obstacle(item, key, lookup, clock, record_key)
    if obstacle is not None:
        return Plan(decisions=(obstacle,))
    if sobject is None:
        return Plan(decisions=(_ended(item, key, PartEnding.FAILED, _not_available(key)),))
    return _create(item, fact, sobject, person, lookup, batch=batch)


def _is_at_rest(item: WorkItem, key: SlotKey) -> bool:
    """Whether it is written, or was tried in this run and cannot be planned otherwise."""
    slot, end = item.slots.get(key), item.part_ends.get(key)
    is_written = slot is not None and slot.state == WriteState.WRITTEN
    return is_written or (end is not None and end.how in (PartEnding.FAILED, PartEnding.LATER))


def _object_of(item: WorkItem, key: SlotKey, lookup: LookupResult, batch: Batch) -> str | None:
    """What the fact becomes; None where the host wants an EmailMessage and the org takes none."""
    end = item.part_ends.get(key)
    was_refused = end is not None and end.how is PartEnding.REFUSED
    if key.slot == EMAIL_OPENED or batch.settings.email_as == "task":
        return TASK
    is_taken = takes_email_messages(lookup.describes.get(EMAIL_MESSAGE)) and not was_refused
    if batch.settings.email_as == "email_message":
        return EMAIL_MESSAGE if is_taken else None
    return EMAIL_MESSAGE if is_taken and not lookup.has_refused_emails else TASK


def takes_email_messages(describe: SObjectDescribe | None) -> bool:
    """Whether the connected user may create e-mails of people, and find them again by our key."""
    if describe is None or not describe.is_createable:
        return False
    known = [describe.fields.get(name) for name in NEEDED]
    can_create = all(each is not None and each.is_createable for each in known)
    return can_create and describe.fields["MessageIdentifier"].is_filterable


def _obstacle(
    item: WorkItem, key: SlotKey, lookup: LookupResult, clock: Clock, record_key: RecordKey | None
) -> ItemDecision | None:
    """What keeps the activity from being created now, as a matter of this part alone."""
    slot = item.slots.get(key)
    if slot is None or slot.state != WriteState.AMBIGUOUS:
        return None
    if slot.sobject == EMAIL_MESSAGE and lookup.hides_emails:
        return ItemDecision(item, part_recheck_at=clock.now + RECHECK_AFTER)
    obstacle = create_obstacle(item, key, clock, record_key=record_key)
    return None if obstacle is None else _of_part(key, obstacle)


def _of_part(key: SlotKey, decision: ItemDecision) -> ItemDecision:
    """The decision as a matter of this part alone."""
    end = decision.end
    if isinstance(end, Fail):
        end = PartEnded(key, PartEnd(PartEnding.FAILED, end.error))
    return decision._replace(end=end, recheck_at=None, part_recheck_at=decision.recheck_at)


def _settle(item: WorkItem, key: SlotKey, lookup: LookupResult, clock: Clock) -> Plan:
    """A lost answer about what nobody asks for any more: it is taken as it is found."""
    slot = item.slots[key]
    if slot.state != WriteState.AMBIGUOUS:
        return NO_PLAN
    if found := lookup.recovered_slot(slot):
        return Plan(decisions=(ItemDecision(item, slots={key: found}),))
    recheck_at = clock.next_recheck(slot)
    if lookup.is_sent_again(slot):
        return Plan(
            decisions=(ItemDecision(item, slots={key: slot.without_key}, part_recheck_at=recheck_at),)
        )
    if not clock.is_settled(slot):
        return Plan(decisions=(ItemDecision(item, part_recheck_at=recheck_at),))
    return Plan(decisions=(ItemDecision(item, slots={key: slot._replace(state=WriteState.FAILED)}),))


def _create(
    item: WorkItem, fact: EmailFact, sobject: str, person: PersonRef, lookup: LookupResult, *, batch: Batch
) -> Plan:
    key, job = SlotKey(fact.slot, fact.message_id), replace(item.job, email=fact)
    before = _same_object(item.slots.get(key), sobject)
    without, reference = dropped_fields(before), _reference(job, fact, batch)
    describe, org = lookup.describes.get(sobject), OrgContext(lookup.describes)
    warnings: tuple[ItemWarning, ...] = ()
    if sobject == EMAIL_MESSAGE:
        assert describe is not None
        subject, fields = _subject(fact), _message_fields(job, fact, person, describe, without, reference)
    else:
        subject, fields = _task_subject(fact), _task_fields(job, fact, person, lookup, reference)
        owner_id, warnings = activity_owner(job, batch.settings.task_owner, lookup)
        fields |= {"OwnerId": owner_id} if owner_id else {}
    try:
        draft = build_record(sobject, job, org, system_fields=fields, without=without)
    except RecordBuildError as error:
        failures = build_failure([item], error, org, milestone=milestone_of(fact.slot, None))
        return Plan(decisions=tuple(_of_part(key, failure) for failure in failures))
    operation = WriteOperation(
        key=key,
        jobs=(item.job,),
        record=draft.record,
        primary_registration_id=item.registration_id,
        reference_tag=reference,
        details=SlotDetails(subject=subject),
        headers=draft.headers,
        mapped=draft.mapped,
        describe=describe,
        rejection_hints=rejection_hints(before),
    )
    operation = with_key(operation, lookup.key_of(sobject, reference))
    noted = (*warnings, *draft.warnings)
    return Plan((operation,), (ItemDecision(item, warnings=noted),) if noted else ())


def _message_fields(
    job: Job,
    fact: EmailFact,
    person: PersonRef,
    describe: SObjectDescribe,
    without: frozenset[str],
    reference: str,
) -> dict[str, Any]:
    """An e-mail of a person; `RelatedToId` stays empty, as a Lead leaves no place for it."""
    fields = {
        "Status": SENT_STATUS,
        "Incoming": fact.slot == EMAIL_REPLIED,
        "MessageDate": f"{fact.at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        **_sender(job, fact),
        **_relation(fact, person, describe, without),
        "Subject": _subject(fact),
        "TextBody": _body(fact),
        "MessageIdentifier": message_identifier(reference),
    }
    return {
        name: value
        for name, value in fields.items()
        if value is not None and (name in UNDESCRIBED or _is_createable(describe, name))
    }


def _relation(
    fact: EmailFact, person: PersonRef, describe: SObjectDescribe, without: frozenset[str]
) -> dict[str, Any]:
    """How it hangs on the person: of a reply as its sender, else in the only list of people there is."""
    is_sender = fact.slot == EMAIL_REPLIED and "FromId" not in without and _is_createable(describe, "FromId")
    return {"FromId": person.id} if is_sender else {"ToIds": [person.id]}


def _sender(job: Job, fact: EmailFact) -> dict[str, str | None]:
    """As told; else the event's organizer, or for a reply the attendee; no address that is none."""
    if fact.slot == EMAIL_REPLIED:
        name, address = fact.sender_name, fact.sender_email or job.attendee.email
    elif fact.sender_email:
        name, address = fact.sender_name, fact.sender_email
    else:
        name, address = job.event.organizer.get("name"), job.event.organizer.get("email")
    is_usable = address is not None and is_usable_email(address)
    return {"FromAddress": address if is_usable else None, "FromName": normalize_text(name)}


def _task_fields(
    job: Job, fact: EmailFact, person: PersonRef, lookup: LookupResult, reference: str
) -> dict[str, Any]:
    """A completed Task. WhatId stays empty: Salesforce refuses it where WhoId is a Lead."""
    return {
        "Subject": _task_subject(fact),
        "Status": job.rules.task_status or next(iter(lookup.closed_statuses), COMPLETED),
        "ActivityDate": day_of(fact.at, zone_of(job)).isoformat(),
        "WhoId": person.id,
        "Description": _description(job, fact, reference),
        **_subtype(fact, lookup.describes.get(TASK)),
    }


def _same_object(slot: WrittenSlot | None, sobject: str) -> WrittenSlot | None:
    """What was refused of an EmailMessage says nothing of a Task."""
    return slot if slot is not None and slot.sobject == sobject else None


def _reference(job: Job, fact: EmailFact, batch: Batch) -> str:
    name = f"{fact.slot}:{fact.message_id}"
    return reference_tag(batch.host_id, batch.org_id, job.registration_id, name)


def _subject(fact: EmailFact) -> str | None:
    known = normalize_text(fact.subject)
    return shortened(known, SUBJECT_LENGTH) if known else None


def _task_subject(fact: EmailFact) -> str:
    """Prefix and subject in 255 characters; the prefix alone where the subject is not known."""
    known = normalize_text(fact.subject)
    return truncate(TASK, "Subject", f"{PREFIXES[fact.slot]}: {known}" if known else PREFIXES[fact.slot])


def _body(fact: EmailFact) -> str | None:
    """The link, and of a reply what was told of it; never the e-mail itself."""
    parts = (normalize_text(fact.snippet) if fact.slot == EMAIL_REPLIED else None, fact.url)
    return "\n\n".join(part for part in parts if part) or None


def _description(job: Job, fact: EmailFact, reference: str) -> str:
    """What a salesperson wants to know, and our reference in the last line."""
    lines = {"Event": normalize_text(job.event.title), "Link": normalize_text(fact.url)}
    about = "\n".join(f"{name}: {value}" for name, value in lines.items() if value)
    snippet = normalize_text(fact.snippet) if fact.slot == EMAIL_REPLIED else None
    return "\n\n".join(part for part in (snippet, about, f"Ref: {reference}") if part)


def _subtype(fact: EmailFact, describe: SObjectDescribe | None) -> dict[str, str]:
    """An e-mail looks like one on the timeline; that it was opened is no e-mail."""
    known = describe.fields.get(SUBTYPE) if describe and fact.slot != EMAIL_OPENED else None
    is_taken = known is not None and known.is_createable and EMAIL_SUBTYPE in known.picklist_values
    return {SUBTYPE: EMAIL_SUBTYPE} if is_taken else {}


def _is_createable(describe: SObjectDescribe, name: str) -> bool:
    known = describe.fields.get(name)
    return known is not None and known.is_createable


def _ended(item: WorkItem, key: SlotKey, how: PartEnding, error: ItemError) -> ItemDecision:
    return ItemDecision(item, PartEnded(key, PartEnd(how, error)))


def _not_available(key: SlotKey) -> ItemError:
    milestone = milestone_of(key.slot, None)
    return internal_error(
        ErrorClass.CONFIGURATION, "INVALID_TYPE", NOT_AVAILABLE, milestone=milestone, sobject=EMAIL_MESSAGE
    )
