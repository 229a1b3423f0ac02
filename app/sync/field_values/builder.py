"""The fields of a record as the host's rules fill them, typed by the org's describe. Pure."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from hashlib import sha256
from typing import Any, Final

from app.salesforce.describe import Field, SObjectDescribe
from app.sync.field_values.converters import options_of
from app.sync.field_values.required_fields import placeholder_values, reserved_fields
from app.sync.field_values.rule_evaluation import (
    MappingError,
    RuleResult,
    RuleTarget,
    evaluate_rule,
    left_out_warning,
)
from app.sync.field_values.sources import zone_of
from app.sync.field_values.system_fields import (
    NAMES,
    PEOPLE,
    create_rules,
    custom_rules,
    field_name,
    object_of,
)
from app.sync.model.batch import Job
from app.sync.model.item_errors import ItemWarning
from app.sync.model.mapping_rules import FieldMode, FieldRule, MappingRules
from app.sync.model.records import ACCOUNT, PERSON_ACCOUNT
from app.text.email_address import address_key
from app.user_messages.phrases import Phrase

DIGEST_LENGTH: Final = 12
MAX_UNWRITEABLE_WARNINGS: Final = 10
MODE_FOLLOW_EMAIL: Final = "followed"
"""The mode of the e-mail: written where it changed since we said it."""

NO_DIGESTS: Final[Mapping[str, str]] = {}


@dataclass(frozen=True)
class FieldValues:
    """The fields to send; `digests` of the values we last wrote, by field, are stored with the record."""

    fields: dict[str, Any] = dataclass_field(default_factory=dict)
    warnings: tuple[ItemWarning, ...] = ()
    error: MappingError | None = None
    digests: Mapping[str, str] = dataclass_field(default_factory=dict)


def build_field_values(
    sobject: str,
    rules: MappingRules,
    job: Job,
    *,
    describe: SObjectDescribe | None = None,
    current: Mapping[str, Any] | None = None,
    digests: Mapping[str, str] = NO_DIGESTS,
    without: frozenset[str] = frozenset(),
) -> FieldValues:
    """Compute the fields of a new record (`current` is None), or the changes of an existing one.

    `sobject` may be `PersonAccount`. `current` has the current values of `fields_to_read`, `digests` the
    digests of an earlier `FieldValues`; `without` are fields that Salesforce rejected before. The default
    rules need no describe.
    """
    named = object_of(sobject)
    target = RuleTarget(named, job, zone_of(job), describe, current is None, without)
    if current is None:
        filled = _created(sobject, rules, target)
    else:
        filled = _changed(sobject, rules, target, current=current, digests=digests)
    left_out = tuple(left_out_warning(target, name) for name in sorted(without))
    return replace(filled, warnings=left_out + filled.warnings)


def fields_to_read(
    sobject: str, rules: MappingRules, *, describe: SObjectDescribe | None = None
) -> tuple[str, ...]:
    """Return the fields of an existing record that `build_field_values` reads, as far as the org has them."""
    names = [rule.field for rule in _rules_of_change(sobject, rules, describe)]
    if sobject in PEOPLE and rules.opt_out_field:
        names.append(field_name(sobject, rules.opt_out_field, describe))
    if sobject in PEOPLE and names:
        names.append(field_name(sobject, "Email", describe))
    return tuple(name for name in dict.fromkeys(names) if describe is None or name in describe.fields)


def digest(value: object) -> str:
    """Shorten a written value: long enough to detect a change, too short to read it back."""
    return sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:DIGEST_LENGTH]


def _created(sobject: str, rules: MappingRules, target: RuleTarget) -> FieldValues:
    email = field_name(sobject, "Email", target.describe)
    fields: dict[str, Any] = {}
    wanted, warnings = _with_somewhere_to_go(
        create_rules(sobject, rules, target.job, target.describe), target
    )
    digests: dict[str, str] = {}
    for rule in wanted:
        outcome = evaluate_rule(rule, target)
        warnings += outcome.warnings
        if outcome.error:
            return FieldValues(warnings=tuple(warnings), error=outcome.error)
        if outcome.converted is None:
            continue
        if outcome.converted.value is not None:
            fields[rule.field] = outcome.converted.value
        if stores_digest(rule, target.field(rule.field)) or rule.field == email:
            digests[rule.field] = digest(outcome.converted.value)
    opted = _opt_out(sobject, rules, target, before=None)
    fields |= opted.fields
    stand_ins = _stand_ins(sobject, rules, target, fields)
    return FieldValues(
        {**fields, **stand_ins.fields}, (*warnings, *opted.warnings, *stand_ins.warnings), None, digests
    )


def _with_somewhere_to_go(
    wanted: Iterable[FieldRule], target: RuleTarget
) -> tuple[list[FieldRule], list[ItemWarning]]:
    """Return the rules to evaluate. After ten rules without a field, the others cost one warning together."""
    every = list(wanted)
    lost = [rule for rule in every if target.field(rule.field) is None]
    if len(lost) <= MAX_UNWRITEABLE_WARNINGS:
        return every, []
    further = {rule.field for rule in lost[MAX_UNWRITEABLE_WARNINGS:]}
    text = Phrase("note.more_not_writeable", count=len(further))
    warning = ItemWarning("field_dropped", target.sobject, None, text)
    return [rule for rule in every if rule.field not in further], [warning]


def _stand_ins(
    sobject: str, rules: MappingRules, target: RuleTarget, fields: Mapping[str, Any]
) -> FieldValues:
    if not rules.fills_required or target.describe is None:
        return FieldValues()
    skipped = reserved_fields(sobject) | target.without | ({"Name"} if sobject == PERSON_ACCOUNT else set())
    found, told = placeholder_values(target.describe, fields, job=target.job, skipped=skipped)
    return FieldValues(found, tuple(told))


def _changed(
    sobject: str,
    rules: MappingRules,
    target: RuleTarget,
    *,
    current: Mapping[str, Any],
    digests: Mapping[str, str],
) -> FieldValues:
    if sobject in PEOPLE and _belongs_to_another_person(sobject, target, current, digests):
        opted = _opt_out_of_another_email(sobject, rules, target, before=current)
        return replace(opted, digests=digests)
    changes: dict[str, Any] = {}
    every = [*_email_rules(sobject, rules, target), *_rules_of_change(sobject, rules, target.describe)]
    wanted, warnings = _with_somewhere_to_go([rule for rule in every if rule.field in current], target)
    said = dict(digests)
    for rule in wanted:
        field = target.field(rule.field)
        if rule.mode == FieldMode.IF_EMPTY and not is_empty(current[rule.field], field):
            continue
        outcome = evaluate_rule(rule, target)
        warnings += outcome.warnings
        if outcome.error:
            return FieldValues(warnings=tuple(warnings), error=outcome.error, digests=digests)
        said_before = digests.get(rule.field)
        changes |= _change(rule, outcome, current[rule.field], said=said_before, field=field)
        if outcome.converted is not None and stores_digest(rule, field):
            said[rule.field] = digest(outcome.converted.value)
    opted = _opt_out(sobject, rules, target, before=current)
    return FieldValues({**changes, **opted.fields}, (*warnings, *opted.warnings), None, said)


def _change(
    rule: FieldRule, outcome: RuleResult, before: object, *, said: str | None, field: Field | None
) -> dict[str, Any]:
    """Return the change of one field; a value that we wrote before never replaces a user's correction."""
    if outcome.converted is None:
        return {}
    value = outcome.converted.value
    if (stores_digest(rule, field) and said == digest(value)) or (
        rule.mode == MODE_FOLLOW_EMAIL and said is None
    ):
        return {}
    after = _union(before, value) if rule.mode == FieldMode.APPEND else value
    return {} if _is_same(after, before, field) else {rule.field: after}


