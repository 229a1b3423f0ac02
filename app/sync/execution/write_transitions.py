"""How an operation ends: what its slot says before, during and after the call. Pure but for the rows."""

from collections.abc import Iterable
from datetime import datetime

from app.salesforce.errors import ApiError
from app.salesforce.ids import sobject_of
from app.states import WriteAction, WriteState
from app.sync.errors.item_error import salesforce_error
from app.sync.execution.rejections import (
    AlreadyExists,
    CampaignsHidden,
    DropFields,
    FailRows,
    FollowRecord,
    LeadHidden,
    RefreshDescribe,
    Rejection,
    Retry,
    Wait,
    classify_rejection,
    is_describe_stale,
    is_reference_configured,
)
from app.sync.model.batch import PERSON, WrittenSlot
from app.sync.model.item_errors import ItemError
from app.sync.model.job_outcome import Obstacle
from app.sync.model.records import Found
from app.sync.model.slot_details import SlotDetails
from app.sync.model.work_item import WorkItem, WriteOperation, set_ticket_holder


def mark_intended(operation: WriteOperation, now: datetime) -> None:
    """Mark the slot as being written: committed before anything is sent."""

    def intended(before: WrittenSlot | None) -> WrittenSlot:
        rounds = before.rounds + 1 if before and before.state == WriteState.AMBIGUOUS else 0
        first = before.first_attempt_at if before and before.state == WriteState.AMBIGUOUS else None
        kept = before if before and before.exists_in_org else None
        return WrittenSlot(
            state=WriteState.INTENDED,
            action=WriteAction.CREATE if operation.is_create else WriteAction.UPDATE,
            sobject=operation.record.sobject,
            sf_id=kept.sf_id if kept and not operation.is_create else None,
            meaning=kept.meaning if kept else operation.meaning,
            label=kept.label if kept else operation.label,
            reference=operation.reference,
            details=operation.details.updated(operation.rejection_hints),
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
            details=operation.details,
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
    _note(operation, SlotDetails(found_by=found_by))
    for row in operation.rows:
        set_ticket_holder(row)


def mark_ambiguous(operation: WriteOperation, *, ended_at: datetime | None = None) -> None:
    """The answer was lost: the slot is not planned again before it is settled.

    `ended_at`: the call is known to have been over by then.
    """

    def lost(before: WrittenSlot | None) -> WrittenSlot | None:
        if before is None or ended_at is None:
            return before and before._replace(state=WriteState.AMBIGUOUS)
        details = before.details._replace(call_ended=True)
        return before._replace(state=WriteState.AMBIGUOUS, attempt_started_at=ended_at, details=details)

    operation.each_slot(lost)


def mark_not_applied(operation: WriteOperation, *, is_failed: bool) -> None:
    """Nothing was applied: a create leaves a failed slot or none, an update what stood before."""

    def unwritten(before: WrittenSlot | None) -> WrittenSlot | None:
        if before is not None and before.exists_in_org:
            details = before.details._replace(pending_digests=None)
            return before._replace(state=WriteState.WRITTEN, action=WriteAction.CREATE, details=details)
        return (
            before._replace(state=WriteState.FAILED, attempt_started_at=None)
            if is_failed and before
            else None
        )

    operation.each_slot(unwritten)


def handle_rejection(operation: WriteOperation, failure: ApiError) -> None:
    """Salesforce rejected this one operation: its rows go on as the rejection's kind says."""
    apply_rejection(operation, failure, classify_rejection(operation, failure))


def apply_rejection(operation: WriteOperation, failure: ApiError, rejection: Rejection) -> None:
    """Bring the slot and the rows of the operation to where this rejection leaves them."""
    mark_not_applied(operation, is_failed=rejection.leaves_failed_slot)
    _note(operation, rejection.hints)
    stale = {operation.record.sobject} if is_describe_stale(operation, failure, rejection) else set()
    for row in operation.rows:
        row.stale_describes |= stale
        error = _error(operation, failure, row)
        match rejection:
            case DropFields() | AlreadyExists() | RefreshDescribe() | FollowRecord():
                row.must_replan, row.last_rejection = True, error
            case CampaignsHidden():
                row.obstacles.add(Obstacle.CAMPAIGN_ACCESS)
            case LeadHidden():
                row.lost_lead = row.lost_lead or error
            case Retry():
                row.retry = row.retry or error
            case FailRows():
                row.fail(error)
            case Wait():
                pass


def _error(operation: WriteOperation, failure: ApiError, item: WorkItem) -> ItemError:
    return salesforce_error(
        failure,
        milestone=operation.milestone,
        sobject=operation.record.sobject,
        sent=dict(operation.record.fields),
        values=[*item.personal_values(), *_mapped_texts(operation)],
        describe=operation.describe,
        is_configured=is_reference_configured(operation, failure),
    )


def _mapped_texts(operation: WriteOperation) -> Iterable[str]:
    """What the host's rules made of the attendee's words: Salesforce may repeat it in its message."""
    values = (operation.record.fields.get(name) for name in sorted(operation.mapped))
    return (value for value in values if isinstance(value, str))


def _store_item_details(operation: WriteOperation) -> None:
    for row in operation.rows:
        words = operation.details_by_item.get(row.job.registration_id)
        if words:
            slot = row.slots[operation.key]
            row.slots[operation.key] = slot._replace(details=slot.details.updated(words))


def _note(operation: WriteOperation, details: SlotDetails) -> None:
    operation.each_slot(lambda slot: slot._replace(details=slot.details.updated(details)) if slot else None)
