"""Issues of a mapping that validation finds before any row fails."""

from typing import Any

import pytest

from app.salesforce.describe import RecordType
from app.sync.field_values.required_fields import missing_required
from app.sync.field_values.validation import MappingIssue, find_mapping_issues
from app.sync.lookup.requirements import LookupRequirements
from app.sync.model.mapping_rules import DEFAULT_RULES, EXTERNAL_ID_TYPES, MappingRules
from app.sync.model.records import PERSON_ACCOUNT
from tests.unit.sync.builders import described, field, one_rule, person_account_org, recorded, rule, rules

GUEST = RecordType("0125j000000RqVkAAK", "Guest", "Guest", True, False, False)
CLOSED = RecordType("0125j000000RqVlAAK", "Closed", "Closed", False, False, False)
SHIRT = field("Shirt__c", "picklist", length=40, picklist_values=("S", "M"), is_restricted_picklist=True)
LEAD = described(
    SHIRT,
    field("Loose__c", "picklist", length=40, picklist_values=("S",)),
    field("Diet__c", length=5),
    field("Late__c", is_createable=False),
    field("Early__c", is_updateable=False),
    record_types=(GUEST, CLOSED),
)
ORG = {"Lead": LEAD, "Contact": recorded("Contact"), "Account": recorded("Account")}


def codes(findings: list[MappingIssue]) -> list[tuple[str, str]]:
    return [(each.code, each.severity) for each in findings]


@pytest.mark.parametrize(
    ("chosen", "found"),
    [
        pytest.param(rule("Diet__c", "answers.d"), [], id="well"),
        pytest.param(rule("Gone__c", "answers.d"), [("field_not_found", "error")], id="no such field"),
        pytest.param(rule("Address", "answers.d"), [("type_not_supported", "error")], id="compound field"),
        pytest.param(rule("CreatedDate", "answers.d"), [("field_not_writeable", "error")], id="read-only"),
        pytest.param(rule("Late__c", "answers.d"), [("field_not_writeable", "warning")], id="not on create"),
        pytest.param(
            rule("Early__c", "answers.d", mode="empty"), [("field_not_writeable", "warning")], id="not later"
        ),
        pytest.param(rule("Early__c", "answers.d"), [], id="not later, nor wanted"),
        pytest.param(rule("OwnerId", "answers.d"), [("field_owned", "error")], id="the engine's own"),
        pytest.param(rule("Diet__c"), [("one_source_needed", "error")], id="no source"),
        pytest.param(rule("Diet__c", "utm.x"), [("source_unknown", "error")], id="unknown source"),
        pytest.param(
            rule("Diet__c", template="{a}{event.title}"), [("source_unknown", "error")], id="unknown place"
        ),
        pytest.param(
            rule("Diet__c", "answers.d", mode="append"),
            [("append_needs_multi_select", "warning")],
            id="append",
        ),
        pytest.param(rule("Shirt__c", constant="XL"), [("constant_unfit", "error")], id="constant"),
        pytest.param(
            rule("Shirt__c", "answers.d", values={"a": "XL", "b": "S", "c": ""}, otherwise="XXL"),
            [("option_unfit", "error"), ("option_unfit", "error"), ("option_blank", "warning")],
            id="value map",
        ),
        pytest.param(
            rule("Shirt__c", "answers.d", fallback="XL"), [("fallback_unfit", "error")], id="fall-back"
        ),
        pytest.param(rule("Diet__c", constant="too long"), [("constant_unfit", "warning")], id="cut"),
        pytest.param(
            rule("Loose__c", constant="XL"), [("value_not_in_picklist", "warning")], id="not listed"
        ),
        pytest.param({"object": "Event", "field": "Subject", "constant": "x"}, [("field_owned", "error")]),
        pytest.param(rule("evs__Eventship_Key__c", constant="x"), [("field_owned", "error")], id="the key"),
        pytest.param(
            {"object": "Case", "field": "SuppliedEmail", "constant": "x"}, [("field_owned", "error")]
        ),
        pytest.param({"object": "User", "field": "x", "constant": "x"}, [("object_not_supported", "error")]),
    ],
)
def test_rules_are_judged_against_the_org(chosen: dict[str, Any], found: list[tuple[str, str]]) -> None:
    stored = MappingRules.of({"fields": [chosen]}).fields[-1:]
    findings = find_mapping_issues(DEFAULT_RULES, ORG, fields=stored)
    assert codes(findings) == found
    assert all(each.index == 0 and each.field == chosen["field"] and each.message for each in findings)


def test_the_defaults_are_well_in_any_org() -> None:
    assert find_mapping_issues(DEFAULT_RULES, ORG) == []
    assert find_mapping_issues(DEFAULT_RULES, {}) == []


def test_without_describes_only_what_needs_none_is_judged() -> None:
    findings = find_mapping_issues(DEFAULT_RULES, {}, fields=[one_rule("Gone__c", "utm.x")])
    assert codes(findings) == [("source_unknown", "error")]


