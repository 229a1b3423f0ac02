"""The last step of connecting: the user who began it confirms it, with the code that the browser brought."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession

from app.api.auth import Principal
from app.api.dependencies import Resources
from app.api.errors import (
    ApprovalNeedsConfirmation,
    AttemptNotConfirmable,
    AttemptNotFound,
    Problem,
    UserOfAnotherOrg,
)
from app.connections.grants.approval_limit import LIMIT, GrantKey, count_approvals, warnings_of
from app.connections.grants.revocation import Revocation, revoke_all
from app.connections.grants.superseded import replace_grant
from app.connections.model.app_credentials import AppNotConfigured, credentials_for, delete_retired
from app.connections.model.encrypted_columns import (
    ACCESS_TOKEN,
    REFRESH_TOKEN,
    UNCONFIRMED_ACCESS,
    UNCONFIRMED_REFRESH,
)
from app.connections.model.salesforce_users import store_user
from app.connections.model.schemas import CompleteConnect
from app.connections.oauth import attempts
from app.connections.oauth.grant_exchange import ANOTHER_ORG
from app.connections.oauth.unconfirmed import find_unconfirmed, refuse_attempt
from app.hosts.preflight_requests import request_preflight
from app.hosts.rows import lock_host
from app.infrastructure import audit_log
from app.infrastructure.encryption import Encryptor
from app.models import Connection, OAuthAttempt, UnconfirmedGrant, UnconfirmedUser
from app.notifications.facts import connection_restored, problems_are
from app.states import AttemptState, ConnectionState
from app.sync.jobs.gates import NO_HOST_BACKOFF


@dataclass(frozen=True)
class Ending:
    """What a confirmation came to: a refusal, what to revoke after the commit, an org to wake."""

    problem: Problem | None = None
    outgoing: Sequence[Revocation] = ()
    org_id: str | None = None


async def complete_attempt(
    resources: Resources, host_id: str, attempt_id: str, *, principal: Principal, given: CompleteConnect
) -> None:
    """Let the grant become the host's connection, for a user who may change it, or who signed in the user's
    own Salesforce user; twice changes nothing more.

    Raises AttemptNotFound, AttemptNotConfirmable, ApprovalNeedsConfirmation, UserOfAnotherOrg.
    """
    user_id = principal.user_id
    await end_if_strange(resources, attempt_id, user_id=user_id, code=given.code)
    async with resources.database.system() as session:
        attempt, is_over = await attempts.lock_attempt(session, attempt_id)
        if attempt is None or (attempt.host_id, attempt.user_id) != (host_id, user_id):
            ending = Ending(AttemptNotFound())
        else:
            ending = await _confirm(
                session, resources, attempt, given=given, is_over=is_over, email_key=principal.email
            )
    await revoke_all(resources, ending.outgoing)
    if ending.problem is not None:
        raise ending.problem
    if ending.org_id is not None:
        await resources.wakeups.announce({ending.org_id})


async def end_if_strange(resources: Resources, attempt_id: str, *, user_id: str, code: str) -> None:
    """End the attempt if another user brings its code: one of the two was tricked."""
    outgoing: list[Revocation] = []
    async with resources.database.system() as session:
        attempt, _ = await attempts.lock_attempt(session, attempt_id)
        if attempt is None or attempt.user_id == user_id or attempt.state != AttemptState.CONFIRMING:
            return
        if attempts.fits(code, attempt.code_hash):
            outgoing = await refuse_attempt(
                session, resources.vault, attempt, problem_code="other_user", actor=user_id
            )
    await revoke_all(resources, outgoing)


async def _confirm(
    session: AsyncSession,
    resources: Resources,
    attempt: OAuthAttempt,
    *,
    given: CompleteConnect,
    is_over: bool,
    email_key: str | None,
) -> Ending:
    is_right = attempts.fits(given.code, attempt.code_hash)
    if attempt.state == AttemptState.CONNECTED and is_right:
        return Ending()
    grant = await find_unconfirmed(session, attempt.host_id, attempt.attempt_id)
    if attempt.state != AttemptState.CONFIRMING or is_over or grant is None:
        return Ending(AttemptNotConfirmable())
    if not is_right:
        return Ending(AttemptNotConfirmable(), await _count_wrong(session, resources.vault, attempt))
    try:
        await credentials_for(resources, attempt.host_id, attempt.client_id)
    except AppNotConfigured:
        outgoing = await refuse_attempt(
            session, resources.vault, attempt, problem_code="client_rejected", actor=attempt.user_id
        )
        return Ending(AttemptNotConfirmable(), outgoing)
    key = (grant.org_id, grant.user_id, grant.client_id)
    count = await count_approvals(session, key)
    if count >= LIMIT and not given.confirm_approval:
        warnings = warnings_of(resources.settings, LIMIT + grant.is_sixth)
        return Ending(ApprovalNeedsConfirmation(advice=warnings[0]))
    if isinstance(grant, UnconfirmedUser):
        return await _connect_user(session, resources.vault, attempt, signed_in=grant, email_key=email_key)
    outgoing = await _connect(session, resources.vault, attempt, grant=grant, key=key)
    return Ending(None, outgoing, grant.org_id)


async def _connect_user(
    session: AsyncSession,
    vault: Encryptor,
    attempt: OAuthAttempt,
    *,
    signed_in: UnconfirmedUser,
    email_key: str | None,
) -> Ending:
    """Keep who the platform user is, unless the host has moved to another org meanwhile."""
    await lock_host(session, attempt.host_id)
    connection = await session.get(Connection, attempt.host_id)
    if connection is None or connection.org_id != signed_in.org_id:
        outgoing = await refuse_attempt(
            session, vault, attempt, problem_code=ANOTHER_ORG, actor=attempt.user_id
        )
        return Ending(UserOfAnotherOrg(), outgoing)
    await store_user(session, attempt.user_id, signed_in, email_key=email_key)
    await session.delete(signed_in)
    attempts.end_attempt(attempt, state=AttemptState.CONNECTED)
    return Ending()


async def _count_wrong(session: AsyncSession, vault: Encryptor, attempt: OAuthAttempt) -> list[Revocation]:
    attempt.wrong_codes += 1
    if attempt.wrong_codes < attempts.MOST_WRONG_CODES:
        return []
    return await refuse_attempt(session, vault, attempt, problem_code="wrong_codes", actor=attempt.user_id)


async def _connect(
    session: AsyncSession, vault: Encryptor, attempt: OAuthAttempt, *, grant: UnconfirmedGrant, key: GrantKey
) -> list[Revocation]:
    """The grant takes the place of the host's old one; the answer is what to revoke after the commit."""
    host_id = attempt.host_id
    await lock_host(session, host_id)
    known = await session.get(Connection, host_id)
    refresh_token = vault.open(grant.refresh_token, host_id=host_id, column=UNCONFIRMED_REFRESH)
    values, outgoing = _values(vault, attempt, grant=grant, refresh_token=refresh_token), list[Revocation]()
    if known is None:
        session.add(Connection(host_id=host_id, **values))
    else:
        outgoing = await replace_grant(session, vault, known, key=key, refresh_token=refresh_token)
        values |= {"version": known.version + 1, "token_version": known.token_version + 1}
        values |= {} if known.org_id == grant.org_id else COLUMNS_RESET_ON_ORG_CHANGE
        for name, value in values.items():
            setattr(known, name, value)
    await session.delete(grant)
    attempts.end_attempt(attempt, state=AttemptState.CONNECTED)
    await session.flush()
    await delete_retired(session, host_id)
    await request_preflight(session, host_id, grant.org_id)
    details = {
        "org_id": grant.org_id,
        "salesforce_user_id": grant.user_id,
        "environment": attempt.environment,
        "attempt_id": attempt.attempt_id,
    }
    await audit_log.append_entry(
        session, host_id, actor=attempt.user_id, action="salesforce.connected", details=details
    )
    await connection_restored(session, host_id)
    await problems_are(session, host_id, ())
    return outgoing


