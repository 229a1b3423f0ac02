"""What a look at the org means for registrations: findings and passes. Pure."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from app.advice import Advice
from app.advice_preflight import FINDINGS
from app.budget import Budget
from app.connections.approvals import WARN_FROM
from app.connections.preflight_look import OBJECTS, OrgLook
from app.connections.preflight_schemas import Finding, PreflightObject, Verdict
from app.salesforce.describe import SObjectDescribe

WRITTEN: Final[dict[str, tuple[str, ...]]] = {
    "Lead": ("LastName", "FirstName", "Company", "Email", "Title", "Phone", "LeadSource"),
    "Task": ("WhoId", "Subject", "Status", "ActivityDate", "Description"),
    "CampaignMember": ("CampaignId", "LeadId", "ContactId", "Status"),
}
"""The fields that we set on new records without any mapping."""

LEAD_SOURCE: Final = "Eventship"
PRIVATE: Final = frozenset({"None", "Private"})
ROBOTS: Final = ("integrat", "api", "service", "system", "eventship", "sync", "bot", "admin")
LOW: Final = 0.9
"""Share of the stop mark from which few calls are left."""

# object, what it may not do, severity (None: the row's own), what that blocks
POWERS: Final[tuple[tuple[str, str, str | None, tuple[str, ...]], ...]] = (
    ("Lead", "read", None, ("match", "create_lead")),
    ("Lead", "create", None, ("create_lead",)),
    ("Contact", "read", None, ("match",)),
    ("Task", "read", "warning", ("task",)),
    ("Task", "create", None, ("task",)),
    ("Campaign", "read", "warning", ("member",)),
    ("Campaign", "create", "note", ("create_campaign",)),
    ("CampaignMember", "read", "warning", ("member",)),
    ("CampaignMember", "create", None, ("member",)),
    ("CampaignMember", "update", None, ("member",)),
)
CODES: Final = {
    "read": "object_not_readable",
    "create": "object_not_createable",
    "update": "object_not_updateable",
}
BLOCKED_BY_CREATE: Final = {"Lead": "create_lead", "Task": "task", "CampaignMember": "member"}


@dataclass(frozen=True)
class Known:
    """What we know ourselves: the approvals of the user, the budget, and what registrations carry."""

    lightning_url: str | None = None
    budget: Budget | None = None
    approvals: int = 0
    without_company: float = 0.0
    is_sandbox: bool | None = None
    edition: str | None = None


def judge_org(look: OrgLook, known: Known) -> tuple[list[Finding], list[str]]:
    """All findings, the worst first, and the codes of what is in order."""
    findings = [finding for check in CHECKS for finding in check(look, known)]
    order = {"blocker": 0, "warning": 1, "note": 2}
    return sorted(findings, key=lambda finding: order[finding.severity]), ["api_enabled", *_passed(look)]


def verdict_of(findings: Iterable[Finding]) -> Verdict:
    """The whole in one word."""
    severities = {finding.severity for finding in findings}
    if "blocker" in severities:
        return "blocked"
    return "ready_with_warnings" if "warning" in severities else "ready"


def shown_objects(look: OrgLook) -> list[PreflightObject]:
    """One line per object."""
    return [_shown(name, look) for name in OBJECTS]


def make_finding(
    code: str,
    known: Known,
    *,
    blocks: tuple[str, ...] = (),
    sobject: str | None = None,
    field: str | None = None,
    label: str | None = None,
    severity: str | None = None,
) -> Finding:
    """A finding with its words filled in."""
    row = FINDINGS[code]
    names = {"object": sobject, "field": field, "label": label or field, "edition": known.edition}
    places = {name: value or "this edition" for name, value in names.items()}
    title = row.title.format(**places)
    advice = Advice(
        code=code,
        title=title,
        explanation=row.explanation.format(**places),
        steps=tuple(step.format(**places) for step in row.steps),
        link=row.link,
    )
    return Finding.model_validate(
        {
            "code": code,
            "severity": severity or row.severity,
            "area": row.area,
            "object": sobject,
            "field": field,
            "title": title,
            "consequence": row.consequence.format(**places),
            "advice": advice,
            "setup_url": _setup_url(known.lightning_url, code, sobject),
            "blocks": list(blocks),
        }
    )


def _may(described: SObjectDescribe | None, power: str) -> bool:
    if described is None:
        return False
    powers = {"read": described.is_queryable, "create": described.is_createable}
    return powers.get(power, described.is_updateable)


def _powers(look: OrgLook, known: Known) -> Iterator[Finding]:
    for sobject, power, severity, blocks in POWERS:
        described = look.objects.get(sobject)
        is_hidden = power != "read" and described is None
        if not is_hidden and not _may(described, power):
            yield make_finding(CODES[power], known, sobject=sobject, severity=severity, blocks=blocks)


def _statuses(look: OrgLook, known: Known) -> Iterator[Finding]:
    described = look.objects.get("CampaignMemberStatus")
    if not _may(described, "create"):
        blocks = ("create_campaign",)
        yield make_finding(
            "member_status_not_createable", known, sobject="CampaignMemberStatus", blocks=blocks
        )


def _required(look: OrgLook, known: Known) -> Iterator[Finding]:
    for sobject, blocked in BLOCKED_BY_CREATE.items():
        described = look.objects.get(sobject)
        for name in _missing_values(described, sobject):
            assert described is not None
            yield make_finding(
                "required_field_without_value",
                known,
                sobject=sobject,
                field=name,
                label=described.fields[name].label,
                blocks=(blocked,),
            )


def _unwriteable(look: OrgLook, known: Known) -> Iterator[Finding]:
    for sobject, names in WRITTEN.items():
        described = look.objects.get(sobject)
        if described is None or not described.is_createable:
            continue
        for name in names:
            field = described.fields.get(name)
            if field is None or not field.is_createable:
                label = field.label if field else name
                yield make_finding("field_not_writeable", known, sobject=sobject, field=name, label=label)


def _record_types(look: OrgLook, known: Known) -> Iterator[Finding]:
    for sobject in ("Lead", "Contact", "Task"):
        described = look.objects.get(sobject)
        if described is not None and _record_type_count(described) > 1:
            yield make_finding("record_type_choice", known, sobject=sobject)


def _lead_source(look: OrgLook, known: Known) -> Iterator[Finding]:
    lead = look.objects.get("Lead")
    field = lead.fields.get("LeadSource") if lead else None
    if field and field.is_restricted_picklist and LEAD_SOURCE not in field.picklist_values:
        yield make_finding(
            "lead_source_restricted", known, sobject="Lead", field="LeadSource", label=field.label
        )


def _switches(look: OrgLook, known: Known) -> Iterator[Finding]:
    """Whole-org facts, each a yes or no."""
    user = look.user or {}
    table: tuple[tuple[str, bool, str | None, tuple[str, ...]], ...] = (
        (
            "marketing_user_missing",
            user.get("UserPermissionsMarketingUser") is False,
            None,
            ("create_campaign",),
        ),
        ("person_accounts_on", has_person_accounts(look) is True, "Account", ()),
        ("sharing_may_hide", look.organization.get("DefaultLeadAccess") in PRIVATE, "Lead", ("match",)),
        ("assignment_rules_active", look.has_assignment_rules is True, "Lead", ()),
        ("sandbox_email_suffix", known.is_sandbox is True and look.has_invalid_emails is True, "Contact", ()),
        ("user_is_personal", look.user is not None and _is_personal(user), None, ()),
        ("company_not_asked", known.without_company > 0.5, "Lead", ()),
        ("approvals_near_limit", known.approvals >= WARN_FROM, None, ()),
        ("budget_low", _is_low(known.budget), None, ()),
    )
    for code, is_so, sobject, blocks in table:
        if is_so:
            yield make_finding(code, known, sobject=sobject, blocks=blocks)


def _duplicates(look: OrgLook, known: Known) -> Iterator[Finding]:
    for sobject in sorted(look.objects_with_duplicate_rules or ()):
        if sobject in ("Lead", "Contact"):
            yield make_finding("duplicate_rule_seen", known, sobject=sobject)


CHECKS: Final[tuple[Callable[[OrgLook, Known], Iterator[Finding]], ...]] = (
    _powers,
    _required,
    _unwriteable,
    _statuses,
    _lead_source,
    _switches,
    _duplicates,
    _record_types,
)


def has_person_accounts(look: OrgLook) -> bool | None:
    """Whether accounts may be people; None while Account is hidden."""
    account = look.objects.get("Account")
    return None if account is None else "IsPersonAccount" in account.fields


def has_currencies(look: OrgLook) -> bool | None:
    """Whether records carry a currency of their own."""
    campaign = look.objects.get("Campaign") or look.objects.get("Lead")
    return None if campaign is None else "CurrencyIsoCode" in campaign.fields


def _missing_values(described: SObjectDescribe | None, sobject: str) -> list[str]:
    """Required fields that we do not set; a hidden object has none to show."""
    if described is None or sobject not in WRITTEN:
        return []
    return [name for name in described.required_on_create if name not in WRITTEN[sobject]]


def _record_type_count(described: SObjectDescribe) -> int:
    return sum(not each.is_master and each.is_available for each in described.record_types)


def _shown(name: str, look: OrgLook) -> PreflightObject:
    described = look.objects.get(name)
    rules = look.objects_with_duplicate_rules
    return PreflightObject(
        object=name,
        is_readable=_may(described, "read"),
        is_createable=_may(described, "create"),
        is_updateable=_may(described, "update"),
        record_types=0 if described is None else _record_type_count(described),
        required_without_value=_missing_values(described, name),
        duplicate_rules="unknown" if rules is None else "seen" if name in rules else "none",
    )


def _passed(look: OrgLook) -> Iterator[str]:
    words = {"read": "readable", "create": "createable", "update": "updateable"}
    snake = {"CampaignMember": "campaign_member"}
    for sobject, power, _, _ in POWERS:
        if _may(look.objects.get(sobject), power):
            yield f"{snake.get(sobject, sobject.lower())}_{words[power]}"


def _is_personal(user: Any) -> bool:
    text = f"{user.get('Username') or ''} {user.get('Name') or ''}".lower()
    return not any(word in text for word in ROBOTS)


def _is_low(budget: Budget | None) -> bool:
    if budget is None or budget.stop_at is None or budget.org_used is None:
        return False
    return budget.org_used >= LOW * budget.stop_at


def _setup_url(lightning_url: str | None, code: str, sobject: str | None) -> str | None:
    if lightning_url is None:
        return None
    if sobject and code in ("required_field_without_value", "field_not_writeable", "lead_source_restricted"):
        return f"{lightning_url}/lightning/setup/ObjectManager/{sobject}/FieldsAndRelationships/view"
    places = {
        "object_not_readable": "PermSets/home",
        "object_not_createable": "PermSets/home",
        "object_not_updateable": "PermSets/home",
        "marketing_user_missing": "ManageUsers/home",
        "api_not_enabled_for_user": "EnhancedProfiles/home",
        "duplicate_rule_seen": "DuplicateRules/home",
        "assignment_rules_active": "LeadRules/home",
        "sharing_may_hide": "SecuritySharing/home",
        "budget_low": "CompanyProfileInfo/home",
        "edition_without_api": "CompanyProfileInfo/home",
        "edition_needs_api_addon": "CompanyProfileInfo/home",
    }
    return f"{lightning_url}/lightning/setup/{places[code]}" if code in places else None
