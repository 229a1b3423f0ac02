"""Disconnecting: the credentials are gone at once, the grant as soon as Salesforce can be told."""

import logging

from sqlalchemy import func, update
from sqlalchemy.ext.asyncio import AsyncSession

from app import audit
from app.connections.hosts import lock_host
from app.connections.revocations import Revocation, queue_revocation, try_revoke
from app.connections.sealing import REFRESH_TOKEN
from app.models import Connection
from app.problems import NotConnected
from app.resources import Resources
from app.vault import KeyMissing, SealBroken

log = logging.getLogger(__name__)


async def disconnect_host(resources: Resources, host_id: str, *, user_id: str) -> None:
    """Forget the grant and revoke it; what was synced stays. Doing it twice changes nothing.

    Raises NotConnected for a host that never connected.
    """
    async with resources.database.tenant(host_id) as session:
        await lock_host(session, host_id)
        connection = await session.get(Connection, host_id)
        if connection is None:
            raise NotConnected
        if connection.state == "disconnected":
            return
        revocation = await _outgoing(session, resources, connection)
        await _forget(session, host_id)
        await audit.record(
            session,
            host_id,
            actor=user_id,
            action="salesforce.disconnected",
            details={"org_id": connection.org_id},
        )
    if revocation is not None:
        await try_revoke(resources, revocation)


async def _outgoing(session: AsyncSession, resources: Resources, connection: Connection) -> Revocation | None:
    if connection.refresh_token is None:
        return None
    try:
        token = resources.vault.open(
            connection.refresh_token, host_id=connection.host_id, column=REFRESH_TOKEN
        )
    except (SealBroken, KeyMissing) as error:
        # What cannot be read cannot be revoked; it must not keep the host from disconnecting.
        log.error("grant_unreadable", extra={"host_id": connection.host_id, "error": type(error).__name__})
        return None
    return await queue_revocation(
        session, resources.vault, connection.host_id, login_url=connection.login_url, token=token
    )


async def _forget(session: AsyncSession, host_id: str) -> None:
    gone = ("access_token", "refresh_token", "user_id", "username", "user_name", "identity_url", "scope")
    await session.execute(
        update(Connection)
        .where(Connection.host_id == host_id)
        .values(
            **dict.fromkeys(gone),
            state="disconnected",
            state_since=func.clock_timestamp(),
            reason_code="disconnected_by_host",
            refresh_started_at=None,
            token_version=Connection.token_version + 1,
            version=Connection.version + 1,
        )
    )
