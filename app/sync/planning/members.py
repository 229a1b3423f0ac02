"""Plan the campaign members that are missing or differ: one per person."""

from collections.abc import Iterable, Iterator, Sequence

from app.states import JobReason, WriteAction, WriteState
from app.sync.lookup.lookup import LookupResult
from app.sync.model.batch import MEMBER, Batch, Link, RegistrationFacts, SlotKey, WrittenSlot
from app.sync.model.decisions import Blocked, ItemDecision, Plan
from app.sync.model.job_outcome import Obstacle
from app.sync.model.records import CAMPAIGN_MEMBER, MemberRow
from app.sync.model.retry_policy import Clock
from app.sync.model.slot_details import SlotDetails
from app.sync.model.work_item import WorkItem, WriteOperation
from app.sync.planning.member_changes import MemberChange, changed_member, created_member
from app.sync.planning.member_status import (
    CreateMember,
    KeepMember,
    NoMember,
    UpdateMember,
    decide_member,
    highest_meaning,
    was_last_set_by_us,
)
from app.sync.planning.person_ref import PersonRef, Persons
from app.sync.planning.record_builder import rejection_hints


def plan_members(
    items: Iterable[WorkItem], persons: Persons, lookup: LookupResult, *, batch: Batch, clock: Clock
) -> Iterator[Plan]:
    """One plan for each person and campaign."""
    groups: dict[tuple[str, PersonRef], list[WorkItem]] = {}
    for item in items:
        if item.job.link and item.job.writes.member:
            key = (item.job.link.campaign_id, persons[item.registration_id])
            groups.setdefault(key, []).append(item)
    for (_, person), group in groups.items():
        yield plan_member(group, person, lookup, batch=batch, clock=clock)


def plan_member(
    items: Sequence[WorkItem], person: PersonRef, lookup: LookupResult, *, batch: Batch, clock: Clock
) -> Plan:
    """Create or update one person's member of one campaign; `items` are the person's registrations for it."""
    link = items[0].job.link
    assert link is not None
    if lookup.lacks_campaign_access:
        return _blocked(items, Obstacle.CAMPAIGN_ACCESS)
    if not is_usable(link, lookup):
        return _blocked(items, Obstacle.CAMPAIGN)
    key = SlotKey(MEMBER, link.campaign_id)
    current = _current_member(key, items, person, lookup)
    written = _last_written_member(key, items, current, batch)
    if written is not None and not _may_be_planned(written, current, clock):
        recheck_at = clock.next_recheck(written)
        return Plan(decisions=tuple(ItemDecision(item, recheck_at=recheck_at) for item in items))
    required = highest_meaning(_facts_of_person(key, items, batch))
    decision = decide_member(
        required, current, written=written, labels=link.labels, reason=_strongest_reason(items)
    )
    if isinstance(decision, NoMember):
        return Plan(decisions=tuple(_forget_uncertain(items, key)))
    was_before = bool(written.details.was_member_before) if written else current is not None
    if isinstance(decision, CreateMember):
        change = created_member(decision, key, items, person, lookup)
    else:
        assert current is not None
        change = changed_member(decision, key, items, current, written=written, lookup=lookup)
    return _member_plan(decision, key, items, change=change, was_before=was_before)


def _blocked(items: Sequence[WorkItem], obstacle: Obstacle) -> Plan:
    return Plan(decisions=tuple(ItemDecision(item, Blocked(obstacle)) for item in items))


def _last_written_member(
    key: SlotKey, items: Sequence[WorkItem], current: MemberRow | None, batch: Batch
) -> WrittenSlot | None:
    """What we wrote last of this member, be it for another registration of the same person."""
    own = [item.slots[key] for item in items if key in item.slots]
    if current is None or any(slot.state == WriteState.AMBIGUOUS for slot in own):
        return own[0] if own else None
    of_siblings = [
        slot for each in _campaign_emails(key, items) for slot in batch.sibling_members.get(each, ())
    ]
    return next(
        (slot for slot in own + of_siblings if was_last_set_by_us(current, slot)), own[0] if own else None
    )


