"""How a connection ends by Salesforce's word: the card says why, work waits, nothing is thrown away."""

import logging
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import func, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.connections.grants.superseded import delete_superseded
from app.infrastructure import audit_log
from app.models import Connection

log = logging.getLogger(__name__)

SYSTEM_ACTOR: Final = "system"
GRANT_REVOKING_REASONS: Final = frozenset({"access_revoked", "app_uninstalled", "grant_evicted"})
"""Reasons that end every older grant of the user and app along with this one."""


NO_FAULT: Final[dict[str, Any]] = {"fault_code": None, "fault_count": 0, "fault_until": None}


async def disconnect_by_salesforce(
    session: AsyncSession,
    host_id: str,
    *,
    reason_code: str,
    token_version: int | None = None,
    details: Mapping[str, Any] | None = None,
) -> bool:
    """Set `needs_reconnect` in the caller's transaction; says whether the connection was still connected.

    With `token_version`, only while that version is the stored one: a newer grant is not ended by an old no.
    """
    is_current = () if token_version is None else (Connection.token_version == token_version,)
    ended = await session.execute(
        update(Connection)
        .where(Connection.host_id == host_id, Connection.state == "connected", *is_current)
        .values(
            state="needs_reconnect",
            reason_code=reason_code,
            state_since=func.clock_timestamp(),
            refresh_started_at=None,
            **NO_FAULT,
            version=Connection.version + 1,
        )
        .returning(Connection.org_id)
    )
    org_id = ended.scalar()
    if org_id is None:
        return False
    if reason_code in GRANT_REVOKING_REASONS:
        await delete_superseded(session, host_id)
    about = {"reason_code": reason_code, "org_id": org_id, **(details or {})}
    await audit_log.append_entry(
        session, host_id, actor=SYSTEM_ACTOR, action="salesforce.connection_ended", details=about
    )
    log.warning("connection_ended", extra={"host_id": host_id, **about})
    return True