def _is_same(after: object, before: object, field: Field | None) -> bool:
    """Whether Salesforce shows this value: moments with their milliseconds, options in its own order."""
    if field is not None and field.type == "multipicklist":
        return set(options_of(after)) == set(options_of(before))
    if field is not None and field.type == "datetime" and isinstance(before, str):
        return after == before.replace(".000+0000", "Z")
    return after == before


def _union(before: object, value: object) -> object:
    stand, ours = options_of(before), options_of(value)
    return ";".join(dict.fromkeys((*stand, *ours))) if set(ours) - set(stand) else before


def is_empty(value: object, field: Field | None) -> bool:
    """Whether a field has no value yet; a check box is never null, so unticked is empty."""
    return value is None or value == "" or (_is_checkbox(field) and value is False)


def stores_digest(rule: FieldRule, field: Field | None) -> bool:
    """Whether the digest of our value is stored, to distinguish a user's correction from an empty field."""
    return rule.mode in (FieldMode.OVERWRITE, FieldMode.APPEND, MODE_FOLLOW_EMAIL) or (
        rule.mode == FieldMode.IF_EMPTY and _is_checkbox(field)
    )


def _is_checkbox(field: Field | None) -> bool:
    return field is not None and field.type == "boolean"


def _rules_of_change(sobject: str, rules: MappingRules, describe: SObjectDescribe | None) -> list[FieldRule]:
    """Return the host's rules for an existing record; names are only added, only multi-selects append."""
    if sobject in PEOPLE | {ACCOUNT} and not rules.is_updating:
        return []
    wanted = [rule for rule in custom_rules(sobject, rules, describe) if rule.mode != FieldMode.CREATE]
    return [replace(rule, mode=_mode_of_change(rule, describe)) for rule in wanted]


