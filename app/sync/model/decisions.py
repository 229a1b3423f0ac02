"""What a planner decided: the records to write, and what becomes of each work item besides them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from app.states import SkipReason
from app.sync.model.batch import SlotKey, WrittenSlot
from app.sync.model.item_errors import ItemError, ItemWarning
from app.sync.model.job_outcome import Obstacle
from app.sync.model.records import Found
from app.sync.model.slot_details import SlotDetails
from app.sync.model.work_item import WorkItem, WriteOperation, person_slots, person_warnings


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
    """The item is looked up and planned again, without the person it had."""


Outcome = Skip | Fail | Blocked | Replan


@dataclass(frozen=True, slots=True)
class ItemDecision:
    """What changes for one item. `slots` are those to set, None removes one; `recheck_at` is the latest time
    to look again; `stale_describes` are objects whose describe may be out of date.
    """

    item: WorkItem
    outcome: Outcome | None = None
    slots: Mapping[SlotKey, WrittenSlot | None] = field(default_factory=dict)
    person: Found | None = None
    recheck_at: datetime | None = None
    warnings: tuple[ItemWarning, ...] = ()
    stale_describes: frozenset[str] = frozenset()


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


def person_found(item: WorkItem, person: Found, details: SlotDetails | None = None) -> ItemDecision:
    """The item's person is known and exists in Salesforce."""
    return ItemDecision(
        item,
        slots=person_slots(item, person, details),
        person=person,
        warnings=person_warnings(item, person, details),
    )


def apply_plan(plan: Plan) -> tuple[WriteOperation, ...]:
    """Apply the plan's decisions to their items; returns its operations."""
    apply_decisions(plan.decisions)
    return plan.operations


def apply_decisions(decisions: Iterable[ItemDecision]) -> None:
    """Change the items as the planners decided. No planner changes an item itself."""
    for decision in decisions:
        item = decision.item
        item.warnings += decision.warnings
        item.stale_describes |= decision.stale_describes
        item.person = decision.person or item.person
        for key, slot in decision.slots.items():
            if slot is None:
                item.slots.pop(key, None)
            else:
                item.slots[key] = slot
        if decision.recheck_at is not None:
            item.wait_until(decision.recheck_at)
        if decision.outcome is not None:
            _apply_outcome(item, decision.outcome)


def _apply_outcome(item: WorkItem, outcome: Outcome) -> None:
    match outcome:
        case Skip(reason):
            item.skipped_because = reason
        case Fail(error):
            item.fail(error)
        case Blocked(obstacle):
            item.obstacles.add(obstacle)
        case Replan():
            item.person, item.must_replan = None, True
