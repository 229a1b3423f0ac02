"""What a sign-in brought and nobody has confirmed yet: stored apart, then connected or given back."""

from contextlib import suppress
from typing import Final

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.api.auth import WRITE_ROLES, HostIdPath, PrincipalDep
from app.api.dependencies import Resources, ResourcesDep
from app.connections.grants.approval_limit import (
    LIMIT,
    GrantKey,
    count_approvals,
    hosts_beyond_the_limit,
    lock_key,
)
from app.connections.grants.revocation import Revocation, revoke_all
from app.connections.grants.superseded import GrantWithToken, delete_evicted, give_back
from app.connections.model.encrypted_columns import UNCONFIRMED_ACCESS, UNCONFIRMED_REFRESH, open_or_log
from app.connections.oauth import attempts
from app.connections.oauth.grant_exchange import NewGrant, SignedInUser
from app.connections.tokens.provider import ConnectionTokens
from app.infrastructure import audit_log
from app.infrastructure.encryption import DecryptionFailed, Encryptor, KeyMissing
from app.models import OAuthAttempt, UnconfirmedGrant, UnconfirmedUser
from app.salesforce.allowed_hosts import HostNotAllowed
from app.salesforce.errors import SalesforceError
from app.states import AttemptState, SignInPurpose

Unconfirmed = UnconfirmedGrant | UnconfirmedUser

MANY: Final = 50
NOBODY: Final = "system"


async def keep_apart(resources: Resources, attempt: OAuthAttempt, grant: NewGrant) -> str | None:
    """Store the grant until it is confirmed with the returned code; None if the attempt was cancelled."""
    key = grant.key(attempt.client_id)
    async with resources.database.system() as session:
        code = await attempts.set_apart(session, attempt.attempt_id)
        if code is None:
            return None
        await lock_key(session, key)
        is_sixth = await count_approvals(session, key) >= LIMIT
        session.add(_row(resources.vault, attempt, grant=grant, is_sixth=is_sixth))
        await session.flush()
        await delete_evicted(session, key)
    return code


async def keep_user_apart(resources: Resources, attempt: OAuthAttempt, signed_in: SignedInUser) -> str | None:
    """Store who signed in until it is confirmed with the returned code; None if the attempt was cancelled.

    The token is given back in the same transaction, so that it is gone whatever happens next.
    """
    async with resources.database.system() as session:
        code = await attempts.set_apart(session, attempt.attempt_id)
        if code is None:
            return None
        key = signed_in.key(attempt.client_id)
        await lock_key(session, key)
        is_sixth = await count_approvals(session, key) >= LIMIT
        identity = signed_in.identity
        session.add(
            UnconfirmedUser(
                host_id=attempt.host_id,
                attempt_id=attempt.attempt_id,
                client_id=attempt.client_id,
                org_id=identity.organization_id,
                user_id=identity.user_id,
                username=identity.username or None,
                user_name=identity.display_name or None,
                user_email=identity.email or None,
                is_sixth=is_sixth,
            )
        )
        token = signed_in.tokens.refresh_token or signed_in.tokens.access_token
        unused = GrantWithToken(attempt.host_id, key, attempt.login_url, token)
        outgoing = await give_back(session, resources.vault, unused)
    await revoke_all(resources, outgoing)
    return code


async def look_for_the_lost(resources: Resources, key: GrantKey) -> None:
    """At a sixth approval Salesforce has ended the oldest: its host learns it now, and not at its next sync.

    What we count is a guess; Salesforce's answer to that host's own token is not.
    """
    async with resources.database.system() as session:
        host_ids = await hosts_beyond_the_limit(session, key)
    for host_id in host_ids:
        with suppress(SalesforceError, DecryptionFailed, KeyMissing, HostNotAllowed):
            await ConnectionTokens(resources, host_id).keep_alive()


async def find_unconfirmed(session: AsyncSession, host_id: str, attempt_id: str) -> Unconfirmed | None:
    """What this attempt has to confirm."""
    grant = await session.get(UnconfirmedGrant, (host_id, attempt_id))
    return grant or await session.get(UnconfirmedUser, (host_id, attempt_id))


async def refuse_attempt(
    session: AsyncSession, vault: Encryptor, attempt: OAuthAttempt, *, problem_code: str, actor: str
) -> list[Revocation]:
    """End an attempt that the caller holds locked, without a connection, and give its grant back.

    The answer is what to revoke after the commit.
    """
    row = await find_unconfirmed(session, attempt.host_id, attempt.attempt_id)
    state = AttemptState.EXPIRED if problem_code == "not_confirmed" else AttemptState.FAILED
    attempts.end_attempt(attempt, state=state, problem_code=problem_code)
    return await _let_go(session, vault, row, problem_code=problem_code, actor=actor) if row else []


