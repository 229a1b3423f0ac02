"""Steps two and three of a batch, planned: what should stand, minus what stands. Pure but for the rows."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from app.salesforce.composite import Record
from app.sync.advice_codes import EMAIL_MALFORMED, RECORD_NOT_VISIBLE
from app.sync.batch import CHECKED_IN, MEMBER, PERSON, REGISTERED, Batch, Facts, Job, Link, SlotKey, Written
from app.sync.clock import Clock
from app.sync.errors import OUTCOME_UNKNOWN, RowError, own_error
from app.sync.handover import holders, plan_former_members
from app.sync.look import Findings
from app.sync.policy import MAX_ROUNDS
from app.sync.references import fence_key, reference_of
from app.sync.rows import Operation, Row, open_rows, set_person
from app.sync.rules.activities import task_fields
from app.sync.rules.fields import is_usable_email, lead_fields
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
from app.sync.rules.people import LEAD, Found, Hidden, NotThere, People, resolve

NOT_VISIBLE = "The connected user can no longer see the {sobject} that we wrote: check its sharing."
MALFORMED = "The e-mail address is not one that Salesforce takes, and an address is never cut."


def plan_people(
    rows: Sequence[Row], people: People, *, batch: Batch, clock: Clock, pepper: bytes
) -> list[Operation]:
    """Give each row its person, or say why not; returns the people to create, one per e-mail."""
    missing: dict[str, list[Row]] = {}
    for row in open_rows(rows):
        row.skipped_because = _skip_reason(row.job, batch)
        if row.skipped_because is None and _needs_creation(row, people, batch=batch, clock=clock):
            missing.setdefault(row.job.attendee.email_key or "", []).append(row)
    return [_create_lead(alike, batch, pepper=pepper) for alike in missing.values()]


def plan_rest(rows: Sequence[Row], found: Findings, *, batch: Batch, clock: Clock) -> list[Operation]:
    """The Tasks and members that are missing or differ, for rows whose person is known."""
    known = [row for row in open_rows(rows) if row.person is not None]
    tasks = [
        operation
        for row in known
        for slot in _wanted_tasks(row.job, batch)
        for operation in _plan_task(row, slot, found, batch=batch, clock=clock)
    ]
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in known:
        if row.job.link and batch.writes.member and row.person:
            groups.setdefault((row.job.link.campaign_id, row.person.id), []).append(row)
    members = [
        operation
        for key, alike in groups.items()
        for operation in _plan_member(key, alike, found, batch=batch, clock=clock)
    ]
    return tasks + members + plan_former_members(rows, found, clock=clock)


def settle_idle(rows: Iterable[Row], found: Findings, *, clock: Clock) -> None:
    """Lost writes that no plan asked for this time: looked at while they may land, then taken as they are.

    A check-in that was undone, a campaign that was unlinked and a kind of write that was switched off leave
    such slots; without this nothing would ever settle them, nor tell when to look again.
    """
    for row in rows:
        for key, slot in list(row.slots.items()):
            if slot.state == "ambiguous" and not clock.is_settled(slot):
                row.wait_until(clock.next_look(slot))
            elif slot.state == "ambiguous" and row.person is not None:
                row.slots[key] = _as_found(slot, found)


def _as_found(slot: Written, found: Findings) -> Written:
    if task_id := found.tasks.get(slot.reference or ""):
        return replace(slot, state="written", sf_id=task_id)
    return replace(slot, state="written" if slot.stands else "failed")


def _skip_reason(job: Job, batch: Batch) -> str | None:
    writes = batch.writes
    stands = any(slot.stands or slot.state == "ambiguous" for slot in job.written.values())
    if job.is_erased:
        return "erased"
    if job.is_excluded:
        return "excluded"
    if not job.facts.is_counted or not (writes.person or writes.task or writes.member):
        return "nothing_wanted"
    if job.facts.is_cancelled and job.facts.checked_in_at is None and not stands:
        return "cancelled"
    if job.attendee.email_key is None and not job.salesforce_id and not stands:
        return "no_email"
    return None


def _needs_creation(row: Row, people: People, *, batch: Batch, clock: Clock) -> bool:
    resolution = resolve(row.job, people)
    if isinstance(resolution, Found):
        _adopt_found(row, resolution)
        return False
    if isinstance(resolution, Hidden):
        row.fail(_not_visible(resolution.sobject))
        return False
    if isinstance(resolution, NotThere):
        row.notices += resolution.notices
    return _may_create(row, batch=batch, clock=clock)


def _not_visible(sobject: str) -> RowError:
    message = NOT_VISIBLE.format(sobject=sobject)
    return own_error("access", RECORD_NOT_VISIBLE, message, kind="registered", sobject=sobject)


def _adopt_found(row: Row, found: Found) -> None:
    before = row.slots.get(SlotKey(PERSON))
    # A lost create that turned up is ours, whatever way it was found now.
    is_ours = before is not None and before.state == "ambiguous" and before.action == "create"
    if is_ours:
        set_person(row, replace(found, found_by="created"), details={"is_created_by_us": True})
    else:
        created = bool(before and before.details.get("is_created_by_us"))
        set_person(row, found, details={"is_created_by_us": created})


def _may_create(row: Row, *, batch: Batch, clock: Clock) -> bool:
    attendee = row.job.attendee
    if attendee.email_key is None:
        row.skipped_because = "no_email"
    elif not is_usable_email(attendee.email or attendee.email_key):
        row.fail(own_error("data", EMAIL_MALFORMED, MALFORMED, kind="registered", sobject=LEAD))
    elif not batch.writes.person:
        row.skipped_because = "no_match"
    else:
        return _is_free(row, SlotKey(PERSON), clock)
    return False


def _is_free(row: Row, key: SlotKey, clock: Clock) -> bool:
    """Whether a slot may be created now: not while a lost create of it may still land."""
    slot = row.slots.get(key)
    if slot is None or slot.state != "ambiguous":
        return True
    if not clock.is_settled(slot):
        row.wait_until(clock.next_look(slot))
        return False
    if slot.rounds + 1 >= MAX_ROUNDS:
        row.slots[key] = replace(slot, state="failed", rounds=0)
        row.fail(OUTCOME_UNKNOWN)
        return False
    return True


def _create_lead(rows: Sequence[Row], batch: Batch, *, pepper: bytes) -> Operation:
    carrier = min(rows, key=lambda row: (row.job.facts.registered_at, row.job.registration_id))
    refused = carrier.slots.get(SlotKey(PERSON))
    dropped = frozenset(refused.details.get("dropped", ())) if refused else frozenset[str]()
    fields, notices = lead_fields(carrier.job.attendee, dropped)
    for row in rows:
        row.notices += notices
    return Operation(
        key=SlotKey(PERSON),
        rows=tuple(rows),
        record=Record(LEAD, fields),
        carrier=carrier.job.registration_id,
        fence=fence_key(pepper, f"{batch.org_id}:person", carrier.job.attendee.email_key or ""),
        details={"found_by": "created", "is_created_by_us": True, "dropped": sorted(dropped)},
    )


def _wanted_tasks(job: Job, batch: Batch) -> list[str]:
    if not batch.writes.task:
        return []
    is_registered = job.facts.confirmed_at is not None
    is_wanted = {REGISTERED: is_registered, CHECKED_IN: job.facts.checked_in_at is not None}
    return [slot for slot, wanted in is_wanted.items() if wanted]


def _plan_task(row: Row, slot: str, found: Findings, *, batch: Batch, clock: Clock) -> list[Operation]:
    assert row.person is not None
    key = SlotKey(slot)
    before = row.slots.get(key)
    if before is not None and before.state == "written":
        return []
    if before is not None and (task_id := found.tasks.get(before.reference or "")):
        row.slots[key] = replace(before, state="written", sf_id=task_id)
        return []
    if not _is_free(row, key, clock):
        return []
    before_us = holders(row.job)
    whose = f"{slot}#{before_us}" if before_us else slot
    reference = reference_of(batch.host_id, batch.org_id, row.job.registration_id, whose)
    fields, notices = task_fields(row.job, slot, who_id=row.person.id, reference=reference)
    row.notices += notices
    return [
        Operation(
            key=key,
            rows=(row,),
            record=Record("Task", fields),
            carrier=row.job.registration_id,
            reference=reference,
            details={"subject": fields["Subject"]},
        )
    ]


def _plan_member(
    group: tuple[str, str], rows: Sequence[Row], found: Findings, *, batch: Batch, clock: Clock
) -> list[Operation]:
    campaign_id, person_id = group
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
    return _member_operations(decision, key, rows, person_id=person_id, current=current, ours=ours)


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


def _member_operations(
    decision: Decision,
    key: SlotKey,
    rows: Sequence[Row],
    *,
    person_id: str,
    current: MemberRow | None,
    ours: Written | None,
) -> list[Operation]:
    if isinstance(decision, NoMember):
        _forget_uncertain(rows, key)
        return []
    if isinstance(decision, KeepMember):
        _keep_member(decision, key, rows, was_before=ours is None)
        return []
    was_before = bool(ours.details.get("was_member_before")) if ours else current is not None
    return [
        Operation(
            key=key,
            rows=tuple(rows),
            record=_member_record(decision, key.discriminator, person_id),
            carrier=rows[0].job.registration_id,
            meaning=decision.meaning,
            label=decision.label,
            details={"was_member_before": was_before},
        )
    ]


def _member_record(decision: CreateMember | UpdateMember, campaign_id: str, person_id: str) -> Record:
    if isinstance(decision, UpdateMember):
        return Record("CampaignMember", {"Status": decision.label}, decision.id)
    whose = "ContactId" if person_id.startswith("003") else "LeadId"
    fields = {"CampaignId": campaign_id, whose: person_id, "Status": decision.label}
    return Record("CampaignMember", fields)


def _keep_member(decision: KeepMember, key: SlotKey, rows: Sequence[Row], *, was_before: bool) -> None:
    for row in rows:
        before = row.slots.get(key)
        details = dict(before.details) if before else {"was_member_before": was_before}
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
