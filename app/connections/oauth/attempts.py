"""Attempts to connect: a ticket to start with, a state to come back with, a code to confirm with.

Each is random, known to one browser, and stored as a hash. An attempt is `waiting` until the browser came
back, `confirming` until the user who began it confirms it, and over after ten minutes of either.
"""

import hashlib
import hmac
import secrets
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import timedelta
from math import ceil
from typing import Final
from uuid import uuid4

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.api.errors import TooManyRequests
from app.config.settings import Settings
from app.connections.model.app_credentials import is_own
from app.connections.model.encrypted_columns import CODE_VERIFIER
from app.connections.model.schemas import SalesforceWords
from app.connections.oauth.error_mapping import ConnectFailed
from app.infrastructure.database import NOW
from app.infrastructure.encryption import Encryptor
from app.models import OAuthAttempt
from app.salesforce.oauth import new_code_verifier
from app.states import AttemptState, SignInPurpose
from app.user_messages.catalog import say

LIFETIME: Final = timedelta(minutes=10)
MOST_WRONG_CODES: Final = 5
MOST_UNDER_WAY: Final = 20
"""To connect one host, at once."""
MOST_OF_ONE_USER: Final = 5
"""To say who one is, at once: nobody keeps others of the host from it, or from connecting the host."""
WITHOUT_ID: Final = "without_id"
"""Among an attempt's details: the app was asked for the scopes without `id`."""
SENT_AGAIN: Final = "sent_again"
"""The browser was sent once more with other scopes."""

FAILED_ACTIONS: Final = {
    SignInPurpose.HOST: "salesforce.connect_failed",
    SignInPurpose.USER: "salesforce.user_connect_failed",
}
"""How the audit log names the end of one that brought nothing."""

UNDER_WAY: Final = (AttemptState.WAITING, AttemptState.CONFIRMING)
IS_WAITING: Final = OAuthAttempt.state == AttemptState.WAITING


@dataclass(frozen=True)
class AuthorizationStart:
    """What the browser takes along: `state` in the address, `browser` in a cookie."""

    attempt: OAuthAttempt
    state: str = field(repr=False)
    browser: str = field(repr=False)
    code_verifier: str = field(repr=False)


@dataclass(frozen=True)
class AuthorizationCallback:
    """A browser's return; `is_late`: the attempt had expired, `is_first`: no browser returned before."""

    attempt: OAuthAttempt
    is_late: bool
    is_first: bool


async def open_attempt(session: AsyncSession, attempt: OAuthAttempt) -> str:
    """Store an attempt in the caller's transaction (as do all functions here); returns the ticket that starts
    it in one browser. Raises TooManyRequests.
    """
    await _check_room(session, attempt)
    ticket = secrets.token_urlsafe(32)
    attempt.attempt_id, attempt.ticket_hash = f"att_{uuid4().hex}", sha256(ticket)
    attempt.expires_at = NOW + LIFETIME
    session.add(attempt)
    await session.flush()
    await session.refresh(attempt, ["expires_at"])
    return ticket


async def _check_room(session: AsyncSession, attempt: OAuthAttempt) -> None:
    is_own = attempt.purpose == SignInPurpose.USER
    purpose = SignInPurpose.USER if is_own else SignInPurpose.HOST
    alike = [OAuthAttempt.host_id == attempt.host_id, OAuthAttempt.purpose == purpose]
    if is_own:
        alike.append(OAuthAttempt.user_id == attempt.user_id)
    seconds = func.extract("epoch", func.min(OAuthAttempt.expires_at) - NOW)
    under_way = select(func.count(), seconds).where(
        *alike, OAuthAttempt.state.in_(UNDER_WAY), OAuthAttempt.expires_at > NOW
    )
    number, left = (await session.execute(under_way)).one()
    if number >= (MOST_OF_ONE_USER if is_own else MOST_UNDER_WAY):
        later = {"Retry-After": str(ceil(left))}
        raise TooManyRequests(say("detail.sign_ins_begun"), reason="attempts", headers=later)


def address_of(settings: Settings, attempt: OAuthAttempt) -> str:
    """The address of ours at which the attempt was begun; the default for an older one."""
    return attempt.public_url or settings.public_url


async def find_ticket(session: AsyncSession, ticket: str) -> OAuthAttempt | None:
    """The attempt that this ticket would start; None when it is used, late or unknown. Uses nothing up."""
    return await session.scalar(select(OAuthAttempt).where(*_startable(ticket)))


