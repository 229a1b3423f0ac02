"""Findings of a preflight, from what was seen alone."""

from dataclasses import replace
from typing import Any

import pytest

from app.api.api_budget import Budget
from app.preflight.checks import run_checks, shown_objects, verdict_of
from app.preflight.findings import PreflightContext, make_finding
from app.preflight.org_queries import OrgSnapshot
from app.salesforce.describe import Field, RecordType, SObjectDescribe
from app.salesforce.package import fields_of, name_in_org
from app.sync.lookup.access import AccessProblem
from app.sync.model.mapping_rules import MappingRules
from app.sync.model.record_key import KeyRules
from app.sync.model.record_kinds import described_objects
from app.user_messages.catalog import FINDINGS

CONTRACT_CODES = {
    "edition_without_api", "edition_needs_api_addon", "api_not_enabled_for_user", "object_not_readable",
    "object_not_createable", "object_not_updateable", "field_not_writeable", "marketing_user_missing",
    "required_field_without_value", "record_type_choice", "person_accounts_on", "lead_source_restricted",
    "company_not_asked", "member_status_not_createable", "duplicate_rule_seen", "sharing_may_hide",
    "assignment_rules_active", "budget_low", "approvals_near_limit", "mapped_field_gone",
    "sandbox_email_suffix", "user_is_personal",
}  # fmt: skip
NAMES = (
    "LastName", "FirstName", "Company", "Email", "Title", "Phone", "LeadSource", "WhoId", "Subject", "Status",
    "ActivityDate", "Description", "CampaignId", "LeadId", "ContactId",
)  # fmt: skip
LIGHTNING = "https://acme.lightning.force.com"


def field(name: str, **changes: Any) -> Field:
    values: dict[str, Any] = {
        "name": name, "label": f"The {name}", "type": "string", "length": 80, "is_createable": True,
        "is_updateable": True, "is_nillable": True, "is_defaulted_on_create": False,
        "is_restricted_picklist": False,
    }  # fmt: skip
    return Field(**(values | changes))


def described(name: str, *more: Field, **changes: Any) -> SObjectDescribe:
    fields = {each: field(each) for each in NAMES} | {each.name: each for each in more}
    values: dict[str, Any] = {
        "name": name, "label": name, "is_createable": True, "is_updateable": True, "is_queryable": True,
        "fields": fields, "record_types": (),
    }  # fmt: skip
    return SObjectDescribe(**(values | changes))


def seen(**changes: Any) -> OrgSnapshot:
    look = OrgSnapshot(
        organization={"DefaultLeadAccess": "ReadEdit"},
        user={"Username": "integration@otter.example", "UserPermissionsMarketingUser": True},
        objects={name: described(name) for name in described_objects()},
        objects_with_duplicate_rules=frozenset(),
        has_assignment_rules=False,
        has_invalid_emails=False,
        closed_statuses=("Completed",),
    )
    return replace(look, **changes)


def with_object(name: str, *more: Field, **changes: Any) -> OrgSnapshot:
    look = seen()
    return replace(look, objects={**look.objects, name: described(name, *more, **changes)})


def codes(look: OrgSnapshot, known: PreflightContext | None = None) -> list[str]:
    return [finding.code for finding in run_checks(look, known or PreflightContext())[0]]


def record_type(name: str, *, is_master: bool = False) -> RecordType:
    return RecordType(f"012{name}", name, name, is_available=True, is_default=is_master, is_master=is_master)


def budget(used: int) -> Budget:
    return Budget(
        org_used=used, org_limit=1000, cap_percent=80, stop_at=800, is_stopped=False, resumes_at=None,
        calls_today=0, measured_at=None,
    )  # fmt: skip


def test_every_finding_of_the_api_has_its_words() -> None:
    assert FINDINGS.keys() >= CONTRACT_CODES


def test_ordinary_org_has_no_findings() -> None:
    findings, passed = run_checks(seen(), PreflightContext())
    assert findings == []
    assert {"api_enabled", "campaign_member_createable", "contact_readable"} <= set(passed)
    assert verdict_of(findings) == "ready"


