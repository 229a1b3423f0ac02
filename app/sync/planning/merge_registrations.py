"""Merge the field updates of one person's registrations into one record update."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.salesforce.value_class import value_class
from app.states import Milestone
from app.sync.field_values.builder import build_field_values
from app.sync.field_values.system_fields import field_name, object_of
from app.sync.model.decisions import ItemDecision
from app.sync.model.slot_details import SlotDetails, pending_digests
from app.sync.model.work_item import WorkItem
from app.sync.planning.record_builder import OrgContext, RecordBuildError, build_failure


@dataclass(frozen=True)
class Contribution:
    """What one registration changes of the record; `digests` are of the values that it has written by then,
    `previous` of those before.
    """

    item: WorkItem
    fields: Mapping[str, Any]
    previous: Mapping[str, str]
    digests: Mapping[str, str]


@value_class(frozen=True)
class MergedUpdate:
    """What changes of the record; `digests` are of what each registration has written with that, `details`
    what is stored of them.

    `items` are those whose rules fit the org, `contributors` those of them that a change comes from.
    """

    fields: Mapping[str, Any] = field(default_factory=dict)
    digests: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    details: Mapping[str, SlotDetails] = field(default_factory=dict)
    items: tuple[WorkItem, ...] = ()
    contributors: tuple[WorkItem, ...] = ()
    decisions: tuple[ItemDecision, ...] = ()


def by_registration_time(items: Sequence[WorkItem]) -> Sequence[WorkItem]:
    """The oldest registration first."""
    return sorted(items, key=_registration_order) if len(items) > 1 else items


def primary_item(items: Sequence[WorkItem]) -> WorkItem:
    """The oldest registration: a person of several tickets is created from it."""
    return min(items, key=_registration_order) if len(items) > 1 else items[0]


def _registration_order(item: WorkItem) -> tuple[datetime, str]:
    return item.job.facts.registered_at, item.registration_id


def merge_updates(
    sobject: str,
    items: Sequence[WorkItem],
    org: OrgContext,
    *,
    current: Mapping[str, Any],
    previous_digests: Callable[[WorkItem], Mapping[str, str]],
    without: frozenset[str],
    milestone: str = Milestone.REGISTERED,
) -> MergedUpdate:
    """Update the record as if each registration had come by itself; one whose rules do not fit fails alone.

    `sobject` may be `PersonAccount`; `previous_digests` are of what a registration has written before,
    `without` and `current` those of `build_field_values`.
    """
    contributions: list[Contribution] = []
    decisions: list[ItemDecision] = []
    email_field = field_name(sobject, "Email", org.describes.get(object_of(sobject)))
    values = current
    for item in by_registration_time(items):
        try:
            contribution, warned = _evaluate(
                sobject, item, org, values=values, previous=previous_digests(item), without=without
            )
        except RecordBuildError as error:
            decisions += build_failure([item], error, org, milestone=milestone)
            continue
        contributions.append(contribution)
        decisions += warned
        values = values_for_next(values, contribution.fields, email_field)
    return _fold(contributions, current, tuple(decisions))


def values_for_next(
    values: Mapping[str, Any], changed: Mapping[str, Any], email_field: str
) -> Mapping[str, Any]:
    """The record's values as the next registration is held against them: as changed, but for the e-mail.

    The address in Salesforce shows whose record it is; an address that another ticket brings does not.
    """
    return {**values, **{name: value for name, value in changed.items() if name != email_field}}


def _evaluate(
    sobject: str,
    item: WorkItem,
    org: OrgContext,
    *,
    values: Mapping[str, Any],
    previous: Mapping[str, str],
    without: frozenset[str],
) -> tuple[Contribution, tuple[ItemDecision, ...]]:
    """What one registration changes of these values, with its warnings. Raises `RecordBuildError`."""
    job, describe = item.job, org.describes.get(object_of(sobject))
    if describe is None:
        return Contribution(item, {}, previous, previous), ()
    filled = build_field_values(
        sobject, job.rules, job, describe=describe, current=values, digests=previous, without=without
    )
    if filled.error is not None:
        raise RecordBuildError(filled.error, filled.warnings)
    warned = (ItemDecision(item, warnings=filled.warnings),) if filled.warnings else ()
    return Contribution(item, filled.fields, previous, filled.digests), warned


def _fold(
    contributions: Sequence[Contribution], current: Mapping[str, Any], decisions: tuple[ItemDecision, ...]
) -> MergedUpdate:
    """The last value of each field counts; what ends as it is now is not sent."""
    fields: dict[str, Any] = {}
    contributors: list[WorkItem] = []
    for each in contributions:
        if each.fields or _agrees(each, fields):
            contributors.append(each.item)
        fields |= each.fields
    return MergedUpdate(
        fields={name: value for name, value in fields.items() if value != current.get(name)},
        digests={each.item.registration_id: each.digests for each in contributions},
        details={
            each.item.registration_id: pending_digests(each.previous, each.digests) for each in contributions
        },
        items=tuple(each.item for each in contributions),
        contributors=tuple(contributors),
        decisions=decisions,
    )


def _agrees(contribution: Contribution, changed: Iterable[str]) -> bool:
    """Whether its new value is one that an earlier registration changes: it is written by that, or not."""
    now, before = contribution.digests, contribution.previous
    return any(now.get(name) != before.get(name) for name in changed)
