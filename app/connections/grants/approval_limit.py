"""Count approvals over all hosts: Salesforce keeps five per user and app, and a sixth ends the oldest.

A grant counts before it is confirmed, while its connection is active, and after a newer one of the same host,
user and app superseded it.

https://help.salesforce.com/s/articleView?id=sf.remoteaccess_request_manage.htm
"""

from typing import Final

from sqlalchemy import ColumnElement, Subquery, and_, func, or_, select, text, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from app.config.settings import Settings
from app.connections.model.messages import explain
from app.connections.model.schemas import Approvals
from app.models import Connection, SupersededGrant, UnconfirmedGrant
from app.states import ConnectionState
from app.user_messages.rows import Advice

LIMIT: Final = 5
WARN_FROM: Final = 4
WARNINGS: Final = {4: "fourth_approval", 5: "fifth_approval", 6: "sixth_approval"}

LOCK_KEY: Final = text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 11))")

GrantKey = tuple[str, str, str]
"""Org, Salesforce user and app."""
GrantTable = Connection | UnconfirmedGrant | SupersededGrant

GRANT_STILL_HELD: Final = frozenset(
    {"api_disabled", "ip_restricted", "session_not_for_api", "credentials_rejected", "app_blocked"}
)
"""Reasons that keep a connection from working while its grant stands in Salesforce."""


def approval_key(connection: Connection) -> tuple[str, str | None, str]:
    """What Salesforce counts the connection's grant under; the user is None after a disconnect."""
    return connection.org_id, connection.user_id, connection.client_id


def holds_grant(connection: Connection) -> bool:
    """Whether Salesforce still has the connection's grant, as far as we know."""
    is_closed_only = (
        connection.state == ConnectionState.NEEDS_RECONNECT and connection.reason_code in GRANT_STILL_HELD
    )
    return connection.state == ConnectionState.CONNECTED or is_closed_only


async def lock_key(session: AsyncSession, key: GrantKey) -> None:
    """Let those who count the approvals of one key go one after another, until the transaction ends."""
    await session.execute(LOCK_KEY, {"key": " ".join(key)})


async def count_active_grants(session: AsyncSession, key: GrantKey) -> int:
    """Grants of this key that connections of all hosts live by, or may as soon as they are confirmed."""
    connected = select(func.count()).select_from(Connection).where(active_grants(key))
    unconfirmed = select(func.count()).select_from(UnconfirmedGrant).where(of_key(UnconfirmedGrant, key))
    return (await session.scalar(connected) or 0) + (await session.scalar(unconfirmed) or 0)


async def count_approvals(session: AsyncSession, key: GrantKey) -> int:
    """Return the number of approvals that Salesforce counts for this key: active and superseded grants."""
    counted = select(func.count()).select_from(times_of_grants(key))
    return min(await session.scalar(counted) or 0, LIMIT)


async def likely_key(session: AsyncSession, host_id: str, *, user_id: str, client_id: str) -> GrantKey | None:
    """Guess who will sign in: this host's connected user, else the user that the caller connected last."""
    own = await _key_where(session, Connection.host_id == host_id)
    if own is None:
        own = await _key_where(session, Connection.connected_by == user_id)
    return own if own is not None and own[2] == client_id else None


def warnings_of(settings: Settings, number: int) -> list[Advice]:
    """Return the warnings for the approval with this number, among those of one user and app."""
    if number < WARN_FROM:
        return []
    return [explain(settings, WARNINGS[min(number, LIMIT + 1)])]


def approvals_view(count: int) -> Approvals:
    """The approvals in use, as a card and an attempt show them."""
    return Approvals(count=count, limit=LIMIT, is_warning=count >= WARN_FROM)


async def was_evicted(session: AsyncSession, connection: Connection) -> bool:
    """Whether five newer grants of the same user and app explain that this one is no longer accepted."""
    if connection.user_id is None:
        return False
    key = (connection.org_id, connection.user_id, connection.client_id)
    since = connection.connected_at
    granted = times_of_grants(key)
    newer = select(func.count()).select_from(granted).where(granted.c.granted_at > since)
    return (await session.scalar(newer) or 0) >= LIMIT


async def hosts_beyond_the_limit(session: AsyncSession, key: GrantKey) -> list[str]:
    """The hosts that live by an older grant of this key than the five newest, as far as we know."""
    granted = times_of_grants(key)
    is_newer = granted.c.granted_at > Connection.connected_at
    newer = select(func.count()).select_from(granted).where(is_newer).scalar_subquery()
    found = await session.scalars(
        select(Connection.host_id).where(
            active_grants(key), Connection.state == ConnectionState.CONNECTED, newer >= LIMIT
        )
    )
    return list(found)


def times_of_grants(key: GrantKey) -> Subquery:
    """When each grant of this key was given that Salesforce may still have (for a system session)."""
    return union_all(
        select(Connection.connected_at.label("granted_at")).where(active_grants(key)),
        select(UnconfirmedGrant.granted_at).where(of_key(UnconfirmedGrant, key)),
        select(SupersededGrant.granted_at).where(of_key(SupersededGrant, key)),
    ).subquery()


async def _key_where(session: AsyncSession, condition: ColumnElement[bool]) -> GrantKey | None:
    row = (
        await session.execute(
            select(Connection.org_id, Connection.user_id, Connection.client_id)
            .where(condition, Connection.user_id.is_not(None))
            .order_by(Connection.connected_at.desc())
            .limit(1)
        )
    ).one_or_none()
    return None if row is None or row.user_id is None else (row.org_id, row.user_id, row.client_id)


def active_grants(key: GrantKey) -> ColumnElement[bool]:
    """The condition on Connection that it holds a grant of this key."""
    is_closed_only = and_(
        Connection.state == ConnectionState.NEEDS_RECONNECT, Connection.reason_code.in_(GRANT_STILL_HELD)
    )
    return of_key(Connection, key) & or_(Connection.state == ConnectionState.CONNECTED, is_closed_only)


def of_key(table: type[GrantTable], key: GrantKey) -> ColumnElement[bool]:
    """The condition that a row of the table is about this key."""
    org_id, user_id, client_id = key
    return and_(table.org_id == org_id, table.user_id == user_id, table.client_id == client_id)