@pytest.mark.parametrize(
    ("look", "known", "message"),
    [
        (
            {"has_invalid_emails": None},
            PreflightContext(is_sandbox=True),
            ["whether addresses end in .invalid"],
        ),
        ({"has_invalid_emails": None}, PreflightContext(is_sandbox=False), []),
        ({"has_assignment_rules": None}, PreflightContext(), ["whether assignment rules are active"]),
        ({"closed_statuses": None}, PreflightContext(), ["which statuses close a Task"]),
        ({"objects_with_duplicate_rules": None}, PreflightContext(), ["which duplicate rules are active"]),
    ],
)
def test_what_nobody_said_is_neither_yes_nor_no(
    look: dict[str, Any], known: PreflightContext, message: list[str]
) -> None:
    findings, _ = run_checks(seen(**look), known)
    assert [finding.title for finding in findings] == [f"Salesforce did not say {fact}" for fact in message]
    assert verdict_of(findings) == "ready"


@pytest.mark.parametrize(
    ("look", "known", "code"),
    [
        pytest.param(with_object("Lead", is_createable=False), None, "object_not_createable", id="create"),
        pytest.param(
            with_object("CampaignMember", is_updateable=False), None, "object_not_updateable", id="update"
        ),
        pytest.param(
            with_object("CampaignMemberStatus", is_createable=False),
            None,
            "member_status_not_createable",
            id="statuses",
        ),
        pytest.param(
            with_object("Lead", field("Region__c", is_nillable=False)),
            None,
            "required_field_without_value",
            id="required",
        ),
        pytest.param(
            with_object("Task", field("Description", is_createable=False)),
            None,
            "field_not_writeable",
            id="field",
        ),
        pytest.param(
            with_object("Task", field("Subject", is_createable=False)),
            None,
            "needed_field_not_writeable",
            id="needed field",
        ),
        pytest.param(
            with_object(
                "Lead", field("LeadSource", is_restricted_picklist=True, picklist_values=("Web", "Other"))
            ),
            None,
            "lead_source_restricted",
            id="lead source",
        ),
        pytest.param(
            with_object(
                "Lead", record_types=(record_type("Master", is_master=True), *map(record_type, "AB"))
            ),
            None,
            "record_type_choice",
            id="record types",
        ),
        pytest.param(
            with_object("Account", field("IsPersonAccount")), None, "person_accounts_on", id="person accounts"
        ),
        pytest.param(
            seen(user={"Username": "api@x.example", "UserPermissionsMarketingUser": False}),
            None,
            "marketing_user_missing",
            id="marketing user",
        ),
        pytest.param(seen(user={"Username": "rita@otter.example"}), None, "user_is_personal", id="personal"),
        pytest.param(
            seen(organization={"DefaultLeadAccess": "None"}), None, "sharing_may_hide", id="private sharing"
        ),
        pytest.param(seen(has_assignment_rules=True), None, "assignment_rules_active", id="assignment"),
        pytest.param(
            seen(objects_with_duplicate_rules=frozenset({"Lead", "Account"})),
            None,
            "duplicate_rule_seen",
            id="duplicate rule",
        ),
        pytest.param(
            seen(has_invalid_emails=True),
            PreflightContext(is_sandbox=True),
            "sandbox_email_suffix",
            id="sandbox",
        ),
        pytest.param(seen(), PreflightContext(approvals=4), "approvals_near_limit", id="approvals"),
        pytest.param(seen(), PreflightContext(budget=budget(720)), "budget_low", id="budget"),
        pytest.param(seen(), PreflightContext(caps={"Lead": 25}), "rows_capped", id="rows of Leads"),
        pytest.param(seen(), PreflightContext(caps={"look_up": 50}), "lookups_capped", id="look-ups"),
        pytest.param(seen(), PreflightContext(has_jwt_tokens=True), "jwt_access_tokens", id="JWT"),
        pytest.param(seen(closed_statuses=()), None, "no_closed_task_status", id="no closed status"),
        pytest.param(
            with_object("Lead", field("Email", is_filterable=False)),
            None,
            "email_not_searchable",
            id="encrypted",
        ),
        pytest.param(seen(), PreflightContext(without_company=0.6), "company_not_asked", id="company"),
    ],
)
def test_each_case_is_found_alone(look: OrgSnapshot, known: PreflightContext | None, code: str) -> None:
    assert codes(look, known) == [code]


