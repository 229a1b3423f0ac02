"""Plan the people of a batch: who is known, and whom to create, one record per e-mail."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from app.infrastructure.encryption import keyed_hash
from app.salesforce.composite import Record
from app.salesforce.error_codes import ErrorClass
from app.salesforce.value_class import value_class
from app.states import Milestone, SkipReason, WriteAction, WriteState
from app.sync.errors.item_error import NOT_FOLLOWED_ERROR, internal_error
from app.sync.errors.message_codes import EMAIL_MALFORMED, RECORD_NOT_VISIBLE
from app.sync.field_values.builder import fields_to_read
from app.sync.field_values.lead_fields import is_usable_email, person_name
from app.sync.matching.person_matching import (
    NeedsLookup,
    NotSearched,
    NotVisible,
    PersonIndex,
    PersonNotFound,
    external_id_of,
    follow,
    is_person_deleted,
    resolve,
)
from app.sync.model.batch import ACCOUNT_SLOT, MEMBER, PERSON, PERSON_UPDATE, Batch, SlotKey, WrittenSlot
from app.sync.model.decisions import Blocked, Fail, ItemDecision, Plan, Replan, RetryLater, Skip, person_found
from app.sync.model.item_errors import ItemError, ItemWarning
from app.sync.model.job_outcome import Obstacle
from app.sync.model.mapping_rules import CREATE_NOBODY
from app.sync.model.record_key import RecordKey
from app.sync.model.record_kinds import person_object
from app.sync.model.records import ACCOUNT, CONTACT, FoundPerson
from app.sync.model.retry_policy import Clock
from app.sync.model.slot_details import NO_DETAILS, SlotDetails
from app.sync.model.work_item import WorkItem, WriteOperation, is_lead_created_by_us
from app.sync.planning.merge_registrations import MergedUpdate, merge_updates, primary_item
from app.sync.planning.record_builder import (
    Draft,
    OrgContext,
    RecordBuildError,
    build_failure,
    build_record,
    create_obstacle,
    dropped_fields,
    mapped_by_items,
    rejection_hints,
    with_key,
)
from app.user_messages.phrases import Phrase

MALFORMED = Phrase("unfit.email_malformed")


@value_class(frozen=True)
class PersonResolution:
    """What is decided about an item's person; `is_missing` where it has none and needs one."""

    decisions: tuple[ItemDecision, ...] = ()
    is_missing: bool = False


@dataclass(frozen=True)
class PersonKeys:
    """What makes the unique keys of new people: the org's fields by object, and the pepper of the hash."""

    fields: Mapping[str, str]
    org_id: str
    pepper: bytes

    def of(self, sobject: str, email_key: str | None) -> RecordKey | None:
        """The key of whoever has this address, whichever host writes; None in an org without the field."""
        name = self.fields.get(sobject)
        if name is None or email_key is None:
            return None
        return RecordKey(name, f"p:{keyed_hash(self.pepper, f'{self.org_id}:key', email_key).hex()}")


NO_PERSON_KEYS = PersonKeys({}, "", b"")


def resolve_person(
    item: WorkItem, people: PersonIndex, *, clock: Clock, keys: PersonKeys = NO_PERSON_KEYS
) -> PersonResolution:
    """Find the item's person among those looked up, or decide why it gets none."""
    reason = _skip_reason(item)
    if reason is not None:
        return PersonResolution((ItemDecision(item, Skip(reason)),))
    resolution = _resolve(item, people, clock=clock, keys=keys)
    forgotten = _forgotten_members(item) if is_person_deleted(item.job, people) else {}
    if not forgotten:
        return resolution
    return replace(resolution, decisions=(ItemDecision(item, slots=forgotten), *resolution.decisions))


def by_person(without_person: Iterable[WorkItem]) -> list[list[WorkItem]]:
    """The items without a person, grouped by e-mail and external id."""
    groups: dict[str, list[WorkItem]] = {}
    has_external_ids = False
    for item in without_person:
        groups.setdefault(item.job.attendee.email_key or "", []).append(item)
        has_external_ids = has_external_ids or item.job.rules.external_id is not None
    return _merge_by_external_id(groups.values()) if has_external_ids else list(groups.values())


