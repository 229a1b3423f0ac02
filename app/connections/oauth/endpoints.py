"""The browser's endpoints of the sign-in, authenticated by ticket, state and cookie, not by a bearer token.

The browser may belong to somebody else than the user who started, so nothing is connected here: the grant is
stored unconfirmed, and the browser carries a code to the dashboard, where that user confirms it.
"""

import asyncio
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.api.dependencies import Resources, ResourcesDep
from app.config.origins import callback_at
from app.config.settings import Settings
from app.connections.model.app_credentials import AppNotConfigured, credentials_for, is_own
from app.connections.model.schemas import SCOPES, SCOPES_WITHOUT_ID, USER_SCOPES, USER_SCOPES_WITHOUT_ID
from app.connections.oauth import attempts, browser_pages
from app.connections.oauth.attempts import AuthorizationCallback, AuthorizationStart, address_of
from app.connections.oauth.error_mapping import ConnectFailed
from app.connections.oauth.flow import receive_callback, record_failure
from app.connections.oauth.return_url import CONNECTED, returning_url
from app.models import Host, OAuthAttempt
from app.salesforce import oauth
from app.states import AttemptState, SignInPurpose
from app.text.storable import printable
from app.user_messages.catalog import say

router = APIRouter(prefix="/oauth/salesforce", include_in_schema=False)

SHORT: Final = 500
LONG_NAME: Final = 100
CONFIRM: Final = "confirm"
FAILED: Final = AttemptState.FAILED
UNFINISHED: Final = "unfinished"
LOOKS: Final = 100
LOOK_SECONDS: Final = 0.25
COOKIE_LIFETIME: Final = 2 * attempts.LIFETIME
"""To come back, and then to confirm: until then the same address shows the same end."""

TicketQuery = Annotated[str, Query(max_length=SHORT)]


@router.get("/start")
async def show_start(resources: ResourcesDep, ticket: TicketQuery = "") -> Response:
    """Name the host and the person who began it. The ticket stays good: links are opened by machines, too."""
    async with resources.database.system() as session:
        attempt = await attempts.find_ticket(session, ticket)
        host = await session.get(Host, attempt.host_id) if attempt else None
    if attempt is None:
        return _used_up()
    return browser_pages.start_page(
        attempt.host_id,
        host_name=printable(host.name or "", LONG_NAME) if host else "",
        person=attempt.begun_by or attempt.user_id,
        action=f"/oauth/salesforce/start?{urlencode({'ticket': ticket})}",
        login_url=attempt.login_url,
        purpose=attempt.purpose,
    )


@router.post("/start")
async def start(request: Request, resources: ResourcesDep, ticket: TicketQuery = "") -> Response:
    """Trade the ticket for a state and a cookie, and go to Salesforce's sign-in."""
    if not _is_own_page(request, resources.settings):
        return _plain("not_our_page", status=403)
    async with resources.database.system() as session:
        departure = await attempts.redeem_ticket(session, resources.vault, ticket)
    if departure is None:
        return _used_up()
    try:
        app = await credentials_for(resources, departure.attempt.host_id, departure.attempt.client_id)
    except AppNotConfigured:
        await record_failure(resources, departure.attempt, ConnectFailed("client_rejected"))
        return _plain("credentials_gone", status=409)
    address = address_of(resources.settings, departure.attempt)
    answer = browser_pages.send_to(_authorize_url(resources.settings, departure, app.client_id))
    answer.set_cookie(
        cookie_name(address),
        departure.browser,
        max_age=int(COOKIE_LIFETIME.total_seconds()),
        path="/",
        secure=is_https(address),
        httponly=True,
        samesite="lax",
    )
    return answer


@router.get("/callback")
async def callback(request: Request, resources: ResourcesDep) -> Response:
    """Salesforce sent the browser back, with a code or an error. The same address again ends the same way."""
    answer = dict(request.query_params)
    async with resources.database.system() as session:
        arrival = await attempts.redeem_state(session, answer.get("state", ""))
    if arrival is None:
        return _plain("unknown_sign_in")
    settings, attempt = resources.settings, arrival.attempt
    if not attempts.fits(
        request.cookies.get(cookie_name(address_of(settings, attempt)), ""), attempt.browser_hash
    ):
        if arrival.is_first:
            await record_failure(resources, attempt, ConnectFailed("other_browser"))
        return _plain("other_browser")
    again = await _asked_for_less(resources, arrival, answer.get("error", ""))
    if again is not None:
        return browser_pages.send_to(again)
    outcome, code = await _outcome(resources, arrival, answer)
    if outcome == UNFINISHED:
        return _plain("unfinished", then="load_again", status=503)
    return _returned(settings, attempt, outcome=outcome, code=code)


