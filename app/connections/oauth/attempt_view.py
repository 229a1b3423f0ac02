"""One attempt to connect, as the dashboard shows it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, cast

from sqlalchemy.ext.asyncio import AsyncSession

from app.api.errors import AttemptNotFound
from app.config.settings import Settings
from app.connections.grants.approval_limit import LIMIT, approvals_view, count_approvals, warnings_of
from app.connections.model.app_credentials import is_own
from app.connections.model.messages import explain
from app.connections.model.schemas import Attempt, AttemptStateName, SalesforceWords, User, org_view
from app.connections.oauth.attempts import UNDER_WAY, find_attempt
from app.connections.oauth.unconfirmed import find_unconfirmed
from app.models import OAuthAttempt, UnconfirmedGrant
from app.states import AttemptState
from app.user_messages.catalog import Advice, codes_of

HINTS: Final = codes_of("hint")


@dataclass(frozen=True)
class Confirmable:
    """The grant that waits to be confirmed, and how many approvals its user and app have, with this one."""

    grant: UnconfirmedGrant
    approvals: int


async def load_attempt(
    session: AsyncSession, settings: Settings, host_id: str, attempt_id: str, *, now: datetime
) -> Attempt:
    """The host's attempt at `now`; approvals are counted over all hosts. Raises AttemptNotFound."""
    attempt = await find_attempt(session, host_id, attempt_id)
    if attempt is None:
        raise AttemptNotFound
    grant = (
        await find_unconfirmed(session, attempt) if _state(attempt, now) == AttemptState.CONFIRMING else None
    )
    if grant is None:
        return view_attempt(settings, attempt, now=now)
    count = await count_approvals(session, (grant.org_id, grant.user_id, grant.client_id))
    return view_attempt(settings, attempt, now=now, confirmable=Confirmable(grant, count))


def view_attempt(
    settings: Settings, attempt: OAuthAttempt, *, now: datetime, confirmable: Confirmable | None = None
) -> Attempt:
    """The attempt at `now`. While nothing came back, it lists what the person may have seen at Salesforce."""
    state = _state(attempt, now)
    is_unheard = state == AttemptState.WAITING or (
        state == AttemptState.EXPIRED and attempt.arrived_at is None
    )
    return Attempt(
        attempt_id=attempt.attempt_id,
        state=cast("AttemptStateName", state),
        environment=attempt.environment,
        problem=_problem(settings, attempt, state),
        salesforce=_words(attempt),
        hints=_hints(settings, attempt) if is_unheard else [],
        org=org_view(confirmable.grant) if confirmable else None,
        user=_user(confirmable.grant) if confirmable else None,
        approvals=approvals_view(confirmable.approvals) if confirmable else None,
        warnings=_warnings(settings, confirmable) if confirmable else [],
        expires_at=attempt.expires_at if confirmable else None,
        started_at=attempt.started_at,
        finished_at=attempt.finished_at or (attempt.expires_at if state == AttemptState.EXPIRED else None),
    )


def _hints(settings: Settings, attempt: OAuthAttempt) -> list[Advice]:
    return [explain(settings, code, is_own=is_own(attempt.client_id)) for code in HINTS]


def _state(attempt: OAuthAttempt, now: datetime) -> AttemptState:
    if attempt.state in UNDER_WAY and attempt.expires_at <= now:
        return AttemptState.EXPIRED
    return AttemptState(attempt.state)


def _problem(settings: Settings, attempt: OAuthAttempt, state: AttemptState) -> Advice | None:
    if state == AttemptState.EXPIRED:
        return explain(settings, "not_confirmed" if attempt.arrived_at else "attempt_expired")
    return explain(settings, attempt.problem_code) if attempt.problem_code else None


def _user(grant: UnconfirmedGrant) -> User:
    return User(id=grant.user_id, username=grant.username, name=grant.user_name)


def _warnings(settings: Settings, confirmable: Confirmable) -> list[Advice]:
    return warnings_of(settings, LIMIT + 1 if confirmable.grant.is_sixth else confirmable.approvals)


def _words(attempt: OAuthAttempt) -> SalesforceWords | None:
    said = attempt.salesforce_error
    return SalesforceWords.model_validate(said) if said else None