def is_usable(link: Link, lookup: LookupResult) -> bool:
    """Whether the campaign is there for us and still has every status that was chosen."""
    available = lookup.statuses.get(link.campaign_id, {})
    has_all = all(label in available for label in link.labels.values())
    return not link.is_broken and bool(available) and has_all


def _current_member(
    key: SlotKey, items: Sequence[WorkItem], person: PersonRef, lookup: LookupResult
) -> MemberRow | None:
    """The person's member, or one under another Lead or Contact of the same e-mail."""
    own = lookup.members.get((key.instance_key, person.id))
    others = (lookup.members_by_email.get(each) for each in _campaign_emails(key, items))
    return own or next((other for other in others if other), None)


def _may_be_planned(written: WrittenSlot, current: MemberRow | None, clock: Clock) -> bool:
    """A lost create needs no wait, since a member is unique; a lost update is read again after it."""
    if written.state != WriteState.AMBIGUOUS or written.action == WriteAction.CREATE:
        return True
    return clock.is_settled(written) or current is None


def _facts_of_person(key: SlotKey, items: Sequence[WorkItem], batch: Batch) -> Iterable[RegistrationFacts]:
    yield from (item.job.facts for item in items)
    for each in _campaign_emails(key, items):
        yield from batch.siblings.get(each, ())


def _campaign_emails(key: SlotKey, items: Iterable[WorkItem]) -> Iterator[tuple[str, str]]:
    """The campaign with each item's e-mail, by which other registrations of the person are found."""
    return ((key.instance_key, item.job.attendee.email_key or "") for item in items)


def _strongest_reason(items: Sequence[WorkItem]) -> str:
    reasons = {item.job.reason for item in items}
    return next(
        (reason for reason in (JobReason.RETRY, JobReason.REAPPLY) if reason in reasons), JobReason.LIVE
    )


def _member_plan(
    decision: CreateMember | UpdateMember | KeepMember,
    key: SlotKey,
    items: Sequence[WorkItem],
    *,
    change: MemberChange,
    was_before: bool,
) -> Plan:
    if isinstance(decision, KeepMember) and change.record is None:
        kept = _kept_slots(decision, key, change, was_before=was_before)
        return Plan(decisions=(*change.decisions, *kept))
    if change.record is None or not change.items:
        return Plan(decisions=change.decisions)
    is_manual = isinstance(decision, KeepMember) and decision.is_manual
    operation = WriteOperation(
        key=key,
        jobs=tuple(item.job for item in change.items),
        record=change.record,
        primary_registration_id=change.items[0].registration_id,
        meaning=decision.meaning,
        label=decision.label,
        details=SlotDetails(was_member_before=was_before, is_manual=is_manual or None),
        details_by_item=change.details_by_item,
        headers=change.headers,
        mapped=change.mapped,
        describe=change.describe,
        rejection_hints=rejection_hints(*(item.slots.get(key) for item in items)),
    )
    return Plan((operation,), change.decisions)


def _kept_slots(
    decision: KeepMember, key: SlotKey, change: MemberChange, *, was_before: bool
) -> Iterable[ItemDecision]:
    """What is known of a member to which nothing is written."""
    for item in change.items:
        before = item.slots.get(key)
        details = before.details.without_hints() if before else SlotDetails(was_member_before=was_before)
        details = details.updated(change.details_by_item[item.registration_id])
        slot = WrittenSlot(
            state=WriteState.WRITTEN,
            action=WriteAction.CREATE,
            sobject=CAMPAIGN_MEMBER,
            sf_id=decision.id,
            meaning=decision.meaning,
            label=decision.label,
            details=details._replace(is_manual=decision.is_manual or None),
        )
        yield ItemDecision(item, slots={key: slot})


def _forget_uncertain(items: Iterable[WorkItem], key: SlotKey) -> Iterable[ItemDecision]:
    for item in items:
        slot = item.slots.get(key)
        if slot is not None and slot.state == WriteState.AMBIGUOUS:
            yield ItemDecision(item, slots={key: None})
