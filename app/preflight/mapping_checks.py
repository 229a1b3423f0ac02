"""Check a host's mapping in its org: required, missing and read-only fields, record types. Pure."""

from collections.abc import Collection, Iterator, Mapping
from typing import Final

from app.field_mapping.validation import required_without_value
from app.preflight.findings import PreflightContext, make_finding
from app.preflight.org_queries import OrgSnapshot
from app.preflight.schemas import Finding
from app.salesforce.describe import SObjectDescribe
from app.sync.field_values.states_and_countries import code_field, countries_beside
from app.sync.field_values.validation import MappingIssue as Misfit
from app.sync.field_values.validation import find_mapping_issues
from app.sync.model.mapping_rules import CREATE_LEAD, DEFAULT_FIELDS, MappingRules
from app.sync.model.record_kinds import DEFAULT_WRITES, created_for, kinds_written, objects_of
from app.sync.model.records import PERSON_OBJECTS

LEAD_SOURCE: Final = "LeadSource"
SOURCE_VALUE: Final = "Eventship"

# A finding of the mapping, what the preflight calls it, and how bad it is (None: the row's own).
FINDING_BY_ISSUE: Final[dict[str, tuple[str, str | None]]] = {
    "field_not_found": ("mapped_field_gone", None),
    "opt_out_not_found": ("mapped_field_gone", None),
    "match_field_not_found": ("mapped_field_gone", None),
    "field_not_writeable": ("field_not_writeable", None),
    "opt_out_not_writeable": ("field_not_writeable", None),
    "record_type_not_found": ("mapping_unfit", "blocker"),
    "person_accounts_off": ("mapping_unfit", "blocker"),
    "type_not_supported": ("mapping_unfit", None),
    "constant_unfit": ("mapping_unfit", None),
    "option_unfit": ("mapping_unfit", None),
    "fallback_unfit": ("mapping_unfit", None),
    "match_field_unfit": ("mapping_unfit", None),
    "queue_owns_leads_only": ("mapping_unfit", None),
    "company_required": ("mapping_unfit", None),
}


def blocked_by(sobject: str, rules: MappingRules, writes: Collection[str] = DEFAULT_WRITES) -> str:
    """What does not work while this object cannot be created."""
    return next(kind.blocks for kind in kinds_written(rules, writes) if kind.sobject == sobject)


def missing_by_object(
    org: OrgSnapshot, rules: MappingRules, writes: Collection[str]
) -> Mapping[str, list[str]]:
    """The required fields that get no value at all, by object."""
    missing: dict[str, list[str]] = {}
    for each in required_without_value(rules, org.visible, writes):
        if not each.is_filled:
            missing.setdefault(each.object, []).append(each.field)
    return missing


def required(org: OrgSnapshot, known: PreflightContext) -> Iterator[Finding]:
    """Fields without which every new record is refused, and those that fall-back values fill."""
    for each in required_without_value(known.rules, org.visible, known.writes):
        blocks = () if each.is_filled else (blocked_by(each.object, known.rules, known.writes),)
        code = "required_field_filled" if each.is_filled else "required_field_without_value"
        yield make_finding(
            code, known, sobject=each.object, field=each.field, label=each.label, blocks=blocks
        )


def unwriteable(org: OrgSnapshot, known: PreflightContext) -> Iterator[Finding]:
    """Fields that new records get from us and that the connected user may not write."""
    written = {
        (kind.sobject, name): kind
        for kind in kinds_written(known.rules, known.writes)
        for name in kind.written_fields
    }
    for (sobject, name), kind in written.items():
        described, field = org.objects.get(sobject), org.field_of(sobject, name)
        if described is None or not described.is_createable:
            continue
        if field is None or not field.is_createable:
            label = field.label if field else name
            is_needed = name in kind.needed_fields
            blocks = (kind.blocks,) if is_needed else ()
            code = "needed_field_not_writeable" if is_needed else "field_not_writeable"
            yield make_finding(code, known, sobject=sobject, field=name, label=label, blocks=blocks)


def mapping_issues(org: OrgSnapshot, known: PreflightContext) -> Iterator[Finding]:
    """What the host chose and the org does not have, or does not take."""
    for each in find_mapping_issues(known.rules, org.visible):
        named = FINDING_BY_ISSUE.get(each.code)
        if named is None or _is_beside_the_point(each, org, known.rules):
            continue
        code, severity = named
        if _is_default(each, known.rules):
            code = "field_not_writeable"
        label = each.message if code == "mapping_unfit" else _label(each, org)
        yield make_finding(
            code, known, sobject=each.sobject, field=each.field, label=label, severity=severity
        )


def places(org: OrgSnapshot, known: PreflightContext) -> Iterator[Finding]:
    """Mapped states and countries where the org lists them; a state needs the country of its address."""
    mapped = {(rule.sobject, rule.field) for rule in known.rules.fields}
    for sobject, name in sorted(mapped):
        described, field = org.objects.get(sobject), org.field_of(sobject, name)
        if field is None or code_field(described, name) is None:
            continue
        label = field.label
        yield make_finding("places_listed", known, sobject=sobject, field=name, label=label)
        countries = {(sobject, each) for each in countries_beside(name)}
        if countries and code_field(described, countries_beside(name)[0]) and not countries & mapped:
            yield make_finding("state_without_country", known, sobject=sobject, field=name, label=label)


def record_types(org: OrgSnapshot, known: PreflightContext) -> Iterator[Finding]:
    """Objects with several record types of which none was chosen."""
    kinds = kinds_written(known.rules, known.writes)
    for sobject in objects_of(kind for kind in kinds if kind.has_record_types):
        described = org.objects.get(sobject)
        is_open = sobject not in known.rules.record_types
        if described is not None and is_open and record_type_count(described) > 1:
            yield make_finding("record_type_choice", known, sobject=sobject)


def lead_source(org: OrgSnapshot, known: PreflightContext) -> Iterator[Finding]:
    """A restricted Lead Source that does not know us, where the host did not map the field itself."""
    for sobject in set(PERSON_OBJECTS) & set(objects_of(created_for(known.rules))):
        field = org.field_of(sobject, LEAD_SOURCE)
        is_mapped = LEAD_SOURCE in {rule.field for rule in known.rules.fields_of(sobject)}
        if field is None or is_mapped or not field.is_restricted_picklist:
            continue
        if SOURCE_VALUE not in field.picklist_values:
            yield make_finding(
                "lead_source_restricted", known, sobject=sobject, field=LEAD_SOURCE, label=field.label
            )


def creates_leads(rules: MappingRules) -> bool:
    return CREATE_LEAD in rules.create_modes


def record_type_count(described: SObjectDescribe) -> int:
    """The record types that the connected user may choose from."""
    return sum(not each.is_master and each.is_available for each in described.record_types)


def _is_default(issue: Misfit, rules: MappingRules) -> bool:
    return issue.index is not None and rules.fields[issue.index] in DEFAULT_FIELDS


def _is_beside_the_point(issue: Misfit, org: OrgSnapshot, rules: MappingRules) -> bool:
    """A default field of an object that is neither created nor changed, or that is only not changeable."""
    if not _is_default(issue, rules) or rules.is_updating:
        return False
    field = org.field_of(issue.sobject, issue.field)
    return issue.sobject not in objects_of(created_for(rules)) or (field is not None and field.is_createable)


def _label(issue: Misfit, org: OrgSnapshot) -> str | None:
    field = org.field_of(issue.sobject, issue.field)
    return field.label if field else issue.field
