"""Refresh idle grants: Salesforce ends a grant whose refresh token is unused for 30 days.

https://help.salesforce.com/s/articleView?id=sf.connected_app_manage_oauth.htm
"""

import logging
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, func, select

from app.api.dependencies import Resources
from app.api.errors import Problem
from app.connections.oauth.grant_exchange import may_read_identity
from app.connections.service import open_client
from app.connections.tokens.provider import ConnectionTokens
from app.connections.tokens.refresh import is_answer_lost
from app.models import Connection
from app.salesforce.errors import SalesforceError
from app.states import ConnectionState

log = logging.getLogger(__name__)

MANY: Final = 50


async def keep_alive(resources: Resources, now: datetime | None = None) -> int:
    """Refresh the grants without a refresh in the `times.keep_alive_days` before `now`; returns how many.

    An error of one host is logged and does not stop the others.
    """
    idle_since = (now or datetime.now(UTC)) - timedelta(days=resources.settings.times.keep_alive_days)
    refreshed = 0
    for host_id in await _idle(resources, idle_since, Connection.refresh_started_at.is_(None)):
        refreshed += await _refresh(resources, host_id)
    for host_id in await _idle(resources, idle_since, is_answer_lost(resources.settings)):
        await _probe(resources, host_id)
    return refreshed


async def _idle(resources: Resources, since: datetime, condition: ColumnElement[bool]) -> list[str]:
    refreshed_at = func.coalesce(Connection.refreshed_at, Connection.connected_at)
    async with resources.database.system() as session:
        found = await session.scalars(
            select(Connection.host_id)
            .where(Connection.state == ConnectionState.CONNECTED, refreshed_at < since, condition)
            .order_by(refreshed_at)
            .limit(MANY)
        )
        return list(found)


async def _refresh(resources: Resources, host_id: str) -> bool:
    try:
        return await ConnectionTokens(resources, host_id).keep_alive()
    except SalesforceError as error:
        log.warning("keep_alive_failed", extra={"host_id": host_id, "error": error.error_code})
        return False


async def _probe(resources: Resources, host_id: str) -> None:
    """After a lost answer the refresh token is not used again while the access token lives: a call that costs
    nothing finds out, and renews by the ordinary way once it is dead.
    """
    async with resources.database.tenant(host_id) as session:
        connection = await session.get(Connection, host_id)
    if connection is None or connection.identity_url is None:
        return
    try:
        client = await open_client(resources, host_id)
        if may_read_identity(connection.scope or ""):
            await client.identity(connection.identity_url)
        else:
            await client.named_identity()
    except (SalesforceError, Problem) as error:
        log.warning("probe_failed", extra={"host_id": host_id, "error": type(error).__name__})
