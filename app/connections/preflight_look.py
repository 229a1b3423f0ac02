"""The questions of a preflight, in one composite: describes and a few small queries."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from app.salesforce.client import SalesforceClient
from app.salesforce.composite import SubAnswer, Subrequest, pack, query_request, read_query, sobject_path
from app.salesforce.describe import SObjectDescribe, parse_describe
from app.salesforce.errors import AnswerLost, ErrorClass, Refused
from app.salesforce.soql import quote
from app.sync.rules.statuses import SOQL as TASK_STATUS_SOQL
from app.sync.rules.statuses import TASK_STATUS, closed_statuses

OBJECTS: Final = (
    "Lead", "Contact", "Task", "Campaign", "CampaignMember", "CampaignMemberStatus", "Account",
)  # fmt: skip
QUERIES: Final = {
    "organization": "SELECT Id, Name, OrganizationType, IsSandbox, TimeZoneSidKey, DefaultLeadAccess "
    "FROM Organization",
    "user": "SELECT Id, Username, Name, UserPermissionsMarketingUser FROM User WHERE Id = {user}",
    "duplicates": "SELECT SobjectType FROM DuplicateRule WHERE IsActive = true",
    "assignment": "SELECT Id FROM AssignmentRule WHERE SobjectType = 'Lead' AND Active = true",
    TASK_STATUS: TASK_STATUS_SOQL,
    "invalid": "SELECT Id FROM Contact WHERE Email LIKE '%.invalid' LIMIT 1",
}
"""The last four ask for what not every org or user lets us see: a refusal means unknown."""
VIEW_ALL_LEADS: Final = (
    "SELECT Id FROM ObjectPermissions WHERE SobjectType = 'Lead' AND PermissionsViewAllRecords = true "
    "AND ParentId IN (SELECT PermissionSetId FROM PermissionSetAssignment WHERE AssigneeId = {user})"
)
PRIVATE: Final = frozenset({"None", "Private"})


@dataclass(frozen=True)
class OrgLook:
    """What was seen. A describe that is None is hidden from the user; None elsewhere means unknown."""

    organization: Mapping[str, Any] = field(default_factory=dict)
    user: Mapping[str, Any] | None = None
    objects: Mapping[str, SObjectDescribe | None] = field(default_factory=dict)
    objects_with_duplicate_rules: frozenset[str] | None = None
    has_assignment_rules: bool | None = None
    views_all_leads: bool | None = None
    has_invalid_emails: bool | None = None
    closed_statuses: tuple[str, ...] | None = None


async def look_at_org(client: SalesforceClient, user_id: str | None, *, is_sandbox: bool) -> OrgLook:
    """Ask everything in one call, in a sandbox in two, and in one more where new Leads may go out of sight.

    Raises what the client raises; nothing is written.

    https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_composite_composite.htm
    """
    requests = _requests(client, user_id, is_sandbox=is_sandbox)
    answers = {
        answer.reference_id: answer for some in pack(requests) for answer in await client.composite(some)
    }
    organization = _rows(answers["organization"])
    users = _rows(answers["user"])
    duplicates, assignment = _rows(answers["duplicates"]), _rows(answers["assignment"])
    invalid = _rows(answers["invalid"]) if is_sandbox else None
    statuses = _rows(answers[TASK_STATUS])
    is_private = (organization or [{}])[0].get("DefaultLeadAccess") in PRIVATE
    view_all = await _view_all(client, user_id) if is_private and assignment else None
    return OrgLook(
        organization=organization[0] if organization else {},
        user=users[0] if users else None,
        objects={name: _described(answers[name]) for name in OBJECTS},
        objects_with_duplicate_rules=None
        if duplicates is None
        else frozenset(str(row.get("SobjectType")) for row in duplicates),
        has_assignment_rules=None if assignment is None else bool(assignment),
        views_all_leads=None if view_all is None else bool(view_all),
        has_invalid_emails=None if invalid is None else bool(invalid),
        closed_statuses=None if statuses is None else closed_statuses(statuses),
    )


async def _view_all(client: SalesforceClient, user_id: str | None) -> list[dict[str, Any]] | None:
    """What lets the user see every Lead, whoever owns it. A profile counts as a permission set.

    https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/sforce_api_objects_objectpermissions.htm
    """
    soql = VIEW_ALL_LEADS.replace("{user}", quote(user_id or ""))
    [answer] = await client.composite([query_request("view_all", soql, api_version=client.api_version)])
    return _rows(answer)


def _requests(client: SalesforceClient, user_id: str | None, *, is_sandbox: bool) -> list[Subrequest]:
    """Only a sandbox has addresses that were made unusable when it was copied."""
    version = client.api_version
    describes = [
        Subrequest("GET", f"{sobject_path(version, name)}/describe", reference_id=name) for name in OBJECTS
    ]
    wanted = quote(user_id or "")
    return describes + [
        query_request(name, soql.replace("{user}", wanted), api_version=version)
        for name, soql in QUERIES.items()
        if name != "invalid" or is_sandbox
    ]


def _described(answer: SubAnswer) -> SObjectDescribe | None:
    """The describe, or None for an object that Salesforce says it does not have (for this user)."""
    if answer.status in (403, 404):
        return None
    if answer.failures:
        raise Refused(answer.failures)
    return parse_describe(answer.body)


def _rows(answer: SubAnswer) -> list[dict[str, Any]] | None:
    """The records; None when the query was refused for what it names, which an org may not have."""
    try:
        return list(read_query(answer).records)
    except Refused as error:
        if error.failure.error_class in (ErrorClass.TRANSIENT, ErrorClass.LIMIT):
            raise
        return None
    except AnswerLost:
        return None
