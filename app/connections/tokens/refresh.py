"""One refresh of a grant: claimed by a committed marker, sent once, stored before it is used."""

import asyncio
import logging
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, case, func, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from app.api.dependencies import Resources
from app.config.settings import Settings
from app.connections.grants.approval_limit import was_evicted
from app.connections.grants.revocation import queue_revocation
from app.connections.grants.superseded import delete_superseded
from app.connections.model.app_credentials import (
    AppCredentials,
    AppNotConfigured,
    AppUnreadable,
    credentials_for,
)
from app.connections.model.encrypted_columns import ACCESS_TOKEN, REFRESH_TOKEN, UNREADABLE, open_secret
from app.connections.model.login_urls import common_login_url
from app.connections.tokens.connection_state import (
    CREDENTIALS_REJECTED,
    GRANT_REVOKING_REASONS,
    RESTORED,
    disconnect_by_salesforce,
    disconnect_reason,
    is_doubtful,
    is_of_backup,
)
from app.infrastructure.database import database_now
from app.infrastructure.database_errors import is_away
from app.infrastructure.encryption import Encryptor
from app.metrics import OAUTH_REFRESHES
from app.models import Connection
from app.salesforce import oauth
from app.salesforce.allowed_hosts import HostNotAllowed, check_instance_url, check_login_host
from app.salesforce.auth import (
    AccessToken,
    ConnectionEnded,
    ConnectionUnusable,
    GrantDoubted,
    RefreshUnavailable,
)
from app.salesforce.oauth import OAuthNotSent, OAuthRejected, OAuthResponseLost, TokenResponse
from app.states import ConnectionState
from app.sync.jobs.gates import NO_HOST_BACKOFF

log = logging.getLogger(__name__)

GRANT_DOUBTED: Final = "grant_doubted"
DOUBT_WAITS: Final = (60.0, 300.0, 1800.0)
"""Seconds after which a grant is tried again that was refused in words that we do not know."""

STORE_PAUSES: Final = (0.1, 0.3, 1.0, 3.0)


@dataclass(frozen=True)
class RefreshClaim:
    """The right to send one refresh: the version it replaces, and the marker that other processes see."""

    host_id: str
    version: int
    marker: datetime
    login_url: str
    client_id: str
    instance_url: str
    refresh_token: str = field(repr=False)
    state: str = ConnectionState.CONNECTED


async def claim_refresh(
    session: AsyncSession,
    vault: Encryptor,
    host_id: str,
    *,
    where: ColumnElement[bool],
    state: str = ConnectionState.CONNECTED,
) -> RefreshClaim | None:
    """Set the marker in the caller's transaction if the row still matches `where`. Commit, then send.

    Raises ConnectionUnusable.
    """
    claimed = (
        await session.execute(
            update(Connection)
            .where(Connection.host_id == host_id, Connection.state == state, where)
            .values(refresh_started_at=func.clock_timestamp())
            .returning(
                Connection.token_version,
                Connection.refresh_started_at,
                Connection.login_url,
                Connection.client_id,
                Connection.instance_url,
                Connection.refresh_token,
            )
        )
    ).one_or_none()
    if claimed is None:
        return None
    version, marker, login_url, client_id, instance_url, sealed = claimed
    assert marker is not None
    assert sealed is not None
    token = open_secret(vault, sealed, host_id=host_id, column=REFRESH_TOKEN)
    return RefreshClaim(host_id, version, marker, login_url, client_id, instance_url, token, state)


def is_answer_lost(settings: Settings) -> ColumnElement[bool]:
    """The condition that the marker is older than every possible request."""
    stale = timedelta(seconds=settings.times.refresh_stale)
    return func.clock_timestamp() - Connection.refresh_started_at > stale


async def perform_refresh(resources: Resources, claim: RefreshClaim) -> AccessToken | None:
    """Send the claimed refresh and store its outcome; None when the row has moved on meanwhile.

    Raises `ConnectionEnded` for a lasting no, `RefreshUnavailable` for one that may pass, and
    `ConnectionUnusable` where the app's own credentials cannot be opened. The marker stays
    only when the answer was lost: then the token may be rotated, and sending it again may end the grant.
    """
    try:
        token = await _refreshed(resources, claim)
    except Exception as error:
        OAUTH_REFRESHES.labels(_outcome_of(error)).inc()
        raise
    # A closed connection's refusal is an answer, too.
    without = "superseded" if claim.state == ConnectionState.CONNECTED else "refused"
    OAUTH_REFRESHES.labels(without if token is None else "renewed").inc()
    return token


def _outcome_of(error: Exception) -> str:
    if isinstance(error, ConnectionEnded):
        return "refused"
    if isinstance(error, GrantDoubted):
        return "doubted"
    return "lost" if isinstance(error.__cause__, OAuthResponseLost) else "failed"


