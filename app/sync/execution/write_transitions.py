"""How an operation ends: what its slot says before, during and after the call. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from app.salesforce.errors import ApiError
from app.salesforce.ids import sobject_of
from app.states import WriteAction, WriteState
from app.sync.errors.item_error import salesforce_error
from app.sync.execution.rejections import (
    AlreadyExists,
    AwaitOrg,
    CampaignsHidden,
    DropFields,
    EventTooLong,
    FailItems,
    FollowRecord,
    LeadHidden,
    RefreshDescribe,
    Rejection,
    Retry,
    TaskInstead,
    classify_rejection,
    is_describe_stale,
    is_reference_configured,
)
from app.sync.model.batch import PERSON, WrittenSlot
from app.sync.model.decisions import (
    Blocked,
    Fail,
    ItemDecision,
    ItemEnd,
    LeadInaccessible,
    PartEnded,
    ReplanRejected,
    RetryLater,
)
from app.sync.model.item_errors import ItemError
from app.sync.model.job_outcome import Obstacle
from app.sync.model.records import FoundPerson
from app.sync.model.slot_details import NO_DETAILS, SlotDetails
from app.sync.model.work_item import LoggedRequest, PartEnd, PartEnding, WorkItem, WriteOperation


def slot_intended(
    operation: WriteOperation, items: Iterable[WorkItem], now: datetime
) -> Iterator[ItemDecision]:
    """The slot is being written: committed before anything is sent."""
    for item in items:
        before = item.slots.get(operation.key)
        ambiguous = before if before and before.state == WriteState.AMBIGUOUS else None
        kept = before if before and before.exists_in_org else None
        intended = WrittenSlot(
            state=WriteState.INTENDED,
            action=WriteAction.CREATE if operation.is_create else WriteAction.UPDATE,
            sobject=operation.record.sobject,
            sf_id=kept.sf_id if kept and not operation.is_create else None,
            meaning=kept.meaning if kept else operation.meaning,
            label=kept.label if kept else operation.label,
            reference=operation.reference_tag,
            details=operation.details.updated(operation.rejection_hints).updated(
                _item_details(operation, item)
            ),
            attempt_started_at=now,
            first_attempt_at=(ambiguous.first_attempt_at if ambiguous else None) or now,
            rounds=ambiguous.rounds + 1 if ambiguous else 0,
        )
        yield ItemDecision(item, slots={operation.key: intended})


def slot_written(
    operation: WriteOperation,
    items: Iterable[WorkItem],
    sf_id: str,
    *,
    logged: LoggedRequest | None = None,
) -> Iterator[ItemDecision]:
    """Salesforce has it; a person that was just created is the person of its items."""
    sobject = sobject_of(sf_id) or operation.record.sobject
    person = _created_person(operation, sobject, sf_id)
    details = operation.details.updated(_key(operation))
    for item in items:
        before = item.slots.get(operation.key)
        found = (
            SlotDetails(person.found_by, attendee_id=item.job.attendee.attendee_id) if person else NO_DETAILS
        )
        written = WrittenSlot(
            state=WriteState.WRITTEN,
            action=WriteAction.CREATE if operation.is_create else WriteAction.UPDATE,
            sobject=sobject,
            sf_id=sf_id,
            meaning=operation.meaning,
            label=operation.label,
            reference=operation.reference_tag,
            details=details.updated(_item_details(operation, item)).updated(found),
            attempt_started_at=before.attempt_started_at if before else None,
            first_attempt_at=before.first_attempt_at if before else None,
        )
        yield ItemDecision(item, slots={operation.key: written}, person=person, logged=logged)


def _key(operation: WriteOperation) -> SlotDetails:
    """What is certain of the record's key once it is written."""
    return SlotDetails(sent_key=operation.record_key.text) if operation.record_key else NO_DETAILS


def slot_adopted(
    operation: WriteOperation, items: Iterable[WorkItem], sf_id: str, failure: ApiError
) -> Iterator[ItemDecision]:
    """An earlier call made the record, with values of its own time: what may have changed since is looked at
    and planned again.
    """
    is_older = operation.meaning is not None or operation.details.pending_digests is not None
    details = operation.details._replace(pending_digests=None, written_digests=None)
    told = replace(operation, meaning=None, label=None, details=details) if is_older else operation
    for decision in slot_written(told, items, sf_id):
        end = ReplanRejected(_error(operation, failure, decision.item)) if is_older else None
        yield decision._replace(end=end)


def _created_person(operation: WriteOperation, sobject: str, sf_id: str) -> FoundPerson | None:
    """An org may turn a new Lead into a Contact."""
    if operation.key.slot != PERSON:
        return None
    is_as_sent = sobject == operation.record.sobject
    return FoundPerson(sobject, sf_id, "created" if is_as_sent else "converted_on_insert")


