"""Disconnect a host: delete its credentials at once, and revoke the grant when Salesforce can be reached."""

from sqlalchemy import func, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.api.dependencies import Resources
from app.api.errors import NotConnected
from app.connections.grants.revocation import revoke_all
from app.connections.grants.superseded import revoke_previous
from app.hosts.rows import lock_host
from app.infrastructure import audit_log
from app.models import Connection
from app.states import ConnectionState


async def disconnect_host(resources: Resources, host_id: str, *, user_id: str) -> None:
    """Forget the grant and revoke it, with those that it replaced; what was synced stays.

    Doing it twice changes nothing. Raises NotConnected for a host that never connected.
    """
    async with resources.database.tenant(host_id) as session:
        await lock_host(session, host_id)
        connection = await session.get(Connection, host_id)
        if connection is None:
            raise NotConnected
        if connection.state == ConnectionState.DISCONNECTED:
            return
        revocations = await revoke_previous(session, resources.vault, connection)
        await _forget(session, host_id)
        await audit_log.append_entry(
            session,
            host_id,
            actor=user_id,
            action="salesforce.disconnected",
            details={"org_id": connection.org_id},
        )
    await revoke_all(resources, revocations)


async def _forget(session: AsyncSession, host_id: str) -> None:
    gone = ("access_token", "refresh_token", "user_id", "username", "user_name", "identity_url", "scope")
    await session.execute(
        update(Connection)
        .where(Connection.host_id == host_id)
        .values(
            **dict.fromkeys(gone),
            state=ConnectionState.DISCONNECTED,
            state_since=func.clock_timestamp(),
            reason_code="disconnected_by_host",
            refresh_started_at=None,
            token_version=Connection.token_version + 1,
            version=Connection.version + 1,
        )
    )
