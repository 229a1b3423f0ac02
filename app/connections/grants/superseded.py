"""A host's earlier grants: superseded by a newer one of the same user and app, or revoked."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import uuid4

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.connections.grants.approval_limit import (
    LIMIT,
    GrantKey,
    approval_key,
    count_active_grants,
    holds_grant,
    of_key,
    times_of_grants,
)
from app.connections.grants.revocation import Revocation, queue_revocation
from app.connections.model.encrypted_columns import REFRESH_TOKEN, SUPERSEDED_TOKEN, open_or_log
from app.infrastructure.encryption import Encryptor
from app.models import Connection, SupersededGrant


@dataclass(frozen=True)
class GrantWithToken:
    """A grant that is left in Salesforce; without `granted_at` it was given just now."""

    host_id: str
    key: GrantKey
    login_url: str
    token: str = field(repr=False)
    granted_at: datetime | None = None


async def store_superseded(session: AsyncSession, vault: Encryptor, replaced: GrantWithToken) -> None:
    """Remember it in the caller's transaction."""
    org_id, user_id, client_id = replaced.key
    session.add(
        SupersededGrant(
            host_id=replaced.host_id,
            grant_id=f"grant_{uuid4().hex}",
            org_id=org_id,
            user_id=user_id,
            client_id=client_id,
            login_url=replaced.login_url,
            token=vault.seal(replaced.token, host_id=replaced.host_id, column=SUPERSEDED_TOKEN),
            granted_at=replaced.granted_at or func.clock_timestamp(),
        )
    )
    await session.flush()


async def give_back(session: AsyncSession, vault: Encryptor, unused: GrantWithToken) -> list[Revocation]:
    """A grant that is not kept: its revocation is queued. While another of its user and app lives, or waits
    to be confirmed, it is left where it is, as that one might go with it.
    """
    if not await count_active_grants(session, unused.key):
        about = {"login_url": unused.login_url, "token": unused.token}
        return [await queue_revocation(session, vault, unused.host_id, **about)]
    await store_superseded(session, vault, unused)
    await delete_evicted(session, unused.key)
    return []


async def revoke_previous(
    session: AsyncSession, vault: Encryptor, connection: Connection
) -> list[Revocation]:
    """Queue the revocation of the host's grant and of what it left before; revoke them after the commit."""
    host_id = connection.host_id
    gone = await session.scalars(
        delete(SupersededGrant).where(SupersededGrant.host_id == host_id).returning(SupersededGrant)
    )
    opened = [
        (row.login_url, open_or_log(vault, row.token, host_id=host_id, column=SUPERSEDED_TOKEN))
        for row in gone.all()
    ]
    opened.append((connection.login_url, _refresh_token(vault, connection)))
    return [
        await queue_revocation(session, vault, host_id, login_url=login_url, token=token)
        for login_url, token in opened
        if token is not None
    ]


async def replace_grant(
    session: AsyncSession, vault: Encryptor, connection: Connection, *, key: GrantKey, refresh_token: str
) -> list[Revocation]:
    """Revoke the old grant if it is another user's, org's or app's.

    Within one user and app Salesforce may end the new grant (`key`, `refresh_token`) with it, so there the
    old one is only superseded.
    """
    if approval_key(connection) != key:
        return await revoke_previous(session, vault, connection)
    old = _refresh_token(vault, connection)
    if holds_grant(connection) and old is not None and old != refresh_token:
        about = (connection.host_id, key, connection.login_url, old, connection.connected_at)
        await store_superseded(session, vault, GrantWithToken(*about))
    return []


async def delete_superseded(session: AsyncSession, host_id: str) -> None:
    """Salesforce ended them together with the connection that replaced them."""
    await session.execute(delete(SupersededGrant).where(SupersededGrant.host_id == host_id))


async def delete_evicted(session: AsyncSession, key: GrantKey) -> None:
    """Delete the grants older than the five newest of a user and app: Salesforce has ended them."""
    granted = times_of_grants(key)
    newest_first = select(granted.c.granted_at).order_by(granted.c.granted_at.desc())
    oldest_kept = newest_first.offset(LIMIT - 1).limit(1).scalar_subquery()
    await session.execute(
        delete(SupersededGrant).where(of_key(SupersededGrant, key), SupersededGrant.granted_at < oldest_kept)
    )


def _refresh_token(vault: Encryptor, connection: Connection) -> str | None:
    if connection.refresh_token is None:
        return None
    return open_or_log(vault, connection.refresh_token, host_id=connection.host_id, column=REFRESH_TOKEN)
