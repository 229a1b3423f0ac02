"""What ends a connection at Salesforce: the card shows the reason, jobs wait, no data is deleted."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from app.connections.grants.superseded import delete_superseded
from app.models import Connection
from app.sync.jobs.gates import mark_needs_reconnect

SYSTEM_ACTOR: Final = "system"
GRANT_REVOKING_REASONS: Final = frozenset({"access_revoked", "app_uninstalled", "grant_evicted"})
"""Reasons that end every older grant of the user and app along with this one."""


async def disconnect_by_salesforce(
    session: AsyncSession,
    host_id: str,
    *,
    reason_code: str,
    token_version: int | None = None,
    details: Mapping[str, Any] | None = None,
) -> bool:
    """Set `needs_reconnect`, by the refusal of a refresh of `token_version` or of a call where there is none.

    The refresh is answered, so its mark goes; that of one which is still under way stays, as its answer may
    bring a new token. Says whether the connection was still connected.
    """
    has_ended = await mark_needs_reconnect(
        session, host_id, reason_code=reason_code, token_version=token_version, details=details
    )
    if has_ended and token_version is not None:
        await session.execute(
            update(Connection).where(Connection.host_id == host_id).values(refresh_started_at=None)
        )
    if has_ended and reason_code in GRANT_REVOKING_REASONS:
        await delete_superseded(session, host_id)
    return has_ended
