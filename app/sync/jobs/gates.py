"""Closing what must wait: a connection that Salesforce refuses or that has used up its share of the org's
API calls, an org that wants to be left alone."""

import logging
import random
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, func, literal, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.api.api_budget import DEFAULT_CAP, is_share_used_up
from app.infrastructure import audit_log
from app.infrastructure.database import Database
from app.infrastructure.joined_texts import Change
from app.models import Connection, OrgLease
from app.models.kept_plan import kept_plan
from app.notifications.facts import budget_stopped, needs_reconnect
from app.salesforce.errors import ApiError
from app.salesforce.responses import ApiUsage
from app.states import ConnectionState
from app.sync.jobs.leases import Lease, recover_host_jobs
from app.sync.model.retry_policy import LIMIT_WAIT, SESSION_TRIES, host_wait, org_wait, reconnect_reason

log = logging.getLogger(__name__)

SESSION_REFUSED: Final = "session_refused"
BATCH_MIN = 10
# Text, since it is said for every batch: to build the statement anew costs more than to carry it out.
RECORD_USAGE = kept_plan("""
    UPDATE connections
    SET last_used_at = clock_timestamp(),
        last_written_at = CASE WHEN :has_written THEN clock_timestamp() ELSE last_written_at END,
        calls_today = CASE WHEN calls_day = date_trunc('day', clock_timestamp()) THEN calls_today ELSE 0 END
                      + CAST(:calls AS int),
        calls_day = date_trunc('day', clock_timestamp()),
        api_used = CASE WHEN :is_measured THEN CAST(:used AS int) ELSE api_used END,
        api_limit = CASE WHEN :is_measured THEN CAST(:limit AS int) ELSE api_limit END,
        api_measured_at = CASE WHEN :is_measured THEN clock_timestamp() ELSE api_measured_at END,
        api_closed_until = CASE WHEN NOT :is_measured THEN api_closed_until END
    WHERE host_id = :host_id
    RETURNING (SELECT api_cap_percent FROM hosts WHERE host_id = :host_id) AS cap_percent
""")
CLOSE_FOR_BUDGET = text("""
    UPDATE connections SET api_closed_until = clock_timestamp() + CAST(:wait AS interval)
    WHERE host_id = :host_id
""")
NO_HOST_BACKOFF: Final[dict[str, Any]] = {"fault_code": None, "fault_count": 0, "fault_until": None}


async def require_reconnect(database: Database, host_id: str, failure: ApiError) -> None:
    """Salesforce refuses the whole connection: rows wait, none fails, the card says why.

    A call was refused, not a refresh: a refresh that is under way elsewhere keeps its mark, and older grants
    are not known to have ended.
    """
    async with database.tenant(host_id) as session:
        await mark_needs_reconnect(
            session, host_id, reason_code=reconnect_reason(failure), details={"error": failure.error_code}
        )


async def mark_needs_reconnect(
    session: AsyncSession,
    host_id: str,
    *,
    reason_code: str,
    token_version: int | None = None,
    details: Mapping[str, Any] | None = None,
) -> bool:
    """Set `needs_reconnect` in the caller's transaction; says whether the connection was still connected.

    With `token_version`, only while that version is the stored one: a newer grant is not ended by an old no.
    """
    is_current = () if token_version is None else (Connection.token_version == token_version,)
    closed = await session.execute(
        update(Connection)
        .where(Connection.host_id == host_id, Connection.state == ConnectionState.CONNECTED, *is_current)
        .values(
            state=ConnectionState.NEEDS_RECONNECT,
            reason_code=reason_code,
            state_since=func.clock_timestamp(),
            **NO_HOST_BACKOFF,
            version=Connection.version + 1,
        )
        .returning(Connection.org_id)
    )
    org_id = closed.scalar()
    if org_id is None:
        return False
    about = {"reason_code": reason_code, "org_id": org_id, **(details or {})}
    await audit_log.append_entry(
        session, host_id, actor="system", action="salesforce.connection_ended", details=about
    )
    await needs_reconnect(session, host_id, reason=reason_code)
    log.warning("connection_ended", extra={"host_id": host_id, **about})
    return True


async def record_api_usage(
    session: AsyncSession, host_id: str, usage: ApiUsage | None, *, calls: int
) -> None:
    """Write the host's calls and the org's own figure, where it named one.

    A share that is used up closes the host's gate until the next probe: one look-up every 15 minutes.
    """
    record, values = change_of_api_usage(host_id, usage, calls=calls)
    cap_percent = await session.scalar(record, values)
    await close_if_used_up(session, host_id, usage, cap_percent)


