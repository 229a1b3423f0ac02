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
        yield "object_not_supported", ERROR, f"{rule.sobject} is no object that is written."
        return
    if rule.field in system_fields_of(rule.sobject) or is_key(rule.field):
        yield "field_owned", ERROR, f"{rule.sobject}.{rule.field} has a rule of its own."
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
        yield "one_source_needed", ERROR, "Give exactly one of from, constant and template."
    paths = [rule.path] if rule.path is not None else template_paths(rule.template or "")
    for path in paths:
        if not is_source(path):
            yield "source_unknown", ERROR, f"“{path}” is nothing that a registration has."


def _check_field(rule: FieldRule, describe: SObjectDescribe) -> Iterator[RuleIssue]:
    field = describe.fields.get(rule.field)
    if field is None:
        yield "field_not_found", ERROR, f"{describe.label} has no field {rule.field}, or it is hidden."
        return
    if field.type not in CONVERTERS:
        yield "type_not_supported", ERROR, f"Fields of type {field.type} cannot be filled."
        return
    yield from _check_access(rule, field)
    if rule.mode == FieldMode.APPEND and field.type != "multipicklist":
        yield (
            "append_needs_multi_select",
            WARNING,
            f"{field.label} holds one value: it is filled where empty.",
        )
    for value, code in _hosts_values(rule):
        yield from _check_value(field, value, code=code, places=code_field(describe, rule.field))
    blank = [option for option, value in rule.choices.items() if not value]
    if blank:
        names = ", ".join(f"“{each[:80]}”" for each in blank[:5])
        yield "option_blank", WARNING, f"No value is chosen for {names}: nothing is written for it."


def _check_access(rule: FieldRule, field: Field) -> Iterator[RuleIssue]:
    if not field.is_createable and not field.is_updateable:
        yield "field_not_writeable", ERROR, f"The connected user cannot write {field.label}."
    elif not field.is_createable:
        yield "field_not_writeable", WARNING, f"{field.label} cannot be written on new records."
    elif not field.is_updateable and rule.mode != FieldMode.CREATE:
        yield "field_not_writeable", WARNING, f"{field.label} cannot be written on records that stand."


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
        yield code, ERROR, f"“{value[:80]}” does not fit {field.label}. {reason}"
        return
    if converted.note:
        yield code, WARNING, f"“{value[:80]}” does not fit {field.label} as it is. {converted.note}"
    strangers = [each for each in options_of(value) if each not in field.picklist_values]
    if field.type in ("picklist", "multipicklist") and strangers and converted.value == value:
        yield "value_not_in_picklist", WARNING, f"{field.label} does not list “{strangers[0][:80]}”."


def _check_person_field(rule: FieldRule, account: SObjectDescribe) -> Iterator[RuleIssue]:
    name = field_name(PERSON_ACCOUNT, rule.field, account)
    if name not in account.fields:
        yield "person_field_not_found", WARNING, f"Person accounts have no field {name}; it is left out."


def _check_record_types(
    rules: MappingRules, describes: Mapping[str, SObjectDescribe]
) -> Iterator[MappingIssue]:
    for sobject, developer_name in rules.record_types.items():
        describe = describes.get(sobject)
        if describe is None:
            continue
        usable = [each.developer_name for each in describe.record_types if each.is_available]
        if developer_name not in usable:
            message = f"{describe.label} has no record type {developer_name} for the connected user."
            yield MappingIssue(None, "record_type_not_found", ERROR, sobject, "RecordTypeId", message)


def _check_people(rules: MappingRules, describes: Mapping[str, SObjectDescribe]) -> Iterator[MappingIssue]:
    for sobject in PERSON_OBJECTS:
        describe = describes.get(sobject)
        if describe is not None:
            yield from _check_person(rules, describe)
    lead = describes.get(LEAD)
    if rules.leaves_company_blank and lead and not is_company_optional(lead):
        message = "Your org needs a Company on every Lead, so one without gets a stand-in all the same."
        yield MappingIssue(None, "company_required", WARNING, LEAD, "Company", message)
    account = describes.get(ACCOUNT)
    if rules.creates == CREATE_PERSON_ACCOUNT and account and "IsPersonAccount" not in account.fields:
        message = "Person Accounts are not switched on in this org."
        yield MappingIssue(None, "person_accounts_off", ERROR, ACCOUNT, None, message)
    is_queue = rules.owner.how == FIXED and (rules.owner.id or "").startswith(QUEUE_PREFIX)
    if is_queue and rules.create_modes != {CREATE_LEAD}:
        message = "A queue can own Leads, not Contacts or Accounts; those keep the connected user."
        yield MappingIssue(None, "queue_owns_leads_only", WARNING, None, "OwnerId", message)


PERSON_CHECKS: Final[tuple[tuple[str, Callable[[Field], bool], str], ...]] = (
    ("opt_out_not_boolean", lambda field: field.type == "boolean", "{} is no checkbox."),
    ("opt_out_not_writeable", lambda field: field.is_updateable, "The connected user cannot write {}."),
)


def _check_person(rules: MappingRules, describe: SObjectDescribe) -> Iterator[MappingIssue]:
    if rules.opt_out_field:
        field = describe.fields.get(rules.opt_out_field)
        if field is None:
            message = f"{describe.label} has no field {rules.opt_out_field}, or it is hidden."
            yield MappingIssue(
                None, "opt_out_not_found", WARNING, describe.name, rules.opt_out_field, message
            )
        else:
            yield from (
                MappingIssue(None, code, WARNING, describe.name, field.name, text.format(field.label))
                for code, is_well, text in PERSON_CHECKS
                if not is_well(field)
            )
    if rules.external_id:
        yield from _check_external_id(rules.external_id.field, describe)


def _check_external_id(name: str, describe: SObjectDescribe) -> Iterator[MappingIssue]:
    field = describe.fields.get(name)
    if field is None:
        message = f"{describe.label} has no field {name}, or it is hidden: nobody is matched by it there."
        yield MappingIssue(None, "match_field_not_found", WARNING, describe.name, name, message)
    elif field.type not in EXTERNAL_ID_TYPES:
        message = f"Nobody can be matched by a field of type {field.type}: choose one that holds text."
        yield MappingIssue(None, "match_field_unfit", ERROR, describe.name, name, message)
    elif not field.is_external_id:
        message = f"{field.label} is not marked as an external id: look-ups are slow and may time out."
        yield MappingIssue(None, "match_field_not_indexed", WARNING, describe.name, name, message)
