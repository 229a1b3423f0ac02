"""The lists of hosts and events."""

from datetime import datetime
from typing import Final

from pydantic import BaseModel
from sqlalchemy import and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.api.auth import Principal, Role
from app.api.pagination import Cursor, SortOrder
from app.models import CampaignLink, Connection, Event, Host
from app.states import ConnectionState

STARTS_AT = func.coalesce(Event.starts_at, Event.created_at)
ORDER: Final = SortOrder(Cursor("events", (datetime, str)), (STARTS_AT, Event.event_id))


class HostListed(BaseModel):
    """A host that the caller has a role on; `name` is null before anything came in for it."""

    id: str
    name: str | None
    role: Role
    connection_state: str


class HostList(BaseModel):
    """Every host of the caller's token, by id; `is_operations`: whether the token opens `/ops`."""

    items: list[HostListed]
    is_operations: bool


class EventListed(BaseModel):
    """An event in short; `campaign_name` is null where none is linked."""

    id: str
    title: str
    starts_at: datetime | None
    timezone: str
    is_cancelled: bool
    is_paused: bool
    campaign_name: str | None


class EventList(BaseModel):
    """One page of a host's events, the latest start first."""

    items: list[EventListed]
    next_cursor: str | None


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
    query = (
        select(Event, STARTS_AT, CampaignLink.campaign_name)
        .outerjoin(
            CampaignLink,
            and_(CampaignLink.host_id == Event.host_id, CampaignLink.event_id == Event.event_id),
        )
        .where(Event.host_id == host_id)
    )
    found = (await session.execute(ORDER.page(query, limit=limit, cursor=cursor))).all()
    page, next_cursor = ORDER.cut(found, limit=limit, keys=lambda row: (row[1], row[0].event_id))
    return EventList(
        items=[_listed(event, campaign_name) for event, _, campaign_name in page], next_cursor=next_cursor
    )


def _listed(event: Event, campaign_name: str | None) -> EventListed:
    return EventListed(
        id=event.event_id,
        title=event.title,
        starts_at=event.starts_at,
        timezone=event.timezone,
        is_cancelled=event.is_cancelled,
        is_paused=event.paused_at is not None,
        campaign_name=campaign_name,
    )
