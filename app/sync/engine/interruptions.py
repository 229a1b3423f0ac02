"""What ends the work on a batch before its rows are done, and which gates it closes."""

import logging

from app.api.api_budget import DEFAULT_CAP, is_share_used_up
from app.infrastructure.database import Database
from app.infrastructure.database_errors import is_away, sqlstate
from app.salesforce.auth import ConnectionEnded, GrantDoubted
from app.salesforce.client import SalesforceClient
from app.salesforce.errors import (
    BrokenOff,
    NotSent,
    RequestRejected,
    ResponseLost,
    SalesforceError,
    SendGuardTripped,
)
from app.sync.jobs.gates import (
    back_off,
    back_off_connection,
    handle_refused_session,
    require_reconnect,
)
from app.sync.jobs.leases import Lease, LeaseLost
from app.sync.lookup.query_bisection import is_too_large
from app.sync.model.retry_policy import ErrorAction, action_for, is_instance_moved, is_session_refused

log = logging.getLogger(__name__)

INSTANCE_MOVED = "instance_moved"
TOOK_TOO_LONG = ("57014", "55P03")
"""A statement or a lock beyond its limit: a server that is well says so, and of one host's rows perhaps."""


class BudgetReached(Exception):
    """The host's share of the org's API calls is used up; nothing more is sent."""


def is_api_budget_exhausted(client: SalesforceClient, cap_percent: int | None) -> bool:
    """Whether the host's share of the org's API calls is used up, by the org's own latest figure."""
    cap = DEFAULT_CAP if cap_percent is None else cap_percent
    return client.usage is not None and is_share_used_up(client.usage, cap)


def is_of_all_hosts(error: Exception) -> bool:
    """Whether it ends a drain whoever's turn it is: the lease went, or the database cannot be used."""
    return isinstance(error, LeaseLost) or (is_away(error) and sqlstate(error) not in TOOK_TOO_LONG)


async def close_gates(database: Database, lease: Lease, host_id: str, error: Exception) -> None:
    """Close the gates of the org, the connection or nobody, as the interruption asks for.

    Raises LeaseLost where the lease no longer allowed to send.
    """
    failure = error.failure if isinstance(error, SalesforceError) else None
    log.warning(
        "drain_ended",
        extra={
            "org_id": lease.org_id,
            "host_id": host_id,
            "error": type(error).__name__,
            "code": failure.error_code if failure else None,
            "status": failure.http_status if failure else None,
        },
    )
    match error:
        case ConnectionEnded() | BudgetReached() | GrantDoubted():
            return
        case RequestRejected() if is_too_large(error):
            return
        case RequestRejected() if is_instance_moved(error.failure):
            await back_off_connection(database, lease, host_id, code=INSTANCE_MOVED)
        case SendGuardTripped():
            raise LeaseLost from error
        case RequestRejected() if action_for(error.failure) is ErrorAction.REQUIRE_RECONNECT:
            await require_reconnect(database, host_id, error.failure)
        case RequestRejected() if is_session_refused(error.failure):
            await handle_refused_session(database, lease, host_id, error.failure)
        case RequestRejected():
            await back_off(database, lease, error.failure, is_slow=False)
        case BrokenOff():
            await back_off(database, lease, error.failure, is_slow=True)
        case ResponseLost() | NotSent():
            await back_off(database, lease, None, is_slow=isinstance(error, ResponseLost))
        case _:
            await back_off(database, lease, None, is_slow=False)
