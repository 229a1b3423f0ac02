"""Whom a mapping that is not saved changes: counted over stored registrations, within bounds."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from app.salesforce.describe import SObjectDescribe
from app.salesforce.ids import is_id
from app.sync.field_values.rule_evaluation import RuleTarget, evaluate_rule
from app.sync.field_values.sources import zone_of
from app.sync.model.batch import Job
from app.sync.model.cooperative import yielding
from app.sync.model.mapping_rules import FieldRule, MappingRules
from app.sync_preview.example_schemas import EventReach

LOOKED_AT_MAX: Final = 2000
EVALUATIONS_MAX: Final = 40_000
EVENTS_MAX: Final = 5

RulesOf = Callable[[Job], MappingRules]


@dataclass(frozen=True)
class Difference:
    """What two mappings have apart: something that concerns everybody, or the rules of single fields."""

    is_for_all: bool
    fields: Sequence[tuple[FieldRule | None, FieldRule | None]]

    @classmethod
    def between(cls, before: MappingRules, after: MappingRules) -> "Difference":
        """The rules of a field beside each other where they differ."""
        old = {(rule.sobject, rule.field): rule for rule in before.fields}
        new = {(rule.sobject, rule.field): rule for rule in after.fields}
        keys = [key for key in dict.fromkeys((*old, *new)) if old.get(key) != new.get(key)]
        is_for_all = replace(before, fields=()) != replace(after, fields=())
        return cls(is_for_all, [(old.get(key), new.get(key)) for key in keys])


@dataclass(frozen=True)
class Changed:
    """The registrations that are written otherwise, of the first `looked_at`."""

    jobs: Sequence[Job]
    looked_at: int


async def changed_jobs(
    jobs: Iterable[Job], rules_of: RulesOf, describes: Mapping[str, SObjectDescribe]
) -> Changed:
    """Those of these registrations for which their own rules and those of `rules_of` say different things.

    Many rules that differ make each registration dearer, so fewer are looked at.
    """
    known: dict[tuple[str, bool], Difference] = {}
    found, looked_at, evaluations = [], 0, 0
    async for job in yielding(jobs):
        if evaluations > EVALUATIONS_MAX:
            break
        key = (job.event.event_id, is_id(job.salesforce_id))
        if key not in known:
            known[key] = Difference.between(job.rules, rules_of(job))
        difference = known[key]
        looked_at += 1
        evaluations += 0 if difference.is_for_all else 2 * len(difference.fields)
        if _is_changed(job, difference, describes):
            found.append(job)
    return Changed(found, looked_at)


def reach_by_event(jobs: Iterable[Job]) -> tuple[list[EventReach], int]:
    """The events with most of these registrations, and how many events there are."""
    counts = Counter(job.event.event_id for job in jobs)
    titles = {job.event.event_id: job.event.title for job in jobs}
    shown = [
        EventReach(event_id=event_id, title=titles[event_id], registrations=count)
        for event_id, count in counts.most_common(EVENTS_MAX)
    ]
    return shown, len(counts)


def _is_changed(job: Job, difference: Difference, describes: Mapping[str, SObjectDescribe]) -> bool:
    if difference.is_for_all:
        return True
    return any(_value(old, job, describes) != _value(new, job, describes) for old, new in difference.fields)


def _value(rule: FieldRule | None, job: Job, describes: Mapping[str, SObjectDescribe]) -> Any:
    """What a rule writes, and when; None where it writes nothing."""
    if rule is None:
        return None
    target = RuleTarget(rule.sobject, job, zone_of(job), describes.get(rule.sobject), is_new=True)
    result = evaluate_rule(rule, target)
    if result.error is not None:
        return (result.error.code,)
    return None if result.converted is None else (rule.mode, result.converted.value)
