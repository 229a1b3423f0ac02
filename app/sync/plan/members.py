"""The campaign members that are missing or differ, planned: one per person. Pure but for the rows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.salesforce.composite import Record
from app.salesforce.describe import SObjectDescribe
from app.sync.asserted import asserted_in, asserting
from app.sync.batch import MEMBER, Batch, Facts, Job, Link, SlotKey, Written
from app.sync.clock import Clock
from app.sync.look import Findings
from app.sync.plan.drafts import CannotBeDrafted, Org, cannot_draft, dropped_in, mapped_fields, tried_in
from app.sync.plan.drafts import draft as drafted
from app.sync.rows import Operation, Row
from app.sync.rules.members import (
    CreateMember,
    Decision,
    KeepMember,
    MemberRow,
    NoMember,
    UpdateMember,
    decide,
    highest,
    is_our_word,
)
from app.sync.rules.people import CONTACT
from app.sync.rules.values import Filled, fill
from app.sync.wanted import MEMBER as MEMBER_OBJECT


def plan_member(
    group: tuple[str, str], rows: Sequence[Row], found: Findings, *, batch: Batch, clock: Clock
) -> list[Operation]:
    campaign_id, _ = group
    link = rows[0].job.link
    assert link is not None
    if not is_usable(link, found):
        for row in rows:
            row.is_held = True
        return []
    key = SlotKey(MEMBER, campaign_id)
    current = _current_member(group, rows, found)
    ours = _our_member(key, rows, current, batch)
    if ours is not None and ours.state == "ambiguous" and not _is_certain(rows, ours, current, clock):
        return []
    wanted = highest(_facts_of_person(campaign_id, rows, batch))
    decision = decide(wanted, current, ours=ours, labels=link.labels, why=_strongest_reason(rows))
    try:
        change = _change(decision, rows, current, ours, found)
    except CannotBeDrafted as reason:
        cannot_draft(rows, reason, Org(found.describes), kind=_kind(decision))
        return []
    return _member_operations(decision, key, rows, change=change, was_before=_was_before(current, ours))


def _our_member(key: SlotKey, rows: Sequence[Row], current: MemberRow | None, batch: Batch) -> Written | None:
    """What we wrote last of this member, be it for another registration of the same person."""
    own = [row.slots[key] for row in rows if key in row.slots]
    if current is None or any(slot.state == "ambiguous" for slot in own):
        return own[0] if own else None
    people = ((key.discriminator, row.job.attendee.email_key or "") for row in rows)
    alike = [slot for person in people for slot in batch.sibling_members.get(person, ())]
    return next((slot for slot in own + alike if is_our_word(current, slot)), own[0] if own else None)


def is_usable(link: Link, found: Findings) -> bool:
    """Whether the campaign is there for us and still has every status that was chosen."""
    available = found.statuses.get(link.campaign_id, {})
    has_all = all(label in available for label in link.labels.values())
    return not link.is_broken and bool(available) and has_all


def _current_member(group: tuple[str, str], rows: Sequence[Row], found: Findings) -> MemberRow | None:
    """The person's member, or one under another Lead or Contact of the same e-mail."""
    own = found.members.get(group)
    others = (found.members_by_email.get((group[0], row.job.attendee.email_key or "")) for row in rows)
    return own or next((other for other in others if other), None)


def _is_certain(rows: Sequence[Row], ours: Written, current: MemberRow | None, clock: Clock) -> bool:
    """A lost create needs no quiet time, since a member is unique; a lost update is read again after it."""
    if ours.action == "create" or clock.is_settled(ours) or current is None:
        return True
    for row in rows:
        row.wait_until(clock.next_look(ours))
    return False


def _facts_of_person(campaign_id: str, rows: Sequence[Row], batch: Batch) -> Iterable[Facts]:
    for row in rows:
        yield row.job.facts
        yield from batch.siblings.get((campaign_id, row.job.attendee.email_key or ""), ())


def _strongest_reason(rows: Sequence[Row]) -> str:
    reasons = {row.job.why for row in rows}
    return next((reason for reason in ("retry", "reapply") if reason in reasons), "live")


@dataclass(frozen=True)
class Change:
    """What is sent of a member beside ids, and what is kept with its slot."""

    record: Record | None
    details: Mapping[str, Any] = field(default_factory=dict)
    mapped: frozenset[str] = frozenset()
    headers: tuple[tuple[str, str], ...] = ()
    describe: SObjectDescribe | None = None


