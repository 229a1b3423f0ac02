"""How an operation ends: what its slot says before, during and after the call. Pure but for the rows."""

import re
from collections.abc import Iterable
from datetime import datetime

from app.salesforce.errors import ApiError, ErrorClass
from app.salesforce.ids import sobject_of
from app.states import WriteAction, WriteState
from app.sync.errors.message_codes import CREATE_REFUSED
from app.sync.errors.row_error import row_error
from app.sync.field_values.states_and_countries import is_place
from app.sync.model.batch import CALL_ENDED, PERSON, PROFILE, WrittenSlot
from app.sync.model.record_kinds import kind_of_slot
from app.sync.model.records import CAMPAIGN_MEMBER, Found
from app.sync.model.retry_policy import DRAIN_STOPPING, ErrorAction, action_for
from app.sync.model.row_error import RowError
from app.sync.model.work_item import WorkItem, WriteOperation, is_new_lead, set_ticket_holder
from app.sync.model.written_digests import drop_pending

OPTIONAL_FIELDS = frozenset(
    {
        "LeadSource",
        "Title",
        "Phone",
        "FirstName",
        "PersonLeadSource",
        "PersonTitle",
        "OwnerId",
        "RecordTypeId",
    }
)
"""Fields of a person without which it can stand; the org may hide or restrict them."""

RESTRICTED = "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
UNKNOWN_FIELD_CODES = frozenset({"INVALID_FIELD", "INVALID_FIELD_FOR_INSERT_UPDATE"})
FIELD_ERROR_CODES = UNKNOWN_FIELD_CODES | {RESTRICTED}
STALE_DESCRIBE_CODES = FIELD_ERROR_CODES | {
    "REQUIRED_FIELD_MISSING",
    "STRING_TOO_LONG",
    "NUMBER_OUTSIDE_VALID_RANGE",
}
"""What Salesforce only says where a describe was out of date, or is read for another user."""

REFERENCE_ERROR_CODES = frozenset({"INVALID_CROSS_REFERENCE_KEY", "MALFORMED_ID"})
"""An id in the record is none of this org, or not one that the connected user may use."""

MISPLACED = "FIELD_INTEGRITY_EXCEPTION"
"""Of a state or country, among others: not listed, or the state is none of the country."""

OWNER_CANNOT_READ = "TRANSFER_REQUIRES_READ"
"""The chosen owner may not see records of this kind: Salesforce gives them to nobody who cannot."""

MOVED_CODES = frozenset({"CANNOT_UPDATE_CONVERTED_LEAD", "ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY"})
"""The record, or the person it points to, was converted, merged or deleted since we looked."""

UNSEEN = "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY"
"""The record points to one that the connected user may not see."""

FIELD_NAME = re.compile(r"\b[A-Za-z]\w+\b")


def mark_intended(operation: WriteOperation, now: datetime) -> None:
    """Mark the slot as being written: committed before anything is sent."""

    def intended(before: WrittenSlot | None) -> WrittenSlot:
        rounds = before.rounds + 1 if before and before.state == WriteState.AMBIGUOUS else 0
        first = before.first_attempt_at if before and before.state == WriteState.AMBIGUOUS else None
        kept = before if before and before.stands else None
        return WrittenSlot(
            state=WriteState.INTENDED,
            action=WriteAction.CREATE if operation.is_create else WriteAction.UPDATE,
            sobject=operation.record.sobject,
            sf_id=kept.sf_id if kept and not operation.is_create else None,
            meaning=kept.meaning if kept else operation.meaning,
            label=kept.label if kept else operation.label,
            reference=operation.reference,
            details={**operation.details, **operation.tried},
            attempt_started_at=now,
            first_attempt_at=first or now,
            rounds=rounds,
        )

    operation.each_slot(intended)
    _store_item_details(operation)


def mark_written(operation: WriteOperation, sf_id: str) -> None:
    """Salesforce has it."""

    def written(before: WrittenSlot | None) -> WrittenSlot:
        return WrittenSlot(
            state=WriteState.WRITTEN,
            action=WriteAction.CREATE if operation.is_create else WriteAction.UPDATE,
            sobject=sobject_of(sf_id) or operation.record.sobject,
            sf_id=sf_id,
            meaning=operation.meaning,
            label=operation.label,
            reference=operation.reference,
            details=dict(operation.details),
            attempt_started_at=before.attempt_started_at if before else None,
            first_attempt_at=before.first_attempt_at if before else None,
        )

    operation.each_slot(written)
    _store_item_details(operation)