def cookie_name(address: str) -> str:
    """Return the cookie's name; `__Host-` keeps other hosts and paths from setting it, and requires https."""
    return "__Host-sf_oauth" if is_https(address) else "sf_oauth"


def is_https(address: str) -> bool:
    return address.startswith("https://")


async def _outcome(
    resources: Resources, arrival: AuthorizationCallback, answer: dict[str, str]
) -> tuple[str, str | None]:
    attempt_id = arrival.attempt.attempt_id
    if not arrival.is_first:
        return await _outcome_before(resources, attempt_id)
    if arrival.is_late:
        await record_failure(resources, arrival.attempt, ConnectFailed("attempt_expired"))
        return FAILED, None
    code = await receive_callback(resources, arrival.attempt, answer)
    return (CONFIRM, code) if code else (FAILED, None)


async def _outcome_before(resources: Resources, attempt_id: str) -> tuple[str, str | None]:
    """How the first arrival ended, once it has; a grant that still waits gets a fresh code."""
    for _ in range(LOOKS):
        async with resources.database.system() as session:
            before = await _state_of(session, attempt_id)
            if before != AttemptState.WAITING:
                code = await attempts.renew_code(session, attempt_id)
                after = await _state_of(session, attempt_id)
                return _shown_again(code, after)
        await asyncio.sleep(LOOK_SECONDS)
    return UNFINISHED, None


async def _state_of(session: AsyncSession, attempt_id: str) -> str | None:
    return await session.scalar(select(OAuthAttempt.state).where(OAuthAttempt.attempt_id == attempt_id))


def _shown_again(code: str | None, state: str | None) -> tuple[str, str | None]:
    if code is not None:
        return CONFIRM, code
    return (CONNECTED if state == CONNECTED else FAILED), None


async def _asked_for_less(resources: Resources, arrival: AuthorizationCallback, error: str) -> str | None:
    """Where the browser goes when the app lacks the scope `id`: without it all can be done, too."""
    attempt = arrival.attempt
    may_lack_id = is_own(attempt.client_id) or attempt.purpose == SignInPurpose.USER
    if error != "invalid_scope" or not arrival.is_first or arrival.is_late or not may_lack_id:
        return None
    try:
        app = await credentials_for(resources, attempt.host_id, attempt.client_id)
    except AppNotConfigured:
        return None
    async with resources.database.system() as session:
        departure = await attempts.redeem_ticket_again(session, resources.vault, attempt.attempt_id)
        return _authorize_url(resources.settings, departure, app.client_id) if departure else None


def _plain(title: str, *, then: str = "start_again", status: int = 400) -> Response:
    return browser_pages.plain_page(say(f"page.{title}"), say(f"page.{then}"), status=status)


def _used_up() -> Response:
    return _plain("used_up", status=410)


def _is_own_page(request: Request, settings: Settings) -> bool:
    """Whether the form was sent by our own page: another site must not submit it."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    return site in (None, "same-origin") and origin in (None, *settings.addresses)


def _authorize_url(settings: Settings, departure: AuthorizationStart, client_id: str) -> str:
    attempt = departure.attempt
    return oauth.authorize_url(
        attempt.login_url,
        client_id=client_id,
        redirect_uri=callback_at(address_of(settings, attempt)),
        scope=" ".join(scopes_of(attempt)),
        state=departure.state,
        code_challenge=oauth.code_challenge(departure.code_verifier),
        prompt="login",
        display="popup" if attempt.display == "popup" else "page",
    )


def scopes_of(attempt: OAuthAttempt) -> tuple[str, ...]:
    """What the sign-in asks for."""
    is_less = attempts.WITHOUT_ID in attempt.details
    if attempt.purpose == SignInPurpose.USER:
        return USER_SCOPES_WITHOUT_ID if is_less else USER_SCOPES
    return SCOPES_WITHOUT_ID if is_less else SCOPES


def _returned(settings: Settings, attempt: OAuthAttempt, *, outcome: str, code: str | None) -> Response:
    origin = attempt.origin or settings.dashboard_url
    url = returning_url(origin, attempt.return_to, outcome=outcome, attempt_id=attempt.attempt_id, code=code)
    if attempt.display == "popup":
        return browser_pages.popup_page(browser_pages.Return(origin, url, attempt.attempt_id, outcome, code))
    return browser_pages.send_to(url)
