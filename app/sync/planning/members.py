"""The campaign members that are missing or differ, planned: one per person. Pure but for the rows."""

from collections.abc import Iterable, Sequence

from app.states import JobReason, WriteAction, WriteState
from app.sync.lookup.lookup import LookupResult
from app.sync.model.batch import MEMBER, Batch, Link, RegistrationFacts, SlotKey, WrittenSlot
from app.sync.model.clock import Clock
from app.sync.model.records import MemberRow
from app.sync.model.work_item import WorkItem, WriteOperation
from app.sync.planning.member_changes import MemberChange, changed_member, created_member
from app.sync.planning.member_status import (
    CreateMember,
    Decision,
    KeepMember,
    NoMember,
    decide_member,
    highest_meaning,
    was_last_set_by_us,
)
from app.sync.planning.record_builder import rejection_hints, without_hints


def plan_member(
    group: tuple[str, str], rows: Sequence[WorkItem], found: LookupResult, *, batch: Batch, clock: Clock
) -> list[WriteOperation]:
    campaign_id, _ = group
    link = rows[0].job.link
    assert link is not None
    if found.lacks_campaigns:
        for row in rows:
            row.lacks_campaigns = True
        return []
    if not is_usable(link, found):
        for row in rows:
            row.is_held = True
        return []
    key = SlotKey(MEMBER, campaign_id)
    current = _current_member(group, rows, found)
    ours = _last_written_member(key, rows, current, batch)
    if (
        ours is not None
        and ours.state == WriteState.AMBIGUOUS
        and not _is_settled(rows, ours, current, clock)
    ):
        return []
    wanted = highest_meaning(_facts_of_person(campaign_id, rows, batch))
    decision = decide_member(wanted, current, ours=ours, labels=link.labels, reason=_strongest_reason(rows))
    change = _change(decision, key, rows, current, ours=ours, found=found)
    return _member_operations(decision, key, rows, change=change, was_before=_existed_before(current, ours))


def _last_written_member(
    key: SlotKey, rows: Sequence[WorkItem], current: MemberRow | None, batch: Batch
) -> WrittenSlot | None:
    """What we wrote last of this member, be it for another registration of the same person."""
    own = [row.slots[key] for row in rows if key in row.slots]
    if current is None or any(slot.state == WriteState.AMBIGUOUS for slot in own):
        return own[0] if own else None
    people = ((key.instance_key, row.job.attendee.email_key or "") for row in rows)
    alike = [slot for person in people for slot in batch.sibling_members.get(person, ())]
    return next((slot for slot in own + alike if was_last_set_by_us(current, slot)), own[0] if own else None)


def is_usable(link: Link, found: LookupResult) -> bool:
    """Whether the campaign is there for us and still has every status that was chosen."""
    available = found.statuses.get(link.campaign_id, {})
    has_all = all(label in available for label in link.labels.values())
    return not link.is_broken and bool(available) and has_all


def _current_member(
    group: tuple[str, str], rows: Sequence[WorkItem], found: LookupResult
) -> MemberRow | None:
    """The person's member, or one under another Lead or Contact of the same e-mail."""
    own = found.members.get(group)
    others = (found.members_by_email.get((group[0], row.job.attendee.email_key or "")) for row in rows)
    return own or next((other for other in others if other), None)


def _is_settled(rows: Sequence[WorkItem], ours: WrittenSlot, current: MemberRow | None, clock: Clock) -> bool:
    """A lost create needs no quiet time, since a member is unique; a lost update is read again after it."""
    if ours.action == WriteAction.CREATE or clock.is_settled(ours) or current is None:
        return True
    for row in rows:
        row.wait_until(clock.next_look(ours))
    return False


def _facts_of_person(campaign_id: str, rows: Sequence[WorkItem], batch: Batch) -> Iterable[RegistrationFacts]:
    for row in rows:
        yield row.job.facts
        yield from batch.siblings.get((campaign_id, row.job.attendee.email_key or ""), ())


def _strongest_reason(rows: Sequence[WorkItem]) -> str:
    reasons = {row.job.reason for row in rows}
    return next(
        (reason for reason in (JobReason.RETRY, JobReason.REAPPLY) if reason in reasons), JobReason.LIVE
    )


def _change(
    decision: Decision,
    key: SlotKey,
    rows: Sequence[WorkItem],
    current: MemberRow | None,
    *,
    ours: WrittenSlot | None,
    found: LookupResult,
) -> MemberChange:
    if isinstance(decision, NoMember):
        return MemberChange(None)
    if isinstance(decision, CreateMember):
        return created_member(decision, key, rows, found)
    assert current is not None
    return changed_member(decision, key, rows, current, ours=ours, found=found)


def _existed_before(current: MemberRow | None, ours: WrittenSlot | None) -> bool:
    return bool(ours.details.get("was_member_before")) if ours else current is not None


def _member_operations(
    decision: Decision, key: SlotKey, rows: Sequence[WorkItem], *, change: MemberChange, was_before: bool
) -> list[WriteOperation]:
    if isinstance(decision, NoMember):
        _forget_uncertain(rows, key)
        return []
    if change.record is None:
        if isinstance(decision, KeepMember):
            _keep_member(decision, key, change, was_before=was_before)
        return []
    if not change.rows:
        return []
    manual = {"is_manual": True} if isinstance(decision, KeepMember) and decision.is_manual else {}
    return [
        WriteOperation(
            key=key,
            rows=change.rows,
            record=change.record,
            carrier=change.rows[0].job.registration_id,
            meaning=decision.meaning,
            label=decision.label,
            details={"was_member_before": was_before, **manual},
            words=change.words,
            headers=change.headers,
            mapped=change.mapped,
            describe=change.describe,
            tried=rejection_hints(*(row.slots.get(key) for row in rows)),
        )
    ]


def _keep_member(decision: KeepMember, key: SlotKey, change: MemberChange, *, was_before: bool) -> None:
    for row in change.rows:
        before = row.slots.get(key)
        kept = without_hints(before.details if before else {"was_member_before": was_before})
        details = {**kept, **change.words[row.job.registration_id]}
        details.pop("is_manual", None)
        row.slots[key] = WrittenSlot(
            state=WriteState.WRITTEN,
            action=WriteAction.CREATE,
            sobject="CampaignMember",
            sf_id=decision.id,
            meaning=decision.meaning,
            label=decision.label,
            details=details | ({"is_manual": True} if decision.is_manual else {}),
        )


def _forget_uncertain(rows: Sequence[WorkItem], key: SlotKey) -> None:
    for row in rows:
        slot = row.slots.get(key)
        if slot is not None and slot.state == WriteState.AMBIGUOUS:
            row.slots.pop(key)
