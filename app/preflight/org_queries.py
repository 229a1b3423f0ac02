"""The questions of a preflight, in one composite: describes and a few small queries."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from app.salesforce.client import SalesforceClient
from app.salesforce.composite import (
    Subrequest,
    SubResponse,
    group_into_composites,
    parse_query,
    query_request,
    sobject_path,
)
from app.salesforce.describe import Field, SObjectDescribe, parse_describe
from app.salesforce.errors import ErrorClass, RequestRejected, ResponseLost
from app.salesforce.soql import quote
from app.sync.lookup.parse import TASK_STATUS, closed_statuses
from app.sync.lookup.queries import TASK_STATUS_SOQL
from app.sync.lookup.view_all import fetch_fully_visible, run_optional_queries
from app.sync.model.record_kinds import described_objects

QUERIES: Final = {
    "organization": "SELECT Id, Name, OrganizationType, IsSandbox, TimeZoneSidKey, DefaultLeadAccess "
    "FROM Organization",
    "user": "SELECT Id, Username, Name, UserPermissionsMarketingUser FROM User WHERE Id = {user}",
    "duplicates": "SELECT SobjectType FROM DuplicateRule WHERE IsActive = true",
    "assignment": "SELECT Id FROM AssignmentRule WHERE SobjectType = 'Lead' AND Active = true",
    TASK_STATUS: TASK_STATUS_SOQL,
}
INVALID_EMAILS: Final = "SELECT Id FROM Contact WHERE Email LIKE '%.invalid' LIMIT 1"
"""Reads every Contact, so it may take Salesforce too long: asked in a call of its own."""
OPTIONAL: Final = frozenset({"duplicates", "assignment", TASK_STATUS})
"""Questions after what not every org or user lets us see: where one fails, that alone is unknown."""
PRIVATE: Final = frozenset({"None", "Private"})


@dataclass(frozen=True)
class OrgSnapshot:
    """The org's answers. A describe that is None is hidden from the user; None elsewhere means unknown.

    `fully_visible` are objects of which the user sees every record: queried where new Leads may be hidden.
    """

    organization: Mapping[str, Any] = field(default_factory=dict)
    user: Mapping[str, Any] | None = None
    objects: Mapping[str, SObjectDescribe | None] = field(default_factory=dict)
    objects_with_duplicate_rules: frozenset[str] | None = None
    has_assignment_rules: bool | None = None
    fully_visible: frozenset[str] | None = None
    has_invalid_emails: bool | None = None
    closed_statuses: tuple[str, ...] | None = None

    @property
    def visible(self) -> dict[str, SObjectDescribe]:
        """The objects that the connected user may see."""
        return {name: described for name, described in self.objects.items() if described is not None}

    def field_of(self, sobject: str | None, name: str | None) -> Field | None:
        """The field of an object; None where either does not exist or is hidden."""
        described = self.objects.get(sobject or "")
        return described.fields.get(name or "") if described else None


async def query_org(client: SalesforceClient, user_id: str | None, *, is_sandbox: bool) -> OrgSnapshot:
    """Ask everything in one call, in a sandbox in two, and in one more where new Leads may go out of sight.

    Raises what the client raises, but for optional questions; nothing is written.

    https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_composite_composite.htm
    """
    requests = _requests(client, user_id)
    answers = {
        answer.reference_id: answer
        for some in group_into_composites(requests)
        for answer in await client.composite(some)
    }
    rows = {name: _rows(answers[name], is_optional=name in OPTIONAL) for name in QUERIES}
    organization, users, statuses = rows["organization"], rows["user"], rows[TASK_STATUS]
    duplicates, assignment = rows["duplicates"], rows["assignment"]
    is_private = (organization or [{}])[0].get("DefaultLeadAccess") in PRIVATE
    fully_visible = await fetch_fully_visible(client, user_id) if is_private and assignment else None
    invalid = await run_optional_queries(client, [INVALID_EMAILS]) if is_sandbox else None
    invalid_emails = _rows(invalid[0], is_optional=True) if invalid else None
    return OrgSnapshot(
        organization=organization[0] if organization else {},
        user=users[0] if users else None,
        objects={name: _described(answers[name]) for name in described_objects()},
        objects_with_duplicate_rules=None
        if duplicates is None
        else frozenset(str(row.get("SobjectType")) for row in duplicates),
        has_assignment_rules=None if assignment is None else bool(assignment),
        fully_visible=fully_visible,
        has_invalid_emails=None if invalid_emails is None else bool(invalid_emails),
        closed_statuses=None if statuses is None else closed_statuses(statuses),
    )


def _requests(client: SalesforceClient, user_id: str | None) -> list[Subrequest]:
    version = client.api_version
    describes = [
        Subrequest("GET", f"{sobject_path(version, name)}/describe", reference_id=name)
        for name in described_objects()
    ]
    wanted = quote(user_id or "")
    return describes + [
        query_request(name, soql.replace("{user}", wanted), api_version=version)
        for name, soql in QUERIES.items()
    ]


def _described(answer: SubResponse) -> SObjectDescribe | None:
    """Return the describe, or None for an object that does not exist for this user."""
    if answer.status in (403, 404):
        return None
    if answer.failures:
        raise RequestRejected(answer.failures)
    return parse_describe(answer.body)


def _rows(answer: SubResponse, *, is_optional: bool) -> list[dict[str, Any]] | None:
    """The records; None when the query was refused for what it names, which an org may not have.

    An optional question may fail for any reason.
    """
    try:
        return list(parse_query(answer).records)
    except RequestRejected as error:
        if not is_optional and error.failure.error_class in (ErrorClass.TRANSIENT, ErrorClass.LIMIT):
            raise
        return None
    except ResponseLost:
        return None
