"""Attempts to connect: a ticket to start with, a state to come back with, each good once and soon over."""

import hashlib
import secrets
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

from sqlalchemy import ColumnElement, DateTime, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.connections.connect_errors import ConnectFailed
from app.connections.sealing import CODE_VERIFIER
from app.models import OAuthAttempt
from app.salesforce.oauth import new_code_verifier
from app.vault import Vault

LIFETIME: Final = timedelta(minutes=10)


@dataclass(frozen=True)
class Wish:
    """Who wants to connect what, through which app."""

    host_id: str
    user_id: str
    environment: str
    login_url: str
    client_id: str
    display: str
    return_to: str


@dataclass(frozen=True)
class Ticket:
    """The right to start one attempt in one browser."""

    attempt_id: str
    expires_at: datetime
    value: str = field(repr=False)


@dataclass(frozen=True)
class Departure:
    """What the browser takes along: `state` in the address, `browser` in a cookie."""

    attempt: OAuthAttempt
    state: str = field(repr=False)
    browser: str = field(repr=False)
    code_verifier: str = field(repr=False)


@dataclass(frozen=True)
class Arrival:
    """A browser came back; `is_late` when the attempt's time was over."""

    attempt: OAuthAttempt
    is_late: bool


async def open_attempt(session: AsyncSession, wish: Wish) -> Ticket:
    """Remember an attempt in the caller's transaction (as are all functions here)."""
    value = secrets.token_urlsafe(32)
    attempt = OAuthAttempt(
        attempt_id=f"att_{uuid4().hex}",
        **asdict(wish),
        ticket_hash=hashed(value),
        expires_at=_now() + LIFETIME,
    )
    session.add(attempt)
    await session.flush()
    await session.refresh(attempt, ["expires_at"])
    return Ticket(attempt.attempt_id, attempt.expires_at, value)


async def depart(session: AsyncSession, vault: Vault, ticket: str) -> Departure | None:
    """Trade the ticket for a state and a browser's secret, once; None when it is used, late or unknown."""
    state, browser, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(32), new_code_verifier()
    taken = await session.execute(
        update(OAuthAttempt)
        .where(OAuthAttempt.ticket_hash == hashed(ticket), OAuthAttempt.state == "waiting")
        .where(OAuthAttempt.expires_at > _now())
        .values(ticket_hash=None, state_hash=hashed(state), browser_hash=hashed(browser))
        .returning(OAuthAttempt)
    )
    attempt = taken.scalar_one_or_none()
    if attempt is None:
        return None
    attempt.code_verifier = vault.seal(verifier, host_id=attempt.host_id, column=CODE_VERIFIER)
    return Departure(attempt, state, browser, verifier)


async def arrive(session: AsyncSession, state: str) -> Arrival | None:
    """The attempt that this state belongs to, once; None when it is used or unknown."""
    taken = await session.execute(
        update(OAuthAttempt)
        .where(OAuthAttempt.state_hash == hashed(state), OAuthAttempt.state == "waiting")
        .values(state_hash=None)
        .returning(OAuthAttempt, OAuthAttempt.expires_at <= _now())
    )
    row = taken.one_or_none()
    return None if row is None else Arrival(row[0], is_late=row[1])


async def succeed(session: AsyncSession, attempt_id: str) -> bool:
    """The attempt ends in a connection; False when it was ended before, and must store none."""
    return await _finish(session, attempt_id, state="connected")


async def fail(session: AsyncSession, attempt_id: str, failed: ConnectFailed) -> None:
    """The attempt ended in an explanation."""
    words = failed.failure
    said = words and {
        "error_code": words.error_code,
        "message": words.message,
        "fields": list(words.fields),
        "http_status": words.http_status,
    }
    await _finish(
        session, attempt_id, state="failed", problem_code=failed.problem_code, salesforce_error=said
    )


async def withdraw(session: AsyncSession, host_id: str, user_id: str) -> None:
    """End what this user has under way for the host: the platform's latest word is that they may not."""
    mine = (OAuthAttempt.host_id == host_id, OAuthAttempt.user_id == user_id)
    gone: dict[str, object] = dict.fromkeys(("ticket_hash", "state_hash", "browser_hash", "code_verifier"))
    await session.execute(
        update(OAuthAttempt)
        .where(*mine, OAuthAttempt.state == "waiting")
        .values(state="failed", problem_code="role_lost", finished_at=_now(), **gone)
    )


async def find_attempt(session: AsyncSession, host_id: str, attempt_id: str) -> OAuthAttempt | None:
    """The host's own attempt, or None."""
    mine = (OAuthAttempt.attempt_id == attempt_id, OAuthAttempt.host_id == host_id)
    found: OAuthAttempt | None = await session.scalar(select(OAuthAttempt).where(*mine))
    return found


def hashed(secret: str) -> bytes:
    """What is stored of a ticket, a state or a cookie: they are random, so a plain SHA-256 is enough."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


async def _finish(session: AsyncSession, attempt_id: str, **values: object) -> bool:
    done: dict[str, object] = {"finished_at": _now(), "code_verifier": None, "browser_hash": None}
    finished = await session.scalar(
        update(OAuthAttempt)
        .where(OAuthAttempt.attempt_id == attempt_id, OAuthAttempt.state == "waiting")
        .values(**done, **values)
        .returning(OAuthAttempt.attempt_id)
    )
    return finished is not None


def _now() -> ColumnElement[datetime]:
    return func.clock_timestamp(type_=DateTime(timezone=True))