def _change(
    decision: Decision, rows: Sequence[Row], current: MemberRow | None, ours: Written | None, found: Findings
) -> Change:
    """Raises `CannotBeDrafted`."""
    job = max(rows, key=lambda row: (row.job.facts.registered_at, row.job.registration_id)).job
    if isinstance(decision, NoMember):
        return Change(None)
    if isinstance(decision, CreateMember):
        own = _own_fields(decision, rows[0])
        draft = drafted(MEMBER_OBJECT, job, Org(found.describes), own=own, without=dropped_in(ours))
        details = asserting({}, draft.asserted)
        return Change(draft.record, details, draft.mapped, draft.headers, draft.describe)
    filled = _changed_fields(job, rows, current, ours, found)
    status = {"Status": decision.label} if isinstance(decision, UpdateMember) else {}
    fields = {**status, **filled.fields}
    return Change(
        Record(MEMBER_OBJECT, fields, decision.id) if fields else None,
        asserting(asserted_in(ours), filled.asserted),
        mapped_fields(MEMBER_OBJECT, job.rules, found.describes.get(MEMBER_OBJECT)),
        describe=found.describes.get(MEMBER_OBJECT),
    )


def _changed_fields(
    job: Job, rows: Sequence[Row], current: MemberRow | None, ours: Written | None, found: Findings
) -> Filled:
    describe = found.describes.get(MEMBER_OBJECT)
    if describe is None or current is None:
        return Filled()
    filled = fill(
        MEMBER_OBJECT,
        job.rules,
        job,
        describe=describe,
        standing=current.standing,
        asserted=asserted_in(ours),
        without=dropped_in(ours),
    )
    if filled.misfit is not None:
        raise CannotBeDrafted(filled.misfit, filled.notices)
    for row in rows:
        row.notices += filled.notices
    return filled


def _own_fields(decision: CreateMember, row: Row) -> dict[str, Any]:
    assert row.person is not None
    assert row.job.link is not None
    whose = "ContactId" if row.person.sobject == CONTACT else "LeadId"
    return {"CampaignId": row.job.link.campaign_id, whose: row.person.id, "Status": decision.label}


def _was_before(current: MemberRow | None, ours: Written | None) -> bool:
    return bool(ours.details.get("was_member_before")) if ours else current is not None


def _kind(decision: Decision) -> str:
    is_attended = not isinstance(decision, NoMember) and decision.meaning == "attended"
    return "checked_in" if is_attended else "registered"


def _member_operations(
    decision: Decision, key: SlotKey, rows: Sequence[Row], *, change: Change, was_before: bool
) -> list[Operation]:
    if isinstance(decision, NoMember):
        _forget_uncertain(rows, key)
        return []
    if change.record is None and isinstance(decision, KeepMember):
        _keep_member(decision, key, rows, was_before=was_before, more=change.details)
        return []
    assert change.record is not None
    by_hand = {"is_by_hand": True} if isinstance(decision, KeepMember) and decision.is_by_hand else {}
    return [
        Operation(
            key=key,
            rows=tuple(rows),
            record=change.record,
            carrier=rows[0].job.registration_id,
            meaning=decision.meaning,
            label=decision.label,
            details={"was_member_before": was_before, **by_hand, **change.details},
            headers=change.headers,
            mapped=change.mapped,
            describe=change.describe,
            tried=tried_in(rows[0].slots.get(key)),
        )
    ]


def _keep_member(
    decision: KeepMember, key: SlotKey, rows: Sequence[Row], *, was_before: bool, more: Mapping[str, Any]
) -> None:
    for row in rows:
        before = row.slots.get(key)
        details = {**(before.details if before else {"was_member_before": was_before}), **more}
        details.pop("is_by_hand", None)
        row.slots[key] = Written(
            state="written",
            action="create",
            sobject="CampaignMember",
            sf_id=decision.id,
            meaning=decision.meaning,
            label=decision.label,
            details=details | ({"is_by_hand": True} if decision.is_by_hand else {}),
        )


def _forget_uncertain(rows: Sequence[Row], key: SlotKey) -> None:
    for row in rows:
        slot = row.slots.get(key)
        if slot is not None and slot.state == "ambiguous":
            row.slots.pop(key)