async def give_back_ended(resources: Resources, host_id: str, attempt_id: str) -> bool:
    """Give back the grant of an attempt that was ended, or not confirmed in time; False if it has none."""
    async with resources.database.system() as session:
        attempt, is_over = await attempts.lock_attempt(session, attempt_id)
        row = await find_unconfirmed(session, host_id, attempt_id)
        if row is None or (attempt is not None and attempt.state == AttemptState.CONFIRMING and not is_over):
            return False
        if attempt is not None and attempt.state == AttemptState.CONFIRMING:
            outgoing = await refuse_attempt(
                session, resources.vault, attempt, problem_code="not_confirmed", actor=NOBODY
            )
        else:
            problem_code = attempt.problem_code if attempt is not None else None
            outgoing = await _let_go(
                session, resources.vault, row, problem_code=problem_code or "not_confirmed", actor=NOBODY
            )
    await revoke_all(resources, outgoing)
    return True


async def give_back_overdue(resources: Resources) -> int:
    """Revoke grants that were not confirmed in time, and delete the names of expired attempts (a periodic
    task); returns how many grants.
    """
    async with resources.database.system() as session:
        overdue = [
            (row.host_id, row.attempt_id)
            for table in (UnconfirmedGrant, UnconfirmedUser)
            for row in await session.execute(_overdue(table))
        ]
        await attempts.forget_names(session)
    return sum([await give_back_ended(resources, *each) for each in overdue])


def _overdue(table: type[Unconfirmed]) -> Select[str, str]:
    """Those whose attempt has ended, or has not been confirmed in time."""
    is_its = (OAuthAttempt.host_id == table.host_id, OAuthAttempt.attempt_id == table.attempt_id)
    in_time = (
        OAuthAttempt.state == AttemptState.CONFIRMING,
        OAuthAttempt.expires_at > func.clock_timestamp(),
    )
    waits = select(OAuthAttempt.attempt_id).where(*is_its, *in_time).exists()
    return select(table.host_id, table.attempt_id).where(~waits).limit(MANY)


async def _let_go(
    session: AsyncSession, vault: Encryptor, row: Unconfirmed, *, problem_code: str, actor: str
) -> list[Revocation]:
    host_id, outgoing, token = row.host_id, list[Revocation](), None
    await session.delete(row)
    await session.flush()
    if isinstance(row, UnconfirmedGrant):
        token = open_or_log(vault, row.refresh_token, host_id=host_id, column=UNCONFIRMED_REFRESH)
    if isinstance(row, UnconfirmedGrant) and token is not None:
        key = (row.org_id, row.user_id, row.client_id)
        await lock_key(session, key)
        unused = GrantWithToken(host_id, key, row.login_url, token, row.granted_at)
        outgoing = await give_back(session, vault, unused)
    details = {
        "attempt_id": row.attempt_id,
        "problem": problem_code,
        "org_id": row.org_id,
        "salesforce_user_id": row.user_id,
    }
    purpose = SignInPurpose.HOST if isinstance(row, UnconfirmedGrant) else SignInPurpose.USER
    action = attempts.FAILED_ACTIONS[purpose]
    await audit_log.append_entry(session, host_id, actor=actor, action=action, details=details)
    return outgoing


def _row(vault: Encryptor, attempt: OAuthAttempt, *, grant: NewGrant, is_sixth: bool) -> UnconfirmedGrant:
    tokens, identity, host_id = grant.tokens, grant.identity, attempt.host_id
    assert tokens.refresh_token is not None
    return UnconfirmedGrant(
        host_id=host_id,
        attempt_id=attempt.attempt_id,
        login_url=attempt.login_url,
        client_id=attempt.client_id,
        org_id=identity.organization_id,
        org_name=grant.org_name,
        org_edition=grant.org_edition,
        org_is_sandbox=grant.org_is_sandbox,
        instance_url=grant.instance_url,
        user_id=identity.user_id,
        username=identity.username or None,
        user_name=identity.display_name or None,
        identity_url=tokens.identity_url,
        scope=tokens.scope,
        api_version=grant.api_version,
        access_token=vault.seal(tokens.access_token, host_id=host_id, column=UNCONFIRMED_ACCESS),
        refresh_token=vault.seal(tokens.refresh_token, host_id=host_id, column=UNCONFIRMED_REFRESH),
        is_sixth=is_sixth,
    )


async def cancel_attempts_without_role(
    host_id: HostIdPath, principal: PrincipalDep, resources: ResourcesDep
) -> None:
    """The callback carries no bearer token; so a token that shows a lesser role, or none, ends the attempts
    that its user began for the host; whoever has a role may say who they are.
    """
    role = principal.roles.get(host_id)
    if role not in WRITE_ROLES:
        lost = list(SignInPurpose) if role is None else [SignInPurpose.HOST]
        async with resources.database.system() as session:
            ended = await attempts.cancel_pending(session, host_id, principal.user_id, lost)
        for attempt_id in ended:
            await give_back_ended(resources, host_id, attempt_id)
