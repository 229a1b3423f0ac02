"""Calls beside the engine's: within the host's share of the org's API calls, and each of them counted."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from sqlalchemy import select

from app.api.api_budget import DEFAULT_CAP, is_share_used_up, may_call
from app.api.dependencies import Resources
from app.api.errors import ApiBudgetReached, ObjectNotVisible, Problem
from app.api.salesforce_errors import problem_for
from app.connections.service import open_client, usable_connection
from app.models import Host, OrgLease
from app.salesforce.client import SalesforceClient
from app.salesforce.errors import SalesforceError
from app.states import BackoffReason
from app.sync.jobs.gates import record_api_usage
from app.sync.model.retry_policy import LIMIT_WAIT


@asynccontextmanager
async def org_calls(
    resources: Resources,
    host_id: str,
    *,
    before_send: Callable[[], None] | None = None,
    hidden: type[Problem] = ObjectNotVisible,
    is_for_person: bool = False,
) -> AsyncIterator[SalesforceClient]:
    """A client of the host's org, for everything but a drain: the only way there for a door or a chore.

    At the host's cap nothing more is sent, not even between two calls; what was sent is counted and the
    org's own figure kept, however it ended. Raises NotConnected, ConnectionNeedsReconnect, ApiBudgetReached;
    a SalesforceError that leaves the block becomes its problem, `hidden` where the connected user may not
    read an object. `is_for_person`: somebody waits for it, and not for minutes.
    """
    cap = await _check_budget(resources, host_id)
    client: SalesforceClient | None = None

    def check_send() -> None:
        if before_send is not None:
            before_send()
        if client is not None and is_share_used_up(client.usage, cap):
            raise budget_reached()

    try:
        client = await open_client(resources, host_id, before_send=check_send, is_for_person=is_for_person)
        yield client
    except SalesforceError as error:
        raise problem_for(error, hidden=hidden) from error
    finally:
        if client is not None and client.calls:
            async with resources.database.tenant(host_id) as session:
                await record_api_usage(session, host_id, client.usage, calls=client.calls)


def budget_reached() -> ApiBudgetReached:
    return ApiBudgetReached(headers={"Retry-After": str(round(LIMIT_WAIT))})


async def _check_budget(resources: Resources, host_id: str) -> int:
    """The host's cap in percent. Raises NotConnected, ConnectionNeedsReconnect, ApiBudgetReached."""
    async with resources.database.tenant(host_id) as session:
        connection = await usable_connection(session, host_id, settings=resources.settings)
        host = await session.get(Host, host_id)
        lease = await session.scalar(select(OrgLease).where(OrgLease.org_id == connection.org_id))
    now, cap = datetime.now(UTC), host.api_cap_percent if host else DEFAULT_CAP
    is_refused = lease is not None and lease.not_before_reason == BackoffReason.API_LIMIT
    is_left_alone = lease is not None and lease.not_before is not None and lease.not_before > now
    if not may_call(connection, cap, now) or (is_refused and is_left_alone):
        raise budget_reached()
    return cap
