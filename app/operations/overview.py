"""What operations see first: backlog, trouble, budgets, workers, failures; across hosts, in few queries."""

from datetime import datetime
from typing import TypeVar

from pydantic import BaseModel
from sqlalchemy import Executable, extract, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.infrastructure.database import database_now
from app.models import Connection, Host, OrgLease, Quarantined, SyncJob, WorkerHeartbeat
from app.operations.backlog import OURS, read_backlog
from app.operations.concerns import read_concerns
from app.operations.flow import received_in_last_minute
from app.operations.schemas import (
    BudgetShown,
    FailureCount,
    HostFault,
    HostProblem,
    HostToReconnect,
    OrgShown,
    Overview,
    WorkerShown,
)
from app.states import ConnectionState, JobState
from app.sync.lookup.access import AccessProblem

SHOWN_MAX = 100
Shape = TypeVar("Shape", bound=BaseModel)


async def read_overview(session: AsyncSession) -> Overview:
    """All of it, as of the database's clock."""
    now = await database_now(session)
    waiting = await read_backlog(session)
    return Overview(
        backlog=await _backlog(session),
        oldest_due_age_seconds=waiting.oldest(OURS),
        orgs_with_backlog=waiting.orgs(OURS),
        orgs_with_trouble=await _orgs_with_trouble(session, now),
        hosts_to_reconnect=await _hosts_to_reconnect(session),
        host_faults=await _host_faults(session),
        host_problems=await _host_problems(session),
        budgets=await _budgets(session),
        workers=await _workers(session, now),
        failures=await _failures(session),
        stuck_orgs=await _stuck_orgs(session, now),
        quarantined=await session.scalar(select(func.count()).select_from(Quarantined)) or 0,
        concerns=await read_concerns(session, waiting),
        received_last_minute=await received_in_last_minute(session),
        as_of=now,
    )


async def _backlog(session: AsyncSession) -> dict[str, int]:
    query = select(SyncJob.state, func.count()).group_by(SyncJob.state)
    counts = {row[0]: row[1] for row in await session.execute(query)}
    return {state: counts.get(state, 0) for state in JobState}


async def _orgs_with_trouble(session: AsyncSession, now: datetime) -> list[OrgShown]:
    lease = OrgLease
    query = (
        select(
            Connection.org_id,
            func.count(),
            func.array_agg(Connection.state.distinct()),
            func.max(lease.not_before),
            func.max(lease.not_before_reason),
            func.coalesce(func.max(lease.failures), 0),
            func.coalesce(func.bool_or(lease.is_slow), False),
            func.bool_or(lease.paused_at.is_not(None)),
        )
        .outerjoin(lease, lease.org_id == Connection.org_id)
        .group_by(Connection.org_id)
        .having(
            or_(
                func.bool_or(Connection.state == ConnectionState.NEEDS_RECONNECT),
                func.bool_or(or_(lease.failures > 0, lease.is_slow, lease.paused_at.is_not(None))),
                func.max(lease.not_before) > now,
            )
        )
        .order_by(Connection.org_id)
        .limit(SHOWN_MAX)
    )
    return await _read_rows(session, query, OrgShown)


async def _hosts_to_reconnect(session: AsyncSession) -> list[HostToReconnect]:
    query = (
        select(
            Connection.host_id,
            Connection.org_id,
            func.coalesce(Connection.reason_code, "access_revoked"),
            Connection.state_since,
        )
        .where(Connection.state == ConnectionState.NEEDS_RECONNECT)
        .order_by(Connection.state_since, Connection.host_id)
        .limit(SHOWN_MAX)
    )
    return await _read_rows(session, query, HostToReconnect)


async def _host_faults(session: AsyncSession) -> list[HostFault]:
    query = (
        select(
            Connection.host_id,
            Connection.org_id,
            Connection.fault_code,
            Connection.fault_count,
            Connection.fault_until,
        )
        .where(Connection.fault_code.is_not(None))
        .order_by(Connection.fault_count.desc(), Connection.host_id)
        .limit(SHOWN_MAX)
    )
    return await _read_rows(session, query, HostFault)


async def _host_problems(session: AsyncSession) -> list[HostProblem]:
    query = (
        select(Connection.host_id, Connection.org_id, Connection.state_since, Connection.problems)
        .where(
            Connection.state == ConnectionState.CONNECTED, func.jsonb_array_length(Connection.problems) > 0
        )
        .order_by(Connection.host_id)
        .limit(SHOWN_MAX)
    )
    return [
        HostProblem(
            host_id=host_id,
            org_id=org_id,
            code=each.code,
            object=each.sobject,
            field=each.field,
            since=each.since or state_since,
        )
        for host_id, org_id, state_since, problems in await session.execute(query)
        for each in map(AccessProblem.of, problems)
    ]


async def _budgets(session: AsyncSession) -> list[BudgetShown]:
    query = (
        select(
            Connection.host_id,
            Connection.org_id,
            Connection.api_used,
            Connection.api_limit,
            Host.api_cap_percent,
            Connection.api_closed_until,
            Connection.api_measured_at,
        )
        .join(Host, Host.host_id == Connection.host_id)
        .where(Connection.api_used.is_not(None), Connection.api_limit > 0)
        .order_by((Connection.api_used * 100 / Connection.api_limit).desc(), Connection.host_id)
        .limit(SHOWN_MAX)
    )
    return await _read_rows(session, query, BudgetShown)


async def _workers(session: AsyncSession, now: datetime) -> list[WorkerShown]:
    beat = WorkerHeartbeat
    silent_seconds = func.greatest(0, extract("epoch", literal(now) - beat.beat_at))
    query = select(
        beat.worker_id, beat.hostname, beat.pid, beat.started_at, beat.beat_at, silent_seconds,
        beat.is_stopping, beat.drains,
    ).order_by(beat.beat_at.desc())  # fmt: skip
    return await _read_rows(session, query, WorkerShown)


async def _stuck_orgs(session: AsyncSession, now: datetime) -> list[str]:
    running = select(SyncJob.org_id).where(SyncJob.state == JobState.RUNNING).distinct().subquery()
    query = (
        select(running.c.org_id)
        .outerjoin(OrgLease, OrgLease.org_id == running.c.org_id)
        .where(or_(OrgLease.until.is_(None), OrgLease.until <= now))
        .order_by(running.c.org_id)
        .limit(SHOWN_MAX)
    )
    return list(await session.scalars(query))


async def _failures(session: AsyncSession) -> list[FailureCount]:
    query = (
        select(SyncJob.error_class, SyncJob.error_code, func.count())
        .where(SyncJob.state == JobState.FAILED)
        .group_by(SyncJob.error_class, SyncJob.error_code)
        .order_by(func.count().desc(), SyncJob.error_class, SyncJob.error_code)
        .limit(SHOWN_MAX)
    )
    return await _read_rows(session, query, FailureCount)


async def _read_rows(session: AsyncSession, query: Executable, shape: type[Shape]) -> list[Shape]:
    """Its columns stand in the order of the shape's members."""
    found = await session.execute(query)
    return [shape(**dict(zip(shape.model_fields, row, strict=True))) for row in found]
