"""The sign-in from the dashboard's request to an unconfirmed grant."""

import logging
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.api.auth import Principal
from app.api.dependencies import Resources
from app.config.settings import Settings
from app.connections.grants.approval_limit import (
    GrantKey,
    count_approvals,
    likely_key,
    lock_key,
    warnings_of,
)
from app.connections.grants.revocation import queue_revocation, revoke_all
from app.connections.grants.superseded import GrantWithToken, give_back
from app.connections.model.app_credentials import app_to_connect, chosen_app, is_own
from app.connections.model.login_urls import login_url_for
from app.connections.model.schemas import StartAttempt, StartConnect, StartSignIn
from app.connections.oauth import attempts
from app.connections.oauth.error_mapping import ConnectFailed, from_redirect
from app.connections.oauth.grant_exchange import (
    NewGrant,
    Traded,
    exchange,
    parse_identity_url,
    verify_grant,
    verify_user,
)
from app.connections.oauth.return_url import check_return_to
from app.connections.oauth.unconfirmed import keep_apart, keep_user_apart, look_for_the_lost
from app.infrastructure import audit_log
from app.models import Host, OAuthAttempt
from app.salesforce.allowed_hosts import HostNotAllowed, check_instance_url, is_login_host
from app.salesforce.oauth import TokenResponse
from app.states import SignInPurpose
from app.user_messages.catalog import OWN_APP_ADVICE

log = logging.getLogger(__name__)

UNEXPECTED: Final = "oauth_other"


async def start_attempt(
    resources: Resources, host_id: str, *, principal: Principal, wish: StartConnect, origin: str | None
) -> StartAttempt:
    """Create an attempt and its ticket for one browser; `origin` is the page that requested it, if known.

    Raises NotConfigured, CredentialsMissing, ReturnToInvalid, TooManyRequests, and PayloadInvalid for an
    invalid My Domain.
    """
    settings = resources.settings
    async with resources.database.system() as session:
        app_ref = app_to_connect(settings, await chosen_app(session, host_id))
        login_url = login_url_for(settings, wish.environment, wish.my_domain)
        key = await likely_key(session, host_id, user_id=principal.user_id, client_id=app_ref)
        attempt = OAuthAttempt(
            host_id=host_id, environment=wish.environment, login_url=login_url, client_id=app_ref
        )
        return await open_sign_in(
            session, settings, attempt, principal=principal, wish=wish, origin=origin, key=key
        )


async def open_sign_in(
    session: AsyncSession,
    settings: Settings,
    attempt: OAuthAttempt,
    *,
    principal: Principal,
    wish: StartSignIn,
    origin: str | None,
    key: GrantKey | None,
) -> StartAttempt:
    """Store the attempt, which has its host and where to sign in, as begun by this user; `key` is the grant
    that it will likely give. Raises ReturnToInvalid, TooManyRequests.
    """
    attempt.user_id, attempt.begun_by = principal.user_id, principal.name
    attempt.display = wish.display
    attempt.return_to = check_return_to(
        wish.return_to or settings.return_to_prefixes[0],
        dashboard_url=settings.dashboard_url,
        prefixes=settings.return_to_prefixes,
    )
    attempt.origin = origin if origin in settings.browser_origins else settings.dashboard_url
    host = await session.get(Host, attempt.host_id)
    attempt.public_url = settings.address_of(host.public_url if host else None)
    count = await count_approvals(session, key) if key else 0
    ticket = await attempts.open_attempt(session, attempt)
    return StartAttempt(
        attempt_id=attempt.attempt_id,
        start_url=f"{attempt.public_url}/oauth/salesforce/start?ticket={ticket}",
        expires_at=attempt.expires_at,
        warnings=warnings_of(settings, count + 1),
    )


async def receive_callback(
    resources: Resources, attempt: OAuthAttempt, answer: Mapping[str, str]
) -> str | None:
    """Exchange the callback's code for a grant and store it unconfirmed.

    Returns the code that confirms it; None if the attempt has failed.
    """
    try:
        traded = await _exchange_code(resources, attempt, answer)
        return await _kept(resources, attempt, traded, issuer=answer.get("iss"))
    except ConnectFailed as failed:
        await record_failure(resources, attempt, failed)
        return None


