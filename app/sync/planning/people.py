"""Step two of a batch, planned: whom to create, one record per e-mail. Pure but for the rows."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from app.infrastructure.keyed_hash import keyed_hash
from app.salesforce.composite import Record
from app.salesforce.error_codes import ErrorClass
from app.states import Milestone, SkipReason, WriteAction, WriteState
from app.sync.errors.message_codes import EMAIL_MALFORMED, RECORD_NOT_VISIBLE
from app.sync.errors.row_error import internal_error
from app.sync.field_values.builder import fields_to_read
from app.sync.field_values.lead_fields import is_usable_email, person_name
from app.sync.field_values.system_fields import object_of
from app.sync.matching.person_matching import (
    NotSearched,
    NotVisible,
    People,
    PersonNotFound,
    external_id_of,
    is_deleted,
    resolve,
)
from app.sync.model.batch import ACCOUNT_SLOT, MEMBER, PERSON, Batch, Job, SlotKey
from app.sync.model.clock import Clock
from app.sync.model.mapping_rules import (
    NOBODY_CREATED,
    SOBJECT_BY_CREATE_MODE,
)
from app.sync.model.notices import ItemWarning
from app.sync.model.records import ACCOUNT, CONTACT, LEAD, Found
from app.sync.model.row_error import ItemError
from app.sync.model.work_item import NOTICE, WorkItem, WriteOperation, is_own_lead, set_person
from app.sync.planning.create_guard import may_create
from app.sync.planning.merge_registrations import MergedUpdate, merge_updates, primary_item
from app.sync.planning.record_builder import (
    Draft,
    OrgContext,
    RecordBuildError,
    fail_build,
    mapped_fields,
    rejection_hints,
)
from app.sync.planning.record_builder import build_record as drafted

NO_ACCOUNTS: Final[Mapping[str, str]] = {}
NOT_VISIBLE = "The {sobject} that we wrote was deleted or hidden: the connected user can no longer see it."
HIDDEN_OBJECT = "The connected user may not see {sobject} in Salesforce, so none can be created."
MALFORMED = "The e-mail address is not one that Salesforce takes, and an address is never cut."


def resolve_person(row: WorkItem, people: People, *, batch: Batch, clock: Clock) -> bool:
    """Give the row its person, or say why not; returns whether it has none and needs one."""
    row.skipped_because = _skip_reason(row.job, batch)
    return row.skipped_because is None and _needs_creation(row, people, batch=batch, clock=clock)


def by_person(missing: Iterable[WorkItem]) -> list[list[WorkItem]]:
    """The rows without a person, together by e-mail."""
    alike: dict[str, list[WorkItem]] = {}
    for row in missing:
        alike.setdefault(row.job.attendee.email_key or "", []).append(row)
    return _merge_by_external_id(alike.values())


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


def _folded_keys(rows: Iterable[WorkItem]) -> list[tuple[str, str]]:
    """Their external ids as Salesforce compares them, whatever the case; each once."""
    keys = (external_id_of(row.job) for row in rows)
    return sorted({(key[0], key[1].casefold()) for key in keys if key is not None})


def create_people(
    missing: Sequence[Sequence[WorkItem]],
    org: OrgContext,
    *,
    batch: Batch,
    pepper: bytes,
    accounts: Mapping[str, str] = NO_ACCOUNTS,
) -> Iterator[list[WriteOperation]]:
    """The people to create, at most one per e-mail; `accounts` has the Accounts of the carriers."""
    for alike in missing:
        yield _create_person(alike, org, batch, pepper=pepper, accounts=accounts)


def attach_person_contacts(operations: Iterable[WriteOperation], contacts: Mapping[str, str]) -> None:
    """An Account of a person that was just created stands for its Contact, which the rest is written to."""
    for operation in operations:
        slot = operation.rows[0].slots.get(operation.key)
        if operation.record.sobject != ACCOUNT or slot is None or slot.state != WriteState.WRITTEN:
            continue
        contact_id = contacts.get(slot.sf_id or "")
        for row in operation.rows:
            _know_contact(row, contact_id)


def _know_contact(row: WorkItem, contact_id: str | None) -> None:
    slot = row.slots[SlotKey(PERSON)]
    if contact_id is None:
        row.person, row.must_replan = None, True
        return
    row.person = Found(CONTACT, contact_id, "created")
    details = {**slot.details, "person_account_id": slot.sf_id}
    row.slots[SlotKey(PERSON)] = slot._replace(sobject=CONTACT, sf_id=contact_id, details=details)


def _skip_reason(job: Job, batch: Batch) -> SkipReason | None:
    writes = batch.writes
    stands = any(
        (slot.stands and key.slot != ACCOUNT_SLOT) or slot.state == WriteState.AMBIGUOUS
        for key, slot in job.written.items()
    )
    if job.is_erased:
        return SkipReason.ERASED
    if job.is_excluded:
        return SkipReason.EXCLUDED
    if not job.facts.is_counted or not (writes.person or writes.task or writes.member):
        return SkipReason.NOTHING_WANTED
    if job.facts.is_cancelled and job.facts.checked_in_at is None and not stands:
        return SkipReason.CANCELLED
    if job.attendee.email_key is None and not job.salesforce_id and not stands:
        return SkipReason.NO_EMAIL
    return None


def _needs_creation(row: WorkItem, people: People, *, batch: Batch, clock: Clock) -> bool:
    resolution = resolve(row.job, people)
    if is_deleted(row.job, people):
        _forget_members(row)
    if isinstance(resolution, Found):
        _adopt_found(row, resolution)
        return False
    if isinstance(resolution, NotVisible) and people.has_lost_leads and is_own_lead(row.job.slot(PERSON)):
        row.is_without_access = row.is_lead_hidden = True
        return False
    if isinstance(resolution, NotVisible):
        row.fail(_not_visible(resolution.sobject))
        return False
    if isinstance(resolution, NotSearched):
        row.is_without_access = True
        return False
    if isinstance(resolution, PersonNotFound):
        row.notices += resolution.notices
    return _may_create(row, people, batch=batch, clock=clock)


def _forget_members(row: WorkItem) -> None:
    """They were deleted with their person, so nobody took them out of the campaign: the next one joins it."""
    for key, slot in list(row.slots.items()):
        if key.slot == MEMBER and slot.state == WriteState.WRITTEN:
            del row.slots[key]


def _not_visible(sobject: str) -> ItemError:
    message = NOT_VISIBLE.format(sobject=sobject)
    return internal_error(
        ErrorClass.ACCESS, RECORD_NOT_VISIBLE, message, kind=Milestone.REGISTERED, sobject=sobject
    )


def _adopt_found(row: WorkItem, found: Found) -> None:
    before = row.slots.get(SlotKey(PERSON))
    details = before.details if before else {}
    followed = {name: details[name] for name in ("written_digests", NOTICE) if name in details}
    # A lost create that turned up is ours, whatever way it was found now.
    if before is not None and before.state == WriteState.AMBIGUOUS and before.action == WriteAction.CREATE:
        details = {"is_created_by_us": True, **followed}
        set_person(row, replace(found, found_by="created"), details=details)
    else:
        is_ours = bool(details.get("is_created_by_us"))
        set_person(row, found, details={"is_created_by_us": is_ours, **followed})


def _may_create(row: WorkItem, people: People, *, batch: Batch, clock: Clock) -> bool:
    attendee = row.job.attendee
    created = row.job.rules.creates
    if attendee.email_key is None:
        row.skipped_because = SkipReason.NO_EMAIL
    elif not is_usable_email(attendee.email or attendee.email_key):
        sobject = SOBJECT_BY_CREATE_MODE.get(created, LEAD)
        row.fail(
            internal_error(
                ErrorClass.DATA, EMAIL_MALFORMED, MALFORMED, kind=Milestone.REGISTERED, sobject=sobject
            )
        )
    elif not batch.writes.person or created == NOBODY_CREATED:
        row.skipped_because = SkipReason.NO_MATCH
    elif (sobject := SOBJECT_BY_CREATE_MODE[created]) in people.hidden:
        text = HIDDEN_OBJECT.format(sobject=sobject)
        row.fail(
            internal_error(
                ErrorClass.CONFIGURATION, "INVALID_TYPE", text, kind=Milestone.REGISTERED, sobject=sobject
            )
        )
    else:
        return may_create(row, SlotKey(PERSON), clock)
    return False


def _create_person(
    rows: Sequence[WorkItem], org: OrgContext, batch: Batch, *, pepper: bytes, accounts: Mapping[str, str]
) -> list[WriteOperation]:
    carrier = primary_item(rows)
    refused = carrier.slots.get(SlotKey(PERSON))
    dropped = frozenset(refused.details.get("dropped", ())) if refused else frozenset[str]()
    account_id = accounts.get(carrier.job.registration_id)
    own = {"AccountId": account_id} if account_id else {}
    try:
        draft = drafted(
            SOBJECT_BY_CREATE_MODE[carrier.job.rules.creates], carrier.job, org, own=own, without=dropped
        )
    except RecordBuildError as reason:
        fail_build(rows, reason, org, kind=Milestone.REGISTERED)
        return []
    for row in rows:
        row.notices += (*draft.notices, *_name_notices(rows, draft.record.sobject))
    followed = {"written_digests": dict(draft.digests)} if draft.digests else {}
    told = _merge_other_tickets(carrier, rows, draft, org, without=dropped)
    return [
        WriteOperation(
            key=SlotKey(PERSON),
            rows=(carrier, *told.rows),
            record=Record(draft.record.sobject, {**draft.record.fields, **told.fields}),
            carrier=carrier.job.registration_id,
            fence=keyed_hash(pepper, f"{batch.org_id}:person", carrier.job.attendee.email_key or ""),
            key_fences=tuple(
                keyed_hash(pepper, f"{batch.org_id}:{name}", key) for name, key in _folded_keys(rows)
            ),
            details={"found_by": "created", "is_created_by_us": True, "dropped": sorted(dropped), **followed},
            words=_digests_of_other_tickets(carrier, draft, told),
            headers=draft.headers,
            mapped=draft.mapped.union(*(_mapped(carrier, row, org) for row in told.speakers)),
            describe=draft.describe,
            tried=rejection_hints(refused),
        )
    ]


def _merge_other_tickets(
    carrier: WorkItem, rows: Sequence[WorkItem], draft: Draft, org: OrgContext, *, without: frozenset[str]
) -> MergedUpdate:
    """What the person's other tickets say of the record that the first one makes, as if they came later."""
    others = [row for row in rows if row is not carrier]
    if all(row.job.rules.is_default for row in others):
        return MergedUpdate(rows=others)
    named, describe = (
        SOBJECT_BY_CREATE_MODE[carrier.job.rules.creates],
        org.describes.get(draft.record.sobject),
    )
    read = {name for row in others for name in fields_to_read(named, row.job.rules, describe=describe)}
    standing = {**dict.fromkeys(read), **draft.record.fields}
    return merge_updates(named, others, org, standing=standing, said=lambda row: {}, without=without)


def _digests_of_other_tickets(
    carrier: WorkItem, draft: Draft, told: MergedUpdate
) -> dict[str, dict[str, Any]]:
    """What each of the other tickets has said by that; one of another address has not said the first's."""
    key = carrier.job.attendee.email_key
    alike = {row.job.registration_id for row in told.rows if row.job.attendee.email_key == key}
    said = {id_: {**(draft.digests if id_ in alike else {}), **now} for id_, now in told.said.items()}
    return {id_: {"written_digests": words} for id_, words in said.items() if words or draft.digests}


def _mapped(carrier: WorkItem, row: WorkItem, org: OrgContext) -> frozenset[str]:
    named = SOBJECT_BY_CREATE_MODE[carrier.job.rules.creates]
    describe = org.describes.get(object_of(named))
    return mapped_fields(named, row.job.rules, describe)


def _name_notices(rows: Sequence[WorkItem], sobject: str) -> tuple[ItemWarning, ...]:
    names = {person_name(row.job.attendee) for row in rows}
    if len(names) < 2:
        return ()
    text = "Several tickets with different names share this e-mail address: they are one person."
    return (ItemWarning("fallback_used", sobject, "LastName", text),)
