"""What a look at the org means for registrations: findings and passes. Pure."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any, Final

from app.api.api_budget import Budget
from app.connections.grants.approval_limit import WARN_FROM
from app.preflight.findings import PreflightContext, make_finding
from app.preflight.mapping_checks import (
    blocked_by,
    creates_leads,
    lead_source,
    mapping_issues,
    missing_by_object,
    places,
    record_type_count,
    record_types,
    required,
    unwriteable,
)
from app.preflight.org_queries import PRIVATE, OrgSnapshot
from app.preflight.package import package_in_org
from app.preflight.schemas import Finding, PreflightObject, Verdict
from app.salesforce.describe import SObjectDescribe
from app.sync.lookup.access import (
    FULL_ACCESS,
    LOOKUP_REJECTED,
    MARKETING_USER_MISSING,
    NEW_LEADS_HIDDEN,
    NO_CASE_ACCESS,
    AccessProblem,
)
from app.sync.model.mapping_rules import DEFAULT_RULES, MappingRules
from app.sync.model.record_kind import READ, UPDATE, WARNING, Permission, RecordKind
from app.sync.model.record_kinds import (
    DEFAULT_WRITES,
    always_written,
    created_for,
    described_objects,
    objects_of,
)
from app.sync.model.records import ACCOUNT, CASE, CONTACT, LEAD, PERSON_OBJECTS, TASK
from app.sync.model.row_caps import LOOK_UP
from app.sync.model.write_settings import CASE_WRITES
from app.user_messages.phrases import Phrase

INTEGRATION_USER_HINTS: Final = ("integrat", "api", "service", "system", "eventship", "sync", "bot", "admin")
LOW: Final = 0.9
"""Share of the stop mark from which few calls are left."""

CODES: Final = {
    "read": "object_not_readable",
    "create": "object_not_createable",
    "update": "object_not_updateable",
}

CAPITAL: Final = re.compile("(?<!^)(?=[A-Z])")


def run_checks(org: OrgSnapshot, known: PreflightContext) -> tuple[list[Finding], list[str]]:
    """All findings, the worst first, and the codes of what is in order."""
    findings = [finding for check in CHECKS for finding in check(org, known)]
    order = {"blocker": 0, "warning": 1, "note": 2}
    return sorted(findings, key=lambda finding: order[finding.severity]), [
        "api_enabled",
        *_passed(org, known),
    ]


def verdict_of(findings: Iterable[Finding]) -> Verdict:
    """Summarize the findings in one word."""
    severities = {finding.severity for finding in findings}
    if "blocker" in severities:
        return "blocked"
    return "ready_with_warnings" if "warning" in severities else "ready"


def shown_objects(
    org: OrgSnapshot, rules: MappingRules = DEFAULT_RULES, writes: Collection[str] = DEFAULT_WRITES
) -> list[PreflightObject]:
    """One line per object."""
    missing = missing_by_object(org, rules, writes)
    return [_shown(name, org, missing.get(name, [])) for name in described_objects()]


def required_permissions(rules: MappingRules, writes: Collection[str] = DEFAULT_WRITES) -> list[Permission]:
    """What the connected user must be able to do under a mapping, where these kinds of write are on."""
    updating = [Permission(sobject, UPDATE, ("update_person",)) for sobject in PERSON_OBJECTS]
    return [
        *(_reading(sobject, rules) for sobject in PERSON_OBJECTS),
        *_permissions(created_for(rules)),
        *(updating if rules.is_updating else ()),
        *_permissions(always_written(writes)),
    ]


def _permissions(kinds: Iterable[RecordKind]) -> Iterable[Permission]:
    return dict.fromkeys(permission for kind in kinds for permission in kind.permissions)


def _reading(sobject: str, rules: MappingRules) -> Permission:
    """If one kind of person is hidden, people of the other kind are looked up alone."""
    if sobject in objects_of(created_for(rules)):
        return Permission(sobject, READ, ("match", blocked_by(sobject, rules)))
    return Permission(sobject, READ, ("match",), WARNING)


def _may(described: SObjectDescribe | None, power: str) -> bool:
    if described is None:
        return False
    powers = {"read": described.is_queryable, "create": described.is_createable}
    return powers.get(power, described.is_updateable)


def _powers(org: OrgSnapshot, known: PreflightContext) -> Iterator[Finding]:
    for each in required_permissions(known.rules, known.writes):
        described = org.objects.get(each.sobject)
        is_hidden = each.action != READ and described is None
        if not is_hidden and not _may(described, each.action):
            yield make_finding(
                CODES[each.action], known, sobject=each.sobject, severity=each.severity, blocks=each.blocks
            )


def _package_fields(org: OrgSnapshot, known: PreflightContext) -> Iterator[Finding]:
    """Where the package is there, its fields should all be open."""
    package = package_in_org(org.objects, known.key_rules)
    if package.state != "incomplete":
        return
    for each in package.missing:
        yield make_finding(
            "package_fields_locked",
            known,
            sobject=each.object,
            field=each.fields[0],
            label=", ".join(each.fields),
        )


def _addresses(org: OrgSnapshot, known: PreflightContext) -> Iterator[Finding]:
    for problem in email_problems(org):
        yield make_finding(
            problem.code, known, sobject=problem.sobject, field=problem.field, blocks=("match", "everything")
        )


def _refusals(org: OrgSnapshot, known: PreflightContext) -> Iterator[Finding]:
    """Problems that jobs met: only later jobs show whether they are over."""
    for problem in known.problems:
        if problem.code == LOOKUP_REJECTED:
            yield make_finding(
                problem.code,
                known,
                sobject=problem.sobject or "a record",
                field=problem.field,
                error_code=problem.error_code,
                blocks=("everything",),
            )


def case_problems(org: OrgSnapshot, known: PreflightContext) -> list[AccessProblem]:
    """Whether Cases are to be written, and the connected user cannot create any."""
    is_on = CASE_WRITES in known.writes
    return [NO_CASE_ACCESS] if is_on and not _may(org.objects.get(CASE), "create") else []


def email_problems(org: OrgSnapshot) -> list[AccessProblem]:
    """The objects of people that are seen, but not to be looked for by e-mail."""
    seen = {name: described for name in PERSON_OBJECTS if (described := org.objects.get(name)) is not None}
    return FULL_ACCESS.with_describes(seen, seen).search_problems


def _statuses(org: OrgSnapshot, known: PreflightContext) -> Iterator[Finding]:
    described = org.objects.get("CampaignMemberStatus")
    if not _may(described, "create"):
        blocks = ("create_campaign",)
        yield make_finding(
            "member_status_not_createable", known, sobject="CampaignMemberStatus", blocks=blocks
        )


def hides_new_leads(org: OrgSnapshot, rules: MappingRules) -> bool | None:
    """Whether created Leads become invisible to the connected user; None if unknown."""
    is_private = org.organization.get("DefaultLeadAccess") in PRIVATE
    is_assigning = creates_leads(rules) and rules.owner.runs_assignment_rules
    sees_leads = None if org.fully_visible is None else LEAD in org.fully_visible
    if not (is_private and is_assigning) or org.has_assignment_rules is False or sees_leads:
        return False
    return True if org.has_assignment_rules and sees_leads is False else None


def _leads_out_of_sight(org: OrgSnapshot, known: PreflightContext) -> Iterator[Finding]:
    """Found in the org's set-up, or met by jobs; where the set-up is not readable, only jobs show it."""
    is_seen = hides_new_leads(org, known.rules)
    is_met = any(each.code == NEW_LEADS_HIDDEN for each in known.problems)
    if is_seen or (is_seen is None and is_met):
        blocks = tuple(dict.fromkeys(kind.blocks for kind in always_written(known.writes)))
        yield make_finding(NEW_LEADS_HIDDEN, known, sobject=LEAD, blocks=blocks)


