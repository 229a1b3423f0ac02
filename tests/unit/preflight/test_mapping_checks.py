"""What a preflight makes of the host's mapping, from what was seen alone."""

from dataclasses import replace
from typing import Any

import pytest

from app.preflight.checks import run_checks, shown_objects
from app.preflight.findings import PreflightContext
from app.preflight.org_queries import OrgSnapshot
from app.preflight.schemas import Finding
from app.salesforce.describe import RecordType
from app.sync.model.mapping_rules import MappingRules
from tests.unit.preflight.test_checks import described, field, seen

REGION = field("Region__c", label="Region", is_nillable=False)
GUESTS = tuple(
    RecordType(f"012{name}", name, name, is_available=True, is_default=False, is_master=False)
    for name in ("Guest", "Speaker")
)


def org(**objects: Any) -> OrgSnapshot:
    """An org whose Contacts and Accounts have the fields that we write, with these objects in place."""
    look = seen()
    usual = {
        "Contact": described("Contact", field("AccountId")),
        "Account": described("Account", field("Name"), field("PersonEmail")),
    }
    return replace(look, objects={**look.objects, **usual, **objects})


def judged(look: OrgSnapshot, **layer: Any) -> list[Finding]:
    return run_checks(look, PreflightContext(rules=MappingRules.of(layer)))[0]


def mapping_findings(look: OrgSnapshot, **layer: Any) -> list[tuple[str, str, str | None, list[str]]]:
    return [(each.code, each.severity, each.object, each.blocks) for each in judged(look, **layer)]


def mapped(sobject: str, name: str, **how: Any) -> list[dict[str, Any]]:
    return [{"object": sobject, "field": name, **({"constant": "North"} | how)}]


@pytest.mark.parametrize("create", ["lead", "contact", "nobody"])
def test_ordinary_org_suits_every_way_to_create_people(create: str) -> None:
    assert mapping_findings(org(), people={"create": create}) == []


def test_required_field_with_a_rule_counts_as_filled() -> None:
    look = org(Lead=described("Lead", REGION))
    assert mapping_findings(look) == [("required_field_without_value", "blocker", "Lead", ["create_lead"])]
    assert mapping_findings(look, fields=mapped("Lead", "Region__c")) == []
    assert (
        shown_objects(look, MappingRules.of({"fields": mapped("Lead", "Region__c")}))[
            0
        ].required_without_value
        == []
    )


def test_required_field_that_is_filled_by_type_is_a_warning() -> None:
    look = org(Lead=described("Lead", REGION))
    [finding] = judged(look, people={"fill_required": True})
    assert (finding.code, finding.severity, finding.blocks) == ("required_field_filled", "warning", [])
    assert finding.advice.link == "/docs/mapping#required"
    assert (
        shown_objects(look, MappingRules.of({"people": {"fill_required": True}}))[0].required_without_value
        == []
    )


def test_required_field_that_no_type_can_fill_still_blocks() -> None:
    look = org(Lead=described("Lead", replace(REGION, type="reference")))
    assert mapping_findings(look, people={"fill_required": True})[0][1] == "blocker"


@pytest.mark.parametrize(
    ("create", "sobject", "blocked"),
    [
        ("contact", "Contact", "create_contact"),
        ("contact", "Account", "create_contact"),
        ("person_account", "Account", "create_person_account"),
        ("nobody", "Task", "task"),
    ],
)
def test_required_fields_are_those_of_the_objects_that_are_created(
    create: str, sobject: str, blocked: str
) -> None:
    known_fields = (field("AccountId"), field("Name"), field("PersonEmail"), field("IsPersonAccount"))
    look = org(**{sobject: described(sobject, REGION, *known_fields)})
    found = mapping_findings(look, people={"create": create})
    assert ("required_field_without_value", "blocker", sobject, [blocked]) in found
    if sobject != "Task":
        assert not [each for each in mapping_findings(look) if each[0] == "required_field_without_value"]