async def redeem_ticket(session: AsyncSession, vault: Encryptor, ticket: str) -> AuthorizationStart | None:
    """Trade the ticket for a state and a browser's secret, once; None when it is used, late or unknown."""
    state, browser, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(32), new_code_verifier()
    taken = await session.execute(
        update(OAuthAttempt)
        .where(*_startable(ticket))
        .values(ticket_hash=None, state_hash=sha256(state), browser_hash=sha256(browser))
        .returning(OAuthAttempt)
    )
    attempt = taken.scalar_one_or_none()
    if attempt is None:
        return None
    may_lack_id = is_own(attempt.client_id) or attempt.purpose == SignInPurpose.USER
    if may_lack_id and await was_without_id(session, attempt):
        attempt.details = {**attempt.details, WITHOUT_ID: True}
    attempt.code_verifier = vault.seal(verifier, host_id=attempt.host_id, column=CODE_VERIFIER)
    return AuthorizationStart(attempt, state, browser, verifier)


async def redeem_ticket_again(
    session: AsyncSession, vault: Encryptor, attempt_id: str
) -> AuthorizationStart | None:
    """Send the same browser once more, without the scope `id`; None when that was done or it has ended.

    Who signs in for themselves and was sent without it first, is sent with it.
    """
    state, verifier = secrets.token_urlsafe(32), new_code_verifier()
    attempt = await session.scalar(
        select(OAuthAttempt).where(OAuthAttempt.attempt_id == attempt_id, IS_WAITING).with_for_update()
    )
    if attempt is None or SENT_AGAIN in attempt.details:
        return None
    was_less = WITHOUT_ID in attempt.details
    if was_less and attempt.purpose != SignInPurpose.USER:
        return None
    attempt.state_hash, attempt.arrived_at = sha256(state), None
    kept = {name: value for name, value in attempt.details.items() if name != WITHOUT_ID}
    attempt.details = {**kept, SENT_AGAIN: True, **({} if was_less else {WITHOUT_ID: True})}
    attempt.code_verifier = vault.seal(verifier, host_id=attempt.host_id, column=CODE_VERIFIER)
    return AuthorizationStart(attempt, state, "", verifier)


async def was_without_id(session: AsyncSession, attempt: OAuthAttempt) -> bool:
    """Whether the last attempt with the same app requested fewer scopes, or never returned from Salesforce.

    An app without a scope may report it only on a page of the org. Who signs in for themselves is sent with
    the other scope in turns, until one of them leads back.
    """
    is_own_user = attempt.purpose == SignInPurpose.USER
    whose = [OAuthAttempt.user_id == attempt.user_id] if is_own_user else []
    last = await session.scalar(
        select(OAuthAttempt)
        .where(OAuthAttempt.host_id == attempt.host_id, OAuthAttempt.client_id == attempt.client_id)
        .where(OAuthAttempt.attempt_id != attempt.attempt_id, OAuthAttempt.state_hash.is_not(None))
        .where(OAuthAttempt.purpose == attempt.purpose, *whose)
        .order_by(OAuthAttempt.started_at.desc())
        .limit(1)
    )
    if last is None:
        return False
    was_less, is_lost = WITHOUT_ID in last.details, last.arrived_at is None
    return was_less != is_lost if is_own_user else was_less or is_lost


async def redeem_state(session: AsyncSession, state: str) -> AuthorizationCallback | None:
    """The attempt that this state belongs to; None when it is unknown. One browser alone is the first."""
    taken = await session.execute(
        update(OAuthAttempt)
        .where(OAuthAttempt.state_hash == sha256(state), IS_WAITING)
        .where(OAuthAttempt.arrived_at.is_(None))
        .values(arrived_at=NOW)
        .returning(OAuthAttempt, OAuthAttempt.expires_at <= NOW)
    )
    row = taken.one_or_none()
    if row is not None:
        return AuthorizationCallback(row[0], is_late=row[1], is_first=True)
    known = await session.scalar(select(OAuthAttempt).where(OAuthAttempt.state_hash == sha256(state)))
    return None if known is None else AuthorizationCallback(known, is_late=False, is_first=False)


async def set_apart(session: AsyncSession, attempt_id: str) -> str | None:
    """From now on the attempt can be confirmed, with the code that is the answer; None when it was ended."""
    code = secrets.token_urlsafe(32)
    values = {"state": AttemptState.CONFIRMING, "code_hash": sha256(code), "code_verifier": None}
    is_waiting = await _change(session, attempt_id, IS_WAITING, expires_at=NOW + LIFETIME, **values)
    return code if is_waiting else None