@pytest.mark.parametrize(
    ("look", "known"),
    [
        pytest.param(
            seen(has_invalid_emails=True), PreflightContext(is_sandbox=False), id="production with .invalid"
        ),
        pytest.param(
            seen(), PreflightContext(approvals=3, budget=budget(719), without_company=0.5), id="just below"
        ),
        pytest.param(seen(user=None), PreflightContext(), id="not to be seen"),
    ],
)
def test_what_is_in_order_is_no_finding(look: OrgSnapshot, known: PreflightContext) -> None:
    assert codes(look, known) == []


def test_hidden_object_is_reported_once_and_not_for_each_permission() -> None:
    look = seen()
    hidden = replace(look, objects={**look.objects, "Lead": None})
    findings, passed = run_checks(hidden, PreflightContext())
    assert [(each.code, each.object) for each in findings] == [("object_not_readable", "Lead")]
    assert findings[0].blocks == ["match", "create_lead"]
    assert "lead_readable" not in passed


def test_worst_findings_come_first() -> None:
    look = replace(with_object("Lead", is_createable=False), has_assignment_rules=True)
    findings, _ = run_checks(look, PreflightContext(approvals=4))
    assert [finding.severity for finding in findings] == ["blocker", "warning", "note"]
    assert verdict_of(findings) == "blocked"


STATES, COUNTRIES = field("StateCode", type="picklist"), field("CountryCode", type="picklist")
ADDRESS = (field("State"), field("Country"))


@pytest.mark.parametrize(
    ("mapped", "listed", "found"),
    [
        pytest.param(
            ("Country", "State"),
            (STATES, COUNTRIES),
            [("places_listed", "Country"), ("places_listed", "State")],
            id="both",
        ),
        pytest.param(
            ("State", "CountryCode"),
            (STATES, COUNTRIES),
            [("places_listed", "CountryCode"), ("places_listed", "State")],
            id="the code of the country will do",
        ),
        pytest.param(
            ("State",),
            (STATES, COUNTRIES),
            [("state_without_country", "State"), ("places_listed", "State")],
            id="a state alone",
        ),
        pytest.param(("State",), (STATES,), [("places_listed", "State")], id="no countries are listed"),
        pytest.param(("State", "Country"), (), [], id="nothing is listed"),
        pytest.param(("Title",), (STATES, COUNTRIES), [], id="nothing of an address is mapped"),
    ],
)
def test_listed_places_are_reported_where_an_address_is_mapped(
    mapped: tuple[str, ...], listed: tuple[Field, ...], found: list[tuple[str, str]]
) -> None:
    chosen = [{"object": "Lead", "field": each, "from": f"answers.{each}"} for each in mapped]
    look = with_object("Lead", *ADDRESS, *listed)
    findings = run_checks(look, PreflightContext(rules=MappingRules.of({"fields": chosen})))[0]
    assert [(each.code, each.field) for each in findings] == found


@pytest.mark.parametrize("ticked", [True, None])
def test_members_that_were_refused_are_a_blocker_until_they_are_written(ticked: bool | None) -> None:
    look = seen(user={"Username": "integration@x.example", "UserPermissionsMarketingUser": ticked})
    met = PreflightContext(problems=(AccessProblem("marketing_user_missing", "CampaignMember"),))
    [finding] = run_checks(look, met)[0]
    assert (finding.code, finding.severity) == ("marketing_user_missing", "blocker")
    assert finding.blocks == ["create_campaign", "member"]


def test_a_place_that_is_not_listed_is_found_in_the_mapping() -> None:
    codes_ = replace(COUNTRIES, picklist_values=("DE",), picklist_labels=("Germany",))
    chosen = [{"object": "Lead", "field": "Country", "constant": each} for each in ("Germany", "Atlantis")]
    for rule, code in zip(chosen, ([], ["mapping_unfit"]), strict=True):
        known = PreflightContext(rules=MappingRules.of({"fields": [rule]}))
        assert codes(with_object("Lead", *ADDRESS, codes_), known) == [*code, "places_listed"]


