"""Connecting, from the wish on the dashboard to a stored grant."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession

from app import audit
from app.advice.own_app import OWN_APP_ADVICE
from app.connections import attempts
from app.connections.approvals import count_approvals, count_living, judge, likely_key
from app.connections.apps import app_to_connect, chosen_app, is_own
from app.connections.attempts import Ticket, Wish
from app.connections.connect_errors import ConnectFailed, from_redirect
from app.connections.environments import login_url_for
from app.connections.grants import NewGrant, exchange, parse_identity_url, try_out
from app.connections.hosts import lock_host
from app.connections.left_grants import Replaced, forget_evicted, leave
from app.connections.outgoing import make_room, revoke_all
from app.connections.own_app import drop_retired
from app.connections.preflight import want_preflight
from app.connections.return_to import check_return_to
from app.connections.revocations import Revocation, queue_revocation, try_revoke
from app.connections.schemas import StartAttempt, StartConnect
from app.connections.sealing import ACCESS_TOKEN, REFRESH_TOKEN
from app.models import Connection, OAuthAttempt
from app.resources import Resources
from app.salesforce.hosts import HostNotAllowed, check_login_host
from app.salesforce.oauth import TokenAnswer

CONNECTED: Final = "connected"
FAILED: Final = "failed"


async def start_attempt(
    resources: Resources, host_id: str, *, user_id: str, wish: StartConnect
) -> StartAttempt:
    """A ticket for one browser.

    Raises NotConfigured, CredentialsMissing, ReturnToInvalid, PayloadInvalid for a My Domain that is none,
    ApprovalNeedsConfirmation, ApprovalsExhausted.
    """
    settings = resources.settings
    async with resources.database.system() as session:
        app_ref = app_to_connect(settings, await chosen_app(session, host_id))
        return_to = check_return_to(wish.return_to, dashboard_url=settings.dashboard_url)
        login_url = login_url_for(settings, wish.environment, wish.my_domain)
        key = await likely_key(session, host_id, user_id=user_id, client_id=app_ref)
        count = await count_approvals(session, key) if key else 0
        warnings = judge(settings, count, is_confirmed=wish.confirm_approval)
        ticket = await attempts.open_attempt(
            session,
            Wish(
                host_id=host_id,
                user_id=user_id,
                environment=wish.environment,
                login_url=login_url,
                client_id=app_ref,
                display=wish.display,
                return_to=return_to,
            ),
        )
    return StartAttempt(
        attempt_id=ticket.attempt_id,
        start_url=_start_url(resources, ticket),
        expires_at=ticket.expires_at,
        warnings=warnings,
    )


async def complete_attempt(resources: Resources, attempt: OAuthAttempt, answer: Mapping[str, str]) -> str:
    """Bring the attempt to its end with what Salesforce put into the address; says CONNECTED or FAILED."""
    try:
        grant = await _obtain(resources, attempt, answer)
    except ConnectFailed as failed:
        await record_failure(resources, attempt, failed)
        return FAILED
    async with resources.database.system() as session:
        # First of all, and in the same transaction: it locks the attempt against being withdrawn meanwhile.
        is_open = await attempts.succeed(session, attempt.attempt_id)
        outgoing = await _store(session, resources, attempt=attempt, grant=grant) if is_open else []
    if not is_open:
        await _give_back(resources, attempt, grant.tokens)
        return FAILED
    await revoke_all(resources, outgoing)
    await resources.wakeups.announce({grant.identity.organization_id})
    return CONNECTED


async def record_failure(resources: Resources, attempt: OAuthAttempt, failed: ConnectFailed) -> None:
    """Keep the explanation with the attempt; the connection that the host may have is not touched."""
    if is_own(attempt.client_id):
        failed = ConnectFailed(OWN_APP_ADVICE.get(failed.problem_code, failed.problem_code), failed.failure)
    async with resources.database.system() as session:
        await attempts.fail(session, attempt.attempt_id, failed)
        await audit.record(
            session,
            attempt.host_id,
            actor=attempt.user_id,
            action="salesforce.connect_failed",
            details={"attempt_id": attempt.attempt_id, "problem": failed.problem_code},
        )


def _start_url(resources: Resources, ticket: Ticket) -> str:
    return f"{resources.settings.public_url}/oauth/salesforce/start?ticket={ticket.value}"


async def _obtain(resources: Resources, attempt: OAuthAttempt, answer: Mapping[str, str]) -> NewGrant:
    _check_issuer(resources, answer.get("iss"))
    if "error" in answer:
        raise from_redirect(answer["error"], answer.get("error_description", ""))
    if not answer.get("code"):
        raise ConnectFailed("oauth_other")
    tokens = await exchange(resources, attempt, answer["code"])
    try:
        return await try_out(resources, attempt, tokens)
    except ConnectFailed:
        with suppress(ConnectFailed):
            await _give_back(resources, attempt, tokens)
        raise


def _check_issuer(resources: Resources, issuer: str | None) -> None:
    """Who says to have answered must be able to: another service's code is not ours to trade (RFC 9207)."""
    if issuer is None:
        return
    try:
        check_login_host(issuer, extra=resources.settings.extra_hosts)
    except HostNotAllowed as error:
        raise ConnectFailed("answer_not_genuine") from error


