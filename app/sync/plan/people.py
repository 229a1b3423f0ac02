"""Step two of a batch, planned: whom to create, one record per e-mail. Pure but for the rows."""

from collections.abc import Sequence
from dataclasses import replace

from app.salesforce.composite import Record
from app.sync.advice_codes import EMAIL_MALFORMED, RECORD_NOT_VISIBLE
from app.sync.batch import PERSON, Batch, Job, SlotKey
from app.sync.clock import Clock
from app.sync.errors import RowError, own_error
from app.sync.plan.free import is_free
from app.sync.references import fence_key
from app.sync.rows import Operation, Row, open_rows, set_person
from app.sync.rules.fields import is_usable_email, lead_fields
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
        return is_free(row, SlotKey(PERSON), clock)
    return False


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