def _org_settings(org: OrgSnapshot, known: PreflightContext) -> Iterator[Finding]:
    """Whole-org facts, each a yes or no."""
    user, closed = org.user or {}, org.closed_statuses
    makes_leads = creates_leads(known.rules)
    is_assigning = makes_leads and known.rules.owner.runs_assignment_rules
    table: tuple[tuple[str, bool, str | None, tuple[str, ...]], ...] = (
        ("person_accounts_on", has_person_accounts(org) is True and makes_leads, ACCOUNT, ()),
        ("sharing_may_hide", org.organization.get("DefaultLeadAccess") in PRIVATE, LEAD, ("match",)),
        ("assignment_rules_active", org.has_assignment_rules is True and is_assigning, LEAD, ()),
        ("sandbox_email_suffix", known.is_sandbox is True and org.has_invalid_emails is True, CONTACT, ()),
        ("user_is_personal", org.user is not None and _is_personal(user), None, ()),
        ("company_not_asked", known.without_company > 0.5 and makes_leads, LEAD, ()),
        ("approvals_near_limit", known.approvals >= WARN_FROM, None, ()),
        (
            "no_closed_task_status",
            closed is not None and not _closes(known.rules.task_status, closed),
            TASK,
            (),
        ),
        ("case_auto_response", CASE_WRITES in known.writes and not case_problems(org, known), CASE, ()),
        ("budget_low", _is_low(known.budget), None, ()),
        ("jwt_access_tokens", known.has_jwt_tokens, None, ()),
    )
    for code, is_so, sobject, blocks in table:
        if is_so:
            yield make_finding(code, known, sobject=sobject, blocks=blocks)