@pytest.mark.parametrize(
    ("create", "sobject", "severity", "blocked"),
    [
        ("lead", "Lead", "blocker", "create_lead"),
        ("contact", "Contact", "blocker", "create_contact"),
        ("contact", "Account", "warning", "create_contact"),
        ("person_account", "Account", "blocker", "create_person_account"),
    ],
)
def test_right_to_create_is_asked_of_what_is_created(
    create: str, sobject: str, severity: str, blocked: str
) -> None:
    more = (field("IsPersonAccount"), field("AccountId"), field("Name"))
    look = org(**{sobject: described(sobject, *more, is_createable=False)})
    assert ("object_not_createable", severity, sobject, [blocked]) in mapping_findings(
        look, people={"create": create}
    )
    assert "object_not_createable" not in [
        each[0] for each in mapping_findings(look, people={"create": "nobody"})
    ]


def test_right_to_change_people_is_asked_when_they_are_changed() -> None:
    look = org(Contact=described("Contact", field("AccountId"), is_updateable=False))
    assert mapping_findings(look) == []
    assert mapping_findings(look, people={"update_existing": True}) == [
        ("object_not_updateable", "warning", "Contact", ["update_person"])
    ]


@pytest.mark.parametrize(
    "layer",
    [
        pytest.param({"fields": mapped("Contact", "Gone__c")}, id="field"),
        pytest.param({"people": {"opt_out_field": "Gone__c"}}, id="opt-out"),
        pytest.param({"people": {"match_by": {"field": "Gone__c", "from": "attendee.id"}}}, id="match-by"),
    ],
)
def test_mapped_field_that_is_gone_is_found(layer: dict[str, Any]) -> None:
    findings = judged(org(), **layer)
    assert {(each.code, each.severity, each.field) for each in findings} == {
        ("mapped_field_gone", "warning", "Gone__c")
    }
    assert "Contact: Gone__c no longer exists" in [each.title for each in findings]


def test_default_field_that_is_hidden_is_no_mistake_of_the_hosts() -> None:
    lead = described("Lead")
    hidden = replace(lead, fields={name: each for name, each in lead.fields.items() if name != "Title"})
    assert [each[:3] for each in mapping_findings(org(Lead=hidden))] == [
        ("field_not_writeable", "warning", "Lead")
    ]
    assert mapping_findings(org(Lead=hidden), people={"create": "nobody"}) == []


def test_record_types_are_a_choice_until_one_is_chosen() -> None:
    look = org(Lead=described("Lead", record_types=GUESTS))
    assert [each[:3] for each in mapping_findings(look)] == [("record_type_choice", "note", "Lead")]
    assert mapping_findings(look, record_types={"Lead": "Guest"}) == []
    assert mapping_findings(look, people={"create": "contact"}) == []
    [(code, severity, _, _)] = mapping_findings(look, record_types={"Lead": "Otter"})
    assert (code, severity) == ("mapping_unfit", "blocker")


def test_person_accounts_that_are_off_block_what_needs_them() -> None:
    [finding] = judged(org(), people={"create": "person_account"})
    assert (finding.code, finding.severity) == ("mapping_unfit", "blocker")
    assert finding.advice.explanation == "Person Accounts are not switched on in this org."


def test_value_that_the_picklist_lacks_is_named() -> None:
    diet = field("Diet__c", type="picklist", is_restricted_picklist=True, picklist_values=("Vegan",))
    [finding] = judged(org(Lead=described("Lead", diet)), fields=mapped("Lead", "Diet__c"))
    assert (finding.code, finding.severity, finding.field) == ("mapping_unfit", "warning", "Diet__c")
    assert "“North”" in finding.advice.explanation


def test_lead_source_is_the_hosts_where_it_is_mapped() -> None:
    source = field("LeadSource", is_restricted_picklist=True, type="picklist", picklist_values=("Web",))
    look = org(Contact=described("Contact", source, field("AccountId")))
    assert [each[:3] for each in mapping_findings(look, people={"create": "contact"})] == [
        ("lead_source_restricted", "warning", "Contact")
    ]
    rule = mapped("Contact", "LeadSource", constant="Web")
    assert mapping_findings(look, people={"create": "contact"}, fields=rule) == []


def test_notes_about_leads_are_left_out_where_none_is_created() -> None:
    look = replace(org(), has_assignment_rules=True)
    assert [each[0] for each in mapping_findings(look)] == ["assignment_rules_active"]
    assert mapping_findings(look, people={"create": "contact"}) == []
    assert mapping_findings(look, owner={"run_assignment_rules": False}) == []
