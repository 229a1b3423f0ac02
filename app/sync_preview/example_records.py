"""The records that two mappings make of one registration, field beside field. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

from app.salesforce.describe import SObjectDescribe
from app.states import StatusMeaning
from app.sync.field_values.builder import build_field_values
from app.sync.field_values.required_fields import has_placeholder, missing_required
from app.sync.field_values.rule_evaluation import OWNER, RuleResult, RuleTarget, evaluate_rule
from app.sync.field_values.sources import zone_of
from app.sync.field_values.system_fields import MODE_ENGINE, create_rules, custom_rules, object_of
from app.sync.model.batch import REGISTERED, Job
from app.sync.model.mapping_rules import FIXED, ORGANIZER, FieldMode, FieldRule, MappingRules
from app.sync.model.record_kinds import created_for
from app.sync.model.records import (
    ACCOUNT,
    CAMPAIGN_MEMBER,
    CASE,
    EMAIL_MESSAGE,
    EVENT,
    PERSON_ACCOUNT,
    PERSON_OBJECTS,
    TASK,
)
from app.sync.planning.tasks import task_fields, task_subject
from app.sync_preview.example_schemas import (
    Change,
    FieldExample,
    FieldTrouble,
    RecordExample,
    Severity,
    Written,
)
from app.sync_preview.preview_fields import LEFT_OUT, OWN_SOURCES
from app.user_messages.catalog import say
from app.user_messages.phrases import worded

Describes = Mapping[str, SObjectDescribe]

SWITCHED: Final = {
    EVENT: ("calendar_event",),
    CASE: ("case",),
    EMAIL_MESSAGE: ("email_sent", "email_replied"),
}
"""Objects that are written where one of these kinds of write is on."""

SEVERITIES: Final[Mapping[str, Severity]] = {"value_cut": "cut", "fallback_used": "note"}
REQUIRED: Final = "required_missing"


class Filled(NamedTuple):
    """One field's value, where it comes from, and what is wrong with it."""

    value: Any = None
    source: str | None = None
    trouble: FieldTrouble | None = None


@dataclass(frozen=True)
class ExampleRecord:
    """A record as one mapping makes it; `name` may be `PersonAccount`."""

    name: str
    written: Written
    fields: Mapping[str, Filled]


def example_records(
    job: Job, before: MappingRules, after: MappingRules, describes: Describes, *, owners: Mapping[str, str]
) -> list[RecordExample]:
    """Each record that either mapping makes of the registration; `owners` are names by id."""
    then = {each.name: each for each in records_of(replace(job, rules=after), describes)}
    now = {each.name: each for each in records_of(replace(job, rules=before), describes)}
    found = [_compared(now.get(name), then.get(name), describes) for name in dict.fromkeys((*then, *now))]
    return [_with_owner_name(each, owners) for each in found]


def _with_owner_name(record: RecordExample, owners: Mapping[str, str]) -> RecordExample:
    fields = [
        each.model_copy(
            update={"now": owners.get(each.now, each.now), "then": owners.get(each.then, each.then)}
        )
        if each.field == OWNER
        else each
        for each in record.fields
    ]
    return record.model_copy(update={"fields": fields})


def records_of(job: Job, describes: Describes) -> Iterator[ExampleRecord]:
    """What the job's rules make of its registration, as if nobody in Salesforce knew the person."""
    for name, written in _kinds(job):
        describe = describes.get(object_of(name))
        fields = _fields(name, job, describe, is_new=written != "found")
        if fields:
            yield ExampleRecord(name, written, fields)


def _kinds(job: Job) -> Iterator[tuple[str, Written]]:
    rules, writes = job.rules, job.writes
    created = [kind.name for kind in created_for(rules)]
    for name in sorted(created, key=lambda name: name == ACCOUNT):
        yield name, "created" if writes.person else "off"
    if rules.is_updating or not created:
        yield from ((name, "found") for name in PERSON_OBJECTS if name not in created)
    if writes.task:
        yield TASK, "created"
    yield CAMPAIGN_MEMBER, "off" if not writes.member else "created" if job.link else "unlinked"
    for name, switches in SWITCHED.items():
        if rules.fields_of(name):
            yield name, "created" if any(getattr(writes, each) for each in switches) else "off"