def _unknowns(org: OrgSnapshot, known: PreflightContext) -> Iterator[Finding]:
    """Facts that Salesforce did not return: neither yes nor no."""
    is_assigning = creates_leads(known.rules) and known.rules.owner.runs_assignment_rules
    facts = (
        (org.objects_with_duplicate_rules is None, Phrase("fact.duplicate_rules")),
        (org.has_assignment_rules is None and is_assigning, Phrase("fact.assignment_rules")),
        (org.closed_statuses is None, Phrase("fact.closed_statuses")),
        (known.is_sandbox is True and org.has_invalid_emails is None, Phrase("fact.invalid_emails")),
    )
    for is_unknown, fact in facts:
        if is_unknown:
            yield make_finding("fact_unknown", known, label=fact)


def _closes(chosen: str | None, closed: tuple[str, ...]) -> bool:
    """Whether the status that Tasks get closes them."""
    return chosen in closed if chosen else bool(closed)


def _capped(org: OrgSnapshot, known: PreflightContext) -> Iterator[Finding]:
    """Row caps observed in calls: the org takes fewer rows than a call may hold."""
    for kind, rows in sorted(known.caps.items()):
        if kind == LOOK_UP:
            yield make_finding("lookups_capped", known, label=str(rows))
        else:
            yield make_finding("rows_capped", known, sobject=kind, label=str(rows))


def _marketing(org: OrgSnapshot, known: PreflightContext) -> Iterator[Finding]:
    """Without it no campaigns can be created; if jobs met rejected members, members neither."""
    is_met = any(each.code == MARKETING_USER_MISSING for each in known.problems)
    if is_met:
        blocks = ("create_campaign", "member")
        yield make_finding(MARKETING_USER_MISSING, known, blocks=blocks, severity="blocker")
    elif (org.user or {}).get("UserPermissionsMarketingUser") is False:
        yield make_finding(MARKETING_USER_MISSING, known, blocks=("create_campaign",))


def _duplicates(org: OrgSnapshot, known: PreflightContext) -> Iterator[Finding]:
    for sobject in sorted(org.objects_with_duplicate_rules or ()):
        if sobject in PERSON_OBJECTS:
            yield make_finding("duplicate_rule_seen", known, sobject=sobject)


CHECKS: Final[tuple[Callable[[OrgSnapshot, PreflightContext], Iterator[Finding]], ...]] = (
    _powers,
    _package_fields,
    _addresses,
    _refusals,
    required,
    unwriteable,
    mapping_issues,
    _statuses,
    _leads_out_of_sight,
    lead_source,
    _marketing,
    _capped,
    places,
    _org_settings,
    _unknowns,
    _duplicates,
    record_types,
)


def has_person_accounts(org: OrgSnapshot) -> bool | None:
    """Whether accounts may be people; None while Account is hidden."""
    account = org.objects.get(ACCOUNT)
    return None if account is None else "IsPersonAccount" in account.fields


def has_currencies(org: OrgSnapshot) -> bool | None:
    """Whether records carry a currency of their own."""
    campaign = org.objects.get("Campaign") or org.objects.get(LEAD)
    return None if campaign is None else "CurrencyIsoCode" in campaign.fields


def _shown(name: str, org: OrgSnapshot, missing: list[str]) -> PreflightObject:
    described = org.objects.get(name)
    rules = org.objects_with_duplicate_rules
    return PreflightObject(
        object=name,
        is_readable=_may(described, "read"),
        is_createable=_may(described, "create"),
        is_updateable=_may(described, "update"),
        record_types=0 if described is None else record_type_count(described),
        required_without_value=missing,
        duplicate_rules="unknown" if rules is None else "seen" if name in rules else "none",
    )


def _passed(org: OrgSnapshot, known: PreflightContext) -> Iterator[str]:
    words = {"read": "readable", "create": "createable", "update": "updateable"}
    for each in required_permissions(known.rules, known.writes):
        if _may(org.objects.get(each.sobject), each.action):
            yield f"{CAPITAL.sub('_', each.sobject).lower()}_{words[each.action]}"


def _is_personal(user: Any) -> bool:
    text = f"{user.get('Username') or ''} {user.get('Name') or ''}".lower()
    return not any(word in text for word in INTEGRATION_USER_HINTS)


def _is_low(budget: Budget | None) -> bool:
    if budget is None or budget.stop_at is None or budget.org_used is None:
        return False
    return budget.org_used >= LOW * budget.stop_at