def slot_ambiguous(
    operation: WriteOperation, items: Iterable[WorkItem], *, ended_at: datetime | None = None
) -> Iterator[ItemDecision]:
    """The response was lost: the slot is not planned again before it is known what was written.

    `ended_at`: the call is known to have been over by then.
    """
    for item in items:
        before = item.slots.get(operation.key)
        if before is None:
            continue
        lost = before._replace(state=WriteState.AMBIGUOUS)
        if ended_at is not None:
            details = lost.details._replace(call_ended=True)
            lost = lost._replace(attempt_started_at=ended_at, details=details)
        yield ItemDecision(item, slots={operation.key: lost})


def slot_not_applied(operation: WriteOperation, items: Iterable[WorkItem]) -> Iterator[ItemDecision]:
    """Nothing was applied: of a create nothing is left, of an update what was written before."""
    for item in items:
        yield ItemDecision(item, slots={operation.key: _not_applied(item.slots.get(operation.key))})


def slot_unreached(operation: WriteOperation, items: Iterable[WorkItem]) -> Iterator[ItemDecision]:
    """What was refused with its call, and not sent again by then, was certainly not applied."""
    for item in items:
        slot = item.slots.get(operation.key)
        if slot is not None and slot.state == WriteState.INTENDED:
            yield ItemDecision(item, slots={operation.key: _not_applied(slot)})


def decide_rejection(
    operation: WriteOperation, items: Sequence[WorkItem], failure: ApiError
) -> Iterator[ItemDecision]:
    """Salesforce rejected this one operation: its items go on as the rejection's kind says."""
    rejection = classify_rejection(operation, failure, items)
    is_stale = is_describe_stale(operation, failure, rejection)
    stale = frozenset({operation.record.sobject}) if is_stale else frozenset[str]()
    for item in items:
        slot = _not_applied(item.slots.get(operation.key), is_failed=rejection.leaves_failed_slot)
        noted = slot and slot._replace(details=slot.details.updated(rejection.hints))
        end = _end_of(operation, rejection, _error(operation, failure, item))
        # Without its key the record is as good as before.
        end = None if operation.is_key_alone else end
        yield ItemDecision(item, end, slots={operation.key: noted}, stale_describes=stale)


def _not_applied(before: WrittenSlot | None, *, is_failed: bool = False) -> WrittenSlot | None:
    """A rejected create leaves a failed slot, if that is to be kept. That what was sent again with its key is
    refused says nothing of the first, which may still be applied.
    """
    if before is not None and before.exists_in_org:
        details = before.details._replace(pending_digests=None)
        return before._replace(state=WriteState.WRITTEN, action=WriteAction.CREATE, details=details)
    if before is not None and before.rounds > 0 and before.details.sent_key is not None:
        return before._replace(state=WriteState.AMBIGUOUS)
    if before is None or not is_failed:
        return None
    return before._replace(state=WriteState.FAILED, attempt_started_at=None)


def _end_of(operation: WriteOperation, rejection: Rejection, error: ItemError) -> ItemEnd | None:
    if not operation.is_optional:
        return _end(rejection, error)
    how = _part_ending(rejection)
    return PartEnded(operation.key, PartEnd(how, error)) if how else None


def _part_ending(rejection: Rejection) -> PartEnding | None:
    """How an optional part ends; what the rest of its item waits for, it waits for as well."""
    match rejection:
        case DropFields() | AlreadyExists() | RefreshDescribe() | EventTooLong():
            return PartEnding.AGAIN
        case TaskInstead():
            return PartEnding.REFUSED
        case FollowRecord() | CampaignsHidden() | LeadHidden() | Retry():
            return PartEnding.LATER
        case FailItems():
            return PartEnding.FAILED
        case AwaitOrg():
            return None


def _end(rejection: Rejection, error: ItemError) -> ItemEnd | None:
    match rejection:
        case DropFields() | AlreadyExists() | RefreshDescribe() | FollowRecord() | EventTooLong():
            return ReplanRejected(error)
        case CampaignsHidden():
            return Blocked(Obstacle.CAMPAIGN_ACCESS)
        case LeadHidden():
            return LeadInaccessible(error)
        case Retry():
            return RetryLater(error)
        case FailItems() | TaskInstead():
            return Fail(error)
        case AwaitOrg():
            return None


def _error(operation: WriteOperation, failure: ApiError, item: WorkItem) -> ItemError:
    return salesforce_error(
        failure,
        milestone=operation.milestone,
        sobject=operation.record.sobject,
        sent=dict(operation.record.fields),
        values=[*item.job.attendee.personal_values(), *_mapped_texts(operation)],
        describe=operation.describe,
        is_configured=is_reference_configured(operation, failure),
    )


def _mapped_texts(operation: WriteOperation) -> Iterable[str]:
    """What the host's rules made of the attendee's words: Salesforce may repeat it in its message."""
    values = (operation.record.fields.get(name) for name in sorted(operation.mapped))
    return (value for value in values if isinstance(value, str))


def _item_details(operation: WriteOperation, item: WorkItem) -> SlotDetails:
    return operation.details_by_item.get(item.registration_id, NO_DETAILS)
