"""The browser's way to Salesforce and back: no bearer token here, but a ticket, a state and a cookie.

The ticket was made for a user who was owner or admin at that moment, at most ten minutes ago. The browser
carries no token here; a later token of the same user that shows a lesser role, or none, has ended the attempt
by then, and an attempt that was ended meanwhile stores no grant.
"""

import hmac
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from app.connections import attempts, pages
from app.connections.apps import AppNotConfigured, credentials_for
from app.connections.attempts import Arrival, Departure, hashed
from app.connections.connect import FAILED, complete_attempt, record_failure
from app.connections.connect_errors import ConnectFailed
from app.connections.return_to import returning_url
from app.connections.schemas import SCOPES
from app.models import OAuthAttempt
from app.resources import Resources, ResourcesDep
from app.salesforce import oauth
from app.settings import Settings

router = APIRouter(prefix="/oauth/salesforce", include_in_schema=False)

SHORT: Final = 500
START_AGAIN: Final = "Go back to the dashboard and start again from the Salesforce card."


@router.get("/start")
async def start(resources: ResourcesDep, ticket: Annotated[str, Query(max_length=SHORT)] = "") -> Response:
    """Trade the ticket for a state and a cookie, and go to Salesforce's sign-in."""
    async with resources.database.system() as session:
        departure = await attempts.depart(session, resources.vault, ticket)
    if departure is None:
        return pages.plain_page("This link has been used or has expired", START_AGAIN, status=410)
    try:
        app = await credentials_for(resources, departure.attempt.host_id, departure.attempt.client_id)
    except AppNotConfigured:
        await record_failure(resources, departure.attempt, ConnectFailed("client_rejected"))
        return pages.plain_page("The app's credentials are not saved any more", START_AGAIN, status=409)
    answer = pages.send_to(_authorize_url(resources.settings, departure, app.client_id))
    answer.set_cookie(
        cookie_name(resources.settings),
        departure.browser,
        max_age=int(attempts.LIFETIME.total_seconds()),
        path="/",
        secure=is_https(resources.settings),
        httponly=True,
        samesite="lax",
    )
    return answer


@router.get("/callback")
async def callback(request: Request, resources: ResourcesDep) -> Response:
    """Salesforce sent the browser back, with a code or an error."""
    answer = dict(request.query_params)
    async with resources.database.system() as session:
        arrival = await attempts.arrive(session, answer.get("state", ""))
    if arrival is None:
        return pages.plain_page("This sign-in is not known here", START_AGAIN)
    settings, attempt = resources.settings, arrival.attempt
    if not _is_same_browser(attempt, request.cookies.get(cookie_name(settings), "")):
        await record_failure(resources, attempt, ConnectFailed("other_browser"))
        return pages.plain_page("The sign-in ended in another browser", START_AGAIN)
    response = _returned(settings, attempt, await _outcome(resources, arrival, answer))
    response.delete_cookie(
        cookie_name(settings), path="/", secure=is_https(settings), httponly=True, samesite="lax"
    )
    return response


def cookie_name(settings: Settings) -> str:
    """`__Host-` keeps other hosts and paths from setting it; browsers take it over https only."""
    return "__Host-sf_oauth" if is_https(settings) else "sf_oauth"


def is_https(settings: Settings) -> bool:
    return settings.public_url.startswith("https://")


async def _outcome(resources: Resources, arrival: Arrival, answer: dict[str, str]) -> str:
    if arrival.is_late:
        await record_failure(resources, arrival.attempt, ConnectFailed("attempt_expired"))
        return FAILED
    return await complete_attempt(resources, arrival.attempt, answer)


def _is_same_browser(attempt: OAuthAttempt, cookie: str) -> bool:
    return attempt.browser_hash is not None and hmac.compare_digest(attempt.browser_hash, hashed(cookie))


def _authorize_url(settings: Settings, departure: Departure, client_id: str) -> str:
    attempt = departure.attempt
    return oauth.authorize_url(
        attempt.login_url,
        client_id=client_id,
        redirect_uri=settings.redirect_uri,
        scope=" ".join(SCOPES),
        state=departure.state,
        code_challenge=oauth.code_challenge(departure.code_verifier),
        prompt="login",
        display="popup" if attempt.display == "popup" else "page",
    )


def _returned(settings: Settings, attempt: OAuthAttempt, outcome: str) -> Response:
    if attempt.display == "popup":
        return pages.popup_page(settings.dashboard_url, outcome=outcome, attempt_id=attempt.attempt_id)
    return pages.send_to(
        returning_url(
            settings.dashboard_url, attempt.return_to, outcome=outcome, attempt_id=attempt.attempt_id
        )
    )
