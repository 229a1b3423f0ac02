"""Salesforce keeps five approvals per user and app; a sixth ends the oldest. Counted here over living grants.

https://help.salesforce.com/s/articleView?id=sf.remoteaccess_request_manage.htm
"""

from typing import Final

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.advice import Advice
from app.connections.advice import explain
from app.models import Connection
from app.problems import ApprovalNeedsConfirmation, ApprovalsExhausted
from app.settings import Settings

LIMIT: Final = 5
WARN_FROM: Final = 4

GrantKey = tuple[str, str, str]
"""Org, Salesforce user and app."""


async def count_approvals(session: AsyncSession, key: GrantKey) -> int:
    """Living connections of all hosts that share org, user and app (a system session sees them all)."""
    counted = select(func.count()).select_from(Connection).where(*_shares(key))
    return await session.scalar(counted) or 0


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
    newer = (
        select(func.count())
        .select_from(Connection)
        .where(*_shares(key), Connection.host_id != connection.host_id)
        .where(Connection.connected_at > connection.connected_at)
    )
    return (await session.scalar(newer) or 0) >= LIMIT


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


def _shares(key: GrantKey) -> tuple[ColumnElement[bool], ...]:
    org_id, user_id, client_id = key
    return (
        Connection.org_id == org_id,
        Connection.user_id == user_id,
        Connection.client_id == client_id,
        Connection.state == "connected",
    )
