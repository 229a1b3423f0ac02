"""The questions of a preflight, in one composite: describes and a few small queries."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from app.salesforce.client import SalesforceClient
from app.salesforce.composite import SubAnswer, Subrequest, query_request, read_query, sobject_path
from app.salesforce.describe import SObjectDescribe, parse_describe
from app.salesforce.errors import AnswerLost, ErrorClass, Refused
from app.salesforce.soql import quote

OBJECTS: Final = (
    "Lead", "Contact", "Task", "Campaign", "CampaignMember", "CampaignMemberStatus", "Account",
)  # fmt: skip
QUERIES: Final = {
    "organization": "SELECT Id, Name, OrganizationType, IsSandbox, TimeZoneSidKey, DefaultLeadAccess "
    "FROM Organization",
    "user": "SELECT Id, Username, Name, UserPermissionsMarketingUser FROM User WHERE Id = {user}",
    "duplicates": "SELECT SobjectType FROM DuplicateRule WHERE IsActive = true",
    "assignment": "SELECT Id FROM AssignmentRule WHERE SobjectType = 'Lead' AND Active = true",
    "invalid": "SELECT Id FROM Contact WHERE Email LIKE '%.invalid' LIMIT 1",
}
"""The last three ask for what not every org or user lets us see: a refusal means unknown."""


@dataclass(frozen=True)
class OrgLook:
    """What was seen. A describe that is None is hidden from the user; None elsewhere means unknown."""

    organization: Mapping[str, Any] = field(default_factory=dict)
    user: Mapping[str, Any] | None = None
    objects: Mapping[str, SObjectDescribe | None] = field(default_factory=dict)
    objects_with_duplicate_rules: frozenset[str] | None = None
    has_assignment_rules: bool | None = None
    has_invalid_emails: bool | None = None


async def look_at_org(client: SalesforceClient, user_id: str | None) -> OrgLook:
    """Ask everything in one call. Raises what the client raises; nothing is written.

    https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_composite_composite.htm
    """
    answers = {answer.reference_id: answer for answer in await client.composite(_requests(client, user_id))}
    organization = _rows(answers["organization"])
    users = _rows(answers["user"])
    duplicates, assignment = _rows(answers["duplicates"]), _rows(answers["assignment"])
    invalid = _rows(answers["invalid"])
    return OrgLook(
        organization=organization[0] if organization else {},
        user=users[0] if users else None,
        objects={name: _described(answers[name]) for name in OBJECTS},
        objects_with_duplicate_rules=None
        if duplicates is None
        else frozenset(str(row.get("SobjectType")) for row in duplicates),
        has_assignment_rules=None if assignment is None else bool(assignment),
        has_invalid_emails=None if invalid is None else bool(invalid),
    )


def _requests(client: SalesforceClient, user_id: str | None) -> list[Subrequest]:
    version = client.api_version
    describes = [
        Subrequest("GET", f"{sobject_path(version, name)}/describe", reference_id=name) for name in OBJECTS
    ]
    wanted = quote(user_id or "")
    return describes + [
        query_request(name, soql.replace("{user}", wanted), api_version=version)
        for name, soql in QUERIES.items()
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