def _mode_of_change(rule: FieldRule, describe: SObjectDescribe | None) -> str:
    field = describe.fields.get(rule.field) if describe else None
    is_single = rule.mode == FieldMode.APPEND and (field is None or field.type != "multipicklist")
    return FieldMode.IF_EMPTY if is_single or rule.field in NAMES else rule.mode


def _email_rules(sobject: str, rules: MappingRules, target: RuleTarget) -> list[FieldRule]:
    if sobject not in PEOPLE or not rules.is_updating:
        return []
    name = field_name(sobject, "Email", target.describe)
    return [FieldRule(sobject, name, path="attendee.email", mode=MODE_FOLLOW_EMAIL)]


def _belongs_to_another_person(
    sobject: str, target: RuleTarget, current: Mapping[str, Any], digests: Mapping[str, str]
) -> bool:
    """Whether the record has another e-mail or none, and never had ours: a link may have been forwarded."""
    name = field_name(sobject, "Email", target.describe)
    shown = address_key(current.get(name))
    return name in current and name not in digests and shown != target.job.attendee.email_key


def _opt_out(
    sobject: str, rules: MappingRules, target: RuleTarget, *, before: Mapping[str, Any] | None
) -> FieldValues:
    """An explicit no is written even where nothing else may be updated, and never taken back."""
    said_no = target.job.attendee.consent.get("marketing") is False
    if sobject not in PEOPLE or rules.opt_out_field is None or not said_no:
        return FieldValues()
    name = field_name(sobject, rules.opt_out_field, target.describe)
    if before is not None and before.get(name) is True:
        return FieldValues()
    field = target.field(name)
    is_writeable = field is not None and (target.describe is None or field.type == "boolean")
    if is_writeable and name not in target.without:
        return FieldValues({name: True})
    text = Phrase("note.opt_out_not_writeable")
    return FieldValues(warnings=(ItemWarning("opted_out", target.sobject, name, text),))


def _opt_out_of_another_email(
    sobject: str, rules: MappingRules, target: RuleTarget, *, before: Mapping[str, Any]
) -> FieldValues:
    """The opt-out where the record may be another person's: only a link can have been forwarded."""
    opted = _opt_out(sobject, rules, target, before=before)
    if not opted.fields or not target.job.salesforce_id:
        return opted
    [name] = opted.fields
    text = Phrase("note.opt_out_of_other_email")
    return FieldValues(warnings=(ItemWarning("opted_out", target.sobject, name, text),))
