"""Pause and resume a host, an event or an org: workers read the gate before they claim a job."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.hosts.rows import connected_orgs, lock_host
from app.infrastructure import audit_log
from app.models import Connection, Event, Host, OrgLease


async def set_host_pause(
    session: AsyncSession,
    host_id: str,
    *,
    is_paused: bool,
    by: str,
    scope: str = "salesforce.",
    details: Mapping[str, str] | None = None,
) -> set[str]:
    """Close or open the host's gate, once; returns the orgs to wake after the commit."""
    host = await lock_host(session, host_id)
    if (host.paused_at is not None) == is_paused:
        return set()
    await session.execute(update(Host).where(Host.host_id == host_id).values(_gate(is_paused, by)))
    await session.execute(
        update(Connection).where(Connection.host_id == host_id).values(version=Connection.version + 1)
    )
    action, about = _action(scope, is_paused), dict(details or {})
    await audit_log.append_entry(session, host_id, actor=by, action=action, details=about)
    if is_paused:
        return set()
    return await connected_orgs(session, host_id)


async def set_event_pause(session: AsyncSession, event: Event, *, is_paused: bool, by: str) -> None:
    """Close or open the event's gate, once."""
    if (event.paused_at is not None) == is_paused:
        return
    host_id, event_id = event.host_id, event.event_id
    key = (Event.host_id == host_id, Event.event_id == event_id)
    await session.execute(update(Event).where(*key).values(_gate(is_paused, by)))
    action = _action("salesforce.event_", is_paused)
    await audit_log.append_entry(session, host_id, actor=by, action=action, details={"event_id": event_id})


async def set_org_pause(
    session: AsyncSession, org_id: str, *, is_paused: bool, by: str, details: Mapping[str, str] | None = None
) -> None:
    """Close or open the org's gate for every host that is connected to it, with an entry at each."""
    values = _gate(is_paused, by)
    lease = insert(OrgLease).values(org_id=org_id, **values)
    await session.execute(lease.on_conflict_do_update(index_elements=[OrgLease.org_id], set_=values))
    hosts = select(Connection.host_id).where(Connection.org_id == org_id).order_by(Connection.host_id)
    action, about = _action("ops.org_", is_paused), dict(details or {})
    for host_id in (await session.scalars(hosts)).all():
        await audit_log.append_entry(session, host_id, actor=by, action=action, details=about)


def _gate(is_paused: bool, by: str) -> dict[str, Any]:
    if not is_paused:
        return {"paused_at": None, "paused_by": None, "resumed_at": func.clock_timestamp()}
    return {"paused_at": func.clock_timestamp(), "paused_by": by}


def _action(scope: str, is_paused: bool) -> str:
    return f"{scope}{'paused' if is_paused else 'resumed'}"
