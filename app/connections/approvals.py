"""Salesforce keeps five approvals per user and app; a sixth ends the oldest. Counted here over all hosts.

A grant counts while its connection lives, and after a newer one of the same host, user and app replaced it.

https://help.salesforce.com/s/articleView?id=sf.remoteaccess_request_manage.htm
"""

from typing import Final

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.advice.table import Advice
from app.connections.advice import explain
from app.models import Connection, LeftGrant
from app.problems import ApprovalNeedsConfirmation, ApprovalsExhausted
from app.settings import Settings

LIMIT: Final = 5
WARN_FROM: Final = 4

GrantKey = tuple[str, str, str]
"""Org, Salesforce user and app."""


HOLDING: Final = frozenset(
    {"api_disabled", "ip_restricted", "session_not_for_api", "credentials_rejected", "app_blocked"}
)
"""Reasons that keep a connection from working while its grant stands in Salesforce."""


def key_of(connection: Connection) -> tuple[str, str | None, str]:
    """What Salesforce counts the connection's grant under; the user is None after a disconnect."""
    return connection.org_id, connection.user_id, connection.client_id


def holds_grant(connection: Connection) -> bool:
    """Whether Salesforce still has the connection's grant, as far as we know."""
    is_closed_only = connection.state == "needs_reconnect" and connection.reason_code in HOLDING
    return connection.state == "connected" or is_closed_only


async def count_living(session: AsyncSession, key: GrantKey) -> int:
    """Connections of all hosts that live by a grant of this key (a system session sees them all)."""
    return await session.scalar(select(func.count()).select_from(Connection).where(*living_ones(key))) or 0


async def count_approvals(session: AsyncSession, key: GrantKey) -> int:
    """The approvals that Salesforce counts under this key: living ones and those that were replaced."""
    left = select(func.count()).select_from(LeftGrant).where(*left_ones(key))
    return min(await count_living(session, key) + (await session.scalar(left) or 0), LIMIT)


async def likely_key(session: AsyncSession, host_id: str, *, user_id: str, client_id: str) -> GrantKey | None:
    """Who will probably sign in: the user of this host's connection, else the one that the caller connected
    last anywhere. Before the sign-in nobody can know better.
    """
    own = await _key_where(session, Connection.host_id == host_id)
    if own is None:
        own = await _key_where(session, Connection.connected_by == user_id)
    return own if own is not None and own[2] == client_id else None


def judge(settings: Settings, count: int, *, is_confirmed: bool) -> list[Advice]:
    """What to say before one more approval. Raises ApprovalNeedsConfirmation, ApprovalsExhausted."""
    if count >= LIMIT:
        raise ApprovalsExhausted(advice=explain(settings, "approvals_exhausted"))
    if count < WARN_FROM - 1:
        return []
    if count < LIMIT - 1:
        return [explain(settings, "fourth_approval")]
    advice = explain(settings, "fifth_approval")
    if not is_confirmed:
        raise ApprovalNeedsConfirmation(advice=advice)
    return [advice]


async def was_evicted(session: AsyncSession, connection: Connection) -> bool:
    """Whether five newer grants of the same user and app explain that this one is no longer accepted."""
    if connection.user_id is None:
        return False
    key = (connection.org_id, connection.user_id, connection.client_id)
    since = connection.connected_at
    newer = (
        select(func.count())
        .select_from(Connection)
        .where(*living_ones(key), Connection.host_id != connection.host_id, Connection.connected_at > since)
    )
    left = select(func.count()).select_from(LeftGrant).where(*left_ones(key), LeftGrant.granted_at > since)
    return (await session.scalar(newer) or 0) + (await session.scalar(left) or 0) >= LIMIT


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


def living_ones(key: GrantKey) -> tuple[ColumnElement[bool], ...]:
    """Conditions on Connection: it holds a grant of this key."""
    org_id, user_id, client_id = key
    is_closed_only = and_(Connection.state == "needs_reconnect", Connection.reason_code.in_(HOLDING))
    return (
        Connection.org_id == org_id,
        Connection.user_id == user_id,
        Connection.client_id == client_id,
        or_(Connection.state == "connected", is_closed_only),
    )


def left_ones(key: GrantKey) -> tuple[ColumnElement[bool], ...]:
    """Conditions on LeftGrant: it is of this key."""
    org_id, user_id, client_id = key
    return LeftGrant.org_id == org_id, LeftGrant.user_id == user_id, LeftGrant.client_id == client_id