COLUMNS_RESET_ON_ORG_CHANGE: Final[dict[str, object]] = dict.fromkeys(
    ("last_used_at", "last_written_at", "api_used", "api_limit", "api_measured_at", "api_closed_until")
)
"""What was said of another org."""

TAKEN_OVER: Final = (
    "client_id", "login_url", "org_id", "org_name", "org_edition", "org_is_sandbox", "instance_url",
    "user_id", "username", "user_name", "identity_url", "scope", "api_version",
)  # fmt: skip


def _values(
    vault: Encryptor, attempt: OAuthAttempt, *, grant: UnconfirmedGrant, refresh_token: str
) -> dict[str, object]:
    host_id = attempt.host_id
    access_token = vault.open(grant.access_token, host_id=host_id, column=UNCONFIRMED_ACCESS)
    return {
        **{name: getattr(grant, name) for name in TAKEN_OVER},
        "state": ConnectionState.CONNECTED,
        "state_since": func.clock_timestamp(),
        "reason_code": None,
        "problems": [],
        **NO_HOST_BACKOFF,
        "environment": attempt.environment,
        "access_token": vault.seal(access_token, host_id=host_id, column=ACCESS_TOKEN),
        "refresh_token": vault.seal(refresh_token, host_id=host_id, column=REFRESH_TOKEN),
        "is_rotating": False,
        "refresh_started_at": None,
        "refreshed_at": grant.granted_at,
        "connected_at": grant.granted_at,
        "connected_by": attempt.user_id,
    }
