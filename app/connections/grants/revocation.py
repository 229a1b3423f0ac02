"""Revoke grants: queued in the transaction that deletes them, sent after it, retried while Salesforce is
away.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import uuid4

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.api.dependencies import Resources
from app.connections.model.encrypted_columns import REVOKED_TOKEN, open_or_log
from app.connections.model.login_urls import common_login_url
from app.infrastructure.database import NOW
from app.infrastructure.encryption import Encryptor
from app.models import PendingRevocation
from app.salesforce import oauth
from app.salesforce.allowed_hosts import HostNotAllowed, check_login_host
from app.salesforce.oauth import OAuthError, OAuthRejected

log = logging.getLogger(__name__)

MANY = 50
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=6)
GIVE_UP_AFTER = 60
"""Two weeks of trying every six hours: an idle refresh token is about to die by itself (30 days)."""


@dataclass(frozen=True)
class Revocation:
    """One token to revoke at the host it was issued by."""

    row: PendingRevocation
    token: str = field(repr=False)


async def queue_revocation(
    session: AsyncSession, vault: Encryptor, host_id: str, *, login_url: str, token: str
) -> Revocation:
    """Remember in the caller's transaction that `token` must go; pass the answer to `try_revoke` after it."""
    row = PendingRevocation(
        host_id=host_id,
        revocation_id=f"rev_{uuid4().hex}",
        login_url=login_url,
        token=vault.seal(token, host_id=host_id, column=REVOKED_TOKEN),
        attempts=0,
        due_at=NOW + FIRST_WAIT,
    )
    session.add(row)
    await session.flush()
    return Revocation(row, token)


async def try_revoke(resources: Resources, revocation: Revocation) -> bool:
    """Revoke now, outside any transaction; on failure the row waits for its next turn."""
    is_done = await _is_revoked(resources, revocation)
    row = revocation.row
    mine = (PendingRevocation.host_id == row.host_id, PendingRevocation.revocation_id == row.revocation_id)
    async with resources.database.system() as session:
        if is_done:
            await session.execute(delete(PendingRevocation).where(*mine))
        else:
            wait = min(FIRST_WAIT * 2 ** min(row.attempts + 1, 16), LONGEST_WAIT)
            changed = {"attempts": PendingRevocation.attempts + 1, "due_at": NOW + wait}
            await session.execute(update(PendingRevocation).where(*mine).values(changed))
    return is_done


async def revoke_all(resources: Resources, revocations: Iterable[Revocation]) -> int:
    """Revoke at Salesforce, outside any transaction; returns how many are done; others are retried."""
    return sum([await try_revoke(resources, revocation) for revocation in revocations])


async def retry_revocations(resources: Resources) -> int:
    """Send every due revocation (a periodic task); returns how many are done."""
    return await revoke_all(resources, await _due(resources))


async def _is_revoked(resources: Resources, revocation: Revocation) -> bool:
    try:
        base = check_login_host(revocation.row.login_url, extra=resources.settings.extra_hosts)
        await _revoke(resources, base, revocation.token)
    except OAuthRejected as error:
        # A complete no means that the token is dead already; anything else may pass.
        return error.http_status == 400 or _gives_up(revocation)
    except (OAuthError, HostNotAllowed) as error:
        log.warning("revocation_failed", extra={"error": type(error).__name__})
        return _gives_up(revocation)
    return True


async def _revoke(resources: Resources, base: str, token: str) -> None:
    """Revoke there; at the common login host where an org has left the My Domain of its sign-in."""
    try:
        await oauth.revoke(resources.http, base, token)
    except OAuthRejected as error:
        common = common_login_url(resources.settings, base)
        if common == base or not error.is_elsewhere:
            raise
        await oauth.revoke(resources.http, common, token)


def _gives_up(revocation: Revocation) -> bool:
    return revocation.row.attempts >= GIVE_UP_AFTER


async def _due(resources: Resources) -> list[Revocation]:
    async with resources.database.system() as session:
        due = PendingRevocation.due_at <= NOW
        rows = await session.scalars(
            select(PendingRevocation).where(due).order_by(PendingRevocation.due_at).limit(MANY)
        )
        return [
            Revocation(row, token) for row in rows if (token := _token_of(resources.vault, row)) is not None
        ]


def _token_of(vault: Encryptor, row: PendingRevocation) -> str | None:
    return open_or_log(
        vault, row.token, host_id=row.host_id, column=REVOKED_TOKEN, event="revocation_unreadable"
    )
