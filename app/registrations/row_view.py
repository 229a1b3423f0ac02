"""One registration as the dashboard shows it, put together from what was stored. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from app.models import CampaignLink, Registration, SyncJob, WrittenRecord
from app.registrations.part_status import is_checked_in, parts_of
from app.registrations.queries import UNGROUPED
from app.registrations.registration_state import DisplayState, Gates, StoredState, can_retry, display_state
from app.registrations.schemas import (
    ActivityLink,
    AttendeeShown,
    MemberLink,
    PersonLink,
    RecordLink,
    Row,
    RowError,
    RowWarning,
)
from app.salesforce.allowed_hosts import record_url
from app.salesforce.errors import MESSAGE_LENGTH
from app.states import PendingReason, SyncState
from app.sync.errors.item_error import VALUE_LENGTH
from app.sync.model.batch import MEMBER, PERSON, WriteToggles, WrittenSlot
from app.sync.model.cases import CASE_KEY
from app.sync.model.record_kinds import kind_of_slot
from app.sync.model.slot_details import SlotDetails
from app.user_messages.catalog import ADVICE, advise, say
from app.user_messages.phrases import kept_text, worded
from app.user_messages.rows import Advice

AnyRecord = WrittenRecord | WrittenSlot
EMPTY_ATTENDEE: Final = AttendeeShown(name=None, email=None, company=None)


@dataclass(frozen=True)
class ViewContext:
    """What all rows of an event share, as of `now`."""

    gates: Gates
    link: CampaignLink | None
    instance_url: str | None
    now: datetime
    writes: WriteToggles


def stored_state(registration: Registration, job: SyncJob | None, view: ViewContext) -> StoredState:
    """What decides about a row."""
    is_erased = registration.erased_at is not None
    if job is None:
        return StoredState(None, is_erased=is_erased, can_be_enqueued=view.instance_url is not None)
    return StoredState(
        job.state,
        job.waiting_for,
        job.due_at <= view.now,
        job.skipped_because,
        is_erased,
        settled_state=job.settled_state,
        has_failed_parts=bool(job.failed_parts),
    )


def assemble_row(
    registration: Registration, job: SyncJob | None, records: Sequence[WrittenRecord], view: ViewContext
) -> Row:
    """The row, from the job for the connected org and the records written to it.

    Of an erased registration only ids, state and times remain.
    """
    stored = stored_state(registration, job, view)
    display = display_state(stored, view.gates)
    slots = current_slots(records, view.link)
    has_checked_in = is_checked_in(registration)
    return Row(
        registration_id=registration.registration_id,
        attendee=EMPTY_ATTENDEE if stored.is_erased else attendee_shown(registration.attendee),
        registration_status=registration.status,
        is_checked_in=has_checked_in,
        registered_at=registration.registered_at,
        checked_in_at=registration.checked_in_at if has_checked_in else None,
        state=display.state,
        is_attended=has_checked_in and job is not None and job.is_attended,
        waiting_for=display.waiting_for,
        skipped_because=display.skipped_because,
        person=person_link(slots.get(PERSON), view.instance_url),
        activities=activity_links(records, view.instance_url),
        member=member_link(slots.get(MEMBER), view.instance_url),
        case=link_to(slots.get(CASE_KEY.slot), view.instance_url),
        parts=parts_of(registration, job, slots=slots, link=view.link, writes=view.writes, records=records),
        error=None if stored.is_erased else _current_error(job, display, view.instance_url),
        warnings=[] if stored.is_erased or job is None else _warnings(job),
        can_retry=can_retry(stored),
        is_excluded=registration.excluded_at is not None,
        is_erased=stored.is_erased,
        updated_at=max(registration.updated_at, job.updated_at) if job else registration.updated_at,
        version=max(registration.change_no, job.change_no) if job else registration.change_no,
    )


def attendee_shown(attendee: dict[str, Any]) -> AttendeeShown:
    """First and last name as given, else the full name."""
    parts = [str(attendee.get(key) or "").strip() for key in ("first_name", "last_name")]
    full = " ".join(part for part in parts if part) or str(attendee.get("name") or "").strip()
    return AttendeeShown(
        name=full or None, email=attendee.get("email") or None, company=attendee.get("company") or None
    )


def current_slots(records: Sequence[WrittenRecord], link: CampaignLink | None) -> dict[str, WrittenRecord]:
    """Records by slot; of several that of the linked campaign, else the one written last."""
    others = [each for each in records if link is None or not _is_of_other_campaign(each, link)]
    written = sorted(others, key=lambda each: (each.written_at is not None, each.written_at))
    return {each.slot: each for each in written}


def _is_of_other_campaign(record: WrittenRecord, link: CampaignLink) -> bool:
    kind = kind_of_slot(record.slot)
    return kind is not None and kind.is_per_campaign and record.instance_key != link.campaign_id


def record_link(sobject: str, record_id: str, instance_url: str | None) -> RecordLink:
    """A record of the org at `instance_url`; without an org it has no address."""
    url = record_url(instance_url, sobject, record_id) if instance_url else None
    return RecordLink(object=sobject, id=record_id, url=url)


def link_to(record: AnyRecord | None, instance_url: str | None) -> RecordLink | None:
    """Return the link to the written record; None without one."""
    return record_link(record.sobject, record.sf_id, instance_url) if record and record.sf_id else None


def _details(record: AnyRecord) -> SlotDetails:
    return record.details if isinstance(record, WrittenSlot) else SlotDetails.parse(record.details)


def person_link(record: AnyRecord | None, instance_url: str | None) -> PersonLink | None:
    link = link_to(record, instance_url)
    if link is None or record is None:
        return None
    details = _details(record)
    return PersonLink(
        **vars(link),
        found_by=details.found_by,
        is_created_by_us=bool(details.is_created_by_us),
    )


def member_link(record: AnyRecord | None, instance_url: str | None) -> MemberLink | None:
    link = link_to(record, instance_url)
    if link is None or record is None:
        return None
    was_before = bool(_details(record).was_member_before)
    return MemberLink(**vars(link), status=record.label, was_member_before=was_before)


def activity_links(records: Sequence[WrittenRecord], instance_url: str | None) -> list[ActivityLink]:
    """The activities in the order in which they were written."""
    found = [
        ActivityLink(
            **vars(link),
            kind=kind.milestone,
            subject=_details(record).subject,
            status=record.label,
            written_at=record.written_at,
        )
        for record in records
        if (kind := kind_of_slot(record.slot)) is not None
        and kind.is_activity
        and (link := link_to(record, instance_url)) is not None
    ]
    return sorted(found, key=lambda each: (each.written_at is None, each.written_at, each.kind))


def _current_error(job: SyncJob | None, display: DisplayState, instance_url: str | None) -> RowError | None:
    """The last error while it is not overcome: of failed rows, and of pending ones that are tried again."""
    if job is None or not job.error or display.state not in (SyncState.FAILED, SyncState.PENDING):
        return None
    return error_view(
        {**job.error, "class": job.error_class, "error_code": job.error_code, "group_id": job.group_id},
        instance_url=instance_url,
        attempts=job.attempts,
        first_at=job.first_error_at,
        last_at=job.last_error_at,
        next_attempt_at=job.due_at if display.because == PendingReason.RETRY_LATER else None,
    )


def error_view(
    error: Mapping[str, Any],
    *,
    first_at: datetime | None,
    last_at: datetime | None,
    attempts: int = 1,
    next_attempt_at: datetime | None = None,
    instance_url: str | None = None,
) -> RowError:
    """A stored error: the row's own, or the one that a single run saw."""
    return RowError(
        group_id=error.get("group_id") or UNGROUPED,
        error_class=error.get("class") or "other",
        kind=error.get("kind"),
        object=error.get("object"),
        error_code=error.get("error_code") or "OTHER",
        message=worded(kept_text(error, "message"))[:MESSAGE_LENGTH],
        fields=list(error.get("fields") or ()),
        field_label=error.get("field_label"),
        value=str(error["value"])[:VALUE_LENGTH] if error.get("value") is not None else None,
        matches=[
            record_link(each["object"], each["id"], instance_url) for each in error.get("matches") or ()
        ],
        advice=advice_of(error),
        attempts=attempts,
        first_at=first_at,
        last_at=last_at,
        next_attempt_at=next_attempt_at,
    )


def advice_of(error: Mapping[str, Any]) -> Advice:
    """The advice of a stored error; a code that has lost its row gets the general one."""
    code = error.get("advice_code")
    field = error.get("field_label") or ", ".join(error.get("fields") or ())
    return advise(
        code if code in ADVICE else "unknown_error",
        object=error.get("object") or say("word.record"),
        field=field or say("word.a_field"),
    )


def _warnings(job: SyncJob) -> list[RowWarning]:
    """What was left out or changed, and what failed without changing the row's state."""
    return [*map(warning_shown, job.warnings), *map(failed_part_shown, job.failed_parts)]


def failed_part_shown(error: Mapping[str, Any]) -> RowWarning:
    """A part that the row's state does not depend on; its group is among those of the event."""
    text = say("note.email_missing", title=advice_of(error).title)
    return RowWarning(code="email_not_written", object=error.get("object"), field=None, text=text)


def warning_shown(warning: dict[str, Any]) -> RowWarning:
    return RowWarning(
        code=str(warning.get("code") or "other"),
        object=warning.get("object"),
        field=warning.get("field"),
        text=worded(kept_text(warning, "text")),
    )