async def _give_back(resources: Resources, attempt: OAuthAttempt, tokens: TokenAnswer) -> None:
    """Revoke a grant that is not kept, unless a living one of the same user and app might go with it."""
    token = tokens.refresh_token
    if token is None:
        return
    org_id, user_id = parse_identity_url(tokens.identity_url, extra=resources.settings.extra_hosts)
    host_id, key, login_url = attempt.host_id, (org_id, user_id, attempt.client_id), attempt.login_url
    async with resources.database.system() as session:
        if await count_living(session, key):
            await leave(session, resources.vault, Replaced(host_id, key, login_url, token))
            await forget_evicted(session, key)
            return
        revocation = await queue_revocation(
            session, resources.vault, host_id, login_url=login_url, token=token
        )
    await try_revoke(resources, revocation)


async def _store(
    session: AsyncSession, resources: Resources, *, attempt: OAuthAttempt, grant: NewGrant
) -> list[Revocation]:
    """The new grant takes the place of the old; the answer is what to revoke after the commit."""
    host_id = attempt.host_id
    await lock_host(session, host_id)
    known = await session.get(Connection, host_id)
    key = (grant.identity.organization_id, grant.identity.user_id, attempt.client_id)
    values, outgoing = _values(resources, attempt, grant=grant), list[Revocation]()
    if known is None:
        session.add(Connection(host_id=host_id, **values))
    else:
        new = grant.tokens.refresh_token
        outgoing = await make_room(session, resources.vault, known, key=key, refresh_token=new)
        values |= {"version": known.version + 1, "token_version": known.token_version + 1}
        values |= {} if known.org_id == grant.identity.organization_id else FORGOTTEN
        for name, value in values.items():
            setattr(known, name, value)
    await session.flush()
    await forget_evicted(session, key)
    await drop_retired(session, host_id)
    await want_preflight(session, host_id, grant.identity.organization_id)
    details = {
        "org_id": grant.identity.organization_id,
        "salesforce_user_id": grant.identity.user_id,
        "environment": attempt.environment,
        "attempt_id": attempt.attempt_id,
    }
    await audit.record(
        session, host_id, actor=attempt.user_id, action="salesforce.connected", details=details
    )
    return outgoing


FORGOTTEN: Final[dict[str, object]] = dict.fromkeys(
    ("last_used_at", "last_written_at", "api_used", "api_limit", "api_measured_at", "api_closed_until")
)
"""What was said of another org."""
NO_FAULT: Final[dict[str, object]] = {"fault_code": None, "fault_count": 0, "fault_until": None}


def _values(resources: Resources, attempt: OAuthAttempt, *, grant: NewGrant) -> dict[str, object]:
    tokens, identity, seal = grant.tokens, grant.identity, resources.vault.seal
    assert tokens.refresh_token is not None
    now = func.clock_timestamp()
    return {
        "state": "connected",
        "state_since": now,
        "reason_code": None,
        "problems": [],
        **NO_FAULT,
        "environment": attempt.environment,
        "login_url": attempt.login_url,
        "client_id": attempt.client_id,
        "org_id": identity.organization_id,
        "org_name": grant.org_name,
        "org_edition": grant.org_edition,
        "org_is_sandbox": grant.org_is_sandbox,
        "instance_url": grant.instance_url,
        "user_id": identity.user_id,
        "username": identity.username or None,
        "user_name": identity.display_name or None,
        "identity_url": tokens.identity_url,
        "scope": tokens.scope,
        "api_version": grant.api_version,
        "access_token": seal(tokens.access_token, host_id=attempt.host_id, column=ACCESS_TOKEN),
        "refresh_token": seal(tokens.refresh_token, host_id=attempt.host_id, column=REFRESH_TOKEN),
        "is_rotating": False,
        "refresh_started_at": None,
        "refreshed_at": now,
        "connected_at": now,
        "connected_by": attempt.user_id,
    }