def _merge_by_external_id(groups: Iterable[list[WorkItem]]) -> list[list[WorkItem]]:
    """People of different addresses whom the host knows by one external id are one person."""
    found: dict[int, list[WorkItem]] = {}
    by_key: dict[tuple[str, str], list[WorkItem]] = {}
    for group in groups:
        known = {id(home): home for key in _folded_keys(group) if (home := by_key.get(key))}
        home, *others = [*known.values(), group] if known else [group]
        by_key |= {key: home for each in (home, *others) for key in _folded_keys(each)}
        for other in others:
            home += other
            found.pop(id(other), None)
        found[id(home)] = home
    return list(found.values())


def _folded_keys(items: Iterable[WorkItem]) -> list[tuple[str, str]]:
    """Their external ids as Salesforce compares them, whatever the case; each once."""
    keys = (external_id_of(item.job) for item in items)
    return sorted({(key[0], key[1].casefold()) for key in keys if key is not None})


def create_people(
    without_person: Sequence[Sequence[WorkItem]],
    org: OrgContext,
    *,
    batch: Batch,
    pepper: bytes,
    accounts: Mapping[str, str],
    keys: PersonKeys = NO_PERSON_KEYS,
) -> Iterator[Plan]:
    """The people to create, at most one per e-mail; `accounts` has the Accounts by primary registration."""
    for group in without_person:
        plan = _create_person(group, org, batch, pepper=pepper, accounts=accounts)
        keyed = keys.fields and tuple(_with_key(each, keys, group) for each in plan.operations)
        yield replace(plan, operations=keyed) if keyed else plan


def _with_key(operation: WriteOperation, keys: PersonKeys, items: Iterable[WorkItem]) -> WriteOperation:
    """With the key of their address; of several addresses, that of a lost create, which may stand by now."""
    persons = ((item, item.slots.get(SlotKey(PERSON))) for item in items)
    lost = (item.job for item, slot in persons if slot and slot.state == WriteState.AMBIGUOUS)
    job = next(lost, operation.jobs[0])
    return with_key(operation, keys.of(operation.record.sobject, job.attendee.email_key))


def attach_person_contacts(items: Iterable[WorkItem], contacts: Mapping[str, str]) -> list[ItemDecision]:
    """Replace the Person Accounts that were just created by their Contacts, which the rest is written to."""
    persons = ((item, item.slots.get(SlotKey(PERSON))) for item in items)
    return [
        _attach_contact(item, slot, contacts.get(slot.sf_id or ""))
        for item, slot in persons
        if slot is not None and slot.sobject == ACCOUNT and slot.state == WriteState.WRITTEN
    ]


def _attach_contact(item: WorkItem, slot: WrittenSlot, contact_id: str | None) -> ItemDecision:
    if contact_id is None:
        error = _error(
            ErrorClass.ACCESS, RECORD_NOT_VISIBLE, Phrase("unfit.no_person_contact", object=CONTACT), CONTACT
        )
        return ItemDecision(item, Replan(error))
    details = slot.details._replace(person_account_id=slot.sf_id)
    attached = slot._replace(sobject=CONTACT, sf_id=contact_id, details=details)
    person = FoundPerson(CONTACT, contact_id, "created")
    return ItemDecision(item, slots={SlotKey(PERSON): attached}, person=person)


def _skip_reason(item: WorkItem) -> SkipReason | None:
    job = item.job
    stands = any(
        (slot.exists_in_org and key.slot != ACCOUNT_SLOT) or slot.state == WriteState.AMBIGUOUS
        for key, slot in item.slots.items()
        if not (key.is_of_previous_holder or slot.details.is_suspected)
    )
    if job.is_erased:
        return SkipReason.ERASED
    if job.is_excluded:
        return SkipReason.EXCLUDED
    if not job.is_enabled:
        return SkipReason.SWITCHED_OFF
    if not job.facts.is_counted or not job.writes.has_any:
        return SkipReason.NOTHING_WANTED
    if job.facts.is_cancelled and job.facts.checked_in_at is None and not stands:
        return SkipReason.CANCELLED
    if job.attendee.email_key is None and not job.salesforce_id and not stands:
        return SkipReason.NO_EMAIL
    return None


