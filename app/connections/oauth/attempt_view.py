"""One attempt to connect, as the dashboard shows it."""

from datetime import datetime
from typing import Final, cast

from sqlalchemy.ext.asyncio import AsyncSession

from app.api.errors import AttemptNotFound
from app.config.settings import Settings
from app.connections.grants.approval_limit import LIMIT, approvals_view, count_approvals, warnings_of
from app.connections.model.app_credentials import is_own
from app.connections.model.messages import explain
from app.connections.model.schemas import Attempt, AttemptStateName, SalesforceWords, org_view, user_view
from app.connections.oauth.attempts import UNDER_WAY, address_of, find_attempt
from app.connections.oauth.unconfirmed import find_unconfirmed
from app.models import Connection, OAuthAttempt, UnconfirmedGrant
from app.states import AttemptState, SignInPurpose
from app.user_messages.catalog import codes_of
from app.user_messages.rows import Advice

HINTS: Final = codes_of("hint")


async def load_attempt(
    session: AsyncSession, settings: Settings, host_id: str, attempt_id: str, *, user_id: str, now: datetime
) -> Attempt:
    """The host's attempt at `now`, as this user may see it: who somebody is in Salesforce, that person alone.

    Approvals are counted over all hosts. Raises AttemptNotFound.
    """
    attempt = await find_attempt(session, host_id, attempt_id)
    if attempt is None or (attempt.purpose == SignInPurpose.USER and attempt.user_id != user_id):
        raise AttemptNotFound
    view = view_attempt(settings, attempt, now=now)
    is_confirming = _state(attempt, now) == AttemptState.CONFIRMING
    grant = await find_unconfirmed(session, host_id, attempt_id) if is_confirming else None
    if grant is None:
        return view
    signed_in_to = grant if isinstance(grant, UnconfirmedGrant) else await session.get(Connection, host_id)
    count = await count_approvals(session, (grant.org_id, grant.user_id, grant.client_id))
    confirmable = {
        "org": org_view(signed_in_to) if signed_in_to else None,
        "user": user_view(grant),
        "approvals": approvals_view(count),
        "warnings": warnings_of(settings, LIMIT + 1 if grant.is_sixth else count),
        "expires_at": attempt.expires_at,
    }
    return view.model_copy(update=confirmable)


def view_attempt(settings: Settings, attempt: OAuthAttempt, *, now: datetime) -> Attempt:
    """The attempt at `now`. While nothing came back, it lists what the person may have seen at Salesforce."""
    state = _state(attempt, now)
    is_expired = state == AttemptState.EXPIRED
    is_unheard = state == AttemptState.WAITING or (is_expired and attempt.arrived_at is None)
    hints = HINTS if is_unheard else ()
    said = attempt.salesforce_error
    return Attempt(
        attempt_id=attempt.attempt_id,
        purpose=SignInPurpose(attempt.purpose).value,
        state=cast("AttemptStateName", state),
        environment=attempt.environment,
        problem=_problem(settings, attempt, state),
        salesforce=SalesforceWords.model_validate(said) if said else None,
        hints=[_explain(settings, attempt, code, is_own=is_own(attempt.client_id)) for code in hints],
        org=None,
        user=None,
        approvals=None,
        warnings=[],
        expires_at=None,
        started_at=attempt.started_at,
        finished_at=attempt.finished_at or (attempt.expires_at if is_expired else None),
    )


def _state(attempt: OAuthAttempt, now: datetime) -> AttemptState:
    if attempt.state in UNDER_WAY and attempt.expires_at <= now:
        return AttemptState.EXPIRED
    return AttemptState(attempt.state)


def _problem(settings: Settings, attempt: OAuthAttempt, state: AttemptState) -> Advice | None:
    if state == AttemptState.EXPIRED:
        return explain(settings, "not_confirmed" if attempt.arrived_at else "attempt_expired")
    return _explain(settings, attempt, attempt.problem_code) if attempt.problem_code else None


def _explain(settings: Settings, attempt: OAuthAttempt, code: str, *, is_own: bool = False) -> Advice:
    return explain(settings, code, is_own=is_own, address=address_of(settings, attempt))
