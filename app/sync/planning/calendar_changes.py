"""What changes of a calendar Event that stands: what it does not show yet, but for what people changed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from app.salesforce.composite import Record
from app.states import WriteState
from app.sync.field_values.builder import FieldValues, build_field_values, digest
from app.sync.lookup.lookup import LookupResult
from app.sync.model.batch import CALENDAR_EVENT, WrittenSlot
from app.sync.model.decisions import ItemDecision, Plan
from app.sync.model.item_errors import CHANGED_THERE, DELETED_THERE, ItemWarning
from app.sync.model.records import EVENT
from app.sync.model.retry_policy import Clock
from app.sync.model.slot_details import NO_DETAILS, SlotDetails
from app.sync.model.work_item import WriteOperation
from app.sync.planning.calendar_fields import PlannedEvent, title_of
from app.sync.planning.calendar_times import TIMES
from app.sync.planning.record_builder import (
    OrgContext,
    RecordBuildError,
    build_failure,
    mapped_fields,
    rejection_hints,
)
from app.user_messages.phrases import Phrase

KEPT: Final = ("Subject", "ShowAs")
"""What stays as a person changed it, of what we change ourselves."""

DELETED: Final = ItemWarning(
    DELETED_THERE,
    EVENT,
    None,
    Phrase("note.event_deleted_there"),
)


@dataclass(frozen=True)
class LastWritten:
    """What we wrote last, by digests, and the record as it is now; None where it was not read."""

    before: Mapping[str, str]
    on_its_way: Mapping[str, str]
    current: Mapping[str, Any] | None

    @classmethod
    def of(cls, slot: WrittenSlot, current: Mapping[str, Any] | None) -> "LastWritten":
        if slot.state == WriteState.WRITTEN:
            return cls(slot.digests, slot.digests, current)
        return cls(slot.details.written_digests or {}, slot.details.pending_digests or {}, current)

    @property
    def digests(self) -> dict[str, str]:
        return {**self.before, **self.on_its_way}

    def is_read(self, name: str) -> bool:
        return self.current is not None and name in self.current

    def was_changed(self, name: str) -> bool:
        """Whether somebody else changed the field since."""
        if self.current is None or name not in self.current or name not in self.digests:
            return False
        return digest(self.current[name]) not in (self.before.get(name), self.on_its_way.get(name))

    def is_news(self, name: str, value: Any) -> bool:
        """Whether the record does not show this yet; nothing to show replaces only what we wrote."""
        if value is None:
            was_ours = self.digests.get(name, digest(None)) != digest(None)
            return was_ours and (self.current is None or self.current.get(name) is not None)
        if self.current is None or name not in self.current:
            return self.digests.get(name) != digest(value)
        present = self.current[name]
        return _moment(present) != _moment(value) if name in TIMES else present != value


@dataclass(frozen=True)
class Changes:
    """The fields to send, and the fields that stay as a person changed them."""

    fields: dict[str, Any] = field(default_factory=dict)
    kept: tuple[str, ...] = ()


def plan_changes(event: PlannedEvent, lookup: LookupResult, clock: Clock) -> Plan:
    """Bring the calendar Event up to date; one that a person deleted stays as it is."""
    item, before = event.item, event.before
    assert before is not None
    if before.state == WriteState.AMBIGUOUS and not clock.is_settled(before):
        return Plan(decisions=(ItemDecision(item, recheck_at=clock.next_recheck(before)),))
    current = lookup.events.get(before.sf_id or "")
    last = LastWritten.of(before, current)
    if current is None and before.sf_id in lookup.queried_events:
        return Plan(decisions=_settled(event, last, label=before.label, warnings=(DELETED,)))
    changes, (mapped, org) = _changes(event, last), _mapped(event, last, lookup)
    if mapped.error is not None:
        error = RecordBuildError(mapped.error, mapped.warnings)
        return Plan(decisions=build_failure([item], error, org, milestone=CALENDAR_EVENT))
    noted = (
        *(event.times.warnings if event.times else ()),
        *mapped.warnings,
        *(_changed_by_a_person(name) for name in changes.kept),
    )
    fields = {**changes.fields, **mapped.fields}
    if not fields:
        return Plan(decisions=_settled(event, last, label=str(event.shown.status), warnings=noted))
    operation = _update(event, last, {**(event.times.as_fields() if event.times else {}), **fields}, mapped)
    return Plan((operation,), (ItemDecision(item, warnings=noted),) if noted else ())


def _changes(event: PlannedEvent, last: LastWritten) -> Changes:
    assert event.before is not None
    title = (event.before.details.created_as or {}).get("title") or title_of(event.job)
    wanted = event.fields(title, is_new=False)
    news = {name: value for name, value in wanted.items() if last.is_news(name, value)}
    kept: list[str] = [name for name in KEPT if name in news and last.was_changed(name)]
    if last.was_changed("OwnerId"):
        kept.append("OwnerId")
    return Changes({name: value for name, value in news.items() if name not in kept}, tuple(kept))


def _mapped(event: PlannedEvent, last: LastWritten, lookup: LookupResult) -> tuple[FieldValues, OrgContext]:
    """What the host's rules change; nothing where the record was not read."""
    job, describe, org = event.job, event.org.describe, OrgContext(lookup.describes)
    if job.rules.is_default or describe is None or last.current is None:
        return FieldValues(digests=last.digests), org
    filled = build_field_values(
        EVENT,
        job.rules,
        job,
        describe=describe,
        current=last.current,
        digests=last.digests,
        without=event.org.dropped,
    )
    return filled, org


def _update(
    event: PlannedEvent, last: LastWritten, fields: Mapping[str, Any], mapped: FieldValues
) -> WriteOperation:
    item, before = event.item, event.before
    assert before is not None
    written = {name: digest(value) for name, value in fields.items()}
    return WriteOperation(
        key=event.key,
        jobs=(item.job,),
        record=Record(EVENT, fields, before.sf_id),
        primary_registration_id=item.registration_id,
        label=str(event.shown.status),
        reference_tag=before.reference,
        details=SlotDetails(
            subject=fields.get("Subject", before.details.subject),
            created_as=before.details.created_as,
            sent_key=before.details.sent_key,
            written_digests=last.digests,
            pending_digests={**last.digests, **written, **_of_rules(mapped, last)},
        ),
        mapped=mapped_fields(EVENT, event.job.rules, event.org.describe),
        describe=event.org.describe,
        rejection_hints=rejection_hints(before),
    )


def _of_rules(mapped: FieldValues, last: LastWritten) -> dict[str, str]:
    """The digests that the host's rules brought."""
    return {name: each for name, each in mapped.digests.items() if last.digests.get(name) != each}


def _settled(
    event: PlannedEvent, last: LastWritten, *, label: str | None, warnings: tuple[ItemWarning, ...]
) -> tuple[ItemDecision, ...]:
    """Nothing is to be written: what was in doubt is known, and refusals are forgotten."""
    before = event.before
    assert before is not None
    is_known = before.state == WriteState.WRITTEN and rejection_hints(before) == NO_DETAILS
    if is_known and before.label == label:
        return (ItemDecision(event.item, warnings=warnings),) if warnings else ()
    details = before.details.without_hints()._replace(written_digests=last.digests, pending_digests=None)
    slot = before._replace(state=WriteState.WRITTEN, label=label, details=details)
    return (ItemDecision(event.item, slots={event.key: slot}, warnings=warnings),)


def _changed_by_a_person(name: str) -> ItemWarning:
    text = Phrase("note.event_changed_there", field=name)
    return ItemWarning(CHANGED_THERE, EVENT, name, text)


def _moment(value: object) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) else None