def apply_created_person(operation: WriteOperation, sf_id: str) -> None:
    """A person that was just created is the person of its rows; an org may turn a new Lead into a Contact."""
    if operation.key.slot != PERSON:
        return
    sobject = sobject_of(sf_id) or operation.record.sobject
    found_by = "created" if sobject == operation.record.sobject else "converted_on_insert"
    for row in operation.rows:
        row.person = Found(sobject, sf_id, found_by)
    _note(operation, found_by=found_by)
    for row in operation.rows:
        set_ticket_holder(row)


def mark_ambiguous(operation: WriteOperation, *, ended_at: datetime | None = None) -> None:
    """The answer was lost: the slot is not planned again before it is settled.

    `ended_at`: the call is known to have been over by then.
    """

    def lost(before: WrittenSlot | None) -> WrittenSlot | None:
        if before is None or ended_at is None:
            return before and before._replace(state=WriteState.AMBIGUOUS)
        details = {**before.details, CALL_ENDED: True}
        return before._replace(state=WriteState.AMBIGUOUS, attempt_started_at=ended_at, details=details)

    operation.each_slot(lost)


def mark_not_applied(operation: WriteOperation, *, is_failed: bool) -> None:
    """Nothing was applied: a create leaves a failed slot or none, an update what stood before."""

    def unwritten(before: WrittenSlot | None) -> WrittenSlot | None:
        if before is not None and before.stands:
            details = drop_pending(before.details)
            return before._replace(state=WriteState.WRITTEN, action=WriteAction.CREATE, details=details)
        return (
            before._replace(state=WriteState.FAILED, attempt_started_at=None)
            if is_failed and before
            else None
        )

    operation.each_slot(unwritten)


def handle_rejection(operation: WriteOperation, failure: ApiError) -> None:
    """Salesforce said no to this one: the row retries or fails, as the policy says.

    Where the whole org or connection has to wait, the row spends no attempt and tells no error of its own.
    """
    if any(
        way(operation, failure)
        for way in (_drop_fields, _is_existing_member, _replan_with_fresh_describe, _follow)
    ):
        for row in operation.rows:
            row.last_word = _error(operation, failure, row)
        return
    if _lacks_campaigns(operation, failure) or _lost_lead(operation, failure):
        return
    consequence = action_for(failure)
    mark_not_applied(operation, is_failed=consequence is ErrorAction.FAIL)
    for row in operation.rows:
        if consequence is ErrorAction.RETRY:
            row.retry = row.retry or _error(operation, failure, row)
        elif consequence not in DRAIN_STOPPING:
            row.fail(_error(operation, failure, row))


def _lacks_campaigns(operation: WriteOperation, failure: ApiError) -> bool:
    """A user who may not write members at all: the rows wait until that is changed, and none fails."""
    is_of_user = failure.error_code == CREATE_REFUSED and failure.error_class is ErrorClass.ACCESS
    if operation.record.sobject != CAMPAIGN_MEMBER or not is_of_user:
        return False
    mark_not_applied(operation, is_failed=False)
    for row in operation.rows:
        row.lacks_campaigns = True
    return True


def _lost_lead(operation: WriteOperation, failure: ApiError) -> bool:
    """A Lead that left the connected user's sight as it was created: its rows wait until it is seen again."""
    if failure.error_code != UNSEEN or not all(is_new_lead(row) for row in operation.rows):
        return False
    mark_not_applied(operation, is_failed=False)
    for row in operation.rows:
        row.lost_lead = row.lost_lead or _error(operation, failure, row)
    return True


def _error(operation: WriteOperation, failure: ApiError, row: WorkItem) -> RowError:
    return row_error(
        failure,
        kind=operation.kind,
        sobject=operation.record.sobject,
        sent=dict(operation.record.fields),
        values=[*row.personal_values(), *_mapped_texts(operation)],
        describe=operation.describe,
        is_configured=_is_chosen(operation, failure),
    )