async def renew_code(session: AsyncSession, attempt_id: str) -> str | None:
    """A fresh code in the place of the one before, while the attempt can still be confirmed."""
    code = secrets.token_urlsafe(32)
    is_confirming = (OAuthAttempt.state == AttemptState.CONFIRMING) & (OAuthAttempt.expires_at > NOW)
    return code if await _change(session, attempt_id, is_confirming, code_hash=sha256(code)) else None


async def fail(session: AsyncSession, attempt_id: str, failed: ConnectFailed) -> bool:
    """An attempt without a grant ends in an explanation; False when it had ended before."""
    words = failed.failure
    said = words and SalesforceWords.model_validate(words, from_attributes=True).model_dump()
    values = {"state": AttemptState.FAILED, "problem_code": failed.problem_code, "salesforce_error": said}
    return await _change(session, attempt_id, IS_WAITING, **values, **_ended())


async def _change(
    session: AsyncSession, attempt_id: str, condition: ColumnElement[bool], **values: object
) -> bool:
    """Change the attempt while the condition holds; whether it did."""
    changed = await session.scalar(
        update(OAuthAttempt)
        .where(OAuthAttempt.attempt_id == attempt_id, condition)
        .values(**values)
        .returning(OAuthAttempt.attempt_id)
    )
    return changed is not None


def end_attempt(attempt: OAuthAttempt, *, state: str, problem_code: str | None = None) -> None:
    """End an attempt whose row the caller has locked; a connected one keeps its code."""
    attempt.state, attempt.problem_code = state, problem_code
    for name, value in _ended().items():
        setattr(attempt, name, value)
    if state != AttemptState.CONNECTED:
        attempt.code_hash = None


async def cancel_pending(
    session: AsyncSession, host_id: str, user_id: str, purposes: Collection[SignInPurpose]
) -> list[str]:
    """Cancel the user's pending attempts of these purposes, since the platform withdrew the role.

    Returns the cancelled attempts; their unconfirmed grants must be revoked.
    """
    mine = (OAuthAttempt.host_id == host_id, OAuthAttempt.user_id == user_id)
    ended = await session.scalars(
        update(OAuthAttempt)
        .where(*mine, OAuthAttempt.state.in_(UNDER_WAY), OAuthAttempt.purpose.in_(purposes))
        .values(state=AttemptState.FAILED, problem_code="role_lost", code_hash=None, **_ended())
        .returning(OAuthAttempt.attempt_id)
    )
    return list(ended)


async def forget_names(session: AsyncSession) -> None:
    """Delete the names of expired attempts; the page that shows them is no longer served."""
    over = (OAuthAttempt.begun_by.is_not(None), OAuthAttempt.expires_at <= NOW)
    await session.execute(update(OAuthAttempt).where(*over).values(begun_by=None))


async def find_attempt(session: AsyncSession, host_id: str, attempt_id: str) -> OAuthAttempt | None:
    mine = (OAuthAttempt.attempt_id == attempt_id, OAuthAttempt.host_id == host_id)
    return await session.scalar(select(OAuthAttempt).where(*mine))


async def lock_attempt(session: AsyncSession, attempt_id: str) -> tuple[OAuthAttempt | None, bool]:
    """The attempt, of whichever host, locked until the transaction ends; and whether its time is over."""
    row = (
        await session.execute(
            select(OAuthAttempt, OAuthAttempt.expires_at <= NOW)
            .where(OAuthAttempt.attempt_id == attempt_id)
            .with_for_update()
        )
    ).one_or_none()
    return (None, False) if row is None else (row[0], row[1])


def fits(secret: str, digest: bytes | None) -> bool:
    """Whether this is what was hashed, in constant time."""
    return digest is not None and hmac.compare_digest(digest, sha256(secret))


def sha256(secret: str) -> bytes:
    """What is stored of a ticket, a state, a code or a cookie: random, so a plain SHA-256 is enough."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def _startable(ticket: str) -> tuple[ColumnElement[bool], ...]:
    is_ours = OAuthAttempt.ticket_hash == sha256(ticket)
    return is_ours, IS_WAITING, OAuthAttempt.expires_at > NOW


def _ended() -> dict[str, object]:
    return {"finished_at": NOW, "ticket_hash": None, "code_verifier": None, "begun_by": None}
