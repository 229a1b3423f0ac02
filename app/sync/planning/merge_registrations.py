"""What several registrations of one person say of one record, one after another. Pure but for the rows."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.states import Milestone
from app.sync.field_values.builder import build_field_values
from app.sync.field_values.system_fields import field_name, object_of
from app.sync.model.work_item import WorkItem
from app.sync.planning.record_builder import OrgContext, RecordBuildError, fail_build


@dataclass
class MergedUpdate:
    """What changes of the record, and what each registration has said of it with that: digests by field.

    `rows` are those whose rules fit the org, `speakers` those of them whose word a change is.
    """

    fields: dict[str, Any] = field(default_factory=dict)
    said: dict[str, Mapping[str, str]] = field(default_factory=dict)
    rows: list[WorkItem] = field(default_factory=list)
    speakers: list[WorkItem] = field(default_factory=list)


def by_registration_time(rows: Iterable[WorkItem]) -> list[WorkItem]:
    """The oldest registration first."""
    return sorted(rows, key=_turn)


def primary_item(rows: Iterable[WorkItem]) -> WorkItem:
    """Who was first: a person of several tickets is created as that one says."""
    return min(rows, key=_turn)


def _turn(row: WorkItem) -> tuple[datetime, str]:
    return row.job.facts.registered_at, row.job.registration_id


def merge_updates(
    sobject: str,
    rows: Sequence[WorkItem],
    org: OrgContext,
    *,
    standing: Mapping[str, Any],
    said: Callable[[WorkItem], Mapping[str, str]],
    without: frozenset[str],
    kind: str = Milestone.REGISTERED,
) -> MergedUpdate:
    """The record ends as if each registration had come by itself; who does not fit the org fails alone.

    `sobject` may be `PersonAccount`; `said` is what a registration has said before, `without` and `standing`
    are those of `fill`.
    """
    describe = org.describes.get(object_of(sobject))
    told, shown = MergedUpdate(), dict(standing)
    email = field_name(sobject, "Email", describe)
    for row in by_registration_time(rows):
        before = said(row)
        if describe is None:
            _add(told, row, {}, before=before, now=before)
            continue
        job = row.job
        filled = build_field_values(
            sobject, job.rules, job, describe=describe, standing=shown, digests=before, without=without
        )
        if filled.misfit is not None:
            fail_build([row], RecordBuildError(filled.misfit, filled.notices), org, kind=kind)
            continue
        row.notices += filled.notices
        _add(told, row, filled.fields, before=before, now=filled.digests)
        # Whose record it is shows by the address that stands, not by one that another ticket brings.
        shown |= {name: value for name, value in filled.fields.items() if name != email}
    told.fields = {name: value for name, value in told.fields.items() if value != standing.get(name)}
    return told


def _add(
    told: MergedUpdate,
    row: WorkItem,
    fields: Mapping[str, Any],
    *,
    before: Mapping[str, str],
    now: Mapping[str, str],
) -> None:
    """Who newly says what another changes already has it written by that, or not, as well."""
    is_agreeing = any(now.get(name) != before.get(name) for name in told.fields)
    told.rows.append(row)
    told.said[row.job.registration_id] = now
    told.fields |= fields
    if fields or is_agreeing:
        told.speakers.append(row)
