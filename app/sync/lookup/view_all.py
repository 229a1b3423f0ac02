"""Of which objects the connected user sees every record, so that an absent one can only be deleted."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final

from app.salesforce.client import SalesforceClient
from app.salesforce.composite import SubResponse, parse_query, query_request
from app.salesforce.errors import ErrorClass, RequestRejected, ResponseLost, Scope
from app.salesforce.soql import quote
from app.sync.matching.person_matching import NotVisible, PersonIndex, resolve_written
from app.sync.model.batch import Job
from app.sync.model.records import ACCOUNT, CONTACT, LEAD

OBJECT_PERMISSIONS: Final = "ObjectPermissions"

# View All Data and Modify All Data show as this permission of every object; a profile is a permission set.
# https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/sforce_api_objects_objectpermissions.htm
# An assignment that expires today no longer counts. None of this can be asked without View Setup.
# https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/sforce_api_objects_permissionsetassignment.htm
USER_PERMISSION_SETS: Final = "SELECT PermissionSetId FROM PermissionSetAssignment WHERE AssigneeId = {user}"
VIEW_ALL_SOQL: Final = (
    "SELECT SobjectType FROM ObjectPermissions "  # noqa: S608 -- put together from constants
    "WHERE SobjectType IN ('Account', 'Contact', 'Lead') AND PermissionsViewAllRecords = true "
    f"AND ParentId IN ({USER_PERMISSION_SETS}) "
    f"AND ParentId NOT IN ({USER_PERMISSION_SETS} AND ExpirationDate <= TODAY)"
)
PERSON_ACCOUNTS_SOQL: Final = "SELECT IsPersonAccount FROM Contact LIMIT 1"
"""Its part of the composite fails with INVALID_FIELD in an org without Person Accounts."""


def has_missing_person(jobs: Iterable[Job], people: PersonIndex) -> bool:
    """Whether the record of one of them is absent, and nobody knows whether it was deleted."""
    return any(isinstance(resolve_written(job, people), NotVisible) for job in jobs)


def fully_visible_objects(granted: Collection[str], *, has_person_accounts: bool) -> frozenset[str]:
    """The objects of people of which nothing is hidden, by those that the user may view all of.

    The Contact of a Person Account is seen by whoever sees that Account.
    """
    needed = {LEAD: {LEAD}, CONTACT: {CONTACT, ACCOUNT} if has_person_accounts else {CONTACT}}
    return frozenset(sobject for sobject, objects in needed.items() if objects <= set(granted))


async def fetch_fully_visible(client: SalesforceClient, user_id: str | None) -> frozenset[str] | None:
    """One call; None where nobody can say. Raises what `run_optional_queries` does."""
    if user_id is None:
        return None
    answers = await run_optional_queries(
        client, [VIEW_ALL_SOQL.replace("{user}", quote(user_id)), PERSON_ACCOUNTS_SOQL]
    )
    if answers is None:
        return None
    granted, persons = answers
    try:
        names = {str(row["SobjectType"]) for row in parse_query(granted).records}
    except (ResponseLost, RequestRejected):
        return None
    lacks_persons = any(each.error_code == "INVALID_FIELD" for each in persons.failures)
    return fully_visible_objects(names, has_person_accounts=not lacks_persons)


async def run_optional_queries(client: SalesforceClient, soqls: Sequence[str]) -> list[SubResponse] | None:
    """The answers to optional questions in a call of their own, which may fail whole; None is unknown.

    What ends the connection or the org's allowance is raised all the same.
    """
    version = client.api_version
    requests = [query_request(f"alone{n}", soql, api_version=version) for n, soql in enumerate(soqls)]
    try:
        return await client.composite(requests)
    except ResponseLost:
        return None
    except RequestRejected as error:
        if error.failure.scope is Scope.CONNECTION or error.failure.error_class is ErrorClass.LIMIT:
            raise
        return None


def cache_body(fully_visible: Collection[str] | None, user_id: str | None) -> dict[str, Any]:
    """The answer as it is kept beside the describes."""
    return {"user_id": user_id, "fully_visible": None if fully_visible is None else sorted(fully_visible)}
