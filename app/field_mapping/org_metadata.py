"""Load the objects of the connected org within its API budget, or the reason why they cannot be loaded."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import defer

from app.api.dependencies import Resources
from app.api.errors import NotConnected, Problem, SalesforceUnavailable
from app.connections.counted_calls import org_calls
from app.models import Connection, OrgLease
from app.salesforce.describe import SObjectDescribe
from app.states import ConnectionState
from app.sync.lookup.describe_cache import MAX_AGE, load_describes


@dataclass(frozen=True)
class OrgMetadata:
    """The requested objects as the connected user sees them; that user may not see `hidden` ones.

    `why_not` is the problem code if nothing could be loaded; then nothing is known.
    """

    describes: dict[str, SObjectDescribe] = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()
    why_not: str | None = None


async def try_load_metadata(
    resources: Resources, host_id: str, sobjects: Iterable[str], *, is_anew: bool = False
) -> OrgMetadata:
    """As `load_metadata`, but a look that failed is told and not raised: a mapping can be saved without."""
    try:
        return await load_metadata(resources, host_id, sobjects, is_anew=is_anew)
    except Problem as problem:
        return OrgMetadata(why_not=type(problem).__name__)


async def load_metadata(
    resources: Resources, host_id: str, sobjects: Iterable[str], *, is_anew: bool = False
) -> OrgMetadata:
    """The describes of these objects, kept for a day; `is_anew` asks Salesforce now, one call for each.

    Raises NotConnected, ConnectionNeedsReconnect, ApiBudgetReached, ObjectNotVisible, SalesforceRefused
    and SalesforceUnavailable.
    """
    wanted = set(sobjects)
    org_id = await _open_org(resources, host_id)
    async with org_calls(resources, host_id) as client:
        found = await load_describes(
            resources.database,
            client,
            host_id=host_id,
            org_id=org_id,
            sobjects=wanted,
            max_age=timedelta(0) if is_anew else MAX_AGE,
        )
    return OrgMetadata(found, hidden=frozenset(wanted - found.keys()))


async def _open_org(resources: Resources, host_id: str) -> str:
    """Open the connected org unless it is backing off. Raises NotConnected, SalesforceUnavailable."""
    query = (
        select(Connection, OrgLease.not_before)
        .outerjoin(OrgLease, OrgLease.org_id == Connection.org_id)
        .where(Connection.host_id == host_id)
        .options(defer(Connection.access_token), defer(Connection.refresh_token))
    )
    async with resources.database.tenant(host_id) as session:
        row = (await session.execute(query)).one_or_none()
    if row is None or row[0].state == ConnectionState.DISCONNECTED:
        raise NotConnected
    if row[1] is not None and row[1] > datetime.now(UTC):
        raise SalesforceUnavailable(headers={"Retry-After": "60"})
    return str(row[0].org_id)
