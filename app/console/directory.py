"""Reads the lists of hosts and events."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, literal, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from app.api.auth import Principal
from app.api.errors import CursorInvalid
from app.api.pagination import decode_cursor, encode_cursor
from app.console.schemas import EventList, EventListed, HostList, HostListed
from app.models import CampaignLink, Connection, Event, Host
from app.states import ConnectionState

CURSOR = "events"
STARTS_AT = func.coalesce(Event.starts_at, Event.created_at)


async def list_hosts(session: AsyncSession, principal: Principal, *, is_configured: bool) -> HostList:
    """The hosts of the caller's token, known here or not. `session` is the system's: it names them all."""
    ids = sorted(principal.roles)
    names = dict((await session.execute(select(Host.host_id, Host.name).where(Host.host_id.in_(ids)))).all())
    connections = select(Connection.host_id, Connection.state).where(Connection.host_id.in_(ids))
    states = dict((await session.execute(connections)).all())
    items = [
        HostListed(
            id=host_id,
            name=names.get(host_id),
            role=principal.roles[host_id],
            connection_state=states.get(host_id, ConnectionState.NOT_CONNECTED)
            if is_configured
            else ConnectionState.NOT_CONFIGURED,
        )
        for host_id in ids
    ]
    return HostList(items=items, is_operations="ops" in principal.scopes)


async def list_events(session: AsyncSession, host_id: str, *, limit: int, cursor: str | None) -> EventList:
    """One page, the latest start first. Raises CursorInvalid."""
    wanted = (
        select(Event, STARTS_AT, CampaignLink.campaign_name)
        .outerjoin(
            CampaignLink,
            and_(CampaignLink.host_id == Event.host_id, CampaignLink.event_id == Event.event_id),
        )
        .where(Event.host_id == host_id)
        .order_by(STARTS_AT.desc(), Event.event_id.desc())
        .limit(limit + 1)
    )
    if cursor is not None:
        wanted = wanted.where(tuple_(STARTS_AT, Event.event_id) < _last_seen(cursor))
    found = (await session.execute(wanted)).all()
    items = [_listed(event, campaign_name) for event, _, campaign_name in found[:limit]]
    if len(found) <= limit:
        return EventList(items=items, next_cursor=None)
    event, starts_at, _ = found[limit - 1]
    return EventList(items=items, next_cursor=encode_cursor(CURSOR, [starts_at.isoformat(), event.event_id]))


def _listed(event: Event, campaign_name: str | None) -> EventListed:
    return EventListed(
        id=event.event_id,
        title=event.title,
        starts_at=event.starts_at,
        is_cancelled=event.is_cancelled,
        is_paused=event.paused_at is not None,
        campaign_name=campaign_name,
    )


def _last_seen(cursor: str) -> ColumnElement[Any]:
    starts_at, event_id = decode_cursor(cursor, CURSOR, width=2)
    try:
        at = datetime.fromisoformat(starts_at)
    except ValueError:
        raise CursorInvalid from None
    if at.tzinfo is None:
        raise CursorInvalid
    return tuple_(literal(at), literal(event_id))