async def _refreshed(resources: Resources, claim: RefreshClaim) -> AccessToken | None:
    try:
        answer = await _send(resources, claim)
    except OAuthResponseLost as error:
        log.warning("refresh_answer_lost", extra={"host_id": claim.host_id, "error": str(error)})
        stale = resources.settings.times.refresh_stale
        raise RefreshUnavailable(f"the answer was lost: {error}", retry_after=stale) from error
    except AppUnreadable as error:
        await _clear(resources, claim)
        raise ConnectionUnusable(UNREADABLE) from error
    except (OAuthNotSent, AppNotConfigured, HostNotAllowed) as error:
        await _clear(resources, claim)
        log.warning("refresh_not_sent", extra={"host_id": claim.host_id, "error": str(error)})
        raise RefreshUnavailable(str(error)) from error
    except OAuthRejected as error:
        return await _refused(resources, claim, error)
    return await _store_with_retries(resources, claim, answer)


async def perform_probe(resources: Resources, claim: RefreshClaim) -> AccessToken | None:
    """The same for a connection that is closed: a lasting no becomes its reason. None without a token.

    Raises `RefreshUnavailable` for what may pass.
    """
    token = await perform_refresh(resources, claim)
    if token is None:
        await _clear(resources, claim)
    return token


async def _send(resources: Resources, claim: RefreshClaim) -> TokenResponse:
    """Refresh at the org's own address first: an org may forbid the common login hosts.

    The login host is next if nothing was sent to that address, or it redirects or is gone: no token was used
    there. Any other response, and a lost one, is final; a login host's no is doubtful where the address that
    knows the grant was merely not reached, since it may forbid the login hosts.
    """
    app = await credentials_for(resources, claim.host_id, claim.client_id)
    until = time.monotonic() + resources.settings.times.refresh_total
    *own, login = _places(resources, claim)
    is_unreached = False
    for place in own:
        try:
            return await _ask(resources, place, app, claim=claim, until=until)
        except OAuthNotSent as error:
            reason, is_unreached = str(error), True
        except OAuthRejected as refused:
            if not refused.is_elsewhere:
                refused.is_of_substitute = is_unreached
                raise
            reason = refused.error
        log.info("refresh_at_login_host", extra={"host_id": claim.host_id, "error": reason})
    try:
        return await _ask(resources, login, app, claim=claim, until=until)
    except OAuthRejected as refused:
        refused.is_of_substitute = is_unreached
        raise


def _places(resources: Resources, claim: RefreshClaim) -> list[str]:
    """Where this grant may be refreshed, each once, a login host last. Raises HostNotAllowed for that.

    Who signed in at a My Domain that the org has left is known at the common login host.
    """
    settings = resources.settings
    login = check_login_host(claim.login_url, extra=settings.extra_hosts)
    common = common_login_url(settings, login)
    try:
        own = check_instance_url(claim.instance_url, extra=settings.extra_hosts)
    except HostNotAllowed:
        return [login]
    return list(dict.fromkeys((own, login, common)))


async def _ask(
    resources: Resources, place: str, app: AppCredentials, *, claim: RefreshClaim, until: float
) -> TokenResponse:
    left = until - time.monotonic()
    if left <= 0:
        raise OAuthNotSent("no time is left to ask at the login host")
    return await oauth.refresh(
        resources.http,
        place,
        refresh_token=claim.refresh_token,
        client_id=app.client_id,
        client_secret=app.client_secret,
        within=left,
    )


async def _refused(resources: Resources, claim: RefreshClaim, refused: OAuthRejected) -> AccessToken | None:
    reason = disconnect_reason(refused)
    # Wrong credentials of the shared app are the operator's fault; they must not end every host's grant.
    is_our_fault = (
        reason == CREDENTIALS_REJECTED and claim.client_id == resources.settings.salesforce_client_id
    )
    if reason is None or is_our_fault:
        await _clear(resources, claim)
        log.error("refresh_refused", extra={"host_id": claim.host_id, "error": refused.error})
        raise RefreshUnavailable(str(refused), retry_after=30)
    wait = await _try_again(resources, claim) if is_doubtful(refused) else None
    if wait is not None:
        raise GrantDoubted(str(refused), retry_after=wait) from refused
    if reason == "access_revoked":
        async with resources.database.system() as session:
            connection = await session.get(Connection, claim.host_id)
            if connection is not None and await was_evicted(session, connection):
                reason = "grant_evicted"
            elif connection is not None and await is_of_backup(session, connection):
                reason = RESTORED
    async with resources.database.tenant(claim.host_id) as session:
        if claim.state != ConnectionState.CONNECTED:
            await _update_reason(session, claim, reason)
            return None
        has_ended = await disconnect_by_salesforce(
            session,
            claim.host_id,
            reason_code=reason,
            token_version=claim.version,
            details={"error": refused.error},
        )
    if has_ended:
        raise ConnectionEnded(reason) from refused
    return None