def test_setup_address_leads_to_the_field() -> None:
    known = PreflightContext(lightning_url=LIGHTNING)
    [finding] = run_checks(with_object("Lead", field("Region__c", is_nillable=False)), known)[0]
    assert finding.setup_url == f"{LIGHTNING}/lightning/setup/ObjectManager/Lead/FieldsAndRelationships/view"
    assert make_finding("user_is_personal", known).setup_url is None
    assert make_finding("budget_low", PreflightContext()).setup_url is None


def test_objects_are_shown_with_what_they_need() -> None:
    look = replace(
        with_object("Lead", field("Region__c", is_nillable=False)), objects_with_duplicate_rules=None
    )
    lead = shown_objects(look)[0]
    assert (lead.object, lead.required_without_value, lead.duplicate_rules) == (
        "Lead",
        ["Region__c"],
        "unknown",
    )


@pytest.mark.parametrize("code", [code for code, row in FINDINGS.items() if row.setup_page])
def test_every_page_of_setup_is_whole(code: str) -> None:
    url = make_finding(code, PreflightContext(lightning_url=LIGHTNING), sobject="Lead").setup_url
    assert url is not None
    assert url.startswith(f"{LIGHTNING}/lightning/setup/")
    assert "{" not in url


@pytest.mark.parametrize("code", FINDINGS)
def test_words_of_a_finding_are_whole(code: str) -> None:
    finding = make_finding(
        code, PreflightContext(edition="Pro Suite"), sobject="Lead", field="X__c", label="X"
    )
    texts = (finding.title, finding.consequence, finding.advice.explanation, *finding.advice.steps)
    assert not any("{" in text for text in texts)
    assert finding.advice.steps


@pytest.mark.parametrize(
    ("mapping", "general_links", "blocks"),
    [
        ("lead", "as_mapping", []),
        ("lead", "contact", ["create_contact"]),
        ("nobody", "contact", ["create_contact"]),
        ("contact", "lead", ["create_contact"]),
        ("contact", "nobody", ["create_contact"]),
    ],
)
def test_what_general_links_create_must_be_createable_too(
    mapping: str, general_links: str, blocks: list[str]
) -> None:
    rules = MappingRules.of({"people": {"create": mapping}}).with_general_links(general_links)
    look = with_object("Contact", is_createable=False)
    findings, passed = run_checks(look, PreflightContext(rules=rules))
    refused = [each for each in findings if each.code == "object_not_createable"]
    assert [block for each in refused for block in each.blocks] == blocks
    assert ("lead_createable" in passed) is ("lead" in (mapping, general_links))


def org_with_package(*missing: str, namespace: str = "evs", locked: str = "") -> OrgSnapshot:
    """An org with the package, less the fields `Task.Name__c` of `missing`; `locked` is read-only."""
    objects: dict[str, SObjectDescribe | None] = {}
    for name in described_objects():
        fields = [
            field(name_in_org(each, namespace), is_createable=f"{name}.{each}" != locked)
            for each in fields_of(name)
            if f"{name}.{each}" not in missing
        ]
        objects[name] = described(name, *fields)
    return seen(objects=objects)


@pytest.mark.parametrize(
    ("look", "found"),
    [
        (seen(), []),
        (org_with_package(), []),
        (org_with_package(namespace="other"), []),
        (seen(objects={"Event": described("Event", field("evs__Event_Status__c"))}), []),
        (org_with_package("Task.Event_Status__c"), [("Task", "evs__Event_Status__c")]),
        (org_with_package(locked="Lead.Eventship_Key__c"), [("Lead", "evs__Eventship_Key__c")]),
        (
            org_with_package("CampaignMember.Ticket__c", "CampaignMember.Replay_Status__c"),
            [("CampaignMember", "evs__Replay_Status__c, evs__Ticket__c")],
        ),
    ],
)
def test_fields_of_the_package_are_all_open_or_none(look: OrgSnapshot, found: list[tuple[str, str]]) -> None:
    findings, _ = run_checks(look, PreflightContext(key_rules=KeyRules("evs")))
    locked = [each for each in findings if each.code == "package_fields_locked"]
    assert [(each.object, each.consequence.split(" is left out")[0]) for each in locked] == found
