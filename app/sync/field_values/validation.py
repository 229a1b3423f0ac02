"""Find faults of a mapping by the org's describes. Pure."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Final

from app.salesforce.describe import Field, SObjectDescribe
from app.salesforce.ids import QUEUE_PREFIX
from app.salesforce.package import is_key
from app.sync.field_values.converters import CONVERTERS, ConversionError, convert, options_of
from app.sync.field_values.sources import is_source, template_paths
from app.sync.field_values.states_and_countries import code_field, listed_place
from app.sync.field_values.system_fields import field_name, is_company_optional
from app.sync.model.mapping_rules import (
    CREATE_LEAD,
    CREATE_PERSON_ACCOUNT,
    EXTERNAL_ID_TYPES,
    FIXED,
    FieldMode,
    FieldRule,
    MappingRules,
)
from app.sync.model.record_kinds import system_fields_of, written_objects
from app.sync.model.records import ACCOUNT, CONTACT, LEAD, PERSON_ACCOUNT, PERSON_OBJECTS
from app.user_messages.phrases import Phrase

ERROR, WARNING = "error", "warning"


@dataclass(frozen=True)
class MappingIssue:
    """One rule that will fail (`error`) or be left out (`warning`).

    `index` is the rule's position among the fields, None for an issue of the whole mapping.
    """

    index: int | None
    code: str
    severity: str
    sobject: str | None
    field: str | None
    message: str


RuleIssue = tuple[str, str, str]
"""Code, severity and message."""


def find_mapping_issues(
    rules: MappingRules,
    describes: Mapping[str, SObjectDescribe],
    *,
    fields: Sequence[FieldRule] | None = None,
) -> list[MappingIssue]:
    """Return every issue, in the order of `fields` (by default the rules' own).

    For objects without a describe only the checks that need none are made.
    """
    judged = rules.fields if fields is None else fields
    findings = [
        MappingIssue(index, code, severity, rule.sobject, rule.field, message)
        for index, rule in enumerate(judged)
        for code, severity, message in _check_rule(rule, rules, describes)
    ]
    return [*findings, *_check_record_types(rules, describes), *_check_people(rules, describes)]


def _check_rule(
    rule: FieldRule, rules: MappingRules, describes: Mapping[str, SObjectDescribe]
) -> Iterator[RuleIssue]:
    if rule.sobject not in written_objects():
        yield "object_not_supported", ERROR, Phrase("issue.object_not_supported", object=rule.sobject)
        return
    if rule.field in system_fields_of(rule.sobject) or is_key(rule.field):
        yield "field_owned", ERROR, Phrase("issue.field_owned", field=f"{rule.sobject}.{rule.field}")
        return
    yield from _check_source(rule)
    describe = describes.get(rule.sobject)
    if describe is not None:
        yield from _check_field(rule, describe)
    if rule.sobject == CONTACT and CREATE_PERSON_ACCOUNT in rules.create_modes and ACCOUNT in describes:
        yield from _check_person_field(rule, describes[ACCOUNT])


def _check_source(rule: FieldRule) -> Iterator[RuleIssue]:
    given = [each for each in (rule.path, rule.constant, rule.template) if each is not None]
    if len(given) != 1:
        yield "one_source_needed", ERROR, Phrase("issue.one_source_needed")
    paths = [rule.path] if rule.path is not None else template_paths(rule.template or "")
    for path in paths:
        if not is_source(path):
            yield "source_unknown", ERROR, Phrase("note.source_unknown", path=path)


def _check_field(rule: FieldRule, describe: SObjectDescribe) -> Iterator[RuleIssue]:
    field = describe.fields.get(rule.field)
    if field is None:
        yield (
            "field_not_found",
            ERROR,
            Phrase("issue.field_not_found", label=describe.label, field=rule.field),
        )
        return
    if field.type not in CONVERTERS:
        yield "type_not_supported", ERROR, Phrase("unfit.type_not_supported", type=field.type)
        return
    yield from _check_access(rule, field)
    if rule.mode == FieldMode.APPEND and field.type != "multipicklist":
        yield (
            "append_needs_multi_select",
            WARNING,
            Phrase("issue.append_needs_multi_select", label=field.label),
        )
    for value, code in _hosts_values(rule):
        yield from _check_value(field, value, code=code, places=code_field(describe, rule.field))
    blank = [option for option, value in rule.choices.items() if not value]
    if blank:
        names = ", ".join(f"“{each[:80]}”" for each in blank[:5])
        yield "option_blank", WARNING, Phrase("issue.option_blank", names=names)


def _check_access(rule: FieldRule, field: Field) -> Iterator[RuleIssue]:
    if not field.is_createable and not field.is_updateable:
        yield "field_not_writeable", ERROR, Phrase("issue.never_writeable", label=field.label)
    elif not field.is_createable:
        yield "field_not_writeable", WARNING, Phrase("issue.not_on_new", label=field.label)
    elif not field.is_updateable and rule.mode != FieldMode.CREATE:
        yield "field_not_writeable", WARNING, Phrase("issue.not_on_standing", label=field.label)


def _hosts_values(rule: FieldRule) -> Iterator[tuple[str, str]]:
    """The values that the host wrote, each with the finding's code when it does not fit."""
    if rule.constant:
        yield rule.constant, "constant_unfit"
    for value in rule.choices.values():
        if value:
            yield value, "option_unfit"
    if rule.otherwise:
        yield rule.otherwise, "option_unfit"
    if rule.fallback:
        yield rule.fallback, "fallback_unfit"


def _check_value(field: Field, value: str, *, code: str, places: Field | None) -> Iterator[RuleIssue]:
    try:
        if places is not None:
            listed_place(field.name, places, value)
            return
        converted = convert(field, value, zone=UTC, is_configured=True)
    except ConversionError as reason:
        yield (
            code,
            ERROR,
            Phrase("issue.value_unfit", value=value[:80], label=field.label, reason=reason.text),
        )
        return
    if converted.note:
        yield (
            code,
            WARNING,
            Phrase("issue.value_changed", value=value[:80], label=field.label, note=converted.note),
        )
    strangers = [each for each in options_of(value) if each not in field.picklist_values]
    if field.type in ("picklist", "multipicklist") and strangers and converted.value == value:
        yield (
            "value_not_in_picklist",
            WARNING,
            Phrase("issue.not_listed", label=field.label, value=strangers[0][:80]),
        )


def _check_person_field(rule: FieldRule, account: SObjectDescribe) -> Iterator[RuleIssue]:
    name = field_name(PERSON_ACCOUNT, rule.field, account)
    if name not in account.fields:
        yield "person_field_not_found", WARNING, Phrase("issue.person_field_not_found", field=name)


def _check_record_types(
    rules: MappingRules, describes: Mapping[str, SObjectDescribe]
) -> Iterator[MappingIssue]:
    for sobject, developer_name in rules.record_types.items():
        describe = describes.get(sobject)
        if describe is None:
            continue
        usable = [each.developer_name for each in describe.record_types if each.is_available]
        if developer_name not in usable:
            message = Phrase("issue.record_type_not_found", label=describe.label, type=developer_name)
            yield MappingIssue(None, "record_type_not_found", ERROR, sobject, "RecordTypeId", message)


def _check_people(rules: MappingRules, describes: Mapping[str, SObjectDescribe]) -> Iterator[MappingIssue]:
    for sobject in PERSON_OBJECTS:
        describe = describes.get(sobject)
        if describe is not None:
            yield from _check_person(rules, describe)
    lead = describes.get(LEAD)
    if rules.leaves_company_blank and lead and not is_company_optional(lead):
        message = Phrase("issue.company_required")
        yield MappingIssue(None, "company_required", WARNING, LEAD, "Company", message)
    account = describes.get(ACCOUNT)
    if rules.creates == CREATE_PERSON_ACCOUNT and account and "IsPersonAccount" not in account.fields:
        message = Phrase("issue.person_accounts_off")
        yield MappingIssue(None, "person_accounts_off", ERROR, ACCOUNT, None, message)
    is_queue = rules.owner.how == FIXED and (rules.owner.id or "").startswith(QUEUE_PREFIX)
    if is_queue and rules.create_modes != {CREATE_LEAD}:
        message = Phrase("issue.queue_owns_leads_only")
        yield MappingIssue(None, "queue_owns_leads_only", WARNING, None, "OwnerId", message)


PERSON_CHECKS: Final[tuple[tuple[str, Callable[[Field], bool], str], ...]] = (
    ("opt_out_not_boolean", lambda field: field.type == "boolean", "issue.no_checkbox"),
    ("opt_out_not_writeable", lambda field: field.is_updateable, "issue.never_writeable"),
)


def _check_person(rules: MappingRules, describe: SObjectDescribe) -> Iterator[MappingIssue]:
    if rules.opt_out_field:
        field = describe.fields.get(rules.opt_out_field)
        if field is None:
            message = Phrase("issue.field_not_found", label=describe.label, field=rules.opt_out_field)
            yield MappingIssue(
                None, "opt_out_not_found", WARNING, describe.name, rules.opt_out_field, message
            )
        else:
            yield from (
                MappingIssue(None, code, WARNING, describe.name, field.name, Phrase(key, label=field.label))
                for code, is_well, key in PERSON_CHECKS
                if not is_well(field)
            )
    if rules.external_id:
        yield from _check_external_id(rules.external_id.field, describe)


def _check_external_id(name: str, describe: SObjectDescribe) -> Iterator[MappingIssue]:
    field = describe.fields.get(name)
    if field is None:
        message = Phrase("issue.match_field_not_found", label=describe.label, field=name)
        yield MappingIssue(None, "match_field_not_found", WARNING, describe.name, name, message)
    elif field.type not in EXTERNAL_ID_TYPES:
        message = Phrase("issue.match_field_unfit", type=field.type)
        yield MappingIssue(None, "match_field_unfit", ERROR, describe.name, name, message)
    elif not field.is_external_id:
        message = Phrase("issue.match_field_not_indexed", label=field.label)
        yield MappingIssue(None, "match_field_not_indexed", WARNING, describe.name, name, message)