def _fields(name: str, job: Job, describe: SObjectDescribe | None, *, is_new: bool) -> dict[str, Filled]:
    target = RuleTarget(object_of(name), job, zone_of(job), describe, is_new)
    if not is_new:
        changing = [rule for rule in custom_rules(name, job.rules, describe) if rule.mode != FieldMode.CREATE]
        return _evaluated(changing, target) if job.rules.is_updating else {}
    found = _evaluated(create_rules(name, job.rules, job, describe), target)
    # What the rules do not name: a consent that was refused, stand-ins for required fields.
    further = build_field_values(name, job.rules, job, describe=describe)
    texts = {each.field: each.text for each in further.warnings if each.field}
    for field, value in further.fields.items():
        text = texts.get(field)
        trouble = FieldTrouble(severity="note", code="fallback_used", text=worded(text)) if text else None
        found.setdefault(field, Filled(value, None, trouble))
    return {**_own_fields(name, job), **found, **_lacking(name, job, describe, found)}


def _evaluated(rules: list[FieldRule], target: RuleTarget) -> dict[str, Filled]:
    return {rule.field: _filled(rule, evaluate_rule(rule, target)) for rule in rules}


def _filled(rule: FieldRule, result: RuleResult) -> Filled:
    source = OWN_SOURCES.get(rule.field) if rule.mode == MODE_ENGINE else rule.path or rule.template
    value = result.converted.value if result.converted else None
    if result.error is not None:
        error = result.error
        return Filled(
            None, source, FieldTrouble(severity="refused", code=error.code, text=worded(error.text))
        )
    if not result.warnings:
        return Filled(value, source)
    warning = result.warnings[0]
    severity = "left_out" if warning.code in LEFT_OUT else SEVERITIES.get(warning.code, "note")
    return Filled(
        value, source, FieldTrouble(severity=severity, code=warning.code, text=worded(warning.text))
    )


def _own_fields(name: str, job: Job) -> dict[str, Filled]:
    """What the engine writes whatever is mapped, without ids, and what new records are given."""
    found: dict[str, Filled] = {}
    if name == TASK:
        found["Subject"] = Filled(task_subject(REGISTERED, job.event.title), "event.title")
        if job.facts.confirmed_at is not None:
            told, _ = task_fields(job, REGISTERED, who_id="", reference="")
            found["ActivityDate"] = Filled(told["ActivityDate"], "registration.registered_at")
    if name == CAMPAIGN_MEMBER and job.link:
        found["Status"] = Filled(job.link.labels.get(_meaning(job)))
    if record_type := job.rules.record_types.get(object_of(name)):
        found["RecordTypeId"] = Filled(record_type)
    if name in {*PERSON_OBJECTS, ACCOUNT, PERSON_ACCOUNT, CASE}:
        owner = job.rules.owner
        organizer = job.event.organizer.get("email") if owner.how == ORGANIZER else None
        if who := owner.id if owner.how == FIXED else organizer:
            found[OWNER] = Filled(who)
    return {field: each for field, each in found.items() if each.value is not None}


def _meaning(job: Job) -> str:
    facts = job.facts
    if facts.is_cancelled:
        return StatusMeaning.CANCELLED
    return StatusMeaning.ATTENDED if facts.checked_in_at else StatusMeaning.REGISTERED


def _lacking(
    name: str, job: Job, describe: SObjectDescribe | None, found: Mapping[str, Filled]
) -> dict[str, Filled]:
    """Required fields of the org that nothing fills: such a record is refused."""
    if describe is None:
        return {}
    lacks = [
        field
        for field in missing_required(job.rules, describe, sobject=name)
        if field.name not in found and not (job.rules.fills_required and has_placeholder(field))
    ]
    trouble = FieldTrouble(severity="refused", code=REQUIRED, text=say("issue.required"))
    return {field.name: Filled(None, None, trouble) for field in lacks}


def _compared(now: ExampleRecord | None, then: ExampleRecord | None, describes: Describes) -> RecordExample:
    record = then or now
    assert record is not None
    describe = describes.get(object_of(record.name))
    names = dict.fromkeys((*(then.fields if then else ()), *(now.fields if now else ())))
    fields = [
        _field(
            name,
            now.fields.get(name, Filled()) if now else Filled(),
            then.fields.get(name, Filled()) if then else Filled(),
            describe,
        )
        for name in names
    ]
    shown = [each for each in fields if (each.now, each.then) != (None, None) or each.trouble]
    change: Change = "new" if now is None else "gone" if then is None else "same"
    if change == "same" and any(each.change != "same" for each in shown):
        change = "changed"
    return RecordExample(object=record.name, written=record.written, change=change, fields=shown)


def _field(name: str, now: Filled, then: Filled, describe: SObjectDescribe | None) -> FieldExample:
    known = describe.fields.get(name) if describe else None
    change: Change = "same"
    if now.value != then.value:
        change = "new" if now.value is None else "gone" if then.value is None else "changed"
    return FieldExample(
        field=name,
        label=known.label if known else name,
        now=now.value,
        then=then.value,
        from_=then.source,
        change=change,
        trouble=then.trouble,
    )
