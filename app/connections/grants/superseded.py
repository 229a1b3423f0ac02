"""Grants that a newer one of the same user and app superseded."""

import logging
from dataclasses import dataclass, field
from datetime import datetime
from uuid import uuid4

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.connections.grants.approval_limit import (
    LIMIT,
    GrantKey,
    count_active_grants,
    superseded_grants,
    times_of_grants,
)
from app.connections.grants.revocation import Revocation, queue_revocation
from app.connections.model.encrypted_columns import SUPERSEDED_TOKEN
from app.infrastructure.encryption import DecryptionFailed, Encryptor, KeyMissing
from app.models import SupersededGrant

log = logging.getLogger(__name__)


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


async def revoke_superseded(session: AsyncSession, vault: Encryptor, host_id: str) -> list[Revocation]:
    """Queue the revocation of all that the host left, in the caller's transaction."""
    gone = await session.scalars(
        delete(SupersededGrant).where(SupersededGrant.host_id == host_id).returning(SupersededGrant)
    )
    return [
        await queue_revocation(session, vault, host_id, login_url=row.login_url, token=token)
        for row in gone.all()
        if (token := _opened(vault, row)) is not None
    ]


async def delete_superseded(session: AsyncSession, host_id: str) -> None:
    """Salesforce ended them together with the connection that replaced them."""
    await session.execute(delete(SupersededGrant).where(SupersededGrant.host_id == host_id))


async def delete_evicted(session: AsyncSession, key: GrantKey) -> None:
    """Delete the grants older than the five newest of a user and app: Salesforce has ended them."""
    granted = times_of_grants(key)
    newest_first = select(granted.c.granted_at).order_by(granted.c.granted_at.desc())
    oldest_kept = newest_first.offset(LIMIT - 1).limit(1).scalar_subquery()
    await session.execute(
        delete(SupersededGrant).where(*superseded_grants(key), SupersededGrant.granted_at < oldest_kept)
    )


def _opened(vault: Encryptor, row: SupersededGrant) -> str | None:
    try:
        return vault.open(row.token, host_id=row.host_id, column=SUPERSEDED_TOKEN)
    except (DecryptionFailed, KeyMissing) as error:
        log.error("grant_unreadable", extra={"host_id": row.host_id, "error": type(error).__name__})
        return None
