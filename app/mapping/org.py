"""What the connected org says of its objects, asked within the budget; or why it could not be asked."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer

from app.budget import DEFAULT_CAP, budget_of
from app.campaigns.reading import problem_of
from app.connections.service import open_client
from app.models import Connection, Host, OrgLease
from app.problems import ApiBudgetReached, NotConnected, Problem, SalesforceUnavailable
from app.resources import Resources
from app.salesforce.describe import SObjectDescribe
from app.salesforce.errors import SalesforceError
from app.sync.describes import forget_describes, load_describes
from app.sync.finish import note_usage
from app.sync.policy import LIMIT_WAIT


@dataclass(frozen=True)
class OrgView:
    """The objects that were wanted, as the connected user sees them; `hidden` ones that user may not see.

    `why_not` is the code of the problem that kept us from looking: then nothing is known.
    """

    describes: dict[str, SObjectDescribe] = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()
    why_not: str | None = None


async def view_org(
    resources: Resources, host_id: str, sobjects: Iterable[str], *, is_anew: bool = False
) -> OrgView:
    """As `look_at`, but a look that failed is told and not raised: a mapping can be saved without."""
    try:
        return await look_at(resources, host_id, sobjects, is_anew=is_anew)
    except Problem as problem:
        return OrgView(why_not=type(problem).__name__)


async def look_at(
    resources: Resources, host_id: str, sobjects: Iterable[str], *, is_anew: bool = False
) -> OrgView:
    """The describes of these objects, kept for a day; `is_anew` asks Salesforce now, one call for each.

    Raises NotConnected, ConnectionNeedsReconnect, ApiBudgetReached, SalesforceRefused, SalesforceUnavailable.
    """
    wanted = set(sobjects)
    org_id = await _open_org(resources, host_id)
    if is_anew:
        async with resources.database.tenant(host_id) as session:
            await forget_describes(session, host_id=host_id, sobjects=wanted)
    try:
        client = await open_client(resources, host_id)
        found = await load_describes(
            resources.database, client, host_id=host_id, org_id=org_id, sobjects=wanted
        )
    except SalesforceError as error:
        raise problem_of(error) from error
    if client.calls:
        async with resources.database.tenant(host_id) as session:
            await note_usage(session, host_id, client, calls=client.calls, has_written=False)
    return OrgView(found, hidden=frozenset(wanted - found.keys()))


async def _open_org(resources: Resources, host_id: str) -> str:
    """The org to ask, unless it or the budget wants to be left alone."""
    async with resources.database.tenant(host_id) as session:
        connection, cap, lease = await _standing(session, host_id)
    if connection is None or connection.state == "disconnected":
        raise NotConnected
    now = datetime.now(UTC)
    if budget_of(connection, cap, now).is_stopped:
        raise ApiBudgetReached(headers={"Retry-After": str(round(LIMIT_WAIT))})
    if lease is not None and lease.not_before is not None and lease.not_before > now:
        raise SalesforceUnavailable(headers={"Retry-After": "60"})
    return connection.org_id


async def _standing(session: AsyncSession, host_id: str) -> tuple[Connection | None, int, OrgLease | None]:
    query = (
        select(Connection, Host.cap_percent, OrgLease)
        .outerjoin(Host, Host.host_id == Connection.host_id)
        .outerjoin(OrgLease, OrgLease.org_id == Connection.org_id)
        .where(Connection.host_id == host_id)
        .options(defer(Connection.access_token), defer(Connection.refresh_token))
    )
    row = (await session.execute(query)).one_or_none()
    return (row[0], row[1] or DEFAULT_CAP, row[2]) if row else (None, DEFAULT_CAP, None)