def change_of_api_usage(
    host_id: str, usage: ApiUsage | None, *, calls: int, has_written: bool = False
) -> Change:
    """What writes the host's calls and the org's figure, and opens its gate; `close_if_used_up` follows."""
    return RECORD_USAGE, {
        "host_id": host_id,
        "calls": calls,
        "has_written": has_written,
        "is_measured": usage is not None,
        "used": usage and usage.used,
        "limit": usage and usage.limit,
    }


async def close_if_used_up(
    session: AsyncSession, host_id: str, usage: ApiUsage | None, cap_percent: int | None
) -> None:
    """Close the gate of a host whose share, as it is chosen now, is used up."""
    cap_percent = DEFAULT_CAP if cap_percent is None else cap_percent
    if is_share_used_up(usage, cap_percent):
        wait = timedelta(seconds=LIMIT_WAIT)
        await session.execute(CLOSE_FOR_BUDGET, {"host_id": host_id, "wait": wait})
        await budget_stopped(session, host_id, cap_percent)


async def back_off(database: Database, lease: Lease, failure: ApiError | None, *, is_slow: bool) -> None:
    """Leave the org alone for a while; longer with every end in a row that brought no useful answer.

    What `is_slow` is tried with half as many rows.
    """
    lease.failures += 1
    wait = org_wait(failure, lease.failures, random.random())  # noqa: S311 -- jitter
    halved = {"batch_size": func.greatest(BATCH_MIN, OrgLease.batch_size // 2)} if is_slow else {}
    values = {
        "failures": OrgLease.failures + 1,
        "is_slow": is_slow,
        "not_before": func.clock_timestamp() + literal(timedelta(seconds=wait.seconds)),
        "not_before_reason": wait.reason,
    }
    await _update_lease(database, lease, values | halved)


async def record_success(database: Database, lease: Lease, *, batch_size: int) -> None:
    """The org answers: forget its failures and keep the batch size that suits it."""
    if lease.failures == 0 and batch_size == lease.batch_size:
        return
    lease.failures, lease.batch_size = 0, batch_size
    healthy = {"failures": 0, "is_slow": False, "not_before": None, "not_before_reason": None}
    await _update_lease(database, lease, {**healthy, "batch_size": batch_size})


async def _update_lease(database: Database, lease: Lease, values: Mapping[str, Any]) -> None:
    mine = (OrgLease.org_id == lease.org_id, OrgLease.fence == lease.fence)
    async with database.system() as session:
        await session.execute(update(OrgLease).where(*mine).values(values))


async def back_off_host(
    database: Database, lease: Lease, host_id: str, *, code: str, is_caused_by_rows: bool
) -> None:
    """One host's drain broke off: its jobs are recovered and wait, longer each time; other hosts go on.

    A job that broke it off by itself too often has failed; then the others need not wait.
    """
    async with database.system() as session:
        gave_up = await recover_host_jobs(session, lease, host_id, is_caused_by_rows=is_caused_by_rows)
        if gave_up:
            mine = (Connection.host_id == host_id, Connection.org_id == lease.org_id)
            await _store_host_backoff(session, NO_HOST_BACKOFF, *mine)
        else:
            await _extend_host_backoff(session, lease, host_id, code=code)


async def handle_refused_session(database: Database, lease: Lease, host_id: str, failure: ApiError) -> None:
    """Salesforce refuses the token that it has just given: the host backs off, and at last must reconnect."""
    count = await back_off_connection(database, lease, host_id, code=SESSION_REFUSED)
    if count > SESSION_TRIES:
        await require_reconnect(database, host_id, failure)


async def back_off_connection(database: Database, lease: Lease, host_id: str, *, code: str) -> int:
    """The host's connection waits for its next drain, longer each time; returns which wait in a row it is."""
    async with database.system() as session:
        return await _extend_host_backoff(session, lease, host_id, code=code)


async def _extend_host_backoff(session: AsyncSession, lease: Lease, host_id: str, *, code: str) -> int:
    mine = (Connection.host_id == host_id, Connection.org_id == lease.org_id)
    count = (await session.scalar(select(Connection.fault_count).where(*mine)) or 0) + 1
    wait = host_wait(count, random.random())  # noqa: S311 -- jitter
    until = func.clock_timestamp() + literal(timedelta(seconds=wait))
    backoff = {"fault_code": code, "fault_count": count, "fault_until": until}
    await _store_host_backoff(session, backoff, *mine)
    return count


async def clear_host_backoff(session: AsyncSession, host_id: str) -> None:
    """The host's drain, or a query of its org, went well."""
    is_backing_off = (Connection.host_id == host_id, Connection.fault_code.is_not(None))
    await _store_host_backoff(session, NO_HOST_BACKOFF, *is_backing_off)


async def _store_host_backoff(
    session: AsyncSession, backoff: Mapping[str, Any], *where: ColumnElement[bool]
) -> None:
    values = {**backoff, "version": Connection.version + 1}
    await session.execute(update(Connection).where(*where).values(values))