@pytest.mark.parametrize(
    ("stored", "found"),
    [
        pytest.param({"record_types": {"Lead": "Guest"}}, [], id="record type"),
        pytest.param({"record_types": {"Lead": "Else"}}, [("record_type_not_found", "error")], id="another"),
        pytest.param({"record_types": {"Lead": "Closed"}}, [("record_type_not_found", "error")], id="closed"),
        pytest.param({"record_types": {"Task": "Else"}}, [], id="record type of an object we did not see"),
        pytest.param(
            {"people": {"opt_out_field": "HasOptedOutOfEmail"}},
            [("opt_out_not_found", "warning"), ("opt_out_not_found", "warning")],
            id="hidden opt-out",
        ),
        pytest.param(
            {"people": {"opt_out_field": "Title"}},
            [("opt_out_not_boolean", "warning"), ("opt_out_not_boolean", "warning")],
            id="opt-out that is text",
        ),
        pytest.param(
            {"people": {"match_by": {"field": "Shirt__c", "from": "attendee.id"}}},
            [("match_field_unfit", "error"), ("match_field_not_found", "warning")],
            id="matching by a picklist of Leads",
        ),
        pytest.param(
            {"people": {"match_by": {"field": "Title", "from": "attendee.id"}}},
            [("match_field_not_indexed", "warning"), ("match_field_not_indexed", "warning")],
            id="matching by a field without index",
        ),
        pytest.param(
            {"people": {"create": "person_account"}},
            [("person_accounts_off", "error")],
            id="no such accounts",
        ),
        pytest.param(
            {"people": {"create": "contact"}, "owner": {"how": "fixed", "id": "00G5g000004XyZa"}},
            [("queue_owns_leads_only", "warning")],
            id="queue",
        ),
        pytest.param({"owner": {"how": "fixed", "id": "00G5g000004XyZa"}}, [], id="queue of leads"),
        pytest.param(
            {"people": {"leave_company_blank": True}},
            [("company_required", "warning")],
            id="blank company",
        ),
    ],
)
def test_choices_about_people(stored: dict[str, Any], found: list[tuple[str, str]]) -> None:
    rules_found = find_mapping_issues(MappingRules.of(stored), ORG, fields=())
    assert codes(rules_found) == found
    assert all(each.index is None for each in rules_found)


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        *((kind, []) for kind in sorted(EXTERNAL_ID_TYPES)),
        *((kind, [("match_field_unfit", "error")] * 2) for kind in ("double", "int", "picklist", "date")),
    ],
)
def test_people_are_matched_by_fields_that_are_looked_up(kind: str, found: list[tuple[str, str]]) -> None:
    key = field("Legacy__c", kind, length=40, is_external_id=True)
    org = {name: described(key, name=name) for name in ("Lead", "Contact")}
    chosen = rules(match_by={"field": "Legacy__c", "from": "attendee.id"})
    assert codes(find_mapping_issues(chosen, org, fields=())) == found
    looked_up = LookupRequirements(describes=org, external_ids={"Legacy__c": ("51",)})
    assert all(bool(looked_up.external_ids_of(name)) is not bool(found) for name in org)


def test_contacts_rules_that_person_accounts_cannot_take_are_reported() -> None:
    chosen = MappingRules.of(
        {
            "people": {"create": "person_account"},
            "fields": [
                {"object": "Contact", "field": "Diet__c", "from": "answers.d"},
                {"object": "Contact", "field": "Shoe__c", "from": "answers.s"},
            ],
        }
    )
    contact = described(field("Diet__c"), field("Shoe__c"), name="Contact")
    findings = find_mapping_issues(chosen, {"Contact": contact, "Account": person_account_org()})
    assert [(each.code, each.field) for each in findings] == [("person_field_not_found", "Shoe__c")]


REQUIRED = field("Badge__c", is_nillable=False)


@pytest.mark.parametrize(
    ("chosen", "missing"),
    [
        pytest.param(rules(), ["Badge__c"], id="nobody fills it"),
        pytest.param(rules(rule("Badge__c", "answers.b")), [], id="mapped"),
        pytest.param(rules(rule("Badge__c", mode="off")), ["Badge__c"], id="taken away"),
    ],
)
def test_required_fields_without_a_value(chosen: MappingRules, missing: list[str]) -> None:
    assert [each.name for each in missing_required(chosen, described(REQUIRED))] == missing


@pytest.mark.parametrize("name", ["Lead", "Contact", "Account"])
def test_an_org_as_it_comes_requires_nothing_else(name: str) -> None:
    assert missing_required(DEFAULT_RULES, recorded(name)) == []


def test_required_fields_of_a_person_account() -> None:
    account = person_account_org()
    with_name = described(*account.fields.values(), field("Name", is_nillable=False), name="Account")
    assert missing_required(DEFAULT_RULES, with_name, sobject=PERSON_ACCOUNT) == []
    assert missing_required(DEFAULT_RULES, described(name="Task")) == []
