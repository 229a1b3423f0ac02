"""Fields of a new record that no mapping has to name: names, company, e-mail, source. Pure."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from app.salesforce.describe import Field, SObjectDescribe
from app.salesforce.package import is_key
from app.sync.field_values.lead_fields import LEAD_SOURCE, LENGTHS, lead_company, person_name
from app.sync.field_values.text import normalize_text
from app.sync.model.batch import Job
from app.sync.model.mapping_rules import FieldMode, FieldRule, MappingRules
from app.sync.model.record_kind import COMMON_FIELDS
from app.sync.model.record_kinds import system_fields_of
from app.sync.model.records import ACCOUNT, CONTACT, EVENT, LEAD, PERSON_ACCOUNT, PERSON_OBJECTS
from app.text.email_address import plain_address

CALENDAR_STATUS, CALENDAR_REASON = "calendar.status", "calendar.reason"
CALENDAR_PATHS: Final = frozenset({CALENDAR_STATUS, CALENDAR_REASON})
"""Sources that say what a calendar Event has to show."""

MODE_ENGINE: Final = "ours"
"""The mode of the engine's own rules."""

PEOPLE: Final = frozenset({*PERSON_OBJECTS, PERSON_ACCOUNT})
NAMES: Final = frozenset({"FirstName", "LastName"})
PERSONAL: Final = """
Email Title MobilePhone HomePhone OtherPhone Department LeadSource Birthdate AssistantName AssistantPhone
HasOptedOutOfEmail HasOptedOutOfFax DoNotCall MailingStreet MailingCity MailingState MailingPostalCode
MailingCountry OtherStreet OtherCity OtherState OtherPostalCode OtherCountry
"""
PERSON_ACCOUNT_RENAMED: Final = frozenset(PERSONAL.split())
"""A Contact's fields that an Account of a person carries under another name."""


def object_of(sobject: str) -> str:
    """Return the API name of an object of the rules: a Person Account is an Account."""
    return ACCOUNT if sobject == PERSON_ACCOUNT else sobject


def create_rules(
    sobject: str, rules: MappingRules, job: Job, describe: SObjectDescribe | None = None
) -> list[FieldRule]:
    """Every rule for a new record in the order of its fields: the engine's own, with the host's over them."""
    hosts = {rule.field: rule for rule in custom_rules(sobject, rules, describe)}
    before, after = (
        _with_person_account_names(each, sobject, describe)
        for each in _own_rules(sobject, rules, job, describe)
    )
    first = [_with_system_fallback(hosts.pop(rule.field, None), rule) for rule in before]
    last = [_with_system_fallback(hosts.pop(rule.field, None), rule) for rule in after]
    return [*first, *hosts.values(), *last]


def custom_rules(
    sobject: str, rules: MappingRules, describe: SObjectDescribe | None = None
) -> list[FieldRule]:
    """The host's rules for an object, one per field, without those for fields that are the engine's."""
    mapped = CONTACT if sobject == PERSON_ACCOUNT else sobject
    ours = system_fields_of(mapped) or COMMON_FIELDS
    chosen = [rule for rule in rules.fields_of(mapped) if rule.field not in ours and not is_key(rule.field)]
    found = {rule.field: rule for rule in _with_person_account_names(chosen, sobject, describe)}
    if sobject == PERSON_ACCOUNT:
        others = [rule for rule in custom_rules(ACCOUNT, rules) if rule.field != "Name"]
        found = {rule.field: rule for rule in others} | found
    if sobject in PEOPLE and rules.external_id:
        name = field_name(sobject, rules.external_id.field, describe)
        found.setdefault(name, FieldRule(mapped, name, path=rules.external_id.path, mode=FieldMode.IF_EMPTY))
    return [_following_the_calendar(rule) for rule in found.values()]


def _following_the_calendar(rule: FieldRule) -> FieldRule:
    """A calendar Event's own status and reason are written whenever they change, whatever mode was chosen."""
    follows = rule.sobject == EVENT and rule.path in CALENDAR_PATHS
    return replace(rule, mode=FieldMode.OVERWRITE) if follows else rule


def field_name(sobject: str, name: str, describe: SObjectDescribe | None = None) -> str:
    """A Contact's field as an Account of a person names it; any other field as it is.

    https://developer.salesforce.com/docs/atlas.en-us.api.meta/api/sforce_api_guidelines_personaccounts.htm
    """
    if sobject != PERSON_ACCOUNT:
        return name
    if name.endswith("__c"):
        return name.removesuffix("__c") + "__pc"
    is_personal = name in PERSON_ACCOUNT_RENAMED or (
        describe is not None and f"Person{name}" in describe.fields
    )
    return f"Person{name}" if is_personal else name


def standard_field(sobject: str, name: str) -> Field:
    """A field as every org has it, for rules that need no describe."""
    plain = name.removeprefix("Person")
    kind = "email" if plain == "Email" else "string"
    length = LENGTHS.get((sobject, name), LENGTHS.get((LEAD, plain), 0))
    return Field(name, name, kind, length, True, True, True, False, False)


def _own_rules(
    sobject: str, rules: MappingRules, job: Job, describe: SObjectDescribe | None
) -> tuple[Sequence[FieldRule], Sequence[FieldRule]]:
    """The engine's own rules, and those of them that come last."""
    if sobject == ACCOUNT:
        return [
            _constant(ACCOUNT, "Name", normalize_text(job.attendee.company) or rules.no_company_account_name)
        ], ()
    if sobject not in PEOPLE:
        return (), ()
    name = person_name(job.attendee)
    company = _constant(LEAD, "Company", normalize_text(job.attendee.company))
    if not (rules.leaves_company_blank and is_company_optional(describe)):
        company = replace(company, fallback=lead_company(job.attendee))
    first = [
        _constant(sobject, "FirstName", name.first),
        _constant(sobject, "LastName", name.last),
        *([company] if sobject == LEAD else ()),
        _constant(sobject, "Email", plain_address(job.attendee.email)),
    ]
    return first, [_constant(sobject, "LeadSource", LEAD_SOURCE)]


def is_company_optional(lead: SObjectDescribe | None) -> bool:
    """Whether the org takes a Lead without Company: only with Person Accounts, and not on every page of it.

    https://help.salesforce.com/s/articleView?id=sales.account_person_behavior.htm
    """
    field = lead.fields.get("Company") if lead else None
    return field is not None and not field.is_required_on_create


def _constant(sobject: str, field: str, value: str | None) -> FieldRule:
    return FieldRule(sobject, field, constant=value, mode=MODE_ENGINE)


def _with_person_account_names(
    rules: Sequence[FieldRule], sobject: str, describe: SObjectDescribe | None
) -> list[FieldRule]:
    return [replace(rule, field=field_name(sobject, rule.field, describe)) for rule in rules]


def _with_system_fallback(hosts: FieldRule | None, ours: FieldRule) -> FieldRule:
    """Use the host's rule with the system rule as its fallback; the system rule where the host has none."""
    if hosts is None:
        return ours
    return replace(hosts, fallback=normalize_text(hosts.fallback) or ours.constant or ours.fallback)