async def _try_again(resources: Resources, claim: RefreshClaim) -> float | None:
    """Return the seconds until a doubtful refusal is checked again; None after enough checks, or if it is
    final.
    """
    if claim.state != ConnectionState.CONNECTED:
        return None
    async with resources.database.tenant(claim.host_id) as session:
        now = await database_now(session)
        connection = await session.get(Connection, claim.host_id, with_for_update=True)
        if connection is None or connection.refresh_started_at != claim.marker:
            return None
        is_known = connection.fault_code == GRANT_DOUBTED and connection.fault_until is not None
        count = connection.fault_count if is_known else 0
        if is_known and connection.fault_until is not None and connection.fault_until > now:
            connection.refresh_started_at = None
            left: timedelta = connection.fault_until - now
            return left.total_seconds()
        if count >= len(DOUBT_WAITS):
            return None
        wait = DOUBT_WAITS[count]
        connection.refresh_started_at = None
        connection.fault_code, connection.fault_count = GRANT_DOUBTED, count + 1
        connection.fault_until = now + timedelta(seconds=wait)
        connection.version += 1
        return wait


async def _update_reason(session: AsyncSession, claim: RefreshClaim, reason: str) -> None:
    if reason in GRANT_REVOKING_REASONS:
        await delete_superseded(session, claim.host_id)
    await session.execute(
        update(Connection)
        .where(Connection.host_id == claim.host_id, Connection.refresh_started_at == claim.marker)
        .where(Connection.state == claim.state)
        .values(
            reason_code=reason,
            refresh_started_at=None,
            version=Connection.version + case((Connection.reason_code == reason, 0), else_=1),
        )
    )


async def _store_with_retries(
    resources: Resources, claim: RefreshClaim, answer: TokenResponse
) -> AccessToken | None:
    """Retry while the database is unavailable: a rotated token exists nowhere else. It is logged once."""
    for tries, pause in enumerate(STORE_PAUSES):
        try:
            return await _store(resources, claim, answer)
        except (SQLAlchemyError, OSError) as error:
            if not is_away(error):
                raise
            if tries == 0:
                about = {"host_id": claim.host_id, "error": type(error).__name__}
                log.warning("refresh_not_stored", extra=about)
            await asyncio.sleep(pause)
    return await _store(resources, claim, answer)


async def _store(resources: Resources, claim: RefreshClaim, answer: TokenResponse) -> AccessToken | None:
    values = _values(resources, claim, answer)
    is_same = (Connection.host_id == claim.host_id, Connection.token_version == claim.version)
    async with resources.database.tenant(claim.host_id) as session:
        stored = await session.execute(
            update(Connection)
            .where(*is_same, Connection.state == claim.state)
            .values(values)
            .returning(Connection.token_version, Connection.instance_url)
        )
        row = stored.one_or_none()
        await session.execute(
            update(Connection)
            .where(Connection.host_id == claim.host_id, Connection.fault_code == GRANT_DOUBTED)
            .values(**NO_HOST_BACKOFF)
        )
        if row is None:
            await _superseded(session, resources.vault, claim, answer)
            return None
    return AccessToken(answer.access_token, row.token_version, row.instance_url)


def _values(resources: Resources, claim: RefreshClaim, answer: TokenResponse) -> dict[str, object]:
    seal = resources.vault.seal
    refresh_token = answer.refresh_token or claim.refresh_token
    return {
        "access_token": seal(answer.access_token, host_id=claim.host_id, column=ACCESS_TOKEN),
        "refresh_token": seal(refresh_token, host_id=claim.host_id, column=REFRESH_TOKEN),
        "instance_url": _checked_instance_url(resources, claim, answer),
        "is_rotating": refresh_token != claim.refresh_token,
        "token_version": claim.version + 1,
        "refresh_started_at": None,
        "refreshed_at": func.clock_timestamp(),
    }


async def _superseded(
    session: AsyncSession, vault: Encryptor, claim: RefreshClaim, answer: TokenResponse
) -> None:
    """Handle a row that changed during the refresh. After a disconnect a rotated grant has no owner and is
    revoked.

    In any other state it is left alone: a commit whose response was lost looks the same.
    """
    state = await session.scalar(select(Connection.state).where(Connection.host_id == claim.host_id))
    if state == ConnectionState.DISCONNECTED and answer.refresh_token is not None:
        await queue_revocation(
            session, vault, claim.host_id, login_url=claim.login_url, token=answer.refresh_token
        )


def _checked_instance_url(resources: Resources, claim: RefreshClaim, answer: TokenResponse) -> str:
    """Where the org lives now; an answer that names a foreign host is not followed, its token is kept."""
    try:
        return check_instance_url(answer.instance_url, extra=resources.settings.extra_hosts)
    except HostNotAllowed as error:
        log.error("instance_url_refused", extra={"host_id": claim.host_id, "host": error.host})
        return claim.instance_url


async def _clear(resources: Resources, claim: RefreshClaim) -> None:
    async with resources.database.tenant(claim.host_id) as session:
        await session.execute(
            update(Connection)
            .where(Connection.host_id == claim.host_id, Connection.refresh_started_at == claim.marker)
            .values(refresh_started_at=None)
        )