def _resolve(item: WorkItem, people: PersonIndex, *, clock: Clock, keys: PersonKeys) -> PersonResolution:
    match resolve(item.job, people):
        case FoundPerson() as found:
            return PersonResolution((_adopt_found(item, found, people),))
        case NotVisible() if people.has_inaccessible_leads and is_lead_created_by_us(item.job.slot(PERSON)):
            return PersonResolution((ItemDecision(item, Blocked(Obstacle.LEAD_ACCESS)),))
        case NotVisible(sobject=sobject):
            failure = _failure(
                item,
                ErrorClass.ACCESS,
                RECORD_NOT_VISIBLE,
                Phrase("unfit.no_longer_visible", object=sobject),
                sobject,
            )
            return PersonResolution((failure,))
        case NotSearched():
            return PersonResolution((ItemDecision(item, Blocked(Obstacle.ACCESS)),))
        case NeedsLookup():
            return PersonResolution((ItemDecision(item, RetryLater(NOT_FOLLOWED_ERROR)),))
        case PersonNotFound(warnings=warnings):
            warned = (ItemDecision(item, warnings=warnings),) if warnings else ()
            obstacle = _create_obstacle(item, people, clock=clock, keys=keys)
            return PersonResolution((*warned, *([obstacle] if obstacle else ())), obstacle is None)


def _forgotten_members(item: WorkItem) -> dict[SlotKey, WrittenSlot | None]:
    """They were deleted with their person, so nobody took them out of the campaign: the next one joins it."""
    return {
        key: None
        for key, slot in item.slots.items()
        if key.slot == MEMBER and slot.state == WriteState.WRITTEN
    }


def _failure(
    item: WorkItem, error_class: ErrorClass, error_code: str, message: str, sobject: str
) -> ItemDecision:
    return ItemDecision(item, Fail(_error(error_class, error_code, message, sobject)))


def _error(error_class: str, error_code: str, message: str, sobject: str) -> ItemError:
    return internal_error(error_class, error_code, message, milestone=Milestone.REGISTERED, sobject=sobject)


def _adopt_found(item: WorkItem, found: FoundPerson, people: PersonIndex) -> ItemDecision:
    before = item.slots.get(SlotKey(PERSON))
    if before is not None and _is_other_record(before, found, people):
        # What we wrote to the earlier record says nothing of this one.
        forgotten = {SlotKey(PERSON_UPDATE): None} if SlotKey(PERSON_UPDATE) in item.slots else {}
        adopted = person_found(item, found, NO_DETAILS)
        return adopted._replace(slots={**adopted.slots, **forgotten})
    details = before.details if before else NO_DETAILS
    kept = SlotDetails(
        is_created_by_us=bool(details.is_created_by_us),
        written_digests=details.written_digests,
        warning=details.warning,
    )
    # A lost create that turned up is ours, whatever way it was found now.
    if before is not None and _is_lost_create(before):
        recovered = replace(found, found_by="created")
        return person_found(item, recovered, kept._replace(is_created_by_us=True))
    return person_found(item, found, kept)


def _is_lost_create(slot: WrittenSlot) -> bool:
    """Whether we asked for the record; what we are merely not sure of after a restore may be anybody's."""
    is_create = slot.state == WriteState.AMBIGUOUS and slot.action == WriteAction.CREATE
    return is_create and not slot.details.is_suspected


def _is_other_record(before: WrittenSlot, found: FoundPerson, people: PersonIndex) -> bool:
    """Whether the person is neither the record of the slot nor what became of it, merged or converted.

    A create that was rejected made no record, unlike one that may have been saved.
    """
    if before.sf_id is None:
        return before.state == WriteState.FAILED and before.attempt_started_at is None
    end = follow(before.sf_id, people)
    return not (isinstance(end, FoundPerson) and end.id == found.id)


def _create_obstacle(
    item: WorkItem, people: PersonIndex, *, clock: Clock, keys: PersonKeys
) -> ItemDecision | None:
    """What keeps the item's person from being created now; None where nothing does."""
    attendee, created = item.job.attendee, item.job.rules.creates
    sobject = person_object(created)
    if attendee.email_key is None:
        return ItemDecision(item, Skip(SkipReason.NO_EMAIL))
    if not is_usable_email(attendee.email or attendee.email_key):
        return _failure(item, ErrorClass.DATA, EMAIL_MALFORMED, MALFORMED, sobject)
    if not item.job.writes.person or created == CREATE_NOBODY:
        return ItemDecision(item, Skip(SkipReason.NO_MATCH))
    if sobject in people.hidden:
        return _failure(
            item,
            ErrorClass.CONFIGURATION,
            "INVALID_TYPE",
            Phrase("unfit.object_hidden", object=sobject),
            sobject,
        )
    lost = item.slots.get(SlotKey(PERSON))
    # A Lead and a Contact may have the same key at once.
    is_same_object = lost is None or lost.sobject == sobject
    key = keys.of(sobject, attendee.email_key) if is_same_object else None
    return create_obstacle(item, SlotKey(PERSON), clock, record_key=key)


