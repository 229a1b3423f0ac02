"""What was decided about work items, and how writing them ended: what changes of each, as values."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from app.states import SkipReason, WriteAction, WriteState
from app.sync.model.batch import PERSON, SlotKey, WrittenSlot
from app.sync.model.item_errors import ItemError, ItemWarning
from app.sync.model.job_outcome import Obstacle
from app.sync.model.records import FoundPerson
from app.sync.model.slot_details import SlotDetails
from app.sync.model.work_item import NO_SLOTS, LoggedRequest, PartEnd, WorkItem, WriteOperation


@dataclass(frozen=True)
class Skip:
    """Nothing is to be written; `reason` is one of the contract's."""

    reason: SkipReason


@dataclass(frozen=True)
class Fail:
    error: ItemError


@dataclass(frozen=True)
class Blocked:
    by: Obstacle


@dataclass(frozen=True)
class Replan:
    """The item is looked up and planned again, without the person it had; `error` says why."""

    error: ItemError


@dataclass(frozen=True)
class ReplanRejected:
    """Salesforce rejected a write that can be planned otherwise: the item is looked up and planned again."""

    error: ItemError


@dataclass(frozen=True)
class RetryLater:
    error: ItemError


@dataclass(frozen=True)
class LeadInaccessible:
    """Nothing could be written to the Lead that was created just now, since the user has no access to it."""

    error: ItemError


@dataclass(frozen=True)
class LeadAccessible:
    """Something could be written to the new Lead: what was rejected for want of access failed for itself."""


@dataclass(frozen=True)
class PartEnded:
    """An optional part ended short of success; the rest of the item goes on as if it were not there."""

    key: SlotKey
    end: PartEnd


ItemEnd = (
    Skip
    | Fail
    | Blocked
    | Replan
    | ReplanRejected
    | RetryLater
    | LeadInaccessible
    | LeadAccessible
    | PartEnded
)
"""How a part of an item ended; where several did, `BatchItems.apply` says what counts."""


class ItemDecision(NamedTuple):
    """What changes for one item. `slots` are those to set, None removes one; `recheck_at` is the latest time
    to look again, `part_recheck_at` the same for optional parts; `stale_describes` are objects whose describe
    may be out of date; `logged` is one more request of the item's history, `logged_requests` are all of them,
    where some are completed.
    """

    item: WorkItem
    end: ItemEnd | None = None
    slots: Mapping[SlotKey, WrittenSlot | None] = NO_SLOTS
    person: FoundPerson | None = None
    recheck_at: datetime | None = None
    warnings: tuple[ItemWarning, ...] = ()
    stale_describes: frozenset[str] = frozenset()
    logged_requests: tuple[LoggedRequest, ...] | None = None
    is_processed: bool = False
    part_recheck_at: datetime | None = None
    has_tried_parts: bool = False
    logged: LoggedRequest | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """The records to write, and the decisions on the items of these and of others."""

    operations: tuple[WriteOperation, ...] = ()
    decisions: tuple[ItemDecision, ...] = ()


NO_PLAN: Final = Plan()


def joined(plans: Iterable[Plan]) -> Plan:
    """One plan with the operations and decisions of all, in their order."""
    each = list(plans)
    return Plan(
        tuple(operation for plan in each for operation in plan.operations),
        tuple(decision for plan in each for decision in plan.decisions),
    )


def person_found(item: WorkItem, person: FoundPerson, details: SlotDetails) -> ItemDecision:
    """The item's person is known and exists in Salesforce; `details` go with a slot that lacks it so far."""
    key, attendee_id = SlotKey(PERSON), item.job.attendee.attendee_id
    before = item.slots.get(key)
    if before and before.sf_id == person.id and before.state == WriteState.WRITTEN:
        holder = before.details.attendee_id or attendee_id
        slot = before._replace(details=before.details._replace(attendee_id=holder))
    else:
        found = SlotDetails(person.found_by, is_created_by_us=False, attendee_id=attendee_id)
        slot = WrittenSlot(
            WriteState.WRITTEN, WriteAction.CREATE, person.sobject, person.id, details=found.updated(details)
        )
    return ItemDecision(
        item,
        slots={key: slot} if slot != before else {},
        person=person,
        warnings=(*person.warnings, details.warning) if details.warning else person.warnings,
    )