async def record_failure(resources: Resources, attempt: OAuthAttempt, failed: ConnectFailed) -> None:
    """Store the error with the attempt; an existing connection of the host stays as it is."""
    if is_own(attempt.client_id):
        failed = ConnectFailed(OWN_APP_ADVICE.get(failed.problem_code, failed.problem_code), failed.failure)
    async with resources.database.system() as session:
        await attempts.fail(session, attempt.attempt_id, failed)
        await audit_log.append_entry(
            session,
            attempt.host_id,
            actor=attempt.user_id,
            action=attempts.FAILED_ACTIONS[SignInPurpose(attempt.purpose)],
            details={"attempt_id": attempt.attempt_id, "problem": failed.problem_code},
        )


async def _exchange_code(resources: Resources, attempt: OAuthAttempt, answer: Mapping[str, str]) -> Traded:
    issuer = answer.get("iss")
    if issuer is not None and not _may_answer(resources, attempt, issuer):
        raise ConnectFailed("answer_not_genuine")
    if "error" in answer:
        raise from_redirect(answer["error"], answer.get("error_description", ""))
    if not answer.get("code"):
        raise ConnectFailed("oauth_other")
    return await exchange(resources, attempt, answer["code"])


async def _kept(
    resources: Resources, attempt: OAuthAttempt, traded: Traded, *, issuer: str | None
) -> str | None:
    """Store the new grant, or revoke it. Of a user who signed in for themselves only the name is kept."""
    code = None
    try:
        verify = verify_user if attempt.purpose == SignInPurpose.USER else verify_grant
        grant = await verify(resources, attempt, traded)
        if issuer not in (None, attempt.login_url, grant.instance_url):
            raise ConnectFailed("answer_not_genuine")
        if isinstance(grant, NewGrant):
            code = await keep_apart(resources, attempt, grant)
        else:
            code = await keep_user_apart(resources, attempt, grant)
    except ConnectFailed:
        raise
    except Exception as error:
        log.exception("connect_unexpected", extra={"host_id": attempt.host_id})
        raise ConnectFailed(UNEXPECTED) from error
    finally:
        if code is None:
            await _revoke_unused_grant(resources, attempt, traded.tokens)
    await look_for_the_lost(resources, grant.key(attempt.client_id))
    return code


def _may_answer(resources: Resources, attempt: OAuthAttempt, issuer: str) -> bool:
    """Whether the issuer is where the attempt began (RFC 9207): a code of another service is not exchanged.

    A login host redirects to the org's My Domain, which must prove to be the org's.
    """
    if issuer == attempt.login_url:
        return True
    extra = resources.settings.extra_hosts
    leads_on = is_login_host(attempt.login_url.removeprefix("https://")) or attempt.login_url in extra
    try:
        return leads_on and check_instance_url(issuer, extra=extra) == issuer
    except HostNotAllowed:
        return False


async def _revoke_unused_grant(resources: Resources, attempt: OAuthAttempt, tokens: TokenResponse) -> None:
    """Revoke a grant that is not stored; an error here must not hide the reason."""
    token = tokens.refresh_token or tokens.access_token
    host_id, login_url = attempt.host_id, attempt.login_url
    org_and_user = None
    with suppress(ConnectFailed):
        org_and_user = parse_identity_url(tokens.identity_url, extra=resources.settings.extra_hosts)
    try:
        async with resources.database.system() as session:
            if org_and_user is None:
                outgoing = [
                    await queue_revocation(
                        session, resources.vault, host_id, login_url=login_url, token=token
                    )
                ]
            else:
                key = (*org_and_user, attempt.client_id)
                await lock_key(session, key)
                unused = GrantWithToken(host_id, key, login_url, token)
                outgoing = await give_back(session, resources.vault, unused)
        await revoke_all(resources, outgoing)
    except Exception:
        log.exception("grant_not_given_back", extra={"host_id": host_id})