def _is_chosen(operation: WriteOperation, failure: ApiError) -> bool:
    """Whether the record points to something that the host chose: an owner, a record type, a fixed record."""
    is_pointing = not {"OwnerId", "RecordTypeId", *operation.mapped}.isdisjoint(operation.record.fields)
    return is_pointing and operation.is_create and failure.error_code in REFERENCE_ERROR_CODES


def _mapped_texts(operation: WriteOperation) -> Iterable[str]:
    """What the host's rules made of the attendee's words: Salesforce may repeat it in its message."""
    values = (operation.record.fields.get(name) for name in sorted(operation.mapped))
    return (value for value in values if isinstance(value, str))


def _droppable_fields(operation: WriteOperation, failure: ApiError) -> frozenset[str]:
    """The fields that this failure names, if the record can stand without every one of them.

    What the host mapped is left out where the org lost it; a value that the org does not list is the host's
    to map anew.
    """
    if failure.error_code == MISPLACED and failure.fields and all(map(is_place, failure.fields)):
        return frozenset(failure.fields) & operation.record.fields.keys()
    if failure.error_code == OWNER_CANNOT_READ:
        return frozenset({"OwnerId"}) & operation.record.fields.keys()
    if failure.error_code not in FIELD_ERROR_CODES:
        return frozenset()
    sent = operation.record.fields.keys()
    named = set(failure.fields) & sent or set(FIELD_NAME.findall(failure.message)) & sent
    kind = kind_of_slot(operation.key.slot)
    ours = kind.optional_fields if kind else frozenset[str]()
    ours = OPTIONAL_FIELDS if operation.key.slot in (PERSON, PROFILE) else ours
    is_lost = failure.error_code in UNKNOWN_FIELD_CODES
    optional = ours | operation.mapped if is_lost else ours - operation.mapped
    return frozenset(named) if named <= optional else frozenset()


def _drop_fields(operation: WriteOperation, failure: ApiError) -> bool:
    """Leave out what the org does not take, and plan again: never a failed attendee."""
    named = _droppable_fields(operation, failure)
    if not named:
        return False
    refused = {*operation.details.get("dropped", ()), *operation.tried.get("dropped", ())}
    mark_not_applied(operation, is_failed=True)
    _note(operation, dropped=sorted(named | refused))
    for row in operation.rows:
        row.must_replan = True
        row.misjudged |= {operation.record.sobject} if operation.describe is not None else set()
    return True


def _replan_with_fresh_describe(operation: WriteOperation, failure: ApiError) -> bool:
    """What does not fit the describe we have may fit the one of now: plan again with that, once."""
    if operation.describe is None or failure.error_code not in STALE_DESCRIBE_CODES:
        return False
    for row in operation.rows:
        row.misjudged.add(operation.record.sobject)
    if operation.tried.get("was_misjudged"):
        return False
    mark_not_applied(operation, is_failed=True)
    _note(operation, was_misjudged=True)
    for row in operation.rows:
        row.must_replan = True
    return True


def _follow(operation: WriteOperation, failure: ApiError) -> bool:
    """Whose record went elsewhere since we looked is looked for by its id, once, and written there."""
    is_chosen = operation.is_create and _is_chosen(operation, failure)
    if failure.error_code not in MOVED_CODES or is_chosen or operation.tried.get("was_moved"):
        return False
    mark_not_applied(operation, is_failed=True)
    _note(operation, was_moved=True)
    for row in operation.rows:
        row.must_replan = True
    return True


def _is_existing_member(operation: WriteOperation, failure: ApiError) -> bool:
    """A member that somebody added since we looked: look again and recover it."""
    if operation.record.sobject != CAMPAIGN_MEMBER or failure.error_code != "DUPLICATE_VALUE":
        return False
    mark_not_applied(operation, is_failed=False)
    for row in operation.rows:
        row.must_replan = True
    return True


def _store_item_details(operation: WriteOperation) -> None:
    for row in operation.rows:
        words = operation.words.get(row.job.registration_id)
        if words:
            slot = row.slots[operation.key]
            row.slots[operation.key] = slot._replace(details={**slot.details, **words})


def _note(operation: WriteOperation, **details: object) -> None:
    operation.each_slot(lambda slot: slot._replace(details={**slot.details, **details}) if slot else None)
