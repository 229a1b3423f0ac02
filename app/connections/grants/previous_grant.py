"""Revoke or supersede a host's previous grant."""

import logging
from collections.abc import Iterable

from sqlalchemy.ext.asyncio import AsyncSession

from app.api.dependencies import Resources
from app.connections.grants.approval_limit import GrantKey, approval_key, holds_grant
from app.connections.grants.revocation import Revocation, queue_revocation, try_revoke
from app.connections.grants.superseded import GrantWithToken, revoke_superseded, store_superseded
from app.connections.model.encrypted_columns import REFRESH_TOKEN
from app.infrastructure.encryption import DecryptionFailed, Encryptor, KeyMissing
from app.models import Connection

log = logging.getLogger(__name__)


async def revoke_previous(
    session: AsyncSession, vault: Encryptor, connection: Connection
) -> list[Revocation]:
    """Queue the revocation of the host's grant and of what it left before; revoke them after the commit."""
    revocations = await revoke_superseded(session, vault, connection.host_id)
    token = opened_refresh_token(vault, connection)
    if token is not None:
        login_url = connection.login_url
        revocations.append(
            await queue_revocation(session, vault, connection.host_id, login_url=login_url, token=token)
        )
    return revocations


async def replace_grant(
    session: AsyncSession,
    vault: Encryptor,
    connection: Connection,
    *,
    key: GrantKey,
    refresh_token: str | None,
) -> list[Revocation]:
    """Revoke the old grant if it is another user's, org's or app's.

    Within one user and app Salesforce may end the new grant (`key`, `refresh_token`) with it, so there the
    old one is only superseded.
    """
    if approval_key(connection) != key:
        return await revoke_previous(session, vault, connection)
    old = opened_refresh_token(vault, connection)
    if holds_grant(connection) and old is not None and old != refresh_token:
        about = (connection.host_id, key, connection.login_url, old, connection.connected_at)
        await store_superseded(session, vault, GrantWithToken(*about))
    return []


async def revoke_all(resources: Resources, revocations: Iterable[Revocation]) -> None:
    """Revoke at Salesforce, outside any transaction; failures are retried later."""
    for revocation in revocations:
        await try_revoke(resources, revocation)


def opened_refresh_token(vault: Encryptor, connection: Connection) -> str | None:
    """The stored refresh token. What cannot be read cannot be revoked; it must not stop anybody."""
    if connection.refresh_token is None:
        return None
    try:
        return vault.open(connection.refresh_token, host_id=connection.host_id, column=REFRESH_TOKEN)
    except (DecryptionFailed, KeyMissing) as error:
        log.error("grant_unreadable", extra={"host_id": connection.host_id, "error": type(error).__name__})
        return None
