"""What ends a connection at Salesforce, and opens it again.

The card shows the reason, jobs wait, no data is deleted.
"""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import ColumnElement, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.connections.grants.superseded import delete_superseded
from app.models import Connection, Restore
from app.notifications.facts import connection_restored
from app.salesforce.oauth import OAuthRejected
from app.states import ConnectionState
from app.sync.jobs.gates import NO_HOST_BACKOFF, mark_needs_reconnect

SYSTEM_ACTOR: Final = "system"
GRANT_REVOKING_REASONS: Final = frozenset({"access_revoked", "app_uninstalled", "grant_evicted"})
"""Reasons that end every older grant of the user and app along with this one."""
CREDENTIALS_REJECTED: Final = "credentials_rejected"
RESTORED: Final = "restored"

# error, words in its description, reason code (None: it passes by itself)
# https://help.salesforce.com/s/articleView?id=sf.remoteaccess_oauth_flow_errors.htm
REASONS: Final[tuple[tuple[str, str, str | None], ...]] = (
    ("invalid_grant", "rate exceeded", None),
    ("invalid_grant", "inactive user", "user_inactive"),
    ("invalid_grant", "inactive organization", "org_inactive"),
    ("invalid_grant", "ip restricted", "ip_restricted"),
    ("invalid_grant", "ip not allowed", "ip_restricted"),
    ("invalid_grant", "expired", "access_revoked"),
    ("invalid_grant", "", "access_revoked"),
    ("inactive_user", "", "user_inactive"),
    ("inactive_org", "", "org_inactive"),
    ("app_not_found", "", "app_uninstalled"),
    ("oauth_ec_app_not_found", "", "app_uninstalled"),
    ("oauth_app_blocked", "", "app_blocked"),
    ("oauth_app_access_denied", "", "app_blocked"),
    ("invalid_client", "installed", "app_uninstalled"),
    ("invalid_client", "", CREDENTIALS_REJECTED),
    ("invalid_client_id", "", CREDENTIALS_REJECTED),
    ("unauthorized_client", "", CREDENTIALS_REJECTED),
)


def is_doubtful(refused: OAuthRejected) -> bool:
    """Whether the refusal may be final or temporary: its words are unknown, or the place that knows the grant
    was not asked.
    """
    if refused.is_of_substitute:
        return True
    name, description = refused.error.lower(), refused.description.lower()
    known = (words for error, words, _ in REASONS if error == name == "invalid_grant" and words)
    return name == "invalid_grant" and not any(words in description for words in known)


def disconnect_reason(refused: OAuthRejected) -> str | None:
    """The reason code with which the connection ends; None when trying again may help."""
    error, description = refused.error.lower(), refused.description.lower()
    matching = (reason for name, words, reason in REASONS if name == error and words in description)
    return next(matching, None)


async def is_of_backup(session: AsyncSession, connection: Connection) -> bool:
    """Whether the token came back with a restored database, and may have been renewed since it was saved."""
    if connection.refreshed_at is not None and not connection.is_rotating:
        return False
    obtained_at = connection.refreshed_at or connection.connected_at
    return bool(await session.scalar(select(exists().where(Restore.restored_at >= obtained_at))))


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


async def reopen(session: AsyncSession, host_id: str, *conditions: ColumnElement[bool]) -> str | None:
    """Connect a closed host again that still has its grant, if `conditions` hold; returns its org then."""
    org_id = await session.scalar(
        update(Connection)
        .where(Connection.host_id == host_id, Connection.state == ConnectionState.NEEDS_RECONNECT)
        .where(Connection.refresh_token.is_not(None), *conditions)
        .values(
            state=ConnectionState.CONNECTED,
            reason_code=None,
            state_since=func.clock_timestamp(),
            **NO_HOST_BACKOFF,
            version=Connection.version + 1,
        )
        .returning(Connection.org_id)
    )
    if org_id is not None:
        await connection_restored(session, host_id)
    return org_id