def _create_person(
    items: Sequence[WorkItem], org: OrgContext, batch: Batch, *, pepper: bytes, accounts: Mapping[str, str]
) -> Plan:
    primary = primary_item(items)
    rejected = primary.slots.get(SlotKey(PERSON))
    dropped = dropped_fields(rejected)
    account_id = accounts.get(primary.registration_id)
    system_fields = {"AccountId": account_id} if account_id else {}
    named = person_object(primary.job.rules.creates)
    try:
        draft = build_record(named, primary.job, org, system_fields=system_fields, without=dropped)
    except RecordBuildError as error:
        return Plan(decisions=build_failure(items, error, org, milestone=Milestone.REGISTERED))
    warnings = (*draft.warnings, *_name_warnings(items, draft.record.sobject))
    warned = tuple(ItemDecision(item, warnings=warnings) for item in items if warnings)
    merged = _merge_other_tickets(primary, items, draft, org, without=dropped)
    describe = org.describes.get(draft.record.sobject)
    operation = WriteOperation(
        key=SlotKey(PERSON),
        jobs=tuple(item.job for item in (primary, *merged.items)),
        record=Record(draft.record.sobject, {**draft.record.fields, **merged.fields}),
        primary_registration_id=primary.registration_id,
        create_lock=keyed_hash(pepper, f"{batch.org_id}:person", primary.job.attendee.email_key or ""),
        external_id_locks=tuple(
            keyed_hash(pepper, f"{batch.org_id}:{name}", key) for name, key in _folded_keys(items)
        ),
        details=SlotDetails(
            found_by="created",
            is_created_by_us=True,
            dropped=tuple(sorted(dropped)),
            written_digests=draft.digests or None,
        ),
        details_by_item=_digests_of_other_tickets(primary, draft, merged),
        headers=draft.headers,
        mapped=draft.mapped | mapped_by_items(named, merged.contributors, describe),
        describe=draft.describe,
        rejection_hints=rejection_hints(rejected),
    )
    return Plan((operation,), (*warned, *merged.decisions))


def _merge_other_tickets(
    primary: WorkItem, items: Sequence[WorkItem], draft: Draft, org: OrgContext, *, without: frozenset[str]
) -> MergedUpdate:
    """What the other tickets change of the record that the first one makes, as if they came later."""
    others = [item for item in items if item is not primary]
    if all(item.job.rules.is_default for item in others):
        return MergedUpdate(items=tuple(others))
    named = person_object(primary.job.rules.creates)
    describe = org.describes.get(draft.record.sobject)
    read = {name for item in others for name in fields_to_read(named, item.job.rules, describe=describe)}
    current = {**dict.fromkeys(read), **draft.record.fields}
    return merge_updates(
        named, others, org, current=current, previous_digests=lambda item: {}, without=without
    )


def _digests_of_other_tickets(
    primary: WorkItem, draft: Draft, merged: MergedUpdate
) -> dict[str, SlotDetails]:
    """The digests of the other tickets' values; one of another address has not written the first's."""
    if not merged.items:
        return {}
    key = primary.job.attendee.email_key
    same_address = {item.registration_id for item in merged.items if item.job.attendee.email_key == key}
    digests = {
        id_: {**(draft.digests if id_ in same_address else {}), **now} for id_, now in merged.digests.items()
    }
    return {id_: SlotDetails(written_digests=each) for id_, each in digests.items() if each or draft.digests}


def _name_warnings(items: Sequence[WorkItem], sobject: str) -> tuple[ItemWarning, ...]:
    if len(items) == 1 or len({person_name(item.job.attendee) for item in items}) == 1:
        return ()
    text = Phrase("note.several_names")
    return (ItemWarning("fallback_used", sobject, "LastName", text),)
